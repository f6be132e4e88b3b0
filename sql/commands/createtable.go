package commands

import (
	"context"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/node"
)

// createTable runs CREATE TABLE.
func (c *cmd) createTable(n *pg.CreateStmt) {
	switch {
	case n.Partspec != nil:
		notYet("PARTITION BY")
	case n.Partbound != nil:
		notYet("PARTITION OF")
	case len(n.InhRelations) > 0:
		notYet("INHERITS")
	case n.OfTypename != nil:
		notYet("CREATE TABLE OF")
	}
	ns, pers := c.creationAt(n.Relation)
	c.refuseSystemSchema(ns, n.Relation)
	if c.exists(n.Relation.Relname, ns, n.IfNotExists) {
		return
	}
	if n.Oncommit > pg.OnCommitAction_ONCOMMIT_NOOP && pers != 't' {
		fail(pgerr.InvalidTableDefinition, "ON COMMIT can only be used on temporary tables")
	}
	c.accessMethod(n.AccessMethod)
	s := &tableSpec{name: n.Relation.Relname, ns: ns, persistence: pers}
	for _, e := range n.TableElts {
		switch x := e.Node.(type) {
		case *pg.Node_ColumnDef:
			c.column(s, x.ColumnDef)
		case *pg.Node_Constraint:
			c.tableConstraint(s, x.Constraint)
		case *pg.Node_TableLikeClause:
			c.like(s, x.TableLikeClause)
		}
	}
	options := c.relOptions(n.Options, 'r')
	c.makeTable(s, options, c.tablespace(n.Tablespacename), n.Oncommit)
}

// exists reports whether a relation of that name is there: an error without
// mayExist.
func (c *cmd) exists(name string, ns oid.OID, mayExist bool) bool {
	if !mayExist || must(c.Catalog().ClassByName(name, ns)) == nil {
		return false
	}
	c.notice(pgerr.DuplicateTable, "relation %q already exists, skipping", name)
	return true
}

func (c *cmd) accessMethod(name string) {
	if name == "" || name == "heap" {
		return
	}
	if must(c.Catalog().AmByName(name)) == nil {
		fail(pgerr.UndefinedObject, "access method %q does not exist", name)
	}
	notYet("table access method %q", name)
}

// tablespace finds a tablespace; 0 is the database's.
func (c *cmd) tablespace(name string) oid.OID {
	if name == "" {
		return 0
	}
	t := must(c.Catalog().TablespaceByName(name))
	if t == nil {
		fail(pgerr.UndefinedObject, "tablespace %q does not exist", name)
	}
	if t.Oid == oid.GlobalTablespace {
		fail(pgerr.InvalidParameterValue, "only shared relations can be placed in pg_global tablespace")
	}
	return t.Oid
}

// tableConstraint takes a constraint that is written for the table.
func (c *cmd) tableConstraint(s *tableSpec, k *pg.Constraint) {
	switch k.Contype {
	case pg.ConstrType_CONSTR_CHECK:
		s.checks = append(s.checks, k)
	case pg.ConstrType_CONSTR_PRIMARY, pg.ConstrType_CONSTR_UNIQUE:
		c.key(s, k)
	case pg.ConstrType_CONSTR_FOREIGN:
		s.foreign = append(s.foreign, k)
	case pg.ConstrType_CONSTR_EXCLUSION:
		notYet("EXCLUDE")
	}
}

// makeTable makes a table and everything that belongs to it.
func (c *cmd) makeTable(s *tableSpec, options []string, space oid.OID, onCommit pg.OnCommitAction) oid.OID {
	for _, k := range s.keys {
		c.keyNotNull(s, k)
	}
	c.makeSequences(s, s.cols)
	attrs := make([]access.Attr, len(s.cols))
	for i := range s.cols {
		attrs[i] = s.cols[i].attr
	}
	o := must(c.Catalog().CreateRelation(catalog.NewRelation{Name: s.name, Namespace: s.ns, Tablespace: space, Kind: 'r',
		Persistence: s.persistence, Owner: c.User(), Columns: attrs, Options: options}))
	s.rel = o
	throw(c.Increment())
	c.finishColumns(s, 0)
	c.addChecks(s)
	for _, k := range s.keys {
		c.defineIndex(c.relation(o), k, true)
	}
	c.finishLikes(s)
	for _, k := range s.foreign {
		c.addForeignKey(o, k, true)
	}
	c.onCommit(o, onCommit)
	return o
}

// keyNotNull makes the columns of a primary key NOT NULL before the table is
// made, and refuses columns that are not there.
func (c *cmd) keyNotNull(s *tableSpec, k *pg.IndexStmt) {
	for _, p := range append(append([]*pg.Node(nil), k.IndexParams...), k.IndexIncludingParams...) {
		name := p.GetIndexElem().Name
		col := -1
		for i := range s.cols {
			if s.cols[i].attr.Name == name {
				col = i
			}
		}
		if col < 0 {
			failWith(pgerr.New(pgerr.UndefinedColumn, "column %q named in key does not exist", name).At(s.keyAt[k]))
		}
	}
	if k.Primary {
		for _, p := range k.IndexParams {
			for i := range s.cols {
				if s.cols[i].attr.Name == p.GetIndexElem().Name {
					s.cols[i].attr.NotNull = true
				}
			}
		}
	}
}

