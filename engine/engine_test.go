package engine

import (
	"testing"

	"github.com/pgmini/pgmini/checkpointer"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/vfs/memfs"
	"github.com/pgmini/pgmini/xact"
)

// TestOpenStop opens a fresh cluster, stops it cleanly, opens it again, crashes
// it, and recovers.
func TestOpenStop(t *testing.T) {
	fsys := memfs.New()
	newCluster(t, fsys, true)
	var log logBuffer
	opt := Options{FS: fsys, Settings: testSettings(), Logger: log.logger()}
	i, err := Open(bg, opt)
	must(t, err)
	if s := i.Control().State; s != pgcontrol.InProduction {
		t.Errorf("state %s while open", s)
	}
	tx := i.Xact().Begin(xact.BeginOptions{})
	x, err := tx.XID()
	must(t, err)
	must(t, tx.Commit(bg))
	must(t, i.Checkpoint(bg, checkpointer.Immediate|checkpointer.Force))
	must(t, i.Stop(Fast))
	c, err := pgcontrol.Read(fsys)
	must(t, err)
	if c.State != pgcontrol.ShutDowned || c.Copy.NextXID.XID() != x.Next() {
		t.Errorf("after a clean stop: %s, next xid %d", c.State, c.Copy.NextXID)
	}
	i, err = Open(bg, opt)
	must(t, err)
	if !i.Xact().DidCommit(x) {
		t.Error("the commit is lost")
	}
	tx = i.Xact().Begin(xact.BeginOptions{})
	y, err := tx.XID()
	must(t, err)
	must(t, tx.Commit(bg))
	_ = i.Stop(Immediate)
	i, err = Open(bg, opt)
	must(t, err)
	if !i.Xact().DidCommit(y) {
		t.Error("the commit before the crash is lost")
	}
	must(t, i.Stop(Smart))
	log.has(t, "database system was shut down at", "database system was interrupted; last known up at", "redo starts at", "redo done at",
		"invalid record length at", "checkpoint complete: wrote", "end-of-recovery", "automatic recovery in progress")
	if t.Failed() {
		t.Log(log.String())
	}
}
