package commands

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/node"
)

// createIndex runs CREATE INDEX.
func (c *cmd) createIndex(n *pg.IndexStmt) {
	if n.Concurrent {
		c.createConcurrently(n)
		return
	}
	cl := c.lockClass(n.Relation, lmgr.Share, false)
	c.indexable(cl)
	if n.Idxname != "" && c.exists(n.Idxname, cl.Relnamespace, n.IfNotExists) {
		return
	}
	c.defineIndex(c.relation(cl.Oid), n, false)
}

// indexable refuses relations that cannot have an index, or not now.
func (c *cmd) indexable(cl *rows.PgClass) {
	switch cl.Relkind {
	case 'r', 'm':
	case 'p':
		notYet("an index on a partitioned table")
	default:
		unsupportedKind(cl, "cannot create index on relation %q", cl.Relname)
	}
	c.needOwner(cl)
	c.notPending(cl, "CREATE INDEX")
}

// indexCols is what an index's columns come to.
type indexCols struct {
	atts       []int16
	opclasses  []oid.OID
	collations []oid.OID
	options    []int16
	exprs      []node.Node
	attrs      []access.Attr
}

// defineIndex makes an index and fills it, and returns its OID. isNew: the table
// is empty and of this command.
func (c *cmd) defineIndex(rel *access.Relation, n *pg.IndexStmt, isNew bool) oid.OID {
	am := n.AccessMethod
	if am == "" {
		am = "btree"
	}
	if am != "btree" {
		if must(c.Catalog().AmByName(am)) == nil {
			fail(pgerr.UndefinedObject, "access method %q does not exist", am)
		}
		notYet("access method %q", am)
	}
	if len(n.ExcludeOpNames) > 0 {
		notYet("EXCLUDE")
	}
	if len(n.IndexParams)+len(n.IndexIncludingParams) > 32 {
		fail(pgerr.TooManyColumns, "cannot use more than %d columns in an index", 32)
	}
	if n.Primary {
		c.checkPrimary(rel)
	}
	all := append(append([]*pg.Node(nil), n.IndexParams...), n.IndexIncludingParams...)
	colNames := indexColumnNames(all)
	name := n.Idxname
	if name == "" {
		name = c.indexName(rel.Name, rel.Namespace, colNames, n.Primary, n.Isconstraint)
	} else if n.Isconstraint {
		for _, k := range must(c.Catalog().ConstraintsOf(rel.OID)) {
			if k.Conname == name {
				fail(pgerr.DuplicateObject, "constraint %q for relation %q already exists", name, rel.Name)
			}
		}
	}
	names := must(c.Names().RelationByOID(rel.OID))
	cols := &indexCols{}
	for _, p := range n.IndexParams {
		c.indexColumn(rel, names, cols, p.GetIndexElem(), n.Isconstraint)
	}
	c.includedColumns(rel, cols, n.IndexIncludingParams)
	ix := catalog.NewIndex{Table: rel, Name: name, Tablespace: c.tablespace(n.TableSpace), AM: oid.BtreeAM, AttNums: cols.atts, Names: colNames,
		KeyCols: len(n.IndexParams), Opclasses: cols.opclasses, Collations: cols.collations, Options: cols.options, ExprAttrs: cols.attrs,
		RelOptions: c.relOptions(n.Options, 'B'), Unique: n.Unique, Primary: n.Primary, NullsNotDistinct: n.NullsNotDistinct,
		Deferrable: n.Deferrable, InitiallyDeferred: n.Initdeferred, Invalid: n.Concurrent && rel.Persistence != 't'}
	if n.Isconstraint {
		ix.Constraint = 'u'
		if n.Primary {
			ix.Constraint = 'p'
		}
	}
	c.indexExprs(&ix, rel, names, cols, n.WhereClause)
	o := must(c.Catalog().CreateIndex(ix))
	throw(c.Increment())
	if !ix.Invalid {
		c.buildIndex(rel.OID, o, isNew)
	}
	return o
}

// indexExprs adds the expressions and the predicate of an index.
func (c *cmd) indexExprs(ix *catalog.NewIndex, rel *access.Relation, names *analyze.Relation, cols *indexCols, where *pg.Node) {
	seen := &refs{seen: map[catalog.Object]bool{}, table: rel.OID}
	if len(cols.exprs) > 0 {
		ix.Exprs = node.WriteList(cols.exprs)
		for _, e := range cols.exprs {
			seen.walk(e, nil)
		}
	}
	ix.Refs = seen.result()
	if where != nil {
		seen = &refs{seen: map[catalog.Object]bool{}, table: rel.OID}
		e := must(analyze.Expr(c.Names(), c.text, where, names, analyze.UseIndexPred))
		if c.volatility(e) != 'i' {
			fail(pgerr.InvalidObjectDefinition, "functions in index predicate must be marked IMMUTABLE")
		}
		seen.walk(e, nil)
		if b, ok := e.(*node.BoolExpr); ok && b.Boolop == node.AndExpr {
			e = &node.BoolExpr{Boolop: node.AndExpr, Args: b.Args, Location: -1}
		}
		ix.Pred = node.Write(e)
		ix.Refs = append(ix.Refs, seen.result()...)
	}
}

