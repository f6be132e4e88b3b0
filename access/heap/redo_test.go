package heap

import (
	"context"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xlog"
)

func kinds(recs []*xlog.Decoded) map[string]int {
	out := map[string]int{}
	for _, d := range recs {
		for _, ds := range Describers() {
			if ds.ID == d.Rmgr {
				out[ds.Identify(d.RmgrInfo())]++
			}
		}
	}
	return out
}

// TestRedoEqualsDo runs a workload that writes every record type, replays its log
// twice, and compares all pages.
func TestRedoEqualsDo(t *testing.T) {
	w := newWorld(t, 512, false)
	rel := w.table(20000)
	want := w.workload(rel, rand.New(rand.NewPCG(1, 2)), 60)
	if got := w.now(rel); !maps.Equal(got, want) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
	got := kinds(w.records(testStart))
	for _, k := range []string{"INSERT", "INSERT+INIT", "DELETE", "UPDATE", "HOT_UPDATE", "HEAP_CONFIRM", "LOCK", "INPLACE",
		"MULTI_INSERT", "MULTI_INSERT+INIT", "PRUNE", "VACUUM", "FREEZE_PAGE", "VISIBLE", "LOCK_UPDATED"} {
		if got[k] == 0 {
			t.Errorf("no %s record: %v", k, got)
		}
	}
	w.sameAfterRedo(rel)
}

// workload changes rel at random and returns the rows that must be there.
func (w *world) workload(rel *access.Relation, rng *rand.Rand, rounds int) map[int]string {
	w.t.Helper()
	live, tids, next := map[int]string{}, map[int]page.TID{}, 1
	value := func() string {
		switch rng.IntN(12) {
		case 0:
			return strings.Repeat("abc", rng.IntN(3000))
		case 1:
			b := make([]byte, rng.IntN(9000))
			for i := range b {
				b[i] = byte(rng.Uint32())
			}
			return string(b)
		}
		return strings.Repeat("x", rng.IntN(300))
	}
	for round := range rounds {
		tx := w.begin()
		l2, t2 := maps.Clone(live), maps.Clone(tids)
		for range 1 + rng.IntN(25) {
			id := 0
			for k := range l2 {
				if id == 0 || k > id && rng.IntN(4) > 0 {
					id = k
				}
			}
			switch op := rng.IntN(10); {
			case op < 3 || id == 0:
				v := value()
				l2[next], t2[next] = v, w.insert(tx, rel, next, v)
				next++
			case op < 4:
				w.delete(tx, rel, t2[id])
				delete(l2, id)
				delete(t2, id)
			case op < 5:
				_, _, _, err := LockTuple(bg, tx, rel, t2[id], LockOptions{Command: tx.CommandID(true), Mode: LockMode(rng.IntN(4))})
				must(w.t, err)
			case op < 6: // the key changes
				v := value()
				u := w.update(tx, rel, t2[id], next, v)
				delete(l2, id)
				delete(t2, id)
				l2[next], t2[next] = v, u.TID
				next++
			default:
				v := value()
				t2[id] = w.update(tx, rel, t2[id], id, v).TID
				l2[id] = v
			}
			must(w.t, tx.NextCommand())
		}
		if round%7 == 3 {
			var rows [][]datum.Datum
			for range 40 {
				v := value()
				rows = append(rows, row(next, v))
				l2[next] = v
				next++
			}
			got := make([]page.TID, len(rows))
			must(w.t, MultiInsert(bg, tx, rel, rows, InsertOptions{Command: tx.CommandID(true)}, got))
			for i, r := range rows {
				t2[int(r[0].Int)] = got[i]
			}
		}
		if rng.IntN(5) == 0 {
			must(w.t, tx.Abort())
		} else {
			must(w.t, tx.Commit(bg))
			live, tids = l2, t2
		}
		if round%9 == 4 {
			w.vacuum(rel, 0)
		}
	}
	w.special(rel, live, tids, next)
	return live
}

// special adds the records that the random part does not make.
func (w *world) special(rel *access.Relation, live map[int]string, tids map[int]page.TID, next int) {
	w.t.Helper()
	tx := w.begin()
	opt := InsertOptions{Command: tx.CommandID(true), SpecTok: 77}
	won, err := Insert(bg, tx, rel, row(next, "won"), opt)
	must(w.t, err)
	must(w.t, Confirm(tx, rel, won))
	live[next] = "won"
	lost, err := Insert(bg, tx, rel, row(next+1, strings.Repeat("lost", 3000)), opt)
	must(w.t, err)
	must(w.t, AbortSpeculative(tx, rel, lost))
	must(w.t, tx.Commit(bg))

	// A key share lock on a row while another updates it: LOCK_UPDATED, multixact.
	a, b := w.begin(), w.begin()
	base := w.insert(a, rel, next+2, "base")
	live[next+2] = "new"
	must(w.t, a.Commit(bg))
	a = w.begin()
	w.update(a, rel, base, next+2, "new")
	res, _, f, err := LockTuple(bg, b, rel, base, LockOptions{Command: b.CommandID(true), Mode: KeyShare, FollowUpdates: true})
	must(w.t, err)
	if res != OK {
		w.t.Fatalf("key share lock beside a no-key update: %v %+v", res, f)
	}
	must(w.t, a.Commit(bg))
	must(w.t, b.Commit(bg))

	tx = w.begin()
	f2 := NewFetcher(tx, rel)
	tup, ok, err := f2.Fetch(won, Self())
	must(w.t, err)
	if !ok {
		w.t.Fatal("confirmed tuple is not there")
	}
	data := append([]byte(nil), tup.Data.Data()...)
	f2.Close()
	must(w.t, Inplace(tx, rel, won, data))
	must(w.t, tx.Commit(bg))

	tx = w.begin()
	rows := [][]datum.Datum{}
	for i := range 200 {
		rows = append(rows, row(next+10+i, "frozen"))
		live[next+10+i] = "frozen"
	}
	must(w.t, MultiInsert(bg, tx, rel, rows, InsertOptions{Command: tx.CommandID(true), Frozen: true, SkipFSM: true}, make([]page.TID, len(rows))))
	must(w.t, tx.Commit(bg))
}

// vacuum runs VACUUM with an index that only counts.
func (w *world) vacuum(rel *access.Relation, minAge uint32) VacuumResult {
	w.t.Helper()
	tx := w.begin()
	res, err := Vacuum(bg, tx, rel, VacuumParams{FreezeMinAge: minAge, FreezeTableAge: 150000000, MultiFreezeMinAge: 5000000,
		MultiFreezeTableAge: 150000000, RelFrozenXID: 600, RelMinMulti: 1, Indexes: []IndexVacuum{nopIndex{}}})
	must(w.t, err)
	must(w.t, tx.Commit(bg))
	return res
}

type nopIndex struct{}

func (nopIndex) BulkDelete(_ context.Context, _ func(page.TID) bool) error { return nil }
func (nopIndex) Cleanup(context.Context, float64) error                    { return nil }
