package catalog

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog/rmgrs"
)

func nullDatum() datum.Datum { return datum.Null() }

// xidOf is a multixact id as pg_class holds it.
func xidOf(m xid.Multi) xid.XID { return xid.XID(m) }

// smgrRel is the files of a relation with a pg_class row.
func (s *Session) smgrRel(c *rows.PgClass) (smgr.Rel, error) {
	n, err := s.node(c.Oid, c.Relfilenode, c.Reltablespace, c.Relisshared)
	r := smgr.Rel{RelFileNode: n, Backend: -1}
	if c.Relpersistence == 't' {
		r.Backend = s.opt.Backend
	}
	return r, err
}

// newFilenode returns a number for the files of a new relation (PostgreSQL:
// GetNewRelFileNode), with unique one that is no relation's OID either. No file
// has it: after a crash those of transactions that are forgotten are still there,
// and OIDs given since the last flush of the log are given again. All forks count,
// for a stale visibility map would hide rows.
func (s *Session) newFilenode(tablespace oid.OID, persistence byte, unique bool) (oid.OID, error) {
	for {
		o, err := oid.Invalid, error(nil)
		if unique {
			o, err = s.NewOID(oid.RelClass)
		} else {
			o, err = s.tx.Manager().NextOID()
		}
		if err != nil {
			return oid.Invalid, err
		}
		used, err := s.hasFiles(&rows.PgClass{Relfilenode: o, Reltablespace: tablespace, Relpersistence: persistence})
		if err != nil || !used {
			return o, err
		}
	}
}

// hasFiles reports whether any fork of a relation has a file.
func (s *Session) hasFiles(c *rows.PgClass) (bool, error) {
	r, err := s.smgrRel(c)
	for f := page.MainFork; err == nil && f <= page.MaxFork; f++ {
		var ok bool
		if ok, err = s.srv.opt.Sys.Smgr.Of(r).Exists(r.RelFileNode, f); ok {
			return true, nil
		}
	}
	return false, err
}

// createStorage makes the empty main fork of a relation, gone if the transaction
// aborts, and for an unlogged one the init fork.
func (s *Session) createStorage(c *rows.PgClass) error {
	r, err := s.smgrRel(c)
	if err != nil {
		return err
	}
	if err := s.createFork(r, page.MainFork, c.Relpersistence == 'p'); err != nil {
		return err
	}
	s.tx.CreatedRel(r)
	if r.Backend >= 0 {
		s.tx.OnAbort(s.forgetPages(r))
	}
	if c.Relpersistence != 'u' || c.Relkind == 'i' {
		return nil // emptyIndex makes an index's
	}
	return s.createFork(r, page.InitFork, true)
}

// dropAtCommit removes a relation's files when the transaction commits.
func (s *Session) dropAtCommit(r smgr.Rel) {
	s.tx.DropRelAtCommit(r)
	if r.Backend >= 0 {
		s.tx.OnCommit(s.forgetPages(r))
	}
}

// forgetPages drops the pages of a temporary relation from the local buffers,
// which nobody else knows.
func (s *Session) forgetPages(r smgr.Rel) func() {
	return func() {
		if s.opt.LocalPool == nil {
			return
		}
		if p, err := s.opt.LocalPool(); err == nil {
			p.DropRelAll(r.RelFileNode)
		}
	}
}

func (s *Session) createFork(r smgr.Rel, f page.Fork, logged bool) error {
	if err := s.srv.opt.Sys.Smgr.Of(r).Create(r.RelFileNode, f); err != nil {
		return err
	}
	if !logged {
		return nil
	}
	rmgrs.StorageCreate{Node: r.RelFileNode, Fork: f}.Build(&s.tx.Rec, s.tx.TopXID())
	_, err := s.srv.opt.Sys.Log.Insert(&s.tx.Rec)
	return err
}

