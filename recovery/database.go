package recovery

import (
	"errors"
	"io/fs"
	"path"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/xlog"
	"github.com/pgmini/pgmini/xlog/rmgrs"
)

// redoDatabase replays the records of the resource manager Database.
func (e *Env) redoDatabase(d *xlog.Decoded) error {
	switch d.RmgrInfo() {
	case rmgrs.InfoDBCreateFileCopy:
		c, err := rmgrs.DecodeDBCreateFileCopy(d.Main)
		if err != nil {
			return err
		}
		return e.copyDatabase(c)
	case rmgrs.InfoDBCreateWALLog:
		c, err := rmgrs.DecodeDBCreateWALLog(d.Main)
		if err != nil {
			return err
		}
		dir := smgr.DatabaseDir(c.DB, c.Spc)
		if err := mkdirAll(e.FS, dir); err != nil {
			return err
		}
		if err := vfs.WriteFile(e.FS, dir+"/PG_VERSION", []byte("15\n")); err != nil {
			return err
		}
		return syncDir(e.FS, dir)
	case rmgrs.InfoDBDrop:
		c, err := rmgrs.DecodeDBDrop(d.Main)
		if err != nil {
			return err
		}
		return e.dropDatabase(c)
	}
	return unknown(d)
}

// copyDatabase copies a database's folder file by file. What the log said of the
// source so far must be in its files.
func (e *Env) copyDatabase(c rmgrs.DBCreateFileCopy) error {
	from, to := smgr.DatabaseDir(c.SrcDB, c.SrcSpc), smgr.DatabaseDir(c.DB, c.Spc)
	// An earlier recovery, or the crashed server, may have left a part of it.
	e.Pool.DropDatabase(c.DB)
	e.Smgr.DropDatabase(c.DB, c.Spc)
	if err := vfs.RemoveAll(e.FS, to); err != nil {
		return pgerr.File(err, "remove", to)
	}
	if err := mkdirAll(e.FS, to); err != nil {
		return err
	}
	if err := mkdirAll(e.FS, from); err != nil { // dropped later in the log
		return err
	}
	if err := e.Pool.FlushDatabase(c.SrcDB); err != nil {
		return err
	}
	e.Smgr.CloseAll()
	return copyDir(e.FS, from, to)
}

// copyDir copies the files of a folder, durably.
func copyDir(fsys vfs.FS, from, to string) error {
	list, err := fsys.List(from)
	if err != nil {
		return pgerr.File(err, "open directory", from)
	}
	for _, f := range list {
		if f.Type().IsRegular() {
			if err := copyFile(fsys, path.Join(from, f.Name()), path.Join(to, f.Name())); err != nil {
				return err
			}
		}
	}
	if err := syncDir(fsys, to); err != nil {
		return err
	}
	return syncDir(fsys, path.Dir(to))
}

// copyFile copies and syncs one file; the name is the caller's to sync.
func copyFile(fsys vfs.FS, from, to string) (err error) {
	src, err := fsys.Open(from, vfs.Read)
	if err != nil {
		return pgerr.File(err, "open", from)
	}
	defer src.Close()
	size, err := src.Size()
	if err != nil {
		return pgerr.File(err, "stat", from)
	}
	dst, err := fsys.Open(to, vfs.Write|vfs.Create|vfs.Trunc)
	if err != nil {
		return pgerr.File(err, "create", to)
	}
	defer func() {
		if cerr := dst.Close(); err == nil && cerr != nil {
			err = pgerr.File(cerr, "close", to)
		}
	}()
	buf := make([]byte, 256<<10)
	for off := int64(0); off < size; {
		n, err := src.ReadAt(buf[:min(int64(len(buf)), size-off)], off)
		if n == 0 {
			return pgerr.File(err, "read", from)
		}
		if _, err := dst.WriteAt(buf[:n], off); err != nil {
			return pgerr.File(err, "write", to)
		}
		off += int64(n)
	}
	return pgerr.File(dst.Sync(), "fsync", to)
}

