package commands

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/parser"
	"github.com/pgmini/pgmini/sql/plan"
)

// inner is a statement inside of the command's.
func (c *cmd) inner(n *pg.Node) parser.RawStmt {
	return parser.RawStmt{Stmt: n, Location: c.st.Raw.Location, Len: c.st.Raw.Len, Text: c.text}
}

// outputColumns are the columns of a query's result, under the given names as
// far as there are.
func (c *cmd) outputColumns(q *node.Query, aliases []string) []access.Attr {
	list := q.TargetList
	if q.CommandType != node.CmdSelect {
		list = q.ReturningList
	}
	var out []access.Attr
	for _, t := range list {
		if t.Resjunk {
			continue
		}
		a := access.Attr{Name: t.Resname, IsLocal: true, StatTarget: -1}
		if len(out) < len(aliases) {
			a.Name = aliases[len(out)]
		}
		c.setType(&a, node.ExprType(t.Expr), node.ExprTypmod(t.Expr))
		if coll := node.ExprCollation(t.Expr); coll != 0 {
			a.Collation = coll
		} else if a.Collation != 0 {
			failWith(pgerr.New(pgerr.IndeterminateCollation, "could not determine which collation to use for view column %q", a.Name).
				WithHint("Use the COLLATE clause to set the collation explicitly."))
		}
		out = append(out, a)
	}
	return out
}

// createView runs CREATE [OR REPLACE] VIEW.
func (c *cmd) createView(n *pg.ViewStmt) {
	if n.View.Relpersistence == "u" {
		fail(pgerr.SyntaxError, "views cannot be unlogged because they do not have storage")
	}
	q := must(analyze.Analyze(c.Names(), c.inner(n.Query), nil))
	if q.CommandType != node.CmdSelect {
		fail(pgerr.FeatureNotSupported, "views must not contain data-modifying statements in WITH")
	}
	if c.usesTemp(q) && n.View.Relpersistence == "p" {
		n.View.Relpersistence = "t"
		c.notice(pgerr.SuccessfulCompletion, "view %q will be a temporary view", n.View.Relname)
	}
	ns, pers := c.creation(n.View)
	aliases := names(n.Aliases)
	cols := c.outputColumns(q, aliases)
	if len(aliases) > len(cols) {
		fail(pgerr.SyntaxError, "CREATE VIEW specifies more column names than columns")
	}
	k := 0
	for _, t := range q.TargetList {
		if !t.Resjunk {
			t.Resname = cols[k].Name
			k++
		}
	}
	options := c.relOptions(checkOption(n), 'v')
	c.checkable(options, q)
	var o oid.OID
	if old := must(c.Catalog().ClassByName(n.View.Relname, ns)); old != nil && n.Replace {
		c.lock(old, lmgr.AccessExclusive)
		c.replaceView(old, cols, options)
		o = old.Oid
	} else {
		o = must(c.Catalog().CreateRelation(catalog.NewRelation{Name: n.View.Relname, Namespace: ns, Kind: 'v', Persistence: pers,
			Owner: c.User(), Columns: cols, Options: options}))
	}
	throw(c.Increment())
	action := analyze.ViewAction(q, must(c.Names().RelationByOID(o)))
	c.viewRule(o, action)
}

// checkOption is the options of a view with WITH CHECK OPTION among them.
func checkOption(n *pg.ViewStmt) []*pg.Node {
	word := ""
	switch n.WithCheckOption {
	case pg.ViewCheckOption_LOCAL_CHECK_OPTION:
		word = "local"
	case pg.ViewCheckOption_CASCADED_CHECK_OPTION:
		word = "cascaded"
	default:
		return n.Options
	}
	return append(n.Options, &pg.Node{Node: &pg.Node_DefElem{DefElem: &pg.DefElem{Defname: "check_option", Arg: pg.MakeStrNode(word)}}})
}

// checkable refuses WITH CHECK OPTION for a view that cannot be changed.
func (c *cmd) checkable(options []string, q *node.Query) {
	for _, o := range options {
		if name, _, _ := cutByte(o, '='); name != "check_option" {
			continue
		}
		if why := analyze.CheckUpdatable(q); why != "" {
			failWith(pgerr.New(pgerr.FeatureNotSupported, "WITH CHECK OPTION is supported only on automatically updatable views").WithHint("%s", why))
		}
	}
}

// usesTemp reports whether a query reads temporary relations.
func (c *cmd) usesTemp(q *node.Query) bool {
	return node.Any(q, func(n node.Node) bool {
		t, ok := n.(*node.RangeTblEntry)
		if !ok || t.Rtekind != node.RTERelation {
			return false
		}
		cl := must(c.Catalog().Class(t.Relid))
		return cl != nil && cl.Relpersistence == 't'
	})
}

// viewRule stores the query of a view.
func (c *cmd) viewRule(view oid.OID, action node.List) {
	refs := refsOf(action, 0)
	text := node.Write(action)
	for _, r := range must(c.Catalog().RulesOf(view)) {
		if r.Rulename != "_RETURN" {
			continue
		}
		self := catalog.Object{Class: oid.RelRewrite, ID: r.Oid}
		for _, f := range must(rowsBy[rows.PgDepend](c, rows.AnumPgDependClassid, oidDatum(oid.RelRewrite), rows.AnumPgDependObjid, oidDatum(r.Oid))) {
			if f.Row.Deptype == catalog.DependNormal {
				throw(c.Catalog().Delete(oid.RelDepend, f.TID))
			}
		}
		change(c, r.Oid, func(x *rows.PgRewrite) { x.EvAction = text })
		throw(c.Catalog().Depend(self, catalog.DependNormal, refs...))
		c.Catalog().InvalidateRelation(view)
		throw(c.Increment())
		return
	}
	must(c.Catalog().CreateRule(rows.PgRewrite{Rulename: "_RETURN", EvClass: view, EvType: '1', EvEnabled: 'O', IsInstead: true,
		EvQual: "<>", EvAction: text}, refs))
}

