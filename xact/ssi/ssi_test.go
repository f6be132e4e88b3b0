package ssi

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xid"
)

func begin(m *Manager, id xid.XID, ro bool) *Xact {
	x := m.Begin(Info{PID: int32(id), ReadOnly: ro}, func() {})
	if x != nil {
		x.Assigned(id)
	}
	return x
}

var item = func(n int) Target { return Tuple(1, 20000, page.TID{Block: 0, Off: page.OffsetNumber(n)}) } // constant

func commit(t *testing.T, x *Xact, fails bool) {
	t.Helper()
	err := x.PreCommit()
	if (err != nil) != fails || err != nil && pgerr.CodeOf(err) != pgerr.TRSerializationFailure {
		t.Errorf("commit: %v", err)
	}
	if err != nil {
		x.Abort()
		return
	}
	x.Commit()
}

// TestDangerous goes through the orders in which T1 → T2 → T3 can arise and end.
func TestDangerous(t *testing.T) {
	type step func(t1, t2, t3 *Xact) error
	read := func(i int, n int) step {
		return func(t1, t2, t3 *Xact) error { []*Xact{t1, t2, t3}[i-1].Lock(item(n)); return nil }
	}
	write := func(i int, n int) step {
		return func(t1, t2, t3 *Xact) error { return []*Xact{t1, t2, t3}[i-1].Write(item(n)) }
	}
	end := func(i int) step {
		return func(t1, t2, t3 *Xact) error {
			x := []*Xact{t1, t2, t3}[i-1]
			if err := x.PreCommit(); err != nil {
				x.Abort()
				return err
			}
			x.Commit()
			return nil
		}
	}
	for _, c := range []struct {
		name  string
		steps []step
		fails int // the step that must fail; 0: none
	}{
		{"third first", []step{read(1, 1), write(2, 1), read(2, 2), write(3, 2), end(3), end(2), end(1)}, 6},
		{"second first", []step{read(1, 1), write(2, 1), read(2, 2), write(3, 2), end(2), end(3), end(1)}, 0},
		{"first first", []step{read(1, 1), write(2, 1), read(2, 2), write(3, 2), end(1), end(3), end(2)}, 0},
		{"third is over", []step{read(2, 2), write(3, 2), end(3), read(1, 1), write(2, 1)}, 5},
		{"second is over", []step{read(2, 2), write(3, 2), end(3), write(2, 1), end(2), end(1)}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := New(Options{})
			t1, t2, t3 := begin(m, 101, false), begin(m, 102, false), begin(m, 103, false)
			for i, s := range c.steps {
				if err := s(t1, t2, t3); (err != nil) != (i+1 == c.fails) {
					t.Fatalf("step %d: %v", i+1, err)
				} else if err != nil {
					return
				}
			}
		})
	}
}

// TestReadPastPivot: a reader that meets a committed pivot must give way itself.
func TestReadPastPivot(t *testing.T) {
	m := New(Options{})
	t1, t2, t3 := begin(m, 101, false), begin(m, 102, false), begin(m, 103, false)
	t2.Lock(item(2))
	if err := t3.Write(item(2)); err != nil {
		t.Fatal(err)
	}
	commit(t, t3, false)
	if err := t2.Write(item(1)); err != nil {
		t.Fatal(err)
	}
	commit(t, t2, false)
	if err := t1.ReadPast(102); err == nil {
		t.Error("t1 read past a committed pivot")
	}
}

func TestSafeSnapshot(t *testing.T) {
	m := New(Options{})
	if begin(m, 1, true) != nil {
		t.Error("a snapshot without concurrent writers is safe")
	}
	w := begin(m, 101, false)
	r := begin(m, 102, true)
	r.Lock(item(1))
	if r.safe.Load() || len(r.awaited) != 1 {
		t.Error("the snapshot is not decided")
	}
	commit(t, w, false)
	if !r.safe.Load() || len(m.List()) != 0 {
		t.Error("the snapshot is safe, and its locks go")
	}
	r.Abort()

	// A writer that read past one that committed before the snapshot makes it unsafe.
	w = begin(m, 103, false)
	o := begin(m, 104, false)
	w.Lock(item(1))
	if err := o.Write(item(1)); err != nil {
		t.Fatal(err)
	}
	commit(t, o, false)
	r = begin(m, 105, true)
	if err := w.Write(item(2)); err != nil {
		t.Fatal(err)
	}
	commit(t, w, false)
	if r.safe.Load() || !r.risky {
		t.Error("the snapshot is not safe")
	}
	r.Abort()
}

