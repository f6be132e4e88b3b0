package node

// The enumerations below are written as numbers into stored trees: frozen to
// PostgreSQL 15's values (nodes/nodes.h, parsenodes.h, primnodes.h).

// CmdType is the kind of a statement.
type CmdType int

// Kinds of statements.
const (
	CmdUnknown CmdType = 0
	CmdSelect  CmdType = 1
	CmdUpdate  CmdType = 2
	CmdInsert  CmdType = 3
	CmdDelete  CmdType = 4
	CmdMerge   CmdType = 5
	CmdUtility CmdType = 6
	CmdNothing CmdType = 7
)

// QuerySource tells where a query came from.
type QuerySource int

// Sources of queries.
const (
	QSrcOriginal        QuerySource = 0
	QSrcParser          QuerySource = 1
	QSrcInsteadRule     QuerySource = 2
	QSrcQualInsteadRule QuerySource = 3
	QSrcNonInsteadRule  QuerySource = 4
)

// OverridingKind is INSERT's OVERRIDING clause.
type OverridingKind int

// OVERRIDING clauses.
const (
	OverridingNotSet      OverridingKind = 0
	OverridingUserValue   OverridingKind = 1
	OverridingSystemValue OverridingKind = 2
)

// RTEKind is the kind of a range table entry.
type RTEKind int

// Kinds of range table entries.
const (
	RTERelation        RTEKind = 0
	RTESubquery        RTEKind = 1
	RTEJoin            RTEKind = 2
	RTEFunction        RTEKind = 3
	RTETableFunc       RTEKind = 4
	RTEValues          RTEKind = 5
	RTECTE             RTEKind = 6
	RTENamedTuplestore RTEKind = 7
	RTEResult          RTEKind = 8
)

// JoinType is the kind of a join.
type JoinType int

// Kinds of joins; the last four come only from the planner.
const (
	JoinInner       JoinType = 0
	JoinLeft        JoinType = 1
	JoinFull        JoinType = 2
	JoinRight       JoinType = 3
	JoinSemi        JoinType = 4
	JoinAnti        JoinType = 5
	JoinUniqueOuter JoinType = 6
	JoinUniqueInner JoinType = 7
)

// SetOperation is UNION, INTERSECT or EXCEPT.
type SetOperation int

// Set operations.
const (
	SetOpNone      SetOperation = 0
	SetOpUnion     SetOperation = 1
	SetOpIntersect SetOperation = 2
	SetOpExcept    SetOperation = 3
)

// LimitOption tells how LIMIT treats ties.
type LimitOption int

// Limit options.
const (
	LimitOptionCount    LimitOption = 0
	LimitOptionWithTies LimitOption = 1
	LimitOptionDefault  LimitOption = 2
)

// GroupingSetKind is the kind of a GroupingSet.
type GroupingSetKind int

// Kinds of grouping sets.
const (
	GroupingSetEmpty  GroupingSetKind = 0
	GroupingSetSimple GroupingSetKind = 1
	GroupingSetRollup GroupingSetKind = 2
	GroupingSetCube   GroupingSetKind = 3
	GroupingSetSets   GroupingSetKind = 4
)

// LockClauseStrength is the strength of FOR UPDATE and its kin.
type LockClauseStrength int

// Strengths of row marks.
const (
	LCSNone           LockClauseStrength = 0
	LCSForKeyShare    LockClauseStrength = 1
	LCSForShare       LockClauseStrength = 2
	LCSForNoKeyUpdate LockClauseStrength = 3
	LCSForUpdate      LockClauseStrength = 4
)

// LockWaitPolicy is NOWAIT, SKIP LOCKED or neither.
type LockWaitPolicy int

// Wait policies.
const (
	LockWaitBlock LockWaitPolicy = 0
	LockWaitSkip  LockWaitPolicy = 1
	LockWaitError LockWaitPolicy = 2
)

// CTEMaterialize is [NOT] MATERIALIZED.
type CTEMaterialize int

// Materialization of WITH items.
const (
	CTEMaterializeDefault CTEMaterialize = 0
	CTEMaterializeAlways  CTEMaterialize = 1
	CTEMaterializeNever   CTEMaterialize = 2
)

// OnConflictAction is what ON CONFLICT does.
type OnConflictAction int

// Actions of ON CONFLICT.
const (
	OnConflictNone    OnConflictAction = 0
	OnConflictNothing OnConflictAction = 1
	OnConflictUpdate  OnConflictAction = 2
)

// WCOKind is the kind of a WithCheckOption.
type WCOKind int

// Kinds of check options.
const (
	WCOViewCheck WCOKind = 0
)

// ParamKind is the kind of a parameter.
type ParamKind int

// Kinds of parameters.
const (
	ParamExtern    ParamKind = 0
	ParamExec      ParamKind = 1
	ParamSublink   ParamKind = 2
	ParamMultiexpr ParamKind = 3
)

// AggSplit is the part of an aggregation that an Aggref does: a bit set.
type AggSplit int

// Parts of aggregation.
const (
	AggSplitSimple        AggSplit = 0
	AggSplitInitialSerial AggSplit = 0x06
	AggSplitFinalDeserial AggSplit = 0x09
)

// Kinds of aggregates (pg_aggregate.aggkind).
const (
	AggKindNormal       Char = 'n'
	AggKindOrderedSet   Char = 'o'
	AggKindHypothetical Char = 'h'
)

// CoercionForm tells how a cast or call was written.
type CoercionForm int

// Forms of calls and casts.
const (
	CoerceExplicitCall CoercionForm = 0
	CoerceExplicitCast CoercionForm = 1
	CoerceImplicitCast CoercionForm = 2
	CoerceSQLSyntax    CoercionForm = 3
)

