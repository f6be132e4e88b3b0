package catalog

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/catalog/sequence"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
)

func writeControl(fs vfs.FS, c *pgcontrol.Control) error { return pgcontrol.Write(fs, c, time.Now()) }

func TestLookups(t *testing.T) {
	c := newWorld(t, "").connect()
	c.begin()
	defer c.abort()
	typ, err := c.Type(oid.Int4)
	must(t, err)
	if typ == nil || typ.Typname != "int4" || typ.Typarray != oid.Int4Array {
		t.Errorf("%+v", typ)
	}
	if again, _ := c.Type(oid.Int4); again != typ {
		t.Error("not cached")
	}
	if tn, err := c.TypeByName("text", oid.CatalogNamespace); err != nil || tn == nil || tn.Oid != oid.Text {
		t.Errorf("%+v %v", tn, err)
	}
	if n, err := c.TypeByName("nope", oid.CatalogNamespace); err != nil || n != nil {
		t.Errorf("%+v %v", n, err)
	}
	fns, err := c.ProcsByName("lower")
	if err != nil || len(fns) < 2 {
		t.Errorf("%d %v", len(fns), err)
	}
	if ops, err := c.OperatorsByName("+"); err != nil || len(ops) < 20 {
		t.Errorf("%d %v", len(ops), err)
	}
	if x, err := c.Cast(oid.Int4, oid.Int8); err != nil || x == nil || x.Castfunc != 481 {
		t.Errorf("%+v %v", x, err)
	}
	if a, err := c.AttributeByName(oid.RelClass, "relname"); err != nil || a == nil || a.Attnum != 2 {
		t.Errorf("%+v %v", a, err)
	}
	if ix, err := c.IndexesOf(oid.RelProc); err != nil || len(ix) != 2 || ix[0].Indexrelid != 2690 {
		t.Errorf("%v %v", ix, err)
	}
	if d, err := c.DatabaseByName("postgres"); err != nil || d == nil || d.Oid != oid.PostgresDB {
		t.Errorf("%+v %v", d, err)
	}
	if a, err := c.AuthIDByName("postgres"); err != nil || a == nil || !a.Rolsuper {
		t.Errorf("%+v %v", a, err)
	}
	for _, cat := range rows.Catalogs() {
		r, err := c.Relation(cat.OID)
		if err != nil || r == nil || r.Node.Rel != cat.OID {
			t.Errorf("%s: %v %v", cat.Name, r, err)
		}
	}
	for _, ix := range rows.Indexes() {
		if r, err := c.Relation(ix.OID); err != nil || r == nil || r.Index.Heap != ix.Table {
			t.Errorf("%s: %v %v", ix.Name, r, err)
		}
	}
	if n := testing.AllocsPerRun(100, func() { c.Type(oid.Int4); c.TypeByName("text", oid.CatalogNamespace); c.Relation(oid.RelProc) }); n != 0 {
		t.Errorf("%v allocations on cached lookups", n)
	}
}

// makeTable makes a table with a primary key and a default.
func makeTable(t *testing.T, c *client, name string) oid.OID {
	t.Helper()
	rel, err := c.CreateRelation(NewRelation{Name: name, Namespace: oid.PublicNamespace, Kind: 'r', Persistence: 'p', Owner: 10,
		Columns: []access.Attr{int4("a"), text("b")}})
	must(t, err)
	r, err := c.Relation(rel)
	must(t, err)
	_, err = c.CreateIndex(NewIndex{Table: r, Name: name + "_pkey", AM: oid.BtreeAM, AttNums: []int16{1}, Names: []string{"a"}, KeyCols: 1,
		Opclasses: []oid.OID{1978}, Collations: []oid.OID{0}, Options: []int16{0}, Unique: true, Primary: true, Constraint: 'p', BuildEmpty: true})
	must(t, err)
	return rel
}

