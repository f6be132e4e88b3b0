package nbtree

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/vfs/osfs"
	"github.com/pgmini/pgmini/xlog"
)

// stockWorkload makes every record type that one session can.
const stockWorkload = `
create table t(a int, b text);
create index ia on t(a);
create index ib on t(b);
create index iab on t(a desc nulls first, b);
create unique index iu on t(a, b);
insert into t select i, 'row ' || i from generate_series(1, 20000) i;
insert into t select i % 50, repeat(chr(97 + i % 26), i % 40) || i from generate_series(1, 20000) i;
insert into t select 77, 'same ' || i % 7 || '/' || i from generate_series(1, 5000) i;
delete from t where a between 3000 and 15000;
vacuum t;
insert into t select i, null from generate_series(30000, 34000) i;
update t set a = a + 1 where a > 30000;
update t set b = b || 'x' where a < 20;
update t set b = b || 'y' where a < 20;
delete from t where a % 3 = 0;
vacuum t;
delete from t where a < 40;
vacuum t;
insert into t select i, 'again ' || i from generate_series(1, 9000) i;
vacuum t;
`

// attach makes the relation of a stock index.
func attach(w *world, c *oracle.Cluster, name string, types ...oid.OID) *access.Relation {
	idx := w.index(1, false, types...)
	f := strings.Fields(strings.ReplaceAll(c.Psql(fmt.Sprintf(
		"select oid, relfilenode, (select oid from pg_database where datname = current_database()) from pg_class where relname = '%s'", name)), "|", " "))
	num := func(i int) oid.OID {
		n, err := strconv.ParseUint(f[i], 10, 32)
		must(w.t, err)
		return oid.OID(n)
	}
	idx.OID, idx.Name = num(0), name
	idx.Node = page.RelFileNode{Spc: 1663, DB: num(2), Rel: num(1)}
	return idx
}

// waldump is what pg_waldump says of each btree record, without the blocks.
func waldump(c *oracle.Cluster, start lsn.LSN) map[string]string {
	out, _ := c.PG.Try("pg_waldump", "-p", filepath.Join(c.Data, "pg_wal"), "-r", "Btree", "-s", start.String()) // it ends with the error that ends the WAL
	lines := map[string]string{}
	for _, l := range strings.Split(out, "\n") {
		_, rest, ok := strings.Cut(l, "lsn: ")
		at, _, _ := strings.Cut(rest, ",")
		hi, lo, ok2 := strings.Cut(at, "/")
		_, desc, ok3 := strings.Cut(rest, "desc: ")
		if !ok || !ok2 || !ok3 {
			continue
		}
		if i := strings.Index(desc, ", blkref"); i >= 0 {
			desc = desc[:i]
		}
		lines[hi+"/"+strings.TrimLeft(lo, "0")] = desc
	}
	return lines
}

