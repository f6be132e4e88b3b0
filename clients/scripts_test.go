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
// there: without it the test is skipped.
func script(t *testing.T, interpreter string, probe []string, file string) {
	t.Helper()
	path, err := exec.LookPath(interpreter)
	if err != nil {
		t.Skipf("no %s", interpreter)
	}
	if err := exec.Command(path, probe...).Run(); err != nil {
		t.Skipf("%s has no driver: %v", interpreter, probe)
	}
	s := start(t)
	cmd := exec.Command(path, filepath.Join("testdata", file))
	cmd.Env = append(os.Environ(), "PGHOST="+s.Sock, "PGPORT="+strconv.Itoa(s.Port))
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != "ok\n" {
		t.Fatalf("%v\n%s\n%s", err, out, s.Log())
	}
}

// TestPsycopg needs Debian's python3-psycopg2.
func TestPsycopg(t *testing.T) {
	script(t, "/usr/bin/python3", []string{"-c", "import psycopg2"}, "psycopg.py")
}

// TestNodePostgres needs the npm package pg where node finds it (NODE_PATH).
func TestNodePostgres(t *testing.T) {
	script(t, "node", []string{"-e", "require('pg')"}, "node-postgres.js")
}
