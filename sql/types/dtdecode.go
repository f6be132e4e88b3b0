package types

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/pgmini/pgmini/pgerr"
)

type dtErr uint8

const (
	dtOK dtErr = iota
	dtSyntax
	dtRange
	dtMonthDayRange
	dtZoneRange
	dtIntervalRange
	dtUnknownZone
)

// dtError words a fault in a date, time or interval text.
func dtError(k dtErr, typ string, s []byte, zone string) error {
	switch k {
	case dtRange:
		return pgerr.New(pgerr.DatetimeFieldOverflow, "date/time field value out of range: \"%s\"", s)
	case dtMonthDayRange:
		return pgerr.New(pgerr.DatetimeFieldOverflow, "date/time field value out of range: \"%s\"", s).
			WithHint("Perhaps you need a different \"datestyle\" setting.")
	case dtIntervalRange:
		return pgerr.New(pgerr.IntervalFieldOverflow, "interval field value out of range: \"%s\"", s)
	case dtZoneRange:
		return pgerr.New(pgerr.InvalidTimeZoneDisplacementValue, "time zone displacement out of range: \"%s\"", s)
	case dtUnknownZone:
		return pgerr.New(pgerr.InvalidParameterValue, "time zone \"%s\" not recognized", zone)
	}
	return pgerr.New(pgerr.InvalidDatetimeFormat, "invalid input syntax for type %s: \"%s\"", typ, s)
}

// parts of a date text that were seen.
const (
	hasYear = 1 << iota
	hasMonth
	hasDay
	hasDOY
	hasTime
	hasZone
	hasDate = hasYear | hasMonth | hasDay
)

// decoder takes the fields of one text.
type decoder struct {
	e         *Env
	f         Fields
	seen      int
	textMonth bool
	twoDigit  bool
	bc        bool
	ampm      int // -1: none
	doy       int
	keyword   int // -1: none
	loc       *time.Location
	east      int // offset when loc is nil and hasZone
	isDST     bool
	julian    bool // the next number is a Julian day
	isoTime   bool // the next number is a time
	timeOnly  bool // a type without a date: bare digits are a time
	badZone   string
}

func newDecoder(e *Env) *decoder { return &decoder{e: e, ampm: -1, keyword: -1} }

// decode takes all fields and checks the result.
func (d *decoder) decode(fs []field) dtErr {
	for i, f := range fs {
		if err := d.field(f, i+1 < len(fs)); err != dtOK {
			return err
		}
	}
	if d.julian || d.isoTime {
		return dtSyntax
	}
	return d.finish()
}

func (d *decoder) mark(bits int) dtErr {
	if d.seen&bits != 0 {
		return dtSyntax
	}
	d.seen |= bits
	return dtOK
}

func (d *decoder) field(f field, more bool) dtErr {
	switch f.kind {
	case fDate:
		return d.dateField(f.text)
	case fTime:
		if err := d.mark(hasTime); err != dtOK {
			return err
		}
		d.isoTime = false
		return d.timeField(f.text)
	case fZone:
		if d.seen&hasZone != 0 && !d.isDST && d.loc == nil {
			return dtSyntax
		}
		east, err := decodeZone(f.text)
		if err != dtOK {
			return err
		}
		d.seen |= hasZone
		d.loc, d.east = nil, east
		return dtOK
	case fNumber:
		return d.number(f.text)
	}
	return d.word(f.text)
}

