package nbtree

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
)

// row is one entry of the model: two columns, either may be NULL.
type row struct {
	a, b datum.Datum
	tid  page.TID
}

// model is what the index should hold.
type model struct {
	w    *world
	idx  *access.Relation
	rng  *rand.Rand
	rows []row
	next int
	gaps []page.TID // TIDs that vacuum made free
}

func (m *model) order(x, y row) int {
	e := m.w.env(m.idx)
	if c := e.compareCol(0, &x.a, &y.a, nil); c != 0 {
		return c
	}
	if c := e.compareCol(1, &x.b, &y.b, nil); c != 0 {
		return c
	}
	return x.tid.Compare(y.tid)
}

func (m *model) value(col int) datum.Datum {
	if m.rng.IntN(20) == 0 {
		return datum.Null()
	}
	if col == 0 {
		return datum.Int(m.rng.Int64N(60) * m.rng.Int64N(60))
	}
	return datum.String(fmt.Sprintf("%0*d", 1+m.rng.IntN(30), m.rng.IntN(50)))
}

func (m *model) insert() {
	tid := tidOf(m.next)
	if len(m.gaps) > 0 && m.rng.IntN(2) == 0 {
		tid = m.gaps[len(m.gaps)-1]
		m.gaps = m.gaps[:len(m.gaps)-1]
	} else {
		m.next++
	}
	r := row{m.value(0), m.value(1), tid}
	m.w.insert(m.idx, tid, r.a, r.b)
	m.rows = append(m.rows, r)
}

// vacuum deletes a share of the rows: a random sample, or a key range, which
// empties whole pages.
func (m *model) vacuum(t *testing.T) {
	gone := map[page.TID]bool{}
	lo := m.rng.Int64N(3600)
	hi := lo + m.rng.Int64N(3600)
	sample := m.rng.IntN(2) == 0
	m.rows = slices.DeleteFunc(m.rows, func(r row) bool {
		dead := sample && m.rng.IntN(3) == 0 || !sample && !r.a.Null && r.a.Int >= lo && r.a.Int <= hi
		if dead {
			gone[r.tid] = true
			m.gaps = append(m.gaps, r.tid)
		}
		return dead
	})
	e := m.w.env(m.idx)
	stats, err := e.bulkDelete(context.Background(), nil, func(tid page.TID) bool { return gone[tid] })
	must(t, err)
	if int(stats.TuplesRemoved) != len(gone) || int(stats.Tuples) != len(m.rows) {
		t.Fatalf("%+v, want %d removed, %d left", stats, len(gone), len(m.rows))
	}
	_, err = e.vacuumCleanup(context.Background(), stats, float64(len(m.rows)))
	must(t, err)
}

// keys is a random condition.
func (m *model) keys() []Key {
	var ks []Key
	for col := range 2 {
		for range m.rng.IntN(3) {
			k := Key{Col: col, Strategy: uint8(1 + m.rng.IntN(5)), Arg: m.value(col)}
			switch m.rng.IntN(8) {
			case 0:
				k.IsNull = true
			case 1:
				k.NotNull = true
			case 2:
				k.IsArray = true
				for range m.rng.IntN(4) {
					k.Array = append(k.Array, m.value(col))
				}
			}
			ks = append(ks, k)
		}
	}
	return ks
}

func (m *model) holds(r row, ks []Key) bool {
	for _, k := range ks {
		v := r.a
		if k.Col == 1 {
			v = r.b
		}
		cmp := m.idx.Index.Compare[k.Col]
		one := func(arg datum.Datum) bool { return !v.Null && !arg.Null && satisfies(k.Strategy, cmp(v, arg)) }
		ok := false
		switch {
		case k.IsNull:
			ok = v.Null
		case k.NotNull:
			ok = !v.Null
		case k.IsArray:
			ok = slices.ContainsFunc(k.Array, one)
		default:
			ok = one(k.Arg)
		}
		if !ok {
			return false
		}
	}
	return true
}

func (m *model) scan(t *testing.T) {
	ks := m.keys()
	forward := m.rng.IntN(2) == 0
	var want []page.TID
	for _, r := range m.rows {
		if m.holds(r, ks) {
			want = append(want, r.tid)
		}
	}
	s, err := BeginScan(m.idx, ks, ScanOptions{WantTuple: m.rng.IntN(2) == 0, KeepPin: m.rng.IntN(2) == 0})
	must(t, err)
	defer s.Close()
	arrays := slices.ContainsFunc(ks, func(k Key) bool { return k.IsArray })
	var got []page.TID
	for {
		tid, ok, err := s.Next(forward)
		must(t, err)
		if !ok {
			break
		}
		got = append(got, tid)
		if s.opt.WantTuple {
			var vals [2]datum.Datum
			must(t, s.Values(vals[:]))
			if !m.holds(row{vals[0], vals[1], tid}, ks) {
				t.Fatalf("%v does not meet %+v", vals, ks)
			}
		}
	}
	if arrays { // a row may be met once per element only
		slices.SortFunc(want, page.TID.Compare)
		slices.SortFunc(got, page.TID.Compare)
	} else {
		if !forward {
			slices.Reverse(want)
		}
		if len(got) > 1 { // and back again
			n := m.rng.IntN(len(got))
			for i := range n {
				tid, ok, err := s.Next(!forward)
				must(t, err)
				if !ok || tid != got[len(got)-1-i] {
					t.Fatalf("turning round: %v %v at %d, want %v", tid, ok, i, got[len(got)-1-i])
				}
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%d found, %d wanted, forward %v, keys %+v", len(got), len(want), forward, ks)
	}
}

func TestMetamorphic(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newWorld(t, 24)
			idx := w.index(100, false, oid.Int4, oid.Text)
			rng := rand.New(rand.NewPCG(seed, 99))
			for i := range idx.Index.Options {
				idx.Index.Options[i] = int16(rng.IntN(4))
			}
			w.create(idx)
			m := &model{w: w, idx: idx, rng: rng}
			for round := range 12 {
				for range rng.IntN(1500) {
					m.insert()
				}
				if rng.IntN(2) == 0 {
					m.vacuum(t)
				}
				slices.SortFunc(m.rows, m.order)
				if got := w.count(idx); got != len(m.rows) {
					t.Fatalf("round %d: %d entries, want %d", round, got, len(m.rows))
				}
				for range 20 {
					m.scan(t)
				}
			}
			recs := w.records(testStart)
			seen := map[string]int{}
			for _, d := range recs {
				if d.Rmgr.String() == "Btree" {
					seen[identify(d.RmgrInfo())]++
				}
			}
			t.Log(seen)
			w.sameAfterRedo(idx, recs)
		})
	}
}