// TestStockReplay replays the WAL of stock PostgreSQL and compares our pages with
// the files that it wrote; then checks the indexes, and scans one.
func TestStockReplay(t *testing.T) {
	pg := oracle.Find(t)
	c := pg.Initdb(t)
	c.Start("full_page_writes=off", "autovacuum=off", "wal_log_hints=off", "wal_keep_size=1GB")
	start, err := lsn.Parse(c.Psql("checkpoint; select pg_current_wal_insert_lsn()"))
	must(t, err)
	c.Psql(stockWorkload)
	// bottom-up deletion and LP_DEAD need separate transactions
	for i := range 12 {
		c.Psql(fmt.Sprintf("update t set b = 'v%d ' || a where a between 8000 and 8200", i))
		c.Psql("set enable_seqscan = off; set enable_bitmapscan = off; select count(*) from t where a between 8000 and 8200")
	}
	w := newWorld(t, 16)
	w.pool, err = bufmgr.New(bufmgr.Options{Buffers: 2048, Smgr: w.m.Files, Checksums: true})
	must(t, err)
	defer w.pool.Close()
	idxs := []*access.Relation{
		attach(w, c, "ia", oid.Int4), attach(w, c, "ib", oid.Text),
		attach(w, c, "iab", oid.Int4, oid.Text), attach(w, c, "iu", oid.Int4, oid.Text),
	}
	idxs[2].Index.Options[0] = optDesc | optNullsFirst
	ours := map[page.RelFileNode]bool{}
	for _, idx := range idxs {
		idx.Pool = w.pool
		ours[idx.Node] = true
		must(t, w.m.Create(idx.Node, page.MainFork))
	}
	rows := c.Psql("select count(*) from t")
	c.Stop()

	fs := osfs.New(c.Data)
	r := xlog.NewReader(&xlog.Segments{FS: fs, Dir: "pg_wal", Size: 16 << 20, TLIs: []lsn.Timeline{1}},
		xlog.ReaderOptions{SegSize: 16 << 20, Timeline: 1})
	r.Seek(start)
	seen := map[string]int{}
	dump := waldump(c, start)
	redo := Redo(w.pool)
	for {
		d, err := r.Next()
		if err != nil {
			t.Log("end of WAL: ", err)
			break
		}
		switch {
		case d.Rmgr == xlog.RmBtree:
			b := d.Block(0)
			if b == nil || !ours[b.Tag.Rel] {
				continue
			}
			seen[identify(d.RmgrInfo())]++
			text := identify(d.RmgrInfo()) + " " + string(describe(nil, d))
			if line := dump[d.Start.String()]; line != text {
				t.Fatalf("%s: we say %q, pg_waldump %q", d.Start, text, line)
			}
			must(t, redo(d))
		case d.Rmgr == xlog.RmXLOG && len(d.Blocks) > 0 && ours[d.Blocks[0].Tag.Rel]:
			must(t, redoImages(w.pool, d))
		}
	}
	t.Log(seen)
	for _, name := range []string{"INSERT_LEAF", "INSERT_UPPER", "INSERT_POST", "SPLIT_L", "SPLIT_R", "DEDUP", "DELETE", "VACUUM",
		"MARK_PAGE_HALFDEAD", "UNLINK_PAGE", "NEWROOT"} {
		if seen[name] == 0 {
			t.Errorf("the workload made no %s", name)
		}
	}
	for _, idx := range idxs {
		file, err := os.ReadFile(filepath.Join(c.Data, fmt.Sprintf("base/%d/%d", idx.Node.DB, idx.Node.Rel)))
		must(t, err)
		pages := w.pages(idx.Node)
		if len(file) != len(pages)*page.Size {
			t.Fatalf("%s: stock has %d bytes, we have %d pages", idx.Name, len(file), len(pages))
		}
		for i, p := range pages {
			stock := page.Page(file[i*page.Size : (i+1)*page.Size])
			if a, b := string(masked(stock)), string(masked(p)); a != b {
				at := 0
				for a[at] == b[at] {
					at++
				}
				t.Fatalf("%s block %d differs at %d: lsn %s %s\nstock %x\nours  %x", idx.Name, i, at, stock.LSN(), p.LSN(), a[at:min(at+64, 8192)], b[at:min(at+64, 8192)])
			}
		}
		want, err := strconv.Atoi(rows)
		must(t, err)
		if got := w.count(idx); got < want {
			t.Errorf("%s: %d entries for %d rows", idx.Name, got, want)
		}
	}
}

