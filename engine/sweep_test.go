package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/memfs"
	"github.com/pgmini/pgmini/vfs/powerfail"
	"github.com/pgmini/pgmini/xid"
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

func sweepOptions(fsys vfs.FS) Options {
	s := DefaultSettings()
	s.SharedBuffers, s.WALBuffers, s.WALInitZero = 16, 64, false
	s.MaxPreparedXacts, s.TrackCommitTimestamp = 2, true
	s.MinWALSize, s.MaxWALSize = func() int64 { return 2 << 20 }, func() int64 { return 3 << 20 }
	return Options{FS: fsys, Settings: &s, NoWorkers: true, PID: 77}
}

const sweepNode = 20000

// sweepBase is a cluster whose next transactions, multixacts and members of
// multixacts need new files of pg_xact and pg_multixact.
func sweepBase(t testing.TB) *powerfail.FS {
	base := smallBase(t)
	const files = 32 * page.Size
	for _, name := range []string{"pg_xact/0000", "pg_multixact/offsets/0000", "pg_multixact/members/0000"} {
		h, err := base.Open(name, vfs.Write)
		must(t, err)
		must(t, h.Truncate(files))
		must(t, h.Sync())
	}
	i, err := Open(bg, sweepOptions(base))
	must(t, err)
	cp := i.control.Get().Copy
	cp.NextXID, cp.NextMulti, cp.NextMultiOffset = sweepXID, 1<<16-3, 409*4*32-5
	i.xact.SetCheckPoint(&cp)
	must(t, i.Stop(Fast))
	// An unlogged relation, and what is left of one.
	must(t, base.Mkdir("base/6"))
	must(t, vfs.WriteFile(base, unlogged+"_init", bytes.Repeat([]byte("init"), page.Size/4)))
	must(t, vfs.WriteFile(base, unlogged, bytes.Repeat([]byte("old "), page.Size/4)))
	must(t, errors.Join(base.SyncDir("base/6"), base.SyncDir("base")))
	return base
}

const (
	sweepXID = 1<<20 - 10
	unlogged = "base/6/30000" // in a folder where nothing else happens
)

// told is what the workload was told: the step that is through, and which
// transaction it was.
type told struct {
	step int
	x    xid.XID
	stop bool // the server was stopped
}

func sweepRun(steps []sweepStep) func(f *powerfail.FS, ack func(told)) error {
	return func(f *powerfail.FS, ack func(told)) error {
		i, err := Open(bg, sweepOptions(f))
		if err != nil {
			return err
		}
		for n, st := range steps {
			s := newStore(i, sweepNode)
			if st.do == nil {
				if err := i.Stop(Immediate); err != nil {
					return err
				}
				if i, err = Open(bg, sweepOptions(f)); err != nil {
					return err
				}
			} else if err := st.do(i, s); err != nil {
				return errors.Join(err, i.Stop(Immediate))
			}
			ack(told{step: n + 1, x: s.last})
		}
		if err := i.Stop(Fast); err != nil {
			return err
		}
		ack(told{step: len(steps), stop: true})
		return nil
	}
}

// sweepCheck looks at what a crash left: directly, in a recovery that is cut too,
// and in the one after that.
func sweepCheck(steps []sweepStep) func(f *powerfail.FS, acked []told) error {
	return func(f *powerfail.FS, acked []told) error {
		if len(acked) > 0 {
			n := acked[len(acked)-1].step
			starts := n < len(steps) && steps[n].do == nil // it may be about to write postmaster.pid
			if _, err := ReadPIDFile(f); err != nil && !errors.Is(err, fs.ErrNotExist) && !starts {
				return fmt.Errorf("stock PostgreSQL would not start: %w", err)
			}
			if acked[len(acked)-1].stop {
				if err := isReset(f); err != nil {
					return fmt.Errorf("after a clean stop: %w", err)
				}
			}
		}
		rng := rand.New(rand.NewPCG(uint64(len(acked)), 7))
		again := f.Crash(rng)
		again.CutAt, again.Torn = 1+rng.IntN(100), true
		err := sweepLook(again, steps, acked, false)
		if err != nil && !errors.Is(err, powerfail.ErrPowerOff) && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("first recovery, cut at step %d: %w", again.CutAt, err)
		}
		if err := sweepLook(again.Crash(rng), steps, acked, true); err != nil {
			return fmt.Errorf("recovery after one that was cut at step %d: %w", again.CutAt, err)
		}
		return nil
	}
}

// isReset checks that the unlogged relation is what its init fork says.
func isReset(f vfs.FS) error {
	want, err := vfs.ReadFile(f, unlogged+"_init", 1<<20)
	if err != nil {
		return err
	}
	got, err := vfs.ReadFile(f, unlogged, 1<<20)
	if err == nil && !bytes.Equal(got, want) {
		err = errors.New("an unlogged relation is not reset")
	}
	return err
}

