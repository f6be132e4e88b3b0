package crashmodel

import (
	"context"
	"fmt"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/access/indexheap"
	"github.com/pgmini/pgmini/access/nbtree"
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/engine"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xid"
)

// session is a client's connection: what the executor would do, by hand.
type session struct {
	*catalog.Session
	ctx    context.Context
	inst   *engine.Instance
	proc   *xact.Proc
	detach func()
}

func connect(i *engine.Instance, pid int32, sync func() bool) (*session, error) {
	ctx, detach, err := i.Attach(context.Background())
	if err != nil {
		return nil, err
	}
	s := &session{ctx: ctx, inst: i, detach: detach}
	s.proc = i.Xact().NewProc(xact.ProcOptions{PID: pid, Database: oid.PostgresDB, Tablespace: oid.DefaultTablespace, SyncCommit: sync})
	s.Session = i.Catalog().NewSession(catalog.SessionOptions{Database: oid.PostgresDB, Tablespace: oid.DefaultTablespace, Backend: -1})
	s.SetSearchPath([]oid.OID{oid.PublicNamespace})
	return s, nil
}

func (s *session) close() {
	if tx := s.proc.Tx(); tx != nil {
		_ = tx.Abort()
	}
	s.Bind(s.ctx, nil)
	s.proc.Close()
	s.detach()
}

func (s *session) begin(iso xact.Isolation) {
	s.Bind(s.ctx, s.proc.Begin(xact.BeginOptions{Isolation: iso}))
}

func (s *session) commit() error {
	err := s.Tx().Commit(s.ctx)
	s.Bind(s.ctx, nil)
	return err
}

func (s *session) abort() error {
	if s.Tx() == nil {
		return nil
	}
	err := s.Tx().Abort()
	s.Bind(s.ctx, nil)
	return err
}

// table is a table that is open, with its indexes.
type table struct {
	*access.Relation
	indexes []*access.Relation
}

// open locks a table and opens it.
func (s *session) open(name string, mode lmgr.Mode) (*table, error) {
	c, err := s.ClassByName(name, oid.PublicNamespace)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, fmt.Errorf("table %s is gone", name)
	}
	if err := s.Tx().LockRelation(s.ctx, oid.PostgresDB, c.Oid, mode); err != nil {
		return nil, err
	}
	return s.openOID(c.Oid)
}

func (s *session) openOID(o oid.OID) (*table, error) {
	r, err := s.Relation(o)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, fmt.Errorf("no relation %d", o)
	}
	t := &table{Relation: r}
	list, err := s.IndexesOf(o)
	if err != nil {
		return nil, err
	}
	for _, ix := range list {
		x, err := s.Relation(ix.Indexrelid)
		if err != nil {
			return nil, err
		}
		t.indexes = append(t.indexes, x)
	}
	return t, nil
}

func (s *session) insert(t *table, vals ...datum.Datum) error {
	at, err := heap.Insert(s.ctx, s.Tx(), t.Relation, vals, heap.InsertOptions{Command: s.Tx().CommandID(true)})
	if err != nil {
		return err
	}
	if err := s.index(t, vals, at); err != nil {
		return err
	}
	return s.CommandCounterIncrement()
}

func (s *session) index(t *table, vals []datum.Datum, at page.TID) error {
	for _, idx := range t.indexes {
		o := nbtree.InsertOptions{Check: nbtree.UniqueNo, Heap: indexheap.New(s.Tx(), t.Relation)}
		if idx.Index.Unique {
			o.Check = nbtree.UniqueYes
		}
		if _, err := nbtree.Insert(s.ctx, s.Tx(), idx, keyOf(idx, vals), at, o); err != nil {
			return err
		}
	}
	return nil
}

func keyOf(idx *access.Relation, vals []datum.Datum) []datum.Datum {
	key := make([]datum.Datum, len(idx.Index.AttNums))
	for i, a := range idx.Index.AttNums {
		key[i] = vals[a-1]
	}
	return key
}

// row is a row with its place.
type row struct {
	tid  page.TID
	vals []datum.Datum
}

