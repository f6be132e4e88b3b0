package builtin

import (
	"math"
	"math/big"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/types"
)

const (
	usecSec  = 1000000
	usecMin  = 60 * usecSec
	usecHour = 3600 * usecSec
	usecDay  = 86400 * usecSec
)

func errTimestamp() error { return types.ErrTimestampRange() }
func errDate() error      { return pgerr.New(pgerr.DatetimeFieldOverflow, "date out of range") }
func errInterval() error  { return pgerr.New(pgerr.DatetimeFieldOverflow, "interval out of range") }

func finite(ts int64) bool { return types.IsFinite(ts) }

// spanSign compares an interval with zero, counting months as 30 days.
func spanSign(v types.Span) int {
	days := int64(v.Months)*30 + int64(v.Days)
	n := new(big.Int).Mul(big.NewInt(days), big.NewInt(usecDay))
	return n.Add(n, big.NewInt(v.Micros)).Sign()
}

// addSpan adds an interval to a timestamp: months first (the day is cut to the
// month's length), then days, then time. With tz, months and days count on the
// wall clock of the session.
func addSpan(e *Env, ts int64, v types.Span, tz bool) (int64, error) {
	if !finite(ts) {
		return ts, nil
	}
	if v.Months != 0 || v.Days != 0 {
		local := ts
		if tz {
			local = types.ToLocal(e.Location(), ts)
		}
		f := types.Split(local)
		if v.Months != 0 {
			m := int64(f.Year)*12 + int64(f.Month-1) + int64(v.Months)
			y, mm := types.FloorDiv64(m, 12)
			f.Year, f.Month = int(y), int(mm)+1
			f.Day = min(f.Day, types.DaysInMonth(f.Year, f.Month))
		}
		d := int64(types.Days(f.Year, f.Month, f.Day)) + int64(v.Days)
		if d < -2451546 || d > 106751991 {
			return 0, errTimestamp()
		}
		local = d*usecDay + f.TimeOfDay()
		if tz {
			local -= int64(types.LocalOffset(e.Location(), local)) * usecSec
		}
		ts = local
	}
	s, over := addChecked(ts, v.Micros)
	if over || !types.ValidTimestamp(s) || !finite(s) {
		return 0, errTimestamp()
	}
	return s, nil
}

func negSpan(v types.Span) (types.Span, error) {
	if v.Micros == math.MinInt64 || v.Days == math.MinInt32 || v.Months == math.MinInt32 {
		return v, errInterval()
	}
	return types.Span{Micros: -v.Micros, Days: -v.Days, Months: -v.Months}, nil
}

func sumSpan(a, b types.Span) (types.Span, error) {
	us, over := addChecked(a.Micros, b.Micros)
	d, m := int64(a.Days)+int64(b.Days), int64(a.Months)+int64(b.Months)
	if over || int64(int32(d)) != d || int64(int32(m)) != m {
		return a, errInterval()
	}
	return types.Span{Micros: us, Days: int32(d), Months: int32(m)}, nil
}

// scaleSpan multiplies by f; fractions of months spill into days of 30 to the
// month, fractions of days into time.
func scaleSpan(v types.Span, f float64, div bool) (types.Span, error) {
	op := func(x float64) float64 {
		if div {
			return x / f
		}
		return x * f
	}
	m, d := op(float64(v.Months)), op(float64(v.Days))
	if math.IsNaN(m) || math.Abs(m) > math.MaxInt32 || math.IsNaN(d) || math.Abs(d) > math.MaxInt32 {
		return v, errInterval()
	}
	out := types.Span{Months: int32(m), Days: int32(d)}
	round := func(x float64) float64 { return math.RoundToEven(x*1e6) / 1e6 }
	monthDays := round((m - float64(out.Months)) * 30)
	secs := round((d-float64(out.Days))*86400 + (monthDays-float64(int32(monthDays)))*86400)
	if math.Abs(secs) >= 86400 {
		out.Days += int32(secs / 86400)
		secs -= float64(int32(secs/86400)) * 86400
	}
	out.Days += int32(monthDays)
	us := math.RoundToEven(op(float64(v.Micros)) + secs*usecSec)
	if math.IsNaN(us) || math.Abs(us) >= math.MaxInt64 {
		return v, errInterval()
	}
	out.Micros = int64(us)
	return out, nil
}