func (e *Env) dropDatabase(c rmgrs.DBDrop) error {
	e.Pool.DropDatabase(c.DB)
	e.Pool.ForgetInvalidDatabase(c.DB)
	for _, spc := range c.Spcs {
		e.Smgr.DropDatabase(c.DB, spc)
		dir := smgr.DatabaseDir(c.DB, spc)
		if err := vfs.RemoveAll(e.FS, dir); err != nil {
			e.Log.Warn("some useless files may be left behind in old database directory \"" + dir + "\"")
		}
		if err := syncDir(e.FS, path.Dir(dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// redoTablespace replays the records of the resource manager Tablespace.
func (e *Env) redoTablespace(d *xlog.Decoded) error {
	switch d.RmgrInfo() {
	case rmgrs.InfoTblspcCreate:
		c, err := rmgrs.DecodeTblspcCreate(d.Main)
		if err != nil {
			return err
		}
		return e.createTablespace(c)
	case rmgrs.InfoTblspcDrop:
		o, err := rmgrs.DecodeTblspcDrop(d.Main)
		if err != nil {
			return err
		}
		return e.dropTablespace(o)
	}
	return unknown(d)
}

func tablespaceLink(o oid.OID) string {
	return path.Dir(path.Dir(smgr.DatabaseDir(oid.Invalid, o)))
}

// createTablespace makes the version's folder at the location, which the
// administrator made, and the link to it. An empty location is a folder in place
// of the link.
func (e *Env) createTablespace(c rmgrs.TblspcCreate) error {
	link := tablespaceLink(c.Spc)
	if c.Path == "" {
		return mkdirAll(e.FS, link+"/"+smgr.VersionDirectory)
	}
	if st, err := e.FS.Stat(c.Path); errors.Is(err, fs.ErrNotExist) {
		return pgerr.New(pgerr.UndefinedFile, "directory %q does not exist", c.Path).
			WithHint("Create this directory for the tablespace before restarting the server.")
	} else if err != nil {
		return pgerr.File(err, "stat", c.Path)
	} else if !st.IsDir() {
		return pgerr.New(pgerr.WrongObjectType, "%q is not a directory", c.Path)
	}
	if err := e.FS.Chmod(c.Path, 0o700); err != nil {
		return pgerr.Wrap(err, pgerr.CodeOf(pgerr.File(err, "chmod", c.Path)), "could not set permissions on directory %q%s", c.Path, pgerr.OSText(err))
	}
	if err := mkdirAll(e.FS, c.Path+"/"+smgr.VersionDirectory); err != nil {
		return err
	}
	if st, err := e.FS.Lstat(link); err == nil {
		if st.Mode()&fs.ModeSymlink == 0 {
			// Made by redo of a record about a relation in it.
			if err := vfs.RemoveAll(e.FS, link); err != nil {
				return pgerr.File(err, "remove", link)
			}
		} else if err := e.FS.Remove(link); err != nil {
			return pgerr.File(err, "remove", link)
		}
	}
	if err := e.FS.Symlink(c.Path, link); err != nil {
		return pgerr.Wrap(err, pgerr.CodeOf(pgerr.File(err, "create", link)), "could not create symbolic link %q%s", link, pgerr.OSText(err))
	}
	return syncDir(e.FS, path.Dir(link))
}

// dropTablespace removes the folders, which are empty but for files of relations
// that a crash orphaned: then they stay, and the log says so.
func (e *Env) dropTablespace(o oid.OID) error {
	e.Smgr.CloseAll()
	link := tablespaceLink(o)
	if _, err := e.FS.Lstat(link); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	version := link + "/" + smgr.VersionDirectory
	list, err := e.FS.List(version)
	if err == nil {
		for _, f := range list {
			if err = e.FS.Remove(version + "/" + f.Name()); err != nil {
				break
			}
		}
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		if rerr := e.FS.Remove(version); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
			err = rerr
		} else if err = e.FS.Remove(link); err == nil {
			return syncDir(e.FS, path.Dir(link))
		}
	}
	e.Log.Info("directories for tablespace could not be removed", "tablespace", uint32(o), "error", err,
		"hint", "You can remove the directories manually if necessary.")
	return nil
}

// mkdirAll makes a folder and its parents, and their names durable.
func mkdirAll(fsys vfs.FS, dir string) error {
	if _, err := fsys.Stat(dir); err == nil {
		return nil
	}
	if err := vfs.MkdirAll(fsys, dir); err != nil {
		return pgerr.Wrap(err, pgerr.CodeOf(pgerr.File(err, "create", dir)), "could not create directory %q%s", dir, pgerr.OSText(err))
	}
	for at := path.Dir(dir); ; at = path.Dir(at) {
		if err := syncDir(fsys, at); err != nil {
			return err
		}
		if at == "." || at == "/" {
			return nil
		}
	}
}

func syncDir(fsys vfs.FS, dir string) error {
	if err := fsys.SyncDir(dir); err != nil {
		return pgerr.File(err, "fsync", dir)
	}
	return nil
}
