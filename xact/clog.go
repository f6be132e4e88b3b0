package xact

import (
	"encoding/binary"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/xid"
)

var le = binary.LittleEndian // constant

// Layout of pg_xact (PostgreSQL: transam/clog.c): two bits per transaction, low
// bits first. FROZEN.
const (
	clogXactsPerByte  = 4
	clogXactsPerPage  = 8192 * clogXactsPerByte
	clogXactsPerGroup = 32 // transactions that share an LSN in memory
	clogLSNsPerPage   = clogXactsPerPage / clogXactsPerGroup
)

// status is a transaction's outcome in pg_xact.
type status uint8

const (
	inProgress   status = 0
	committed    status = 1
	aborted      status = 2
	subCommitted status = 3 // committed if its parent did
)

func clogPage(x xid.XID) uint32 { return uint32(x) / clogXactsPerPage }

// put sets x's status on its page.
func put(p []byte, at []lsn.LSN, x xid.XID, s status, upTo lsn.LSN) {
	i := uint32(x) % clogXactsPerPage
	shift := i % clogXactsPerByte * 2
	b := p[i/clogXactsPerByte]
	if s == subCommitted && status(b>>shift&3) == committed {
		return // replaying what is done already
	}
	p[i/clogXactsPerByte] = b&^(3<<shift) | byte(s)<<shift
	if g := i / clogXactsPerGroup; upTo != lsn.Invalid {
		at[g] = max(at[g], upTo)
	}
}

// setTree sets the outcome of x and its committed subtransactions. upTo is the
// end of the commit record if it is not flushed yet, or lsn.Invalid. INV-XACT-3:
// the parent's page is the one that decides.
func (m *Manager) setTree(x xid.XID, subs []xid.XID, s status, upTo lsn.LSN) error {
	main := clogPage(x)
	if s == committed {
		if err := m.setPages(subs, main, subCommitted, upTo); err != nil {
			return err
		}
	}
	err := m.clog.Update(main, uint32(x), func(p []byte, at []lsn.LSN) {
		put(p, at, x, s, upTo)
		for _, sub := range subs {
			if clogPage(sub) == main {
				put(p, at, sub, s, upTo)
			}
		}
	})
	if err != nil {
		return err
	}
	return m.setPages(subs, main, s, upTo)
}

// setPages sets the status of those subs that are not on page except.
func (m *Manager) setPages(subs []xid.XID, except uint32, s status, upTo lsn.LSN) error {
	for i := 0; i < len(subs); {
		page, j := clogPage(subs[i]), i
		for j < len(subs) && clogPage(subs[j]) == page {
			j++
		}
		if page != except {
			err := m.clog.Update(page, uint32(subs[i]), func(p []byte, at []lsn.LSN) {
				for _, sub := range subs[i:j] {
					put(p, at, sub, s, upTo)
				}
			})
			if err != nil {
				return err
			}
		}
		i = j
	}
	return nil
}

// getStatus reads x's status, and how far the WAL must be flushed before it may
// be relied on across a crash.
func (m *Manager) getStatus(x xid.XID) (s status, upTo lsn.LSN, err error) {
	if !x.IsNormal() {
		if x == xid.Invalid {
			return aborted, lsn.Invalid, nil
		}
		return committed, lsn.Invalid, nil
	}
	i := uint32(x) % clogXactsPerPage
	err = m.clog.View(clogPage(x), uint32(x), func(p []byte, at []lsn.LSN) {
		s = status(p[i/clogXactsPerByte] >> (i % clogXactsPerByte * 2) & 3)
		upTo = at[i/clogXactsPerGroup]
	})
	return s, upTo, err
}

// outcome is getStatus with sub-committed resolved through pg_subtrans.
func (m *Manager) outcome(x xid.XID) (status, error) {
	for {
		s, _, err := m.getStatus(x)
		if err != nil || s != subCommitted {
			return s, err
		}
		// A parent that is too old to have an entry crashed before it committed.
		if x.Precedes(m.TransactionXmin()) {
			return aborted, nil
		}
		parent, err := m.parent(x)
		if err != nil {
			return inProgress, err
		}
		if !parent.IsNormal() {
			return aborted, nil
		}
		x = parent
	}
}

// Committed reports whether x is known committed. Ask IsInProgress first.
func (m *Manager) Committed(x xid.XID) (bool, error) {
	s, err := m.outcome(x)
	return s == committed, err
}

// DidCommit is Committed for callers that cannot fail: an unreadable pg_xact
// page counts as a PANIC.
func (m *Manager) DidCommit(x xid.XID) bool {
	s, err := m.outcome(x)
	if err != nil {
		_ = m.fatal(err)
	}
	return s == committed
}

// DidAbort reports whether x is known aborted. A crash leaves transactions that
// neither committed nor aborted.
func (m *Manager) DidAbort(x xid.XID) bool {
	s, err := m.outcome(x)
	if err != nil {
		_ = m.fatal(err)
	}
	return s == aborted
}

// CommitLSN is how far the WAL must be flushed before a hint bit may say that x
// committed; lsn.Invalid if it is durable.
func (m *Manager) CommitLSN(x xid.XID) lsn.LSN {
	_, upTo, err := m.getStatus(x)
	if err != nil {
		_ = m.fatal(err)
	}
	return upTo
}
