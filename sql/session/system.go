package session

import (
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/builtin"
)

// system answers the functions that read the session.
func (s *Session) system() builtin.System { return systemFuncs{s} }

type systemFuncs struct{ s *Session }

// Call is part of builtin.System.
func (f systemFuncs) Call(prosrc string, c *builtin.Call) (datum.Datum, error) {
	switch prosrc {
	case "current_database":
		return datum.String(f.s.dbName), nil
	case "current_user", "session_user":
		o := f.s.role
		if prosrc == "session_user" {
			o = f.s.auth
		}
		n, _ := f.s.sql.RoleOut(o)
		return datum.String(n), nil
	case "pg_backend_pid":
		return datum.Int(int64(f.s.pid)), nil
	case "current_schema":
		f.s.path()
		if len(f.s.explicitPath) == 0 {
			return datum.Null(), nil
		}
		return datum.String(f.s.sql.SchemaName(f.s.explicitPath[0])), nil
	case "pg_table_is_visible":
		r, err := f.s.cat.Class(oid.OID(uint32(c.Args[0].Int)))
		if err != nil || r == nil {
			return datum.Null(), err
		}
		f.s.path()
		return datum.Bool(f.s.sql.TableVisible(r)), nil
	}
	return datum.Null(), pgerr.NotYet("function %s", prosrc)
}

// Rows is part of builtin.System.
func (f systemFuncs) Rows(prosrc string, c *builtin.Call) (builtin.Rows, error) {
	return nil, pgerr.NotYet("function %s", prosrc)
}
