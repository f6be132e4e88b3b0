package builtin

import (
	"math"
	"strings"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/numeric"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/types"
)

// fieldNames maps the words of extract and date_trunc to one spelling each.
//
// constant
var fieldNames = map[string]string{
	"us": "microseconds", "usec": "microseconds", "usecs": "microseconds", "usecond": "microseconds", "useconds": "microseconds",
	"microsecon": "microseconds", "microsecond": "microseconds", "microseconds": "microseconds",
	"ms": "milliseconds", "msec": "milliseconds", "msecs": "milliseconds", "msecond": "milliseconds", "mseconds": "milliseconds",
	"millisecon": "milliseconds", "millisecond": "milliseconds", "milliseconds": "milliseconds",
	"s": "second", "sec": "second", "secs": "second", "second": "second", "seconds": "second",
	"m": "minute", "min": "minute", "mins": "minute", "minute": "minute", "minutes": "minute",
	"h": "hour", "hr": "hour", "hrs": "hour", "hour": "hour", "hours": "hour", "d": "day", "day": "day", "days": "day",
	"w": "week", "week": "week", "weeks": "week", "mon": "month", "mons": "month", "month": "month", "months": "month",
	"qtr": "quarter", "quarter": "quarter", "y": "year", "yr": "year", "yrs": "year", "year": "year", "years": "year",
	"dec": "decade", "decade": "decade", "decades": "decade", "decs": "decade",
	"c": "century", "cent": "century", "century": "century", "centuries": "century",
	"mil": "millennium", "mils": "millennium", "millennia": "millennium", "millennium": "millennium",
	"dow": "dow", "isodow": "isodow", "doy": "doy", "isoyear": "isoyear", "julian": "julian", "jd": "julian", "j": "julian",
	"epoch": "epoch", "timezone": "timezone", "timezone_h": "timezone_hour", "timezone_hour": "timezone_hour",
	"timezone_m": "timezone_minute", "timezone_minute": "timezone_minute",
}

// kind is the type whose field is asked.
type fieldKind uint8

const (
	kDate fieldKind = iota
	kTime
	kTimeTZ
	kStamp
	kStampTZ
	kInterval
)

// constant
var kindTypes = [...]oid.OID{kDate: oid.Date, kTime: oid.Time, kTimeTZ: oid.TimeTZ, kStamp: oid.Timestamp, kStampTZ: oid.TimestampTZ, kInterval: oid.Interval}

func (k fieldKind) has(name string) bool {
	switch name {
	case "microseconds", "milliseconds", "second", "minute", "hour":
		return k != kDate
	case "timezone", "timezone_hour", "timezone_minute":
		return k == kStampTZ || k == kTimeTZ
	case "epoch":
		return true
	case "day", "month", "quarter", "year", "decade", "century", "millennium":
		return k != kTime && k != kTimeTZ
	}
	return k == kDate || k == kStamp || k == kStampTZ
}

func unitError(k fieldKind, unit []byte, known bool) error {
	name := (&types.Env{}).FormatType(kindTypes[k], -1)
	low := mapASCII(unit, 'A', 'Z', 32)
	if known {
		return pgerr.New(pgerr.FeatureNotSupported, "unit \"%s\" not supported for type %s", low, name)
	}
	return pgerr.New(pgerr.InvalidParameterValue, "unit \"%s\" not recognized for type %s", low, name)
}

// value is a field as an exact decimal: n / 10^scale.
type value struct {
	n     int64
	scale int
	num   *numeric.Num // instead, if set
}

func (v value) numeric() numeric.Num {
	if v.num != nil {
		return *v.num
	}
	n := numeric.FromInt(v.n)
	if v.scale > 0 {
		p := int64(1)
		for range v.scale {
			p *= 10
		}
		n = numeric.DivAt(n, numeric.FromInt(p), v.scale)
	}
	return n
}

func whole(n int) value { return value{n: int64(n)} }

// isoWeek is the ISO year and week of a day.
func isoWeek(days int) (year, week int) {
	dow := (types.DayOfWeek(days) + 6) % 7 // Monday 0
	thu := days - dow + 3
	y, _, _ := types.Civil(thu)
	return y, (thu-types.Days(y, 1, 1))/7 + 1
}

