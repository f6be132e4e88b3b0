package node

import "github.com/pgmini/pgmini/oid"

// Query is one analyzed statement (PostgreSQL: Query).
type Query struct {
	CommandType       CmdType            `n:"commandType"`
	QuerySource       QuerySource        `n:"querySource"`
	QueryId           uint64             `n:"-"`
	CanSetTag         bool               `n:"canSetTag"`
	UtilityStmt       Node               `n:"utilityStmt"`
	ResultRelation    int                `n:"resultRelation"`
	HasAggs           bool               `n:"hasAggs"`
	HasWindowFuncs    bool               `n:"hasWindowFuncs"`
	HasTargetSRFs     bool               `n:"hasTargetSRFs"`
	HasSubLinks       bool               `n:"hasSubLinks"`
	HasDistinctOn     bool               `n:"hasDistinctOn"`
	HasRecursive      bool               `n:"hasRecursive"`
	HasModifyingCTE   bool               `n:"hasModifyingCTE"`
	HasForUpdate      bool               `n:"hasForUpdate"`
	HasRowSecurity    bool               `n:"hasRowSecurity"`
	IsReturn          bool               `n:"isReturn"`
	CteList           []*CommonTableExpr `n:"cteList"`
	Rtable            []*RangeTblEntry   `n:"rtable"`
	Jointree          *FromExpr          `n:"jointree"`
	TargetList        []*TargetEntry     `n:"targetList"`
	Override          OverridingKind     `n:"override"`
	OnConflict        *OnConflictExpr    `n:"onConflict"`
	ReturningList     []*TargetEntry     `n:"returningList"`
	GroupClause       []*SortGroupClause `n:"groupClause"`
	GroupDistinct     bool               `n:"groupDistinct"`
	GroupingSets      []Node             `n:"groupingSets"`
	HavingQual        Node               `n:"havingQual"`
	WindowClause      []*WindowClause    `n:"windowClause"`
	DistinctClause    []*SortGroupClause `n:"distinctClause"`
	SortClause        []*SortGroupClause `n:"sortClause"`
	LimitOffset       Node               `n:"limitOffset"`
	LimitCount        Node               `n:"limitCount"`
	LimitOption       LimitOption        `n:"limitOption"`
	RowMarks          []*RowMarkClause   `n:"rowMarks"`
	SetOperations     Node               `n:"setOperations"`
	ConstraintDeps    []oid.OID          `n:"constraintDeps"`
	WithCheckOptions  []*WithCheckOption `n:"withCheckOptions"`
	MergeActionList   []*MergeAction     `n:"mergeActionList"`
	MergeUseOuterJoin bool               `n:"mergeUseOuterJoin"`
	StmtLocation      Location           `n:"stmt_location"`
	StmtLen           Location           `n:"stmt_len"`
}

// Alias is a written or expanded alias with column names.
type Alias struct {
	Aliasname string   `n:"aliasname"`
	Colnames  []string `n:"colnames"`
}

// RangeTblEntry is one member of a query's range table. Fields that do not apply to Rtekind are zero.
type RangeTblEntry struct {
	Alias            *Alias              `n:"alias"`
	Eref             *Alias              `n:"eref"`
	Rtekind          RTEKind             `n:"rtekind"`
	Relid            oid.OID             `n:"relid"`
	Relkind          Char                `n:"relkind"`
	Rellockmode      int                 `n:"rellockmode"`
	Tablesample      *TableSampleClause  `n:"tablesample"`
	Subquery         *Query              `n:"subquery"`
	SecurityBarrier  bool                `n:"security_barrier"`
	Jointype         JoinType            `n:"jointype"`
	Joinmergedcols   int                 `n:"joinmergedcols"`
	Joinaliasvars    []Node              `n:"joinaliasvars"`
	Joinleftcols     []int               `n:"joinleftcols"`
	Joinrightcols    []int               `n:"joinrightcols"`
	JoinUsingAlias   *Alias              `n:"join_using_alias"`
	Functions        []*RangeTblFunction `n:"functions"`
	Funcordinality   bool                `n:"funcordinality"`
	Tablefunc        *TableFunc          `n:"tablefunc"`
	ValuesLists      [][]Node            `n:"values_lists"`
	Ctename          string              `n:"ctename"`
	Ctelevelsup      int                 `n:"ctelevelsup"`
	SelfReference    bool                `n:"self_reference"`
	Coltypes         []oid.OID           `n:"coltypes"`
	Coltypmods       []int32             `n:"coltypmods"`
	Colcollations    []oid.OID           `n:"colcollations"`
	Enrname          string              `n:"enrname"`
	Enrtuples        float64             `n:"enrtuples"`
	Lateral          bool                `n:"lateral"`
	Inh              bool                `n:"inh"`
	InFromCl         bool                `n:"inFromCl"`
	RequiredPerms    AclMode             `n:"requiredPerms"`
	CheckAsUser      oid.OID             `n:"checkAsUser"`
	SelectedCols     Bitmapset           `n:"selectedCols"`
	InsertedCols     Bitmapset           `n:"insertedCols"`
	UpdatedCols      Bitmapset           `n:"updatedCols"`
	ExtraUpdatedCols Bitmapset           `n:"extraUpdatedCols"`
	SecurityQuals    []Node              `n:"securityQuals"`
}

