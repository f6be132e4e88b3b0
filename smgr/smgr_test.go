package smgr

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/memfs"
	"github.com/pgmini/pgmini/vfs/powerfail"
)

var rel = page.RelFileNode{Spc: 1663, DB: 5, Rel: 16384} // constant

func newManager(t *testing.T, opt Options) (*Manager, *memfs.FS) {
	t.Helper()
	f := memfs.New()
	for _, d := range []string{"base", "base/5", "global", "pg_tblspc"} {
		if err := f.Mkdir(d); err != nil {
			t.Fatal(err)
		}
	}
	return New(f, opt), f
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestPaths(t *testing.T) {
	for _, c := range []struct {
		rel  Rel
		fork page.Fork
		want string
	}{
		{Rel{rel, NoBackend}, page.MainFork, "base/5/16384"},
		{Rel{rel, NoBackend}, page.FSMFork, "base/5/16384_fsm"},
		{Rel{rel, 3}, page.VMFork, "base/5/t3_16384_vm"},
		{Rel{page.RelFileNode{Spc: 1664, Rel: 1262}, NoBackend}, page.MainFork, "global/1262"},
		{Rel{page.RelFileNode{Spc: 20000, DB: 5, Rel: 7}, NoBackend}, page.InitFork, "pg_tblspc/20000/PG_15_202209061/5/7_init"},
	} {
		if got := c.rel.Path(c.fork); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestSegments(t *testing.T) {
	for _, maxOpen := range []int{1, 1000} {
		m, f := newManager(t, Options{SegmentBlocks: 4, MaxOpen: maxOpen})
		must(t, m.Create(rel, page.MainFork))
		pg := make(page.Page, page.Size)
		for b := range page.BlockNumber(11) {
			pg[0] = byte(b + 1)
			must(t, m.Extend(page.Tag{Rel: rel, Block: b}, pg))
		}
		m.CloseAll()
		if n, err := m.NBlocks(rel, page.MainFork); n != 11 || err != nil {
			t.Fatalf("length %d, %v", n, err)
		}
		for b := range page.BlockNumber(11) {
			must(t, m.Read(page.Tag{Rel: rel, Block: b}, pg))
			if pg[0] != byte(b+1) {
				t.Errorf("block %d holds %d", b, pg[0])
			}
		}
		err := m.Read(page.Tag{Rel: rel, Block: 11}, pg)
		if pgerr.CodeOf(err) != pgerr.DataCorrupted {
			t.Errorf("read past the end: %v", err)
		}
		must(t, m.Truncate(rel, page.MainFork, 5))
		m.CloseAll()
		if n, err := m.NBlocks(rel, page.MainFork); n != 5 || err != nil {
			t.Fatalf("length %d after truncate, %v", n, err)
		}
		if st, err := f.Stat("base/5/16384.2"); err != nil || st.Size() != 0 {
			t.Errorf("the last segment: %v", err)
		}
		must(t, m.Extend(page.Tag{Rel: rel, Block: 9}, pg)) // leaves a hole, as recovery may
		if n, _ := m.NBlocks(rel, page.MainFork); n != 10 {
			t.Errorf("length %d", n)
		}
		m.CloseAll()
		if n, _ := m.NBlocks(rel, page.MainFork); n != 10 {
			t.Errorf("length %d from the files", n)
		}
	}
}

func TestUnlinkWaitsForCheckpoint(t *testing.T) {
	m, f := newManager(t, Options{SegmentBlocks: 1})
	pg := make(page.Page, page.Size)
	for _, fork := range []page.Fork{page.MainFork, page.FSMFork} {
		must(t, m.Create(rel, fork))
		must(t, m.Extend(page.Tag{Rel: rel, Fork: fork, Block: 0}, pg))
		must(t, m.Extend(page.Tag{Rel: rel, Fork: fork, Block: 1}, pg))
	}
	m.PreCheckpoint()
	must(t, m.Unlink(rel)) // after the checkpoint began: survives it
	must(t, m.Sync())
	must(t, m.PostCheckpoint())
	list, err := f.List("base/5")
	if err != nil || len(list) != 1 || list[0].Name() != "16384" {
		t.Fatalf("left: %v %v", list, err)
	}
	if st, _ := f.Stat("base/5/16384"); st.Size() != 0 {
		t.Error("the tombstone has bytes")
	}
	m.PreCheckpoint()
	must(t, m.Sync())
	must(t, m.PostCheckpoint())
	if _, err := f.Stat("base/5/16384"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the tombstone outlived the next checkpoint")
	}
	must(t, m.Unlink(rel)) // missing files are no error
}

func TestErrors(t *testing.T) {
	m, f := newManager(t, Options{})
	_, err := m.NBlocks(rel, page.MainFork)
	if e, ok := pgerr.As(err); !ok || e.Code != pgerr.UndefinedFile || e.Msg != `could not open file "base/5/16384": No such file or directory` {
		t.Errorf("missing file: %v", err)
	}
	must(t, m.Create(rel, page.MainFork))
	if err := m.Create(rel, page.MainFork); pgerr.CodeOf(err) != pgerr.DuplicateFile {
		t.Errorf("second create: %v", err)
	}
	f.SetBudget(page.Size + 1)
	pg := make(page.Page, page.Size)
	must(t, m.Extend(page.Tag{Rel: rel, Block: 0}, pg))
	err = m.Extend(page.Tag{Rel: rel, Block: 1}, pg)
	if e, ok := pgerr.As(err); !ok || e.Code != pgerr.DiskFull || e.Msg != `could not extend file "base/5/16384": No space left on device` {
		t.Errorf("full disk: %v", err)
	}
	f.SetBudget(-1)
	must(t, m.Extend(page.Tag{Rel: rel, Block: 1}, pg))
}

// TestSyncCoversWrites cuts the power at every step of a workload of creates,
// extensions over segments, truncations and drops: what a finished Sync covered
// is there. Without any one of its syncs the sweep goes red.
func TestSyncCoversWrites(t *testing.T) {
	w := powerfail.Workload[page.BlockNumber]{Seeds: 6, Run: func(f *powerfail.FS, ack func(page.BlockNumber)) error {
		err := errors.Join(vfs.MkdirAll(f, "base/5"), f.SyncDir("/"), f.SyncDir("base"))
		m := New(f, Options{SegmentBlocks: 2})
		if err != nil {
			return err
		}
		if err := m.Create(rel, page.MainFork); err != nil {
			return err
		}
		pg := make(page.Page, page.Size)
		for b := range page.BlockNumber(4) {
			pg[100] = byte(b + 1)
			if err := m.Extend(page.Tag{Rel: rel, Block: b}, pg); err != nil {
				return err
			}
			if b%2 == 1 {
				if err := m.Sync(); err != nil {
					return err
				}
				ack(b)
			}
		}
		return nil
	}, Check: func(f *powerfail.FS, acked []page.BlockNumber) error {
		if len(acked) == 0 {
			return nil
		}
		m := New(f, Options{SegmentBlocks: 2})
		pg := make(page.Page, page.Size)
		for b := range acked[len(acked)-1] + 1 {
			if err := m.Read(page.Tag{Rel: rel, Block: b}, pg); err != nil {
				return err
			}
			if pg[100] != byte(b+1) {
				return fmt.Errorf("block %d holds %d", b, pg[100])
			}
		}
		return nil
	}}
	w.Sweep(t)
	if left := w.Missing(t); len(left) != 0 {
		t.Errorf("not missed: %q", left)
	}
}
