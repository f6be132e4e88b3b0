package node

import "math/bits"

// Bitmapset is a set of small non-negative integers. nil is empty.
type Bitmapset []uint64

// ColumnBit is the member that stands for attribute attno in the column sets of
// a range table entry: system columns have negative numbers.
func ColumnBit(attno int) int { return attno + 7 }

// Add returns s with x, reusing s's memory.
func (s Bitmapset) Add(x int) Bitmapset {
	for len(s) <= x/64 {
		s = append(s, 0)
	}
	s[x/64] |= 1 << (x % 64)
	return s
}

// Has tells whether x is in s.
func (s Bitmapset) Has(x int) bool {
	return x >= 0 && x/64 < len(s) && s[x/64]&(1<<(x%64)) != 0
}

// Empty tells whether s has no member.
func (s Bitmapset) Empty() bool {
	for _, w := range s {
		if w != 0 {
			return false
		}
	}
	return true
}

// All yields the members in order.
func (s Bitmapset) All(yield func(int) bool) {
	for i, w := range s {
		for w != 0 {
			if !yield(i*64 + bits.TrailingZeros64(w)) {
				return
			}
			w &= w - 1
		}
	}
}
