package sysfuncs

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/sql/builtin"
)

var forkNames = [...]string{"main", "fsm", "vm", "init"} // constant

// size answers functions about the files of relations and databases.
func (s *System) size(fn string, c *builtin.Call) answer {
	switch fn {
	case "pg_relation_size":
		return s.relationSize(argOID(c, 0), c.Args[1].Str())
	case "pg_table_size", "pg_indexes_size", "pg_total_relation_size":
		r, err := s.d.Catalog.Class(argOID(c, 0))
		if err != nil || r == nil {
			return checked(null(), err)
		}
		var n int64
		if fn != "pg_indexes_size" {
			n, err = s.tableSize(r)
		}
		if err == nil && fn != "pg_table_size" {
			var m int64
			m, err = s.indexesSize(r.Oid)
			n += m
		}
		return checked(number(n), err)
	case "pg_relation_filenode", "pg_relation_filepath":
		r, err := s.d.Catalog.Relation(argOID(c, 0))
		if err != nil || r == nil || !stored(r.Kind) {
			return checked(null(), err)
		}
		if fn == "pg_relation_filenode" {
			return number(int64(r.Node.Rel))
		}
		return text(smgr.Rel{RelFileNode: r.Node, Backend: backend(r)}.Path(page.MainFork))
	case "pg_filenode_relation":
		return s.byFilenode(argOID(c, 0), argOID(c, 1))
	case "pg_database_size_oid":
		return s.databaseSize(argOID(c, 0))
	case "pg_database_size_name":
		r, err := s.d.Catalog.DatabaseByName(c.Args[0].Str())
		if err != nil {
			return failed(err)
		}
		if r == nil {
			return failed(pgerr.New(pgerr.InvalidCatalogName, "database \"%s\" does not exist", c.Args[0].Str()))
		}
		return s.databaseSize(r.Oid)
	case "pg_tablespace_size_oid":
		return s.tablespaceSize(argOID(c, 0))
	case "pg_tablespace_size_name":
		r, err := s.d.Catalog.TablespaceByName(c.Args[0].Str())
		if err != nil {
			return failed(err)
		}
		if r == nil {
			return failed(pgerr.New(pgerr.UndefinedObject, "tablespace \"%s\" does not exist", c.Args[0].Str()))
		}
		return s.tablespaceSize(r.Oid)
	case "pg_tablespace_location":
		return s.location(argOID(c, 0))
	}
	return answer{}
}

func stored(kind byte) bool { return strings.IndexByte("ritSm", kind) >= 0 }

func backend(r *access.Relation) int32 {
	if r.IsTemp() {
		return r.Backend
	}
	return smgr.NoBackend
}

func (s *System) forkSize(r *access.Relation, fork page.Fork) (int64, error) {
	if !stored(r.Kind) {
		return 0, nil
	}
	files := r.Sys.Smgr.Of(smgr.Rel{RelFileNode: r.Node, Backend: backend(r)})
	if ok, err := files.Exists(r.Node, fork); err != nil || !ok {
		return 0, err
	}
	n, err := files.NBlocks(r.Node, fork)
	return int64(n) * page.Size, err
}

func (s *System) relationSize(id oid.OID, fork string) answer {
	at := -1
	for i, n := range forkNames {
		if n == fork {
			at = i
		}
	}
	if at < 0 {
		return failed(pgerr.New(pgerr.InvalidParameterValue, "invalid fork name").WithHint("Valid fork names are \"main\", \"fsm\", \"vm\", and \"init\"."))
	}
	r, err := s.d.Catalog.Relation(id)
	if err != nil || r == nil {
		return checked(null(), err)
	}
	n, err := s.forkSize(r, page.Fork(at))
	return checked(number(n), err)
}

// allForks is the size of one relation, without its TOAST table.
func (s *System) allForks(id oid.OID) (int64, error) {
	r, err := s.d.Catalog.Relation(id)
	if err != nil || r == nil {
		return 0, err
	}
	var sum int64
	for f := range forkNames {
		n, err := s.forkSize(r, page.Fork(f))
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

func (s *System) tableSize(r *rows.PgClass) (int64, error) {
	n, err := s.allForks(r.Oid)
	if err != nil || r.Reltoastrelid == 0 {
		return n, err
	}
	t, err := s.allForks(r.Reltoastrelid)
	if err != nil {
		return 0, err
	}
	i, err := s.indexesSize(r.Reltoastrelid)
	return n + t + i, err
}

func (s *System) indexesSize(table oid.OID) (int64, error) {
	all, err := s.d.Catalog.IndexesOf(table)
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, ix := range all {
		n, err := s.allForks(ix.Indexrelid)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// folderSize adds the files of a folder and of those below.
func (s *System) folderSize(dir string) (int64, error) {
	list, err := s.d.FS.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, pgerr.File(err, "open directory", dir)
	}
	var sum int64
	for _, e := range list {
		name := dir + "/" + e.Name()
		if e.IsDir() {
			n, err := s.folderSize(name)
			if err != nil {
				return 0, err
			}
			sum += n
			continue
		}
		st, err := s.d.FS.Stat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, pgerr.File(err, "stat", name)
		}
		sum += st.Size()
	}
	return sum, nil
}

func (s *System) databaseSize(db oid.OID) answer {
	if s.d.FS == nil {
		return answer{}
	}
	n, err := s.folderSize("base/" + itoa(int64(db)))
	if err != nil {
		return failed(err)
	}
	spaces, err := s.d.FS.List("pg_tblspc")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return failed(err)
	}
	for _, t := range spaces {
		m, err := s.folderSize("pg_tblspc/" + t.Name() + "/PG_15_202209061/" + itoa(int64(db)))
		if err != nil {
			return failed(err)
		}
		n += m
	}
	if n == 0 {
		return null()
	}
	return number(n)
}

func (s *System) tablespaceSize(id oid.OID) answer {
	if s.d.FS == nil {
		return answer{}
	}
	dir := "pg_tblspc/" + itoa(int64(id)) + "/PG_15_202209061"
	switch id {
	case oid.DefaultTablespace:
		dir = "base"
	case oid.GlobalTablespace:
		dir = "global"
	}
	n, err := s.folderSize(dir)
	return checked(number(n), err)
}

func (s *System) location(id oid.OID) answer {
	if id == oid.DefaultTablespace || id == oid.GlobalTablespace {
		return text("")
	}
	if s.d.FS == nil {
		return answer{}
	}
	if id == 0 {
		return text("")
	}
	to, err := s.d.FS.Readlink("pg_tblspc/" + itoa(int64(id)))
	if err != nil {
		return failed(pgerr.File(err, "read symbolic link", "pg_tblspc/"+itoa(int64(id))))
	}
	return text(to)
}

func (s *System) byFilenode(space, node oid.OID) answer {
	by := []catalog.Search{{Anum: rows.AnumPgClassRelfilenode, Value: datum.Int(int64(node))}}
	all, err := catalog.FindRows[rows.PgClass](s.d.Catalog, by...)
	for _, f := range all {
		if f.Row.Reltablespace == space || f.Row.Reltablespace == 0 {
			return number(int64(f.Row.Oid))
		}
	}
	return checked(null(), err)
}
