package plan

import (
	"slices"

	"github.com/pgmini/pgmini/sql/node"
)

func andList(e node.Node) []node.Node {
	if e == nil {
		return nil
	}
	if b, ok := e.(*node.BoolExpr); ok && b.Boolop == node.AndExpr {
		var out []node.Node
		for _, a := range b.Args {
			out = append(out, andList(a)...)
		}
		return out
	}
	if c, ok := isConst(e); ok && !c.Constisnull && c.Constvalue.Bool() {
		return nil
	}
	return []node.Node{e}
}

func (r *root) canonicalQuals(n node.Node) node.Node {
	return mapJoinTree(n, func(e node.Node) node.Node {
		if e == nil {
			return nil
		}
		return factorOr(e)
	})
}

func factorOr(e node.Node) node.Node {
	b, ok := e.(*node.BoolExpr)
	if !ok {
		return e
	}
	c := *b
	c.Args = nil
	for _, a := range b.Args {
		c.Args = append(c.Args, factorOr(a))
	}
	if b.Boolop != node.OrExpr {
		return &c
	}
	var common []node.Node
	for _, f := range andList(c.Args[0]) {
		every := true
		for _, a := range c.Args[1:] {
			every = every && slices.ContainsFunc(andList(a), func(g node.Node) bool { return node.Equal(f, g) })
		}
		if every {
			common = append(common, f)
		}
	}
	if len(common) == 0 {
		return &c
	}
	rest := &node.BoolExpr{Boolop: node.OrExpr, Location: -1}
	for _, a := range c.Args {
		var left []node.Node
		for _, f := range andList(a) {
			if !slices.ContainsFunc(common, func(g node.Node) bool { return node.Equal(f, g) }) {
				left = append(left, f)
			}
		}
		if len(left) == 0 {
			return makeAnd(common)
		}
		rest.Args = append(rest.Args, makeAnd(left))
	}
	return makeAnd(append(common, rest))
}

func makeAnd(list []node.Node) node.Node {
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	}
	return &node.BoolExpr{Boolop: node.AndExpr, Args: list, Location: -1}
}
