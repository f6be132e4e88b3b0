package xlog

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/pgerr"
)

// tickets is how many inserts may be under way at once.
const tickets = 1024

// ticket is an insert that has reserved its bytes. Ticket numbers follow the
// order of the log; number t lives in slot t modulo tickets, and may take it
// when t-tickets is done.
type ticket struct {
	done     atomic.Uint64 // 1 + the number of the latest ticket here that is done
	progress atomic.Uint64 // bytePos below which its bytes are all in place
	_        [48]byte      // a cache line of its own
}

// inserter hands out the bytes of the log.
//
// INV-XLOG-2: the reserved range, the link to the previous record and the
// decision for or against full-page images are made under one lock, so that a
// redo point never falls between the decision and the record.
// Enforced: Insert, reserve. Tested: TestRedoMovesDuringInsert.
type inserter struct {
	mu   sync.Mutex
	pos  bytePos // where the next record goes
	prev bytePos // where the last one started
	next uint64  // number of the next ticket

	reserved  atomic.Uint64 // pos, to read without the lock
	issued    atomic.Uint64 // next, likewise; stored before reserved
	redo      atomic.Uint64 // redo point; stored under mu
	pageWrite atomic.Bool   // full_page_writes; stored under mu
	backups   atomic.Int32  // base backups under way: they force page images
	important atomic.Uint64
	slots     []ticket

	oldest  uint64 // ticket that may be unfinished; the flush leader's
	waiters atomic.Int32
	waitMu  sync.Mutex
	cond    sync.Cond
	failed  bool // the log has failed; guarded by waitMu
}

func (s *inserter) init(pos, prev bytePos, prevLSN lsn.LSN, opt Options) {
	s.pos, s.prev = pos, prev
	s.slots = make([]ticket, tickets)
	for i := range s.slots {
		s.slots[i].done.Store(uint64(i) + 1)
	}
	s.next, s.oldest = tickets, tickets // numbers below are done
	s.issued.Store(tickets)
	s.reserved.Store(uint64(pos))
	s.redo.Store(uint64(opt.RedoLSN))
	s.pageWrite.Store(opt.FullPageWrites)
	s.important.Store(uint64(prevLSN))
	s.cond.L = &s.waitMu
}

// claim is what reserve gives: the range of a record and its ticket.
type claim struct {
	ticket     uint64
	start, end bytePos
	prev       bytePos
}

// reserve takes n bytes, a multiple of 8. mu is held.
func (s *inserter) reserve(n uint64) claim {
	return s.reserveTo(s.pos + bytePos(n))
}

func (s *inserter) reserveTo(end bytePos) claim {
	c := claim{ticket: s.next, start: s.pos, end: end, prev: s.prev}
	slot := &s.slots[c.ticket%tickets]
	for slot.done.Load() != c.ticket-tickets+1 {
		runtime.Gosched() // more inserts under way than slots
	}
	slot.progress.Store(uint64(c.start))
	s.prev, s.pos = c.start, end
	s.next++
	s.issued.Store(s.next)
	s.reserved.Store(uint64(end))
	return c
}

// publish says that all bytes of ticket t are in place.
func (s *inserter) publish(t uint64) {
	s.slots[t%tickets].done.Store(t + 1)
	if s.waiters.Load() > 0 {
		s.wake()
	}
}

// advance says that the bytes of ticket t below p are in place.
func (s *inserter) advance(t uint64, p bytePos) {
	s.slots[t%tickets].progress.Store(uint64(p))
	if s.waiters.Load() > 0 {
		s.wake()
	}
}

func (s *inserter) wake() {
	s.waitMu.Lock()
	s.cond.Broadcast()
	s.waitMu.Unlock()
}

// completed is the position below which every insert is done. Only the flush
// leader calls it.
func (s *inserter) completed() bytePos {
	all := bytePos(s.reserved.Load()) // before issued: its tickets are all issued
	issued := s.issued.Load()
	for ; s.oldest < issued; s.oldest++ {
		slot := &s.slots[s.oldest%tickets]
		before := slot.done.Load()
		if before > s.oldest {
			continue
		}
		p := slot.progress.Load()
		if slot.done.Load() == before { // p is this ticket's, not a later one's
			return bytePos(p)
		}
	}
	return all
}

