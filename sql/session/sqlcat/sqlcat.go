// Package sqlcat serves the planner, the executor and the conversions of types
// from the catalog caches of a session.
//
// What it computes is kept as long as the session's catalog generation stays the
// same, so that a hot statement asks the caches once.
//
// INV-SQLCAT-1: nothing kept outlives the catalog generation that it was read at.
// Enforced: Catalog.fresh. Tested: TestPlanSeesDDL.
package sqlcat

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/analyze/syscat"
	"github.com/pgmini/pgmini/sql/builtin"
	"github.com/pgmini/pgmini/sql/exec"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/plan"
	"github.com/pgmini/pgmini/sql/ruleutils"
	"github.com/pgmini/pgmini/sql/types"
)

const internalLanguage oid.OID = 12

// Catalog answers for one session. It serves one goroutine.
type Catalog struct {
	S   *catalog.Session
	Env *builtin.Env
	// Names is used for the search path and for analysis.
	Names *syscat.Catalog
	// Eval computes an expression without variables; Known is the value of an
	// external parameter while a statement is being planned.
	Eval  func(e node.Node) (datum.Datum, error)
	Known []datum.Datum
	// TempSchema is the session's temporary schema, or Invalid.
	TempSchema oid.OID

	// Epoch counts transactions: the catalogs as a transaction changed them are
	// another one's at the same generation.
	Epoch uint64

	gen, epoch uint64
	filled     bool
	types      map[oid.OID]types.TypeInfo
	funcs      map[oid.OID]*function
	rels       map[oid.OID]*relation

	records []*access.TupleDesc // blessed row types by typmod
}

// function is a row of pg_proc with its code.
type function struct {
	row  *rows.PgProc
	impl *builtin.Func
	// bodies of a function in language SQL by argument types
	bodies map[string]*plan.SQLFunc
}

// relation is what planning and writing derive from a relation's rows.
type relation struct {
	rel     *access.Relation
	indexes []*exec.IndexState
	idxDone bool
	checks  []exec.Check
	chkDone bool
	gen     map[int]node.Node
	genDone bool
	defs    map[int]node.Node

	writeErr  error
	writeDone bool
}

// fresh drops what was read at another generation.
func (c *Catalog) fresh() {
	g := c.S.Generation()
	if c.filled && g == c.gen && (g>>63 == 0 || c.epoch == c.Epoch) {
		return
	}
	c.gen, c.epoch, c.filled = g, c.Epoch, true
	c.types = map[oid.OID]types.TypeInfo{}
	c.funcs = map[oid.OID]*function{}
	c.rels = map[oid.OID]*relation{}
}

// Exec is the executor's view.
func (c *Catalog) Exec() exec.Catalog { return execCatalog{c} }

// Plan is the planner's view.
func (c *Catalog) Plan() plan.Catalog { return planCatalog{c} }

// Type finds a type. It is part of all views.
func (c *Catalog) Type(t oid.OID) (types.TypeInfo, bool) {
	if t < oid.FirstNormal {
		if ti, ok := types.BuiltIn(t); ok {
			return ti, true
		}
	}
	c.fresh()
	if ti, ok := c.types[t]; ok {
		return ti, ti.OID != 0
	}
	ti, ok := c.readType(t)
	c.types[t] = ti
	return ti, ok
}

func (c *Catalog) readType(t oid.OID) (types.TypeInfo, bool) {
	r, err := c.S.Type(t)
	if err != nil || r == nil {
		return types.TypeInfo{}, false
	}
	ti := types.TypeInfo{OID: t, Name: r.Typname, Len: r.Typlen, ByVal: r.Typbyval, Align: r.Typalign, Storage: r.Typstorage,
		Delim: r.Typdelim, Type: r.Typtype, Category: r.Typcategory, Elem: r.Typelem, Array: r.Typarray, Base: r.Typbasetype,
		Rel: r.Typrelid, TypMod: r.Typtypmod, Collation: r.Typcollation, In: c.src(r.Typinput), Out: c.src(r.Typoutput),
		Recv: c.src(r.Typreceive), Send: c.src(r.Typsend), ModIn: c.src(r.Typmodin), ModOut: c.src(r.Typmodout),
		Subscript: c.src(r.Typsubscript), Schema: c.SchemaName(r.Typnamespace)}
	ti.Visible = c.typeVisible(r)
	return ti, true
}