// TestPrivateChanges: what one transaction made is there for it at once, for
// others after its commit, and nowhere after its abort.
func TestPrivateChanges(t *testing.T) {
	w := newWorld(t, "")
	a, b := w.connect(), w.connect()
	see := func(c *client, name string) bool {
		t.Helper()
		r, err := c.ClassByName(name, oid.PublicNamespace)
		must(t, err)
		return r != nil
	}
	a.begin()
	b.begin()
	if see(a, "t") || see(b, "t") {
		t.Fatal("there already")
	}
	rel := makeTable(t, a, "t")
	if !see(a, "t") || see(b, "t") {
		t.Error("before commit", see(a, "t"), see(b, "t"))
	}
	r, err := a.Relation(rel)
	if err != nil || len(r.Desc.Attrs) != 2 || r.ToastOID == 0 || !r.KeyAttrs[0] || r.KeyAttrs[1] {
		t.Errorf("%+v %v", r, err)
	}
	if toast, idx, err := r.Toast(); err != nil || toast == nil || idx == nil || len(idx.Index.Compare) != 2 {
		t.Errorf("%v %v %v", toast, idx, err)
	}
	if x, err := b.Relation(rel); err != nil || x != nil {
		t.Errorf("%v %v", x, err)
	}
	gen := b.Generation()
	a.commit()
	if !see(b, "t") || b.Generation() == gen {
		t.Error("not seen after commit")
	}
	a.begin()
	makeTable(t, a, "u")
	a.abort()
	a.begin()
	if see(a, "u") || see(b, "u") {
		t.Error("seen after abort")
	}
	a.abort()
	b.abort()
}

// TestSavepoint: a subtransaction's changes go with it, those before it stay.
func TestSavepoint(t *testing.T) {
	w := newWorld(t, "")
	c := w.connect()
	c.begin()
	rel := makeTable(t, c, "t")
	must(t, c.Tx().BeginSub("s"))
	makeTable(t, c, "u")
	_, err := c.AddColumn(rel, int4("c"), nil)
	must(t, err)
	if r, err := c.Relation(rel); err != nil || len(r.Desc.Attrs) != 3 {
		t.Errorf("%+v %v", r, err)
	}
	must(t, c.Tx().AbortSub())
	if r, err := c.Relation(rel); err != nil || len(r.Desc.Attrs) != 2 {
		t.Errorf("%+v %v", r, err)
	}
	if u, err := c.ClassByName("u", oid.PublicNamespace); err != nil || u != nil {
		t.Errorf("%+v %v", u, err)
	}
	must(t, c.Tx().BeginSub("s"))
	_, err = c.AddColumn(rel, int4("d"), nil)
	must(t, err)
	must(t, c.Tx().CommitSub())
	c.commit()
	c.begin()
	r, err := c.Relation(rel)
	if err != nil || len(r.Desc.Attrs) != 3 || r.Desc.Attrs[2].Name != "d" {
		t.Errorf("%+v %v", r, err)
	}
	ok, err := Change(c.Session, false, func(a *rows.PgClass) { a.Relname = "renamed" }, byOID(rel))
	if err != nil || !ok {
		t.Error(ok, err)
	}
	must(t, c.CommandCounterIncrement())
	if x, err := c.ClassByName("renamed", oid.PublicNamespace); err != nil || x == nil {
		t.Errorf("%v %v", x, err)
	}
	if x, err := c.ClassByName("t", oid.PublicNamespace); err != nil || x != nil {
		t.Errorf("%v %v", x, err)
	}
	c.abort()
}

// TestManySessions makes and drops tables from several sessions while others
// look them up.
func TestManySessions(t *testing.T) {
	w := newWorld(t, "")
	done := make(chan error, 4)
	for i := range 4 {
		c := w.connect()
		name := fmt.Sprintf("t%d", i)
		go func() {
			done <- func() error {
				for round := range 6 {
					c.begin()
					rel, err := c.CreateRelation(NewRelation{Name: name, Namespace: oid.PublicNamespace, Kind: 'r', Persistence: 'p', Owner: 10,
						Columns: []access.Attr{int4("a"), text("b")}})
					if err != nil {
						return err
					}
					if err := c.Tx().Commit(bg); err != nil {
						return err
					}
					c.begin()
					for j := range 4 {
						x, err := c.ClassByName(fmt.Sprintf("t%d", j), oid.PublicNamespace)
						if err != nil {
							return err
						}
						if j == i && (x == nil || x.Oid != rel) {
							return fmt.Errorf("round %d: %s is %v, want %d", round, name, x, rel)
						}
					}
					if err := c.Drop([]Object{{oid.RelClass, rel, 0}}, Restrict, nil); err != nil {
						return err
					}
					if err := c.Tx().Commit(bg); err != nil {
						return err
					}
				}
				return nil
			}()
		}()
	}
	for range 4 {
		must(t, <-done)
	}
}

