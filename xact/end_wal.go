package xact

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

// The records that end a transaction: COMMIT, ABORT, and the two for prepared
// transactions (PostgreSQL: xl_xact_commit, xl_xact_abort). FROZEN.
const (
	infoCommit         = 0x00
	infoPrepare        = 0x10
	infoAbort          = 0x20
	infoCommitPrepared = 0x30
	infoAbortPrepared  = 0x40
	infoAssignment     = 0x50
	infoInvalidations  = 0x60
	infoOpMask         = 0x70
	infoHasInfo        = 0x80 // a word of flags follows the time

	hasDBInfo       = 1 << 0
	hasSubxacts     = 1 << 1
	hasRelFileNodes = 1 << 2
	hasInvals       = 1 << 3
	hasTwoPhase     = 1 << 4
	hasOrigin       = 1 << 5
	hasAELocks      = 1 << 6
	hasGID          = 1 << 7
	hasDroppedStats = 1 << 8
	applyFeedback   = 1 << 29
	updateInitFile  = 1 << 30
	forceSyncCommit = 1 << 31

	specialRelUpdate = 0x01 // XLR_SPECIAL_REL_UPDATE: files change that the record has no block of
	gidSize          = 200
	invalSize        = 16
)

// Origin is where a replicated transaction came from.
type Origin struct {
	Node uint16
	LSN  lsn.LSN
	Time int64
}

// endRec is what a commit or abort record holds.
type endRec struct {
	Time   int64 // TimestampTz
	Flags  uint32
	DB     oid.OID
	Spc    oid.OID
	Subs   []xid.XID
	Rels   []page.RelFileNode
	Stats  []StatsItem
	Invals []byte
	XID    xid.XID // of the prepared transaction
	GID    string
	Origin Origin
}

// append encodes r. The flags must say what is present.
func (r *endRec) append(b []byte) []byte {
	b = le.AppendUint64(b, uint64(r.Time))
	if r.Flags == 0 {
		return b
	}
	b = le.AppendUint32(b, r.Flags)
	if r.Flags&hasDBInfo != 0 {
		b = le.AppendUint32(le.AppendUint32(b, uint32(r.DB)), uint32(r.Spc))
	}
	if r.Flags&hasSubxacts != 0 {
		b = le.AppendUint32(b, uint32(len(r.Subs)))
		b = appendXIDs(b, r.Subs)
	}
	if r.Flags&hasRelFileNodes != 0 {
		b = le.AppendUint32(b, uint32(len(r.Rels)))
		b = appendNodes(b, r.Rels)
	}
	if r.Flags&hasDroppedStats != 0 {
		b = le.AppendUint32(b, uint32(len(r.Stats)))
		b = appendStats(b, r.Stats)
	}
	if r.Flags&hasInvals != 0 {
		b = le.AppendUint32(b, uint32(len(r.Invals)/invalSize))
		b = append(b, r.Invals...)
	}
	if r.Flags&hasTwoPhase != 0 {
		b = le.AppendUint32(b, uint32(r.XID))
		if r.Flags&hasGID != 0 {
			b = append(append(b, r.GID...), 0)
		}
	}
	if r.Flags&hasOrigin != 0 {
		b = le.AppendUint64(le.AppendUint64(b, uint64(r.Origin.LSN)), uint64(r.Origin.Time))
	}
	return b
}

func appendXIDs(b []byte, xs []xid.XID) []byte {
	for _, x := range xs {
		b = le.AppendUint32(b, uint32(x))
	}
	return b
}

func appendNodes(b []byte, rels []page.RelFileNode) []byte {
	for _, n := range rels {
		b = le.AppendUint32(le.AppendUint32(le.AppendUint32(b, uint32(n.Spc)), uint32(n.DB)), uint32(n.Rel))
	}
	return b
}

