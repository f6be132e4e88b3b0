package server_test

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/internal/oracle"
)

// latin1 runs psql with a script in LATIN1; extra goes to its connection string.
func latin1(t *testing.T, pg *oracle.PG, conn []string, script []byte) []string {
	t.Helper()
	cmd := pg.Command(context.Background(), "psql", append(conn, "-X", "-a", "-d", "dbname=postgres client_encoding=LATIN1")...)
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(script), &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out.Bytes())
	}
	var lines []string
	for l := range strings.Lines(out.String()) {
		if !strings.HasPrefix(l, "LOCATION:") {
			lines = append(lines, l)
		}
	}
	return lines
}

// TestClientEncoding compares what a client of another encoding sees with stock.
func TestClientEncoding(t *testing.T) {
	pg := oracle.Find(t)
	script, err := os.ReadFile("testdata/latin1.sql")
	if err != nil {
		t.Fatal(err)
	}
	stock := pg.Initdb(t, "-E", "UTF8", "--locale=C")
	stock.Start()
	mini := oracle.BuildPgmini(t, pg).Initdb(t)
	mini.Start()
	want := latin1(t, pg, stock.ConnArgs(), script)
	got := latin1(t, pg, mini.ConnArgs(), script)
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || want[i] != got[i] {
			t.Fatalf("line %d\nstock  %q\npgmini %q", i+1, want[max(0, i-3):min(i+4, len(want))], got[max(0, i-3):min(i+4, len(got))])
		}
	}
	for _, m := range [][]string{want, got} {
		if len(m) < 200 {
			t.Fatalf("only %d lines", len(m))
		}
	}
}
