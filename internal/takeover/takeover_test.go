package takeover

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pgmini/pgmini/internal/oracle"
)

// TestWorkload runs every section on pgmini, the listed ones too, and keeps
// skip.txt honest. What both servers ran leaves the same state in both.
func TestWorkload(t *testing.T) {
	pg := oracle.Find(t)
	m := binary(t, pg)
	s := m.Initdb(t)
	s.Start()
	skip := skipped(t)
	var passed []section
	for _, sec := range sections(t) {
		why, listed := skip[sec.name]
		err := script(pg, s, sec.sql)
		switch {
		case !s.Running():
			t.Errorf("section %s ends the server: %v\n%s", sec.name, err, tail(s.Log()))
			s.Start()
		case err != nil && listed:
			t.Logf("skipped: %s (%s): %v", sec.name, why, head(err.Error(), 2))
		case err != nil:
			t.Errorf("section %s: %v", sec.name, err)
		case listed:
			t.Errorf("section %s works now: take it out of skip.txt", sec.name)
		}
		if err == nil {
			passed = append(passed, sec)
		}
		delete(skip, sec.name)
	}
	for name := range skip {
		t.Errorf("skip.txt: no section %s", name)
	}
	if t.Failed() || len(skip) > 0 {
		t.Logf("%d of %d sections pass", len(passed), len(sections(t)))
	}
	stop(t, s)
}

// TestSameAnswers fills both servers and compares what they hold: the answers to
// the workload are the same, not only the files.
func TestSameAnswers(t *testing.T) {
	pg := oracle.Find(t)
	s := binary(t, pg).Initdb(t)
	s.Start()
	fill(t, pg, s)
	c := pg.Initdb(t)
	c.Start()
	fill(t, pg, c)
	same(t, "what the workload left", state(t, c), state(t, s))
	stop(t, s)
}

// TestFormats reads what pgmini left with stock's tools, and with ours.
func TestFormats(t *testing.T) {
	pg := oracle.Find(t)
	m := binary(t, pg)
	s := m.Initdb(t)
	s.Start()
	fill(t, pg, s)
	stop(t, s)
	formats(t, pg, m, s.Data, true)
}

var lastCheckpoint = regexp.MustCompile(`Latest checkpoint location: +(\S+)`)

// formats compares controldata, checksums and waldump of a directory.
func formats(t *testing.T, pg *oracle.PG, m *oracle.Pgmini, data string, clean bool) {
	t.Helper()
	control := pg.Run(t, "pg_controldata", data)
	ours, err := ourTool(m, "controldata", data)
	if err != nil {
		t.Error(err)
	}
	same(t, "controldata", control, ours)
	if clean {
		if !strings.Contains(control, "shut down\n") {
			t.Errorf("not shut down cleanly:\n%s", control)
		}
		sums, err := pg.Try("pg_checksums", "--check", "-D", data)
		if err != nil || !strings.Contains(sums, "Bad checksums:  0\n") {
			t.Errorf("pg_checksums: %v\n%s", err, sums)
		}
		t.Log(strings.ReplaceAll(sums, "\n", "; "))
	}
	wal := filepath.Join(data, "pg_wal")
	from := segmentStart(t, sortedSegments(t, data)[0])
	theirs, terr := pg.Try("pg_waldump", "-p", wal, "-s", from)
	mine, merr := ourTool(m, "waldump", "-p", wal, "-s", from)
	same(t, "waldump", theirs, mine)
	if (terr == nil) != (merr == nil) {
		t.Errorf("waldump ends with %v, ours with %v", terr, merr)
	}
	if terr != nil && merr != nil {
		same(t, "waldump's end", message(terr), message(merr))
	}
	lines := strings.Split(strings.TrimSpace(theirs), "\n")
	end := lines[len(lines)-1]
	at := lastCheckpoint.FindStringSubmatch(control)
	if clean && (!strings.Contains(end, "CHECKPOINT_SHUTDOWN") || !strings.Contains(end, zeroLSN(at[1]))) {
		t.Errorf("the WAL ends with %q, pg_control says %s", end, at[1])
	}
	t.Logf("%d WAL records in %d segments; %s", len(lines), len(sortedSegments(t, data)), message(terr))
}