func (r funcs) span1(name string, f func(v types.Span) (types.Span, error)) {
	r.scalar(name, func(c *Call) (datum.Datum, error) {
		v, err := f(types.ParseSpan(arg(c, 0)))
		if err != nil {
			return datum.Null(), err
		}
		return v.Datum(), nil
	})
}

func spanResult(v types.Span, err error) (datum.Datum, error) {
	if err != nil {
		return datum.Null(), err
	}
	return v.Datum(), nil
}

func intResult(v int64, err error) (datum.Datum, error) {
	if err != nil {
		return datum.Null(), err
	}
	return datum.Datum{Int: v}, nil
}

func addDates(r funcs) {
	addDateArith(r)
	addTimeArith(r)
	addTimestampArith(r)
	addDateCasts(r)
	addSpanArith(r)
	addClock(r)
	addMake(r)
	finiteTS := func(c *Call) (datum.Datum, error) { return datum.Bool(finite(c.Args[0].Int)), nil }
	r.scalar("timestamp_finite", finiteTS)
	r.scalar("timestamptz_finite", finiteTS)
	r.scalar("date_finite", func(c *Call) (datum.Datum, error) { return datum.Bool(finiteDate(int32(c.Args[0].Int))), nil })
	r.scalar("interval_finite", func(*Call) (datum.Datum, error) { return datum.Bool(true), nil })
}

func finiteDate(d int32) bool { return d != types.DateInfinity && d != types.DateNegInfinity }

func checkDate(v int64) (datum.Datum, error) {
	if !types.ValidDate(v) || !finiteDate(int32(v)) {
		return datum.Null(), errDate()
	}
	return datum.Int(v), nil
}

// dateStamp is midnight of a date as a timestamp.
func dateStamp(d int32) (int64, error) {
	switch {
	case d == types.DateInfinity:
		return types.TimestampInfinity, nil
	case d == types.DateNegInfinity:
		return types.TimestampNegInfinity, nil
	case d >= 106751983:
		return 0, pgerr.New(pgerr.DatetimeFieldOverflow, "date out of range for timestamp")
	}
	return int64(d) * usecDay, nil
}

func addDateArith(r funcs) {
	shift := func(sign int64) scalarFunc {
		return func(c *Call) (datum.Datum, error) {
			d := int32(c.Args[0].Int)
			if !finiteDate(d) {
				return c.Args[0], nil
			}
			return checkDate(int64(d) + sign*int64(int32(c.Args[1].Int)))
		}
	}
	r.scalar("date_pli", shift(1))
	r.scalar("date_mii", shift(-1))
	r.scalar("date_mi", func(c *Call) (datum.Datum, error) {
		a, b := int32(c.Args[0].Int), int32(c.Args[1].Int)
		if !finiteDate(a) || !finiteDate(b) {
			return datum.Null(), pgerr.New(pgerr.DatetimeFieldOverflow, "cannot subtract infinite dates")
		}
		return datum.Int(int64(a) - int64(b)), nil
	})
	span := func(neg bool) scalarFunc {
		return func(c *Call) (datum.Datum, error) {
			ts, err := dateStamp(int32(c.Args[0].Int))
			if err != nil {
				return datum.Null(), err
			}
			return stampPlus(c, ts, arg(c, 1), neg, false)
		}
	}
	r.scalar("date_pl_interval", span(false))
	r.scalar("date_mi_interval", span(true))
}

func stampPlus(c *Call, ts int64, span []byte, neg, tz bool) (datum.Datum, error) {
	v := types.ParseSpan(span)
	if neg {
		var err error
		if v, err = negSpan(v); err != nil {
			return datum.Null(), err
		}
	}
	return intResult(addSpan(c.Env, ts, v, tz))
}

