package xlog_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/vfs/osfs"
	"github.com/pgmini/pgmini/xlog"
)

// readAll reads a crashed cluster's log from its redo point to the end.
func readAll(t *testing.T, fs osfs.FS, ctl *pgcontrol.Control) (all []*xlog.Decoded, end *xlog.EndError, last lsn.LSN) {
	t.Helper()
	size := lsn.SegSize(ctl.WALSegSize)
	src := &xlog.Segments{FS: fs, Dir: "pg_wal", Size: size, TLIs: []lsn.Timeline{ctl.Copy.TLI}}
	defer src.Close()
	r := xlog.NewReader(src, xlog.ReaderOptions{SegSize: size, SystemID: ctl.SystemID, Timeline: ctl.Copy.TLI})
	r.Seek(ctl.Copy.Redo)
	for {
		d, err := r.Next()
		if err != nil {
			if !errors.As(err, &end) {
				t.Fatal(err)
			}
			return all, end, r.Start()
		}
		all = append(all, d.Clone())
	}
}

func openCrashed(t *testing.T, data string) (osfs.FS, *pgcontrol.Control) {
	t.Helper()
	fs := osfs.New(data)
	ctl, err := pgcontrol.Read(fs)
	if err != nil {
		t.Fatal(err)
	}
	return fs, ctl
}

// Images that stock PostgreSQL wrote, with each compression, restore to valid
// pages that hold what SQL says.
func TestReadStockWAL(t *testing.T) {
	pg := oracle.Find(t)
	c := pg.Initdb(t, "--wal-segsize=1")
	c.Start("autovacuum=off")
	methods := []string{"off", "pglz", "lz4", "zstd"}
	for _, m := range methods {
		c.Psql(fmt.Sprintf("create table t_%s as select 'needle %s'::text as a from generate_series(1, 40)", m, m))
	}
	c.Psql("checkpoint")
	nodes := map[string]string{}
	for _, m := range methods {
		c.Psql(fmt.Sprintf("set wal_compression = %s; delete from t_%s where ctid = '(0,1)'", m, m))
		nodes[m] = strings.TrimSpace(c.Psql(fmt.Sprintf("select relfilenode from pg_class where relname = 't_%s'", m)))
	}
	c.Crash()
	fs, ctl := openCrashed(t, c.Data)
	all, end, _ := readAll(t, fs, ctl)
	if end.Kind != xlog.EndZero && end.Kind != xlog.EndPage {
		t.Errorf("log ends with kind %d: %v", end.Kind, end)
	}
	found := map[string]bool{}
	for _, d := range all {
		for i := range d.Blocks {
			b := &d.Blocks[i]
			if !b.InUse || !b.HasImage {
				continue
			}
			p := make(page.Page, page.Size)
			if err := d.RestoreImage(uint8(i), p); err != nil {
				t.Fatalf("%s: %v", b.Tag, err)
			}
			if err := page.Check(p); err != nil {
				t.Fatalf("%s: %v", b.Tag, err)
			}
			how, _ := b.Method()
			if m := how.String(); nodes[m] == fmt.Sprint(b.Tag.Rel.Rel) {
				found[m] = bytes.Count(p, []byte("needle "+m)) == 40
			}
		}
	}
	for _, m := range methods {
		if !found[m] {
			t.Errorf("no good image with compression %s", m)
		}
	}
}

// Stock PostgreSQL replays what we write behind its own log: images of every
// compression, records over several segments, a switch.
func TestStockReplaysOurWAL(t *testing.T) {
	pg := oracle.Find(t)
	c := pg.Initdb(t, "--wal-segsize=1")
	c.Start("autovacuum=off")
	methods := []xlog.Compression{xlog.NoCompression, xlog.PGLZ, xlog.LZ4, xlog.ZSTD}
	paths := make([]string, len(methods))
	for i := range methods {
		c.Psql(fmt.Sprintf("create table t%d as select 'hello'::text as a from generate_series(1, 100)", i))
		c.Psql(fmt.Sprintf("select count(*) from t%d", i))
		paths[i] = c.RelPath(fmt.Sprintf("t%d", i))
	}
	c.Psql("checkpoint")
	db := strings.TrimSpace(c.Psql("select oid from pg_database where datname = 'postgres'"))
	c.Crash()

	fs, ctl := openCrashed(t, c.Data)
	_, end, last := readAll(t, fs, ctl)
	how := xlog.NoCompression
	l, err := xlog.OpenForWrite(xlog.Options{FS: fs, Dir: "pg_wal", SegSize: lsn.SegSize(ctl.WALSegSize), SystemID: ctl.SystemID,
		Timeline: 1, Buffers: 8, RedoLSN: ctl.Copy.Redo, FullPageWrites: true,
		Compression: func() xlog.Compression { return how }}, end.At, last)
	if err != nil {
		t.Fatal(err)
	}
	var r xlog.Record
	for i := range methods {
		how = methods[i]
		b, err := os.ReadFile(c.Data + "/" + paths[i])
		if err != nil {
			t.Fatal(err)
		}
		p := page.Page(bytes.ReplaceAll(b[:page.Size], []byte("hello"), []byte("HELLO")))
		var tag page.Tag
		tag.Rel = node(t, db, paths[i])
		if _, err := l.LogNewPage(&r, tag, p, true); err != nil {
			t.Fatal(err)
		}
		r.Begin(xlog.RmXLOG, xlog.InfoNoop, 0)
		r.Data(bytes.Repeat([]byte{1, 2, 3}, 300000))
		if _, err := l.Insert(&r); err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			if _, err := l.Switch(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := l.InsertRestorePoint(&r, &xlog.RestorePoint{Time: 1, Name: "ours"}); err != nil {
		t.Fatal(err)
	}
	if err := l.Flush(l.InsertEnd()); err != nil {
		t.Fatal(err)
	}
	last = r.Start()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	pg.Own(t, c.Data)
	out, err := pg.Try("pg_waldump", "-p", c.Data, "-s", ctl.Copy.Redo.String())
	if !strings.Contains(out, "desc: RESTORE_POINT ours") {
		t.Errorf("stock pg_waldump does not reach our last record: %v", err)
	}
	if err := c.TryStart("autovacuum=off"); err != nil {
		t.Fatal(err)
	}
	for i := range methods {
		if got := strings.TrimSpace(c.Psql(fmt.Sprintf("select count(*) from t%d where a = 'HELLO'", i))); got != "100" {
			t.Errorf("%s: stock sees %s rows of our image", methods[i], got)
		}
	}
	c.Stop()
	pg.Run(t, "pg_checksums", "--check", c.Data)
}

func node(t *testing.T, db, path string) page.RelFileNode {
	t.Helper()
	var d, rel uint32
	if _, err := fmt.Sscanf(path, "base/%d/%d", &d, &rel); err != nil || fmt.Sprint(d) != db {
		t.Fatalf("%s: %v", path, err)
	}
	return page.RelFileNode{Spc: 1663, DB: oid.OID(d), Rel: oid.OID(rel)}
}
