package exec

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/builtin"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/plan"
	"github.com/pgmini/pgmini/sql/types"
)

// fakeCatalog knows a few types and functions, enough for plans made by hand.
type fakeCatalog struct{ Catalog }

func (fakeCatalog) Type(t oid.OID) (types.TypeInfo, bool) {
	switch t {
	case oid.Int4:
		return types.TypeInfo{OID: t, Len: 4, ByVal: true, Align: 'i', Type: 'b'}, true
	case oid.Int8:
		return types.TypeInfo{OID: t, Len: 8, ByVal: true, Align: 'd', Type: 'b'}, true
	case oid.Bool:
		return types.TypeInfo{OID: t, Len: 1, ByVal: true, Align: 'c', Type: 'b'}, true
	case oid.Text:
		return types.TypeInfo{OID: t, Len: -1, Align: 'i', Storage: 'x', Type: 'b'}, true
	}
	return types.TypeInfo{}, false
}

// Functions that tests use, by pg_proc OID. constant
var fakeFuncs = map[oid.OID]string{65: "int4eq", 66: "int4lt", 154: "int4div", 144: "int4ne", 67: "texteq", 177: "int4pl"}

func (fakeCatalog) Func(f oid.OID) (FuncInfo, error) {
	src, ok := fakeFuncs[f]
	if !ok {
		return FuncInfo{}, fmt.Errorf("function %d", f)
	}
	impl, _ := builtin.Lookup(src)
	return FuncInfo{Name: src, Strict: true, Impl: impl}, nil
}

func (fakeCatalog) Agg(f oid.OID) (AggInfo, error) {
	switch f {
	case 2108: // sum(int4)
		return AggInfo{Name: "sum", TransSrc: "int4_sum", TransType: oid.Int8}, nil
	case 2803: // count(*)
		return AggInfo{Name: "count", TransSrc: "int8inc", TransType: oid.Int8}, nil
	}
	return AggInfo{}, fmt.Errorf("aggregate %d", f)
}

func (fakeCatalog) SortOrder(op, _ oid.OID) (func(a, b datum.Datum) int, bool, error) {
	return intOrder, op == 521, nil
}

func intOrder(a, b datum.Datum) int {
	switch {
	case a.Int < b.Int:
		return -1
	case a.Int > b.Int:
		return 1
	}
	return 0
}

