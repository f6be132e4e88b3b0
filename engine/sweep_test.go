package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/checkpointer"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/memfs"
	"github.com/pgmini/pgmini/vfs/powerfail"
	"github.com/pgmini/pgmini/xact"
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

// sweepSteps is the workload: transactions that commit and abort, splits, TOAST,
// checkpoints, vacuum, and a table that is dropped and made again.
func sweepSteps() []sweepStep {
	var steps []sweepStep
	model := map[int]string(nil)
	add := func(do func(*Instance, *store) error) { steps = append(steps, sweepStep{do, maps.Clone(model)}) }
	tx := func(commit bool, body func(s *store, tx *xact.Tx) error) func(*Instance, *store) error {
		return func(i *Instance, s *store) error {
			tx := i.xact.Begin(xact.BeginOptions{})
			tx.Snapshot()
			if err := body(s, tx); err != nil {
				return err
			}
			if !commit {
				return tx.Abort()
			}
			return tx.Commit(bg)
		}
	}
	value := func(id, n int) string { return strings.Repeat(fmt.Sprintf("%d.%d ", id, n), 20) }
	long := func(id int) string { // random digits: does not compress below the limit
		r := rand.New(rand.NewPCG(uint64(id), 1))
		var b strings.Builder
		for b.Len() < 6000 {
			fmt.Fprint(&b, r.Uint64())
		}
		return b.String()
	}
	insert := func(from, to int, v func(id int) string) func(*store, *xact.Tx) error {
		return func(s *store, tx *xact.Tx) error {
			for id := from; id < to; id++ {
				if err := s.insert(tx, id, v(id)); err != nil {
					return err
				}
			}
			return nil
		}
	}
	checkpoint := func(i *Instance, _ *store) error { return i.Checkpoint(bg, checkpointer.Immediate|checkpointer.Force) }
	model = map[int]string{}
	add(tx(true, func(s *store, tx *xact.Tx) error { return s.create(tx) }))
	for n := range 8 {
		for id := n * 60; id < n*60+60; id++ {
			model[id] = value(id, 0)
		}
		add(tx(true, insert(n*60, n*60+60, func(id int) string { return value(id, 0) })))
	}
	add(tx(false, insert(1000, 1040, func(id int) string { return value(id, 0) })))
	add(checkpoint)
	for id := 700; id < 703; id++ {
		model[id] = long(id)
	}
	add(tx(true, insert(700, 703, long)))
	for id := 0; id < 480; id += 3 {
		model[id] = value(id, 1)
	}
	add(tx(true, func(s *store, tx *xact.Tx) error {
		for id := 0; id < 480; id += 3 {
			if err := s.update(tx, id, value(id, 1)); err != nil {
				return err
			}
		}
		return nil
	}))
	delete(model, 701)
	for id := 20; id < 300; id++ {
		delete(model, id)
	}
	add(tx(true, func(s *store, tx *xact.Tx) error {
		for id := 20; id < 300; id++ {
			if err := s.delete(tx, id); err != nil {
				return err
			}
		}
		return s.delete(tx, 701)
	}))
	add(func(_ *Instance, s *store) error { return s.vacuum() })
	add(checkpoint)
	model[2000] = "sub"
	add(tx(true, func(s *store, tx *xact.Tx) error {
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
	}))
	model = nil
	add(tx(true, func(s *store, tx *xact.Tx) error {
		if _, err := tx.XID(); err != nil {
			return err
		}
		s.drop(tx)
		return nil
	}))
	add(checkpoint)
	return steps
}

func sweepOptions(fsys vfs.FS) Options {
	s := DefaultSettings()
	s.SharedBuffers, s.WALBuffers, s.WALInitZero = 16, 16, false
	// A page that was added and not logged may be garbage where the file had none;
	// a logged one that is zeroed is missed by the comparison of rows.
	s.ZeroDamaged = func() bool { return true }
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

// TestSweepMissing takes out one sync at a time. Those listed here are known to be
// needless for this workload.
func TestSweepMissing(t *testing.T) {
	if os.Getenv("PGMINI_NIGHTLY") == "" {
		t.Skip("PGMINI_NIGHTLY is not set")
	}
	w := sweep(t)
	w.Seeds = 2
	for _, m := range w.Missing(t) {
		t.Errorf("the sweep does not miss sync %s", m)
	}
}
