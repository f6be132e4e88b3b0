package xlog

import "github.com/pgmini/pgmini/lsn"

// InsertBackupEnd logs the end of the base backup that started at start.
func (l *Log) InsertBackupEnd(r *Record, start lsn.LSN) (lsn.LSN, error) {
	r.Begin(RmXLOG, InfoBackupEnd, 0)
	r.Data(le.AppendUint64(nil, uint64(start)))
	return l.Insert(r)
}

// DecodeBackupEnd reads the body of BACKUP_END.
func DecodeBackupEnd(b []byte) (lsn.LSN, error) {
	if len(b) < 8 {
		return 0, errShortBody("BACKUP_END", len(b))
	}
	return lsn.LSN(le.Uint64(b)), nil
}

func descBackupEnd(dst []byte, d *Decoded) []byte {
	at, err := DecodeBackupEnd(d.Main)
	if err != nil {
		return descShort(dst)
	}
	return append(dst, at.String()...)
}