func TestDeferrable(t *testing.T) {
	m := New(Options{})
	w := begin(m, 101, false)
	ctx, cancel := context.WithCancelCause(context.Background())
	stop := errors.New("stop")
	cancel(stop)
	if err := m.BeginDeferrable(ctx, Info{}, func() {}); !errors.Is(err, stop) {
		t.Errorf("cancelled: %v", err)
	}
	done := make(chan error)
	taken := make(chan bool, 2)
	go func() { done <- m.BeginDeferrable(context.Background(), Info{PID: 7}, func() { taken <- true }) }()
	<-taken
	for len(m.Waiting(7)) == 0 { // it registers under the mutex that take runs under
		time.Sleep(time.Millisecond)
	}
	commit(t, w, false)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if !m.Idle() {
		t.Error("something is left")
	}
}

// TestClean: what is over goes with the last transaction that overlaps with it.
func TestClean(t *testing.T) {
	m := New(Options{})
	a, b := begin(m, 101, false), begin(m, 102, false)
	a.Lock(item(1))
	commit(t, a, false)
	c := begin(m, 103, false)
	if len(m.List()) != 1 {
		t.Error("b overlaps with a")
	}
	commit(t, b, false)
	if len(m.List()) != 0 {
		t.Error("nobody overlaps with a")
	}
	c.Abort()
	if !m.Idle() || len(m.mu.byXID) != 0 || len(m.mu.locks) != 0 {
		t.Error("something is left")
	}
}

func TestPromotion(t *testing.T) {
	m := New(Options{})
	x := begin(m, 101, false)
	for n := 1; n <= 3; n++ {
		x.Lock(item(n))
	}
	if l := m.List(); len(l) != 1 || l[0].Target != Page(1, 20000, 0) {
		t.Errorf("three tuples of a page: %v", l)
	}
	for blk := page.BlockNumber(0); blk < 40; blk++ {
		x.Lock(Page(1, 20000, blk))
	}
	if l := m.List(); len(l) != 1 || l[0].Target != Relation(1, 20000) {
		t.Errorf("many pages: %v", l)
	}
	m.Spread(1, 20000, 3, 50)
	x.Lock(Page(1, 30000, 3))
	m.Spread(1, 30000, 3, 50)
	m.Transfer(1, 30000, 20000)
	if l := m.List(); len(l) != 1 {
		t.Errorf("after a transfer: %v", l)
	}
	x.Abort()
	if len(m.mu.locks) != 0 {
		t.Error("locks are left")
	}
}

