package exec_test

import (
	"fmt"
	"strings"
)

// query makes a whole query; types, if not nil, are its columns' types.
func (g *gen) query(scope []gcol, depth int, types []int) (string, []int) {
	if types == nil {
		for range 1 + g.IntN(3) {
			types = append(types, g.IntN(nTypes))
		}
	}
	switch n := g.IntN(10); {
	case n == 0 && depth > 0:
		l, _ := g.query(scope, depth-1, types)
		r, _ := g.query(scope, depth-1, types)
		return "(" + l + ") " + g.pick("union", "union all", "intersect", "intersect all", "except", "except all") + " (" + r + ")", types
	case n < 3:
		return g.grouped(scope, depth, types), types
	case n < 5:
		return g.windowed(scope, depth, types), types
	}
	return g.plain(scope, depth, types), types
}

// positions are the numbers of the columns, with random directions.
func (g *gen) positions(n int) string {
	var l []string
	for _, i := range g.Perm(n) {
		l = append(l, fmt.Sprint(i+1)+g.pick("", "", " desc", " asc nulls first", " desc nulls last"))
	}
	return strings.Join(l, ", ")
}

func (g *gen) limit() string {
	switch g.IntN(5) {
	case 0:
		return fmt.Sprintf(" limit %d", g.IntN(6))
	case 1:
		return fmt.Sprintf(" limit %d offset %d", g.IntN(8), g.IntN(5))
	case 2:
		return fmt.Sprintf(" offset %d", g.IntN(4))
	case 3:
		return fmt.Sprintf(" fetch first %d rows with ties", 1+g.IntN(5))
	}
	return ""
}

func (g *gen) plain(scope []gcol, depth int, types []int) string {
	from, cols := g.from(scope, depth+g.IntN(2))
	var list []string
	for _, t := range types {
		list = append(list, g.expr(cols, t, 1+g.IntN(2)))
	}
	distinct, order := "", ""
	switch g.IntN(8) {
	case 0, 1:
		distinct = "distinct "
	case 2:
		// DISTINCT ON the first column; the order decides which row stays.
		if types[0] != tArr {
			distinct = "distinct on (" + list[0] + ") "
			order = " order by " + strings.Join(list, ", ")
		}
	}
	s := "select " + distinct + strings.Join(list, ", ") + " from " + from
	if g.chance(65) {
		s += " where " + g.boolean(cols, 2+g.IntN(2))
	}
	if order == "" && g.chance(35) {
		order = " order by " + g.positions(len(types)) + g.limit()
	}
	return s + order
}

func (g *gen) aggregate(cols []gcol, typ int) string {
	e := func(t int) string { return g.expr(cols, t, 1) }
	var s string
	switch typ {
	case tInt:
		s = g.pick("min(", "max(") + e(tInt) + ")"
	case tBig:
		s = g.pick("count(*)", "count("+e(g.IntN(nTypes))+")", "count(distinct "+e(tInt)+")", "sum("+e(tInt)+")", "sum(distinct "+e(tInt)+")", "max("+e(tBig)+")")
	case tText:
		x := e(tText)
		s = g.pick("min("+x+")", "max("+x+")", "string_agg("+x+", ',' order by "+x+g.pick("", " desc")+")", "string_agg(distinct "+x+", ',')")
	case tBool:
		s = g.pick("bool_and(", "bool_or(", "every(") + e(tBool) + ")"
	case tNum:
		s = g.pick("sum("+e(tNum)+")", "avg("+e(tInt)+")", "max("+e(tNum)+")", "sum("+e(tBig)+")", "avg("+e(tNum)+")", "variance("+e(tInt)+")")
	case tArr:
		x := e(tInt)
		s = g.pick("array_agg("+x+" order by "+x+")", "array_agg(distinct "+x+")", "max("+e(tArr)+")")
	}
	if g.chance(20) {
		s += " filter (where " + g.boolean(cols, 1) + ")"
	}
	return s
}

func (g *gen) grouped(scope []gcol, depth int, types []int) string {
	from, cols := g.from(scope, depth)
	save := g.noSub
	g.noSub = true
	defer func() { g.noSub = save }()
	var keys, list []string
	var keyCols []gcol
	for range g.IntN(3) {
		t := g.IntN(nTypes)
		if c := g.column(cols, t); c != "" {
			keys, keyCols = append(keys, c), append(keyCols, gcol{c, t})
		}
	}
	for _, t := range types {
		if c := g.column(keyCols, t); c != "" && g.chance(60) {
			list = append(list, c)
			continue
		}
		list = append(list, g.aggregate(cols, t))
	}
	s := "select " + strings.Join(list, ", ") + " from " + from
	if g.chance(40) {
		s += " where " + g.boolean(cols, 2)
	}
	if len(keys) > 0 {
		k := strings.Join(keys, ", ")
		s += " group by " + g.pick(k, k, k, "rollup ("+k+")", "cube ("+k+")", "grouping sets (("+k+"), ("+keys[0]+"), ())", "grouping sets (("+keys[0]+"), ("+k+"))")
	}
	if g.chance(30) {
		s += " having " + g.aggregate(cols, tBig) + g.pick(" > 1", " < 10", " is not null")
	}
	if g.chance(30) {
		s += " order by " + g.positions(len(types)) + g.limit()
	}
	return s
}

