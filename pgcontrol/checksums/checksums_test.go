package checksums

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/vfs/osfs"
)

func TestSameAsStock(t *testing.T) {
	pg := oracle.Find(t)
	c := pg.Initdb(t, "--wal-segsize=1")
	ours := func() (string, string, error) {
		var out, errs bytes.Buffer
		err := Check(Options{FS: osfs.New(c.Data), Name: c.Data, Out: &out, Err: &errs})
		return out.String(), errs.String(), err
	}
	want := pg.Run(t, "pg_checksums", "--check", c.Data)
	got, errs, err := ours()
	if err != nil || errs != "" || got != want {
		t.Errorf("%v %s\n%s\nwant\n%s", err, errs, got, want)
	}
	name := c.Data + "/base/1/1255"
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b[9000] ^= 1
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	_, stock := pg.Try("pg_checksums", "--check", c.Data)
	got, errs, err = ours()
	line := strings.TrimPrefix(strings.TrimSpace(errs), "pgmini: ")
	if !errors.Is(err, ErrBad) || !strings.Contains(got, "Bad checksums:  1\n") || stock == nil || !strings.Contains(stock.Error(), line) {
		t.Errorf("%v %s\n%s\nstock: %v", err, errs, got, stock)
	}
	c.Start()
	if _, _, err := ours(); err == nil || err.Error() != "cluster must be shut down" {
		t.Error(err)
	}
}
