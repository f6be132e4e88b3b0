package catalog

import (
	"fmt"
	"io"
	"path"
	"strconv"

	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/catalog/relmap"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/xlog"
	"github.com/pgmini/pgmini/xlog/rmgrs"
)

// DatabaseStrategy is how CREATE DATABASE copies its template.
type DatabaseStrategy byte

// Strategies of CREATE DATABASE.
const (
	WalLog   DatabaseStrategy = 'w'
	FileCopy DatabaseStrategy = 'f'
)

// databaseDir is the folder of a database in the default tablespace.
func databaseDir(db oid.OID) string { return "base/" + strconv.FormatUint(uint64(db), 10) }

// insert logs the record under construction.
func (s *Session) insert() error {
	_, err := s.srv.opt.Sys.Log.Insert(&s.tx.Rec)
	return err
}

// CreateDatabase makes a database from a template, which nobody else may change
// meanwhile: the caller holds its lock. row.Oid 0 gets a new OID. Its folder goes
// if the transaction aborts.
func (s *Session) CreateDatabase(row rows.PgDatabase, template oid.OID, how DatabaseStrategy) (oid.OID, error) {
	if how == FileCopy && s.srv.opt.Checkpoint == nil {
		return 0, pgerr.NotYet("strategy file_copy")
	}
	if row.Dattablespace != oid.DefaultTablespace {
		return 0, pgerr.NotYet("a database in another tablespace")
	}
	old, err := s.DatabaseByName(row.Datname)
	if err != nil {
		return 0, err
	}
	if old != nil {
		return 0, pgerr.New(pgerr.DuplicateDatabase, "database %q already exists", row.Datname)
	}
	if row.Oid == oid.Invalid {
		if row.Oid, err = s.NewOID(oid.RelDatabase); err != nil {
			return 0, err
		}
	}
	if _, err := s.Insert(&row); err != nil {
		return 0, err
	}
	if err := s.DependOwner(Object{oid.RelDatabase, row.Oid, 0}, row.Datdba); err != nil {
		return 0, err
	}
	if err := s.copyDependencies(template, row.Oid); err != nil {
		return 0, err
	}
	db := row.Oid
	srv := s.srv
	s.tx.OnAbort(func() { _ = srv.removeDatabase(db) }) // an orphan folder harms nobody
	s.tx.ForceSync()
	if how == FileCopy {
		return db, s.copyFiles(template, db)
	}
	if err := s.makeDatabaseDir(db); err != nil {
		return 0, err
	}
	return db, s.copyRelations(template, db)
}

// copyFiles copies a database's folder. The checkpoint before brings the
// template's pages to its files; the one after keeps the record of this copy from
// being replayed, when the template may have changed.
func (s *Session) copyFiles(from, to oid.OID) error {
	if err := s.srv.opt.Checkpoint(s.ctx); err != nil {
		return err
	}
	if err := CopyDatabaseDir(s.srv.opt.FS, from, to); err != nil {
		return err
	}
	r := &s.tx.Rec
	r.Begin(xlog.RmDbase, rmgrs.InfoDBCreateFileCopy|xlog.SpecialRelUpdate, s.tx.TopXID())
	r.Data(rmgrs.DBCreateFileCopy{DB: to, Spc: oid.DefaultTablespace, SrcDB: from, SrcSpc: oid.DefaultTablespace}.Append(nil))
	if err := s.insert(); err != nil {
		return err
	}
	return s.srv.opt.Checkpoint(s.ctx)
}

// CopyDatabaseDir copies a database's folder durably: do-time and redo of
// Database/CREATE_FILE_COPY. What an earlier attempt left is replaced.
func CopyDatabaseDir(fsys vfs.FS, from, to oid.OID) error {
	src, dst := databaseDir(from), databaseDir(to)
	if err := RemoveDatabaseDir(fsys, to); err != nil {
		return err
	}
	if err := fsys.Mkdir(dst); err != nil {
		return pgerr.Wrap(err, pgerr.IOError, "could not create directory %q", dst)
	}
	list, err := fsys.List(src)
	if err != nil {
		return pgerr.File(err, "open directory", src)
	}
	for _, f := range list {
		if err := copyFile(fsys, path.Join(src, f.Name()), path.Join(dst, f.Name())); err != nil {
			return err
		}
	}
	if err := fsys.SyncDir(dst); err != nil {
		return pgerr.File(err, "fsync", dst)
	}
	return pgerr.File(fsys.SyncDir("base"), "fsync", "base")
}

