package engine

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/checkpointer"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xlog"
	"github.com/pgmini/pgmini/xlog/rmgrs"
)

// sweepStep is one operation of the workload, and what is there after it.
type sweepStep struct {
	do       func(i *Instance, s *store) error // nil: the server is killed and started again
	rows     map[int]string
	prepared []string
	made     bool // the table is there
}

// script collects the workload; model is the table after the steps so far.
type script struct {
	steps    []sweepStep
	model    map[int]string
	prepared []string
	made     bool
}

func (b *script) add(do func(*Instance, *store) error) {
	b.steps = append(b.steps, sweepStep{do: do, rows: maps.Clone(b.model), prepared: slices.Clone(b.prepared), made: b.made})
}

func (b *script) checkpoint() {
	b.add(func(i *Instance, _ *store) error { return i.Checkpoint(bg, checkpointer.Immediate|checkpointer.Force) })
}

// tx adds a transaction.
func (b *script) tx(commit bool, body func(s *store, tx *xact.Tx) error) {
	b.add(func(i *Instance, s *store) error {
		tx := i.xact.Begin(xact.BeginOptions{})
		tx.Snapshot()
		if err := body(s, tx); err != nil {
			return err
		}
		s.last = tx.TopXID()
		if !commit {
			return tx.Abort()
		}
		return tx.Commit(bg)
	})
}

// insert adds a transaction that inserts rows [from, to).
func (b *script) insert(commit bool, from, to int, v func(id int) string) {
	if commit {
		for id := from; id < to; id++ {
			b.model[id] = v(id)
		}
	}
	b.tx(commit, func(s *store, tx *xact.Tx) error {
		for id := from; id < to; id++ {
			if err := s.insert(tx, id, v(id)); err != nil {
				return err
			}
		}
		return nil
	})
}

func value(n int) func(id int) string {
	return func(id int) string { return strings.Repeat(fmt.Sprintf("%d.%d ", id, n), 20) }
}

// long is a value of digits that does not compress below TOAST's limit.
func long(id int) string {
	r := rand.New(rand.NewPCG(uint64(id), 1))
	var b strings.Builder
	for b.Len() < 6000 {
		fmt.Fprint(&b, r.Uint64())
	}
	return b.String()
}

// change adds transactions that update every third row and delete others.
func (b *script) change() {
	for id := 0; id < 480; id += 3 {
		b.model[id] = value(1)(id)
	}
	b.tx(true, func(s *store, tx *xact.Tx) error {
		for id := 0; id < 480; id += 3 {
			if err := s.update(tx, id, value(1)(id)); err != nil {
				return err
			}
		}
		return nil
	})
	delete(b.model, 701)
	for id := 20; id < 300; id++ {
		delete(b.model, id)
	}
	b.tx(true, func(s *store, tx *xact.Tx) error {
		for id := 20; id < 300; id++ {
			if err := s.delete(tx, id); err != nil {
				return err
			}
		}
		return s.delete(tx, 701)
	})
}

// subtransactions adds one of which one part is kept.
func (b *script) subtransactions() {
	b.model[2000] = "sub"
	b.tx(true, func(s *store, tx *xact.Tx) error {
		if err := tx.BeginSub("a"); err != nil {
			return err
		}
		if err := s.insert(tx, 2000, "sub"); err != nil {
			return err
		}
		if err := errors.Join(tx.CommitSub(), tx.BeginSub("b")); err != nil {
			return err
		}
		if err := s.insert(tx, 2001, "gone"); err != nil {
			return err
		}
		return tx.AbortSub()
	})
}

// fillSegments adds as much log as makes the next checkpoint recycle segments, in
// the middle of a transaction whose commit is the first to flush it.
func (b *script) fillSegments(id, messages int) {
	const v = "in one segment, committed in another"
	b.model[id] = v
	b.tx(true, func(s *store, tx *xact.Tx) error {
		if err := s.insert(tx, id, v); err != nil {
			return err
		}
		for range messages {
			tx.Rec.Begin(xlog.RmLogicalMsg, rmgrs.InfoLogicalMessage, 0)
			tx.Rec.Data(rmgrs.LogicalMessage{DB: 5, Prefix: "p", Message: make([]byte, 200000)}.Append(nil))
			if _, err := s.i.wal.Insert(&tx.Rec); err != nil {
				return err
			}
		}
		return nil
	})
}

// rowLock has two transactions work on one row, so that its xmax is a multixact.
func (b *script) rowLock(ids ...int) {
	for _, id := range ids {
		b.model[id] = "locked and updated"
		b.add(func(i *Instance, s *store) error {
			locker, writer := i.xact.Begin(xact.BeginOptions{}), i.xact.Begin(xact.BeginOptions{})
			tid, _, _, err := s.find(locker, id)
			if err != nil {
				return err
			}
			_, _, _, err = heap.LockTuple(bg, locker, s.rel, tid, heap.LockOptions{Command: locker.CommandID(true), Mode: heap.KeyShare})
			if err == nil {
				err = s.update(writer, id, "locked and updated")
			}
			return errors.Join(err, locker.Commit(bg), writer.Commit(bg))
		})
	}
}

