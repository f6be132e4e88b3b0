package xact

import (
	"cmp"
	"slices"
	"sync"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

// Layout of pg_multixact (PostgreSQL: transam/multixact.c). offsets: one uint32
// per multixact, the place of its first member; its members end where the next
// one's begin, and offset 0 is skipped. members: groups of four status bytes and
// four xids. FROZEN.
const (
	offsetsPerPage  = 8192 / 4
	membersPerGroup = 4
	groupSize       = 4 + 4*membersPerGroup
	groupsPerPage   = 8192 / groupSize
	membersPerPage  = groupsPerPage * membersPerGroup
	membersPerSeg   = membersPerPage * 32
)

// MultiStatus is the role of a member of a multixact (PostgreSQL: MultiXactStatus).
type MultiStatus uint8

// The roles, in PostgreSQL's numbering.
const (
	MultiForKeyShare    MultiStatus = 0
	MultiForShare       MultiStatus = 1
	MultiForNoKeyUpdate MultiStatus = 2
	MultiForUpdate      MultiStatus = 3
	MultiNoKeyUpdate    MultiStatus = 4 // an update that left the key alone
	MultiUpdate         MultiStatus = 5 // an update of the key, or a delete
)

// IsUpdate reports whether s changes the tuple, rather than locks it.
func (s MultiStatus) IsUpdate() bool { return s > MultiForUpdate }

// MultiMember is one member of a multixact.
type MultiMember struct {
	XID    xid.XID
	Status MultiStatus
}

// multiGenerator hands out multixact ids and member space.
type multiGenerator struct {
	sync.Mutex
	next       xid.Multi
	nextOffset uint32
	oldest     xid.Multi // cluster's oldest datminmxid
	oldestDB   oid.OID
	// oldestOffset is where oldest's members begin, if known: new members must
	// not reach it.
	oldestOffset uint32
	offsetKnown  bool
	preZeroed    uint32 // offsets page + 1 that redo of CREATE_ID has made ahead
	rec          xlog.Record
	buf          []byte
}

type cachedMulti struct {
	id      xid.Multi
	members []MultiMember
}

func offsetPage(m xid.Multi) uint32 { return uint32(m) / offsetsPerPage }
func memberPage(o uint32) uint32    { return o / membersPerPage }

func offsetPagePrecedes(a, b uint32) bool {
	x, y := xid.Multi(a*offsetsPerPage)+xid.FirstMulti+1, xid.Multi(b*offsetsPerPage)+xid.FirstMulti+1
	return x.Precedes(y) && x.Precedes(y+offsetsPerPage-1)
}

func memberPagePrecedes(a, b uint32) bool {
	x, y := a*membersPerPage, b*membersPerPage
	return int32(x-y) < 0 && int32(x-(y+membersPerPage-1)) < 0
}

func nextMulti(m xid.Multi) xid.Multi {
	if m++; m < xid.FirstMulti {
		return xid.FirstMulti
	}
	return m
}

func (m *Manager) setMulti(cp *pgcontrol.CheckPoint) {
	g := &m.multi
	g.Lock()
	defer g.Unlock()
	g.next, g.nextOffset = cp.NextMulti, cp.NextMultiOffset
	g.oldest, g.oldestDB, g.offsetKnown = cp.OldestMulti, cp.OldestMultiDB, false
}

func (m *Manager) fillMulti(cp *pgcontrol.CheckPoint) {
	g := &m.multi
	g.Lock()
	defer g.Unlock()
	cp.NextMulti, cp.NextMultiOffset = g.next, g.nextOffset
	cp.OldestMulti, cp.OldestMultiDB = g.oldest, g.oldestDB
}

// SetMultiLimit sets the oldest datminmxid of all databases.
func (m *Manager) SetMultiLimit(oldest xid.Multi, db oid.OID) {
	off, known := uint32(0), false
	if next := m.NextMulti(); oldest != next && !m.recovering.Load() {
		if o, err := m.memberOffset(oldest); err == nil && o != 0 {
			off, known = o, true
		}
	}
	g := &m.multi
	g.Lock()
	defer g.Unlock()
	g.oldest, g.oldestDB, g.oldestOffset, g.offsetKnown = oldest, db, off, known
}

// NextMulti is the next multixact id that will be assigned.
func (m *Manager) NextMulti() xid.Multi {
	m.multi.Lock()
	defer m.multi.Unlock()
	return max(m.multi.next, xid.FirstMulti)
}

// OldestMulti is the horizon of multixact ids: nobody will look at older ones,
// but in rows that no one has touched since (GetOldestMultiXactId).
func (m *Manager) OldestMulti() xid.Multi {
	oldest := m.NextMulti()
	m.procs.mu.RLock()
	defer m.procs.mu.RUnlock()
	for _, p := range m.procs.all {
		for _, v := range []uint32{p.multiOldest.Load(), p.multiVisible.Load()} {
			if v != 0 && xid.Multi(v).Precedes(oldest) {
				oldest = xid.Multi(v)
			}
		}
	}
	return oldest
}

// MultiSetOldest says that t may become a member of multixacts from now on: call
// before reading a tuple that t may lock (MultiXactIdSetOldestMember).
func (t *Tx) MultiSetOldest() {
	if t.p.multiOldest.Load() == 0 {
		g := &t.m.multi
		g.Lock()
		t.p.multiOldest.Store(uint32(max(g.next, xid.FirstMulti)))
		g.Unlock()
	}
}

// setVisible fixes the oldest multixact that t may look at: no running
// transaction is a member of an older one.
func (t *Tx) setVisible() xid.Multi {
	if v := t.p.multiVisible.Load(); v != 0 {
		return xid.Multi(v)
	}
	m := t.m
	m.multi.Lock()
	defer m.multi.Unlock()
	oldest := max(m.multi.next, xid.FirstMulti)
	m.procs.mu.RLock()
	defer m.procs.mu.RUnlock()
	for _, p := range m.procs.all {
		if v := xid.Multi(p.multiOldest.Load()); v != 0 && v.Precedes(oldest) {
			oldest = v
		}
	}
	t.p.multiVisible.Store(uint32(oldest))
	return oldest
}

// MultiCreate makes a multixact of the members, or finds one with the same
// members that this transaction has seen.
func (m *Manager) MultiCreate(t *Tx, members []MultiMember) (xid.Multi, error) {
	list := slices.Clone(members)
	slices.SortFunc(list, func(a, b MultiMember) int {
		return cmp.Or(cmp.Compare(a.XID, b.XID), cmp.Compare(a.Status, b.Status))
	})
	updaters := 0
	for _, x := range list {
		if x.Status.IsUpdate() {
			updaters++
		}
	}
	if updaters > 1 {
		return 0, pgerr.New(pgerr.InternalError, "new multixact has more than one updating member")
	}
	for _, c := range t.multiCache {
		if slices.Equal(c.members, list) {
			return c.id, nil
		}
	}
	g := &m.multi
	g.Lock()
	defer g.Unlock()
	id, off, err := m.newMulti(uint32(len(list)))
	if err != nil {
		return 0, err
	}
	rec := multiRec{ID: id, Offset: off, Members: list}
	g.buf = rec.append(g.buf[:0])
	g.rec.Begin(xlog.RmMultiXact, infoMultiCreate, t.XIDIfAny())
	g.rec.Data(g.buf)
	if _, err := m.opt.Log.Insert(&g.rec); err != nil {
		return 0, m.fatal(err)
	}
	if err := m.applyMulti(&rec); err != nil {
		return 0, m.fatal(err)
	}
	g.next = nextMulti(id)
	g.nextOffset = rec.end()
	t.multiCache = append(t.multiCache, cachedMulti{id, list})
	return id, nil
}

// newMulti finds id and space for n members and makes the pages that they need.
// The generator is locked and not yet advanced.
func (m *Manager) newMulti(n uint32) (xid.Multi, uint32, error) {
	g := &m.multi
	if m.recovering.Load() {
		return 0, 0, pgerr.New(pgerr.ReadOnlySQLTransaction, "cannot assign MultiXactIds during recovery")
	}
	id := max(g.next, xid.FirstMulti)
	off := g.nextOffset
	if off == 0 {
		off = 1
	}
	wrap := g.oldest + 0x7FFFFFFF
	if left := int32(wrap - stopBefore - id); left <= 0 {
		return 0, 0, pgerr.New(pgerr.ProgramLimitExceeded,
			"database is not accepting commands that generate new MultiXactIds to avoid wraparound data loss in database with OID %d", g.oldestDB).
			WithHint("Execute a database-wide VACUUM in that database.\nYou might also need to commit or roll back old prepared transactions, or drop stale replication slots.")
	}
	if g.offsetKnown {
		limit := g.oldestOffset - g.oldestOffset%membersPerSeg - membersPerSeg
		if left := limit - off; left < n || left > 0xFFFFFFFF-membersPerSeg {
			return 0, 0, pgerr.New(pgerr.ProgramLimitExceeded, "multixact \"members\" limit exceeded").
				WithDetail("This command would create a multixact with %d members, but the remaining space is only enough for %d members.", n, left).
				WithHint("Execute a database-wide VACUUM in database with OID %d with reduced vacuum_multixact_freeze_min_age and vacuum_multixact_freeze_table_age settings.", g.oldestDB)
		}
	}
	// The offset of the id after this one is written too.
	if next := nextMulti(id); uint32(next)%offsetsPerPage == 0 || next == xid.FirstMulti {
		if err := m.zeroLogged(m.offsets, &g.rec, xlog.RmMultiXact, infoMultiZeroOff, offsetPage(next)); err != nil {
			return 0, 0, err
		}
	}
	for i := uint32(0); i < n; i++ {
		if (off+i)%membersPerPage == 0 {
			if err := m.zeroLogged(m.members, &g.rec, xlog.RmMultiXact, infoMultiZeroMem, memberPage(off+i)); err != nil {
				return 0, 0, err
			}
		}
	}
	return id, off, nil
}

// MultiExpand makes a multixact of those members of multi that still matter plus
// one more (MultiXactIdExpand).
func (m *Manager) MultiExpand(t *Tx, multi xid.Multi, add MultiMember) (xid.Multi, error) {
	t.MultiSetOldest()
	old, err := m.MultiMembers(t, multi, false)
	if err != nil {
		return 0, err
	}
	if slices.Contains(old, add) {
		return multi, nil
	}
	var list []MultiMember
	for _, x := range old {
		running := m.IsInProgress(x.XID)
		if running || x.Status.IsUpdate() && m.DidCommit(x.XID) {
			list = append(list, x)
		}
	}
	return m.MultiCreate(t, append(list, add))
}

// MultiMembers reads the members of a multixact. onlyLock is true for a tuple
// whose xmax only locks: if multi is older than any running transaction, it has
// no members that matter and none are returned.
func (m *Manager) MultiMembers(t *Tx, multi xid.Multi, onlyLock bool) ([]MultiMember, error) {
	if multi == 0 {
		return nil, nil
	}
	for _, c := range t.multiCache {
		if c.id == multi {
			return c.members, nil
		}
	}
	visible := t.setVisible()
	if onlyLock && multi.Precedes(visible) {
		return nil, nil
	}
	g := &m.multi
	g.Lock()
	oldest, next := g.oldest, g.next
	g.Unlock()
	if multi.Precedes(oldest) {
		return nil, pgerr.New(pgerr.InternalError, "MultiXactId %d does no longer exist -- apparent wraparound", multi)
	}
	if !multi.Precedes(next) {
		return nil, pgerr.New(pgerr.InternalError, "MultiXactId %d has not been created yet -- apparent wraparound", multi)
	}
	list, err := m.readMulti(multi)
	if err == nil {
		t.multiCache = append(t.multiCache, cachedMulti{multi, list})
	}
	return list, err
}

func (m *Manager) memberOffset(multi xid.Multi) (off uint32, err error) {
	err = m.offsets.View(offsetPage(multi), uint32(multi), func(p []byte, _ []lsn.LSN) {
		off = le.Uint32(p[uint32(multi)%offsetsPerPage*4:])
	})
	return off, err
}

// readMulti reads members from disk.
func (m *Manager) readMulti(multi xid.Multi) ([]MultiMember, error) {
	off, err := m.memberOffset(multi)
	if err != nil {
		return nil, err
	}
	m.multi.Lock()
	next, end := m.multi.next, m.multi.nextOffset
	m.multi.Unlock()
	if after := nextMulti(multi); after != next {
		if end, err = m.memberOffset(after); err != nil {
			return nil, err
		}
	}
	n := end - off
	if off == 0 {
		return nil, pgerr.New(pgerr.DataCorrupted, "MultiXact %d has invalid offset", multi)
	}
	if end == 0 || n > 1<<24 {
		return nil, pgerr.New(pgerr.DataCorrupted, "MultiXact %d has invalid next offset", multi)
	}
	list := make([]MultiMember, 0, n)
	for i := range n {
		o := off + i
		var x MultiMember
		err := m.members.View(memberPage(o), uint32(multi), func(p []byte, _ []lsn.LSN) {
			g, k := o/membersPerGroup%groupsPerPage*groupSize, o%membersPerGroup
			x = MultiMember{xid.XID(le.Uint32(p[g+4+k*4:])), MultiStatus(p[g+k])}
		})
		if err != nil {
			return nil, err
		}
		if x.XID != xid.Invalid { // the place of offset 0 after a wraparound
			list = append(list, x)
		}
	}
	return list, nil
}

// MultiIsRunning reports whether a member of multi is still running.
func (m *Manager) MultiIsRunning(t *Tx, multi xid.Multi, onlyLock bool) bool {
	list, err := m.MultiMembers(t, multi, onlyLock)
	if err != nil {
		_ = m.fatal(err)
	}
	for _, x := range list {
		if t.IsCurrent(x.XID) || m.IsInProgress(x.XID) {
			return true
		}
	}
	return false
}
