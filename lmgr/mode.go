package lmgr

// Mode is a heavyweight lock mode (PostgreSQL: LOCKMODE). Stronger modes have
// larger numbers, but strength is decided by the conflict table alone.
type Mode uint8

// The modes of PostgreSQL's table, in its numbering.
const (
	NoLock               Mode = 0
	AccessShare          Mode = 1 // SELECT
	RowShare             Mode = 2 // SELECT FOR UPDATE
	RowExclusive         Mode = 3 // INSERT, UPDATE, DELETE
	ShareUpdateExclusive Mode = 4 // VACUUM, ANALYZE, CREATE INDEX CONCURRENTLY
	Share                Mode = 5 // CREATE INDEX
	ShareRowExclusive    Mode = 6
	Exclusive            Mode = 7
	AccessExclusive      Mode = 8 // ALTER TABLE, DROP TABLE, VACUUM FULL
	maxMode                   = 8
)

// bits is a set of modes: bit m is mode m.
type bits uint16

func (m Mode) bit() bits { return 1 << m }

// conflicts[m] is the set of modes that m excludes (PostgreSQL documentation,
// table "Conflicting Lock Modes"). constant
var conflicts = [maxMode + 1]bits{
	AccessShare:          1 << AccessExclusive,
	RowShare:             1<<Exclusive | 1<<AccessExclusive,
	RowExclusive:         1<<Share | 1<<ShareRowExclusive | 1<<Exclusive | 1<<AccessExclusive,
	ShareUpdateExclusive: 1<<ShareUpdateExclusive | 1<<Share | 1<<ShareRowExclusive | 1<<Exclusive | 1<<AccessExclusive,
	Share:                1<<RowExclusive | 1<<ShareUpdateExclusive | 1<<ShareRowExclusive | 1<<Exclusive | 1<<AccessExclusive,
	ShareRowExclusive:    1<<RowExclusive | 1<<ShareUpdateExclusive | 1<<Share | 1<<ShareRowExclusive | 1<<Exclusive | 1<<AccessExclusive,
	Exclusive:            1<<RowShare | 1<<RowExclusive | 1<<ShareUpdateExclusive | 1<<Share | 1<<ShareRowExclusive | 1<<Exclusive | 1<<AccessExclusive,
	AccessExclusive:      1<<AccessShare | 1<<RowShare | 1<<RowExclusive | 1<<ShareUpdateExclusive | 1<<Share | 1<<ShareRowExclusive | 1<<Exclusive | 1<<AccessExclusive,
}

// Names as messages print them. constant
var modeNames = [maxMode + 1]string{
	"INVALID", "AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock",
	"ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock",
}

// String is the mode's name as pg_locks prints it.
func (m Mode) String() string {
	if m > maxMode {
		return "INVALID"
	}
	return modeNames[m]
}

// Conflicts reports whether m and n exclude each other.
func (m Mode) Conflicts(n Mode) bool { return conflicts[m]&n.bit() != 0 }