func appendStats(b []byte, items []StatsItem) []byte {
	for _, s := range items {
		b = le.AppendUint32(le.AppendUint32(le.AppendUint32(b, uint32(s.Kind)), uint32(s.DB)), uint32(s.Obj))
	}
	return b
}

// cursor takes a record apart. Reading past the end sets bad and yields zeros.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) bytes(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.bad = true
		return nil
	}
	p := c.b[:n:n]
	c.b = c.b[n:]
	return p
}

func (c *cursor) u16() uint16 {
	if p := c.bytes(2); p != nil {
		return le.Uint16(p)
	}
	return 0
}

func (c *cursor) u32() uint32 {
	if p := c.bytes(4); p != nil {
		return le.Uint32(p)
	}
	return 0
}

func (c *cursor) u64() uint64 {
	if p := c.bytes(8); p != nil {
		return le.Uint64(p)
	}
	return 0
}

// items returns n items of size bytes each, or none if they do not fit.
func (c *cursor) items(n uint32, size int) []byte {
	if int64(n)*int64(size) > int64(len(c.b)) {
		c.bad = true
		return nil
	}
	return c.bytes(int(n) * size)
}

func (c *cursor) xids(n uint32) []xid.XID {
	p := c.items(n, 4)
	xs := make([]xid.XID, 0, len(p)/4)
	for ; len(p) > 0; p = p[4:] {
		xs = append(xs, xid.XID(le.Uint32(p)))
	}
	return xs
}

func (c *cursor) nodes(n uint32) []page.RelFileNode {
	p := c.items(n, 12)
	rels := make([]page.RelFileNode, 0, len(p)/12)
	for ; len(p) > 0; p = p[12:] {
		rels = append(rels, page.RelFileNode{Spc: oid.OID(le.Uint32(p)), DB: oid.OID(le.Uint32(p[4:])), Rel: oid.OID(le.Uint32(p[8:]))})
	}
	return rels
}

func (c *cursor) stats(n uint32) []StatsItem {
	p := c.items(n, 12)
	var items []StatsItem
	for ; len(p) > 0; p = p[12:] {
		items = append(items, StatsItem{int32(le.Uint32(p)), oid.OID(le.Uint32(p[4:])), oid.OID(le.Uint32(p[8:]))})
	}
	return items
}

// err is the verdict on the whole record.
func (c *cursor) err(what string) error {
	if c.bad {
		return pgerr.New(pgerr.DataCorrupted, "%s record is too short", what)
	}
	return nil
}

// decodeEnd takes a commit or abort record apart.
func decodeEnd(info uint8, data []byte) (r endRec, err error) {
	c := cursor{b: data}
	r.Time = int64(c.u64())
	if info&infoHasInfo != 0 {
		r.Flags = c.u32()
	}
	if r.Flags&hasDBInfo != 0 {
		r.DB, r.Spc = oid.OID(c.u32()), oid.OID(c.u32())
	}
	if r.Flags&hasSubxacts != 0 {
		r.Subs = c.xids(c.u32())
	}
	if r.Flags&hasRelFileNodes != 0 {
		r.Rels = c.nodes(c.u32())
	}
	if r.Flags&hasDroppedStats != 0 {
		r.Stats = c.stats(c.u32())
	}
	if r.Flags&hasInvals != 0 {
		r.Invals = c.items(c.u32(), invalSize)
	}
	if r.Flags&hasTwoPhase != 0 {
		r.XID = xid.XID(c.u32())
		if r.Flags&hasGID != 0 {
			n := bytes.IndexByte(c.b, 0)
			if n < 0 || n >= gidSize {
				return r, pgerr.New(pgerr.DataCorrupted, "transaction record has no valid identifier")
			}
			r.GID = string(c.bytes(n))
			c.bytes(1)
		}
	}
	if r.Flags&hasOrigin != 0 {
		r.Origin.LSN, r.Origin.Time = lsn.LSN(c.u64()), int64(c.u64())
	}
	return r, c.err("transaction")
}

