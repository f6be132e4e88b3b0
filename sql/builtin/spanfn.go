package builtin

import (
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/sql/types"
)

func justifyHours(v types.Span) types.Span {
	d := v.Micros / usecDay
	v.Micros -= d * usecDay
	v.Days += int32(d)
	switch {
	case v.Days > 0 && v.Micros < 0:
		v.Micros += usecDay
		v.Days--
	case v.Days < 0 && v.Micros > 0:
		v.Micros -= usecDay
		v.Days++
	}
	return v
}

func justifyDays(v types.Span) types.Span {
	m := v.Days / 30
	v.Days -= m * 30
	v.Months += m
	switch {
	case v.Months > 0 && v.Days < 0:
		v.Days += 30
		v.Months--
	case v.Months < 0 && v.Days > 0:
		v.Days -= 30
		v.Months++
	}
	return v
}

func justifyInterval(v types.Span) types.Span {
	d := v.Micros / usecDay
	v.Micros -= d * usecDay
	v.Days += int32(d)
	m := v.Days / 30
	v.Days -= m * 30
	v.Months += m
	switch {
	case v.Months > 0 && (v.Days < 0 || v.Days == 0 && v.Micros < 0):
		v.Days += 30
		v.Months--
	case v.Months < 0 && (v.Days > 0 || v.Days == 0 && v.Micros > 0):
		v.Days -= 30
		v.Months++
	}
	switch {
	case v.Days > 0 && v.Micros < 0:
		v.Micros += usecDay
		v.Days--
	case v.Days < 0 && v.Micros > 0:
		v.Micros -= usecDay
		v.Days++
	}
	return v
}

// IntervalBetween is the interval that lies the given part of the way from lo to
// hi (percentile_cont).
func IntervalBetween(lo, hi datum.Datum, part float64) (datum.Datum, error) {
	a := types.ParseSpan(lo.Bytes)
	n, err := negSpan(a)
	if err != nil {
		return datum.Null(), err
	}
	d, err := sumSpan(types.ParseSpan(hi.Bytes), n)
	if err != nil {
		return datum.Null(), err
	}
	if d, err = scaleSpan(d, part, false); err != nil {
		return datum.Null(), err
	}
	return spanResult(sumSpan(d, a))
}

func addSpanArith(r funcs) {
	pure := func(f func(v types.Span) types.Span) func(v types.Span) (types.Span, error) {
		return func(v types.Span) (types.Span, error) { return f(v), nil }
	}
	r.span1("interval_um", negSpan)
	r.span1("interval_justify_hours", pure(justifyHours))
	r.span1("interval_justify_days", pure(justifyDays))
	r.span1("interval_justify_interval", pure(justifyInterval))
	r.scalar("interval_pl", func(c *Call) (datum.Datum, error) {
		return spanResult(sumSpan(types.ParseSpan(arg(c, 0)), types.ParseSpan(arg(c, 1))))
	})
	r.scalar("interval_mi", func(c *Call) (datum.Datum, error) {
		n, err := negSpan(types.ParseSpan(arg(c, 1)))
		if err != nil {
			return datum.Null(), err
		}
		return spanResult(sumSpan(types.ParseSpan(arg(c, 0)), n))
	})
	r.scalar("interval_mul", func(c *Call) (datum.Datum, error) {
		return spanResult(scaleSpan(types.ParseSpan(arg(c, 0)), c.Args[1].Float8(), false))
	})
	r.scalar("mul_d_interval", func(c *Call) (datum.Datum, error) {
		return spanResult(scaleSpan(types.ParseSpan(arg(c, 1)), c.Args[0].Float8(), false))
	})
	r.scalar("interval_div", func(c *Call) (datum.Datum, error) {
		if c.Args[1].Float8() == 0 {
			return datum.Null(), divZero()
		}
		return spanResult(scaleSpan(types.ParseSpan(arg(c, 0)), c.Args[1].Float8(), true))
	})
	r.scalar("interval_scale", func(c *Call) (datum.Datum, error) {
		return spanResult(types.ParseSpan(arg(c, 0)).ApplyTypMod(int32(c.Args[1].Int)))
	})
	r.scalar("in_range_interval_interval", func(c *Call) (datum.Datum, error) {
		off := types.ParseSpan(arg(c, 2))
		if spanSign(off) < 0 {
			return datum.Null(), errFrameOffset()
		}
		if c.Args[3].Bool() {
			off, _ = negSpan(off)
		}
		s, err := sumSpan(types.ParseSpan(arg(c, 1)), off)
		if err != nil {
			return datum.Null(), err
		}
		f, _ := c.Env.CompareType(oid.Interval)
		k := f(c.Args[0], s.Datum())
		return datum.Bool(c.Args[4].Bool() && k <= 0 || !c.Args[4].Bool() && k >= 0), nil
	})
}
