package ruleutils

import (
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/node"
)

func (d *deparser) function(x *node.FuncExpr, implicit bool) {
	switch x.Funcformat {
	case node.CoerceImplicitCast, node.CoerceExplicitCast:
		mod := int32(-1)
		if m, ok := node.LengthCoercion(x); ok {
			mod = m
		}
		d.cast(x, x.Args[0], x.Funcformat, x.Funcresulttype, mod, implicit)
		return
	}
	name, f := d.funcName(x.Funcid)
	if x.Funcformat == node.CoerceSQLSyntax && d.sqlSyntax(f, x.Args) {
		return
	}
	d.put(name, "(")
	for i, a := range x.Args {
		if i > 0 {
			d.put(", ")
		}
		if x.Funcvariadic && f.Variadic != 0 && i == len(x.Args)-1 {
			d.put("VARIADIC ")
		}
		d.full(a)
	}
	d.put(")")
}

// sqlSyntax writes the functions that SQL gives a syntax of their own.
func (d *deparser) sqlSyntax(f *analyze.Function, a []node.Node) bool {
	mixed := func(parts ...any) bool {
		for _, p := range parts {
			switch x := p.(type) {
			case string:
				d.put(x)
			case node.Node:
				d.full(x)
			}
		}
		return true
	}
	paren := func(n node.Node) {
		d.put("(")
		d.full(n)
		d.put(")")
	}
	switch name := f.Name; {
	case name == "timezone" && len(a) == 2:
		d.put("(")
		d.inner(a[1], false, &node.FuncExpr{Funcformat: node.CoerceSQLSyntax})
		d.put(" AT TIME ZONE ")
		d.inner(a[0], false, &node.FuncExpr{Funcformat: node.CoerceSQLSyntax})
		d.put(")")
		return true
	case name == "overlaps" && len(a) == 4:
		return mixed("((", a[0], ", ", a[1], ") OVERLAPS (", a[2], ", ", a[3], "))")
	case name == "extract" && len(a) == 2:
		if c, ok := a[0].(*node.Const); ok {
			return mixed("EXTRACT(", c.Constvalue.Str(), " FROM ", a[1], ")")
		}
	case name == "is_normalized" && len(a) >= 1:
		paren(a[0])
		if len(a) == 2 {
			if c, ok := a[1].(*node.Const); ok {
				return mixed(" IS ", c.Constvalue.Str(), " NORMALIZED")
			}
		}
		return mixed(" IS NORMALIZED")
	case name == "position" && len(a) == 2:
		return mixed("POSITION((", a[1], ") IN (", a[0], "))")
	case name == "substring" && len(a) == 2:
		return mixed("SUBSTRING(", a[0], " FROM ", a[1], ")")
	case name == "substring" && len(a) == 3 && f.ArgTypes[1] == oid.Int4:
		return mixed("SUBSTRING(", a[0], " FROM ", a[1], " FOR ", a[2], ")")
	case name == "substring" && len(a) == 3:
		return mixed("SUBSTRING(", a[0], " SIMILAR ", a[1], " ESCAPE ", a[2], ")")
	case name == "overlay" && len(a) == 3:
		return mixed("OVERLAY(", a[0], " PLACING ", a[1], " FROM ", a[2], ")")
	case name == "overlay" && len(a) == 4:
		return mixed("OVERLAY(", a[0], " PLACING ", a[1], " FROM ", a[2], " FOR ", a[3], ")")
	}
	side := map[string]string{"btrim": "BOTH", "ltrim": "LEADING", "rtrim": "TRAILING"}[f.Name]
	switch {
	case side != "" && len(a) == 1:
		return mixed("TRIM(", side, " FROM ", a[0], ")")
	case side != "" && len(a) == 2:
		return mixed("TRIM(", side, " ", a[1], " FROM ", a[0], ")")
	}
	return false
}

func (d *deparser) aggregate(x *node.Aggref) {
	if x.Aggsplit != node.AggSplitSimple {
		d.put("PARTIAL ")
	}
	name, f := d.funcName(x.Aggfnoid)
	d.put(name, "(")
	if len(x.Aggdistinct) > 0 {
		d.put("DISTINCT ")
	}
	if x.Aggkind != node.AggKindNormal {
		d.list(x.Aggdirectargs)
		d.put(") WITHIN GROUP (ORDER BY ")
		d.orderBy(x.Aggorder, x.Args, false)
	} else {
		if x.Aggstar {
			d.put("*")
		}
		n := 0
		for _, a := range x.Args {
			if a.Resjunk {
				continue
			}
			if n++; n > 1 {
				d.put(", ")
			}
			if x.Aggvariadic && f.Variadic != 0 && n == len(x.Aggargtypes) {
				d.put("VARIADIC ")
			}
			d.full(a.Expr)
		}
		if len(x.Aggorder) > 0 {
			d.put(" ORDER BY ")
			d.orderBy(x.Aggorder, x.Args, false)
		}
	}
	if x.Aggfilter != nil {
		d.put(") FILTER (WHERE ")
		d.top(x.Aggfilter)
	}
	d.put(")")
}

