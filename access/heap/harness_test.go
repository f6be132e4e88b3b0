package heap

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/memfs"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xlog"
)

const testStart = lsn.LSN(1 << 20)

var bg = context.Background()

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// world is one small server: files, log, pool, transactions.
type world struct {
	t    testing.TB
	fs   vfs.FS
	opt  xlog.Options
	sm   *smgr.Manager
	pool *bufmgr.Pool
	sys  *access.System
	idx  *fakeIndex
}

func newWorld(t testing.TB, buffers int, fullPages bool) *world {
	t.Helper()
	fs := memfs.New()
	must(t, makeDirs(fs))
	w, err := openWorld(fs, buffers, fullPages)
	must(t, err)
	w.t = t
	t.Cleanup(func() { w.sys.Log.Close(); w.pool.Close() })
	return w
}

func makeDirs(fs vfs.FS) error {
	for _, d := range []string{"pg_wal", "base", "base/5", "pg_xact", "pg_subtrans", "pg_multixact",
		"pg_multixact/offsets", "pg_multixact/members", "pg_commit_ts", "pg_twophase"} {
		if err := fs.Mkdir(d); err != nil {
			return err
		}
	}
	return errors.Join(fs.SyncDir("."), fs.SyncDir("base"), fs.SyncDir("pg_multixact"))
}

// openWorld replays the log, if there is one, and opens the server.
func openWorld(fs vfs.FS, buffers int, fullPages bool) (*world, error) {
	w := &world{fs: fs, idx: &fakeIndex{m: map[oid.OID][]page.TID{}}}
	w.opt = xlog.Options{FS: fs, Dir: "pg_wal", SegSize: lsn.MinSegSize, SystemID: 42, Timeline: 1,
		Buffers: 64, RedoLSN: testStart, FullPageWrites: fullPages, Hints: true, NoInitZero: true}
	recovering := true
	redoing := func() bool { return recovering }
	w.sm = smgr.New(fs, smgr.Options{Redo: redoing})
	locks := lmgr.New(lmgr.Options{})
	xm := xact.Open(xact.Options{FS: fs, Locks: locks}, &pgcontrol.CheckPoint{NextXID: 700, NextOID: oid.FirstNormal,
		NextMulti: 1, OldestXID: 600, OldestXIDDB: 1, OldestMulti: 1, OldestMultiDB: 1})
	wal := &laterWAL{}
	var err error
	w.pool, err = bufmgr.New(bufmgr.Options{Buffers: buffers, WAL: wal, Smgr: w.sm.Files, Checksums: true, Redo: redoing,
		// A page that was added and not logged may be garbage; a logged one that is would be missed.
		ZeroDamaged: func() bool { return true }})
	if err != nil {
		return nil, err
	}
	end, prev, err := w.recover(xm)
	if err != nil {
		return nil, err
	}
	l, err := xlog.OpenForWrite(w.opt, end, prev)
	if err != nil {
		return nil, err
	}
	wal.Log, recovering = l, false
	xm.SetLog(l)
	if end == testStart {
		err = xm.Bootstrap()
	}
	w.sys = &access.System{Smgr: w.sm, Log: l, Xact: xm, Locks: locks, HintWAL: true, Toast: w.idx}
	return w, errors.Join(err, xm.StartUp())
}

// laterWAL is a log that is opened after the pool.
type laterWAL struct{ *xlog.Log }

func (l *laterWAL) Flush(upTo lsn.LSN) error {
	if l.Log == nil {
		return nil
	}
	return l.Log.Flush(upTo)
}

// recover replays the log from its start.
func (w *world) recover(xm *xact.Manager) (end, prev lsn.LSN, err error) {
	src := &xlog.Segments{FS: w.fs, Dir: "pg_wal", Size: w.opt.SegSize, TLIs: []lsn.Timeline{1}}
	defer src.Close()
	r := xlog.NewReader(src, xlog.ReaderOptions{SegSize: w.opt.SegSize, SystemID: 42, Timeline: 1})
	r.Seek(testStart)
	redo := xm.Redo()
	for {
		d, err := r.Next()
		var stop *xlog.EndError
		if errors.As(err, &stop) {
			return max(r.End(), testStart), r.Start(), nil
		} else if err != nil {
			return 0, 0, err
		}
		xm.AdvancePast(d.XID)
		if f := redo[d.Rmgr]; f != nil {
			err = f(d)
		} else {
			err = w.replayOne(d)
		}
		if err != nil {
			return 0, 0, err
		}
	}
}

// fakeIndex is a TOAST index in memory: chunks in order of their numbers.
type fakeIndex struct {
	mu sync.Mutex
	m  map[oid.OID][]page.TID
}

func (f *fakeIndex) Insert(_ context.Context, _ *xact.Tx, _, _ *access.Relation, v oid.OID, seq int32, tid page.TID) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.m[v]) != int(seq) {
		return errors.New("chunks out of order")
	}
	f.m[v] = append(f.m[v], tid)
	return nil
}

