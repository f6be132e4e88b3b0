package sysfuncs

import (
	"strings"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/numeric"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/sql/builtin"
)

// counter reads a statistic; 0 if nobody counts it.
func (s *System) counter(name string, object oid.OID) int64 {
	if s.d.Server == nil {
		return 0
	}
	n, _ := s.d.Server.Counter(name, object)
	return n
}

// statistic answers the pg_stat_get_… functions.
func (s *System) statistic(fn string, c *builtin.Call) answer {
	name, ok := strings.CutPrefix(fn, "pg_stat_")
	if !ok {
		return answer{}
	}
	switch name {
	case "clear_snapshot", "force_next_flush", "reset", "reset_shared", "reset_single_table_counters", "reset_single_function_counters", "reset_slru":
		return number(0)
	case "get_wal":
		n, err := numeric.FromInt(s.counter("wal_bytes", 0)).Encode()
		if err != nil {
			return failed(err)
		}
		i := func(k string) datum.Datum { return datum.Int(s.counter(k, 0)) }
		return record(c, "int8 int8 numeric int8 int8 int8 float8 float8 timestamptz", i("wal_records"), i("wal_fpi"), datum.Bytes(n),
			i("wal_buffers_full"), i("wal_write"), i("wal_sync"), datum.Float8(float64(s.counter("wal_write_time", 0))/1000),
			datum.Float8(float64(s.counter("wal_sync_time", 0))/1000), s.reset())
	case "get_archiver":
		no := datum.Null()
		return record(c, "int8 text timestamptz int8 text timestamptz timestamptz", datum.Int(s.counter("archived_count", 0)), no, no,
			datum.Int(s.counter("failed_count", 0)), no, no, s.reset())
	case "get_recovery_prefetch":
		z := datum.Int(0)
		return record(c, "timestamptz int8 int8 int8 int8 int8 int8 int4 int4 int4", s.reset(), z, z, z, z, z, z, z, z, z)
	case "get_wal_receiver", "get_replication_slot", "get_subscription_stats":
		return null()
	case "get_bgwriter_stat_reset_time":
		return value(s.reset())
	case "get_snapshot_timestamp":
		return null()
	case "have_stats":
		return boolean(false)
	}
	if strings.HasPrefix(name, "get_backend_") {
		return s.backendStatistic(name, c)
	}
	if !strings.HasPrefix(name, "get_") {
		return answer{}
	}
	var object oid.OID
	if len(c.Args) > 0 {
		object = argOID(c, 0)
	}
	n := s.counter(fn, object)
	switch {
	case strings.HasPrefix(name, "get_last_"), strings.HasSuffix(name, "_reset_time"), name == "get_db_checksum_last_failure":
		if n == 0 {
			return null()
		}
		return number(n)
	case name == "get_function_calls", strings.HasPrefix(name, "get_xact_function_"), name == "get_function_total_time", name == "get_function_self_time":
		if n == 0 {
			return null()
		}
		if strings.HasSuffix(name, "_calls") {
			return number(n)
		}
		return value(datum.Float8(float64(n) / 1000))
	case name == "get_checkpoint_write_time", name == "get_checkpoint_sync_time", strings.HasSuffix(name, "_read_time"), strings.HasSuffix(name, "_write_time"),
		name == "get_db_session_time", name == "get_db_active_time", name == "get_db_idle_in_transaction_time":
		return value(datum.Float8(float64(n) / 1000))
	case name == "get_db_checksum_failures":
		return number(n)
	case name == "get_db_numbackends":
		if s.d.Server == nil {
			return number(0)
		}
		for _, a := range s.d.Server.Activity() {
			if a.Database == object {
				n++
			}
		}
		return number(n)
	}
	return number(n)
}

// reset is when counting began: with the server.
func (s *System) reset() datum.Datum {
	if s.d.Server == nil {
		return datum.Null()
	}
	return moment(s.d.Server.StartTime())
}

// backendStatistic answers functions on one session, by its number in the list
// of activities.
func (s *System) backendStatistic(name string, c *builtin.Call) answer {
	if s.d.Server == nil {
		return null()
	}
	all, at := s.d.Server.Activity(), int(c.Args[0].Int)
	if at < 1 || at > len(all) {
		return null()
	}
	a := all[at-1]
	switch strings.TrimPrefix(name, "get_backend_") {
	case "pid":
		return number(int64(a.PID))
	case "dbid":
		return value(datum.Int(int64(a.Database)))
	case "userid":
		return value(datum.Int(int64(a.User)))
	case "activity":
		return text(a.Query)
	case "activity_start":
		return value(moment(a.QueryStart))
	case "xact_start":
		return value(moment(a.XactStart))
	case "start":
		return value(moment(a.BackendStart))
	case "wait_event":
		return value(strOrNull(a.WaitEvent))
	case "wait_event_type":
		return value(strOrNull(a.WaitType))
	}
	return null()
}
