package commands

import (
	"strconv"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/parser"
)

// newColumn is a column to be made.
type newColumn struct {
	attr   access.Attr
	def    *pg.Node  // DEFAULT or GENERATED expression
	cooked node.Node // the same, analyzed already (LIKE)
	seq    *newSequence
	quiet  bool // errors in its default have no position: ALTER TABLE
}

// newSequence is the sequence behind a serial or identity column.
type newSequence struct {
	oid     oid.OID
	name    string
	ns      oid.OID
	typ     oid.OID
	options []*pg.Node
}

// tableSpec collects what CREATE TABLE or ALTER TABLE ADD COLUMN shall make.
type tableSpec struct {
	rel         oid.OID // 0: not there yet
	name        string
	ns          oid.OID
	persistence byte
	cols        []newColumn
	checks      []*pg.Constraint
	keys        []*pg.IndexStmt
	keyAt       map[*pg.IndexStmt]int // where keys are written
	isAlter     bool
	foreign     []*pg.Constraint
	likes       []likeSource
	comments    []commentCopy
}

// serialTypes are the pseudo-types of CREATE TABLE. constant
var serialTypes = map[string]oid.OID{"smallserial": oid.Int2, "serial2": oid.Int2, "serial": oid.Int4, "serial4": oid.Int4,
	"bigserial": oid.Int8, "serial8": oid.Int8}

// column turns a column definition into a newColumn and takes its constraints.
func (c *cmd) column(s *tableSpec, d *pg.ColumnDef) {
	n := newColumn{attr: access.Attr{Name: d.Colname, IsLocal: true, StatTarget: -1, TypMod: -1}, quiet: s.isAlter}
	t := d.TypeName
	if t == nil {
		fail(pgerr.SyntaxError, "column %q has no type", d.Colname)
	}
	if typ, ok := serialType(t); ok {
		if len(t.ArrayBounds) > 0 {
			failWith(pgerr.New(pgerr.FeatureNotSupported, "array of serial is not implemented").At(c.at(t.Location)))
		}
		n.seq = &newSequence{typ: typ, ns: s.ns}
		n.attr.NotNull = true
		c.setType(&n.attr, typ, -1)
	} else {
		id, mod, err := analyze.ResolveTypeName(c.Names(), c.text, t)
		throw(err)
		if t.Setof {
			failWith(pgerr.New(pgerr.InvalidTableDefinition, "column %q cannot be declared SETOF", d.Colname).At(c.at(t.Location)))
		}
		c.setType(&n.attr, id, mod)
	}
	n.attr.NDims = int32(len(t.ArrayBounds))
	c.collate(&n.attr, d.CollClause)
	c.compression(&n.attr, d.Compression)
	c.storageName(&n.attr, d.StorageName)
	s.cols = append(s.cols, n)
	c.columnConstraints(s, &s.cols[len(s.cols)-1], d)
}

func serialType(t *pg.TypeName) (oid.OID, bool) {
	if len(t.Names) != 1 {
		return 0, false
	}
	o, ok := serialTypes[t.Names[0].GetString_().GetSval()]
	return o, ok
}

// setType gives a column its type and what follows from it.
func (c *cmd) setType(a *access.Attr, id oid.OID, mod int32) {
	t := c.typeRow(id)
	if t.Typtype == 'p' && id != oid.Unknown || id == oid.Unknown {
		fail(pgerr.InvalidTableDefinition, "column %q has pseudo-type %s", a.Name, must(analyze.BareTypeName(c.Names(), id)))
	}
	if !t.Typisdefined {
		fail(pgerr.UndefinedObject, "type %q is only a shell", t.Typname)
	}
	a.Type, a.TypMod = id, mod
	a.Len, a.ByVal, a.Align, a.Storage, a.Collation, a.Compression = t.Typlen, t.Typbyval, t.Typalign, t.Typstorage, t.Typcollation, 0
}