// dateField takes parts joined by - / or . , or a full time zone name.
func (d *decoder) dateField(s string) dtErr {
	if d.julian && isDigit(s[0]) {
		return d.number(s)
	}
	if d.isoTime || d.timeOnly && isDigit(s[0]) && strings.IndexByte(s, '-') >= 4 && strings.Count(s, "-") == 1 || d.seen&(hasMonth|hasDay) == hasMonth|hasDay {
		if isDigit(s[0]) { // 040506-08: a time and a zone
			i := strings.IndexByte(s, '-')
			if i < 0 || d.seen&(hasTime|hasZone) != 0 {
				return dtSyntax
			}
			east, err := decodeZone(s[i:])
			if err != dtOK {
				return err
			}
			d.seen |= hasZone
			d.east = east
			d.isoTime = false
			return d.packed(s[:i])
		}
		return d.zoneName(s)
	}
	if !isDigit(s[0]) && (strings.Contains(s, "/") || strings.Contains(s, "_")) {
		if _, isMonth := words[strings.ToLower(s[:wordLen(s)])]; !isMonth {
			return d.zoneName(s)
		}
	}
	parts := strings.FieldsFunc(s, func(r rune) bool { return !isAlnum(byte(r)) || r > 127 })
	var split []string
	for _, p := range parts { // 01jan is two parts
		for p != "" {
			n := 1
			for n < len(p) && isDigit(p[n]) == isDigit(p[0]) {
				n++
			}
			split = append(split, p[:n])
			p = p[n:]
		}
	}
	before := d.seen
	for i, p := range split {
		if isAlpha(p[0]) {
			w := words[strings.ToLower(p)]
			if w.kind != wMonth {
				return dtSyntax
			}
			if err := d.mark(hasMonth); err != dtOK {
				return err
			}
			d.f.Month, d.textMonth = w.val, true
			split[i] = ""
		}
	}
	for _, p := range split {
		if p != "" {
			if err := d.datePart(p); err != dtOK {
				return err
			}
		}
	}
	if before&hasDate == 0 && d.seen&hasDate != hasDate && d.seen&hasDOY == 0 {
		return dtSyntax
	}
	return dtOK
}

func wordLen(s string) int {
	n := 0
	for n < len(s) && isAlpha(s[n]) {
		n++
	}
	return n
}

// datePart decides which part of a date a number is, from what is known.
func (d *decoder) datePart(s string) dtErr {
	v, err := strconv.Atoi(s)
	if err != nil {
		return dtRange
	}
	n := len(s)
	order := OrderMDY
	if d.e != nil {
		order = d.e.DateOrder
	}
	if n == 3 && d.seen&hasDate == hasYear && v >= 1 && v <= 366 { // year and day of the year
		d.seen |= hasDOY | hasMonth | hasDay
		d.doy = v
		return dtOK
	}
	switch d.seen & hasDate {
	case 0:
		switch {
		case n >= 3 || order == OrderYMD:
			d.year(v, n)
		case order == OrderDMY:
			d.day(v)
		default:
			d.month(v)
		}
	case hasYear:
		d.month(v)
	case hasMonth:
		if d.textMonth && (n >= 3 || order == OrderYMD) {
			d.year(v, n)
		} else {
			d.day(v)
		}
	case hasYear | hasMonth:
		if d.textMonth && n >= 3 && d.twoDigit { // what was taken for the year is the day
			d.day(d.f.Year)
			d.year(v, n)
		} else {
			d.day(v)
		}
	case hasDay:
		d.month(v)
	case hasMonth | hasDay:
		d.year(v, n)
	default:
		return dtSyntax
	}
	return dtOK
}

func (d *decoder) year(v, digits int) {
	d.f.Year, d.twoDigit = v, digits <= 2
	d.seen |= hasYear
}
func (d *decoder) month(v int) { d.f.Month = v; d.seen |= hasMonth }
func (d *decoder) day(v int)   { d.f.Day = v; d.seen |= hasDay }

// number takes digits with at most one point.
func (d *decoder) number(s string) dtErr {
	if d.julian {
		return d.julianDay(s)
	}
	if d.isoTime || d.timeOnly && d.seen&hasTime == 0 && (len(s) == 4 || len(s) == 6) {
		d.isoTime = false
		if d.seen&hasTime != 0 {
			return dtSyntax
		}
		return d.packed(s)
	}
	dot := strings.IndexByte(s, '.')
	switch {
	case dot >= 0 && d.seen&hasDate == 0 && strings.Count(s, ".") == 1 && dot < 5 && len(s)-dot-1 > 0:
		return d.dateField2(s)
	case dot > 2:
		return d.packed(s)
	case dot >= 0 && d.seen&hasDate == hasDate && d.seen&hasTime == 0:
		return dtSyntax
	case len(s) >= 6 && (d.seen&hasDate == 0 || d.seen&hasTime == 0):
		return d.packed(s)
	case dot >= 0:
		return dtSyntax
	}
	if d.seen&hasDate == hasDate {
		if d.seen&hasTime == 0 && (len(s) == 4 || len(s) == 6) {
			return d.packed(s)
		}
		return dtSyntax
	}
	return d.datePart(s)
}

