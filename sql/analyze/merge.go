package analyze

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/parser"
)

// mergeStmt transforms MERGE. The join tree is the source joined to the target:
// by an outer join if there is an action for source rows without a match.
func (p *pstate) mergeStmt(s *pg.MergeStmt) *node.Query {
	q := &node.Query{CommandType: node.CmdMerge}
	if len(s.ReturningList) > 0 { // of a later grammar
		p.failAtWord("returning", rawLocation(s.ReturningList[0]))
	}
	if s.WithClause != nil && s.WithClause.Recursive {
		p.fail(int(s.WithClause.Location), pgerr.FeatureNotSupported, "WITH RECURSIVE is not supported for MERGE statement")
	}
	p.with(s.WithClause, q)
	perms, outer := p.mergeClauses(s.MergeWhenClauses)
	rel := p.targetTable(s.Relation, s.Relation.Inh, false, perms)
	q.ResultRelation = p.target.index
	if rel.Kind != 'r' {
		kinds := map[byte]string{'v': "views", 'm': "materialized views", 'f': "foreign tables"}
		p.throw(p.err(-1, pgerr.FeatureNotSupported, `cannot execute MERGE on relation "%s"`, rel.Name).
			WithDetail("This operation is not supported for %s.", kinds[rel.Kind]))
	}
	p.fromClause([]*pg.Node{s.SourceRelation})
	source := p.namespace[len(p.namespace)-1]
	if name := p.target.names.Aliasname; source.names.Aliasname == name {
		p.throw(p.err(-1, pgerr.DuplicateAlias, `name "%s" specified more than once`, name).
			WithDetail("The name is used both as MERGE target table and data source."))
	}
	from := p.namespace
	both := append(append([]*nsItem(nil), from...), p.target)
	p.namespace = both
	j := &node.JoinExpr{Jointype: node.JoinInner, Larg: p.joinlist[len(p.joinlist)-1], Rarg: &node.RangeTblRef{Rtindex: p.target.index}}
	if outer {
		j.Jointype, q.MergeUseOuterJoin = node.JoinLeft, true
	}
	j.Quals = p.coerceBoolean(p.expr(s.JoinCondition, kindJoinOn), "JOIN/ON")
	for _, n := range s.MergeWhenClauses {
		w := n.GetMergeWhenClause()
		p.namespace = both
		if !matched(w) {
			p.namespace = from // the row is not there
		}
		q.MergeActionList = append(q.MergeActionList, p.mergeAction(w, rel))
	}
	q.Jointree = &node.FromExpr{Fromlist: []node.Node{j}}
	p.finish(q)
	return q
}

// failAtWord is the syntax error at the last word of that name before an offset.
func (p *pstate) failAtWord(word string, before int) {
	at, text := 0, ""
	for s := parser.NewScanner(p.text); ; {
		t := s.Next()
		if t.Kind == parser.EOF || t.Start >= before {
			break
		}
		if w := p.text[t.Start:t.End]; t.Kind == parser.Word && strings.EqualFold(w, word) {
			at, text = t.Start, w
		}
	}
	p.fail(at, pgerr.SyntaxError, `syntax error at or near "%s"`, text)
}

func matched(w *pg.MergeWhenClause) bool {
	return w.MatchKind == pg.MergeMatchKind_MERGE_WHEN_MATCHED
}

// mergeClauses finds the rights that the actions need, and whether one is for rows
// without a match.
func (p *pstate) mergeClauses(l []*pg.Node) (perms node.AclMode, outer bool) {
	last := map[bool]bool{} // an unconditional clause of the kind was there
	for _, n := range l {
		w := n.GetMergeWhenClause()
		if w.MatchKind == pg.MergeMatchKind_MERGE_WHEN_NOT_MATCHED_BY_SOURCE {
			p.notYet(-1, "MERGE … WHEN NOT MATCHED BY SOURCE")
		}
		switch w.CommandType {
		case pg.CmdType_CMD_INSERT:
			perms |= node.AclInsert
		case pg.CmdType_CMD_UPDATE:
			perms |= node.AclUpdate
		case pg.CmdType_CMD_DELETE:
			perms |= node.AclDelete
		}
		m := matched(w)
		if last[m] {
			p.fail(-1, pgerr.SyntaxError, "unreachable WHEN clause specified after unconditional WHEN clause")
		}
		last[m] = w.Condition == nil
		outer = outer || !m
	}
	return perms, outer
}

func (p *pstate) mergeAction(w *pg.MergeWhenClause, rel *Relation) *node.MergeAction {
	a := &node.MergeAction{Matched: matched(w), CommandType: node.CmdNothing}
	if w.Condition != nil {
		a.Qual = p.coerceBoolean(p.expr(w.Condition, kindMergeWhen), "WHEN")
	}
	switch w.CommandType {
	case pg.CmdType_CMD_DELETE:
		a.CommandType = node.CmdDelete
	case pg.CmdType_CMD_UPDATE:
		a.CommandType = node.CmdUpdate
		p.multi = multiAssign{}
		a.TargetList = p.assignTargets(rel, w.TargetList, p.updateTargets(w.TargetList))
		p.numberLinks(a.TargetList)
	case pg.CmdType_CMD_INSERT:
		a.CommandType, a.Override = node.CmdInsert, node.OverridingKind(max(w.Override-1, 0))
		cols, nos := p.insertColumns(rel, w.TargetList)
		if len(w.Values) == 0 {
			break // DEFAULT VALUES
		}
		row := p.insertRow(p.expandList(w.Values, kindValuesSingle), rel, cols, nos, len(w.TargetList) > 0)
		for i, e := range row {
			a.TargetList = append(a.TargetList, &node.TargetEntry{Expr: e, Resno: nos[i], Resname: cols[i].Name})
			p.target.rte.InsertedCols = p.target.rte.InsertedCols.Add(node.ColumnBit(nos[i]))
		}
	}
	p.assignListCollations(a)
	return a
}

// numberLinks makes the subqueries of SET (a, b) = (SELECT …) of one action
// different from those of the actions before it.
func (p *pstate) numberLinks(tl []*node.TargetEntry) {
	base := p.links
	for _, te := range tl {
		te.Expr = node.Mutate(te.Expr, func(n node.Node) (node.Node, bool) {
			switch x := n.(type) {
			case *node.Param:
				if x.Paramkind == node.ParamMultiexpr {
					c := *x
					c.Paramid += base << 16
					return &c, true
				}
			case *node.SubLink:
				if x.SubLinkType == node.MultiexprSublink {
					c := *x
					c.SubLinkId += base
					return &c, true
				}
			}
			return nil, false
		})
	}
	p.links += len(p.multi.links)
}

func (p *pstate) assignListCollations(a *node.MergeAction) {
	if a.Qual != nil {
		p.assignExprCollations(a.Qual)
	}
	for _, te := range a.TargetList {
		p.assignExprCollations(te.Expr)
	}
}