// waitForInserts returns when every insert below p is done, and the position
// up to which they are (WaitXLogInsertionsToFinish). Only the flush leader calls
// it. An insert that waits for room in the ring waits for the leader: it has
// advanced to there, and the leader writes what is complete while it waits, for p
// may be further than the ring reaches.
func (l *Log) waitForInserts(p bytePos) (bytePos, error) {
	s := &l.ins
	for range 64 {
		if done := s.completed(); done >= p {
			return done, l.Err()
		}
		runtime.Gosched()
	}
	s.waiters.Add(1)
	defer s.waiters.Add(-1)
	for {
		done := s.completed()
		if err := l.Err(); err != nil || done >= p {
			return done, err
		}
		if wrote, err := l.writeComplete(done); err != nil {
			return 0, err
		} else if !wrote {
			s.awaitProgress(done)
		}
	}
}

// awaitProgress returns when inserts are complete beyond done, or somebody failed.
func (s *inserter) awaitProgress(done bytePos) {
	s.waitMu.Lock()
	defer s.waitMu.Unlock()
	if s.completed() == done && !s.failed {
		s.cond.Wait()
	}
}

// policy is what decides about the images of r now.
func (l *Log) policy(r *Record) imagePolicy {
	p := imagePolicy{redo: l.RedoLSN(), pageWrites: l.ins.pageWrites()}
	if r.nblocks > 0 {
		if l.opt.Compression != nil {
			p.compression = l.opt.Compression()
		}
		if l.opt.Consistency != nil {
			p.consistency = l.opt.Consistency(r.rmid)
		}
	}
	return p
}

func (s *inserter) pageWrites() bool { return s.pageWrite.Load() || s.backups.Load() > 0 }

// stale reports whether r, laid out under p, lacks an image that it needs by
// now. mu is held.
func (s *inserter) stale(r *Record, p imagePolicy) bool {
	if r.nblocks == 0 || !s.pageWrites() {
		return false
	}
	min := r.asm.minLSN
	return !p.pageWrites || min != lsn.Invalid && min <= lsn.LSN(s.redo.Load())
}

// Insert adds r to the log and returns the LSN behind it, which goes into pd_lsn
// of the pages that it changed. An error is a PANIC of the server.
func (l *Log) Insert(r *Record) (lsn.LSN, error) {
	if r.rmid == RmXLOG && r.info == InfoSwitch {
		return l.Switch()
	}
	var c claim
	for {
		if err := l.Err(); err != nil {
			return 0, err
		}
		p := l.policy(r)
		if err := r.assemble(p); err != nil {
			return 0, err
		}
		l.ins.mu.Lock()
		if l.ins.stale(r, p) {
			l.ins.mu.Unlock()
			continue
		}
		c = l.ins.reserve(uint64(r.asm.total+7) &^ 7)
		if r.flags&MarkUnimportant == 0 {
			l.ins.important.Store(uint64(l.geo.start(c.start)))
		}
		l.ins.mu.Unlock()
		break
	}
	r.start = l.geo.start(c.start)
	r.asm.seal(l.prevLink(c))
	err := l.copyRecord(r, c)
	l.ins.publish(c.ticket)
	if err != nil {
		return 0, err
	}
	l.met.Records.Add(1)
	l.met.FPI.Add(int64(r.asm.images))
	l.met.Bytes.Add(int64(r.asm.total))
	end := l.geo.end(c.end)
	l.markIfDue(end)
	return end, nil
}

// prevLink is xl_prev. Position 0 is no record's: the first one of a new cluster
// has none before it.
func (l *Log) prevLink(c claim) lsn.LSN {
	if c.prev == 0 {
		return lsn.Invalid
	}
	return l.geo.start(c.prev)
}

// copyRecord puts the record into its pages, while other inserts do the same.
func (l *Log) copyRecord(r *Record, c claim) error {
	at := r.start
	p, err := l.ring.page(l, at, c.ticket, c.start)
	if err != nil {
		return err
	}
	off := int(at & (PageSize - 1))
	left := int(r.asm.total)
	for _, part := range r.asm.parts {
		for {
			n := copy(p[off:], part)
			off += n
			left -= n
			part = part[n:]
			if len(part) == 0 {
				break
			}
			// The rest goes to the next page, whose header says so.
			at = at&^(PageSize-1) + PageSize
			done := c.start + bytePos(int(r.asm.total)-left)
			if p, err = l.ring.page(l, at, c.ticket, done); err != nil {
				return err
			}
			le.PutUint32(p[offRemLen:], uint32(left))
			le.PutUint16(p[offPageInfo:], le.Uint16(p[offPageInfo:])|firstIsContRecord)
			off = pageHeaderSize(p)
		}
	}
	return nil
}

