// Package numeric does decimal arithmetic on PostgreSQL's numeric: base-10000
// digits, the disk's own form, with PostgreSQL 15's result scales.
//
// On disk (payload without varlena header) a value is a 16-bit header and
// little-endian 16-bit digits. Short form: bit 15 set, bit 14 clear; bit 13
// sign, bits 12..7 display scale, bits 6..0 weight in two's complement. Long
// form: bits 15..14 sign (00 plus, 01 minus), bits 13..0 display scale, then a
// 16-bit weight. Both high bits set: NaN 0xC000, Infinity 0xD000, -Infinity
// 0xF000.
//
// INV-NUM-1: a payload that this package writes is the one PostgreSQL writes: no
// leading or trailing zero digit, short form whenever it fits.
// Enforced: Num.Encode. Tested: TestPayloadEqualsStock.
package numeric

import (
	"encoding/binary"

	"github.com/pgmini/pgmini/pgerr"
)

// Kind tells finite numbers from the special values.
type Kind uint8

// The kinds, in sort order but for NegInf.
const (
	Finite Kind = iota
	NegInf
	PosInf
	NaN
)

const (
	base      = 10000
	digitLen  = 4 // decimal digits in a base-10000 digit
	shortFlag = 0x8000
	special   = 0xC000
	codeNaN   = 0xC000
	codePInf  = 0xD000
	codeNInf  = 0xF000

	// MaxScale and the others are limits of the type.
	MaxScale       = 16383 // digits after the point
	MaxPrecision   = 1000  // of a declared numeric(p,s)
	maxWeight      = 32767
	maxResultScale = 2000
	minSigDigits   = 16
	maxDisplay     = 1000 // scale of division, sqrt, ln results
)

var le = binary.LittleEndian // constant

// Num is a numeric taken apart. The value is the digits read as an integer in
// base 10000 whose first digit has the weight 10000^Weight; zero has no digits.
type Num struct {
	Kind   Kind
	Neg    bool
	Weight int
	Scale  int // digits shown after the point
	Digits []uint16
}

// head is the decoded header; digits is the rest of the payload.
type head struct {
	kind   Kind
	neg    bool
	weight int
	scale  int
	digits []byte
}

func parseHead(b []byte) (h head, ok bool) {
	if len(b) < 2 {
		return h, false
	}
	w := le.Uint16(b)
	switch {
	case w&special == special:
		switch w & 0xF000 {
		case codePInf:
			h.kind = PosInf
		case codeNInf:
			h.kind, h.neg = NegInf, true
		default:
			h.kind = NaN
		}
		return h, true
	case w&shortFlag != 0:
		h.neg = w&0x2000 != 0
		h.scale = int(w >> 7 & 0x3f)
		h.weight = int(int8(w<<1)) >> 1
		h.digits = b[2:]
	default:
		if len(b) < 4 {
			return h, false
		}
		h.neg = w&special == 0x4000
		h.scale = int(w & 0x3fff)
		h.weight = int(int16(le.Uint16(b[2:])))
		h.digits = b[4:]
	}
	return h, len(h.digits)%2 == 0
}

func (h head) n() int             { return len(h.digits) / 2 }
func (h head) digit(i int) uint16 { return le.Uint16(h.digits[2*i:]) }

// Decode takes a payload apart. A damaged one is an error.
func Decode(b []byte) (Num, error) {
	h, ok := parseHead(b)
	if !ok {
		return Num{}, pgerr.New(pgerr.DataCorrupted, "numeric value is damaged")
	}
	n := Num{Kind: h.kind, Neg: h.neg, Weight: h.weight, Scale: h.scale}
	if h.n() > 0 {
		n.Digits = make([]uint16, h.n())
		for i := range n.Digits {
			if n.Digits[i] = h.digit(i); n.Digits[i] >= base {
				return Num{}, pgerr.New(pgerr.DataCorrupted, "numeric value is damaged")
			}
		}
	}
	return n.strip(), nil
}

