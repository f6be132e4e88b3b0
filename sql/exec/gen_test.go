package exec_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Types that the generator of random queries knows.
const (
	tInt = iota
	tBig
	tText
	tBool
	tNum
	tArr
	nTypes
)

// fixture is the schema that random queries are about.
const fixture = `
create table t1(a int primary key, b int, c text, l bigint, f bool, n numeric, r int[]);
create index t1_b on t1(b);
create index t1_cb on t1(c, b desc);
create table t2(a int, b int, c text, l bigint, f bool, n numeric, r int[]);
create index t2_ab on t2(a, b) include (c);
create index t2_l on t2(l desc);
create table t3(a int primary key, b int unique, c text, l bigint, f bool, n numeric, r int[]);
create table t4(a int, b int, c text, l bigint, f bool, n numeric, r int[]);
insert into t1 select i, nullif(i % 7, 3), chr(97 + i % 5) || (i % 3), (i * 3 % 11)::bigint, i % 3 = 0, (i % 6) * 0.5, array[i % 4, i % 5] from generate_series(1, 40) i;
insert into t1 values (41, null, null, null, null, null, null), (42, null, 'a0', 5, true, null, '{}'), (43, 2, null, null, false, 1.5, array[null, 1]);
insert into t2 select i % 13, i % 9, chr(97 + i % 7), (i % 8)::bigint, i % 4 = 0, (i % 5) * 1.5, array[i % 3] from generate_series(1, 50) i;
insert into t2 values (null, null, null, null, null, null, null), (1, null, null, 2, null, 0, '{1,2,3}'), (null, 3, 'b', 1, true, null, null);
insert into t3 select i * 2, 30 - i, chr(98 + i % 4) || i % 2, (i % 5)::bigint, i % 5 < 2, i % 4, array[i, null, i % 2] from generate_series(1, 15) i;
insert into t3 values (100, null, null, null, null, null, null), (101, null, '', 0, false, 0, '{}');
`

var columnNames = []string{"a", "b", "c", "l", "f", "n", "r"} // constant
var columnTypes = []int{tInt, tInt, tText, tBig, tBool, tNum, tArr}

type gcol struct {
	name string
	typ  int
}

type gen struct {
	*rand.Rand
	ids   int
	ctes  []gcte
	noSub bool
	fulls int // window functions of this query
}

type gcte struct {
	name string
	cols []gcol
}

func (g *gen) alias() string {
	g.ids++
	return fmt.Sprintf("x%d", g.ids)
}

func (g *gen) pick(l ...string) string { return l[g.IntN(len(l))] }

func (g *gen) chance(percent int) bool { return g.IntN(100) < percent }

// column is a random column of a type, or "".
func (g *gen) column(scope []gcol, typ int) string {
	var l []string
	for _, c := range scope {
		if c.typ == typ {
			l = append(l, c.name)
		}
	}
	if len(l) == 0 {
		return ""
	}
	return g.pick(l...)
}

func (g *gen) expr(scope []gcol, typ, depth int) string {
	if depth <= 0 || g.chance(40) {
		if c := g.column(scope, typ); c != "" && g.chance(85) {
			return c
		}
		return g.constant(typ)
	}
	e := func(t int) string { return g.expr(scope, t, depth-1) }
	switch g.IntN(8) {
	case 0:
		return "case when " + e(tBool) + " then " + e(typ) + " else " + e(typ) + " end"
	case 1:
		return "coalesce(" + e(typ) + ", " + e(typ) + ")"
	case 2:
		if typ != tArr {
			return "nullif(" + e(typ) + ", " + e(typ) + ")"
		}
	case 3:
		if typ != tArr && typ != tBool {
			return g.pick("greatest(", "least(") + e(typ) + ", " + e(typ) + ")"
		}
	case 4:
		if !g.noSub && depth > 1 && typ != tArr {
			return g.scalarSub(scope, typ, depth-1)
		}
	case 5:
		return "case " + e(tInt) + " when 1 then " + e(typ) + " when " + e(tInt) + " then " + e(typ) + " end"
	}
	switch typ {
	case tInt:
		return g.pick("("+e(tInt)+" + "+e(tInt)+")", "("+e(tInt)+" - 1)", "length("+e(tText)+")", "abs("+e(tInt)+")", "("+e(tArr)+")[1]",
			"(- "+e(tInt)+")", "cardinality("+e(tArr)+")", "("+e(tBool)+")::int")
	case tBig:
		return g.pick("("+e(tBig)+" + "+e(tInt)+")", e(tInt)+"::bigint", "("+e(tBig)+" * 2)")
	case tText:
		return g.pick("upper("+e(tText)+")", "("+e(tText)+" || "+e(tText)+")", e(tInt)+"::text", "substr("+e(tText)+", 1, 1)", "("+e(tArr)+")::text")
	case tNum:
		return g.pick("("+e(tNum)+" + "+e(tInt)+")", e(tInt)+"::numeric", "round("+e(tNum)+")")
	case tArr:
		return g.pick("array["+e(tInt)+", "+e(tInt)+"]", "("+e(tArr)+" || "+e(tInt)+")", "array_append("+e(tArr)+", "+e(tInt)+")")
	}
	return g.boolean(scope, depth)
}

