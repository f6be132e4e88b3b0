package engine

import (
	"bytes"
	"cmp"
	"context"
	"fmt"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/access/indexheap"
	"github.com/pgmini/pgmini/access/nbtree"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog/rmgrs"
)

// store is a table (id int4, v text) with an index on id and a TOAST table, made
// without catalogs: all that storage needs is known beforehand.
type store struct {
	i                          *Instance
	rel, idx, toast, toastIdx_ *access.Relation
	last                       xid.XID // of the script's latest transaction
}

// firstNode is the file number of a store's table; the three behind follow.
func newStore(i *Instance, firstNode oid.OID) *store {
	mk := func(n oid.OID, kind byte, attrs ...access.Attr) *access.Relation {
		return &access.Relation{OID: n, Name: fmt.Sprint("rel", n), Node: page.RelFileNode{Spc: oid.DefaultTablespace, DB: 5, Rel: n},
			Backend: -1, Kind: kind, Persistence: 'p', Sys: i.sys, Pool: i.pool, Desc: &access.TupleDesc{Attrs: attrs}}
	}
	int4 := func(name string) access.Attr {
		return access.Attr{Name: name, Type: oid.Int4, Len: 4, ByVal: true, Align: 'i', Storage: 'p'}
	}
	byInt := func(a, b datum.Datum) int { return cmp.Compare(a.Int, b.Int) }
	s := &store{i: i}
	s.rel = mk(firstNode, 'r', int4("id"), access.Attr{Name: "v", Type: oid.Text, Len: -1, Align: 'i', Storage: 'x'})
	s.rel.HotBlocking, s.rel.KeyAttrs, s.rel.ToastOID = []bool{true, false}, []bool{true, false}, firstNode+2
	s.idx = mk(firstNode+1, 'i', int4("id"))
	s.idx.Index = &access.IndexInfo{Heap: firstNode, Unique: true, KeyCols: 1, AttNums: []int16{1}, Options: []int16{0},
		Compare: []access.CompareFunc{byInt}, EqualImage: true, Immediate: true, Valid: true, Ready: true}
	oidAttr := access.Attr{Name: "chunk_id", Type: oid.Oid, Len: 4, ByVal: true, Align: 'i', Storage: 'p'}
	s.toast = mk(firstNode+2, 't', oidAttr, int4("chunk_seq"), access.Attr{Name: "chunk_data", Type: oid.Bytea, Len: -1, Align: 'i', Storage: 'p'})
	s.toastIdx_ = mk(firstNode+3, 'i', oidAttr, int4("chunk_seq"))
	s.toastIdx_.Index = &access.IndexInfo{Heap: firstNode + 2, Unique: true, KeyCols: 2, AttNums: []int16{1, 2}, Options: []int16{0, 0},
		Compare: []access.CompareFunc{byInt, byInt}, EqualImage: true, Immediate: true, Valid: true, Ready: true}
	s.rel.Toast = func() (*access.Relation, *access.Relation, error) { return s.toast, s.toastIdx_, nil }
	return s
}

func (s *store) all() []*access.Relation {
	return []*access.Relation{s.rel, s.idx, s.toast, s.toastIdx_}
}

// create makes the files, which go if tx aborts.
func (s *store) create(tx *xact.Tx) error {
	if _, err := tx.XID(); err != nil {
		return err
	}
	for _, r := range s.all() {
		if err := s.i.smgr.Create(r.Node, page.MainFork); err != nil {
			return err
		}
		tx.CreatedRel(smgr.Rel{RelFileNode: r.Node, Backend: smgr.NoBackend})
		rmgrs.StorageCreate{Node: r.Node, Fork: page.MainFork}.Build(&tx.Rec, tx.TopXID())
		if _, err := s.i.wal.Insert(&tx.Rec); err != nil {
			return err
		}
		if r.Kind == 'i' {
			if err := nbtree.BuildEmpty(tx, r, page.MainFork); err != nil {
				return err
			}
		}
	}
	return nil
}

// drop removes the files when tx commits.
func (s *store) drop(tx *xact.Tx) {
	for _, r := range s.all() {
		tx.DropRelAtCommit(smgr.Rel{RelFileNode: r.Node, Backend: smgr.NoBackend})
	}
}

func row(id int, v string) []datum.Datum {
	return []datum.Datum{datum.Int(int64(id)), datum.String(v)}
}

func (s *store) index(tx *xact.Tx, id int, tid page.TID) error {
	_, err := nbtree.Insert(bg, tx, s.idx, row(id, "")[:1], tid, nbtree.InsertOptions{Check: nbtree.UniqueYes, Heap: indexheap.New(tx, s.rel)})
	return err
}

func (s *store) insert(tx *xact.Tx, id int, v string) error {
	tid, err := heap.Insert(bg, tx, s.rel, row(id, v), heap.InsertOptions{Command: tx.CommandID(true)})
	if err != nil {
		return err
	}
	return s.index(tx, id, tid)
}