// src is prosrc of a function, "" for none.
func (c *Catalog) src(f oid.OID) string {
	if f == 0 {
		return ""
	}
	p, err := c.S.Proc(f)
	if err != nil || p == nil {
		return ""
	}
	return p.Prosrc
}

// SchemaName is the name of a schema.
func (c *Catalog) SchemaName(o oid.OID) string {
	n, err := c.S.Namespace(o)
	if err != nil || n == nil {
		return ""
	}
	return n.Nspname
}

// function finds a function by OID.
func (c *Catalog) function(f oid.OID) (*function, error) {
	c.fresh()
	if fn := c.funcs[f]; fn != nil {
		return fn, nil
	}
	p, err := c.S.Proc(f)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, pgerr.New(pgerr.UndefinedFunction, "function with OID %d does not exist", f)
	}
	fn := &function{row: p}
	if impl := c.description(p); impl != nil {
		fn.impl = impl
	} else if impl, ok := builtin.Lookup(p.Prosrc); ok && p.Prolang == internalLanguage {
		fn.impl = impl
	} else if impl, ok := builtin.LookupSQL(f); ok && p.Prolang != internalLanguage && f < oid.FirstNormal {
		fn.impl = impl
	} else if impl, ok := builtin.Lookup(p.Proname); ok && p.Prolang != internalLanguage && f < oid.FirstNormal {
		fn.impl = impl
	}
	c.funcs[f] = fn
	return fn, nil
}

// Func finds the code of a function, for functions that call functions.
func (c *Catalog) Func(f oid.OID) (*builtin.Func, bool) {
	fn, err := c.function(f)
	if err != nil || fn.impl == nil {
		return nil, false
	}
	return fn.impl, true
}

// RowDesc is the descriptor of a composite type or of a blessed record.
func (c *Catalog) RowDesc(t oid.OID, typmod int32) (*access.TupleDesc, error) {
	if t == oid.Record {
		if typmod >= 0 && int(typmod) < len(c.records) {
			return c.records[typmod], nil
		}
		return nil, pgerr.New(pgerr.WrongObjectType, "record type has not been registered")
	}
	ti, ok := c.Type(t)
	if ok && ti.Type == 'd' {
		return c.RowDesc(ti.Base, -1)
	}
	if !ok || ti.Rel == 0 {
		return nil, pgerr.New(pgerr.WrongObjectType, "type %s is not composite", c.Env.FormatType(t, -1))
	}
	rel, err := c.S.Relation(ti.Rel)
	if err != nil {
		return nil, err
	}
	if rel == nil {
		return nil, pgerr.New(pgerr.UndefinedTable, "could not open relation with OID %d", ti.Rel)
	}
	return rel.Desc, nil
}

// maxRecords bounds the registry of anonymous row types; beyond it equal ones
// are still found.
const maxRecords = 1 << 16

// Bless registers an anonymous row type.
func (c *Catalog) Bless(d *access.TupleDesc) *access.TupleDesc {
	if d.TypeID != oid.Record || d.TypMod >= 0 && int(d.TypMod) < len(c.records) && c.records[d.TypMod] == d {
		return d
	}
	for _, r := range c.records {
		if sameRow(r, d) {
			return r
		}
	}
	cp := *d
	if len(c.records) >= maxRecords {
		c.records = c.records[:0]
	}
	cp.TypMod = int32(len(c.records))
	c.records = append(c.records, &cp)
	return &cp
}

