package exec

import (
	"slices"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/builtin"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/plan"
)

// newCall prepares a builtin.Call for e.
func (c *compiler) newCall(e *node.FuncExpr) builtin.Call {
	k := builtin.Call{RetType: e.Funcresulttype, Collation: e.Inputcollid, Variadic: e.Funcvariadic, Env: c.x.Env}
	for _, a := range e.Args {
		k.ArgTypes = append(k.ArgTypes, node.ExprType(a))
	}
	return k
}

// funcSource runs one function of a FunctionScan.
type funcSource struct {
	set    *setCall
	scalar expr // a function that returns one row
	cols   int
	spread bool // the scalar is a composite that fills several columns
	rows   rowSource
	ended  bool
}

// functionScan is functions in FROM, side by side, padded with NULLs.
type functionScan struct {
	top
	p     *plan.FunctionScan
	fns   []*funcSource
	shape columns
	in    *Batch
	one   Batch
	ord   int64
	begun bool
	store *rowStore
}

func (x *Execution) newFunctionScan(p *plan.FunctionScan) (Node, error) {
	n := &functionScan{p: p, one: Batch{N: 1, Sel: all(1)}}
	c := &compiler{x: x, scope: childScope{}}
	var cols []oid.OID
	for _, f := range p.Functions {
		src, err := c.funcSource(f)
		if err != nil {
			return nil, err
		}
		n.fns = append(n.fns, src)
		types, err := x.funcColumns(f)
		if err != nil {
			return nil, err
		}
		for _, t := range types {
			ref, err := x.byRef(t)
			if err != nil {
				return nil, err
			}
			n.shape = append(n.shape, ref)
		}
		src.cols = len(types)
		cols = append(cols, types...)
	}
	if p.Ordinality {
		n.shape = append(n.shape, false)
	}
	n.store, n.in = newRowStore(n.shape), newBatch(n.shape, 0)
	var err error
	if p.Ordinality {
		cols = append(cols, oid.Int8)
	}
	whole := p
	if whole, err = x.composeRow(p, cols); err != nil {
		return nil, err
	}
	n.top, err = x.newTop(whole, relScope{p.ScanRelid, len(n.shape)})
	return n, err
}

// composeRow makes the scan's expressions build the whole row, where they use it,
// from its columns.
func (x *Execution) composeRow(p *plan.FunctionScan, cols []oid.OID) (*plan.FunctionScan, error) {
	names := x.Stmt.Rtable[p.ScanRelid-1].Eref.Colnames
	found := false
	compose := func(e node.Node) node.Node {
		return node.Mutate(e, func(m node.Node) (node.Node, bool) {
			v, ok := m.(*node.Var)
			if !ok || v.Varno != p.ScanRelid || v.Varattno != 0 {
				return nil, false
			}
			found = true
			row := &node.RowExpr{RowTypeid: v.Vartype, RowFormat: node.CoerceImplicitCast, Colnames: names}
			for i, t := range cols {
				row.Args = append(row.Args, &node.Var{Varno: v.Varno, Varattno: i + 1, Vartype: t, Vartypmod: -1})
			}
			return row, true
		})
	}
	c := *p
	c.TargetList, c.Qual = nil, nil
	for _, te := range p.TargetList {
		t := *te
		t.Expr = compose(te.Expr)
		c.TargetList = append(c.TargetList, &t)
	}
	for _, q := range p.Qual {
		c.Qual = append(c.Qual, compose(q))
	}
	if !found {
		return p, nil
	}
	return &c, nil
}

// funcColumns are the types of the columns that a function in FROM fills.
func (x *Execution) funcColumns(f *node.RangeTblFunction) ([]oid.OID, error) {
	if len(f.Funccoltypes) > 0 {
		return f.Funccoltypes, nil
	}
	t := node.ExprType(f.Funcexpr)
	if f.Funccolcount <= 1 {
		if info, ok := x.Cat.Type(t); !ok || info.Type != 'c' {
			return []oid.OID{t}, nil
		}
	}
	if fe, ok := f.Funcexpr.(*node.FuncExpr); ok {
		if out, err := x.Cat.OutTypes(fe.Funcid); err != nil || len(out) > 0 {
			return out, err
		}
	}
	desc, err := x.Cat.RowType(t, -1)
	if err != nil {
		return nil, err
	}
	var out []oid.OID
	for i := range desc.Attrs {
		out = append(out, desc.Attrs[i].Type)
	}
	return out, nil
}