// TestHistories runs random transactions over versioned registers under snapshot
// isolation with this package, and checks that the committed ones have a serial
// order: the graph of their dependencies has no cycle. Without the package's
// refusals the same histories do have cycles.
func TestHistories(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("PGMINI_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	t.Logf("PGMINI_SEED=%d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	bad, refused, committed := 0, 0, 0
	for range 3000 {
		h := history{t: t, r: rand.New(rand.NewPCG(r.Uint64(), 1)), m: New(Options{})}
		h.run()
		if c := h.cycle(); c != "" {
			t.Fatalf("the committed transactions have a cycle: %s", c)
		}
		refused += h.refused
		committed += len(h.done)
		free := history{t: t, r: rand.New(rand.NewPCG(r.Uint64(), 1)), m: New(Options{}), blind: true}
		free.run()
		if free.cycle() != "" {
			bad++
		}
	}
	t.Logf("%d committed, %d refused; %d histories have cycles without SSI", committed, refused, bad)
	if bad < 100 || refused < 100 {
		t.Error("the histories are too tame")
	}
}

// version is one committed or pending value of a register.
type version struct {
	by *txn
	at int // commit time; 0 pending
}

type txn struct {
	id       int
	x        *Xact
	ro       bool
	start    int
	end      int
	reads    map[int]*txn // register to the writer of the version that was read; nil: the first
	writes   map[int]bool
	finished bool
}

type history struct {
	t       *testing.T
	r       *rand.Rand
	m       *Manager
	blind   bool // no SSI
	clock   int
	next    int
	regs    [4][]version
	done    []*txn
	refused int
}

func (h *history) run() {
	var live []*txn
	for range 60 {
		h.clock++
		if len(live) < 4 && h.r.IntN(3) == 0 {
			h.next++
			k := &txn{id: h.next, ro: h.r.IntN(4) == 0, start: h.clock, reads: map[int]*txn{}, writes: map[int]bool{}}
			if !h.blind {
				k.x = begin(h.m, xid.XID(1000+k.id), k.ro)
			}
			live = append(live, k)
			continue
		}
		if len(live) == 0 {
			continue
		}
		i := h.r.IntN(len(live))
		k := live[i]
		err := h.step(k)
		if err != nil {
			h.undo(k)
			h.refused++
		}
		if k.finished {
			live = append(live[:i], live[i+1:]...)
		}
	}
	for _, k := range live {
		h.undo(k)
	}
	if !h.blind && !h.m.Idle() {
		h.t.Fatal("something is left")
	}
}

func (h *history) undo(k *txn) {
	for g := range h.regs {
		if n := len(h.regs[g]); n > 0 && h.regs[g][n-1].by == k {
			h.regs[g] = h.regs[g][:n-1]
		}
	}
	if k.x != nil {
		k.x.Abort()
	}
	k.finished = true
}

// step reads, writes or commits.
func (h *history) step(k *txn) error {
	g := h.r.IntN(len(h.regs))
	switch n := h.r.IntN(5); {
	case n < 2:
		return h.read(k, g)
	case n < 4 && !k.ro:
		return h.write(k, g)
	case n < 4:
		return h.read(k, g)
	}
	if k.x != nil {
		if err := k.x.PreCommit(); err != nil {
			return err
		}
	}
	for w := range k.writes {
		h.regs[w][len(h.regs[w])-1].at = h.clock
	}
	k.end, k.finished = h.clock, true
	h.done = append(h.done, k)
	if k.x != nil {
		k.x.Commit()
	}
	return nil
}

func (h *history) read(k *txn, g int) error {
	if k.writes[g] {
		return nil
	}
	if k.x != nil {
		k.x.Lock(item(g + 1))
	}
	var from *txn
	for _, v := range h.regs[g] {
		if v.at != 0 && v.at < k.start {
			from = v.by
			continue
		}
		if v.by != k && k.x != nil {
			if err := k.x.ReadPast(xid.XID(1000 + v.by.id)); err != nil {
				return err
			}
		}
	}
	k.reads[g] = from
	return nil
}

// write makes a new version; the first updater wins.
func (h *history) write(k *txn, g int) error {
	if k.writes[g] {
		return nil
	}
	if n := len(h.regs[g]); n > 0 {
		if v := h.regs[g][n-1]; v.at == 0 || v.at > k.start {
			return errors.New("concurrent update")
		}
	}
	if k.x != nil {
		if err := k.x.Write(item(g+1), Page(1, 20000, 0), Relation(1, 20000)); err != nil {
			return err
		}
	}
	h.regs[g] = append(h.regs[g], version{by: k})
	k.writes[g] = true
	return nil
}

// cycle looks for one among the committed transactions.
func (h *history) cycle() string {
	edges := map[*txn]map[*txn]bool{}
	add := func(a, b *txn) {
		if a != nil && b != nil && a != b {
			if edges[a] == nil {
				edges[a] = map[*txn]bool{}
			}
			edges[a][b] = true
		}
	}
	for g := range h.regs {
		var chain []*txn
		for _, v := range h.regs[g] {
			if v.at != 0 {
				chain = append(chain, v.by)
			}
		}
		for i := 1; i < len(chain); i++ {
			add(chain[i-1], chain[i])
		}
		for _, k := range h.done {
			from, ok := k.reads[g]
			if !ok {
				continue
			}
			add(from, k)
			for i, w := range chain {
				if (from == nil && i == 0) || i > 0 && chain[i-1] == from {
					add(k, w)
				}
			}
		}
	}
	state := map[*txn]int{}
	var visit func(k *txn) string
	visit = func(k *txn) string {
		state[k] = 1
		for n := range edges[k] {
			if state[n] == 1 {
				return fmt.Sprintf("%d → %d", k.id, n.id)
			}
			if state[n] == 0 {
				if c := visit(n); c != "" {
					return fmt.Sprintf("%d → %s", k.id, c)
				}
			}
		}
		state[k] = 2
		return ""
	}
	for _, k := range h.done {
		if state[k] == 0 {
			if c := visit(k); c != "" {
				return c
			}
		}
	}
	return ""
}