// sweepLook opens what a crash left and compares it with the acknowledged state or,
// if the step that was cut may have got through, the next one. The last look
// finishes what is prepared.
func sweepLook(f *powerfail.FS, steps []sweepStep, acked []told, last bool) error {
	before, err := pgcontrol.Read(f)
	if err != nil {
		return err
	}
	i, err := Open(bg, sweepOptions(f))
	if err != nil {
		return err
	}
	defer i.Stop(Immediate)
	if before.State != pgcontrol.ShutDowned {
		if err := isReset(f); err != nil {
			return fmt.Errorf("after recovery: %w", err)
		}
	}
	for _, a := range acked {
		if a.x == xid.Invalid || !i.xact.DidCommit(a.x) {
			continue
		}
		if _, _, ok, err := i.xact.CommitTimestamp(a.x); err != nil || !ok {
			return errors.Join(err, fmt.Errorf("step %d: transaction %d has no commit timestamp", a.step, a.x))
		}
	}
	if err := noFuture(f, i.wal.InsertEnd()); err != nil {
		return err
	}
	n := 0
	if len(acked) > 0 {
		n = acked[len(acked)-1].step
	}
	switch {
	case n > 0 && !steps[n-1].made:
		return nil // dropped: what a crash gives back of its files are orphans
	case n == 0 && !i.xact.DidCommit(sweepXID):
		return nil // not made: so are what a crash leaves of them
	}
	return compare(i, steps, n, last)
}

// noFuture checks that no page has changes which the log does not have: redo would
// leave out what happens to it from now on.
func noFuture(f vfs.FS, end lsn.LSN) error {
	list, err := f.List("base/5")
	if err != nil {
		return err
	}
	for _, e := range list {
		b, err := vfs.ReadFile(f, "base/5/"+e.Name(), 1<<30)
		if err != nil {
			return err
		}
		for at := 0; at+page.Size <= len(b) && strings.HasPrefix(e.Name(), "2"); at += page.Size {
			if p := page.Page(b[at : at+page.Size]); !p.IsNew() && p.LSN() > end {
				return fmt.Errorf("page %d of %s is from %s, and the log ends at %s", at/page.Size, e.Name(), p.LSN(), end)
			}
		}
	}
	return nil
}

// stateAfter is what is to be seen after step n.
func stateAfter(steps []sweepStep, n int) sweepStep {
	if n == 0 {
		return sweepStep{}
	}
	return steps[n-1]
}

func compare(i *Instance, steps []sweepStep, n int, last bool) error {
	s := newStore(i, sweepNode)
	got, err := s.rows()
	if err != nil {
		return err
	}
	var gids []string
	for _, p := range i.xact.Prepared() {
		gids = append(gids, p.GID)
	}
	slices.Sort(gids)
	next := min(n+1, len(steps))
	for _, want := range []sweepStep{stateAfter(steps, n), stateAfter(steps, next)} {
		// A table that is no more may have left files: an orphan.
		if !slices.Equal(gids, want.prepared) || want.made != (got != nil) && len(got) > 0 || !maps.Equal(got, want.rows) {
			continue
		}
		if len(gids) == 0 || !last {
			return nil
		}
		for _, g := range gids { // they can be finished
			if err := finish(i, g); err != nil {
				return err
			}
		}
		if got, err = s.rows(); err == nil && len(got) != len(want.rows)+len(gids) {
			err = fmt.Errorf("%d rows with those of %d prepared transactions, %d without", len(got), len(gids), len(want.rows))
		}
		return err
	}
	return fmt.Errorf("%d rows, %v prepared; %d after step %d, %d after step %d", len(got), gids, len(stateAfter(steps, n).rows), n, len(stateAfter(steps, next).rows), next)
}

func sweep(t testing.TB, steps []sweepStep) powerfail.Workload[told] {
	base := sweepBase(t)
	return powerfail.Workload[told]{
		Start: func() *powerfail.FS { return base.Crash(rand.New(rand.NewPCG(1, 1))) },
		Run:   sweepRun(steps),
		Check: sweepCheck(steps),
		Seeds: 3,
	}
}

// TestSweep cuts the power at every file-system step of a storage workload, and
// again within the recovery that follows.
func TestSweep(t *testing.T) {
	for name, steps := range map[string][]sweepStep{"all": sweepSteps(), "restart": restartSteps()} {
		t.Run(name, func(t *testing.T) { sweep(t, steps).Images(t) })
	}
}

// TestEverySync takes out the syncs of each place in the source that the engine
// comes to, and has the sweeps notice.
func TestEverySync(t *testing.T) { everySync(t, 9, 1) }

func everySync(t *testing.T, strides ...int) {
	all, restart := sweep(t, sweepSteps()), sweep(t, restartSteps())
	all.Seeds, restart.Seeds = 1, 1
	powerfail.EverySync(t, "engine.TestEverySync", strides, all, restart)
}