func (c *compiler) funcSource(f *node.RangeTblFunction) (*funcSource, error) {
	if fe, ok := f.Funcexpr.(*node.FuncExpr); ok && fe.Funcretset {
		set, err := c.setFunction(fe)
		return &funcSource{set: set}, err
	}
	e, err := c.expr(f.Funcexpr)
	info, ok := c.x.Cat.Type(node.ExprType(f.Funcexpr))
	spread := ok && info.Type == 'c' || node.ExprType(f.Funcexpr) == oid.Record
	return &funcSource{scalar: e, spread: spread}, err
}

// start begins a function for the current parameters.
func (s *funcSource) start(x *Execution, one *Batch) error {
	s.ended = false
	if s.set != nil {
		var err error
		s.rows, err = s.set.begin(x, one, 0)
		return err
	}
	v, err := s.scalar.eval(x, one, all(1))
	if err != nil {
		return err
	}
	row := []datum.Datum{at(v, 0).Clone()}
	if s.spread && !row[0].Null {
		if row, _, err = x.deformRow(row[0]); err != nil {
			return err
		}
	}
	s.rows = &oneRow{row: row}
	return nil
}

type oneRow struct {
	row  []datum.Datum
	done bool
}

func (r *oneRow) Next() ([]datum.Datum, bool, error) {
	if r.done {
		return nil, false, nil
	}
	r.done = true
	return r.row, true, nil
}

func (n *functionScan) Next(x *Execution) (*Batch, error) {
	if err := x.check(); err != nil {
		return nil, err
	}
	if !n.begun {
		n.begun = true
		for _, f := range n.fns {
			if err := f.start(x, &n.one); err != nil {
				return nil, err
			}
		}
	}
	n.store.reset()
	row := make([]datum.Datum, len(n.shape))
	for n.store.n < batchRows {
		any, col := false, 0
		for _, f := range n.fns {
			got, ok, err := f.next(x)
			if err != nil {
				return nil, err
			}
			any = any || ok
			for k := range f.cols {
				row[col+k] = datum.Null()
				if ok && k < len(got) {
					row[col+k] = got[k]
				}
			}
			col += f.cols
		}
		if !any {
			break
		}
		if n.p.Ordinality {
			n.ord++
			row[col] = datum.Int(n.ord)
		}
		n.store.addRow(row)
	}
	if n.store.n == 0 {
		return nil, nil
	}
	n.store.window(n.in, 0, n.store.n)
	return n.emit(x, n.in, n.in.Sel)
}

// next returns the next row, spread over the function's columns.
func (s *funcSource) next(x *Execution) ([]datum.Datum, bool, error) {
	if s.ended {
		return nil, false, nil
	}
	row, ok, err := s.rows.Next()
	if err != nil || !ok {
		s.ended = true
		return nil, false, err
	}
	if s.cols > 1 && len(row) == 1 && !row[0].Null {
		row, _, err = x.deformRow(row[0])
	}
	return row, true, err
}

func (n *functionScan) Rescan(x *Execution, changed paramSet) error {
	x.rearm(n.p, changed)
	n.begun, n.ord = false, 0
	return nil
}

func (n *functionScan) Close(*Execution) {}

// projectSet expands set-returning functions in a target list: for each input
// row, as many rows as the longest set, the shorter padded with NULL.
type projectSet struct {
	p     *plan.ProjectSet
	child Node
	exprs []expr // of entries without a set
	sets  []*setCall
	wrap  []expr // what is computed over the set's column, or nil
	shape columns
	out   *Batch
	store *rowStore
	in    *Batch
	pos   int
	srcs  []rowSource
	live  bool
	stat  *Instrument
	fixed []datum.Datum
}

