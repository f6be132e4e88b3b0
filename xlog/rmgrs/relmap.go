package rmgrs

import (
	"fmt"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/xlog"
)

// InfoRelMapUpdate is the one kind of RelMap record (utils/relmapper.h). FROZEN.
const InfoRelMapUpdate = 0x00

// RelMapUpdate carries a whole relation map file (xl_relmap_update).
type RelMapUpdate struct {
	DB, Spc oid.OID
	File    []byte
}

// Append appends the body of the record to dst.
func (m RelMapUpdate) Append(dst []byte) []byte {
	dst = le.AppendUint32(dst, uint32(m.DB))
	dst = le.AppendUint32(dst, uint32(m.Spc))
	dst = le.AppendUint32(dst, uint32(len(m.File)))
	return append(dst, m.File...)
}

// DecodeRelMapUpdate reads the body of RelMap/UPDATE. File aliases b.
func DecodeRelMapUpdate(b []byte) (RelMapUpdate, error) {
	if len(b) < 12 || uint64(le.Uint32(b[8:])) > uint64(len(b)-12) {
		return RelMapUpdate{}, errShort("RelMap/UPDATE", len(b))
	}
	end := 12 + int(le.Uint32(b[8:]))
	return RelMapUpdate{getOID(b), getOID(b[4:]), b[12:end:end]}, nil
}

func identifyRelMap(info uint8) string {
	if info&^xlog.InfoMask == InfoRelMapUpdate {
		return "UPDATE"
	}
	return ""
}

func descRelMap(dst []byte, d *xlog.Decoded) []byte {
	if d.RmgrInfo() != InfoRelMapUpdate {
		return dst
	}
	m, err := DecodeRelMapUpdate(d.Main)
	if err != nil {
		return descShort(dst)
	}
	return fmt.Appendf(dst, "database %d tablespace %d size %d", m.DB, m.Spc, len(m.File))
}
