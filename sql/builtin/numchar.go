package builtin

import (
	"math"
	"strconv"
	"strings"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/numeric"
	"github.com/pgmini/pgmini/pgerr"
)

// numWriter lays a number out by a template. The number is its digits with a
// point; pad template digits stand before its first one.
type numWriter struct {
	t        *numTemplate
	num      string
	at       int // next byte of num
	pad      int
	slot     int // digits and points of the template so far
	neg      bool
	signed   bool // the sign is written, or has no place
	in       bool // the digit before was written
	last     int  // with FM: the last byte of num that counts; -1: all
	lastSlot int
	out      []byte
}

// romanWidth is the longest numeral, MMMDCCCLXXXVIII.
const romanWidth = 15

// print writes num, whose sign is neg, by the template.
func (t *numTemplate) print(num string, neg bool) string {
	whole, _, _ := strings.Cut(num, ".")
	w := &numWriter{t: t, num: num, neg: neg, last: -1}
	if w.pad = max(t.pre-len(whole), 0); len(whole) > t.pre {
		w.num = strings.Repeat("#", t.pre) + "." + strings.Repeat("#", t.post)
	}
	if t.roman {
		*t = numTemplate{items: t.items, fill: t.fill, roman: true}
		w.num, w.pad = num, 0
	}
	w.prepare()
	for _, it := range t.items {
		w.item(it)
	}
	return string(w.out)
}

// prepare settles what the whole template decides: where the sign goes, what FM
// leaves out, which slot is the last.
func (w *numWriter) prepare() {
	t := w.t
	switch {
	case t.plus || t.minus:
		w.signed = !t.plus || t.minus
	default:
		if !w.neg && t.fill {
			t.angle = false
			w.signed = !t.sign
		}
		if t.sign && t.before && t.pre == t.preSign {
			t.before = false
		}
	}
	w.lastSlot = t.pre + t.post - 1
	if !w.signed && w.pad == 0 {
		w.lastSlot++
	}
	if w.pad > 0 {
		w.lastSlot++
	}
	if t.point {
		w.lastSlot++
	}
	if p := strings.IndexByte(w.num, '.'); t.fill && t.point && p >= 0 {
		w.last = max(p, len(strings.TrimRight(w.num, "0"))-1)
		if t.zeroTo > w.pad {
			w.last = max(w.last, min(len(w.num)-1, t.zeroTo-w.pad))
		}
	}
}

func (w *numWriter) put(s string) { w.out = append(w.out, s...) }

func (w *numWriter) signOf(plus string) string {
	if w.neg {
		return "-"
	}
	return plus
}

// blankUnless is s, or, when there is nothing to show, a blank that FM leaves out.
func (w *numWriter) blankUnless(show bool, s string) {
	switch {
	case show:
		w.put(s)
	case !w.t.fill:
		w.put(" ")
	}
}

func (w *numWriter) item(it numItem) {
	switch it.name {
	case "":
		w.put(it.text)
	case "9", "0", ".", "D":
		if !w.t.roman {
			w.digit(it.name)
		}
	case ",", "G":
		w.blankUnless(w.in, ",")
	case "L":
		w.put(" ")
	case "RN":
		s := w.num
		if it.text == "rn" {
			s = strings.ToLower(s)
		}
		if !w.t.fill {
			s = strings.Repeat(" ", max(romanWidth-len(s), 0)) + s
		}
		w.put(s)
	case "TH":
		if !w.t.roman && !strings.HasPrefix(w.num, "#") && !w.neg && !w.t.point {
			if n := len(w.num); n > 0 && w.num[n-1] >= '0' && w.num[n-1] <= '9' {
				v, _ := strconv.ParseInt(w.num[max(n-2, 0):], 10, 64)
				w.put(ordinal(v, it.text))
			} else {
				w.put(it.text)
			}
		}
	case "MI":
		w.blankUnless(w.neg, "-")
	case "PL":
		w.blankUnless(!w.neg, "+")
	case "SG":
		w.put(w.signOf("+"))
	}
}

// unwrittenZero: the zero before the point of a template such as 9.9.
func (w *numWriter) unwrittenZero() bool {
	return !w.t.zero && w.at == 0 && strings.HasPrefix(w.num, "0") && w.t.post != 0
}