// windowed has window functions whose results do not depend on the order of
// equal rows.
func (g *gen) windowed(scope []gcol, depth int, types []int) string {
	from, cols := g.from(scope, depth)
	save := g.noSub
	g.noSub = true
	defer func() { g.noSub = save }()
	var all []string
	for _, c := range cols {
		all = append(all, c.name)
	}
	var list []string
	g.fulls = 0
	for _, t := range types {
		list = append(list, g.windowFunc(cols, all, t))
	}
	s := "select " + strings.Join(list, ", ") + " from " + from
	if g.chance(50) {
		s += " where " + g.boolean(cols, 2)
	}
	if g.chance(30) {
		s += " order by " + g.positions(len(types)) + g.limit()
	}
	return s
}

func (g *gen) windowFunc(cols []gcol, all []string, t int) string {
	part := ""
	g.fulls++
	if c := g.column(cols, g.IntN(nTypes)); c != "" && g.chance(60) {
		part = "partition by " + c + " "
	}
	bound := func(start bool) string {
		if start {
			return g.pick("unbounded preceding", "2 preceding", "1 preceding", "current row", "1 following")
		}
		return g.pick("unbounded following", "2 following", "1 following", "current row", "1 preceding")
	}
	exclude := g.pick("", "", "", " exclude current row", " exclude group", " exclude ties")
	if g.fulls > 1 {
		// Two such functions would tell equal rows apart, each in its own way.
		if t == tBool {
			return "bool_or(" + g.expr(cols, t, 0) + ") over (" + part + ")"
		}
		return g.pick("min(", "max(") + g.expr(cols, t, 0) + ") over (" + part + ")"
	}
	full := part + "order by " + strings.Join(all, ", ")
	if g.chance(50) {
		if a, b := bound(true), bound(false); !(a == "1 following" && (b == "current row" || b == "1 preceding")) && !(a == "current row" && b == "1 preceding") {
			full += " rows between " + a + " and " + b + exclude
		}
	}
	peers := part
	if c := g.column(cols, g.IntN(nTypes)); c != "" && g.chance(70) {
		peers += "order by " + c + g.pick("", " desc", " nulls first")
		if g.chance(40) {
			if a, b := bound(true), bound(false); !(a == "1 following" && (b == "current row" || b == "1 preceding")) && !(a == "current row" && b == "1 preceding") {
				peers += " groups between " + a + " and " + b + exclude
			}
		} else if g.chance(30) {
			peers += " range between unbounded preceding and " + g.pick("current row", "unbounded following") + exclude
		}
	}
	e := g.expr(cols, t, 1)
	f := g.pick("lag(", "lead(", "first_value(", "last_value(") + e + ") over (" + full + ")"
	if g.chance(20) {
		f = "nth_value(" + e + ", 2) over (" + full + ")"
	}
	switch {
	case t == tBig && g.chance(60):
		return g.pick("row_number() over ("+full+")", "rank() over ("+peers+")", "dense_rank() over ("+peers+")", "count(*) over ("+peers+")",
			"sum("+g.expr(cols, tInt, 1)+") over ("+peers+")", "sum("+g.expr(cols, tInt, 0)+") over ("+full+")")
	case t == tInt && g.chance(40):
		return g.pick("ntile(3) over ("+full+")", "max("+e+") over ("+peers+")", "min("+e+") over ("+full+")")
	case t == tNum && g.chance(40):
		return "avg(" + e + ") over (" + g.pick(peers, full) + ")"
	}
	return f
}

// statement is a query with CTEs in front, sometimes.
func (g *gen) statement() string {
	g.ctes, g.ids = nil, 0
	var with []string
	for range g.IntN(6) - 3 {
		q, types := g.query(nil, 1, nil)
		c := gcte{name: fmt.Sprintf("w%d", len(g.ctes)+1)}
		var names []string
		for i, t := range types {
			names = append(names, fmt.Sprintf("k%d", i+1))
			c.cols = append(c.cols, gcol{names[i], t})
		}
		with = append(with, c.name+"("+strings.Join(names, ", ")+") as "+g.pick("", "materialized ", "not materialized ")+"("+q+")")
		g.ctes = append(g.ctes, c)
	}
	recursive := ""
	if g.chance(8) {
		recursive = "recursive "
		with = append(with, fmt.Sprintf("rr(n, k) as (select a, b from t3 where %s union %s select rr.n + %d, x.b from rr join %s x on %s where rr.n < %d)",
			g.pick("a < 5", "b > 25", "a is null"), g.pick("", "all"), 1+g.IntN(2), g.pick("t1", "t3"), g.pick("x.a = rr.n", "x.b = rr.k", "x.a = rr.n + 1"), 4+g.IntN(8)))
		g.ctes = append(g.ctes, gcte{"rr", []gcol{{"n", tInt}, {"k", tInt}}})
	}
	q, _ := g.query(nil, 1+g.IntN(2), nil)
	if len(with) > 0 {
		q = "with " + recursive + strings.Join(with, ", ") + " " + q
	}
	return q
}
