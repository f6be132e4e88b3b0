package bufmgr

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/powerfail"
)

// TestCheckpointSurvivesPowerFailure cuts the power at every step of a workload
// that fills, evicts and checkpoints: what a finished checkpoint covered is there
// with a good checksum, and every sync is needed. Torn pages are the WAL's
// business, so that each block is written once.
func TestCheckpointSurvivesPowerFailure(t *testing.T) {
	w := powerfail.Workload[int]{Seeds: 4, Run: func(f *powerfail.FS, ack func(int)) error {
		err := errors.Join(vfs.MkdirAll(f, "base/5"), f.SyncDir("/"), f.SyncDir("base"))
		m := smgr.New(f, smgr.Options{SegmentBlocks: 16})
		if err != nil {
			return err
		}
		wal := &fakeWAL{}
		p, err := New(Options{Buffers: 16, WAL: wal, Smgr: m.Files, Checksums: true})
		if err != nil {
			return err
		}
		defer p.Close()
		e := &env{Pool: p, wal: wal}
		if err := m.Create(rel, page.MainFork); err != nil {
			return err
		}
		for i := range 24 {
			b, _, err := p.Extend(rel, page.MainFork, nil)
			if err != nil {
				return err
			}
			e.change(b, fmt.Sprint(i))
			p.UnlockRelease(b)
			if i%12 == 11 {
				m.PreCheckpoint()
				if err := errors.Join(p.Checkpoint(t.Context(), CheckpointFlags{}, nil), m.Sync()); err != nil {
					return err
				}
				ack(i)
			}
		}
		return nil
	}, Check: func(f *powerfail.FS, acked []int) error {
		if len(acked) == 0 {
			return nil
		}
		p, err := New(Options{Buffers: 32, Smgr: smgr.New(f, smgr.Options{SegmentBlocks: 16}).Files, Checksums: true})
		if err != nil {
			return err
		}
		defer p.Close()
		for i := range acked[len(acked)-1] + 1 {
			b, err := p.Read(page.Tag{Rel: rel, Block: page.BlockNumber(i)}, Normal, nil)
			if err != nil {
				return err
			}
			if it, err := p.Page(b).Item(1); err != nil || string(it) != fmt.Sprint(i) {
				return fmt.Errorf("block %d holds %q, %v", i, it, err)
			}
			p.Release(b)
		}
		return nil
	}}
	w.Sweep(t)
	if left := w.Missing(t); len(left) != 0 {
		t.Errorf("not missed: %q", left)
	}
}

// TestCleanupUnderPins: a waiter for the cleanup lock gets it again and again
// while others pin and unpin, and then nobody else has a pin.
func TestCleanupUnderPins(t *testing.T) {
	e := newPool(t, 16)
	tag := page.Tag{Rel: rel, Block: e.add(t, "x")}
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for w := range 3 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(9, uint64(w)))
			for {
				select {
				case <-stop:
					return
				default:
				}
				b, err := e.Read(tag, Normal, nil)
				if err != nil {
					t.Error(err)
					return
				}
				e.Lock(b, Shared)
				_ = e.Page(b).NumItems()
				e.Unlock(b)
				for range rng.IntN(100) {
					_ = e.Tag(b)
				}
				e.Release(b)
			}
		})
	}
	for range 20 {
		b, err := e.Read(tag, Normal, nil)
		must(t, err)
		must(t, e.LockCleanup(t.Context(), b))
		e.MarkDirty(b)
		e.Page(b).SetPruneXID(e.Page(b).PruneXID() + 1)
		e.UnlockRelease(b)
	}
	close(stop)
	wg.Wait()
	if e.pins() != 0 {
		t.Errorf("%d pins", e.pins())
	}
}
