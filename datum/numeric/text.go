package numeric

import (
	"math"
	"strconv"
	"strings"

	"github.com/pgmini/pgmini/pgerr"
)

func errDivZero() error { return pgerr.New(pgerr.DivisionByZero, "division by zero") }

func errSyntax(s string) error {
	return pgerr.New(pgerr.InvalidTextRepresentation, "invalid input syntax for type numeric: \"%s\"", s)
}

// Parse reads a number as numeric_in does.
func Parse(s string) (Num, error) {
	t := strings.Trim(s, " \t\n\r\v\f")
	body, neg := t, false
	if body != "" && (body[0] == '+' || body[0] == '-') {
		neg = body[0] == '-'
		body = body[1:]
	}
	switch strings.ToLower(body) {
	case "nan":
		if body == t {
			return Num{Kind: NaN}, nil
		}
		return Num{}, errSyntax(s)
	case "inf", "infinity":
		if neg {
			return Num{Kind: NegInf, Neg: true}, nil
		}
		return Num{Kind: PosInf}, nil
	}
	i, point, n := 0, -1, 0
	for ; i < len(body); i++ {
		if c := body[i]; c == '.' && point < 0 {
			point = n
		} else if c >= '0' && c <= '9' {
			n++
		} else {
			break
		}
	}
	if n == 0 {
		return Num{}, errSyntax(s)
	}
	mant, exp := body[:i], 0
	if i < len(body) {
		e := body[i+1:]
		if body[i] != 'e' && body[i] != 'E' || e == "" || !digitsOnly(strings.TrimPrefix(strings.TrimPrefix(e, "+"), "-"), e) {
			return Num{}, errSyntax(s)
		}
		v, err := strconv.Atoi(e)
		if err != nil || v >= math.MaxInt32/2 || v <= -math.MaxInt32/2 {
			return Num{}, errOverflow()
		}
		exp = v
	}
	if point < 0 {
		point = n
	}
	r := fromDigits(strings.Replace(mant, ".", "", 1), point+exp)
	r.Neg = neg
	r.Scale = max(n-point-exp, 0)
	r = r.strip()
	if r.Weight > maxWeight || r.Scale > MaxScale {
		return Num{}, errOverflow()
	}
	return r, nil
}

