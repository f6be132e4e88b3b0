package catalog

import (
	"slices"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/access/indexheap"
	"github.com/pgmini/pgmini/access/nbtree"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// scan calls f for every row of a catalog that equals the conditions, which are
// on the leading columns of an index; without an index all rows are read. It
// sees what is committed now and this transaction's finished commands. f may not
// keep vals.
func (s *Session) scan(catalog, index oid.OID, by []Search, f func(tid, []datum.Datum) error) error {
	if s.tx == nil {
		return errNoTx()
	}
	rel, err := s.Relation(catalog)
	if err != nil {
		return err
	}
	unlock, err := s.use(rel, lmgr.AccessShare)
	if err != nil {
		return err
	}
	defer unlock()
	snap := s.tx.Register(s.tx.LatestSnapshot())
	defer s.tx.Unregister(snap)
	r := rowReader{s: s, rel: rel, vals: make([]datum.Datum, len(rel.Desc.Attrs)), f: f}
	if index == oid.Invalid {
		return r.all(heap.MVCC(snap), by)
	}
	idx, err := s.Relation(index)
	if err != nil {
		return err
	}
	return r.indexed(idx, heap.MVCC(snap), by)
}

// rowReader takes the rows of a catalog apart.
type rowReader struct {
	s    *Session
	rel  *access.Relation
	vals []datum.Datum
	f    func(tid, []datum.Datum) error
}

func (r *rowReader) row(t heap.Tuple) error {
	if err := access.Deform(r.rel.Desc, t.Data, len(r.vals), r.vals, heap.NewDetoaster(r.s.tx, r.rel)); err != nil {
		return err
	}
	return r.f(t.TID, r.vals)
}

func (r *rowReader) all(snap heap.Snapshot, by []Search) error {
	sc, err := heap.BeginScan(r.s.tx, r.rel, snap, heap.ScanOptions{})
	if err != nil {
		return err
	}
	defer sc.Close()
	for {
		batch, err := sc.NextBatch()
		if err != nil || batch == nil {
			return err
		}
		for _, t := range batch {
			if err := r.row(t); err != nil {
				return err
			}
		}
	}
}

func (r *rowReader) indexed(idx *access.Relation, snap heap.Snapshot, by []Search) error {
	keys := make([]nbtree.Key, len(by))
	for i, b := range by {
		keys[i] = nbtree.Key{Col: slices.Index(idx.Index.AttNums, b.Anum), Strategy: nbtree.Equal, Arg: b.Value}
	}
	sc, err := nbtree.BeginScan(idx, keys, nbtree.ScanOptions{})
	if err != nil {
		return err
	}
	defer sc.Close()
	fetch := heap.NewFetcher(r.s.tx, r.rel)
	defer fetch.Close()
	for {
		at, ok, err := sc.Next(true)
		if err != nil || !ok {
			return err
		}
		t, found, _, err := fetch.FetchHOT(at, snap)
		if err != nil {
			return err
		}
		if found {
			if err := r.row(t); err != nil {
				return err
			}
		}
	}
}

// use locks a catalog while its pages are read or changed, as VACUUM cuts empty
// pages off the end of a table that nobody has locked. The lock ends before the
// transaction does: rows of a transaction in progress keep their pages.
func (s *Session) use(rel *access.Relation, mode lmgr.Mode) (unlock func(), err error) {
	locks, owner, tag := s.srv.opt.Sys.Locks, s.tx.Locks(), rel.LockTag()
	if err := locks.Acquire(s.ctx, owner, tag, mode); err != nil {
		return nil, err
	}
	return func() { locks.Release(owner, tag, mode, false) }, nil
}

// NewOID returns an OID that no row of a catalog has.
func (s *Session) NewOID(catalog oid.OID) (oid.OID, error) {
	index, _ := chooseIndex(catalog, []Search{{Anum: 1}})
	for {
		o, err := s.tx.Manager().NextOID()
		if err != nil {
			return 0, err
		}
		used := false
		err = s.scan(catalog, index, []Search{{1, datum.Int(int64(o))}}, func(tid, []datum.Datum) error {
			used = true
			return nil
		})
		if err != nil || !used {
			return o, err
		}
	}
}

// Insert adds a row to its catalog and to the catalog's indexes.
func (s *Session) Insert(r rows.Row) (tid, error) {
	rel, err := s.Relation(r.Catalog())
	if err != nil {
		return tid{}, err
	}
	unlock, err := s.use(rel, lmgr.RowExclusive)
	if err != nil {
		return tid{}, err
	}
	defer unlock()
	vals := r.Values()
	at, err := heap.Insert(s.ctx, s.tx, rel, vals, heap.InsertOptions{Command: s.tx.CommandID(true)})
	if err != nil {
		return tid{}, err
	}
	s.mark(rel.OID, vals)
	return at, s.index(rel, vals, at)
}

// index adds the entries of a row to all indexes of a catalog.
func (s *Session) index(rel *access.Relation, vals []datum.Datum, at tid) error {
	for i := range rows.Indexes() {
		ix := &rows.Indexes()[i]
		if ix.Table != rel.OID {
			continue
		}
		idx, err := s.Relation(ix.OID)
		if err != nil {
			return err
		}
		key := make([]datum.Datum, len(ix.Key))
		for n, att := range ix.Key {
			key[n] = vals[att-1]
		}
		o := nbtree.InsertOptions{Check: nbtree.UniqueNo, Heap: indexheap.New(s.tx, rel)}
		if ix.Unique {
			o.Check = nbtree.UniqueYes
		}
		if _, err := nbtree.Insert(s.ctx, s.tx, idx, key, at, o); err != nil {
			return err
		}
	}
	return nil
}

// Update replaces the row at tid.
func (s *Session) Update(at tid, r rows.Row) error {
	rel, err := s.Relation(r.Catalog())
	if err != nil {
		return err
	}
	unlock, err := s.use(rel, lmgr.RowExclusive)
	if err != nil {
		return err
	}
	defer unlock()
	if err := s.markOld(rel, at); err != nil {
		return err
	}
	vals := r.Values()
	res, up, _, err := heap.Update(s.ctx, s.tx, rel, at, vals, heap.ChangeOptions{Command: s.tx.CommandID(true)})
	if err == nil {
		err = changed(res)
	}
	if err != nil {
		return err
	}
	s.mark(rel.OID, vals)
	if up.HOT {
		return nil
	}
	return s.index(rel, vals, up.TID)
}

// Delete removes the row at tid of a catalog.
func (s *Session) Delete(catalog oid.OID, at tid) error {
	rel, err := s.Relation(catalog)
	if err != nil {
		return err
	}
	unlock, err := s.use(rel, lmgr.RowExclusive)
	if err != nil {
		return err
	}
	defer unlock()
	if err := s.markOld(rel, at); err != nil {
		return err
	}
	res, _, err := heap.Delete(s.ctx, s.tx, rel, at, heap.ChangeOptions{Command: s.tx.CommandID(true)})
	if err != nil {
		return err
	}
	return changed(res)
}

// changed is the error for a catalog row that somebody else was faster at.
func changed(res heap.Result) error {
	switch res {
	case heap.OK:
		return nil
	case heap.SelfModified:
		return pgerr.New(pgerr.InternalError, "tuple already updated by self")
	case heap.Deleted:
		return pgerr.New(pgerr.InternalError, "tuple concurrently deleted")
	}
	return pgerr.New(pgerr.InternalError, "tuple concurrently updated")
}

// markOld marks the keys of the row that is about to go.
func (s *Session) markOld(rel *access.Relation, at tid) error {
	vals, err := s.fetch(rel, at)
	if err == nil {
		s.mark(rel.OID, vals)
	}
	return err
}

func (s *Session) fetch(rel *access.Relation, at tid) ([]datum.Datum, error) {
	f := heap.NewFetcher(s.tx, rel)
	defer f.Close()
	t, ok, err := f.Fetch(at, heap.Any())
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, pgerr.New(pgerr.InternalError, "no row at %s of %q", at, rel.Name)
	}
	vals := make([]datum.Datum, len(rel.Desc.Attrs))
	if err := access.Deform(rel.Desc, t.Data, len(vals), vals, heap.NewDetoaster(s.tx, rel)); err != nil {
		return nil, err
	}
	for i := range vals {
		vals[i] = vals[i].Clone()
	}
	return vals, nil
}

// UpdateInPlace overwrites the row at tid without a new version, for statistics
// and horizons (PostgreSQL: heap_inplace_update). Its length may not change.
func (s *Session) UpdateInPlace(at tid, r rows.Row) error {
	rel, err := s.Relation(r.Catalog())
	if err != nil {
		return err
	}
	unlock, err := s.use(rel, lmgr.RowExclusive)
	if err != nil {
		return err
	}
	defer unlock()
	vals := r.Values()
	t, err := access.FormTuple(rel.Desc, vals)
	if err != nil {
		return err
	}
	if err := heap.Inplace(s.tx, rel, at, t.Data()); err != nil {
		return err
	}
	s.mark(rel.OID, vals)
	return nil
}
