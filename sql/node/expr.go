package node

import (
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
)

// Var is a column of a range table entry. Varlevelsup counts query levels outward.
type Var struct {
	Varno       int      `n:"varno"`
	Varattno    int      `n:"varattno"`
	Vartype     oid.OID  `n:"vartype"`
	Vartypmod   int32    `n:"vartypmod"`
	Varcollid   oid.OID  `n:"varcollid"`
	Varlevelsup int      `n:"varlevelsup"`
	Varnosyn    int      `n:"varnosyn"`
	Varattnosyn int      `n:"varattnosyn"`
	Location    Location `n:"location"`
}

// Const is a constant.
type Const struct {
	Consttype   oid.OID     `n:"consttype"`
	Consttypmod int32       `n:"consttypmod"`
	Constcollid oid.OID     `n:"constcollid"`
	Constlen    int         `n:"constlen"`
	Constbyval  bool        `n:"constbyval"`
	Constisnull bool        `n:"constisnull"`
	Location    Location    `n:"location"`
	Constvalue  datum.Datum `n:"constvalue"`
}

// Param is a parameter.
type Param struct {
	Paramkind   ParamKind `n:"paramkind"`
	Paramid     int       `n:"paramid"`
	Paramtype   oid.OID   `n:"paramtype"`
	Paramtypmod int32     `n:"paramtypmod"`
	Paramcollid oid.OID   `n:"paramcollid"`
	Location    Location  `n:"location"`
}

// Aggref is an aggregate call.
type Aggref struct {
	Aggfnoid      oid.OID            `n:"aggfnoid"`
	Aggtype       oid.OID            `n:"aggtype"`
	Aggcollid     oid.OID            `n:"aggcollid"`
	Inputcollid   oid.OID            `n:"inputcollid"`
	Aggtranstype  oid.OID            `n:"aggtranstype"`
	Aggargtypes   []oid.OID          `n:"aggargtypes"`
	Aggdirectargs []Node             `n:"aggdirectargs"`
	Args          []*TargetEntry     `n:"args"`
	Aggorder      []*SortGroupClause `n:"aggorder"`
	Aggdistinct   []*SortGroupClause `n:"aggdistinct"`
	Aggfilter     Node               `n:"aggfilter"`
	Aggstar       bool               `n:"aggstar"`
	Aggvariadic   bool               `n:"aggvariadic"`
	Aggkind       Char               `n:"aggkind"`
	Agglevelsup   int                `n:"agglevelsup"`
	Aggsplit      AggSplit           `n:"aggsplit"`
	Aggno         int                `n:"aggno"`
	Aggtransno    int                `n:"aggtransno"`
	Location      Location           `n:"location"`
}

// GroupingFunc is GROUPING(…).
type GroupingFunc struct {
	Args        []Node   `n:"args"`
	Refs        []int    `n:"refs"`
	Cols        []int    `n:"cols"`
	Agglevelsup int      `n:"agglevelsup"`
	Location    Location `n:"location"`
}

// WindowFunc is a window function call.
type WindowFunc struct {
	Winfnoid    oid.OID  `n:"winfnoid"`
	Wintype     oid.OID  `n:"wintype"`
	Wincollid   oid.OID  `n:"wincollid"`
	Inputcollid oid.OID  `n:"inputcollid"`
	Args        []Node   `n:"args"`
	Aggfilter   Node     `n:"aggfilter"`
	Winref      int      `n:"winref"`
	Winstar     bool     `n:"winstar"`
	Winagg      bool     `n:"winagg"`
	Location    Location `n:"location"`
}

// FuncExpr is a function call.
type FuncExpr struct {
	Funcid         oid.OID      `n:"funcid"`
	Funcresulttype oid.OID      `n:"funcresulttype"`
	Funcretset     bool         `n:"funcretset"`
	Funcvariadic   bool         `n:"funcvariadic"`
	Funcformat     CoercionForm `n:"funcformat"`
	Funccollid     oid.OID      `n:"funccollid"`
	Inputcollid    oid.OID      `n:"inputcollid"`
	Args           []Node       `n:"args"`
	Location       Location     `n:"location"`
}

// NamedArgExpr is a named argument in a call as written.
type NamedArgExpr struct {
	Arg       Node     `n:"arg"`
	Name      string   `n:"name"`
	Argnumber int      `n:"argnumber"`
	Location  Location `n:"location"`
}

