package rmgrs

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/xlog"
)

// Kinds of Tablespace records (commands/tablespace.h). FROZEN.
const (
	InfoTblspcCreate = 0x00
	InfoTblspcDrop   = 0x10
)

// TblspcCreate says that a tablespace was made (xl_tblspc_create_rec).
type TblspcCreate struct {
	Spc  oid.OID
	Path string
}

// Append appends the body of the record to dst.
func (t TblspcCreate) Append(dst []byte) []byte {
	dst = le.AppendUint32(dst, uint32(t.Spc))
	return append(append(dst, t.Path...), 0)
}

// DecodeTblspcCreate reads the body of Tablespace/CREATE.
func DecodeTblspcCreate(b []byte) (TblspcCreate, error) {
	if len(b) < 5 {
		return TblspcCreate{}, errShort("Tablespace/CREATE", len(b))
	}
	path, _, _ := bytes.Cut(b[4:], []byte{0})
	return TblspcCreate{getOID(b), string(path)}, nil
}

// AppendTblspcDrop appends the body of Tablespace/DROP to dst
// (xl_tblspc_drop_rec).
func AppendTblspcDrop(dst []byte, spc oid.OID) []byte { return le.AppendUint32(dst, uint32(spc)) }

// DecodeTblspcDrop reads the body of Tablespace/DROP.
func DecodeTblspcDrop(b []byte) (oid.OID, error) {
	if len(b) < 4 {
		return 0, errShort("Tablespace/DROP", len(b))
	}
	return getOID(b), nil
}

func identifyTablespace(info uint8) string {
	switch info &^ xlog.InfoMask {
	case InfoTblspcCreate:
		return "CREATE"
	case InfoTblspcDrop:
		return "DROP"
	}
	return ""
}

func descTablespace(dst []byte, d *xlog.Decoded) []byte {
	switch d.RmgrInfo() {
	case InfoTblspcCreate:
		if t, err := DecodeTblspcCreate(d.Main); err == nil {
			return fmt.Appendf(dst, "%d \"%s\"", t.Spc, t.Path)
		}
	case InfoTblspcDrop:
		if o, err := DecodeTblspcDrop(d.Main); err == nil {
			return strconv.AppendUint(dst, uint64(o), 10)
		}
	default:
		return dst
	}
	return descShort(dst)
}
