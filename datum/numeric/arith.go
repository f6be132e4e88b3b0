package numeric

// The arithmetic of finite numbers. Results keep the digits exact; scales follow
// PostgreSQL's rules: the larger of both for sums, their sum for products.

// at is the digit of weight w.
func (n Num) at(w int) uint16 {
	i := n.Weight - w
	if i < 0 || i >= len(n.Digits) {
		return 0
	}
	return n.Digits[i]
}

// low is the weight of the last digit.
func (n Num) low() int { return n.Weight - len(n.Digits) + 1 }

// IsZero reports a finite zero.
func (n Num) IsZero() bool { return n.Kind == Finite && len(n.Digits) == 0 }

// Sign is -1, 0 or 1; NaN has 1.
func (n Num) Sign() int {
	switch {
	case n.Kind == Finite && len(n.Digits) == 0:
		return 0
	case n.Neg:
		return -1
	}
	return 1
}

// FromInt makes an integer.
func FromInt(v int64) Num {
	u := uint64(v)
	if v < 0 {
		u = -u
	}
	n := FromUint(u)
	n.Neg = v < 0
	return n
}

// FromUint makes an integer.
func FromUint(u uint64) Num {
	var d [5]uint16
	i := len(d)
	for u > 0 {
		i--
		d[i] = uint16(u % base)
		u /= base
	}
	if i == len(d) {
		return Num{}
	}
	n := Num{Weight: len(d) - i - 1, Digits: append([]uint16(nil), d[i:]...)}
	return n.strip()
}

func cmpAbs(a, b Num) int {
	switch {
	case len(a.Digits) == 0 && len(b.Digits) == 0:
		return 0
	case len(a.Digits) == 0:
		return -1
	case len(b.Digits) == 0:
		return 1
	case a.Weight != b.Weight:
		return signOf(a.Weight > b.Weight)
	}
	for i := 0; i < len(a.Digits) && i < len(b.Digits); i++ {
		if a.Digits[i] != b.Digits[i] {
			return signOf(a.Digits[i] > b.Digits[i])
		}
	}
	return len(a.Digits) - len(b.Digits)
}

// Cmp orders numbers as Compare orders payloads.
func Cmp(a, b Num) int {
	if a.Kind != Finite || b.Kind != Finite {
		return a.Kind.rank() - b.Kind.rank()
	}
	if a.Sign() != b.Sign() {
		return a.Sign() - b.Sign()
	}
	if a.Neg {
		return cmpAbs(b, a)
	}
	return cmpAbs(a, b)
}

func addAbs(a, b Num) Num {
	if len(a.Digits) == 0 {
		return b
	}
	if len(b.Digits) == 0 {
		return a
	}
	hi, lo := max(a.Weight, b.Weight)+1, min(a.low(), b.low())
	d := make([]uint16, hi-lo+1)
	carry := uint16(0)
	for w := lo; w <= hi; w++ {
		s := a.at(w) + b.at(w) + carry
		carry = 0
		if s >= base {
			s -= base
			carry = 1
		}
		d[hi-w] = s
	}
	return Num{Weight: hi, Digits: d}
}

// subAbs is |a| - |b| where |a| >= |b|.
func subAbs(a, b Num) Num {
	if len(b.Digits) == 0 {
		return a
	}
	hi, lo := a.Weight, min(a.low(), b.low())
	d := make([]uint16, hi-lo+1)
	borrow := uint16(0)
	for w := lo; w <= hi; w++ {
		x, y := a.at(w), b.at(w)+borrow
		borrow = 0
		if x < y {
			x += base
			borrow = 1
		}
		d[hi-w] = x - y
	}
	return Num{Weight: hi, Digits: d}
}

// Negate is -a.
func Negate(a Num) Num {
	switch a.Kind {
	case PosInf:
		return Num{Kind: NegInf, Neg: true}
	case NegInf:
		return Num{Kind: PosInf}
	case NaN:
		return a
	}
	if len(a.Digits) > 0 {
		a.Neg = !a.Neg
	}
	return a
}

