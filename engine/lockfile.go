package engine

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
)

// PIDFileName is the name of the file that says who runs the directory.
const PIDFileName = "postmaster.pid"

// flockName is the file that a running server holds locked: one that is always
// there and never replaced. The kernel lets go of it with the process, also in
// another container.
const flockName = "PG_VERSION"

// PIDFile is the contents of postmaster.pid, a line for each field.
type PIDFile struct {
	PID       int // negative: not a postmaster
	Dir       string
	Start     int64 // seconds since 1970
	Port      int
	SocketDir string
	Listen    string // first address of listen_addresses
	ShmemKey  string
	Status    string // "starting", "ready", "stopping"
}

func (p *PIDFile) String() string {
	return fmt.Sprintf("%d\n%s\n%d\n%d\n%s\n%s\n%s\n%-8s\n", p.PID, p.Dir, p.Start, p.Port, p.SocketDir, p.Listen, p.ShmemKey, p.Status)
}

// ReadPIDFile reads postmaster.pid in the data directory that fsys is rooted at.
func ReadPIDFile(fsys vfs.FS) (*PIDFile, error) {
	b, err := vfs.ReadFile(fsys, PIDFileName, 8192)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(string(b), "\n")
	line := func(i int) string {
		if i < len(lines) {
			return strings.TrimSpace(lines[i])
		}
		return ""
	}
	pid, err := strconv.Atoi(line(0))
	if err != nil || pid == 0 {
		return nil, pgerr.New(pgerr.ConfigFileError, "bogus data in lock file %q: %q", PIDFileName, line(0))
	}
	p := &PIDFile{PID: pid, Dir: line(1), SocketDir: line(4), Listen: line(5), ShmemKey: line(6), Status: line(7)}
	p.Start, _ = strconv.ParseInt(line(2), 10, 64) // optional lines
	p.Port, _ = strconv.Atoi(line(3))
	return p, nil
}

func (p *PIDFile) write(fsys vfs.FS) error {
	f, err := fsys.Open(PIDFileName, vfs.Write|vfs.Create)
	if err != nil {
		return pgerr.File(err, "create", PIDFileName)
	}
	b := []byte(p.String())
	_, err = f.WriteAt(b, 0)
	if err == nil {
		err = f.Truncate(int64(len(b)))
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(pgerr.File(err, "write", PIDFileName), f.Close())
}

// lockDirectory makes this server the only one on the directory. INV-ENG-3: the
// flock keeps other pgmini servers out, postmaster.pid stock ones. Who has the flock
// knows that no pgmini runs here, whatever the file says.
func lockDirectory(fsys vfs.FS, me *PIDFile, alive func(pid int) bool, orphans func(*PIDFile) bool) (io.Closer, error) {
	taken := func(dir string) error {
		e := pgerr.New(pgerr.LockFileExists, "lock file %q already exists", PIDFileName)
		if p, err := ReadPIDFile(fsys); err == nil {
			if p.Dir != "" {
				dir = p.Dir
			}
			return e.WithHint("Is another postmaster (PID %d) running in data directory %q?", max(p.PID, -p.PID), dir)
		}
		return e.WithHint("Is another postmaster running in data directory %q?", dir)
	}
	lock, err := fsys.Lock(flockName)
	if errors.Is(err, vfs.ErrLocked) {
		return nil, taken(me.Dir)
	}
	if err != nil {
		return nil, pgerr.File(err, "lock", flockName)
	}
	other, err := ReadPIDFile(fsys)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case pgerr.CodeOf(err) == pgerr.ConfigFileError: // torn by a power failure: nobody runs that wrote it
	case err != nil:
		lock.Close()
		return nil, err
	case alive != nil && max(other.PID, -other.PID) != me.PID && alive(max(other.PID, -other.PID)):
		lock.Close()
		return nil, taken(me.Dir)
	case orphans != nil && orphans(other):
		lock.Close()
		var key, id uint64
		_, _ = fmt.Sscan(other.ShmemKey, &key, &id)
		return nil, pgerr.New(pgerr.LockFileExists, "pre-existing shared memory block (key %d, ID %d) is still in use", key, id).
			WithHint("Terminate any old server processes associated with data directory %q.", me.Dir)
	}
	if err := me.write(fsys); err != nil {
		lock.Close()
		return nil, err
	}
	return lock, nil
}

// checkDirectory refuses what is no data directory of PostgreSQL 15, or one that
// others may read.
func checkDirectory(fsys vfs.FS, dir string) error {
	st, err := fsys.Stat(".")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return pgerr.New(pgerr.UndefinedFile, "data directory %q does not exist", dir)
	case err != nil:
		return pgerr.Wrap(err, pgerr.IOError, "could not read permissions of directory %q%s", dir, pgerr.OSText(err))
	case !st.IsDir():
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "specified data directory %q is not a directory", dir)
	case st.Mode().Perm()&0o027 != 0:
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "data directory %q has invalid permissions", dir).
			WithDetail("Permissions should be u=rwx (0700) or u=rwx,g=rx (0750).")
	}
	b, err := vfs.ReadFile(fsys, "PG_VERSION", 64)
	if errors.Is(err, fs.ErrNotExist) {
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "%q is not a valid data directory", dir).
			WithDetail("File %q is missing.", dir+"/PG_VERSION")
	}
	if err != nil {
		return pgerr.File(err, "open", dir+"/PG_VERSION")
	}
	version := strings.TrimSpace(string(b))
	if _, err := strconv.Atoi(version); err != nil {
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "%q is not a valid data directory", dir).
			WithDetail("File %q does not contain valid data.", dir+"/PG_VERSION").WithHint("You might need to initdb.")
	}
	if version != "15" {
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "database files are incompatible with server").
			WithDetail("The data directory was initialized by PostgreSQL version %s, which is not compatible with this version 15.", version)
	}
	return nil
}
