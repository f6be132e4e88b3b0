package ruleutils

import (
	"strings"

	"github.com/pgmini/pgmini/sql/node"
)

// simple tells whether n may stand in parent without parentheses of its own.
func (d *deparser) simple(n, parent node.Node) bool {
	switch x := n.(type) {
	case *node.FieldSelect:
		_, same := parent.(*node.FieldSelect)
		return !same
	case *node.FieldStore:
		_, same := parent.(*node.FieldStore)
		return !same
	case *node.CoerceToDomain:
		return d.simple(x.Arg, n)
	case *node.RelabelType:
		return d.simple(x.Arg, n)
	case *node.CoerceViaIO:
		return d.simple(x.Arg, n)
	case *node.ArrayCoerceExpr:
		return d.simple(x.Arg, n)
	case *node.ConvertRowtypeExpr:
		return d.simple(x.Arg, n)
	case *node.OpExpr:
		if p, ok := parent.(*node.OpExpr); ok && d.Pretty {
			return d.binds(x, p)
		}
		return enclosed(parent, true)
	case *node.SubLink, *node.NullTest, *node.BooleanTest, *node.DistinctExpr:
		return enclosed(parent, true)
	case *node.BoolExpr:
		if p, ok := parent.(*node.BoolExpr); ok {
			switch {
			case !d.Pretty || p.Boolop == node.NotExpr:
				return false
			case x.Boolop == node.OrExpr:
				return p.Boolop == node.OrExpr
			}
			return true
		}
		return enclosed(parent, false)
	case *node.Var, *node.Const, *node.Param, *node.CoerceToDomainValue, *node.SetToDefault, *node.CurrentOfExpr,
		*node.SubscriptingRef, *node.ArrayExpr, *node.RowExpr, *node.CoalesceExpr, *node.MinMaxExpr, *node.SQLValueFunction,
		*node.NextValueExpr, *node.NullIfExpr, *node.Aggref, *node.GroupingFunc, *node.WindowFunc, *node.FuncExpr, *node.CaseExpr:
		return true
	}
	return false
}

// enclosed tells whether parent separates its operands by itself.
func enclosed(parent node.Node, boolean bool) bool {
	switch p := parent.(type) {
	case *node.FuncExpr:
		return p.Funcformat == node.CoerceExplicitCall
	case *node.BoolExpr:
		return boolean
	case *node.SubscriptingRef, *node.ArrayExpr, *node.RowExpr, *node.CoalesceExpr, *node.MinMaxExpr, *node.NullIfExpr,
		*node.Aggref, *node.GroupingFunc, *node.WindowFunc, *node.CaseExpr:
		return true
	}
	return false
}

// binds tells whether arithmetic operator x binds tighter than p around it.
func (d *deparser) binds(x, p *node.OpExpr) bool {
	level := func(o *node.OpExpr) int {
		if len(o.Args) != 2 {
			return 0
		}
		name := d.opName(o.Opno)
		switch {
		case len(name) != 1:
			return 0
		case strings.Contains("+-", name):
			return 1
		case strings.Contains("*/%", name):
			return 2
		}
		return 0
	}
	a, b := level(x), level(p)
	switch {
	case a == 0 || b == 0:
		return false
	case a != b:
		return a > b
	}
	return p.Args[0] == node.Node(x)
}
