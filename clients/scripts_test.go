package clients

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// script runs an interpreter on a file of testdata, with the server in the
// environment that libpq and node-postgres read. probe says whether the driver is
// there, which .ci/clients installs: without it the test is skipped, but fails
// when CI=true.
func script(t *testing.T, interpreter string, probe []string, file string) {
	t.Helper()
	modules, err := filepath.Abs("../.ci/node/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "NODE_PATH="+modules+":/usr/share/nodejs:/usr/lib/nodejs")
	check := exec.Command(interpreter, probe...)
	check.Env = env
	if out, err := check.CombinedOutput(); err != nil {
		t.Fatalf("%s has no driver (.ci/clients installs it): %v\n%s", interpreter, err, out)
	}
	s := start(t)
	cmd := exec.Command(interpreter, filepath.Join("testdata", file))
	cmd.Env = append(env, "PGHOST="+s.Sock, "PGPORT="+strconv.Itoa(s.Port))
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != "ok\n" {
		t.Fatalf("%v\n%s\n%s", err, out, s.Log())
	}
}

// TestPsycopg needs Debian's python3-psycopg2.
func TestPsycopg(t *testing.T) {
	script(t, "/usr/bin/python3", []string{"-c", "import psycopg2"}, "psycopg.py")
}

// TestNodePostgres needs node and its package pg.
func TestNodePostgres(t *testing.T) {
	script(t, "node", []string{"-e", "require('pg')"}, "node-postgres.js")
}
