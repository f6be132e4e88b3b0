package analyze

import (
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"

	pg "github.com/pganalyze/pg_query_go/v6"
)

const btLess = 1 // strategy number of < in a btree family

// rangeFrame is what RANGE frames with an offset must know of their one ORDER BY
// column.
type rangeFrame struct {
	family, typ oid.OID
}

// rangeColumn finds the ordering of w's one column.
func (p *pstate) rangeColumn(w *node.WindowClause, d *pg.WindowDef, tl []*node.TargetEntry) rangeFrame {
	if len(w.OrderClause) != 1 {
		p.fail(int(d.Location), pgerr.WindowingError, "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column")
	}
	s := w.OrderClause[0]
	places := must(p.cat.OperatorFamilies(s.Sortop))
	var r rangeFrame
	for _, m := range places {
		if m.AM == oid.BtreeAM && m.Left == m.Right {
			r = rangeFrame{m.Family, m.Left}
			w.InRangeAsc = m.Strategy == btLess
			break
		}
	}
	for _, te := range tl {
		if te.Ressortgroupref == s.TleSortGroupRef {
			w.InRangeColl = node.ExprCollation(te.Expr)
		}
	}
	w.InRangeNullsFirst = s.NullsFirst
	return r
}

// rangeOffset chooses the in_range function for an offset, and brings the offset
// to its type.
func (p *pstate) rangeOffset(r rangeFrame, e node.Node) (node.Node, oid.OID) {
	have := node.ExprType(e)
	fns := must(p.cat.InRangeFuncs(r.family, r.typ))
	preferred := have
	if have == oid.Unknown {
		preferred = r.typ
	}
	var chosen InRangeFunc
	matches := 0
	for _, f := range fns {
		if !p.can(have, f.Offset, node.CoercionImplicit) {
			continue
		}
		matches++
		if chosen = f; f.Offset == preferred {
			break
		}
	}
	at := node.ExprLocation(e)
	switch {
	case len(fns) == 0:
		p.fail(at, pgerr.FeatureNotSupported, "RANGE with offset PRECEDING/FOLLOWING is not supported for column type %s", p.typeName(r.typ))
	case matches == 0:
		p.throw(p.err(at, pgerr.FeatureNotSupported, "RANGE with offset PRECEDING/FOLLOWING is not supported for column type %s and offset type %s",
			p.typeName(r.typ), p.typeName(have)).WithHint("Cast the offset value to an appropriate type."))
	case matches != 1 && chosen.Offset != preferred:
		p.throw(p.err(at, pgerr.FeatureNotSupported, "RANGE with offset PRECEDING/FOLLOWING has multiple interpretations for column type %s and offset type %s",
			p.typeName(r.typ), p.typeName(have)).WithHint("Cast the offset value to the exact intended type."))
	}
	return p.coerceTo(e, have, chosen.Offset, -1, node.CoercionImplicit, node.CoerceImplicitCast, -1), chosen.Func
}
