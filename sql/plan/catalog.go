package plan

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/types"
)

// Catalog answers what planning asks of the catalogs.
type Catalog interface {
	Relation(r oid.OID) (*access.Relation, error)
	// Indexes lists the valid btree indexes of a table.
	Indexes(rel *access.Relation) ([]*Index, error)
	// Size is the present number of blocks of a relation, and reltuples,
	// relpages and relallvisible of pg_class.
	Size(rel *access.Relation) (Size, error)
	// Column is what ANALYZE found out about a column, or nil.
	Column(rel oid.OID, att int) (*ColumnStats, error)
	Operator(op oid.OID) (Operator, error)
	// Families lists the btree families that an operator belongs to.
	Families(op oid.OID) ([]FamilyMember, error)
	// FamilyOperator is the operator of a btree family with a strategy for types,
	// or Invalid.
	FamilyOperator(family, left, right oid.OID, strategy int) (oid.OID, error)
	Func(f oid.OID) (Func, error)
	Aggregate(f oid.OID) (Aggregate, error)
	// SQLFunc is the body of a function in language SQL for a call with all its
	// arguments, or nil if there is code for the function.
	SQLFunc(call *node.FuncExpr) (*SQLFunc, error)
	Type(t oid.OID) (types.TypeInfo, bool)
	// ConstraintIndex is the index behind a unique constraint.
	ConstraintIndex(c oid.OID) (oid.OID, error)
	// Default is the default of a column, of its type: the stored expression, the
	// identity's sequence, or nil.
	Default(rel *access.Relation, att int) (node.Node, error)
	// Arguments are a call's arguments with named ones in their places and left out
	// ones filled in.
	Arguments(f *node.FuncExpr) ([]node.Node, error)
	// Eval computes an expression without variables.
	Eval(e node.Node) (datum.Datum, error)
	// Estimate is Eval for external parameters whose values are known, for
	// selectivity only; false if it is not known.
	Estimate(e node.Node) (datum.Datum, bool)
	// Elements takes an array apart; false if it is none.
	Elements(d datum.Datum) ([]datum.Datum, bool)
	// Scalar is a number that orders values of a type as their position; false if
	// there is no such mapping.
	Scalar(t oid.OID, d datum.Datum) (float64, bool)
	// Compare orders two values of a type by its default btree class.
	Compare(t, collation oid.OID) (func(a, b datum.Datum) int, error)
}

// Size is how large a relation is.
type Size struct {
	Pages      float64 // now
	RelPages   float64 // when it was analyzed
	RelTuples  float64 // -1: never
	AllVisible float64
	Inherited  bool // other tables may inherit from it
}

// Index is an index as the planner sees it.
type Index struct {
	Rel           *access.Relation
	Exprs         []node.Node // of key columns with number 0, over Varno 1
	Pred          []node.Node // over Varno 1
	Pages, Tuples float64
	TreeHeight    float64

	predOK bool        // the query's conditions imply Pred
	folded []node.Node // Exprs over the relation
	preds  []node.Node // Pred over the relation
}

// ColumnStats is a row of pg_statistic.
type ColumnStats struct {
	NullFrac    float64
	Width       float64
	Distinct    float64 // negative: a multiple of the row count
	Common      []datum.Datum
	CommonFreq  []float64
	Histogram   []datum.Datum
	Correlation float64
	Type        oid.OID // of Common and Histogram
}

// Operator is a row of pg_operator.
type Operator struct {
	Name                string
	Left, Right, Result oid.OID
	Func                oid.OID
	Commutator, Negator oid.OID
	CanMerge, CanHash   bool
	Restrict, Join      string // names of the estimators
	Strict              bool
	Volatile            byte
}

// FamilyMember is one place of an operator in a btree family.
type FamilyMember struct {
	Family      oid.OID
	Strategy    int
	Left, Right oid.OID
}

// Func is a row of pg_proc.
type Func struct {
	Name     string
	Volatile byte // i, s, v
	Strict   bool
	RetSet   bool
	Cost     float64
	Rows     float64
	Written  bool // there is code for it
}

// Aggregate is a row of pg_aggregate.
type Aggregate struct {
	Trans, Final, Sort oid.OID // Sort orders values so that the first is the result
	Type               oid.OID // of the state
	Space              float64
}

// Settings are the planner's configuration parameters.
type Settings struct {
	SeqPageCost, RandomPageCost                                        float64
	CPUTupleCost, CPUIndexTupleCost, CPUOperatorCost                   float64
	EffectiveCacheSize                                                 float64 // pages
	WorkMem                                                            float64 // bytes
	CursorTupleFraction                                                float64
	NoSeqScan, NoIndexScan, NoIndexOnlyScan, NoBitmapScan, NoTidScan   bool
	NoNestLoop, NoHashJoin, NoMergeJoin, NoMaterial, NoSort, NoHashAgg bool
	NoMemoize, NoIncrementalSort                                       bool
	HashMemMultiplier                                                  float64
}

// Defaults are PostgreSQL's.
func Defaults() Settings {
	return Settings{SeqPageCost: 1, RandomPageCost: 4, CPUTupleCost: 0.01, CPUIndexTupleCost: 0.005,
		CPUOperatorCost: 0.0025, EffectiveCacheSize: 524288, WorkMem: 4 << 20, CursorTupleFraction: 0.1}
}

// disabled is added to the cost of what a setting forbids.
const disabled = 1e10
