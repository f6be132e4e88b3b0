package regress

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgmini/pgmini/internal/oracle"
)

// spec is a file of isolation/: several sessions whose steps interleave. Its lines:
//
//	setup: SQL             before each permutation; teardown: after it
//	session a: SQL         a session and what it runs first in each permutation
//	  step: SQL            a step of that session
//	permutation s t u      an order of steps; without such lines all orders run
type spec struct {
	setup, teardown []string
	sessions        []specSession
	permutations    [][]string
}

type specSession struct {
	name, setup string
	steps       []specStep
}

type specStep struct {
	name, sql string
	session   int
}

func readSpec(path string) (*spec, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s := &spec{}
	for l := range strings.Lines(string(b)) {
		l = strings.TrimSpace(l)
		if l == "" || l[0] == '#' {
			continue
		}
		if p, ok := strings.CutPrefix(l, "permutation "); ok {
			s.permutations = append(s.permutations, strings.Fields(p))
			continue
		}
		head, sql, ok := strings.Cut(l, ":")
		sql = strings.TrimSpace(sql)
		name, isSession := strings.CutPrefix(head, "session ")
		switch {
		case !ok:
			return nil, fmt.Errorf("%s: %q", path, l)
		case head == "setup":
			s.setup = append(s.setup, sql)
		case head == "teardown":
			s.teardown = append(s.teardown, sql)
		case isSession:
			s.sessions = append(s.sessions, specSession{name: name, setup: sql})
		case len(s.sessions) == 0:
			return nil, fmt.Errorf("%s: a step before the first session: %q", path, l)
		default:
			k := &s.sessions[len(s.sessions)-1]
			k.steps = append(k.steps, specStep{head, sql, len(s.sessions) - 1})
		}
	}
	if len(s.permutations) == 0 {
		s.interleave(make([]int, len(s.sessions)), nil)
	}
	return s, nil
}

// interleave lists all orders of the steps that keep each session's own.
func (s *spec) interleave(at []int, done []string) {
	more := false
	for i, k := range s.sessions {
		if at[i] < len(k.steps) {
			more = true
			next := slices.Clone(at)
			next[i]++
			s.interleave(next, append(slices.Clone(done), k.steps[at[i]].name))
		}
	}
	if !more {
		s.permutations = append(s.permutations, done)
	}
}

func (s *spec) step(name string) (specStep, bool) {
	for _, k := range s.sessions {
		for _, st := range k.steps {
			if st.name == name {
				return st, true
			}
		}
	}
	return specStep{}, false
}

// isolation runs a spec on one server.
type isolation struct {
	spec    *spec
	control *pgconn.PgConn
	conns   []*pgconn.PgConn
	running []chan string // by session: the answer of the step that it waits in
	names   []string
	out     bytes.Buffer
}

// varying are the parts of messages that differ from run to run.
var varying = regexp.MustCompile(`(rocess|ransaction|pivot|PID) \d+`) // constant

// answer runs sql and prints its rows and errors.
func answer(c *pgconn.PgConn, sql string) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var b strings.Builder
	r := c.Exec(ctx, sql)
	for r.NextResult() {
		q := r.ResultReader()
		for q.NextRow() {
			var cells []string
			for _, v := range q.Values() {
				if v == nil {
					v = []byte("null")
				}
				cells = append(cells, string(v))
			}
			b.WriteString("  " + strings.Join(cells, "|") + "\n")
		}
	}
	err := r.Close()
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		b.WriteString("  " + e.Severity + " " + e.Code + ": " + e.Message + "\n")
		for _, l := range []string{e.Detail, e.Hint} {
			if l != "" {
				b.WriteString("    " + strings.ReplaceAll(l, "\n", "\n    ") + "\n")
			}
		}
	} else if err != nil {
		b.WriteString("  " + err.Error() + "\n")
	}
	return varying.ReplaceAllString(b.String(), "$1 N")
}

// blocked reports whether a session waits for another one's lock or end.
func (i *isolation) blocked(session int) bool {
	return answer(i.control, fmt.Sprintf("select 1 where cardinality(pg_blocking_pids(%d)) > 0 or cardinality(pg_safe_snapshot_blocking_pids(%[1]d)) > 0",
		i.conns[session].PID())) != ""
}

