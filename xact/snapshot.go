package xact

import (
	"slices"
	"sync"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/xact/ssi"
	"github.com/pgmini/pgmini/xid"
)

// Snapshot says which transactions count as committed (PostgreSQL: SnapshotData).
type Snapshot struct {
	Xmin, Xmax xid.XID   // below Xmin all are over; from Xmax on none is
	XIP        []xid.XID // top-level transactions in progress, ascending from Xmin; do not change
	SubXIP     []xid.XID // their subtransactions, ascending from Xmin; do not change
	Overflowed bool      // SubXIP is incomplete: ask pg_subtrans
	CurCID     xid.Command
	SSI        *ssi.Xact // of a serializable transaction: reads are tracked

	m    *Manager
	refs int
	data *snapData
}

// snapData is what all sessions share of a snapshot. It never changes.
type snapData struct {
	xmin, xmax xid.Full
	xip, sub   []xid.XID
	overflow   bool
	ended      uint64
}

// takeSnapshot returns the current snapshot's data and holds p's horizon at its
// xmin, if p has none yet. It allocates only after a transaction with an xid has
// ended. INV-XACT-5, INV-XACT-6.
func (m *Manager) takeSnapshot(p *Proc, renew bool) *snapData {
	a := &m.procs
	a.mu.RLock()
	d := a.cached.Load()
	if d == nil || d.ended != a.ended.Load() {
		d = a.build()
		a.cached.Store(d)
	}
	if p != nil && (renew || p.xmin.Load() == 0) {
		p.xmin.Store(uint64(d.xmin))
	}
	a.mu.RUnlock()
	return d
}

// build reads the array. The caller holds its lock at least shared.
func (a *procArray) build() *snapData {
	d := &snapData{ended: a.ended.Load(), xmax: xid.Full(a.latest.Load()).Next()}
	d.xmin = d.xmax
	for _, p := range a.all {
		f := xid.Full(p.xid.Load())
		if f == 0 || f >= d.xmax {
			continue
		}
		d.xmin = min(d.xmin, f)
		d.xip = append(d.xip, f.XID())
		d.overflow = d.overflow || p.overflow.Load()
		for i := range p.nsubs.Load() {
			d.sub = append(d.sub, xid.XID(p.subs[i].Load()))
		}
	}
	order := func(x, y xid.XID) int {
		i, j := uint32(x-d.xmin.XID()), uint32(y-d.xmin.XID())
		switch {
		case i < j:
			return -1
		case i > j:
			return 1
		}
		return 0
	}
	slices.SortFunc(d.xip, order)
	slices.SortFunc(d.sub, order)
	return d
}

// set makes s a snapshot of d.
func (s *Snapshot) set(m *Manager, d *snapData, cid xid.Command) {
	*s = Snapshot{Xmin: d.xmin.XID(), Xmax: d.xmax.XID(), XIP: d.xip, SubXIP: d.sub, Overflowed: d.overflow,
		CurCID: cid, m: m, data: d}
}

// InProgress reports whether s sees x as running (XidInMVCCSnapshot). The
// snapshot's own transaction counts as running: ask Tx.IsCurrent first.
func (s *Snapshot) InProgress(x xid.XID) bool {
	if x.Precedes(s.Xmin) {
		return false
	}
	if x.FollowsOrEquals(s.Xmax) {
		return true
	}
	if s.Overflowed {
		x = s.m.TopXID(x)
		if x.Precedes(s.Xmin) {
			return false
		}
	} else if s.find(s.SubXIP, x) {
		return true
	}
	return s.find(s.XIP, x)
}

// find searches a list that ascends from Xmin in the circular order.
func (s *Snapshot) find(list []xid.XID, x xid.XID) bool {
	want := uint32(x - s.Xmin)
	lo, hi := 0, len(list)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if uint32(list[mid]-s.Xmin) < want {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo < len(list) && list[lo] == x
}

// Horizons say which row versions nobody can see any more (PostgreSQL:
// ComputeXidHorizons).
type Horizons struct {
	// ConsideredRunning is the oldest xid that anybody may ask pg_subtrans about.
	ConsideredRunning xid.Full
	// Shared is the horizon of shared relations, Catalog that of catalogs, Data
	// that of other relations of the database.
	Shared, Catalog, Data xid.Full
}

// horizonCache keeps the last answer of OldestXmin per database.
type horizonCache struct {
	sync.Mutex
	byDB map[oid.OID]Horizons
}

// ComputeHorizons computes the horizons of database db.
func (m *Manager) ComputeHorizons(db oid.OID) Horizons {
	a := &m.procs
	a.mu.RLock()
	limit := xid.Full(a.latest.Load()).Next()
	h := Horizons{limit, limit, limit, limit}
	for _, p := range a.all {
		f, xmin := xid.Full(p.xid.Load()), xid.Full(p.xmin.Load())
		if f == 0 || xmin != 0 && xmin < f {
			f = xmin
		}
		if f == 0 {
			continue
		}
		h.ConsideredRunning = min(h.ConsideredRunning, f)
		if p.vacuum.Load() {
			continue
		}
		h.Shared = min(h.Shared, f)
		if db == oid.Invalid || p.opt.Database == oid.Invalid || p.opt.Database == db {
			h.Data = min(h.Data, f)
		}
	}
	a.mu.RUnlock()
	h.Catalog = h.Data
	data, catalog := m.opt.SlotXmin()
	if data.IsNormal() {
		f := nearest(data, limit)
		h.Shared, h.Data, h.Catalog = min(h.Shared, f), min(h.Data, f), min(h.Catalog, f)
	}
	if catalog.IsNormal() {
		f := nearest(catalog, limit)
		h.Shared, h.Catalog = min(h.Shared, f), min(h.Catalog, f)
	}
	h.ConsideredRunning = min(h.ConsideredRunning, h.Shared, h.Data)
	return h
}

// nearest gives x the epoch that puts it within half a circle of ref.
func nearest(x xid.XID, ref xid.Full) xid.Full {
	d := int64(int32(x - ref.XID()))
	if d < 0 && uint64(-d) > uint64(ref) {
		return xid.Full(x)
	}
	return xid.Full(int64(ref) + d)
}

// OldestXmin is the horizon for rows of database db (oid.Invalid: shared
// relations): what a transaction before it deleted nobody can see. catalog is
// true for catalog relations.
func (m *Manager) OldestXmin(db oid.OID, catalog bool) xid.XID {
	h := m.ComputeHorizons(db)
	switch {
	case db == oid.Invalid:
		return h.Shared.XID()
	case catalog:
		return h.Catalog.XID()
	}
	return h.Data.XID()
}

// Removable reports whether nobody can see what transaction x deleted: x before
// OldestXmin. Its last answer is remembered, so that asking for many rows costs
// little.
func (m *Manager) Removable(x xid.XID, db oid.OID, catalog bool) bool {
	pick := func(h Horizons) xid.XID {
		switch {
		case db == oid.Invalid:
			return h.Shared.XID()
		case catalog:
			return h.Catalog.XID()
		}
		return h.Data.XID()
	}
	c := &m.procs.horizons
	c.Lock()
	h, ok := c.byDB[db]
	c.Unlock()
	if ok && x.Precedes(pick(h)) {
		return true
	}
	h = m.ComputeHorizons(db)
	c.Lock()
	if c.byDB == nil {
		c.byDB = make(map[oid.OID]Horizons)
	}
	c.byDB[db] = h
	c.Unlock()
	return x.Precedes(pick(h))
}
