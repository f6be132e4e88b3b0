package heap

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"errors"
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
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/vfs/osfs"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xlog"
)

// stockSchema is filled before the checkpoint that redo starts from.
const stockSchema = `
create table t (id int primary key, i8 bigint, v text, u uuid, d date, gone int, b bool, n name, f4 float4, i2 smallint);
alter table t alter v set storage extended;
create table z (id int, v text compression lz4);
insert into t select i, i*1e10::bigint, repeat('x', i % 200), md5(i::text)::uuid, '2000-01-01'::date + i - 50, i, i%3=0, 'n'||i, i/4.0, -i from generate_series(1,300) i;
insert into t (id) values (1000);
alter table t drop column gone;
alter table t add column extra text default 'dflt';
alter table t set (autovacuum_enabled = off);
alter table z set (autovacuum_enabled = off);
create table counter (id int primary key, n int, pad text) with (fillfactor=80);
insert into counter select i, 0, repeat('p', 50) from generate_series(1,100) i;`

// stockWork writes all the record types of Heap and Heap2 that SQL reaches.
const stockWork = `
insert into t (id, i8, v) select i, i, repeat('long', i) from generate_series(2000,2100) i;
insert into z select i, repeat('lz4 text ' || i, 500) from generate_series(1,60) i;
copy z from stdin;
500	copied
501	copied too
502	copied three
\.
update t set i8 = i8 + 1 where id % 3 = 0;
update t set v = v || 'changed' where id % 5 = 0;
update t set id = id + 100000 where id % 7 = 0;
delete from t where id % 11 = 0;
begin; delete from t where id < 50; rollback;
begin; update t set i8 = 7 where id < 50; rollback;
select count(*) from (select * from t where id < 20 for update) s;
select count(*) from (select * from t where id < 30 for share) s;
select count(*) from (select * from t where id < 30 for key share) s;
begin; select 1 from t where id = 8 for key share; savepoint s; update t set i8 = 8 where id = 8; commit;
begin; select 1 from t where id = 9 for share; savepoint s; select 1 from t where id = 9 for update; rollback to s; commit;
insert into t (id, v) values (8, 'conflict') on conflict (id) do update set v = excluded.v;
insert into t (id, v) values (300000, 'spec') on conflict (id) do nothing;
do $$ begin for i in 1..40 loop update counter set n = n + 1 where id <= 20; end loop; end $$;
do $$ begin for i in 1..60 loop update counter set n = n + 1 where id = 5; commit; end loop; end $$;
select sum(n) from counter;
vacuum counter;
update counter set n = 0 where id % 2 = 0;
delete from counter where id > 50;
vacuum (freeze) t;
vacuum t;
update t set b = not b where id % 13 = 0;
begin; create table fresh (id int, v text); copy fresh from stdin with (freeze);
1	one
2	two
\.
commit;
analyze t;`

// cluster is a stock cluster with the schema, its redo point and its tables.
func stockCluster(t *testing.T) (*oracle.PG, *oracle.Cluster, lsn.LSN, map[string]page.RelFileNode) {
	t.Helper()
	pg := oracle.Find(t)
	c := pg.Initdb(t)
	c.Start("autovacuum=off", "checkpoint_timeout=1h")
	c.Psql(stockSchema + "\ncheckpoint;")
	redo, err := lsn.Parse(c.Psql("select redo_lsn from pg_control_checkpoint()"))
	must(t, err)
	rels := map[string]page.RelFileNode{}
	for _, name := range []string{"t", "z", "counter", "pg_class", "pg_attribute"} {
		for _, q := range []string{"oid", "reltoastrelid"} {
			out := c.Psql(fmt.Sprintf("select coalesce(pg_relation_filenode(nullif(%s,0)),0) from pg_class where oid = '%s'::regclass", q, name))
			n, err := strconv.ParseUint(out, 10, 32)
			must(t, err)
			db, err := strconv.ParseUint(c.Psql("select oid from pg_database where datname = 'postgres'"), 10, 32)
			must(t, err)
			if n != 0 {
				rels[name+"."+q] = page.RelFileNode{Spc: 1663, DB: oid.OID(db), Rel: oid.OID(n)}
			}
		}
	}
	return pg, c, redo, rels
}

