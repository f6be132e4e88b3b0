package xact

import (
	"fmt"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

// truncateRec is CLOG TRUNCATE (xl_clog_truncate): first page kept, oldest xid,
// its database; CommitTs TRUNCATE (xl_commit_ts_truncate) has no database.
type truncateRec struct {
	Page   uint32
	Oldest xid.XID
	DB     oid.OID
}

func (r *truncateRec) append(b []byte, withDB bool) []byte {
	b = le.AppendUint32(le.AppendUint32(b, r.Page), uint32(r.Oldest))
	if withDB {
		b = le.AppendUint32(b, uint32(r.DB))
	}
	return b
}

func decodeTruncate(d []byte, withDB bool) (r truncateRec, err error) {
	c := cursor{b: d}
	r.Page, r.Oldest = c.u32(), xid.XID(c.u32())
	if withDB {
		r.DB = oid.OID(c.u32())
	}
	return r, c.err("status log truncation")
}

// TruncateCLOG removes pg_xact's segments, and pg_commit_ts's, of which only xids
// before oldest, database db's datfrozenxid, are: the last step of a VACUUM that
// moved datfrozenxid.
func (m *Manager) TruncateCLOG(oldest xid.XID, db oid.OID) error {
	rec := new(xlog.Record)
	if m.stamping() {
		if err := m.truncateStamps(rec, oldest); err != nil {
			return err
		}
	}
	r := truncateRec{clogPage(oldest), oldest, db}
	if ok, err := m.clog.CouldTruncate(r.Page); err != nil || !ok {
		return err
	}
	m.setOldestClog(oldest)
	rec.Begin(xlog.RmClog, infoClogTruncate, xid.Invalid)
	rec.Data(r.append(nil, true))
	end, err := m.opt.Log.Insert(rec)
	if err != nil {
		return m.fatal(err)
	}
	// Durable first: the files must not be gone while the log can still end
	// before the record.
	if err := m.opt.Log.Flush(end); err != nil {
		return m.fatal(err)
	}
	_, err = m.clog.Truncate(r.Page)
	return err
}

func (m *Manager) truncateStamps(rec *xlog.Record, oldest xid.XID) error {
	r := truncateRec{Page: stampPage(oldest), Oldest: oldest}
	if ok, err := m.commitTs.CouldTruncate(r.Page); err != nil || !ok {
		return err
	}
	m.raiseOldestStamp(oldest)
	rec.Begin(xlog.RmCommitTs, infoStampTruncate, xid.Invalid)
	rec.Data(r.append(nil, false))
	end, err := m.opt.Log.Insert(rec)
	if err != nil {
		return m.fatal(err)
	}
	if err := m.opt.Log.Flush(end); err != nil {
		return m.fatal(err)
	}
	_, err = m.commitTs.Truncate(r.Page)
	return err
}

func (m *Manager) raiseOldestStamp(oldest xid.XID) {
	m.stamps.Lock()
	defer m.stamps.Unlock()
	if m.stamps.oldest != xid.Invalid && m.stamps.oldest.Precedes(oldest) {
		m.stamps.oldest = oldest
	}
}

func (m *Manager) setOldestClog(oldest xid.XID) {
	m.gen.mu.Lock()
	defer m.gen.mu.Unlock()
	if m.gen.oldestClog.Precedes(oldest) {
		m.gen.oldestClog = oldest
	}
}

// OldestClogXID is the oldest xid whose status can be asked (pg_xact_status).
func (m *Manager) OldestClogXID() xid.XID {
	m.gen.mu.Lock()
	defer m.gen.mu.Unlock()
	return m.gen.oldestClog
}

// RedoCLOG replays the records of the resource manager CLOG.
func (m *Manager) RedoCLOG(d *xlog.Decoded) error {
	switch d.RmgrInfo() {
	case infoClogZeroPage:
		return redoZero(m.clog, d.Main)
	case infoClogTruncate:
		r, err := decodeTruncate(d.Main, true)
		if err != nil {
			return err
		}
		m.setOldestClog(r.Oldest)
		_, err = m.clog.Truncate(r.Page)
		return err
	}
	return unknownRecord(d)
}

// RedoCommitTs replays the records of the resource manager CommitTs.
func (m *Manager) RedoCommitTs(d *xlog.Decoded) error {
	switch d.RmgrInfo() {
	case infoStampZeroPage:
		return redoZero(m.commitTs, d.Main)
	case infoStampTruncate:
		r, err := decodeTruncate(d.Main, false)
		if err != nil {
			return err
		}
		m.raiseOldestStamp(r.Oldest)
		m.commitTs.SetLatest(r.Page)
		_, err = m.commitTs.Truncate(r.Page)
		return err
	}
	return unknownRecord(d)
}

func descCLOG(dst []byte, d *xlog.Decoded) []byte {
	if d.RmgrInfo() == infoClogZeroPage {
		return descPage(append(dst, "page "...), d.Main)
	}
	r, err := decodeTruncate(d.Main, true)
	if err != nil {
		return dst
	}
	return fmt.Appendf(dst, "page %d; oldestXact %d", int32(r.Page), r.Oldest)
}

func descCommitTs(dst []byte, d *xlog.Decoded) []byte {
	if d.RmgrInfo() == infoStampZeroPage {
		return descPage(dst, d.Main)
	}
	r, err := decodeTruncate(d.Main, false)
	if err != nil {
		return dst
	}
	return fmt.Appendf(dst, "pageno %d, oldestXid %d", int32(r.Page), r.Oldest)
}
