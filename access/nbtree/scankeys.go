package nbtree

import (
	"slices"

	"github.com/pgmini/pgmini/datum"
)

// cond is a Key prepared for one scan.
type cond struct {
	Key
	strategy uint8 // in the index's order: Strategy turned round for DESC
	// A tuple that fails cond ends the scan in these directions, since all that
	// follow fail it too.
	stopForward  bool
	stopBackward bool
	anchored     bool // every earlier column has an equality
	nullsFirst   bool
}

// array is the state of one column = ANY (array).
type array struct {
	cond int // index into conds
	vals []datum.Datum
	cur  int
}

// prepare sorts the keys by column and finds out which ones bound the scan. It
// returns false if no row can match.
func (s *Scan) prepare(keys []Key) bool {
	s.conds = s.conds[:0]
	s.arrays = s.arrays[:0]
	possible := true
	for _, k := range keys {
		opt := s.e.idx.Index.Options[k.Col]
		c := cond{Key: k, strategy: k.Strategy, nullsFirst: opt&optNullsFirst != 0}
		switch {
		case k.IsNull:
			c.strategy = Equal
			c.Arg = datum.Null()
		case k.NotNull:
			c.Arg = datum.Null()
			c.strategy = Less // than NULL, which is last
			if c.nullsFirst {
				c.strategy = Greater
			}
		case opt&optDesc != 0:
			c.strategy = 6 - k.Strategy
		}
		if !k.IsNull && !k.NotNull && !k.IsArray && k.Arg.Null {
			possible = false // no operator of a btree is true of NULL
		}
		s.conds = append(s.conds, c)
	}
	slices.SortStableFunc(s.conds, func(a, b cond) int { return a.Col - b.Col })
	s.anchor()
	s.width = 0
	for i := range s.conds {
		c := &s.conds[i]
		s.width = max(s.width, c.Col+1)
		for _, r := range c.Row {
			s.width = max(s.width, r.Col+1)
		}
		if c.IsArray && !s.prepareArray(i) {
			possible = false
		}
	}
	return possible
}

// anchor finds out which conditions stop the scan.
func (s *Scan) anchor() {
	var equal [maxCols]bool
	for i := range s.conds {
		c := &s.conds[i]
		if c.strategy == Equal && len(c.Row) == 0 {
			equal[c.Col] = true
		}
	}
	for i := range s.conds {
		c := &s.conds[i]
		c.anchored = true
		for j := 0; j < c.Col; j++ {
			c.anchored = c.anchored && equal[j]
		}
		c.stopForward = c.anchored && c.strategy <= Equal
		c.stopBackward = c.anchored && c.strategy >= Equal
	}
}

// prepareArray sorts the values of condition i, dropping NULLs and duplicates; of
// an inequality only the widest value counts. It returns false if none is left.
func (s *Scan) prepareArray(i int) bool {
	c := &s.conds[i]
	vals := slices.DeleteFunc(slices.Clone(c.Array), func(d datum.Datum) bool { return d.Null })
	if len(vals) == 0 {
		return false
	}
	cmp := s.e.idx.Index.Compare[c.Col]
	desc := s.e.idx.Index.Options[c.Col]&optDesc != 0
	if c.Cmp == nil { // the values are of the column's type, so they can be sorted
		slices.SortFunc(vals, func(a, b datum.Datum) int {
			if desc {
				return cmp(b, a)
			}
			return cmp(a, b)
		})
		vals = slices.CompactFunc(vals, func(a, b datum.Datum) bool { return cmp(a, b) == 0 })
		switch {
		case c.strategy < Equal:
			vals = vals[len(vals)-1:]
		case c.strategy > Equal:
			vals = vals[:1]
		}
	}
	s.arrays = append(s.arrays, array{cond: i, vals: vals})
	return true
}

// startArrays chooses the first values in the direction.
func (s *Scan) startArrays(forward bool) {
	for i := range s.arrays {
		a := &s.arrays[i]
		a.cur = 0
		if !forward {
			a.cur = len(a.vals) - 1
		}
		s.conds[a.cond].Arg = a.vals[a.cur]
	}
}

// nextArrays chooses the next combination of values; false if there is none.
func (s *Scan) nextArrays(forward bool) bool {
	for i := len(s.arrays) - 1; i >= 0; i-- {
		a := &s.arrays[i]
		wrapped := false
		if forward {
			if a.cur++; a.cur == len(a.vals) {
				a.cur, wrapped = 0, true
			}
		} else {
			if a.cur--; a.cur < 0 {
				a.cur, wrapped = len(a.vals)-1, true
			}
		}
		s.conds[a.cond].Arg = a.vals[a.cur]
		if !wrapped {
			return true
		}
	}
	return false
}