// find reads the row with a key through the index.
func (s *store) find(tx *xact.Tx, id int) (tid page.TID, v string, found bool, err error) {
	sc, err := nbtree.BeginScan(s.idx, []nbtree.Key{{Col: 0, Strategy: nbtree.Equal, Arg: datum.Int(int64(id))}}, nbtree.ScanOptions{})
	if err != nil {
		return tid, "", false, err
	}
	defer sc.Close()
	f := heap.NewFetcher(tx, s.rel)
	defer f.Close()
	snap := heap.MVCC(tx.Snapshot())
	for {
		at, ok, err := sc.Next(true)
		if err != nil || !ok {
			return tid, "", false, err
		}
		t, ok, _, err := f.FetchHOT(at, snap)
		if err != nil {
			return tid, "", false, err
		}
		if ok {
			var vals [2]datum.Datum
			err := access.Deform(s.rel.Desc, t.Data, 2, vals[:], heap.NewDetoaster(tx, s.rel))
			return t.TID, vals[1].Str(), true, err
		}
	}
}

func (s *store) update(tx *xact.Tx, id int, v string) error {
	tid, _, ok, err := s.find(tx, id)
	if err != nil || !ok {
		return fmt.Errorf("row %d: found %v: %w", id, ok, err)
	}
	res, u, _, err := heap.Update(bg, tx, s.rel, tid, row(id, v), heap.ChangeOptions{Command: tx.CommandID(true)})
	if err != nil || res != heap.OK {
		return fmt.Errorf("update row %d: %v %w", id, res, err)
	}
	if u.HOT {
		return nil
	}
	return s.index(tx, id, u.TID)
}

func (s *store) delete(tx *xact.Tx, id int) error {
	tid, _, ok, err := s.find(tx, id)
	if err != nil || !ok {
		return fmt.Errorf("row %d: found %v: %w", id, ok, err)
	}
	res, _, err := heap.Delete(bg, tx, s.rel, tid, heap.ChangeOptions{Command: tx.CommandID(true)})
	if err != nil || res != heap.OK {
		return fmt.Errorf("delete row %d: %v %w", id, res, err)
	}
	return nil
}

// btreeVacuum is an index as VACUUM sees it.
type btreeVacuum struct {
	tx  *xact.Tx
	idx *access.Relation
	st  *nbtree.VacuumStats
}

func (b *btreeVacuum) BulkDelete(ctx context.Context, dead func(page.TID) bool) (err error) {
	b.st, err = nbtree.BulkDelete(ctx, b.tx, b.idx, b.st, dead)
	return err
}

func (b *btreeVacuum) Cleanup(ctx context.Context, rows float64) (err error) {
	b.st, err = nbtree.VacuumCleanup(ctx, b.tx, b.idx, b.st, rows)
	return err
}

// vacuum runs in a transaction of its own.
func (s *store) vacuum() error {
	for _, p := range []struct{ rel, idx *access.Relation }{{s.rel, s.idx}, {s.toast, s.toastIdx_}} {
		tx := s.i.xact.Begin(xact.BeginOptions{})
		tx.SetVacuum()
		tx.Snapshot()
		if err := tx.LockRelation(bg, 5, p.rel.OID, lmgr.AccessExclusive); err != nil {
			return err
		}
		_, err := heap.Vacuum(bg, tx, p.rel, heap.VacuumParams{FreezeMinAge: 2, FreezeTableAge: 150000000, MultiFreezeMinAge: 5000000,
			MultiFreezeTableAge: 150000000, RelFrozenXID: xid.FirstNormal, RelMinMulti: 1, Indexes: []heap.IndexVacuum{&btreeVacuum{tx: tx, idx: p.idx}}})
		if err != nil {
			return err
		}
		if err := tx.Commit(bg); err != nil {
			return err
		}
	}
	return nil
}

// rows reads the whole table and finds each row again through the index. A table
// whose files, or the contents of whose indexes, are missing is nil.
func (s *store) rows() (map[int]string, error) {
	for _, r := range s.all() {
		ok, err := s.i.smgr.Exists(r.Node, page.MainFork)
		if err != nil || !ok {
			return nil, err
		}
		if n, err := s.i.pool.NBlocks(r.Node, page.MainFork); err != nil || n == 0 && r.Kind == 'i' {
			return nil, err
		}
	}
	tx := s.i.xact.Begin(xact.BeginOptions{})
	defer tx.Abort()
	sc, err := heap.BeginScan(tx, s.rel, heap.MVCC(tx.Snapshot()), heap.ScanOptions{})
	if err != nil {
		return nil, err
	}
	defer sc.Close()
	out := map[int]string{}
	var vals [2]datum.Datum
	for {
		batch, err := sc.NextBatch()
		if err != nil {
			return nil, err
		}
		if batch == nil {
			break
		}
		for _, t := range batch {
			if err := access.Deform(s.rel.Desc, t.Data, 2, vals[:], heap.NewDetoaster(tx, s.rel)); err != nil {
				return nil, err
			}
			id := int(vals[0].Int)
			if _, twice := out[id]; twice {
				return nil, fmt.Errorf("row %d twice", id)
			}
			out[id] = string(bytes.Clone(vals[1].Bytes))
		}
	}
	for id, v := range out {
		if _, w, ok, err := s.find(tx, id); err != nil || !ok || v != w {
			return nil, fmt.Errorf("row %d through the index: found %v, %w", id, ok, err)
		}
	}
	for _, x := range []*access.Relation{s.idx, s.toastIdx_} {
		if err := nbtree.Check(x, nil); err != nil {
			return nil, err
		}
	}
	return out, nil
}
