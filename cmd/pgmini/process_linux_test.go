package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pgmini/pgmini/engine"
	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/vfs/osfs"
)

// sleeper is a process that does nothing in dir; it is killed and reaped at the
// test's end.
func sleeper(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	c := exec.Command("sleep", "600")
	c.Dir = dir
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	return c
}

// TestServes: a process counts as a server on the directory if it may be one: not
// a zombie, nor one that merely has the number.
func TestServes(t *testing.T) {
	dir := t.TempDir()
	in, out := sleeper(t, dir).Process, sleeper(t, "/").Process
	for wait := time.Now().Add(5 * time.Second); !serves(in.Pid, dir); {
		if time.Now().After(wait) {
			t.Fatal("a process in the directory does not count")
		}
	}
	if serves(out.Pid, dir) {
		t.Error("a process elsewhere counts")
	}
	if !alive(in.Pid) || !alive(out.Pid) || !alive(1) {
		t.Error("a running process counts as dead")
	}
	in.Signal(syscall.SIGKILL)
	for wait := time.Now().Add(5 * time.Second); alive(in.Pid); { // nobody has reaped it
		if time.Now().After(wait) {
			t.Fatal("a zombie counts as alive")
		}
	}
	if syscall.Kill(in.Pid, 0) != nil {
		t.Error("it is gone, not a zombie")
	}
	if serves(in.Pid, dir) {
		t.Error("a zombie counts as a server")
	}
}

// TestRestartBesideZombie: a directory opens whose postmaster.pid names a process
// that was killed and not reaped, or another that has the number now.
func TestRestartBesideZombie(t *testing.T) {
	pg := oracle.Find(t)
	s := oracle.BuildPgmini(t, pg).Initdb(t)
	dead, other := sleeper(t, s.Data), sleeper(t, "/")
	dead.Process.Signal(syscall.SIGKILL)
	for _, pid := range []int{dead.Process.Pid, other.Process.Pid} {
		text := strconv.Itoa(pid) + "\n" + s.Data + "\n1700000000\n5432\n"
		if err := os.WriteFile(filepath.Join(s.Data, engine.PIDFileName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		pg.Own(t, s.Data)
		s.Start()
		s.Kill()
	}
}

// TestStockServerIsSeen: beside a running stock server, and beside what holds
// its shared memory, no other starts.
func TestStockServerIsSeen(t *testing.T) {
	pg := oracle.Find(t)
	c := pg.Initdb(t)
	c.Start()
	p, err := engine.ReadPIDFile(osfs.New(c.Data))
	if err != nil {
		t.Fatal(err)
	}
	if !serves(p.PID, c.Data) || !orphans(p) {
		t.Errorf("a running stock server is not seen: %v, %v", serves(p.PID, c.Data), orphans(p))
	}
	c.Stop()
	if serves(p.PID, c.Data) || orphans(p) {
		t.Error("a stopped stock server is seen")
	}
}

func TestAttached(t *testing.T) {
	table := strings.Join([]string{
		"       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap",
		"   5432001          7   600                    56  1200  1200      6   101   101   101   101 1 0 1 4096 0",
		"-1294967296         8   600                    56  1200  1200      0   101   101   101   101 1 0 1 4096 0", ""}, "\n")
	for _, c := range []struct {
		key  uint32
		id   uint64
		want bool
	}{{5432001, 7, true}, {3000000000, 8, false}, {5432001, 8, false}, {1, 1, false}} {
		if got := attached(table, c.key, c.id); got != c.want {
			t.Errorf("key %d, ID %d: %v", c.key, c.id, got)
		}
	}
	if attached("", 1, 1) {
		t.Error("an empty table")
	}
}
