package sysfuncs

import (
	"strings"
	"time"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/numeric"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/pgstat"
	"github.com/pgmini/pgmini/sql/builtin"
)

// counter reads a server-wide statistic; 0 if nobody counts it.
func (s *System) counter(name string) int64 {
	if s.d.Server == nil {
		return 0
	}
	n, _ := s.d.Server.Counter(name)
	return n
}

// statistic answers the pg_stat_… functions.
func (s *System) statistic(fn string, c *builtin.Call) answer {
	name, ok := strings.CutPrefix(fn, "pg_stat_")
	if !ok {
		return answer{}
	}
	if a := s.resetStats(name, c); a.done {
		return a
	}
	switch name {
	case "clear_snapshot", "force_next_flush":
		return number(0)
	case "get_wal":
		n, err := numeric.FromInt(s.counter("wal_bytes")).Encode()
		if err != nil {
			return failed(err)
		}
		i := func(k string) datum.Datum { return datum.Int(s.counter(k)) }
		return record(c, "int8 int8 numeric int8 int8 int8 float8 float8 timestamptz", i("wal_records"), i("wal_fpi"), datum.Bytes(n),
			i("wal_buffers_full"), i("wal_write"), i("wal_sync"), datum.Float8(float64(s.counter("wal_write_time"))/1000),
			datum.Float8(float64(s.counter("wal_sync_time"))/1000), s.reset("wal"))
	case "get_archiver":
		no := datum.Null()
		return record(c, "int8 text timestamptz int8 text timestamptz timestamptz", datum.Int(s.counter("archived_count")), no, no,
			datum.Int(s.counter("failed_count")), no, no, s.reset("archiver"))
	case "get_recovery_prefetch":
		z := datum.Int(0)
		return record(c, "timestamptz int8 int8 int8 int8 int8 int8 int4 int4 int4", s.reset("recovery_prefetch"), z, z, z, z, z, z, z, z, z)
	case "get_wal_receiver", "get_replication_slot", "get_subscription_stats", "get_snapshot_timestamp":
		return null()
	case "get_bgwriter_stat_reset_time":
		return value(s.reset("bgwriter"))
	case "get_checkpoint_write_time", "get_checkpoint_sync_time":
		return value(datum.Float8(float64(s.counter(fn)) / 1000))
	case "have_stats":
		return s.haveStats(c)
	case "get_function_calls", "get_function_total_time", "get_function_self_time", "get_xact_function_calls", "get_xact_function_total_time",
		"get_xact_function_self_time":
		return null() // track_functions is off
	}
	if strings.HasPrefix(name, "get_backend_") {
		return s.backendStatistic(name, c)
	}
	if db, ok := strings.CutPrefix(name, "get_db_"); ok {
		return s.databaseStatistic(db, argOID(c, 0))
	}
	if x, ok := strings.CutPrefix(name, "get_xact_"); ok {
		return tableStatistic(x, pgstat.Table{Counts: s.d.Stats.Pending(argOID(c, 0))})
	}
	if get, ok := strings.CutPrefix(name, "get_"); ok && len(c.Args) == 1 && s.d.Server != nil {
		t, _ := s.d.Server.Stats().Table(s.d.Catalog.DatabaseOID(), argOID(c, 0))
		return tableStatistic(get, t)
	}
	if strings.HasPrefix(name, "get_") {
		return number(s.counter(fn))
	}
	return answer{}
}

// resetStats answers pg_stat_reset and its kin.
func (s *System) resetStats(name string, c *builtin.Call) answer {
	if !strings.HasPrefix(name, "reset") || s.d.Server == nil {
		return answer{}
	}
	db := s.d.Catalog.DatabaseOID()
	switch st := s.d.Server.Stats(); name {
	case "reset":
		st.ResetDatabase(db)
	case "reset_single_table_counters":
		st.ResetTable(db, argOID(c, 0))
	case "reset_shared":
		switch t := c.Args[0].Str(); t {
		case "wal", "bgwriter", "archiver", "recovery_prefetch":
			s.d.Server.ResetShared(t)
		default:
			return failed(pgerr.New(pgerr.InvalidParameterValue, "unrecognized reset target: \"%s\"", t).
				WithHint("Target must be \"archiver\", \"bgwriter\", \"recovery_prefetch\", or \"wal\"."))
		}
	case "reset_slru", "reset_single_function_counters":
	case "reset_replication_slot":
		if !c.Args[0].Null {
			return failed(pgerr.New(pgerr.InvalidParameterValue, "replication slot \"%s\" does not exist", c.Args[0].Str()))
		}
	case "reset_subscription_stats":
		if !c.Args[0].Null && argOID(c, 0) == 0 {
			return failed(pgerr.New(pgerr.InvalidParameterValue, "invalid subscription OID %d", 0))
		}
	default:
		return answer{}
	}
	return number(0)
}