// TestTemp: a temporary table has local buffers, no WAL, and no other readers; it
// goes with its session.
func TestTemp(t *testing.T) {
	w := newWorld(t, "")
	a, b := w.connectAs(3), w.connectAs(4)
	a.begin()
	ns, err := a.TempNamespace()
	must(t, err)
	rel, err := a.CreateRelation(NewRelation{Name: "tt", Namespace: ns, Kind: 'r', Persistence: 't', Owner: 10, Columns: []access.Attr{int4("a"), text("b")}})
	must(t, err)
	r, err := a.Relation(rel)
	must(t, err)
	if !r.IsTemp() || r.Pool == w.srv.opt.Pool || r.Backend != 3 {
		t.Errorf("%+v", r)
	}
	for i := range 500 {
		_, err := heap.Insert(bg, a.Tx(), r, []datum.Datum{datum.Int(int64(i)), datum.String(longText(100 + i*10))}, heap.InsertOptions{Command: a.Tx().CommandID(true)})
		must(t, err)
	}
	a.commit()
	a.begin()
	if x, err := a.Relation(rel); err != nil || x == nil || x.Pool != r.Pool {
		t.Errorf("%v %v", x, err)
	}
	b.begin()
	if _, err := b.Relation(rel); pgerr.CodeOf(err) != pgerr.FeatureNotSupported {
		t.Error(err)
	}
	b.abort()
	must(t, a.DropTempRelations())
	a.commit()
	a.begin()
	if x, err := a.Class(rel); err != nil || x != nil {
		t.Errorf("%v %v", x, err)
	}
	a.commit()
	if list, err := w.fs.List("base/5"); err != nil {
		t.Error(err)
	} else {
		for _, f := range list {
			if strings.HasPrefix(f.Name(), "t3_") {
				t.Errorf("%s is left", f.Name())
			}
		}
	}
}

// TestLoadRace: what was loaded before an invalidation is not kept after it.
func TestLoadRace(t *testing.T) {
	c := newCache(5)
	k := key{cache: typeOID, a: 23}
	gen := c.gen.Load()
	c.dropCatalog(oid.RelType)
	c.publishRow(gen, k, &rows.PgType{})
	if _, ok := c.row(k); ok {
		t.Error("a stale row was kept")
	}
	c.publishRow(c.gen.Load(), k, &rows.PgType{})
	if _, ok := c.row(k); !ok {
		t.Error("a fresh row was not kept")
	}
}