func TestVacuumDeletesPages(t *testing.T) {
	w := newWorld(t, 64)
	idx := w.index(100, false, oid.Int4)
	w.create(idx)
	const n = 150000 // three levels
	for i := range n {
		w.insert(idx, tidOf(i), datum.Int(int64(i)))
	}
	before := len(w.pages(idx.Node))
	for _, keep := range []func(i int) bool{
		func(i int) bool { return i < 1000 || i > 149000 },
		func(i int) bool { return i > 149900 },
		func(i int) bool { return false },
	} {
		left := 0
		for i := range n {
			if keep(i) {
				left++
			}
		}
		e := w.env(idx)
		stats, err := e.bulkDelete(context.Background(), nil, func(tid page.TID) bool {
			return !keep(int(tid.Block)*100 + int(tid.Off) - 1)
		})
		must(t, err)
		_, err = e.vacuumCleanup(context.Background(), stats, -1)
		must(t, err)
		if got := w.count(idx); got != left {
			t.Fatalf("%d entries, want %d; %+v", got, left, stats)
		}
		t.Logf("%+v", *stats)
	}
	for i := range n {
		w.insert(idx, tidOf(i), datum.Int(int64(i)))
	}
	if after := len(w.pages(idx.Node)); after > before+8 {
		t.Fatalf("%d pages before, %d after: deleted pages are not reused", before, after)
	}
	if got := w.count(idx); got != n {
		t.Fatal(got)
	}
	recs := w.records(testStart)
	seen := map[string]int{}
	for _, d := range recs {
		if d.Rmgr.String() == "Btree" {
			seen[identify(d.RmgrInfo())]++
		}
	}
	t.Log(seen)
	for _, name := range []string{"UNLINK_PAGE", "UNLINK_PAGE_META", "MARK_PAGE_HALFDEAD", "REUSE_PAGE", "VACUUM"} {
		if seen[name] == 0 {
			t.Errorf("no %s", name)
		}
	}
	w.sameAfterRedo(idx, recs)
}

// TestCrashedSplitIsFinished replays a log cut after a split and before its
// downlink: readers find everything, the next insert completes the split.
func TestCrashedSplitIsFinished(t *testing.T) {
	w := newWorld(t, 64)
	idx := w.index(100, false, oid.Int4)
	w.create(idx)
	for i := range 4000 {
		w.insert(idx, tidOf(i), datum.Int(int64(i*7919%4001)))
	}
	recs := w.records(testStart)
	cuts := 0
	for i, d := range recs {
		if d.Rmgr.String() != "Btree" || d.RmgrInfo() != infoSplitL && d.RmgrInfo() != infoSplitR {
			continue
		}
		cuts++
		v := newWorld(t, 64)
		must(t, v.m.Create(idx.Node, page.MainFork))
		pool, err := bufmgr.New(bufmgr.Options{Buffers: 64, Smgr: v.m.Files, Checksums: true})
		must(t, err)
		v.pool = pool
		entries := 0
		for _, d := range recs[:i+1] {
			if d.Rmgr.String() != "Btree" {
				must(t, redoImages(pool, d))
				continue
			}
			must(t, Redo(pool)(d))
			switch d.RmgrInfo() {
			case infoInsertLeaf, infoInsertPost, infoSplitL, infoSplitR:
				entries++
			}
		}
		idx2 := *idx
		idx2.Pool, idx2.Sys, idx2.Persistence = pool, v.sys, 'u'
		if got := v.count(&idx2); got != entries {
			t.Fatalf("cut %d: %d entries, want %d", i, got, entries)
		}
		v.insert(&idx2, tidOf(9000), datum.Int(int64((entries-1)*7919%4001))) // same page
		v.insert(&idx2, tidOf(9001), datum.Int(int64((entries-1)*7919%4001)))
		if got := v.count(&idx2); got != entries+2 {
			t.Fatalf("cut %d: %d entries, want %d", i, got, entries+2)
		}
		for blk, p := range v.pages(idx2.Node) {
			if n := (node{p}); blk > 0 && n.is(flagIncomplete) {
				t.Fatalf("cut %d: block %d is still an unfinished split", i, blk)
			}
		}
		must(t, pool.Close())
	}
	if cuts < 10 {
		t.Fatal("too few splits")
	}
}
