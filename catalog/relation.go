package catalog

import (
	"strconv"
	"strings"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/catalog/relmap"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/cmp"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
)

// staticCompare is support function 1 by the type of a catalog's column. constant
var staticCompare = map[oid.OID]string{
	oid.Oid: "btoidcmp", oid.Name: "btnamecmp", oid.Int2: "btint2cmp", oid.Int4: "btint4cmp", oid.Int8: "btint8cmp",
	oid.Char: "btcharcmp", oid.Bool: "btboolcmp", oid.Text: "bttextcmp", oid.OidVector: "btoidvectorcmp",
	oid.RegProc: "btoidcmp", oid.Float4: "btfloat4cmp",
}

// staticRelations describes every catalog and its indexes as package rows has
// them, so that catalogs can be read before any catalog was read. They lack only
// their files.
func staticRelations(o Options) map[oid.OID]*access.Relation {
	out := map[oid.OID]*access.Relation{}
	for i := range rows.Catalogs() {
		c := &rows.Catalogs()[i]
		d := &access.TupleDesc{TypeID: c.RowType, TypMod: -1}
		for n, col := range c.Columns() {
			t, _ := rows.FindType(col.Type)
			d.Attrs = append(d.Attrs, access.Attr{Name: col.Name, Type: col.Type, Len: t.Len, ByVal: t.ByVal, Align: t.Align,
				Storage: t.Storage, NotNull: col.NotNull, TypMod: -1, Collation: col.Collation, Num: int16(n + 1), IsLocal: true, StatTarget: -1})
		}
		r := baseRelation(o)
		r.OID, r.Name, r.Kind, r.Desc, r.Shared, r.AM = c.OID, c.Name, 'r', d, c.Shared, oid.HeapAM
		r.ToastOID = c.Toast
		r.HotBlocking = make([]bool, len(d.Attrs))
		out[c.OID] = r
	}
	for i := range rows.Indexes() {
		ix := &rows.Indexes()[i]
		t := out[ix.Table]
		r := baseRelation(o)
		r.OID, r.Name, r.Kind, r.Shared, r.AM, r.HotBlocking = ix.OID, ix.Name, 'i', t.Shared, oid.BtreeAM, nil
		r.Desc = &access.TupleDesc{TypeID: oid.Record, TypMod: -1}
		r.Index = &access.IndexInfo{Heap: ix.Table, Unique: ix.Unique, Primary: ix.Primary, Immediate: true, Valid: true, Ready: true,
			KeyCols: len(ix.Key), AttNums: ix.Key, OpClass: ix.Opclass, OpFamily: ix.Opfamily, Collations: ix.Collation,
			Options: make([]int16, len(ix.Key)), EqualImage: true}
		for n, att := range ix.Key {
			a := t.Desc.Attrs[att-1]
			f, ok := cmp.ByProc(staticCompare[a.Type])
			if !ok {
				panic("catalog: no comparison for a column of index " + ix.Name)
			}
			r.Index.Compare = append(r.Index.Compare, access.CompareFunc(f))
			r.Index.OpcInType = append(r.Index.OpcInType, a.Type)
			r.Index.EqualImage = r.Index.EqualImage && a.Type != oid.Float4
			if a.Type == oid.Name { // name_ops stores its key as a cstring
				a.Type, a.Len, a.ByVal, a.Align, a.Storage = oid.Cstring, -2, false, 'c', 'p'
			}
			a.Num = int16(n + 1)
			r.Desc.Attrs = append(r.Desc.Attrs, a)
			t.HotBlocking[att-1] = true
		}
		out[ix.OID] = r
	}
	return out
}

// baseRelation is what catalogs have in common.
func baseRelation(o Options) *access.Relation {
	return &access.Relation{Namespace: oid.CatalogNamespace, Backend: -1, Persistence: 'p', IsCatalog: true, Sys: o.Sys, Pool: o.Pool}
}

// mapped reads a database's relation map; 0 is the shared one.
func (s *Server) mapped(db oid.OID) (*relmap.Map, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.mu.maps[db]; m != nil {
		return m, nil
	}
	dir := "global"
	if db != oid.Invalid {
		dir = "base/" + strconv.FormatUint(uint64(db), 10)
	}
	m, err := relmap.Read(s.opt.FS, dir)
	if err == nil {
		s.mu.maps[db] = m
	}
	return m, err
}

// node finds the file of a relation: filenode is pg_class's, 0 for mapped ones.
func (s *Session) node(rel, filenode, tablespace oid.OID, shared bool) (page.RelFileNode, error) {
	n := page.RelFileNode{Spc: tablespace, DB: s.opt.Database, Rel: filenode}
	if n.Spc == oid.Invalid {
		n.Spc = s.opt.Tablespace
	}
	if shared {
		n.Spc, n.DB = oid.GlobalTablespace, oid.Invalid
	}
	if filenode == oid.Invalid {
		m, err := s.srv.mapped(n.DB)
		if err != nil {
			return n, err
		}
		if n.Rel = m.Lookup(rel); n.Rel == oid.Invalid {
			return n, pgerr.New(pgerr.InternalError, "could not find relation mapping for relation with OID %d", rel)
		}
	}
	return n, nil
}

