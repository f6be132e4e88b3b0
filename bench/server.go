package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// settings are the same for both servers.
func settings() []string {
	return []string{"shared_buffers=1GB", "max_wal_size=4GB", "max_connections=1100"}
}

// server is stock PostgreSQL or pgmini: how to make a directory and serve it.
type server struct {
	name    string
	bin     string // of the client tools
	dir     string // of data and sockets
	port    int
	cred    *syscall.Credential
	initdb  []string // -D and the rest follow
	serve   []string
	cmd     *exec.Cmd
	exited  chan error
	loaded  bool
	version int // of the data directory, counted by initdb runs
}

const pgBin = "/usr/lib/postgresql/15/bin"

func clientBin() string {
	if d := os.Getenv("PGMINI_PG15_BIN"); d != "" {
		return d
	}
	return pgBin
}

// newServer makes the folder; both servers run as the same unprivileged user
// when the program runs as root.
func newServer(name, dir string) (*server, error) {
	s := &server{name: name, bin: clientBin(), dir: filepath.Join(dir, name)}
	if err := os.Mkdir(s.dir, 0o755); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	l.Close()
	if os.Geteuid() != 0 {
		return s, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	s.cred = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return s, errors.Join(err1, err2, os.Chown(s.dir, int(uid), int(gid)))
}

func newStock(dir string) (*server, error) {
	s, err := newServer("stock", dir)
	if err != nil {
		return nil, err
	}
	s.initdb = []string{filepath.Join(s.bin, "initdb"), "-k"}
	s.serve = []string{filepath.Join(s.bin, "postgres")}
	return s, nil
}

func newPgmini(dir string) (*server, error) {
	s, err := newServer("pgmini", dir)
	if err != nil {
		return nil, err
	}
	bin := filepath.Join(dir, "pgmini.bin")
	if out, err := exec.Command("go", "build", "-o", bin, "./cmd/pgmini").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	s.initdb, s.serve = []string{bin, "initdb"}, []string{bin, "serve"}
	return s, nil
}

func (s *server) command(args ...string) *exec.Cmd {
	c := exec.Command(args[0], args[1:]...)
	c.Dir = "/"
	c.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC", "PGHOST="+s.dir, "PGPORT="+strconv.Itoa(s.port), "PGUSER=postgres", "PGDATABASE=postgres")
	if s.cred != nil {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: s.cred}
	}
	return c
}

func (s *server) data() string { return filepath.Join(s.dir, "data"+strconv.Itoa(s.version)) }

// newData makes a fresh data directory. The last one stays until the program ends:
// ext4 avoids the inodes of files that were just removed, and is slow at it.
func (s *server) newData() error {
	s.stop()
	s.version++
	s.loaded = false
	args := append(s.initdb, "-D", s.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
	if out, err := s.command(args...).CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return nil
}

// start serves the directory and waits for the first query.
func (s *server) start() error {
	if s.cmd != nil {
		return nil
	}
	args := append(s.serve, "-D", s.data(), "-k", s.dir, "-p", strconv.Itoa(s.port), "-h", "127.0.0.1")
	for _, v := range settings() {
		args = append(args, "-c", v)
	}
	c := s.command(args...)
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		return err
	}
	s.cmd, s.exited = c, make(chan error, 1)
	go func() { s.exited <- c.Wait() }()
	sock := filepath.Join(s.dir, ".s.PGSQL."+strconv.Itoa(s.port))
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if _, err := os.Stat(sock); err != nil {
			continue
		}
		if _, err := s.sql("select 1"); err == nil {
			return nil
		}
	}
	b, _ := os.ReadFile(log.Name())
	return fmt.Errorf("%s does not answer\n%s", s.name, b)
}

// stop is a fast shutdown.
func (s *server) stop() {
	if s.cmd == nil {
		return
	}
	s.cmd.Process.Signal(syscall.SIGINT)
	<-s.exited
	s.cmd = nil
}

// sql runs statements and returns what psql printed.
func (s *server) sql(text string) (string, error) {
	c := s.command(filepath.Join(s.bin, "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-")
	c.Stdin = strings.NewReader(text)
	out, err := c.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("psql: %w\n%s", err, out)
	}
	return strings.TrimSpace(string(out)), nil
}
