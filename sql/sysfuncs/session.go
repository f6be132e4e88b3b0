package sysfuncs

import (
	"strconv"
	"strings"
	"time"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/sql/builtin"
	"github.com/pgmini/pgmini/sql/types"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// moment is a timestamptz, NULL for the zero time.
func moment(t time.Time) datum.Datum {
	if t.IsZero() {
		return datum.Null()
	}
	return datum.Int(types.FromTime(t))
}

func strOrNull(s string) datum.Datum {
	if s == "" {
		return datum.Null()
	}
	return datum.String(s)
}

func oidOrNull(o oid.OID) datum.Datum {
	if o == 0 {
		return datum.Null()
	}
	return datum.Int(int64(o))
}

// session answers functions about the session itself.
func (s *System) session(fn string, c *builtin.Call) answer {
	cat := s.d.Catalog
	switch fn {
	case "current_database":
		r, err := cat.Database(cat.DatabaseOID())
		if err != nil || r == nil {
			return checked(null(), err)
		}
		return text(r.Datname)
	case "current_user", "session_user":
		id := s.d.User()
		if fn == "session_user" {
			id = s.d.SessionUser()
		}
		r, err := cat.AuthID(id)
		if err != nil || r == nil {
			return checked(null(), err)
		}
		return text(r.Rolname)
	case "current_schema":
		names, err := s.schemas(s.d.Explicit())
		if err != nil || len(names) == 0 {
			return checked(null(), err)
		}
		return text(names[0])
	case "current_schemas":
		path := s.d.Explicit()
		if argBool(c, 0) {
			path = s.d.SearchPath()
		}
		names, err := s.schemas(path)
		e := make([]datum.Datum, len(names))
		for i, n := range names {
			e[i] = datum.String(n)
		}
		return checked(value(datum.Bytes(array.Build(array.Of(oid.Name, e), array.Elem{Len: 64, Align: 'c'}))), err)
	case "pg_backend_pid":
		return number(int64(s.d.PID))
	case "current_query":
		if s.d.Query == nil {
			return null()
		}
		return textOrNull(s.d.Query(), nil)
	case "pg_my_temp_schema":
		if s.d.TempNamespace == nil {
			return number(0)
		}
		return number(int64(s.d.TempNamespace()))
	case "pg_is_other_temp_schema":
		r, err := cat.Namespace(argOID(c, 0))
		if err != nil || r == nil {
			return checked(boolean(false), err)
		}
		mine := s.d.TempNamespace != nil && s.d.TempNamespace() == r.Oid
		return boolean(!mine && strings.HasPrefix(r.Nspname, "pg_temp_"))
	case "pg_trigger_depth":
		return number(0)
	case "pg_jit_available":
		return boolean(false)
	case "pg_notification_queue_usage":
		return value(datum.Float8(0))
	case "pg_settings_get_flags":
		return null()
	}
	return answer{}
}

func (s *System) schemas(path []oid.OID) ([]string, error) {
	var out []string
	for _, o := range path {
		r, err := s.d.Catalog.Namespace(o)
		if err != nil {
			return nil, err
		}
		if r != nil {
			out = append(out, r.Nspname)
		}
	}
	return out, nil
}

func pidArray(pids []int32) answer {
	e := make([]datum.Datum, len(pids))
	for i, p := range pids {
		e[i] = datum.Int(int64(p))
	}
	return value(datum.Bytes(array.Build(array.Of(oid.Int4, e), array.Elem{Len: 4, ByVal: true, Align: 'i'})))
}

// server answers functions about the running server.
func (s *System) server(fn string, c *builtin.Call) answer {
	if s.d.Locks != nil && fn == "pg_blocking_pids" {
		return pidArray(s.d.Locks.Blockers(int32(c.Args[0].Int)))
	}
	switch fn {
	case "pg_safe_snapshot_blocking_pids":
		if s.d.Xact == nil {
			return pidArray(nil)
		}
		return pidArray(s.d.Xact.SSI().Waiting(int32(c.Args[0].Int)))
	case "pg_isolation_test_session_is_blocked":
		return s.isBlocked(c)
	case "pg_current_logfile", "pg_current_logfile_1arg":
		return null()
	}
	if s.d.Server == nil {
		return answer{}
	}
	switch fn {
	case "pg_postmaster_start_time":
		return value(moment(s.d.Server.StartTime()))
	case "pg_conf_load_time":
		return value(moment(s.d.Server.LoadTime()))
	case "pg_cancel_backend", "pg_terminate_backend":
		ok := s.d.Server.Signal(int32(c.Args[0].Int), fn == "pg_terminate_backend")
		if !ok && c.Env.Notice != nil {
			c.Env.Notice("WARNING", "PID "+itoa(c.Args[0].Int)+" is not a PostgreSQL backend process")
		}
		return boolean(ok)
	case "pg_reload_conf":
		return checked(boolean(true), s.d.Server.Reload())
	case "pg_rotate_logfile", "pg_rotate_logfile_v2":
		return boolean(false)
	}
	return answer{}
}

// isBlocked tells whether one of some sessions keeps another waiting.
func (s *System) isBlocked(c *builtin.Call) answer {
	if s.d.Locks == nil {
		return answer{}
	}
	a, err := array.Parse(c.Args[1].Bytes, array.Elem{Len: 4, ByVal: true, Align: 'i'})
	if err != nil {
		return failed(err)
	}
	for _, p := range s.d.Locks.Blockers(int32(c.Args[0].Int)) {
		for _, e := range a.Elems {
			if int32(e.Int) == p {
				return boolean(true)
			}
		}
	}
	return boolean(false)
}

// control answers pg_control_….
func (s *System) control(fn string, c *builtin.Call) answer {
	if !strings.HasPrefix(fn, "pg_control_") || s.d.FS == nil {
		return answer{}
	}
	p, err := pgcontrol.Read(s.d.FS)
	if err != nil {
		return failed(err)
	}
	i := func(v int64) datum.Datum { return datum.Int(v) }
	switch fn {
	case "pg_control_system":
		return record(c, "int4 int4 int8 timestamptz", i(int64(p.Version)), i(int64(p.CatVersion)), i(int64(p.SystemID)), moment(time.Unix(p.Time, 0)))
	case "pg_control_init":
		return record(c, "int4 int4 int4 int4 int4 int4 int4 int4 int4 bool int4", i(int64(p.MaxAlign)), i(int64(p.BlockSize)), i(int64(p.RelSegSize)),
			i(int64(p.WALBlockSize)), i(int64(p.WALSegSize)), i(int64(p.NameDataLen)), i(int64(p.IndexMaxKeys)), i(int64(p.ToastMaxChunkSize)),
			i(int64(p.LOBlockSize)), datum.Bool(p.Float8ByVal), i(int64(p.ChecksumVersion)))
	case "pg_control_recovery":
		return record(c, "pg_lsn int4 pg_lsn pg_lsn bool", i(int64(p.MinRecoveryPoint)), i(int64(p.MinRecoveryPointTLI)), i(int64(p.BackupStart)),
			i(int64(p.BackupEnd)), datum.Bool(p.BackupEndRequired))
	case "pg_control_checkpoint":
		k := p.Copy
		seg := ""
		if a := c.Env.Admin; a != nil {
			seg = a.SegSize().FileName(k.TLI, a.SegSize().Containing(k.Redo))
		}
		next := itoa(int64(k.NextXID>>32)) + ":" + itoa(int64(uint32(k.NextXID)))
		return record(c, "pg_lsn pg_lsn text int4 int4 bool text oid xid xid xid oid xid xid oid xid xid timestamptz",
			i(int64(p.CheckPoint)), i(int64(k.Redo)), strOrNull(seg), i(int64(k.TLI)), i(int64(k.PrevTLI)), datum.Bool(k.FullPageWrites),
			datum.String(next), i(int64(k.NextOID)), i(int64(k.NextMulti)), i(int64(k.NextMultiOffset)), i(int64(k.OldestXID)), i(int64(k.OldestXIDDB)),
			i(int64(k.OldestActiveXID)), i(int64(k.OldestMulti)), i(int64(k.OldestMultiDB)), i(int64(k.OldestCommitTsXID)), i(int64(k.NewestCommitTsXID)),
			moment(time.Unix(k.Time, 0)))
	}
	return answer{}
}