// buildRelation reads the description of a relation. nil, nil: there is none.
func (s *Session) buildRelation(o oid.OID) (*relEntry, error) {
	if st, ok := s.srv.static[o]; ok {
		return s.buildStatic(st)
	}
	c, err := s.Class(o)
	if err != nil || c == nil {
		return nil, err
	}
	r := &access.Relation{OID: o, Name: c.Relname, Namespace: c.Relnamespace, Backend: -1, Kind: c.Relkind,
		Persistence: c.Relpersistence, AM: c.Relam, ToastOID: c.Reltoastrelid, Shared: c.Relisshared,
		IsCatalog:   o < oid.FirstNormal && (c.Relnamespace == oid.CatalogNamespace || c.Relnamespace == oid.ToastNamespace),
		Unpopulated: c.Relkind == 'm' && !c.Relispopulated,
		Sys:         s.srv.opt.Sys, Pool: s.srv.opt.Pool}
	r.FillFactor = intOption(c.Reloptions, "fillfactor")
	r.ToastTarget = intOption(c.Reloptions, "toast_tuple_target")
	if hasStorage(c.Relkind) {
		if r.Node, err = s.node(o, c.Relfilenode, c.Reltablespace, c.Relisshared); err != nil {
			return nil, err
		}
		if r.Persistence == 'u' {
			r.Pool.SetUnlogged(r.Node) // before any page of it is read
		}
	}
	if err := s.ownPool(r); err != nil {
		return nil, err
	}
	if r.Desc, err = s.tupleDesc(c); err != nil {
		return nil, err
	}
	e := &relEntry{rel: r}
	if c.Relkind == 'i' {
		err = s.indexInfo(r)
	} else if hasStorage(c.Relkind) {
		if err = s.tableInfo(r, c); err == nil {
			err = s.toastOf(e)
		}
	}
	return e, err
}

// ownPool gives a temporary relation of this session its local buffers.
func (s *Session) ownPool(r *access.Relation) error {
	if !r.IsTemp() {
		return nil
	}
	if s.opt.LocalPool == nil || r.Namespace != s.tempSpace && r.Namespace != s.tempToast {
		return pgerr.New(pgerr.FeatureNotSupported, "cannot access temporary tables of other sessions")
	}
	p, err := s.opt.LocalPool()
	if err != nil {
		return err
	}
	r.Pool, r.Backend = p, s.opt.Backend
	return nil
}

func hasStorage(kind byte) bool {
	switch kind {
	case 'r', 'i', 't', 'm', 'S':
		return true
	}
	return false
}

// buildStatic completes a catalog with its file.
func (s *Session) buildStatic(st *access.Relation) (*relEntry, error) {
	r := *st
	var filenode, space oid.OID
	if !isMapped(st) {
		c, err := s.Class(st.OID)
		if err != nil {
			return nil, err
		}
		if c == nil {
			return nil, pgerr.New(pgerr.DataCorrupted, "pg_class has no row for %q", st.Name)
		}
		filenode, space = c.Relfilenode, c.Reltablespace
	}
	var err error
	if r.Node, err = s.node(r.OID, filenode, space, r.Shared); err != nil {
		return nil, err
	}
	e := &relEntry{rel: &r}
	if r.Kind == 'r' && r.ToastOID != oid.Invalid {
		err = s.catalogToastOf(e)
	}
	return e, err
}

// catalogToastOf gives a catalog its TOAST table. pg_class has none, so this ends.
func (s *Session) catalogToastOf(e *relEntry) error {
	c, _ := rows.FindCatalog(e.rel.OID)
	e.deps = [2]oid.OID{c.Toast, c.ToastIndex}
	toast, index, err := s.catalogToast(c, e.rel)
	e.rel.Toast = func() (*access.Relation, *access.Relation, error) { return toast, index, nil }
	return err
}

// catalogToast describes the TOAST table of a mapped or of any other catalog.
func (s *Session) catalogToast(c *rows.Catalog, parent *access.Relation) (toast, index *access.Relation, err error) {
	toast, index = baseRelation(s.srv.opt), baseRelation(s.srv.opt)
	var nodes [2]page.RelFileNode
	for i, o := range [2]oid.OID{c.Toast, c.ToastIndex} {
		var file, space oid.OID
		if !c.Mapped {
			cl, err := s.Class(o)
			if err != nil {
				return nil, nil, err
			}
			if cl == nil {
				return nil, nil, pgerr.New(pgerr.DataCorrupted, "pg_class has no row for relation %d", o)
			}
			file, space = cl.Relfilenode, cl.Reltablespace
		}
		if nodes[i], err = s.node(o, file, space, c.Shared); err != nil {
			return nil, nil, err
		}
	}
	name := "pg_toast_" + strconv.FormatUint(uint64(c.OID), 10)
	toast.OID, toast.Name, toast.Kind, toast.AM = c.Toast, name, 't', oid.HeapAM
	index.OID, index.Name, index.Kind, index.AM = c.ToastIndex, name+"_index", 'i', oid.BtreeAM
	for i, r := range [2]*access.Relation{toast, index} {
		r.Node, r.Shared, r.Namespace, r.Pool = nodes[i], c.Shared, oid.ToastNamespace, parent.Pool
	}
	describeToast(toast, index)
	return toast, index, nil
}

