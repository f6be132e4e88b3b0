package initdb

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pgmini/pgmini/catalog/relmap"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/memfs"
	"github.com/pgmini/pgmini/vfs/powerfail"
)

// fixed is not random: every run makes the same bytes.
type fixed struct{}

func (fixed) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 7
	}
	return len(b), nil
}

// TestPowerFail cuts the power at steps all over initdb: afterwards there is
// either no control file, or a cluster that is whole.
func TestPowerFail(t *testing.T) {
	whole := memfs.New()
	o := Options{FS: whole, Random: fixed{}, SystemID: 1, SegSize: 1 << 20,
		Now: func() time.Time { return time.Unix(1700000000, 0) }}
	if err := Create(o); err != nil {
		t.Fatal(err)
	}
	count := powerfail.New()
	o.FS = count
	if err := Create(o); err != nil {
		t.Fatal(err)
	}
	last := count.Steps()
	finished := 0
	for cut := 1; cut <= last+1; cut++ {
		if cut < last-12 && cut%211 != 0 {
			continue
		}
		f := powerfail.New()
		f.CutAt, f.Torn = cut, true
		o.FS = f
		err := Create(o)
		if err == nil && cut <= last {
			t.Fatalf("cut %d was not noticed", cut)
		}
		after := f.Crash(rand.New(rand.NewPCG(uint64(cut), 1)))
		if _, err := after.Stat(pgcontrol.Path); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		finished++
		if err := checkWhole(after, whole); err != nil {
			t.Errorf("cut %d of %d: %v", cut, last, err)
		}
	}
	if finished == 0 {
		t.Error("no cut left a cluster")
	}
}

// checkWhole compares every catalog file with those of a cluster that was made
// undisturbed.
func checkWhole(after *powerfail.FS, whole *memfs.FS) error {
	if _, err := pgcontrol.Read(after); err != nil {
		return err
	}
	for _, dir := range []string{"global", "base/1", "base/4", "base/5", "pg_wal", "pg_xact"} {
		if _, err := relmap.Read(after, dir); err != nil && dir[:3] != "pg_" {
			return err
		}
		list, err := whole.List(dir)
		if err != nil {
			return err
		}
		for _, f := range list {
			if f.IsDir() {
				continue
			}
			name := dir + "/" + f.Name()
			want, err := readWhole(whole, name)
			if err != nil {
				return err
			}
			got, err := readWhole(after, name)
			if err != nil {
				return err
			}
			if name != pgcontrol.Path && !bytes.Equal(got, want) {
				return fmt.Errorf("%s is damaged (%d of %d pages)", name, len(got)/page.Size, len(want)/page.Size)
			}
		}
	}
	return nil
}

// under is a folder of a file system.
type under struct {
	vfs.FS
	dir string
}

func (u under) Open(name string, flag vfs.Flag) (vfs.File, error) {
	return u.FS.Open(u.dir+"/"+name, flag)
}
func (u under) Mkdir(name string) error   { return u.FS.Mkdir(u.dir + "/" + name) }
func (u under) SyncDir(name string) error { return u.FS.SyncDir(u.dir + "/" + name) }

// TestEverySync takes out the syncs of each place in initdb: the cluster that it says
// is made is not whole then.
func TestEverySync(t *testing.T) {
	whole := memfs.New()
	o := Options{FS: whole, Random: fixed{}, SystemID: 1, SegSize: 1 << 20,
		Now: func() time.Time { return time.Unix(1700000000, 0) }}
	if err := Create(o); err != nil {
		t.Fatal(err)
	}
	plain := powerfail.Workload[int]{
		Run: func(f *powerfail.FS, ack func(int)) error {
			o := o
			o.FS = f
			if err := Create(o); err != nil {
				return err
			}
			ack(1)
			return nil
		},
		Check: func(f *powerfail.FS, acked []int) error {
			if _, err := f.Stat(pgcontrol.Path); errors.Is(err, fs.ErrNotExist) && len(acked) == 0 {
				return nil
			}
			return checkWhole(f, whole)
		},
	}
	elsewhere := plain
	elsewhere.Run = func(f *powerfail.FS, ack func(int)) error {
		if err := errors.Join(f.Mkdir("/wal"), f.SyncDir("/")); err != nil {
			return err
		}
		o := o
		o.FS, o.WALDir, o.WALFS = f, "/wal", under{f, "/wal"}
		if err := Create(o); err != nil {
			return err
		}
		ack(1)
		return nil
	}
	powerfail.EverySync(t, "initdb.TestEverySync", []int{1 << 20, 1}, plain, elsewhere)
}
