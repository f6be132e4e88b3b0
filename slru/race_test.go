package slru

import (
	"math/rand/v2"
	"testing"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/powerfail"
)

// TestSlowWriteIsSyncedLater: a page whose write began behind a checkpoint's back,
// and ended after the checkpoint's sync, is synced by the next checkpoint.
func TestSlowWriteIsSyncedLater(t *testing.T) {
	f := powerfail.New()
	if err := vfs.MkdirAll(f, "pg_xact"); err != nil {
		t.Fatal(err)
	}
	if err := f.SyncDir("/"); err != nil {
		t.Fatal(err)
	}
	var c *Cache
	inA, goA, doneA := make(chan struct{}), make(chan struct{}), make(chan error)
	c = New(Options{FS: f, Dir: "pg_xact", Slots: 4, Groups: 4, Flush: func(at lsn.LSN) error {
		switch at {
		case 2: // the checkpoint writes page 1; it has passed page 0
			fill(t, c, 0, 9, 3)
			go func() { doneA <- c.WritePage(0) }()
			<-inA
		case 3: // page 0 is about to be written, slowly
			close(inA)
			<-goA
		}
		return nil
	}})
	for page := range uint32(2) {
		if err := c.Zero(page); err != nil {
			t.Fatal(err)
		}
		fill(t, c, page, 1, lsn.LSN(page+1))
	}
	if err := c.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	close(goA)
	if err := <-doneA; err != nil {
		t.Fatal(err)
	}
	if err := c.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(20) {
		g := f.Crash(rand.New(rand.NewPCG(seed, 0)))
		b, err := vfs.ReadFile(g, "pg_xact/0000", 1<<20)
		if err != nil || b[7] != 9 {
			t.Fatalf("after a checkpoint and a power failure: %v, %v", b[:8], err)
		}
	}
}
