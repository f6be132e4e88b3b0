package xact

import (
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/xid"
)

// Layout of pg_subtrans: the parent's xid per transaction, 0 for none. FROZEN.
const subtransPerPage = 8192 / 4

func subtransPage(x xid.XID) uint32 { return uint32(x) / subtransPerPage }

// setParent records x's immediate parent.
func (m *Manager) setParent(x, parent xid.XID) error {
	return m.subtrans.Update(subtransPage(x), uint32(x), func(p []byte, _ []lsn.LSN) {
		le.PutUint32(p[uint32(x)%subtransPerPage*4:], uint32(parent))
	})
}

// parent is x's immediate parent, or xid.Invalid.
func (m *Manager) parent(x xid.XID) (p xid.XID, err error) {
	if !x.IsNormal() {
		return xid.Invalid, nil
	}
	err = m.subtrans.View(subtransPage(x), uint32(x), func(b []byte, _ []lsn.LSN) {
		p = xid.XID(le.Uint32(b[uint32(x)%subtransPerPage*4:]))
	})
	return p, err
}

// TopXID is the top-level transaction of x, or the highest ancestor that a
// running transaction can still need (SubTransGetTopmostTransaction).
func (m *Manager) TopXID(x xid.XID) xid.XID {
	limit := m.TransactionXmin()
	top := x
	for x.IsNormal() {
		top = x
		if x.Precedes(limit) {
			break
		}
		p, err := m.parent(x)
		if err != nil {
			_ = m.fatal(err)
			break
		}
		if p.IsNormal() && !p.Precedes(x) {
			break // damaged: a parent is always older
		}
		x = p
	}
	return top
}

// zeroSubtrans makes the pages of all transactions from oldest to next zeros:
// after a start nothing of before counts.
func (m *Manager) zeroSubtrans(oldest xid.XID, next xid.XID) error {
	const last = 0xFFFFFFFF / subtransPerPage
	page, end := subtransPage(oldest), subtransPage(next)
	for {
		if err := m.subtrans.Zero(page); err != nil {
			return err
		}
		if page == end {
			return nil
		}
		if page++; page > last {
			page = 0
		}
	}
}
