package exec

import (
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/types"
)

// subPlan runs a correlated or uncorrelated subquery for each row, or probes a
// hash table of its result.
type subPlan struct {
	kind    node.SubLinkType
	plan    Node
	args    []expr // values of parParam
	parPar  []int
	changed paramSet
	params  []int // slots that test reads: one per output column
	test    expr  // over params, for ANY and ALL
	byRef   bool
	elem    array.Elem // ARRAY(…)
	elemTyp oid.OID
	vecs    []*types.Vec
	out     types.Vec
	fresh   bool
	hash    *hashedSub
	one     Batch
}

func (e *subPlan) eval(x *Execution, b *Batch, sel []int32) (*types.Vec, error) {
	if e.hash != nil {
		return e.hash.eval(x, e, b, sel)
	}
	for k, a := range e.args {
		v, err := a.eval(x, b, sel)
		if err != nil {
			return nil, err
		}
		e.vecs[k] = v
	}
	grow(&e.out, b.N, e.byRef)
	for _, i := range sel {
		for k, v := range e.vecs {
			x.slots[e.parPar[k]].set(at(v, i))
		}
		if err := e.restart(x); err != nil {
			return nil, err
		}
		d, err := e.row(x, b, i)
		if err != nil {
			return nil, err
		}
		put(&e.out, i, d)
	}
	return &e.out, nil
}

// restart makes the subplan ready to run with the current parameters.
func (e *subPlan) restart(x *Execution) error {
	if !e.fresh {
		e.fresh = true
		return nil
	}
	return e.plan.Rescan(x, e.changed)
}

// row runs the subplan for row i of b.
func (e *subPlan) row(x *Execution, b *Batch, i int32) (datum.Datum, error) {
	switch e.kind {
	case node.ExistsSublink:
		for {
			in, err := e.plan.Next(x)
			if in == nil || err != nil || len(in.Sel) > 0 {
				return datum.Bool(in != nil), err
			}
		}
	case node.ExprSublink:
		row, ok, err := singleRow(x, e.plan)
		if err != nil || !ok {
			return datum.Null(), err
		}
		return row[0], nil
	case node.ArraySublink:
		return arrayOf(x, e.plan, e.elem, e.elemTyp)
	case node.AnySublink, node.AllSublink, node.RowCompareSublink:
		return e.quantified(x, b, i)
	}
	return datum.Null(), pgerr.NotYet("subquery of kind %d", e.kind)
}

// quantified compares row i with each row of the subquery: op ANY, op ALL, or a
// single row.
func (e *subPlan) quantified(x *Execution, b *Batch, i int32) (datum.Datum, error) {
	isAny := e.kind != node.AllSublink
	null, rows, holds := false, 0, false
	for {
		in, err := e.plan.Next(x)
		if err != nil {
			return datum.Null(), err
		}
		if in == nil {
			break
		}
		for _, j := range in.Sel {
			if rows++; rows > 1 && e.kind == node.RowCompareSublink {
				return datum.Null(), pgerr.New(pgerr.CardinalityViolation, "more than one row returned by a subquery used as an expression")
			}
			for k, p := range e.params {
				x.slots[p].set(at(in.Cols[k], j))
			}
			v, err := e.test.eval(x, b, []int32{i})
			if err != nil {
				return datum.Null(), err
			}
			switch {
			case e.kind == node.RowCompareSublink:
				null, holds = v.Nulls[i], v.Ints[i] != 0
			case v.Nulls[i]:
				null = true
			case (v.Ints[i] != 0) == isAny:
				return datum.Bool(isAny), nil
			}
		}
	}
	switch {
	case null || rows == 0 && e.kind == node.RowCompareSublink:
		return datum.Null(), nil
	case e.kind == node.RowCompareSublink:
		return datum.Bool(holds), nil
	}
	return datum.Bool(!isAny), nil
}

// singleRow reads the only row of a subquery, cloned; ok is false if there is
// none.
func singleRow(x *Execution, n Node) (row []datum.Datum, ok bool, err error) {
	for {
		in, err := n.Next(x)
		if err != nil {
			return nil, false, err
		}
		if in == nil {
			return row, ok, nil
		}
		if len(in.Sel) == 0 {
			continue
		}
		if ok || len(in.Sel) > 1 {
			return nil, false, pgerr.New(pgerr.CardinalityViolation, "more than one row returned by a subquery used as an expression")
		}
		ok = true
		row = make([]datum.Datum, len(in.Cols))
		for k, c := range in.Cols {
			row[k] = at(c, in.Sel[0]).Clone()
		}
	}
}

// arrayOf collects the first column of a subquery's rows.
func arrayOf(x *Execution, n Node, elem array.Elem, typ oid.OID) (datum.Datum, error) {
	var vals []datum.Datum
	for {
		in, err := n.Next(x)
		if err != nil {
			return datum.Null(), err
		}
		if in == nil {
			return datum.Bytes(array.Build(array.Of(typ, vals), elem)), nil
		}
		for _, i := range in.Sel {
			vals = append(vals, at(in.Cols[0], i).Clone())
		}
	}
}
