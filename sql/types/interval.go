package types

import (
	"math"
	"strconv"
	"strings"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// Span is an interval: its three parts do not carry into each other.
type Span struct {
	Micros int64
	Days   int32
	Months int32
}

// ParseSpan reads an interval's payload.
func ParseSpan(b []byte) Span {
	if len(b) < 16 {
		return Span{}
	}
	return Span{int64(le.Uint64(b)), int32(le.Uint32(b[8:])), int32(le.Uint32(b[12:]))}
}

// Datum is the payload.
func (v Span) Datum() datum.Datum {
	b := make([]byte, 16)
	le.PutUint64(b, uint64(v.Micros))
	le.PutUint32(b[8:], uint32(v.Days))
	le.PutUint32(b[12:], uint32(v.Months))
	return datum.Bytes(b)
}

// Bits of the range half of an interval's modifier.
const (
	rangeYear   = 1 << 2
	rangeMonth  = 1 << 1
	rangeDay    = 1 << 3
	rangeHour   = 1 << 10
	rangeMinute = 1 << 11
	rangeSecond = 1 << 12
	rangeFull   = 0x7fff
	precFull    = 0xffff
)

// ApplyTypMod cuts and rounds to the fields that the modifier names.
func (v Span) ApplyTypMod(typmod int32) (Span, error) {
	if typmod < 0 {
		return v, nil
	}
	rng, prec := int(typmod>>16)&rangeFull, int(typmod)&0xffff
	switch rng {
	case rangeFull, rangeSecond, rangeMinute | rangeSecond, rangeHour | rangeMinute | rangeSecond,
		rangeDay | rangeHour | rangeMinute | rangeSecond:
	default:
		return v, pgerr.New(pgerr.InternalError, "unrecognized interval typmod: %d", typmod)
	case rangeYear:
		v.Months, v.Days, v.Micros = v.Months/12*12, 0, 0
	case rangeMonth, rangeYear | rangeMonth:
		v.Days, v.Micros = 0, 0
	case rangeDay:
		v.Micros = 0
	case rangeHour, rangeDay | rangeHour:
		v.Micros = v.Micros / usecsPerHour * usecsPerHour
	case rangeMinute, rangeDay | rangeHour | rangeMinute, rangeHour | rangeMinute:
		v.Micros = v.Micros / usecsPerMin * usecsPerMin
	}
	if prec != precFull {
		if prec > 6 {
			return v, pgerr.New(pgerr.InvalidParameterValue, "interval(%d) precision must be between %d and %d", prec, 0, 6)
		}
		v.Micros = RoundTime(v.Micros, int32(prec))
	}
	return v, nil
}

// acc sums the parts of an interval text.
type acc struct {
	months, days, us float64 // whole numbers; float64 keeps overflow visible
	usInt            int64
	over             bool
	seen             string // units used so far, each as ",unit,"
}

func (a *acc) addUsec(n int64) {
	s := a.usInt + n
	if n > 0 && s < a.usInt || n < 0 && s > a.usInt {
		a.over = true
	}
	a.usInt = s
}

// add counts v units plus a fraction of one, which spills into smaller parts.
func (a *acc) add(v int64, frac float64, unit string) bool {
	usec := func(per float64) {
		f := float64(v) * per
		if math.Abs(f) >= math.MaxInt64 {
			a.over = true
			return
		}
		a.addUsec(v * int64(per))
		a.addUsec(int64(math.RoundToEven(frac * per)))
	}
	switch unit {
	case "us":
		usec(1)
	case "ms":
		usec(1000)
	case "s":
		usec(usecsPerSec)
	case "m":
		usec(usecsPerMin)
	case "h":
		usec(usecsPerHour)
	case "d":
		a.days += float64(v)
		a.addUsec(int64(math.RoundToEven(frac * usecsPerDay)))
	case "w":
		a.days += float64(v) * 7
		a.fracDays(frac * 7)
	case "mon":
		a.months += float64(v)
		a.fracDays(frac * 30)
	default:
		n, ok := map[string]float64{"y": 12, "dec": 120, "c": 1200, "mil": 12000}[unit]
		if !ok {
			return false
		}
		a.months += float64(v)*n + math.RoundToEven(frac*n)
	}
	return true
}

// once notes a unit; false if it was used before.
func (a *acc) once(units ...string) bool {
	for _, u := range units {
		if strings.Contains(a.seen, ","+u+",") {
			return false
		}
		a.seen += "," + u + ","
	}
	return true
}

func (a *acc) fracDays(f float64) {
	whole := math.Trunc(f)
	a.days += whole
	a.addUsec(int64(math.RoundToEven((f - whole) * usecsPerDay)))
}

func (a *acc) span() (Span, bool) {
	if a.over || math.Abs(a.months) > math.MaxInt32 || math.Abs(a.days) > math.MaxInt32 {
		return Span{}, false
	}
	return Span{a.usInt, int32(a.days), int32(a.months)}, true
}

// constant
var spanUnits = map[string]string{
	"us": "us", "usec": "us", "usecs": "us", "usecond": "us", "useconds": "us", "microsecon": "us", "microsecond": "us", "microseconds": "us",
	"ms": "ms", "msec": "ms", "msecs": "ms", "msecond": "ms", "mseconds": "ms", "millisecon": "ms", "millisecond": "ms", "milliseconds": "ms",
	"s": "s", "sec": "s", "secs": "s", "second": "s", "seconds": "s",
	"m": "m", "min": "m", "mins": "m", "minute": "m", "minutes": "m",
	"h": "h", "hr": "h", "hrs": "h", "hour": "h", "hours": "h",
	"d": "d", "day": "d", "days": "d", "w": "w", "week": "w", "weeks": "w",
	"mon": "mon", "mons": "mon", "month": "mon", "months": "mon",
	"y": "y", "yr": "y", "yrs": "y", "year": "y", "years": "y",
	"dec": "dec", "decade": "dec", "decades": "dec", "decs": "dec",
	"c": "c", "cent": "c", "century": "c", "centuries": "c",
	"mil": "mil", "mils": "mil", "millennia": "mil", "millennium": "mil",
}

func intervalIn(e *Env, s []byte, _ oid.OID, typmod int32) (datum.Datum, error) {
	v, k := e.decodeSpan(s, typmod)
	if k == dtRange {
		k = dtIntervalRange
	}
	if k != dtOK {
		return datum.Null(), dtError(k, "interval", s, "")
	}
	v, err := v.ApplyTypMod(typmod)
	return v.Datum(), err
}

func (e *Env) decodeSpan(s []byte, typmod int32) (Span, dtErr) {
	t := strings.ToLower(string(trimSpace(s)))
	if len(t) > 1 && t[0] == 'p' {
		if v, k := isoSpan(strings.ToUpper(t)); k != dtSyntax {
			return v, k
		}
	}
	toks, ok := spanTokens(t)
	if !ok || len(toks) == 0 {
		return Span{}, dtSyntax
	}
	rng := rangeFull
	if typmod >= 0 {
		rng = int(typmod>>16) & rangeFull
	}
	var a acc
	ago := false
	if n := len(toks); toks[n-1] == "ago" {
		ago = true
		toks = toks[:n-1]
	}
	if e.IntervalStyle == IntervalSQLStandard && len(toks) > 0 && toks[0][0] == '-' && !moreSigns(toks[1:]) {
		for i := 1; i < len(toks); i++ {
			if isDigit(toks[i][0]) {
				toks[i] = "-" + toks[i]
			}
		}
	}
	for i := 0; i < len(toks); i++ {
		n, k := takeSpan(&a, toks, i, rng)
		if k != dtOK {
			return Span{}, k
		}
		i += n
	}
	if len(toks) == 0 {
		return Span{}, dtSyntax
	}
	if ago {
		a.months, a.days, a.usInt = -a.months, -a.days, -a.usInt
	}
	v, ok := a.span()
	if !ok {
		return v, dtIntervalRange
	}
	return v, dtOK
}

func moreSigns(toks []string) bool {
	for _, t := range toks {
		if t[0] == '-' || t[0] == '+' {
			return true
		}
	}
	return false
}

// spanTokens cuts into signed numbers (with : - . inside) and words.
func spanTokens(t string) ([]string, bool) {
	var out []string
	for i := 0; i < len(t); {
		c := t[i]
		start := i
		switch {
		case isSpace(c) || c == ',' || c == '@':
			i++
			continue
		case isAlpha(c):
			for i < len(t) && isAlpha(t[i]) {
				i++
			}
		case isDigit(c) || c == '.' || c == '+' || c == '-':
			sign := ""
			if c == '+' || c == '-' {
				sign = t[i : i+1]
				i++
				for i < len(t) && isSpace(t[i]) {
					i++
				}
				start = i
				if i < len(t) && isAlpha(t[i]) {
					return nil, false
				}
			}
			for i < len(t) && (isDigit(t[i]) || t[i] == '.' || t[i] == ':' || t[i] == '-' && i > start) {
				i++
			}
			if i == start {
				return nil, false
			}
			out = append(out, sign+t[start:i])
			continue
		default:
			return nil, false
		}
		out = append(out, t[start:i])
	}
	return out, len(out) <= maxFields
}

// takeSpan takes token i and, if it used the next one as its unit, returns 1.
func takeSpan(a *acc, toks []string, i, rng int) (int, dtErr) {
	t := toks[i]
	neg := t[0] == '-'
	body := strings.TrimLeft(t, "+-")
	if body == "" || isAlpha(t[0]) {
		return 0, dtSyntax
	}
	if strings.Contains(body, ":") {
		us, k := spanTime(body, rng)
		if k != dtOK {
			return 0, k
		}
		if !a.once("h", "m", "s") {
			return 0, dtSyntax
		}
		if neg {
			us = -us
		}
		a.addUsec(us)
		return 0, dtOK
	}
	if y, m, ok := strings.Cut(body, "-"); ok && !strings.Contains(body, "e") { // years-months
		yy, err1 := strconv.ParseInt(y, 10, 32)
		mm, err2 := strconv.ParseInt(m, 10, 32)
		if err1 != nil || err2 != nil {
			return 0, dtSyntax
		}
		if mm >= 12 {
			return 0, dtRange
		}
		n := yy*12 + mm
		if !a.once("y", "mon") {
			return 0, dtSyntax
		}
		if neg {
			n = -n
		}
		a.months += float64(n)
		return 0, dtOK
	}
	v, frac, k := spanNumber(body)
	if k != dtOK {
		return 0, k
	}
	if neg {
		v, frac = -v, -frac
	}
	used, unit := 0, defaultUnit(toks, i, rng)
	if i+1 < len(toks) && isAlpha(toks[i+1][0]) {
		u, ok := spanUnits[toks[i+1]]
		if !ok {
			return 0, dtSyntax
		}
		used, unit = 1, u
	}
	if unit == "" || !a.once(unit) || !a.add(v, frac, unit) {
		return 0, dtSyntax
	}
	return used, dtOK
}

// defaultUnit is the unit of a bare number: days before a time or hours, the unit
// of the number that follows, else what the modifier's range ends with, else
// seconds.
func defaultUnit(toks []string, i, rng int) string {
	if i+1 < len(toks) {
		if strings.Contains(toks[i+1], ":") {
			return "d"
		}
		if !isAlpha(toks[i+1][0]) {
			next := defaultUnit(toks, i+1, rng)
			if i+2 < len(toks) && isAlpha(toks[i+2][0]) {
				next = spanUnits[toks[i+2]]
			}
			if next == "h" {
				return "d"
			}
			return next
		}
	}
	switch rng {
	case rangeYear:
		return "y"
	case rangeMonth, rangeYear | rangeMonth:
		return "mon"
	case rangeDay:
		return "d"
	case rangeHour, rangeDay | rangeHour:
		return "h"
	case rangeMinute, rangeHour | rangeMinute, rangeDay | rangeHour | rangeMinute:
		return "m"
	}
	return "s"
}

func spanNumber(s string) (int64, float64, dtErr) {
	if strings.Contains(s, "e") {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || math.Abs(f) > math.MaxInt64 {
			return 0, 0, dtIntervalRange
		}
		w := math.Trunc(f)
		return int64(w), f - w, dtOK
	}
	whole, frac, _ := strings.Cut(s, ".")
	var v int64
	var err error
	if whole != "" {
		if v, err = strconv.ParseInt(whole, 10, 64); err != nil {
			if strings.Trim(whole, "0123456789") != "" {
				return 0, 0, dtSyntax
			}
			return 0, 0, dtIntervalRange
		}
	}
	var f float64
	if frac != "" {
		if f, err = strconv.ParseFloat("0."+frac, 64); err != nil {
			return 0, 0, dtSyntax
		}
	}
	if whole == "" && frac == "" {
		return 0, 0, dtSyntax
	}
	return v, f, dtOK
}

// spanTime reads h:m[:s[.f]]; hours have no limit. With two parts a fraction, or
// the range minute to second, makes them minutes and seconds.
func spanTime(s string, rng int) (int64, dtErr) {
	main, frac, hasFrac := strings.Cut(s, ".")
	us, ok := fracUsec(frac)
	p := strings.Split(main, ":")
	if !ok || len(p) > 3 {
		return 0, dtSyntax
	}
	var v [3]int64
	for i, x := range p {
		if x == "" {
			if i == len(p)-1 {
				continue
			}
			return 0, dtSyntax
		}
		n, err := strconv.ParseInt(x, 10, 64)
		if err != nil {
			return 0, dtSyntax
		}
		v[i] = n
	}
	if len(p) == 2 && (hasFrac || rng == rangeMinute|rangeSecond) {
		v[0], v[1], v[2] = 0, v[0], v[1]
	}
	if v[0] > math.MaxInt32 || v[1] > 59 || v[2] > 60 {
		return 0, dtRange
	}
	return v[0]*usecsPerHour + v[1]*usecsPerMin + v[2]*usecsPerSec + int64(us), dtOK
}

// isoSpan reads ISO 8601: P[n]Y[n]M[n]W[n]DT[n]H[n]M[n]S, or PY-M-DTh:m:s.
func isoSpan(t string) (Span, dtErr) {
	var a acc
	inTime, any := false, false
	for s := t[1:]; s != ""; {
		if s[0] == 'T' {
			if inTime {
				return Span{}, dtSyntax
			}
			inTime = true
			s = s[1:]
			continue
		}
		i := 0
		for i < len(s) && (isDigit(s[i]) || s[i] == '.' || s[i] == '-' || s[i] == '+') {
			i++
		}
		if i == 0 || i >= len(s) {
			return Span{}, dtSyntax
		}
		num := s[:i]
		neg := num[0] == '-'
		v, f, k := spanNumber(strings.TrimLeft(num, "+-"))
		if k != dtOK {
			return Span{}, dtSyntax
		}
		if neg {
			v, f = -v, -f
		}
		units := map[byte]string{'Y': "y", 'M': "mon", 'W': "w", 'D': "d"}
		if inTime {
			units = map[byte]string{'H': "h", 'M': "m", 'S': "s"}
		}
		u, ok := units[s[i]]
		if !ok {
			return Span{}, dtSyntax
		}
		a.add(v, f, u)
		s = s[i+1:]
		any = true
	}
	if !any {
		return Span{}, dtSyntax
	}
	v, ok := a.span()
	if !ok {
		return v, dtIntervalRange
	}
	return v, dtOK
}
