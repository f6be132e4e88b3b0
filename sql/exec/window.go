package exec

import (
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/builtin"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/plan"
	"github.com/pgmini/pgmini/sql/types"
)

// winScope gives WindowFuncs their column behind the input's columns.
type winScope struct{ n *windowAgg }

func (s *winScope) window(e *node.WindowFunc) (expr, error) {
	if s == nil {
		return nil, pgerr.New(pgerr.InternalError, "window function outside of a WindowAgg node")
	}
	if e.Winref != s.n.p.Winref {
		return nil, pgerr.New(pgerr.InternalError, "window function of another window")
	}
	for i, f := range s.n.funcs {
		if node.Equal(f.ref, e) {
			return column(len(s.n.in) + i), nil
		}
	}
	f, err := s.n.newFunc(e)
	if err != nil {
		return nil, err
	}
	s.n.funcs = append(s.n.funcs, f)
	return column(len(s.n.in) + len(s.n.funcs) - 1), nil
}

// winFunc is one window function: an aggregate over the frame, or one of the
// functions that know their place in the partition.
type winFunc struct {
	ref    *node.WindowFunc
	src    string
	agg    *builtin.Agg
	call   builtin.AggCall
	args   []expr
	filter expr
	byRef  bool
	shape  columns
}

// windowAgg computes window functions, a partition at a time.
type windowAgg struct {
	top
	p          *plan.WindowAgg
	child      Node
	x          *Execution
	in         columns
	shape      columns
	part       []keyEncoder
	ord        []keyEncoder
	ordCmp     []sortCmp
	funcs      []*winFunc
	start, end expr
	ranges     *rangeBounds // of RANGE with an offset

	rows    *rowStore // the partition
	args    []*rowStore
	keep    [][]bool
	peer    []int // row -> first row of its peer group
	peerEnd []int
	group   []int
	results []types.Vec
	next    *Batch
	pos     int
	ended   bool
	at      int
	ready   bool
	out     *Batch
	key     []byte
}

func (x *Execution) newWindow(p *plan.WindowAgg) (Node, error) {
	n := &windowAgg{p: p, x: x}
	var err error
	if n.child, err = x.build(p.Left); err != nil {
		return nil, err
	}
	n.in = n.child.Shape()
	if n.part, err = x.groupKeys(p.Left, p.PartColIdx); err != nil {
		return nil, err
	}
	if n.ord, err = x.groupKeys(p.Left, p.OrdColIdx); err != nil {
		return nil, err
	}
	s := childScope{nOuter: len(n.in)}
	c := &compiler{x: x, scope: s, wins: &winScope{n}}
	quals, err := c.exprs(p.Qual)
	if err != nil {
		return nil, err
	}
	proj, err := c.project(p.TargetList)
	if err != nil {
		return nil, err
	}
	n.top = top{quals: quals, proj: proj, stat: x.note(p)}
	plain := &compiler{x: x, scope: childScope{}}
	if p.StartOffset != nil {
		if n.start, err = plain.expr(p.StartOffset); err != nil {
			return nil, err
		}
	}
	if p.EndOffset != nil {
		if n.end, err = plain.expr(p.EndOffset); err != nil {
			return nil, err
		}
	}
	if p.FrameOptions&node.FrameRange != 0 && p.FrameOptions&(node.FrameStartOffset|node.FrameEndOffset) != 0 {
		if err := n.newRange(x); err != nil {
			return nil, err
		}
	}
	n.shape = append(columns(nil), n.in...)
	for _, f := range n.funcs {
		n.shape = append(n.shape, f.byRef)
	}
	n.out = newBatch(n.shape, 0)
	n.rows = newRowStore(n.in)
	return n, nil
}

// ranked are the functions that need no frame. constant
var ranked = map[string]bool{
	"window_row_number": true, "window_rank": true, "window_dense_rank": true, "window_percent_rank": true,
	"window_cume_dist": true, "window_ntile": true, "window_lag": true, "window_lag_with_offset": true,
	"window_lag_with_offset_and_default": true, "window_lead": true, "window_lead_with_offset": true,
	"window_lead_with_offset_and_default": true, "window_first_value": true, "window_last_value": true, "window_nth_value": true,
}

