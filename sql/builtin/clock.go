package builtin

import (
	"fmt"
	"math"
	"time"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/types"
)

// txTime is the start of the transaction.
func (e *Env) txTime() int64 {
	if e.TxTime != nil {
		return e.TxTime()
	}
	if e.Now != nil {
		return e.Now()
	}
	return types.FromTime(time.Now())
}

func addClock(r funcs) {
	clock := func(name string, pick func(e *Env) func() int64) {
		r.scalar(name, func(c *Call) (datum.Datum, error) {
			if f := pick(c.Env); f != nil {
				return datum.Int(f()), nil
			}
			return datum.Int(c.Env.txTime()), nil
		})
	}
	clock("now", func(e *Env) func() int64 { return e.TxTime })
	clock("statement_timestamp", func(e *Env) func() int64 { return e.StmtTime })
	r.scalar("clock_timestamp", func(c *Call) (datum.Datum, error) { return datum.Int(wallClock(c.Env)), nil })
	r.scalar("timeofday", func(c *Call) (datum.Datum, error) {
		t := types.ToTime(wallClock(c.Env)).In(c.Env.Location())
		return text(t.Format("Mon Jan 02 15:04:05.000000 2006 MST"))
	})
	r.scalar("float8_timestamptz", func(c *Call) (datum.Datum, error) {
		f := c.Args[0].Float8()
		switch {
		case math.IsNaN(f):
			return datum.Null(), pgerr.New(pgerr.DatetimeFieldOverflow, "timestamp cannot be NaN")
		case math.IsInf(f, 1):
			return datum.Int(types.TimestampInfinity), nil
		case math.IsInf(f, -1):
			return datum.Int(types.TimestampNegInfinity), nil
		}
		us := math.RoundToEven((f - 946684800) * 1e6)
		if us < -2.2e17 || us > 9.3e18 || !types.ValidTimestamp(int64(us)) {
			return datum.Null(), pgerr.New(pgerr.DatetimeFieldOverflow, "timestamp out of range: \"%s\"", types.AppendFloat(nil, f, 64, -9))
		}
		return datum.Int(int64(us)), nil
	})
}

func wallClock(e *Env) int64 {
	if e.Clock != nil {
		return e.Clock()
	}
	return types.FromTime(time.Now())
}

// fieldRange: make_date and its kin name the offending values.
func fieldRange(format string, a ...any) error {
	return pgerr.New(pgerr.DatetimeFieldOverflow, format, a...)
}

// makeDay checks a calendar day; a negative year counts from 1 BC.
func makeDay(y, m, d int) (int, error) {
	bad := fieldRange("date field value out of range: %d-%02d-%02d", y, m, d)
	if y == 0 || y == math.MinInt32 || m < 1 || m > 12 {
		return 0, bad
	}
	given := y
	if y < 0 {
		y++
	}
	if d < 1 || d > types.DaysInMonth(y, m) {
		return 0, bad
	}
	if y > 5874898 || y < -4714 {
		return 0, pgerr.New(pgerr.DatetimeFieldOverflow, "date out of range: %d-%02d-%02d", given, m, d)
	}
	v := types.Days(y, m, d)
	if !types.ValidDate(int64(v)) {
		return 0, pgerr.New(pgerr.DatetimeFieldOverflow, "date out of range: %d-%02d-%02d", given, m, d)
	}
	return v, nil
}

func makeClock(h, m int, s float64) (int64, error) {
	given := s
	if s = math.RoundToEven(s*1e6) / 1e6; math.IsNaN(s) || h < 0 || h > 24 || m < 0 || m > 59 || s < 0 || s > 60 ||
		h == 24 && (m > 0 || s > 0) {
		return 0, fieldRange("time field value out of range: %d:%02d:%s", h, m, secText(given))
	}
	t := int64(h)*usecHour + int64(m)*usecMin + int64(math.RoundToEven(s*1e6))
	if t > usecDay {
		return 0, fieldRange("time field value out of range: %d:%02d:%s", h, m, secText(given))
	}
	return t, nil
}

