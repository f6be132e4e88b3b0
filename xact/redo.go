package xact

import (
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

// Redo is the table of replay functions of this package's resource managers.
func (m *Manager) Redo() map[xlog.RmgrID]xlog.RedoFunc {
	return map[xlog.RmgrID]xlog.RedoFunc{
		xlog.RmXact:       m.RedoTransaction,
		xlog.RmClog:       m.RedoCLOG,
		xlog.RmMultiXact:  m.RedoMultiXact,
		xlog.RmCommitTs:   m.RedoCommitTs,
		xlog.RmReplOrigin: m.RedoReplicationOrigin,
		xlog.RmStandby:    m.RedoStandby,
	}
}

// AdvancePast makes sure that the next xid is past x: recovery calls it with the
// xid of every record.
func (m *Manager) AdvancePast(x xid.XID) { m.advanceNext(x) }

// RedoTransaction replays the records of the resource manager Transaction.
func (m *Manager) RedoTransaction(d *xlog.Decoded) error {
	switch d.Info & infoOpMask {
	case infoCommit, infoAbort, infoCommitPrepared, infoAbortPrepared:
		return m.redoEnd(d)
	case infoPrepare:
		return m.redoPrepare(d)
	case infoAssignment:
		_, _, err := decodeAssignment(d.Main)
		return err
	case infoInvalidations:
		return nil // for logical decoding only
	}
	return unknownRecord(d)
}

// recoverEnded notes, during recovery, that xids up to x are over.
func (m *Manager) recoverEnded(x xid.XID) {
	a := &m.procs
	a.mu.Lock()
	a.finishedLocked(nearest(x, m.NextXID()))
	a.mu.Unlock()
}

func unknownRecord(d *xlog.Decoded) error {
	return pgerr.New(pgerr.DataCorrupted, "unknown op code %d of resource manager %s at %s", d.RmgrInfo(), d.Rmgr, d.Start)
}

// Describers say in pg_waldump's words what this package's records hold.
func Describers() []xlog.Describer {
	return []xlog.Describer{
		{ID: xlog.RmXact, Identify: identifyXact, Desc: descXact},
		{ID: xlog.RmClog, Identify: names("ZEROPAGE", "TRUNCATE"), Desc: descCLOG},
		{ID: xlog.RmMultiXact, Identify: names("ZERO_OFF_PAGE", "ZERO_MEM_PAGE", "CREATE_ID", "TRUNCATE_ID"), Desc: descMulti},
		{ID: xlog.RmCommitTs, Identify: names("ZEROPAGE", "TRUNCATE"), Desc: descCommitTs},
		{ID: xlog.RmReplOrigin, Identify: names("SET", "DROP"), Desc: descOrigin},
		{ID: xlog.RmStandby, Identify: names("LOCK", "RUNNING_XACTS", "INVALIDATIONS"), Desc: descStandby},
	}
}

// names identifies records numbered 0x00, 0x10, ...
func names(list ...string) func(info uint8) string {
	return func(info uint8) string {
		if i := int(info >> 4); info&0x0F == 0 && i < len(list) {
			return list[i]
		}
		return ""
	}
}

func identifyXact(info uint8) string {
	return names("COMMIT", "PREPARE", "ABORT", "COMMIT_PREPARED", "ABORT_PREPARED", "ASSIGNMENT", "INVALIDATION")(info & infoOpMask)
}

func descXact(dst []byte, d *xlog.Decoded) []byte {
	switch d.Info & infoOpMask {
	case infoCommit, infoAbort, infoCommitPrepared, infoAbortPrepared:
		return descEnd(dst, d)
	case infoPrepare:
		return descPrepare(dst, d)
	case infoAssignment:
		return descAssignment(dst, d)
	case infoInvalidations:
		if msgs, err := decodeXactInvals(d.Main); err == nil {
			return appendInvals(dst, msgs, false, 0, 0)
		}
	}
	return dst
}

// AdvanceCheckPoint takes over, on replay of an online checkpoint, the counters
// that are ahead of what was replayed. The OID counter is not: other records set
// it exactly.
func (m *Manager) AdvanceCheckPoint(cp *pgcontrol.CheckPoint) {
	m.gen.mu.Lock()
	m.gen.next = max(m.gen.next, cp.NextXID)
	oldest := m.gen.oldest
	m.gen.mu.Unlock()
	m.AdvanceMulti(cp.NextMulti, cp.NextMultiOffset)
	m.multi.Lock()
	behind := m.multi.oldest.Precedes(cp.OldestMulti)
	m.multi.Unlock()
	if behind {
		m.SetMultiLimit(cp.OldestMulti, cp.OldestMultiDB)
	}
	if oldest.Precedes(cp.OldestXID) {
		m.SetXIDLimit(cp.OldestXID, cp.OldestXIDDB)
	}
}
