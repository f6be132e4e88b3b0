package xlog

import (
	"fmt"

	"github.com/pgmini/pgmini/lsn"
)

const overwriteContRecordSize = 16

// OverwriteContRecord stands first on the page where the rest of an aborted
// record should have been (xl_overwrite_contrecord).
type OverwriteContRecord struct {
	LSN  lsn.LSN // start of the aborted record
	Time int64   // timestamptz
}

// Append appends the body of the record to dst.
func (o *OverwriteContRecord) Append(dst []byte) []byte {
	dst = le.AppendUint64(dst, uint64(o.LSN))
	return le.AppendUint64(dst, uint64(o.Time))
}

// DecodeOverwriteContRecord reads the body of OVERWRITE_CONTRECORD.
func DecodeOverwriteContRecord(b []byte) (OverwriteContRecord, error) {
	if len(b) < overwriteContRecordSize {
		return OverwriteContRecord{}, errShortBody("OVERWRITE_CONTRECORD", len(b))
	}
	return OverwriteContRecord{lsn.LSN(le.Uint64(b)), int64(le.Uint64(b[8:]))}, nil
}

// InsertOverwriteContRecord logs o: the first record after OpenForWrite with
// Options.MissingContRecord, flushed at once so that readers see it.
func (l *Log) InsertOverwriteContRecord(r *Record, o *OverwriteContRecord) (lsn.LSN, error) {
	r.Begin(RmXLOG, InfoOverwriteContRecord, 0)
	r.Data(o.Append(nil))
	at, err := l.Insert(r)
	if err != nil {
		return 0, err
	}
	return at, l.Flush(at)
}

func descOverwriteContRecord(dst []byte, d *Decoded) []byte {
	o, err := DecodeOverwriteContRecord(d.Main)
	if err != nil {
		return descShort(dst)
	}
	dst = fmt.Appendf(dst, "lsn %s; time ", o.LSN)
	return AppendTime(dst, o.Time)
}