func (n *windowAgg) newFunc(e *node.WindowFunc) (*winFunc, error) {
	x := n.x
	f := &winFunc{ref: e}
	var err error
	if f.byRef, err = x.byRef(e.Wintype); err != nil {
		return nil, err
	}
	c := &compiler{x: x, scope: childScope{nOuter: len(n.in)}}
	if f.args, err = c.exprs(e.Args); err != nil {
		return nil, err
	}
	for _, a := range e.Args {
		ref, err := x.byRef(node.ExprType(a))
		if err != nil {
			return nil, err
		}
		f.shape = append(f.shape, ref)
		f.call.ArgTypes = append(f.call.ArgTypes, node.ExprType(a))
	}
	if e.Aggfilter != nil {
		if f.filter, err = c.expr(e.Aggfilter); err != nil {
			return nil, err
		}
	}
	if !e.Winagg {
		if f.src, err = x.Cat.FuncSource(e.Winfnoid); err != nil {
			return nil, err
		}
		if !ranked[f.src] {
			return nil, pgerr.NotYet("window function %s", f.src)
		}
		return f, nil
	}
	info, err := x.Cat.Agg(e.Winfnoid)
	if err != nil {
		return nil, err
	}
	impl, ok := builtin.LookupAgg(info.TransSrc, info.FinalSrc)
	if !ok {
		return nil, pgerr.NotYet("aggregate %s", info.Name)
	}
	f.agg = impl
	f.call.RetType, f.call.Collation, f.call.Env = e.Wintype, e.Inputcollid, x.Env
	return f, nil
}

func (n *windowAgg) Next(x *Execution) (*Batch, error) {
	for {
		if n.ready && n.at < n.rows.n {
			return n.deliver(x)
		}
		if n.ended && n.next == nil && n.ready {
			return nil, nil
		}
		n.ready = false
		if err := n.readPartition(x); err != nil {
			return nil, err
		}
		if n.rows.n == 0 {
			return nil, nil
		}
		if err := n.compute(x); err != nil {
			return nil, err
		}
		n.ready, n.at = true, 0
	}
}

// readPartition collects the rows of the next partition and their arguments.
func (n *windowAgg) readPartition(x *Execution) error {
	n.rows.reset()
	n.args, n.keep = make([]*rowStore, len(n.funcs)), make([][]bool, len(n.funcs))
	for k, f := range n.funcs {
		n.args[k] = newRowStore(f.shape)
	}
	var first []byte
	for {
		if n.next == nil {
			if n.ended {
				return nil
			}
			b, err := n.child.Next(x)
			if err != nil {
				return err
			}
			if b == nil {
				n.ended = true
				return nil
			}
			n.next, n.pos = b, 0
		}
		from := n.pos
		same := true
		for n.pos < len(n.next.Sel) {
			n.key = appendKey(n.key[:0], n.part, n.next, n.p.PartColIdx, n.next.Sel[n.pos])
			if first == nil {
				first = append([]byte{}, n.key...)
			}
			if same = string(n.key) == string(first); !same {
				break
			}
			n.pos++
		}
		if err := n.take(x, n.next, n.next.Sel[from:n.pos]); err != nil {
			return err
		}
		if !same {
			return nil
		}
		n.next = nil
	}
}

// take adds rows to the partition.
func (n *windowAgg) take(x *Execution, b *Batch, sel []int32) error {
	if len(sel) == 0 {
		return nil
	}
	n.rows.add(b, sel)
	for k, f := range n.funcs {
		vecs := make([]*types.Vec, len(f.args))
		for j, e := range f.args {
			v, err := e.eval(x, b, sel)
			if err != nil {
				return err
			}
			vecs[j] = v
		}
		n.args[k].add(&Batch{Cols: vecs}, sel)
		if f.filter != nil {
			v, err := f.filter.eval(x, b, sel)
			if err != nil {
				return err
			}
			for _, i := range sel {
				n.keep[k] = append(n.keep[k], !v.Nulls[i] && v.Ints[i] != 0)
			}
		}
	}
	return nil
}