// andList splits a condition at its top-level ANDs.
func andList(e node.Node) []node.Node {
	b, ok := e.(*node.BoolExpr)
	if !ok || b.Boolop != node.AndExpr {
		return []node.Node{e}
	}
	var out []node.Node
	for _, a := range b.Args {
		out = append(out, andList(a)...)
	}
	return out
}

// checkPrimary refuses a second primary key.
func (c *cmd) checkPrimary(rel *access.Relation) {
	for _, i := range must(c.Catalog().IndexesOf(rel.OID)) {
		if i.Indisprimary {
			fail(pgerr.InvalidTableDefinition, "multiple primary keys for table %q are not allowed", rel.Name)
		}
	}
}

// indexColumn resolves one key column.
func (c *cmd) indexColumn(rel *access.Relation, names *analyze.Relation, cols *indexCols, e *pg.IndexElem, constraint bool) {
	var typ, coll oid.OID
	if e.Name != "" {
		a := c.keyColumn(rel, e.Name, constraint)
		typ, coll = a.Type, a.Collation
		cols.atts = append(cols.atts, a.Num)
	} else {
		x := must(analyze.Expr(c.Names(), c.text, e.Expr, names, analyze.UseIndexExpr))
		if cx, ok := x.(*node.CollateExpr); ok && len(e.Collation) == 0 {
			x, coll = cx.Arg, cx.CollOid
		} else {
			coll = node.ExprCollation(x)
		}
		typ = node.ExprType(x)
		if v, ok := x.(*node.Var); ok && v.Varattno > 0 {
			cols.atts = append(cols.atts, int16(v.Varattno))
		} else {
			if c.volatility(x) != 'i' {
				fail(pgerr.InvalidObjectDefinition, "functions in index expression must be marked IMMUTABLE")
			}
			cols.atts = append(cols.atts, 0)
			cols.exprs = append(cols.exprs, x)
			a := access.Attr{Name: "expr", IsLocal: true, StatTarget: -1}
			c.setType(&a, typ, node.ExprTypmod(x))
			a.Collation = coll
			cols.attrs = append(cols.attrs, a)
		}
	}
	if len(e.Collation) > 0 {
		coll = c.collationByName(e.Collation, -1)
	}
	if t := c.typeRow(typ); t.Typcollation != 0 {
		if coll == 0 {
			failWith(pgerr.New(pgerr.IndeterminateCollation, "could not determine which collation to use for index expression").
				WithHint("Use the COLLATE clause to set the collation explicitly."))
		}
	} else if len(e.Collation) > 0 {
		fail(pgerr.DatatypeMismatch, "collations are not supported by type %s", must(analyze.BareTypeName(c.Names(), typ)))
	}
	cols.collations = append(cols.collations, coll)
	cols.opclasses = append(cols.opclasses, c.opclass(e.Opclass, typ))
	var opt int16
	if e.Ordering == pg.SortByDir_SORTBY_DESC {
		opt |= 1
	}
	if e.NullsOrdering == pg.SortByNulls_SORTBY_NULLS_FIRST || e.NullsOrdering != pg.SortByNulls_SORTBY_NULLS_LAST && opt != 0 {
		opt |= 2
	}
	cols.options = append(cols.options, opt)
}

// keyColumn finds a table's column for an index.
func (c *cmd) keyColumn(rel *access.Relation, name string, constraint bool) *access.Attr {
	if i := rel.Desc.ByName(name); i >= 0 {
		return &rel.Desc.Attrs[i]
	}
	if a := must(c.Catalog().AttributeByName(rel.OID, name)); a != nil {
		fail(pgerr.FeatureNotSupported, "index creation on system columns is not supported")
	}
	if constraint {
		fail(pgerr.UndefinedColumn, "column %q named in key does not exist", name)
	}
	fail(pgerr.UndefinedColumn, "column %q does not exist", name)
	return nil
}

// includedColumns resolves the INCLUDEd columns.
func (c *cmd) includedColumns(rel *access.Relation, cols *indexCols, list []*pg.Node) {
	for _, p := range list {
		e := p.GetIndexElem()
		switch {
		case e.Name == "":
			fail(pgerr.FeatureNotSupported, "expressions are not supported in included columns")
		case len(e.Collation) > 0:
			fail(pgerr.InvalidObjectDefinition, "including column does not support a collation")
		case len(e.Opclass) > 0:
			fail(pgerr.InvalidObjectDefinition, "including column does not support an operator class")
		case e.Ordering > pg.SortByDir_SORTBY_DEFAULT:
			fail(pgerr.InvalidObjectDefinition, "including column does not support ASC/DESC options")
		case e.NullsOrdering > pg.SortByNulls_SORTBY_NULLS_DEFAULT:
			fail(pgerr.InvalidObjectDefinition, "including column does not support NULLS FIRST/LAST options")
		}
		cols.atts = append(cols.atts, c.keyColumn(rel, e.Name, true).Num)
	}
}

