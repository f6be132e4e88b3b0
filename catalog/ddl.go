package catalog

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// NewRelation is a table, sequence, view or TOAST table to be made.
type NewRelation struct {
	OID         oid.OID // 0: a new one
	Name        string
	Namespace   oid.OID
	Tablespace  oid.OID // 0: the database's
	Kind        byte    // rows.PgClass.Relkind
	Persistence byte
	Owner       oid.OID
	AM          oid.OID // 0: heap for kinds with rows
	Columns     []access.Attr
	Options     []string // reloptions, "name=value"
	OfType      oid.OID
	ACL         []rows.ACLItem
}

// Facts about pg_type rows: input and output functions and the like of composite
// and of array types. FROZEN.
const (
	recordIn, recordOut, recordRecv, recordSend oid.OID = 2290, 2291, 2402, 2403
	arrayIn, arrayOut, arrayRecv, arraySend     oid.OID = 750, 751, 2400, 2401
	arraySubscript, arrayAnalyze                oid.OID = 6179, 3816

	maxName = 63
)

// hasRowType reports whether relations of a kind have a composite type.
func hasRowType(kind byte) bool {
	switch kind {
	case 'S', 't', 'i', 'I':
		return false
	}
	return true
}

func hasTuples(kind byte) bool { return kind == 'r' || kind == 't' || kind == 'm' }

// CreateRelation makes the rows and the storage of a relation: pg_class,
// pg_attribute, the row type and its array type, pg_depend, and the TOAST table
// when a column needs one. Messages are PostgreSQL's (42P07, 42701 …).
func (s *Session) CreateRelation(n NewRelation) (oid.OID, error) {
	if err := s.checkNew(&n); err != nil {
		return 0, err
	}
	var err error
	if n.OID == oid.Invalid {
		if n.OID, err = s.newFilenode(n.Tablespace, n.Persistence, true); err != nil {
			return 0, err
		}
	}
	if err := s.lockNew(n.OID); err != nil {
		return 0, err
	}
	c := s.classRow(&n)
	if hasRowType(n.Kind) {
		if c.Reltype, err = s.createRowType(&n); err != nil {
			return 0, err
		}
	}
	if _, err := s.Insert(c); err != nil {
		return 0, err
	}
	for i := range n.Columns {
		if err := s.insertColumn(n.OID, &n.Columns[i], int16(i+1)); err != nil {
			return 0, err
		}
	}
	if n.Kind != 'v' && n.Kind != 'c' && n.Kind != 'i' {
		if err := s.systemColumns(n.OID); err != nil {
			return 0, err
		}
	}
	if err := s.relationDepends(&n, c); err != nil {
		return 0, err
	}
	if hasStorage(n.Kind) {
		if err := s.createStorage(c); err != nil {
			return 0, err
		}
	}
	if err := s.CommandCounterIncrement(); err != nil {
		return 0, err
	}
	if n.Kind == 'r' || n.Kind == 'm' {
		err = s.CreateToastTable(n.OID)
	}
	return n.OID, err
}

// checkNew refuses names that are taken.
func (s *Session) checkNew(n *NewRelation) error {
	old, err := s.ClassByName(n.Name, n.Namespace)
	if err != nil {
		return err
	}
	if old != nil {
		return pgerr.New(pgerr.DuplicateTable, "relation %q already exists", n.Name)
	}
	seen := map[string]bool{}
	for i := range n.Columns {
		name := n.Columns[i].Name
		if hasSystemColumns(n.Kind) && isSystemColumn(name) {
			return pgerr.New(pgerr.DuplicateColumn, "column name %q conflicts with a system column name", name)
		}
		if seen[name] {
			return pgerr.New(pgerr.DuplicateColumn, "column %q specified more than once", name)
		}
		seen[name] = true
	}
	if len(n.Columns) > 1600 {
		return pgerr.New(pgerr.TooManyColumns, "tables can have at most 1600 columns")
	}
	if !hasRowType(n.Kind) {
		return nil
	}
	t, err := s.TypeByName(n.Name, n.Namespace)
	if err != nil || t == nil {
		return err
	}
	return pgerr.New(pgerr.DuplicateObject, "type %q already exists", n.Name).
		WithHint("A relation has an associated type of the same name, so you must use a name that doesn't conflict with any existing type.")
}

func hasSystemColumns(kind byte) bool { return kind != 'v' && kind != 'c' && kind != 'i' }

func isSystemColumn(name string) bool {
	switch name {
	case "ctid", "xmin", "cmin", "xmax", "cmax", "tableoid":
		return true
	}
	return false
}

// lockNew locks what nobody else can see yet, for those who will.
func (s *Session) lockNew(rel oid.OID) error {
	return s.tx.LockRelation(s.ctx, s.opt.Database, rel, lmgr.AccessExclusive)
}

