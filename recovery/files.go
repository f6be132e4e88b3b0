package recovery

import (
	"errors"
	"io/fs"
	"log/slog"
	"path"
	"strings"

	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/vfs"
)

// tempPrefix begins the name of the folder of temporary files and of the files
// in it (PG_TEMP_FILE_PREFIX).
const tempPrefix = "pgsql_tmp"

// relFile is the name of a relation's file taken apart: number, fork ("" is
// main), and segment with its dot.
type relFile struct{ number, fork, segment string }

// parseRelFile takes the name of a permanent relation's file apart.
func parseRelFile(name string) (relFile, bool) {
	base, seg, dotted := strings.Cut(name, ".")
	number, fork, forked := strings.Cut(base, "_")
	if !digits(number) || dotted && !digits(seg) || forked && fork != "fsm" && fork != "vm" && fork != "init" {
		return relFile{}, false
	}
	if dotted {
		seg = "." + seg
	}
	return relFile{number, fork, seg}, true
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// isTempRelFile reports whether name is that of a temporary relation's file:
// t<backend>_<number>.
func isTempRelFile(name string) bool {
	rest, ok := strings.CutPrefix(name, "t")
	backend, file, cut := strings.Cut(rest, "_")
	_, isRel := parseRelFile(file)
	return ok && cut && digits(backend) && isRel
}

// databaseDirs lists the folders of all databases, in all tablespaces, and the
// folders that hold temporary files.
func databaseDirs(fsys vfs.FS) (dbs, temps []string, err error) {
	roots := []string{"base"}
	spcs, err := list(fsys, "pg_tblspc")
	if err != nil {
		return nil, nil, err
	}
	for _, s := range spcs {
		if digits(s.Name()) {
			roots = append(roots, path.Join("pg_tblspc", s.Name(), smgr.VersionDirectory))
		}
	}
	for _, r := range roots {
		temps = append(temps, path.Join(r, tempPrefix))
		all, err := list(fsys, r)
		if err != nil {
			return nil, nil, err
		}
		for _, d := range all {
			if digits(d.Name()) {
				dbs = append(dbs, path.Join(r, d.Name()))
			}
		}
	}
	return dbs, temps, nil
}

// list is List; a missing folder is empty.
func list(fsys vfs.FS, dir string) ([]fs.DirEntry, error) {
	all, err := fsys.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, pgerr.File(err, "open directory", dir)
	}
	return all, nil
}

// RemoveTempFiles removes what temporary tables and sorts of an earlier server
// left behind: done at each start (PostgreSQL: RemovePgTempFiles).
func RemoveTempFiles(fsys vfs.FS, log *slog.Logger) error {
	dbs, temps, err := databaseDirs(fsys)
	if err != nil {
		return err
	}
	for _, d := range temps {
		files, err := list(fsys, d)
		if err != nil {
			return err
		}
		for _, f := range files {
			name := path.Join(d, f.Name())
			if !strings.HasPrefix(f.Name(), tempPrefix) {
				log.Info("unexpected file found in temporary-files directory", "file", name)
				continue
			}
			if err := vfs.RemoveAll(fsys, name); err != nil {
				return pgerr.File(err, "remove", name)
			}
		}
	}
	for _, d := range dbs {
		files, err := list(fsys, d)
		if err != nil {
			return err
		}
		for _, f := range files {
			if name := path.Join(d, f.Name()); isTempRelFile(f.Name()) {
				if err := fsys.Remove(name); err != nil {
					return pgerr.File(err, "remove", name)
				}
			}
		}
	}
	return nil
}

// removeTempWAL removes segments that were being made.
func removeTempWAL(fsys vfs.FS) error {
	files, err := list(fsys, walDir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if name := path.Join(walDir, f.Name()); strings.HasPrefix(f.Name(), "xlogtemp.") {
			if err := fsys.Remove(name); err != nil {
				return pgerr.File(err, "remove", name)
			}
		}
	}
	return nil
}

// unloggedStep is one of the two times that unlogged relations are reset.
type unloggedStep int

const (
	dropForks unloggedStep = iota // before redo: remove all forks but init
	copyInits                     // after redo: the init fork becomes the main fork
)

// resetUnlogged gives unlogged relations the contents of their init forks
// (PostgreSQL: ResetUnloggedRelations). Nobody has their files open.
func resetUnlogged(fsys vfs.FS, step unloggedStep) error {
	dbs, _, err := databaseDirs(fsys)
	if err != nil {
		return err
	}
	for _, d := range dbs {
		if err := resetUnloggedIn(fsys, d, step); err != nil {
			return err
		}
	}
	return nil
}

func resetUnloggedIn(fsys vfs.FS, dir string, step unloggedStep) error {
	files, err := list(fsys, dir)
	if err != nil {
		return err
	}
	unlogged := map[string]bool{}
	for _, f := range files {
		if r, ok := parseRelFile(f.Name()); ok && r.fork == "init" {
			unlogged[r.number] = true
		}
	}
	if len(unlogged) == 0 {
		return nil
	}
	for _, f := range files {
		r, ok := parseRelFile(f.Name())
		if !ok || !unlogged[r.number] {
			continue
		}
		switch {
		case r.fork != "init": // at the end too: the init fork's name may have been lost at the beginning
			name := path.Join(dir, f.Name())
			if err := fsys.Remove(name); err != nil {
				return pgerr.File(err, "remove", name)
			}
		case step == copyInits && r.fork == "init":
			if err := copyFile(fsys, path.Join(dir, f.Name()), path.Join(dir, r.number+r.segment)); err != nil {
				return err
			}
		}
	}
	return syncDir(fsys, dir)
}

// syncDataDirectory makes durable whatever an earlier server wrote and did not
// sync: redo counts on pages that it finds up to date (PostgreSQL:
// SyncDataDirectory).
func syncDataDirectory(fsys vfs.FS) error {
	if err := syncTree(fsys, "."); err != nil {
		return err
	}
	// Links out of the directory.
	links := []string{walDir}
	spcs, err := list(fsys, "pg_tblspc")
	if err != nil {
		return err
	}
	for _, s := range spcs {
		links = append(links, path.Join("pg_tblspc", s.Name()))
	}
	for _, l := range links {
		if st, err := fsys.Lstat(l); err == nil && st.Mode()&fs.ModeSymlink != 0 {
			if err := syncTree(fsys, l); err != nil {
				return err
			}
		}
	}
	return nil
}

func syncTree(fsys vfs.FS, dir string) error {
	files, err := list(fsys, dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		name := path.Join(dir, f.Name())
		switch {
		case f.IsDir():
			err = syncTree(fsys, name)
		case f.Type().IsRegular():
			err = syncFile(fsys, name)
		}
		if err != nil {
			return err
		}
	}
	return syncDir(fsys, dir)
}

func syncFile(fsys vfs.FS, name string) error {
	f, err := fsys.Open(name, vfs.Write)
	if errors.Is(err, fs.ErrPermission) {
		f, err = fsys.Open(name, vfs.Read)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return pgerr.File(err, "open", name)
	}
	err = f.Sync()
	return errors.Join(pgerr.File(err, "fsync", name), f.Close())
}
