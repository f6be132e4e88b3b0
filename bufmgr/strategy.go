package bufmgr

import "github.com/pgmini/pgmini/page"

// Kinds of rings.
const (
	BulkRead  = "bulkread"  // 256 kB
	BulkWrite = "bulkwrite" // 16 MB
	Vacuum    = "vacuum"    // 256 kB
)

// Strategy keeps a bulk operation to a small ring of buffers, so that it does
// not push everything else out; nil is none. It belongs to one goroutine.
type Strategy struct {
	kind   string
	ring   []int32 // frame + 1; 0 where not filled yet
	at     int     // the slot to use next
	inRing bool    // the victim came from the ring
}

// NewStrategy returns a ring for a bulk operation on p: at most an eighth of it.
func (p *Pool) NewStrategy(kind string) *Strategy {
	size := 256 << 10 / page.Size
	if kind == BulkWrite {
		size = 16 << 20 / page.Size
	}
	return &Strategy{kind: kind, ring: make([]int32, max(1, min(size, len(p.frames)/8)))}
}

// next turns the ring and returns the frame in the slot, if it has one.
func (s *Strategy) next(p *Pool) (int32, bool) {
	if s == nil {
		return 0, false
	}
	s.at = (s.at + 1) % len(s.ring)
	i := s.ring[s.at]
	s.inRing = i != 0
	return i - 1, s.inRing
}

// put remembers that the slot's operation got frame i.
func (s *Strategy) put(i int32) {
	if s != nil {
		s.ring[s.at] = i + 1
	}
}

// rejects reports whether a bulk read should leave the dirty frame i, whose
// content the caller has locked, to others: writing it would wait for the WAL.
func (s *Strategy) rejects(p *Pool, i int32) bool {
	if s == nil || s.kind != BulkRead || !s.inRing || p.opt.WAL == nil {
		return false
	}
	if p.Page(Buffer(i+1)).LSN() <= p.opt.WAL.FlushLSN() {
		return false
	}
	s.ring[s.at] = 0
	s.inRing = false
	return true
}
