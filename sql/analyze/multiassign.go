package analyze

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// multiAssign holds the sources of UPDATE … SET (a, b) = …: what the columns
// that are transformed next take their values from.
type multiAssign struct {
	row   []node.Node         // of the last ROW(…)
	cols  []*node.TargetEntry // of the last subquery
	links []*node.TargetEntry // all subqueries of the statement
}

// multiAssignRef is the value of one column of SET (a, b) = …. The grammar hands
// out the source once for each column; the first of them transforms it.
func (p *pstate) multiAssignRef(x *pg.MultiAssignRef) node.Node {
	row, link := x.Source.GetRowExpr(), x.Source.GetSubLink()
	switch {
	case x.Colno > 1:
	case row != nil:
		p.multi.cols, p.multi.row = nil, p.expandList(row.Args, p.kind)
		if len(p.multi.row) != int(x.Ncolumns) {
			p.fail(int(row.Location), pgerr.SyntaxError, "number of columns does not match number of values")
		}
	case link != nil && link.SubLinkType == pg.SubLinkType_EXPR_SUBLINK:
		p.multiSubLink(link, int(x.Ncolumns))
	default:
		p.fail(rawLocation(x.Source), pgerr.FeatureNotSupported, "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression")
	}
	k := int(x.Colno - 1)
	if p.multi.cols == nil {
		return p.multi.row[k]
	}
	e := p.multi.cols[k].Expr
	return &node.Param{Paramkind: node.ParamMultiexpr, Paramid: len(p.multi.links)<<16 | int(x.Colno), Paramtype: node.ExprType(e),
		Paramtypmod: node.ExprTypmod(e), Paramcollid: node.ExprCollation(e), Location: node.Location(node.ExprLocation(e))}
}

// multiSubLink transforms a subquery that gives n columns their values.
func (p *pstate) multiSubLink(link *pg.SubLink, n int) {
	many := &pg.SubLink{SubLinkType: pg.SubLinkType_MULTIEXPR_SUBLINK, Subselect: link.Subselect, Location: link.Location}
	s := p.subLink(many).(*node.SubLink)
	p.multi.row, p.multi.cols = nil, nil
	for _, te := range s.Subselect.(*node.Query).TargetList {
		if !te.Resjunk {
			p.multi.cols = append(p.multi.cols, te)
		}
	}
	if len(p.multi.cols) != n {
		p.fail(int(link.Location), pgerr.SyntaxError, "number of columns does not match number of values")
	}
	s.SubLinkId = len(p.multi.links) + 1
	p.multi.links = append(p.multi.links, &node.TargetEntry{Expr: s, Resjunk: true})
}
