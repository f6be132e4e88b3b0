package builtin

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/types"
)

// constant
var (
	monthNames = [...]string{"", "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}
	dayNames   = [...]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}
	romans     = [...]string{"", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"}
	// dateWords are the template patterns; a longer one comes before its beginning.
	dateWords = []string{"SSSSS", "SSSS", "SS", "YYYY", "Y,YYY", "YYY", "YY", "Y", "IYYY", "IYY", "IY", "IDDD", "ID", "IW", "I",
		"HH24", "HH12", "HH", "MI", "MS", "MONTH", "MON", "MM", "US", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6",
		"A.M.", "AM", "P.M.", "PM", "A.D.", "AD", "B.C.", "BC", "DAY", "DY", "DDD", "DD", "D", "WW", "W", "CC", "J", "Q", "RM",
		"TZH", "TZM", "TZ", "OF"}
)

// piece is a part of a template: a pattern in its own spelling, or a literal.
type piece struct {
	key  string // upper case; "" for a literal
	text string
	fill bool // FM: no padding
	th   string
}

// dateTemplate cuts a date template into pieces.
func dateTemplate(s string) []piece {
	var out []piece
	lit := func(t string) { out = append(out, piece{text: t}) }
next:
	for s != "" {
		switch {
		case s[0] == '"':
			i := 1
			var b strings.Builder
			for i < len(s) && s[i] != '"' {
				if s[i] == '\\' && i+1 < len(s) {
					i++
				}
				b.WriteByte(s[i])
				i++
			}
			lit(b.String())
			s = s[min(i+1, len(s)):]
			continue
		case s[0] == '\\' && len(s) > 1 && s[1] == '"':
			lit(`"`)
			s = s[2:]
			continue
		}
		p := piece{}
		rest := s
		for {
			up := strings.ToUpper(rest[:min(2, len(rest))])
			if up == "FM" {
				p.fill = true
			} else if up != "FX" && up != "TM" {
				break
			}
			rest = rest[2:]
		}
		for _, w := range dateWords {
			if len(rest) >= len(w) && strings.EqualFold(rest[:len(w)], w) {
				p.key, p.text = w, rest[:len(w)]
				rest = rest[len(w):]
				if len(rest) >= 2 && strings.EqualFold(rest[:2], "th") {
					p.th = rest[:2]
					rest = rest[2:]
				}
				out = append(out, p)
				s = rest
				continue next
			}
		}
		if len(rest) < len(s) {
			s = rest
			continue
		}
		_, w := firstRune(s)
		lit(s[:w])
		s = s[w:]
	}
	return out
}

func firstRune(s string) (rune, int) {
	for i, r := range s {
		if i > 0 {
			return 0, i
		}
		_ = r
	}
	return 0, len(s)
}

// shown is what a template prints from.
type shown struct {
	f        types.Fields
	interval bool
	east     int
	abbrev   string
	hasZone  bool
	hour     int64
}

// asCase spells a word like its pattern: MONTH, Month, month.
func asCase(pattern, word string) string {
	switch {
	case pattern == strings.ToUpper(pattern):
		return strings.ToUpper(word)
	case unicode.IsUpper(rune(pattern[0])):
		return word
	}
	return strings.ToLower(word)
}

func ordinal(n int64, th string) string {
	s := "th"
	if n < 0 {
		n = -n
	}
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			s = "st"
		case 2:
			s = "nd"
		case 3:
			s = "rd"
		}
	}
	if th == strings.ToUpper(th) {
		return strings.ToUpper(s)
	}
	return s
}

// number is n with so many digits, and what the pattern's FM and TH say.
func (p piece) number(n int64, width int) string {
	s := strconv.FormatInt(n, 10)
	if !p.fill {
		if n < 0 {
			s = fmt.Sprintf("-%0*d", width, -n)
		} else {
			s = fmt.Sprintf("%0*d", width, n)
		}
	}
	if p.th != "" {
		s += ordinal(n, p.th)
	}
	return s
}

// word is s in the pattern's case, padded unless FM says otherwise.
func (p piece) word(s string, width int) string {
	s = asCase(p.text, s)
	if !p.fill && width > 0 {
		s = fmt.Sprintf("%-*s", width, s)
	}
	return s
}