func TestDrop(t *testing.T) {
	w := newWorld(t, "")
	c := w.connect()
	c.begin()
	rel := makeTable(t, c, "t")
	ns, err := c.CreateNamespace("s", 10)
	must(t, err)
	_, err = c.CreateRelation(NewRelation{Name: "in s", Namespace: ns, Kind: 'r', Persistence: 'p', Owner: 10, Columns: []access.Attr{int4("a")}})
	must(t, err)
	var many *pgerr.Error
	ns2, err := c.CreateNamespace("s2", 10)
	must(t, err)
	for _, n := range []string{"b", "a", "c"} {
		_, err = c.CreateRelation(NewRelation{Name: n, Namespace: ns2, Kind: 'r', Persistence: 'p', Owner: 10, Columns: []access.Attr{text("a")}})
		must(t, err)
	}
	must(t, c.Drop([]Object{{oid.RelNamespace, ns2, 0}}, Cascade, func(e *pgerr.Error) { many = e }))
	if many == nil || many.Msg != "drop cascades to 3 other objects" ||
		many.Detail != "drop cascades to table s2.b\ndrop cascades to table s2.a\ndrop cascades to table s2.c" {
		t.Errorf("%+v", many)
	}
	err = c.Drop([]Object{{oid.RelNamespace, ns, 0}}, Restrict, nil)
	e, _ := pgerr.As(err)
	if e == nil || e.Code != pgerr.DependentObjectsStillExist || e.Msg != "cannot drop schema s because other objects depend on it" ||
		e.Detail != `table s."in s" depends on schema s` || e.Hint != "Use DROP ... CASCADE to drop the dependent objects too." {
		t.Errorf("%+v", e)
	}
	var notes []string
	must(t, c.Drop([]Object{{oid.RelNamespace, ns, 0}}, Cascade, func(e *pgerr.Error) { notes = append(notes, e.Msg) }))
	if strings.Join(notes, "|") != `drop cascades to table s."in s"` {
		t.Error(notes)
	}
	ix, err := c.IndexesOf(rel)
	must(t, err)
	err = c.Drop([]Object{{oid.RelClass, ix[0].Indexrelid, 0}}, Restrict, nil)
	if e, _ := pgerr.As(err); e == nil || e.Msg != "cannot drop index t_pkey because constraint t_pkey on table t requires it" {
		t.Errorf("%v", err)
	}
	must(t, c.Drop([]Object{{oid.RelClass, rel, 2}}, Restrict, nil))
	r, err := c.Relation(rel)
	if err != nil || !r.Desc.Attrs[1].Dropped || r.Desc.Attrs[1].Name != "........pg.dropped.2........" {
		t.Errorf("%+v %v", r, err)
	}
	must(t, c.Drop([]Object{{oid.RelClass, rel, 0}}, Restrict, nil))
	for _, cat := range []oid.OID{oid.RelClass, oid.RelAttribute, oid.RelType, oid.RelIndex, oid.RelConstraint, oid.RelDepend} {
		err := c.scan(cat, 0, nil, func(_ tid, v []datum.Datum) error {
			if oid.OID(uint32(v[0].Int)) >= oid.FirstNormal || cat == oid.RelDepend && oid.OID(uint32(v[1].Int)) >= oid.FirstNormal {
				t.Errorf("catalog %d still has %v", cat, v)
			}
			return nil
		})
		must(t, err)
	}
	c.commit()
}

// longText does not compress.
func longText(n int) string {
	rng := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('!' + rng.IntN(90))
	}
	return string(b)
}

// makeMuch makes and drops objects of all kinds in several transactions.
func makeMuch(t *testing.T, w *world) {
	t.Helper()
	c := w.connect()
	c.begin()
	makeTable(t, c, "t")
	gone := makeTable(t, c, "gone")
	c.commit()
	c.begin()
	must(t, c.Drop([]Object{{oid.RelClass, gone, 0}}, Restrict, nil))
	ns, err := c.CreateNamespace("s", 10)
	must(t, err)
	u, err := c.CreateRelation(NewRelation{Name: "u", Namespace: ns, Kind: 'r', Persistence: 'u', Owner: 10, Columns: []access.Attr{text("x")}})
	must(t, err)
	_, err = c.AddColumn(u, int4("y"), nil)
	must(t, err)
	seq, err := c.CreateSequence(NewRelation{Name: "q", Namespace: oid.PublicNamespace, Persistence: 'p', Owner: 10},
		rows.PgSequence{Seqtypid: oid.Int8, Seqstart: 1, Seqincrement: 1, Seqmax: 1 << 62, Seqmin: 1, Seqcache: 1})
	must(t, err)
	q, err := c.Relation(seq)
	must(t, err)
	for want := int64(1); want <= 3; want++ {
		if v, _, err := sequence.Next(c.Tx(), q, sequence.Params{Increment: 1, Min: 1, Max: 1 << 62, Cache: 1}); err != nil || v != want {
			t.Errorf("nextval %d, want %d: %v", v, want, err)
		}
	}
	if s, err := sequence.Get(q); err != nil || s != (sequence.State{LastValue: 3, LogCount: 30, IsCalled: true}) {
		t.Errorf("%+v %v", s, err)
	}
	c.commit()
	c.begin()
	long := longText(20000)
	tp := makeTable(t, c, "toasted")
	must(t, c.StoreDefault(tp, 2, long, nil))
	c.commit()
	c.begin()
	if d, err := c.AttrDefs(tp); err != nil || len(d) != 1 || d[0].Adbin != long {
		t.Errorf("TOASTed row: %d %v", len(d), err)
	}
	must(t, c.StoreDefault(tp, 2, "", nil))
	c.commit()
	c.begin()
	_, err = c.CreateDatabase(rows.PgDatabase{Datname: "d", Datdba: 10, Encoding: 6, Datlocprovider: 'c', Datallowconn: true, Datconnlimit: -1,
		Datfrozenxid: 3, Datminmxid: 1, Dattablespace: oid.DefaultTablespace, Datcollate: "C", Datctype: "C", Datacl: nil}, oid.Template1DB, WalLog)
	must(t, err)
	c.commit()
	c.begin()
	d2, err := c.CreateDatabase(rows.PgDatabase{Datname: "d2", Datdba: 10, Encoding: 6, Datlocprovider: 'c', Datallowconn: true, Datconnlimit: -1,
		Datfrozenxid: 3, Datminmxid: 1, Dattablespace: oid.DefaultTablespace, Datcollate: "C", Datctype: "C"}, oid.Template1DB, WalLog)
	must(t, err)
	c.commit()
	c.begin()
	must(t, c.DropDatabase(d2))
	c.commit()
	if _, err := w.fs.Stat(databaseDir(d2)); err == nil {
		t.Error("the folder of a dropped database is there")
	}
}

