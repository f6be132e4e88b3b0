package page_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/page"
)

// pages reads a file of 8 KB blocks.
func pages(t *testing.T, name string) []page.Page {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if len(b)%page.Size != 0 {
		t.Fatalf("%s has %d bytes", name, len(b))
	}
	var out []page.Page
	for len(b) > 0 {
		out = append(out, b[:page.Size:page.Size])
		b = b[page.Size:]
	}
	return out
}

// TestGoldenPages compares what we read from pages that PostgreSQL wrote with
// what its own pageinspect says of them, and recomputes every checksum of a whole
// cluster.
func TestGoldenPages(t *testing.T) {
	pg := oracle.Find(t)
	c := pg.Initdb(t)
	c.Start()
	c.Psql(`create extension pageinspect;
		create table t(a int primary key, b text) with (fillfactor = 60);
		insert into t select i, repeat('x', i % 50) from generate_series(1, 500) i;
		delete from t where a % 3 = 0; update t set b = 'hot' where a % 7 = 0;
		vacuum t; update t set b = b || 'y' where a < 100; vacuum freeze pg_class; vacuum freeze pg_proc; checkpoint`)
	c.Stop() // what a new server reads from disk still has its checksum
	c.Start("autovacuum=off")
	for _, rel := range []string{"t", "t_pkey", "pg_class", "pg_proc", "pg_proc_oid_index"} {
		var want, items []string
		file := c.RelPath(rel)
		n := c.Psql(fmt.Sprintf("select pg_relation_size('%s') / 8192", rel))
		want = strings.Split(c.Psql(fmt.Sprintf(`select b, h.* from generate_series(0, %s - 1) b,
			page_header(get_raw_page('%s', b::int)) h order by b`, n, rel)), "\n")
		if rel == "t" || rel == "pg_class" || rel == "pg_proc" {
			items = strings.Split(c.Psql(fmt.Sprintf(`select b, lp, lp_off, lp_flags, lp_len
				from generate_series(0, %s - 1) b, heap_page_items(get_raw_page('%s', b::int)) order by b, lp`, n, rel)), "\n")
		}
		var got, gotItems []string
		for b, p := range pages(t, filepath.Join(c.Data, file)) {
			if err := page.Check(p); err != nil {
				t.Errorf("%s block %d: %v", rel, b, err)
			}
			got = append(got, fmt.Sprintf("%d|%s|%d|%d|%d|%d|%d|%d|%d|%d", b, p.LSN(), int16(p.Checksum()),
				p.Flags(), p.Lower(), p.Upper(), p.SpecialOff(), page.Size, page.LayoutVersion, p.PruneXID()))
			for o := page.OffsetNumber(1); items != nil && o <= p.NumItems(); o++ {
				id := p.ItemID(o)
				gotItems = append(gotItems, fmt.Sprintf("%d|%d|%d|%d|%d", b, o, id.Off(), id.Flags(), id.Len()))
			}
		}
		same(t, rel+" headers", got, want)
		same(t, rel+" items", gotItems, items)
	}
	c.Stop()
	checksums(t, c.Data)
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d, want %d", what, len(got), len(want))
		return
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%s: got %s, want %s", what, got[i], want[i])
			return
		}
	}
}

// checksums recomputes that of every block of every relation fork.
func checksums(t *testing.T, data string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(data, "base", "*", "[0-9]*"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := 0
	for _, f := range files {
		for b, p := range pages(t, f) {
			if p.IsNew() {
				continue
			}
			blocks++
			if sum := page.ComputeChecksum(p, page.BlockNumber(b)); sum != p.Checksum() {
				t.Errorf("%s block %d: %#x, stored %#x", f, b, sum, p.Checksum())
			}
		}
	}
	if blocks < 1000 {
		t.Errorf("only %d blocks seen", blocks)
	}
}
