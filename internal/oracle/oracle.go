// Package oracle runs stock PostgreSQL 15 so that tests can compare with it. It
// is for tests only.
//
// Where PostgreSQL 15 is missing a test skips, but fails when CI=true. The
// server refuses to run as root, so that the tools run as an unprivileged user
// whenever the tests run as root.
package oracle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// PG is an installation of PostgreSQL 15 and the user who runs it.
type PG struct {
	Bin  string // directory of the binaries
	User string // operating system user
	cred *syscall.Credential
}

// Find returns the installation. Without one it skips t, or fails it when
// CI=true.
func Find(t testing.TB) *PG {
	t.Helper()
	pg, err := find()
	if err == nil {
		return pg
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("PostgreSQL 15 is required: %v", err)
	}
	t.Skipf("needs PostgreSQL 15: %v", err)
	return nil
}

func find() (*PG, error) {
	var dirs []string
	if d := os.Getenv("PGMINI_PG15_BIN"); d != "" {
		dirs = append(dirs, d)
	}
	dirs = append(dirs, "/usr/lib/postgresql/15/bin", "/usr/pgsql-15/bin", "/usr/local/pgsql/bin")
	if p, err := exec.LookPath("postgres"); err == nil {
		dirs = append(dirs, filepath.Dir(p))
	}
	for _, d := range dirs {
		out, err := exec.Command(filepath.Join(d, "postgres"), "--version").Output()
		if err != nil || !strings.Contains(string(out), "(PostgreSQL) 15.") {
			continue
		}
		pg := &PG{Bin: d}
		return pg, pg.chooseUser()
	}
	return nil, fmt.Errorf("no postgres 15 in %s", strings.Join(dirs, ", "))
}

// chooseUser picks postgres, then nobody, when the tests run as root.
func (pg *PG) chooseUser() error {
	me, err := user.Current()
	if err != nil {
		return err
	}
	pg.User = me.Username
	if os.Geteuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return err
		}
		pg.User = name
		pg.cred = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		return nil
	}
	return errors.New("no unprivileged user to run the server as")
}

// Command prepares a tool of the installation, run as the unprivileged user.
func (pg *PG) Command(ctx context.Context, tool string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, filepath.Join(pg.Bin, tool), args...)
	c.Env = append(slices.DeleteFunc(os.Environ(), func(e string) bool {
		return strings.HasPrefix(e, "PG") || strings.HasPrefix(e, "LC_") || strings.HasPrefix(e, "LANG")
	}), "LC_ALL=C", "TZ=UTC", "PSQLRC=/dev/null", "HOME=/tmp")
	c.Dir = "/"
	if pg.cred != nil {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: pg.cred}
	}
	return c
}

// Try runs a tool and returns what it wrote to standard output; the error holds
// standard error.
func (pg *PG) Try(tool string, args ...string) (string, error) {
	c := pg.Command(context.Background(), tool, args...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		return out.String(), fmt.Errorf("%s %s: %w\n%s", tool, strings.Join(args, " "), err, errs.String())
	}
	return out.String(), nil
}

// Run is Try; an error fails t.
func (pg *PG) Run(t testing.TB, tool string, args ...string) string {
	t.Helper()
	out, err := pg.Try(tool, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TempDir makes a directory that the unprivileged user owns and can reach. It is
// removed when t ends.
func (pg *PG) TempDir(t testing.TB) string {
	t.Helper()
	d, err := os.MkdirTemp("/tmp", "pgmini-") // short: a socket's path has 107 bytes at most
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(d) })
	pg.Own(t, d)
	return d
}

// Own gives all files below dir to the unprivileged user, with the modes that
// PostgreSQL demands left as they are.
func (pg *PG) Own(t testing.TB, dir string) {
	t.Helper()
	if pg.cred == nil {
		return
	}
	err := filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(p, int(pg.cred.Uid), int(pg.cred.Gid))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// CopyDir copies a data directory (running or not), to compare or to break.
func (pg *PG) CopyDir(t testing.TB, from, to string) {
	t.Helper()
	if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
		t.Fatalf("copy %s: %v\n%s", from, err, out)
	}
	pg.Own(t, to)
}

// Initdb makes a cluster with checksums, UTF8 and the C locale, trusting local
// users, superuser postgres. Its synchronisation is skipped.
func (pg *PG) Initdb(t testing.TB, args ...string) *Cluster {
	t.Helper()
	base := pg.TempDir(t)
	data := filepath.Join(base, "data")
	pg.Run(t, "initdb", append([]string{"-D", data, "-U", "postgres", "-A", "trust",
		"-E", "UTF8", "--locale=C", "-k", "-N"}, args...)...)
	return pg.Cluster(t, data)
}

