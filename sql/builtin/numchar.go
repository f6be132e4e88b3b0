package builtin

import (
	"strings"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/numeric"
	"github.com/pgmini/pgmini/pgerr"
)

// numTemplate is a numeric template taken apart.
type numTemplate struct {
	parts           []string // "9", "0", ".", ",", literals prefixed with a NUL
	pre, post       int
	zeroAt          int // index among digits where leading zeros begin, -1
	fill            bool
	sign            string // "", "S", "MI", "PL", "SG", "PR"
	signFirst, sci  bool
	roman, th, mult bool
	shift           int
}

// parseNum cuts a numeric template.
func parseNum(s string) (*numTemplate, error) {
	t := &numTemplate{zeroAt: -1}
	dec := false
	for s != "" {
		up := strings.ToUpper(s)
		take := func(n int) { s = s[n:] }
		switch {
		case strings.HasPrefix(up, "FM"):
			t.fill = true
			take(2)
		case strings.HasPrefix(up, "EEEE"):
			t.sci = true
			take(4)
		case strings.HasPrefix(up, "RN"):
			t.roman = true
			take(2)
		case strings.HasPrefix(up, "TH"):
			t.parts = append(t.parts, s[:2])
			t.th = true
			take(2)
		case strings.HasPrefix(up, "MI"), strings.HasPrefix(up, "PL"), strings.HasPrefix(up, "SG"), strings.HasPrefix(up, "PR"):
			t.sign = up[:2]
			t.parts = append(t.parts, up[:2])
			take(2)
		case up[0] == 'S':
			if t.sign == "S" {
				return nil, pgerr.New(pgerr.SyntaxError, "cannot use \"S\" twice")
			}
			t.sign = "S"
			t.signFirst = t.pre == 0
			t.parts = append(t.parts, "S")
			take(1)
		case up[0] == 'V':
			t.mult = true
			take(1)
		case up[0] == '9' || up[0] == '0':
			switch {
			case t.mult:
				t.shift++
				t.pre++
			case dec:
				t.post++
			default:
				t.pre++
			}
			if up[0] == '0' && !dec && t.zeroAt < 0 {
				t.zeroAt = t.pre - 1
			}
			t.parts = append(t.parts, up[:1])
			take(1)
		case up[0] == '.' || up[0] == 'D':
			if dec {
				return nil, pgerr.New(pgerr.SyntaxError, "multiple decimal points")
			}
			dec = true
			t.parts = append(t.parts, ".")
			take(1)
		case up[0] == ',' || up[0] == 'G':
			t.parts = append(t.parts, ",")
			take(1)
		case up[0] == '"':
			i := strings.IndexByte(s[1:], '"')
			if i < 0 {
				i = len(s) - 1
			}
			t.parts = append(t.parts, "\x00"+s[1:min(1+i, len(s))])
			take(min(i+2, len(s)))
		case up[0] == 'L':
			t.parts = append(t.parts, "\x00 ")
			take(1)
		default:
			_, w := firstRune(s)
			t.parts = append(t.parts, "\x00"+s[:w])
			take(w)
		}
	}
	return t, nil
}