// opclass finds the operator class for a type, by name or the default one.
func (c *cmd) opclass(name []*pg.Node, typ oid.OID) oid.OID {
	if len(name) == 0 {
		oc := must(c.Catalog().DefaultOpclass(typ, oid.BtreeAM))
		if oc == nil {
			failWith(pgerr.New(pgerr.UndefinedObject, "data type %s has no default operator class for access method %q",
				must(analyze.BareTypeName(c.Names(), typ)), "btree").
				WithHint("You must specify an operator class for the index or define a default operator class for the data type."))
		}
		return oc.Oid
	}
	l := names(name)
	schema := oid.Invalid
	if len(l) > 1 {
		schema = c.namespace(l[len(l)-2], false)
	}
	var found *rows.PgOpclass
	for _, oc := range must(c.Catalog().OpclassesByAM(oid.BtreeAM)) {
		if oc.Opcname == l[len(l)-1] && (schema == 0 && c.inPath(oc.Opcnamespace) || oc.Opcnamespace == schema) {
			found = oc
		}
	}
	if found == nil {
		fail(pgerr.UndefinedObject, "operator class %q does not exist for access method %q", joinDots(l), "btree")
	}
	if !c.binaryCoercible(typ, found.Opcintype) {
		fail(pgerr.DatatypeMismatch, "operator class %q does not accept data type %s", joinDots(l), must(analyze.BareTypeName(c.Names(), typ)))
	}
	return found.Oid
}

func joinDots(l []string) string {
	out := l[0]
	for _, s := range l[1:] {
		out += "." + s
	}
	return out
}

func (c *cmd) inPath(ns oid.OID) bool {
	for _, p := range c.SearchPath() {
		if p == ns {
			return true
		}
	}
	return false
}

// binaryCoercible reports whether a value of one type is one of the other as it
// is.
func (c *cmd) binaryCoercible(from, to oid.OID) bool {
	for {
		if from == to || to == oid.Any || to == oid.AnyElement {
			return true
		}
		t := c.typeRow(from)
		if to == oid.AnyArray {
			return t.Typelem != 0 && t.Typlen == -1
		}
		if to == oid.AnyEnum {
			return t.Typtype == 'e'
		}
		if k := must(c.Catalog().Cast(from, to)); k != nil && k.Castmethod == 'b' && k.Castcontext == 'i' {
			return true
		}
		if t.Typtype != 'd' {
			return false
		}
		from = t.Typbasetype
	}
}

// The functions of text || anynonarray and anynonarray || text.
const (
	textAnyCat oid.OID = 2003
	anyTextCat oid.OID = 2004
)

// volatility is the highest volatility of the functions in an expression: i, s
// or v.
func (c *cmd) volatility(e node.Node) byte {
	worst := byte('i')
	fn := func(o oid.OID) {
		if o == 0 {
			return
		}
		p := must(c.Catalog().Proc(o))
		if p == nil {
			return
		}
		if p.Provolatile == 'v' || p.Provolatile == 's' && worst == 'i' {
			worst = p.Provolatile
		}
	}
	op := func(o oid.OID) {
		if r := must(c.Catalog().Operator(o)); r != nil {
			fn(r.Oprcode)
		}
	}
	output := func(n node.Node) {
		if t := must(c.Catalog().Type(node.ExprType(n))); t != nil {
			fn(t.Typoutput)
		}
	}
	// Concatenation with text is an SQL function, whose body counts: it is as
	// stable as the output of the argument that is no text.
	call := func(o oid.OID, args []node.Node) {
		switch {
		case o == textAnyCat && len(args) == 2:
			output(args[1])
		case o == anyTextCat && len(args) == 2:
			output(args[0])
		default:
			fn(o)
		}
	}
	node.Walk(e, func(k node.Node) bool {
		switch v := k.(type) {
		case *node.FuncExpr:
			call(v.Funcid, v.Args)
		case *node.OpExpr:
			if r := must(c.Catalog().Operator(v.Opno)); r != nil {
				call(r.Oprcode, v.Args)
			}
		case *node.DistinctExpr:
			op(v.Opno)
		case *node.NullIfExpr:
			op(v.Opno)
		case *node.ScalarArrayOpExpr:
			op(v.Opno)
		case *node.CoerceViaIO:
			if in := must(c.Catalog().Type(v.Resulttype)); in != nil {
				fn(in.Typinput)
			}
			output(v.Arg)
		case *node.SQLValueFunction:
			if worst == 'i' {
				worst = 's'
			}
		case *node.NextValueExpr:
			worst = 'v'
		}
		return true
	})
	return worst
}
