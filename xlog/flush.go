package xlog

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/vfs"
)

// group lets one of many work for all: whoever finds nobody at work leads, the
// others queue and wake with their wish fulfilled, or as the next leader.
type group struct {
	mu   sync.Mutex
	busy bool
	wait []*waiter
	free []*waiter
}

// waiter is one who queues.
type waiter struct {
	upTo lsn.LSN
	sync bool
	page bool // upTo is a page's end, not a record's
	lead bool // set when the lead is handed over
	wake chan struct{}
}

// output is what the leader alone changes.
type output struct {
	written, flushed atomic.Uint64
	file             vfs.File
	seg              lsn.SegNo
	scratch          []byte // the last, partial page: others may still add to it
}

func (l *Log) satisfied(upTo lsn.LSN, sync bool) bool {
	if sync {
		return l.FlushLSN() >= upTo
	}
	return l.WriteLSN() >= upTo
}

// lead returns true if the caller is to do the work and then call yield; false
// if another did it meanwhile, or the log failed.
func (l *Log) lead(upTo lsn.LSN, sync, page bool) bool {
	g := &l.group
	g.mu.Lock()
	if l.satisfied(upTo, sync) || l.failure.Load() != nil {
		g.mu.Unlock()
		return false
	}
	if !g.busy {
		g.busy = true
		g.mu.Unlock()
		return true
	}
	w := g.take()
	w.upTo, w.sync, w.page, w.lead = upTo, sync, page, false
	g.wait = append(g.wait, w)
	g.mu.Unlock()
	<-w.wake
	g.mu.Lock()
	lead := w.lead
	g.free = append(g.free, w)
	g.mu.Unlock()
	return lead
}

// wakeSatisfiedLocked wakes those in the queue whose wish is fulfilled, or never
// will be. group.mu is held.
func (l *Log) wakeSatisfiedLocked() {
	g := &l.group
	failed := l.failure.Load() != nil
	rest := g.wait[:0]
	for _, w := range g.wait {
		if failed || l.satisfied(w.upTo, w.sync) {
			w.wake <- struct{}{}
		} else {
			rest = append(rest, w)
		}
	}
	clear(g.wait[len(rest):])
	g.wait = rest
}

// writeComplete writes the whole pages below done, and lets those go on who wait
// for room in the ring. The caller leads.
func (l *Log) writeComplete(done bytePos) (wrote bool, err error) {
	whole := l.geo.end(done) &^ (PageSize - 1)
	if whole <= l.WriteLSN() {
		return false, nil
	}
	err = l.write(whole)
	l.group.mu.Lock()
	l.wakeSatisfiedLocked()
	l.group.mu.Unlock()
	return true, err
}

func (g *group) take() *waiter {
	if n := len(g.free); n > 0 {
		w := g.free[n-1]
		g.free = g.free[:n-1]
		return w
	}
	return &waiter{wake: make(chan struct{}, 1)}
}

// yield wakes those whose wish is fulfilled, and hands the lead to the first of
// the others.
func (l *Log) yield() {
	g := &l.group
	g.mu.Lock()
	defer g.mu.Unlock()
	l.wakeSatisfiedLocked()
	rest := g.wait
	if len(rest) == 0 {
		g.busy = false
		return
	}
	next := rest[0]
	copy(rest, rest[1:])
	g.wait = rest[:len(rest)-1]
	next.lead = true
	next.wake <- struct{}{}
}

// wanted is the furthest that anybody in the queue wants, and the furthest end of a
// record among that; record is one.
func (g *group) wanted(record lsn.LSN) (upTo, lastRecord lsn.LSN) {
	g.mu.Lock()
	defer g.mu.Unlock()
	upTo = record
	for _, w := range g.wait {
		upTo = max(upTo, w.upTo)
		if !w.page {
			record = max(record, w.upTo)
		}
	}
	return upTo, record
}

// Flush returns when the log is durable up to upTo. An error is a PANIC of the
// server.
func (l *Log) Flush(upTo lsn.LSN) error { return l.flush(upTo, ForOther) }

// FlushFor is Flush, counted for a trigger.
func (l *Log) FlushFor(why Trigger, upTo lsn.LSN) error { return l.flush(upTo, why) }

// FlushCommit is Flush for a commit: the leader waits commit_delay for company
// if commit_siblings other transactions are active.
func (l *Log) FlushCommit(upTo lsn.LSN) error { return l.flush(upTo, ForCommit) }