func (d *deparser) window(x *node.WindowFunc) {
	name, _ := d.funcName(x.Winfnoid)
	d.put(name, "(")
	if x.Winstar {
		d.put("*")
	}
	d.list(x.Args)
	if x.Aggfilter != nil {
		d.put(") FILTER (WHERE ")
		d.top(x.Aggfilter)
	}
	d.put(") OVER ")
	for _, w := range d.windows {
		if w.Winref != x.Winref {
			continue
		}
		if w.Name != "" {
			d.put(analyze.QuoteIdent(w.Name))
		} else {
			d.windowSpec(w)
		}
		return
	}
	if d.plan == nil {
		d.fail(pgerr.New(pgerr.InternalError, "could not find window clause for winref %d", x.Winref))
	}
	d.put("(?)")
}

func (d *deparser) windowSpec(w *node.WindowClause) {
	d.put("(")
	sep := ""
	if w.Refname != "" {
		d.put(analyze.QuoteIdent(w.Refname))
		sep = " "
	}
	if len(w.PartitionClause) > 0 && w.Refname == "" {
		d.put(sep, "PARTITION BY ")
		for i, g := range w.PartitionClause {
			if i > 0 {
				d.put(", ")
			}
			d.sortItem(g.TleSortGroupRef, d.wtlist, false)
		}
		sep = " "
	}
	if len(w.OrderClause) > 0 && !w.CopiedOrder {
		d.put(sep, "ORDER BY ")
		d.orderBy(w.OrderClause, d.wtlist, false)
		sep = " "
	}
	if w.FrameOptions&node.FrameNonDefault != 0 {
		d.put(sep)
		d.frame(w)
	}
	d.put(")")
}

func (d *deparser) frame(w *node.WindowClause) {
	o := w.FrameOptions
	pick := func(words ...any) bool {
		for i := 0; i < len(words); i += 2 {
			if o&words[i].(int) != 0 {
				d.put(words[i+1].(string))
				return true
			}
		}
		return false
	}
	pick(node.FrameRange, "RANGE ", node.FrameRows, "ROWS ", node.FrameGroups, "GROUPS ")
	pick(node.FrameBetween, "BETWEEN ")
	if !pick(node.FrameStartUnboundedPreceding, "UNBOUNDED PRECEDING", node.FrameStartCurrentRow, "CURRENT ROW") {
		d.top(w.StartOffset)
		pick(node.FrameStartOffsetPreceding, " PRECEDING", node.FrameStartOffsetFollowing, " FOLLOWING")
	}
	if o&node.FrameBetween != 0 {
		d.put(" AND ")
		if !pick(node.FrameEndUnboundedFollowing, "UNBOUNDED FOLLOWING", node.FrameEndCurrentRow, "CURRENT ROW") {
			d.top(w.EndOffset)
			pick(node.FrameEndOffsetPreceding, " PRECEDING", node.FrameEndOffsetFollowing, " FOLLOWING")
		}
	}
	pick(node.FrameExcludeCurrentRow, " EXCLUDE CURRENT ROW", node.FrameExcludeGroup, " EXCLUDE GROUP", node.FrameExcludeTies, " EXCLUDE TIES")
}

func (d *deparser) subLink(x *node.SubLink) {
	if x.SubLinkType == node.ArraySublink {
		d.put("ARRAY(")
	} else {
		d.put("(")
	}
	op := ""
	switch t := x.Testexpr.(type) {
	case *node.OpExpr:
		op = d.opName(t.Opno)
		d.full(t.Args[0])
	case *node.BoolExpr:
		d.put("(")
		for i, a := range t.Args {
			o, ok := a.(*node.OpExpr)
			if !ok {
				continue
			}
			if i > 0 {
				d.put(", ")
			}
			d.full(o.Args[0])
			if op == "" {
				op = d.opName(o.Opno)
			}
		}
		d.put(")")
	case *node.RowCompareExpr:
		d.put("(")
		d.list(t.Largs)
		d.put(")")
		op = d.opName(t.Opnos[0])
	}
	paren := true
	switch x.SubLinkType {
	case node.ExistsSublink:
		d.put("EXISTS ")
	case node.AnySublink:
		if op == "=" {
			d.put(" IN ")
		} else {
			d.put(" ", op, " ANY ")
		}
	case node.AllSublink:
		d.put(" ", op, " ALL ")
	case node.RowCompareSublink:
		d.put(" ", op, " ")
	default:
		paren = false
	}
	if paren {
		d.put("(")
	}
	if q, ok := x.Subselect.(*node.Query); ok {
		d.query(q, nil, false)
	}
	if paren {
		d.put(")")
	}
	d.put(")")
}

func (d *deparser) inference(x *node.InferenceElem) {
	_, v := x.Expr.(*node.Var)
	f, fn := x.Expr.(*node.FuncExpr)
	need := !v && !(fn && f.Funcformat == node.CoerceExplicitCall)
	old := d.prefix
	d.prefix = false
	if need {
		d.put("(")
	}
	d.top(x.Expr)
	if need {
		d.put(")")
	}
	d.prefix = old
	if x.Infercollid != 0 {
		d.put(" COLLATE ", d.collation(x.Infercollid))
	}
}
