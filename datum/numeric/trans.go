package numeric

import (
	"math"

	"github.com/cockroachdb/apd/v3"

	"github.com/pgmini/pgmini/pgerr"
)

// DivScale is the scale PostgreSQL gives to a / b.
func DivScale(a, b Num) int { return divScale(a, b) }

// DivAt divides finite numbers, b not zero, rounding to a given scale.
func DivAt(a, b Num, scale int) Num { return quo(a, b, scale, true) }

// Sqrt is the square root with PostgreSQL's result scale.
func Sqrt(n Num) (Num, error) {
	switch {
	case n.Kind == NaN || n.Kind == PosInf:
		return n, nil
	case n.Sign() < 0:
		return n, pgerr.New(pgerr.InvalidArgumentForPowerFunction, "cannot take square root of a negative number")
	}
	w := n.Weight
	sw := w*digitLen/2 + 1
	if w < 0 {
		sw = 1 - (1-w*digitLen)/2
	}
	return SqrtAt(n, clampScale(minSigDigits-sw, n.Scale)), nil
}

// SqrtAt is the square root rounded to scale digits.
func SqrtAt(n Num, scale int) Num {
	if n.IsZero() {
		return Num{Scale: scale}
	}
	r, err := viaAPD(n, max(n.Weight, 0)*digitLen/2+scale+12, func(c *apd.Context, d, x *apd.Decimal) error {
		_, err := c.Sqrt(d, x)
		return err
	})
	if err != nil {
		return Num{Kind: NaN}
	}
	return Round(r, scale)
}

func toAPD(n Num) *apd.Decimal {
	d, _, err := apd.NewFromString(n.String())
	if err != nil {
		return new(apd.Decimal)
	}
	d.Reduce(d)
	return d
}

func fromAPD(d *apd.Decimal) (Num, error) {
	if d.Form != apd.Finite {
		return Num{Kind: NaN}, errOverflow()
	}
	s := d.Coeff.String()
	n := fromDigits(s, len(s)+int(d.Exponent))
	n.Neg = d.Negative && len(n.Digits) > 0
	n.Scale = max(int(-d.Exponent), 0)
	return n, nil
}

func apdContext(digits int) *apd.Context {
	return &apd.Context{
		Precision: uint32(max(digits, 20)), MaxExponent: apd.MaxExponent, MinExponent: apd.MinExponent,
		Rounding: apd.RoundHalfUp,
	}
}

func viaAPD(n Num, digits int, f func(c *apd.Context, d, x *apd.Decimal) error) (Num, error) {
	var r apd.Decimal
	if err := f(apdContext(digits), &r, toAPD(n)); err != nil {
		return Num{}, err
	}
	return fromAPD(&r)
}

const log10e = 0.434294481903252

// Exp is e^n.
func Exp(n Num) (Num, error) {
	switch n.Kind {
	case NaN, PosInf:
		return n, nil
	case NegInf:
		return Num{}, nil
	}
	v := n.Float64() * log10e
	v = math.Max(math.Min(v, maxResultScale), -maxResultScale)
	scale := clampScale(minSigDigits-int(v), n.Scale)
	return expAt(n, scale)
}

func expAt(n Num, scale int) (Num, error) {
	v := n.Float64()
	if v >= 2000*3 {
		// Far larger exponents overflow; between, the caller pays for the digits.
		if v*log10e > 4*(maxWeight+1) {
			return Num{}, errOverflow()
		}
	}
	if v*log10e < -float64(scale)-2 {
		return Num{Scale: scale}, nil
	}
	r, err := viaAPD(n, int(v*log10e)+scale+12, func(c *apd.Context, d, x *apd.Decimal) error {
		_, err := c.Exp(d, x)
		return err
	})
	if err != nil {
		return Num{}, errOverflow()
	}
	return Round(r, scale), nil
}

// lnWeight estimates the decimal weight of ln(n), as PostgreSQL does to choose
// the scale.
func lnWeight(n Num) int {
	nine, _ := Parse("0.9")
	eleven, _ := Parse("1.1")
	if n.Sign() <= 0 {
		return 0
	}
	if Cmp(n, nine) >= 0 && Cmp(n, eleven) <= 0 {
		x := Sub(n, FromInt(1))
		if x.IsZero() {
			return 0
		}
		return x.Weight*digitLen + int(math.Log10(float64(x.Digits[0])))
	}
	d, w := float64(n.Digits[0]), n.Weight*digitLen
	if len(n.Digits) > 1 {
		d = d*base + float64(n.Digits[1])
		w -= digitLen
	}
	l := math.Log(d) + float64(w)*math.Ln10
	return int(math.Log10(math.Abs(l)))
}