// print formats n by the template.
func (t *numTemplate) print(n numeric.Num) string {
	if t.roman {
		return romanText(n, t.fill)
	}
	if t.sci {
		b := numeric.Abs(n).AppendSci(nil, t.post)
		sign := " "
		if n.Neg {
			sign = "-"
		} else if t.sign == "S" {
			sign = "+"
		}
		if t.fill && sign == " " {
			sign = ""
		}
		return sign + string(b)
	}
	if t.shift > 0 {
		p, _ := numeric.Power(numeric.FromInt(10), numeric.FromInt(int64(t.shift)))
		n = numeric.Mul(n, p)
	}
	n = numeric.Round(n, t.post)
	whole, frac, _ := strings.Cut(numeric.Abs(n).String(), ".")
	if whole == "0" && t.post > 0 {
		whole = ""
	}
	over := len(whole) > t.pre
	pad := t.pre - len(whole)
	neg := n.Neg && n.Sign() != 0
	var b strings.Builder
	started, signDone := false, t.sign == "MI" || t.sign == "SG" || t.sign == "S" && !t.signFirst
	signText := func() string {
		switch {
		case t.sign == "PR" && neg:
			return "<"
		case neg:
			return "-"
		case t.sign == "S":
			return "+"
		case t.fill:
			return ""
		}
		return " "
	}
	putSign := func() {
		if !signDone {
			b.WriteString(signText())
			signDone = true
		}
	}
	at, post := 0, 0
	fracKeep := len(frac)
	if t.fill { // FM drops zeros that a 9 stands for
		digits := 0
		last := -1
		dec := false
		for _, p := range t.parts {
			if p == "." {
				dec = true
			}
			if dec && (p == "9" || p == "0") {
				if p == "0" {
					last = digits
				}
				digits++
			}
		}
		for fracKeep > 0 && fracKeep-1 > last && frac[fracKeep-1] == '0' {
			fracKeep--
		}
	}
	dec := false
	for _, p := range t.parts {
		switch {
		case p == "9" || p == "0":
			if dec {
				if over {
					b.WriteByte('#')
				} else if post < fracKeep {
					b.WriteByte(frac[post])
				}
				post++
				continue
			}
			switch {
			case over:
				putSign()
				b.WriteByte('#')
				started = true
			case at < pad && !(t.zeroAt >= 0 && at >= t.zeroAt):
				last := at == t.pre-1
				if last && t.post == 0 { // a lone zero
					putSign()
					b.WriteByte('0')
					started = true
				} else if !t.fill {
					b.WriteByte(' ')
				}
			case at < pad:
				putSign()
				b.WriteByte('0')
				started = true
			default:
				putSign()
				b.WriteByte(whole[at-pad])
				started = true
			}
			at++
		case p == ".":
			if at == t.pre {
				putSign()
			}
			dec = true
			started = true
			b.WriteByte('.')
		case p == ",":
			if started {
				b.WriteByte(',')
			} else if !t.fill {
				b.WriteByte(' ')
			}
		case p == "S":
			if !t.signFirst {
				if neg {
					b.WriteByte('-')
				} else {
					b.WriteByte('+')
				}
			}
		case p == "MI":
			if neg {
				b.WriteByte('-')
			} else if !t.fill {
				b.WriteByte(' ')
			}
		case p == "PL":
			if !neg {
				b.WriteByte('+')
			} else if !t.fill {
				b.WriteByte(' ')
			}
		case p == "SG":
			if neg {
				b.WriteByte('-')
			} else {
				b.WriteByte('+')
			}
		case p == "PR":
			putSign()
			if neg {
				b.WriteByte('>')
			} else if !t.fill {
				b.WriteByte(' ')
			}
		case strings.EqualFold(p, "TH"):
			v, _ := numeric.Int64(n)
			if !neg && t.post == 0 {
				b.WriteString(ordinal(v, p))
			}
		default:
			b.WriteString(p[1:])
		}
	}
	return b.String()
}

func romanText(n numeric.Num, fill bool) string {
	v, ok := numeric.Int64(n)
	s := strings.Repeat("#", 15)
	if ok && v >= 1 && v <= 3999 {
		s = ""
		for i, x := range []int64{1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1} {
			for v >= x {
				s += []string{"M", "CM", "D", "CD", "C", "XC", "L", "XL", "X", "IX", "V", "IV", "I"}[i]
				v -= x
			}
		}
	}
	if !fill {
		s = strings.Repeat(" ", max(15-len(s), 0)) + s
	}
	return s
}

func addNumberChar(r funcs) {
	add := func(name string, get func(d datum.Datum) (numeric.Num, error)) {
		r.scalar(name, func(c *Call) (datum.Datum, error) {
			if len(arg(c, 1)) == 0 {
				return bytesDatum(nil)
			}
			n, err := get(c.Args[0])
			if err != nil {
				return datum.Null(), err
			}
			t, err := parseNum(string(arg(c, 1)))
			if err != nil {
				return datum.Null(), err
			}
			if n.Kind != numeric.Finite {
				return datum.Null(), pgerr.NotYet("to_char of %s", n.String())
			}
			return text(t.print(n))
		})
	}
	add("numeric_to_char", num)
	add("int4_to_char", func(d datum.Datum) (numeric.Num, error) { return numeric.FromInt(int64(int32(d.Int))), nil })
	add("int8_to_char", func(d datum.Datum) (numeric.Num, error) { return numeric.FromInt(d.Int), nil })
	add("float8_to_char", func(d datum.Datum) (numeric.Num, error) { return numeric.FromFloat(d.Float8(), 15), nil })
	add("float4_to_char", func(d datum.Datum) (numeric.Num, error) { return numeric.FromFloat(float64(d.Float4()), 6), nil })
	r.scalar("numeric_to_number", func(c *Call) (datum.Datum, error) {
		if len(arg(c, 1)) == 0 {
			return datum.Null(), nil
		}
		var b strings.Builder
		neg := false
		for _, ch := range arg(c, 0) {
			switch {
			case ch >= '0' && ch <= '9' || ch == '.':
				b.WriteByte(ch)
			case ch == '-' || ch == '<':
				neg = true
			}
		}
		s := b.String()
		if neg {
			s = "-" + s
		}
		return numDatum(numeric.Parse(s))
	})
	r.scalar("booland_statefunc", func(c *Call) (datum.Datum, error) { return datum.Bool(c.Args[0].Bool() && c.Args[1].Bool()), nil })
	r.scalar("boolor_statefunc", func(c *Call) (datum.Datum, error) { return datum.Bool(c.Args[0].Bool() || c.Args[1].Bool()), nil })
}