func addTimestampArith(r funcs) {
	for _, tz := range []bool{false, true} {
		p := "timestamp"
		if tz {
			p = "timestamptz"
		}
		r.scalar(p+"_pl_interval", func(c *Call) (datum.Datum, error) { return stampPlus(c, c.Args[0].Int, arg(c, 1), false, tz) })
		r.scalar(p+"_mi_interval", func(c *Call) (datum.Datum, error) { return stampPlus(c, c.Args[0].Int, arg(c, 1), true, tz) })
		r.scalar(p+"_age", func(c *Call) (datum.Datum, error) { return age(c, tz) })
		r.scalar("in_range_"+p+"_interval", func(c *Call) (datum.Datum, error) { return inRangeStamp(c, tz) })
	}
	r.scalar("in_range_date_interval", func(c *Call) (datum.Datum, error) {
		a, err := dateStamp(int32(c.Args[0].Int))
		if err != nil {
			return datum.Null(), err
		}
		b, err := dateStamp(int32(c.Args[1].Int))
		if err != nil {
			return datum.Null(), err
		}
		d := *c
		d.Args = append([]datum.Datum{datum.Int(a), datum.Int(b)}, c.Args[2:]...)
		return inRangeStamp(&d, false)
	})
	r.scalar("timestamp_mi", func(c *Call) (datum.Datum, error) {
		a, b := c.Args[0].Int, c.Args[1].Int
		if !finite(a) || !finite(b) {
			return datum.Null(), pgerr.New(pgerr.DatetimeFieldOverflow, "cannot subtract infinite timestamps")
		}
		return justifyHours(types.Span{Micros: a - b}).Datum(), nil
	})
	r["timestamptz_mi"] = r["timestamp_mi"]
}

func inRangeStamp(c *Call, tz bool) (datum.Datum, error) {
	off := types.ParseSpan(arg(c, 2))
	if spanSign(off) < 0 {
		return datum.Null(), errFrameOffset()
	}
	if c.Args[3].Bool() {
		off, _ = negSpan(off)
	}
	s, err := addSpan(c.Env, c.Args[1].Int, off, tz)
	if err != nil {
		return datum.Null(), err
	}
	if c.Args[4].Bool() {
		return datum.Bool(c.Args[0].Int <= s), nil
	}
	return datum.Bool(c.Args[0].Int >= s), nil
}

// age is the symbolic difference: years and months, then days, then time.
func age(c *Call, tz bool) (datum.Datum, error) {
	x, y := c.Args[0].Int, c.Args[1].Int
	if x == types.TimestampNegInfinity || y == types.TimestampNegInfinity { // infinity counts as the number it is
		return datum.Null(), errTimestamp()
	}
	if tz {
		for _, p := range []*int64{&x, &y} {
			east, _ := types.ZoneAt(c.Env.Location(), *p)
			*p += int64(east) * usecSec
		}
	}
	neg := x < y
	a, b := types.Split(x), types.Split(y)
	if neg {
		a, b = b, a
	}
	t := a.TimeOfDay() - b.TimeOfDay()
	days, months := a.Day-b.Day, (a.Year-b.Year)*12+a.Month-b.Month
	if t < 0 {
		t += usecDay
		days--
	}
	// A borrowed month has the length of the earlier date's month.
	m, yr := b.Month, b.Year
	for days < 0 {
		days += types.DaysInMonth(yr, m)
		months--
	}
	v := types.Span{Micros: t, Days: int32(days), Months: int32(months)}
	if neg {
		v, _ = negSpan(v)
	}
	return v.Datum(), nil
}

