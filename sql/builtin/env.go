package builtin

import (
	"context"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/xid"
)

// System answers functions that read the catalogs, the files or the session,
// beyond types.Catalog (which is Env.Catalog).
type System interface {
	// Call answers the function prosrc: every function that hostFuncs lists
	// (pg_get_indexdef, pg_table_is_visible, has_table_privilege_id, current_user …).
	// pgerr.NotYet for what is not written.
	Call(prosrc string, c *Call) (datum.Datum, error)
	// Rows answers a set-returning function that hostSets lists.
	Rows(prosrc string, c *Call) (Rows, error)
}

// Sequences serves nextval and its kin.
type Sequences interface {
	Next(ctx context.Context, seq oid.OID) (int64, error)
	Current(seq oid.OID) (int64, error)
	Last() (int64, error)
	SetVal(ctx context.Context, seq oid.OID, v int64, called bool) error
}

// Settings serves current_setting and set_config.
type Settings interface {
	Show(name string) (value string, ok bool, err error)
	SetConfig(name, value string, local bool) (string, error)
}

// Xact serves the functions on transaction ids.
type Xact interface {
	XID() (xid.Full, error) // assigns one
	XIDIfAssigned() (xid.Full, bool)
	Snapshot() (xmin, xmax xid.Full, xip []xid.Full)
	// Export offers the snapshot to other transactions, under the name it returns.
	Export() (string, error)
	Status(x xid.Full) (string, bool, error) // committed, aborted, in progress; false: too old
}

// Admin serves the WAL position functions.
type Admin interface {
	InRecovery() bool
	InsertLSN() lsn.LSN
	WriteLSN() lsn.LSN
	FlushLSN() lsn.LSN
	Timeline() lsn.Timeline
	SegSize() lsn.SegSize
	Switch() (lsn.LSN, error)
	RestorePoint(name string) (lsn.LSN, error)
	// Message logs a message for logical decoding.
	Message(prefix string, body []byte, transactional bool) (lsn.LSN, error)
}

// AdvisoryLocks serves pg_advisory_lock and its kin. key2 is set for the form
// with two int4 keys (class 2), else the int8 key is split (class 1).
type AdvisoryLocks interface {
	Lock(ctx context.Context, key1, key2 uint32, class int, shared, xact, try bool) (bool, error)
	Unlock(key1, key2 uint32, class int, shared bool) (bool, error)
	UnlockAll()
}