func (c *cmd) typeRow(id oid.OID) *rows.PgType {
	t := must(c.Catalog().Type(id))
	if t == nil {
		fail(pgerr.UndefinedObject, "cache lookup failed for type %d", id)
	}
	return t
}

// collate applies a COLLATE clause.
func (c *cmd) collate(a *access.Attr, cl *pg.CollateClause) {
	if cl == nil {
		return
	}
	o := c.collationByName(cl.Collname, cl.Location)
	if a.Collation == oid.Invalid {
		failWith(pgerr.New(pgerr.DatatypeMismatch, "collations are not supported by type %s",
			must(analyze.BareTypeName(c.Names(), a.Type))).At(c.at(cl.Location)))
	}
	a.Collation = o
}

func (c *cmd) collationByName(l []*pg.Node, loc int32) oid.OID {
	n := names(l)
	schema, name := "", n[len(n)-1]
	if len(n) > 1 {
		schema = n[len(n)-2]
	}
	o := must(c.Names().Collation(schema, name))
	if o == oid.Invalid {
		if schema != "" {
			name = schema + "." + name
		}
		failWith(pgerr.New(pgerr.UndefinedObject, `collation "%s" for encoding "UTF8" does not exist`, name).At(c.at(loc)))
	}
	return o
}

func (c *cmd) compression(a *access.Attr, method string) {
	switch method {
	case "", "default":
		return
	}
	if a.Storage == 'p' || a.Len != -1 {
		fail(pgerr.FeatureNotSupported, "column data type %s does not support compression", must(analyze.BareTypeName(c.Names(), a.Type)))
	}
	switch method {
	case "pglz":
		a.Compression = 'p'
	case "lz4":
		a.Compression = 'l'
	default:
		fail(pgerr.InvalidParameterValue, "invalid compression method %q", method)
	}
}

func (c *cmd) storageName(a *access.Attr, name string) {
	if name == "" {
		return
	}
	st := storageLetter(name)
	if a.Len != -1 && st != 'p' {
		fail(pgerr.FeatureNotSupported, "column data type %s can only have storage PLAIN", must(analyze.BareTypeName(c.Names(), a.Type)))
	}
	a.Storage = st
}

func storageLetter(name string) byte {
	switch toLower(name) {
	case "plain":
		return 'p'
	case "external":
		return 'e'
	case "extended":
		return 'x'
	case "main":
		return 'm'
	}
	fail(pgerr.InvalidParameterValue, "invalid storage type %q", name)
	return 0
}

// columnConstraints takes the constraints that are written with a column.
func (c *cmd) columnConstraints(s *tableSpec, n *newColumn, d *pg.ColumnDef) {
	seen := columnClauses{def: n.seq != nil && n.attr.Identity == 0} // of a serial column
	c.constraintAttrs(d.Constraints)
	for _, e := range d.Constraints {
		k := e.GetConstraint()
		if k == nil {
			continue
		}
		c.columnConstraint(s, n, k, &seen)
		clash := func(both string) { c.columnClash(both+" specified for column %q of table %q", n, s, k) }
		switch {
		case seen.def && n.attr.Identity != 0:
			clash("both default and identity")
		case seen.def && n.attr.Generated != 0:
			clash("both default and generation expression")
		case n.attr.Identity != 0 && n.attr.Generated != 0:
			clash("both identity and generation expression")
		}
	}
}

// columnClauses are what was written for a column so far.
type columnClauses struct{ null, notNull, def bool }