// TestStockAcceptsOurIndexes puts indexes that we made in place of stock's, by
// build and by inserts and vacuum, and has stock's amcheck look at them.
func TestStockAcceptsOurIndexes(t *testing.T) {
	pg := oracle.Find(t)
	c := pg.Initdb(t)
	c.Start("autovacuum=off")
	c.Psql(`create extension amcheck; create extension pageinspect;
create table t(a int, b text);
insert into t select case when i % 17 = 0 then null else (i * 7919) % 1000 end,
  case when i % 23 = 0 then null else repeat(chr(97 + i % 26), (i * 31) % 60) || i % 500 end from generate_series(1, 30000) i;
insert into t values (5, repeat(md5('x'), 60));
delete from t where ctid in (select ctid from t where a between 100 and 300);
create index built on t(a, b); create index grown on t(a, b); create index dups on t(a); create index texts on t(b desc);
vacuum (freeze) t;`)
	out := c.Psql(`\copy (select ctid, a, b from t) to stdout with csv`)
	all, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	must(t, err)
	w := newWorld(t, 4096)
	var rows []row
	for _, f := range all {
		var r row
		_, err := fmt.Sscanf(f[0], "(%d,%d)", &r.tid.Block, &r.tid.Off)
		must(t, err)
		r.a, r.b = datum.Null(), datum.Null()
		if f[1] != "" {
			n, err := strconv.Atoi(f[1])
			must(t, err)
			r.a = datum.Int(int64(n))
		}
		if f[2] != "" {
			r.b = datum.String(f[2])
		}
		rows = append(rows, r)
	}
	if len(rows) < 20000 {
		t.Fatal(len(rows))
	}
	idxs := []*access.Relation{
		attach(w, c, "built", oid.Int4, oid.Text), attach(w, c, "grown", oid.Int4, oid.Text),
		attach(w, c, "dups", oid.Int4), attach(w, c, "texts", oid.Text),
	}
	idxs[3].Index.Options[0] = optDesc | optNullsFirst
	vals := func(i int, r row) []datum.Datum { return [][]datum.Datum{{r.a, r.b}, {r.a, r.b}, {r.a}, {r.b}}[i] }
	for i, idx := range idxs {
		if i%2 == 0 {
			must(t, w.m.Create(idx.Node, page.MainFork))
			b := newBuilder(w.env(idx), BuildOptions{})
			for _, r := range rows {
				must(t, b.Add(vals(i, r), r.tid, true))
			}
			_, err := b.Finish(context.Background())
			must(t, err)
			continue
		}
		w.create(idx)
		fake := page.BlockNumber(1 << 20)
		for j, r := range rows { // each row with two that vacuum takes away
			w.insert(idx, page.TID{Block: fake + page.BlockNumber(j/100), Off: page.OffsetNumber(j%100 + 1)}, vals(i, r)...)
			w.insert(idx, r.tid, vals(i, r)...)
			if i == 1 && j < 5000 {
				w.insert(idx, page.TID{Block: 2*fake + page.BlockNumber(j/100), Off: page.OffsetNumber(j%100 + 1)}, datum.Int(int64(2000+j)), datum.Null())
			}
		}
		_, err := w.env(idx).bulkDelete(context.Background(), nil, func(tid page.TID) bool { return tid.Block >= fake })
		must(t, err)
	}
	c.Stop()
	for _, idx := range idxs {
		var file []byte
		for i, p := range w.pages(idx.Node) {
			clear(p[:8]) // an LSN of another log
			if !p.IsNew() {
				p.SetChecksum(page.ComputeChecksum(p, page.BlockNumber(i)))
			}
			file = append(file, p...)
		}
		must(t, os.WriteFile(filepath.Join(c.Data, fmt.Sprintf("base/%d/%d", idx.Node.DB, idx.Node.Rel)), file, 0o600))
	}
	c.Start("autovacuum=off")
	for _, idx := range idxs {
		if _, err := c.TryPsql("postgres", fmt.Sprintf("select bt_index_parent_check('%s', true, true)", idx.Name)); err != nil {
			t.Errorf("%s: %v", idx.Name, err)
		}
	}
	c.Psql("update t set a = a + 1, b = b || 'z'; delete from t where a < 500; vacuum t")
	for _, idx := range idxs {
		if _, err := c.TryPsql("postgres", fmt.Sprintf("select bt_index_parent_check('%s', true, true)", idx.Name)); err != nil {
			t.Errorf("%s after stock wrote to it: %v", idx.Name, err)
		}
	}
}
