package numeric

import (
	"bytes"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

func random(r *rand.Rand) Num {
	var b strings.Builder
	if r.IntN(2) == 0 {
		b.WriteByte('-')
	}
	for range 1 + r.IntN(40) {
		b.WriteByte("0123456789999000"[r.IntN(16)])
	}
	if r.IntN(2) == 0 {
		b.WriteByte('.')
		for range 1 + r.IntN(30) {
			b.WriteByte("0123456789999000"[r.IntN(16)])
		}
	}
	n, err := Parse(b.String())
	if err != nil {
		panic(err)
	}
	return n
}

func rat(t *testing.T, n Num) *big.Rat {
	r, ok := new(big.Rat).SetString(n.String())
	if !ok {
		t.Fatalf("not a number: %s", n)
	}
	return r
}

// TestArithmeticLikeBig compares with exact rational arithmetic.
func TestArithmeticLikeBig(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		a, b := random(rng), random(rng)
		x, y := rat(t, a), rat(t, b)
		if got, want := rat(t, Add(a, b)), new(big.Rat).Add(x, y); got.Cmp(want) != 0 {
			t.Fatalf("%s + %s = %s", a, b, Add(a, b))
		}
		if got, want := rat(t, Sub(a, b)), new(big.Rat).Sub(x, y); got.Cmp(want) != 0 {
			t.Fatalf("%s - %s = %s", a, b, Sub(a, b))
		}
		if got, want := rat(t, Mul(a, b)), new(big.Rat).Mul(x, y); got.Cmp(want) != 0 {
			t.Fatalf("%s * %s = %s", a, b, Mul(a, b))
		}
		if got, want := Cmp(a, b), x.Cmp(y); got > 0 != (want > 0) || got < 0 != (want < 0) {
			t.Fatalf("%s ? %s: %d", a, b, got)
		}
		if got := Compare(a.Append(nil), b.Append(nil)); got > 0 != (x.Cmp(y) > 0) || got < 0 != (x.Cmp(y) < 0) {
			t.Fatalf("payloads of %s and %s: %d", a, b, got)
		}
		if b.IsZero() {
			continue
		}
		q, err := Div(a, b)
		if err != nil {
			t.Fatal(err)
		}
		// |q - a/b| is at most half a unit of the last digit.
		d := new(big.Rat).Sub(rat(t, q), new(big.Rat).Quo(x, y))
		half := new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).Mul(big.NewInt(2), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(q.Scale)), nil)))
		if d.Abs(d).Cmp(half) > 0 {
			t.Fatalf("%s / %s = %s", a, b, q)
		}
		m, _ := Mod(a, b)
		tq, _ := DivTrunc(a, b)
		if got := new(big.Rat).Add(new(big.Rat).Mul(rat(t, tq), y), rat(t, m)); got.Cmp(x) != 0 {
			t.Fatalf("%s mod %s = %s", a, b, m)
		}
	}
}

// TestPayloadEqualsStock: payloads as stock PostgreSQL 15 stores them.
func TestPayloadEqualsStock(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []byte
	}{
		{"0", []byte{0x00, 0x80}},
		{"1", []byte{0x00, 0x80, 1, 0}},
		{"-1.5", []byte{0x80, 0xa0, 1, 0, 0x88, 0x13}},
		{"10000", []byte{0x01, 0x80, 1, 0}},
		{"NaN", []byte{0x00, 0xc0}},
		{"Infinity", []byte{0x00, 0xd0}},
		{"-Infinity", []byte{0x00, 0xf0}},
	} {
		n, err := Parse(c.in)
		if err != nil {
			t.Fatal(err)
		}
		got, err := n.Encode()
		if err != nil || !bytes.Equal(got, c.want) {
			t.Errorf("%s: %x, want %x (%v)", c.in, got, c.want, err)
		}
		back, err := Decode(got)
		if err != nil || back.String() != n.String() {
			t.Errorf("%s comes back as %s (%v)", n, back, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{0x80, 0xa0, 1, 0, 0x88, 0x13})
	f.Fuzz(func(t *testing.T, b []byte) {
		Compare(b, []byte{0, 0x80})
		n, err := Decode(b)
		if err != nil {
			return
		}
		_ = n.String()
		if e, err := n.Encode(); err == nil {
			if m, err := Decode(e); err != nil || Cmp(m, n) != 0 {
				t.Errorf("%x comes back as %x", b, e)
			}
		}
	})
}
