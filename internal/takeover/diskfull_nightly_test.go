//go:build nightly

package takeover

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/internal/oracle"
)

// TestDiskFullMounted is TestDiskFull of package server on a real, small file
// system, which COPY fills: 53100, the transaction aborts,
// the server lives and works on when there is room again.
func TestDiskFullMounted(t *testing.T) {
	pg := oracle.Find(t)
	if os.Geteuid() != 0 {
		t.Fatal("needs root to mount a small file system")
	}
	m := binary(t, pg)
	for _, where := range []string{"data", "pg_wal"} {
		t.Run(where, func(t *testing.T) {
			base := pg.TempDir(t)
			small := filepath.Join(base, "small")
			if err := os.Mkdir(small, 0o700); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=112m,mode=700", "tmpfs", small).CombinedOutput(); err != nil {
				t.Fatalf("mount: %v %s", err, out)
			}
			t.Cleanup(func() { exec.Command("umount", "-l", small).Run() })
			pg.Own(t, small)
			data, wal := filepath.Join(small, "data"), filepath.Join(base, "wal")
			if where == "pg_wal" {
				data, wal = filepath.Join(base, "data"), filepath.Join(small, "wal")
			}
			if out, err := m.Command("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N", "-X", wal).CombinedOutput(); err != nil {
				t.Fatalf("initdb: %v\n%s", err, out)
			}
			s := m.Server(t, data)
			s.Start("max_wal_size=1GB", "checkpoint_timeout=1h")
			s.Psql("create table t(v text); alter table t alter v set storage plain; create table u(a int); insert into u values (1)")
			var rows strings.Builder
			rows.WriteString("copy t from stdin;\n")
			for range 40000 {
				rows.WriteString(strings.Repeat("0123456789abcdef", 250) + "\n")
			}
			rows.WriteString("\\.\n")
			_, err := s.TryPsql("postgres", `\set VERBOSITY verbose`+"\n"+rows.String())
			if err == nil || !strings.Contains(err.Error(), "53100") {
				t.Errorf("expected 53100, got %v\n%s", err, tail(s.Log()))
			} else {
				t.Log(head(err.Error(), 4))
			}
			if !s.Running() {
				t.Fatalf("the server ended\n%s", tail(s.Log()))
			}
			if got, err := s.TryPsql("postgres", "select count(*), (select count(*) from t) from u"); err != nil || got != "1|0" {
				t.Errorf("afterwards %q %v\n%s", got, err, tail(s.Log()))
			}
			if where == "data" { // dropping the table makes room
				if _, err := s.TryPsql("postgres", "drop table t; checkpoint; create table t(v text); insert into t values ('again'); insert into u values (2); checkpoint"); err != nil {
					t.Errorf("when there is room: %v\n%s", err, tail(s.Log()))
				}
			}
			stop(t, s)
			s.Start()
			if got, err := s.TryPsql("postgres", "select count(*) from t"); err != nil || where == "data" && got != "1" || where == "pg_wal" && got != "0" {
				t.Errorf("after a restart %q %v", got, err)
			}
			stop(t, s)
		})
	}
}