// settle waits until session answers or waits for another session. It reports
// whether it answered.
func (i *isolation) settle(session int) bool {
	for waits := 0; waits < 3; {
		select {
		case text := <-i.running[session]:
			i.running[session] = nil
			fmt.Fprintf(&i.out, "%s:\n%s", i.names[session], text)
			return true
		case <-time.After(10 * time.Millisecond):
		}
		if i.blocked(session) {
			waits++
		} else {
			waits = 0
		}
	}
	return false
}

// await waits for a session that a timeout lets go.
func (i *isolation) await(session int) bool {
	select {
	case text := <-i.running[session]:
		i.running[session] = nil
		fmt.Fprintf(&i.out, "%s:\n%s", i.names[session], text)
		return true
	case <-time.After(3 * time.Second):
		return false
	}
}

func (i *isolation) permutation(steps []string) {
	fmt.Fprintf(&i.out, "\npermutation %s\n", strings.Join(steps, " "))
	for _, sql := range i.spec.setup {
		i.out.WriteString(answer(i.control, sql))
	}
	for k, s := range i.spec.sessions {
		i.out.WriteString(answer(i.conns[k], s.setup))
	}
	for _, name := range steps {
		st, ok := i.spec.step(name)
		if !ok {
			fmt.Fprintf(&i.out, "no step %s\n", name)
			break
		}
		k := st.session
		if i.running[k] != nil && !i.await(k) {
			fmt.Fprintf(&i.out, "%s: cannot run, its session waits\n", name)
			break
		}
		done := make(chan string, 1)
		i.running[k], i.names[k] = done, name
		go func() { done <- answer(i.conns[k], st.sql) }()
		if !i.settle(k) {
			fmt.Fprintf(&i.out, "%s: waits\n", name)
		}
		for other := range i.running { // whom this step let go
			if other != k && i.running[other] != nil {
				i.settle(other)
			}
		}
	}
	i.end()
}

// end lets all sessions go.
func (i *isolation) end() {
	for range i.conns { // each rollback may let another one go
		for k, c := range i.conns {
			if i.running[k] != nil {
				i.settle(k)
			}
			if i.running[k] == nil {
				answer(c, "rollback")
			}
		}
	}
	for _, sql := range i.spec.teardown {
		i.out.WriteString(answer(i.control, sql))
	}
}

func connect(t *testing.T, s target) *pgconn.PgConn {
	t.Helper()
	a := s.ConnArgs()
	c, err := pgconn.Connect(context.Background(), fmt.Sprintf("host=%s port=%s user=%s dbname=postgres sslmode=disable", a[1], a[3], a[5]))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	answer(c, "set client_min_messages = warning")
	return c
}

func runSpec(t *testing.T, s target, path string) []byte {
	t.Helper()
	sp, err := readSpec(path)
	if err != nil {
		t.Fatal(err)
	}
	i := &isolation{spec: sp, control: connect(t, s), running: make([]chan string, len(sp.sessions)), names: make([]string, len(sp.sessions))}
	for range sp.sessions {
		i.conns = append(i.conns, connect(t, s))
	}
	for _, p := range sp.permutations {
		i.permutation(p)
	}
	return i.out.Bytes()
}

// TestIsolation runs isolation/*.spec and compares with what stock PostgreSQL 15
// did. PGMINI_REWRITE=stock writes the expected texts anew.
func TestIsolation(t *testing.T) {
	pg := oracle.Find(t)
	files, err := filepath.Glob("isolation/*.spec")
	if err != nil || len(files) == 0 {
		t.Fatal("no specs", err)
	}
	var s target
	rewrite := os.Getenv("PGMINI_REWRITE") == "stock"
	if rewrite {
		c := pg.Initdb(t)
		c.Start("max_prepared_transactions=10")
		s = c
	} else {
		p := oracle.BuildPgmini(t, pg).Initdb(t)
		p.Start("max_prepared_transactions=10")
		t.Cleanup(func() {
			if err := p.Stop(); err != nil {
				t.Error(err)
			}
		})
		s = p
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".spec")
		t.Run(name, func(t *testing.T) {
			expected := strings.TrimSuffix(f, ".spec") + ".out"
			got := runSpec(t, s, f)
			if rewrite {
				if again := runSpec(t, s, f); !bytes.Equal(got, again) {
					t.Errorf("not the same twice:\n%s\n%s", got, again)
				}
				if err := os.WriteFile(expected, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(expected)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(want, got) {
				t.Errorf("differs from stock:\n%s", diff(t, expected, got))
			}
		})
	}
}
