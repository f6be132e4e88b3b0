package xact

import (
	"sync"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xid"
)

// Layout of pg_commit_ts: a TimestampTz and a replication origin (uint16) per
// transaction. FROZEN.
const (
	stampSize     = 10
	stampsPerPage = 8192 / stampSize
)

func stampPage(x xid.XID) uint32 { return uint32(x) / stampsPerPage }

// stampLimits says of which transactions there are commit timestamps.
type stampLimits struct {
	sync.Mutex
	oldest, newest xid.XID // xid.Invalid while none
	last           xid.XID // of the latest commit (pg_last_committed_xact)
	lastTime       int64
	lastNode       uint16
}

// Stamping reports whether commits are stamped with their time.
func (m *Manager) Stamping() bool { return m.stamping() }

func (m *Manager) stamping() bool { return m.opt.TrackCommitTimestamp }

func (m *Manager) setStampLimits(oldest, newest xid.XID) {
	m.stamps.Lock()
	m.stamps.oldest, m.stamps.newest = oldest, newest
	m.stamps.Unlock()
}

func (m *Manager) stampLimits() (oldest, newest xid.XID) {
	m.stamps.Lock()
	defer m.stamps.Unlock()
	return m.stamps.oldest, m.stamps.newest
}

// stampTree records when x and its subtransactions committed.
func (m *Manager) stampTree(x xid.XID, subs []xid.XID, at int64, node uint16) error {
	if !m.stamping() {
		return nil
	}
	newest := x
	set := func(x xid.XID) error {
		return m.commitTs.Update(stampPage(x), uint32(x), func(p []byte, _ []lsn.LSN) {
			i := uint32(x) % stampsPerPage * stampSize
			le.PutUint64(p[i:], uint64(at))
			le.PutUint16(p[i+8:], node)
		})
	}
	if err := set(x); err != nil {
		return err
	}
	for _, s := range subs {
		if err := set(s); err != nil {
			return err
		}
		newest = s
	}
	l := &m.stamps
	l.Lock()
	defer l.Unlock()
	if l.newest == xid.Invalid || l.newest.Precedes(newest) {
		l.newest = newest
	}
	if l.oldest == xid.Invalid {
		l.oldest = x
	}
	l.last, l.lastTime, l.lastNode = x, at, node
	return nil
}

// CommitTimestamp is when x committed, and its replication origin; ok is false if
// that is not known.
func (m *Manager) CommitTimestamp(x xid.XID) (at int64, node uint16, ok bool, err error) {
	if !m.stamping() {
		return 0, 0, false, pgerr.New(pgerr.ObjectNotInPrerequisiteState, "could not get commit timestamp data").
			WithHint("Make sure the configuration parameter %q is set.", "track_commit_timestamp")
	}
	if x == xid.Invalid {
		return 0, 0, false, pgerr.New(pgerr.InvalidParameterValue, "cannot retrieve commit timestamp for transaction %d", x)
	}
	oldest, newest := m.stampLimits()
	if !x.IsNormal() || oldest == xid.Invalid || x.Precedes(oldest) || newest.Precedes(x) {
		return 0, 0, false, nil
	}
	err = m.commitTs.View(stampPage(x), uint32(x), func(p []byte, _ []lsn.LSN) {
		i := uint32(x) % stampsPerPage * stampSize
		at, node = int64(le.Uint64(p[i:])), le.Uint16(p[i+8:])
	})
	return at, node, at != 0, err
}

// LastCommit is the latest committed transaction (pg_last_committed_xact).
func (m *Manager) LastCommit() (x xid.XID, at int64, node uint16) {
	m.stamps.Lock()
	defer m.stamps.Unlock()
	return m.stamps.last, m.stamps.lastTime, m.stamps.lastNode
}

// startStamps opens or removes pg_commit_ts after recovery, as the setting says.
func (m *Manager) startStamps(next xid.XID) error {
	if !m.stamping() {
		m.setStampLimits(xid.Invalid, xid.Invalid)
		return m.commitTs.RemoveAll()
	}
	if oldest, _ := m.stampLimits(); oldest == xid.Invalid {
		m.setStampLimits(next, next)
	}
	m.commitTs.SetLatest(stampPage(next))
	if ok, err := m.commitTs.Has(stampPage(next)); err != nil || ok {
		return err
	}
	if err := m.commitTs.Zero(stampPage(next)); err != nil {
		return err
	}
	return m.commitTs.WritePage(stampPage(next))
}
