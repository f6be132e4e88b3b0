// Package plan turns a Query into a plan: which scans, which joins in which
// order, which sorts and aggregates, by cost. Node and field names are those of
// PostgreSQL 15 (nodes/plannodes.h).
//
// Conventions that plan and exec share:
//
//   - A node's output is its TargetList, evaluated over its input. An expression
//     of a node refers to its input by Var: Varno OuterVar and InnerVar are the
//     outputs of Left and Right, Varattno counting their target lists from 1; in
//     a scan, Varno is the range table index and Varattno the column (system
//     columns negative, 0 the whole row); in an IndexOnlyScan, IndexVar and
//     Varattno is the index column.
//   - Qual filters the input rows of a scan or the joined rows of a join, before
//     TargetList is computed.
//   - Params: node.Param with Paramkind Exec are slots in the executor's array.
//     A node whose subtree reads params that changed must be rescanned; ExtParam
//     lists them.
//   - SubPlan expressions refer to PlannedStmt.Subplans by PlanID (from 1).
package plan

import (
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/sql/node"
)

// PlannedStmt is a statement ready for the executor. It is immutable, and
// executions share it.
type PlannedStmt struct {
	CommandType     node.CmdType
	HasReturning    bool
	HasModifyingCTE bool
	CanSetTag       bool
	Plan            Plan
	Rtable          []*node.RangeTblEntry // index 1 is Rtable[0]
	Subplans        []Plan                // plan id 1 is Subplans[0]
	RewindPlans     map[int]bool          // subplans that want cheap rescans
	NParamExec      int
	Relations       []oid.OID // all relations it depends on, for locks and invalidation
	Functions       []oid.OID // functions that were inlined or folded
	RowMarks        []RowMark
	ResultRelations []int
	// Transient says that the plan folded something that only holds now.
	Transient bool
	// Stored says that a function asks how values are stored: scans note it.
	Stored bool
}

// RowMark is a range table entry whose rows are locked or re-fetched.
type RowMark struct {
	Rti      int
	Strength node.LockClauseStrength
	Wait     node.LockWaitPolicy
	Lock     bool // false: only re-fetch for EvalPlanQual
}

// Plan is a node of a plan tree.
type Plan interface{ Common() *Node }

// Node is what all plan nodes have (PostgreSQL: Plan).
type Node struct {
	StartupCost, TotalCost float64
	Rows                   float64
	Width                  int
	TargetList             []*node.TargetEntry
	Qual                   []node.Node // implicitly ANDed
	Left, Right            Plan
	InitPlan               []*node.SubPlan
	ExtParam               []int // exec params from above that the subtree reads
	ID                     int
}

// Common returns n itself, so that every embedding node is a Plan.
func (n *Node) Common() *Node { return n }

// Result computes its target list once, or passes Left through when the
// constant qual holds.
type Result struct {
	Node
	ResConstantQual []node.Node
}

// ProjectSet expands set-returning functions at the top of its target list.
type ProjectSet struct{ Node }

// ModifyTable inserts, updates or deletes the rows of Left.
//
// Left's target list: INSERT: one entry per column of the table, in order
// (dropped and generated ones NULL). UPDATE: the new values of UpdateColnos in
// that order, then the junk ctid, then further junk. DELETE: the junk ctid
// first. For a view or a subquery none.
type ModifyTable struct {
	Node
	Operation     node.CmdType
	CanSetTag     bool
	ResultRti     int
	RowIDAttr     int                 // attribute number of the junk "ctid" in Left's target list
	UpdateColnos  []int               // UPDATE: target column numbers
	ReturningList []*node.TargetEntry // over Varno ResultRti (new row; old row for DELETE) and OuterVar
	OnConflict    *OnConflict
	Merge         []*MergeAction
	RowMarks      []RowMark
	// Checks are the check options of views, over Varno ResultRti (new row).
	Checks []ViewCheck
}

// ViewCheck is WITH CHECK OPTION of a view.
type ViewCheck struct {
	View string
	Qual []node.Node // implicitly ANDed
}

// OnConflict is the plan of INSERT ... ON CONFLICT.
type OnConflict struct {
	Action         node.OnConflictAction
	ArbiterIndexes []oid.OID
	Set            []*node.TargetEntry // new values, over ResultRti (existing row) and ExclRti (excluded row)
	SetColnos      []int
	Where          []node.Node
	ExclRti        int
}