func (l *Log) flush(upTo lsn.LSN, why Trigger) error {
	if l.FlushLSN() >= upTo {
		return nil
	}
	upTo = l.geo.end(l.geo.pos(upTo)) // not within a page header
	if have := l.InsertEnd(); upTo > have {
		return errPast(upTo, have)
	}
	for l.FlushLSN() < upTo {
		if err := l.Err(); err != nil {
			return err
		}
		if !l.lead(upTo, true, false) {
			continue
		}
		l.met.Flushes[why].Add(1)
		if why == ForCommit {
			l.delayCommit()
		}
		err := l.flushAll(l.group.wanted(upTo))
		l.yield()
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *Log) delayCommit() {
	if l.opt.CommitDelay == nil {
		return
	}
	if d := l.opt.CommitDelay(); d > 0 && (l.opt.Siblings == nil || l.opt.Siblings()) {
		time.Sleep(d)
	}
}

// flushAll writes and syncs all that is complete, which is at least upTo; at record
// a record ends. The caller leads.
func (l *Log) flushAll(upTo, record lsn.LSN) error {
	done, err := l.waitForInserts(l.geo.pos(upTo))
	if err != nil {
		return err
	}
	end := l.geo.end(done)
	if err := l.write(end); err != nil {
		return err
	}
	if err := l.sync(end); err != nil {
		return err
	}
	l.marks.whole.Store(uint64(record))
	return nil
}

// makeRoom writes the log up to upTo, so that ring slots can be given away.
func (l *Log) makeRoom(upTo lsn.LSN) error {
	for l.WriteLSN() < upTo {
		if err := l.Err(); err != nil {
			return err
		}
		if !l.lead(upTo, false, true) {
			continue
		}
		l.met.Flushes[ForRingFull].Add(1)
		done, err := l.waitForInserts(l.geo.pos(upTo))
		if err == nil {
			// Whole pages: the partial one would be written again anyway.
			end := l.geo.end(done)
			err = l.write(max(upTo, end&^(PageSize-1)))
		}
		l.yield()
		if err != nil {
			return err
		}
	}
	return nil
}

// write brings the log up to end into the segment files. All inserts below end
// are done, and the caller leads. A segment that is full is synced before the
// next one is touched.
func (l *Log) write(end lsn.LSN) error {
	at := l.WriteLSN()
	for at < end {
		if err := l.openSegment(l.geo.seg.Containing(at)); err != nil {
			return l.fail(err)
		}
		n, err := l.writeRun(at, end)
		if err != nil {
			return l.fail(err)
		}
		at = n
		l.out.written.Store(uint64(at))
		if l.geo.seg.Offset(at) == 0 {
			if err := l.sync(at); err != nil {
				return err
			}
			if err := l.closeSegment(); err != nil {
				return l.fail(err)
			}
		}
	}
	return nil
}

// writeRun writes, with one call, the pages from that of at on that lie together
// in the ring and in the open segment, and returns how far it came.
func (l *Log) writeRun(at, end lsn.LSN) (lsn.LSN, error) {
	first := at &^ (PageSize - 1)
	limit := min(end, l.geo.seg.Start(l.geo.seg.Containing(at)+1))
	slots := l.ring.n - l.ring.index(first)
	limit = min(limit, first+lsn.LSN(slots*PageSize))
	whole := limit &^ (PageSize - 1)
	var b []byte
	if whole > first {
		i := l.ring.index(first) * PageSize
		b = l.ring.mem[i : i+uint64(whole-first)]
		limit = whole
	} else {
		// Others are adding to this page behind limit.
		b = l.out.scratch
		n := copy(b, l.ring.slot(first)[:limit-first])
		clear(b[n:])
		l.slackMark(b, n, first)
	}
	began := time.Now()
	_, err := l.out.file.WriteAt(b, int64(l.geo.seg.Offset(first)))
	l.met.Writes.Add(1)
	l.met.WriteNS.Add(int64(time.Since(began)))
	return limit, err
}

// sync makes the open segment durable. All before it already is. A failure is
// never retried: the system may have dropped the pages.
func (l *Log) sync(upTo lsn.LSN) error {
	if l.FlushLSN() >= upTo {
		return nil
	}
	if l.out.file == nil {
		// Written before by a leader that did not sync, and the segment was not
		// full: it is still open, or nothing was written since it was.
		if err := l.openSegment(l.geo.seg.EndingAt(upTo)); err != nil {
			return l.fail(err)
		}
	}
	if !l.opt.NoSync {
		began := time.Now()
		if err := l.out.file.Datasync(); err != nil {
			return l.fail(syncError(err, l.path(l.out.seg)))
		}
		l.met.Syncs.Add(1)
		l.met.SyncNS.Add(int64(time.Since(began)))
	}
	l.out.flushed.Store(uint64(upTo))
	if l.opt.Watermarks && l.sleeping.Load() {
		l.wakeWriter() // it is to write that this is durable
	}
	return nil
}
