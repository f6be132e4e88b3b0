package rmgrs

import (
	"fmt"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/xlog"
)

// Kinds of Database records (commands/dbcommands_xlog.h). FROZEN.
const (
	InfoDBCreateFileCopy = 0x00
	InfoDBCreateWALLog   = 0x10
	InfoDBDrop           = 0x20
)

// DBCreateFileCopy says that a database folder was copied file by file
// (xl_dbase_create_file_copy_rec).
type DBCreateFileCopy struct{ DB, Spc, SrcDB, SrcSpc oid.OID }

// Append appends the body of the record to dst.
func (c DBCreateFileCopy) Append(dst []byte) []byte {
	for _, o := range [...]oid.OID{c.DB, c.Spc, c.SrcDB, c.SrcSpc} {
		dst = le.AppendUint32(dst, uint32(o))
	}
	return dst
}

// DecodeDBCreateFileCopy reads the body of Database/CREATE_FILE_COPY.
func DecodeDBCreateFileCopy(b []byte) (DBCreateFileCopy, error) {
	if len(b) < 16 {
		return DBCreateFileCopy{}, errShort("Database/CREATE_FILE_COPY", len(b))
	}
	return DBCreateFileCopy{getOID(b), getOID(b[4:]), getOID(b[8:]), getOID(b[12:])}, nil
}

// DBCreateWALLog says that a database folder was made, whose files the following
// records fill (xl_dbase_create_wal_log_rec).
type DBCreateWALLog struct{ DB, Spc oid.OID }

// Append appends the body of the record to dst.
func (c DBCreateWALLog) Append(dst []byte) []byte {
	return le.AppendUint32(le.AppendUint32(dst, uint32(c.DB)), uint32(c.Spc))
}

// DecodeDBCreateWALLog reads the body of Database/CREATE_WAL_LOG.
func DecodeDBCreateWALLog(b []byte) (DBCreateWALLog, error) {
	if len(b) < 8 {
		return DBCreateWALLog{}, errShort("Database/CREATE_WAL_LOG", len(b))
	}
	return DBCreateWALLog{getOID(b), getOID(b[4:])}, nil
}

// DBDrop says that a database's folders were removed (xl_dbase_drop_rec).
type DBDrop struct {
	DB   oid.OID
	Spcs []oid.OID
}

// Append appends the body of the record to dst.
func (c DBDrop) Append(dst []byte) []byte {
	dst = le.AppendUint32(dst, uint32(c.DB))
	dst = le.AppendUint32(dst, uint32(len(c.Spcs)))
	for _, s := range c.Spcs {
		dst = le.AppendUint32(dst, uint32(s))
	}
	return dst
}

// DecodeDBDrop reads the body of Database/DROP.
func DecodeDBDrop(b []byte) (DBDrop, error) {
	if len(b) < 8 || uint64(le.Uint32(b[4:])) > uint64(len(b)-8)/4 {
		return DBDrop{}, errShort("Database/DROP", len(b))
	}
	d := DBDrop{DB: getOID(b)}
	for i := range int(le.Uint32(b[4:])) {
		d.Spcs = append(d.Spcs, getOID(b[8+4*i:]))
	}
	return d, nil
}

func getOID(b []byte) oid.OID { return oid.OID(le.Uint32(b)) }

func identifyDatabase(info uint8) string {
	switch info &^ xlog.InfoMask {
	case InfoDBCreateFileCopy:
		return "CREATE_FILE_COPY"
	case InfoDBCreateWALLog:
		return "CREATE_WAL_LOG"
	case InfoDBDrop:
		return "DROP"
	}
	return ""
}

func descDatabase(dst []byte, d *xlog.Decoded) []byte {
	switch d.RmgrInfo() {
	case InfoDBCreateFileCopy:
		if c, err := DecodeDBCreateFileCopy(d.Main); err == nil {
			return fmt.Appendf(dst, "copy dir %d/%d to %d/%d", c.SrcSpc, c.SrcDB, c.Spc, c.DB)
		}
	case InfoDBCreateWALLog:
		if c, err := DecodeDBCreateWALLog(d.Main); err == nil {
			return fmt.Appendf(dst, "create dir %d/%d", c.Spc, c.DB)
		}
	case InfoDBDrop:
		if c, err := DecodeDBDrop(d.Main); err == nil {
			dst = append(dst, "dir"...)
			for _, s := range c.Spcs {
				dst = fmt.Appendf(dst, " %d/%d", s, c.DB)
			}
			return dst
		}
	default:
		return dst
	}
	return descShort(dst)
}