// OpExpr is an operator call with one or two arguments.
type OpExpr struct {
	Opno         oid.OID  `n:"opno"`
	Opfuncid     oid.OID  `n:"opfuncid"`
	Opresulttype oid.OID  `n:"opresulttype"`
	Opretset     bool     `n:"opretset"`
	Opcollid     oid.OID  `n:"opcollid"`
	Inputcollid  oid.OID  `n:"inputcollid"`
	Args         []Node   `n:"args"`
	Location     Location `n:"location"`
}

// DistinctExpr is IS DISTINCT FROM: the fields are those of the = operator.
type DistinctExpr struct {
	Opno         oid.OID  `n:"opno"`
	Opfuncid     oid.OID  `n:"opfuncid"`
	Opresulttype oid.OID  `n:"opresulttype"`
	Opretset     bool     `n:"opretset"`
	Opcollid     oid.OID  `n:"opcollid"`
	Inputcollid  oid.OID  `n:"inputcollid"`
	Args         []Node   `n:"args"`
	Location     Location `n:"location"`
}

// NullIfExpr is NULLIF: the fields are those of the = operator.
type NullIfExpr struct {
	Opno         oid.OID  `n:"opno"`
	Opfuncid     oid.OID  `n:"opfuncid"`
	Opresulttype oid.OID  `n:"opresulttype"`
	Opretset     bool     `n:"opretset"`
	Opcollid     oid.OID  `n:"opcollid"`
	Inputcollid  oid.OID  `n:"inputcollid"`
	Args         []Node   `n:"args"`
	Location     Location `n:"location"`
}

// ScalarArrayOpExpr is scalar op ANY/ALL (array).
type ScalarArrayOpExpr struct {
	Opno        oid.OID  `n:"opno"`
	Opfuncid    oid.OID  `n:"opfuncid"`
	Hashfuncid  oid.OID  `n:"hashfuncid"`
	Negfuncid   oid.OID  `n:"negfuncid"`
	UseOr       bool     `n:"useOr"`
	Inputcollid oid.OID  `n:"inputcollid"`
	Args        []Node   `n:"args"`
	Location    Location `n:"location"`
}

// BoolExpr is AND, OR or NOT.
type BoolExpr struct {
	Boolop   BoolExprType `n:"boolop"`
	Args     []Node       `n:"args"`
	Location Location     `n:"location"`
}

// SubLink is a subquery in an expression.
type SubLink struct {
	SubLinkType SubLinkType `n:"subLinkType"`
	SubLinkId   int         `n:"subLinkId"`
	Testexpr    Node        `n:"testexpr"`
	OperName    []string    `n:"operName"`
	Subselect   Node        `n:"subselect"`
	Location    Location    `n:"location"`
	ArrayType   oid.OID     `n:"-"`
}

// SubPlan is a planned subquery in an expression.
type SubPlan struct {
	SubLinkType       SubLinkType `n:"subLinkType"`
	Testexpr          Node        `n:"testexpr"`
	ParamIds          []int       `n:"paramIds"`
	PlanId            int         `n:"plan_id"`
	PlanName          string      `n:"plan_name"`
	FirstColType      oid.OID     `n:"firstColType"`
	FirstColTypmod    int32       `n:"firstColTypmod"`
	FirstColCollation oid.OID     `n:"firstColCollation"`
	UseHashTable      bool        `n:"useHashTable"`
	UnknownEqFalse    bool        `n:"unknownEqFalse"`
	ParallelSafe      bool        `n:"parallel_safe"`
	SetParam          []int       `n:"setParam"`
	ParParam          []int       `n:"parParam"`
	Args              []Node      `n:"args"`
	StartupCost       float64     `n:"startup_cost"`
	PerCallCost       float64     `n:"per_call_cost"`
	ArrayType         oid.OID     `n:"-"`
}

// AlternativeSubPlan holds plans for one subquery to choose from.
type AlternativeSubPlan struct {
	Subplans []Node `n:"subplans"`
}

