package xlog

import (
	"fmt"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/pgcontrol"
)

const parameterChangeSize = 28

// ParameterChange holds the settings that a standby must match
// (xl_parameter_change).
type ParameterChange struct {
	MaxConnections, MaxWorkerProcesses, MaxWALSenders int32
	MaxPreparedXacts, MaxLocksPerXact                 int32
	WALLevel                                          pgcontrol.WALLevel
	WALLogHints, TrackCommitTimestamp                 bool
}

// Append appends the body of the record to dst.
func (p *ParameterChange) Append(dst []byte) []byte {
	for _, v := range [...]int32{p.MaxConnections, p.MaxWorkerProcesses, p.MaxWALSenders,
		p.MaxPreparedXacts, p.MaxLocksPerXact, int32(p.WALLevel)} {
		dst = le.AppendUint32(dst, uint32(v))
	}
	return append(dst, boolByte(p.WALLogHints), boolByte(p.TrackCommitTimestamp), 0, 0)
}

// DecodeParameterChange reads the body of PARAMETER_CHANGE.
func DecodeParameterChange(b []byte) (ParameterChange, error) {
	if len(b) < parameterChangeSize {
		return ParameterChange{}, errShortBody("PARAMETER_CHANGE", len(b))
	}
	i := func(at int) int32 { return int32(le.Uint32(b[at:])) }
	return ParameterChange{i(0), i(4), i(8), i(12), i(16), pgcontrol.WALLevel(i(20)), b[24] != 0, b[25] != 0}, nil
}

// InsertParameterChange logs p.
func (l *Log) InsertParameterChange(r *Record, p *ParameterChange) (lsn.LSN, error) {
	r.Begin(RmXLOG, InfoParameterChange, 0)
	r.Data(p.Append(nil))
	return l.Insert(r)
}

func onOff(b bool) string {
	if b {
		return "on"
	}
	return "off"
}

func descParameterChange(dst []byte, d *Decoded) []byte {
	p, err := DecodeParameterChange(d.Main)
	if err != nil {
		return descShort(dst)
	}
	level := p.WALLevel.String()
	if p.WALLevel < pgcontrol.Minimal || p.WALLevel > pgcontrol.Logical {
		level = "?"
	}
	return fmt.Appendf(dst, "max_connections=%d max_worker_processes=%d max_wal_senders=%d max_prepared_xacts=%d "+
		"max_locks_per_xact=%d wal_level=%s wal_log_hints=%s track_commit_timestamp=%s",
		p.MaxConnections, p.MaxWorkerProcesses, p.MaxWALSenders, p.MaxPreparedXacts,
		p.MaxLocksPerXact, level, onOff(p.WALLogHints), onOff(p.TrackCommitTimestamp))
}
