package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/vfs/memfs"
	"github.com/pgmini/pgmini/xact"
)

func openMem(t *testing.T) (*memfs.FS, *Instance, Options) {
	t.Helper()
	fsys := memfs.New()
	newCluster(t, fsys, true)
	opt := Options{FS: fsys, Settings: testSettings()}
	i, err := Open(bg, opt)
	must(t, err)
	return fsys, i, opt
}

// TestStopOrder: an attached session may commit until it detaches; the shutdown
// checkpoint is behind its last record.
func TestStopOrder(t *testing.T) {
	fsys, i, opt := openMem(t)
	var wg sync.WaitGroup
	for range 4 {
		ctx, detach, err := i.Attach(bg)
		must(t, err)
		wg.Go(func() {
			defer detach()
			for ctx.Err() == nil {
				commit(t, i)
			}
			for range 50 { // until it is gone, the workers must serve it
				commit(t, i)
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	must(t, i.Stop(Fast))
	wg.Wait()
	if _, _, err := i.Attach(bg); err == nil {
		t.Error("attached to a stopped instance")
	}
	c, err := pgcontrol.Read(fsys)
	must(t, err)
	if c.State != pgcontrol.ShutDowned || c.Copy.NextXID != i.xact.NextXID() {
		t.Errorf("%s, next xid %d, was %d", c.State, c.Copy.NextXID, i.xact.NextXID())
	}
	i, err = Open(bg, opt)
	must(t, err)
	must(t, i.Stop(Smart))
}

func commit(t testing.TB, i *Instance) {
	tx := i.xact.Begin(xact.BeginOptions{})
	if _, err := tx.XID(); err != nil {
		t.Error(err)
	}
	if err := tx.Commit(bg); err != nil {
		t.Error(err)
	}
}

// TestSmartStop waits for sessions and ends none.
func TestSmartStop(t *testing.T) {
	_, i, _ := openMem(t)
	ctx, detach, err := i.Attach(bg)
	must(t, err)
	done := make(chan error, 1)
	go func() { done <- i.Stop(Smart) }()
	select {
	case <-done:
		t.Fatal("did not wait")
	case <-time.After(30 * time.Millisecond):
	}
	must(t, ctx.Err())
	commit(t, i)
	detach()
	must(t, <-done)
}

// TestPanic: after a PANIC sessions end, nothing is written, and the next Open
// recovers what was committed.
func TestPanic(t *testing.T) {
	fsys, i, opt := openMem(t)
	s := newStore(i, sweepNode)
	tx := i.xact.Begin(xact.BeginOptions{})
	tx.Snapshot()
	must(t, s.create(tx))
	must(t, s.insert(tx, 1, "kept"))
	must(t, tx.Commit(bg))
	ctx, detach, err := i.Attach(bg)
	must(t, err)
	boom := errors.New("boom")
	if err := i.Guard(boom); err != boom || i.Err() != nil { //nolint:errorlint // the same one
		t.Fatalf("an ordinary error: %v, %v", err, i.Err())
	}
	_ = i.Guard(fmt.Errorf("update: %w", &heap.Panic{Err: boom}))
	<-ctx.Done()
	if !errors.Is(context.Cause(ctx), boom) {
		t.Errorf("cause %v", context.Cause(ctx))
	}
	<-i.Failed()
	if err := i.pool.FlushRel(s.rel.Node); err == nil {
		t.Error("a page was written after the PANIC")
	}
	if _, _, err := i.Attach(bg); err == nil {
		t.Error("attached after the PANIC")
	}
	detach()
	if err := i.Stop(Fast); !errors.Is(err, boom) {
		t.Errorf("Stop says %v", err)
	}
	c, err := pgcontrol.Read(fsys)
	must(t, err)
	if c.State != pgcontrol.InProduction {
		t.Errorf("state %s", c.State)
	}
	i, err = Open(bg, opt)
	must(t, err)
	got, err := newStore(i, sweepNode).rows()
	must(t, err)
	if got[1] != "kept" {
		t.Errorf("rows %v", got)
	}
	must(t, i.Stop(Fast))
}
