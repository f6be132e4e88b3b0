package xact

import (
	"fmt"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/xid"
)

// Bootstrap makes the first pages of the status logs of a new cluster and writes
// them. The folders exist.
func (m *Manager) Bootstrap() error {
	for _, step := range []func() error{
		func() error { return m.clog.Zero(0) }, func() error { return m.clog.WritePage(0) },
		func() error { return m.subtrans.Zero(0) }, func() error { return m.subtrans.WritePage(0) },
		func() error { return m.offsets.Zero(0) }, func() error { return m.offsets.WritePage(0) },
		func() error { return m.members.Zero(0) }, func() error { return m.members.WritePage(0) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// StartUp ends recovery: what the status logs hold past the last transaction that
// the WAL knows is cleared, and transactions may begin.
func (m *Manager) StartUp() error {
	next := m.NextXID()
	m.procs.latest.Store(uint64(prevFull(next)))
	x := next.XID()
	m.clog.SetLatest(clogPage(x))
	oldest := m.OldestActive() // prepared transactions are still running
	if err := m.zeroSubtrans(oldest, x); err != nil {
		return err
	}
	m.procs.subOldest.Store(uint64(nearest(oldest, next)))
	if err := m.recoverPrepared(); err != nil {
		return err
	}
	if err := m.trimClog(x); err != nil {
		return err
	}
	if err := m.trimMulti(); err != nil {
		return err
	}
	if err := m.startStamps(x); err != nil {
		return err
	}
	m.recovering.Store(false)
	m.multi.Lock()
	oldestMulti, db := m.multi.oldest, m.multi.oldestDB
	m.multi.Unlock()
	m.SetMultiLimit(oldestMulti, db)
	return nil
}

// Recovering reports whether StartUp is still to come.
func (m *Manager) Recovering() bool { return m.recovering.Load() }

// trimClog zeroes the rest of the page of the next xid: a status that a lost
// transaction left there must not meet a new transaction of the same number.
func (m *Manager) trimClog(next xid.XID) error {
	i := uint32(next) % clogXactsPerPage
	if i == 0 {
		return nil // the page is made when the xid is given
	}
	err := m.clog.Update(clogPage(next), uint32(next), func(p []byte, _ []lsn.LSN) {
		b := i / clogXactsPerByte
		p[b] &= 1<<(i%clogXactsPerByte*2) - 1
		clear(p[b+1:])
	})
	if err != nil {
		return fmt.Errorf("clear the end of pg_xact: %w", err)
	}
	return nil
}

// trimMulti clears pg_multixact past the next id and offset, and sets the next
// id's offset, which older minor releases of PostgreSQL leave out.
func (m *Manager) trimMulti() error {
	g := &m.multi
	g.Lock()
	next, off := max(g.next, xid.FirstMulti), g.nextOffset
	g.Unlock()
	m.offsets.SetLatest(offsetPage(next))
	m.members.SetLatest(memberPage(off))
	ok, err := m.offsets.Has(offsetPage(next))
	if err != nil {
		return err
	}
	if !ok {
		if err := m.offsets.Zero(offsetPage(next)); err != nil {
			return err
		}
	}
	err = m.offsets.Update(offsetPage(next), uint32(next), func(p []byte, _ []lsn.LSN) {
		i := uint32(next) % offsetsPerPage * 4
		le.PutUint32(p[i:], off)
		clear(p[i+4:])
	})
	if err != nil {
		return fmt.Errorf("clear the end of pg_multixact/offsets: %w", err)
	}
	if off%membersPerPage == 0 {
		return nil
	}
	err = m.members.Update(memberPage(off), uint32(next), func(p []byte, _ []lsn.LSN) {
		g, k := off/membersPerGroup%groupsPerPage*groupSize, off%membersPerGroup
		clear(p[g+4+k*4:])
	})
	if err != nil {
		return fmt.Errorf("clear the end of pg_multixact/members: %w", err)
	}
	return nil
}

// Checkpoint writes and syncs the status logs. Call it after the redo point is
// set and CommitCritical has been waited for. An error means that data may be
// lost: the caller must PANIC.
func (m *Manager) Checkpoint() error {
	if err := m.clog.Checkpoint(); err != nil {
		return err
	}
	if err := m.commitTs.Checkpoint(); err != nil {
		return err
	}
	if err := m.subtrans.Checkpoint(); err != nil {
		return err
	}
	if err := m.offsets.Checkpoint(); err != nil {
		return err
	}
	if err := m.members.Checkpoint(); err != nil {
		return err
	}
	return m.checkpointPrepared()
}

// TruncateSubtrans removes what no running transaction can ask pg_subtrans: a
// checkpoint's last step, not during recovery.
func (m *Manager) TruncateSubtrans() error {
	if m.recovering.Load() {
		return nil
	}
	oldest := m.ComputeHorizons(0).ConsideredRunning
	if uint64(oldest) > m.procs.subOldest.Load() {
		m.procs.subOldest.Store(uint64(oldest))
	}
	_, err := m.subtrans.Truncate(subtransPage(oldest.XID().Prev()))
	return err
}