// MergeAction is one WHEN of MERGE. Its expressions are over ResultRti (the row
// that matched) and OuterVar.
type MergeAction struct {
	Matched bool
	Command node.CmdType
	Qual    []node.Node
	Set     []*node.TargetEntry // INSERT: all columns; UPDATE: those of Cols
	Cols    []int               // 0: a subquery that gives several columns their values
}

// Append concatenates its inputs.
type Append struct {
	Node
	Plans []Plan
}

// MergeAppend merges sorted inputs.
type MergeAppend struct {
	Node
	Plans []Plan
	Keys  []SortKey
}

// RecursiveUnion runs Left once and Right until it adds nothing.
type RecursiveUnion struct {
	Node
	WTParam       int
	NumCols       int // 0 for UNION ALL
	DupColIdx     []int
	DupOperators  []oid.OID
	DupCollations []oid.OID
}

// BitmapAnd intersects bitmaps; BitmapOr unites them.
type BitmapAnd struct {
	Node
	Plans []Plan
}

// BitmapOr unites bitmaps.
type BitmapOr struct {
	Node
	Plans []Plan
}

// Scan is what scans of a range table entry have.
type Scan struct {
	Node
	ScanRelid int
}

// SeqScan reads a whole table.
type SeqScan struct{ Scan }

// IndexKey is one condition of an index scan: index column Col (from 1)
// compared by btree Strategy (1 <, 2 <=, 3 =, 4 >=, 5 >) with Value, or a null
// test. Value has no Var of the scanned table.
type IndexKey struct {
	Col               int
	Strategy          int
	Op                oid.OID // operator; 0 for null tests
	Value             node.Node
	Collation         oid.OID
	IsNull, IsNotNull bool
	Array             bool // column op ANY (array)
	RightType         oid.OID
}

// IndexScan reads a table in index order.
type IndexScan struct {
	Scan
	IndexID   oid.OID
	IndexKeys []IndexKey
	IndexQual []node.Node // the same conditions as written, for EXPLAIN and rechecks
	Backward  bool
	OrderBy   bool
	Unique    bool // at most one row can match
}

// IndexOnlyScan reads the index, and the table only where the visibility map
// does not say that all is visible. Its TargetList and Qual use IndexVar.
type IndexOnlyScan struct {
	Scan
	IndexID     oid.OID
	IndexKeys   []IndexKey
	IndexQual   []node.Node
	RecheckQual []node.Node
	IndexTlist  []*node.TargetEntry
	Backward    bool
	Unique      bool
}

// BitmapIndexScan makes a bitmap of tuple ids.
type BitmapIndexScan struct {
	Scan
	IndexID   oid.OID
	IndexKeys []IndexKey
	IndexQual []node.Node
}

// BitmapHeapScan reads the tuples of Left's bitmap.
type BitmapHeapScan struct {
	Scan
	BitmapQualOrig []node.Node // recheck condition
}

// TidScan fetches tuples by ctid = expr or ctid = ANY(array).
type TidScan struct {
	Scan
	TidQuals []node.Node
}

// TidRangeScan reads a range of tuple ids.
type TidRangeScan struct {
	Scan
	TidRangeQuals []node.Node
}

// SubqueryScan reads a subquery's plan; it has its own target list.
type SubqueryScan struct {
	Scan
	Subplan Plan
}

// FunctionScan reads functions in FROM.
type FunctionScan struct {
	Scan
	Functions  []*node.RangeTblFunction
	Ordinality bool
}

// ValuesScan reads a VALUES list.
type ValuesScan struct {
	Scan
	ValuesLists [][]node.Node
}

// CteScan reads the common table expression that is run by subplan CtePlanID.
type CteScan struct {
	Scan
	CtePlanID int
	CteParam  int
}

// WorkTableScan reads what the enclosing RecursiveUnion with WTParam last added.
type WorkTableScan struct {
	Scan
	WTParam int
}

// Join is what joins have.
type Join struct {
	Node
	Jointype    node.JoinType
	InnerUnique bool
	JoinQual    []node.Node // ON conditions; Qual is applied after null extension
}

// NestLoopParam passes a value of the outer row to the inner side.
type NestLoopParam struct {
	ParamNo int
	Value   node.Node // over OuterVar
}

