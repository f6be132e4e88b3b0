package page

import (
	"fmt"

	"github.com/pgmini/pgmini/oid"
)

// BlockNumber counts the blocks of a relation fork, from 0.
type BlockNumber uint32

// InvalidBlock is the number that no block has; the largest is one less.
const InvalidBlock BlockNumber = 0xFFFFFFFF

// OffsetNumber numbers the line pointers of a page, from 1. 0 is invalid.
type OffsetNumber uint16

// MaxOffset is the largest offset number that a page can have in principle.
const MaxOffset OffsetNumber = Size / 4

// TID is the place of a tuple (PostgreSQL: ItemPointerData). On disk it has six
// bytes: block high half, block low half, offset.
type TID struct {
	Block BlockNumber
	Off   OffsetNumber
}

// TIDSize is the length of a TID on disk.
const TIDSize = 6

// GetTID reads a TID from its six bytes on disk.
func GetTID(b []byte) TID {
	_ = b[5]
	return TID{BlockNumber(le.Uint16(b))<<16 | BlockNumber(le.Uint16(b[2:])), OffsetNumber(le.Uint16(b[4:]))}
}

// PutTID writes t into b's first six bytes.
func PutTID(b []byte, t TID) {
	_ = b[5]
	le.PutUint16(b, uint16(t.Block>>16))
	le.PutUint16(b[2:], uint16(t.Block))
	le.PutUint16(b[4:], uint16(t.Off))
}

// Valid reports whether t can point at a tuple.
func (t TID) Valid() bool { return t.Off != 0 }

// Compare orders TIDs by block, then by offset.
func (t TID) Compare(u TID) int {
	switch {
	case t.Block != u.Block:
		if t.Block < u.Block {
			return -1
		}
		return 1
	case t.Off != u.Off:
		if t.Off < u.Off {
			return -1
		}
		return 1
	}
	return 0
}

// String prints t as SQL does: (block,offset).
func (t TID) String() string { return fmt.Sprintf("(%d,%d)", t.Block, t.Off) }

// Fork is one of the files of a relation (PostgreSQL: ForkNumber).
type Fork uint8

// The forks.
const (
	MainFork Fork = 0
	FSMFork  Fork = 1
	VMFork   Fork = 2
	InitFork Fork = 3
	MaxFork  Fork = 3
)

// String is the fork's name as pg_waldump prints it.
func (f Fork) String() string {
	switch f {
	case MainFork:
		return "main"
	case FSMFork:
		return "fsm"
	case VMFork:
		return "vm"
	case InitFork:
		return "init"
	}
	return fmt.Sprintf("fork%d", uint8(f))
}

// RelFileNode names the files of a relation (PostgreSQL: RelFileNode).
type RelFileNode struct {
	Spc, DB, Rel oid.OID // DB is 0 for shared relations
}

// String prints r as PostgreSQL's logs do: tablespace/database/relation.
func (r RelFileNode) String() string { return fmt.Sprintf("%d/%d/%d", r.Spc, r.DB, r.Rel) }

// Tag names one block of one fork (PostgreSQL: BufferTag).
type Tag struct {
	Rel   RelFileNode
	Fork  Fork
	Block BlockNumber
}

// String is for messages.
func (t Tag) String() string { return fmt.Sprintf("%s %s block %d", t.Rel, t.Fork, t.Block) }
