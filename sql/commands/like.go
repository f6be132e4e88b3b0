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

// What LIKE … INCLUDING names (TableLikeClause.options). FROZEN by the parser.
const (
	likeComments = 1 << iota
	likeCompression
	likeConstraints
	likeDefaults
	likeGenerated
	likeIdentity
	likeIndexes
	likeStatistics
	likeStorage
)

// likeSource is a LIKE clause whose columns are in the new table: its
// expressions follow when the table is there.
type likeSource struct {
	rel     *access.Relation
	options uint32
	nums    map[int]int // column numbers: there to here
}

// like copies the columns of another table.
func (c *cmd) like(s *tableSpec, l *pg.TableLikeClause) {
	cl := c.lockClass(l.Relation, lmgr.AccessShare, false)
	switch cl.Relkind {
	case 'r', 'v', 'm', 'c', 'f', 'p':
	default:
		e := pgerr.New(pgerr.WrongObjectType, "relation %q is invalid in LIKE clause", cl.Relname)
		failWith(e.WithDetail("This operation is not supported for %s.", pluralKind(cl.Relkind)).At(c.at(l.Relation.Location)))
	}
	src := likeSource{rel: c.relation(cl.Oid), options: l.Options, nums: map[int]int{}}
	for i := range src.rel.Desc.Attrs {
		a := src.rel.Desc.Attrs[i]
		if a.Dropped {
			continue
		}
		t := c.typeRow(a.Type)
		n := newColumn{}
		if a.Identity != 0 && l.Options&likeIdentity != 0 {
			q := c.ownedSequences(cl.Oid, a.Num)
			n.seq = &newSequence{typ: a.Type, ns: s.ns, options: c.sequenceDefs(q[0])}
		} else {
			a.Identity = 0
		}
		a.HasDef, a.HasMissing, a.Missing, a.IsLocal, a.StatTarget, a.InhCount = false, false, nil, true, -1, 0
		if l.Options&likeCompression == 0 {
			a.Compression = 0
		}
		if l.Options&likeStorage == 0 {
			a.Storage = t.Typstorage
		}
		n.attr = a
		n.attr.Generated = 0
		s.cols = append(s.cols, n)
		src.nums[int(a.Num)] = len(s.cols)
		if l.Options&likeComments != 0 {
			s.copyComment(catalog.Object{Class: oid.RelClass, ID: cl.Oid, Sub: int32(a.Num)}, int32(len(s.cols)))
		}
	}
	c.likeDefaults(s, &src)
	s.likes = append(s.likes, src)
}

// copyComment notes that a column gets the comment that another has.
func (s *tableSpec) copyComment(from catalog.Object, col int32) {
	s.comments = append(s.comments, commentCopy{from: from, col: col})
}

// commentCopy is a comment of a LIKE source and the column that gets it.
type commentCopy struct {
	from catalog.Object
	col  int32
}

// sequenceDefs are the options that make a sequence like seq.
func (c *cmd) sequenceDefs(seq oid.OID) []*pg.Node {
	r := must(c.Catalog().Sequence(seq))
	def := func(name string, arg *pg.Node) *pg.Node {
		return &pg.Node{Node: &pg.Node_DefElem{DefElem: &pg.DefElem{Defname: name, Arg: arg, Location: -1}}}
	}
	num := func(v int64) *pg.Node {
		return &pg.Node{Node: &pg.Node_Float{Float: &pg.Float{Fval: itoa64(v)}}}
	}
	cycle := &pg.Node{Node: &pg.Node_Boolean{Boolean: &pg.Boolean{Boolval: r.Seqcycle}}}
	return []*pg.Node{def("cache", num(r.Seqcache)), def("cycle", cycle), def("increment", num(r.Seqincrement)),
		def("maxvalue", num(r.Seqmax)), def("minvalue", num(r.Seqmin)), def("start", num(r.Seqstart)), def("restart", num(r.Seqstart))}
}