// Abs is |a|.
func Abs(a Num) Num {
	if a.Neg {
		return Negate(a)
	}
	return a
}

// Add is a + b.
func Add(a, b Num) Num {
	if a.Kind != Finite || b.Kind != Finite {
		return addSpecial(a, b)
	}
	var r Num
	switch {
	case a.Neg == b.Neg:
		r = addAbs(a, b)
		r.Neg = a.Neg
	case cmpAbs(a, b) >= 0:
		r = subAbs(a, b)
		r.Neg = a.Neg
	default:
		r = subAbs(b, a)
		r.Neg = b.Neg
	}
	r.Kind = Finite
	r.Scale = max(a.Scale, b.Scale)
	return r.strip()
}

func addSpecial(a, b Num) Num {
	switch {
	case a.Kind == NaN || b.Kind == NaN:
		return Num{Kind: NaN}
	case a.Kind == Finite:
		return b
	case b.Kind == Finite || a.Kind == b.Kind:
		return a
	}
	return Num{Kind: NaN}
}

// Sub is a - b.
func Sub(a, b Num) Num { return Add(a, Negate(b)) }

// Mul is a × b, exact.
func Mul(a, b Num) Num {
	if a.Kind != Finite || b.Kind != Finite {
		switch {
		case a.Kind == NaN || b.Kind == NaN || a.Sign() == 0 || b.Sign() == 0:
			return Num{Kind: NaN}
		case a.Sign() == b.Sign():
			return Num{Kind: PosInf}
		}
		return Num{Kind: NegInf, Neg: true}
	}
	r := mulDigits(a, b)
	r.Neg = a.Neg != b.Neg
	r.Scale = a.Scale + b.Scale
	r = r.strip()
	if r.Scale > MaxScale {
		r = Round(r, MaxScale)
	}
	return r
}

func mulDigits(a, b Num) Num {
	la, lb := len(a.Digits), len(b.Digits)
	if la == 0 || lb == 0 {
		return Num{}
	}
	acc := make([]uint64, la+lb)
	for i := la - 1; i >= 0; i-- {
		x := uint64(a.Digits[i])
		if x == 0 {
			continue
		}
		row := acc[i+1 : i+1+lb]
		for j, y := range b.Digits {
			row[j] += x * uint64(y)
		}
	}
	d := make([]uint16, la+lb)
	carry := uint64(0)
	for i := len(acc) - 1; i >= 0; i-- {
		s := acc[i] + carry
		d[i] = uint16(s % base)
		carry = s / base
	}
	return Num{Weight: a.Weight + b.Weight + 1, Digits: d}
}

// divScale is PostgreSQL's scale of a quotient: at least 16 significant digits,
// and no less than either argument's scale.
func divScale(a, b Num) int {
	var wa, wb int
	var fa, fb uint16
	if len(a.Digits) > 0 {
		wa, fa = a.Weight, a.Digits[0]
	}
	if len(b.Digits) > 0 {
		wb, fb = b.Weight, b.Digits[0]
	}
	q := wa - wb
	if fa <= fb {
		q--
	}
	return clampScale(minSigDigits-q*digitLen, a.Scale, b.Scale)
}

func clampScale(s int, others ...int) int {
	for _, o := range others {
		s = max(s, o)
	}
	return min(max(s, 0), maxDisplay)
}

// Div is a / b with PostgreSQL's result scale.
func Div(a, b Num) (Num, error) {
	if r, err, done := divSpecial(a, b); done {
		return r, err
	}
	return quo(a, b, divScale(a, b), true), nil
}