// segmentStart is where a segment of 16 MB begins, without a segment given by name
// a dump goes on to the end of the WAL.
func segmentStart(t *testing.T, name string) string {
	t.Helper()
	var log, seg uint32
	if _, err := fmt.Sscanf(name[8:], "%8X%8X", &log, &seg); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%X/%X", log, seg<<24)
}

// zeroLSN writes a location as waldump does: 0/1A as 0/0000001A.
func zeroLSN(s string) string {
	hi, lo, _ := strings.Cut(s, "/")
	return hi + "/" + strings.Repeat("0", 8-len(lo)) + lo
}

var errorText = regexp.MustCompile(`error: (.*)`)

// message is what a tool complained about, without its own name.
func message(err error) string {
	if err == nil {
		return ""
	}
	if m := errorText.FindStringSubmatch(err.Error()); m != nil {
		return m[1]
	}
	return err.Error()
}

// ourTool runs a subcommand of pgmini and returns its standard output.
func ourTool(m *oracle.Pgmini, args ...string) (string, error) {
	out, err := m.Command(args...).Output()
	if e, ok := err.(*exec.ExitError); ok {
		return string(out), &toolError{err, string(e.Stderr)}
	}
	return string(out), err
}

type toolError struct {
	err    error
	stderr string
}

func (e *toolError) Error() string { return e.err.Error() + "\n" + e.stderr }

// TestStockTakesOverStopped: pgmini fills a directory and stops; stock opens it,
// changes it, and is stopped or killed; pgmini opens it again.
func TestStockTakesOverStopped(t *testing.T) {
	pg := oracle.Find(t)
	m := binary(t, pg)
	s := m.Initdb(t)
	s.Start()
	fill(t, pg, s)
	was := state(t, s)
	stop(t, s)
	back := func(t *testing.T, end func(*oracle.Cluster)) {
		data := copyOf(t, pg, s.Data)
		c := pg.Cluster(t, data)
		c.Start()
		same(t, "the state in stock PostgreSQL", was, state(t, c))
		amcheck(t, c)
		more(t, pg, c, 1)
		end(c)
		again(t, pg, m, data, recovered(t, pg, data))
	}
	t.Run("stock stopped", func(t *testing.T) { back(t, (*oracle.Cluster).Stop) })
	t.Run("stock killed", func(t *testing.T) { back(t, (*oracle.Cluster).Crash) })
}

// recovered is the state that stock finds in a copy of a directory: after a crash
// unlogged tables are empty and sequences ahead.
func recovered(t *testing.T, pg *oracle.PG, data string) string {
	t.Helper()
	c := pg.Cluster(t, copyOf(t, pg, data))
	c.Start()
	defer c.Stop()
	return state(t, c)
}

// again opens a directory that stock left with pgmini, expects a state, changes
// it, stops, and lets stock check the result.
func again(t *testing.T, pg *oracle.PG, m *oracle.Pgmini, data, want string) {
	t.Helper()
	s := m.Server(t, data)
	s.Start()
	same(t, "the state in pgmini", want, state(t, s))
	more(t, pg, s, 2)
	now := state(t, s)
	stop(t, s)
	formats(t, pg, m, data, true)
	c := pg.Cluster(t, data)
	c.Start()
	same(t, "the state in stock PostgreSQL at last", now, state(t, c))
	amcheck(t, c)
	c.Stop()
}

