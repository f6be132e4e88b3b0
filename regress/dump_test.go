package regress

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pgmini/pgmini/internal/oracle"
)

// perRun is what differs between two dumps of the same objects.
var perRun = regexp.MustCompile(`(?m)^(\\(un)?restrict .*|-- Dumped (from|by) .*|CREATE ROLE .*|ALTER ROLE .* PASSWORD .*)$`) // constant

// tool runs one of PostgreSQL's programs on a server and returns what it prints.
func tool(t *testing.T, pg *oracle.PG, s target, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := pg.Command(ctx, name, append(s.ConnArgs(), args...)...)
	b, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, b)
	}
	return perRun.ReplaceAllString(string(b), "")
}

// differ fails if two texts are not equal.
func differ(t *testing.T, what, want, got string) {
	t.Helper()
	if want == got {
		return
	}
	f := filepath.Join(t.TempDir(), "stock")
	if err := os.WriteFile(f, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Errorf("%s differs from stock's:\n%s", what, diff(t, f, []byte(got)))
}

// TestDump makes the objects of testdata/dump.sql on both servers: pg_dump and
// pg_dumpall print the same of both; what stock dumps is restored into pgmini,
// and what pgmini dumps into stock, and both dump the same again.
func TestDump(t *testing.T) {
	pg := oracle.Find(t)
	script, err := os.ReadFile("testdata/dump.sql")
	if err != nil {
		t.Fatal(err)
	}
	mini := oracle.BuildPgmini(t, pg).Initdb(t)
	mini.Start()
	stock := pg.Initdb(t)
	stock.Start()
	create := func(s target, db string) {
		t.Helper()
		if _, err := s.TryPsql("postgres", "create database "+db+" template template0"); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []target{mini, stock} {
		create(s, "d_dump")
		if out, err := s.TryPsql("d_dump", string(script)); err != nil || strings.Contains(out, "ERROR") {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	for _, args := range [][]string{
		{"pg_dump", "-d", "d_dump"}, {"pg_dump", "-s", "-C", "-d", "d_dump"}, {"pg_dump", "-a", "--column-inserts", "-d", "d_dump"},
		{"pg_dump", "-c", "--if-exists", "-t", "app.*", "-d", "d_dump"}, {"pg_dump", "-n", "app", "-O", "-x", "-d", "d_dump"},
		{"pg_dumpall", "-g"}, {"pg_dumpall", "-s"}, {"pg_dump", "-d", "template1"},
	} {
		differ(t, strings.Join(args, " "), tool(t, pg, stock, args[0], args[1:]...), tool(t, pg, mini, args[0], args[1:]...))
	}
	dir := pg.TempDir(t)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	want := tool(t, pg, stock, "pg_dump", "-d", "d_dump")
	for _, c := range []struct {
		name     string
		from, to target
	}{{"stock", stock, mini}, {"pgmini", mini, stock}} {
		custom, folder := filepath.Join(dir, c.name), filepath.Join(dir, c.name+".d")
		tool(t, pg, c.from, "pg_dump", "-Fc", "-d", "d_dump", "-f", custom)
		tool(t, pg, c.from, "pg_dump", "-Fd", "-j", "2", "-d", "d_dump", "-f", folder)
		create(c.to, "d_custom")
		tool(t, pg, c.to, "pg_restore", "-e", "-d", "d_custom", custom)
		create(c.to, "d_folder")
		tool(t, pg, c.to, "pg_restore", "-e", "-j", "2", "-d", "d_folder", folder)
		for _, db := range []string{"d_custom", "d_folder"} {
			got := strings.ReplaceAll(tool(t, pg, c.to, "pg_dump", "-d", db), db, "d_dump")
			differ(t, "the dump of what was restored into "+db+" from "+c.name, want, got)
		}
	}
}