// log inserts r as a record of kind op.
func (r *endRec) log(m *Manager, rec *xlog.Record, op uint8, x xid.XID, scratch *[]byte) (lsn.LSN, error) {
	info := op
	if r.Flags != 0 {
		info |= infoHasInfo
	}
	if r.Flags&hasRelFileNodes != 0 {
		info |= specialRelUpdate
	}
	*scratch = r.append((*scratch)[:0])
	rec.Begin(xlog.RmXact, info, x)
	rec.Data(*scratch)
	rec.SetFlags(xlog.IncludeOrigin)
	if r.Origin.Node != 0 {
		rec.SetOrigin(r.Origin.Node)
	}
	return m.opt.Log.Insert(rec)
}

// redoEnd replays a commit or abort: the same change of pg_xact that the
// transaction made itself, then its files and messages.
func (m *Manager) redoEnd(d *xlog.Decoded) error {
	r, err := decodeEnd(d.Info, d.Main)
	if err != nil {
		return err
	}
	op := d.Info & infoOpMask
	x := d.XID
	if op == infoCommitPrepared || op == infoAbortPrepared {
		x = r.XID
	}
	latest := x
	for _, s := range r.Subs {
		if s.Follows(latest) {
			latest = s
		}
	}
	m.advanceNext(latest)
	commit := op == infoCommit || op == infoCommitPrepared
	if commit {
		if err := m.stampTree(x, r.Subs, stampOf(&r), r.originID(d)); err != nil {
			return err
		}
		err = m.setTree(x, r.Subs, committed, lsn.Invalid)
	} else {
		err = m.setTree(x, r.Subs, aborted, lsn.Invalid)
	}
	if err != nil {
		return err
	}
	m.recoverEnded(latest)
	if r.Flags&hasOrigin != 0 {
		m.origins.advance(d.Origin, r.Origin.LSN, d.End)
	}
	if len(r.Invals) > 0 && commit {
		m.opt.Invalidate(r.Invals, r.Flags&updateInitFile != 0, r.DB, r.Spc)
	}
	if len(r.Rels) > 0 {
		// The record must be durable before the files go: a crash in between
		// would otherwise find an earlier end of the log and miss the files.
		if err := m.opt.Log.Flush(d.End); err != nil {
			return err
		}
		m.warn(nil, m.opt.RemoveFiles(plainRels(r.Rels), true))
	}
	if op == infoCommitPrepared || op == infoAbortPrepared {
		m.warn(nil, m.forgetPrepared(x))
	}
	return nil
}

func stampOf(r *endRec) int64 {
	if r.Flags&hasOrigin != 0 {
		return r.Origin.Time
	}
	return r.Time
}

func (r *endRec) originID(d *xlog.Decoded) uint16 {
	if r.Flags&hasOrigin != 0 {
		return d.Origin
	}
	return 0
}

func plainRels(nodes []page.RelFileNode) []smgr.Rel {
	rels := make([]smgr.Rel, len(nodes))
	for i, n := range nodes {
		rels[i] = smgr.Rel{RelFileNode: n, Backend: smgr.NoBackend}
	}
	return rels
}

// descEnd describes a commit or abort as pg_waldump does.
func descEnd(dst []byte, d *xlog.Decoded) []byte {
	r, err := decodeEnd(d.Info, d.Main)
	if err != nil {
		return dst
	}
	op := d.Info & infoOpMask
	if r.XID != xid.Invalid {
		dst = fmt.Appendf(dst, "%d: ", r.XID)
	}
	dst = AppendTimestamp(dst, r.Time)
	dst = appendRels(dst, "rels", r.Rels)
	dst = appendSubs(dst, r.Subs)
	if op == infoCommit || op == infoCommitPrepared {
		dst = appendDropped(dst, "", r.Stats)
		dst = appendInvals(dst, r.Invals, r.Flags&updateInitFile != 0, r.DB, r.Spc)
		if r.Flags&forceSyncCommit != 0 {
			dst = append(dst, "; sync"...)
		}
		return appendOrigin(dst, r.Flags, d.Origin, r.Origin)
	}
	dst = appendOrigin(dst, r.Flags, d.Origin, r.Origin)
	return appendDropped(dst, "", r.Stats)
}

