package heap

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xid"
)

// Result says what a change of a tuple found (PostgreSQL: TM_Result).
type Result uint8

// The results.
const (
	OK            Result = iota
	Invisible            // inserted after the command that wants to change it
	SelfModified         // changed already by this transaction
	Updated              // updated by a committed transaction
	Deleted              // deleted by a committed transaction
	BeingModified        // another transaction is at it
	WouldBlock           // waiting was not wanted
)

// FailureData describes a tuple that could not be changed (PostgreSQL:
// TM_FailureData). With Updated, CTID is the next version.
type FailureData struct {
	CTID      page.TID
	Xmax      xid.XID
	Cmax      xid.Command // with SelfModified
	Traversed bool        // the locked tuple is a later version than asked for
}

// LockMode is the strength of a row lock (PostgreSQL: LockTupleMode).
type LockMode uint8

// The modes, weak to strong.
const (
	KeyShare LockMode = iota
	Share
	NoKeyExclusive // FOR NO KEY UPDATE
	Exclusive      // FOR UPDATE
)

// WaitPolicy says what to do about a tuple that another transaction holds.
type WaitPolicy uint8

// The policies (PostgreSQL: LockWaitPolicy).
const (
	WaitBlock WaitPolicy = iota
	WaitSkip             // SKIP LOCKED: result WouldBlock
	WaitError            // NOWAIT: error 55P03
)

// Tuple is a row version and its place.
type Tuple struct {
	TID  page.TID
	Data access.Tuple
}

// InsertOptions of Insert and MultiInsert.
type InsertOptions struct {
	Command xid.Command // cmin
	SkipFSM bool        // take new pages only: bulk load into a new table
	Frozen  bool        // COPY FREEZE
	SpecTok uint32      // not 0: speculative insertion with this token
	Bulk    *Bulk       // state of a bulk load, or nil
	NoToast bool        // the tuple is stored as it is
	OnToast bool        // the relation is a TOAST table
	// Raw, if not nil, has for some columns the value compressed in line, as the
	// row takes it (Insert only).
	Raw [][]byte
}

// Bulk is the state of a bulk load (PostgreSQL: BulkInsertState): a buffer ring
// and the page that was filled last.
type Bulk struct {
	ring *bufmgr.Strategy
	last page.BlockNumber
	multiScratch
}

// multiScratch is memory that MultiInsert uses again.
type multiScratch struct {
	tups []access.Tuple
	mem  []byte // of the tuples
	data []byte // of a record
}

// bulkMem is enough for the tuples of a COPY's batch.
const bulkMem = 256 << 10

func (b *Bulk) scratch() *multiScratch {
	if b == nil {
		return &multiScratch{}
	}
	if b.mem == nil {
		b.mem = make([]byte, bulkMem)
	}
	return &b.multiScratch
}

// NewBulk starts a bulk load into rel.
func NewBulk(rel *access.Relation) *Bulk {
	return &Bulk{ring: rel.Pool.NewStrategy(bufmgr.BulkWrite), last: page.InvalidBlock}
}