// describeToast fills in the columns that every TOAST table and its index have.
func describeToast(toast, index *access.Relation) {
	attr := func(n int16, name string, typ oid.OID, byVal bool, ln int16) access.Attr {
		return access.Attr{Name: name, Type: typ, Len: ln, ByVal: byVal, Align: 'i', Storage: 'p', TypMod: -1, Num: n, IsLocal: true, StatTarget: -1}
	}
	cols := []access.Attr{attr(1, "chunk_id", oid.Oid, true, 4), attr(2, "chunk_seq", oid.Int4, true, 4), attr(3, "chunk_data", oid.Bytea, false, -1)}
	toast.Desc = &access.TupleDesc{Attrs: cols, TypMod: -1}
	toast.HotBlocking = []bool{true, true, false}
	index.Desc = &access.TupleDesc{Attrs: cols[:2:2], TypeID: oid.Record, TypMod: -1}
	oidCmp, _ := cmp.ByProc("btoidcmp")
	intCmp, _ := cmp.ByProc("btint4cmp")
	index.Index = &access.IndexInfo{Heap: toast.OID, Unique: true, Primary: true, Immediate: true, Valid: true, Ready: true, KeyCols: 2,
		AttNums: []int16{1, 2}, OpClass: []oid.OID{1981, 1978}, OpFamily: []oid.OID{1989, 1976}, OpcInType: []oid.OID{oid.Oid, oid.Int4},
		Collations: []oid.OID{0, 0}, Options: []int16{0, 0}, Compare: []access.CompareFunc{access.CompareFunc(oidCmp), access.CompareFunc(intCmp)}, EqualImage: true}
}

func isMapped(r *access.Relation) bool {
	if r.Kind == 'i' {
		ix, _ := rows.FindIndex(r.OID)
		return ix.Mapped
	}
	c, _ := rows.FindCatalog(r.OID)
	return c.Mapped
}

// tupleDesc reads the columns of a relation.
func (s *Session) tupleDesc(c *rows.PgClass) (*access.TupleDesc, error) {
	atts, err := s.Attributes(c.Oid)
	if err != nil {
		return nil, err
	}
	if len(atts) != int(c.Relnatts) {
		return nil, pgerr.New(pgerr.DataCorrupted, "pg_attribute has %d columns of relation %q instead of %d", len(atts), c.Relname, c.Relnatts)
	}
	d := &access.TupleDesc{TypeID: c.Reltype, TypMod: -1, Attrs: make([]access.Attr, len(atts))}
	if d.TypeID == oid.Invalid {
		d.TypeID = oid.Record
	}
	for i, a := range atts {
		at := attrOf(a)
		if !a.Attisdropped {
			if at.BaseType, err = s.baseType(a.Atttypid); err != nil {
				return nil, err
			}
		}
		if a.Atthasmissing && !a.Attmissingval.Null {
			if at.Missing, err = missingValue(a); err != nil {
				return nil, err
			}
		}
		d.Attrs[i] = at
	}
	return d, nil
}

// attrOf turns a row into a column.
func attrOf(a *rows.PgAttribute) access.Attr {
	return access.Attr{Name: a.Attname, Type: a.Atttypid, Len: a.Attlen, ByVal: a.Attbyval, Align: a.Attalign, Storage: a.Attstorage,
		Compression: a.Attcompression, NotNull: a.Attnotnull, HasDef: a.Atthasdef, HasMissing: a.Atthasmissing,
		Identity: a.Attidentity, Generated: a.Attgenerated, Dropped: a.Attisdropped, IsLocal: a.Attislocal, InhCount: a.Attinhcount,
		NDims: a.Attndims, TypMod: a.Atttypmod, StatTarget: a.Attstattarget, Collation: a.Attcollation, Num: a.Attnum}
}

// baseType is the type below a domain, or 0 for other types.
func (s *Session) baseType(typ oid.OID) (oid.OID, error) {
	if typ < oid.FirstUnpinned { // no domain is built in
		return oid.Invalid, nil
	}
	var base oid.OID
	for range 100 {
		t, err := s.Type(typ)
		if err != nil || t == nil || t.Typtype != 'd' {
			return base, err
		}
		base, typ = t.Typbasetype, t.Typbasetype
	}
	return base, nil
}

// missingValue takes the only element out of attmissingval.
func missingValue(a *rows.PgAttribute) (*datum.Datum, error) {
	v, err := firstElement(a.Attmissingval.Bytes, a.Attlen, a.Attbyval, a.Attalign)
	if err != nil {
		return nil, err
	}
	v = v.Clone()
	return &v, nil
}

// intOption reads a number among reloptions; 0 if it is not there.
func intOption(options []string, name string) int {
	for _, o := range options {
		if k, v, ok := strings.Cut(o, "="); ok && k == name {
			if n, err := strconv.Atoi(v); err == nil {
				return n
			}
		}
	}
	return 0
}