// SubscriptingRef is a subscripted fetch or assignment.
type SubscriptingRef struct {
	Refcontainertype oid.OID `n:"refcontainertype"`
	Refelemtype      oid.OID `n:"refelemtype"`
	Refrestype       oid.OID `n:"refrestype"`
	Reftypmod        int32   `n:"reftypmod"`
	Refcollid        oid.OID `n:"refcollid"`
	Refupperindexpr  []Node  `n:"refupperindexpr"`
	Reflowerindexpr  []Node  `n:"reflowerindexpr"`
	Refexpr          Node    `n:"refexpr"`
	Refassgnexpr     Node    `n:"refassgnexpr"`
}

// FieldSelect takes one field of a composite value.
type FieldSelect struct {
	Arg          Node    `n:"arg"`
	Fieldnum     int     `n:"fieldnum"`
	Resulttype   oid.OID `n:"resulttype"`
	Resulttypmod int32   `n:"resulttypmod"`
	Resultcollid oid.OID `n:"resultcollid"`
}

// FieldStore replaces fields of a composite value.
type FieldStore struct {
	Arg        Node    `n:"arg"`
	Newvals    []Node  `n:"newvals"`
	Fieldnums  []int   `n:"fieldnums"`
	Resulttype oid.OID `n:"resulttype"`
}

// RelabelType is a no-op cast between binary-coercible types.
type RelabelType struct {
	Arg           Node         `n:"arg"`
	Resulttype    oid.OID      `n:"resulttype"`
	Resulttypmod  int32        `n:"resulttypmod"`
	Resultcollid  oid.OID      `n:"resultcollid"`
	Relabelformat CoercionForm `n:"relabelformat"`
	Location      Location     `n:"location"`
}

// CoerceViaIO casts through the text form.
type CoerceViaIO struct {
	Arg          Node         `n:"arg"`
	Resulttype   oid.OID      `n:"resulttype"`
	Resultcollid oid.OID      `n:"resultcollid"`
	Coerceformat CoercionForm `n:"coerceformat"`
	Location     Location     `n:"location"`
}

// ArrayCoerceExpr casts an array element by element: Elemexpr over a CaseTestExpr.
type ArrayCoerceExpr struct {
	Arg          Node         `n:"arg"`
	Elemexpr     Node         `n:"elemexpr"`
	Resulttype   oid.OID      `n:"resulttype"`
	Resulttypmod int32        `n:"resulttypmod"`
	Resultcollid oid.OID      `n:"resultcollid"`
	Coerceformat CoercionForm `n:"coerceformat"`
	Location     Location     `n:"location"`
}

// ConvertRowtypeExpr converts a row of a child table to its parent's type.
type ConvertRowtypeExpr struct {
	Arg           Node         `n:"arg"`
	Resulttype    oid.OID      `n:"resulttype"`
	Convertformat CoercionForm `n:"convertformat"`
	Location      Location     `n:"location"`
}

// CollateExpr is COLLATE.
type CollateExpr struct {
	Arg      Node     `n:"arg"`
	CollOid  oid.OID  `n:"collOid"`
	Location Location `n:"location"`
}

// CaseExpr is CASE; Arg is the test value of CASE x WHEN or nil.
type CaseExpr struct {
	Casetype   oid.OID     `n:"casetype"`
	Casecollid oid.OID     `n:"casecollid"`
	Arg        Node        `n:"arg"`
	Args       []*CaseWhen `n:"args"`
	Defresult  Node        `n:"defresult"`
	Location   Location    `n:"location"`
}

// CaseWhen is one WHEN of CASE.
type CaseWhen struct {
	Expr     Node     `n:"expr"`
	Result   Node     `n:"result"`
	Location Location `n:"location"`
}

// CaseTestExpr stands for the test value of CASE, or an array element.
type CaseTestExpr struct {
	TypeId    oid.OID `n:"typeId"`
	TypeMod   int32   `n:"typeMod"`
	Collation oid.OID `n:"collation"`
}

// ArrayExpr is ARRAY[…].
type ArrayExpr struct {
	ArrayTypeid   oid.OID  `n:"array_typeid"`
	ArrayCollid   oid.OID  `n:"array_collid"`
	ElementTypeid oid.OID  `n:"element_typeid"`
	Elements      []Node   `n:"elements"`
	Multidims     bool     `n:"multidims"`
	Location      Location `n:"location"`
}

// RowExpr is ROW(…).
type RowExpr struct {
	Args      []Node       `n:"args"`
	RowTypeid oid.OID      `n:"row_typeid"`
	RowFormat CoercionForm `n:"row_format"`
	Colnames  []string     `n:"colnames"`
	Location  Location     `n:"location"`
}

