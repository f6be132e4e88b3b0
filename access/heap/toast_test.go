package heap

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/datum"
)

// TestToast: where long values go, slices of them, and that an update keeps or
// replaces them.
func TestToast(t *testing.T) {
	w := newWorld(t, 256, false)
	rel := w.table(20000)
	rng := rand.New(rand.NewPCG(5, 6))
	noise := make([]byte, 10000)
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	stored := func(id int) ([]byte, Tuple) { return w.stored(rel, id) }
	chunks := func() int { return w.chunks(rel) }
	tx := w.begin()
	w.insert(tx, rel, 1, strings.Repeat("squeeze ", 1000))
	w.insert(tx, rel, 2, string(noise))
	w.insert(tx, rel, 3, strings.Repeat(string(noise), 2))
	must(t, tx.Commit(bg))
	if s, _ := stored(1); !access.IsCompressed(s) {
		t.Error("a compressible value is not compressed in line")
	}
	s, tup := stored(2)
	if !access.IsExternal(s) || access.GetExternal(s).Compressed() || chunks() != 6+11 {
		t.Fatalf("stored %x, %d chunks", s, chunks())
	}
	tx = w.begin()
	dt := NewDetoaster(tx, rel)
	for _, at := range [][2]int{{0, 10}, {1990, 20}, {9990, 100}, {5000, 0}} {
		b, err := dt.Slice(s, at[0], at[1])
		if want := noise[at[0]:min(at[0]+at[1], len(noise))]; err != nil || string(b) != string(want) {
			t.Errorf("slice %v: %d bytes, %v", at, len(b), err)
		}
	}
	// The key changes and the long value is kept: the same pointer, no new chunk.
	vals := []datum.Datum{datum.Int(20), datum.Null()}
	res, _, _, err := Update(bg, tx, rel, tup.TID, vals, ChangeOptions{Command: tx.CommandID(true), Keep: []bool{false, true}})
	if err != nil || res != OK {
		t.Fatal(res, err)
	}
	must(t, tx.Commit(bg))
	if kept, _ := stored(20); string(kept) != string(s) || chunks() != 17 {
		t.Errorf("kept %x, was %x; %d chunks", kept, s, chunks())
	}
	_, tup = stored(20)
	tx = w.begin()
	w.update(tx, rel, tup.TID, 20, "short")
	must(t, tx.Commit(bg))
	if chunks() != 11 {
		t.Errorf("%d chunks after the value was replaced", chunks())
	}
	_, tup = stored(3)
	tx = w.begin()
	w.delete(tx, rel, tup.TID)
	must(t, tx.Commit(bg))
	if chunks() != 0 {
		t.Errorf("%d chunks after the row was deleted", chunks())
	}
	w.sameAfterRedo(rel)
}

// stored finds row id and its second column as it is stored.
func (w *world) stored(rel *access.Relation, id int) ([]byte, Tuple) {
	w.t.Helper()
	tx := w.begin()
	defer tx.Abort()
	s, err := BeginScan(tx, rel, Self(), ScanOptions{})
	must(w.t, err)
	raw := make([][]byte, 2)
	var v [1]datum.Datum
	for {
		ts, err := s.NextBatch()
		must(w.t, err)
		if ts == nil {
			w.t.Fatalf("row %d is not there", id)
		}
		for _, tup := range ts {
			must(w.t, access.Deform(rel.Desc, tup.Data, 1, v[:], nil))
			if int(v[0].Int) == id {
				must(w.t, access.StoredColumns(rel.Desc, tup.Data, raw))
				return raw[1], tup
			}
		}
	}
}

// chunks counts the live chunks of rel's TOAST table.
func (w *world) chunks(rel *access.Relation) (n int) {
	w.t.Helper()
	toast, _, _ := rel.Toast()
	tx := w.begin()
	defer tx.Abort()
	s, err := BeginScan(tx, toast, MVCC(tx.Snapshot()), ScanOptions{})
	must(w.t, err)
	for {
		ts, err := s.NextBatch()
		must(w.t, err)
		if ts == nil {
			return n
		}
		n += len(ts)
	}
}
