package xlog

import (
	"bytes"

	"github.com/pgmini/pgmini/lsn"
)

const (
	restorePointName = 64 // MAXFNAMELEN
	restorePointSize = 8 + restorePointName
)

// RestorePoint is a named place in the log (xl_restore_point).
type RestorePoint struct {
	Time int64 // timestamptz
	Name string
}

// Append appends the body of the record to dst. A name that is too long is cut.
func (p *RestorePoint) Append(dst []byte) []byte {
	dst = le.AppendUint64(dst, uint64(p.Time))
	var name [restorePointName]byte
	copy(name[:restorePointName-1], p.Name)
	return append(dst, name[:]...)
}

// DecodeRestorePoint reads the body of RESTORE_POINT.
func DecodeRestorePoint(b []byte) (RestorePoint, error) {
	if len(b) < restorePointSize {
		return RestorePoint{}, errShortBody("RESTORE_POINT", len(b))
	}
	name, _, _ := bytes.Cut(b[8:restorePointSize], []byte{0})
	return RestorePoint{int64(le.Uint64(b)), string(name)}, nil
}

// InsertRestorePoint logs p (pg_create_restore_point).
func (l *Log) InsertRestorePoint(r *Record, p *RestorePoint) (lsn.LSN, error) {
	r.Begin(RmXLOG, InfoRestorePoint, 0)
	r.Data(p.Append(nil))
	return l.Insert(r)
}

func descRestorePoint(dst []byte, d *Decoded) []byte {
	p, err := DecodeRestorePoint(d.Main)
	if err != nil {
		return descShort(dst)
	}
	return append(dst, p.Name...)
}