// likeDefaults takes the defaults and generation expressions of a LIKE source.
func (c *cmd) likeDefaults(s *tableSpec, src *likeSource) {
	for _, d := range must(c.Catalog().AttrDefs(src.rel.OID)) {
		a := &src.rel.Desc.Attrs[d.Adnum-1]
		n := &s.cols[src.nums[int(a.Num)]-1]
		switch {
		case a.Generated == 0 && src.options&likeDefaults != 0:
			n.cooked = must(node.Read(d.Adbin))
		case a.Generated != 0 && src.options&likeGenerated != 0:
			n.attr.Generated = a.Generated
			n.cooked = src.moved(c, must(node.Read(d.Adbin)), "Generation expression for column "+quoted(a.Name)+" contains a whole-row reference to table "+quoted(src.rel.Name)+".")
		}
	}
}

// moved renumbers the columns of an expression over the source.
func (l *likeSource) moved(_ *cmd, e node.Node, wholeRow string) node.Node {
	return node.Mutate(e, func(k node.Node) (node.Node, bool) {
		v, ok := k.(*node.Var)
		if !ok || v.Varlevelsup != 0 {
			return k, false
		}
		if v.Varattno == 0 {
			failWith(pgerr.New(pgerr.FeatureNotSupported, "cannot convert whole-row table reference").WithDetail("%s", wholeRow))
		}
		n := *v
		if v.Varattno > 0 {
			n.Varattno = l.nums[v.Varattno]
			n.Varattnosyn = n.Varattno
		}
		return &n, true
	})
}

// finishLikes makes the constraints and indexes of LIKE sources in the new table.
func (c *cmd) finishLikes(s *tableSpec) {
	for i := range s.likes {
		src := &s.likes[i]
		if src.options&likeConstraints != 0 {
			c.likeChecks(s, src)
		}
		if src.options&likeIndexes != 0 {
			c.likeIndexes(s, src)
		}
	}
	for _, k := range s.comments {
		c.copyDescription(k.from, catalog.Object{Class: oid.RelClass, ID: s.rel, Sub: k.col})
	}
}

func (c *cmd) likeChecks(s *tableSpec, src *likeSource) {
	taken := map[string]bool{}
	for _, k := range must(c.Catalog().ConstraintsOf(s.rel)) {
		taken[k.Conname] = true
	}
	for _, k := range must(c.Catalog().ConstraintsOf(src.rel.OID)) {
		if k.Contype != 'c' {
			continue
		}
		e := src.moved(c, must(node.Read(k.Conbin)), "Constraint "+quoted(k.Conname)+" contains a whole-row reference to table "+quoted(src.rel.Name)+".")
		at := *s
		at.isAlter = true
		o := c.addCheck(&at, &pg.Constraint{Conname: k.Conname, IsNoInherit: k.Connoinherit}, e, taken, false)
		if src.options&likeComments != 0 {
			c.copyDescription(catalog.Object{Class: oid.RelConstraint, ID: k.Oid}, catalog.Object{Class: oid.RelConstraint, ID: o})
		}
	}
}

func (c *cmd) likeIndexes(s *tableSpec, src *likeSource) {
	names := must(c.Names().RelationByOID(src.rel.OID))
	for _, ix := range must(c.Catalog().IndexesOf(src.rel.OID)) {
		cl := c.class(ix.Indexrelid)
		if cl.Relam != oid.BtreeAM {
			notYet("LIKE … INCLUDING INDEXES with access method %d", cl.Relam)
		}
		n, con := c.indexStmt(ix, names)
		n.Idxname = ""
		o := c.defineIndex(c.relation(s.rel), n, true)
		if src.options&likeComments == 0 {
			continue
		}
		c.copyDescription(tableObject(cl.Oid), tableObject(o))
		if con != nil {
			for _, k := range must(c.Catalog().ConstraintsOf(s.rel)) {
				if k.Conindid == o {
					c.copyDescription(catalog.Object{Class: oid.RelConstraint, ID: con.Oid}, catalog.Object{Class: oid.RelConstraint, ID: k.Oid})
				}
			}
		}
	}
}