// dateField2 is year.day-of-year.
func (d *decoder) dateField2(s string) dtErr {
	a, b, _ := strings.Cut(s, ".")
	if err := d.datePart(a); err != dtOK {
		return err
	}
	if err := d.datePart(b); err != dtOK {
		return err
	}
	if d.seen&hasDate != hasDate {
		return dtSyntax
	}
	return dtOK
}

func (d *decoder) julianDay(s string) dtErr {
	d.julian = false
	whole, frac, _ := strings.Cut(s, ".")
	v, err := strconv.Atoi(whole)
	if err != nil || v < 0 || v > 2147483493 {
		return dtRange
	}
	if e := d.mark(hasDate); e != dtOK {
		return e
	}
	d.f.Year, d.f.Month, d.f.Day = Civil(v - EpochJulian)
	if frac != "" {
		f, err := strconv.ParseFloat("0."+frac, 64)
		if err != nil {
			return dtSyntax
		}
		d.seen |= hasTime
		d.f.setTime(int64(f * usecsPerDay))
	}
	return dtOK
}

// packed takes yyyymmdd, yymmdd, yyyymmddhhmmss, hhmmss[.f], hhmm.
func (d *decoder) packed(s string) dtErr {
	whole, frac, hasFrac := strings.Cut(s, ".")
	for _, c := range []byte(whole) {
		if !isDigit(c) {
			return dtSyntax
		}
	}
	if hasFrac {
		us, ok := fracUsec(frac)
		if !ok {
			return dtSyntax
		}
		if len(whole) >= 10 && d.seen&hasDate == 0 {
			if err := d.packedDate(whole[:len(whole)-6]); err != dtOK {
				return err
			}
			whole = whole[len(whole)-6:]
		}
		d.f.Usec = us
	} else if d.seen&hasDate != hasDate && !(d.timeOnly && len(whole) <= 6) {
		if len(whole) >= 6 {
			return d.packedDate(whole)
		}
		return dtSyntax
	}
	if len(whole) != 6 && len(whole) != 4 || d.seen&hasTime != 0 {
		return dtSyntax
	}
	d.seen |= hasTime
	d.f.Hour, _ = strconv.Atoi(whole[:2])
	d.f.Min, _ = strconv.Atoi(whole[2:4])
	d.f.Sec = 0
	if len(whole) == 6 {
		d.f.Sec, _ = strconv.Atoi(whole[4:])
	}
	return d.checkTime()
}

func (d *decoder) packedDate(s string) dtErr {
	n := len(s)
	if n > 12 || d.seen&hasDate != 0 {
		return dtSyntax
	}
	y, err := strconv.Atoi(s[:n-4])
	if err != nil {
		return dtRange
	}
	d.year(y, n-4)
	m, _ := strconv.Atoi(s[n-4 : n-2])
	day, _ := strconv.Atoi(s[n-2:])
	d.month(m)
	d.day(day)
	return dtOK
}

// fracUsec rounds the digits after a decimal point to microseconds.
func fracUsec(s string) (int, bool) {
	if s == "" {
		return 0, true
	}
	f, err := strconv.ParseFloat("0."+s, 64)
	if err != nil {
		return 0, false
	}
	return int(math.RoundToEven(f * 1000000)), true
}

// timeField takes h:m[:s[.f]].
func (d *decoder) timeField(s string) dtErr {
	main, frac, _ := strings.Cut(s, ".")
	us, ok := fracUsec(frac)
	if !ok {
		return dtSyntax
	}
	p := strings.Split(main, ":")
	if len(p) > 3 || len(p) < 2 {
		return dtSyntax
	}
	var v [3]int
	for i, x := range p {
		if x == "" {
			if i == 1 && len(p) == 2 {
				continue
			}
			return dtSyntax
		}
		n, err := strconv.Atoi(x)
		if err != nil {
			return dtRange
		}
		v[i] = n
	}
	if len(p) == 2 && frac != "" { // mm:ss.fff
		v[0], v[1], v[2] = 0, v[0], v[1]
	}
	d.f.Hour, d.f.Min, d.f.Sec, d.f.Usec = v[0], v[1], v[2], us
	return d.checkTime()
}

func (d *decoder) checkTime() dtErr {
	f := &d.f
	if f.Min > 59 || f.Sec > 60 || f.Hour > 24 || f.Usec > usecsPerSec || f.TimeOfDay() > usecsPerDay {
		return dtRange
	}
	return dtOK
}

