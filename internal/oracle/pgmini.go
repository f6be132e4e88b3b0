package oracle

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Pgmini is a binary of this tree and how to run it.
type Pgmini struct {
	PG  *PG
	Bin string // path of the binary
}

// BuildPgmini builds cmd/pgmini as it is in this tree.
func BuildPgmini(t testing.TB, pg *PG) *Pgmini {
	t.Helper()
	bin := filepath.Join(pg.TempDir(t), "pgmini")
	cmd := exec.Command("go", "build", "-o", bin, "github.com/pgmini/pgmini/cmd/pgmini")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return &Pgmini{PG: pg, Bin: bin}
}

// Initdb makes a cluster as PG.Initdb does, by pgmini's own initdb.
func (m *Pgmini) Initdb(t testing.TB, args ...string) *Server {
	t.Helper()
	data := filepath.Join(m.PG.TempDir(t), "data")
	args = append([]string{"initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N"}, args...)
	if out, err := m.Command(args...).CombinedOutput(); err != nil {
		t.Fatalf("pgmini initdb: %v\n%s", err, out)
	}
	return m.Server(t, data)
}

// Command prepares the binary, run as the user who runs the tools: a directory
// must belong to the user of its server.
func (m *Pgmini) Command(args ...string) *exec.Cmd {
	c := exec.Command(m.Bin, args...)
	c.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC", "PGMINI_PASSWORD=secret")
	c.Dir = "/"
	if m.PG.cred != nil {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: m.PG.cred}
	}
	return c
}

// Server is a data directory and pgmini serving it, once started.
type Server struct {
	M    *Pgmini
	Data string
	Sock string // directory of the Unix socket
	Port int
	t    testing.TB
	cmd  *exec.Cmd
	done chan error
}

// Server returns a handle for a data directory that exists. The server, if
// started, is killed when t ends.
func (m *Pgmini) Server(t testing.TB, data string) *Server {
	t.Helper()
	s := &Server{M: m, Data: data, Sock: m.PG.TempDir(t), t: t}
	t.Cleanup(s.Kill)
	return s
}

// Start serves the directory with settings ("name=value") and waits until the
// server answers.
func (s *Server) Start(settings ...string) {
	s.t.Helper()
	if err := s.TryStart(settings...); err != nil {
		s.t.Fatal(err)
	}
}

// TryStart is Start with an error that holds the server's log.
func (s *Server) TryStart(settings ...string) error {
	s.Port = freePort(s.t)
	args := []string{"serve", "-D", s.Data, "-k", s.Sock, "-p", strconv.Itoa(s.Port), "-h", "127.0.0.1"}
	for _, v := range settings {
		args = append(args, "-c", v)
	}
	log, err := os.OpenFile(filepath.Join(s.Sock, "log"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := s.M.Command(args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	s.cmd, s.done = cmd, done
	for deadline := time.Now().Add(60 * time.Second); ; {
		if !s.Running() {
			return fmt.Errorf("pgmini ended\n%s", s.Log())
		}
		if _, err := s.M.PG.Try("pg_isready", "-q", "-h", s.Sock, "-p", strconv.Itoa(s.Port)); err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			s.Kill()
			return fmt.Errorf("pgmini does not answer\n%s", s.Log())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Running reports whether the process lives.
func (s *Server) Running() bool {
	if s.cmd == nil {
		return false
	}
	select {
	case err := <-s.done:
		s.done <- err
		return false
	default:
		return true
	}
}

// PID is the server's process, or 0.
func (s *Server) PID() int {
	if !s.Running() {
		return 0
	}
	return s.cmd.Process.Pid
}

// Log is what the server wrote so far.
func (s *Server) Log() string {
	b, err := os.ReadFile(filepath.Join(s.Sock, "log"))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// Kill is kill -9: nothing is flushed by the process.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	s.cmd.Process.Signal(syscall.SIGKILL)
	<-s.done
	s.cmd = nil
}

// Stop is a fast shutdown. A server that does not end within a minute is killed,
// and that is an error.
func (s *Server) Stop() error {
	if s.cmd == nil {
		return nil
	}
	s.cmd.Process.Signal(syscall.SIGINT)
	select {
	case err := <-s.done:
		s.cmd = nil
		if err != nil {
			return fmt.Errorf("pgmini ended: %w\n%s", err, s.Log())
		}
		return nil
	case <-time.After(time.Minute):
		s.Kill()
		return fmt.Errorf("pgmini did not stop\n%s", s.Log())
	}
}

// ConnArgs are the arguments that lead a client tool to the server.
func (s *Server) ConnArgs() []string {
	return []string{"-h", s.Sock, "-p", strconv.Itoa(s.Port), "-U", "postgres"}
}

// URL is a connection string for drivers.
func (s *Server) URL(db string) string {
	return fmt.Sprintf("host=%s port=%d user=postgres dbname=%s sslmode=disable", s.Sock, s.Port, db)
}

// TryPsql runs SQL as Cluster.TryPsql does.
func (s *Server) TryPsql(db, sql string) (string, error) {
	return tryPsql(s.M.PG, s.ConnArgs(), db, sql)
}

// Psql runs SQL in database postgres.
func (s *Server) Psql(sql string) string {
	s.t.Helper()
	out, err := s.TryPsql("postgres", sql)
	if err != nil {
		s.t.Fatalf("%v\n%s", err, s.Log())
	}
	return out
}

// TryTool runs a client tool against the server.
func (s *Server) TryTool(tool string, args ...string) (string, error) {
	return s.M.PG.Try(tool, append(s.ConnArgs(), args...)...)
}

func tryPsql(pg *PG, conn []string, db, sql string) (string, error) {
	cmd := pg.Command(context.Background(), "psql",
		append(conn, "-d", db, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-")...)
	var out, errs strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(sql), &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("psql: %w\n%s", err, errs.String())
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}
