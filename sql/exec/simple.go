package exec

import (
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/plan"
)

// nullDatum is NULL. constant
var nullDatum = datum.Null()

func boolDatum(v bool) datum.Datum { return datum.Bool(v) }

// result is a Result node: one row of its own, or its input behind a condition
// that does not depend on the rows.
type result struct {
	top
	p     *plan.Result
	child Node
	cond  []expr
	one   Batch
	state int // 0 not begun, 1 running, 2 done
}

func (x *Execution) newResult(p *plan.Result) (Node, error) {
	n := &result{p: p}
	var s childScope
	if p.Left == nil {
		p = withoutInput(p)
	}
	if p.Left != nil {
		var err error
		if n.child, err = x.build(p.Left); err != nil {
			return nil, err
		}
		s.nOuter = len(n.child.Shape())
	}
	var err error
	if n.top, err = x.newTop(p, s); err != nil {
		return nil, err
	}
	n.cond, err = (&compiler{x: x, scope: s}).exprs(p.ResConstantQual)
	n.one = Batch{N: 1, Sel: all(1)}
	return n, err
}

// withoutInput replaces the variables of a Result that never returns a row, as a
// condition is the constant false.
func withoutInput(p *plan.Result) *plan.Result {
	q := *p
	q.TargetList = nil
	for _, te := range p.TargetList {
		c := *te
		c.Expr = node.Mutate(te.Expr, func(n node.Node) (node.Node, bool) {
			v, ok := n.(*node.Var)
			if !ok {
				return nil, false
			}
			return &node.Const{Consttype: v.Vartype, Consttypmod: v.Vartypmod, Constcollid: v.Varcollid, Constlen: -1, Constisnull: true, Constvalue: nullDatum, Location: -1}, true
		})
		q.TargetList = append(q.TargetList, &c)
	}
	return &q
}

func (n *result) Next(x *Execution) (*Batch, error) {
	if n.state == 0 {
		n.state = 1
		sel, err := filter(x, n.cond, &n.one, all(1), &n.buf)
		if err != nil {
			return nil, err
		}
		if len(sel) == 0 {
			n.state = 2
		}
	}
	if n.state == 2 {
		return nil, nil
	}
	if n.child == nil {
		n.state = 2
		return n.emit(x, &n.one, all(1))
	}
	b, err := n.child.Next(x)
	if b == nil || err != nil {
		return nil, err
	}
	return n.emit(x, b, b.Sel)
}

func (n *result) Rescan(x *Execution, changed paramSet) error {
	x.rearm(n.p, changed)
	n.state = 0
	if n.child != nil {
		return n.child.Rescan(x, changed)
	}
	return nil
}

func (n *result) Close(*Execution) {}

// limit is LIMIT and OFFSET.
type limit struct {
	p             *plan.Limit
	child         Node
	offset, count expr
	one           Batch
	skip, left    int64
	all, begun    bool
	out           Batch
	ties          []keyEncoder
	lastKey, key  []byte
	inTies        bool
	sort          *sorter // the child, if it is one and may be bounded
}

func (x *Execution) newLimit(p *plan.Limit) (Node, error) {
	n := &limit{p: p, one: Batch{N: 1, Sel: all(1)}}
	var err error
	if n.child, err = x.build(p.Left); err != nil {
		return nil, err
	}
	c := &compiler{x: x, scope: childScope{}}
	if p.LimitOffset != nil {
		if n.offset, err = c.expr(p.LimitOffset); err != nil {
			return nil, err
		}
	}
	if p.LimitCount != nil {
		if n.count, err = c.expr(p.LimitCount); err != nil {
			return nil, err
		}
	}
	if p.WithTies {
		n.ties, err = x.groupKeys(p.Left, p.UniqColIdx)
		return n, err
	}
	child := n.child
	if t, ok := child.(*timed); ok {
		child = t.Node
	}
	n.sort, _ = child.(*sorter)
	return n, nil
}