// secText is C's %02g.
func secText(s float64) string {
	switch {
	case math.IsInf(s, 1):
		return "Infinity"
	case math.IsInf(s, -1):
		return "-Infinity"
	}
	return fmt.Sprintf("%02.6g", s)
}

func makeStamp(c *Call) (int64, error) {
	d, err := makeDay(argInt(c, 0), argInt(c, 1), argInt(c, 2))
	if err != nil {
		return 0, err
	}
	t, err := makeClock(argInt(c, 3), argInt(c, 4), c.Args[5].Float8())
	if err != nil {
		return 0, err
	}
	if d > 106751982 {
		return 0, errTimestamp()
	}
	return int64(d)*usecDay + t, nil
}

func addMake(r funcs) {
	r.scalar("make_date", func(c *Call) (datum.Datum, error) {
		d, err := makeDay(argInt(c, 0), argInt(c, 1), argInt(c, 2))
		return intResult(int64(d), err)
	})
	r.scalar("make_time", func(c *Call) (datum.Datum, error) {
		return intResult(makeClock(argInt(c, 0), argInt(c, 1), c.Args[2].Float8()))
	})
	r.scalar("make_timestamp", func(c *Call) (datum.Datum, error) { return intResult(makeStamp(c)) })
	r.scalar("make_timestamptz", func(c *Call) (datum.Datum, error) {
		ts, err := makeStamp(c)
		if err != nil {
			return datum.Null(), err
		}
		return intResult(types.FromLocal(c.Env.Location(), ts))
	})
	r.scalar("make_timestamptz_at_timezone", func(c *Call) (datum.Datum, error) {
		ts, err := makeStamp(c)
		if err != nil {
			return datum.Null(), err
		}
		z, err := types.ParseZone(string(arg(c, 6)))
		if err != nil {
			return datum.Null(), err
		}
		return datum.Int(ts - int64(z.EastLocal(ts))*usecSec), nil
	})
	r.scalar("make_interval", func(c *Call) (datum.Datum, error) {
		s := c.Args[6].Float8()
		if math.IsNaN(s) || math.IsInf(s, 0) {
			return datum.Null(), errInterval()
		}
		return types.Span{
			Months: int32(argInt(c, 0)*12 + argInt(c, 1)),
			Days:   int32(argInt(c, 2)*7 + argInt(c, 3)),
			Micros: int64(argInt(c, 4))*usecHour + int64(argInt(c, 5))*usecMin + int64(math.RoundToEven(s*1e6)),
		}.Datum(), nil
	})
	r.scalar("overlaps_timestamp", overlaps(func(a, b datum.Datum) int { return compare64(a.Int, b.Int) }))
	r.scalar("overlaps_time", overlaps(func(a, b datum.Datum) int { return compare64(a.Int, b.Int) }))
}

// overlaps is the predicate OVERLAPS; it is not strict.
func overlaps(cmp func(a, b datum.Datum) int) scalarFunc {
	order := func(a, b datum.Datum) (datum.Datum, datum.Datum, bool) {
		switch {
		case a.Null && b.Null:
			return a, b, false
		case a.Null:
			return b, a, true
		case !b.Null && cmp(a, b) > 0:
			return b, a, true
		}
		return a, b, true
	}
	return func(c *Call) (datum.Datum, error) {
		s1, e1, ok1 := order(c.Args[0], c.Args[1])
		s2, e2, ok2 := order(c.Args[2], c.Args[3])
		if !ok1 || !ok2 {
			return datum.Null(), nil
		}
		k := cmp(s1, s2)
		if k < 0 {
			s1, e1, s2, e2 = s2, e2, s1, e1
			k = 1
		}
		if k == 0 { // same start: they share it
			if e1.Null || e2.Null {
				return datum.Null(), nil
			}
			return datum.Bool(true), nil
		}
		if e2.Null {
			return datum.Null(), nil
		}
		if cmp(s1, e2) < 0 {
			return datum.Bool(true), nil
		}
		if e1.Null {
			return datum.Null(), nil
		}
		return datum.Bool(false), nil
	}
}
