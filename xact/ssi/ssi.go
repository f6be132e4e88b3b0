package ssi

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xid"
)

// seq orders commits and snapshots.
type seq uint64

// never is later than every commit.
const never = ^seq(0)

// Options are the limits of SIREAD locks; a zero field has PostgreSQL's default.
type Options struct {
	PerTransaction func() int // max_pred_locks_per_transaction
	PerRelation    func() int // max_pred_locks_per_relation
	PerPage        func() int // max_pred_locks_per_page
}

// Manager is the SIREAD locks and serializable transactions of one server.
type Manager struct {
	opt Options
	// kept counts the Xacts in memory: nothing to do for others while it is 0.
	kept atomic.Int32

	mu struct {
		sync.Mutex
		last  seq // given to the last commit
		xacts map[*Xact]struct{}
		byXID map[xid.XID]*Xact
		locks map[Target]map[*Xact]struct{}
	}
}

// New makes a Manager.
func New(opt Options) *Manager {
	def := func(f *func() int, n int) {
		if *f == nil {
			*f = func() int { return n }
		}
	}
	def(&opt.PerTransaction, 64)
	def(&opt.PerRelation, -2)
	def(&opt.PerPage, 2)
	m := &Manager{opt: opt}
	m.mu.xacts = map[*Xact]struct{}{}
	m.mu.byXID = map[xid.XID]*Xact{}
	m.mu.locks = map[Target]map[*Xact]struct{}{}
	return m
}

// state is how far a transaction has come.
type state uint8

const (
	active state = iota
	prepared
	committed
)

// Xact is one serializable transaction (PostgreSQL: SERIALIZABLEXACT). The
// Manager's mutex guards it.
type Xact struct {
	m       *Manager
	pid     int32
	virtual lmgr.VirtualXID
	xids    []xid.XID // its own and its subtransactions'

	state    state
	doomed   bool // it must not commit
	readOnly bool // declared so, or over without a change
	declared bool
	wrote    bool
	snapshot seq // the last commit before its snapshot
	prepare  seq // its place in the order of commits
	end      seq // when others saw it committed

	in, out map[*Xact]struct{} // edges from readers, to writers
	// firstOut is the place of the first commit among all transactions that it
	// ever had an edge to.
	firstOut seq

	// of read-only transactions: the concurrent writers whose end is awaited, and
	// what became of the snapshot.
	awaited map[*Xact]struct{}
	waits   bool // BeginDeferrable
	safe    atomic.Bool
	risky   bool          // the snapshot is not safe
	decided chan struct{} // closed when the snapshot is known to be safe or unsafe

	locks    map[Target]struct{}
	children map[Target]int // finer locks below a page or relation
}

// Info names a transaction.
type Info struct {
	PID      int32
	Virtual  lmgr.VirtualXID
	ReadOnly bool
}

// Begin registers a transaction at its snapshot, which take takes. nil means that
// its snapshot is safe: nothing need be tracked.
func (m *Manager) Begin(o Info, take func()) *Xact {
	m.mu.Lock()
	defer m.mu.Unlock()
	take()
	x := &Xact{m: m, pid: o.PID, virtual: o.Virtual, readOnly: o.ReadOnly, declared: o.ReadOnly, snapshot: m.mu.last,
		prepare: never, end: never, firstOut: never, in: map[*Xact]struct{}{}, out: map[*Xact]struct{}{},
		locks: map[Target]struct{}{}, children: map[Target]int{}}
	if o.ReadOnly {
		x.awaited, x.decided = map[*Xact]struct{}{}, make(chan struct{})
		for w := range m.mu.xacts {
			if w.state != committed && !w.readOnly && !w.doomed {
				x.awaited[w] = struct{}{}
			}
		}
		if len(x.awaited) == 0 {
			return nil
		}
	}
	m.mu.xacts[x] = struct{}{}
	m.kept.Add(1)
	return x
}