// sameCase is s, in lower case if the pattern is.
func (p piece) sameCase(s string) string {
	if p.text[0] >= 'a' {
		return strings.ToLower(s)
	}
	return s
}

func (v *shown) print(p piece) string {
	for _, f := range [...]func(p piece) (string, bool){v.clock, v.year, v.month, v.day, v.zone} {
		if s, ok := f(p); ok {
			return s
		}
	}
	return p.text
}

// clock prints what belongs to the time of day.
func (v *shown) clock(p piece) (string, bool) {
	f := &v.f
	usec := int64(f.Usec)
	half := func(am, pm string) (string, bool) {
		if v.hour%24 >= 12 {
			am = pm
		}
		return p.sameCase(am), true
	}
	switch p.key {
	case "HH24":
		return p.number(v.hour, 2), true
	case "HH12", "HH":
		if h := v.hour % 12; h != 0 {
			return p.number(h, 2), true
		}
		return p.number(12, 2), true
	case "MI":
		return p.number(int64(f.Min), 2), true
	case "SS":
		return p.number(int64(f.Sec), 2), true
	case "SSSS", "SSSSS":
		return p.number(v.hour*3600+int64(f.Min)*60+int64(f.Sec), 0), true
	case "MS", "FF3":
		return p.number(usec/1000, 3), true
	case "US", "FF6":
		return p.number(usec, 6), true
	case "FF1":
		return p.number(usec/100000, 1), true
	case "FF2":
		return p.number(usec/10000, 2), true
	case "FF4":
		return p.number(usec/100, 4), true
	case "FF5":
		return p.number(usec/10, 5), true
	case "AM", "PM":
		return half("AM", "PM")
	case "A.M.", "P.M.":
		return half("A.M.", "P.M.")
	}
	return "", false
}

// year prints eras, centuries and years, of the calendar and of ISO 8601's weeks.
func (v *shown) year(p piece) (string, bool) {
	f := &v.f
	year := int64(f.Year)
	if !v.interval && year <= 0 {
		year = 1 - year
	}
	iso, _ := isoWeek(types.Days(f.Year, f.Month, f.Day))
	if iso <= 0 {
		iso = 1 - iso
	}
	switch p.key {
	case "AD", "BC", "A.D.", "B.C.":
		s := "AD"
		if f.Year <= 0 {
			s = "BC"
		}
		if len(p.key) == 4 {
			s = s[:1] + "." + s[1:] + "."
		}
		return p.sameCase(s), true
	case "CC":
		if v.interval {
			return p.number(int64(f.Year/100), 2), true
		}
		c, _ := ofCalendar("century", *f)
		return p.number(c.n, 2), true
	case "YYYY":
		return p.number(year, 4), true
	case "Y,YYY":
		return fmt.Sprintf("%d,%03d", year/1000, year%1000), true
	case "YYY":
		return p.number(year%1000, 3), true
	case "YY":
		return p.number(year%100, 2), true
	case "Y":
		return p.number(year%10, 1), true
	case "IYYY":
		return p.number(int64(iso), 4), true
	case "IYY":
		return p.number(int64(iso%1000), 3), true
	case "IY":
		return p.number(int64(iso%100), 2), true
	case "I":
		return p.number(int64(iso%10), 1), true
	}
	return "", false
}

// month prints months and quarters; an interval may have none.
func (v *shown) month(p piece) (string, bool) {
	m := v.f.Month
	switch p.key {
	case "MM":
		return p.number(int64(m), 2), true
	case "MONTH", "MON", "Q", "RM":
		if m < 1 {
			return "", true
		}
	}
	switch p.key {
	case "MONTH":
		return p.word(monthNames[m], 9), true
	case "MON":
		return p.word(monthNames[m][:3], 0), true
	case "Q":
		return p.number(int64((m-1)/3+1), 0), true
	case "RM":
		s := p.sameCase(romans[m])
		if !p.fill {
			s = fmt.Sprintf("%-4s", s)
		}
		return s, true
	}
	return "", false
}

