package nbtree

import (
	"context"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xact/ssi"
	"github.com/pgmini/pgmini/xid"
)

// UniqueCheck says how Insert enforces uniqueness (PostgreSQL: IndexUniqueCheck).
type UniqueCheck uint8

// The checks.
const (
	UniqueNo       UniqueCheck = iota // not a unique index, or the caller knows better
	UniqueYes                         // a conflict is an error
	UniquePartial                     // insert; report a possible conflict (deferrable)
	UniqueExisting                    // do not insert: recheck an entry that is there
)

// Probe is the answer of Heap.Probe.
type Probe struct {
	// Found says that a version of the row is visible to a dirty snapshot: live,
	// or becoming so.
	Found bool
	// Wait is the transaction in progress on whose end Found depends, or invalid.
	Wait xid.XID
	// Token, with Wait: the row is a speculative insertion; wait for that only.
	Token uint32
	// Dead says that no transaction can see any version any more.
	Dead bool
}

// Heap is what an index asks its table. The heap implements it.
type Heap interface {
	// Probe follows the HOT chain at tid under a dirty snapshot.
	Probe(tid page.TID) (Probe, error)
	// Alive reports whether a version at tid is visible to SnapshotSelf.
	Alive(tid page.TID) (bool, error)
	// Deletable decides which index entries may go (PostgreSQL:
	// table_index_delete_tuples): it sorts op.TIDs by TID, sets OK on those whose
	// rows no one can see, may drop entries that it did not look at, and returns
	// the newest xid that removing them depends on.
	Deletable(op *DeleteOp) (latestRemoved xid.XID, err error)
}

// SpeculativeWaiter is what a Heap implements that knows speculative insertions.
type SpeculativeWaiter interface {
	WaitSpeculative(ctx context.Context, x xid.XID, token uint32) error
}

// DeleteOp asks a heap which entries of one leaf page can be deleted (PostgreSQL:
// TM_IndexDeleteOp).
type DeleteOp struct {
	BottomUp  bool // no entry is known to be dead: look where it pays
	FreeSpace int  // bottom-up: bytes that would be enough
	TIDs      []DeleteTID
}

// DeleteTID is one candidate of a DeleteOp.
type DeleteTID struct {
	TID       page.TID
	Item      page.OffsetNumber // on the leaf; keep it
	Known     bool              // in: LP_DEAD. The heap need not check, but for the xid
	Promising bool              // bottom-up: one of a group of duplicates
	FreeSpace int               // bottom-up: bytes that deleting this entry frees
	OK        bool              // out: deletable
}

// InsertOptions of Insert.
type InsertOptions struct {
	Check UniqueCheck
	// Unchanged is the executor's hint that an UPDATE did not change the key: the
	// entry is one more version of the same row.
	Unchanged bool
	Heap      Heap // required with a unique check; without it nothing is deleted on the way
	// Describe gives the key for the error's detail, «(a, b)=(1, 2)», or "" if the
	// user may not see it.
	Describe func(vals []datum.Datum) string
}

// Strategies of btree operators.
const (
	Less           = 1
	LessOrEqual    = 2
	Equal          = 3
	GreaterOrEqual = 4
	Greater        = 5
)

// Key is one condition of a scan: column operator argument. Keys are connected by
// AND.
type Key struct {
	Col      int   // index column, from 0
	Strategy uint8 // Less … Greater
	Arg      datum.Datum
	// Cmp orders a column's value and the argument, where their types differ; nil
	// is the index's own.
	Cmp     func(col, arg datum.Datum) int
	IsNull  bool // column IS NULL: Strategy and Arg do not count
	NotNull bool // column IS NOT NULL
	// Array, with IsArray: column operator ANY (array).
	IsArray bool
	Array   []datum.Datum
	// Row, with IsRow: row comparison; the first column's condition is this key's,
	// the others follow.
	Row []Key
}

// ScanOptions of a scan.
type ScanOptions struct {
	// WantTuple keeps the index tuples, for index-only scans.
	WantTuple bool
	// KeepPin holds the leaf's pin while its matches are returned: needed without
	// an MVCC snapshot and by index-only scans, so that vacuum cannot give a TID to
	// another row meanwhile.
	KeepPin bool
	// Reads is who tracks what is read, at the level serializable; else nil.
	Reads *ssi.Xact
}

// VacuumStats is what vacuum counted (PostgreSQL: IndexBulkDeleteResult).
type VacuumStats struct {
	Pages         page.BlockNumber // in the index
	Estimated     bool             // Tuples is not exact
	Tuples        float64          // left
	TuplesRemoved float64
	NewlyDeleted  page.BlockNumber // pages this vacuum deleted
	Deleted       page.BlockNumber // pages that are deleted, ever
	Free          page.BlockNumber // pages that can be reused
}