// startKey builds in s.key where the scan begins, and returns how many columns
// that has and whether the last one's condition is strict: equalities, then one
// or more bounds on the side where the scan starts.
func (s *Scan) startKey(forward bool) (n int, strict bool) {
	k := &s.key
	for n < s.e.nkeys {
		var best *cond
		for i := range s.conds {
			c := &s.conds[i]
			if c.Col != n || !c.bounds(forward) {
				continue
			}
			if best == nil || s.tighter(c, best, forward) {
				best = c
			}
		}
		if best == nil {
			if s.bounded(n) && s.e.idx.Index.Options[n]&optNullsFirst != 0 == forward {
				// A bound on the far side alone: skip the NULLs on this one.
				k.vals[n], k.cmps[n] = datum.Null(), nil
				return n + 1, true
			}
			return n, false
		}
		k.vals[n], k.cmps[n] = best.Arg, best.Cmp
		n++
		if len(best.Row) > 0 {
			return n, false
		}
		if best.strategy == Less || best.strategy == Greater {
			return n, true
		}
	}
	return n, false
}

// bounds reports whether c limits the side where a scan begins.
func (c *cond) bounds(forward bool) bool {
	if forward {
		return c.strategy >= Equal
	}
	return c.strategy <= Equal
}

// bounded reports whether some condition of column n is false of NULL.
func (s *Scan) bounded(n int) bool {
	for i := range s.conds {
		if c := &s.conds[i]; c.Col == n && !c.IsNull {
			return true
		}
	}
	return false
}

// tighter reports whether c starts the scan nearer to its end than b: an equality
// does; other conditions of the column's own type are compared.
func (s *Scan) tighter(c, b *cond, forward bool) bool {
	if (c.strategy == Equal) != (b.strategy == Equal) {
		return c.strategy == Equal
	}
	if b.NotNull || c.NotNull {
		return b.NotNull
	}
	if c.Cmp != nil || b.Cmp != nil || c.Arg.Null || b.Arg.Null {
		return false
	}
	d := s.e.compareCol(c.Col, &c.Arg, &b.Arg, nil)
	if d == 0 {
		return len(c.Row) == 0 && (c.strategy == Less || c.strategy == Greater)
	}
	return (d > 0) == forward
}

// match reports whether the tuple meets all conditions, and if not, whether a
// later one in the scan's direction can. Of a high key, which may have lost
// columns, only the second answer counts.
func (s *Scan) match(t tuple, forward bool) (ok, more bool) {
	natts := s.e.natts
	if t.pivot() {
		natts = t.natts(natts)
	}
	n := min(s.width, natts)
	s.e.deform(t, n, s.e.cols[:])
	for i := range s.conds {
		c := &s.conds[i]
		if c.Col >= n {
			return true, true
		}
		v := &s.e.cols[c.Col]
		if v.Null && !c.IsNull {
			// NULLs lie together at one end: if that is ahead, nothing follows that matches.
			atEnd := c.nullsFirst != forward
			return false, !(atEnd && (c.stopForward || c.stopBackward))
		}
		if c.holds(s, v, n) {
			continue
		}
		if forward {
			return false, !c.stopForward
		}
		return false, !c.stopBackward
	}
	return true, true
}

// holds evaluates c on a column value; v is NULL only if c asks for that.
func (c *cond) holds(s *Scan, v *datum.Datum, n int) bool {
	if c.IsNull {
		return v.Null
	}
	if c.NotNull {
		return true
	}
	if len(c.Row) > 0 {
		return c.rowHolds(s, v, n)
	}
	return satisfies(c.Strategy, c.compare(s, c.Col, v, &c.Arg))
}

func (k *Key) compare(s *Scan, col int, v, arg *datum.Datum) int {
	if k.Cmp != nil {
		return k.Cmp(*v, *arg)
	}
	return s.e.idx.Index.Compare[col](*v, *arg)
}

func satisfies(strategy uint8, c int) bool {
	switch strategy {
	case Less:
		return c < 0
	case LessOrEqual:
		return c <= 0
	case Equal:
		return c == 0
	case GreaterOrEqual:
		return c >= 0
	}
	return c > 0
}

// rowHolds compares rows: the first column that differs decides. A column that a
// high key lost, or a NULL, leaves it open: true for the one, false for the other.
func (c *cond) rowHolds(s *Scan, v *datum.Datum, n int) bool {
	d := c.compare(s, c.Col, v, &c.Arg)
	for i := 0; d == 0 && i < len(c.Row); i++ {
		r := &c.Row[i]
		if r.Col >= n {
			return true
		}
		w := &s.e.cols[r.Col]
		if w.Null || r.Arg.Null {
			return false
		}
		d = r.compare(s, r.Col, w, &r.Arg)
	}
	return satisfies(c.Strategy, d)
}
