package plan

import (
	"slices"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// target is the table that this level modifies.
func (r *root) target() (*access.Relation, error) {
	rte := r.rte(r.q.ResultRelation)
	rel, err := r.cat.Relation(rte.Relid)
	if err == nil && rel == nil {
		err = pgerr.New(pgerr.UndefinedTable, "could not open relation with OID %d", rte.Relid)
	}
	if err != nil {
		return nil, err
	}
	switch rel.Kind {
	case 'r':
		return rel, nil
	case 'v':
		return nil, pgerr.NotYet("modifying view %q", rel.Name)
	case 'S':
		return nil, pgerr.New(pgerr.WrongObjectType, "cannot change sequence %q", rel.Name)
	case 'm':
		return nil, pgerr.New(pgerr.WrongObjectType, "cannot change materialized view %q", rel.Name)
	case 't':
		return nil, pgerr.New(pgerr.WrongObjectType, "cannot change TOAST relation %q", rel.Name)
	}
	return nil, pgerr.New(pgerr.WrongObjectType, "cannot change relation %q", rel.Name)
}

// expandTlist gives the target list of INSERT, UPDATE and DELETE the form that
// ModifyTable takes.
func (r *root) expandTlist() error {
	q := r.q
	if q.CommandType == node.CmdSelect {
		return nil
	}
	rel, err := r.target()
	if err != nil {
		return err
	}
	r.stmt.ResultRelations = append(r.stmt.ResultRelations, q.ResultRelation)
	switch q.CommandType {
	case node.CmdInsert:
		return r.expandInsert(rel)
	case node.CmdUpdate:
		if q.TargetList, err = r.updateList(rel, q.TargetList); err != nil {
			return err
		}
	case node.CmdMerge:
		if err := r.expandMerge(rel); err != nil {
			return err
		}
	case node.CmdDelete:
		q.TargetList = nil
	}
	ctid := &node.Var{Varno: q.ResultRelation, Varattno: -1, Vartype: oid.Tid, Vartypmod: -1, Varnosyn: q.ResultRelation, Varattnosyn: -1, Location: -1}
	q.TargetList = append(q.TargetList, &node.TargetEntry{Expr: ctid, Resno: len(q.TargetList) + 1, Resname: "ctid", Resjunk: true})
	r.returningVars()
	return nil
}

// updateList gives UPDATE's target list the order of the columns, junk last.
func (r *root) updateList(rel *access.Relation, list []*node.TargetEntry) ([]*node.TargetEntry, error) {
	list = slices.Clone(list)
	for i, te := range list {
		if te.Resjunk {
			continue
		}
		a := &rel.Desc.Attrs[te.Resno-1]
		if a.Identity == 'a' && !isDefault(te.Expr) {
			return nil, pgerr.New(pgerr.GeneratedAlways, "column %q can only be updated to DEFAULT", a.Name).
				WithDetail("Column %q is an identity column defined as GENERATED ALWAYS.", a.Name)
		}
		if a.Generated != 0 {
			if !isDefault(te.Expr) {
				return nil, pgerr.New(pgerr.GeneratedAlways, "column %q can only be updated to DEFAULT", a.Name).
					WithDetail("Column %q is a generated column.", a.Name)
			}
		}
		e, err := r.defaulted(rel, te.Resno, te.Expr)
		if err != nil {
			return nil, err
		}
		c := *te
		c.Expr = e
		list[i] = &c
	}
	list = slices.DeleteFunc(list, func(te *node.TargetEntry) bool {
		return !te.Resjunk && rel.Desc.Attrs[te.Resno-1].Generated != 0
	})
	slices.SortStableFunc(list, func(a, b *node.TargetEntry) int {
		if a.Resjunk != b.Resjunk {
			if a.Resjunk {
				return 1
			}
			return -1
		}
		return a.Resno - b.Resno
	})
	return list, nil
}

func isDefault(e node.Node) bool {
	_, ok := e.(*node.SetToDefault)
	return ok
}

// defaulted replaces DEFAULT by the column's default.
func (r *root) defaulted(rel *access.Relation, att int, e node.Node) (node.Node, error) {
	if e != nil && !isDefault(e) {
		return e, nil
	}
	a := &rel.Desc.Attrs[att-1]
	if !a.Dropped && a.Generated == 0 {
		d, err := r.cat.Default(rel, att)
		if err != nil {
			return nil, err
		}
		if d != nil {
			return r.fold(d), nil
		}
	}
	t := a.Type
	if a.Dropped {
		t = oid.Int4
	}
	k := &node.Const{Consttype: t, Consttypmod: -1, Constcollid: a.Collation, Constlen: int(a.Len), Constbyval: a.ByVal, Constisnull: true, Location: -1}
	k.Constvalue.Null = true
	return k, nil
}

// nestAssignment makes one value of two that the same column is given: a
// subscript's assignment works on what the previous one made.
func nestAssignment(e, prev node.Node, column string) (node.Node, error) {
	if prev == nil {
		return e, nil
	}
	s, ok := e.(*node.SubscriptingRef)
	if p, is := prev.(*node.SubscriptingRef); !ok || !is || s.Refassgnexpr == nil || p.Refassgnexpr == nil {
		return nil, pgerr.New(pgerr.SyntaxError, "multiple assignments to same column \"%s\"", column)
	}
	c := *s
	c.Refexpr = prev
	return &c, nil
}

// mergeAssignments leaves one entry per column. It must run before expressions
// are folded: a folded assignment cannot be told from another value.
func mergeAssignments(list []*node.TargetEntry) ([]*node.TargetEntry, error) {
	var out []*node.TargetEntry
	for _, te := range list {
		i := slices.IndexFunc(out, func(o *node.TargetEntry) bool { return !o.Resjunk && o.Resno == te.Resno })
		if te.Resjunk || i < 0 {
			out = append(out, te)
			continue
		}
		c := *te
		var err error
		if c.Expr, err = nestAssignment(te.Expr, out[i].Expr, te.Resname); err != nil {
			return nil, err
		}
		out[i] = &c
	}
	return out, nil
}

// oneAssignment leaves one assignment per column of INSERT and UPDATE.
func (r *root) oneAssignment() (err error) {
	q := r.q
	if q.CommandType == node.CmdInsert || q.CommandType == node.CmdUpdate {
		if q.TargetList, err = mergeAssignments(q.TargetList); err != nil {
			return err
		}
	}
	for _, a := range q.MergeActionList {
		if a.CommandType == node.CmdUpdate || a.CommandType == node.CmdInsert {
			if a.TargetList, err = mergeAssignments(a.TargetList); err != nil {
				return err
			}
		}
	}
	if q.OnConflict != nil {
		q.OnConflict.OnConflictSet, err = mergeAssignments(q.OnConflict.OnConflictSet)
	}
	return err
}

// expandInsert makes one entry per column.
func (r *root) expandInsert(rel *access.Relation) (err error) {
	r.q.TargetList, err = r.insertList(rel, r.q.TargetList)
	return err
}

func (r *root) insertList(rel *access.Relation, list []*node.TargetEntry) ([]*node.TargetEntry, error) {
	given := map[int]node.Node{}
	var junk []*node.TargetEntry
	for _, te := range list {
		if te.Resjunk {
			junk = append(junk, te)
			continue
		}
		given[te.Resno] = te.Expr
	}
	var out []*node.TargetEntry
	for i := range rel.Desc.Attrs {
		a := &rel.Desc.Attrs[i]
		e := given[i+1]
		if e != nil {
			var err error
			if e, err = r.generated(rel, i+1, e); err != nil {
				return nil, err
			}
		}
		e, err := r.defaulted(rel, i+1, e)
		if err != nil {
			return nil, err
		}
		out = append(out, &node.TargetEntry{Expr: e, Resno: i + 1, Resname: a.Name})
	}
	for _, te := range junk {
		c := *te
		c.Resno = len(out) + 1
		out = append(out, &c)
	}
	return out, nil
}

// generated checks that a value may be given for a column that generates its own,
// and replaces DEFAULTs in a VALUES list.
func (r *root) generated(rel *access.Relation, att int, e node.Node) (node.Node, error) {
	a := &rel.Desc.Attrs[att-1]
	v, isVar := e.(*node.Var)
	all := isDefault(e)
	if isVar {
		if rte := r.rte(v.Varno); rte.Rtekind == node.RTEValues {
			all = true
			for _, row := range rte.ValuesLists {
				if !isDefault(row[v.Varattno-1]) {
					all = false
					continue
				}
				d, err := r.defaulted(rel, att, nil)
				if err != nil {
					return nil, err
				}
				if a.Generated == 0 {
					row[v.Varattno-1] = d
				}
			}
			if all && a.Generated != 0 {
				return nil, nil
			}
		}
	}
	switch {
	case a.Generated != 0 && !all:
		return nil, pgerr.New(pgerr.GeneratedAlways, "cannot insert a non-DEFAULT value into column %q", a.Name).
			WithDetail("Column %q is a generated column.", a.Name)
	case a.Identity == 'a' && r.q.Override == node.OverridingUserValue, a.Identity == 'd' && r.q.Override == node.OverridingUserValue:
		return nil, nil
	case a.Identity == 'a' && r.q.Override != node.OverridingSystemValue && !all:
		return nil, pgerr.New(pgerr.GeneratedAlways, "cannot insert a non-DEFAULT value into column %q", a.Name).
			WithDetail("Column %q is an identity column defined as GENERATED ALWAYS.", a.Name).
			WithHint("Use OVERRIDING SYSTEM VALUE to override.")
	}
	return e, nil
}

// returningVars adds what RETURNING uses of other tables to the target list.
func (r *root) returningVars() {
	q := r.q
	for _, te := range q.ReturningList {
		node.Walk(te.Expr, func(n node.Node) bool {
			v, ok := n.(*node.Var)
			if ok && v.Varlevelsup == 0 && v.Varno > 0 && v.Varno != q.ResultRelation && (q.OnConflict == nil || v.Varno != q.OnConflict.ExclRelIndex) && findTarget(q.TargetList, v) < 0 {
				q.TargetList = append(q.TargetList, &node.TargetEntry{Expr: v, Resno: len(q.TargetList) + 1, Resjunk: true})
			}
			return true
		})
	}
}

// addModify puts ModifyTable on top.
func (r *root) addModify(p Plan) (Plan, error) {
	q := r.q
	m := &ModifyTable{Operation: q.CommandType, CanSetTag: q.CanSetTag, ResultRti: q.ResultRelation, ReturningList: q.ReturningList}
	c := p.Common()
	m.Node = Node{Left: p, StartupCost: c.StartupCost, TotalCost: c.TotalCost}
	if len(q.ReturningList) > 0 {
		m.Rows, m.TargetList = c.Rows, q.ReturningList
		m.Width = c.Width
	}
	for i, te := range c.TargetList {
		switch {
		case q.CommandType == node.CmdUpdate && !te.Resjunk:
			m.UpdateColnos = append(m.UpdateColnos, te.Resno)
		case te.Resjunk && te.Resname == "ctid":
			if v, ok := te.Expr.(*node.Var); ok && v.Varno == q.ResultRelation {
				m.RowIDAttr = i + 1
			}
		}
	}
	for _, w := range q.WithCheckOptions {
		if w.Qual != nil {
			m.Checks = append(m.Checks, ViewCheck{w.Relname, andList(w.Qual)})
		}
	}
	m.Merge = r.mergeActions()
	if q.OnConflict == nil {
		return m, nil
	}
	oc := q.OnConflict
	m.OnConflict = &OnConflict{Action: oc.Action, ExclRti: oc.ExclRelIndex, Where: andList(oc.OnConflictWhere)}
	rel, err := r.target()
	if err != nil {
		return nil, err
	}
	for _, te := range oc.OnConflictSet {
		if te.Resjunk { // the subquery of several columns
			m.OnConflict.Set, m.OnConflict.SetColnos = append(m.OnConflict.Set, te), append(m.OnConflict.SetColnos, 0)
			continue
		}
		e, err := r.defaulted(rel, te.Resno, te.Expr)
		if err != nil {
			return nil, err
		}
		d := *te
		d.Expr = e
		m.OnConflict.Set = append(m.OnConflict.Set, &d)
		m.OnConflict.SetColnos = append(m.OnConflict.SetColnos, te.Resno)
	}
	m.OnConflict.ArbiterIndexes, err = r.arbiters(rel, oc)
	return m, err
}

// arbiters finds the unique indexes that ON CONFLICT names.
func (r *root) arbiters(rel *access.Relation, oc *node.OnConflictExpr) ([]oid.OID, error) {
	if oc.Constraint == oid.Invalid && len(oc.ArbiterElems) == 0 {
		return nil, nil
	}
	indexes, err := r.cat.Indexes(rel)
	if err != nil {
		return nil, err
	}
	if oc.Constraint != oid.Invalid {
		id, err := r.cat.ConstraintIndex(oc.Constraint)
		return []oid.OID{id}, err
	}
	var out []oid.OID
	for _, ix := range indexes {
		if ix.Rel.Index.Unique && r.infers(ix, oc) {
			out = append(out, ix.Rel.OID)
		}
	}
	if len(out) == 0 {
		return nil, pgerr.New(pgerr.InvalidColumnReference, "there is no unique or exclusion constraint matching the ON CONFLICT specification")
	}
	return out, nil
}

// infers reports whether the inference elements name exactly ix's keys.
func (r *root) infers(ix *Index, oc *node.OnConflictExpr) bool {
	info := ix.Rel.Index
	own := func(e node.Node) node.Node {
		return replaceVars(e, r.q.ResultRelation, func(v *node.Var) node.Node {
			c := *v
			c.Varno, c.Varnosyn = 1, 1
			return &c
		})
	}
	used := 0
	for _, el := range oc.ArbiterElems {
		found := false
		expr := 0
		for k := range info.KeyCols {
			if a := info.AttNums[k]; a != 0 {
				v, ok := el.Expr.(*node.Var)
				found = found || ok && v.Varattno == int(a)
				continue
			}
			found = found || node.Equal(own(el.Expr), ix.Exprs[expr])
			expr++
		}
		if !found {
			return false
		}
		used++
	}
	if used < info.KeyCols {
		return false
	}
	if len(ix.Pred) == 0 {
		return true
	}
	for _, p := range ix.Pred {
		if !slices.ContainsFunc(andList(oc.ArbiterWhere), func(w node.Node) bool { return r.implies(own(w), p) }) {
			return false
		}
	}
	return true
}