// classRow is the pg_class row of n.
func (s *Session) classRow(n *NewRelation) *rows.PgClass {
	c := &rows.PgClass{Oid: n.OID, Relname: n.Name, Relnamespace: n.Namespace, Reloftype: n.OfType, Relowner: n.Owner, Relam: n.AM,
		Reltablespace: n.Tablespace, Reltuples: -1, Relpersistence: n.Persistence, Relkind: n.Kind, Relnatts: int16(len(n.Columns)),
		Relispopulated: true, Relreplident: 'n', Relacl: n.ACL, Reloptions: n.Options}
	if n.Tablespace == s.opt.Tablespace {
		c.Reltablespace = oid.Invalid
	}
	if n.Kind == 'r' || n.Kind == 'm' || n.Kind == 'p' {
		c.Relreplident = 'd'
	}
	if hasStorage(n.Kind) {
		c.Relfilenode = n.OID
	}
	if hasTuples(n.Kind) {
		if c.Relam == oid.Invalid {
			c.Relam = oid.HeapAM
		}
		c.Relfrozenxid = s.tx.LatestSnapshot().Xmin
		c.Relminmxid = xidOf(s.tx.Manager().OldestMulti())
	}
	return c
}

// createRowType makes the composite type of a relation and its array type.
func (s *Session) createRowType(n *NewRelation) (oid.OID, error) {
	typ, err := s.NewOID(oid.RelType)
	if err != nil {
		return 0, err
	}
	t := &rows.PgType{Oid: typ, Typname: n.Name, Typnamespace: n.Namespace, Typowner: n.Owner, Typlen: -1, Typtype: 'c',
		Typcategory: 'C', Typisdefined: true, Typdelim: ',', Typrelid: n.OID, Typinput: recordIn, Typoutput: recordOut,
		Typreceive: recordRecv, Typsend: recordSend, Typalign: 'd', Typstorage: 'x', Typtypmod: -1}
	if n.Kind == 'c' { // the relation is a part of the type, not the other way round
		if err := s.CreateType(t, true, Object{}); err != nil {
			return 0, err
		}
		return typ, s.Depend(Object{oid.RelClass, n.OID, 0}, DependInternal, Object{oid.RelType, typ, 0})
	}
	return typ, s.CreateType(t, true, Object{oid.RelClass, n.OID, 0})
}

// CreateType makes a type's row, with withArray its array type too, and their
// dependencies. owner is what the type is a part of, or the zero Object.
func (s *Session) CreateType(t *rows.PgType, withArray bool, owner Object) error {
	self := Object{oid.RelType, t.Oid, 0}
	if withArray {
		a, err := s.arrayType(t)
		if err != nil {
			return err
		}
		t.Typarray = a.Oid
		if _, err := s.Insert(t); err != nil {
			return err
		}
		if _, err := s.Insert(a); err != nil {
			return err
		}
		if err := s.Depend(Object{oid.RelType, a.Oid, 0}, DependInternal, self); err != nil {
			return err
		}
	} else if _, err := s.Insert(t); err != nil {
		return err
	}
	if owner != (Object{}) {
		if t.Typtype == 'c' {
			if cl, err := s.Class(owner.ID); err != nil || cl != nil && cl.Relkind == 'c' {
				if err != nil {
					return err
				}
				return s.Depend(owner, DependInternal, self)
			}
		}
		return s.Depend(self, DependInternal, owner)
	}
	if err := s.Depend(self, DependNormal, Object{oid.RelNamespace, t.Typnamespace, 0}); err != nil {
		return err
	}
	return s.DependOwner(self, t.Typowner)
}

// arrayType is the row of the array type of t, under a name that is free.
func (s *Session) arrayType(t *rows.PgType) (*rows.PgType, error) {
	o, err := s.NewOID(oid.RelType)
	if err != nil {
		return nil, err
	}
	name := t.Typname
	for {
		name = truncateName("_" + name)
		old, err := s.TypeByName(name, t.Typnamespace)
		if err != nil {
			return nil, err
		}
		if old == nil {
			break
		}
		if len(name) >= maxName {
			return nil, pgerr.New(pgerr.DuplicateObject, "could not form array type name for type %q", t.Typname)
		}
	}
	align := byte('i')
	if t.Typalign == 'd' {
		align = 'd'
	}
	return &rows.PgType{Oid: o, Typname: name, Typnamespace: t.Typnamespace, Typowner: t.Typowner, Typlen: -1, Typtype: 'b',
		Typcategory: 'A', Typisdefined: true, Typdelim: t.Typdelim, Typsubscript: arraySubscript, Typelem: t.Oid,
		Typinput: arrayIn, Typoutput: arrayOut, Typreceive: arrayRecv, Typsend: arraySend, Typmodin: t.Typmodin, Typmodout: t.Typmodout,
		Typanalyze: arrayAnalyze, Typalign: align, Typstorage: 'x', Typtypmod: -1, Typcollation: t.Typcollation}, nil
}

