package analyze

import (
	"slices"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// changeViews makes every statement in q that changes a view change the table
// below it.
func (a *analyzer) changeViews(q *node.Query) *node.Query {
	changes := func(q *node.Query) bool {
		return q.ResultRelation > 0 && q.Rtable[q.ResultRelation-1].Rtekind == node.RTERelation && q.Rtable[q.ResultRelation-1].Relkind == 'v'
	}
	found := node.Any(q, func(n node.Node) bool {
		k, ok := n.(*node.Query)
		return ok && changes(k)
	})
	if !found {
		return q
	}
	q = node.Mutate(q, func(n node.Node) (node.Node, bool) {
		k, ok := n.(*node.Query)
		if !ok || n == node.Node(q) || !changes(k) {
			return nil, false
		}
		return a.changeViews(k), true
	}).(*node.Query)
	for changes(q) {
		q = a.changeView(q)
	}
	return q
}

// viewTarget is a view that a statement changes, and its query.
type viewTarget struct {
	rel  *Relation
	q    *node.Query
	base int // the range table index of what it selects from
}

// changeView turns a change of a view into one of its base relation (PostgreSQL:
// rewriteTargetView). The view's entry stays in the range table, unused.
func (a *analyzer) changeView(q *node.Query) *node.Query {
	t := q.Rtable[q.ResultRelation-1]
	v := &viewTarget{rel: must(a.cat.RelationByOID(t.Relid))}
	if v.rel.HasRules || v.rel.HasTriggers {
		a.notYet(-1, "changing a view that has rules or triggers")
	}
	v.q = a.storedQuery(v.rel.Name, t.Relid, v.rel.ViewRule)
	a.updatable(q, v)
	if v.rel.SecurityBarrier && q.CommandType != node.CmdInsert && v.q.Jointree.Quals != nil {
		a.notYet(-1, "changing a view that is a security barrier")
	}
	q = q.Copy().(*node.Query)
	if q.CommandType == node.CmdInsert {
		a.viewDefaults(q, v.rel)
	}
	a.updatableColumns(q, v)
	base := *v.q.Rtable[v.base-1]
	base.Rellockmode, base.RequiredPerms, base.CheckAsUser, base.InFromCl = 3, t.RequiredPerms, v.rel.Owner, false
	q.Rtable = append(slices.Clone(q.Rtable), &base)
	old, now := q.ResultRelation, len(q.Rtable)
	list := renumbered(v.q.TargetList, v.base, now)
	subst := map[int][]*node.TargetEntry{old: list}
	if oc := q.OnConflict; oc != nil && oc.ExclRelIndex > 0 {
		subst[oc.ExclRelIndex] = a.excludedOfBase(q, v, &base)
	}
	out := a.substitute(q, subst, old, now)
	out.ResultRelation = now
	retarget := func(tl []*node.TargetEntry) {
		for _, te := range tl {
			if te.Resjunk {
				continue
			}
			b := v.q.TargetList[te.Resno-1].Expr.(*node.Var)
			te.Resno, te.Resname = b.Varattno, base.Eref.Colnames[b.Varattno-1]
		}
	}
	if q.CommandType != node.CmdDelete {
		retarget(out.TargetList)
	}
	if out.OnConflict != nil {
		retarget(out.OnConflict.OnConflictSet)
	}
	a.viewQuals(out, v, now)
	return out
}

// renumbered gives expressions over one range table entry another number.
func renumbered(list []*node.TargetEntry, from, to int) []*node.TargetEntry {
	out := make([]*node.TargetEntry, len(list))
	for i, te := range list {
		c := *te
		c.Expr = renumber(te.Expr, from, to)
		out[i] = &c
	}
	return out
}

func renumber(e node.Node, from, to int) node.Node {
	return node.MutateLevels(e, func(n node.Node, level int) (node.Node, bool) {
		x, ok := n.(*node.Var)
		if !ok || x.Varlevelsup != level || x.Varno != from {
			return nil, false
		}
		c := *x
		c.Varno = to
		if c.Varnosyn == from {
			c.Varnosyn = to
		}
		return &c, true
	})
}

// substitute replaces the variables of entries of q's range table by the
// expressions of a view's target list, and the reference to entry old by now.
func (a *analyzer) substitute(q *node.Query, subst map[int][]*node.TargetEntry, old, now int) *node.Query {
	return node.MutateLevels(q, func(n node.Node, level int) (node.Node, bool) {
		switch x := n.(type) {
		case *node.Var:
			list, ok := subst[x.Varno]
			if !ok || x.Varlevelsup != level {
				return nil, false
			}
			if x.Varattno <= 0 {
				a.notYet(-1, "a whole-row reference to a view that is changed")
			}
			e := list[x.Varattno-1].Expr
			if level > 0 {
				e = node.IncrementSublevelsUp(e, level, 0)
			}
			return e, true
		case *node.RangeTblRef:
			if level == 0 && x.Rtindex == old {
				return &node.RangeTblRef{Rtindex: now}, true
			}
		}
		return nil, false
	}).(*node.Query)
}

// excludedOfBase gives ON CONFLICT the row that was to be inserted into the base
// relation, and returns the view's columns of it.
func (a *analyzer) excludedOfBase(q *node.Query, v *viewTarget, base *node.RangeTblEntry) []*node.TargetEntry {
	oc := *q.OnConflict
	rel := must(a.cat.RelationByOID(base.Relid))
	e := *base
	e.Relkind, e.RequiredPerms = 'c', 0
	e.Alias = &node.Alias{Aliasname: "excluded"}
	e.Eref = &node.Alias{Aliasname: "excluded", Colnames: base.Eref.Colnames}
	q.Rtable = append(q.Rtable, &e)
	oc.ExclRelIndex = len(q.Rtable)
	oc.ExclRelTlist = (&analyzer{cat: a.cat}).newState(nil).excludedTargets(rel, oc.ExclRelIndex)
	q.OnConflict = &oc
	return renumbered(v.q.TargetList, v.base, oc.ExclRelIndex)
}

// viewQuals restricts UPDATE and DELETE to the rows that the view shows, and adds
// the check of new rows that the view asks for.
func (a *analyzer) viewQuals(q *node.Query, v *viewTarget, now int) {
	var qual node.Node
	if v.q.Jointree.Quals != nil {
		qual = renumber(v.q.Jointree.Quals, v.base, now)
		q.HasSubLinks = q.HasSubLinks || v.q.HasSubLinks
	}
	if q.CommandType != node.CmdInsert && qual != nil {
		j := *q.Jointree
		switch {
		case j.Quals == nil:
			j.Quals = qual
		default:
			j.Quals = &node.BoolExpr{Boolop: node.AndExpr, Args: []node.Node{j.Quals, qual}, Location: -1}
		}
		q.Jointree = &j
	}
	if q.CommandType == node.CmdDelete {
		return
	}
	check, cascaded := v.rel.CheckOption != "", v.rel.CheckOption == "cascaded"
	if len(q.WithCheckOptions) > 0 && q.WithCheckOptions[0].Cascaded {
		check, cascaded = true, true
	}
	if check && (cascaded || qual != nil) {
		q.WithCheckOptions = append([]*node.WithCheckOption{{Relname: v.rel.Name, Qual: qual, Cascaded: cascaded}}, q.WithCheckOptions...)
	}
}

// viewDefaults adds a view's own defaults to an INSERT; for other columns those
// of the base relation will be taken.
func (a *analyzer) viewDefaults(q *node.Query, rel *Relation) {
	list := slices.Clone(q.TargetList)
	for i := range rel.Columns {
		c := &rel.Columns[i]
		if c.Default == "" {
			continue
		}
		e, err := node.Read(c.Default)
		a.throw(err)
		at := slices.IndexFunc(list, func(te *node.TargetEntry) bool { return !te.Resjunk && te.Resno == i+1 })
		if at < 0 {
			list = append(list, &node.TargetEntry{Expr: e, Resno: i + 1, Resname: c.Name})
			continue
		}
		if _, ok := list[at].Expr.(*node.SetToDefault); ok {
			te := *list[at]
			te.Expr = e
			list[at] = &te
		}
	}
	q.TargetList = list
}

// updatable refuses views whose query does more than select from one relation.
func (a *analyzer) updatable(q *node.Query, v *viewTarget) {
	detail := v.whyNot()
	if detail == "" && q.CommandType != node.CmdDelete && !slices.ContainsFunc(v.q.TargetList, func(te *node.TargetEntry) bool { return v.columnWhyNot(te) == "" }) {
		detail = "Views that have no updatable columns are not automatically updatable."
	}
	if detail == "" {
		return
	}
	format, doing, event := "cannot update view %q", "updating", "UPDATE"
	switch q.CommandType {
	case node.CmdInsert:
		format, doing, event = "cannot insert into view %q", "inserting into", "INSERT"
	case node.CmdDelete:
		format, doing, event = "cannot delete from view %q", "deleting from", "DELETE"
	}
	a.throw(pgerr.New(pgerr.ObjectNotInPrerequisiteState, format, v.rel.Name).WithDetail("%s", detail).
		WithHint("To enable %s the view, provide an INSTEAD OF %s trigger or an unconditional ON %s DO INSTEAD rule.", doing, event, event))
}

// whyNot says why a view cannot be changed; "" if it can. It finds the base.
func (v *viewTarget) whyNot() string {
	const only = "Views that do not select from a single table or view are not automatically updatable."
	q := v.q
	switch {
	case len(q.DistinctClause) > 0:
		return "Views containing DISTINCT are not automatically updatable."
	case len(q.GroupClause) > 0 || len(q.GroupingSets) > 0:
		return "Views containing GROUP BY are not automatically updatable."
	case q.HavingQual != nil:
		return "Views containing HAVING are not automatically updatable."
	case q.SetOperations != nil:
		return "Views containing UNION, INTERSECT, or EXCEPT are not automatically updatable."
	case len(q.CteList) > 0:
		return "Views containing WITH are not automatically updatable."
	case q.LimitOffset != nil || q.LimitCount != nil:
		return "Views containing LIMIT or OFFSET are not automatically updatable."
	case q.HasAggs:
		return "Views that return aggregate functions are not automatically updatable."
	case q.HasWindowFuncs:
		return "Views that return window functions are not automatically updatable."
	case q.HasTargetSRFs:
		return "Views that return set-returning functions are not automatically updatable."
	case len(q.Jointree.Fromlist) != 1:
		return only
	}
	r, ok := q.Jointree.Fromlist[0].(*node.RangeTblRef)
	if !ok {
		return only
	}
	v.base = r.Rtindex
	b := q.Rtable[r.Rtindex-1]
	switch {
	case b.Rtekind != node.RTERelation:
		return only
	case b.Relkind != 'r' && b.Relkind != 'v' && b.Relkind != 'f' && b.Relkind != 'p':
		return only
	case b.Tablesample != nil:
		return "Views containing TABLESAMPLE are not automatically updatable."
	}
	return ""
}

// columnWhyNot says why a view's column cannot be changed; "" if it can.
func (v *viewTarget) columnWhyNot(te *node.TargetEntry) string {
	x, ok := te.Expr.(*node.Var)
	switch {
	case te.Resjunk || !ok || x.Varno != v.base || x.Varlevelsup != 0:
		return "View columns that are not columns of their base relation are not updatable."
	case x.Varattno < 0:
		return "View columns that refer to system columns are not updatable."
	case x.Varattno == 0:
		return "View columns that return whole-row references are not updatable."
	}
	return ""
}

// updatableColumns refuses changes of columns that are no columns of the base.
func (a *analyzer) updatableColumns(q *node.Query, v *viewTarget) {
	check := func(list []*node.TargetEntry, format string) {
		for _, te := range list {
			if te.Resjunk {
				continue
			}
			if why := v.columnWhyNot(v.q.TargetList[te.Resno-1]); why != "" {
				a.throw(pgerr.New(pgerr.FeatureNotSupported, format, v.rel.Columns[te.Resno-1].Name, v.rel.Name).WithDetail("%s", why))
			}
		}
	}
	switch q.CommandType {
	case node.CmdInsert:
		check(q.TargetList, "cannot insert into column %q of view %q")
	case node.CmdUpdate:
		check(q.TargetList, "cannot update column %q of view %q")
	}
	if q.OnConflict != nil {
		check(q.OnConflict.OnConflictSet, "cannot update column %q of view %q")
	}
}

// CheckUpdatable says why WITH CHECK OPTION is not possible for a view's query:
// what the message and its hint are made of; "" if it is.
func CheckUpdatable(q *node.Query) string {
	v := &viewTarget{q: q}
	if d := v.whyNot(); d != "" {
		return d
	}
	if !slices.ContainsFunc(q.TargetList, func(te *node.TargetEntry) bool { return v.columnWhyNot(te) == "" }) {
		return "Views that have no updatable columns are not automatically updatable."
	}
	return ""
}

// Bits of pg_relation_is_updatable: 1 << CmdType.
const (
	eventUpdate = 1 << 2
	eventInsert = 1 << 3
	eventDelete = 1 << 4
	allEvents   = eventUpdate | eventInsert | eventDelete
)

// UpdatableEvents says what may be done to a relation by itself, as
// pg_relation_is_updatable does. cols, if not nil, are the columns asked about.
func UpdatableEvents(cat Catalog, rel oid.OID, cols []int) (events int, err error) {
	defer catch(&err)
	return (&analyzer{cat: cat}).updatableEvents(rel, cols, nil), nil
}

func (a *analyzer) updatableEvents(id oid.OID, cols []int, open []oid.OID) int {
	rel := must(a.cat.RelationByOID(id))
	switch {
	case rel == nil || slices.Contains(open, id):
		return 0
	case rel.Kind == 'r' || rel.Kind == 'p':
		return allEvents
	case rel.Kind != 'v' || rel.ViewRule == "":
		return 0
	}
	v := &viewTarget{rel: rel, q: a.storedQuery(rel.Name, id, rel.ViewRule)}
	if v.whyNot() != "" {
		return 0
	}
	base := []int{}
	for i, te := range v.q.TargetList {
		if v.columnWhyNot(te) == "" && (cols == nil || slices.Contains(cols, i+1)) {
			base = append(base, te.Expr.(*node.Var).Varattno)
		}
	}
	events := allEvents
	if len(base) == 0 {
		events = eventDelete
	}
	b := v.q.Rtable[v.base-1]
	if b.Relkind == 'r' || b.Relkind == 'p' {
		return events
	}
	return events & a.updatableEvents(b.Relid, base, append(open, id))
}
