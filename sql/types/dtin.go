package types

import (
	"strings"
	"time"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// moment is a decoded date and time.
type moment struct {
	special int64 // an infinity, or 0
	local   Fields
	zone    *time.Location // nil with hasZone: the offset east
	east    int
	hasZone bool
	hasDate bool
	hasTime bool
	instant bool // local is UTC already (now, epoch)
}

func (e *Env) parseMoment(s []byte, typ string) (moment, error) {
	var m moment
	fs, ok := splitFields(s)
	if !ok || len(fs) == 0 {
		return m, dtError(dtSyntax, typ, s, "")
	}
	d := newDecoder(e)
	d.timeOnly = strings.HasPrefix(typ, "time") && !strings.HasPrefix(typ, "timestamp")
	if err := d.decode(fs); err != dtOK {
		return m, dtError(err, typ, s, d.badZone)
	}
	m = moment{local: d.f, zone: d.loc, east: d.east, hasZone: d.seen&hasZone != 0,
		hasDate: d.seen&hasDate == hasDate, hasTime: d.seen&hasTime != 0}
	if d.seen&hasDate != 0 && !m.hasDate {
		return m, dtError(dtSyntax, typ, s, "")
	}
	if d.keyword < 0 {
		return m, nil
	}
	switch d.keyword {
	case kwInfinity:
		m.special = TimestampInfinity
	case kwNegInfinity:
		m.special = TimestampNegInfinity
	case kwEpoch:
		m.local, m.instant, m.hasDate, m.hasTime = Fields{Year: 1970, Month: 1, Day: 1}, true, true, true
	case kwNow:
		m.local, m.instant, m.hasDate, m.hasTime = Split(e.now()), true, true, true
	case kwMidnight:
		m.hasTime = true
		m.local.Hour, m.local.Min, m.local.Sec, m.local.Usec = 0, 0, 0, 0
		m.hasZone, m.east, m.zone = true, 0, nil
	default:
		shift := map[int]int64{kwToday: 0, kwTomorrow: 1, kwYesterday: -1}[d.keyword]
		day := Split(ToLocal(e.loc(), e.now()) + shift*usecsPerDay)
		m.local.Year, m.local.Month, m.local.Day, m.hasDate = day.Year, day.Month, day.Day, true
	}
	return m, nil
}

func (m *moment) finite() bool { return m.special == 0 }

// offsetEast is the zone of the text, else the session's, at m's local time.
func (m *moment) offsetEast(e *Env, local int64) int {
	switch {
	case !m.hasZone:
		return LocalOffset(e.loc(), local)
	case m.zone != nil:
		return LocalOffset(m.zone, local)
	}
	return m.east
}

func dateIn(e *Env, s []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	m, err := e.parseMoment(s, "date")
	if err != nil {
		return datum.Null(), err
	}
	switch {
	case m.special == TimestampInfinity:
		return datum.Int(DateInfinity), nil
	case m.special == TimestampNegInfinity:
		return datum.Int(DateNegInfinity), nil
	case !m.hasDate:
		return datum.Null(), dtError(dtSyntax, "date", s, "")
	}
	f := m.local
	if m.instant {
		if ts, ok := f.Join(); ok && m.local.Year != 1970 {
			f = Split(ToLocal(e.loc(), ts))
		}
	}
	d := Days(f.Year, f.Month, f.Day)
	if d < minDate || d >= endDate {
		return datum.Null(), pgerr.New(pgerr.DatetimeFieldOverflow, "date out of range: \"%s\"", s)
	}
	return datum.Int(int64(d)), nil
}

func timestampIn(e *Env, s []byte, _ oid.OID, typmod int32) (datum.Datum, error) {
	return e.stampIn(s, typmod, false)
}

func timestamptzIn(e *Env, s []byte, _ oid.OID, typmod int32) (datum.Datum, error) {
	return e.stampIn(s, typmod, true)
}

func (e *Env) stampIn(s []byte, typmod int32, tz bool) (datum.Datum, error) {
	typ := "timestamp"
	if tz {
		typ = "timestamp with time zone"
	}
	m, err := e.parseMoment(s, typ)
	if err != nil {
		return datum.Null(), err
	}
	if !m.finite() {
		return datum.Int(m.special), nil
	}
	if !m.hasDate {
		return datum.Null(), dtError(dtSyntax, typ, s, "")
	}
	bad := func() (datum.Datum, error) {
		return datum.Null(), pgerr.New(pgerr.DatetimeFieldOverflow, "timestamp out of range: \"%s\"", s)
	}
	ts, ok := m.local.Join()
	if !ok {
		return bad()
	}
	switch {
	case m.instant && !tz && m.local.Year != 1970:
		ts = ToLocal(e.loc(), ts)
	case !m.instant && tz:
		if ts -= int64(m.offsetEast(e, ts)) * usecsPerSec; !inRange(ts) {
			return bad()
		}
	}
	return RoundTimestamp(ts, typmod)
}

// timeOf decodes a time of day; a date may accompany it.
func (e *Env) timeOf(s []byte, typ string) (moment, error) {
	m, err := e.parseMoment(s, typ)
	if err != nil {
		return m, err
	}
	if m.instant {
		if ts, ok := m.local.Join(); ok {
			east, _ := ZoneAt(e.loc(), ts)
			m.local = Split(ts + int64(east)*usecsPerSec)
			m.hasZone, m.east = true, east
		}
	}
	if !m.finite() || !m.hasTime && !m.instant {
		return m, dtError(dtSyntax, typ, s, "")
	}
	return m, nil
}

func timeIn(e *Env, s []byte, _ oid.OID, typmod int32) (datum.Datum, error) {
	m, err := e.timeOf(s, "time")
	if err != nil {
		return datum.Null(), err
	}
	return datum.Int(RoundTime(m.local.TimeOfDay(), typmod)), nil
}

func timetzIn(e *Env, s []byte, _ oid.OID, typmod int32) (datum.Datum, error) {
	m, err := e.timeOf(s, "time with time zone")
	if err != nil {
		return datum.Null(), err
	}
	if !m.hasDate {
		day := Split(ToLocal(e.loc(), e.now()))
		m.local.Year, m.local.Month, m.local.Day = day.Year, day.Month, day.Day
	}
	local, _ := m.local.Join()
	return TimeTZ(RoundTime(m.local.TimeOfDay(), typmod), int32(-m.offsetEast(e, local))), nil
}
