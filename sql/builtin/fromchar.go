package builtin

import (
	"strconv"
	"strings"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/types"
)

// parsed collects what to_timestamp and to_date read.
type parsed struct {
	f            types.Fields
	y, cc        int
	hasY, hasCC  bool
	h12, pm, bc  bool
	doy, j       int
	east         int
	hasZone      bool
	ssss         int
	q            int
	isoY, isoW   int
	isoD         int
	daySet, mSet bool
}

func errValue(src, key string) error {
	return pgerr.New(pgerr.InvalidDatetimeFormat, "invalid value \"%s\" for \"%s\"", src, key).WithDetail("Value must be an integer.")
}

// widthOf is how many digits a pattern reads when another follows at once.
func widthOf(key string) int {
	switch key {
	case "YYYY", "IYYY":
		return 4
	case "YYY", "IYY", "DDD", "IDDD", "MS", "FF3":
		return 3
	case "Y", "I", "D", "ID", "Q", "W", "FF1":
		return 1
	case "US", "FF6":
		return 6
	case "SSSS", "SSSSS":
		return 5
	case "J":
		return 7
	case "FF4":
		return 4
	case "FF5":
		return 5
	}
	return 2
}

// read matches src against the template.
func (v *parsed) read(src, tmpl string) error {
	ps := dateTemplate(tmpl)
	for i, p := range ps {
		if p.key == "" {
			src = skipLiteral(src, p.text)
			continue
		}
		src = strings.TrimLeft(src, " \t\n")
		if src == "" {
			break
		}
		if rest, ok, err := v.readWord(src, p); ok || err != nil {
			if err != nil {
				return err
			}
			src = rest
			continue
		}
		limit := len(src)
		if i+1 < len(ps) && ps[i+1].key != "" {
			limit = widthOf(p.key)
		} else if i+1 < len(ps) && ps[i+1].text != "" && ps[i+1].text[0] >= '0' && ps[i+1].text[0] <= '9' {
			limit = widthOf(p.key)
		}
		n := 0
		if n < len(src) && (src[n] == '-' || src[n] == '+') {
			n++
		}
		start := n
		for n < len(src) && n-start < limit && src[n] >= '0' && src[n] <= '9' {
			n++
		}
		val, err := strconv.Atoi(strings.TrimPrefix(src[:n], "+"))
		if n == start || err != nil {
			k := min(widthOf(p.key), len(src))
			return errValue(src[:k], p.text)
		}
		if err := v.set(p.key, val, n-start); err != nil {
			return err
		}
		src = src[n:]
		if p.th != "" && len(src) >= 2 {
			src = src[2:]
		}
	}
	return nil
}

// skipLiteral: a separator in the template matches any one separator, or none.
func skipLiteral(src, lit string) string {
	for range len([]rune(lit)) {
		if src == "" {
			return src
		}
		sep := func(b byte) bool {
			return b < 128 && !(b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'z')
		}
		if sep(lit[0]) {
			if sep(src[0]) && !((src[0] == '-' || src[0] == '+') && lit[0] == ' ') {
				src = src[1:]
			}
		} else {
			_, w := firstRune(src)
			src = src[w:]
		}
	}
	return src
}

// readWord reads names and marks.
func (v *parsed) readWord(src string, p piece) (string, bool, error) {
	has := func(w string) bool { return len(src) >= len(w) && strings.EqualFold(src[:len(w)], w) }
	switch p.key {
	case "MONTH", "MON":
		for i := 1; i <= 12; i++ {
			w := monthNames[i]
			if p.key == "MON" {
				w = w[:3]
			}
			if has(w) {
				v.f.Month, v.mSet = i, true
				return src[len(w):], true, nil
			}
		}
	case "DAY", "DY":
		for _, w := range dayNames {
			if p.key == "DY" {
				w = w[:3]
			}
			if has(w) {
				return src[len(w):], true, nil
			}
		}
	case "RM":
		for i := 12; i >= 1; i-- {
			if has(romans[i]) {
				v.f.Month, v.mSet = i, true
				return src[len(romans[i]):], true, nil
			}
		}
	case "AM", "PM", "A.M.", "P.M.":
		for _, w := range []string{"A.M.", "P.M.", "AM", "PM"} {
			if len(w) == len(p.key) && has(w) {
				v.h12, v.pm = true, w[0] == 'P'
				return src[len(w):], true, nil
			}
		}
	case "AD", "BC", "A.D.", "B.C.":
		for _, w := range []string{"A.D.", "B.C.", "AD", "BC"} {
			if len(w) == len(p.key) && has(w) {
				v.bc = w[0] == 'B'
				return src[len(w):], true, nil
			}
		}
	case "Y,YYY":
		a, b, ok := strings.Cut(src, ",")
		k, err := strconv.Atoi(a)
		if ok && err == nil && len(b) >= 3 {
			if r, err := strconv.Atoi(b[:3]); err == nil {
				v.y, v.hasY = k*1000+r, true
				return b[3:], true, nil
			}
		}
		return src, false, pgerr.New(pgerr.InvalidDatetimeFormat, "invalid input string for \"Y,YYY\"")
	case "TZ", "OF":
		return src, false, pgerr.New(pgerr.FeatureNotSupported, "formatting field \"%s\" is only supported in to_char", p.key)
	default:
		return src, false, nil
	}
	end := strings.IndexAny(src+" ", " \t\n\r\f\v")
	return src, false, pgerr.New(pgerr.InvalidDatetimeFormat, "invalid value \"%s\" for \"%s\"", src[:end], p.text).
		WithDetail("The given value did not match any of the allowed values for this field.")
}