// RowCompareExpr is (a, b) < (c, d).
type RowCompareExpr struct {
	Rctype       RowCompareType `n:"rctype"`
	Opnos        []oid.OID      `n:"opnos"`
	Opfamilies   []oid.OID      `n:"opfamilies"`
	Inputcollids []oid.OID      `n:"inputcollids"`
	Largs        []Node         `n:"largs"`
	Rargs        []Node         `n:"rargs"`
}

// CoalesceExpr is COALESCE.
type CoalesceExpr struct {
	Coalescetype   oid.OID  `n:"coalescetype"`
	Coalescecollid oid.OID  `n:"coalescecollid"`
	Args           []Node   `n:"args"`
	Location       Location `n:"location"`
}

// MinMaxExpr is GREATEST or LEAST.
type MinMaxExpr struct {
	Minmaxtype   oid.OID  `n:"minmaxtype"`
	Minmaxcollid oid.OID  `n:"minmaxcollid"`
	Inputcollid  oid.OID  `n:"inputcollid"`
	Op           MinMaxOp `n:"op"`
	Args         []Node   `n:"args"`
	Location     Location `n:"location"`
}

// SQLValueFunction is CURRENT_DATE and its kin.
type SQLValueFunction struct {
	Op       SQLValueFunctionOp `n:"op"`
	Type     oid.OID            `n:"type"`
	Typmod   int32              `n:"typmod"`
	Location Location           `n:"location"`
}

// XmlExpr is one of the XML constructs.
type XmlExpr struct {
	Op        int      `n:"op"`
	Name      string   `n:"name"`
	NamedArgs []Node   `n:"named_args"`
	ArgNames  []string `n:"arg_names"`
	Args      []Node   `n:"args"`
	Xmloption int      `n:"xmloption"`
	Type      oid.OID  `n:"type"`
	Typmod    int32    `n:"typmod"`
	Location  Location `n:"location"`
}

// NullTest is IS [NOT] NULL.
type NullTest struct {
	Arg          Node         `n:"arg"`
	Nulltesttype NullTestType `n:"nulltesttype"`
	Argisrow     bool         `n:"argisrow"`
	Location     Location     `n:"location"`
}

// BooleanTest is IS [NOT] TRUE, FALSE, UNKNOWN.
type BooleanTest struct {
	Arg          Node         `n:"arg"`
	Booltesttype BoolTestType `n:"booltesttype"`
	Location     Location     `n:"location"`
}

// CoerceToDomain casts to a domain, checking its constraints.
type CoerceToDomain struct {
	Arg            Node         `n:"arg"`
	Resulttype     oid.OID      `n:"resulttype"`
	Resulttypmod   int32        `n:"resulttypmod"`
	Resultcollid   oid.OID      `n:"resultcollid"`
	Coercionformat CoercionForm `n:"coercionformat"`
	Location       Location     `n:"location"`
}

// CoerceToDomainValue is VALUE in a domain's check.
type CoerceToDomainValue struct {
	TypeId    oid.OID  `n:"typeId"`
	TypeMod   int32    `n:"typeMod"`
	Collation oid.OID  `n:"collation"`
	Location  Location `n:"location"`
}

// SetToDefault is DEFAULT in INSERT or UPDATE.
type SetToDefault struct {
	TypeId    oid.OID  `n:"typeId"`
	TypeMod   int32    `n:"typeMod"`
	Collation oid.OID  `n:"collation"`
	Location  Location `n:"location"`
}

// CurrentOfExpr is WHERE CURRENT OF.
type CurrentOfExpr struct {
	Cvarno      int    `n:"cvarno"`
	CursorName  string `n:"cursor_name"`
	CursorParam int    `n:"cursor_param"`
}

// NextValueExpr takes the next value of an identity column's sequence.
type NextValueExpr struct {
	Seqid  oid.OID `n:"seqid"`
	TypeId oid.OID `n:"typeId"`
}

// PlaceHolderVar is the planner's marker for an expression that an outer join may null.
type PlaceHolderVar struct {
	Phexpr     Node      `n:"phexpr"`
	Phrels     Bitmapset `n:"phrels"`
	Phid       int       `n:"phid"`
	Phlevelsup int       `n:"phlevelsup"`
}