// TestStockWAL replays the WAL of a stock server that crashed and compares each
// page with what stock's own recovery makes of a copy.
func TestStockWAL(t *testing.T) {
	pg, c, redo, rels := stockCluster(t)
	c.Psql(stockWork)
	end, err := lsn.Parse(c.Psql("select pg_current_wal_flush_lsn()"))
	must(t, err)
	c.Crash()
	copyDir := filepath.Join(pg.TempDir(t), "copy")
	pg.CopyDir(t, c.Data, copyDir)
	stock := pg.Cluster(t, copyDir)
	stock.Start("autovacuum=off")
	stock.Stop()

	pool := replayStock(t, c.Data, redo, rels)
	compareDescriptions(t, pg, c.Data, redo, end)
	for name, node := range rels {
		for _, fork := range []page.Fork{page.MainFork, page.VMFork} {
			path := filepath.Join(copyDir, smgr.Rel{RelFileNode: node, Backend: smgr.NoBackend}.Path(fork))
			want, err := os.ReadFile(path)
			if err != nil {
				continue
			}
			comparePages(t, name, pool, node, fork, want)
		}
	}
}

func replayStock(t *testing.T, data string, redo lsn.LSN, rels map[string]page.RelFileNode) *bufmgr.Pool {
	t.Helper()
	fs := osfs.New(data)
	recovering := func() bool { return true }
	sm := smgr.New(fs, smgr.Options{NoSync: true, Redo: recovering})
	pool, err := bufmgr.New(bufmgr.Options{Buffers: 2048, Smgr: sm.Files, Checksums: true, Redo: recovering})
	must(t, err)
	t.Cleanup(func() { pool.Close() })
	env := RedoEnv{Pool: pool, HintWAL: true}
	heap, heap2 := Redo(env), Redo2(env)
	mine := func(d *xlog.Decoded) bool {
		for i := range d.Blocks {
			if !d.Blocks[i].InUse {
				continue
			}
			for _, n := range rels {
				if d.Blocks[i].Tag.Rel == n {
					return true
				}
			}
		}
		return false
	}
	for _, d := range readWAL(t, data, redo) {
		if !mine(d) {
			continue
		}
		switch d.Rmgr {
		case xlog.RmHeap:
			err = heap(d)
		case xlog.RmHeap2:
			err = heap2(d)
		case xlog.RmXLOG:
			for id := range d.Blocks {
				var b bufmgr.Buffer
				if b, _, err = bufmgr.ReadForRedo(pool, d, uint8(id), bufmgr.RedoRead{}); b != 0 {
					pool.UnlockRelease(b)
				}
			}
		}
		must(t, err)
	}
	return pool
}

func readWAL(t *testing.T, data string, from lsn.LSN) []*xlog.Decoded {
	t.Helper()
	src := &xlog.Segments{FS: osfs.New(data), Dir: "pg_wal", Size: lsn.DefaultSegSize, TLIs: []lsn.Timeline{1}}
	defer src.Close()
	r := xlog.NewReader(src, xlog.ReaderOptions{SegSize: lsn.DefaultSegSize, Timeline: 1})
	r.Seek(from)
	var all []*xlog.Decoded
	for {
		d, err := r.Next()
		if err != nil {
			var end *xlog.EndError
			if !errors.As(err, &end) {
				t.Fatal(err)
			}
			return all
		}
		all = append(all, d.Clone())
	}
}

func comparePages(t *testing.T, name string, pool *bufmgr.Pool, node page.RelFileNode, fork page.Fork, want []byte) {
	t.Helper()
	n, err := pool.NBlocks(node, fork)
	must(t, err)
	if int(n)*page.Size != len(want) {
		t.Errorf("%s %s: %d blocks, stock has %d", name, fork, n, len(want)/page.Size)
	}
	for blk := range n {
		b, err := pool.Read(page.Tag{Rel: node, Fork: fork, Block: blk}, bufmgr.Normal, nil)
		must(t, err)
		got := bytes.Clone(pool.Page(b))
		pool.Release(b)
		exp := page.Page(bytes.Clone(want[int(blk)*page.Size : int(blk+1)*page.Size]))
		if strings.HasPrefix(name, "pg_") && fork == page.MainFork {
			got, exp = masked(got, blk), masked(exp, blk) // backends read catalogs as soon as recovery ends
		} else {
			got, exp = strict(got), strict(exp)
		}
		if !bytes.Equal(got, exp) {
			at := 0
			for got[at] == exp[at] {
				at++
			}
			t.Fatalf("%s %s block %d differs at %d: lsn %s / %s, lower %d/%d upper %d/%d flags %x/%x\nours  %x\nstock %x", name, fork, blk, at,
				page.Page(got).LSN(), exp.LSN(), page.Page(got).Lower(), exp.Lower(), page.Page(got).Upper(), exp.Upper(), page.Page(got).Flags(), exp.Flags(), got[at:min(at+48, page.Size)], exp[at:min(at+48, page.Size)])
		}
	}
}

