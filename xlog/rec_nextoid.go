package xlog

import (
	"strconv"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
)

// InsertNextOID logs that object ids below next may be in use (XLogPutNextOid).
func (l *Log) InsertNextOID(r *Record, next oid.OID) (lsn.LSN, error) {
	r.Begin(RmXLOG, InfoNextOID, 0)
	r.Data(le.AppendUint32(nil, uint32(next)))
	return l.Insert(r)
}

// DecodeNextOID reads the body of NEXTOID.
func DecodeNextOID(b []byte) (oid.OID, error) {
	if len(b) < 4 {
		return 0, errShortBody("NEXTOID", len(b))
	}
	return oid.OID(le.Uint32(b)), nil
}

func descNextOID(dst []byte, d *Decoded) []byte {
	o, err := DecodeNextOID(d.Main)
	if err != nil {
		return descShort(dst)
	}
	return strconv.AppendUint(dst, uint64(o), 10)
}
