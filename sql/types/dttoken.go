package types

// The tokenizer of date and time texts.

type fieldKind uint8

const (
	fNumber  fieldKind = iota // digits, at most one decimal point
	fString                   // a word, in lower case
	fDate                     // parts joined by - / . , or a word joined to something
	fTime                     // parts joined by :
	fZone                     // a sign and digits
	fSpecial                  // a sign and a word
)

type field struct {
	kind fieldKind
	text string
}

const (
	maxFields  = 25
	maxDateLen = 128 // the longest text that can be a date
)

func isAlnum(c byte) bool { return isAlpha(c) || isDigit(c) }

// splitFields cuts s into fields; false if it cannot be a date or a time.
func splitFields(s []byte) ([]field, bool) {
	if len(s) > maxDateLen {
		return nil, false
	}
	var fs []field
	i := 0
	peek := func(k int) byte {
		if i+k < len(s) {
			return s[i+k]
		}
		return 0
	}
	run := func(ok func(byte) bool) {
		for i < len(s) && ok(s[i]) {
			i++
		}
	}
	for i < len(s) {
		start := i
		kind := fNumber
		switch c := s[i]; {
		case isSpace(c):
			i++
			continue
		case isDigit(c):
			run(isDigit)
			switch d := peek(0); d {
			case ':':
				kind = fTime
				run(func(c byte) bool { return isDigit(c) || c == ':' || c == '.' })
			case '-', '/', '.':
				i++
				if isDigit(peek(0)) {
					if d != '.' {
						kind = fDate
					}
					run(isDigit)
					if peek(0) == d {
						kind = fDate
						run(func(c byte) bool { return isDigit(c) || c == d })
					}
				} else {
					if d != '.' || isAlpha(peek(0)) {
						kind = fDate
					}
					run(func(c byte) bool { return isAlnum(c) || c == d })
				}
			}
		case c == '.':
			i++
			run(isDigit)
		case isAlpha(c):
			kind = fString
			run(isAlpha)
			joined := false
			switch d := peek(0); {
			case d == '-' || d == '/' || d == '.':
				joined = true
			case d == '+' || isDigit(d):
				if _, known := words[lowerASCII(s[start:i])]; !known {
					joined = true
				}
			}
			if joined {
				kind = fDate
				run(func(c byte) bool {
					return isAlnum(c) || c == '+' || c == '-' || c == '/' || c == '_' || c == '.' || c == ':'
				})
			}
		case c == '+' || c == '-':
			i++
			run(isSpace)
			switch {
			case isDigit(peek(0)):
				kind = fZone
				run(func(c byte) bool { return isDigit(c) || c == ':' || c == '.' || c == '-' })
			case isAlpha(peek(0)):
				kind = fSpecial
				run(isAlpha)
			default:
				return nil, false
			}
		case c < 128 && c > ' ' && c != 127 && !isAlnum(c):
			i++
			continue // other punctuation only separates
		default:
			return nil, false
		}
		if len(fs) == maxFields {
			return nil, false
		}
		t := lowerASCII(s[start:i])
		if kind == fZone || kind == fSpecial { // blanks between sign and value do not count
			j := 1
			for j < len(t) && isSpace(t[j]) {
				j++
			}
			t = t[:1] + t[j:]
		}
		if kind == fDate {
			t = string(s[start:i])
		}
		fs = append(fs, field{kind, t})
	}
	return fs, true
}

type wordKind uint8

const (
	wMonth wordKind = iota + 1
	wDay
	wAMPM // 0 am, 1 pm
	wEra  // 0 AD, 1 BC
	wKeyword
	wJulian
	wISOTime
	wDST
	wIgnore
	wUnit
)

type word struct {
	kind wordKind
	val  int
}

// Values of keywords.
const (
	kwNow = iota
	kwToday
	kwTomorrow
	kwYesterday
	kwEpoch
	kwInfinity
	kwNegInfinity
	kwMidnight
)

// words are the words of date texts other than time zone abbreviations.
//
// constant
var words = map[string]word{
	"jan": {wMonth, 1}, "january": {wMonth, 1}, "feb": {wMonth, 2}, "february": {wMonth, 2},
	"mar": {wMonth, 3}, "march": {wMonth, 3}, "apr": {wMonth, 4}, "april": {wMonth, 4}, "may": {wMonth, 5},
	"jun": {wMonth, 6}, "june": {wMonth, 6}, "jul": {wMonth, 7}, "july": {wMonth, 7}, "aug": {wMonth, 8},
	"august": {wMonth, 8}, "sep": {wMonth, 9}, "sept": {wMonth, 9}, "september": {wMonth, 9}, "oct": {wMonth, 10},
	"october": {wMonth, 10}, "nov": {wMonth, 11}, "november": {wMonth, 11}, "dec": {wMonth, 12}, "december": {wMonth, 12},
	"sun": {wDay, 0}, "sunday": {wDay, 0}, "mon": {wDay, 1}, "monday": {wDay, 1}, "tue": {wDay, 2}, "tues": {wDay, 2},
	"tuesday": {wDay, 2}, "wed": {wDay, 3}, "weds": {wDay, 3}, "wednesday": {wDay, 3}, "thu": {wDay, 4}, "thur": {wDay, 4},
	"thurs": {wDay, 4}, "thursday": {wDay, 4}, "fri": {wDay, 5}, "friday": {wDay, 5}, "sat": {wDay, 6}, "saturday": {wDay, 6},
	"am": {wAMPM, 0}, "pm": {wAMPM, 1}, "ad": {wEra, 0}, "bc": {wEra, 1},
	"now": {wKeyword, kwNow}, "today": {wKeyword, kwToday}, "tomorrow": {wKeyword, kwTomorrow},
	"yesterday": {wKeyword, kwYesterday}, "epoch": {wKeyword, kwEpoch}, "infinity": {wKeyword, kwInfinity},
	"+infinity": {wKeyword, kwInfinity}, "-infinity": {wKeyword, kwNegInfinity}, "allballs": {wKeyword, kwMidnight},
	"j": {wJulian, 0}, "jd": {wJulian, 0}, "julian": {wJulian, 0}, "t": {wISOTime, 0}, "dst": {wDST, 3600},
	"at": {wIgnore, 0}, "on": {wIgnore, 0}, "d": {wUnit, 0}, "dow": {wUnit, 0}, "doy": {wUnit, 0}, "h": {wUnit, 0},
	"isodow": {wUnit, 0}, "isoyear": {wUnit, 0}, "m": {wUnit, 0}, "s": {wUnit, 0}, "y": {wUnit, 0}, "mm": {wUnit, 0},
}
