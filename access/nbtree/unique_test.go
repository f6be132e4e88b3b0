package nbtree

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xid"
)

// fakeHeap knows of each TID whether it is dead, or whose transaction decides.
type fakeHeap struct {
	dead  map[page.TID]bool
	wait  map[page.TID]xid.XID
	asked int
}

func (h *fakeHeap) Probe(tid page.TID) (Probe, error) {
	if x := h.wait[tid]; x != 0 {
		return Probe{Found: true, Wait: x}, nil
	}
	return Probe{Found: !h.dead[tid], Dead: h.dead[tid]}, nil
}

func (h *fakeHeap) Alive(tid page.TID) (bool, error) { return !h.dead[tid], nil }

func (h *fakeHeap) Deletable(op *DeleteOp) (xid.XID, error) {
	h.asked++
	slices.SortFunc(op.TIDs, func(a, b DeleteTID) int { return a.TID.Compare(b.TID) })
	for i := range op.TIDs {
		op.TIDs[i].OK = h.dead[op.TIDs[i].TID]
	}
	return 5, nil
}

func newHeap() *fakeHeap { return &fakeHeap{dead: map[page.TID]bool{}, wait: map[page.TID]xid.XID{}} }

func TestUnique(t *testing.T) {
	w := newWorld(t, 64)
	idx := w.index(100, true, oid.Int4)
	w.create(idx)
	h := newHeap()
	n := 0
	add := func(check UniqueCheck, v datum.Datum, wait func(xid.XID) error) (bool, error) {
		n++
		return w.env(idx).insert(context.Background(), []datum.Datum{v}, tidOf(n), InsertOptions{Check: check, Heap: h,
			Describe: func(v []datum.Datum) string { return fmt.Sprintf("(a)=(%d)", v[0].Int) }}, wait)
	}
	for i := range 2000 {
		if ok, err := add(UniqueYes, datum.Int(int64(i)), noWait); err != nil || !ok {
			t.Fatal(i, ok, err)
		}
	}
	_, err := add(UniqueYes, datum.Int(7), noWait)
	e, ok := pgerr.As(err)
	if !ok || e.Code != pgerr.UniqueViolation || e.Detail != "Key (a)=(7) already exists." || e.Constraint != "ix" ||
		e.Msg != `duplicate key value violates unique constraint "ix"` {
		t.Fatalf("%v", err)
	}
	for range 3 { // NULLs are distinct
		if _, err := add(UniqueYes, datum.Null(), noWait); err != nil {
			t.Fatal(err)
		}
	}
	idx.Index.NullsNotDistinct = true
	if _, err := add(UniqueYes, datum.Null(), noWait); err == nil {
		t.Fatal("a second NULL")
	}
	// Waits for the transaction that may still abort, then looks again.
	h.wait[tidOf(11)] = 99 // key 10
	waited := 0
	if _, err = add(UniqueYes, datum.Int(10), func(x xid.XID) error {
		waited++
		delete(h.wait, tidOf(11))
		h.dead[tidOf(11)] = true // it aborted
		return nil
	}); err != nil || waited != 1 {
		t.Fatal(err, waited)
	}
	// Deferrable: inserted, reported, found at the recheck.
	ok, err = add(UniquePartial, datum.Int(20), noWait)
	if err != nil || ok {
		t.Fatal(ok, err)
	}
	tid := tidOf(n)
	if _, err = w.env(idx).insert(context.Background(), []datum.Datum{datum.Int(20)}, tid, InsertOptions{Check: UniqueExisting, Heap: h}, noWait); err == nil {
		t.Fatal("recheck found no conflict")
	}
	h.dead[tidOf(21)] = true
	if _, err = w.env(idx).insert(context.Background(), []datum.Datum{datum.Int(20)}, tid, InsertOptions{Check: UniqueExisting, Heap: h}, noWait); err != nil {
		t.Fatal(err)
	}
	w.count(idx)
}

// TestVersionChurn updates the same rows again and again: dead versions are
// deleted on the way, so that the index does not grow.
func TestVersionChurn(t *testing.T) {
	for _, unchanged := range []bool{true, false} {
		w := newWorld(t, 64)
		idx := w.index(100, unchanged, oid.Int4)
		w.create(idx)
		h := newHeap()
		rng := rand.New(rand.NewPCG(7, 7))
		last := map[int]page.TID{}
		check := UniqueNo
		if unchanged {
			check = UniqueYes
		}
		for i := range 40000 {
			key := rng.IntN(300)
			if old, ok := last[key]; ok {
				h.dead[old] = true
			}
			last[key] = tidOf(i)
			_, err := w.env(idx).insert(context.Background(), []datum.Datum{datum.Int(int64(key))}, tidOf(i),
				InsertOptions{Check: check, Unchanged: true, Heap: h}, noWait)
			must(t, err)
		}
		live := 0
		must(t, Check(idx, func(_ access.IndexTuple, tid page.TID) {
			if !h.dead[tid] {
				live++
			}
		}))
		if live != len(last) {
			t.Fatalf("%d live entries, want %d", live, len(last))
		}
		if n := len(w.pages(idx.Node)); n > 12 || h.asked == 0 {
			t.Fatalf("%d pages, heap asked %d times", n, h.asked)
		}
		w.sameAfterRedo(idx, w.records(testStart))
	}
}

// TestKill: entries that a scan found dead are hinted, skipped, then deleted.
func TestKill(t *testing.T) {
	w := newWorld(t, 64)
	idx := w.index(100, false, oid.Int4)
	w.create(idx)
	for i := range 1000 {
		w.insert(idx, tidOf(i), datum.Int(int64(i)))
	}
	count := func(kill bool) int {
		s, err := BeginScan(idx, nil, ScanOptions{})
		must(t, err)
		defer s.Close()
		n := 0
		for {
			_, ok, err := s.Next(true)
			must(t, err)
			if !ok {
				return n
			}
			if n++; kill && n%2 == 0 {
				s.Kill()
			}
		}
	}
	if a, b := count(true), count(false); a != 1000 || b != 500 {
		t.Fatal(a, b)
	}
}

func TestScanAllocates(t *testing.T) {
	w := newWorld(t, 64)
	idx := w.index(100, false, oid.Int4)
	w.create(idx)
	for i := range 5000 {
		w.insert(idx, tidOf(i), datum.Int(int64(i)))
	}
	keys := []Key{{Col: 0, Strategy: Equal}}
	s, err := BeginScan(idx, keys, ScanOptions{})
	must(t, err)
	defer s.Close()
	i := int64(0)
	if n := testing.AllocsPerRun(1000, func() {
		keys[0].Arg = datum.Int(i % 5000)
		i++
		s.Rescan(keys)
		if _, ok, err := s.Next(true); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations for a lookup", n)
	}
}

func TestMarkRestore(t *testing.T) {
	w := newWorld(t, 64)
	idx := w.index(100, false, oid.Int4)
	w.create(idx)
	for i := range 3000 {
		w.insert(idx, tidOf(i), datum.Int(int64(i)))
	}
	s, err := BeginScan(idx, nil, ScanOptions{})
	must(t, err)
	defer s.Close()
	step := func(want int) {
		t.Helper()
		if tid, ok, err := s.Next(true); err != nil || !ok || tid != tidOf(want) {
			t.Fatal(tid, ok, err, want)
		}
	}
	for i := range 1000 {
		step(i)
	}
	s.Mark()
	for i := 1000; i < 3000; i++ {
		step(i)
	}
	s.Restore()
	for i := 1000; i < 2000; i++ {
		step(i)
	}
}
