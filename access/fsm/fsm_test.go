package fsm

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
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
	p, err := bufmgr.New(bufmgr.Options{Buffers: 256, Smgr: smgr.New(f, smgr.Options{}).Files, Checksums: true})
	must(t, err)
	t.Cleanup(func() { p.Close() })
	return p
}

// TestTree changes random slots and compares with a plain array.
func TestTree(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	tr := tree(make(page.Page, page.Size))
	page.Page(tr).Init(0)
	var want [Slots]uint8
	for range 20000 {
		slot, v := rng.IntN(Slots), uint8(rng.IntN(256))
		want[slot] = v
		tr.set(slot, v)
		if i := rng.IntN(inner); tr.node(i) != tr.larger(i) {
			t.Fatalf("node %d is %d, its children's larger is %d", i, tr.node(i), tr.larger(i))
		}
	}
	for s, v := range want {
		if tr.get(s) != v {
			t.Fatalf("slot %d: %d, want %d", s, tr.get(s), v)
		}
	}
	if tr.rebuild() {
		t.Error("an inner node was wrong")
	}
	seen := map[int]bool{}
	for range 200 {
		s, ok, repaired := tr.search(250, true)
		if !ok || repaired || want[s] < 250 {
			t.Fatalf("slot %d with %d, %v %v", s, want[s], ok, repaired)
		}
		seen[s] = true
	}
	if len(seen) < 20 {
		t.Errorf("200 searches saw %d slots: they do not spread out", len(seen))
	}
	tr.setNode(0, 255) // torn: the root promises what nobody has
	tr.truncate(0)
	tr.setNode(0, 9)
	if _, ok, repaired := tr.search(9, true); ok || !repaired {
		t.Errorf("torn page: found %v repaired %v", ok, repaired)
	}
}

func TestCategories(t *testing.T) {
	for _, c := range []struct {
		avail int
		cat   uint8
	}{{0, 0}, {31, 0}, {32, 1}, {8159, 254}, {8160, 255}, {8192, 255}} {
		if got := Category(c.avail); got != c.cat {
			t.Errorf("%d bytes are category %d, want %d", c.avail, got, c.cat)
		}
	}
	for need := 1; need <= MaxRequest; need++ {
		if c, err := needed(need); err != nil || Avail(c) < need {
			t.Fatalf("a page of category %d has %d, not %d", c, Avail(c), need)
		}
	}
	if _, err := needed(MaxRequest + 1); err == nil {
		t.Error("more than a page holds was accepted")
	}
}

func TestBlocks(t *testing.T) {
	for _, c := range []struct {
		a    address
		want page.BlockNumber
	}{{address{2, 0}, 0}, {address{1, 0}, 1}, {address{0, 0}, 2}, {address{0, 1}, 3},
		{address{0, Slots - 1}, Slots + 1}, {address{1, 1}, Slots + 2}, {address{0, Slots}, Slots + 3}} {
		if got := c.a.block(); got != c.want {
			t.Errorf("%v is block %d, want %d", c.a, got, c.want)
		}
	}
}

func TestFind(t *testing.T) {
	f := memfs.New()
	must(t, vfs.MkdirAll(f, "base/5"))
	p := newPool(t, f)
	must(t, p.Smgr().Create(rel, page.MainFork))
	const blocks = Slots + 10 // two bottom pages
	must(t, p.Grow(rel, page.MainFork, blocks))
	m := Of(p, rel)
	if b, err := m.Find(100); b != page.InvalidBlock || err != nil {
		t.Fatalf("an empty map found %d, %v", b, err)
	}
	must(t, m.Record(Slots+5, 4000))
	must(t, m.Vacuum(0, page.InvalidBlock))
	if b, err := m.Find(3000); b != Slots+5 || err != nil {
		t.Errorf("found %d, %v", b, err)
	}
	if b, err := m.Find(5000); b != page.InvalidBlock || err != nil {
		t.Errorf("found %d, %v", b, err)
	}
	if b, err := m.RecordAndFind(Slots+5, 10, 3000); b != page.InvalidBlock || err != nil {
		t.Errorf("a page that is full now: %d, %v", b, err)
	}
	must(t, m.Record(7, 8000))
	must(t, m.Record(Slots+2, 8000))
	if b, err := m.RecordAndFind(Slots+5, 10, 3000); b != Slots+2 || err != nil {
		t.Errorf("not the near page but %d, %v", b, err)
	}
	must(t, m.Vacuum(0, page.InvalidBlock))
	keep, err := m.TruncatePrepare(Slots, nil)
	if keep != 3 || err != nil {
		t.Errorf("keep %d, %v", keep, err)
	}
	p.DropRel(rel, page.FSMFork, keep)
	must(t, p.Smgr().Truncate(rel, page.FSMFork, keep))
	p.DropRel(rel, page.MainFork, Slots)
	must(t, p.Smgr().Truncate(rel, page.MainFork, Slots))
	must(t, m.Vacuum(Slots, page.InvalidBlock))
	for range 3 {
		if b, err := m.Find(3000); b != 7 || err != nil {
			t.Errorf("found %d, %v", b, err)
		}
	}
	must(t, m.Record(blocks+1, 8000)) // past the end: never given out
	must(t, m.Record(7, 0))
	if b, err := m.Find(3000); b != page.InvalidBlock || err != nil {
		t.Errorf("found %d past the end, %v", b, err)
	}
}

