// Package node holds the tree of an analyzed statement in PostgreSQL 15's terms
// and field names, and its text form pg_node_tree, which the catalogs store.
//
// Trees are immutable once they leave analysis: whoever changes one copies first
// (Mutate does). Locations are byte offsets in the statement's text, -1 unknown.
//
// INV-NODE-1 (same text): Write yields the bytes that PostgreSQL 15 stores for
// the same tree, and Read accepts what it stored.
// Enforced: Write. Tested: TestStockTrees.
package node

// Location is a byte offset in the statement's text; -1 is unknown. Equal
// ignores it.
type Location int32

// Char is a one-byte code as the catalogs use it; 0 is unset.
type Char byte

// Visitor sees a child and returns what shall stand in its place.
type Visitor func(Node) Node

// Node is any node of the tree.
type Node interface {
	// Copy copies this node, sharing its children.
	Copy() Node
	// Children calls v for each child that is not nil and stores what it
	// returns if that differs. Lists are cloned before the first store.
	Children(v Visitor)
}

// List is a node that is a list of nodes.
type List []Node

// IntList is a node that is a list of integers.
type IntList []int

// String is a string that stands as a node.
type String string

// Integer is an integer that stands as a node.
type Integer int

// Copy clones the list.
func (l List) Copy() Node { return append(List(nil), l...) }

// Children visits the elements in place.
func (l List) Children(v Visitor) {
	for i, c := range l {
		if c == nil {
			continue
		}
		if r := v(c); !same(r, c) {
			l[i] = r
		}
	}
}

// Copy clones the list.
func (l IntList) Copy() Node { return append(IntList(nil), l...) }

// Children does nothing.
func (IntList) Children(Visitor) {}

// Copy returns s.
func (s String) Copy() Node { return s }

// Children does nothing.
func (String) Children(Visitor) {}

// Copy returns i.
func (i Integer) Copy() Node { return i }

// Children does nothing.
func (Integer) Children(Visitor) {}

// same tells whether two nodes are the same one; lists are compared by identity
// of their first element, since slices have no equality.
func same(a, b Node) bool {
	switch x := a.(type) {
	case List:
		y, ok := b.(List)
		return ok && len(x) == len(y) && (len(x) == 0 || &x[0] == &y[0])
	case IntList:
		y, ok := b.(IntList)
		return ok && len(x) == len(y) && (len(x) == 0 || &x[0] == &y[0])
	}
	switch b.(type) {
	case List, IntList:
		return false
	}
	return a == b
}

func visit(p *Node, v Visitor) {
	if *p == nil {
		return
	}
	if r := v(*p); !same(r, *p) {
		*p = r
	}
}

// nodePtr is a pointer type that is a node.
type nodePtr interface {
	comparable
	Node
}

func visitPtr[T nodePtr](p *T, v Visitor) {
	var none T
	if *p == none {
		return
	}
	if r := v(*p); r == nil {
		*p = none
	} else if t, ok := r.(T); ok && t != *p {
		*p = t
	}
}

// visitList visits a list. A visitor may replace an element by one of the same
// type only, unless the list is one of any nodes.
func visitList[T Node](p *[]T, v Visitor) {
	cloned := false
	for i, c := range *p {
		if Node(c) == nil {
			continue
		}
		r := v(c)
		if same(r, c) {
			continue
		}
		t, ok := r.(T)
		if !ok && r != nil {
			panic("node: a visitor changed the type of an element of a typed list")
		}
		if !cloned {
			*p, cloned = append([]T(nil), *p...), true
		}
		(*p)[i] = t
	}
}

func visitLists(p *[][]Node, v Visitor) {
	cloned := false
	for i, l := range *p {
		n := l
		visitList(&n, v)
		if len(n) > 0 && &n[0] != &l[0] {
			if !cloned {
				*p, cloned = append([][]Node(nil), *p...), true
			}
			(*p)[i] = n
		}
	}
}

// Walk calls f on n and, where f returns true, on its children, depth first. It
// enters subqueries (SubLink.Subselect, range table subqueries, WITH) too; f
// returns false at *Query to keep out.
func Walk(n Node, f func(Node) bool) {
	if n == nil || !f(n) {
		return
	}
	n.Children(func(c Node) Node {
		Walk(c, f)
		return c
	})
}

// Any tells whether f holds for n or something below it; subqueries included.
func Any(n Node, f func(Node) bool) bool {
	found := false
	Walk(n, func(c Node) bool {
		if !found && f(c) {
			found = true
		}
		return !found
	})
	return found
}

// Mutate rebuilds n. f decides at each node: it returns the
// replacement and true, or (nil, false) to have the node copied with mutated
// children.
func Mutate(n Node, f func(Node) (Node, bool)) Node {
	if n == nil {
		return nil
	}
	if r, ok := f(n); ok {
		return r
	}
	c := n.Copy()
	c.Children(func(k Node) Node { return Mutate(k, f) })
	return c
}

// WalkLevels is Walk that knows how many query levels below n it is: f gets 0
// for nodes of n's own level. It enters every subquery. n itself may be a
// *Query: it is then level 0.
func WalkLevels(n Node, f func(n Node, level int) bool) { walkLevels(n, 0, true, f) }

func walkLevels(n Node, level int, top bool, f func(Node, int) bool) {
	if n == nil {
		return
	}
	if _, ok := n.(*Query); ok && !top {
		level++
	}
	if !f(n, level) {
		return
	}
	n.Children(func(c Node) Node {
		walkLevels(c, level, false, f)
		return c
	})
}

// MutateLevels is Mutate with the query level, as WalkLevels counts it.
func MutateLevels(n Node, f func(n Node, level int) (Node, bool)) Node {
	return mutateLevels(n, 0, true, f)
}

func mutateLevels(n Node, level int, top bool, f func(Node, int) (Node, bool)) Node {
	if n == nil {
		return nil
	}
	if _, ok := n.(*Query); ok && !top {
		level++
	}
	if r, ok := f(n, level); ok {
		return r
	}
	c := n.Copy()
	c.Children(func(k Node) Node { return mutateLevels(k, level, false, f) })
	return c
}

// IncrementSublevelsUp returns n with delta added to the level of every Var,
// Aggref, GroupingFunc, PlaceHolderVar and CTE reference that points at least
// min levels up from n. If n is a query, min counts from inside of it.
func IncrementSublevelsUp(n Node, delta, min int) Node {
	return MutateLevels(n, func(k Node, level int) (Node, bool) {
		at := min + level
		bump := func(up *int) {
			if *up >= at {
				*up += delta
			}
		}
		switch x := k.(type) {
		case *Var:
			c := *x
			bump(&c.Varlevelsup)
			return &c, true
		case *Aggref, *GroupingFunc, *PlaceHolderVar, *RangeTblEntry:
			c := k.Copy()
			switch y := c.(type) {
			case *Aggref:
				bump(&y.Agglevelsup)
			case *GroupingFunc:
				bump(&y.Agglevelsup)
			case *PlaceHolderVar:
				bump(&y.Phlevelsup)
			case *RangeTblEntry:
				if y.Rtekind == RTECTE {
					bump(&y.Ctelevelsup)
				}
			}
			_ = x
			c.Children(func(g Node) Node {
				lv := level
				if _, ok := g.(*Query); ok {
					lv++
				}
				return IncrementSublevelsUp(g, delta, min+lv)
			})
			return c, true
		}
		return nil, false
	})
}