// TestStockTakesOverKilled: pgmini is killed under load; stock recovers one copy,
// pgmini another, and both hold the same.
func TestStockTakesOverKilled(t *testing.T) {
	pg := oracle.Find(t)
	m := binary(t, pg)
	s := m.Initdb(t)
	s.Start()
	fill(t, pg, s)
	tpcb(t, pg, s)
	end := load(t, pg, s)
	time.Sleep(3 * time.Second)
	if !s.Running() {
		t.Errorf("the server ended under load\n%s", tail(s.Log()))
	}
	s.Kill()
	end()
	formats(t, pg, m, s.Data, false)
	copied := copyOf(t, pg, s.Data)
	c := pg.Cluster(t, copied)
	c.Start()
	want := state(t, c)
	sums(t, c)
	amcheck(t, c)
	more(t, pg, c, 1)
	c.Crash()

	s.Start()
	same(t, "the state that pgmini recovered", want, state(t, s))
	sums(t, s)
	stop(t, s)
	last := pg.Cluster(t, s.Data)
	last.Start()
	amcheck(t, last)
	last.Stop()
	again(t, pg, m, copied, recovered(t, pg, copied))
}

// TestPgminiTakesOverStopped: stock makes and fills a directory and stops.
func TestPgminiTakesOverStopped(t *testing.T) {
	pg := oracle.Find(t)
	m := binary(t, pg)
	c := pg.Initdb(t)
	c.Start()
	fillAll(t, pg, c)
	tpcb(t, pg, c)
	was := state(t, c)
	c.Stop()
	again(t, pg, m, c.Data, was)
}

// fillAll runs every section: what stock can fill, pgmini must at least read.
func fillAll(t *testing.T, pg *oracle.PG, s server) {
	t.Helper()
	for _, sec := range sections(t) {
		if err := script(pg, s, sec.sql); err != nil {
			t.Fatalf("section %s: %v", sec.name, err)
		}
	}
}

// TestPgminiTakesOverKilled: stock is killed under load.
func TestPgminiTakesOverKilled(t *testing.T) {
	pg := oracle.Find(t)
	m := binary(t, pg)
	c := pg.Initdb(t)
	c.Start()
	fillAll(t, pg, c)
	tpcb(t, pg, c)
	end := load(t, pg, c)
	time.Sleep(3 * time.Second)
	c.Crash()
	end()
	again(t, pg, m, c.Data, recovered(t, pg, c.Data))
}

// TestLocales: directories of other locales are served or refused, clearly.
func TestLocales(t *testing.T) {
	pg := oracle.Find(t)
	m := binary(t, pg)
	for _, l := range []struct {
		name string
		args []string
		err  string // what pgmini says when it refuses
	}{
		{"C", []string{"--no-locale"}, ""},
		{"C.UTF-8", []string{"--locale=C.UTF-8"}, ""},
		{"Latin1", []string{"--no-locale", "--encoding=LATIN1"}, "encoding"},
	} {
		t.Run(l.name, func(t *testing.T) {
			data := filepath.Join(pg.TempDir(t), "data")
			args := append([]string{"-D", data, "-U", "postgres", "-A", "trust", "-N"}, l.args...)
			if l.err == "" {
				args = append(args, "-E", "UTF8")
			}
			pg.Run(t, "initdb", args...)
			c := pg.Cluster(t, data)
			c.Start()
			const sql = `create table l(a text primary key); insert into l values ('b'), ('B'), ('a'), ('ä'), ('z'), ('Ä'), ('_');`
			c.Psql(sql)
			const ask = `select string_agg(a, ' ' order by a), string_agg(upper(a), ' ' order by a) from l`
			want := c.Psql(ask)
			c.Stop()
			s := m.Server(t, data)
			err := s.TryStart()
			if err != nil {
				if l.err == "" || !strings.Contains(err.Error(), l.err) {
					t.Fatal(err)
				}
				t.Logf("refused: %v", err)
				return
			}
			got, err := s.TryPsql("postgres", ask)
			if err != nil && l.err != "" && strings.Contains(err.Error(), l.err) {
				return
			}
			if err != nil || got != want {
				t.Errorf("stock %q, pgmini %q %v", want, got, err)
			}
			stop(t, s)
		})
	}
}
