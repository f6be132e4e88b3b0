package nbtree

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
)

// TestConcurrent inserts, scans in both directions and vacuums at once. Rows with
// even keys stay: every scan that begins after an insert ended must find its row,
// in order and once.
func TestConcurrent(t *testing.T) {
	w := newWorld(t, 128)
	w.tx.hold = true
	idx := w.index(100, false, oid.Int4)
	w.create(idx)
	const workers, perWorker = 4, 4000
	var done [workers]atomic.Int64 // how many rows each has inserted
	var finished atomic.Bool
	var inserters, others sync.WaitGroup
	fail := make(chan error, 64)
	report := func(err error) {
		if err != nil {
			select {
			case fail <- err:
			default:
			}
		}
	}
	key := func(worker, i int) int64 { return int64(i)*workers*2 + int64(worker)*2 }
	tid := func(worker, i int) page.TID { return tidOf(worker*perWorker + i) }
	for g := range workers {
		inserters.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(g), 5))
			for i := range perWorker {
				_, err := w.env(idx).insert(context.Background(), []datum.Datum{datum.Int(key(g, i))}, tid(g, i), InsertOptions{}, noWait)
				report(err)
				done[g].Store(int64(i + 1))
				odd := key(g, rng.IntN(i+1)) + 1 // a row that vacuum takes away
				_, err = w.env(idx).insert(context.Background(), []datum.Datum{datum.Int(odd)},
					page.TID{Block: page.BlockNumber(1<<20 + g*perWorker + i), Off: 1}, InsertOptions{}, noWait)
				report(err)
			}
		})
	}
	for g := range 2 {
		others.Go(func() {
			for !finished.Load() {
				var least [workers]int64
				total := int64(0)
				for i := range least {
					least[i] = done[i].Load()
					total += least[i]
				}
				report(scanAll(idx, g == 0, least[:], workers))
			}
		})
	}
	others.Go(func() {
		for !finished.Load() {
			_, err := w.env(idx).bulkDelete(context.Background(), nil, func(tid page.TID) bool { return tid.Block >= 1<<20 })
			report(err)
			time.Sleep(time.Millisecond)
		}
	})
	inserters.Wait()
	finished.Store(true)
	others.Wait()
	select {
	case err := <-fail:
		t.Fatal(err)
	default:
	}
	_, err := w.env(idx).bulkDelete(context.Background(), nil, func(tid page.TID) bool { return tid.Block >= 1<<20 })
	must(t, err)
	if got := w.count(idx); got != workers*perWorker {
		t.Fatalf("%d entries", got)
	}
	w.sameAfterRedo(idx, w.records(testStart))
}

// scanAll checks that a whole scan is in order and finds the first least[g] rows
// of each worker.
func scanAll(idx *access.Relation, forward bool, least []int64, workers int64) error {
	s, err := BeginScan(idx, nil, ScanOptions{WantTuple: true})
	if err != nil {
		return err
	}
	defer s.Close()
	found := make([]int64, len(least))
	last := int64(-1)
	if !forward {
		last = 1 << 40
	}
	for {
		_, ok, err := s.Next(forward)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		var v [1]datum.Datum
		if err := s.Values(v[:]); err != nil {
			return err
		}
		k := v[0].Int
		if k%2 != 0 {
			continue
		}
		if forward && k <= last || !forward && k >= last {
			return fmt.Errorf("key %d after %d, forward %v", k, last, forward)
		}
		last = k
		if i := k / (2 * workers); i < least[k/2%workers] {
			found[k/2%workers]++
		}
	}
	for g := range least {
		if found[g] != least[g] {
			return fmt.Errorf("worker %d: %d of %d rows found, forward %v", g, found[g], least[g], forward)
		}
	}
	return nil
}
