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

func (v *shown) print(p piece) string {
	f := &v.f
	num := func(n int64, width int) string {
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
	word := func(s string, width int) string {
		s = asCase(p.text, s)
		if !p.fill && width > 0 {
			s = fmt.Sprintf("%-*s", width, s)
		}
		return s
	}
	days := types.Days(f.Year, f.Month, f.Day)
	year := int64(f.Year)
	if !v.interval && year <= 0 {
		year = 1 - year
	}
	isoYear, isoWk := isoWeek(days)
	if isoYear <= 0 {
		isoYear = 1 - isoYear
	}
	half := func(am, pm string) string {
		if v.hour%24 >= 12 {
			am = pm
		}
		if p.text[0] >= 'a' {
			return strings.ToLower(am)
		}
		return am
	}
	h12 := v.hour % 12
	if h12 == 0 {
		h12 = 12
	}
	switch p.key {
	case "HH24":
		return num(v.hour, 2)
	case "HH12", "HH":
		return num(h12, 2)
	case "MI":
		return num(int64(f.Min), 2)
	case "SS":
		return num(int64(f.Sec), 2)
	case "SSSS", "SSSSS":
		return num(v.hour*3600+int64(f.Min)*60+int64(f.Sec), 0)
	case "MS", "FF3":
		return num(int64(f.Usec)/1000, 3)
	case "US", "FF6":
		return num(int64(f.Usec), 6)
	case "FF1":
		return num(int64(f.Usec)/100000, 1)
	case "FF2":
		return num(int64(f.Usec)/10000, 2)
	case "FF4":
		return num(int64(f.Usec)/100, 4)
	case "FF5":
		return num(int64(f.Usec)/10, 5)
	case "AM", "PM":
		return half("AM", "PM")
	case "A.M.", "P.M.":
		return half("A.M.", "P.M.")
	case "AD", "BC", "A.D.", "B.C.":
		s := "AD"
		if f.Year <= 0 {
			s = "BC"
		}
		if len(p.key) == 4 {
			s = s[:1] + "." + s[1:] + "."
		}
		if p.text[0] >= 'a' {
			s = strings.ToLower(s)
		}
		return s
	case "YYYY":
		return num(year, 4)
	case "Y,YYY":
		return fmt.Sprintf("%d,%03d", year/1000, year%1000)
	case "YYY":
		return num(year%1000, 3)
	case "YY":
		return num(year%100, 2)
	case "Y":
		return num(year%10, 1)
	case "IYYY":
		return num(int64(isoYear), 4)
	case "IYY":
		return num(int64(isoYear%1000), 3)
	case "IY":
		return num(int64(isoYear%100), 2)
	case "I":
		return num(int64(isoYear%10), 1)
	case "IW":
		return num(int64(isoWk), 2)
	case "ID":
		return num(int64((types.DayOfWeek(days)+6)%7+1), 0)
	case "IDDD":
		_, w := isoWeek(days)
		return num(int64((w-1)*7+(types.DayOfWeek(days)+6)%7+1), 3)
	case "MONTH":
		if f.Month < 1 {
			return ""
		}
		return word(monthNames[f.Month], 9)
	case "MON":
		if f.Month < 1 {
			return ""
		}
		return word(monthNames[f.Month][:3], 0)
	case "MM":
		return num(int64(f.Month), 2)
	case "DAY":
		return word(dayNames[types.DayOfWeek(days)], 9)
	case "DY":
		return word(dayNames[types.DayOfWeek(days)][:3], 0)
	case "DDD":
		if v.interval {
			return num((year*12+int64(f.Month))*30+int64(f.Day), 3)
		}
		return num(int64(days-types.Days(f.Year, 1, 1)+1), 3)
	case "DD":
		return num(int64(f.Day), 2)
	case "D":
		return num(int64(types.DayOfWeek(days)+1), 0)
	case "WW":
		return num(int64((days-types.Days(f.Year, 1, 1))/7+1), 2)
	case "W":
		return num(int64((f.Day-1)/7+1), 0)
	case "CC":
		c, _ := ofCalendar("century", *f)
		return num(c.n, 2)
	case "J":
		return num(int64(days+types.EpochJulian), 0)
	case "Q":
		if f.Month < 1 {
			return ""
		}
		return num(int64((f.Month-1)/3+1), 0)
	case "RM":
		if f.Month < 1 {
			return ""
		}
		s := romans[f.Month]
		if p.text[0] >= 'a' {
			s = strings.ToLower(s)
		}
		if !p.fill {
			s = fmt.Sprintf("%-4s", s)
		}
		return s
	case "TZ":
		if p.text[0] >= 'a' {
			return strings.ToLower(v.abbrev)
		}
		return v.abbrev
	case "TZH":
		return fmt.Sprintf("%c%02d", signChar(v.east), abs(v.east)/3600)
	case "TZM":
		return fmt.Sprintf("%02d", abs(v.east)%3600/60)
	case "OF":
		s := fmt.Sprintf("%c%02d", signChar(v.east), abs(v.east)/3600)
		if m := abs(v.east) % 3600 / 60; m != 0 {
			s += fmt.Sprintf(":%02d", m)
		}
		return s
	}
	return p.text
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
