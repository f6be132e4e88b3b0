package xlog

import (
	"fmt"

	"github.com/pgmini/pgmini/lsn"
)

const endOfRecoverySize = 16

// EndOfRecovery marks the end of recovery in place of a checkpoint
// (xl_end_of_recovery).
type EndOfRecovery struct {
	Time         int64 // timestamptz
	TLI, PrevTLI lsn.Timeline
}

// Append appends the body of the record to dst.
func (e *EndOfRecovery) Append(dst []byte) []byte {
	dst = le.AppendUint64(dst, uint64(e.Time))
	dst = le.AppendUint32(dst, uint32(e.TLI))
	return le.AppendUint32(dst, uint32(e.PrevTLI))
}

// DecodeEndOfRecovery reads the body of END_OF_RECOVERY.
func DecodeEndOfRecovery(b []byte) (EndOfRecovery, error) {
	if len(b) < endOfRecoverySize {
		return EndOfRecovery{}, errShortBody("END_OF_RECOVERY", len(b))
	}
	return EndOfRecovery{int64(le.Uint64(b)), lsn.Timeline(le.Uint32(b[8:])), lsn.Timeline(le.Uint32(b[12:]))}, nil
}

// InsertEndOfRecovery logs e.
func (l *Log) InsertEndOfRecovery(r *Record, e *EndOfRecovery) (lsn.LSN, error) {
	r.Begin(RmXLOG, InfoEndOfRecovery, 0)
	r.Data(e.Append(nil))
	return l.Insert(r)
}

func descEndOfRecovery(dst []byte, d *Decoded) []byte {
	e, err := DecodeEndOfRecovery(d.Main)
	if err != nil {
		return descShort(dst)
	}
	dst = fmt.Appendf(dst, "tli %d; prev tli %d; time ", e.TLI, e.PrevTLI)
	return AppendTime(dst, e.Time)
}
