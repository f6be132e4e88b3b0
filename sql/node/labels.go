package node

import "reflect"

// labels maps the label of a node in pg_node_tree text to its type.
//
// constant
var labels = map[string]reflect.Type{
	"QUERY":               reflect.TypeFor[Query](),
	"ALIAS":               reflect.TypeFor[Alias](),
	"RANGETBLENTRY":       reflect.TypeFor[RangeTblEntry](),
	"RANGETBLFUNCTION":    reflect.TypeFor[RangeTblFunction](),
	"TABLEFUNC":           reflect.TypeFor[TableFunc](),
	"TABLESAMPLECLAUSE":   reflect.TypeFor[TableSampleClause](),
	"RANGETBLREF":         reflect.TypeFor[RangeTblRef](),
	"JOINEXPR":            reflect.TypeFor[JoinExpr](),
	"FROMEXPR":            reflect.TypeFor[FromExpr](),
	"TARGETENTRY":         reflect.TypeFor[TargetEntry](),
	"SORTGROUPCLAUSE":     reflect.TypeFor[SortGroupClause](),
	"GROUPINGSET":         reflect.TypeFor[GroupingSet](),
	"WINDOWCLAUSE":        reflect.TypeFor[WindowClause](),
	"ROWMARKCLAUSE":       reflect.TypeFor[RowMarkClause](),
	"COMMONTABLEEXPR":     reflect.TypeFor[CommonTableExpr](),
	"CTESEARCHCLAUSE":     reflect.TypeFor[CTESearchClause](),
	"CTECYCLECLAUSE":      reflect.TypeFor[CTECycleClause](),
	"SETOPERATIONSTMT":    reflect.TypeFor[SetOperationStmt](),
	"ONCONFLICTEXPR":      reflect.TypeFor[OnConflictExpr](),
	"INFERENCEELEM":       reflect.TypeFor[InferenceElem](),
	"MERGEACTION":         reflect.TypeFor[MergeAction](),
	"WITHCHECKOPTION":     reflect.TypeFor[WithCheckOption](),
	"PARTITIONBOUNDSPEC":  reflect.TypeFor[PartitionBoundSpec](),
	"PARTITIONRANGEDATUM": reflect.TypeFor[PartitionRangeDatum](),
	"NOTIFYSTMT":          reflect.TypeFor[NotifyStmt](),
	"VAR":                 reflect.TypeFor[Var](),
	"CONST":               reflect.TypeFor[Const](),
	"PARAM":               reflect.TypeFor[Param](),
	"AGGREF":              reflect.TypeFor[Aggref](),
	"GROUPINGFUNC":        reflect.TypeFor[GroupingFunc](),
	"WINDOWFUNC":          reflect.TypeFor[WindowFunc](),
	"FUNCEXPR":            reflect.TypeFor[FuncExpr](),
	"NAMEDARGEXPR":        reflect.TypeFor[NamedArgExpr](),
	"OPEXPR":              reflect.TypeFor[OpExpr](),
	"DISTINCTEXPR":        reflect.TypeFor[DistinctExpr](),
	"NULLIFEXPR":          reflect.TypeFor[NullIfExpr](),
	"SCALARARRAYOPEXPR":   reflect.TypeFor[ScalarArrayOpExpr](),
	"BOOLEXPR":            reflect.TypeFor[BoolExpr](),
	"SUBLINK":             reflect.TypeFor[SubLink](),
	"SUBPLAN":             reflect.TypeFor[SubPlan](),
	"ALTERNATIVESUBPLAN":  reflect.TypeFor[AlternativeSubPlan](),
	"SUBSCRIPTINGREF":     reflect.TypeFor[SubscriptingRef](),
	"FIELDSELECT":         reflect.TypeFor[FieldSelect](),
	"FIELDSTORE":          reflect.TypeFor[FieldStore](),
	"RELABELTYPE":         reflect.TypeFor[RelabelType](),
	"COERCEVIAIO":         reflect.TypeFor[CoerceViaIO](),
	"ARRAYCOERCEEXPR":     reflect.TypeFor[ArrayCoerceExpr](),
	"CONVERTROWTYPEEXPR":  reflect.TypeFor[ConvertRowtypeExpr](),
	"COLLATEEXPR":         reflect.TypeFor[CollateExpr](),
	"CASEEXPR":            reflect.TypeFor[CaseExpr](),
	"CASEWHEN":            reflect.TypeFor[CaseWhen](),
	"CASETESTEXPR":        reflect.TypeFor[CaseTestExpr](),
	"ARRAYEXPR":           reflect.TypeFor[ArrayExpr](),
	"ROWEXPR":             reflect.TypeFor[RowExpr](),
	"ROWCOMPAREEXPR":      reflect.TypeFor[RowCompareExpr](),
	"COALESCEEXPR":        reflect.TypeFor[CoalesceExpr](),
	"MINMAXEXPR":          reflect.TypeFor[MinMaxExpr](),
	"SQLVALUEFUNCTION":    reflect.TypeFor[SQLValueFunction](),
	"XMLEXPR":             reflect.TypeFor[XmlExpr](),
	"NULLTEST":            reflect.TypeFor[NullTest](),
	"BOOLEANTEST":         reflect.TypeFor[BooleanTest](),
	"COERCETODOMAIN":      reflect.TypeFor[CoerceToDomain](),
	"COERCETODOMAINVALUE": reflect.TypeFor[CoerceToDomainValue](),
	"SETTODEFAULT":        reflect.TypeFor[SetToDefault](),
	"CURRENTOFEXPR":       reflect.TypeFor[CurrentOfExpr](),
	"NEXTVALUEEXPR":       reflect.TypeFor[NextValueExpr](),
	"PLACEHOLDERVAR":      reflect.TypeFor[PlaceHolderVar](),
}

// labelOf is the inverse of labels.
//
// constant
var labelOf = func() map[reflect.Type]string {
	m := make(map[reflect.Type]string, len(labels))
	for l, t := range labels {
		m[t] = l
	}
	return m
}()
