package ssi

import (
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
)

// Target is what a SIREAD lock covers: a relation, one of its pages, or a tuple.
type Target struct {
	DB, Rel oid.OID
	Block   page.BlockNumber // page.InvalidBlock: the relation
	Off     page.OffsetNumber
}

// Relation covers all of a relation.
func Relation(db, rel oid.OID) Target { return Target{db, rel, page.InvalidBlock, 0} }

// Page covers a page: of an index leaf its gaps too.
func Page(db, rel oid.OID, blk page.BlockNumber) Target { return Target{db, rel, blk, 0} }

// Tuple covers one version of a row.
func Tuple(db, rel oid.OID, tid page.TID) Target { return Target{db, rel, tid.Block, tid.Off} }

// parent is the next coarser target; ok is false for a relation.
func (t Target) parent() (p Target, ok bool) {
	switch {
	case t.Off != 0:
		return Page(t.DB, t.Rel, t.Block), true
	case t.Block != page.InvalidBlock:
		return Relation(t.DB, t.Rel), true
	}
	return t, false
}

// covers reports whether t is o or coarser.
func (t Target) covers(o Target) bool {
	for {
		if t == o {
			return true
		}
		var ok bool
		if o, ok = o.parent(); !ok {
			return false
		}
	}
}

// limit is how many finer locks may stand below t before t is locked instead.
func (m *Manager) limit(t Target) int {
	if t.Block != page.InvalidBlock {
		return m.opt.PerPage()
	}
	n := m.opt.PerRelation()
	if n < 0 {
		n = m.opt.PerTransaction()/-n - 1
	}
	return n
}

// Lock remembers that x read what t covers.
func (x *Xact) Lock(t Target) {
	m := x.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if x.safe.Load() {
		return
	}
	for c, ok := t, true; ok; c, ok = c.parent() {
		if _, held := x.locks[c]; held {
			return
		}
	}
	m.add(x, t)
	// Too many below one page or relation become one lock on it.
	up := t
	for p, ok := t.parent(); ok; p, ok = p.parent() {
		if x.children[p]++; x.children[p] > m.limit(p) {
			up = p
		}
	}
	if up != t {
		m.promote(x, up)
	}
}

// promote replaces what x holds below t by t.
func (m *Manager) promote(x *Xact, t Target) {
	for c := range x.locks {
		if c != t && t.covers(c) {
			m.drop(x, c)
		}
	}
	m.add(x, t)
	if p, ok := t.parent(); ok {
		x.children[p]++
	}
}

func (m *Manager) add(x *Xact, t Target) {
	x.locks[t] = struct{}{}
	h := m.mu.locks[t]
	if h == nil {
		h = map[*Xact]struct{}{}
		m.mu.locks[t] = h
	}
	h[x] = struct{}{}
}

// drop takes one lock from x.
func (m *Manager) drop(x *Xact, t Target) {
	delete(x.locks, t)
	if h := m.mu.locks[t]; h != nil {
		if delete(h, x); len(h) == 0 {
			delete(m.mu.locks, t)
		}
	}
	for p, ok := t.parent(); ok; p, ok = p.parent() {
		if x.children[p]--; x.children[p] <= 0 {
			delete(x.children, p)
		}
	}
}

// release drops all locks of x.
func (m *Manager) release(x *Xact) {
	for t := range x.locks {
		m.drop(x, t)
	}
	clear(x.children)
}

// Idle reports that nobody could hold a SIREAD lock: one load.
func (m *Manager) Idle() bool { return m.kept.Load() == 0 }

// Spread gives page to of an index the locks of page from: it takes over keys of
// that by a split, or all of them when it is deleted.
func (m *Manager) Spread(db, rel oid.OID, from, to page.BlockNumber) {
	if m.Idle() {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for x := range m.mu.locks[Page(db, rel, from)] {
		m.share(x, Page(db, rel, to))
	}
}

// share is Lock for a transaction that may be over, with the mutex held.
func (m *Manager) share(x *Xact, t Target) {
	if _, held := x.locks[t]; held {
		return
	}
	m.add(x, t)
	for p, ok := t.parent(); ok; p, ok = p.parent() {
		x.children[p]++
	}
}

// Transfer makes all locks on a relation locks on the whole heap: its tuples move,
// or it is an index that goes.
func (m *Manager) Transfer(db, rel, heap oid.OID) {
	if m.Idle() {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var holders []*Xact
	for t, h := range m.mu.locks {
		if t.DB == db && t.Rel == rel {
			for x := range h {
				holders = append(holders, x)
			}
		}
	}
	for _, x := range holders {
		for t := range x.locks {
			if t.DB == db && t.Rel == rel {
				m.drop(x, t)
			}
		}
		m.share(x, Relation(db, heap))
	}
}

// Row is a SIREAD lock in pg_locks.
type Row struct {
	Target
	PID     int32
	Virtual lmgr.VirtualXID
}

// List is all SIREAD locks.
func (m *Manager) List() []Row {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Row
	for x := range m.mu.xacts {
		for t := range x.locks {
			r := Row{t, x.pid, x.virtual}
			if x.state == committed {
				r.PID = 0
			}
			out = append(out, r)
		}
	}
	return out
}