// day prints weeks and days.
func (v *shown) day(p piece) (string, bool) {
	f := &v.f
	days := types.Days(f.Year, f.Month, f.Day)
	weekday := types.DayOfWeek(days)
	_, week := isoWeek(days)
	switch p.key {
	case "IW":
		return p.number(int64(week), 2), true
	case "ID":
		return p.number(int64((weekday+6)%7+1), 0), true
	case "IDDD":
		return p.number(int64((week-1)*7+(weekday+6)%7+1), 3), true
	case "DAY":
		return p.word(dayNames[weekday], 9), true
	case "DY":
		return p.word(dayNames[weekday][:3], 0), true
	case "DDD":
		if v.interval {
			return p.number((int64(f.Year)*12+int64(f.Month))*30+int64(f.Day), 3), true
		}
		return p.number(int64(days-types.Days(f.Year, 1, 1)+1), 3), true
	case "DD":
		return p.number(int64(f.Day), 2), true
	case "D":
		return p.number(int64(weekday+1), 0), true
	case "WW":
		return p.number(int64((days-types.Days(f.Year, 1, 1))/7+1), 2), true
	case "W":
		return p.number(int64((f.Day-1)/7+1), 0), true
	case "J":
		return p.number(int64(days+types.EpochJulian), 0), true
	}
	return "", false
}

// zone prints the time zone.
func (v *shown) zone(p piece) (string, bool) {
	hours := fmt.Sprintf("%c%02d", signChar(v.east), abs(v.east)/3600)
	minutes := abs(v.east) % 3600 / 60
	switch p.key {
	case "TZ":
		return p.sameCase(v.abbrev), true
	case "TZH":
		return hours, true
	case "TZM":
		return fmt.Sprintf("%02d", minutes), true
	case "OF":
		if minutes != 0 {
			hours += fmt.Sprintf(":%02d", minutes)
		}
		return hours, true
	}
	return "", false
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

func signChar(n int) rune {
	if n < 0 {
		return '-'
	}
	return '+'
}

func (v *shown) format(tmpl []byte) (datum.Datum, error) {
	var b strings.Builder
	for _, p := range dateTemplate(string(tmpl)) {
		switch {
		case p.key == "":
			b.WriteString(p.text)
		case v.interval && (p.key == "DAY" || p.key == "DY" || p.key == "D" || p.key == "ID" || p.key == "AD" || p.key == "BC" || p.key == "A.D." || p.key == "B.C." || strings.HasPrefix(p.key, "TZ") || p.key == "OF" || p.key == "MONTH" || p.key == "MON"):
			return datum.Null(), pgerr.New(pgerr.InvalidDatetimeFormat, "invalid format specification for an interval value").
				WithHint("Intervals are not tied to specific calendar dates.")
		default:
			b.WriteString(v.print(p))
		}
	}
	return text(b.String())
}

func addToChar(r funcs) {
	r.scalar("timestamp_to_char", func(c *Call) (datum.Datum, error) {
		if len(arg(c, 1)) == 0 || !finite(c.Args[0].Int) {
			return datum.Null(), nil
		}
		f := types.Split(c.Args[0].Int)
		return (&shown{f: f, hour: int64(f.Hour)}).format(arg(c, 1))
	})
	r.scalar("timestamptz_to_char", func(c *Call) (datum.Datum, error) {
		if len(arg(c, 1)) == 0 || !finite(c.Args[0].Int) {
			return datum.Null(), nil
		}
		east, abbrev := types.ZoneAt(c.Env.Location(), c.Args[0].Int)
		f := types.Split(c.Args[0].Int + int64(east)*usecSec)
		return (&shown{f: f, hour: int64(f.Hour), east: east, abbrev: abbrev, hasZone: true}).format(arg(c, 1))
	})
	r.scalar("interval_to_char", func(c *Call) (datum.Datum, error) {
		if len(arg(c, 1)) == 0 {
			return datum.Null(), nil
		}
		v := types.ParseSpan(arg(c, 0))
		t := v.Micros
		f := types.Fields{Year: int(v.Months / 12), Month: int(v.Months % 12), Day: int(v.Days),
			Min: int(t / usecMin % 60), Sec: int(t / usecSec % 60), Usec: int(t % usecSec)}
		return (&shown{f: f, interval: true, hour: t / usecHour}).format(arg(c, 1))
	})
	addFromChar(r)
	addNumberChar(r)
}