// strict masks only what redo may leave different: the checksum, which is set when
// a page is written, the bytes of the hole, and the padding behind tuples.
func strict(p page.Page) page.Page {
	p.SetChecksum(0)
	if !p.IsNew() && p.Upper() <= page.Size && p.Lower() >= page.HeaderSize && p.Lower() < p.Upper() && p.Upper() < page.Size {
		clear(p[p.Lower():p.Upper()])
		for off := page.OffsetNumber(1); off <= p.NumItems(); off++ {
			if id := p.ItemID(off); id.HasStorage() {
				clear(p[id.Off()+id.Len() : min(page.Size, id.Off()+page.MaxAlign(id.Len()))])
			}
		}
	}
	return p
}

// compareDescriptions compares our text of each Heap and Heap2 record with
// pg_waldump's.
func compareDescriptions(t *testing.T, pg *oracle.PG, data string, from, to lsn.LSN) {
	t.Helper()
	out := pg.Run(t, "pg_waldump", "-p", filepath.Join(data, "pg_wal"), "-s", from.String(), "-e", to.String(), "-r", "Heap", "-r", "Heap2")
	want := map[string]string{}
	for line := range strings.Lines(out) {
		_, rest, ok := strings.Cut(strings.TrimRight(line, "\n"), "lsn: ")
		if !ok {
			continue
		}
		at, rest, _ := strings.Cut(rest, ",")
		_, desc, _ := strings.Cut(rest, "desc: ")
		desc, _, _ = strings.Cut(desc, ", blkref")
		desc, _, _ = strings.Cut(desc, " FPW")
		want[at] = desc
	}
	seen := map[string]int{}
	for _, d := range readWAL(t, data, from) {
		for _, ds := range Describers() {
			if ds.ID != d.Rmgr || d.Start >= to {
				continue
			}
			name := ds.Identify(d.RmgrInfo())
			seen[name]++
			hi, lo := uint32(d.Start>>32), uint32(d.Start)
			if got, exp := name+" "+string(ds.Desc(nil, d)), want[fmt.Sprintf("%X/%08X", hi, lo)]; got != exp && strings.TrimRight(got, " ") != strings.TrimRight(exp, " ") {
				t.Errorf("%s: ours %q, pg_waldump %q", d.Start, got, exp)
			}
		}
	}
	for _, k := range []string{"INSERT", "INSERT+INIT", "MULTI_INSERT", "DELETE", "UPDATE", "HOT_UPDATE", "LOCK", "HEAP_CONFIRM", "INPLACE", "PRUNE", "VACUUM", "FREEZE_PAGE", "VISIBLE"} {
		if seen[k] == 0 {
			t.Errorf("the stock workload wrote no %s", k)
		}
	}
}

// stockTable is a table of a stock cluster for our code.
func stockTable(t *testing.T, sys *access.System, pool *bufmgr.Pool, node, toastNode page.RelFileNode, attrs []access.Attr) *access.Relation {
	toast := &access.Relation{OID: toastNode.Rel, Name: "toast", Node: toastNode, Backend: -1, Kind: 't', Persistence: 'p', Sys: sys, Pool: pool,
		Desc: &access.TupleDesc{Attrs: []access.Attr{{Name: "chunk_id", Type: oid.Oid, Len: 4, ByVal: true, Align: 'i', Storage: 'p'},
			int4("chunk_seq"), {Name: "chunk_data", Type: oid.Bytea, Len: -1, Align: 'i', Storage: 'p'}}}}
	return &access.Relation{OID: node.Rel, Name: "t", Node: node, Backend: -1, Kind: 'r', Persistence: 'p', Sys: sys, Pool: pool, ToastOID: toast.OID,
		Desc:  &access.TupleDesc{Attrs: attrs},
		Toast: func() (*access.Relation, *access.Relation, error) { return toast, nil, nil }}
}

