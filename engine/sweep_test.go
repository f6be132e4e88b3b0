package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/checkpointer"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/memfs"
	"github.com/pgmini/pgmini/vfs/powerfail"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xlog"
	"github.com/pgmini/pgmini/xlog/rmgrs"
)

// smallBase is a cluster without catalogs on a power-fail file system: what the
// storage packages need, and an empty database folder.
func smallBase(t testing.TB) *powerfail.FS {
	t.Helper()
	full := memfs.New()
	newCluster(t, full, true)
	base := powerfail.New()
	var walk func(dir string)
	walk = func(dir string) {
		list, err := full.List(dir)
		must(t, err)
		for _, e := range list {
			name := path.Join(dir, e.Name())
			if e.IsDir() {
				must(t, base.Mkdir(name))
				walk(name)
				continue
			}
			if (strings.HasPrefix(name, "base/") || strings.HasPrefix(name, "global/")) && name != "global/pg_control" && name != "base/5/PG_VERSION" {
				continue
			}
			b, err := vfs.ReadFile(full, name, 1<<30)
			must(t, err)
			must(t, vfs.WriteFile(base, name, b))
		}
		must(t, base.SyncDir(dir))
	}
	walk(".")
	return base
}

// step is one operation of the workload and the table's rows after it.
type sweepStep struct {
	do   func(i *Instance, s *store) error
	rows map[int]string
}

// script collects the workload; model is the table after the steps so far.
type script struct {
	steps []sweepStep
	model map[int]string
}

func (b *script) add(do func(*Instance, *store) error) {
	b.steps = append(b.steps, sweepStep{do, maps.Clone(b.model)})
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

// fillSegments adds as much log as makes the next checkpoint recycle segments.
func (b *script) fillSegments() {
	b.add(func(i *Instance, _ *store) error {
		var rec xlog.Record
		for range 14 {
			rec.Begin(xlog.RmLogicalMsg, rmgrs.InfoLogicalMessage, 0)
			rec.Data(rmgrs.LogicalMessage{DB: 5, Prefix: "p", Message: make([]byte, 200000)}.Append(nil))
			end, err := i.wal.Insert(&rec)
			if err != nil {
				return err
			}
			if err := i.wal.Flush(end); err != nil {
				return err
			}
		}
		return nil
	})
}

// sweepSteps is the workload: transactions that commit and abort, splits, TOAST,
// checkpoints, vacuum, and a table that is dropped.
func sweepSteps() []sweepStep {
	b := &script{model: map[int]string{}}
	b.tx(true, func(s *store, tx *xact.Tx) error { return s.create(tx) })
	for n := range 8 {
		b.insert(true, n*60, n*60+60, value(0))
	}
	b.insert(false, 1000, 1040, value(0))
	b.checkpoint()
	b.insert(true, 700, 703, long)
	b.change()
	b.add(func(_ *Instance, s *store) error { return s.vacuum() })
	b.checkpoint()
	b.subtransactions()
	b.fillSegments()
	b.checkpoint()
	b.insert(true, 3000, 3020, value(2)) // in a segment that was recycled
	b.model = nil
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

func sweepOptions(fsys vfs.FS) Options {
	s := DefaultSettings()
	s.SharedBuffers, s.WALBuffers, s.WALInitZero = 16, 64, false
	s.MinWALSize, s.MaxWALSize = func() int64 { return 2 << 20 }, func() int64 { return 3 << 20 }
	return Options{FS: fsys, Settings: &s, NoWorkers: true}
}

const sweepNode = 20000

func sweepRun(steps []sweepStep) func(f *powerfail.FS, ack func(int)) error {
	return func(f *powerfail.FS, ack func(int)) error {
		i, err := Open(bg, sweepOptions(f))
		if err != nil {
			return err
		}
		s := newStore(i, sweepNode)
		for n, st := range steps {
			if err := st.do(i, s); err != nil {
				return errors.Join(err, i.Stop(Immediate))
			}
			ack(n + 1)
		}
		return i.Stop(Fast)
	}
}

// sweepLook opens what a crash left and compares the rows with the acknowledged
// state or, if the step that was cut may have got through, the next one.
func sweepLook(f *powerfail.FS, steps []sweepStep, acked int) error {
	i, err := Open(bg, sweepOptions(f))
	if err != nil {
		return err
	}
	defer i.Stop(Immediate)
	if acked > 0 && steps[acked-1].rows == nil {
		return nil // dropped: what a crash gives back of its files are orphans
	}
	got, err := newStore(i, sweepNode).rows()
	if err != nil {
		return err
	}
	state := func(n int) map[int]string {
		if n == 0 {
			return nil
		}
		return steps[n-1].rows
	}
	next := min(acked+1, len(steps))
	// A table that is not there yet, or no more, may have left files: an orphan.
	is := func(want map[int]string) bool {
		return want == nil && len(got) == 0 || want != nil && got != nil && maps.Equal(got, want)
	}
	if is(state(acked)) || is(state(next)) {
		return nil
	}
	return fmt.Errorf("%d rows; %d after step %d, %d after step %d", len(got), len(state(acked)), acked, len(state(next)), next)
}

func sweep(t testing.TB) powerfail.Workload[int] {
	base, steps := smallBase(t), sweepSteps()
	return powerfail.Workload[int]{
		Start: func() *powerfail.FS { return base.Crash(rand.New(rand.NewPCG(1, 1))) },
		Run:   sweepRun(steps),
		Check: func(f *powerfail.FS, acked []int) error {
			rng := rand.New(rand.NewPCG(uint64(len(acked)), 7))
			// Recovery is cut too, somewhere, and then done again.
			again := f.Crash(rng)
			again.CutAt, again.Torn = 1+rng.IntN(60), true
			err := sweepLook(again, steps, len(acked))
			if err != nil && !errors.Is(err, powerfail.ErrPowerOff) && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("first recovery, cut at step %d: %w", again.CutAt, err)
			}
			if err := sweepLook(again.Crash(rng), steps, len(acked)); err != nil {
				return fmt.Errorf("recovery after one that was cut at step %d: %w", again.CutAt, err)
			}
			return nil
		},
		Seeds: 1,
	}
}

// TestSweep cuts the power at every file-system step of a storage workload, and
// again within the recovery that follows.
func TestSweep(t *testing.T) {
	w := sweep(t)
	w.Seeds = 2
	w.Sweep(t)
}
