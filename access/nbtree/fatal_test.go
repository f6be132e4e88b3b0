package nbtree

import (
	"testing"

	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xlog"
)

// TestUnloggedChangeStopsTheServer: a page that is changed, with a record that cannot
// be inserted, is a PANIC.
func TestUnloggedChangeStopsTheServer(t *testing.T) {
	w := newWorld(t, 16)
	must(t, w.fs.Mkdir("pg_xact"))
	w.sys.Xact = xact.Open(xact.Options{FS: w.fs, Locks: lmgr.New(lmgr.Options{})}, &pgcontrol.CheckPoint{NextXID: 700, NextOID: oid.FirstNormal})
	idx := w.index(20000, false, oid.Int4)
	w.create(idx)
	e := w.env(idx)
	b, err := e.pool.Read(idx.Tag(page.MainFork, 0), bufmgr.Normal, nil)
	must(t, err)
	e.pool.Lock(b, bufmgr.Exclusive)
	e.begin(infoInsertLeaf)
	e.ref(0, b, xlog.Standard, make([]byte, 70000)) // more than a block may have
	if err := e.finish(nil, b); err == nil {
		t.Error("the record was inserted")
	}
	e.drop(b)
	if w.sys.Xact.CommitCritical().Wait() == nil {
		t.Error("a checkpoint could go on")
	}
}