func (f *fakeIndex) Lookup(_ *access.Relation, v oid.OID, first, last int32, dst []page.TID) ([]page.TID, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, t := range f.m[v] {
		if int32(i) >= first && int32(i) <= last {
			dst = append(dst, t)
		}
	}
	return dst, nil
}

func int4(name string) access.Attr {
	return access.Attr{Name: name, Type: oid.Int4, Len: 4, ByVal: true, Align: 'i', Storage: 'p'}
}

func text(name string) access.Attr {
	return access.Attr{Name: name, Type: oid.Text, Len: -1, Align: 'i', Storage: 'x'}
}

// table makes a relation with columns id int4, v text, and a TOAST table; id is
// indexed and a key.
func (w *world) table(rel oid.OID) *access.Relation {
	w.t.Helper()
	node := func(r oid.OID) page.RelFileNode { return page.RelFileNode{Spc: 1663, DB: 5, Rel: r} }
	toast := &access.Relation{OID: rel + 1, Name: "pg_toast", Node: node(rel + 1), Backend: -1, Kind: 't', Persistence: 'p',
		Desc: &access.TupleDesc{Attrs: []access.Attr{
			{Name: "chunk_id", Type: oid.Oid, Len: 4, ByVal: true, Align: 'i', Storage: 'p'}, int4("chunk_seq"),
			{Name: "chunk_data", Type: oid.Bytea, Len: -1, Align: 'i', Storage: 'p'}}},
		Sys: w.sys, Pool: w.pool}
	r := &access.Relation{OID: rel, Name: "t", Node: node(rel), Backend: -1, Kind: 'r', Persistence: 'p',
		Desc: &access.TupleDesc{Attrs: []access.Attr{int4("id"), text("v")}}, Sys: w.sys, Pool: w.pool,
		ToastOID: toast.OID, HotBlocking: []bool{true, false}, KeyAttrs: []bool{true, false}}
	r.Toast = func() (*access.Relation, *access.Relation, error) { return toast, nil, nil }
	for _, x := range []*access.Relation{r, toast} {
		if ok, _ := w.sm.Exists(x.Node, page.MainFork); !ok {
			must(w.t, w.sm.Create(x.Node, page.MainFork))
		}
	}
	return r
}

func (w *world) begin() *xact.Tx { return w.sys.Xact.Begin(xact.BeginOptions{}) }

func row(id int, v string) []datum.Datum {
	return []datum.Datum{datum.Int(int64(id)), datum.String(v)}
}

func (w *world) insert(tx *xact.Tx, rel *access.Relation, id int, v string) page.TID {
	w.t.Helper()
	tid, err := Insert(bg, tx, rel, row(id, v), InsertOptions{Command: tx.CommandID(true)})
	must(w.t, err)
	return tid
}

func (w *world) update(tx *xact.Tx, rel *access.Relation, tid page.TID, id int, v string) UpdateResult {
	w.t.Helper()
	res, u, f, err := Update(bg, tx, rel, tid, row(id, v), ChangeOptions{Command: tx.CommandID(true)})
	must(w.t, err)
	if res != OK {
		w.t.Fatalf("update: %v %+v", res, f)
	}
	return u
}

func (w *world) delete(tx *xact.Tx, rel *access.Relation, tid page.TID) {
	w.t.Helper()
	res, f, err := Delete(bg, tx, rel, tid, ChangeOptions{Command: tx.CommandID(true)})
	must(w.t, err)
	if res != OK {
		w.t.Fatalf("delete: %v %+v", res, f)
	}
}

// rows reads the table: id → value.
func (w *world) rows(tx *xact.Tx, rel *access.Relation, snap Snapshot) map[int]string {
	w.t.Helper()
	s, err := BeginScan(tx, rel, snap, ScanOptions{})
	must(w.t, err)
	defer s.Close()
	out := map[int]string{}
	dt := NewDetoaster(tx, rel)
	var vals [2]datum.Datum
	for {
		ts, err := s.NextBatch()
		must(w.t, err)
		if ts == nil {
			return out
		}
		for _, t := range ts {
			must(w.t, access.Deform(rel.Desc, t.Data, 2, vals[:], dt))
			if _, dup := out[int(vals[0].Int)]; dup {
				w.t.Fatalf("row %d twice", vals[0].Int)
			}
			out[int(vals[0].Int)] = vals[1].Str()
		}
	}
}

func (w *world) now(rel *access.Relation) map[int]string {
	tx := w.begin()
	defer tx.Abort()
	return w.rows(tx, rel, MVCC(tx.Snapshot()))
}