// NewFilenode gives a relation an empty file in place of its own (TRUNCATE,
// rewrites, REINDEX). The old one goes at commit.
func (s *Session) NewFilenode(rel oid.OID, persistence byte) (*access.Relation, error) {
	f, err := FindRow[rows.PgClass](s, Search{rows.AnumPgClassOid, datum.Int(int64(rel))})
	if err != nil {
		return nil, err
	}
	if f == nil {
		return nil, pgerr.New(pgerr.UndefinedTable, "relation with OID %d does not exist", rel)
	}
	c := f.Row
	if c.Relfilenode == oid.Invalid {
		return nil, pgerr.NotYet("a new file for mapped relation %q", c.Relname)
	}
	old, err := s.smgrRel(c)
	if err != nil {
		return nil, err
	}
	was, err := s.Relation(rel)
	if err != nil {
		return nil, err
	}
	was.Moved()
	if c.Relfilenode, err = s.newFilenode(c.Reltablespace, persistence, false); err != nil {
		return nil, err
	}
	c.Relpersistence = persistence
	c.Relpages, c.Relallvisible, c.Reltuples = 0, 0, -1
	if hasTuples(c.Relkind) {
		c.Relfrozenxid = s.tx.LatestSnapshot().Xmin
		c.Relminmxid = xidOf(s.tx.Manager().OldestMulti())
	}
	if err := s.createStorage(c); err != nil {
		return nil, err
	}
	s.dropAtCommit(old)
	if err := s.Update(f.TID, c); err != nil {
		return nil, err
	}
	if err := s.CommandCounterIncrement(); err != nil {
		return nil, err
	}
	return s.Relation(rel)
}

// SwapFilenodes exchanges the files of two tables and of their TOAST tables
// (PostgreSQL: swap_relation_files). Neither is mapped.
func (s *Session) SwapFilenodes(a, b oid.OID) error {
	x, err := FindRow[rows.PgClass](s, Search{rows.AnumPgClassOid, datum.Int(int64(a))})
	if err != nil {
		return err
	}
	y, err := FindRow[rows.PgClass](s, Search{rows.AnumPgClassOid, datum.Int(int64(b))})
	if err != nil {
		return err
	}
	if x == nil || y == nil || x.Row.Relfilenode == oid.Invalid || y.Row.Relfilenode == oid.Invalid {
		return pgerr.NotYet("swapping the files of relations %d and %d", a, b)
	}
	for _, o := range []oid.OID{a, b} {
		r, err := s.Relation(o)
		if err != nil {
			return err
		}
		r.Moved()
	}
	p, q := x.Row, y.Row
	p.Relfilenode, q.Relfilenode = q.Relfilenode, p.Relfilenode
	p.Reltablespace, q.Reltablespace = q.Reltablespace, p.Reltablespace
	p.Relam, q.Relam = q.Relam, p.Relam
	p.Relpersistence, q.Relpersistence = q.Relpersistence, p.Relpersistence
	p.Reltoastrelid, q.Reltoastrelid = q.Reltoastrelid, p.Reltoastrelid
	p.Relpages, q.Relpages = q.Relpages, p.Relpages
	p.Reltuples, q.Reltuples = q.Reltuples, p.Reltuples
	p.Relallvisible, q.Relallvisible = q.Relallvisible, p.Relallvisible
	p.Relfrozenxid, p.Relminmxid = q.Relfrozenxid, q.Relminmxid
	if err := s.Update(x.TID, p); err != nil {
		return err
	}
	if err := s.Update(y.TID, q); err != nil {
		return err
	}
	for _, m := range [2][3]oid.OID{{p.Reltoastrelid, b, a}, {q.Reltoastrelid, a, b}} {
		if err := s.moveToast(m[0], m[1], m[2]); err != nil {
			return err
		}
	}
	return s.CommandCounterIncrement()
}

// moveToast lets a TOAST table depend on another table than before.
func (s *Session) moveToast(toast, from, to oid.OID) error {
	if toast == oid.Invalid {
		return nil
	}
	deps, err := s.dependsOn(Object{oid.RelClass, toast, 0})
	if err != nil {
		return err
	}
	for _, d := range deps {
		if d.Row.Refclassid == oid.RelClass && d.Row.Refobjid == from {
			d.Row.Refobjid = to
			return s.Update(d.TID, d.Row)
		}
	}
	return nil
}

// RelationStats are the figures in pg_class that VACUUM, ANALYZE and CREATE
// INDEX measure. They are updated in place.
type RelationStats struct {
	Pages, AllVisible int32
	Tuples            float32
	HasIndex          bool
	FrozenXID         xid.XID // 0: unchanged
	MinMulti          xid.XID // 0: unchanged
}