// makeSequences makes the sequences behind new serial and identity columns.
func (c *cmd) makeSequences(s *tableSpec, cols []newColumn) {
	for i := range cols {
		q := cols[i].seq
		if q == nil {
			continue
		}
		q.ns = s.ns
		q.name = c.relationName(s.name, cols[i].attr.Name, "seq", s.ns, false, nil)
		q.oid = c.makeSequence(q, s.persistence)
	}
}

// finishColumns stores the defaults of s.cols, the first of which is column
// first+1 of the table, and gives the sequences to their columns.
func (c *cmd) finishColumns(s *tableSpec, first int) {
	var rel *analyze.Relation
	for i := range s.cols {
		n := &s.cols[i]
		num := int16(first + i + 1)
		if n.def != nil || n.cooked != nil || n.seq != nil && n.attr.Identity == 0 {
			if rel == nil {
				rel = must(c.Names().RelationByOID(s.rel))
			}
			if e := c.defaultExpr(n, rel); e != nil {
				throw(c.Catalog().StoreDefault(s.rel, num, node.Write(e), refsOf(e, s.rel)))
			}
		}
		if n.seq != nil {
			kind := catalog.DependAuto
			if n.attr.Identity != 0 {
				kind = catalog.DependInternal
			}
			throw(c.Catalog().Depend(tableObject(n.seq.oid), kind, catalog.Object{Class: oid.RelClass, ID: s.rel, Sub: int32(num)}))
			throw(c.Increment())
		}
	}
}

// addChecks makes the check constraints of s.
func (c *cmd) addChecks(s *tableSpec) {
	if len(s.checks) == 0 {
		return
	}
	taken := map[string]bool{}
	for _, k := range must(c.Catalog().ConstraintsOf(s.rel)) {
		taken[k.Conname] = true
	}
	rel := must(c.Names().RelationByOID(s.rel))
	for _, k := range s.checks {
		e := must(analyze.Expr(c.Names(), c.text, k.RawExpr, rel, analyze.UseCheck))
		c.addCheck(s, k, e, taken, s.isAlter && k.SkipValidation)
	}
}

// addCheck stores one check constraint and returns its OID.
func (c *cmd) addCheck(s *tableSpec, k *pg.Constraint, e node.Node, taken map[string]bool, notValid bool) oid.OID {
	cols := columnsOf(e)
	name := k.Conname
	if name != "" {
		if taken[name] {
			if s.isAlter {
				fail(pgerr.DuplicateObject, "constraint %q for relation %q already exists", name, s.name)
			}
			fail(pgerr.DuplicateObject, "check constraint %q already exists", name)
		}
	} else {
		part := ""
		if len(cols) == 1 && cols[0] > 0 {
			part = must(c.Catalog().Attributes(s.rel))[cols[0]-1].Attname
		}
		name = c.constraintName(s.name, part, "check", s.ns, taken)
	}
	taken[name] = true
	k.Conname = name
	return must(c.Catalog().AddConstraint(catalog.NewConstraint{Row: rows.PgConstraint{Conname: name, Connamespace: s.ns, Contype: 'c',
		Convalidated: !notValid, Conrelid: s.rel, Confupdtype: ' ', Confdeltype: ' ', Confmatchtype: ' ', Conislocal: true,
		Connoinherit: k.IsNoInherit, Conkey: cols, Conbin: node.Write(e)}, Refs: refsOf(e, s.rel)}))
}

// columnsOf lists the columns that an expression over one table uses, in the
// order in which it does.
func columnsOf(e node.Node) []int16 {
	var out []int16
	node.Walk(e, func(k node.Node) bool {
		if v, ok := k.(*node.Var); ok && v.Varlevelsup == 0 {
			for _, o := range out {
				if o == int16(v.Varattno) {
					return true
				}
			}
			out = append(out, int16(v.Varattno))
		}
		return true
	})
	return out
}

// onCommit arranges what the end of the transaction does to a temporary table.
func (c *cmd) onCommit(rel oid.OID, action pg.OnCommitAction) {
	switch action {
	case pg.OnCommitAction_ONCOMMIT_DROP:
		cat := c.Catalog()
		c.Tx().BeforeCommit(func(context.Context) error {
			if cl, err := cat.Class(rel); err != nil || cl == nil {
				return err
			}
			return cat.Drop([]catalog.Object{tableObject(rel)}, catalog.Cascade, func(*pgerr.Error) {})
		})
	case pg.OnCommitAction_ONCOMMIT_DELETE_ROWS:
		c.Catalog().EmptyAtCommit(rel)
	}
}