// replaceView checks that a view's new columns begin with its old ones, and adds
// the others.
func (c *cmd) replaceView(old *rows.PgClass, cols []access.Attr, options []string) {
	if old.Relkind != 'v' {
		fail(pgerr.WrongObjectType, "%q is not a view", old.Relname)
	}
	c.needOwner(old)
	have := must(c.Catalog().Attributes(old.Oid))
	if len(cols) < len(have) {
		fail(pgerr.InvalidTableDefinition, "cannot drop columns from view")
	}
	for i, a := range have {
		n := &cols[i]
		if a.Attname != n.Name {
			failWith(pgerr.New(pgerr.InvalidTableDefinition, "cannot change name of view column %q to %q", a.Attname, n.Name).
				WithHint("Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead."))
		}
		if a.Atttypid != n.Type || a.Atttypmod != n.TypMod {
			fail(pgerr.InvalidTableDefinition, "cannot change data type of view column %q from %s to %s", a.Attname,
				must(analyze.TypeName(c.Names(), a.Atttypid, a.Atttypmod)), must(analyze.TypeName(c.Names(), n.Type, n.TypMod)))
		}
	}
	for i := len(have); i < len(cols); i++ {
		must(c.Catalog().AddColumn(old.Oid, cols[i], nil))
	}
	change(c, old.Oid, func(r *rows.PgClass) { r.Reloptions = options })
}

// createTableAs runs CREATE TABLE AS.
func (c *cmd) createTableAs(n *pg.CreateTableAsStmt) string {
	if n.Objtype == pg.ObjectType_OBJECT_MATVIEW {
		c.checkMatview(n)
		return c.fillNew('m', n.Into, n.Query, n.IfNotExists, "CREATE MATERIALIZED VIEW")
	}
	return c.fillNew('r', n.Into, n.Query, n.IfNotExists, "CREATE TABLE AS")
}

// selectInto runs SELECT … INTO.
func (c *cmd) selectInto(s *pg.SelectStmt) string {
	into := intoOf(s)
	if into == nil {
		notYet("this statement")
	}
	return c.fillNew('r', into, &pg.Node{Node: &pg.Node_SelectStmt{SelectStmt: s}}, false, "SELECT INTO")
}

// intoOf takes the INTO clause out of a query: of a set operation, its first
// member has it.
func intoOf(s *pg.SelectStmt) *pg.IntoClause {
	for ; s != nil; s = s.Larg {
		if s.IntoClause != nil {
			into := s.IntoClause
			s.IntoClause = nil
			return into
		}
	}
	return nil
}

// fillNew makes a table of a query's columns and fills it with its rows.
func (c *cmd) fillNew(kind byte, into *pg.IntoClause, query *pg.Node, mayExist bool, tag string) string {
	ns, pers := c.creation(into.Rel)
	if c.exists(into.Rel.Relname, ns, mayExist) {
		return tag
	}
	c.accessMethod(into.AccessMethod)
	var p *plan.PlannedStmt
	var q *node.Query
	args := c.st.Args
	exec := query.GetExecuteStmt()
	if exec != nil {
		q = must(c.PreparedQuery(exec.Name))
	} else {
		q = must(c.Analyze(c.inner(query), c.st.Params))
	}
	aliases := names(into.ColNames)
	cols := c.outputColumns(q, aliases)
	if len(aliases) > len(cols) {
		fail(pgerr.SyntaxError, "too many column names were specified")
	}
	if into.OnCommit > pg.OnCommitAction_ONCOMMIT_NOOP && pers != 't' {
		fail(pgerr.InvalidTableDefinition, "ON COMMIT can only be used on temporary tables")
	}
	o := must(c.Catalog().CreateRelation(catalog.NewRelation{Name: into.Rel.Relname, Namespace: ns, Tablespace: c.tablespace(into.TableSpaceName),
		Kind: kind, Persistence: pers, Owner: c.User(), Columns: cols, Options: c.relOptions(into.Options, 'r')}))
	throw(c.Increment())
	c.onCommit(o, into.OnCommit)
	if kind == 'm' {
		c.matviewRule(o, query)
	}
	if into.SkipData {
		if kind == 'm' {
			c.setPopulated(o, false)
		}
		return tag
	}
	if exec != nil {
		var err error
		p, args, err = c.Prepared(c.text, query)
		throw(err)
	} else {
		p = must(c.Plan(q, false))
	}
	x := c.Execution(p)
	defer c.Done(x)
	defer x.Close()
	x.Params = args
	throw(x.Start())
	rel := c.relation(o)
	opt := heap.InsertOptions{Command: x.Cid, SkipFSM: true, Bulk: heap.NewBulk(rel)}
	total := must(runRows(x, len(cols), func(row []datum.Datum) error {
		_, err := heap.Insert(c.Context(), c.Tx(), rel, row, opt)
		return err
	}))
	return "SELECT " + itoa64(total)
}