// bounds evaluates LIMIT and OFFSET.
func (n *limit) bounds(x *Execution) error {
	n.begun, n.skip, n.left, n.all, n.inTies = true, 0, 0, true, false
	if n.offset != nil {
		v, err := n.offset.eval(x, &n.one, all(1))
		if err != nil {
			return err
		}
		if !v.Nulls[0] {
			if n.skip = v.Ints[0]; n.skip < 0 {
				return pgerr.New(pgerr.InvalidRowCountInResultOffsetClause, "OFFSET must not be negative")
			}
		}
	}
	if n.count != nil {
		v, err := n.count.eval(x, &n.one, all(1))
		if err != nil {
			return err
		}
		if !v.Nulls[0] {
			n.all, n.left = false, v.Ints[0]
			if n.left < 0 {
				return pgerr.New(pgerr.InvalidRowCountInLimitClause, "LIMIT must not be negative")
			}
		}
	}
	return nil
}

func (n *limit) Next(x *Execution) (*Batch, error) {
	if !n.begun {
		if err := n.bounds(x); err != nil {
			return nil, err
		}
		if err := n.boundSort(x); err != nil {
			return nil, err
		}
	}
	for n.all || n.left > 0 || n.ties != nil && n.inTies {
		b, err := n.child.Next(x)
		if b == nil || err != nil {
			return nil, err
		}
		sel := b.Sel
		if k := min(n.skip, int64(len(sel))); k > 0 {
			n.skip -= k
			sel = sel[k:]
		}
		if !n.all {
			sel = n.cut(b, sel)
		}
		if len(sel) == 0 {
			continue
		}
		n.out = Batch{Cols: b.Cols, N: b.N, Sel: sel}
		return &n.out, nil
	}
	return nil, nil
}

// maxBound is the largest LIMIT plus OFFSET that a sort is told of.
const maxBound = 1 << 20

// boundSort tells a sort below how many rows will be read of it.
func (n *limit) boundSort(x *Execution) error {
	if n.sort == nil {
		return nil
	}
	bound := int64(0)
	if !n.all && n.left > 0 && n.left <= maxBound && n.skip <= maxBound {
		bound = n.left + n.skip
	}
	return n.sort.setBound(x, int(bound))
}

// cut takes at most left rows, and with WITH TIES those equal to the last.
func (n *limit) cut(b *Batch, sel []int32) []int32 {
	k := int(min(n.left, int64(len(sel))))
	n.left -= int64(k)
	if n.ties == nil {
		return sel[:k]
	}
	if k > 0 {
		n.lastKey = appendKey(n.lastKey[:0], n.ties, b, n.p.UniqColIdx, sel[k-1])
		n.inTies = n.left == 0
	}
	for n.left == 0 && k < len(sel) {
		n.key = appendKey(n.key[:0], n.ties, b, n.p.UniqColIdx, sel[k])
		if string(n.key) != string(n.lastKey) {
			n.inTies = false
			break
		}
		k++
	}
	return sel[:k]
}

func (n *limit) Rescan(x *Execution, changed paramSet) error {
	x.rearm(n.p, changed)
	n.begun = false
	return n.child.Rescan(x, changed)
}

func (n *limit) Close(*Execution) {}
func (n *limit) Shape() columns   { return n.child.Shape() }

// appendNode concatenates inputs.
type appendNode struct {
	p    *plan.Append
	kids []Node
	at   int
	proj top
}

func (x *Execution) newAppend(p *plan.Append) (Node, error) {
	n := &appendNode{p: p}
	for _, k := range p.Plans {
		c, err := x.build(k)
		if err != nil {
			return nil, err
		}
		n.kids = append(n.kids, c)
	}
	return n, nil
}

func (n *appendNode) Next(x *Execution) (*Batch, error) {
	for n.at < len(n.kids) {
		b, err := n.kids[n.at].Next(x)
		if b != nil || err != nil {
			return b, err
		}
		n.at++
	}
	return nil, nil
}

func (n *appendNode) Rescan(x *Execution, changed paramSet) error {
	x.rearm(n.p, changed)
	n.at = 0
	for _, k := range n.kids {
		if err := k.Rescan(x, changed); err != nil {
			return err
		}
	}
	return nil
}