// truncateName cuts a name to 63 bytes at a character's start.
func truncateName(n string) string {
	if len(n) <= maxName {
		return n
	}
	end := maxName
	for end > 0 && n[end]&0xC0 == 0x80 {
		end--
	}
	return n[:end]
}

// columnRow is the pg_attribute row of a column.
func columnRow(rel oid.OID, a *access.Attr, num int16) *rows.PgAttribute {
	return &rows.PgAttribute{Attrelid: rel, Attname: a.Name, Atttypid: a.Type, Attstattarget: a.StatTarget, Attlen: a.Len, Attnum: num,
		Attndims: a.NDims, Attcacheoff: -1, Atttypmod: a.TypMod, Attbyval: a.ByVal, Attalign: a.Align, Attstorage: a.Storage,
		Attcompression: a.Compression, Attnotnull: a.NotNull, Atthasdef: a.HasDef, Atthasmissing: a.HasMissing, Attidentity: a.Identity,
		Attgenerated: a.Generated, Attisdropped: a.Dropped, Attislocal: a.IsLocal, Attinhcount: a.InhCount, Attcollation: a.Collation,
		Attmissingval: nullDatum()}
}

// insertColumn makes a column's row and records what it depends on.
func (s *Session) insertColumn(rel oid.OID, a *access.Attr, num int16) error {
	if _, err := s.Insert(columnRow(rel, a, num)); err != nil {
		return err
	}
	self := Object{oid.RelClass, rel, int32(num)}
	refs := []Object{{oid.RelType, a.Type, 0}}
	if a.Collation != oid.Invalid && a.Collation != oid.DefaultCollation {
		refs = append(refs, Object{oid.RelCollation, a.Collation, 0})
	}
	return s.Depend(self, DependNormal, refs...)
}

// systemColumns makes the rows of the columns that every table has.
func (s *Session) systemColumns(rel oid.OID) error {
	for _, a := range []struct {
		num  int16
		name string
		typ  oid.OID
		ln   int16
		val  bool
		al   byte
	}{{-1, "ctid", oid.Tid, 6, false, 's'}, {-2, "xmin", oid.Xid, 4, true, 'i'}, {-3, "cmin", oid.Cid, 4, true, 'i'},
		{-4, "xmax", oid.Xid, 4, true, 'i'}, {-5, "cmax", oid.Cid, 4, true, 'i'}, {-6, "tableoid", oid.Oid, 4, true, 'i'}} {
		r := columnRow(rel, &access.Attr{Name: a.name, Type: a.typ, Len: a.ln, ByVal: a.val, Align: a.al, Storage: 'p', NotNull: true, TypMod: -1, IsLocal: true}, a.num)
		if _, err := s.Insert(r); err != nil {
			return err
		}
	}
	return nil
}

// relationDepends records what a new relation depends on: its schema, its owner,
// its access method, its type.
func (s *Session) relationDepends(n *NewRelation, c *rows.PgClass) error {
	self := Object{oid.RelClass, n.OID, 0}
	if n.Kind == 't' || n.Kind == 'i' {
		return nil // an internal part of its table
	}
	if n.Kind == 'c' {
		return nil // the composite type stands for it
	}
	refs := []Object{{oid.RelNamespace, n.Namespace, 0}}
	if n.OfType != oid.Invalid {
		refs = append(refs, Object{oid.RelType, n.OfType, 0})
	}
	if c.Relam != oid.Invalid {
		refs = append(refs, Object{oid.RelAm, c.Relam, 0})
	}
	if err := s.Depend(self, DependNormal, refs...); err != nil {
		return err
	}
	return s.DependOwner(self, n.Owner)
}

// CreateNamespace makes a schema.
func (s *Session) CreateNamespace(name string, owner oid.OID) (oid.OID, error) {
	old, err := s.NamespaceByName(name)
	if err != nil {
		return 0, err
	}
	if old != nil {
		return 0, pgerr.New(pgerr.DuplicateSchema, "schema %q already exists", name)
	}
	o, err := s.NewOID(oid.RelNamespace)
	if err != nil {
		return 0, err
	}
	if _, err := s.Insert(&rows.PgNamespace{Oid: o, Nspname: name, Nspowner: owner}); err != nil {
		return 0, err
	}
	if err := s.DependOwner(Object{oid.RelNamespace, o, 0}, owner); err != nil {
		return 0, err
	}
	return o, s.CommandCounterIncrement()
}
