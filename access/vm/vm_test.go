package vm

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/memfs"
	"github.com/pgmini/pgmini/vfs/osfs"
)

var rel = page.RelFileNode{Spc: oid.DefaultTablespace, DB: 5, Rel: 16384} // constant

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newPool(t *testing.T, f vfs.FS) *bufmgr.Pool {
	t.Helper()
	p, err := bufmgr.New(bufmgr.Options{Buffers: 64, Smgr: smgr.New(f, smgr.Options{}).Files, Checksums: true})
	must(t, err)
	t.Cleanup(func() { p.Close() })
	return p
}

func set(t *testing.T, p *bufmgr.Pool, blk page.BlockNumber, flags uint8) {
	t.Helper()
	var b bufmgr.Buffer
	must(t, Pin(p, rel, blk, &b))
	p.Lock(b, bufmgr.Exclusive)
	p.MarkDirty(b)
	SetBits(p.Page(b), blk, flags)
	p.UnlockRelease(b)
}

func TestBits(t *testing.T) {
	f := memfs.New()
	must(t, vfs.MkdirAll(f, "base/5"))
	p := newPool(t, f)
	must(t, p.Smgr().Create(rel, page.MainFork))
	var b bufmgr.Buffer
	status := func(blk page.BlockNumber) uint8 {
		s, err := Status(p, rel, blk, &b)
		must(t, err)
		return s
	}
	if status(3) != 0 || b != 0 {
		t.Error("a map that does not exist has bits or a pin")
	}
	set(t, p, 3, AllVisible)
	set(t, p, 4, AllVisible|AllFrozen)
	set(t, p, PagesPerBlock+1, AllVisible|AllFrozen)
	for blk, want := range map[page.BlockNumber]uint8{2: 0, 3: 1, 4: 3, 5: 0, PagesPerBlock: 0, PagesPerBlock + 1: 3} {
		if got := status(blk); got != want {
			t.Errorf("page %d: %d, want %d", blk, got, want)
		}
	}
	if v, fr, err := Count(p, rel); v != 3 || fr != 2 || err != nil {
		t.Errorf("count %d %d %v", v, fr, err)
	}
	must(t, Pin(p, rel, 4, &b))
	if !Clear(p, 4, b, AllFrozen) || Clear(p, 4, b, AllFrozen) || status(4) != AllVisible || status(3) != AllVisible {
		t.Error("clear")
	}
	keep, err := TruncatePrepare(p, rel, 4, nil)
	if keep != 1 || err != nil || status(4) != 0 || status(3) != AllVisible {
		t.Errorf("truncate: keep %d, %v, %d %d", keep, err, status(3), status(4))
	}
	p.Release(b)
}

// TestStock compares our reading of PostgreSQL's map with pg_visibility's, and
// lets PostgreSQL read what we change.
func TestStock(t *testing.T) {
	pg := oracle.Find(t)
	c := pg.Initdb(t)
	c.Start("autovacuum=off")
	c.Psql(`create extension pg_visibility; create table t(a int);
		insert into t select generate_series(1, 20000); vacuum freeze t;
		insert into t select generate_series(1, 20000); vacuum t;
		delete from t where a between 5000 and 6000; checkpoint`)
	const show = "select blkno, all_visible::int + 2 * all_frozen::int from pg_visibility_map('t') order by 1"
	want := strings.Split(c.Psql(show), "\n")
	var r page.RelFileNode
	r.Spc = oid.DefaultTablespace
	_, _ = fmt.Sscanf(c.RelPath("t"), "base/%d/%d", &r.DB, &r.Rel)
	c.Stop()

	p := newPool(t, osfs.New(c.Data))
	var b bufmgr.Buffer
	seen := map[uint8]int{}
	for blk, line := range want {
		s, err := Status(p, r, page.BlockNumber(blk), &b)
		must(t, err)
		seen[s]++
		if got := fmt.Sprintf("%d|%d", blk, s); got != line {
			t.Fatalf("got %s, PostgreSQL says %s", got, line)
		}
	}
	if seen[0] == 0 || seen[AllVisible] == 0 || seen[AllVisible|AllFrozen] == 0 {
		t.Errorf("not all kinds seen: %v", seen)
	}
	Clear(p, 1, b, ValidBits)
	p.Release(b)
	must(t, p.FlushRel(r))
	pg.Own(t, filepath.Join(c.Data, "base"))
	pg.Run(t, "pg_checksums", "--check", "-D", c.Data)
	c.Start("autovacuum=off")
	want[1] = "1|0"
	if got := c.Psql(show); got != strings.Join(want, "\n") {
		t.Error("PostgreSQL reads our change differently")
	}
}
