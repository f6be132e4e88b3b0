package exec

import (
	"time"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/plan"
	"github.com/pgmini/pgmini/sql/types"
)

// projection computes a target list over batches.
type projection struct {
	multi []*multiSub
	exprs []expr
	shape columns
	out   Batch
	same  bool // the list is the input's columns in order
}

// project compiles the target list of p.
func (c *compiler) project(list []*node.TargetEntry) (*projection, error) {
	p := &projection{same: true}
	var err error
	if p.multi, err = c.multis(list); err != nil {
		return nil, err
	}
	for i, te := range list {
		if isMulti(te) {
			te = &node.TargetEntry{Expr: &node.Const{Consttype: oid.Record, Constisnull: true}}
		}
		e, err := c.expr(te.Expr)
		if err != nil {
			return nil, err
		}
		ref, err := c.byRef(node.ExprType(te.Expr))
		if err != nil {
			return nil, err
		}
		if col, ok := e.(column); !ok || int(col) != i {
			p.same = false
		}
		p.exprs = append(p.exprs, e)
		p.shape = append(p.shape, ref)
	}
	p.out.Cols = make([]*types.Vec, len(list))
	return p, nil
}

// apply computes the list for the rows sel of b.
func (p *projection) apply(x *Execution, b *Batch, sel []int32) (*Batch, error) {
	p.out.N, p.out.Sel = b.N, sel
	for _, m := range p.multi {
		if err := m.eval(x, b, sel); err != nil {
			return nil, err
		}
	}
	for i, e := range p.exprs {
		v, err := e.eval(x, b, sel)
		if err != nil {
			return nil, err
		}
		p.out.Cols[i] = v
	}
	return &p.out, nil
}

// childScope finds Vars in the output of one or two inputs: OuterVar in the
// first nOuter columns, InnerVar after them.
type childScope struct {
	nOuter, nInner int
}

func (s childScope) column(v *node.Var) (int, error) {
	switch {
	case v.Varno == node.OuterVar && v.Varattno >= 1 && int(v.Varattno) <= s.nOuter:
		return int(v.Varattno) - 1, nil
	case v.Varno == node.InnerVar && v.Varattno >= 1 && int(v.Varattno) <= s.nInner:
		return s.nOuter + int(v.Varattno) - 1, nil
	}
	return 0, pgerr.New(pgerr.InternalError, "variable %d.%d is not in the input of its plan node", v.Varno, v.Varattno)
}

// relScope finds Vars of one range table entry whose batch has column n at n-1.
type relScope struct {
	varno, cols int
}

func (s relScope) column(v *node.Var) (int, error) {
	if int(v.Varno) != s.varno || v.Varattno < 1 || int(v.Varattno) > s.cols {
		return 0, pgerr.New(pgerr.InternalError, "variable %d.%d is not in scan of %d", v.Varno, v.Varattno, s.varno)
	}
	return int(v.Varattno) - 1, nil
}

// top is what nodes with quals and a target list over an input share.
type top struct {
	quals []expr
	proj  *projection
	buf   []int32
	stat  *Instrument
}

// newTop compiles p's quals and target list over scope s.
func (x *Execution) newTop(p plan.Plan, s scope) (top, error) {
	c := &compiler{x: x, scope: s}
	quals, err := c.exprs(p.Common().Qual)
	if err != nil {
		return top{}, err
	}
	proj, err := c.project(p.Common().TargetList)
	return top{quals: quals, proj: proj, stat: x.note(p)}, err
}

// Shape is the shape of the target list.
func (t *top) Shape() columns { return t.proj.shape }

// emit filters the rows sel of b and computes the target list.
func (t *top) emit(x *Execution, b *Batch, sel []int32) (*Batch, error) {
	if len(t.quals) > 0 {
		n := len(sel)
		var err error
		if sel, err = filter(x, t.quals, b, sel, &t.buf); err != nil {
			return nil, err
		}
		if t.stat != nil {
			t.stat.Filtered += int64(n - len(sel))
		}
	}
	return t.proj.apply(x, b, sel)
}

// timed measures a node for EXPLAIN ANALYZE.
type timed struct {
	Node
	stat    *Instrument
	running bool
}

func (t *timed) Next(x *Execution) (*Batch, error) {
	start := time.Now()
	b, err := t.Node.Next(x)
	spent := time.Since(start)
	t.stat.Total += spent
	if !t.running {
		t.running = true
		t.stat.Loops++
	}
	if b != nil {
		if t.stat.Rows == 0 && len(b.Sel) > 0 {
			t.stat.Startup = t.stat.Total
		}
		t.stat.Rows += int64(len(b.Sel))
	}
	return b, err
}

func (t *timed) Rescan(x *Execution, changed paramSet) error {
	t.running = false
	return t.Node.Rescan(x, changed)
}
