package nbtree

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
)

func tidOf(i int) page.TID {
	return page.TID{Block: page.BlockNumber(i / 100), Off: page.OffsetNumber(i%100 + 1)}
}

// count checks idx and returns the number of its entries.
func (w *world) count(idx *access.Relation) int {
	w.t.Helper()
	n := 0
	must(w.t, Check(idx, func(access.IndexTuple, page.TID) { n++ }))
	return n
}

func TestInsertShapes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name  string
		n     int
		types []oid.OID
		key   func(i int) []datum.Datum
	}{
		{"ascending", 20000, []oid.OID{oid.Int4}, func(i int) []datum.Datum { return []datum.Datum{datum.Int(int64(i))} }},
		{"descending", 8000, []oid.OID{oid.Int4}, func(i int) []datum.Datum { return []datum.Datum{datum.Int(int64(-i))} }},
		{"random", 8000, []oid.OID{oid.Int8}, func(i int) []datum.Datum { return []datum.Datum{datum.Int(rng.Int64N(1 << 40))} }},
		{"duplicates", 8000, []oid.OID{oid.Int4}, func(i int) []datum.Datum { return []datum.Datum{datum.Int(rng.Int64N(5))} }},
		{"one value", 8000, []oid.OID{oid.Int4}, func(i int) []datum.Datum { return []datum.Datum{datum.Int(1)} }},
		{"text", 6000, []oid.OID{oid.Text}, func(i int) []datum.Datum {
			return []datum.Datum{datum.String(fmt.Sprintf("%0*d", 5+rng.IntN(100), rng.IntN(3000)))}
		}},
		{"two columns", 6000, []oid.OID{oid.Int4, oid.Text}, func(i int) []datum.Datum {
			d := []datum.Datum{datum.Int(rng.Int64N(40)), datum.String(fmt.Sprint("row ", rng.IntN(5000)))}
			if rng.IntN(10) == 0 {
				d[rng.IntN(2)] = datum.Null()
			}
			return d
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 512)
			idx := w.index(100, false, c.types...)
			w.create(idx)
			perm := rng.Perm(c.n)
			for i := range c.n {
				tid := tidOf(i)
				if c.name == "duplicates" {
					tid = tidOf(perm[i])
				}
				w.insert(idx, tid, c.key(i)...)
			}
			if got := w.count(idx); got != c.n {
				t.Fatalf("%d entries, want %d", got, c.n)
			}
			recs := w.records(testStart)
			seen := map[string]int{}
			for _, d := range recs {
				seen[identify(d.RmgrInfo())]++
			}
			t.Log(len(w.pages(idx.Node)), "pages", seen)
			w.sameAfterRedo(idx, recs)
		})
	}
}