// set stores a number.
func (v *parsed) set(key string, n, digits int) error {
	frac := func() {
		for ; digits < 6; digits++ {
			n *= 10
		}
		for ; digits > 6; digits-- {
			n /= 10
		}
		v.f.Usec = n
	}
	switch key {
	case "YYYY", "YYY", "YY", "Y":
		if digits <= 3 && key != "YYYY" || digits < 4 && key != "YYYY" {
			n = fullYear(n, digits)
		}
		v.y, v.hasY = n, true
		if n < 0 {
			v.y, v.bc = -n, true
		}
	case "IYYY", "IYY", "IY", "I":
		v.isoY = n
		if digits < 4 && key != "IYYY" {
			v.isoY = fullYear(n, digits)
		}
	case "IW":
		v.isoW = n
	case "ID":
		v.isoD = n
	case "MM":
		v.f.Month, v.mSet = n, true
	case "DD":
		v.f.Day, v.daySet = n, true
	case "DDD":
		v.doy = n
	case "HH24":
		v.f.Hour = n
	case "HH12", "HH":
		v.f.Hour, v.h12 = n, true
		if n < 1 || n > 12 {
			return pgerr.New(pgerr.InvalidDatetimeFormat, "hour \"%d\" is invalid for the 12-hour clock", n).
				WithHint("Use the 24-hour clock, or give an hour between 1 and 12.")
		}
	case "MI":
		v.f.Min = n
	case "SS":
		v.f.Sec = n
	case "SSSS", "SSSSS":
		v.ssss = n
		v.f.Hour, v.f.Min, v.f.Sec = n/3600, n/60%60, n%60
	case "MS", "US", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6":
		frac()
	case "J":
		v.j = n
	case "CC":
		v.cc, v.hasCC = n, true
	case "Q":
		v.q = n
	case "TZH":
		v.hasZone, v.east = true, v.east+n*3600
	case "TZM":
		if v.east < 0 {
			n = -n
		}
		v.east += n * 60
	}
	return nil
}

// fullYear completes a year of less than four digits to the one nearest 2020.
func fullYear(n, digits int) int {
	switch {
	case n < 70:
		return n + 2000
	case n < 100:
		return n + 1900
	case n < 520:
		return n + 2000
	case n < 1000:
		return n + 1000
	}
	return n
}

// finish makes the calendar day; src is for messages.
func (v *parsed) finish(src string) error {
	bad := pgerr.New(pgerr.DatetimeFieldOverflow, "date/time field value out of range: \"%s\"", src)
	f := &v.f
	if v.h12 {
		if v.pm && f.Hour < 12 {
			f.Hour += 12
		} else if !v.pm && f.Hour == 12 {
			f.Hour = 0
		}
	}
	y := v.y
	if v.hasCC {
		if v.hasY {
			y = (v.cc-1)*100 + y%100
			if y%100 == 0 {
				y += 100
			}
		} else {
			y = (v.cc-1)*100 + 1
		}
		v.hasY = true
	}
	if v.bc && v.hasY {
		y = 1 - y
	}
	f.Year = y
	if f.Month == 0 && !v.mSet {
		f.Month = 1
	}
	if f.Day == 0 && !v.daySet {
		f.Day = 1
	}
	switch {
	case v.j != 0:
		f.Year, f.Month, f.Day = types.Civil(v.j - types.EpochJulian)
	case v.isoY != 0:
		w, d := max(v.isoW, 1), max(v.isoD, 1)
		jan4 := types.Days(v.isoY, 1, 4)
		f.Year, f.Month, f.Day = types.Civil(jan4 - (types.DayOfWeek(jan4)+6)%7 + (w-1)*7 + d - 1)
	case v.doy != 0:
		f.Year, f.Month, f.Day = types.Civil(types.Days(f.Year, 1, 1) + v.doy - 1)
	}
	if f.Month < 1 || f.Month > 12 || f.Day < 1 || f.Day > types.DaysInMonth(f.Year, f.Month) ||
		f.Hour < 0 || f.Hour > 23 || f.Min < 0 || f.Min > 59 || f.Sec < 0 || f.Sec > 59 {
		return bad
	}
	return nil
}

func addFromChar(r funcs) {
	parse := func(c *Call) (*parsed, error) {
		v := &parsed{}
		if err := v.read(string(arg(c, 0)), string(arg(c, 1))); err != nil {
			return nil, err
		}
		if !v.hasY && !v.hasCC && v.j == 0 && v.isoY == 0 { // no year: 1 BC, as year 0
			v.f.Year = 0
		}
		return v, v.finish(string(arg(c, 0)))
	}
	r.scalar("to_timestamp", func(c *Call) (datum.Datum, error) {
		v, err := parse(c)
		if err != nil {
			return datum.Null(), err
		}
		ts, ok := v.f.Join()
		if !ok {
			return datum.Null(), errTimestamp()
		}
		if v.hasZone {
			return datum.Int(ts - int64(v.east)*usecSec), nil
		}
		return intResult(types.FromLocal(c.Env.Location(), ts))
	})
	r.scalar("to_date", func(c *Call) (datum.Datum, error) {
		v, err := parse(c)
		if err != nil {
			return datum.Null(), err
		}
		return checkDate(int64(types.Days(v.f.Year, v.f.Month, v.f.Day)))
	})
}
