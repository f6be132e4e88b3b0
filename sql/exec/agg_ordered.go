package exec

import (
	"math"
	"strings"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/builtin"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/types"
)

// orderedSet is what an ordered-set or hypothetical-set aggregate computes from
// its direct arguments and the group's rows in order.
type orderedSet struct {
	src       string // prosrc of the final function
	elem      array.Elem
	elemType  oid.OID
	pctElem   array.Elem
	interval  bool
	skipNulls bool
}

// newOrderedSet prepares an aggregate with WITHIN GROUP.
func (x *Execution) newOrderedSet(a *aggCall, e *node.Aggref, c *compiler, info AggInfo) error {
	s := &orderedSet{src: info.FinalSrc, skipNulls: info.TransSrc == "ordered_set_transition"}
	switch s.src {
	case "percentile_disc_final", "percentile_disc_multi_final", "mode_final", "hypothetical_rank_final", "hypothetical_dense_rank_final",
		"hypothetical_percent_rank_final", "hypothetical_cume_dist_final":
	case "percentile_cont_float8_final", "percentile_cont_float8_multi_final":
	case "percentile_cont_interval_final", "percentile_cont_interval_multi_final":
		s.interval = true
	default:
		return pgerr.NotYet("ordered-set aggregate %s", info.Name)
	}
	var err error
	if a.direct, err = c.exprs(e.Aggdirectargs); err != nil {
		return err
	}
	if strings.HasSuffix(s.src, "_multi_final") {
		if s.elem, s.elemType, err = c.arrayInfo(e.Aggtype); err != nil {
			return err
		}
		if s.pctElem, err = x.elem(oid.Float8); err != nil {
			return err
		}
	}
	a.ordered = s
	return nil
}

// finalOrdered computes the aggregate of one group; row is its place in n.out,
// whose columns the direct arguments read.
func (n *agg) finalOrdered(x *Execution, a *aggCall, s *rowStore, row int32) (datum.Datum, error) {
	direct := make([]datum.Datum, len(a.direct))
	for i, e := range a.direct {
		v, err := e.eval(x, n.out, []int32{row})
		if err != nil {
			return datum.Null(), err
		}
		direct[i] = at(v, row)
	}
	rows := sortRows(s, a.order)
	if a.ordered.skipNulls {
		kept := rows[:0]
		for _, r := range rows {
			if !s.cols[0].Nulls[r] {
				kept = append(kept, r)
			}
		}
		rows = kept
	}
	switch o := a.ordered; {
	case o.src == "mode_final":
		return a.mode(s, rows), nil
	case strings.HasPrefix(o.src, "hypothetical_"):
		return a.hypothetical(s, rows, direct), nil
	case o.elemType != 0:
		return o.percentiles(s, rows, direct[0])
	case direct[0].Null:
		return direct[0], nil
	default:
		return o.percentile(s, rows, direct[0].Float8())
	}
}

// mode is the most frequent value, the first of several.
func (a *aggCall) mode(s *rowStore, rows []int32) datum.Datum {
	best, most := datum.Null(), 0
	for from := 0; from < len(rows); {
		first := s.datum(0, int(rows[from]))
		to := from + 1
		for to < len(rows) && a.order[0].compare(first, s.datum(0, int(rows[to]))) == 0 {
			to++
		}
		if to-from > most {
			best, most = first, to-from
		}
		from = to
	}
	return best
}

// percentile is percentile_disc or percentile_cont of sorted rows.
func (o *orderedSet) percentile(s *rowStore, rows []int32, p float64) (datum.Datum, error) {
	if !(p >= 0 && p <= 1) {
		return datum.Null(), pgerr.New(pgerr.NumericValueOutOfRange, "percentile value %s is not between 0 and 1", types.AppendFloat(nil, p, 64, -9))
	}
	if len(rows) == 0 {
		return datum.Null(), nil
	}
	get := func(i float64) datum.Datum { return s.datum(0, int(rows[int(i)])) }
	if strings.HasPrefix(o.src, "percentile_disc") {
		return get(max(math.Ceil(p*float64(len(rows))), 1) - 1), nil
	}
	at := p * float64(len(rows)-1)
	lo, hi := get(math.Floor(at)), get(math.Ceil(at))
	if math.Floor(at) == math.Ceil(at) {
		return lo, nil
	}
	part := at - math.Floor(at)
	if o.interval {
		return builtin.IntervalBetween(lo, hi, part)
	}
	return datum.Float8(lo.Float8() + part*(hi.Float8()-lo.Float8())), nil
}

// percentiles answers an array of percentages by an array of the same shape.
func (o *orderedSet) percentiles(s *rowStore, rows []int32, list datum.Datum) (datum.Datum, error) {
	if list.Null || len(rows) == 0 {
		return datum.Null(), nil
	}
	a, err := array.Parse(list.Bytes, o.pctElem)
	if err != nil {
		return datum.Null(), err
	}
	out := array.Array{Type: o.elemType, Dims: a.Dims, Elems: make([]datum.Datum, len(a.Elems))}
	for i, p := range a.Elems {
		if out.Elems[i] = p; p.Null {
			continue
		}
		if out.Elems[i], err = o.percentile(s, rows, p.Float8()); err != nil {
			return datum.Null(), err
		}
	}
	return datum.Bytes(array.Build(out, o.elem)), nil
}

// hypothetical is the rank that a row of the direct arguments would have.
func (a *aggCall) hypothetical(s *rowStore, rows []int32, direct []datum.Datum) datum.Datum {
	before, distinct, upTo := 0, 0, 0 // rows before it, distinct ones of them, rows not behind it
	for i, r := range rows {
		order, changed := 0, i == 0
		for k := range a.order {
			v := s.datum(a.order[k].col, int(r))
			if order == 0 {
				order = a.order[k].compare(v, direct[a.order[k].col])
			}
			changed = changed || a.order[k].compare(v, s.datum(a.order[k].col, int(rows[i-1]))) != 0
		}
		if order > 0 {
			break
		}
		upTo++
		if order < 0 {
			before++
			if changed {
				distinct++
			}
		}
	}
	n := float64(len(rows))
	switch a.ordered.src {
	case "hypothetical_rank_final":
		return datum.Int(int64(before + 1))
	case "hypothetical_dense_rank_final":
		return datum.Int(int64(distinct + 1))
	case "hypothetical_percent_rank_final":
		if len(rows) == 0 {
			return datum.Float8(0)
		}
		return datum.Float8(float64(before) / n)
	}
	return datum.Float8(float64(upTo+1) / (n + 1))
}
