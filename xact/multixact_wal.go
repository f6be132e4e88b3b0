package xact

import (
	"fmt"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

const (
	infoMultiZeroOff  = 0x00
	infoMultiZeroMem  = 0x10
	infoMultiCreate   = 0x20
	infoMultiTruncate = 0x30
)

// multiRec is MultiXact CREATE_ID (xl_multixact_create): id, offset, number of
// members, then an xid and a 32-bit status each.
type multiRec struct {
	ID      xid.Multi
	Offset  uint32
	Members []MultiMember
}

func (r *multiRec) append(b []byte) []byte {
	b = le.AppendUint32(le.AppendUint32(le.AppendUint32(b, uint32(r.ID)), r.Offset), uint32(len(r.Members)))
	for _, x := range r.Members {
		b = le.AppendUint32(le.AppendUint32(b, uint32(x.XID)), uint32(x.Status))
	}
	return b
}

func decodeMulti(d []byte) (r multiRec, err error) {
	c := cursor{b: d}
	r.ID, r.Offset = xid.Multi(c.u32()), c.u32()
	p := c.items(c.u32(), 8)
	for ; len(p) > 0; p = p[8:] {
		r.Members = append(r.Members, MultiMember{xid.XID(le.Uint32(p)), MultiStatus(p[4])})
	}
	return r, c.err("multixact")
}

// end is the offset behind r's members.
func (r *multiRec) end() uint32 { return r.Offset + uint32(len(r.Members)) }

// applyMulti writes r into pg_multixact: at do time and in redo.
func (m *Manager) applyMulti(r *multiRec) error {
	for i, x := range r.Members {
		o := r.Offset + uint32(i)
		err := m.members.Update(memberPage(o), uint32(r.ID), func(p []byte, _ []lsn.LSN) {
			g, k := o/membersPerGroup%groupsPerPage*groupSize, o%membersPerGroup
			le.PutUint32(p[g+4+k*4:], uint32(x.XID))
			p[g+k] = byte(x.Status)
		})
		if err != nil {
			return err
		}
	}
	end := r.end()
	if end == 0 {
		end = 1 // offset 0 says «not written»
	}
	if err := m.putOffset(nextMulti(r.ID), end); err != nil {
		return err
	}
	return m.putOffset(r.ID, r.Offset)
}

func (m *Manager) putOffset(multi xid.Multi, off uint32) error {
	return m.offsets.Update(offsetPage(multi), uint32(multi), func(p []byte, _ []lsn.LSN) {
		le.PutUint32(p[uint32(multi)%offsetsPerPage*4:], off)
	})
}

// RedoMultiXact replays the records of the resource manager MultiXact.
func (m *Manager) RedoMultiXact(d *xlog.Decoded) error {
	switch d.RmgrInfo() {
	case infoMultiZeroOff:
		page, err := decodePage(d.Main)
		if err != nil {
			return err
		}
		if m.multi.preZeroed == page+1 {
			m.multi.preZeroed = 0
			return nil
		}
		return redoZero(m.offsets, d.Main)
	case infoMultiZeroMem:
		return redoZero(m.members, d.Main)
	case infoMultiCreate:
		return m.redoMultiCreate(d)
	case infoMultiTruncate:
		r, err := decodeMultiTruncate(d.Main)
		if err != nil {
			return err
		}
		return m.applyMultiTruncate(&r)
	}
	return unknownRecord(d)
}

func (m *Manager) redoMultiCreate(d *xlog.Decoded) error {
	r, err := decodeMulti(d.Main)
	if err != nil {
		return err
	}
	// Older minor releases log the page of the next id only when that id comes.
	if next := nextMulti(r.ID); offsetPage(next) != offsetPage(r.ID) {
		if ok, err := m.offsets.Has(offsetPage(next)); err != nil {
			return err
		} else if !ok {
			if err := redoZero(m.offsets, le.AppendUint32(nil, offsetPage(next))); err != nil {
				return err
			}
			m.multi.preZeroed = offsetPage(next) + 1
		}
	}
	if err := m.applyMulti(&r); err != nil {
		return err
	}
	m.AdvanceMulti(nextMulti(r.ID), r.end())
	last := d.XID
	for _, x := range r.Members {
		if last.Precedes(x.XID) {
			last = x.XID
		}
	}
	m.advanceNext(last)
	return nil
}

// AdvanceMulti makes sure that the generator is at least at next and offset, on
// replay of records and checkpoints.
func (m *Manager) AdvanceMulti(next xid.Multi, offset uint32) {
	g := &m.multi
	g.Lock()
	defer g.Unlock()
	if g.next.Precedes(next) {
		g.next = next
	}
	if int32(g.nextOffset-offset) < 0 {
		g.nextOffset = offset
	}
}

// multiTruncate is MultiXact TRUNCATE_ID (xl_multixact_truncate).
type multiTruncate struct {
	DB                 oid.OID
	StartOff, EndOff   xid.Multi
	StartMemb, EndMemb uint32
}

func (r *multiTruncate) append(b []byte) []byte {
	for _, v := range []uint32{uint32(r.DB), uint32(r.StartOff), uint32(r.EndOff), r.StartMemb, r.EndMemb} {
		b = le.AppendUint32(b, v)
	}
	return b
}

func decodeMultiTruncate(d []byte) (r multiTruncate, err error) {
	c := cursor{b: d}
	r = multiTruncate{oid.OID(c.u32()), xid.Multi(c.u32()), xid.Multi(c.u32()), c.u32(), c.u32()}
	return r, c.err("multixact")
}

// applyMultiTruncate removes the segments before the record's ends.
func (m *Manager) applyMultiTruncate(r *multiTruncate) error {
	m.SetMultiLimit(r.EndOff, r.DB)
	const lastSeg = 0xFFFFFFFF / membersPerSeg
	for seg, end := r.StartMemb/membersPerSeg, r.EndMemb/membersPerSeg; seg != end; {
		if err := m.members.RemoveSegment(seg); err != nil {
			return err
		}
		if seg++; seg > lastSeg {
			seg = 0
		}
	}
	before := r.EndOff - 1 // EndOff itself may lie on a page that does not exist yet
	if before < xid.FirstMulti {
		before = 0xFFFFFFFF
	}
	if m.recovering.Load() {
		m.offsets.SetLatest(offsetPage(r.EndOff))
	}
	_, err := m.offsets.Truncate(offsetPage(before))
	return err
}

// TruncateMulti removes what only multixacts before oldest need; db is the
// database whose datminmxid oldest is.
func (m *Manager) TruncateMulti(oldest xid.Multi, db oid.OID) error {
	m.multi.Lock()
	start, next, nextOff := m.multi.oldest, m.multi.next, m.multi.nextOffset
	m.multi.Unlock()
	if !start.Precedes(oldest) {
		return nil
	}
	offsetOf := func(x xid.Multi) (uint32, error) {
		if x == next {
			return nextOff, nil
		}
		return m.memberOffset(x)
	}
	r := multiTruncate{DB: db, StartOff: start, EndOff: oldest}
	var err error
	if ok, herr := m.offsets.Has(offsetPage(start)); herr != nil || !ok {
		return herr
	}
	if r.StartMemb, err = offsetOf(start); err != nil {
		return err
	}
	if r.EndMemb, err = offsetOf(oldest); err != nil {
		return err
	}
	if r.StartMemb == 0 || r.EndMemb == 0 {
		return nil // start was never written: nothing is known to be removable
	}
	rec := new(xlog.Record)
	rec.Begin(xlog.RmMultiXact, infoMultiTruncate, xid.Invalid)
	rec.Data(r.append(nil))
	end, err := m.opt.Log.Insert(rec)
	if err != nil {
		return m.fatal(err)
	}
	if err := m.opt.Log.Flush(end); err != nil {
		return m.fatal(err)
	}
	return m.applyMultiTruncate(&r)
}

var memberNames = [...]string{"keysh", "sh", "fornokeyupd", "forupd", "nokeyupd", "upd"} // constant

func descMulti(dst []byte, d *xlog.Decoded) []byte {
	switch d.RmgrInfo() {
	case infoMultiZeroOff, infoMultiZeroMem:
		return descPage(dst, d.Main)
	case infoMultiCreate:
		r, err := decodeMulti(d.Main)
		if err != nil {
			return dst
		}
		dst = fmt.Appendf(dst, "%d offset %d nmembers %d: ", r.ID, r.Offset, len(r.Members))
		for _, x := range r.Members {
			name := "unk"
			if int(x.Status) < len(memberNames) {
				name = memberNames[x.Status]
			}
			dst = fmt.Appendf(dst, "%d (%s) ", x.XID, name)
		}
	case infoMultiTruncate:
		if r, err := decodeMultiTruncate(d.Main); err == nil {
			dst = fmt.Appendf(dst, "offsets [%d, %d), members [%d, %d)", r.StartOff, r.EndOff, r.StartMemb, r.EndMemb)
		}
	}
	return dst
}