func (c *cmd) columnConstraint(s *tableSpec, n *newColumn, k *pg.Constraint, seen *columnClauses) {
	const nulls = "conflicting NULL/NOT NULL declarations for column %q of table %q"
	switch k.Contype {
	case pg.ConstrType_CONSTR_NULL:
		if seen.notNull || n.seq != nil {
			c.columnClash(nulls, n, s, k)
		}
		seen.null = true
	case pg.ConstrType_CONSTR_NOTNULL:
		if seen.null {
			c.columnClash(nulls, n, s, k)
		}
		seen.notNull, n.attr.NotNull = true, true
	case pg.ConstrType_CONSTR_DEFAULT:
		if seen.def {
			c.columnClash("multiple default values specified for column %q of table %q", n, s, k)
		}
		n.def, seen.def = k.RawExpr, true
	case pg.ConstrType_CONSTR_IDENTITY:
		c.identity(s, n, k)
		if seen.null {
			c.columnClash(nulls, n, s, k)
		}
		seen.notNull = true
	case pg.ConstrType_CONSTR_GENERATED:
		if n.attr.Generated != 0 {
			c.columnClash("multiple generation clauses specified for column %q of table %q", n, s, k)
		}
		n.attr.Generated, n.def = 's', k.RawExpr
	case pg.ConstrType_CONSTR_CHECK:
		s.checks = append(s.checks, k)
	case pg.ConstrType_CONSTR_PRIMARY, pg.ConstrType_CONSTR_UNIQUE:
		k.Keys = []*pg.Node{pg.MakeStrNode(n.attr.Name)}
		c.key(s, k)
	case pg.ConstrType_CONSTR_FOREIGN:
		k.FkAttrs = []*pg.Node{pg.MakeStrNode(n.attr.Name)}
		s.foreign = append(s.foreign, k)
	}
}

func (c *cmd) columnClash(format string, n *newColumn, s *tableSpec, k *pg.Constraint) {
	failWith(pgerr.New(pgerr.SyntaxError, format, n.attr.Name, s.name).At(c.at(k.Location)))
}

// identityType refuses types that sequences cannot count.
func identityType(t oid.OID) {
	switch t {
	case oid.Int2, oid.Int4, oid.Int8:
	default:
		fail(pgerr.InvalidParameterValue, "identity column type must be smallint, integer, or bigint")
	}
}

// identity makes a column an identity column.
func (c *cmd) identity(s *tableSpec, n *newColumn, k *pg.Constraint) {
	if n.attr.Identity != 0 {
		c.columnClash("multiple identity specifications for column %q of table %q", n, s, k)
	}
	identityType(n.attr.Type)
	n.attr.Identity, n.attr.NotNull = k.GeneratedWhen[0], true
	n.seq = &newSequence{typ: n.attr.Type, ns: s.ns, options: k.Options}
}

// key turns a PRIMARY KEY or UNIQUE constraint into an index to be made.
func (c *cmd) key(s *tableSpec, k *pg.Constraint) {
	primary := k.Contype == pg.ConstrType_CONSTR_PRIMARY
	if primary {
		for _, o := range s.keys {
			if o.Primary {
				e := pgerr.New(pgerr.InvalidTableDefinition, "multiple primary keys for table %q are not allowed", s.name)
				if _, here := s.keyAt[o]; here {
					e = e.At(c.at(k.Location))
				}
				failWith(e)
			}
		}
	}
	ix := &pg.IndexStmt{Idxname: k.Conname, Unique: true, Primary: primary, Isconstraint: true, NullsNotDistinct: k.NullsNotDistinct,
		Options: k.Options, AccessMethod: "btree", TableSpace: k.Indexspace, Deferrable: k.Deferrable, Initdeferred: k.Initdeferred}
	for _, n := range k.Keys {
		ix.IndexParams = append(ix.IndexParams, indexElem(n.GetString_().GetSval()))
	}
	for _, n := range k.Including {
		ix.IndexIncludingParams = append(ix.IndexIncludingParams, indexElem(n.GetString_().GetSval()))
	}
	c.keyColumns(s, k, ix)
	if s.keyAt == nil {
		s.keyAt = map[*pg.IndexStmt]int{}
	}
	s.keyAt[ix] = c.at(k.Location)
	if primary {
		s.keys = append([]*pg.IndexStmt{ix}, s.keys...)
		return
	}
	s.keys = append(s.keys, ix)
}

