package exec

import (
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/types"
)

// boolAnd is AND, or OR when or is set. A row that an argument decided is not
// given to the later arguments.
type boolAnd struct {
	args []expr
	or   bool
	out  types.Vec
	live []int32
}

func (e *boolAnd) eval(x *Execution, b *Batch, sel []int32) (*types.Vec, error) {
	grow(&e.out, b.N, false)
	neutral, decided := int64(1), int64(0)
	if e.or {
		neutral, decided = 0, 1
	}
	for _, i := range sel {
		e.out.Nulls[i], e.out.Ints[i] = false, neutral
	}
	live := sel
	for _, a := range e.args {
		v, err := a.eval(x, b, live)
		if err != nil {
			return nil, err
		}
		next := e.live[:0]
		for _, i := range live {
			switch {
			case v.Nulls[i]:
				e.out.Nulls[i] = true
				next = append(next, i)
			case v.Ints[i] == decided:
				e.out.Nulls[i], e.out.Ints[i] = false, decided
			default:
				next = append(next, i)
			}
		}
		e.live = next
		if live = next; len(live) == 0 {
			break
		}
	}
	return &e.out, nil
}

// not is NOT.
type not struct {
	arg expr
	out types.Vec
}

func (e *not) eval(x *Execution, b *Batch, sel []int32) (*types.Vec, error) {
	v, err := e.arg.eval(x, b, sel)
	if err != nil {
		return nil, err
	}
	grow(&e.out, b.N, false)
	for _, i := range sel {
		e.out.Nulls[i], e.out.Ints[i] = v.Nulls[i], 1-v.Ints[i]&1
	}
	return &e.out, nil
}

// nullTest is IS [NOT] NULL of a scalar.
type nullTest struct {
	arg  expr
	want bool                            // the answer for NULL
	row  func(datum.Datum) (bool, error) // for composite values: the answer
	out  types.Vec
}

func (e *nullTest) eval(x *Execution, b *Batch, sel []int32) (*types.Vec, error) {
	v, err := e.arg.eval(x, b, sel)
	if err != nil {
		return nil, err
	}
	grow(&e.out, b.N, false)
	for _, i := range sel {
		yes := v.Nulls[i] == e.want
		if e.row != nil && !v.Nulls[i] {
			if yes, err = e.row(at(v, i)); err != nil {
				return nil, err
			}
		}
		put(&e.out, i, datum.Bool(yes))
	}
	return &e.out, nil
}

// boolTest is IS [NOT] TRUE, FALSE, UNKNOWN.
type boolTest struct {
	arg  expr
	kind node.BoolTestType
	out  types.Vec
}

func (e *boolTest) eval(x *Execution, b *Batch, sel []int32) (*types.Vec, error) {
	v, err := e.arg.eval(x, b, sel)
	if err != nil {
		return nil, err
	}
	grow(&e.out, b.N, false)
	for _, i := range sel {
		null := v.Nulls[i]
		is := !null && v.Ints[i] != 0
		var r bool
		switch e.kind {
		case node.IsTrue:
			r = is
		case node.IsNotTrue:
			r = !is
		case node.IsFalse:
			r = !null && !is
		case node.IsNotFalse:
			r = null || is
		case node.IsUnknown:
			r = null
		case node.IsNotUnknown:
			r = !null
		}
		put(&e.out, i, datum.Bool(r))
	}
	return &e.out, nil
}

// caseExpr is CASE: each row is evaluated by the first arm whose condition holds.
type caseExpr struct {
	arg   expr // CASE arg WHEN …, or nil
	slot  *caseSlot
	when  []expr
	then  []expr
	def   expr
	byRef bool
	out   types.Vec
	yes   []int32
	rest  [2][]int32
}

func (e *caseExpr) eval(x *Execution, b *Batch, sel []int32) (*types.Vec, error) {
	grow(&e.out, b.N, e.byRef)
	if e.arg != nil {
		v, err := e.arg.eval(x, b, sel)
		if err != nil {
			return nil, err
		}
		e.slot.v = v
	}
	live := sel
	for k := range e.when {
		if len(live) == 0 {
			return &e.out, nil
		}
		v, err := e.when[k].eval(x, b, live)
		if err != nil {
			return nil, err
		}
		yes, rest := e.yes[:0], e.rest[k&1][:0]
		for _, i := range live {
			if !v.Nulls[i] && v.Ints[i] != 0 {
				yes = append(yes, i)
			} else {
				rest = append(rest, i)
			}
		}
		e.yes, e.rest[k&1] = yes, rest
		live = rest
		if len(yes) > 0 {
			if err := e.take(x, b, e.then[k], yes); err != nil {
				return nil, err
			}
		}
	}
	if len(live) == 0 {
		return &e.out, nil
	}
	return &e.out, e.take(x, b, e.def, live)
}

// take stores the value of arm for the given rows.
func (e *caseExpr) take(x *Execution, b *Batch, arm expr, rows []int32) error {
	v, err := arm.eval(x, b, rows)
	if err != nil {
		return err
	}
	for _, i := range rows {
		put(&e.out, i, at(v, i))
	}
	return nil
}

// coalesce is COALESCE.
type coalesce struct {
	args  []expr
	byRef bool
	out   types.Vec
	live  []int32
}

func (e *coalesce) eval(x *Execution, b *Batch, sel []int32) (*types.Vec, error) {
	grow(&e.out, b.N, e.byRef)
	live := sel
	for _, a := range e.args {
		v, err := a.eval(x, b, live)
		if err != nil {
			return nil, err
		}
		next := e.live[:0]
		for _, i := range live {
			put(&e.out, i, at(v, i))
			if v.Nulls[i] {
				next = append(next, i)
			}
		}
		e.live = next
		if live = next; len(live) == 0 {
			break
		}
	}
	return &e.out, nil
}

// minMax is GREATEST and LEAST.
type minMax struct {
	args  []expr
	cmp   func(a, b datum.Datum) int
	sign  int // 1 keeps the larger
	byRef bool
	out   types.Vec
}

func (e *minMax) eval(x *Execution, b *Batch, sel []int32) (*types.Vec, error) {
	grow(&e.out, b.N, e.byRef)
	for _, i := range sel {
		put(&e.out, i, datum.Null())
	}
	for _, a := range e.args {
		v, err := a.eval(x, b, sel)
		if err != nil {
			return nil, err
		}
		for _, i := range sel {
			if !v.Nulls[i] && (e.out.Nulls[i] || e.sign*e.cmp(at(v, i), at(&e.out, i)) > 0) {
				put(&e.out, i, at(v, i))
			}
		}
	}
	return &e.out, nil
}

// filter applies implicitly ANDed conditions to sel and returns the rows for
// which all hold, in buf.
func filter(x *Execution, quals []expr, b *Batch, sel []int32, buf *[]int32) ([]int32, error) {
	for _, q := range quals {
		if len(sel) == 0 {
			return sel, nil
		}
		v, err := q.eval(x, b, sel)
		if err != nil {
			return nil, err
		}
		out := (*buf)[:0]
		for _, i := range sel {
			if !v.Nulls[i] && v.Ints[i] != 0 {
				out = append(out, i)
			}
		}
		*buf = out
		sel = out
	}
	return sel, nil
}