// unfinished adds a transaction that is still running when the server is killed;
// its records are written and not synced.
func (b *script) unfinished(from, to int) {
	b.add(func(i *Instance, s *store) error {
		tx := i.xact.Begin(xact.BeginOptions{})
		for id := from; id < to; id++ {
			if err := s.insert(tx, id, value(3)(id)); err != nil {
				return err
			}
		}
		for end := i.wal.InsertLSN(); i.wal.WriteLSN() < end; {
			tx.Rec.Begin(xlog.RmLogicalMsg, rmgrs.InfoLogicalMessage, 0)
			tx.Rec.Data(rmgrs.LogicalMessage{DB: 5, Prefix: "p", Message: make([]byte, 100000)}.Append(nil))
			if _, err := i.wal.Insert(&tx.Rec); err != nil {
				return err
			}
		}
		return nil
	})
}

// background adds a transaction that commits asynchronously, and is durable when
// the WAL writer has done its turns.
func (b *script) background(id int) {
	b.model[id] = "asynchronous"
	b.add(func(i *Instance, s *store) error {
		p := i.xact.NewProc(xact.ProcOptions{Database: 5, SyncCommit: func() bool { return false }})
		defer p.Close()
		tx := p.Begin(xact.BeginOptions{})
		if err := s.insert(tx, id, "asynchronous"); err != nil {
			return err
		}
		if err := tx.Commit(bg); err != nil {
			return err
		}
		for end := i.wal.InsertLSN(); i.wal.FlushLSN() < end; {
			if _, err := i.wal.BackgroundFlush(); err != nil {
				return err
			}
		}
		return nil
	})
}

// prepare adds a transaction that is prepared.
func (b *script) prepare(gid string, id int) {
	b.prepared = append(b.prepared, gid)
	b.add(func(i *Instance, s *store) error {
		p := i.xact.NewProc(xact.ProcOptions{Database: 5, Tablespace: oid.DefaultTablespace})
		defer p.Close()
		tx := p.Begin(xact.BeginOptions{})
		tx.Snapshot()
		if err := s.insert(tx, id, gid); err != nil {
			return err
		}
		return tx.Prepare(bg, gid, 10)
	})
}

// finish commits a transaction that was prepared.
func finish(i *Instance, gid string) error {
	p := i.xact.NewProc(xact.ProcOptions{Database: 5, Tablespace: oid.DefaultTablespace})
	defer p.Close()
	tx := p.Begin(xact.BeginOptions{})
	return errors.Join(i.xact.FinishPrepared(tx, gid, true, 10, true), tx.Commit(bg))
}

// prepareAcross has a transaction begin before a checkpoint and be prepared after
// it: recovery does not take its state file for one from the future.
func (b *script) prepareAcross(gid string, id int) {
	type running struct {
		p  *xact.Proc
		tx *xact.Tx
	}
	open := map[*Instance]running{}
	b.add(func(i *Instance, s *store) error {
		p := i.xact.NewProc(xact.ProcOptions{Database: 5, Tablespace: oid.DefaultTablespace})
		tx := p.Begin(xact.BeginOptions{})
		open[i] = running{p, tx}
		return s.insert(tx, id, gid)
	})
	b.checkpoint()
	b.prepared = append(b.prepared, gid)
	b.add(func(i *Instance, _ *store) error {
		r := open[i]
		delete(open, i)
		defer r.p.Close()
		return r.tx.Prepare(bg, gid, 10)
	})
	b.checkpoint()
}

func (b *script) finish(gid string, id int) {
	b.prepared = slices.DeleteFunc(b.prepared, func(s string) bool { return s == gid })
	b.model[id] = gid
	b.add(func(i *Instance, _ *store) error { return finish(i, gid) })
}

// sweepSteps is the workload: transactions that commit and abort, splits, TOAST,
// row locks, prepared transactions, checkpoints, vacuum, restarts, and a table that
// is dropped.
func sweepSteps() []sweepStep {
	b := &script{model: map[int]string{}, made: true}
	b.tx(true, func(s *store, tx *xact.Tx) error { return s.create(tx) })
	for n := range 8 {
		b.insert(true, n*60, n*60+60, value(0))
	}
	b.insert(false, 1000, 1040, value(0))
	b.checkpoint()
	b.insert(true, 700, 703, long)
	b.change()
	b.add(func(_ *Instance, s *store) error { return s.vacuum() })
	b.rowLock(1, 2, 4, 5)
	b.checkpoint()
	b.subtransactions()
	b.prepare("one", 5000)
	b.prepare("two", 5001)
	b.fillSegments(6000, 14)
	b.insert(true, 800, 820, value(0))
	b.checkpoint()
	b.finish("one", 5000)
	b.fillSegments(6001, 6) // into a segment that was recycled
	b.insert(true, 3000, 3020, value(2))
	b.rowLock(3000)
	b.insert(true, 3100, 3300, value(2)) // so many that pages are evicted
	b.unfinished(3400, 3550)
	b.add(nil)
	b.insert(true, 4000, 4010, value(0))
	b.background(4100)
	b.finish("two", 5001)
	b.prepareAcross("three", 5002)
	b.finish("three", 5002)
	b.model, b.made = nil, false
	b.tx(true, func(s *store, tx *xact.Tx) error {
		if _, err := tx.XID(); err != nil {
			return err
		}
		s.drop(tx)
		return nil
	})
	b.checkpoint()
	return b.steps
}

// restartSteps is another: the server is killed when nothing that it made is
// durable but by the log.
func restartSteps() []sweepStep {
	b := &script{model: map[int]string{}, made: true}
	b.tx(true, func(s *store, tx *xact.Tx) error { return s.create(tx) })
	b.insert(true, 0, 60, value(0))
	b.unfinished(100, 250)
	b.add(nil)
	b.insert(true, 1000, 1010, value(0))
	b.checkpoint()
	b.insert(true, 1100, 1110, value(0))
	return b.steps
}
