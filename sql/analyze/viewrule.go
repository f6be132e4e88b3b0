package analyze

import "github.com/pgmini/pgmini/sql/node"

// viewShift is how many range table entries a rule's own relation takes.
const viewShift = 2

// ViewAction is the action of a view's ON SELECT rule as pg_rewrite.ev_action
// holds it: a list with the view's query, before whose range table stand the
// entries that rules call old and new.
func ViewAction(q *node.Query, view *Relation) node.List {
	out := node.MutateLevels(q, shiftVars).(*node.Query)
	entry := func(alias string) *node.RangeTblEntry {
		cols := make([]string, 0, len(view.Columns))
		for _, c := range view.Columns {
			cols = append(cols, c.Name)
		}
		return &node.RangeTblEntry{Alias: &node.Alias{Aliasname: alias}, Eref: &node.Alias{Aliasname: alias, Colnames: cols},
			Rtekind: node.RTERelation, Relid: view.OID, Relkind: node.Char(view.Kind), Rellockmode: 1}
	}
	out = out.Copy().(*node.Query)
	out.Rtable = append([]*node.RangeTblEntry{entry("old"), entry("new")}, out.Rtable...)
	marks := make([]*node.RowMarkClause, len(out.RowMarks))
	for i, m := range out.RowMarks {
		c := *m
		c.Rti += viewShift
		marks[i] = &c
	}
	if len(marks) > 0 {
		out.RowMarks = marks
	}
	return node.List{out}
}

// shiftVars moves references to the outermost range table.
func shiftVars(n node.Node, level int) (node.Node, bool) {
	switch x := n.(type) {
	case *node.Var:
		if x.Varlevelsup != level {
			return nil, false
		}
		c := *x
		c.Varno += viewShift
		if c.Varnosyn > 0 {
			c.Varnosyn += viewShift
		}
		return &c, true
	case *node.RangeTblRef:
		if level == 0 {
			return &node.RangeTblRef{Rtindex: x.Rtindex + viewShift}, true
		}
	case *node.JoinExpr:
		if level == 0 && x.Rtindex > 0 {
			c := *x
			c.Larg, c.Rarg = node.MutateLevels(x.Larg, shiftVars), node.MutateLevels(x.Rarg, shiftVars)
			if x.Quals != nil {
				c.Quals = node.MutateLevels(x.Quals, shiftVars)
			}
			c.Rtindex += viewShift
			return &c, true
		}
	}
	return nil, false
}