// strip removes leading and trailing zero digits; a zero has no sign.
func (n Num) strip() Num {
	if n.Kind != Finite {
		n.Digits, n.Weight, n.Scale = nil, 0, 0
		return n
	}
	d := n.Digits
	for len(d) > 0 && d[0] == 0 {
		d = d[1:]
		n.Weight--
	}
	for len(d) > 0 && d[len(d)-1] == 0 {
		d = d[:len(d)-1]
	}
	if len(d) == 0 {
		n.Neg, n.Weight, d = false, 0, nil
	}
	n.Digits = d
	return n
}

// Append appends n's payload to dst. The value must fit (see Check).
func (n Num) Append(dst []byte) []byte {
	switch n.Kind {
	case NaN:
		return le.AppendUint16(dst, codeNaN)
	case PosInf:
		return le.AppendUint16(dst, codePInf)
	case NegInf:
		return le.AppendUint16(dst, codeNInf)
	}
	n = n.strip()
	if n.Scale <= 0x3f && n.Weight >= -64 && n.Weight <= 63 {
		w := uint16(shortFlag) | uint16(n.Scale)<<7 | uint16(n.Weight)&0x7f
		if n.Neg {
			w |= 0x2000
		}
		dst = le.AppendUint16(dst, w)
	} else {
		w := uint16(n.Scale)
		if n.Neg {
			w |= 0x4000
		}
		dst = le.AppendUint16(le.AppendUint16(dst, w), uint16(int16(n.Weight)))
	}
	for _, d := range n.Digits {
		dst = le.AppendUint16(dst, d)
	}
	return dst
}

// Encode checks that n fits the type and makes its payload.
func (n Num) Encode() ([]byte, error) {
	n = n.strip()
	if n.Kind == Finite && (n.Weight > maxWeight || n.Weight < -maxWeight-1 || n.Scale > MaxScale) {
		return nil, errOverflow()
	}
	return n.Append(make([]byte, 0, 4+2*len(n.Digits))), nil
}

func errOverflow() error {
	return pgerr.New(pgerr.NumericValueOutOfRange, "value overflows numeric format")
}

// rank orders the kinds: -Infinity, finite, Infinity, NaN.
func (k Kind) rank() int {
	switch k {
	case NegInf:
		return 0
	case PosInf:
		return 2
	case NaN:
		return 3
	}
	return 1
}

// Compare orders two payloads without allocating: NaN equals NaN and is
// greatest. Damaged payloads sort first.
func Compare(a, b []byte) int {
	x, okx := parseHead(a)
	y, oky := parseHead(b)
	if !okx || !oky {
		return boolInt(okx) - boolInt(oky)
	}
	if x.kind != Finite || y.kind != Finite {
		return x.kind.rank() - y.kind.rank()
	}
	switch {
	case x.n() == 0 && y.n() == 0:
		return 0
	case x.n() == 0:
		return signOf(!y.neg) * -1
	case y.n() == 0:
		return signOf(!x.neg)
	case x.neg != y.neg:
		return signOf(!x.neg)
	}
	c := compareAbs(x, y)
	if x.neg {
		return -c
	}
	return c
}

func signOf(pos bool) int {
	if pos {
		return 1
	}
	return -1
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func compareAbs(x, y head) int {
	i, j := 0, 0
	wx, wy := x.weight, y.weight
	for i < x.n() && x.digit(i) == 0 {
		i++
		wx--
	}
	for j < y.n() && y.digit(j) == 0 {
		j++
		wy--
	}
	if i < x.n() && j < y.n() && wx != wy {
		return signOf(wx > wy)
	}
	for i < x.n() || j < y.n() {
		var a, b uint16
		if i < x.n() {
			a = x.digit(i)
		}
		if j < y.n() {
			b = y.digit(j)
		}
		if a != b {
			return signOf(a > b)
		}
		i++
		j++
	}
	return 0
}

// Significant returns what a hash of the value must cover: the digits without
// leading and trailing zeros and the weight of the first. ok is false for
// special values; zero has no digits.
func Significant(b []byte) (digits []byte, weight int, ok bool) {
	h, good := parseHead(b)
	if !good || h.kind != Finite {
		return nil, 0, false
	}
	d, w := h.digits, h.weight
	for len(d) > 0 && d[0] == 0 && d[1] == 0 {
		d = d[2:]
		w--
	}
	for len(d) > 0 && d[len(d)-1] == 0 && d[len(d)-2] == 0 {
		d = d[:len(d)-2]
	}
	return d, w, true
}