func (w *numWriter) digit(name string) {
	t := w.t
	w.in = false
	onlyPoint := w.last >= 0 && w.num[w.last] == '.'
	inZeros := t.zero && t.zeroFrom <= w.slot
	if !w.signed && (w.slot >= w.pad || t.zero && t.zeroFrom == w.slot) && (!w.unwrittenZero() || onlyPoint) {
		w.putSign()
	}
	switch {
	case w.slot < w.pad && !inZeros:
		w.blankUnless(false, "")
	case w.slot < w.pad:
		w.put("0")
		w.in = true
	default:
		w.next(name, onlyPoint)
	}
	end := w.lastSlot
	if w.last >= 0 && w.last == w.at {
		end = w.slot
	}
	if w.slot+1 == end {
		switch {
		case w.signed && t.angle && w.neg:
			w.put(">")
		case w.signed && t.angle:
			w.put(" ")
		case t.sign && !t.before:
			w.put(w.signOf("+"))
		}
	}
	w.slot++
}

func (w *numWriter) putSign() {
	t := w.t
	switch {
	case t.sign:
		if !t.before {
			return
		}
		w.put(w.signOf("+"))
	case t.angle && w.neg:
		w.put("<")
	case t.angle:
		w.put(" ")
	case w.neg:
		w.put("-")
	default:
		w.blankUnless(false, "")
	}
	w.signed = true
}

// next writes the number's next byte, if the template's place shows it.
func (w *numWriter) next(name string, onlyPoint bool) {
	if w.at >= len(w.num) {
		return
	}
	switch c := w.num[w.at]; {
	case c == '.':
		w.put(".")
	case w.last >= 0 && w.at > w.last && name != "0":
	case w.unwrittenZero():
		switch {
		case !w.t.fill:
			w.put(" ")
		case onlyPoint:
			w.put("0")
		}
	default:
		w.put(w.num[w.at : w.at+1])
		w.in = true
	}
	w.at++
}

func romanText(v int64) string {
	if v < 1 || v > 3999 {
		return strings.Repeat("#", romanWidth)
	}
	s := ""
	for i, x := range []int64{1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1} {
		for v >= x {
			s += []string{"M", "CM", "D", "CD", "C", "XC", "L", "XL", "X", "IX", "V", "IV", "I"}[i]
			v -= x
		}
	}
	return s
}

// numericChar is to_char of a numeric.
func numericChar(t *numTemplate, n numeric.Num) (string, error) {
	switch {
	case t.roman:
		v, ok := numeric.Int64(numeric.Round(n, 0))
		if !ok || v != int64(int32(v)) {
			return "", outOfRange("integer")
		}
		return t.print(romanText(v), false), nil
	case t.sci && n.Kind != numeric.Finite:
		return t.sciHashes(), nil
	case t.sci:
		s := string(n.AppendSci(nil, t.post))
		if s[0] != '-' {
			s = " " + s
		}
		return s, nil
	}
	if t.mult {
		p, err := numeric.Power(numeric.FromInt(10), numeric.FromInt(int64(t.shift)))
		if err != nil {
			return "", err
		}
		n = numeric.Mul(n, p)
		t.pre += t.shift
	}
	s, neg := strings.CutPrefix(numeric.Round(n, t.post).String(), "-")
	return t.print(s, neg), nil
}

// sciHashes stands for what EEEE cannot show.
func (t *numTemplate) sciHashes() string {
	b := []byte(strings.Repeat("#", t.pre+t.post+6))
	b[0], b[t.pre+1] = ' ', '.'
	return string(b)
}

// intChar is to_char of an integer of a type with so many bits.
func intChar(t *numTemplate, v int64, bits int) (string, error) {
	if t.roman {
		return t.print(romanText(v), false), nil
	}
	if t.sci && bits == 32 {
		return floatSci(float64(v), t.post), nil
	}
	if t.sci {
		return numericChar(t, numeric.FromInt(v))
	}
	if t.mult {
		for range t.shift {
			w := v * 10
			if w/10 != v || bits == 32 && w != int64(int32(w)) {
				if bits == 32 {
					return "", outOfRange("integer")
				}
				return "", outOfRange("bigint")
			}
			v = w
		}
		t.pre += t.shift
	}
	s, neg := strings.CutPrefix(strconv.FormatInt(v, 10), "-")
	if t.post > 0 {
		s += "." + strings.Repeat("0", t.post)
	}
	return t.print(s, neg), nil
}