func logDomain(n Num) error {
	switch {
	case n.Kind == NegInf || n.Sign() < 0:
		return pgerr.New(pgerr.InvalidArgumentForLog, "cannot take logarithm of a negative number")
	case n.Sign() == 0:
		return pgerr.New(pgerr.InvalidArgumentForLog, "cannot take logarithm of zero")
	}
	return nil
}

// Ln is the natural logarithm.
func Ln(n Num) (Num, error) {
	if n.Kind == NaN {
		return n, nil
	}
	if err := logDomain(n); err != nil || n.Kind == PosInf {
		return n, err
	}
	return lnAt(n, clampScale(minSigDigits-lnWeight(n), n.Scale))
}

func lnAt(n Num, scale int) (Num, error) {
	r, err := viaAPD(n, scale+24, func(c *apd.Context, d, x *apd.Decimal) error {
		_, err := c.Ln(d, x)
		return err
	})
	return Round(r, scale), err
}

// Log is the logarithm of n to base b.
func Log(b, n Num) (Num, error) {
	if b.Kind == NaN || n.Kind == NaN {
		return Num{Kind: NaN}, nil
	}
	if err := logDomain(b); err != nil {
		return n, err
	}
	if err := logDomain(n); err != nil {
		return n, err
	}
	switch {
	case b.Kind == PosInf && n.Kind == PosInf:
		return Num{Kind: NaN}, nil
	case b.Kind == PosInf:
		return Num{}, nil
	case n.Kind == PosInf:
		return n, nil
	}
	wb, wn := lnWeight(b), lnWeight(n)
	scale := clampScale(minSigDigits-(wn-wb), b.Scale, n.Scale)
	lb, err := lnAt(b, max(scale+wn-2*wb+8, 0)+16)
	if err != nil {
		return n, err
	}
	ln, err := lnAt(n, max(scale-wb+8, 0)+16)
	if err != nil {
		return n, err
	}
	if lb.IsZero() {
		return n, errDivZero()
	}
	return quo(ln, lb, scale, true), nil
}

// Power is a^b.
func Power(a, b Num) (Num, error) {
	if r, err, done := powerSpecial(a, b); done {
		return r, err
	}
	isInt := Cmp(Trunc(b, 0), b) == 0
	if a.IsZero() {
		if b.Sign() < 0 {
			return a, pgerr.New(pgerr.InvalidArgumentForPowerFunction, "zero raised to a negative power is undefined")
		}
		if b.Sign() == 0 {
			return Num{Weight: 0, Digits: []uint16{1}, Scale: minSigDigits}, nil
		}
		return Num{Scale: minSigDigits}, nil
	}
	if a.Neg && !isInt {
		return a, pgerr.New(pgerr.InvalidArgumentForPowerFunction, "a negative number raised to a non-integer power yields a complex result")
	}
	if isInt {
		if e, ok := Int64(b); ok && e >= math.MinInt32 && e <= math.MaxInt32 {
			return powerInt(a, e, b.Scale)
		}
	}
	return powerReal(a, b, isInt)
}

// powerInt raises to an integer. Its scale leaves 16 significant digits.
func powerInt(a Num, e int64, expScale int) (Num, error) {
	switch e {
	case 0:
		return setScale(FromInt(1), clampScale(minSigDigits, a.Scale, expScale)), nil
	}
	f := float64(a.Digits[0])
	p := a.Weight * digitLen
	for i := 1; i < len(a.Digits) && i*digitLen < 16; i++ {
		f = f*base + float64(a.Digits[i])
		p -= digitLen
	}
	w := float64(e) * (math.Log10(f) + float64(p))
	if w > (maxWeight+1)*digitLen {
		return a, errOverflow()
	}
	scale := clampScale(minSigDigits, a.Scale, expScale)
	if w+1 < -maxResultScale {
		return Num{Scale: scale}, nil
	}
	if e == 1 {
		return Round(a, scale), nil
	}
	if e == 2 {
		return Round(Mul(a, a), scale), nil
	}
	digits := int(math.Max(w, 0)) + scale + 20
	c := apdContext(digits)
	var r apd.Decimal
	if _, err := c.Pow(&r, toAPD(Abs(a)), apd.New(e, 0)); err != nil {
		return a, errOverflow()
	}
	n, err := fromAPD(&r)
	if err != nil {
		return a, err
	}
	n.Neg = a.Neg && e%2 != 0
	return Round(n, scale), nil
}

