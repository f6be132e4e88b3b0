package catalog

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/catalog/sequence"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/memfs"
	"github.com/pgmini/pgmini/xlog"
)

// records reads the log from the cluster's first checkpoint on.
func (w *world) records() []*xlog.Decoded {
	w.t.Helper()
	must(w.t, w.log.Flush(w.log.InsertLSN()))
	src := &xlog.Segments{FS: w.fs, Dir: "pg_wal", Size: lsn.SegSize(w.ctl.WALSegSize), TLIs: []lsn.Timeline{1}}
	r := xlog.NewReader(src, xlog.ReaderOptions{SegSize: lsn.SegSize(w.ctl.WALSegSize), SystemID: w.ctl.SystemID, Timeline: 1})
	r.Seek(w.ctl.CheckPoint)
	var all []*xlog.Decoded
	for {
		d, err := r.Next()
		if err != nil {
			var end *xlog.EndError
			if !errors.As(err, &end) && !errors.Is(err, io.EOF) {
				w.t.Fatal(err)
			}
			return all
		}
		all = append(all, d.Clone())
	}
}

// TestRedoSequence replays the records of a sequence twice on an empty file. The
// result is what was logged: ahead of what the page says.
func TestRedoSequence(t *testing.T) {
	w := newWorld(t, "")
	c := w.connect()
	c.begin()
	o, err := c.CreateSequence(NewRelation{Name: "q", Namespace: oid.PublicNamespace, Persistence: 'p', Owner: 10},
		rows.PgSequence{Seqtypid: oid.Int8, Seqstart: 1, Seqincrement: 1, Seqmax: 1000, Seqmin: 1, Seqcache: 1})
	must(t, err)
	q, err := c.Relation(o)
	must(t, err)
	for range 40 {
		_, _, err := sequence.Next(c.Tx(), q, sequence.Params{Increment: 1, Min: 1, Max: 1000, Cache: 1})
		must(t, err)
	}
	c.commit()
	fs := memfs.New()
	for _, d := range []string{"base", "base/5"} {
		must(t, fs.Mkdir(d))
	}
	sm := smgr.New(fs, smgr.Options{})
	pool, err := bufmgr.New(bufmgr.Options{Buffers: 64, Smgr: sm.Files, Checksums: true})
	must(t, err)
	defer pool.Close()
	must(t, sm.Files.Create(q.Node, page.MainFork))
	redo := sequence.Redo(pool)
	read := func() []byte {
		b, err := pool.Read(page.Tag{Rel: q.Node}, bufmgr.Normal, nil)
		must(t, err)
		defer pool.Release(b)
		return bytes.Clone(pool.Page(b))
	}
	var first []byte
	for round := range 2 {
		n := 0
		for _, d := range w.records() {
			if d.Rmgr == xlog.RmSeq {
				n++
				must(t, redo(d))
			}
		}
		if n < 3 {
			t.Fatalf("%d records", n)
		}
		if round == 0 {
			first = read()
		} else if !bytes.Equal(first, read()) {
			t.Error("the second replay changed the page")
		}
	}
	copyRel := *q
	copyRel.Pool = pool
	if s, err := sequence.Get(&copyRel); err != nil || s.LastValue != 66 || !s.IsCalled { // 33 values, then 33 more
		t.Errorf("%+v %v", s, err)
	}
}

// TestDatabaseRecords: the folders that do-time made, redo makes too, twice.
func TestDatabaseRecords(t *testing.T) {
	w := newWorld(t, "")
	checkpoints := 0
	w.srv.opt.Checkpoint = func(context.Context) error {
		checkpoints++
		return w.srv.opt.Pool.FlushDatabase(oid.Template1DB)
	}
	c := w.connect()
	row := rows.PgDatabase{Datname: "copied", Datdba: 10, Encoding: 6, Datlocprovider: 'c', Datallowconn: true, Datconnlimit: -1,
		Datfrozenxid: 3, Datminmxid: 1, Dattablespace: oid.DefaultTablespace, Datcollate: "C", Datctype: "C"}
	c.begin()
	db, err := c.CreateDatabase(row, oid.Template1DB, FileCopy)
	must(t, err)
	c.commit()
	if checkpoints != 2 {
		t.Errorf("%d checkpoints", checkpoints)
	}
	same := func(what string) {
		t.Helper()
		a, err := w.fs.List(databaseDir(oid.Template1DB))
		must(t, err)
		b, err := w.fs.List(databaseDir(db))
		must(t, err)
		if len(a) != len(b) {
			t.Errorf("%s: %d files, template has %d", what, len(b), len(a))
		}
	}
	same("do")
	for range 2 {
		must(t, CopyDatabaseDir(w.fs, oid.Template1DB, db))
		same("redo")
	}
	c.begin()
	row.Datname = "gone"
	gone, err := c.CreateDatabase(row, oid.Template1DB, WalLog)
	must(t, err)
	c.abort()
	if _, err := w.fs.Stat(databaseDir(gone)); err == nil {
		t.Error("the folder of an aborted CREATE DATABASE is left")
	}
	c.begin()
	if d, err := c.DatabaseByName("gone"); err != nil || d != nil {
		t.Errorf("%v %v", d, err)
	}
	c.abort()
	for range 2 {
		must(t, MakeDatabaseDir(w.fs, gone, true))
	}
	redo := RedoRelMap(w.fs)
	n := 0
	for _, d := range w.records() {
		if d.Rmgr == xlog.RmRelMap {
			n++
			must(t, redo(d))
			must(t, redo(d))
		}
	}
	if n != 1 {
		t.Errorf("%d RelMap records", n)
	}
	a, b := slurp(t, w.fs, databaseDir(gone)+"/pg_filenode.map"), slurp(t, w.fs, databaseDir(oid.Template1DB)+"/pg_filenode.map")
	if !bytes.Equal(a, b) {
		t.Error("the relation map differs")
	}
	for range 2 {
		must(t, RemoveDatabaseDir(w.fs, gone))
	}
}

func slurp(t *testing.T, fs vfs.FS, name string) []byte {
	t.Helper()
	f, err := fs.Open(name, vfs.Read)
	must(t, err)
	defer f.Close()
	n, err := f.Size()
	must(t, err)
	b := make([]byte, n)
	_, err = f.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		t.Fatal(err)
	}
	return b
}
