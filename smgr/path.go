package smgr

import (
	"fmt"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
)

// VersionDirectory is the folder of PostgreSQL 15's files in a tablespace
// (PostgreSQL: TABLESPACE_VERSION_DIRECTORY).
const VersionDirectory = "PG_15_202209061"

// DatabaseDir is the folder of a database's files in a tablespace (PostgreSQL:
// GetDatabasePath).
func DatabaseDir(db, spc oid.OID) string {
	switch spc {
	case oid.GlobalTablespace:
		return "global"
	case oid.DefaultTablespace:
		return fmt.Sprintf("base/%d", db)
	}
	return fmt.Sprintf("pg_tblspc/%d/%s/%d", spc, VersionDirectory, db)
}

// Path is the name of the file of a fork's first segment, as messages show it
// (PostgreSQL: relpath).
func (r Rel) Path(fork page.Fork) string {
	s := DatabaseDir(r.DB, r.Spc) + "/"
	if r.Backend != NoBackend {
		s += fmt.Sprintf("t%d_", r.Backend)
	}
	s += fmt.Sprintf("%d", r.Rel)
	if fork != page.MainFork {
		s += "_" + fork.String()
	}
	return s
}

// Path is the name of the file of a fork's first segment.
func (f *Files) Path(rel page.RelFileNode, fork page.Fork) string {
	return Rel{rel, f.backend}.Path(fork)
}

func (k segKey) path() string {
	s := k.rel.Path(k.fork)
	if k.seg > 0 {
		s += fmt.Sprintf(".%d", k.seg)
	}
	return s
}