// BeginDeferrable takes snapshots with take until one is safe, waiting for the
// writers that decide about it.
func (m *Manager) BeginDeferrable(ctx context.Context, o Info, take func()) error {
	o.ReadOnly = true
	for {
		x := m.Begin(o, take)
		if x == nil {
			return nil
		}
		m.mu.Lock()
		x.waits = true
		m.mu.Unlock()
		select {
		case <-x.decided:
		case <-ctx.Done():
			x.Abort()
			return context.Cause(ctx)
		}
		x.Abort()
		if x.safe.Load() {
			return nil
		}
	}
}

// Waiting reports whether pid waits for a safe snapshot, and for whom
// (pg_safe_snapshot_blocking_pids).
func (m *Manager) Waiting(pid int32) (pids []int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for x := range m.mu.xacts {
		if x.pid == pid && x.waits {
			for w := range x.awaited {
				pids = append(pids, w.pid)
			}
		}
	}
	return pids
}

// Assigned notes an xid of the transaction or of a subtransaction.
func (x *Xact) Assigned(id xid.XID) {
	x.m.mu.Lock()
	defer x.m.mu.Unlock()
	x.xids = append(x.xids, id)
	x.m.mu.byXID[id] = x
}

// Forget notes that a subtransaction was rolled back: nobody sees its changes.
func (x *Xact) Forget(ids ...xid.XID) {
	x.m.mu.Lock()
	defer x.m.mu.Unlock()
	for _, id := range ids {
		delete(x.m.mu.byXID, id)
	}
}

// Reading reports whether reads must be tracked still.
func (x *Xact) Reading() bool { return x != nil && !x.safe.Load() }

// failure is the error of a transaction that cannot be serialized.
func failure(reason string, args ...any) error {
	return pgerr.New(pgerr.TRSerializationFailure, "could not serialize access due to read/write dependencies among transactions").
		WithDetail("Reason code: "+reason, args...).WithHint("The transaction might succeed if retried.")
}

// concurrent reports whether a committed or running o overlaps with x.
func (x *Xact) concurrent(o *Xact) bool { return o.end > x.snapshot }

// ReadPast notes that x did not see what the transaction of id changed, because
// it is concurrent.
func (x *Xact) ReadPast(id xid.XID) error {
	m := x.m
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case x.safe.Load():
		return nil
	case x.doomed:
		return failure("Canceled on identification as a pivot, during conflict out checking.")
	}
	w := m.mu.byXID[id]
	switch {
	case w == nil || w == x || w.doomed || !x.concurrent(w):
		return nil
	case x.readOnly && w.state == committed && w.firstOut > x.snapshot:
		return nil // w can only be the last but one of a structure that x begins
	}
	return x.edge(x, w)
}

// Write notes that x is about to change what some of the targets cover.
func (x *Xact) Write(targets ...Target) error {
	m := x.m
	m.mu.Lock()
	defer m.mu.Unlock()
	x.wrote = true
	if x.doomed {
		return failure("Canceled on identification as a pivot, during conflict in checking.")
	}
	for _, t := range targets {
		for r := range m.mu.locks[t] {
			if r == x || r.doomed || !x.concurrent(r) {
				continue
			}
			if err := x.edge(r, x); err != nil {
				return err
			}
		}
	}
	return nil
}

// WriteAll notes that x empties or drops a relation: it changes all that anybody
// read of it.
func (x *Xact) WriteAll(db, rel oid.OID) error {
	m := x.m
	m.mu.Lock()
	defer m.mu.Unlock()
	x.wrote = true
	if x.doomed {
		return failure("Canceled on identification as a pivot, during conflict in checking.")
	}
	for t, holders := range m.mu.locks {
		if t.DB != db || t.Rel != rel {
			continue
		}
		for r := range holders {
			if r == x || r.doomed || !x.concurrent(r) {
				continue
			}
			if err := x.edge(r, x); err != nil {
				return err
			}
		}
	}
	return nil
}

// dangerous reports whether t1 → t2 → t3 must not stand, where t3 committed, or is
// about to, at place third.
func dangerous(t1, t2 *Xact, third seq) bool {
	return third != never && third <= t1.end && third <= t2.end && (!t1.readOnly || third <= t1.snapshot)
}

