package plan

import (
	"iter"
	"math/bits"

	"github.com/pgmini/pgmini/sql/node"
)

// relids is a set of range table indexes. Operations make new sets.
type relids []uint64

func single(n int) relids { return relids(nil).with(n) }

func (s relids) with(n int) relids {
	out := make(relids, max(len(s), n/64+1))
	copy(out, s)
	out[n/64] |= 1 << (n % 64)
	return out
}

func (s relids) has(n int) bool { return n >= 0 && n/64 < len(s) && s[n/64]&(1<<(n%64)) != 0 }

func (s relids) union(t relids) relids {
	if len(s) < len(t) {
		s, t = t, s
	}
	out := append(relids(nil), s...)
	for i := range t {
		out[i] |= t[i]
	}
	return out
}

func (s relids) minus(t relids) relids {
	out := append(relids(nil), s...)
	for i := range min(len(s), len(t)) {
		out[i] &^= t[i]
	}
	return out
}

func (s relids) overlaps(t relids) bool {
	for i := range min(len(s), len(t)) {
		if s[i]&t[i] != 0 {
			return true
		}
	}
	return false
}

// in reports whether s is a subset of t.
func (s relids) in(t relids) bool {
	for i, w := range s {
		if i >= len(t) {
			if w != 0 {
				return false
			}
			continue
		}
		if w&^t[i] != 0 {
			return false
		}
	}
	return true
}

func (s relids) empty() bool {
	for _, w := range s {
		if w != 0 {
			return false
		}
	}
	return true
}

func (s relids) equal(t relids) bool { return s.in(t) && t.in(s) }

func (s relids) count() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// varsOf is the set of range table entries that e's own-level variables name.
func varsOf(e node.Node) relids {
	var s relids
	node.Walk(e, func(n node.Node) bool {
		switch v := n.(type) {
		case *node.Var:
			if v.Varlevelsup == 0 {
				s = s.with(v.Varno)
			}
		case *node.CurrentOfExpr:
			s = s.with(v.Cvarno)
		case *node.Query:
			return false
		}
		return true
	})
	return s
}

func (s relids) intersect(t relids) relids { return s.minus(s.minus(t)) }

// first is the smallest member, -1 if there is none.
func (s relids) first() int {
	for i, w := range s {
		if w != 0 {
			return i*64 + bits.TrailingZeros64(w)
		}
	}
	return -1
}

// each yields the members in ascending order.
func (s relids) each() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, w := range s {
			for ; w != 0; w &= w - 1 {
				if !yield(i*64 + bits.TrailingZeros64(w)) {
					return
				}
			}
		}
	}
}