func addTimeArith(r funcs) {
	wrap := func(t int64) int64 {
		_, m := types.FloorDiv64(t, usecDay)
		return m
	}
	for _, neg := range []bool{false, true} {
		op := "_pl_interval"
		if neg {
			op = "_mi_interval"
		}
		sign := 1 - 2*b2i(neg)
		r.scalar("time"+op, func(c *Call) (datum.Datum, error) {
			return datum.Int(wrap(c.Args[0].Int + sign*(types.ParseSpan(arg(c, 1)).Micros%usecDay))), nil
		})
		r.scalar("timetz"+op, func(c *Call) (datum.Datum, error) {
			t, z := types.SplitTimeTZ(arg(c, 0))
			return types.TimeTZ(wrap(t+sign*(types.ParseSpan(arg(c, 1)).Micros%usecDay)), z), nil
		})
	}
	r.scalar("in_range_time_interval", func(c *Call) (datum.Datum, error) {
		return inRangeTime(c, c.Args[0].Int, c.Args[1].Int)
	})
	r.scalar("time_mi_time", func(c *Call) (datum.Datum, error) {
		return types.Span{Micros: c.Args[0].Int - c.Args[1].Int}.Datum(), nil
	})
	r.scalar("time_interval", func(c *Call) (datum.Datum, error) { return types.Span{Micros: c.Args[0].Int}.Datum(), nil })
	r.scalar("interval_time", func(c *Call) (datum.Datum, error) { return datum.Int(wrap(types.ParseSpan(arg(c, 0)).Micros)), nil })
	r.scalar("time_timetz", func(c *Call) (datum.Datum, error) {
		e := c.Env
		now := types.ToLocal(e.Location(), e.txTime())
		d, _ := types.FloorDiv64(now, usecDay)
		return types.TimeTZ(c.Args[0].Int, int32(-types.LocalOffset(e.Location(), d*usecDay+c.Args[0].Int))), nil
	})
	r.scalar("timetz_time", func(c *Call) (datum.Datum, error) {
		t, _ := types.SplitTimeTZ(arg(c, 0))
		return datum.Int(t), nil
	})
	r.scalar("time_scale", func(c *Call) (datum.Datum, error) {
		return datum.Int(types.RoundTime(c.Args[0].Int, int32(c.Args[1].Int))), nil
	})
	r.scalar("timetz_scale", func(c *Call) (datum.Datum, error) {
		t, z := types.SplitTimeTZ(arg(c, 0))
		return types.TimeTZ(types.RoundTime(t, int32(c.Args[1].Int)), z), nil
	})
}

// inRangeTime: RANGE frames over times of day; the sum does not wrap.
func inRangeTime(c *Call, v, base int64) (datum.Datum, error) {
	off := types.ParseSpan(arg(c, 2)).Micros
	if off < 0 {
		return datum.Null(), errFrameOffset()
	}
	if c.Args[3].Bool() {
		off = -off
	}
	s, over := addChecked(base, off)
	if over {
		return datum.Bool(c.Args[3].Bool() != c.Args[4].Bool()), nil
	}
	return datum.Bool(c.Args[4].Bool() && v <= s || !c.Args[4].Bool() && v >= s), nil
}

func addDateCasts(r funcs) {
	scale := func(c *Call) (datum.Datum, error) { return types.RoundTimestamp(c.Args[0].Int, int32(c.Args[1].Int)) }
	r.scalar("timestamp_scale", scale)
	r.scalar("timestamptz_scale", scale)
	day := func(ts int64) datum.Datum {
		switch ts {
		case types.TimestampInfinity:
			return datum.Int(types.DateInfinity)
		case types.TimestampNegInfinity:
			return datum.Int(types.DateNegInfinity)
		}
		d, _ := types.FloorDiv64(ts, usecDay)
		return datum.Int(d)
	}
	clock := func(ts int64) datum.Datum {
		if !finite(ts) {
			return datum.Null()
		}
		_, t := types.FloorDiv64(ts, usecDay)
		return datum.Int(t)
	}
	local := func(c *Call) int64 { return types.ToLocal(c.Env.Location(), c.Args[0].Int) }
	r.scalar("date_timestamp", func(c *Call) (datum.Datum, error) { return intResult(dateStamp(int32(c.Args[0].Int))) })
	r.scalar("date_timestamptz", func(c *Call) (datum.Datum, error) {
		ts, err := dateStamp(int32(c.Args[0].Int))
		if err != nil {
			return datum.Null(), err
		}
		return intResult(types.FromLocal(c.Env.Location(), ts))
	})
	r.scalar("timestamp_date", func(c *Call) (datum.Datum, error) { return day(c.Args[0].Int), nil })
	r.scalar("timestamptz_date", func(c *Call) (datum.Datum, error) { return day(local(c)), nil })
	r.scalar("timestamp_time", func(c *Call) (datum.Datum, error) { return clock(c.Args[0].Int), nil })
	r.scalar("timestamptz_time", func(c *Call) (datum.Datum, error) { return clock(local(c)), nil })
	r.scalar("timestamptz_timetz", func(c *Call) (datum.Datum, error) {
		if !finite(c.Args[0].Int) {
			return datum.Null(), nil
		}
		east, _ := types.ZoneAt(c.Env.Location(), c.Args[0].Int)
		return types.TimeTZ(clock(local(c)).Int, int32(-east)), nil
	})
	r.scalar("timestamp_timestamptz", func(c *Call) (datum.Datum, error) {
		return intResult(types.FromLocal(c.Env.Location(), c.Args[0].Int))
	})
	r.scalar("timestamptz_timestamp", func(c *Call) (datum.Datum, error) { return datum.Int(local(c)), nil })
	r.scalar("datetime_timestamp", func(c *Call) (datum.Datum, error) {
		ts, err := dateStamp(int32(c.Args[0].Int))
		if err != nil || !finite(ts) {
			return intResult(ts, err)
		}
		return datum.Int(ts + c.Args[1].Int), nil
	})
	r.scalar("datetimetz_timestamptz", func(c *Call) (datum.Datum, error) {
		ts, err := dateStamp(int32(c.Args[0].Int))
		if err != nil || !finite(ts) {
			return intResult(ts, err)
		}
		t, west := types.SplitTimeTZ(arg(c, 1))
		return datum.Int(ts + t + int64(west)*usecSec), nil
	})
	addZoneCasts(r)
}