func (g *gen) constant(typ int) string {
	if g.chance(12) {
		return "null::" + []string{"int", "bigint", "text", "bool", "numeric", "int[]"}[typ]
	}
	switch typ {
	case tInt:
		return fmt.Sprint(g.IntN(12))
	case tBig:
		return fmt.Sprintf("%d::bigint", g.IntN(10))
	case tText:
		return "'" + g.pick("a", "b0", "c", "a1", "", "d2") + "'::text"
	case tBool:
		return g.pick("true", "false")
	case tNum:
		return g.pick("0.5", "1.5", "2", "3.0") + "::numeric"
	}
	return g.pick("'{}'::int[]", "array[1,2]", "array[0,null]", "array[1]")
}

// boolean is a condition.
func (g *gen) boolean(scope []gcol, depth int) string {
	e := func(t int) string { return g.expr(scope, t, depth-1) }
	typ := g.IntN(nTypes)
	cmp := g.pick("=", "=", "=", "<", "<=", ">", ">=", "<>")
	switch n := g.IntN(19); n {
	case 0, 1, 2, 3:
		return "(" + e(typ) + " " + cmp + " " + e(typ) + ")"
	case 4:
		return "(" + e(typ) + " is " + g.pick("", "not ") + "null)"
	case 5:
		return "(" + e(typ) + " is " + g.pick("", "not ") + "distinct from " + e(typ) + ")"
	case 6:
		return "(" + e(tBool) + " and " + e(tBool) + ")"
	case 7:
		return "(" + e(tBool) + " or " + e(tBool) + ")"
	case 8:
		return "(not " + e(tBool) + ")"
	case 9:
		return "(" + e(tInt) + g.pick("", " not") + " in (" + e(tInt) + ", 3, " + g.constant(tInt) + "))"
	case 10:
		return "(" + e(tInt) + " between " + e(tInt) + " and " + e(tInt) + ")"
	case 11:
		return "(" + e(tText) + g.pick("", " not") + " like '" + g.pick("a%", "%0", "b_", "%", "c1") + "')"
	case 12:
		return "(" + e(tInt) + " " + cmp + g.pick(" any", " all") + " (" + e(tArr) + "))"
	case 13:
		return "((" + e(tInt) + ", " + e(tText) + ") " + cmp + " (" + e(tInt) + ", " + e(tText) + "))"
	case 14:
		return "(" + e(tBool) + " is " + g.pick("", "not ") + g.pick("true", "false", "unknown") + ")"
	}
	if g.noSub || depth < 2 {
		return "(" + e(tInt) + " " + cmp + " " + e(tInt) + ")"
	}
	switch g.IntN(4) {
	case 0:
		return g.pick("", "not ") + "exists (" + g.sub(scope, nil, depth-2) + ")"
	case 1:
		t := g.IntN(tBool)
		return "(" + e(t) + g.pick("", " not") + " in (" + g.sub(scope, []int{t}, depth-2) + "))"
	case 2:
		return "(" + e(tInt) + " " + cmp + g.pick(" any", " all") + " (" + g.sub(scope, []int{tInt}, depth-2) + "))"
	}
	return "((" + e(tInt) + ", " + e(tText) + ")" + g.pick("", " not") + " in (" + g.sub(scope, []int{tInt, tText}, depth-2) + "))"
}

// scalarSub is a subquery with one row.
func (g *gen) scalarSub(scope []gcol, typ, depth int) string {
	from, cols := g.from(scope, min(depth-1, 1))
	all := append(append([]gcol(nil), scope...), cols...)
	f := "max"
	if typ == tBool {
		f = "bool_or"
	}
	s := "(select " + f + "(" + g.expr(cols, typ, 0) + ") from " + from
	if g.chance(80) {
		s += " where " + g.boolean(all, 1)
	}
	return s + ")"
}