func copyFile(fsys vfs.FS, from, to string) error {
	src, err := fsys.Open(from, vfs.Read)
	if err != nil {
		return pgerr.File(err, "open", from)
	}
	defer src.Close()
	dst, err := fsys.Open(to, vfs.Write|vfs.Create|vfs.Trunc)
	if err != nil {
		return pgerr.File(err, "create", to)
	}
	buf := make([]byte, 64*1024)
	for at := int64(0); ; {
		n, rerr := src.ReadAt(buf, at)
		if _, err := dst.WriteAt(buf[:n], at); err != nil {
			dst.Close()
			return pgerr.File(err, "write", to)
		}
		at += int64(n)
		if rerr == io.EOF || n == 0 && rerr == nil {
			break
		}
		if rerr != nil {
			dst.Close()
			return pgerr.File(rerr, "read", from)
		}
	}
	if err := dst.Sync(); err != nil {
		dst.Close()
		return pgerr.File(err, "fsync", to)
	}
	return pgerr.File(dst.Close(), "close", to)
}

// copyDependencies gives the new database the template's rows in pg_shdepend.
func (s *Session) copyDependencies(from, to oid.OID) error {
	deps, err := FindRows[rows.PgShdepend](s, Search{rows.AnumPgShdependDbid, datum.Int(int64(from))})
	if err != nil {
		return err
	}
	for _, d := range deps {
		d.Row.Dbid = to
		if _, err := s.Insert(d.Row); err != nil {
			return err
		}
	}
	return nil
}

// makeDatabaseDir makes the folder with its version file, and logs that.
func (s *Session) makeDatabaseDir(db oid.OID) error {
	if err := MakeDatabaseDir(s.srv.opt.FS, db, false); err != nil {
		return err
	}
	r := &s.tx.Rec
	r.Begin(xlog.RmDbase, rmgrs.InfoDBCreateWALLog|xlog.SpecialRelUpdate, s.tx.TopXID())
	r.Data(rmgrs.DBCreateWALLog{DB: db, Spc: oid.DefaultTablespace}.Append(nil))
	return s.insert()
}

// MakeDatabaseDir makes the folder of a database durably: do-time and redo of
// Database/CREATE_WAL_LOG. With exists it may be there already.
func MakeDatabaseDir(fsys vfs.FS, db oid.OID, exists bool) error {
	dir := databaseDir(db)
	if _, err := fsys.Stat(dir); err != nil || !exists {
		if err := fsys.Mkdir(dir); err != nil {
			return pgerr.Wrap(err, pgerr.IOError, "could not create directory %q", dir)
		}
	}
	name := path.Join(dir, "PG_VERSION")
	f, err := fsys.Open(name, vfs.Write|vfs.Create|vfs.Trunc)
	if err != nil {
		return pgerr.File(err, "create", name)
	}
	if _, err := f.WriteAt([]byte("15\n"), 0); err != nil {
		f.Close()
		return pgerr.File(err, "write", name)
	}
	if err := f.Sync(); err != nil {
		f.Close()
		return pgerr.File(err, "fsync", name)
	}
	if err := f.Close(); err != nil {
		return pgerr.File(err, "close", name)
	}
	if err := fsys.SyncDir(dir); err != nil {
		return pgerr.File(err, "fsync", dir)
	}
	return pgerr.File(fsys.SyncDir("base"), "fsync", "base")
}