// RangeTblFunction is one function of a function range table entry.
type RangeTblFunction struct {
	Funcexpr          Node      `n:"funcexpr"`
	Funccolcount      int       `n:"funccolcount"`
	Funccolnames      []string  `n:"funccolnames"`
	Funccoltypes      []oid.OID `n:"funccoltypes"`
	Funccoltypmods    []int32   `n:"funccoltypmods"`
	Funccolcollations []oid.OID `n:"funccolcollations"`
	Funcparams        Bitmapset `n:"funcparams"`
}

// TableFunc is XMLTABLE in FROM.
type TableFunc struct {
	NsUris        []Node    `n:"ns_uris"`
	NsNames       []string  `n:"ns_names"`
	Docexpr       Node      `n:"docexpr"`
	Rowexpr       Node      `n:"rowexpr"`
	Colnames      []string  `n:"colnames"`
	Coltypes      []oid.OID `n:"coltypes"`
	Coltypmods    []int32   `n:"coltypmods"`
	Colcollations []oid.OID `n:"colcollations"`
	Colexprs      []Node    `n:"colexprs"`
	Coldefexprs   []Node    `n:"coldefexprs"`
	Notnulls      Bitmapset `n:"notnulls"`
	Ordinalitycol int       `n:"ordinalitycol"`
	Location      Location  `n:"location"`
}

// TableSampleClause is TABLESAMPLE.
type TableSampleClause struct {
	Tsmhandler oid.OID `n:"tsmhandler"`
	Args       []Node  `n:"args"`
	Repeatable Node    `n:"repeatable"`
}

// RangeTblRef refers to a range table entry from the join tree (Rtindex counts from 1).
type RangeTblRef struct {
	Rtindex int `n:"rtindex"`
}

// JoinExpr is one join of the join tree.
type JoinExpr struct {
	Jointype       JoinType `n:"jointype"`
	IsNatural      bool     `n:"isNatural"`
	Larg           Node     `n:"larg"`
	Rarg           Node     `n:"rarg"`
	UsingClause    []string `n:"usingClause"`
	JoinUsingAlias *Alias   `n:"join_using_alias"`
	Quals          Node     `n:"quals"`
	Alias          *Alias   `n:"alias"`
	Rtindex        int      `n:"rtindex"`
}

// FromExpr is a FROM … WHERE construct: the root of the join tree.
type FromExpr struct {
	Fromlist []Node `n:"fromlist"`
	Quals    Node   `n:"quals"`
}

// TargetEntry is one column of a target list.
type TargetEntry struct {
	Expr            Node    `n:"expr"`
	Resno           int     `n:"resno"`
	Resname         string  `n:"resname"`
	Ressortgroupref int     `n:"ressortgroupref"`
	Resorigtbl      oid.OID `n:"resorigtbl"`
	Resorigcol      int     `n:"resorigcol"`
	Resjunk         bool    `n:"resjunk"`
}

// SortGroupClause is one item of ORDER BY, GROUP BY, DISTINCT or PARTITION BY.
type SortGroupClause struct {
	TleSortGroupRef int     `n:"tleSortGroupRef"`
	Eqop            oid.OID `n:"eqop"`
	Sortop          oid.OID `n:"sortop"`
	NullsFirst      bool    `n:"nulls_first"`
	Hashable        bool    `n:"hashable"`
}

// GroupingSet is one element of GROUPING SETS, ROLLUP or CUBE. Content is an IntList for simple sets, else a List.
type GroupingSet struct {
	Kind     GroupingSetKind `n:"kind"`
	Content  Node            `n:"content"`
	Location Location        `n:"location"`
}

// WindowClause is one window definition.
type WindowClause struct {
	Name              string             `n:"name"`
	Refname           string             `n:"refname"`
	PartitionClause   []*SortGroupClause `n:"partitionClause"`
	OrderClause       []*SortGroupClause `n:"orderClause"`
	FrameOptions      int                `n:"frameOptions"`
	StartOffset       Node               `n:"startOffset"`
	EndOffset         Node               `n:"endOffset"`
	RunCondition      []Node             `n:"runCondition"`
	StartInRangeFunc  oid.OID            `n:"startInRangeFunc"`
	EndInRangeFunc    oid.OID            `n:"endInRangeFunc"`
	InRangeColl       oid.OID            `n:"inRangeColl"`
	InRangeAsc        bool               `n:"inRangeAsc"`
	InRangeNullsFirst bool               `n:"inRangeNullsFirst"`
	Winref            int                `n:"winref"`
	CopiedOrder       bool               `n:"copiedOrder"`
}

// RowMarkClause is one FOR UPDATE/SHARE mark.
type RowMarkClause struct {
	Rti        int                `n:"rti"`
	Strength   LockClauseStrength `n:"strength"`
	WaitPolicy LockWaitPolicy     `n:"waitPolicy"`
	PushedDown bool               `n:"pushedDown"`
}