// sub is a subquery that may refer to scope, with columns of the types.
func (g *gen) sub(scope []gcol, types []int, depth int) string {
	from, cols := g.from(scope, min(depth, 1))
	all := append(append([]gcol(nil), scope...), cols...)
	if g.chance(30) {
		all = cols // not correlated
	}
	var list []string
	for _, t := range types {
		list = append(list, g.expr(cols, t, depth))
	}
	if types == nil {
		list = []string{"1"}
	}
	s := "select " + strings.Join(list, ", ") + " from " + from
	switch {
	case g.chance(50):
		s += " where " + g.boolean(all, depth+1)
	case g.chance(50) && g.column(cols, tInt) != "" && g.column(scope, tInt) != "":
		s += " where " + g.column(cols, tInt) + " = " + g.column(scope, tInt)
	}
	return s
}

// from makes a FROM item and its columns.
func (g *gen) from(scope []gcol, depth int) (string, []gcol) {
	if depth > 0 && g.chance(60) {
		return g.join(scope, depth)
	}
	x := g.alias()
	cols := func(types []int, names ...string) (out []gcol) {
		for i, t := range types {
			out = append(out, gcol{x + "." + names[i], t})
		}
		return
	}
	n := g.IntN(20)
	switch {
	case n < 13 || depth < 0:
		return g.pick("t1", "t1", "t2", "t2", "t3", "t3", "t3", "t4") + " " + x, cols(columnTypes, columnNames...)
	case n == 13:
		return fmt.Sprintf("generate_series(%d, %d) %s(i)", g.IntN(3), g.IntN(8), x), cols([]int{tInt}, "i")
	case n == 14:
		return "(values (" + g.constant(tInt) + ", " + g.constant(tText) + "), (" + g.constant(tInt) + ", " + g.constant(tText) + "), (3, 'a')) " + x + "(i, s)",
			cols([]int{tInt, tText}, "i", "s")
	case n == 15:
		return "unnest(" + g.constant(tArr) + ") with ordinality " + x + "(i, o)", cols([]int{tInt, tBig}, "i", "o")
	case n == 16 && len(g.ctes) > 0:
		c := g.ctes[g.IntN(len(g.ctes))]
		var out []gcol
		for _, k := range c.cols {
			out = append(out, gcol{x + "." + k.name, k.typ})
		}
		return c.name + " " + x, out
	}
	q, types := g.query(nil, max(depth-1, 0), nil)
	var names []string
	for i := range types {
		names = append(names, fmt.Sprintf("c%d", i+1))
	}
	return "(" + q + ") " + x + "(" + strings.Join(names, ", ") + ")", cols(types, names...)
}

func (g *gen) join(scope []gcol, depth int) (string, []gcol) {
	ls, lc := g.from(scope, depth-1)
	if g.chance(12) {
		x := g.alias()
		q := g.sub(lc, []int{tInt, tText}, 1)
		all := append(append([]gcol(nil), lc...), gcol{x + ".u", tInt}, gcol{x + ".v", tText})
		if g.chance(50) {
			return ls + " left join lateral (" + q + ") " + x + "(u, v) on " + g.pick("true", g.boolean(all, 1)), all
		}
		return ls + " cross join lateral (" + q + ") " + x + "(u, v)", all
	}
	rs, rc := g.from(scope, depth-1)
	all := append(append([]gcol(nil), lc...), rc...)
	kind := g.pick("join", "join", "left join", "left join", "right join", "full join")
	t := g.pick("0", "0", "0", "1", "2")[0] - '0'
	l, r := g.column(lc, int(t)), g.column(rc, int(t))
	if l == "" || r == "" {
		t = 0
		l, r = g.column(lc, tInt), g.column(rc, tInt)
	}
	on := "true"
	if l != "" && r != "" {
		on = l + " = " + r
		if g.chance(20) && kind != "full join" {
			on = l + g.pick(" < ", " >= ", " <> ") + r
		}
	} else if kind == "full join" {
		kind = "left join"
	}
	if kind != "full join" && g.chance(35) {
		save := g.noSub
		g.noSub = true
		on += " and " + g.boolean(all, 1+g.IntN(2))
		g.noSub = save
	}
	return "(" + ls + " " + kind + " " + rs + " on " + on + ")", all
}