func divSpecial(a, b Num) (r Num, err error, done bool) {
	switch {
	case a.Kind == NaN || b.Kind == NaN:
		return Num{Kind: NaN}, nil, true
	case a.Kind != Finite && b.Kind != Finite:
		return Num{Kind: NaN}, nil, true
	case b.IsZero():
		return r, errDivZero(), true
	case a.Kind != Finite:
		if (a.Kind == NegInf) != b.Neg {
			return Num{Kind: NegInf, Neg: true}, nil, true
		}
		return Num{Kind: PosInf}, nil, true
	case b.Kind != Finite:
		return Num{}, nil, true
	}
	return r, nil, false
}

// DivTrunc is the integer quotient, towards zero (function div).
func DivTrunc(a, b Num) (Num, error) {
	if r, err, done := divSpecial(a, b); done {
		return r, err
	}
	return quo(a, b, 0, false), nil
}

// Mod is a - trunc(a/b)·b.
func Mod(a, b Num) (Num, error) {
	switch {
	case a.Kind == NaN || b.Kind == NaN:
		return Num{Kind: NaN}, nil
	case a.Kind != Finite:
		if b.IsZero() {
			return Num{}, errDivZero()
		}
		return Num{Kind: NaN}, nil
	case b.Kind != Finite:
		return a, nil
	case b.IsZero():
		return Num{}, errDivZero()
	}
	q := quo(a, b, 0, false)
	r := Sub(a, Mul(q, b))
	r.Scale = max(a.Scale, b.Scale)
	return r, nil
}

// quo divides finite numbers to scale digits after the point, rounded half away
// from zero or truncated.
func quo(a, b Num, scale int, round bool) Num {
	frac := max((scale+digitLen)/digitLen, 0) // base-10000 digits after the point: one decimal more than asked
	if scale >= 0 && frac*digitLen < scale+1 {
		frac++
	}
	shift := frac + a.low() - b.low()
	u := a.Digits
	switch {
	case len(u) == 0:
	case shift >= 0:
		u = append(make([]uint16, 0, len(u)+shift), u...)
		for range shift {
			u = append(u, 0)
		}
	case -shift >= len(u):
		u = nil
	default:
		u = u[:len(u)+shift]
	}
	q := divDigits(u, b.Digits)
	r := Num{Neg: a.Neg != b.Neg, Weight: len(q) - 1 - frac, Digits: q, Scale: frac * digitLen}.strip()
	if round {
		return Round(r, scale)
	}
	return Trunc(r, scale)
}

// divDigits is the integer quotient of two digit strings (Knuth's algorithm D).
func divDigits(u, v []uint16) []uint16 {
	for len(u) > 0 && u[0] == 0 {
		u = u[1:]
	}
	n := len(v)
	if len(u) < n {
		return nil
	}
	if n == 1 {
		q := make([]uint16, len(u))
		rem, d := uint32(0), uint32(v[0])
		for i, x := range u {
			rem = rem*base + uint32(x)
			q[i] = uint16(rem / d)
			rem %= d
		}
		return q
	}
	scale := uint32(base) / (uint32(v[0]) + 1) // makes the divisor's first digit at least base/2
	a, b := make([]int32, len(u)+1), make([]int32, n)
	carry := uint32(0)
	for i := len(u) - 1; i >= 0; i-- {
		s := uint32(u[i])*scale + carry
		a[i+1] = int32(s % base)
		carry = s / base
	}
	a[0] = int32(carry)
	carry = 0
	for i := n - 1; i >= 0; i-- {
		s := uint32(v[i])*scale + carry
		b[i] = int32(s % base)
		carry = s / base
	}
	q := make([]uint16, len(u)-n+1)
	for j := range q {
		q[j] = uint16(divStep(a[j:j+n+1], b))
	}
	return q
}