// records reads the log from start to its end.
func (w *world) records(start lsn.LSN) []*xlog.Decoded {
	w.t.Helper()
	must(w.t, w.sys.Log.Flush(w.sys.Log.InsertEnd()))
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

// pages copies all pages of a fork.
func (w *world) pages(rel page.RelFileNode, fork page.Fork) []page.Page {
	w.t.Helper()
	if ok, _ := w.sm.Exists(rel, fork); !ok {
		return nil
	}
	n, err := w.pool.NBlocks(rel, fork)
	must(w.t, err)
	var all []page.Page
	for blk := range n {
		b, err := w.pool.Read(page.Tag{Rel: rel, Fork: fork, Block: blk}, bufmgr.Normal, nil)
		must(w.t, err)
		w.pool.Lock(b, bufmgr.Shared)
		all = append(all, bytes.Clone(w.pool.Page(b)))
		w.pool.UnlockRelease(b)
	}
	return all
}

// masked clears what do and redo may differ in (PostgreSQL: heap_mask): LSN and
// checksum, page hints, the hole, hint bits, command ids, speculative tokens.
func masked(p page.Page, blk page.BlockNumber) page.Page {
	p = bytes.Clone(p)
	if p.IsNew() {
		return p
	}
	clear(p[0:8])
	p.SetChecksum(0)
	p.SetPruneXID(0)
	p.ClearFlag(page.PageFull | page.HasFreeLines | page.AllVisible)
	clear(p[p.Lower():p.Upper()])
	for off := page.OffsetNumber(1); off <= p.NumItems(); off++ {
		t, err := tupleOn(p, off)
		if err != nil {
			continue
		}
		m := t.Infomask()
		if m&access.XminFrozen == access.XminFrozen {
			m &^= access.XmaxInvalid | access.XmaxCommitted
		} else {
			m &^= access.XactMask
		}
		t.SetInfomask(m)
		t.SetRawCid(0)
		if t.CTID().Off == access.SpecToken {
			t.SetCTID(page.TID{Block: blk, Off: off})
		}
		id := p.ItemID(off)
		clear(p[id.Off()+id.Len() : id.Off()+page.MaxAlign(id.Len())])
	}
	return p
}

// replay applies recs to w's relations.
func (w *world) replay(recs []*xlog.Decoded) {
	w.t.Helper()
	for _, d := range recs {
		must(w.t, w.replayOne(d))
	}
}

func (w *world) replayOne(d *xlog.Decoded) error {
	env := RedoEnv{Pool: w.pool, HintWAL: true}
	switch d.Rmgr {
	case xlog.RmHeap:
		return Redo(env)(d)
	case xlog.RmHeap2:
		return Redo2(env)(d)
	case xlog.RmXLOG:
		for id := range d.Blocks {
			if !d.Blocks[id].InUse {
				continue
			}
			b, _, err := bufmgr.ReadForRedo(w.pool, d, uint8(id), bufmgr.RedoRead{})
			if err != nil {
				return err
			}
			if b != 0 {
				w.pool.UnlockRelease(b)
			}
		}
	}
	return nil
}

// sameAfterRedo replays the log twice in an empty world and compares all pages.
func (w *world) sameAfterRedo(rels ...*access.Relation) {
	w.t.Helper()
	recs := w.records(testStart)
	v := newWorld(w.t, 512, false)
	for _, r := range rels {
		v.table(r.OID)
	}
	for again := range 2 {
		v.replay(recs)
		for _, r := range rels {
			toast, _, _ := r.Toast()
			for _, node := range []page.RelFileNode{r.Node, toast.Node} {
				w.samePages(v, node, again == 1)
			}
		}
	}
}

// samePages compares a relation here and in v. Clearing a bit of the visibility
// map has no LSN of its own: replayed twice, bits may be missing.
func (w *world) samePages(v *world, node page.RelFileNode, fewerBits bool) {
	w.t.Helper()
	a, b := w.pages(node, page.MainFork), v.pages(node, page.MainFork)
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) {
			w.t.Fatalf("%s: %d pages done, %d redone", node, len(a), len(b))
		}
		x, y := masked(a[i], page.BlockNumber(i)), masked(b[i], page.BlockNumber(i))
		if !bytes.Equal(x, y) {
			at := 0
			for x[at] == y[at] {
				at++
			}
			w.t.Fatalf("%s block %d differs at byte %d (lower %d upper %d / %d %d)\ndone   %x\nredone %x", node, i, at,
				x.Lower(), x.Upper(), y.Lower(), y.Upper(), x[at:min(at+64, 8192)], y[at:min(at+64, 8192)])
		}
	}
	am, bm := w.pages(node, page.VMFork), v.pages(node, page.VMFork)
	for i := range max(len(am), len(bm)) {
		if i >= len(am) || i >= len(bm) {
			w.t.Fatalf("%s: visibility map of %d and %d pages", node, len(am), len(bm))
		}
		for at := page.HeaderSize; at < page.Size; at++ {
			if x, y := am[i][at], bm[i][at]; x != y && !(fewerBits && y&^x == 0) {
				w.t.Fatalf("%s: visibility map byte %d is %08b, redone %08b", node, at, x, y)
			}
		}
	}
}
