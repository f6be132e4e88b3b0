package pglz

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

func samples() [][]byte {
	rng := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 5000)
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	words := []byte{}
	for len(words) < 20000 {
		words = append(words, "alpha beta gamma delta "[rng.IntN(12):]...)
	}
	half := append(bytes.Repeat([]byte{7}, 4000), noise[:4000]...)
	return [][]byte{bytes.Repeat([]byte{0}, 8192), words, half, noise,
		[]byte("abcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabc"), {1}, {}}
}

func TestRoundTrip(t *testing.T) {
	var c Compressor
	for i, src := range samples() {
		for _, s := range []Strategy{Default(), Always()} {
			z, ok := c.Compress(nil, src, s)
			if !ok {
				if i < 2 {
					t.Errorf("sample %d was not compressed", i)
				}
				continue
			}
			if len(z) >= len(src)*(100-s.MinSaving)/100 {
				t.Errorf("sample %d: %d bytes of %d are not worth keeping", i, len(z), len(src))
			}
			got := make([]byte, len(src))
			if n, err := Decompress(got, z, true); err != nil || n != len(src) || !bytes.Equal(got, src) {
				t.Errorf("sample %d: %d bytes back, %v", i, n, err)
			}
			head := make([]byte, len(src)/2)
			if _, err := Decompress(head, z, false); err != nil || !bytes.Equal(head, src[:len(head)]) {
				t.Errorf("sample %d: prefix differs, %v", i, err)
			}
		}
	}
	if _, ok := c.Compress(nil, samples()[3], Default()); ok {
		t.Error("noise was compressed")
	}
}

// Worked out by hand from the format: three literals, then one copy of 57 bytes
// from 3 back. That PostgreSQL reads our bytes and we read its is shown by
// package xlog's TestStockReplaysOurWAL and TestReadStockWAL.
func TestKnownBytes(t *testing.T) {
	z := []byte{0x08, 'a', 'b', 'c', 0x0f, 0x03, 57 - 18}
	got := make([]byte, 60)
	if _, err := Decompress(got, z, true); err != nil || string(got) != string(bytes.Repeat([]byte("abc"), 20)) {
		t.Errorf("%q, %v", got, err)
	}
	var c Compressor
	mine, ok := c.Compress(nil, got, Default())
	if !ok || !bytes.Equal(mine, z) {
		t.Errorf("got % x", mine)
	}
}

func TestCorrupt(t *testing.T) {
	dst := make([]byte, 64)
	for _, z := range [][]byte{{1, 0}, {1, 0x0f, 1}, {1, 0, 0}, {1, 0, 1}, {2, 'a', 0, 2}, {0, 'a'}} {
		if n, err := Decompress(dst, z, true); err == nil {
			t.Errorf("% x gave %d bytes", z, n)
		}
	}
}

func FuzzDecompress(f *testing.F) {
	var c Compressor
	for _, s := range samples() {
		z, _ := c.Compress(nil, s, Always())
		f.Add(z, len(s))
	}
	f.Fuzz(func(t *testing.T, z []byte, n int) {
		dst := make([]byte, n&0xffff)
		m, err := Decompress(dst, z, true)
		if err == nil && m != len(dst) {
			t.Fatal("short without error")
		}
		var c Compressor
		if y, ok := c.Compress(nil, z, Always()); ok {
			back := make([]byte, len(z))
			if _, err := Decompress(back, y, true); err != nil || !bytes.Equal(back, z) {
				t.Fatal("round trip", err)
			}
		}
	})
}

func BenchmarkCompress(b *testing.B) {
	var c Compressor
	src := samples()[1][:8192]
	buf := make([]byte, 0, 8192)
	b.SetBytes(8192)
	b.ReportAllocs()
	for b.Loop() {
		c.Compress(buf, src, Default())
	}
}
