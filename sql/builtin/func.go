// Package builtin holds the functions of pg_proc that PostgreSQL implements in C
// ("internal" language), keyed by pg_proc.prosrc: scalar functions, set-returning
// functions, aggregates.
//
// The executor keeps these promises to a function: arguments have the declared
// types (after casts), a strict function (pg_proc.proisstrict) is never called
// with a NULL, and argument bytes stay valid until it returns. A result may
// alias an argument.
//
// INV-BLT-1: every function of the supported types that pg_operator, pg_cast,
// pg_amproc and pg_aggregate name is here, or listed by the test as missing.
// Enforced: Lookup. Tested: TestCoverage.
//
// INV-BLT-2: an expression yields what stock PostgreSQL 15 yields, or the same
// error. Enforced: Lookup. Tested: TestExpressionsLikeStock.
package builtin

import (
	"context"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/sql/types"
)

// Func is one function. Scalar is set but for set-returning functions.
type Func struct {
	Scalar func(c *Call) (datum.Datum, error)
	// Batch computes the rows of sel (nil: all rows of out) into out, which has
	// room for them and a Nulls slice. It does the strictness itself: a NULL
	// argument makes a NULL row. nil: call Scalar row by row.
	Batch func(c *Call, args []types.Vec, out *types.Vec, sel []int32) error
	// Stored: the function is about how its one argument is stored. The executor
	// sets Call.Stored if it knows.
	Stored bool
	// Set starts a set-returning function.
	Set func(c *Call) (Rows, error)
}

// Rows is the result of a set-returning function. The row has one datum, or, for
// a function with several OUT columns, one datum per column. It is valid until
// the next call.
type Rows interface {
	Next() (row []datum.Datum, ok bool, err error)
}

// Call is one call. The executor keeps it between rows and only replaces Args.
type Call struct {
	Args      []datum.Datum
	ArgTypes  []oid.OID // actual types, after the resolution of anyelement
	RetType   oid.OID
	Collation oid.OID
	// Variadic: the last argument is the array of a VARIADIC call.
	Variadic bool
	// Stored is the stored varlena that the argument of a Func with Stored was
	// taken from; nil if the value is not straight from a table.
	Stored []byte
	Env    *Env
	// Memo belongs to the function: a compiled pattern and the like, kept from
	// row to row. nil at first.
	Memo any
}

// Env is a session as functions see it. Fields that a function needs and that
// are nil make it answer 0A000.
type Env struct {
	types.Env
	Ctx       context.Context
	TxTime    func() int64 // now(): microseconds since 2000-01-01 UTC
	StmtTime  func() int64
	Clock     func() int64
	Rand      func() float64 // the session's generator: [0,1)
	SetSeed   func(seed float64)
	RandBytes func(b []byte) // cryptographically strong
	Notice    func(severity, msg string)
	Sys       System
	Seq       Sequences
	Set       Settings
	Xact      Xact
	Admin     Admin
	Locks     AdvisoryLocks
	// Func finds a function by OID, for functions that call functions: the
	// comparison of array elements, of records. nil: built-in types only.
	Func func(o oid.OID) (*Func, bool)
	// UnicodeCase: the database's LC_CTYPE is not C, so that upper and lower
	// change letters beyond ASCII.
	UnicodeCase bool
}

// Lookup returns the function that prosrc names.
func Lookup(prosrc string) (*Func, bool) {
	f, ok := registry()[prosrc]
	return f, ok
}

// Agg is an aggregate, found by its transition and final function.
type Agg struct {
	New func(c *AggCall) AggState
}

// AggCall is what a new state must know.
type AggCall struct {
	ArgTypes  []oid.OID
	RetType   oid.OID
	Collation oid.OID
	Env       *Env
}

// AggState is the state of one group. Step sees NULLs and skips them if the
// aggregate does. It keeps no bytes of args.
type AggState interface {
	Step(args []datum.Datum) error
	Final() (datum.Datum, error)
}

// BatchStepper is an AggState that takes a column at a time.
type BatchStepper interface {
	StepBatch(args []types.Vec, sel []int32) error
}

// LookupAgg returns the aggregate whose pg_aggregate row names these transition
// and final functions (prosrc; final "" if there is none).
func LookupAgg(trans, final string) (*Agg, bool) {
	a, ok := aggregates()[aggKey{trans, final}]
	return a, ok
}