// NestLoop runs Right once per row of Left.
type NestLoop struct {
	Join
	NestParams []NestLoopParam
}

// MergeJoin joins two inputs sorted by the merge clauses.
type MergeJoin struct {
	Join
	SkipMarkRestore bool
	MergeClauses    []node.Node // OpExpr outer = inner
	MergeKeys       []SortKey   // family, collation, direction of each clause
}

// HashJoin joins by a hash table of Right, which is a Hash.
type HashJoin struct {
	Join
	HashClauses    []node.Node // OpExpr outer = inner
	HashOperators  []oid.OID
	HashCollations []oid.OID
	HashKeys       []node.Node // over the outer row
}

// Hash is the build side of a HashJoin.
type Hash struct {
	Node
	HashKeys []node.Node // over its own input
}

// Material keeps its input's rows for rescans.
type Material struct{ Node }

// Memoize keeps its input's rows by the values of parameters: Keys are those
// parameters.
type Memoize struct {
	Node
	Keys      []node.Node
	Types     []oid.OID
	Binary    bool // keys are compared byte by byte
	SingleRow bool // at most one row for each key
}

// SortKey is one key of a sort: column Col of the input's target list, ordered
// by the btree operator SortOp ("<" or ">" of an operator family).
type SortKey struct {
	Col        int
	SortOp     oid.OID
	Collation  oid.OID
	Descending bool
	NullsFirst bool
}

// Sort sorts its input.
type Sort struct {
	Node
	Keys []SortKey
}

// IncrementalSort sorts input that is already sorted by the first PresortedCols
// keys.
type IncrementalSort struct {
	Sort
	PresortedCols int
}

// Group removes adjacent rows with equal group columns.
type Group struct {
	Node
	GrpColIdx     []int
	GrpOperators  []oid.OID
	GrpCollations []oid.OID
}

// AggStrategy says how Agg finds its groups.
type AggStrategy int

// Strategies of Agg.
const (
	AggPlain AggStrategy = iota
	AggSorted
	AggHashed
	AggMixed
)

// Agg computes aggregates. Aggref arguments are over OuterVar. GroupingSets, if
// not nil, lists for each set the positions in GrpColIdx that it groups by.
type Agg struct {
	Node
	AggStrategy   AggStrategy
	GrpColIdx     []int
	GrpOperators  []oid.OID // equality operators
	GrpCollations []oid.OID
	NumGroups     float64
	GroupingSets  [][]int
	FirstRows     bool // passes the first row of each group with all its columns
}

// WindowAgg computes window functions over sorted input.
type WindowAgg struct {
	Node
	Winref                 int
	PartColIdx             []int
	PartOperators          []oid.OID
	PartCollations         []oid.OID
	OrdColIdx              []int
	OrdOperators           []oid.OID
	OrdCollations          []oid.OID
	FrameOptions           int
	StartOffset, EndOffset node.Node
	// Of RANGE with an offset: in_range functions, collation and order.
	StartInRangeFunc, EndInRangeFunc, InRangeColl oid.OID
	InRangeAsc, InRangeNullsFirst                 bool
}

// Unique removes adjacent duplicates.
type Unique struct {
	Node
	UniqColIdx     []int
	UniqOperators  []oid.OID
	UniqCollations []oid.OID
}

// SetOp computes INTERSECT and EXCEPT over Left, whose rows carry a flag column
// (0 from the left input, 1 from the right).
type SetOp struct {
	Node
	Cmd           SetOpCmd
	Hashed        bool
	DupColIdx     []int
	DupOperators  []oid.OID
	DupCollations []oid.OID
	FlagColIdx    int
	FirstFlag     int
}

// SetOpCmd is the operation of a SetOp.
type SetOpCmd int

// Operations of SetOp.
const (
	Intersect SetOpCmd = iota
	IntersectAll
	Except
	ExceptAll
)

// LockRows locks the rows that pass through it.
type LockRows struct {
	Node
	RowMarks []PlanRowMark
}

// PlanRowMark is a RowMark with the junk column that carries the row's ctid.
type PlanRowMark struct {
	RowMark
	CtidAttno int
}

// Limit passes on LimitCount rows after LimitOffset.
type Limit struct {
	Node
	LimitOffset, LimitCount node.Node
	WithTies                bool
	UniqColIdx              []int
	UniqOperators           []oid.OID
	UniqCollations          []oid.OID
}
