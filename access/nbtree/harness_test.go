package nbtree

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/memfs"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

const testStart = lsn.LSN(1 << 20)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fakeTx is a txSource whose horizon is just behind the next id, so that deleted
// pages can be reused at once.
type fakeTx struct {
	next atomic.Uint64
	hold bool // an old transaction stays
}

func (f *fakeTx) currentXID() xid.XID { return 7 }
func (f *fakeTx) nextXID() xid.Full   { return xid.Full(1000 + f.next.Add(1)) }
func (f *fakeTx) oldestXmin() xid.XID {
	if f.hold {
		return 900
	}
	return xid.XID(1000 + f.next.Load())
}

// world is one small server: files, log, pool.
type world struct {
	t    testing.TB
	fs   vfs.FS
	opt  xlog.Options
	log  *xlog.Log
	m    *smgr.Manager
	pool *bufmgr.Pool
	sys  *access.System
	tx   fakeTx
}

func newWorld(t testing.TB, buffers int) *world {
	t.Helper()
	fs := memfs.New()
	for _, d := range []string{"pg_wal", "base", "base/5"} {
		must(t, fs.Mkdir(d))
	}
	w := &world{t: t, fs: fs}
	w.opt = xlog.Options{FS: fs, Dir: "pg_wal", SegSize: lsn.MinSegSize, SystemID: 42, Timeline: 1,
		Buffers: 64, RedoLSN: testStart, FullPageWrites: false, Hints: true}
	l, err := xlog.OpenForWrite(w.opt, testStart, 0)
	must(t, err)
	t.Cleanup(func() { l.Close() })
	w.log = l
	w.m = smgr.New(fs, smgr.Options{})
	w.pool, err = bufmgr.New(bufmgr.Options{Buffers: buffers, WAL: l, Smgr: w.m.Files, Checksums: true})
	must(t, err)
	t.Cleanup(func() { w.pool.Close() })
	w.sys = &access.System{Smgr: w.m, Log: l}
	return w
}

func attr(name string, typ oid.OID) access.Attr {
	switch typ {
	case oid.Text:
		return access.Attr{Name: name, Type: typ, Len: -1, Align: 'i', Storage: 'x'}
	case oid.Int8:
		return access.Attr{Name: name, Type: typ, Len: 8, ByVal: true, Align: 'd', Storage: 'p'}
	}
	return access.Attr{Name: name, Type: typ, Len: 4, ByVal: true, Align: 'i', Storage: 'p'}
}

func cmpInt(a, b datum.Datum) int  { return cmp.Compare(a.Int, b.Int) }
func cmpText(a, b datum.Datum) int { return bytes.Compare(a.Bytes, b.Bytes) }

// index makes the relation of an index in w; its file is made if missing.
func (w *world) index(rel oid.OID, unique bool, types ...oid.OID) *access.Relation {
	d := &access.TupleDesc{}
	info := &access.IndexInfo{KeyCols: len(types), EqualImage: true, Unique: unique}
	for i, typ := range types {
		d.Attrs = append(d.Attrs, attr(string(rune('a'+i)), typ))
		f := cmpInt
		if typ == oid.Text {
			f = cmpText
		}
		info.Compare = append(info.Compare, f)
		info.Options = append(info.Options, 0)
	}
	return &access.Relation{OID: rel, Name: "ix", Node: page.RelFileNode{Spc: 1663, DB: 5, Rel: rel}, Backend: -1,
		Kind: 'i', Persistence: 'p', Desc: d, Sys: w.sys, Pool: w.pool, Index: info}
}

// create makes idx's file with an empty tree.
func (w *world) create(idx *access.Relation) {
	w.t.Helper()
	must(w.t, w.m.Create(idx.Node, page.MainFork))
	must(w.t, w.env(idx).buildEmpty(page.MainFork))
}

func (w *world) env(idx *access.Relation) *env {
	e := new(env)
	e.init(idx, new(xlog.Record), &w.tx)
	return e
}

func noWait(xid.XID) error { return errors.New("would wait") }

