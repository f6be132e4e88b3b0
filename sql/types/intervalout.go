package types

import (
	"github.com/pgmini/pgmini/datum"
	"strconv"
)

func intervalOut(e *Env, dst []byte, d datum.Datum) ([]byte, error) {
	v := ParseSpan(d.Bytes)
	y, mon := v.Months/12, v.Months%12
	t := v.Micros
	h := t / usecsPerHour
	m := t / usecsPerMin % 60
	s := t / usecsPerSec % 60
	us := t % usecsPerSec
	p := spanParts{int64(y), int64(mon), int64(v.Days), h, m, s, us}
	switch e.IntervalStyle {
	case IntervalISO:
		return p.iso(dst), nil
	case IntervalVerbose:
		return p.verbose(dst), nil
	case IntervalSQLStandard:
		return p.sql(dst), nil
	}
	return p.postgres(dst), nil
}

type spanParts struct{ y, mon, d, h, m, s, us int64 }

func abs64(v int64) int64 {
	if v < 0 {
		return -v
	}
	return v
}

func (p spanParts) clock(dst []byte) []byte {
	dst = append(pad(dst, int(abs64(p.h)), 2), ':')
	dst = append(pad(dst, int(abs64(p.m)), 2), ':')
	return appendFrac(pad(dst, int(abs64(p.s)), 2), int(abs64(p.us)))
}

func (p spanParts) hasTime() bool { return p.h != 0 || p.m != 0 || p.s != 0 || p.us != 0 }
func (p spanParts) timeNeg() bool { return p.h < 0 || p.m < 0 || p.s < 0 || p.us < 0 }

func (p spanParts) postgres(dst []byte) []byte {
	first, wasNeg := true, false
	for _, x := range []struct {
		v    int64
		unit string
	}{{p.y, "year"}, {p.mon, "mon"}, {p.d, "day"}} {
		if x.v == 0 {
			continue
		}
		if !first {
			dst = append(dst, ' ')
		}
		if wasNeg && x.v > 0 {
			dst = append(dst, '+')
		}
		dst = append(append(strconv.AppendInt(dst, x.v, 10), ' '), x.unit...)
		if x.v != 1 {
			dst = append(dst, 's')
		}
		first, wasNeg = false, x.v < 0
	}
	if first || p.hasTime() {
		if !first {
			dst = append(dst, ' ')
		}
		if p.timeNeg() {
			dst = append(dst, '-')
		} else if wasNeg {
			dst = append(dst, '+')
		}
		dst = p.clock(dst)
	}
	return dst
}

func (p spanParts) verbose(dst []byte) []byte {
	dst = append(dst, '@')
	first, neg := true, false
	put := func(v int64, unit string) {
		if v == 0 {
			return
		}
		if first {
			neg = v < 0
			v = abs64(v)
		} else if neg {
			v = -v
		}
		first = false
		dst = append(append(strconv.AppendInt(append(dst, ' '), v, 10), ' '), unit...)
		if v != 1 {
			dst = append(dst, 's')
		}
	}
	put(p.y, "year")
	put(p.mon, "mon")
	put(p.d, "day")
	put(p.h, "hour")
	put(p.m, "min")
	if p.s != 0 || p.us != 0 {
		n := p.s < 0 || p.us < 0
		if first {
			neg = n
			n = false
		} else if neg {
			n = !n
		}
		first = false
		dst = append(dst, ' ')
		if n {
			dst = append(dst, '-')
		}
		dst = append(appendFrac(strconv.AppendInt(dst, abs64(p.s), 10), int(abs64(p.us))), " sec"...)
		if abs64(p.s) != 1 || p.us != 0 {
			dst = append(dst, 's')
		}
	}
	if first {
		dst = append(dst, " 0"...)
	}
	if neg {
		dst = append(dst, " ago"...)
	}
	return dst
}

func (p spanParts) iso(dst []byte) []byte {
	if p == (spanParts{}) {
		return append(dst, "PT0S"...)
	}
	dst = append(dst, 'P')
	put := func(v int64, u byte) {
		if v != 0 {
			dst = append(strconv.AppendInt(dst, v, 10), u)
		}
	}
	put(p.y, 'Y')
	put(p.mon, 'M')
	put(p.d, 'D')
	if p.hasTime() {
		dst = append(dst, 'T')
	}
	put(p.h, 'H')
	put(p.m, 'M')
	if p.s != 0 || p.us != 0 {
		if p.s < 0 || p.us < 0 {
			dst = append(dst, '-')
		}
		dst = append(appendFrac(strconv.AppendInt(dst, abs64(p.s), 10), int(abs64(p.us))), 'S')
	}
	return dst
}

// sql is the SQL standard's form when one sign fits all, else every part signed.
func (p spanParts) sql(dst []byte) []byte {
	neg := p.y < 0 || p.mon < 0 || p.d < 0 || p.timeNeg()
	pos := p.y > 0 || p.mon > 0 || p.d > 0 || p.h > 0 || p.m > 0 || p.s > 0 || p.us > 0
	ym, day, tm := p.y != 0 || p.mon != 0, p.d != 0, p.hasTime()
	if !neg && !pos {
		return append(dst, '0')
	}
	ymText := func() { dst = strconv.AppendInt(append(strconv.AppendInt(dst, abs64(p.y), 10), '-'), abs64(p.mon), 10) }
	clock := func() {
		dst = append(strconv.AppendInt(dst, abs64(p.h), 10), ':')
		dst = append(pad(dst, int(abs64(p.m)), 2), ':')
		dst = appendFrac(pad(dst, int(abs64(p.s)), 2), int(abs64(p.us)))
	}
	sign := func(n bool) {
		if n {
			dst = append(dst, '-')
		} else {
			dst = append(dst, '+')
		}
	}
	if neg && pos || ym && (day || tm) {
		sign(p.y < 0 || p.mon < 0)
		ymText()
		dst = append(dst, ' ')
		sign(p.d < 0)
		dst = append(strconv.AppendInt(dst, abs64(p.d), 10), ' ')
		sign(p.timeNeg())
		clock()
		return dst
	}
	if neg {
		dst = append(dst, '-')
	}
	switch {
	case ym:
		ymText()
	case day:
		dst = append(strconv.AppendInt(dst, abs64(p.d), 10), ' ')
		clock()
	default:
		clock()
	}
	return dst
}