// ofCalendar are the fields of a date.
func ofCalendar(name string, f types.Fields) (value, bool) {
	y := f.Year // 0 is 1 BC
	shown := y
	if y <= 0 {
		shown = y - 1
	}
	days := types.Days(f.Year, f.Month, f.Day)
	switch name {
	case "day":
		return whole(f.Day), true
	case "month":
		return whole(f.Month), true
	case "quarter":
		return whole((f.Month-1)/3 + 1), true
	case "week":
		_, w := isoWeek(days)
		return whole(w), true
	case "year":
		return whole(shown), true
	case "isoyear":
		iy, _ := isoWeek(days)
		if iy <= 0 {
			iy--
		}
		return whole(iy), true
	case "decade":
		if y >= 0 {
			return whole(y / 10), true
		}
		return whole(-((8 - (y - 1)) / 10)), true
	case "century":
		if y > 0 {
			return whole((y + 99) / 100), true
		}
		return whole(-((99 - (y - 1)) / 100)), true
	case "millennium":
		if y > 0 {
			return whole((y + 999) / 1000), true
		}
		return whole(-((999 - (y - 1)) / 1000)), true
	case "dow":
		return whole(types.DayOfWeek(days)), true
	case "isodow":
		return whole((types.DayOfWeek(days)+6)%7 + 1), true
	case "doy":
		return whole(days - types.Days(f.Year, 1, 1) + 1), true
	}
	return value{}, false
}

// ofClock are the fields of a time of day.
func ofClock(name string, h, m, s, us int64) (value, bool) {
	switch name {
	case "microseconds":
		return value{n: s*usecSec + us}, true
	case "milliseconds":
		return value{n: s*usecSec + us, scale: 3}, true
	case "second":
		return value{n: s*usecSec + us, scale: 6}, true
	case "minute":
		return value{n: m}, true
	case "hour":
		return value{n: h}, true
	}
	return value{}, false
}

func ofZone(name string, east int) (value, bool) {
	switch name {
	case "timezone":
		return whole(east), true
	case "timezone_hour":
		return whole(east / 3600), true
	case "timezone_minute":
		return whole(east / 60 % 60), true
	}
	return value{}, false
}

// fieldOf computes a field of a finite value.
func fieldOf(e *Env, k fieldKind, name string, d datum.Datum) value {
	switch k {
	case kTime, kTimeTZ:
		t, west := d.Int, int32(0)
		if k == kTimeTZ {
			t, west = types.SplitTimeTZ(d.Bytes)
		}
		if v, ok := ofZone(name, int(-west)); ok {
			return v
		}
		if name == "epoch" {
			return value{n: t + int64(west)*usecSec, scale: 6}
		}
		v, _ := ofClock(name, t/usecHour, t/usecMin%60, t/usecSec%60, t%usecSec)
		return v
	case kInterval:
		return ofInterval(name, types.ParseSpan(d.Bytes))
	}
	ts, local, east := d.Int, d.Int, 0
	switch k {
	case kDate:
		if name == "epoch" {
			return value{n: (int64(int32(d.Int)) + 10957) * 86400}
		}
		if name == "julian" {
			return value{n: int64(int32(d.Int)) + types.EpochJulian}
		}
		local = int64(int32(d.Int)) * usecDay
		f := types.Fields{}
		f.Year, f.Month, f.Day = types.Civil(int(int32(d.Int)))
		v, _ := ofCalendar(name, f)
		return v
	case kStampTZ:
		east, _ = types.ZoneAt(e.Location(), ts)
		local = ts + int64(east)*usecSec
	}
	if v, ok := ofZone(name, east); ok {
		return v
	}
	switch name {
	case "epoch":
		if ts > math.MaxInt64-946684800*usecSec {
			n := numeric.DivAt(numeric.Add(numeric.FromInt(ts), numeric.FromInt(946684800*usecSec)), numeric.FromInt(usecSec), 6)
			return value{num: &n}
		}
		return value{n: ts + 946684800*usecSec, scale: 6}
	case "julian":
		days, t := types.FloorDiv64(local, usecDay)
		frac, _ := numeric.Div(numeric.FromInt(t), numeric.FromInt(usecDay))
		n := numeric.Add(numeric.FromInt(days+types.EpochJulian), frac)
		return value{num: &n}
	}
	f := types.Split(local)
	if v, ok := ofCalendar(name, f); ok {
		return v
	}
	v, _ := ofClock(name, int64(f.Hour), int64(f.Min), int64(f.Sec), int64(f.Usec))
	return v
}