// digitsOnly: rest, which is e without at most one sign, is all digits.
func digitsOnly(rest, e string) bool {
	if rest == "" || len(e)-len(rest) > 1 {
		return false
	}
	for _, c := range []byte(rest) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// fromDigits reads decimal digits with the point after the first `point` ones.
func fromDigits(dec string, point int) Num {
	// Groups of four around the point; pad in front.
	w := (point + digitLen - 1) / digitLen
	if point < 0 {
		w = -(-point / digitLen)
	}
	pad := w*digitLen - point
	n := (pad + len(dec) + digitLen - 1) / digitLen
	d := make([]uint16, n)
	for i := range len(dec) {
		p := pad + i
		d[p/digitLen] += uint16(dec[i]-'0') * pow10[digitLen-1-p%digitLen]
	}
	return Num{Weight: w - 1, Digits: d}.strip()
}

// AppendText appends n in decimal with its scale, as numeric_out does.
func (n Num) AppendText(dst []byte) []byte {
	switch n.Kind {
	case NaN:
		return append(dst, "NaN"...)
	case PosInf:
		return append(dst, "Infinity"...)
	case NegInf:
		return append(dst, "-Infinity"...)
	}
	if n.Neg {
		dst = append(dst, '-')
	}
	if n.Weight < 0 || len(n.Digits) == 0 {
		dst = append(dst, '0')
	}
	if len(n.Digits) > 0 {
		for w := n.Weight; w >= 0; w-- {
			dst = appendGroup(dst, n.at(w), w == n.Weight)
		}
	}
	if n.Scale > 0 {
		dst = append(dst, '.')
		end := len(dst) + n.Scale
		for w := -1; len(dst) < end; w-- {
			dst = appendGroup(dst, n.at(w), false)
		}
		dst = dst[:end]
	}
	return dst
}

func appendGroup(dst []byte, d uint16, first bool) []byte {
	if first {
		return strconv.AppendUint(dst, uint64(d), 10)
	}
	return append(dst, byte('0'+d/1000), byte('0'+d/100%10), byte('0'+d/10%10), byte('0'+d%10))
}

// String is the text form.
func (n Num) String() string { return string(n.AppendText(nil)) }

// AppendSci appends n in scientific notation with scale digits after the point
// of the mantissa (PostgreSQL: numeric_out_sci).
func (n Num) AppendSci(dst []byte, scale int) []byte {
	if n.Kind != Finite {
		return n.AppendText(dst)
	}
	exp := n.exp10()
	m := Round(shift10(n, -exp), max(scale, 0))
	dst = m.AppendText(dst)
	dst = append(dst, 'e')
	sign := byte('+')
	if exp < 0 {
		sign, exp = '-', -exp
	}
	dst = append(dst, sign)
	if exp < 10 {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, int64(exp), 10)
}

// exp10 is the decimal exponent of the first significant digit.
func (n Num) exp10() int {
	n = n.strip()
	if len(n.Digits) == 0 {
		return 0
	}
	e := n.Weight * digitLen
	for d := n.Digits[0]; d >= 10; d /= 10 {
		e++
	}
	return e
}

// shift10 is n × 10^k, exact.
func shift10(n Num, k int) Num {
	w := k / digitLen
	r := k % digitLen
	if r < 0 {
		r += digitLen
		w--
	}
	m := mulDigits(n, Num{Digits: []uint16{pow10[r]}})
	m.Neg, m.Weight, m.Scale = n.Neg, m.Weight+w, max(n.Scale-k, 0)
	return m.strip()
}

// Float64 is the nearest float8.
func (n Num) Float64() float64 {
	switch n.Kind {
	case NaN:
		return math.Float64frombits(0x7ff8000000000000)
	case PosInf:
		return math.Inf(1)
	case NegInf:
		return math.Inf(-1)
	}
	f, _ := strconv.ParseFloat(n.String(), 64)
	return f
}

// FromFloat converts a float with the given number of significant digits: 15 for
// float8, 6 for float4, as PostgreSQL does.
func FromFloat(f float64, digits int) Num {
	switch {
	case math.IsNaN(f):
		return Num{Kind: NaN}
	case math.IsInf(f, 1):
		return Num{Kind: PosInf}
	case math.IsInf(f, -1):
		return Num{Kind: NegInf, Neg: true}
	}
	s := strconv.FormatFloat(f, 'e', digits-1, 64)
	mant, exp, _ := strings.Cut(s, "e")
	if strings.Contains(mant, ".") {
		mant = strings.TrimRight(strings.TrimRight(mant, "0"), ".")
	}
	n, _ := Parse(mant + "e" + exp)
	return n
}

// TypMod makes the type modifier of numeric(precision, scale).
func TypMod(precision, scale int) int32 { return int32(precision<<16|scale&0x7ff) + 4 }

// UnpackTypMod reads a modifier; false if there is none.
func UnpackTypMod(m int32) (precision, scale int, ok bool) {
	if m < 4 {
		return 0, 0, false
	}
	m -= 4
	return int(m>>16) & 0xffff, int(m&0x7ff^1024) - 1024, true
}

// ApplyTypMod rounds n to the modifier's scale and checks its precision.
func ApplyTypMod(n Num, typmod int32) (Num, error) {
	p, s, ok := UnpackTypMod(typmod)
	if !ok || n.Kind == NaN {
		return n, nil
	}
	if n.Kind != Finite {
		return n, pgerr.New(pgerr.NumericValueOutOfRange, "numeric field overflow").
			WithDetail("A field with precision %d, scale %d cannot hold an infinite value.", p, s)
	}
	n = Round(n, s)
	if len(n.Digits) > 0 && n.exp10()+1 > p-s {
		lim := "10^" + strconv.Itoa(p-s)
		if p == s {
			lim = "1"
		}
		return n, pgerr.New(pgerr.NumericValueOutOfRange, "numeric field overflow").
			WithDetail("A field with precision %d, scale %d must round to an absolute value less than %s.", p, s, lim)
	}
	return n, nil
}