// Switch ends the segment (pg_switch_wal): the rest of it is zeros, and the next
// record starts the following one. It returns the end of the switch record. At
// the start of a segment it does nothing and returns that.
func (l *Log) Switch() (lsn.LSN, error) {
	if err := l.Err(); err != nil {
		return 0, err
	}
	var r Record
	r.Begin(RmXLOG, InfoSwitch, 0)
	if err := r.assemble(imagePolicy{}); err != nil {
		return 0, err
	}
	l.ins.mu.Lock()
	at := l.geo.end(l.ins.pos)
	if l.geo.seg.Offset(at) == 0 {
		l.ins.mu.Unlock()
		return at, nil
	}
	recEnd := l.ins.pos + recordHeader
	segEnd := l.geo.seg.Start(l.geo.seg.EndingAt(l.geo.end(recEnd)) + 1)
	c := l.ins.reserveTo(l.geo.pos(segEnd))
	l.ins.important.Store(uint64(l.geo.start(c.start)))
	l.ins.mu.Unlock()
	r.start = l.geo.start(c.start)
	r.asm.seal(l.prevLink(c))
	err := l.copyRecord(&r, c)
	// No page behind the record has even a header: the tail packs well.
	for next := (l.geo.end(recEnd)-1)&^(PageSize-1) + PageSize; err == nil && next < segEnd; next += PageSize {
		var p []byte
		if p, err = l.ring.page(l, next, c.ticket, l.geo.pos(next)); err == nil {
			clear(p[:shortHeader])
		}
	}
	l.ins.publish(c.ticket)
	if err != nil {
		return 0, err
	}
	l.met.Records.Add(1)
	l.met.Bytes.Add(recordHeader)
	return l.geo.end(recEnd), l.Flush(segEnd)
}

// BeginCheckpoint moves the redo point to the end of the log and returns it. No
// record that was inserted before counts on an image taken after, and none that
// comes later lacks one.
func (l *Log) BeginCheckpoint() lsn.LSN {
	l.ins.mu.Lock()
	defer l.ins.mu.Unlock()
	redo := l.geo.start(l.ins.pos)
	l.ins.redo.Store(uint64(redo))
	return redo
}

// NeedsBackup reports whether a change of a page with this LSN carries an image
// of it.
func (l *Log) NeedsBackup(pageLSN lsn.LSN) bool {
	return l.ins.pageWrites() && pageLSN <= l.RedoLSN()
}

// BeginBackup forces full-page images until EndBackup is called as often.
func (l *Log) BeginBackup() {
	l.ins.mu.Lock()
	l.ins.backups.Add(1)
	l.ins.mu.Unlock()
}

// EndBackup undoes one BeginBackup.
func (l *Log) EndBackup() {
	l.ins.mu.Lock()
	l.ins.backups.Add(-1)
	l.ins.mu.Unlock()
}

// FullPageWrites is full_page_writes as the log has it.
func (l *Log) FullPageWrites() bool { return l.ins.pageWrite.Load() }

// SetFullPageWrites changes full_page_writes. With logged, a record tells
// standbys: images start before it and stop after it, so that they are never
// fewer than the log says.
func (l *Log) SetFullPageWrites(r *Record, on, logged bool) error {
	if l.FullPageWrites() == on {
		return nil
	}
	set := func() {
		l.ins.mu.Lock()
		l.ins.pageWrite.Store(on)
		l.ins.mu.Unlock()
	}
	if on {
		set()
	}
	if logged {
		r.Begin(RmXLOG, InfoFPWChange, 0)
		r.Data([]byte{boolByte(on)})
		if _, err := l.Insert(r); err != nil {
			return err
		}
	}
	if !on {
		set()
	}
	return nil
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// errPast says that somebody wants more of the log to be durable than there is.
func errPast(upTo, have lsn.LSN) error {
	return pgerr.New(pgerr.InternalError, "xlog flush request %s is not satisfied --- flushed only to %s", upTo, have)
}