func (s *session) deform(t *access.Relation, tup heap.Tuple) (row, error) {
	r := row{tup.TID, make([]datum.Datum, len(t.Desc.Attrs))}
	if err := access.Deform(t.Desc, tup.Data, len(r.vals), r.vals, heap.NewDetoaster(s.Tx(), t)); err != nil {
		return r, err
	}
	for i := range r.vals {
		r.vals[i] = r.vals[i].Clone()
	}
	return r, nil
}

// get finds the row with a key by the table's first index.
func (s *session) get(t *table, key int64) (*row, error) {
	snap := heap.MVCC(s.Tx().Snapshot())
	scan, err := nbtree.BeginScan(t.indexes[0], []nbtree.Key{{Strategy: nbtree.Equal, Arg: datum.Int(key)}}, nbtree.ScanOptions{})
	if err != nil {
		return nil, err
	}
	defer scan.Close()
	f := heap.NewFetcher(s.Tx(), t.Relation)
	defer f.Close()
	var found *row
	for {
		tid, ok, err := scan.Next(true)
		if err != nil || !ok {
			return found, err
		}
		tup, ok, dead, err := f.FetchHOT(tid, snap)
		if err != nil {
			return nil, err
		}
		if dead {
			scan.Kill()
		}
		if !ok {
			continue
		}
		r, err := s.deform(t.Relation, tup)
		if err != nil {
			return nil, err
		}
		if found != nil {
			return nil, fmt.Errorf("%s: key %d is at %v and at %v", t.Name, key, found.tid, r.tid)
		}
		if r.vals[0].Int != key {
			return nil, fmt.Errorf("%s: the index leads from key %d to key %d at %v", t.Name, key, r.vals[0].Int, r.tid)
		}
		found = &r
	}
}

// scan reads all rows that the transaction's snapshot sees.
func (s *session) scan(t *access.Relation) ([]row, error) {
	sc, err := heap.BeginScan(s.Tx(), t, heap.MVCC(s.Tx().Snapshot()), heap.ScanOptions{})
	if err != nil {
		return nil, err
	}
	defer sc.Close()
	var out []row
	for {
		batch, err := sc.NextBatch()
		if err != nil || batch == nil {
			return out, err
		}
		for _, tup := range batch {
			r, err := s.deform(t, tup)
			if err != nil {
				return nil, err
			}
			out = append(out, r)
		}
	}
}

// update changes the row with a key by f, against the latest version. false: there
// is none.
func (s *session) update(t *table, key int64, f func(vals []datum.Datum)) (bool, error) {
	for {
		r, err := s.get(t, key)
		if err != nil || r == nil {
			return false, err
		}
		f(r.vals)
		res, up, _, err := heap.Update(s.ctx, s.Tx(), t.Relation, r.tid, r.vals, heap.ChangeOptions{Command: s.Tx().CommandID(true)})
		switch {
		case err != nil:
			return false, err
		case res == heap.OK:
			if !up.HOT {
				err = s.index(t, r.vals, up.TID)
			}
			if err == nil {
				err = s.CommandCounterIncrement()
			}
			return true, err
		case res != heap.Updated && res != heap.Deleted:
			return false, fmt.Errorf("update of %s %d: result %v", t.Name, key, res)
		}
	}
}

func (s *session) delete(t *table, key int64) (bool, error) {
	r, err := s.get(t, key)
	if err != nil || r == nil {
		return false, err
	}
	res, _, err := heap.Delete(s.ctx, s.Tx(), t.Relation, r.tid, heap.ChangeOptions{Command: s.Tx().CommandID(true)})
	if err == nil && res != heap.OK {
		err = fmt.Errorf("delete of %s %d: result %v", t.Name, key, res)
	}
	if err == nil {
		err = s.CommandCounterIncrement()
	}
	return true, err
}

// vacuum vacuums a table in a transaction of its own.
func (s *session) vacuum(o oid.OID, par heap.VacuumParams) error {
	s.begin(xact.ReadCommitted)
	s.Tx().SetVacuum()
	err := s.vacuumIn(o, par)
	if err != nil {
		_ = s.abort()
		return err
	}
	return s.commit()
}