// TestStock reads PostgreSQL's map, rewrites all of it through ours, and lets
// PostgreSQL read and use the result.
func TestStock(t *testing.T) {
	pg := oracle.Find(t)
	c := pg.Initdb(t)
	c.Start("autovacuum=off")
	c.Psql(`create extension pg_freespacemap; create extension pageinspect;
		create table t(a int, b text) with (fillfactor = 90);
		insert into t select i, repeat('x', i % 900) from generate_series(1, 40000) i;
		delete from t where a % 5 < a / 10000; vacuum t; checkpoint`)
	const show = "select blkno || ' ' || avail from pg_freespace('t')"
	dump := func() []string { return strings.Split(c.Psql(show), "\n") }
	want := dump()
	r := rel
	_, _ = fmt.Sscanf(c.RelPath("t"), "base/%d/%d", &r.DB, &r.Rel)
	c.Stop()

	p := newPool(t, osfs.New(c.Data))
	m := Of(p, r)
	n, err := p.NBlocks(r, page.MainFork)
	must(t, err)
	var got []string
	for b := range n {
		avail, err := m.Recorded(b)
		must(t, err)
		got = append(got, fmt.Sprintf("%d %d", b, avail))
	}
	if !slices.Equal(got, want) {
		t.Fatalf("we read %d lines %.100q, PostgreSQL %d %.100q", len(got), got, len(want), want)
	}
	// The whole map again, by our code: the same bytes but for LSN and checksum.
	before := nodesOf(t, p, r)
	p.DropRelAll(r)
	must(t, p.Smgr().UnlinkFork(r, page.FSMFork))
	for b, line := range got {
		var blk, avail int
		_, _ = fmt.Sscan(line, &blk, &avail)
		must(t, m.Record(page.BlockNumber(b), avail))
	}
	must(t, m.Vacuum(0, page.InvalidBlock))
	if after := nodesOf(t, p, r); !slices.Equal(before, after) {
		t.Errorf("the map that we built differs from PostgreSQL's")
	}
	must(t, p.FlushRel(r))
	pg.Own(t, filepath.Join(c.Data, "base"))
	pg.Run(t, "pg_checksums", "--check", "-D", c.Data)
	c.Start("autovacuum=off")
	if got := dump(); !slices.Equal(got, want) {
		t.Error("PostgreSQL reads another map than it wrote")
	}
	size := c.Psql("select pg_relation_size('t')")
	c.Psql("insert into t select 1, repeat('y', 100) from generate_series(1, 50)")
	if got := c.Psql("select pg_relation_size('t')"); got != size {
		t.Errorf("PostgreSQL did not use the free space: %s -> %s", size, got)
	}
}

// nodesOf is the trees of all pages of the map.
func nodesOf(t *testing.T, p *bufmgr.Pool, r page.RelFileNode) []string {
	t.Helper()
	n, err := p.NBlocks(r, page.FSMFork)
	must(t, err)
	var out []string
	for blk := range n {
		b, err := p.Read(page.Tag{Rel: r, Fork: page.FSMFork, Block: blk}, bufmgr.Normal, nil)
		must(t, err)
		p.Lock(b, bufmgr.Shared)
		out = append(out, string(p.Page(b)[offNodes:]))
		p.UnlockRelease(b)
	}
	return out
}