// decodeZone reads +hh, +hhmm, +hh:mm[:ss] in seconds east.
func decodeZone(s string) (int, dtErr) {
	if len(s) < 2 || s[0] != '+' && s[0] != '-' {
		return 0, dtSyntax
	}
	p := strings.Split(s[1:], ":")
	var v [3]int
	if len(p) > 3 {
		return 0, dtSyntax
	}
	for i, x := range p {
		n, err := strconv.Atoi(x)
		if err != nil || x == "" {
			return 0, dtSyntax
		}
		v[i] = n
	}
	if len(p) == 1 && len(p[0]) > 2 {
		if len(p[0]) > 6 {
			return 0, dtZoneRange
		}
		v[0], v[1] = v[0]/100, v[0]%100
	}
	if v[0] > 15 || v[1] > 59 || v[2] > 59 {
		return 0, dtZoneRange
	}
	east := v[0]*3600 + v[1]*60 + v[2]
	if s[0] == '-' {
		east = -east
	}
	return east, dtOK
}

func (d *decoder) zoneName(s string) dtErr {
	if d.seen&hasZone != 0 {
		return dtSyntax
	}
	l, ok := FindZone(s)
	if !ok {
		d.badZone = strings.ToLower(s)
		return dtUnknownZone
	}
	d.seen |= hasZone
	d.loc = l
	return dtOK
}

// word takes a word or a signed word.
func (d *decoder) word(s string) dtErr {
	w, ok := words[s]
	if !ok {
		if z, found := zoneAbbrevs[s]; found {
			if d.seen&hasZone != 0 {
				return dtSyntax
			}
			d.seen |= hasZone
			d.east, d.loc, d.isDST = int(z[0]), nil, true // an offset may still follow
			return dtOK
		}
		if l, found := FindZone(s); found && isAlpha(s[0]) && d.seen&hasZone == 0 {
			d.seen |= hasZone
			d.loc = l
			return dtOK
		}
		return dtSyntax
	}
	switch w.kind {
	case wMonth:
		if d.seen&hasMonth != 0 && !d.textMonth && d.seen&hasDay == 0 && d.f.Month >= 1 && d.f.Month <= 31 {
			d.day(d.f.Month) // the number before the month's name was the day
			d.seen &^= hasMonth
		}
		if err := d.mark(hasMonth); err != dtOK {
			return err
		}
		d.f.Month, d.textMonth = w.val, true
	case wAMPM:
		d.ampm = w.val
	case wEra:
		d.bc = w.val == 1
	case wJulian:
		d.julian = true
	case wISOTime:
		if d.seen&hasDate != hasDate {
			return dtSyntax
		}
		d.isoTime = true
	case wDST:
		if d.seen&hasZone == 0 {
			return dtSyntax
		}
		d.east += 3600
	case wKeyword:
		if d.keyword >= 0 {
			return dtSyntax
		}
		d.keyword = w.val
	case wDay, wIgnore:
	default:
		return dtSyntax
	}
	return dtOK
}

// finish resolves century, era, noon, and checks the calendar.
func (d *decoder) finish() dtErr {
	f := &d.f
	if d.keyword >= 0 && d.keyword != kwMidnight {
		return dtOK
	}
	if d.seen&hasYear != 0 {
		switch {
		case d.bc:
			if f.Year <= 0 {
				return dtRange
			}
			f.Year = 1 - f.Year
		case d.twoDigit && f.Year < 70:
			f.Year += 2000
		case d.twoDigit && f.Year < 100:
			f.Year += 1900
		case f.Year <= 0:
			return dtRange
		}
	}
	if d.seen&hasDOY != 0 {
		f.Year, f.Month, f.Day = Civil(Days(f.Year, 1, 1) + d.doy - 1)
	}
	if d.seen&hasMonth != 0 && (f.Month < 1 || f.Month > 12) || d.seen&hasDay != 0 && (f.Day < 1 || f.Day > 31) {
		return dtMonthDayRange
	}
	if d.seen&hasDate == hasDate && f.Day > DaysInMonth(f.Year, f.Month) {
		return dtRange
	}
	if d.ampm >= 0 {
		switch {
		case f.Hour > 12:
			return dtRange
		case d.ampm == 0 && f.Hour == 12:
			f.Hour = 0
		case d.ampm == 1 && f.Hour != 12:
			f.Hour += 12
		}
	}
	return dtOK
}
