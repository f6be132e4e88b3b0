package heap

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xact"
)

// TestTransfers moves money between rows from many goroutines, with row locks,
// rollbacks, savepoints, pruning and VACUUM at work: every snapshot sees the same
// sum, and so does redo.
func TestTransfers(t *testing.T) {
	const accounts, workers = 12, 6
	w := newWorld(t, 512, true)
	rel := w.table(20000)
	tx := w.begin()
	var root [accounts]page.TID
	for i := range root {
		root[i] = w.insert(tx, rel, i, amount(100))
	}
	must(t, tx.Commit(bg))
	ctx, cancel := context.WithTimeout(bg, 1200*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	var moves atomic.Int64
	fail := make(chan error, workers+2)
	run := func(f func() error) {
		wg.Go(func() {
			for ctx.Err() == nil {
				if err := f(); err != nil {
					fail <- err
					cancel()
					return
				}
			}
		})
	}
	for i := range workers {
		rng := rand.New(rand.NewPCG(uint64(i), 9))
		run(func() error {
			a, b := rng.IntN(accounts), rng.IntN(accounts)
			if a == b {
				return nil
			}
			done, err := transfer(w, rel, rng, min(a, b), max(a, b))
			if done {
				moves.Add(1)
			}
			return err
		})
	}
	run(func() error { return checkSum(w, rel, accounts) })
	run(func() error {
		tx := w.begin()
		_, err := Vacuum(bg, tx, rel, VacuumParams{FreezeMinAge: 50, FreezeTableAge: 1 << 30, MultiFreezeMinAge: 10, MultiFreezeTableAge: 1 << 30,
			RelFrozenXID: 600, RelMinMulti: 1, NoTruncate: true}) // nobody holds a lock on the table here
		return errors.Join(err, tx.Commit(bg))
	})
	wg.Wait()
	close(fail)
	for err := range fail {
		t.Fatal(err)
	}
	must(t, checkSum(w, rel, accounts))
	if moves.Load() < 20 {
		t.Fatalf("only %d transfers", moves.Load())
	}
	w.sameAfterRedo(rel)
}

func amount(n int) string { return fmt.Sprintf("%d%s", n, strings.Repeat(" ", 40)) }

func parseAmount(s string) (n int) {
	fmt.Sscan(s, &n)
	return n
}

// lockRow finds and locks the latest version of row id.
func lockRow(tx *xact.Tx, rel *access.Relation, id int, mode LockMode) (Tuple, int, error) {
	s, err := BeginScan(tx, rel, MVCC(tx.Snapshot()), ScanOptions{})
	if err != nil {
		return Tuple{}, 0, err
	}
	var v [2]datum.Datum
	for {
		ts, err := s.NextBatch()
		if err != nil || ts == nil {
			return Tuple{}, 0, errors.Join(err, fmt.Errorf("row %d is not there", id))
		}
		for _, tup := range ts {
			if err := access.Deform(rel.Desc, tup.Data, 2, v[:], nil); err != nil {
				return Tuple{}, 0, err
			}
			if int(v[0].Int) != id {
				continue
			}
			res, tup, f, err := LockLatest(bg, tx, rel, tup.TID, LockOptions{Command: tx.CommandID(true), Mode: mode})
			if err != nil || res != OK {
				return tup, 0, errors.Join(err, fmt.Errorf("lock row %d: result %d %+v", id, res, f))
			}
			if err := access.Deform(rel.Desc, tup.Data, 2, v[:], nil); err != nil {
				return tup, 0, err
			}
			return tup, parseAmount(v[1].Str()), nil
		}
	}
}

func transfer(w *world, rel *access.Relation, rng *rand.Rand, a, b int) (done bool, err error) {
	tx := w.begin()
	defer func() {
		if !done {
			tx.Abort()
		}
	}()
	mode := []LockMode{NoKeyExclusive, Exclusive, KeyShare}[rng.IntN(3)]
	if mode == KeyShare { // a foreign key check beside the transfers
		_, _, err := lockRow(tx, rel, a, KeyShare)
		return false, err
	}
	n := 1 + rng.IntN(5)
	for _, step := range []struct{ id, by int }{{a, -n}, {b, n}} {
		if rng.IntN(3) == 0 {
			if err := tx.BeginSub("s"); err != nil {
				return false, err
			}
			defer func(depth int) {
				for err == nil && !done && tx.Depth() > depth {
					tx.AbortSub()
				}
			}(tx.Depth() - 1)
		}
		tup, have, err := lockRow(tx, rel, step.id, mode)
		if err != nil {
			return false, err
		}
		res, _, f, err := Update(bg, tx, rel, tup.TID, row(step.id, amount(have+step.by)), ChangeOptions{Command: tx.CommandID(true)})
		if err != nil || res != OK {
			return false, errors.Join(err, fmt.Errorf("update a locked row: result %d %+v", res, f))
		}
		if err := tx.NextCommand(); err != nil {
			return false, err
		}
	}
	if rng.IntN(6) == 0 {
		return false, nil
	}
	for tx.Depth() > 1 {
		if err := tx.CommitSub(); err != nil {
			return false, err
		}
	}
	if err := tx.Commit(bg); err != nil {
		return false, err
	}
	return true, nil
}

func checkSum(w *world, rel *access.Relation, accounts int) error {
	tx := w.begin()
	defer tx.Abort()
	s, err := BeginScan(tx, rel, MVCC(tx.Snapshot()), ScanOptions{})
	if err != nil {
		return err
	}
	var v [2]datum.Datum
	rows, sum := 0, 0
	for {
		ts, err := s.NextBatch()
		if err != nil {
			return err
		}
		if ts == nil {
			break
		}
		for _, tup := range ts {
			if err := access.Deform(rel.Desc, tup.Data, 2, v[:], nil); err != nil {
				return err
			}
			rows++
			sum += parseAmount(v[1].Str())
		}
	}
	if rows != accounts || sum != 100*accounts {
		return fmt.Errorf("%d rows with sum %d, want %d with %d", rows, sum, accounts, 100*accounts)
	}
	return nil
}

// TestLockPolicies: NOWAIT fails, SKIP LOCKED says so, and compatible locks do not
// wait.
func TestLockPolicies(t *testing.T) {
	w := newWorld(t, 64, false)
	rel := w.table(20000)
	tx := w.begin()
	tid := w.insert(tx, rel, 1, "a")
	must(t, tx.Commit(bg))
	for _, held := range []LockMode{KeyShare, Share, NoKeyExclusive, Exclusive} {
		for _, want := range []LockMode{KeyShare, Share, NoKeyExclusive, Exclusive} {
			a, b := w.begin(), w.begin()
			if res, _, _, err := LockTuple(bg, a, rel, tid, LockOptions{Mode: held}); err != nil || res != OK {
				t.Fatal(res, err)
			}
			conflict := held.conflicts(want)
			res, _, _, err := LockTuple(bg, b, rel, tid, LockOptions{Mode: want, Wait: WaitSkip})
			if err != nil || (res == WouldBlock) != conflict {
				t.Fatalf("%d beside %d with SKIP LOCKED: %v %v", want, held, res, err)
			}
			_, _, _, err = LockTuple(bg, b, rel, tid, LockOptions{Mode: want, Wait: WaitError})
			if conflict != (err != nil) || conflict && pgerr.CodeOf(err) != pgerr.LockNotAvailable {
				t.Fatalf("%d beside %d with NOWAIT: %v", want, held, err)
			}
			must(t, a.Abort())
			must(t, b.Abort())
		}
	}
}
