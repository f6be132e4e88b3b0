package oracle

import (
	"strings"
	"testing"
)

// TestCluster takes a server through a crash and a clean stop, and its directory
// through the offline tools.
func TestCluster(t *testing.T) {
	pg := Find(t)
	c := pg.Initdb(t)
	c.Start()
	c.Psql("create table t(a int); insert into t values (1), (2)")
	if _, err := c.TryPsql("postgres", "select 1/0"); err == nil || !strings.Contains(err.Error(), "division by zero") {
		t.Errorf("got %v", err)
	}
	c.Crash()
	if out := pg.Run(t, "pg_controldata", c.Data); !strings.Contains(out, "in production") {
		t.Errorf("after a crash: %s", out)
	}
	c.Start()
	if got := c.Psql("select sum(a) from t"); got != "3" {
		t.Errorf("sum %s", got)
	}
	if !strings.Contains(c.Log(), "redo done at") {
		t.Error("no recovery in the log")
	}
	c.Stop()
	pg.Run(t, "pg_checksums", "--check", "-D", c.Data)
	if c.Running() {
		t.Error("still running")
	}
}
