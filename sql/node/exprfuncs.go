package node

import "github.com/pgmini/pgmini/oid"

// ExprTypmod is the type modifier of an expression; -1 is none.
func ExprTypmod(n Node) int32 {
	switch e := n.(type) {
	case *Var:
		return e.Vartypmod
	case *Const:
		return e.Consttypmod
	case *Param:
		return e.Paramtypmod
	case *SubscriptingRef:
		return e.Reftypmod
	case *NamedArgExpr:
		return ExprTypmod(e.Arg)
	case *SubLink:
		return subLinkTypmod(e)
	case *SubPlan:
		return e.FirstColTypmod
	case *FieldSelect:
		return e.Resulttypmod
	case *RelabelType:
		return e.Resulttypmod
	case *ArrayCoerceExpr:
		return e.Resulttypmod
	case *CollateExpr:
		return ExprTypmod(e.Arg)
	case *CaseExpr:
		items := make([]Node, 0, len(e.Args)+1)
		for _, w := range e.Args {
			items = append(items, w.Result)
		}
		if e.Defresult == nil {
			return -1
		}
		return commonTypmod(e.Casetype, append(items, e.Defresult))
	case *CaseTestExpr:
		return e.TypeMod
	case *ArrayExpr:
		return arrayTypmod(e)
	case *CoalesceExpr:
		return commonTypmod(e.Coalescetype, e.Args)
	case *MinMaxExpr:
		return commonTypmod(e.Minmaxtype, e.Args)
	case *NullIfExpr:
		return ExprTypmod(e.Args[0])
	case *SQLValueFunction:
		return e.Typmod
	case *CoerceToDomain:
		return e.Resulttypmod
	case *CoerceToDomainValue:
		return e.TypeMod
	case *SetToDefault:
		return e.TypeMod
	case *FuncExpr:
		if t, ok := LengthCoercion(e); ok {
			return t
		}
	case *PlaceHolderVar:
		return ExprTypmod(e.Phexpr)
	}
	return -1
}

// LengthCoercion tells whether n applies a type modifier, and which.
func LengthCoercion(n Node) (int32, bool) {
	switch e := n.(type) {
	case *FuncExpr:
		if e.Funcformat != CoerceExplicitCast && e.Funcformat != CoerceImplicitCast || len(e.Args) < 2 || len(e.Args) > 3 {
			return -1, false
		}
		if c, ok := e.Args[1].(*Const); ok && c.Consttype == oid.Int4 && !c.Constisnull {
			return int32(c.Constvalue.Int), true
		}
	case *ArrayCoerceExpr:
		if e.Resulttypmod >= 0 {
			return e.Resulttypmod, true
		}
	}
	return -1, false
}

func subLinkTypmod(e *SubLink) int32 {
	if e.SubLinkType != ExprSublink && e.SubLinkType != ArraySublink {
		return -1
	}
	if q, ok := e.Subselect.(*Query); ok && len(q.TargetList) > 0 {
		return ExprTypmod(q.TargetList[0].Expr)
	}
	return -1
}

// commonTypmod is the modifier that all of items share, if they are of type t.
func commonTypmod(t oid.OID, items []Node) int32 {
	mod := int32(-1)
	for i, n := range items {
		if ExprType(n) != t {
			return -1
		}
		m := ExprTypmod(n)
		if m < 0 || i > 0 && m != mod {
			return -1
		}
		mod = m
	}
	return mod
}

func arrayTypmod(e *ArrayExpr) int32 {
	t := e.ElementTypeid
	if e.Multidims {
		t = e.ArrayTypeid
	}
	return commonTypmod(t, e.Elements)
}

// ExprCollation is the collation of an expression's result.
func ExprCollation(n Node) oid.OID {
	if p := collationField(n); p != nil {
		return *p
	}
	switch e := n.(type) {
	case *NamedArgExpr:
		return ExprCollation(e.Arg)
	case *SubLink:
		if e.SubLinkType == ExprSublink || e.SubLinkType == ArraySublink {
			if q, ok := e.Subselect.(*Query); ok && len(q.TargetList) > 0 {
				return ExprCollation(q.TargetList[0].Expr)
			}
		}
	case *SubPlan:
		if e.SubLinkType == ExprSublink || e.SubLinkType == ArraySublink {
			return e.FirstColCollation
		}
	case *SQLValueFunction:
		if e.Type == oid.Name {
			return oid.CCollation
		}
	case *XmlExpr:
		if e.Op == 6 {
			return oid.DefaultCollation
		}
	case *PlaceHolderVar:
		return ExprCollation(e.Phexpr)
	}
	return oid.Invalid
}

