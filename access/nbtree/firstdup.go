package nbtree

import "slices"

// dupFinder finds which of several duplicates a sort meets first. PostgreSQL
// reports the one on which its sort compares two equal keys, so that its order of
// comparisons decides: that of a three-way quicksort with the median of samples
// as the pivot (Bentley and McIlroy, "Engineering a Sort Function", 1993), with a
// look for input that is sorted already before each partition. It runs only when
// it is known that there are duplicates.
type dupFinder struct {
	b     *Builder
	list  []entry
	found tuple
}

// firstDuplicate is the tuple to report, of the live ones in memory.
func (b *Builder) firstDuplicate(other tuple) tuple {
	if len(b.spool.runs) > 0 {
		return other
	}
	f := &dupFinder{b: b}
	for _, en := range b.spool.held {
		if en.alive {
			f.list = append(f.list, en)
		}
	}
	slices.SortFunc(f.list, func(x, y entry) int { return x.t.tid().Compare(y.t.tid()) }) // as the table was read
	f.sort(0, len(f.list))
	if f.found == nil {
		return other
	}
	return f.found
}

// compare notes a duplicate. After that the order does not matter any more.
func (f *dupFinder) compare(i, j int) int {
	if f.found != nil {
		return 0
	}
	x, y := &f.list[i], &f.list[j]
	if i != j && f.b.sameKey(x.t, y.t) {
		f.found = x.t
		return 0
	}
	return f.b.spool.compare(x, y)
}

func (f *dupFinder) swap(i, j int) { f.list[i], f.list[j] = f.list[j], f.list[i] }

// sorted reports whether list[lo:hi] is in order.
func (f *dupFinder) sorted(lo, hi int) bool {
	for i := lo + 1; i < hi; i++ {
		if f.compare(i-1, i) > 0 {
			return false
		}
	}
	return true
}

// small and large are the sizes from which on one and three times three samples
// are taken for the pivot; smaller lists are sorted by insertion.
const (
	smallSort = 7
	largeSort = 40
)

func (f *dupFinder) sort(lo, hi int) {
	for n := hi - lo; f.found == nil; n = hi - lo {
		if n < smallSort {
			for i := lo + 1; i < hi; i++ {
				for j := i; j > lo && f.compare(j-1, j) > 0; j-- {
					f.swap(j-1, j)
				}
			}
			return
		}
		if f.sorted(lo, hi) {
			return
		}
		f.swap(lo, f.pivot(lo, hi))
		less, more := f.partition(lo, hi)
		// The smaller part first; the larger one in the next round.
		if less <= more {
			f.sort(lo, lo+less)
			lo = hi - more
		} else {
			f.sort(hi-more, hi)
			hi = lo + less
		}
	}
}

// pivot chooses the element to split list[lo:hi] at.
func (f *dupFinder) pivot(lo, hi int) int {
	n := hi - lo
	mid := lo + n/2
	if n == smallSort {
		return mid
	}
	first, last := lo, hi-1
	if n > largeSort {
		d := n / 8
		first = f.median(first, first+d, first+2*d)
		mid = f.median(mid-d, mid, mid+d)
		last = f.median(last-2*d, last-d, last)
	}
	return f.median(first, mid, last)
}

func (f *dupFinder) median(a, b, c int) int {
	if f.compare(a, b) < 0 {
		switch {
		case f.compare(b, c) < 0:
			return b
		case f.compare(a, c) < 0:
			return c
		}
		return a
	}
	switch {
	case f.compare(b, c) > 0:
		return b
	case f.compare(a, c) < 0:
		return a
	}
	return c
}

// partition splits list[lo:hi] at its first element and returns how many are less
// and how many are more. Equal ones, which only NULLs can make, gather at both
// ends and are moved to the middle.
func (f *dupFinder) partition(lo, hi int) (less, more int) {
	left, i := lo+1, lo+1
	right, j := hi-1, hi-1
	for {
		for i <= j {
			c := f.compare(i, lo)
			if c > 0 {
				break
			}
			if c == 0 {
				f.swap(left, i)
				left++
			}
			i++
		}
		for i <= j {
			c := f.compare(j, lo)
			if c < 0 {
				break
			}
			if c == 0 {
				f.swap(j, right)
				right--
			}
			j--
		}
		if i > j {
			break
		}
		f.swap(i, j)
		i++
		j--
	}
	less, more = i-left, right-j
	for k, n := 0, min(left-lo, less); k < n; k++ {
		f.swap(lo+k, i-n+k)
	}
	for k, n := 0, min(more, hi-1-right); k < n; k++ {
		f.swap(i+k, hi-n+k)
	}
	return less, more
}