// CommonTableExpr is one WITH item.
type CommonTableExpr struct {
	Ctename          string           `n:"ctename"`
	Aliascolnames    []string         `n:"aliascolnames"`
	Ctematerialized  CTEMaterialize   `n:"ctematerialized"`
	Ctequery         Node             `n:"ctequery"`
	SearchClause     *CTESearchClause `n:"search_clause"`
	CycleClause      *CTECycleClause  `n:"cycle_clause"`
	Location         Location         `n:"location"`
	Cterecursive     bool             `n:"cterecursive"`
	Cterefcount      int              `n:"cterefcount"`
	Ctecolnames      []string         `n:"ctecolnames"`
	Ctecoltypes      []oid.OID        `n:"ctecoltypes"`
	Ctecoltypmods    []int32          `n:"ctecoltypmods"`
	Ctecolcollations []oid.OID        `n:"ctecolcollations"`
}

// CTESearchClause is SEARCH of a recursive WITH item.
type CTESearchClause struct {
	SearchColList      []string `n:"search_col_list"`
	SearchBreadthFirst bool     `n:"search_breadth_first"`
	SearchSeqColumn    string   `n:"search_seq_column"`
	Location           Location `n:"location"`
}

// CTECycleClause is CYCLE of a recursive WITH item.
type CTECycleClause struct {
	CycleColList       []string `n:"cycle_col_list"`
	CycleMarkColumn    string   `n:"cycle_mark_column"`
	CycleMarkValue     Node     `n:"cycle_mark_value"`
	CycleMarkDefault   Node     `n:"cycle_mark_default"`
	CyclePathColumn    string   `n:"cycle_path_column"`
	Location           Location `n:"location"`
	CycleMarkType      oid.OID  `n:"cycle_mark_type"`
	CycleMarkTypmod    int32    `n:"cycle_mark_typmod"`
	CycleMarkCollation oid.OID  `n:"cycle_mark_collation"`
	CycleMarkNeop      oid.OID  `n:"cycle_mark_neop"`
}

// SetOperationStmt is one UNION, INTERSECT or EXCEPT; its leaves are RangeTblRef.
type SetOperationStmt struct {
	Op            SetOperation       `n:"op"`
	All           bool               `n:"all"`
	Larg          Node               `n:"larg"`
	Rarg          Node               `n:"rarg"`
	ColTypes      []oid.OID          `n:"colTypes"`
	ColTypmods    []int32            `n:"colTypmods"`
	ColCollations []oid.OID          `n:"colCollations"`
	GroupClauses  []*SortGroupClause `n:"groupClauses"`
}

// OnConflictExpr is INSERT's ON CONFLICT.
type OnConflictExpr struct {
	Action          OnConflictAction `n:"action"`
	ArbiterElems    []*InferenceElem `n:"arbiterElems"`
	ArbiterWhere    Node             `n:"arbiterWhere"`
	Constraint      oid.OID          `n:"constraint"`
	OnConflictSet   []*TargetEntry   `n:"onConflictSet"`
	OnConflictWhere Node             `n:"onConflictWhere"`
	ExclRelIndex    int              `n:"exclRelIndex"`
	ExclRelTlist    []*TargetEntry   `n:"exclRelTlist"`
}

// InferenceElem is one element of a unique index inference.
type InferenceElem struct {
	Expr         Node    `n:"expr"`
	Infercollid  oid.OID `n:"infercollid"`
	Inferopclass oid.OID `n:"inferopclass"`
}

// MergeAction is one WHEN of MERGE.
type MergeAction struct {
	Matched      bool           `n:"matched"`
	CommandType  CmdType        `n:"commandType"`
	Override     OverridingKind `n:"override"`
	Qual         Node           `n:"qual"`
	TargetList   []*TargetEntry `n:"targetList"`
	UpdateColnos []int          `n:"updateColnos"`
}

// WithCheckOption is a check that new rows of an updatable view must pass.
type WithCheckOption struct {
	Kind     WCOKind `n:"kind"`
	Relname  string  `n:"relname"`
	Polname  string  `n:"polname"`
	Qual     Node    `n:"qual"`
	Cascaded bool    `n:"cascaded"`
}

// PartitionBoundSpec is FOR VALUES of a partition (pg_class.relpartbound).
type PartitionBoundSpec struct {
	Strategy    Char     `n:"strategy"`
	IsDefault   bool     `n:"is_default"`
	Modulus     int      `n:"modulus"`
	Remainder   int      `n:"remainder"`
	Listdatums  []Node   `n:"listdatums"`
	Lowerdatums []Node   `n:"lowerdatums"`
	Upperdatums []Node   `n:"upperdatums"`
	Location    Location `n:"location"`
}

// PartitionRangeDatum is one bound of a range partition: Kind -1 MINVALUE, 0 value, 1 MAXVALUE.
type PartitionRangeDatum struct {
	Kind     int      `n:"kind"`
	Value    Node     `n:"value"`
	Location Location `n:"location"`
}

// NotifyStmt is NOTIFY, the one utility statement that rules may hold.
type NotifyStmt struct {
	Conditionname string `n:"conditionname"`
	Payload       string `n:"payload"`
}