// divStep finds one quotient digit of a (one digit longer than b) and subtracts.
func divStep(a, b []int32) int32 {
	top := a[0]*base + a[1]
	q, r := top/b[0], top%b[0]
	for q >= base || int64(q)*int64(b[1]) > int64(r)*base+int64(a[2]) {
		q--
		r += b[0]
		if r >= base {
			break
		}
	}
	borrow := int32(0)
	for i := len(b) - 1; i >= 0; i-- {
		x := a[i+1] - q*b[i] - borrow
		borrow = 0
		if x < 0 {
			borrow = (-x + base - 1) / base
			x += borrow * base
		}
		a[i+1] = x
	}
	a[0] -= borrow
	if a[0] < 0 { // q was one too large
		q--
		carry := int32(0)
		for i := len(b) - 1; i >= 0; i-- {
			x := a[i+1] + b[i] + carry
			carry = 0
			if x >= base {
				x -= base
				carry = 1
			}
			a[i+1] = x
		}
		a[0] += carry
	}
	return q
}

// constant
var pow10 = [...]uint16{1, 10, 100, 1000}

// Trunc cuts to scale digits after the point (negative: before it).
func Trunc(n Num, scale int) Num { return cut(n, scale, false) }

// Round rounds half away from zero to scale digits after the point.
func Round(n Num, scale int) Num { return cut(n, scale, true) }

func cut(n Num, scale int, round bool) Num {
	if n.Kind != Finite {
		return n
	}
	shown := max(scale, 0)
	keep := (n.Weight+1)*digitLen + scale // decimal digits kept, counted from the first digit's group
	if len(n.Digits) == 0 || keep < 0 || keep >= len(n.Digits)*digitLen {
		if keep < 0 || len(n.Digits) == 0 {
			return Num{Scale: shown}
		}
		n.Scale = shown
		return n
	}
	d := append(make([]uint16, 0, len(n.Digits)+1), 0)
	d = append(d, n.Digits...) // one digit in front for the carry
	i, part := 1+keep/digitLen, keep%digitLen
	var up bool
	if part == 0 {
		up = d[i] >= base/2
		d = d[:i]
	} else {
		unit := pow10[digitLen-part]
		rest := d[i] % unit
		up = rest >= unit/2
		d[i] -= rest
		d = d[:i+1]
		if round && up {
			d[i] += unit
		}
	}
	if round && up && part == 0 {
		d[i-1]++
	}
	for j := len(d) - 1; j > 0 && d[j] >= base; j-- {
		d[j] -= base
		d[j-1]++
	}
	return Num{Neg: n.Neg, Weight: n.Weight + 1, Digits: d, Scale: shown}.strip()
}

// Floor is the largest integer not above n.
func Floor(n Num) Num {
	t := Trunc(n, 0)
	if n.Neg && Cmp(t, n) != 0 {
		t = Sub(t, FromInt(1))
	}
	return t
}

// Ceil is the smallest integer not below n.
func Ceil(n Num) Num {
	t := Trunc(n, 0)
	if !n.Neg && Cmp(t, n) != 0 {
		t = Add(t, FromInt(1))
	}
	return t
}

// MinScale is the number of digits after the point that are needed.
func MinScale(n Num) int {
	if n.Kind != Finite || len(n.Digits) == 0 {
		return 0
	}
	n = n.strip()
	s := -n.low() * digitLen
	if s <= 0 {
		return 0
	}
	for last := n.Digits[len(n.Digits)-1]; last%10 == 0; last /= 10 {
		s--
	}
	return max(s, 0)
}

// Int64 rounds n to an integer; false if it does not fit or is not finite.
func Int64(n Num) (int64, bool) {
	if n.Kind != Finite {
		return 0, false
	}
	n = Round(n, 0)
	if n.Weight > 4 {
		return 0, false
	}
	var v int64 // kept negative: it reaches one further
	for w := n.Weight; w >= 0 && len(n.Digits) > 0; w-- {
		d := int64(n.at(w))
		if v < (-1<<63+d)/base {
			return 0, false
		}
		v = v*base - d
	}
	if n.Neg {
		return v, true
	}
	return -v, v != -1<<63
}
