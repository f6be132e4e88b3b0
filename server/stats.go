package server

import (
	"maps"

	"github.com/pgmini/pgmini/pgstat"
	"github.com/pgmini/pgmini/sql/sysfuncs"
)

// Stats is part of session.Server.
func (s *Server) Stats() *pgstat.Server { return s.stats }

// counters are the counters that the workers and the shared structures keep, by
// group and by the names of pg_stat_get_… or of pg_stat_get_wal's columns. Times
// are in microseconds.
func (s *Server) counters(group string) map[string]int64 {
	m := s.inst.Metrics()
	switch group {
	case "wal":
		w := &m.WAL
		return map[string]int64{"wal_records": w.Records.Load(), "wal_fpi": w.FPI.Load(), "wal_bytes": w.Bytes.Load(),
			"wal_buffers_full": w.BuffersFull.Load(), "wal_write": w.Writes.Load(), "wal_sync": w.Syncs.Load(),
			"wal_write_time": w.WriteNS.Load() / 1000, "wal_sync_time": w.SyncNS.Load() / 1000}
	case "bgwriter":
		c, b, p := &m.Checkpoint, &m.Bgwriter, &s.inst.Pool().Stats
		return map[string]int64{"pg_stat_get_bgwriter_timed_checkpoints": c.Timed.Load(),
			"pg_stat_get_bgwriter_requested_checkpoints":   c.Requested.Load(),
			"pg_stat_get_checkpoint_write_time":            c.WriteTime.Load() / 1000,
			"pg_stat_get_checkpoint_sync_time":             c.SyncTime.Load() / 1000,
			"pg_stat_get_bgwriter_buf_written_checkpoints": c.Buffers.Load(),
			"pg_stat_get_bgwriter_buf_written_clean":       b.Cleaned.Load(),
			"pg_stat_get_bgwriter_maxwritten_clean":        b.MaxWritten.Load(),
			"pg_stat_get_buf_written_backend":              p.BackendWrites.Load() + p.Extends.Load(),
			"pg_stat_get_buf_alloc":                        p.Allocs.Load()}
	}
	return nil
}

// groups are those of pg_stat_reset_shared. constant
var groups = [...]string{"wal", "bgwriter", "archiver", "recovery_prefetch"}

// firstPID is above which sessions and workers are numbered: they are no
// processes of their own.
const firstPID = 1000

// workers are the background workers: backend_type and wait_event. constant
var workers = [...][2]string{{"checkpointer", "CheckpointerMain"}, {"background writer", "BgWriterMain"}, {"walwriter", "WalWriterMain"}}

// workers are their rows of pg_stat_activity. What they do just now is not told.
func (s *Server) workers() []sysfuncs.Activity {
	var out []sysfuncs.Activity
	for i, w := range workers {
		out = append(out, sysfuncs.Activity{PID: firstPID + int32(i) + 1, BackendStart: s.inst.StartTime(), WaitType: "Activity", WaitEvent: w[1], Type: w[0]})
	}
	return out
}

// Counter is part of session.Server.
func (s *Server) Counter(name string) (int64, bool) {
	for _, g := range groups {
		if n, ok := s.counters(g)[name]; ok {
			return s.stats.Since(name, n), true
		}
	}
	return 0, false
}

// ResetShared is part of session.Server.
func (s *Server) ResetShared(group string) { s.stats.ResetShared(group, maps.Clone(s.counters(group))) }