func (s *session) vacuumIn(o oid.OID, par heap.VacuumParams) error {
	if err := s.Tx().LockRelation(s.ctx, oid.PostgresDB, o, lmgr.ShareUpdateExclusive); err != nil {
		return err
	}
	c, err := s.Class(o)
	if err != nil || c == nil {
		return err
	}
	t, err := s.openOID(o)
	if err != nil {
		return err
	}
	par.RelFrozenXID, par.RelMinMulti = c.Relfrozenxid, xid.Multi(c.Relminmxid)
	for _, x := range t.indexes {
		par.Indexes = append(par.Indexes, &indexVacuum{tx: s.Tx(), idx: x})
	}
	res, err := heap.Vacuum(s.ctx, s.Tx(), t.Relation, par)
	if err != nil {
		return err
	}
	return s.UpdateStats(o, catalog.RelationStats{Pages: int32(res.Pages), AllVisible: int32(res.AllVisible), Tuples: float32(res.Live),
		HasIndex: len(t.indexes) > 0, FrozenXID: res.NewFrozenXID, MinMulti: xid.XID(res.NewMinMulti)})
}

type indexVacuum struct {
	tx    *xact.Tx
	idx   *access.Relation
	stats *nbtree.VacuumStats
}

func (v *indexVacuum) BulkDelete(ctx context.Context, dead func(page.TID) bool) (err error) {
	v.stats, err = nbtree.BulkDelete(ctx, v.tx, v.idx, v.stats, dead)
	return err
}

func (v *indexVacuum) Cleanup(ctx context.Context, n float64) (err error) {
	v.stats, err = nbtree.VacuumCleanup(ctx, v.tx, v.idx, v.stats, n)
	return err
}

func int4(name string) access.Attr {
	return access.Attr{Name: name, Type: oid.Int4, Len: 4, ByVal: true, Align: 'i', Storage: 'p', TypMod: -1, IsLocal: true, StatTarget: -1}
}

func text(name string) access.Attr {
	return access.Attr{Name: name, Type: oid.Text, Len: -1, Align: 'i', Storage: 'x', TypMod: -1, IsLocal: true, StatTarget: -1, Collation: oid.DefaultCollation}
}

// create makes a table whose first column is its primary key; second is another
// column with an index, or 0.
func (s *session) create(name string, second int16, cols ...access.Attr) (oid.OID, error) {
	return s.createAs('p', name, second, cols...)
}

func (s *session) createAs(persistence byte, name string, second int16, cols ...access.Attr) (oid.OID, error) {
	rel, err := s.CreateRelation(catalog.NewRelation{Name: name, Namespace: oid.PublicNamespace, Kind: 'r', Persistence: persistence, Owner: 10, Columns: cols})
	if err != nil {
		return 0, err
	}
	r, err := s.Relation(rel)
	if err != nil {
		return 0, err
	}
	_, err = s.CreateIndex(catalog.NewIndex{Table: r, Name: name + "_pkey", AM: oid.BtreeAM, AttNums: []int16{1}, Names: []string{cols[0].Name}, KeyCols: 1,
		Opclasses: []oid.OID{1978}, Collations: []oid.OID{0}, Options: []int16{0}, Unique: true, Primary: true, Constraint: 'p', BuildEmpty: true})
	if err != nil || second == 0 {
		return rel, err
	}
	return rel, s.addIndex(rel, name, second, cols[second-1].Name, true)
}

func (s *session) addIndex(rel oid.OID, name string, att int16, col string, empty bool) error {
	r, err := s.Relation(rel)
	if err != nil {
		return err
	}
	_, err = s.CreateIndex(catalog.NewIndex{Table: r, Name: fmt.Sprintf("%s_%s_idx", name, col), AM: oid.BtreeAM, AttNums: []int16{att}, Names: []string{col}, KeyCols: 1,
		Opclasses: []oid.OID{1978}, Collations: []oid.OID{0}, Options: []int16{0}, BuildEmpty: empty})
	return err
}