// SetExprCollation stores the collation of an expression's result.
func SetExprCollation(n Node, c oid.OID) {
	if p := collationField(n); p != nil {
		*p = c
	}
}

func collationField(n Node) *oid.OID {
	switch e := n.(type) {
	case *Var:
		return &e.Varcollid
	case *Const:
		return &e.Constcollid
	case *Param:
		return &e.Paramcollid
	case *Aggref:
		return &e.Aggcollid
	case *WindowFunc:
		return &e.Wincollid
	case *SubscriptingRef:
		return &e.Refcollid
	case *FuncExpr:
		return &e.Funccollid
	case *OpExpr:
		return &e.Opcollid
	case *DistinctExpr:
		return &e.Opcollid
	case *NullIfExpr:
		return &e.Opcollid
	case *FieldSelect:
		return &e.Resultcollid
	case *RelabelType:
		return &e.Resultcollid
	case *CoerceViaIO:
		return &e.Resultcollid
	case *ArrayCoerceExpr:
		return &e.Resultcollid
	case *CollateExpr:
		return &e.CollOid
	case *CaseExpr:
		return &e.Casecollid
	case *CaseTestExpr:
		return &e.Collation
	case *ArrayExpr:
		return &e.ArrayCollid
	case *CoalesceExpr:
		return &e.Coalescecollid
	case *MinMaxExpr:
		return &e.Minmaxcollid
	case *CoerceToDomain:
		return &e.Resultcollid
	case *CoerceToDomainValue:
		return &e.Collation
	case *SetToDefault:
		return &e.Collation
	}
	return nil
}

// ExprLocation is the leftmost known location of an expression; -1 is unknown.
func ExprLocation(n Node) int {
	switch e := n.(type) {
	case nil:
		return -1
	case *Var:
		return int(e.Location)
	case *Const:
		return int(e.Location)
	case *Param:
		return int(e.Location)
	case *Aggref:
		return int(e.Location)
	case *GroupingFunc:
		return int(e.Location)
	case *WindowFunc:
		return int(e.Location)
	case *SubscriptingRef:
		return ExprLocation(e.Refexpr)
	case *FuncExpr:
		return leftmost(e.Location, listLocation(e.Args))
	case *NamedArgExpr:
		return leftmost(e.Location, ExprLocation(e.Arg))
	case *OpExpr:
		return leftmost(e.Location, listLocation(e.Args))
	case *DistinctExpr:
		return leftmost(e.Location, listLocation(e.Args))
	case *NullIfExpr:
		return leftmost(e.Location, listLocation(e.Args))
	case *ScalarArrayOpExpr:
		return leftmost(e.Location, listLocation(e.Args))
	case *BoolExpr:
		return leftmost(e.Location, listLocation(e.Args))
	case *SubLink:
		return leftmost(e.Location, ExprLocation(e.Testexpr))
	case *FieldSelect:
		return ExprLocation(e.Arg)
	case *RelabelType:
		return leftmost(e.Location, ExprLocation(e.Arg))
	case *CoerceViaIO:
		return leftmost(e.Location, ExprLocation(e.Arg))
	case *ArrayCoerceExpr:
		return leftmost(e.Location, ExprLocation(e.Arg))
	case *ConvertRowtypeExpr:
		return leftmost(e.Location, ExprLocation(e.Arg))
	case *CollateExpr:
		return ExprLocation(e.Arg)
	case *CaseExpr:
		return int(e.Location)
	case *CaseWhen:
		return int(e.Location)
	case *ArrayExpr:
		return int(e.Location)
	case *RowExpr:
		return int(e.Location)
	case *RowCompareExpr:
		return listLocation(e.Largs)
	case *CoalesceExpr:
		return int(e.Location)
	case *MinMaxExpr:
		return int(e.Location)
	case *SQLValueFunction:
		return int(e.Location)
	case *XmlExpr:
		return leftmost(e.Location, listLocation(e.Args))
	case *NullTest:
		return leftmost(e.Location, ExprLocation(e.Arg))
	case *BooleanTest:
		return leftmost(e.Location, ExprLocation(e.Arg))
	case *CoerceToDomain:
		return leftmost(e.Location, ExprLocation(e.Arg))
	case *SetToDefault:
		return int(e.Location)
	case *TargetEntry:
		return ExprLocation(e.Expr)
	case List:
		return listLocation(e)
	}
	return -1
}

func leftmost(l Location, m int) int {
	if int(l) < 0 || m >= 0 && m < int(l) {
		return m
	}
	return int(l)
}

// listLocation is the first known location in a list.
func listLocation(l []Node) int {
	for _, n := range l {
		if at := ExprLocation(n); at >= 0 {
			return at
		}
	}
	return -1
}
