// Package xid holds the vocabulary of transaction numbers and their circular
// order.
package xid

// XID is a transaction id as tuples and WAL records hold it (PostgreSQL:
// TransactionId). Normal ids are compared modulo 2^32.
type XID uint32

// Ids with a fixed meaning.
const (
	Invalid     XID = 0
	Bootstrap   XID = 1
	Frozen      XID = 2
	FirstNormal XID = 3
)

// IsNormal reports whether x was given to a real transaction.
func (x XID) IsNormal() bool { return x >= FirstNormal }

// Precedes is x < y in the circular order; the fixed ids precede all normal ones.
func (x XID) Precedes(y XID) bool {
	if !x.IsNormal() || !y.IsNormal() {
		return x < y
	}
	return int32(x-y) < 0
}

// PrecedesOrEquals is x <= y in the circular order.
func (x XID) PrecedesOrEquals(y XID) bool { return x == y || x.Precedes(y) }

// Follows is x > y in the circular order.
func (x XID) Follows(y XID) bool { return y.Precedes(x) }

// FollowsOrEquals is x >= y in the circular order.
func (x XID) FollowsOrEquals(y XID) bool { return x == y || y.Precedes(x) }

// Next is the id after x, skipping the fixed ones on wraparound.
func (x XID) Next() XID {
	x++
	if x < FirstNormal {
		return FirstNormal
	}
	return x
}

// Prev is the id before x, skipping the fixed ones on wraparound.
func (x XID) Prev() XID {
	x--
	for x < FirstNormal {
		x--
	}
	return x
}

// Full is a transaction id with its epoch: it never wraps (PostgreSQL:
// FullTransactionId).
type Full uint64

// MakeFull joins an epoch and an id.
func MakeFull(epoch uint32, x XID) Full { return Full(uint64(epoch)<<32 | uint64(x)) }

// XID drops the epoch.
func (f Full) XID() XID { return XID(uint32(f)) }

// Epoch is how often ids have wrapped before f.
func (f Full) Epoch() uint32 { return uint32(f >> 32) }

// Next is the id after f, skipping the fixed ids of each epoch.
func (f Full) Next() Full {
	f++
	for f.XID() < FirstNormal {
		f++
	}
	return f
}

// Multi is a multixact id: a set of lockers and updaters of one tuple
// (PostgreSQL: MultiXactId).
type Multi uint32

// FirstMulti is the first id in use; 0 is invalid.
const FirstMulti Multi = 1

// Precedes is m < n in the circular order of multixact ids.
func (m Multi) Precedes(n Multi) bool { return int32(m-n) < 0 }

// Command numbers the commands of a transaction (PostgreSQL: CommandId).
type Command uint32

// InvalidCommand is the command id that no command has.
const InvalidCommand Command = 0xFFFFFFFF