// Cluster is a data directory, and its server once started.
type Cluster struct {
	PG   *PG
	Data string
	Sock string // directory of the Unix socket
	Port int
	t    testing.TB
	cmd  *exec.Cmd
	log  *os.File
	done chan error
}

// Cluster returns a handle for a data directory that exists. The server, if
// started, is stopped when t ends.
func (pg *PG) Cluster(t testing.TB, data string) *Cluster {
	t.Helper()
	c := &Cluster{PG: pg, Data: data, Sock: pg.TempDir(t), t: t}
	t.Cleanup(func() { c.Kill() })
	return c
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// Start runs the server with settings ("name=value") and waits until it answers.
func (c *Cluster) Start(settings ...string) {
	c.t.Helper()
	if err := c.TryStart(settings...); err != nil {
		c.t.Fatal(err)
	}
}

// TryStart is Start with an error that holds the server's log.
func (c *Cluster) TryStart(settings ...string) error {
	c.Port = freePort(c.t)
	args := []string{"-D", c.Data, "-k", c.Sock, "-p", strconv.Itoa(c.Port), "-h", "127.0.0.1", "-F",
		"-c", "shared_buffers=16MB", "-c", "max_wal_size=256MB"}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	log, err := os.OpenFile(filepath.Join(c.Sock, "log"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	c.cmd = c.PG.Command(context.Background(), "postgres", args...)
	c.cmd.Stdout, c.cmd.Stderr, c.log = log, log, log
	if err := c.cmd.Start(); err != nil {
		return err
	}
	c.done = make(chan error, 1)
	go func(cmd *exec.Cmd, done chan error) { done <- cmd.Wait() }(c.cmd, c.done)
	for deadline := time.Now().Add(60 * time.Second); ; {
		select {
		case err := <-c.done:
			c.cmd = nil
			return fmt.Errorf("postgres ended: %v\n%s", err, c.Log())
		default:
		}
		if _, err := c.PG.Try("pg_isready", "-q", "-h", c.Sock, "-p", strconv.Itoa(c.Port)); err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			c.Kill()
			return fmt.Errorf("postgres does not answer\n%s", c.Log())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Log is what the server wrote so far.
func (c *Cluster) Log() string {
	b, err := os.ReadFile(filepath.Join(c.Sock, "log"))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// Running reports whether the server was started and not stopped.
func (c *Cluster) Running() bool { return c.cmd != nil }

func (c *Cluster) end(sig syscall.Signal) {
	if c.cmd == nil {
		return
	}
	c.cmd.Process.Signal(sig)
	<-c.done
	c.log.Close()
	c.cmd = nil
}

// Stop is a fast shutdown: a clean stop with a checkpoint.
func (c *Cluster) Stop() { c.end(syscall.SIGINT) }

// Crash is an immediate shutdown: the next start must recover.
func (c *Cluster) Crash() { c.end(syscall.SIGQUIT) }

// Kill ends the server whatever its state. Data written is in the kernel, as
// after kill -9 of every process.
func (c *Cluster) Kill() {
	if c.cmd == nil {
		return
	}
	c.cmd.Process.Signal(syscall.SIGQUIT)
	select {
	case err := <-c.done:
		c.done <- err
	case <-time.After(10 * time.Second):
		c.cmd.Process.Kill()
	}
	c.end(syscall.SIGKILL)
}

// ConnArgs are the arguments that lead a client tool to the server.
func (c *Cluster) ConnArgs() []string {
	return []string{"-h", c.Sock, "-p", strconv.Itoa(c.Port), "-U", "postgres"}
}

// TryPsql runs SQL in a database, unaligned, tuples only, stopping at an error.
func (c *Cluster) TryPsql(db, sql string) (string, error) {
	return tryPsql(c.PG, c.ConnArgs(), db, sql)
}

// Psql runs SQL in database postgres.
func (c *Cluster) Psql(sql string) string {
	c.t.Helper()
	out, err := c.TryPsql("postgres", sql)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// Tool runs a client tool against the server.
func (c *Cluster) Tool(tool string, args ...string) string {
	c.t.Helper()
	return c.PG.Run(c.t, tool, append(c.ConnArgs(), args...)...)
}

// RelPath is the path of a relation's main fork below Data.
func (c *Cluster) RelPath(rel string) string {
	c.t.Helper()
	return c.Psql("select pg_relation_filepath('" + strings.ReplaceAll(rel, "'", "''") + "')")
}