// addZoneCasts: AT TIME ZONE.
func addZoneCasts(r funcs) {
	r.scalar("timestamp_zone", func(c *Call) (datum.Datum, error) { return atZone(c, false) })
	r.scalar("timestamptz_zone", func(c *Call) (datum.Datum, error) { return atZone(c, true) })
	byInterval := func(c *Call, toLocal bool) (datum.Datum, error) {
		if !finite(c.Args[1].Int) {
			return c.Args[1], nil
		}
		v, err := zoneSpan(c)
		if err != nil {
			return datum.Null(), err
		}
		ts := c.Args[1].Int
		off := v.Micros / usecSec * usecSec
		if !toLocal {
			off = -off
		}
		if !types.ValidTimestamp(ts + off) {
			return datum.Null(), errTimestamp()
		}
		return datum.Int(ts + off), nil
	}
	r.scalar("timestamp_izone", func(c *Call) (datum.Datum, error) { return byInterval(c, false) })
	r.scalar("timestamptz_izone", func(c *Call) (datum.Datum, error) { return byInterval(c, true) })
	timetz := func(b []byte, east int) datum.Datum {
		t, west := types.SplitTimeTZ(b)
		_, t = types.FloorDiv64(t+int64(west)*usecSec+int64(east)*usecSec, usecDay)
		return types.TimeTZ(t, int32(-east))
	}
	r.scalar("timetz_zone", func(c *Call) (datum.Datum, error) {
		z, err := types.ParseZone(string(arg(c, 0)))
		if err != nil {
			return datum.Null(), err
		}
		return timetz(arg(c, 1), z.EastAt(c.Env.txTime())), nil
	})
	r.scalar("timetz_izone", func(c *Call) (datum.Datum, error) {
		v, err := zoneSpan(c)
		if err != nil {
			return datum.Null(), err
		}
		return timetz(arg(c, 1), int(v.Micros/usecSec)), nil
	})
}

// zoneSpan reads an interval that stands for a time zone.
func zoneSpan(c *Call) (types.Span, error) {
	v := types.ParseSpan(arg(c, 0))
	if v.Months != 0 || v.Days != 0 {
		s, _ := c.Env.Text(oid.Interval, c.Args[0])
		return v, pgerr.New(pgerr.InvalidParameterValue, "interval time zone \"%s\" must not include months or days", s)
	}
	return v, nil
}

func atZone(c *Call, toLocal bool) (datum.Datum, error) {
	ts := c.Args[1].Int
	if !finite(ts) {
		return c.Args[1], nil
	}
	z, err := types.ParseZone(string(arg(c, 0)))
	if err != nil {
		return datum.Null(), err
	}
	var out int64
	if toLocal {
		out = ts + int64(z.EastAt(ts))*usecSec
	} else {
		out = ts - int64(z.EastLocal(ts))*usecSec
	}
	if !types.ValidTimestamp(out) {
		return datum.Null(), errTimestamp()
	}
	return datum.Int(out), nil
}