// TestReadStockTable reads tables that stock wrote: every row and column equal.
func TestReadStockTable(t *testing.T) {
	_, c, _, rels := stockCluster(t)
	c.Psql(stockWork)
	want := c.Psql(`select id, i8, md5(v), replace(u::text,'-',''), d - '2000-01-01'::date, b::int, n, f4, i2, extra from t order by id`)
	wantZ := c.Psql(`select id, md5(v) from z order by id`)
	c.Stop()
	fs := osfs.New(c.Data)
	raw, err := os.ReadFile(filepath.Join(c.Data, "global/pg_control"))
	must(t, err)
	ctl, err := pgcontrol.Decode(raw)
	must(t, err)
	locks := lmgr.New(lmgr.Options{})
	xm := xact.Open(xact.Options{FS: fs, Locks: locks, NoSync: true}, &ctl.Copy)
	sm := smgr.New(fs, smgr.Options{NoSync: true})
	pool, err := bufmgr.New(bufmgr.Options{Buffers: 1024, Smgr: sm.Files, Checksums: true})
	must(t, err)
	defer pool.Close()
	must(t, xm.StartUp())
	idx := &fakeIndex{m: map[oid.OID][]page.TID{}}
	sys := &access.System{Smgr: sm, Xact: xm, Locks: locks, Toast: idx}
	dflt := datum.String("dflt")
	attrs := []access.Attr{int4("id"), {Name: "i8", Type: oid.Int8, Len: 8, ByVal: true, Align: 'd', Storage: 'p'}, text("v"),
		{Name: "u", Type: oid.UUID, Len: 16, Align: 'c', Storage: 'p'}, {Name: "d", Type: oid.Date, Len: 4, ByVal: true, Align: 'i', Storage: 'p'},
		{Name: "gone", Len: 4, ByVal: true, Align: 'i', Storage: 'p', Dropped: true}, {Name: "b", Type: oid.Bool, Len: 1, ByVal: true, Align: 'c', Storage: 'p'},
		{Name: "n", Type: oid.Name, Len: 64, Align: 'c', Storage: 'p'}, {Name: "f4", Type: oid.Float4, Len: 4, ByVal: true, Align: 'i', Storage: 'p'},
		{Name: "i2", Type: oid.Int2, Len: 2, ByVal: true, Align: 's', Storage: 'p'}, text("extra")}
	attrs[10].Missing = &dflt
	rel := stockTable(t, sys, pool, rels["t.oid"], rels["t.reltoastrelid"], attrs)
	z := stockTable(t, sys, pool, rels["z.oid"], rels["z.reltoastrelid"], []access.Attr{int4("id"), text("v")})
	tx := xm.Begin(xact.BeginOptions{})
	defer tx.Abort()
	for _, r := range []*access.Relation{rel, z} {
		toast, _, _ := r.Toast()
		indexChunks(t, tx, toast, idx)
	}
	show := func(v datum.Datum, f func() string) string {
		if v.Null {
			return ""
		}
		return f()
	}
	sum := func(b []byte) string { h := md5.Sum(b); return hex.EncodeToString(h[:]) }
	compareRows(t, tx, rel, want, func(v []datum.Datum) string {
		return strings.Join([]string{strconv.Itoa(int(v[0].Int)), show(v[1], func() string { return strconv.Itoa(int(v[1].Int)) }),
			show(v[2], func() string { return sum(v[2].Bytes) }), show(v[3], func() string { return hex.EncodeToString(v[3].Bytes) }),
			show(v[4], func() string { return strconv.Itoa(int(v[4].Int)) }), show(v[6], func() string { return strconv.Itoa(int(v[6].Int)) }),
			show(v[7], v[7].Str), show(v[8], func() string { return strconv.FormatFloat(float64(v[8].Float4()), 'g', -1, 32) }),
			show(v[9], func() string { return strconv.Itoa(int(v[9].Int)) }), show(v[10], v[10].Str)}, "|")
	})
	compareRows(t, tx, z, wantZ, func(v []datum.Datum) string { return strconv.Itoa(int(v[0].Int)) + "|" + sum(v[1].Bytes) })
}

func indexChunks(t *testing.T, tx *xact.Tx, toast *access.Relation, idx *fakeIndex) {
	t.Helper()
	s, err := BeginScan(tx, toast, toastSnapshot(), ScanOptions{NoPrune: true})
	must(t, err)
	var v [3]datum.Datum
	for {
		ts, err := s.NextBatch()
		must(t, err)
		if ts == nil {
			return
		}
		for _, tup := range ts {
			must(t, access.Deform(toast.Desc, tup.Data, 3, v[:], nil))
			id := oid.OID(v[0].Int)
			for len(idx.m[id]) <= int(v[1].Int) {
				idx.m[id] = append(idx.m[id], page.TID{})
			}
			idx.m[id][v[1].Int] = tup.TID
		}
	}
}

func compareRows(t *testing.T, tx *xact.Tx, rel *access.Relation, want string, show func([]datum.Datum) string) {
	t.Helper()
	lines := strings.Split(want, "\n")
	s, err := BeginScan(tx, rel, MVCC(tx.Snapshot()), ScanOptions{NoPrune: true})
	must(t, err)
	dt := NewDetoaster(tx, rel)
	vals := make([]datum.Datum, len(rel.Desc.Attrs))
	got := map[string]bool{}
	for {
		ts, err := s.NextBatch()
		must(t, err)
		if ts == nil {
			break
		}
		for _, tup := range ts {
			must(t, access.Deform(rel.Desc, tup.Data, len(vals), vals, dt))
			got[show(vals)] = true
		}
	}
	if len(got) != len(lines) {
		t.Errorf("%d rows, stock has %d", len(got), len(lines))
	}
	for _, l := range lines {
		if !got[l] {
			t.Fatalf("row missing or different: %s", l)
		}
	}
}
