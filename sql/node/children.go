package node

// Copy and Children of every node type; see Node.

func (x *Query) Copy() Node { c := *x; return &c }
func (x *Query) Children(v Visitor) {
	visit(&x.UtilityStmt, v)
	visitList(&x.CteList, v)
	visitList(&x.Rtable, v)
	visitPtr(&x.Jointree, v)
	visitList(&x.TargetList, v)
	visitPtr(&x.OnConflict, v)
	visitList(&x.ReturningList, v)
	visitList(&x.GroupClause, v)
	visitList(&x.GroupingSets, v)
	visit(&x.HavingQual, v)
	visitList(&x.WindowClause, v)
	visitList(&x.DistinctClause, v)
	visitList(&x.SortClause, v)
	visit(&x.LimitOffset, v)
	visit(&x.LimitCount, v)
	visitList(&x.RowMarks, v)
	visit(&x.SetOperations, v)
	visitList(&x.WithCheckOptions, v)
	visitList(&x.MergeActionList, v)
}
func (x *Alias) Copy() Node         { c := *x; return &c }
func (x *Alias) Children(Visitor)   {}
func (x *RangeTblEntry) Copy() Node { c := *x; return &c }
func (x *RangeTblEntry) Children(v Visitor) {
	visitPtr(&x.Alias, v)
	visitPtr(&x.Eref, v)
	visitPtr(&x.Tablesample, v)
	visitPtr(&x.Subquery, v)
	visitList(&x.Joinaliasvars, v)
	visitPtr(&x.JoinUsingAlias, v)
	visitList(&x.Functions, v)
	visitPtr(&x.Tablefunc, v)
	visitLists(&x.ValuesLists, v)
	visitList(&x.SecurityQuals, v)
}
func (x *RangeTblFunction) Copy() Node         { c := *x; return &c }
func (x *RangeTblFunction) Children(v Visitor) { visit(&x.Funcexpr, v) }
func (x *TableFunc) Copy() Node                { c := *x; return &c }
func (x *TableFunc) Children(v Visitor) {
	visitList(&x.NsUris, v)
	visit(&x.Docexpr, v)
	visit(&x.Rowexpr, v)
	visitList(&x.Colexprs, v)
	visitList(&x.Coldefexprs, v)
}
func (x *TableSampleClause) Copy() Node { c := *x; return &c }
func (x *TableSampleClause) Children(v Visitor) {
	visitList(&x.Args, v)
	visit(&x.Repeatable, v)
}
func (x *RangeTblRef) Copy() Node       { c := *x; return &c }
func (x *RangeTblRef) Children(Visitor) {}
func (x *JoinExpr) Copy() Node          { c := *x; return &c }
func (x *JoinExpr) Children(v Visitor) {
	visit(&x.Larg, v)
	visit(&x.Rarg, v)
	visitPtr(&x.JoinUsingAlias, v)
	visit(&x.Quals, v)
	visitPtr(&x.Alias, v)
}
func (x *FromExpr) Copy() Node { c := *x; return &c }
func (x *FromExpr) Children(v Visitor) {
	visitList(&x.Fromlist, v)
	visit(&x.Quals, v)
}
func (x *TargetEntry) Copy() Node           { c := *x; return &c }
func (x *TargetEntry) Children(v Visitor)   { visit(&x.Expr, v) }
func (x *SortGroupClause) Copy() Node       { c := *x; return &c }
func (x *SortGroupClause) Children(Visitor) {}
func (x *GroupingSet) Copy() Node           { c := *x; return &c }
func (x *GroupingSet) Children(v Visitor)   { visit(&x.Content, v) }
func (x *WindowClause) Copy() Node          { c := *x; return &c }
func (x *WindowClause) Children(v Visitor) {
	visitList(&x.PartitionClause, v)
	visitList(&x.OrderClause, v)
	visit(&x.StartOffset, v)
	visit(&x.EndOffset, v)
	visitList(&x.RunCondition, v)
}
func (x *RowMarkClause) Copy() Node       { c := *x; return &c }
func (x *RowMarkClause) Children(Visitor) {}
func (x *CommonTableExpr) Copy() Node     { c := *x; return &c }
func (x *CommonTableExpr) Children(v Visitor) {
	visit(&x.Ctequery, v)
	visitPtr(&x.SearchClause, v)
	visitPtr(&x.CycleClause, v)
}
func (x *CTESearchClause) Copy() Node       { c := *x; return &c }
func (x *CTESearchClause) Children(Visitor) {}
func (x *CTECycleClause) Copy() Node        { c := *x; return &c }
func (x *CTECycleClause) Children(v Visitor) {
	visit(&x.CycleMarkValue, v)
	visit(&x.CycleMarkDefault, v)
}
func (x *SetOperationStmt) Copy() Node { c := *x; return &c }
func (x *SetOperationStmt) Children(v Visitor) {
	visit(&x.Larg, v)
	visit(&x.Rarg, v)
	visitList(&x.GroupClauses, v)
}
func (x *OnConflictExpr) Copy() Node { c := *x; return &c }
func (x *OnConflictExpr) Children(v Visitor) {
	visitList(&x.ArbiterElems, v)
	visit(&x.ArbiterWhere, v)
	visitList(&x.OnConflictSet, v)
	visit(&x.OnConflictWhere, v)
	visitList(&x.ExclRelTlist, v)
}
func (x *InferenceElem) Copy() Node         { c := *x; return &c }
func (x *InferenceElem) Children(v Visitor) { visit(&x.Expr, v) }
func (x *MergeAction) Copy() Node           { c := *x; return &c }
func (x *MergeAction) Children(v Visitor) {
	visit(&x.Qual, v)
	visitList(&x.TargetList, v)
}
func (x *WithCheckOption) Copy() Node         { c := *x; return &c }
func (x *WithCheckOption) Children(v Visitor) { visit(&x.Qual, v) }
func (x *PartitionBoundSpec) Copy() Node      { c := *x; return &c }
func (x *PartitionBoundSpec) Children(v Visitor) {
	visitList(&x.Listdatums, v)
	visitList(&x.Lowerdatums, v)
	visitList(&x.Upperdatums, v)
}
func (x *PartitionRangeDatum) Copy() Node         { c := *x; return &c }
func (x *PartitionRangeDatum) Children(v Visitor) { visit(&x.Value, v) }
func (x *NotifyStmt) Copy() Node                  { c := *x; return &c }
func (x *NotifyStmt) Children(Visitor)            {}
func (x *Var) Copy() Node                         { c := *x; return &c }
func (x *Var) Children(Visitor)                   {}
func (x *Const) Copy() Node                       { c := *x; return &c }
func (x *Const) Children(Visitor)                 {}
func (x *Param) Copy() Node                       { c := *x; return &c }
func (x *Param) Children(Visitor)                 {}
func (x *Aggref) Copy() Node                      { c := *x; return &c }
func (x *Aggref) Children(v Visitor) {
	visitList(&x.Aggdirectargs, v)
	visitList(&x.Args, v)
	visitList(&x.Aggorder, v)
	visitList(&x.Aggdistinct, v)
	visit(&x.Aggfilter, v)
}
func (x *GroupingFunc) Copy() Node         { c := *x; return &c }
func (x *GroupingFunc) Children(v Visitor) { visitList(&x.Args, v) }
func (x *WindowFunc) Copy() Node           { c := *x; return &c }
func (x *WindowFunc) Children(v Visitor) {
	visitList(&x.Args, v)
	visit(&x.Aggfilter, v)
}
func (x *FuncExpr) Copy() Node                  { c := *x; return &c }
func (x *FuncExpr) Children(v Visitor)          { visitList(&x.Args, v) }
func (x *NamedArgExpr) Copy() Node              { c := *x; return &c }
func (x *NamedArgExpr) Children(v Visitor)      { visit(&x.Arg, v) }
func (x *OpExpr) Copy() Node                    { c := *x; return &c }
func (x *OpExpr) Children(v Visitor)            { visitList(&x.Args, v) }
func (x *DistinctExpr) Copy() Node              { c := *x; return &c }
func (x *DistinctExpr) Children(v Visitor)      { visitList(&x.Args, v) }
func (x *NullIfExpr) Copy() Node                { c := *x; return &c }
func (x *NullIfExpr) Children(v Visitor)        { visitList(&x.Args, v) }
func (x *ScalarArrayOpExpr) Copy() Node         { c := *x; return &c }
func (x *ScalarArrayOpExpr) Children(v Visitor) { visitList(&x.Args, v) }
func (x *BoolExpr) Copy() Node                  { c := *x; return &c }
func (x *BoolExpr) Children(v Visitor)          { visitList(&x.Args, v) }
func (x *SubLink) Copy() Node                   { c := *x; return &c }
func (x *SubLink) Children(v Visitor) {
	visit(&x.Testexpr, v)
	visit(&x.Subselect, v)
}
func (x *SubPlan) Copy() Node { c := *x; return &c }
func (x *SubPlan) Children(v Visitor) {
	visit(&x.Testexpr, v)
	visitList(&x.Args, v)
}
func (x *AlternativeSubPlan) Copy() Node         { c := *x; return &c }
func (x *AlternativeSubPlan) Children(v Visitor) { visitList(&x.Subplans, v) }
func (x *SubscriptingRef) Copy() Node            { c := *x; return &c }
func (x *SubscriptingRef) Children(v Visitor) {
	visitList(&x.Refupperindexpr, v)
	visitList(&x.Reflowerindexpr, v)
	visit(&x.Refexpr, v)
	visit(&x.Refassgnexpr, v)
}
func (x *FieldSelect) Copy() Node         { c := *x; return &c }
func (x *FieldSelect) Children(v Visitor) { visit(&x.Arg, v) }
func (x *FieldStore) Copy() Node          { c := *x; return &c }
func (x *FieldStore) Children(v Visitor) {
	visit(&x.Arg, v)
	visitList(&x.Newvals, v)
}
func (x *RelabelType) Copy() Node         { c := *x; return &c }
func (x *RelabelType) Children(v Visitor) { visit(&x.Arg, v) }
func (x *CoerceViaIO) Copy() Node         { c := *x; return &c }
func (x *CoerceViaIO) Children(v Visitor) { visit(&x.Arg, v) }
func (x *ArrayCoerceExpr) Copy() Node     { c := *x; return &c }
func (x *ArrayCoerceExpr) Children(v Visitor) {
	visit(&x.Arg, v)
	visit(&x.Elemexpr, v)
}
func (x *ConvertRowtypeExpr) Copy() Node         { c := *x; return &c }
func (x *ConvertRowtypeExpr) Children(v Visitor) { visit(&x.Arg, v) }
func (x *CollateExpr) Copy() Node                { c := *x; return &c }
func (x *CollateExpr) Children(v Visitor)        { visit(&x.Arg, v) }
func (x *CaseExpr) Copy() Node                   { c := *x; return &c }
func (x *CaseExpr) Children(v Visitor) {
	visit(&x.Arg, v)
	visitList(&x.Args, v)
	visit(&x.Defresult, v)
}
func (x *CaseWhen) Copy() Node { c := *x; return &c }
func (x *CaseWhen) Children(v Visitor) {
	visit(&x.Expr, v)
	visit(&x.Result, v)
}
func (x *CaseTestExpr) Copy() Node       { c := *x; return &c }
func (x *CaseTestExpr) Children(Visitor) {}
func (x *ArrayExpr) Copy() Node          { c := *x; return &c }
func (x *ArrayExpr) Children(v Visitor)  { visitList(&x.Elements, v) }
func (x *RowExpr) Copy() Node            { c := *x; return &c }
func (x *RowExpr) Children(v Visitor)    { visitList(&x.Args, v) }
func (x *RowCompareExpr) Copy() Node     { c := *x; return &c }
func (x *RowCompareExpr) Children(v Visitor) {
	visitList(&x.Largs, v)
	visitList(&x.Rargs, v)
}
func (x *CoalesceExpr) Copy() Node           { c := *x; return &c }
func (x *CoalesceExpr) Children(v Visitor)   { visitList(&x.Args, v) }
func (x *MinMaxExpr) Copy() Node             { c := *x; return &c }
func (x *MinMaxExpr) Children(v Visitor)     { visitList(&x.Args, v) }
func (x *SQLValueFunction) Copy() Node       { c := *x; return &c }
func (x *SQLValueFunction) Children(Visitor) {}
func (x *XmlExpr) Copy() Node                { c := *x; return &c }
func (x *XmlExpr) Children(v Visitor) {
	visitList(&x.NamedArgs, v)
	visitList(&x.Args, v)
}
func (x *NullTest) Copy() Node                  { c := *x; return &c }
func (x *NullTest) Children(v Visitor)          { visit(&x.Arg, v) }
func (x *BooleanTest) Copy() Node               { c := *x; return &c }
func (x *BooleanTest) Children(v Visitor)       { visit(&x.Arg, v) }
func (x *CoerceToDomain) Copy() Node            { c := *x; return &c }
func (x *CoerceToDomain) Children(v Visitor)    { visit(&x.Arg, v) }
func (x *CoerceToDomainValue) Copy() Node       { c := *x; return &c }
func (x *CoerceToDomainValue) Children(Visitor) {}
func (x *SetToDefault) Copy() Node              { c := *x; return &c }
func (x *SetToDefault) Children(Visitor)        {}
func (x *CurrentOfExpr) Copy() Node             { c := *x; return &c }
func (x *CurrentOfExpr) Children(Visitor)       {}
func (x *NextValueExpr) Copy() Node             { c := *x; return &c }
func (x *NextValueExpr) Children(Visitor)       {}
func (x *PlaceHolderVar) Copy() Node            { c := *x; return &c }
func (x *PlaceHolderVar) Children(v Visitor)    { visit(&x.Phexpr, v) }