func (n *appendNode) Close(*Execution) {}

func (n *appendNode) Shape() columns {
	if len(n.kids) == 0 {
		return make(columns, len(n.p.TargetList))
	}
	return n.kids[0].Shape()
}

// material keeps its input's rows, so that a rescan need not run it again.
type material struct {
	p     *plan.Material
	child Node
	store *rowStore
	done  bool
	at    int
	out   *Batch
}

func (x *Execution) newMaterial(p *plan.Material) (Node, error) {
	c, err := x.build(p.Left)
	if err != nil {
		return nil, err
	}
	return &material{p: p, child: c, store: newRowStore(c.Shape()), out: newBatch(c.Shape(), 0)}, nil
}

func (n *material) Next(x *Execution) (*Batch, error) {
	for n.at >= n.store.n {
		if n.done {
			return nil, nil
		}
		b, err := n.child.Next(x)
		if err != nil {
			return nil, err
		}
		if b == nil {
			n.done = true
			return nil, nil
		}
		n.store.add(b, b.Sel)
	}
	to := min(n.at+batchRows, n.store.n)
	n.store.window(n.out, n.at, to)
	n.at = to
	return n.out, nil
}

func (n *material) Rescan(x *Execution, changed paramSet) error {
	x.rearm(n.p, changed)
	n.at = 0
	if newParamSet(n.p.ExtParam...).meets(changed) {
		n.store.reset()
		n.done = false
		return n.child.Rescan(x, changed)
	}
	return nil
}

func (n *material) Close(*Execution) {}
func (n *material) Shape() columns   { return n.child.Shape() }

// unique drops rows equal to the one before: Unique and Group.
type unique struct {
	top
	p     plan.Plan
	child Node
	cols  []int
	keys  []keyEncoder
	last  []byte
	key   []byte
	begun bool
	seen  map[string]struct{} // keys of unsorted input; nil if it is sorted
	sel   []int32
}

func (x *Execution) newUnique(p plan.Plan, cols []int) (*unique, error) {
	n := &unique{p: p, cols: cols}
	var err error
	if n.child, err = x.build(p.Common().Left); err != nil {
		return nil, err
	}
	if n.keys, err = x.groupKeys(p.Common().Left, cols); err != nil {
		return nil, err
	}
	n.top, err = x.newTop(p, childScope{nOuter: len(n.child.Shape())})
	return n, err
}

func (n *unique) Next(x *Execution) (*Batch, error) {
	b, err := n.child.Next(x)
	if b == nil || err != nil {
		return nil, err
	}
	n.sel = n.sel[:0]
	for _, i := range b.Sel {
		n.key = appendKey(n.key[:0], n.keys, b, n.cols, i)
		if !n.first() {
			continue
		}
		n.sel = append(n.sel, i)
	}
	return n.emit(x, b, n.sel)
}

// first reports whether no row with n.key came before.
func (n *unique) first() bool {
	if n.seen != nil {
		if _, ok := n.seen[string(n.key)]; ok {
			return false
		}
		n.seen[string(n.key)] = struct{}{}
		return true
	}
	if n.begun && string(n.key) == string(n.last) {
		return false
	}
	n.begun = true
	n.key, n.last = n.last, n.key
	return true
}

func (n *unique) Rescan(x *Execution, changed paramSet) error {
	x.rearm(n.p, changed)
	n.begun = false
	clear(n.seen)
	return n.child.Rescan(x, changed)
}

func (n *unique) Close(*Execution) {}

// groupKeys are the encoders of columns cols (from 1) of p's target list.
func (x *Execution) groupKeys(p plan.Plan, cols []int) ([]keyEncoder, error) {
	out := make([]keyEncoder, len(cols))
	for i, c := range cols {
		t := node.ExprType(p.Common().TargetList[c-1].Expr)
		enc, ok := x.encoderFor(t)
		if !ok {
			enc, ok = x.recordEncoder(t)
		}
		if !ok {
			return nil, pgerr.NotYet("grouping by type %d", t)
		}
		out[i] = enc
	}
	return out, nil
}

