package engine

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/vfs/osfs"
	"github.com/pgmini/pgmini/xact"
)

const (
	killDir     = "PGMINI_KILL_DIR" // set: this process is the one to be killed
	killWriters = 4
	killRound   = 100000 // ids of a writer in one round
)

func killSettings() *Settings {
	s := DefaultSettings()
	s.SharedBuffers = 200 // evictions all the time
	s.CheckpointTimeout = func() time.Duration { return 150 * time.Millisecond }
	s.CheckpointCompletion = func() float64 { return 0.5 }
	s.BgwriterDelay = func() time.Duration { return 10 * time.Millisecond }
	s.MaxWALSize = func() int64 { return 8 << 20 }
	s.MinWALSize = func() int64 { return 4 << 20 }
	return &s
}

// killWrite inserts three rows per transaction and updates or deletes rows of the
// one before, and prints the number of each transaction that was acknowledged.
func killWrite(i *Instance, s *store, writer, round int) error {
	p := i.xact.NewProc(xact.ProcOptions{Database: 5, Tablespace: 1663})
	defer p.Close()
	for n := 0; ; n++ {
		base := (round*killWriters+writer)*killRound + n*3
		tx := p.Begin(xact.BeginOptions{})
		tx.Snapshot()
		for k := range 3 {
			if err := s.insert(tx, base+k, strings.Repeat("v", 100+n%200)); err != nil {
				return err
			}
		}
		if n%5 == 4 {
			if err := s.update(tx, base-3, "updated"); err != nil {
				return err
			}
		}
		if err := tx.Commit(bg); err != nil {
			return err
		}
		fmt.Println(base)
		if n%40 == 39 && writer == 0 {
			p.Close()
			if err := s.vacuum(); err != nil {
				return err
			}
			p = i.xact.NewProc(xact.ProcOptions{Database: 5, Tablespace: 1663})
		}
	}
}

// TestMain is the process to be killed too.
func TestMain(m *testing.M) {
	if dir := os.Getenv(killDir); dir != "" {
		fmt.Fprintln(os.Stderr, killHelper(dir))
		os.Exit(1)
	}
	m.Run()
}

// killHelper writes until it is killed, or an error.
func killHelper(dir string) error {
	round, err := strconv.Atoi(os.Getenv("PGMINI_KILL_ROUND"))
	if err != nil {
		return err
	}
	i, err := Open(bg, Options{FS: osfs.New(dir), Dir: dir, PID: os.Getpid(), Settings: killSettings()})
	if err != nil {
		return err
	}
	s := newStore(i, sweepNode)
	if round == 0 {
		tx := i.xact.Begin(xact.BeginOptions{})
		if err := s.create(tx); err != nil {
			return err
		}
		if err := tx.Commit(bg); err != nil {
			return err
		}
	}
	fmt.Println("ready")
	failed := make(chan error, killWriters)
	for w := range killWriters {
		go func() { failed <- killWrite(i, s, w, round) }()
	}
	return <-failed
}

// TestKill kills a server under load again and again: every acknowledged
// transaction is there, each whole or not at all, and the indexes agree.
func TestKill(t *testing.T) {
	rounds := 5
	if n, err := strconv.Atoi(os.Getenv("PGMINI_KILL_ROUNDS")); err == nil {
		rounds = n
	}
	seed := uint64(time.Now().UnixNano())
	if n, err := strconv.ParseUint(os.Getenv("PGMINI_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o700))
	newCluster(t, osfs.New(dir), true)
	acked := map[int]bool{}
	for round := range rounds {
		killOnce(t, dir, round, time.Duration(50+rng.IntN(400))*time.Millisecond, acked)
		if round == rounds-1 {
			stockTakesOver(t, dir)
		}
		checkKilled(t, dir, acked)
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
	t.Logf("%d rounds, %d acknowledged transactions", rounds, len(acked))
}

func killOnce(t *testing.T, dir string, round int, after time.Duration, acked map[int]bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killDir+"="+dir, "PGMINI_KILL_ROUND="+strconv.Itoa(round))
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	ready := false
	for sc := bufio.NewScanner(out); sc.Scan(); {
		line := sc.Text()
		if line == "ready" {
			ready = true
			time.AfterFunc(after, func() { cmd.Process.Kill() })
			continue
		}
		n, err := strconv.Atoi(line)
		if err != nil {
			t.Errorf("the helper says %s", line)
			continue
		}
		acked[n] = true
	}
	_ = cmd.Wait() // it was killed
	if !ready {
		t.Fatalf("the helper did not start: %s", errs.String())
	}
}

func checkKilled(t *testing.T, dir string, acked map[int]bool) {
	t.Helper()
	i, err := Open(bg, Options{FS: osfs.New(dir), Dir: dir, PID: os.Getpid(), Settings: killSettings(), NoWorkers: true})
	must(t, err)
	rows, err := newStore(i, sweepNode).rows()
	must(t, err)
	for base := range acked {
		for k := range 3 {
			if rows[base+k] == "" {
				t.Fatalf("transaction %d was acknowledged and lacks row %d", base, k)
			}
		}
	}
	for id := range rows {
		if base := id - id%killRound%3; rows[base] == "" || rows[base+1] == "" || rows[base+2] == "" {
			t.Fatalf("transaction %d is there in part", base)
		}
	}
	_ = i.Stop(Immediate)
}

// stockTakesOver lets stock PostgreSQL recover a copy of the directory: it makes
// the same pages of our log as we do, and finds no damage.
func stockTakesOver(t *testing.T, dir string) {
	t.Helper()
	pg := oracle.Find(t)
	copied := pg.TempDir(t) + "/data"
	pg.CopyDir(t, dir, copied)
	c := pg.Cluster(t, copied)
	c.Start("autovacuum=off")
	c.Crash()
	i, err := Open(bg, Options{FS: osfs.New(dir), Dir: dir, PID: os.Getpid(), Settings: killSettings(), NoWorkers: true})
	must(t, err)
	_ = i.Stop(Immediate)
	t.Logf("%d pages are equal", compareDirs(t, dir, copied))
	c.Start("autovacuum=off")
	if out, err := pg.Try("pg_amcheck", append(c.ConnArgs(), "--all", "--heapallindexed", "--install-missing")...); err != nil || out != "" {
		t.Errorf("amcheck: %v\n%s", err, out)
	}
	c.Stop()
	pg.Run(t, "pg_checksums", "--check", "-D", copied)
}
