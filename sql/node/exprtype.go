package node

import "github.com/pgmini/pgmini/oid"

// ExprType is the result type of an expression (PostgreSQL: exprType). It is
// Invalid for a node that is no expression.
func ExprType(n Node) oid.OID {
	switch e := n.(type) {
	case *Var:
		return e.Vartype
	case *Const:
		return e.Consttype
	case *Param:
		return e.Paramtype
	case *Aggref:
		return e.Aggtype
	case *GroupingFunc:
		return oid.Int4
	case *WindowFunc:
		return e.Wintype
	case *SubscriptingRef:
		return e.Refrestype
	case *FuncExpr:
		return e.Funcresulttype
	case *NamedArgExpr:
		return ExprType(e.Arg)
	case *OpExpr:
		return e.Opresulttype
	case *DistinctExpr:
		return e.Opresulttype
	case *NullIfExpr:
		return e.Opresulttype
	case *ScalarArrayOpExpr, *BoolExpr, *RowCompareExpr, *NullTest, *BooleanTest, *CurrentOfExpr:
		return oid.Bool
	case *SubLink:
		return subLinkType(e)
	case *SubPlan:
		return subPlanType(e)
	case *AlternativeSubPlan:
		return ExprType(e.Subplans[0])
	case *FieldSelect:
		return e.Resulttype
	case *FieldStore:
		return e.Resulttype
	case *RelabelType:
		return e.Resulttype
	case *CoerceViaIO:
		return e.Resulttype
	case *ArrayCoerceExpr:
		return e.Resulttype
	case *ConvertRowtypeExpr:
		return e.Resulttype
	case *CollateExpr:
		return ExprType(e.Arg)
	case *CaseExpr:
		return e.Casetype
	case *CaseTestExpr:
		return e.TypeId
	case *ArrayExpr:
		return e.ArrayTypeid
	case *RowExpr:
		return e.RowTypeid
	case *CoalesceExpr:
		return e.Coalescetype
	case *MinMaxExpr:
		return e.Minmaxtype
	case *SQLValueFunction:
		return e.Type
	case *XmlExpr:
		return e.Type
	case *CoerceToDomain:
		return e.Resulttype
	case *CoerceToDomainValue:
		return e.TypeId
	case *SetToDefault:
		return e.TypeId
	case *NextValueExpr:
		return e.TypeId
	case *InferenceElem:
		return ExprType(e.Expr)
	case *PlaceHolderVar:
		return ExprType(e.Phexpr)
	}
	return oid.Invalid
}

func subLinkType(e *SubLink) oid.OID {
	switch e.SubLinkType {
	case ArraySublink:
		return e.ArrayType
	case ExprSublink, MultiexprSublink:
		if q, ok := e.Subselect.(*Query); ok && len(q.TargetList) > 0 && e.SubLinkType == ExprSublink {
			return ExprType(q.TargetList[0].Expr)
		}
		return oid.Record
	}
	return oid.Bool
}

func subPlanType(e *SubPlan) oid.OID {
	switch e.SubLinkType {
	case ArraySublink:
		return e.ArrayType
	case ExprSublink:
		return e.FirstColType
	case MultiexprSublink:
		return oid.Record
	}
	return oid.Bool
}