// recordEncoder encodes composite values field by field.
func (x *Execution) recordEncoder(t oid.OID) (keyEncoder, bool) {
	info, ok := x.Cat.Type(t)
	if !ok || t != oid.Record && info.Type != 'c' {
		return nil, false
	}
	return func(dst []byte, d datum.Datum) []byte {
		vals, desc, err := x.deformRow(d)
		if err != nil {
			return encodeBytes(dst, d.Bytes)
		}
		for i, v := range vals {
			if v.Null {
				dst = append(dst, 1)
				continue
			}
			enc, ok := x.encoderFor(desc.Attrs[i].Type)
			if !ok {
				enc = func(dst []byte, d datum.Datum) []byte { return encodeBytes(dst, d.Bytes) }
			}
			dst = enc(append(dst, 0), v)
		}
		return dst
	}, true
}

// appendKey appends the encoded key columns of row i; NULLs are equal.
func appendKey(dst []byte, keys []keyEncoder, b *Batch, cols []int, i int32) []byte {
	for k, enc := range keys {
		v := b.Cols[cols[k]-1]
		if v.Nulls[i] {
			dst = append(dst, 1)
			continue
		}
		dst = enc(append(dst, 0), at(v, i))
	}
	return dst
}

// valuesScan reads a VALUES list.
type valuesScan struct {
	top
	p     *plan.ValuesScan
	rows  [][]expr
	at    int
	in    *Batch
	in1   Batch
	shape columns
}

func (x *Execution) newValuesScan(p *plan.ValuesScan) (Node, error) {
	n := &valuesScan{p: p, in1: Batch{N: 1, Sel: all(1)}}
	width := 0
	if len(p.ValuesLists) > 0 {
		width = len(p.ValuesLists[0])
		for _, e := range p.ValuesLists[0] {
			ref, err := x.byRef(node.ExprType(e))
			if err != nil {
				return nil, err
			}
			n.shape = append(n.shape, ref)
		}
	}
	c := &compiler{x: x, scope: childScope{}}
	for _, row := range p.ValuesLists {
		list, err := c.exprs(row)
		if err != nil {
			return nil, err
		}
		n.rows = append(n.rows, list)
	}
	n.in = newBatch(n.shape, 0)
	var err error
	n.top, err = x.newTop(p, relScope{p.ScanRelid, width})
	return n, err
}

func (n *valuesScan) Next(x *Execution) (*Batch, error) {
	if n.at >= len(n.rows) {
		return nil, nil
	}
	count := min(batchRows, len(n.rows)-n.at)
	n.in.resize(n.shape, count)
	for i := range count {
		for k, e := range n.rows[n.at+i] {
			v, err := e.eval(x, &n.in1, all(1))
			if err != nil {
				return nil, err
			}
			put(n.in.Cols[k], int32(i), at(v, 0))
		}
	}
	n.at += count
	n.in.N, n.in.Sel = count, all(count)
	return n.emit(x, n.in, n.in.Sel)
}

func (n *valuesScan) Rescan(x *Execution, changed paramSet) error {
	x.rearm(n.p, changed)
	n.at = 0
	return nil
}

func (n *valuesScan) Close(*Execution) {}

// subqueryScan filters and projects a subquery.
type subqueryScan struct {
	top
	p     *plan.SubqueryScan
	child Node
}

func (x *Execution) newSubqueryScan(p *plan.SubqueryScan) (Node, error) {
	c, err := x.build(p.Subplan)
	if err != nil {
		return nil, err
	}
	n := &subqueryScan{p: p, child: c}
	n.top, err = x.newTop(p, relScope{p.ScanRelid, len(c.Shape())})
	return n, err
}

func (n *subqueryScan) Next(x *Execution) (*Batch, error) {
	b, err := n.child.Next(x)
	if b == nil || err != nil {
		return nil, err
	}
	return n.emit(x, b, b.Sel)
}

func (n *subqueryScan) Rescan(x *Execution, changed paramSet) error {
	x.rearm(n.p, changed)
	return n.child.Rescan(x, changed)
}

func (n *subqueryScan) Close(*Execution) {}
