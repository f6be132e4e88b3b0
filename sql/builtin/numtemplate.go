package builtin

import (
	"strings"
	"unicode/utf8"

	"github.com/pgmini/pgmini/pgerr"
)

// numItem is one piece of a numeric template: a pattern by its upper-case name
// (TH and RN keep their case), or, with an empty name, literal text.
type numItem struct{ name, text string }

// numTemplate is a numeric template taken apart.
type numTemplate struct {
	items              []numItem
	pre, post, shift   int  // digits before and behind the point; of V
	point, fill, sci   bool // . or D; FM; EEEE
	roman, blank, mult bool // RN; B; V
	zero               bool // a 0 before the point, at zeroFrom
	zeroFrom, zeroTo   int  // digits from one, 0 is before all; the last 0
	sign, before       bool // S; S stands before the number
	preSign            int  // digits before S
	plus, minus, angle bool // PL, MI, both for SG; PR
}

// numPatterns in the order they are looked for; each also in lower case. constant
var numPatterns = [...]string{",", ".", "0", "9", "B", "C", "D", "EEEE", "FM", "G", "L", "MI", "PL", "PR", "RN", "SG", "SP", "S", "TH", "V"}

// parseNum cuts a numeric template.
func parseNum(s string) (*numTemplate, error) {
	t := &numTemplate{}
next:
	for s != "" {
		for _, p := range numPatterns {
			if strings.HasPrefix(s, p) || strings.HasPrefix(s, strings.ToLower(p)) {
				if err := t.take(p); err != nil {
					return nil, err
				}
				t.items = append(t.items, numItem{p, s[:len(p)]})
				s = s[len(p):]
				continue next
			}
		}
		if s[0] == '"' {
			for s = s[1:]; s != ""; {
				if s[0] == '"' {
					s = s[1:]
					break
				}
				if s[0] == '\\' && len(s) > 1 {
					s = s[1:]
				}
				s = t.literal(s)
			}
			continue
		}
		if strings.HasPrefix(s, `\"`) {
			s = s[1:]
		}
		s = t.literal(s)
	}
	return t, nil
}

func (t *numTemplate) literal(s string) string {
	_, w := utf8.DecodeRuneInString(s)
	t.items = append(t.items, numItem{"", s[:w]})
	return s[w:]
}

// take notes what pattern p means for the whole.
func (t *numTemplate) take(p string) error {
	bad := func(msg string) error { return pgerr.New(pgerr.SyntaxError, "%s", msg) }
	if t.sci {
		if p == "EEEE" {
			return bad(`cannot use "EEEE" twice`)
		}
		return bad(`"EEEE" must be the last pattern used`)
	}
	switch p {
	case "9", "0":
		return t.digit(p)
	case "B":
		t.blank = t.blank || t.pre == 0 && t.post == 0 && !t.zero
	case ".", "D":
		switch {
		case t.point:
			return bad("multiple decimal points")
		case t.mult:
			return bad(`cannot use "V" and decimal point together`)
		}
		t.point = true
	case "FM":
		t.fill = true
	case "S", "MI", "PL", "SG", "PR":
		return t.signPattern(p)
	case "RN":
		t.roman = true
	case "V":
		if t.point {
			return bad(`cannot use "V" and decimal point together`)
		}
		t.mult = true
	case "EEEE":
		if t.blank || t.fill || t.sign || t.angle || t.minus || t.plus || t.roman || t.mult {
			return pgerr.New(pgerr.SyntaxError, `"EEEE" is incompatible with other formats`).
				WithDetail(`"EEEE" may only be used together with digit and decimal point patterns.`)
		}
		t.sci = true
	}
	return nil
}

func (t *numTemplate) digit(p string) error {
	if t.angle {
		return pgerr.New(pgerr.SyntaxError, `"%s" must be ahead of "PR"`, p)
	}
	if p == "9" && t.mult {
		t.shift++
		return nil
	}
	if p == "0" && !t.zero && !t.point {
		t.zero, t.zeroFrom = true, t.pre
	}
	if t.point {
		t.post++
	} else {
		t.pre++
	}
	if p == "0" {
		t.zeroTo = t.pre + t.post
	}
	return nil
}

func (t *numTemplate) signPattern(p string) error {
	bad := func(msg string) error { return pgerr.New(pgerr.SyntaxError, "%s", msg) }
	switch {
	case p == "S" && t.sign:
		return bad(`cannot use "S" twice`)
	case p == "S" && (t.plus || t.minus || t.angle):
		return bad(`cannot use "S" and "PL"/"MI"/"SG"/"PR" together`)
	case p == "PR" && (t.sign || t.plus || t.minus):
		return bad(`cannot use "PR" and "S"/"PL"/"MI"/"SG" together`)
	case p != "S" && p != "PR" && t.sign:
		return bad(`cannot use "S" and "` + p + `" together`)
	}
	switch p {
	case "S":
		t.sign = true
		if t.before = !t.point; t.before {
			t.preSign = t.pre
		}
	case "PR":
		t.angle = true
	default:
		t.minus = t.minus || p != "PL"
		t.plus = t.plus || p != "MI"
	}
	return nil
}
