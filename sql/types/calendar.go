package types

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/pgerr"
)

// Dates count days and timestamps microseconds from 2000-01-01, in the proleptic
// Gregorian calendar. The extreme values of the integer are the infinities.
const (
	usecsPerSec  = 1000000
	usecsPerMin  = 60 * usecsPerSec
	usecsPerHour = 3600 * usecsPerSec
	usecsPerDay  = 86400 * usecsPerSec

	// EpochJulian is the Julian day of 2000-01-01.
	EpochJulian = 2451545
	// unixEpochDays is 1970-01-01 counted from 2000-01-01.
	unixEpochDays = -10957
	unixEpochSecs = 946684800

	minDate      = -EpochJulian               // 4714-11-24 BC
	endDate      = 2147483494 - EpochJulian   // 5874898-01-01
	minTimestamp = int64(-211813488000000000) // 4714-11-24 BC
	endTimestamp = int64(9223371331200000000) // 294277-01-01
	maxZoneSecs  = 16 * 3600

	// DateInfinity and the others are the infinities.
	DateInfinity         = math.MaxInt32
	DateNegInfinity      = math.MinInt32
	TimestampInfinity    = int64(math.MaxInt64)
	TimestampNegInfinity = int64(math.MinInt64)
)

// Days counts the days from 2000-01-01 to a date; year 0 is 1 BC. month may be
// any integer.
func Days(year, month, day int) int {
	month--
	year += floorDiv(month, 12)
	month = month - floorDiv(month, 12)*12 + 1
	if month <= 2 {
		year--
		month += 12
	}
	era := floorDiv(year, 400)
	yoe := year - era*400
	doy := (153*(month-3)+2)/5 + day - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return era*146097 + doe - 730425
}

