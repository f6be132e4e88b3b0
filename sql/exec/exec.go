package exec

import (
	"context"
	"errors"
	"time"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/builtin"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/plan"
	"github.com/pgmini/pgmini/sql/types"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xid"
)

// FuncInfo is what running a function needs of pg_proc.
type FuncInfo struct {
	Name    string // schema-qualified where needed, for messages
	Strict  bool
	RetSet  bool
	RetType oid.OID
	Impl    *builtin.Func // nil: not written
}

// AggInfo is what running an aggregate needs of pg_aggregate.
type AggInfo struct {
	Name               string
	Trans, Final       oid.OID
	TransSrc, FinalSrc string // prosrc
	TransType          oid.OID
	Init               *string // agginitval
	Kind               byte    // n, o, h
	NumDirect          int
}

// Catalog answers what execution asks of the catalogs, as the transaction sees
// them.
type Catalog interface {
	Type(t oid.OID) (types.TypeInfo, bool)
	Func(f oid.OID) (FuncInfo, error)
	Agg(f oid.OID) (AggInfo, error)
	Relation(r oid.OID) (*access.Relation, error)
	// OpFunc is the function behind an operator.
	OpFunc(op oid.OID) (oid.OID, error)
	// Order is the comparison behind a btree ordering operator ("<" or ">", or
	// "=" for the order of its family), ascending.
	Order(op, collation oid.OID) (cmp func(a, b datum.Datum) int, err error)
	// SortOrder is the comparison behind a btree ordering operator, and whether it
	// is the ">" of its family, which sorts descending.
	SortOrder(op, collation oid.OID) (cmp func(a, b datum.Datum) int, desc bool, err error)
	// DefaultOrder is the comparison of t's default btree operator class.
	DefaultOrder(t, collation oid.OID) (cmp func(a, b datum.Datum) int, err error)
	// CrossOrder is support function 1 of a btree family for (left, right).
	CrossOrder(family, left, right, collation oid.OID) (cmp func(a, b datum.Datum) int, err error)
	// FuncSource is prosrc of a function that the executor runs itself.
	FuncSource(f oid.OID) (string, error)
	// OutTypes are the types of a function's OUT columns; none if it has no such.
	OutTypes(f oid.OID) ([]oid.OID, error)
	// RowType is the descriptor of a composite type.
	RowType(t oid.OID, typmod int32) (*access.TupleDesc, error)
	// Bless registers an anonymous row type with the session and returns it with
	// its typmod, by which RowType finds it.
	Bless(d *access.TupleDesc) *access.TupleDesc
	// SchemaName is the name of a schema.
	SchemaName(o oid.OID) string
	// CatalogRow tells that a row of a system catalog came or went.
	CatalogRow(catalog oid.OID, row []datum.Datum)
	// Indexes lists the ready indexes of a table.
	Indexes(rel *access.Relation) ([]*IndexState, error)
	// Writable refuses a table whose changes need what is not written yet.
	Writable(rel *access.Relation) error
	// Checks lists a table's check constraints as expressions over Varno 1, and
	// Generated its generated columns.
	Checks(rel *access.Relation) ([]Check, error)
	Generated(rel *access.Relation) (map[int]node.Node, error)
}

// IndexState is an index with its stored expressions over Varno 1.
type IndexState struct {
	Rel       *access.Relation
	Exprs     []node.Node // one per key column number 0 of the index, in order
	Pred      []node.Node // implicitly ANDed
	ExprNames []string    // Exprs as pg_get_indexdef prints them
}

// Check is a check constraint.
type Check struct {
	Name string
	Expr node.Node
}

// Instrument counts what one plan node did, for EXPLAIN ANALYZE.
type Instrument struct {
	Startup, Total         time.Duration // of all loops
	Rows                   int64
	Loops                  int64
	Filtered               int64 // rows removed by Qual
	JoinFiltered           int64
	HeapFetches            int64
	SortMethod             string
	SortSpace              int64 // kB
	SortDisk               bool
	Buckets, Batches       int
	Memory, Disk           int64 // kB
	ExactPages, LossyPages int64
	Removed                int64
	Conflicts, Inserted    int64
}

// Node is a running operator.
type Node interface {
	// Next returns the next batch, or nil at the end. A batch may have no rows.
	Next(x *Execution) (*Batch, error)
	// Rescan starts again; changed are the parameters that have new values. An
	// operator that does not depend on them may keep what it computed.
	Rescan(x *Execution, changed paramSet) error
	// Close gives back pins, files and memory. It may be called twice.
	Close(x *Execution)
	// Shape says which output columns are by reference.
	Shape() columns
}

// Execution runs one plan once. It serves one goroutine.
type Execution struct {
	Ctx     context.Context
	Stmt    *plan.PlannedStmt
	Cat     Catalog
	Env     *builtin.Env
	Tx      *xact.Tx
	Snap    *xact.Snapshot
	Cid     xid.Command // of the rows that this statement writes
	Params  []datum.Datum
	WorkMem int // bytes
	Temp    TempFiles
	// CurrentOf finds the row that WHERE CURRENT OF means; false if the cursor's
	// current row is not of that table.
	CurrentOf func(cursor *node.CurrentOfExpr, rel *access.Relation) (page.TID, bool, error)
	// Analyze turns instrumentation on; Stats is indexed by plan node.
	Analyze bool
	Stats   map[plan.Plan]*Instrument
	// Triggers are the session's; nil: tables with triggers cannot be changed.
	// NoFire: this is a query of a trigger, whose events the statement fires.
	Triggers Triggers
	NoFire   bool
	// Crosscheck, if not nil, must see the rows that are changed too.
	Crosscheck *xact.Snapshot
	// Processed counts the rows of the command tag.
	Processed int64

	root  Node
	slots []slot
	subs  []Node
	ctes  map[int]*cteStore
	work  map[int]*workTable
	epq   *epqState
	rest  *Batch // of the last partly delivered batch
	nodes []Node
	after []func() error
	inits []initState
	toast map[oid.OID]access.Detoaster
	kept  []Node // nodes, for Reset
	// resetting: a ModifyTable may be rescanned
	resetting bool
	noting    bool // Triggers.Begin was called
	stored    storedMode
}

