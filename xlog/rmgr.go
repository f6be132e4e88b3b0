package xlog

import "fmt"

// RmgrID numbers a resource manager: the part of the system that wrote a record
// and knows how to replay it (PostgreSQL: RmgrId).
type RmgrID uint8

// The resource managers of PostgreSQL 15 (access/rmgrlist.h). FROZEN.
const (
	RmXLOG       RmgrID = 0
	RmXact       RmgrID = 1
	RmSmgr       RmgrID = 2
	RmClog       RmgrID = 3
	RmDbase      RmgrID = 4
	RmTblspc     RmgrID = 5
	RmMultiXact  RmgrID = 6
	RmRelMap     RmgrID = 7
	RmStandby    RmgrID = 8
	RmHeap2      RmgrID = 9
	RmHeap       RmgrID = 10
	RmBtree      RmgrID = 11
	RmHash       RmgrID = 12
	RmGin        RmgrID = 13
	RmGist       RmgrID = 14
	RmSeq        RmgrID = 15
	RmSPGist     RmgrID = 16
	RmBrin       RmgrID = 17
	RmCommitTs   RmgrID = 18
	RmReplOrigin RmgrID = 19
	RmGeneric    RmgrID = 20
	RmLogicalMsg RmgrID = 21

	// RmMaxBuiltin is the highest id that PostgreSQL itself uses.
	RmMaxBuiltin = RmLogicalMsg
	// RmMinCustom to RmMaxCustom are for extensions.
	RmMinCustom RmgrID = 128
	RmMaxCustom RmgrID = 255
)

// Names as messages print them. constant
var rmgrNames = [...]string{
	"XLOG", "Transaction", "Storage", "CLOG", "Database", "Tablespace",
	"MultiXact", "RelMap", "Standby", "Heap2", "Heap", "Btree", "Hash", "Gin",
	"Gist", "Sequence", "SPGist", "BRIN", "CommitTs", "ReplicationOrigin",
	"Generic", "LogicalMessage",
}

// String is the name that pg_waldump prints.
func (id RmgrID) String() string {
	if int(id) < len(rmgrNames) {
		return rmgrNames[id]
	}
	return fmt.Sprintf("custom%03d", uint8(id))
}

// Builtin reports whether id is one of PostgreSQL's own.
func (id RmgrID) Builtin() bool { return id <= RmMaxBuiltin }

// Valid reports whether id may stand in a record.
func (id RmgrID) Valid() bool { return id <= RmMaxBuiltin || id >= RmMinCustom }

// Describer turns the records of one resource manager into pg_waldump's text.
// Identify gets xl_info with InfoMask cleared and returns "" for a record that
// it does not know; Desc appends the description, which may be empty.
type Describer struct {
	ID       RmgrID
	Identify func(info uint8) string
	Desc     func(dst []byte, d *Decoded) []byte
}

// RedoFunc replays one record. It may use only the record and the pages that it
// names.
type RedoFunc func(d *Decoded) error