// copyRelations copies the relation map and every file of a database through the
// buffers, logging each page.
func (s *Session) copyRelations(from, to oid.OID) error {
	m, err := s.srv.mapped(from)
	if err != nil {
		return err
	}
	if err := s.writeMap(to, m.Clone()); err != nil {
		return err
	}
	src := s.srv.NewSession(SessionOptions{Database: from, Tablespace: oid.DefaultTablespace, Backend: -1})
	src.Bind(s.ctx, s.tx)
	var all []rows.PgClass
	err = src.scan(oid.RelClass, oid.Invalid, nil, func(_ tid, vals []datum.Datum) error {
		var c rows.PgClass
		c.Scan(vals)
		if hasStorage(c.Relkind) && !c.Relisshared && c.Relpersistence != 't' {
			all = append(all, c)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := range all {
		n, err := src.node(all[i].Oid, all[i].Relfilenode, all[i].Reltablespace, false)
		if err != nil {
			return err
		}
		if n.Spc != oid.DefaultTablespace {
			return pgerr.NotYet("copying relations of other tablespaces")
		}
		if err := s.copyForks(n, to, all[i].Relpersistence == 'p'); err != nil {
			return fmt.Errorf("copy relation %q: %w", all[i].Relname, err)
		}
	}
	return nil
}

// copyForks copies the files of one relation. What is not permanent is logged
// only in its init fork.
func (s *Session) copyForks(from page.RelFileNode, db oid.OID, permanent bool) error {
	to := from
	to.DB = db
	files := s.srv.opt.Sys.Smgr
	for f := page.MainFork; f <= page.MaxFork; f++ {
		ok, err := files.Exists(from, f)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		logged := permanent || f == page.InitFork
		if err := s.createFork(smgr.Rel{RelFileNode: to, Backend: -1}, f, logged); err != nil {
			return err
		}
		if err := s.copyPages(from, to, f, logged); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) copyPages(from, to page.RelFileNode, f page.Fork, logged bool) error {
	pool := s.srv.opt.Pool
	n, err := pool.NBlocks(from, f)
	if err != nil {
		return err
	}
	ring := pool.NewStrategy(bufmgr.BulkRead)
	for blk := range n {
		if logged {
			if err := s.srv.opt.Sys.Log.Room(); err != nil {
				return err
			}
		}
		src, err := pool.Read(page.Tag{Rel: from, Fork: f, Block: blk}, bufmgr.Normal, ring)
		if err != nil {
			return err
		}
		dst, _, err := pool.Extend(to, f, ring)
		if err != nil {
			pool.Release(src)
			return err
		}
		pool.Lock(src, bufmgr.Shared)
		copy(pool.Page(dst), pool.Page(src))
		pool.UnlockRelease(src)
		pool.MarkDirty(dst)
		if logged && !pool.Page(dst).IsNew() {
			_, err = s.srv.opt.Sys.Log.LogNewPage(&s.tx.Rec, pool.Tag(dst), pool.Page(dst), f == page.MainFork || f == page.InitFork) // maps use the hole
		}
		pool.UnlockRelease(dst)
		if err != nil {
			return err
		}
	}
	return nil
}

// writeMap logs a new relation map of a database and replaces its file.
func (s *Session) writeMap(db oid.OID, m *relmap.Map) error {
	r := &s.tx.Rec
	r.Begin(xlog.RmRelMap, rmgrs.InfoRelMapUpdate, s.tx.TopXID())
	u := rmgrs.RelMapUpdate{DB: db, Spc: oid.DefaultTablespace, File: m.Encode()}
	r.Data(u.Append(nil))
	end, err := s.srv.opt.Sys.Log.Insert(r)
	if err != nil {
		return err
	}
	if err := s.srv.opt.Sys.Log.Flush(end); err != nil {
		return err
	}
	return applyMap(s.srv.opt.FS, u)
}

// applyMap replaces a map file by what a record holds: do-time and redo.
func applyMap(fsys vfs.FS, u rmgrs.RelMapUpdate) error {
	m, err := relmap.Decode(u.File)
	if err != nil {
		return err
	}
	dir := "global"
	if u.DB != oid.Invalid {
		if u.Spc != oid.DefaultTablespace {
			return pgerr.NotYet("relation maps of other tablespaces")
		}
		dir = databaseDir(u.DB)
	}
	return relmap.Write(fsys, dir, m)
}

// RedoRelMap replays RelMap records.
func RedoRelMap(fsys vfs.FS) xlog.RedoFunc {
	return func(d *xlog.Decoded) error {
		if d.RmgrInfo() != rmgrs.InfoRelMapUpdate {
			return pgerr.New(pgerr.DataCorrupted, "unknown RelMap record %#x", d.RmgrInfo())
		}
		u, err := rmgrs.DecodeRelMapUpdate(d.Main)
		if err != nil {
			return err
		}
		return applyMap(fsys, u)
	}
}

// InvalidDatabase is the datconnlimit of a database whose DROP DATABASE did not end
// (PostgreSQL: DATCONNLIMIT_INVALID_DB): it can only be dropped again.
const InvalidDatabase = -2

// removeDatabase forgets a database's pages and removes its folder.
func (s *Server) removeDatabase(db oid.OID) error {
	s.opt.Pool.DropDatabase(db)
	s.opt.Sys.Smgr.DropDatabase(db, oid.DefaultTablespace)
	s.mu.Lock()
	delete(s.mu.dbs, db)
	delete(s.mu.maps, db)
	s.mu.Unlock()
	return RemoveDatabaseDir(s.opt.FS, db)
}

// RemoveDatabaseDir removes the folder of a database: do-time and redo of
// Database/DROP. It may be gone.
func RemoveDatabaseDir(fsys vfs.FS, db oid.OID) error {
	dir := databaseDir(db)
	list, err := fsys.List(dir)
	if err != nil {
		if _, serr := fsys.Stat(dir); serr != nil {
			return nil
		}
		return pgerr.File(err, "open directory", dir)
	}
	for _, f := range list {
		if err := fsys.Remove(path.Join(dir, f.Name())); err != nil {
			return pgerr.File(err, "remove", path.Join(dir, f.Name()))
		}
	}
	if err := fsys.Remove(dir); err != nil {
		return pgerr.File(err, "remove", dir)
	}
	return pgerr.File(fsys.SyncDir("base"), "fsync", "base")
}

// DropDatabase removes a database nobody is connected to: the caller holds its
// lock and has checked. Its files go at once, so the transaction must do nothing
// that can fail afterwards.
func (s *Session) DropDatabase(db oid.OID) error {
	f, err := FindRow[rows.PgDatabase](s, byOID(db))
	if err != nil {
		return err
	}
	if f == nil {
		return pgerr.New(pgerr.UndefinedDatabase, "database with OID %d does not exist", db)
	}
	// Whatever becomes of this transaction, nobody may connect to a folder that is
	// half removed.
	f.Row.Datconnlimit = InvalidDatabase
	if err := s.UpdateInPlace(f.TID, f.Row); err != nil {
		return err
	}
	if err := s.Delete(oid.RelDatabase, f.TID); err != nil {
		return err
	}
	if err := s.forget(Object{oid.RelDatabase, db, 0}); err != nil {
		return err
	}
	deps, err := FindRows[rows.PgShdepend](s, Search{rows.AnumPgShdependDbid, datum.Int(int64(db))})
	if err != nil {
		return err
	}
	for _, d := range deps {
		if err := s.Delete(oid.RelShdepend, d.TID); err != nil {
			return err
		}
	}
	set, err := FindRows[rows.PgDbRoleSetting](s, Search{rows.AnumPgDbRoleSettingSetdatabase, datum.Int(int64(db))})
	if err != nil {
		return err
	}
	for _, d := range set {
		if err := s.Delete(oid.RelDbRoleSetting, d.TID); err != nil {
			return err
		}
	}
	r := &s.tx.Rec
	r.Begin(xlog.RmDbase, rmgrs.InfoDBDrop|xlog.SpecialRelUpdate, s.tx.TopXID())
	r.Data(rmgrs.DBDrop{DB: db, Spcs: []oid.OID{oid.DefaultTablespace}}.Append(nil))
	if err := s.insert(); err != nil {
		return err
	}
	s.tx.ForceSync()
	if err := s.srv.opt.Sys.Log.Flush(s.srv.opt.Sys.Log.InsertLSN()); err != nil {
		return err
	}
	return s.srv.removeDatabase(db)
}