func ofInterval(name string, v types.Span) value {
	y, m := v.Months/12, v.Months%12
	t := v.Micros
	if x, ok := ofClock(name, t/usecHour, t/usecMin%60, t/usecSec%60, t%usecSec); ok {
		return x
	}
	switch name {
	case "day":
		return whole(int(v.Days))
	case "month":
		return whole(int(m))
	case "quarter":
		return whole(int(m/3 + 1))
	case "year":
		return whole(int(y))
	case "decade":
		return whole(int(y / 10))
	case "century":
		return whole(int(y / 100))
	case "millennium":
		return whole(int(y / 1000))
	}
	// Years count 365.25 days, months 30.
	secs := int64(y)*31557600 + int64(m)*30*86400 + int64(v.Days)*86400
	n := numeric.Add(numeric.FromInt(secs), numeric.DivAt(numeric.FromInt(t), numeric.FromInt(usecSec), 6))
	n.Scale = 6
	return value{num: &n}
}

// ofInfinite: fields that grow without bound are infinite, the others NULL.
func ofInfinite(name string, pos bool) (numeric.Num, bool) {
	switch name {
	case "year", "decade", "century", "millennium", "julian", "isoyear", "epoch":
		if pos {
			return numeric.Num{Kind: numeric.PosInf}, true
		}
		return numeric.Num{Kind: numeric.NegInf, Neg: true}, true
	}
	return numeric.Num{}, false
}

// extract is extract (numeric) and date_part (float8).
func extract(c *Call, k fieldKind, asNumeric bool) (datum.Datum, error) {
	name, ok := fieldNames[strings.ToLower(string(arg(c, 0)))]
	if !ok || !k.has(name) {
		return datum.Null(), unitError(k, arg(c, 0), ok)
	}
	d := c.Args[1]
	var n numeric.Num
	inf, pos := false, false
	switch k {
	case kDate:
		inf, pos = !finiteDate(int32(d.Int)), int32(d.Int) == types.DateInfinity
	case kStamp, kStampTZ:
		inf, pos = !finite(d.Int), d.Int == types.TimestampInfinity
	}
	if inf {
		if n, ok = ofInfinite(name, pos); !ok {
			return datum.Null(), nil
		}
	} else {
		n = fieldOf(c.Env, k, name, d).numeric()
	}
	if asNumeric {
		return numDatum(n, nil)
	}
	return datum.Float8(n.Float64()), nil
}

func addDateFields(r funcs) {
	for name, k := range map[string]fieldKind{"date": kDate, "time": kTime, "timetz": kTimeTZ, "timestamp": kStamp,
		"timestamptz": kStampTZ, "interval": kInterval} {
		r.scalar("extract_"+name, func(c *Call) (datum.Datum, error) { return extract(c, k, true) })
		r.scalar(name+"_part", func(c *Call) (datum.Datum, error) { return extract(c, k, false) })
	}
	r.scalar("timestamp_bin", stampBin)
	r.scalar("timestamptz_bin", stampBin)
	r.scalar("timestamp_trunc", func(c *Call) (datum.Datum, error) {
		if !finite(c.Args[1].Int) {
			return c.Args[1], nil
		}
		if err := truncUnit(c, kStamp); err != nil {
			return datum.Null(), err
		}
		ts, _ := truncLocal(fieldNames[strings.ToLower(string(arg(c, 0)))], c.Args[1].Int)
		return datum.Int(ts), nil
	})
	trunc := func(c *Call, z func(ts int64) (east int, back func(local int64) int)) (datum.Datum, error) {
		if !finite(c.Args[1].Int) {
			return c.Args[1], nil
		}
		if err := truncUnit(c, kStampTZ); err != nil {
			return datum.Null(), err
		}
		east, back := z(c.Args[1].Int)
		local, redo := truncLocal(fieldNames[strings.ToLower(string(arg(c, 0)))], c.Args[1].Int+int64(east)*usecSec)
		if redo { // the truncated day may have another offset
			east = back(local)
		}
		return datum.Int(local - int64(east)*usecSec), nil
	}
	r.scalar("timestamptz_trunc", func(c *Call) (datum.Datum, error) {
		loc := c.Env.Location()
		return trunc(c, func(ts int64) (int, func(int64) int) {
			east, _ := types.ZoneAt(loc, ts)
			return east, func(local int64) int { return types.LocalOffset(loc, local) }
		})
	})
	r.scalar("timestamptz_trunc_zone", func(c *Call) (datum.Datum, error) {
		if !finite(c.Args[1].Int) {
			return c.Args[1], nil
		}
		z, err := types.ParseZone(string(arg(c, 2)))
		if err != nil {
			return datum.Null(), err
		}
		return trunc(c, func(ts int64) (int, func(int64) int) { return z.EastAt(ts), z.EastLocal })
	})
	r.scalar("interval_trunc", func(c *Call) (datum.Datum, error) {
		if err := truncUnit(c, kInterval); err != nil {
			return datum.Null(), err
		}
		name := fieldNames[strings.ToLower(string(arg(c, 0)))]
		return truncSpan(name, types.ParseSpan(arg(c, 1))).Datum(), nil
	})
}