func floatSci(v float64, post int) string {
	s := strconv.FormatFloat(v, 'e', post, 64)
	if s[0] != '-' {
		s = " " + s
	}
	return s
}

// floatChar is to_char of a float that has so many reliable digits.
func floatChar(t *numTemplate, v float64, digits int) (string, error) {
	special := math.IsNaN(v) || math.IsInf(v, 0)
	switch {
	case t.roman:
		if r := math.RoundToEven(v); r >= 1 && r <= 3999 {
			return t.print(romanText(int64(r)), false), nil
		}
		return t.print(romanText(0), false), nil
	case t.sci && special:
		return t.sciHashes(), nil
	case t.sci:
		return floatSci(v, t.post), nil
	}
	if t.mult {
		if p := math.Pow(10, float64(t.shift)); digits == 6 {
			v = float64(float32(v) * float32(p))
		} else {
			v *= p
		}
		t.pre += t.shift
	}
	s := "NaN"
	neg := math.Signbit(v) && !math.IsNaN(v)
	switch {
	case math.IsInf(v, 0):
		s = "Infinity"
	case !special:
		s = strconv.FormatFloat(math.Abs(v), 'f', 0, 64)
	}
	if t.post = max(min(t.post, digits-len(s)), 0); !special {
		s = strconv.FormatFloat(math.Abs(v), 'f', t.post, 64)
	}
	return t.print(s, neg), nil
}

func addNumberChar(r funcs) {
	add := func(name string, f func(t *numTemplate, d datum.Datum) (string, error)) {
		r.scalar(name, func(c *Call) (datum.Datum, error) {
			if len(arg(c, 1)) == 0 {
				return bytesDatum(nil)
			}
			t, err := parseNum(string(arg(c, 1)))
			if err != nil {
				return datum.Null(), err
			}
			s, err := f(t, c.Args[0])
			if err != nil {
				return datum.Null(), err
			}
			return text(s)
		})
	}
	add("numeric_to_char", func(t *numTemplate, d datum.Datum) (string, error) {
		n, err := num(d)
		if err != nil {
			return "", err
		}
		return numericChar(t, n)
	})
	add("int4_to_char", func(t *numTemplate, d datum.Datum) (string, error) { return intChar(t, int64(int32(d.Int)), 32) })
	add("int8_to_char", func(t *numTemplate, d datum.Datum) (string, error) { return intChar(t, d.Int, 64) })
	add("float8_to_char", func(t *numTemplate, d datum.Datum) (string, error) { return floatChar(t, d.Float8(), 15) })
	add("float4_to_char", func(t *numTemplate, d datum.Datum) (string, error) { return floatChar(t, float64(d.Float4()), 6) })
	r.scalar("numeric_to_number", toNumber)
	r.scalar("booland_statefunc", func(c *Call) (datum.Datum, error) { return datum.Bool(c.Args[0].Bool() && c.Args[1].Bool()), nil })
	r.scalar("boolor_statefunc", func(c *Call) (datum.Datum, error) { return datum.Bool(c.Args[0].Bool() || c.Args[1].Bool()), nil })
}

// toNumber reads a number. It takes digits wherever they stand.
func toNumber(c *Call) (datum.Datum, error) {
	if len(arg(c, 1)) == 0 {
		return datum.Null(), nil
	}
	t, err := parseNum(string(arg(c, 1)))
	switch {
	case err != nil:
		return datum.Null(), err
	case t.sci:
		return datum.Null(), pgerr.New(pgerr.FeatureNotSupported, `"EEEE" not supported for input`)
	case t.roman:
		return datum.Null(), pgerr.New(pgerr.FeatureNotSupported, `"RN" not supported for input`)
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
	n, err := numeric.Parse(s)
	if err != nil || !t.mult {
		return numDatum(n, err)
	}
	p, err := numeric.Power(numeric.FromInt(10), numeric.FromInt(int64(-t.shift)))
	if err != nil {
		return datum.Null(), err
	}
	return numDatum(numeric.Mul(n, p), nil)
}