// copyDescription gives an object the comment that another has.
func (c *cmd) copyDescription(from, to catalog.Object) {
	for _, f := range must(rowsBy[rows.PgDescription](c, rows.AnumPgDescriptionObjoid, oidDatum(from.ID), rows.AnumPgDescriptionClassoid, oidDatum(from.Class))) {
		if f.Row.Objsubid == from.Sub {
			must(c.Catalog().Insert(&rows.PgDescription{Objoid: to.ID, Classoid: to.Class, Objsubid: to.Sub, Description: f.Row.Description}))
		}
	}
}

// indexStmt is the statement that would make an index again, and its constraint.
func (c *cmd) indexStmt(ix *rows.PgIndex, rel *analyze.Relation) (*pg.IndexStmt, *rows.PgConstraint) {
	cl := c.class(ix.Indexrelid)
	s := &pg.IndexStmt{Idxname: cl.Relname, Unique: ix.Indisunique, Primary: ix.Indisprimary, NullsNotDistinct: ix.Indnullsnotdistinct, AccessMethod: "btree"}
	if cl.Reltablespace != 0 {
		s.TableSpace = must(c.Catalog().Tablespace(cl.Reltablespace)).Spcname
	}
	var con *rows.PgConstraint
	for _, k := range must(c.Catalog().ConstraintsOf(ix.Indrelid)) {
		if k.Conindid == ix.Indexrelid && (k.Contype == 'p' || k.Contype == 'u') {
			s.Isconstraint, s.Deferrable, s.Initdeferred = true, k.Condeferrable, k.Condeferred
			con = k
		}
	}
	exprs, _ := readList(ix.Indexprs)
	atts := must(c.Catalog().Attributes(ix.Indexrelid))
	for i, n := range ix.Indkey {
		e := indexElem("")
		el := e.GetIndexElem()
		typ, coll := oid.Invalid, oid.Invalid
		if n != 0 {
			col := &rel.Columns[n-1]
			el.Name, typ, coll = col.Name, col.Type, col.Collation
		} else {
			el.Expr = exprOf("(" + c.exprText(exprs[0], rel) + ")")
			el.Indexcolname = atts[i].Attname
			typ, coll = node.ExprType(exprs[0]), node.ExprCollation(exprs[0])
			exprs = exprs[1:]
		}
		if i >= int(ix.Indnkeyatts) {
			s.IndexIncludingParams = append(s.IndexIncludingParams, e)
			continue
		}
		c.indexElemOptions(el, ix, i, typ, coll)
		s.IndexParams = append(s.IndexParams, e)
	}
	if ix.Indpred != "" {
		s.WhereClause = exprOf(c.exprText(must(node.Read(ix.Indpred)), rel))
	}
	for _, o := range cl.Reloptions {
		name, val, _ := cutByte(o, '=')
		s.Options = append(s.Options, &pg.Node{Node: &pg.Node_DefElem{DefElem: &pg.DefElem{Defname: name, Arg: pg.MakeStrNode(val)}}})
	}
	return s, con
}

// indexElemOptions sets order, operator class and collation of a key column.
func (c *cmd) indexElemOptions(el *pg.IndexElem, ix *rows.PgIndex, i int, typ, coll oid.OID) {
	if ix.Indoption[i]&1 != 0 {
		el.Ordering = pg.SortByDir_SORTBY_DESC
	}
	el.NullsOrdering = pg.SortByNulls_SORTBY_NULLS_LAST
	if ix.Indoption[i]&2 != 0 {
		el.NullsOrdering = pg.SortByNulls_SORTBY_NULLS_FIRST
	}
	if k := ix.Indcollation[i]; k != 0 && k != coll {
		r := must(c.Catalog().Collation(k))
		el.Collation = []*pg.Node{pg.MakeStrNode(c.schemaName(r.Collnamespace)), pg.MakeStrNode(r.Collname)}
	}
	if d := must(c.Catalog().DefaultOpclass(typ, oid.BtreeAM)); d == nil || d.Oid != ix.Indclass[i] {
		r := must(c.Catalog().Opclass(ix.Indclass[i]))
		el.Opclass = []*pg.Node{pg.MakeStrNode(c.schemaName(r.Opcnamespace)), pg.MakeStrNode(r.Opcname)}
	}
}