// truncUnit checks that date_trunc knows the unit.
func truncUnit(c *Call, k fieldKind) error {
	name, ok := fieldNames[strings.ToLower(string(arg(c, 0)))]
	switch name {
	case "microseconds", "milliseconds", "second", "minute", "hour", "day", "month", "quarter", "year", "decade", "century", "millennium":
		return nil
	case "week":
		if k != kInterval {
			return nil
		}
		e, _ := pgerr.As(unitError(k, arg(c, 0), true))
		return e.WithDetail("Months usually have fractional weeks.")
	}
	return unitError(k, arg(c, 0), ok && name != "epoch")
}

// truncLocal truncates a wall-clock time; redo says that the day may have changed.
func truncLocal(name string, ts int64) (int64, bool) {
	down := func(u int64) int64 {
		q, _ := types.FloorDiv64(ts, u)
		return q * u
	}
	switch name {
	case "microseconds":
		return ts, false
	case "milliseconds":
		return down(1000), false
	case "second":
		return down(usecSec), false
	case "minute":
		return down(usecMin), false
	case "hour":
		return down(usecHour), false
	case "day":
		return down(usecDay), true
	}
	f := types.Split(ts)
	day := types.Days(f.Year, f.Month, f.Day)
	base := func(y, per, first int) int {
		if y > 0 {
			return (y-first)/per*per + first
		}
		return -((per-1-(y-first))/per)*per + first
	}
	switch name {
	case "week":
		day -= (types.DayOfWeek(day) + 6) % 7
		return int64(day) * usecDay, true
	case "month":
	case "quarter":
		f.Month = (f.Month-1)/3*3 + 1
	default:
		f.Month = 1
		switch name {
		case "decade":
			if f.Year > 0 {
				f.Year = f.Year / 10 * 10
			} else {
				f.Year = -((8 - (f.Year - 1)) / 10) * 10
			}
		case "century":
			f.Year = base(f.Year, 100, 1)
		case "millennium":
			f.Year = base(f.Year, 1000, 1)
		}
	}
	return int64(types.Days(f.Year, f.Month, 1)) * usecDay, true
}

func truncSpan(name string, v types.Span) types.Span {
	cut := func(u int64) types.Span { v.Micros -= v.Micros % u; return v }
	switch name {
	case "microseconds":
		return v
	case "milliseconds":
		return cut(1000)
	case "second":
		return cut(usecSec)
	case "minute":
		return cut(usecMin)
	case "hour":
		return cut(usecHour)
	}
	v.Micros = 0
	if name == "day" {
		return v
	}
	v.Days = 0
	per := map[string]int32{"month": 1, "quarter": 3, "year": 12, "decade": 120, "century": 1200, "millennium": 12000}[name]
	v.Months -= v.Months % per
	return v
}

// stampBin is date_bin: the start of the stride, counted from the origin, in
// which the timestamp lies.
func stampBin(c *Call) (datum.Datum, error) {
	stride, ts, origin := types.ParseSpan(arg(c, 0)), c.Args[1].Int, c.Args[2].Int
	switch {
	case !finite(ts):
		return c.Args[1], nil
	case !finite(origin):
		return datum.Null(), pgerr.New(pgerr.DatetimeFieldOverflow, "origin out of range")
	case stride.Months != 0:
		return datum.Null(), pgerr.New(pgerr.FeatureNotSupported, "timestamps cannot be binned into intervals containing months or years")
	}
	days := int64(stride.Days) * usecDay
	if stride.Days != 0 && days/usecDay != int64(stride.Days) || stride.Micros > 0 && days > math.MaxInt64-stride.Micros {
		return datum.Null(), errInterval()
	}
	step := days + stride.Micros
	if step <= 0 {
		return datum.Null(), pgerr.New(pgerr.DatetimeFieldOverflow, "stride must be greater than zero")
	}
	since := ts - origin
	if (ts < origin) != (since < 0) {
		return datum.Null(), errInterval()
	}
	n, _ := types.FloorDiv64(since, step)
	out := origin + n*step
	if !types.ValidTimestamp(out) {
		return datum.Null(), errTimestamp()
	}
	return datum.Int(out), nil
}