// CoercionContext tells how much may be cast.
type CoercionContext int

// Contexts of casts.
const (
	CoercionImplicit   CoercionContext = 0
	CoercionAssignment CoercionContext = 1
	CoercionPLpgSQL    CoercionContext = 2
	CoercionExplicit   CoercionContext = 3
)

// BoolExprType is AND, OR or NOT.
type BoolExprType int

// Boolean operators. Stored trees hold the words and, or, not.
const (
	AndExpr BoolExprType = 0
	OrExpr  BoolExprType = 1
	NotExpr BoolExprType = 2
)

// SubLinkType is the kind of a subquery in an expression.
type SubLinkType int

// Kinds of subqueries; CTESublink only in plans.
const (
	ExistsSublink     SubLinkType = 0
	AllSublink        SubLinkType = 1
	AnySublink        SubLinkType = 2
	RowCompareSublink SubLinkType = 3
	ExprSublink       SubLinkType = 4
	MultiexprSublink  SubLinkType = 5
	ArraySublink      SubLinkType = 6
	CTESublink        SubLinkType = 7
)

// RowCompareType is the comparison of a RowCompareExpr: the btree strategy
// numbers and <>.
type RowCompareType int

// Row comparisons.
const (
	RowCompareLT RowCompareType = 1
	RowCompareLE RowCompareType = 2
	RowCompareEQ RowCompareType = 3
	RowCompareGE RowCompareType = 4
	RowCompareGT RowCompareType = 5
	RowCompareNE RowCompareType = 6
)

// MinMaxOp is GREATEST or LEAST.
type MinMaxOp int

// Operations of MinMaxExpr.
const (
	IsGreatest MinMaxOp = 0
	IsLeast    MinMaxOp = 1
)

// SQLValueFunctionOp names a parameterless SQL function.
type SQLValueFunctionOp int

// SQL value functions.
const (
	SVFOpCurrentDate       SQLValueFunctionOp = 0
	SVFOpCurrentTime       SQLValueFunctionOp = 1
	SVFOpCurrentTimeN      SQLValueFunctionOp = 2
	SVFOpCurrentTimestamp  SQLValueFunctionOp = 3
	SVFOpCurrentTimestampN SQLValueFunctionOp = 4
	SVFOpLocaltime         SQLValueFunctionOp = 5
	SVFOpLocaltimeN        SQLValueFunctionOp = 6
	SVFOpLocaltimestamp    SQLValueFunctionOp = 7
	SVFOpLocaltimestampN   SQLValueFunctionOp = 8
	SVFOpCurrentRole       SQLValueFunctionOp = 9
	SVFOpCurrentUser       SQLValueFunctionOp = 10
	SVFOpUser              SQLValueFunctionOp = 11
	SVFOpSessionUser       SQLValueFunctionOp = 12
	SVFOpCurrentCatalog    SQLValueFunctionOp = 13
	SVFOpCurrentSchema     SQLValueFunctionOp = 14
)

// NullTestType is IS NULL or IS NOT NULL.
type NullTestType int

// Null tests.
const (
	IsNull    NullTestType = 0
	IsNotNull NullTestType = 1
)

// BoolTestType is the test of a BooleanTest.
type BoolTestType int

// Boolean tests.
const (
	IsTrue       BoolTestType = 0
	IsNotTrue    BoolTestType = 1
	IsFalse      BoolTestType = 2
	IsNotFalse   BoolTestType = 3
	IsUnknown    BoolTestType = 4
	IsNotUnknown BoolTestType = 5
)

// AclMode is a set of privileges.
type AclMode uint32

// Privileges on tables.
const (
	AclInsert     AclMode = 1 << 0
	AclSelect     AclMode = 1 << 1
	AclUpdate     AclMode = 1 << 2
	AclDelete     AclMode = 1 << 3
	AclTruncate   AclMode = 1 << 4
	AclReferences AclMode = 1 << 5
	AclTrigger    AclMode = 1 << 6
	AclExecute    AclMode = 1 << 7
	AclUsage      AclMode = 1 << 8
	AclCreate     AclMode = 1 << 9
)

// Frame options of a window: a bit set.
const (
	FrameNonDefault              = 0x00001
	FrameRange                   = 0x00002
	FrameRows                    = 0x00004
	FrameGroups                  = 0x00008
	FrameBetween                 = 0x00010
	FrameStartUnboundedPreceding = 0x00020
	FrameEndUnboundedPreceding   = 0x00040
	FrameStartUnboundedFollowing = 0x00080
	FrameEndUnboundedFollowing   = 0x00100
	FrameStartCurrentRow         = 0x00200
	FrameEndCurrentRow           = 0x00400
	FrameStartOffsetPreceding    = 0x00800
	FrameEndOffsetPreceding      = 0x01000
	FrameStartOffsetFollowing    = 0x02000
	FrameEndOffsetFollowing      = 0x04000
	FrameExcludeCurrentRow       = 0x08000
	FrameExcludeGroup            = 0x10000
	FrameExcludeTies             = 0x20000
	FrameStartOffset             = FrameStartOffsetPreceding | FrameStartOffsetFollowing
	FrameEndOffset               = FrameEndOffsetPreceding | FrameEndOffsetFollowing
	FrameExclusion               = FrameExcludeCurrentRow | FrameExcludeGroup | FrameExcludeTies
	FrameDefaults                = FrameRange | FrameStartUnboundedPreceding | FrameEndCurrentRow
)

// Special values of Var.Varno, set by the planner.
const (
	InnerVar = -1
	OuterVar = -2
	IndexVar = -3
)