// UpdateStats stores the figures of a relation.
func (s *Session) UpdateStats(rel oid.OID, st RelationStats) error {
	f, err := FindRow[rows.PgClass](s, Search{rows.AnumPgClassOid, datum.Int(int64(rel))})
	if err != nil {
		return err
	}
	if f == nil {
		return pgerr.New(pgerr.UndefinedTable, "relation with OID %d does not exist", rel)
	}
	c := *f.Row
	c.Relpages, c.Relallvisible, c.Reltuples, c.Relhasindex = st.Pages, st.AllVisible, st.Tuples, st.HasIndex
	if st.FrozenXID != 0 {
		c.Relfrozenxid = st.FrozenXID
	}
	if st.MinMulti != 0 {
		c.Relminmxid = st.MinMulti
	}
	return s.UpdateInPlace(f.TID, &c)
}

// CreateToastTable makes a TOAST table for rel if its columns need one and it
// has none.
func (s *Session) CreateToastTable(rel oid.OID) error {
	f, err := FindRow[rows.PgClass](s, Search{rows.AnumPgClassOid, datum.Int(int64(rel))})
	if err != nil || f == nil || f.Row.Reltoastrelid != oid.Invalid || f.Row.Relkind != 'r' && f.Row.Relkind != 'm' {
		return err
	}
	r, err := s.Relation(rel)
	if err != nil || !needsToast(r.Desc) {
		return err
	}
	c := f.Row
	name := toastName(rel)
	space := c.Reltablespace
	proto, index := &access.Relation{}, &access.Relation{}
	describeToast(proto, index)
	proto.Desc.Attrs[2].Storage = 'p'
	ns := oid.ToastNamespace
	if c.Relpersistence == 't' {
		ns = s.tempToast
	}
	toast, err := s.CreateRelation(NewRelation{Name: name, Namespace: ns, Tablespace: space, Kind: 't',
		Persistence: c.Relpersistence, Owner: c.Relowner, Columns: proto.Desc.Attrs})
	if err != nil {
		return err
	}
	tr, err := s.Relation(toast)
	if err != nil {
		return err
	}
	if _, err := s.CreateIndex(NewIndex{Table: tr, Name: name + "_index", Tablespace: space, AM: oid.BtreeAM, AttNums: []int16{1, 2},
		Names: []string{"chunk_id", "chunk_seq"}, KeyCols: 2, Opclasses: []oid.OID{1981, 1978}, Collations: []oid.OID{0, 0},
		Options: []int16{0, 0}, Unique: true, Primary: true, BuildEmpty: true}); err != nil {
		return err
	}
	c.Reltoastrelid = toast
	if err := s.Update(f.TID, c); err != nil {
		return err
	}
	if err := s.Depend(Object{oid.RelClass, toast, 0}, DependInternal, Object{oid.RelClass, rel, 0}); err != nil {
		return err
	}
	return s.CommandCounterIncrement()
}

// needsToast reports whether rows of d can be longer than the TOAST threshold.
func needsToast(d *access.TupleDesc) bool {
	size, unlimited, toastable := 0, false, false
	for i := range d.Attrs {
		a := &d.Attrs[i]
		if a.Dropped {
			continue
		}
		switch a.Align {
		case 'd':
			size = (size + 7) &^ 7
		case 'i':
			size = (size + 3) &^ 3
		case 's':
			size = (size + 1) &^ 1
		}
		if a.Len > 0 {
			size += int(a.Len)
			continue
		}
		n := maxLength(a)
		if n < 0 {
			unlimited = true
		}
		size += max(n, 0)
		toastable = toastable || a.Storage != 'p'
	}
	return toastable && (unlimited || page.MaxAlign(access.HeaderLen(len(d.Attrs), true))+page.MaxAlign(size) > 2032)
}

// maxLength is the length that the type modifier limits a column to; -1: none.
func maxLength(a *access.Attr) int {
	if a.TypMod < 0 {
		return -1
	}
	switch a.Type {
	case oid.Varchar, oid.Bpchar:
		return (int(a.TypMod)-4)*4 + 4
	case oid.Numeric:
		prec := int(uint32(a.TypMod-4)>>16) & 0xffff
		return (prec+6)/4*2 + 10
	case oid.Bit, oid.Varbit:
		return (int(a.TypMod)+7)/8 + 8
	}
	return -1
}

// CreateInitFork makes the init fork of an unlogged index that has a new file.
func (s *Session) CreateInitFork(index oid.OID) error {
	c, err := s.Class(index)
	if err != nil {
		return err
	}
	if c == nil {
		return pgerr.New(pgerr.UndefinedTable, "relation with OID %d does not exist", index)
	}
	return s.emptyIndex(&NewIndex{OID: index, AM: c.Relam}, c)
}