func (x *Execution) newProjectSet(p *plan.ProjectSet) (Node, error) {
	n := &projectSet{p: p}
	width := 0
	if p.Left != nil {
		var err error
		if n.child, err = x.build(p.Left); err != nil {
			return nil, err
		}
		width = len(n.child.Shape())
	}
	c := &compiler{x: x, scope: childScope{nOuter: width}}
	for _, te := range p.TargetList {
		ref, err := x.byRef(node.ExprType(te.Expr))
		if err != nil {
			return nil, err
		}
		n.shape = append(n.shape, ref)
		fe, ok := te.Expr.(*node.FuncExpr)
		if ok && fe.Funcretset {
			set, err := c.setFunction(fe)
			if err != nil {
				return nil, err
			}
			set.rowType = true
			n.sets, n.exprs = append(n.sets, set), append(n.exprs, nil)
			continue
		}
		if hasSet(te.Expr) {
			return nil, pgerr.NotYet("a set-returning function inside an expression of a target list")
		}
		e, err := c.expr(te.Expr)
		if err != nil {
			return nil, err
		}
		n.sets, n.exprs = append(n.sets, nil), append(n.exprs, e)
	}
	n.store, n.out = newRowStore(n.shape), newBatch(n.shape, 0)
	n.srcs, n.fixed = make([]rowSource, len(n.sets)), make([]datum.Datum, len(n.sets))
	return n, nil
}

func hasSet(e node.Node) bool {
	return node.Any(e, func(m node.Node) bool {
		switch f := m.(type) {
		case *node.FuncExpr:
			return f.Funcretset
		case *node.OpExpr:
			return f.Opretset
		}
		return false
	})
}

func (n *projectSet) Next(x *Execution) (*Batch, error) {
	n.store.reset()
	for n.store.n < batchRows {
		if !n.live {
			more, err := n.advance(x)
			if err != nil {
				return nil, err
			}
			if !more {
				break
			}
		}
		if err := n.oneRow(x); err != nil {
			return nil, err
		}
	}
	if n.store.n == 0 {
		return nil, nil
	}
	n.store.window(n.out, 0, n.store.n)
	return n.out, nil
}

// advance moves to the next input row and starts its functions.
func (n *projectSet) advance(x *Execution) (bool, error) {
	for n.in == nil || n.pos >= len(n.in.Sel) {
		if n.child == nil {
			if n.in != nil {
				return false, nil
			}
			n.in, n.pos = &Batch{N: 1, Sel: all(1)}, 0
			continue
		}
		b, err := n.child.Next(x)
		if b == nil || err != nil {
			return false, err
		}
		n.in, n.pos = b, 0
	}
	i := n.in.Sel[n.pos]
	n.pos++
	one := []int32{i}
	for k, s := range n.sets {
		var err error
		if s != nil {
			if n.srcs[k], err = s.begin(x, n.in, i); err != nil {
				return false, err
			}
			continue
		}
		v, err := n.exprs[k].eval(x, n.in, one)
		if err != nil {
			return false, err
		}
		n.fixed[k] = at(v, i).Clone()
	}
	n.live = true
	return true, x.check()
}

// oneRow adds one output row, or ends the input row.
func (n *projectSet) oneRow(x *Execution) error {
	row := slices.Clone(n.fixed)
	any := false
	for k, src := range n.srcs {
		if n.sets[k] == nil {
			continue
		}
		row[k] = datum.Null()
		if src == nil {
			continue
		}
		got, ok, err := src.Next()
		if err != nil {
			return err
		}
		if !ok {
			n.srcs[k] = nil
			continue
		}
		any = true
		if row[k] = got[0]; len(got) > 1 {
			if row[k], err = n.composite(x, k, got); err != nil {
				return err
			}
		}
	}
	if !any {
		n.live = false
		return nil
	}
	n.store.addRow(row)
	return nil
}

// composite makes one value of a function's several columns.
func (n *projectSet) composite(x *Execution, k int, row []datum.Datum) (datum.Datum, error) {
	fe := n.p.TargetList[k].Expr.(*node.FuncExpr)
	out, err := x.Cat.OutTypes(fe.Funcid)
	if err != nil {
		return datum.Null(), err
	}
	return x.formRecord(out, row)
}

func (n *projectSet) Rescan(x *Execution, changed paramSet) error {
	x.rearm(n.p, changed)
	n.in, n.live = nil, false
	if n.child != nil {
		return n.child.Rescan(x, changed)
	}
	return nil
}

func (n *projectSet) Close(*Execution) {}
func (n *projectSet) Shape() columns   { return n.shape }
