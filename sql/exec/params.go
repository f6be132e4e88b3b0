package exec

import "github.com/pgmini/pgmini/datum"

// paramSet is a set of executor parameter numbers.
type paramSet []uint64

// newParamSet makes a set of the given numbers.
func newParamSet(nums ...int) paramSet {
	var s paramSet
	for _, n := range nums {
		s = s.with(n)
	}
	return s
}

func (s paramSet) with(n int) paramSet {
	for len(s) <= n/64 {
		s = append(s, 0)
	}
	s[n/64] |= 1 << (n % 64)
	return s
}

// meets reports whether s and t share a number.
func (s paramSet) meets(t paramSet) bool {
	for i := range min(len(s), len(t)) {
		if s[i]&t[i] != 0 {
			return true
		}
	}
	return false
}

// slot is one executor parameter. A slot that belongs to an init plan is
// computed when it is first read.
type slot struct {
	d       datum.Datum
	pending func(x *Execution) error // runs the init plan, which sets the slot
}

func (s *slot) value(x *Execution) (datum.Datum, error) {
	if s.pending != nil {
		run := s.pending
		if err := run(x); err != nil {
			return datum.Datum{}, err
		}
	}
	return s.d, nil
}

// set stores d, copying its bytes.
func (s *slot) set(d datum.Datum) {
	buf := s.d.Bytes[:0]
	s.d = d
	if d.Bytes != nil {
		s.d.Bytes = append(buf, d.Bytes...)
		if s.d.Bytes == nil {
			s.d.Bytes = []byte{}
		}
	}
	s.pending = nil
}