// Civil is the inverse of Days.
func Civil(days int) (year, month, day int) {
	z := days + 730425
	era := floorDiv(z, 146097)
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day = doy - (153*mp+2)/5 + 1
	month = mp + 3
	year = yoe + era*400
	if month > 12 {
		month -= 12
		year++
	}
	return year, month, day
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

// FloorDiv64 divides rounding down and gives the remainder, which has b's sign.
func FloorDiv64(a, b int64) (q, r int64) {
	q, r = a/b, a%b
	if r != 0 && (r < 0) != (b < 0) {
		q--
		r += b
	}
	return q, r
}

// DaysInMonth is the length of a month (1…12).
func DaysInMonth(year, month int) int { return Days(year, month+1, 1) - Days(year, month, 1) }

// Fields is a broken-down local time.
type Fields struct {
	Year, Month, Day int // Year 0 is 1 BC
	Hour, Min, Sec   int
	Usec             int
}

// Split breaks a timestamp (not infinite) down.
func Split(ts int64) Fields {
	d, t := FloorDiv64(ts, usecsPerDay)
	var f Fields
	f.Year, f.Month, f.Day = Civil(int(d))
	f.setTime(t)
	return f
}

func (f *Fields) setTime(t int64) {
	f.Hour = int(t / usecsPerHour)
	f.Min = int(t / usecsPerMin % 60)
	f.Sec = int(t / usecsPerSec % 60)
	f.Usec = int(t % usecsPerSec)
}

// TimeOfDay is the microseconds since midnight.
func (f Fields) TimeOfDay() int64 {
	return int64(f.Hour)*usecsPerHour + int64(f.Min)*usecsPerMin + int64(f.Sec)*usecsPerSec + int64(f.Usec)
}

// Join is the inverse of Split; false if out of range.
func (f Fields) Join() (int64, bool) {
	d := Days(f.Year, f.Month, f.Day)
	if d < minDate-1 || d > 106751991 {
		return 0, false
	}
	ts := int64(d)*usecsPerDay + f.TimeOfDay()
	if d > 0 && ts < 0 {
		return 0, false
	}
	return ts, inRange(ts)
}

func inRange(ts int64) bool { return ts >= minTimestamp && ts < endTimestamp }

// IsFinite reports a timestamp that is not an infinity.
func IsFinite(ts int64) bool { return ts != TimestampInfinity && ts != TimestampNegInfinity }

func validTimestamp(ts int64) bool { return !IsFinite(ts) || inRange(ts) }

// ValidTimestamp reports a timestamp within the type's range, or an infinity.
func ValidTimestamp(ts int64) bool { return validTimestamp(ts) }

// ValidDate reports a date within the type's range, or an infinity.
func ValidDate(d int64) bool {
	return d == DateInfinity || d == DateNegInfinity || d >= minDate && d < endDate
}

// loc is the session's zone.
func (e *Env) loc() *time.Location {
	if e == nil || e.Zone == nil {
		return time.UTC
	}
	return e.Zone
}

// Location is the session's zone, never nil.
func (e *Env) Location() *time.Location { return e.loc() }

// ZoneAt is the offset in seconds east of UTC, and the abbreviation, that holds
// in loc at the instant ts.
func ZoneAt(loc *time.Location, ts int64) (east int, abbrev string) {
	if loc == time.UTC {
		return 0, "UTC"
	}
	s, _ := FloorDiv64(ts, usecsPerSec)
	abbrev, east = time.Unix(s+unixEpochSecs, 0).In(loc).Zone()
	return east, abbrev
}

// LocalOffset is the offset east of UTC for a local time. In a gap the offset
// before it counts; of a doubled hour, the second one.
func LocalOffset(loc *time.Location, local int64) int {
	if loc == time.UTC {
		return 0
	}
	before, _ := ZoneAt(loc, local-usecsPerDay)
	after, _ := ZoneAt(loc, local+usecsPerDay)
	if before == after {
		return before
	}
	if o, _ := ZoneAt(loc, local-int64(after)*usecsPerSec); o == after {
		return after
	}
	return before
}

// ToLocal shifts an instant to the wall clock of loc.
func ToLocal(loc *time.Location, ts int64) int64 {
	if !IsFinite(ts) {
		return ts
	}
	o, _ := ZoneAt(loc, ts)
	return ts + int64(o)*usecsPerSec
}

// FromLocal is the instant at which loc's wall clock shows local.
func FromLocal(loc *time.Location, local int64) (int64, error) {
	if !IsFinite(local) {
		return local, nil
	}
	ts := local - int64(LocalOffset(loc, local))*usecsPerSec
	if !inRange(ts) {
		return 0, ErrTimestampRange()
	}
	return ts, nil
}

// ErrTimestampRange is PostgreSQL's "timestamp out of range".
func ErrTimestampRange() error {
	return pgerr.New(pgerr.DatetimeFieldOverflow, "timestamp out of range")
}

// now is the start of the transaction.
func (e *Env) now() int64 {
	if e != nil && e.Now != nil {
		return e.Now()
	}
	return FromTime(time.Now())
}

// FromTime converts a Go time to a timestamptz.
func FromTime(t time.Time) int64 {
	return (t.Unix()-unixEpochSecs)*usecsPerSec + int64(t.Nanosecond()/1000)
}

// ToTime converts a finite timestamptz to a Go time in UTC.
func ToTime(ts int64) time.Time {
	s, us := FloorDiv64(ts, usecsPerSec)
	return time.Unix(s+unixEpochSecs, us*1000).UTC()
}

// RoundTime rounds to the precision of a time type's modifier (-1: none).
func RoundTime(t int64, typmod int32) int64 {
	if typmod < 0 || typmod > 5 {
		return t
	}
	u := unitOf(typmod)
	if t < 0 {
		return -((-t + u/2) / u * u)
	}
	return (t + u/2) / u * u
}

func unitOf(typmod int32) int64 {
	u := int64(1)
	for i := typmod; i < 6; i++ {
		u *= 10
	}
	return u
}

// RoundTimestamp applies a timestamp's modifier.
func RoundTimestamp(ts int64, typmod int32) (datum.Datum, error) {
	if IsFinite(ts) {
		if typmod > 6 || typmod < -1 {
			return datum.Null(), pgerr.New(pgerr.InvalidParameterValue, "timestamp(%d) precision must be between %d and %d", typmod, 0, 6)
		}
		ts = RoundTime(ts, typmod)
	}
	return datum.Int(ts), nil
}

// TimeTZ makes a timetz: time of day and seconds west of UTC.
func TimeTZ(t int64, west int32) datum.Datum {
	b := make([]byte, 12)
	le.PutUint64(b, uint64(t))
	le.PutUint32(b[8:], uint32(west))
	return datum.Bytes(b)
}

// SplitTimeTZ reads a timetz.
func SplitTimeTZ(b []byte) (t int64, west int32) {
	if len(b) < 12 {
		return 0, 0
	}
	return int64(le.Uint64(b)), int32(le.Uint32(b[8:]))
}

// FindZone resolves a time zone's full name as SET TIME ZONE does: a name of the
// tz database in any case, or a POSIX form such as <+03>-3 or UTC+3, whose sign
// counts to the west.
func FindZone(name string) (*time.Location, bool) {
	switch strings.ToUpper(name) {
	case "UTC", "GMT", "UCT", "ZULU", "ETC/UTC", "GREENWICH", "UNIVERSAL":
		if up := strings.ToUpper(name); up == "UTC" {
			return time.UTC, true
		}
	case "", "LOCAL":
		return nil, false
	}
	if strings.Contains(name, "..") || strings.HasPrefix(name, "/") {
		return nil, false
	}
	for _, n := range []string{name, titleZone(name), strings.ToUpper(name)} {
		if l, err := time.LoadLocation(n); err == nil && n != "" && l != time.Local {
			return l, true
		}
	}
	return posixZone(name)
}

// titleZone guesses the canonical case: america/new_york → America/New_York.
func titleZone(s string) string {
	b := []byte(strings.ToLower(s))
	up := true
	for i, c := range b {
		if up && c >= 'a' && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
		up = c == '/' || c == '_' || c == '-'
	}
	return strings.NewReplacer("_Of_", "_of_", "_Es_", "_es_", "-Au-", "-au-").Replace(string(b))
}

// posixZone reads STDoffset without daylight-saving rules.
func posixZone(s string) (*time.Location, bool) {
	var abbrev, rest string
	if strings.HasPrefix(s, "<") {
		i := strings.IndexByte(s, '>')
		if i < 2 {
			return nil, false
		}
		abbrev, rest = s[1:i], s[i+1:]
	} else {
		i := 0
		for i < len(s) && isAlpha(s[i]) {
			i++
		}
		abbrev, rest = s[:i], s[i:]
	}
	if len(abbrev) < 3 || rest == "" {
		return nil, false
	}
	west, ok := zoneDigits(rest)
	if !ok {
		return nil, false
	}
	return time.FixedZone(abbrev, -west), true
}

// zoneDigits reads [+-]h[h][:mm[:ss]] in seconds.
func zoneDigits(s string) (int, bool) {
	neg := false
	if s[0] == '+' || s[0] == '-' {
		neg = s[0] == '-'
		s = s[1:]
	}
	total, unit := 0, 3600
	for i, p := range strings.Split(s, ":") {
		if i > 2 || p == "" || len(p) > 3 {
			return 0, false
		}
		v := 0
		for _, c := range []byte(p) {
			if !isDigit(c) {
				return 0, false
			}
			v = v*10 + int(c-'0')
		}
		total += v * unit
		unit /= 60
	}
	if total > 168*3600 {
		return 0, false
	}
	if neg {
		return -total, true
	}
	return total, true
}

// ZoneSpec is a zone named in an expression: a full zone or a fixed offset.
type ZoneSpec struct {
	loc  *time.Location
	east int
}

// ParseZone reads what AT TIME ZONE accepts: an abbreviation or a full name.
func ParseZone(s string) (ZoneSpec, error) {
	if z, ok := zoneAbbrevs[strings.ToLower(s)]; ok {
		return ZoneSpec{east: int(z[0])}, nil
	}
	if l, ok := FindZone(s); ok {
		return ZoneSpec{loc: l}, nil
	}
	if s != "" && (isDigit(s[0]) || s[0] == '+' || s[0] == '-') { // a bare offset, POSIX style
		if west, err := strconv.ParseFloat(s, 64); err == nil && math.Abs(west) < 168 {
			return ZoneSpec{east: int(-west) * 3600}, nil
		}
	}
	return ZoneSpec{}, dtError(dtUnknownZone, "", nil, s)
}

// EastAt is the offset at an instant.
func (z ZoneSpec) EastAt(ts int64) int {
	if z.loc == nil {
		return z.east
	}
	o, _ := ZoneAt(z.loc, ts)
	return o
}

// EastLocal is the offset at a wall-clock time.
func (z ZoneSpec) EastLocal(local int64) int {
	if z.loc == nil {
		return z.east
	}
	return LocalOffset(z.loc, local)
}