func (s *System) haveStats(c *builtin.Call) answer {
	if s.d.Server == nil {
		return boolean(false)
	}
	var ok bool
	db, id := argOID(c, 1), argOID(c, 2)
	switch kind := strings.ToLower(c.Args[0].Str()); kind {
	case "database":
		_, ok = s.d.Server.Stats().Database(db)
	case "relation":
		_, ok = s.d.Server.Stats().Table(db, id)
	case "archiver", "bgwriter", "checkpointer", "slru", "wal":
		ok = true
	case "function", "replslot", "subscription":
	default:
		return failed(pgerr.New(pgerr.InvalidParameterValue, "invalid statistics kind: \"%s\"", c.Args[0].Str()))
	}
	return boolean(ok)
}

// tableStatistic is one of the counters of a relation.
func tableStatistic(name string, t pgstat.Table) answer {
	switch name {
	case "numscans":
		return number(t.Scans)
	case "tuples_returned":
		return number(t.Returned)
	case "tuples_fetched":
		return number(t.Fetched)
	case "tuples_inserted":
		return number(t.Inserted)
	case "tuples_updated":
		return number(t.Updated)
	case "tuples_deleted":
		return number(t.Deleted)
	case "tuples_hot_updated":
		return number(t.HotUpdated)
	case "live_tuples":
		return number(t.Live)
	case "dead_tuples":
		return number(t.Dead)
	case "mod_since_analyze":
		return number(t.ChangedSinceAnalyze)
	case "ins_since_vacuum":
		return number(t.InsertsSinceVacuum)
	case "blocks_fetched":
		return number(t.BlocksFetched)
	case "blocks_hit":
		return number(t.BlocksHit)
	case "last_vacuum_time":
		return value(moment(t.LastVacuum))
	case "last_analyze_time":
		return value(moment(t.LastAnalyze))
	case "last_autovacuum_time", "last_autoanalyze_time":
		return null()
	case "vacuum_count":
		return number(t.VacuumCount)
	case "analyze_count":
		return number(t.AnalyzeCount)
	case "autovacuum_count", "autoanalyze_count":
		return number(0)
	}
	return answer{}
}

// databaseStatistic is one of the counters of a database.
func (s *System) databaseStatistic(name string, db oid.OID) answer {
	if s.d.Server == nil {
		return number(0)
	}
	d, _ := s.d.Server.Stats().Database(db)
	ms := func(t time.Duration) answer { return value(datum.Float8(float64(t.Microseconds()) / 1000)) }
	switch name {
	case "numbackends":
		n := int64(0)
		for _, a := range s.d.Server.Activity() {
			if a.Database == db {
				n++
			}
		}
		return number(n)
	case "xact_commit":
		return number(d.Commits)
	case "xact_rollback":
		return number(d.Rollbacks)
	case "tuples_returned":
		return number(d.Returned)
	case "tuples_fetched":
		return number(d.Fetched)
	case "tuples_inserted":
		return number(d.Inserted)
	case "tuples_updated":
		return number(d.Updated)
	case "tuples_deleted":
		return number(d.Deleted)
	case "blocks_fetched":
		return number(d.BlocksFetched)
	case "blocks_hit":
		return number(d.BlocksHit)
	case "deadlocks":
		return number(d.Deadlocks)
	case "temp_files":
		return number(d.TempFiles)
	case "temp_bytes":
		return number(d.TempBytes)
	case "sessions":
		return number(d.Sessions)
	case "sessions_abandoned":
		return number(d.SessionsAbandoned)
	case "sessions_fatal":
		return number(d.SessionsFatal)
	case "sessions_killed":
		return number(d.SessionsKilled)
	case "session_time":
		return ms(d.SessionTime)
	case "active_time":
		return ms(d.ActiveTime)
	case "idle_in_transaction_time":
		return ms(d.IdleInTransactionTime)
	case "blk_read_time", "blk_write_time":
		return value(datum.Float8(0))
	case "stat_reset_time":
		return value(moment(d.Reset))
	case "checksum_last_failure":
		return null()
	}
	return number(0) // conflicts and failed checksums
}

// reset is when a group of counters was last reset.
func (s *System) reset(group string) datum.Datum {
	if s.d.Server == nil {
		return datum.Null()
	}
	return moment(s.d.Server.Stats().ResetTime(group))
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