func (w *world) insert(idx *access.Relation, tid page.TID, vals ...datum.Datum) {
	w.t.Helper()
	_, err := w.env(idx).insert(context.Background(), vals, tid, InsertOptions{}, noWait)
	must(w.t, err)
}

// records reads the log from start to its end.
func (w *world) records(start lsn.LSN) []*xlog.Decoded {
	w.t.Helper()
	must(w.t, w.log.Flush(w.log.InsertEnd()))
	src := &xlog.Segments{FS: w.fs, Dir: "pg_wal", Size: w.opt.SegSize, TLIs: []lsn.Timeline{1}}
	r := xlog.NewReader(src, xlog.ReaderOptions{SegSize: w.opt.SegSize, SystemID: 42, Timeline: 1})
	r.Seek(start)
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

// pages copies all pages of a relation.
func (w *world) pages(node_ page.RelFileNode) []page.Page {
	w.t.Helper()
	n, err := w.pool.NBlocks(node_, page.MainFork)
	must(w.t, err)
	var all []page.Page
	for blk := range n {
		b, err := w.pool.Read(page.Tag{Rel: node_, Block: blk}, bufmgr.Normal, nil)
		must(w.t, err)
		w.pool.Lock(b, bufmgr.Shared)
		all = append(all, bytes.Clone(w.pool.Page(b)))
		w.pool.UnlockRelease(b)
	}
	return all
}

// masked clears what do and redo may differ in: checksum, hints, the hole, cycle
// ids; a page's LSN stays.
func masked(p page.Page) page.Page {
	p = bytes.Clone(p)
	p.SetChecksum(0)
	if p.IsNew() {
		return p
	}
	n := node{p}
	clear(p[p.Lower():p.Upper()])
	if n.is(flagLeaf) {
		for off := page.OffsetNumber(1); off <= p.NumItems() && !n.is(flagDeleted); off++ {
			if id := p.ItemID(off); id.Flags() == page.LPDead {
				p.SetItemID(off, page.MakeItemID(id.Off(), page.LPNormal, id.Len()))
			}
		}
	}
	n.dropBits(flagHasGarbage | flagSplitEnd)
	n.setCycleID(0)
	return p
}

// sameAfterRedo replays recs twice in another world and compares with w's pages.
func (w *world) sameAfterRedo(idx *access.Relation, recs []*xlog.Decoded) {
	w.t.Helper()
	v := newWorld(w.t, 16)
	pool, err := bufmgr.New(bufmgr.Options{Buffers: 64, Smgr: v.m.Files, Checksums: true}) // no log of its own
	must(w.t, err)
	w.t.Cleanup(func() { pool.Close() })
	v.pool = pool
	must(w.t, v.m.Create(idx.Node, page.MainFork))
	redo := Redo(v.pool)
	for range 2 {
		for _, d := range recs {
			if d.Rmgr != xlog.RmBtree {
				must(w.t, redoImages(v.pool, d))
				continue
			}
			must(w.t, redo(d))
		}
	}
	a, b := w.pages(idx.Node), v.pages(idx.Node)
	if len(a) != len(b) {
		w.t.Fatalf("%d pages done, %d redone", len(a), len(b))
	}
	for i := range a {
		if !bytes.Equal(masked(a[i]), masked(b[i])) {
			w.t.Fatalf("page %d differs:\ndone   %x\nredone %x", i, masked(a[i]), masked(b[i]))
		}
	}
	idx2 := *idx
	idx2.Pool, idx2.Sys = v.pool, v.sys
	must(w.t, Check(&idx2, nil))
}

// redoImages replays XLOG_FPI and XLOG_FPI_FOR_HINT.
func redoImages(pool *bufmgr.Pool, d *xlog.Decoded) error {
	for id := range d.Blocks {
		if !d.Blocks[id].InUse || d.Blocks[id].Tag.Fork != page.MainFork {
			continue
		}
		b, _, err := bufmgr.ReadForRedo(pool, d, uint8(id), bufmgr.RedoRead{})
		if err != nil {
			return err
		}
		pool.UnlockRelease(b)
	}
	return nil
}