// TestStockTakesOver: stock PostgreSQL recovers what our DDL logged.
func TestStockTakesOver(t *testing.T) {
	pg := oracle.Find(t)
	dir := filepath.Join(pg.TempDir(t), "data")
	w := newWorld(t, dir)
	makeMuch(t, w)
	w.crash()
	pg.Own(t, dir)
	if out, err := pg.Try("pg_waldump", "-p", filepath.Join(dir, "pg_wal"), "000000010000000000000001"); !strings.Contains(out, "inval msgs: catalog") || !strings.Contains(out, "relcache") {
		t.Errorf("no invalidation messages: %v %s", err, out[max(0, len(out)-2000):])
	}
	pgc := pg.Cluster(t, dir)
	pgc.Start()
	defer pgc.Stop()
	pgc.Psql("INSERT INTO t SELECT i, repeat(md5(i::text), i) FROM generate_series(1, 300) i; INSERT INTO s.u VALUES ('a', 1)")
	if got := pgc.Psql("SELECT count(*), pg_get_constraintdef((SELECT oid FROM pg_constraint WHERE conrelid = 't'::regclass)) FROM t WHERE a > 0"); got != "300|PRIMARY KEY (a)" {
		t.Error(got)
	}
	if got := pgc.Psql("SELECT nextval('q')"); got != "34" { // 33 values were logged
		t.Error("nextval after recovery:", got)
	}
	if got, err := pgc.TryPsql("d", "CREATE TABLE x AS SELECT 1 AS a; SELECT count(*) > 3000 FROM pg_proc"); err != nil || got != "t" {
		t.Error(got, err)
	}
	if got := pgc.Psql("SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database"); got != "d postgres template0 template1" {
		t.Error(got)
	}
	if _, err := pgc.TryPsql("postgres", "INSERT INTO t VALUES (5, '')"); err == nil || !strings.Contains(err.Error(), "duplicate key") {
		t.Error(err)
	}
	if out, err := pg.Command(bg, "pg_amcheck", append(pgc.ConnArgs(), "--all", "--heapallindexed", "--parent-check", "--install-missing")...).CombinedOutput(); err != nil || len(out) != 0 {
		t.Errorf("%v: %s", err, out)
	}
	pgc.Psql("ALTER TABLE t DROP COLUMN b; DROP TABLE t, toasted; DROP SEQUENCE q; DROP SCHEMA s CASCADE")
	left := pgc.Psql("SELECT count(*) FROM pg_depend WHERE objid >= 16384 AND refobjid >= 16384 AND classid NOT IN (SELECT oid FROM pg_class WHERE relname IN ('pg_proc', 'pg_extension'))")
	if left != "0" {
		t.Errorf("%s dependencies are left", left)
	}
}

func BenchmarkLookups(b *testing.B) {
	c := newWorld(b, "").connect()
	c.begin()
	defer c.abort()
	b.Run("Type", func(b *testing.B) {
		for b.Loop() {
			if t, err := c.Type(oid.Int4); err != nil || t == nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("TypeByName", func(b *testing.B) {
		for b.Loop() {
			if t, err := c.TypeByName("text", oid.CatalogNamespace); err != nil || t == nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Relation", func(b *testing.B) {
		for b.Loop() {
			if t, err := c.Relation(oid.RelProc); err != nil || t == nil {
				b.Fatal(err)
			}
		}
	})
}