func testSeed(t *testing.T) *rand.Rand {
	seed := uint64(rand.Uint32())
	if s := os.Getenv("PGMINI_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	t.Logf("PGMINI_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

func intConst(v int64) *node.Const {
	return &node.Const{Consttype: oid.Int4, Constlen: 4, Constbyval: true, Constvalue: datum.Int(v)}
}

func nullConst() *node.Const {
	c := intConst(0)
	c.Constisnull = true
	return c
}

func outer(n int) *node.Var { return &node.Var{Varno: node.OuterVar, Varattno: n, Vartype: oid.Int4} }
func inner(n int) *node.Var { return &node.Var{Varno: node.InnerVar, Varattno: n, Vartype: oid.Int4} }

func tlist(list ...node.Node) []*node.TargetEntry {
	var out []*node.TargetEntry
	for i, e := range list {
		out = append(out, &node.TargetEntry{Expr: e, Resno: i + 1})
	}
	return out
}

func op(fn oid.OID, args ...node.Node) *node.OpExpr {
	return &node.OpExpr{Opno: fn, Opfuncid: fn, Opresulttype: oid.Bool, Args: args}
}

// table is a plan that yields the given rows of two ints; minInt is NULL.
const null = -1 << 31

func table(rel int, rows [][2]int64) plan.Plan {
	s := &plan.ValuesScan{}
	s.ScanRelid = rel
	for _, r := range rows {
		var list []node.Node
		for _, v := range r {
			if v == null {
				list = append(list, nullConst())
			} else {
				list = append(list, intConst(v))
			}
		}
		s.ValuesLists = append(s.ValuesLists, list)
	}
	if len(rows) == 0 { // VALUES has at least one row
		s.ValuesLists = [][]node.Node{{intConst(0), intConst(0)}}
		s.Qual = []node.Node{&node.Const{Consttype: oid.Bool, Constlen: 1, Constbyval: true}}
	}
	s.TargetList = tlist(&node.Var{Varno: rel, Varattno: 1, Vartype: oid.Int4}, &node.Var{Varno: rel, Varattno: 2, Vartype: oid.Int4})
	return s
}

// execute runs a plan and prints its rows.
func execute(t *testing.T, p plan.Plan, setup ...func(*Execution)) ([]string, error) {
	t.Helper()
	x := &Execution{Ctx: context.Background(), Stmt: &plan.PlannedStmt{Plan: p, NParamExec: 8}, Cat: fakeCatalog{}, Env: &builtin.Env{}}
	for _, f := range setup {
		f(x)
	}
	defer x.Close()
	if err := x.Start(); err != nil {
		t.Fatal(err)
	}
	var out []string
	_, err := x.Run(0, func(b *Batch) error {
		for _, i := range b.Sel {
			var cols []string
			for _, c := range b.Cols {
				d := at(c, i)
				switch {
				case d.Null:
					cols = append(cols, "-")
				case d.Bytes != nil:
					cols = append(cols, string(d.Bytes))
				default:
					cols = append(cols, strconv.FormatInt(d.Int, 10))
				}
			}
			out = append(out, strings.Join(cols, " "))
		}
		return nil
	})
	return out, err
}

// INV-EXEC-1: the arm of CASE that is not taken, and what AND has decided, is not
// evaluated, even where it would fail.
func TestLazyEvaluation(t *testing.T) {
	x := &node.Var{Varno: 1, Varattno: 1, Vartype: oid.Int4}
	div := &node.OpExpr{Opno: 154, Opfuncid: 154, Opresulttype: oid.Int4, Args: []node.Node{intConst(10), x}}
	safe := &node.CaseExpr{Casetype: oid.Int4, Args: []*node.CaseWhen{{Expr: op(144, x, intConst(0)), Result: div}}, Defresult: intConst(-1)}
	p := table(1, [][2]int64{{0, 0}, {5, 0}, {null, 0}, {2, 0}}).(*plan.ValuesScan)
	p.TargetList = tlist(safe)
	got, err := execute(t, p)
	if err != nil || !slices.Equal(got, []string{"-1", "2", "-1", "5"}) {
		t.Fatalf("got %q, %v", got, err)
	}
	p = table(1, [][2]int64{{0, 0}, {5, 0}}).(*plan.ValuesScan)
	p.Qual = []node.Node{&node.BoolExpr{Boolop: node.AndExpr, Args: []node.Node{op(144, x, intConst(0)), op(65, div, intConst(2))}}}
	if got, err = execute(t, p); err != nil || !slices.Equal(got, []string{"5 0"}) {
		t.Fatalf("got %q, %v", got, err)
	}
	p.Qual = []node.Node{op(65, div, intConst(2))}
	if _, err = execute(t, p); pgerr.CodeOf(err) != pgerr.DivisionByZero {
		t.Fatalf("got %v", err)
	}
}

// reference joins by the definition.
func reference(kind node.JoinType, l, r [][2]int64) []string {
	p := func(v int64) string {
		if v == null {
			return "-"
		}
		return strconv.FormatInt(v, 10)
	}
	var out []string
	hitR := make([]bool, len(r))
	for _, a := range l {
		hit := false
		for j, b := range r {
			if a[0] == null || a[0] != b[0] || a[1] == null || b[1] == null || a[1] >= b[1] {
				continue
			}
			hitR[j] = true
			if kind != node.JoinAnti && !(kind == node.JoinSemi && hit) {
				row := p(a[0]) + " " + p(a[1])
				if kind != node.JoinSemi {
					row += " " + p(b[0]) + " " + p(b[1])
				}
				out = append(out, row)
			}
			hit = true
		}
		if !hit && (kind == node.JoinLeft || kind == node.JoinFull) {
			out = append(out, p(a[0])+" "+p(a[1])+" - -")
		}
		if !hit && kind == node.JoinAnti {
			out = append(out, p(a[0])+" "+p(a[1]))
		}
	}
	for j, b := range r {
		if !hitR[j] && (kind == node.JoinRight || kind == node.JoinFull) {
			out = append(out, "- - "+p(b[0])+" "+p(b[1]))
		}
	}
	slices.Sort(out)
	return out
}

// Every join method gives the same rows as the definition: on a.1 = b.1 and
// a.2 < b.2.
func TestJoinMethodsAgree(t *testing.T) {
	rng := testSeed(t)
	random := func(n int) [][2]int64 {
		rows := make([][2]int64, n)
		for i := range rows {
			rows[i] = [2]int64{int64(rng.IntN(12)), int64(rng.IntN(6))}
			for k := range rows[i] {
				if rng.IntN(8) == 0 {
					rows[i][k] = null
				}
			}
		}
		return rows
	}
	sorted := func(p plan.Plan) plan.Plan {
		s := &plan.Sort{Keys: []plan.SortKey{{Col: 1, SortOp: 97}}}
		s.Left = p
		s.TargetList = tlist(outer(1), outer(2))
		return s
	}
	for range 60 {
		l, r := random(rng.IntN(40)), random(rng.IntN(40))
		if rng.IntN(10) == 0 {
			l = random(1500)
		}
		for _, kind := range []node.JoinType{node.JoinInner, node.JoinLeft, node.JoinRight, node.JoinFull, node.JoinSemi, node.JoinAnti} {
			want := reference(kind, l, r)
			list := tlist(outer(1), outer(2), inner(1), inner(2))
			if kind == node.JoinSemi || kind == node.JoinAnti {
				list = list[:2]
			}
			eq, lt := op(65, outer(1), inner(1)), op(66, outer(2), inner(2))
			plans := map[string]plan.Plan{}
			h := &plan.Hash{HashKeys: []node.Node{outer(1)}}
			h.Left = table(2, r)
			h.TargetList = tlist(outer(1), outer(2))
			hj := &plan.HashJoin{HashKeys: []node.Node{outer(1)}, HashClauses: []node.Node{eq}}
			hj.Jointype, hj.Left, hj.Right, hj.TargetList, hj.JoinQual = kind, table(1, l), h, list, []node.Node{lt}
			plans["hash"] = hj
			mj := &plan.MergeJoin{MergeClauses: []node.Node{eq}, MergeKeys: []plan.SortKey{{SortOp: 97}}}
			mj.Jointype, mj.Left, mj.Right, mj.TargetList, mj.JoinQual = kind, sorted(table(1, l)), sorted(table(2, r)), list, []node.Node{lt}
			plans["merge"] = mj
			if kind != node.JoinRight && kind != node.JoinFull {
				m := &plan.Material{}
				m.Left = table(2, r)
				m.TargetList = tlist(outer(1), outer(2))
				nl := &plan.NestLoop{}
				nl.Jointype, nl.Left, nl.Right, nl.TargetList, nl.JoinQual = kind, table(1, l), m, list, []node.Node{eq, lt}
				plans["nested loop"] = nl
			}
			for name, p := range plans {
				got, err := execute(t, p)
				if err != nil {
					t.Fatalf("%s join %d: %v", name, kind, err)
				}
				slices.Sort(got)
				if !slices.Equal(got, want) {
					t.Fatalf("%s join %d of %v and %v:\ngot  %q\nwant %q", name, kind, l, r, got, want)
				}
			}
		}
	}
}

// memTemp keeps temporary files in memory and counts them.
type memTemp struct{ open, made int }

type memTempFile struct {
	t *memTemp
	b []byte
}

func (m *memTemp) Create() (TempFile, error) {
	m.open++
	m.made++
	return &memTempFile{t: m}, nil
}

func (f *memTempFile) WriteAt(b []byte, off int64) (int, error) {
	f.b = append(f.b[:off], b...)
	return len(b), nil
}

func (f *memTempFile) ReadAt(b []byte, off int64) (int, error) { return copy(b, f.b[off:]), nil }

func (f *memTempFile) Close() error {
	f.t.open--
	return nil
}

// A sort that spills gives the same order as one in memory, and leaves no file.
func TestSortSpills(t *testing.T) {
	rng := testSeed(t)
	var rows [][2]int64
	for i := range 5000 {
		v := int64(rng.IntN(700))
		if rng.IntN(50) == 0 {
			v = null
		}
		rows = append(rows, [2]int64{v, int64(i)})
	}
	s := &plan.Sort{Keys: []plan.SortKey{{Col: 1, SortOp: 97}}}
	s.Left = table(1, rows)
	s.TargetList = tlist(outer(1), outer(2))
	mem, err := execute(t, s)
	if err != nil {
		t.Fatal(err)
	}
	temp := &memTemp{}
	disk, err := execute(t, s, func(x *Execution) { x.WorkMem, x.Temp = 16<<10, temp })
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(mem, disk) {
		t.Fatal("the orders differ")
	}
	if temp.made < 3 || temp.open != 0 {
		t.Errorf("%d files made, %d left open", temp.made, temp.open)
	}
}

// Sorted and hashed aggregation agree with each other and with a map.
func TestAggregationStrategies(t *testing.T) {
	rng := testSeed(t)
	var rows [][2]int64
	want := map[int64][2]int64{}
	for range 6000 {
		k, v := int64(rng.IntN(1500)), int64(rng.IntN(100))
		rows = append(rows, [2]int64{k, v})
		w := want[k]
		want[k] = [2]int64{w[0] + v, w[1] + 1}
	}
	list := tlist(outer(1),
		&node.Aggref{Aggfnoid: 2108, Aggtype: oid.Int8, Args: tlist(outer(2)), Aggkind: node.AggKindNormal},
		&node.Aggref{Aggfnoid: 2803, Aggtype: oid.Int8, Aggstar: true, Aggkind: node.AggKindNormal})
	var expect []string
	for k, w := range want {
		expect = append(expect, fmt.Sprintf("%d %d %d", k, w[0], w[1]))
	}
	slices.Sort(expect)
	for _, strategy := range []plan.AggStrategy{plan.AggHashed, plan.AggSorted} {
		a := &plan.Agg{AggStrategy: strategy, GrpColIdx: []int{1}, GrpOperators: []oid.OID{96}, GrpCollations: []oid.OID{0}}
		a.Left = table(1, rows)
		if strategy == plan.AggSorted {
			s := &plan.Sort{Keys: []plan.SortKey{{Col: 1, SortOp: 97}}}
			s.Left, s.TargetList = a.Left, tlist(outer(1), outer(2))
			a.Left = s
		}
		a.TargetList = list
		got, err := execute(t, a)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(got)
		if !slices.Equal(got, expect) {
			t.Errorf("strategy %d differs", strategy)
		}
	}
}

// LIMIT and OFFSET cut anywhere, across batches.
func TestLimit(t *testing.T) {
	var rows [][2]int64
	for i := range 2500 {
		rows = append(rows, [2]int64{int64(i), 0})
	}
	for _, c := range []struct{ off, n, from, to int }{{0, 10, 0, 10}, {1020, 10, 1020, 1030}, {2499, 5, 2499, 2500}, {3000, 5, 0, 0}, {0, 0, 0, 0}, {0, 2500, 0, 2500}} {
		l := &plan.Limit{LimitOffset: int8Const(c.off), LimitCount: int8Const(c.n)}
		l.Left = table(1, rows)
		l.TargetList = tlist(outer(1), outer(2))
		got, err := execute(t, l)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for i := c.from; i < c.to; i++ {
			want = append(want, fmt.Sprintf("%d 0", i))
		}
		if !slices.Equal(got, want) {
			t.Errorf("offset %d limit %d: %d rows, want %d", c.off, c.n, len(got), len(want))
		}
	}
}

func int8Const(v int) *node.Const {
	return &node.Const{Consttype: oid.Int8, Constlen: 8, Constbyval: true, Constvalue: datum.Int(int64(v))}
}