// RecordType is part of types.RecordTypes.
func (c *Catalog) RecordType(cols []types.Column) int32 {
	d := &access.TupleDesc{TypeID: oid.Record, TypMod: -1}
	for i, col := range cols {
		ti, ok := c.Type(col.Type)
		if !ok {
			return -1
		}
		d.Attrs = append(d.Attrs, access.Attr{Name: col.Name, Type: col.Type, TypMod: col.TypMod, Num: int16(i + 1), Len: ti.Len, ByVal: ti.ByVal,
			Align: ti.Align, Storage: ti.Storage})
	}
	return c.Bless(d).TypMod
}

func sameRow(a, b *access.TupleDesc) bool {
	if len(a.Attrs) != len(b.Attrs) {
		return false
	}
	for i := range a.Attrs {
		x, y := &a.Attrs[i], &b.Attrs[i]
		if x.Name != y.Name || x.Type != y.Type || x.TypMod != y.TypMod || x.Collation != y.Collation || x.Dropped != y.Dropped {
			return false
		}
	}
	return true
}

// relationOf keeps derived facts of a relation.
func (c *Catalog) relationOf(rel *access.Relation) *relation {
	c.fresh()
	r := c.rels[rel.OID]
	if r == nil || r.rel != rel {
		r = &relation{rel: rel}
		c.rels[rel.OID] = r
	}
	return r
}

// readList reads a stored list of expressions; "" is none.
func readList(text string) ([]node.Node, error) {
	if text == "" {
		return nil, nil
	}
	n, err := node.Read(text)
	if err != nil {
		return nil, err
	}
	if l, ok := n.(node.List); ok {
		return l, nil
	}
	return []node.Node{n}, nil
}

// indexes lists the ready indexes of a table with their expressions.
func (c *Catalog) indexes(rel *access.Relation) ([]*exec.IndexState, error) {
	r := c.relationOf(rel)
	if r.idxDone {
		return r.indexes, nil
	}
	list, err := c.S.IndexesOf(rel.OID)
	if err != nil {
		return nil, err
	}
	for _, x := range list {
		if !x.Indisready || !x.Indislive {
			continue
		}
		st, err := c.indexState(x)
		if err != nil {
			return nil, err
		}
		r.indexes = append(r.indexes, st)
	}
	r.idxDone = true
	return r.indexes, nil
}

func (c *Catalog) indexState(x *rows.PgIndex) (*exec.IndexState, error) {
	idx, err := c.S.Relation(x.Indexrelid)
	if err != nil {
		return nil, err
	}
	if idx == nil {
		return nil, pgerr.New(pgerr.UndefinedTable, "could not open relation with OID %d", x.Indexrelid)
	}
	st := &exec.IndexState{Rel: idx}
	if st.Exprs, err = readList(x.Indexprs); err != nil {
		return nil, err
	}
	if st.Pred, err = readList(x.Indpred); err != nil {
		return nil, err
	}
	st.Pred = conjuncts(st.Pred)
	for _, e := range st.Exprs {
		text, err := ruleutils.KeyExpr(c.Names, e, c.analyzed(x.Indrelid))
		if err != nil {
			text = "expression"
		}
		st.ExprNames = append(st.ExprNames, text)
	}
	return st, nil
}

// analyzed is a relation as analysis sees it, or nil.
func (c *Catalog) analyzed(rel oid.OID) *analyze.Relation {
	r, err := c.Names.RelationByOID(rel)
	if err != nil {
		return nil
	}
	return r
}

// conjuncts flattens a list of conditions that hold together.
func conjuncts(l []node.Node) []node.Node {
	var out []node.Node
	for _, n := range l {
		if b, ok := n.(*node.BoolExpr); ok && b.Boolop == node.AndExpr {
			out = append(out, conjuncts(b.Args)...)
			continue
		}
		out = append(out, n)
	}
	return out
}