func indexElem(name string) *pg.Node {
	return &pg.Node{Node: &pg.Node_IndexElem{IndexElem: &pg.IndexElem{Name: name,
		Ordering: pg.SortByDir_SORTBY_DEFAULT, NullsOrdering: pg.SortByNulls_SORTBY_NULLS_DEFAULT}}}
}

// keyColumns checks the columns of a key that is written in CREATE TABLE, and
// makes those of a primary key NOT NULL. Columns of an existing table are
// checked when the index is made.
func (c *cmd) keyColumns(s *tableSpec, k *pg.Constraint, ix *pg.IndexStmt) {
	for i, p := range ix.IndexParams {
		name := p.GetIndexElem().Name
		for _, q := range ix.IndexParams[:i] {
			if q.GetIndexElem().Name == name {
				word := "unique"
				if ix.Primary {
					word = "primary key"
				}
				failWith(pgerr.New(pgerr.DuplicateColumn, "column %q appears twice in %s constraint", name, word).At(c.at(k.Location)))
			}
		}
	}
}

// defaultExpr analyzes the default of a column; nil: NULL, which needs none.
func (c *cmd) defaultExpr(n *newColumn, rel *analyze.Relation) node.Node {
	if n.cooked != nil {
		return n.cooked
	}
	if n.seq != nil && n.attr.Identity == 0 {
		return c.serialDefault(n)
	}
	if n.def == nil {
		return nil
	}
	use, over := analyze.UseDefault, (*analyze.Relation)(nil)
	if n.attr.Generated != 0 {
		use, over = analyze.UseGenerated, rel
	}
	e, err := analyze.ExprFor(c.Names(), c.text, n.def, over, use, analyzeColumn(&n.attr))
	if n.quiet {
		nowhere(e, err)
	}
	throw(err)
	if k, ok := e.(*node.Const); ok && k.Constisnull && n.attr.Generated == 0 {
		return nil
	}
	if n.attr.Generated != 0 {
		c.checkGenerated(e, rel)
	}
	return e
}

// checkGenerated refuses what a generated column cannot be computed from.
func (c *cmd) checkGenerated(e node.Node, rel *analyze.Relation) {
	node.Walk(e, func(k node.Node) bool {
		v, ok := k.(*node.Var)
		if !ok {
			return true
		}
		if v.Varattno > 0 && rel.Columns[v.Varattno-1].Generated != 0 {
			failWith(pgerr.New(pgerr.InvalidObjectDefinition, "cannot use generated column %q in column generation expression", rel.Columns[v.Varattno-1].Name).
				WithDetail("A generated column cannot reference another generated column.").At(c.at(int32(v.Location))))
		}
		return true
	})
	if c.volatility(e) != 'i' {
		fail(pgerr.InvalidObjectDefinition, "generation expression is not immutable")
	}
}

func analyzeColumn(a *access.Attr) *analyze.Column {
	return &analyze.Column{Name: a.Name, Type: a.Type, TypMod: a.TypMod, Collation: a.Collation, NotNull: a.NotNull,
		Identity: a.Identity, Generated: a.Generated}
}

// serialDefault is nextval of the column's sequence.
func (c *cmd) serialDefault(n *newColumn) node.Node {
	seq := catalogConst(oid.RegClass, int64(n.seq.oid))
	f := &node.FuncExpr{Funcid: nextvalOID, Funcresulttype: oid.Int8, Funcformat: node.CoerceExplicitCall, Args: []node.Node{seq}, Location: -1}
	e := must(analyze.Coerce(c.Names(), f, n.attr.Type, n.attr.TypMod, node.CoercionAssignment))
	return e
}

// nextvalOID is pg_proc's nextval(regclass).
const nextvalOID oid.OID = 1574

// exprOf parses the text of one expression.
func exprOf(text string) *pg.Node {
	l := must(parser.Parse("SELECT " + text))
	return l[0].Stmt.GetSelectStmt().TargetList[0].GetResTarget().Val
}

func itoa(n int) string { return strconv.Itoa(n) }
