package xact

import (
	"fmt"
	"sync"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

// generator hands out xids.
type generator struct {
	mu         sync.Mutex
	next       xid.Full
	oldest     xid.XID // the cluster's oldest datfrozenxid
	oldestDB   oid.OID
	oldestClog xid.XID // oldest xid whose status can be asked
	vacuum     xid.XID // from here on autovacuum is forced
	warn       xid.XID // from here on there are warnings
	stop       xid.XID // from here on no xid is given
	rec        xlog.Record
	data       [8]byte
}

// The distances of PostgreSQL's limits to the point of wraparound.
const (
	stopBefore = 3000000
	warnBefore = 40000000
)

// SetXIDLimit sets the limits by the oldest datfrozenxid of all databases
// (SetTransactionIdLimit).
func (m *Manager) SetXIDLimit(oldest xid.XID, db oid.OID) {
	up := func(x xid.XID) xid.XID {
		if x < xid.FirstNormal {
			x += xid.FirstNormal
		}
		return x
	}
	down := func(x xid.XID) xid.XID {
		if x < xid.FirstNormal {
			x -= xid.FirstNormal
		}
		return x
	}
	wrap := up(oldest + 0x7FFFFFFF)
	g := &m.gen
	g.mu.Lock()
	defer g.mu.Unlock()
	g.oldest, g.oldestDB = oldest, db
	g.stop, g.warn = down(wrap-stopBefore), down(wrap-warnBefore)
	g.vacuum = up(oldest + xid.XID(m.opt.FreezeMaxAge()))
}

// NextXID is the next transaction id that will be assigned.
func (m *Manager) NextXID() xid.Full {
	m.gen.mu.Lock()
	defer m.gen.mu.Unlock()
	return m.gen.next
}

// OldestXID is the oldest datfrozenxid and its database.
func (m *Manager) OldestXID() (xid.XID, oid.OID) {
	m.gen.mu.Lock()
	defer m.gen.mu.Unlock()
	return m.gen.oldest, m.gen.oldestDB
}

// NeedsForcedVacuum reports whether xids are old enough that autovacuum must run
// even if it is off.
func (m *Manager) NeedsForcedVacuum() bool {
	m.gen.mu.Lock()
	defer m.gen.mu.Unlock()
	return m.gen.next.XID().FollowsOrEquals(m.gen.vacuum)
}

// advanceNext makes sure that the next xid is past x, on replay.
func (m *Manager) advanceNext(x xid.XID) {
	if !x.IsNormal() {
		return
	}
	m.gen.mu.Lock()
	defer m.gen.mu.Unlock()
	n := m.gen.next
	if x.Precedes(n.XID()) {
		return
	}
	epoch := n.Epoch()
	if x < n.XID() {
		epoch++
	}
	m.gen.next = xid.MakeFull(epoch, x).Next()
}

// newXID assigns the next xid to p, as its top-level one or that of a
// subtransaction. The pages that the xid needs are made first, so that a failure
// uses up nothing.
func (m *Manager) newXID(p *Proc, sub bool) (xid.Full, error) {
	if m.recovering.Load() {
		return 0, pgerr.New(pgerr.ReadOnlySQLTransaction, "cannot assign TransactionIds during recovery")
	}
	g := &m.gen
	g.mu.Lock()
	defer g.mu.Unlock()
	full := g.next
	x := full.XID()
	if x.FollowsOrEquals(g.vacuum) {
		if err := m.checkWrap(p, x); err != nil {
			return 0, err
		}
	}
	if err := m.extend(x); err != nil {
		return 0, err
	}
	g.next = full.Next()
	p.add(full, sub)
	return full, nil
}

// checkWrap warns of the coming wraparound and refuses at the stop limit.
func (m *Manager) checkWrap(p *Proc, x xid.XID) error {
	g := &m.gen
	name := fmt.Sprintf("database with OID %d", g.oldestDB)
	if m.opt.DatabaseName != nil {
		if s := m.opt.DatabaseName(g.oldestDB); s != "" {
			name = fmt.Sprintf("database %q", s)
		}
	}
	const hint = "You might also need to commit or roll back old prepared transactions, or drop stale replication slots."
	if x.FollowsOrEquals(g.stop) {
		return pgerr.New(pgerr.ProgramLimitExceeded,
			"database is not accepting commands to avoid wraparound data loss in %s", name).
			WithHint("Stop the postmaster and vacuum that database in single-user mode.\n" + hint)
	}
	if x.FollowsOrEquals(g.warn) {
		left := uint32(g.stop) + stopBefore - uint32(x)
		w := pgerr.New(pgerr.Warning, "%s must be vacuumed within %d transactions", name, left).
			WithHint("To avoid a database shutdown, execute a database-wide VACUUM in that database.\n" + hint)
		if p.opt.Notice != nil {
			p.opt.Notice(w)
		}
		m.opt.Logger.Warn(w.Msg)
	}
	return nil
}

// extend makes the pages of pg_xact, pg_commit_ts and pg_subtrans that x is the
// first to need.
func (m *Manager) extend(x xid.XID) error {
	g := &m.gen
	if x == xid.FirstNormal || uint32(x)%clogXactsPerPage == 0 {
		if err := m.zeroLogged(m.clog, &g.rec, xlog.RmClog, infoClogZeroPage, clogPage(x)); err != nil {
			return err
		}
	}
	if m.stamping() && (x == xid.FirstNormal || uint32(x)%stampsPerPage == 0) {
		if err := m.zeroLogged(m.commitTs, &g.rec, xlog.RmCommitTs, infoStampZeroPage, stampPage(x)); err != nil {
			return err
		}
	}
	if x == xid.FirstNormal || uint32(x)%subtransPerPage == 0 {
		return m.subtrans.Zero(subtransPage(x))
	}
	return nil
}
