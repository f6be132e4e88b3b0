package types

import (
	"strconv"
	"time"

	"github.com/pgmini/pgmini/datum"
)

// constant
var (
	monthShort = [...]string{"", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}
	dayShort   = [...]string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}
)

// pad appends v with at least n digits.
func pad(dst []byte, v, n int) []byte {
	if v < 0 {
		dst = append(dst, '-')
		v = -v
	}
	var b [20]byte
	s := strconv.AppendInt(b[:0], int64(v), 10)
	for range n - len(s) {
		dst = append(dst, '0')
	}
	return append(dst, s...)
}

// era gives the year to print and whether it is BC.
func era(y int) (int, bool) {
	if y <= 0 {
		return 1 - y, true
	}
	return y, false
}

func appendBC(dst []byte, bc bool) []byte {
	if bc {
		return append(dst, " BC"...)
	}
	return dst
}

func (e *Env) appendDate(dst []byte, f Fields) []byte {
	y, bc := era(f.Year)
	first, second := f.Month, f.Day
	if e.DateOrder == OrderDMY {
		first, second = second, first
	}
	switch e.DateStyle {
	case StyleISO:
		dst = append(pad(dst, y, 4), '-')
		dst = append(pad(dst, f.Month, 2), '-')
		dst = pad(dst, f.Day, 2)
	case StyleGerman:
		dst = append(pad(dst, f.Day, 2), '.')
		dst = append(pad(dst, f.Month, 2), '.')
		dst = pad(dst, y, 4)
	default:
		sep := byte('-')
		if e.DateStyle == StyleSQL {
			sep = '/'
		}
		dst = append(pad(dst, first, 2), sep)
		dst = append(pad(dst, second, 2), sep)
		dst = pad(dst, y, 4)
	}
	return appendBC(dst, bc)
}

func dateOut(e *Env, dst []byte, d datum.Datum) ([]byte, error) {
	v := int32(d.Int)
	switch v {
	case DateInfinity:
		return append(dst, "infinity"...), nil
	case DateNegInfinity:
		return append(dst, "-infinity"...), nil
	}
	var f Fields
	f.Year, f.Month, f.Day = Civil(int(v))
	return e.appendDate(dst, f), nil
}

// appendTime appends hh:mm:ss with the fraction that is needed.
func appendTime(dst []byte, f Fields) []byte {
	dst = append(pad(dst, f.Hour, 2), ':')
	dst = append(pad(dst, f.Min, 2), ':')
	return appendFrac(pad(dst, f.Sec, 2), f.Usec)
}

func appendFrac(dst []byte, us int) []byte {
	if us == 0 {
		return dst
	}
	dst = pad(append(dst, '.'), us, 6)
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// appendOffset appends +hh[:mm[:ss]].
func appendOffset(dst []byte, east int, iso bool) []byte {
	sign := byte('+')
	if east < 0 {
		sign, east = '-', -east
	}
	dst = pad(append(dst, sign), east/3600, 2)
	if east%3600 != 0 {
		dst = pad(append(dst, ':'), east/60%60, 2)
	}
	if east%60 != 0 {
		dst = pad(append(dst, ':'), east%60, 2)
	}
	return dst
}

func timeOut(_ *Env, dst []byte, d datum.Datum) ([]byte, error) {
	var f Fields
	f.setTime(d.Int)
	return appendTime(dst, f), nil
}

func timetzOut(_ *Env, dst []byte, d datum.Datum) ([]byte, error) {
	t, west := SplitTimeTZ(d.Bytes)
	var f Fields
	f.setTime(t)
	return appendOffset(appendTime(dst, f), int(-west), true), nil
}

func timestampOut(e *Env, dst []byte, d datum.Datum) ([]byte, error) {
	return e.AppendTimestamp(dst, d.Int, nil), nil
}

func timestamptzOut(e *Env, dst []byte, d datum.Datum) ([]byte, error) {
	return e.AppendTimestamp(dst, d.Int, e.loc()), nil
}

// AppendTimestamp appends a timestamp, or with loc a timestamptz shown in it.
func (e *Env) AppendTimestamp(dst []byte, ts int64, loc *time.Location) []byte {
	switch ts {
	case TimestampInfinity:
		return append(dst, "infinity"...)
	case TimestampNegInfinity:
		return append(dst, "-infinity"...)
	}
	east, abbrev := 0, ""
	if loc != nil {
		east, abbrev = ZoneAt(loc, ts)
		ts += int64(east) * usecsPerSec
	}
	f := Split(ts)
	y, bc := era(f.Year)
	switch e.DateStyle {
	case StyleISO:
		dst = append(pad(dst, y, 4), '-')
		dst = append(pad(dst, f.Month, 2), '-')
		dst = append(pad(dst, f.Day, 2), ' ')
		dst = appendTime(dst, f)
		if loc != nil {
			dst = appendOffset(dst, east, true)
		}
		return appendBC(dst, bc)
	case StylePostgres:
		days, _ := FloorDiv64(ts, usecsPerDay)
		dst = append(append(dst, dayShort[dow(int(days))]...), ' ')
		if e.DateOrder == OrderDMY {
			dst = append(append(pad(dst, f.Day, 2), ' '), monthShort[f.Month]...)
		} else {
			dst = pad(append(append(dst, monthShort[f.Month]...), ' '), f.Day, 2)
		}
		dst = append(appendTime(append(dst, ' '), f), ' ')
		dst = pad(dst, y, 4)
	default:
		g := *e
		dst = g.appendDate(dst, Fields{Year: y, Month: f.Month, Day: f.Day})
		dst = appendTime(append(dst, ' '), f)
	}
	if loc != nil {
		if alphaOnly(abbrev) {
			dst = append(append(dst, ' '), abbrev...)
		} else {
			if e.DateStyle == StylePostgres {
				dst = append(dst, ' ')
			}
			dst = appendOffset(dst, east, false)
		}
	}
	return appendBC(dst, bc)
}

func alphaOnly(s string) bool {
	for _, c := range []byte(s) {
		if !isAlpha(c) {
			return false
		}
	}
	return s != ""
}

// dow is the day of the week, 0 = Sunday.
func dow(days int) int { return ((days+6)%7 + 7) % 7 }

// DayOfWeek is the day of the week of a date, 0 = Sunday.
func DayOfWeek(days int) int { return dow(days) }