func setScale(n Num, s int) Num { n.Scale = s; return n }

func powerReal(a, b Num, isInt bool) (Num, error) {
	neg := a.Neg && isInt && oddInt(b)
	a = Abs(a)
	lw := lnWeight(a)
	ln, err := lnAt(a, max(8-lw, 0)+16)
	if err != nil {
		return a, err
	}
	v := Mul(ln, b).Float64()
	if math.Abs(v) > maxResultScale*3.01 {
		if v > 0 && v*log10e > 4*(maxWeight+1) || v > 0 && math.IsInf(v, 0) {
			return a, errOverflow()
		}
		if v < 0 {
			return Num{Scale: maxDisplay}, nil
		}
	}
	v = math.Max(math.Min(v*log10e, maxResultScale), -maxResultScale)
	scale := clampScale(minSigDigits-int(v), a.Scale, b.Scale)
	ln, err = lnAt(a, max(scale+int(v)-lw+8+b.exp10(), 0)+16)
	if err != nil {
		return a, err
	}
	r, err := expAt(Mul(ln, b), scale)
	r.Neg = neg && len(r.Digits) > 0
	return r, err
}

func oddInt(b Num) bool {
	return len(b.Digits) > 0 && b.at(0)%2 == 1
}

// powerSpecial answers for NaN and infinities, by the rules of POSIX pow.
func powerSpecial(a, b Num) (Num, error, bool) {
	one := FromInt(1)
	switch {
	case a.Kind == Finite && b.Kind == Finite:
		return a, nil, false
	case a.Kind == NaN || b.Kind == NaN:
		if b.IsZero() || a.Kind == Finite && Cmp(a, one) == 0 {
			return one, nil, true
		}
		return Num{Kind: NaN}, nil, true
	case b.Kind != Finite:
		if a.Kind == Finite && Cmp(a, one) == 0 || a.Kind == Finite && Cmp(a, Negate(one)) == 0 {
			return one, nil, true
		}
		if a.IsZero() && b.Kind == NegInf {
			return a, pgerr.New(pgerr.InvalidArgumentForPowerFunction, "zero raised to a negative power is undefined"), true
		}
		small := a.Kind == Finite && cmpAbs(a, one) < 0
		if small == (b.Kind == NegInf) {
			return Num{Kind: PosInf}, nil, true
		}
		return Num{}, nil, true
	}
	switch { // a is infinite, b is finite
	case b.IsZero():
		return one, nil, true
	case a.Kind == PosInf && b.Neg:
		return Num{}, nil, true
	case a.Kind == PosInf:
		return a, nil, true
	case Cmp(Trunc(b, 0), b) != 0:
		return a, pgerr.New(pgerr.InvalidArgumentForPowerFunction, "a negative number raised to a non-integer power yields a complex result"), true
	case b.Neg:
		return Num{}, nil, true
	case oddInt(b):
		return a, nil, true
	}
	return Num{Kind: PosInf}, nil, true
}

// GCD is the greatest common divisor.
func GCD(a, b Num) Num {
	if a.Kind != Finite || b.Kind != Finite {
		return Num{Kind: NaN}
	}
	scale := max(a.Scale, b.Scale)
	a, b = Abs(a), Abs(b)
	for !b.IsZero() {
		r, _ := Mod(a, b)
		a, b = b, r
	}
	a.Scale = scale
	return a
}

// LCM is the least common multiple.
func LCM(a, b Num) Num {
	if a.Kind != Finite || b.Kind != Finite {
		return Num{Kind: NaN}
	}
	scale := max(a.Scale, b.Scale)
	if a.IsZero() || b.IsZero() {
		return Num{Scale: scale}
	}
	r := Abs(Mul(a, quo(b, GCD(a, b), 0, false)))
	r.Scale = scale
	return r
}

// Factorial is n!.
func Factorial(n int64) (Num, error) {
	if n < 0 {
		return Num{}, pgerr.New(pgerr.NumericValueOutOfRange, "factorial of a negative number is undefined")
	}
	if n > 32177 {
		return Num{}, errOverflow()
	}
	r := FromInt(1)
	for i := int64(2); i <= n; i++ {
		r = Mul(r, FromInt(i))
	}
	return r, nil
}