// compute finds the peers and computes every function for every row.
func (n *windowAgg) compute(x *Execution) error {
	count := n.rows.n
	all := &Batch{Cols: make([]*types.Vec, len(n.in))}
	for c := range n.in {
		all.Cols[c] = &n.rows.cols[c]
	}
	n.peer, n.peerEnd, n.group = make([]int, count), make([]int, count), make([]int, count)
	var last []byte
	start, g := 0, -1
	for i := range count {
		n.key = appendKey(n.key[:0], n.ord, all, n.p.OrdColIdx, int32(i))
		if i == 0 || string(n.key) != string(last) {
			for j := start; j < i; j++ {
				n.peerEnd[j] = i
			}
			start, last = i, append(last[:0], n.key...)
			g++
		}
		n.peer[i], n.group[i] = start, g
	}
	for j := start; j < count; j++ {
		n.peerEnd[j] = count
	}
	if n.ranges != nil {
		if err := n.computeRanges(x); err != nil {
			return err
		}
	}
	n.results = make([]types.Vec, len(n.funcs))
	for k, f := range n.funcs {
		grow(&n.results[k], count, f.byRef)
		var err error
		if f.agg != nil {
			err = n.aggregate(x, k, f)
		} else {
			err = n.place(x, k, f)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// deliver emits the next rows of the partition with their results.
func (n *windowAgg) deliver(x *Execution) (*Batch, error) {
	to := min(n.at+batchRows, n.rows.n)
	for c := range n.in {
		v := &n.rows.cols[c]
		n.out.Cols[c].Nulls = v.Nulls[n.at:to]
		if n.in[c] {
			n.out.Cols[c].Bytes = v.Bytes[n.at:to]
		} else {
			n.out.Cols[c].Ints = v.Ints[n.at:to]
		}
	}
	for k := range n.funcs {
		v, o := &n.results[k], n.out.Cols[len(n.in)+k]
		o.Nulls = v.Nulls[n.at:to]
		if v.Bytes != nil {
			o.Bytes = v.Bytes[n.at:to]
		} else {
			o.Ints = v.Ints[n.at:to]
		}
	}
	n.out.N = to - n.at
	n.out.Sel = identity[:n.out.N]
	n.at = to
	return n.emit(x, n.out, n.out.Sel)
}

func (n *windowAgg) Rescan(x *Execution, changed paramSet) error {
	x.rearm(n.p, changed)
	n.rows.reset()
	n.next, n.ended, n.ready = nil, false, false
	return n.child.Rescan(x, changed)
}

func (n *windowAgg) Close(*Execution) {}

// frame is the rows [from, to) that row i's frame has, before exclusion.
func (n *windowAgg) frame(i, startOff, endOff int) (from, to int) {
	o, count := n.p.FrameOptions, n.rows.n
	groupAt := func(g int) int { // first row of peer group g
		lo, hi := 0, count
		for lo < hi {
			if m := (lo + hi) / 2; n.group[m] < g {
				lo = m + 1
			} else {
				hi = m
			}
		}
		return lo
	}
	switch {
	case n.ranges != nil && n.ranges.from != nil:
		from = n.ranges.from[i]
	case o&node.FrameStartUnboundedPreceding != 0:
		from = 0
	case o&node.FrameStartCurrentRow != 0:
		if from = i; o&node.FrameRows == 0 {
			from = n.peer[i]
		}
	case o&node.FrameStartOffsetPreceding != 0:
		if from = i - startOff; o&node.FrameGroups != 0 {
			from = groupAt(n.group[i] - startOff)
		}
	case o&node.FrameStartOffsetFollowing != 0:
		if from = i + startOff; o&node.FrameGroups != 0 {
			from = groupAt(n.group[i] + startOff)
		}
	}
	switch {
	case n.ranges != nil && n.ranges.to != nil:
		to = n.ranges.to[i]
	case o&node.FrameEndUnboundedFollowing != 0:
		to = count
	case o&node.FrameEndCurrentRow != 0:
		if to = i + 1; o&node.FrameRows == 0 {
			to = n.peerEnd[i]
		}
	case o&node.FrameEndOffsetPreceding != 0:
		if to = i - endOff + 1; o&node.FrameGroups != 0 {
			to = groupAt(n.group[i] - endOff + 1)
		}
	case o&node.FrameEndOffsetFollowing != 0:
		if to = i + endOff + 1; o&node.FrameGroups != 0 {
			to = groupAt(n.group[i] + endOff + 1)
		}
	}
	return max(0, min(from, count)), max(0, min(to, count))
}

// excluded reports whether the frame of row i leaves row j out.
func (n *windowAgg) excluded(i, j int) bool {
	switch o := n.p.FrameOptions; {
	case o&node.FrameExcludeCurrentRow != 0:
		return i == j
	case o&node.FrameExcludeGroup != 0:
		return n.peer[i] == n.peer[j]
	case o&node.FrameExcludeTies != 0:
		return i != j && n.peer[i] == n.peer[j]
	}
	return false
}

// aggregate computes an aggregate over every row's frame. As long as frames only
// grow at their end, one running state serves; Final must not consume it, so a
// state whose frame start moves is made anew.
func (n *windowAgg) aggregate(x *Execution, k int, f *winFunc) error {
	so, eo, err := n.bounds(x)
	if err != nil {
		return err
	}
	args, vals := n.args[k], make([]datum.Datum, len(f.shape))
	step := func(s builtin.AggState, j int) error {
		if n.keep[k] != nil && !n.keep[k][j] {
			return nil
		}
		for c := range vals {
			vals[c] = args.datum(c, j)
		}
		return s.Step(vals)
	}
	exclude := n.p.FrameOptions&node.FrameExclusion != 0
	var state builtin.AggState
	curFrom, curTo := -1, 0
	var last datum.Datum
	for i := range n.rows.n {
		from, to := n.frame(i, so, eo)
		if to < from {
			to = from
		}
		if !exclude && state != nil && from == curFrom && to == curTo {
			put(&n.results[k], int32(i), last)
			continue
		}
		if exclude || state == nil || from != curFrom || to < curTo {
			state, curFrom, curTo = f.agg.New(&f.call), from, from
		}
		for ; curTo < to; curTo++ {
			if exclude && n.excluded(i, curTo) {
				continue
			}
			if err := step(state, curTo); err != nil {
				return err
			}
		}
		d, err := state.Final()
		if err != nil {
			return err
		}
		last = d.Clone()
		put(&n.results[k], int32(i), last)
	}
	return nil
}

// place computes the functions that know a row's place.
func (n *windowAgg) place(x *Execution, k int, f *winFunc) error {
	so, eo, err := n.bounds(x)
	if err != nil {
		return err
	}
	count, res, args := n.rows.n, &n.results[k], n.args[k]
	for i := range count {
		var d datum.Datum
		switch f.src {
		case "window_row_number":
			d = datum.Int(int64(i + 1))
		case "window_rank":
			d = datum.Int(int64(n.peer[i] + 1))
		case "window_dense_rank":
			d = datum.Int(int64(n.group[i] + 1))
		case "window_percent_rank":
			if d = datum.Float8(0); count > 1 {
				d = datum.Float8(float64(n.peer[i]) / float64(count-1))
			}
		case "window_cume_dist":
			d = datum.Float8(float64(n.peerEnd[i]) / float64(count))
		case "window_ntile":
			if d, err = ntile(args.datum(0, i), args.datum(0, 0), i, count); err != nil {
				return err
			}
		case "window_first_value", "window_last_value", "window_nth_value":
			if d, err = n.framed(f.src, args, i, so, eo); err != nil {
				return err
			}
		default:
			d = n.shifted(f.src, args, i)
		}
		put(res, int32(i), d)
	}
	return nil
}

// ntile is the bucket of row i of count rows in n buckets.
func ntile(_, arg datum.Datum, i, count int) (datum.Datum, error) {
	if arg.Null {
		return arg, nil
	}
	if arg.Int <= 0 {
		return arg, pgerr.New(pgerr.InvalidArgumentForNtile, "argument of ntile must be greater than zero")
	}
	buckets := int(arg.Int)
	size, extra := count/buckets, count%buckets
	if i < extra*(size+1) {
		return datum.Int(int64(i/(size+1) + 1)), nil
	}
	return datum.Int(int64(extra + (i-extra*(size+1))/max(size, 1) + 1)), nil
}

// shifted is lag and lead.
func (n *windowAgg) shifted(src string, args *rowStore, i int) datum.Datum {
	off := int64(1)
	if len(args.shape) > 1 {
		o := args.datum(1, i)
		if o.Null {
			return o
		}
		off = o.Int
	}
	if src[:10] == "window_lag" {
		off = -off
	}
	j := int64(i) + off
	if j < 0 || j >= int64(n.rows.n) {
		if len(args.shape) > 2 {
			return args.datum(2, i)
		}
		return datum.Null()
	}
	return args.datum(0, int(j))
}

// framed is first_value, last_value and nth_value.
func (n *windowAgg) framed(src string, args *rowStore, i, so, eo int) (datum.Datum, error) {
	from, to := n.frame(i, so, eo)
	nth := int64(1)
	if src == "window_nth_value" {
		d := args.datum(1, i)
		if d.Null {
			return d, nil
		}
		if nth = d.Int; nth <= 0 {
			return d, pgerr.New(pgerr.InvalidArgumentForNthValue, "argument of nth_value must be greater than zero")
		}
	}
	if src == "window_last_value" {
		for j := to - 1; j >= from; j-- {
			if !n.excluded(i, j) {
				return args.datum(0, j), nil
			}
		}
		return datum.Null(), nil
	}
	for j := from; j < to; j++ {
		if n.excluded(i, j) {
			continue
		}
		if nth--; nth == 0 {
			return args.datum(0, j), nil
		}
	}
	return datum.Null(), nil
}