// edge notes the rw-dependency r → w; x, the one that acts, is one of them. If a
// dangerous structure arises, it fails x or dooms w. INV-SSI-2.
func (x *Xact) edge(r, w *Xact) error {
	if _, ok := r.out[w]; ok {
		return nil
	}
	bad := dangerous(r, w, w.firstOut)
	if !bad && w.prepare != never && !r.readOnly {
		for t1 := range r.in {
			bad = bad || !t1.doomed && dangerous(t1, r, w.prepare)
		}
	}
	if bad {
		switch {
		case x == w:
			return failure("Canceled on identification as a pivot, during write.")
		case w.state != active:
			return failure("Canceled on conflict out to pivot %d, during read.", w.topXID())
		}
		w.doomed = true
	}
	r.out[w], w.in[r] = struct{}{}, struct{}{}
	r.firstOut = min(r.firstOut, w.prepare)
	return nil
}

func (x *Xact) topXID() xid.XID {
	if len(x.xids) == 0 {
		return xid.Invalid
	}
	return x.xids[0]
}

// PreCommit decides whether x may commit, and gives it its place in the order of
// commits. After it only the server's end keeps x from committing. INV-SSI-2.
func (x *Xact) PreCommit() error {
	m := x.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if x.doomed {
		return failure("Canceled on identification as a pivot, during commit attempt.")
	}
	// x would be the first of three to commit.
	for t2 := range x.in {
		if t2.state == committed || t2.doomed {
			continue
		}
		for t1 := range t2.in {
			if t1 != x && (t1.state == committed || t1.readOnly || t1.doomed) {
				continue
			}
			if t2.state == prepared {
				return failure("Canceled on commit attempt with conflict in from prepared pivot.")
			}
			t2.doomed = true
			break
		}
	}
	m.mu.last++
	x.prepare, x.state = m.mu.last, prepared
	for r := range x.in {
		r.firstOut = min(r.firstOut, x.prepare)
	}
	return nil
}

// Commit notes that others see x's changes.
func (x *Xact) Commit() {
	m := x.m
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.last++
	x.end, x.state = m.mu.last, committed
	writer := !x.readOnly
	x.readOnly = x.readOnly || !x.wrote
	m.over(x, writer)
	m.clean()
}

// Abort forgets x: it is rolled back.
func (x *Xact) Abort() {
	m := x.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.mu.xacts[x]; !ok {
		return
	}
	x.doomed, x.end = true, 0
	m.remove(x)
	m.over(x, true)
	m.clean()
}

// over tells the read-only transactions that wait for the writer x. INV-SSI-4.
func (m *Manager) over(x *Xact, writer bool) {
	if !writer {
		return
	}
	for r := range m.mu.xacts {
		if _, ok := r.awaited[x]; !ok {
			continue
		}
		if x.state == committed && x.wrote && x.firstOut <= r.snapshot {
			r.risky, r.awaited = true, nil
			close(r.decided)
			continue
		}
		if delete(r.awaited, x); len(r.awaited) == 0 {
			r.safe.Store(true)
			close(r.decided)
			m.release(r)
			m.unlink(r)
		}
	}
}

// clean removes the finished transactions that no running one overlaps with.
// INV-SSI-3.
func (m *Manager) clean() {
	oldest := never
	for x := range m.mu.xacts {
		if x.state != committed {
			oldest = min(oldest, x.snapshot)
		}
	}
	for x := range m.mu.xacts {
		if x.state == committed && x.end <= oldest {
			m.remove(x)
		}
	}
}

// remove forgets a transaction with its locks and edges.
func (m *Manager) remove(x *Xact) {
	m.release(x)
	m.unlink(x)
	for _, id := range x.xids {
		delete(m.mu.byXID, id)
	}
	delete(m.mu.xacts, x)
	m.kept.Add(-1)
}

// unlink takes x out of the edges of others. What an edge to a committed one
// means stays in firstOut.
func (m *Manager) unlink(x *Xact) {
	for r := range x.in {
		delete(r.out, x)
	}
	for w := range x.out {
		delete(w.in, x)
	}
	clear(x.in)
	clear(x.out)
}
