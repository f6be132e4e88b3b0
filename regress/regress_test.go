package regress

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pgmini/pgmini/internal/oracle"
)

// target is a server that the scripts run on.
type target interface {
	ConnArgs() []string
	TryPsql(db, sql string) (string, error)
}

// script is one file of sql/.
type script struct{ name, path, expected string }

func scripts(t *testing.T) []script {
	t.Helper()
	files, err := filepath.Glob("sql/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	var out []script
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".sql")
		out = append(out, script{name, f, filepath.Join("expected", name+".out")})
	}
	return out
}

// run gives the script to psql in a database of its own and returns all that
// psql printed. Files of COPY live in a directory that is new for each script.
func run(t *testing.T, pg *oracle.PG, s target, sc script) []byte {
	t.Helper()
	db := "r_" + sc.name
	if _, err := s.TryPsql("postgres", "create database "+db+" template template0"); err != nil {
		t.Fatal(err)
	}
	dir := pg.TempDir(t)
	if err := os.Chmod(dir, 0o777); err != nil { // the server and psql may be different users
		t.Fatal(err)
	}
	in, err := os.Open(sc.path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := pg.Command(ctx, "psql", append(s.ConnArgs(), "-d", db, "-X", "-a", "-q", "-v", "dir="+dir)...)
	cmd.Env = append(cmd.Env, "PGTZ=UTC", "PGDATESTYLE=ISO, MDY", "PGCLIENTENCODING=UTF8", "PGAPPNAME=regress")
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Dir = in, &out, &out, dir
	if err := cmd.Run(); err != nil {
		out.WriteString("psql: " + err.Error() + "\n")
	}
	if _, err := s.TryPsql("postgres", "drop database "+db); err != nil {
		out.WriteString("drop database: " + err.Error() + "\n")
	}
	return bytes.ReplaceAll(out.Bytes(), []byte(dir), []byte("DIR"))
}

// known reads known-failing.txt: a name and the reason on each line.
func known(t *testing.T) map[string]string {
	t.Helper()
	b, err := os.ReadFile("known-failing.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for l := range strings.Lines(string(b)) {
		l = strings.TrimSpace(l)
		if l == "" || l[0] == '#' {
			continue
		}
		name, why, _ := strings.Cut(l, " ")
		if strings.TrimSpace(why) == "" {
			t.Errorf("known-failing.txt: %s has no reason", name)
		}
		out[name] = why
	}
	return out
}

// diff compares two texts as diff -u does, at most 120 lines of it.
func diff(t *testing.T, want string, got []byte) string {
	t.Helper()
	cmd := exec.Command("diff", "-u", "-L", "expected", "-L", "got", want, "-")
	cmd.Stdin = bytes.NewReader(got)
	b, _ := cmd.Output()
	lines := strings.SplitAfter(string(b), "\n")
	if len(lines) > 120 {
		lines = append(lines[:120], "…\n")
	}
	return strings.Join(lines, "")
}

// TestRegress runs sql/*.sql through psql on pgmini and compares with what stock
// PostgreSQL 15 answered. PGMINI_REWRITE=stock writes those answers anew, twice,
// so that a script whose text changes from run to run is found.
// PGMINI_RESULTS=dir keeps what pgmini answered.
func TestRegress(t *testing.T) {
	pg := oracle.Find(t)
	all := scripts(t)
	if len(all) < 60 {
		t.Errorf("only %d scripts", len(all))
	}
	if os.Getenv("PGMINI_REWRITE") == "stock" {
		rewrite(t, pg, all)
		return
	}
	s := oracle.BuildPgmini(t, pg).Initdb(t)
	s.Start()
	fails := known(t)
	for name := range fails {
		if !slices.ContainsFunc(all, func(sc script) bool { return sc.name == name }) {
			t.Errorf("known-failing.txt: no script %s", name)
		}
	}
	for _, sc := range all {
		t.Run(sc.name, func(t *testing.T) {
			if !s.Running() {
				s.Start()
			}
			got := run(t, pg, s, sc)
			if d := os.Getenv("PGMINI_RESULTS"); d != "" {
				os.WriteFile(filepath.Join(d, sc.name+".out"), got, 0o644)
			}
			if !s.Running() {
				t.Errorf("the server ended:\n%s", tail(s.Log()))
			}
			want, err := os.ReadFile(sc.expected)
			if err != nil {
				t.Fatal(err)
			}
			why, listed := fails[sc.name]
			switch same := bytes.Equal(want, got); {
			case same && listed:
				t.Errorf("passes: take it out of known-failing.txt (%s)", why)
			case !same && listed:
				t.Logf("known to fail: %s", why)
			case !same:
				t.Errorf("differs from stock:\n%s", diff(t, sc.expected, got))
			}
		})
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

func tail(s string) string { return s[max(0, len(s)-8000):] }

func rewrite(t *testing.T, pg *oracle.PG, all []script) {
	c := pg.Initdb(t)
	c.Start()
	for _, sc := range all {
		t.Run(sc.name, func(t *testing.T) {
			got := run(t, pg, c, sc)
			if again := run(t, pg, c, sc); !bytes.Equal(got, again) {
				t.Errorf("not the same twice:\n%s\n%s", got, again)
			}
			if err := os.WriteFile(sc.expected, got, 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestScripts keeps the files honest: each expected text belongs to a script,
// and none holds what differs between machines.
func TestScripts(t *testing.T) {
	all := scripts(t)
	machine := regexp.MustCompile(`/tmp/|psql: error|server closed the connection|Seq Scan.*cost=`)
	outs, _ := filepath.Glob("expected/*.out")
	for _, o := range outs {
		if !slices.ContainsFunc(all, func(sc script) bool { return sc.expected == o }) {
			t.Errorf("%s belongs to no script", o)
		}
	}
	for _, sc := range all {
		b, err := os.ReadFile(sc.expected)
		if err != nil {
			t.Error(err)
			continue
		}
		if m := machine.Find(b); m != nil {
			t.Errorf("%s holds %q", sc.expected, m)
		}
	}
}
