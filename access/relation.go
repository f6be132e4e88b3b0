package access

import (
	"sync"

	"context"
	"sync/atomic"

	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xlog"
)

// Relation is what an access method must know of a table or an index. The
// catalog builds it; it is immutable once built.
type Relation struct {
	OID         oid.OID
	Name        string
	Namespace   oid.OID
	Node        page.RelFileNode
	Backend     int32 // owner of a temporary relation, else -1 (InvalidBackendId)
	Kind        byte  // 'r' table, 'i' index, 't' toast, 'm' 'S' 'v' …
	Persistence byte  // 'p' permanent, 'u' unlogged, 't' temporary
	AM          oid.OID
	Desc        *TupleDesc

	FillFactor      int // 0: the access method's default
	ToastTarget     int // toast_tuple_target; 0: 2032
	ToastOID        oid.OID
	Shared          bool
	IsCatalog       bool
	Unpopulated     bool // a materialized view that was not filled yet
	Sys             *System
	Pool            *bufmgr.Pool                         // shared buffers, or the session's local ones
	Index           *IndexInfo                           // of an index
	HotBlocking     []bool                               // by column: an index on the table uses it (also in expressions and predicates)
	KeyAttrs        []bool                               // by column: part of a unique index that a foreign key could use
	IdentityAttrs   []bool                               // by column: part of the replica identity
	Toast           func() (*Relation, *Relation, error) // TOAST table and its valid index
	LogicallyLogged bool

	target uint32 // TargetBlock + 1
}

// IndexInfo is what an index access method must know besides.
type IndexInfo struct {
	Heap             oid.OID
	Unique           bool
	Primary          bool
	NullsNotDistinct bool
	Immediate        bool
	Valid            bool
	Ready            bool
	KeyCols          int     // the rest is INCLUDEd
	AttNums          []int16 // heap columns, 0 is an expression
	OpClass          []oid.OID
	OpFamily         []oid.OID
	OpcInType        []oid.OID
	Collations       []oid.OID
	Options          []int16 // INDOPTION_DESC 1, INDOPTION_NULLS_FIRST 2
	Compare          []CompareFunc
	EqualImage       bool // every opclass's equal values are the same bytes: deduplication is allowed
	NoDedup          bool // WITH (deduplicate_items = off)
	HasExprs         bool
	HasPred          bool
}

// CompareFunc orders two values that are not null: below, equal to or above 0.
// The catalog binds it from support function 1 of the operator class.
type CompareFunc func(a, b datum.Datum) int

// Logged reports whether changes of r are written to the WAL.
func (r *Relation) Logged() bool { return r.Persistence == 'p' }

// IsTemp reports whether r belongs to one session.
func (r *Relation) IsTemp() bool { return r.Persistence == 't' }

// System is the server that a relation lives in.
type System struct {
	Smgr  *smgr.Manager
	Log   *xlog.Log
	Locks *lmgr.Manager
	Xact  *xact.Manager
	Toast ToastIndex
	// HintWAL says that data checksums or wal_log_hints are on, so that hint bits
	// are preceded by a page image (PostgreSQL: XLogHintBitIsNeeded).
	HintWAL bool
	// BtreeVacuums knows which btrees are being vacuumed.
	BtreeVacuums VacuumCycles
	// BtreeScratch keeps the working memory of index insertions for reuse.
	BtreeScratch sync.Pool
}

// Tag names block blk of r's fork.
func (r *Relation) Tag(fork page.Fork, blk page.BlockNumber) page.Tag {
	return page.Tag{Rel: r.Node, Fork: fork, Block: blk}
}

// LockTag is r's heavyweight lock.
func (r *Relation) LockTag() lmgr.Tag { return lmgr.Relation(r.lockDB(), r.OID) }

// TupleTag is the heavyweight lock of a tuple of r.
func (r *Relation) TupleTag(t page.TID) lmgr.Tag { return lmgr.Tuple(r.lockDB(), r.OID, t) }

func (r *Relation) lockDB() oid.OID {
	if r.Shared {
		return oid.Invalid
	}
	return r.Node.DB
}

// ToastIndex is what TOAST needs of the index access method: heap and nbtree are
// on one layer, so the engine joins them here.
type ToastIndex interface {
	// Insert adds the entry of a chunk to the unique index idx of a TOAST table.
	Insert(ctx context.Context, tx *xact.Tx, idx, toast *Relation, value oid.OID, seq int32, tid page.TID) error
	// Lookup appends to dst the TIDs of the chunks of value with numbers from first
	// to last, in order, whatever their visibility.
	Lookup(idx *Relation, value oid.OID, first, last int32, dst []page.TID) ([]page.TID, error)
}

// TargetBlock is the block that an insertion tries first, or page.InvalidBlock: a
// hint that all sessions share (PostgreSQL: smgr_targblock).
func (r *Relation) TargetBlock() page.BlockNumber {
	return page.BlockNumber(atomic.LoadUint32(&r.target)) - 1
}

// SetTargetBlock stores the hint.
func (r *Relation) SetTargetBlock(b page.BlockNumber) { atomic.StoreUint32(&r.target, uint32(b)+1) }