func appendOrigin(dst []byte, flags uint32, node uint16, o Origin) []byte {
	if flags&hasOrigin == 0 {
		return dst
	}
	dst = fmt.Appendf(dst, "; origin: node %d, lsn %s, at ", node, o.LSN)
	return AppendTimestamp(dst, o.Time)
}

func appendRels(dst []byte, label string, rels []page.RelFileNode) []byte {
	if len(rels) == 0 {
		return dst
	}
	dst = append(append(append(dst, "; "...), label...), ':')
	for _, r := range rels {
		dst = append(append(dst, ' '), relPath(r)...)
	}
	return dst
}

// relPath is the path of a permanent relation's main fork.
func relPath(r page.RelFileNode) string {
	switch r.Spc {
	case oid.GlobalTablespace:
		return fmt.Sprintf("global/%d", r.Rel)
	case oid.DefaultTablespace:
		return fmt.Sprintf("base/%d/%d", r.DB, r.Rel)
	}
	return fmt.Sprintf("pg_tblspc/%d/PG_15_202209061/%d/%d", r.Spc, r.DB, r.Rel)
}

func appendSubs(dst []byte, subs []xid.XID) []byte {
	if len(subs) == 0 {
		return dst
	}
	dst = append(dst, "; subxacts:"...)
	for _, x := range subs {
		dst = strconv.AppendUint(append(dst, ' '), uint64(x), 10)
	}
	return dst
}

func appendDropped(dst []byte, label string, items []StatsItem) []byte {
	if len(items) == 0 {
		return dst
	}
	dst = fmt.Appendf(dst, "; %sdropped stats:", label)
	for _, s := range items {
		dst = fmt.Appendf(dst, " %d/%d/%d", s.Kind, s.DB, s.Obj)
	}
	return dst
}

// appendInvals describes shared invalidation messages.
func appendInvals(dst []byte, msgs []byte, initFile bool, db, spc oid.OID) []byte {
	if len(msgs) < invalSize {
		return dst
	}
	if initFile {
		dst = fmt.Appendf(dst, "; relcache init file inval dbid %d tsid %d", db, spc)
	}
	dst = append(dst, "; inval msgs:"...)
	for ; len(msgs) >= invalSize; msgs = msgs[invalSize:] {
		a, b := le.Uint32(msgs[4:]), le.Uint32(msgs[8:])
		switch id := int8(msgs[0]); {
		case id >= 0:
			dst = fmt.Appendf(dst, " catcache %d", id)
		case id == -1:
			dst = fmt.Appendf(dst, " catalog %d", b)
		case id == -2:
			dst = fmt.Appendf(dst, " relcache %d", b)
		case id == -3:
			dst = append(dst, " smgr"...)
		case id == -4:
			dst = fmt.Appendf(dst, " relmap db %d", a)
		case id == -5:
			dst = fmt.Appendf(dst, " snapshot %d", b)
		default:
			dst = fmt.Appendf(dst, " unrecognized id %d", id)
		}
	}
	return dst
}

// Timestamp is t as PostgreSQL stores it: microseconds since 2000 (TimestampTz).
func Timestamp(t time.Time) int64 { return t.UnixMicro() - epochMicros }

// TimeOf is the time of a TimestampTz.
func TimeOf(ts int64) time.Time { return time.UnixMicro(ts + epochMicros) }

const epochMicros = 946684800 * 1000000

// AppendTimestamp appends ts in the local time zone, as pg_waldump prints it.
func AppendTimestamp(dst []byte, ts int64) []byte {
	t := TimeOf(ts).Local()
	return t.AppendFormat(dst, "2006-01-02 15:04:05.000000 MST")
}