// TempFiles makes temporary files for sorts and hashes that outgrow WorkMem.
type TempFiles interface {
	Create() (TempFile, error)
}

// TempFile is one of them; Close removes it.
type TempFile interface {
	WriteAt(b []byte, off int64) (int, error)
	ReadAt(b []byte, off int64) (int, error)
	Close() error
}

// Start builds the operators of x.Stmt. The caller has filled the exported
// fields and calls Close in any case.
func (x *Execution) Start() error {
	if x.WorkMem == 0 {
		x.WorkMem = 4 << 20
	}
	x.slots = make([]slot, x.Stmt.NParamExec)
	for i := range x.slots {
		x.slots[i].d.Null = true
	}
	x.subs = make([]Node, len(x.Stmt.Subplans))
	if x.Stmt.Stored {
		x.stored = storedAll
	}
	if x.Analyze && x.Stats == nil {
		x.Stats = map[plan.Plan]*Instrument{}
	}
	var err error
	x.root, err = x.build(x.Stmt.Plan)
	return err
}

// Shape tells which result columns are by reference.
func (x *Execution) Shape() []bool { return x.root.Shape() }

// Run delivers at most limit rows (0: all) to emit, batch by batch, and reports
// whether the plan is exhausted. It can be called again for more.
func (x *Execution) Run(limit int64, emit func(*Batch) error) (done bool, err error) {
	var sent int64
	for {
		b := x.rest
		x.rest = nil
		if b == nil {
			if err := x.check(); err != nil {
				return false, err
			}
			if b, err = x.root.Next(x); err != nil {
				return false, err
			}
			if b == nil {
				return true, x.finish()
			}
		}
		n := int64(len(b.Sel))
		if n == 0 {
			continue
		}
		if limit > 0 && sent+n > limit {
			k := limit - sent
			x.rest = &Batch{Cols: b.Cols, N: b.N, Sel: b.Sel[k:]}
			b = &Batch{Cols: b.Cols, N: b.N, Sel: b.Sel[:k]}
			n = k
		}
		if err := emit(b); err != nil {
			return false, err
		}
		sent += n
		if limit > 0 && sent >= limit {
			return false, nil
		}
	}
}

// finish runs what waits for the end of the statement.
func (x *Execution) finish() error {
	if x.Stmt.HasModifyingCTE {
		if err := x.finishCTEs(); err != nil {
			return err
		}
	}
	for _, f := range x.after {
		if err := f(); err != nil {
			return err
		}
	}
	x.after = nil
	return x.Fire()
}

// finishCTEs runs the WITH queries that change data to their end, also those that
// nobody read.
func (x *Execution) finishCTEs() error {
	for i, p := range x.Stmt.Subplans {
		if _, ok := p.(*plan.ModifyTable); !ok {
			continue
		}
		if st := x.ctes[i+1]; st != nil && st.done {
			continue
		}
		n, err := x.subplan(i + 1)
		if err != nil {
			return err
		}
		for {
			b, err := n.Next(x)
			if err != nil {
				return err
			}
			if b == nil {
				break
			}
		}
	}
	return nil
}

// Close ends the execution: pins, temporary files and subplans.
func (x *Execution) Close() {
	for i := len(x.nodes) - 1; i >= 0; i-- {
		x.nodes[i].Close(x)
	}
	x.kept, x.nodes = x.nodes, nil
}

// check returns the error of a cancelled statement.
func (x *Execution) check() error {
	select {
	case <-x.Ctx.Done():
		if err := context.Cause(x.Ctx); err != nil {
			if _, ok := pgerr.As(err); ok {
				return err
			}
			if !errors.Is(err, context.Canceled) {
				return err
			}
		}
		return pgerr.New(pgerr.QueryCanceled, "canceling statement due to user request")
	default:
		return nil
	}
}

// byRef reports whether values of type t travel in Bytes.
func (x *Execution) byRef(t oid.OID) (bool, error) {
	info, ok := x.Cat.Type(t)
	if !ok {
		return false, pgerr.New(pgerr.UndefinedObject, "cache lookup failed for type %d", t)
	}
	return !info.ByVal, nil
}

// elem is the storage of elements of type t.
func (x *Execution) elem(t oid.OID) (array.Elem, error) {
	info, ok := x.Cat.Type(t)
	if !ok {
		return array.Elem{}, pgerr.New(pgerr.UndefinedObject, "cache lookup failed for type %d", t)
	}
	return array.Elem{Len: info.Len, ByVal: info.ByVal, Align: info.Align}, nil
}

// subplan builds subplan id when it is first used.
func (x *Execution) subplan(id int) (Node, error) {
	if x.subs[id-1] != nil {
		return x.subs[id-1], nil
	}
	n, err := x.build(x.Stmt.Subplans[id-1])
	if err != nil {
		return nil, err
	}
	x.subs[id-1] = n
	return n, nil
}

// note returns the counters of p, or nil when nobody asked.
func (x *Execution) note(p plan.Plan) *Instrument {
	if !x.Analyze {
		return nil
	}
	s := x.Stats[p]
	if s == nil {
		s = &Instrument{}
		x.Stats[p] = s
	}
	return s
}
