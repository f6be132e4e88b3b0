package xact

import (
	"bytes"
	"fmt"
	"hash/crc32"

	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

// The state of a prepared transaction, as Transaction PREPARE carries it and as
// pg_twophase keeps it with a CRC behind (PostgreSQL: xl_xact_prepare, then the
// identifier, lists and resource records, each aligned to 8). FROZEN.
const (
	twoPhaseMagic  = 0x57F94534
	twoPhaseHeader = 72
	twoPhaseEnd    = 0 // kinds of resource records
	twoPhaseLock   = 1
	twoPhaseMulti  = 3
)

// preparedState is that state taken apart.
type preparedState struct {
	XID                     xid.XID
	DB, Owner               oid.OID
	At                      int64
	GID                     string
	Subs                    []xid.XID
	CommitRels, AbortRels   []page.RelFileNode
	CommitStats, AbortStats []StatsItem
	Invals                  []byte
	InitFile                bool
	Origin                  Origin
	Locks                   []lmgr.Held
	OldestMulti             xid.Multi
}

func pad8(b []byte) []byte {
	for len(b)%8 != 0 {
		b = append(b, 0)
	}
	return b
}

// append encodes s without the CRC.
func (s *preparedState) append() []byte {
	b := make([]byte, twoPhaseHeader)
	le.PutUint32(b, twoPhaseMagic)
	le.PutUint32(b[8:], uint32(s.XID))
	le.PutUint32(b[12:], uint32(s.DB))
	le.PutUint64(b[16:], uint64(s.At))
	for i, v := range []int{int(s.Owner), len(s.Subs), len(s.CommitRels), len(s.AbortRels), len(s.CommitStats), len(s.AbortStats), len(s.Invals) / invalSize} {
		le.PutUint32(b[24+4*i:], uint32(v))
	}
	if s.InitFile {
		b[52] = 1
	}
	le.PutUint16(b[54:], uint16(len(s.GID)+1))
	le.PutUint64(b[56:], uint64(s.Origin.LSN))
	le.PutUint64(b[64:], uint64(s.Origin.Time))
	b = pad8(append(append(b, s.GID...), 0))
	b = pad8(appendXIDs(b, s.Subs))
	b = pad8(appendNodes(b, s.CommitRels))
	b = pad8(appendNodes(b, s.AbortRels))
	b = pad8(appendStats(b, s.CommitStats))
	b = pad8(appendStats(b, s.AbortStats))
	b = pad8(append(b, s.Invals...))
	for _, l := range s.Locks {
		b = appendResource(b, twoPhaseLock, appendLockTag(nil, l))
	}
	if s.OldestMulti != 0 {
		b = appendResource(b, twoPhaseMulti, le.AppendUint32(nil, uint32(s.OldestMulti)))
	}
	b = appendResource(b, twoPhaseEnd, nil)
	le.PutUint32(b[4:], uint32(len(b)+4))
	return b
}

func appendResource(b []byte, kind byte, data []byte) []byte {
	b = append(le.AppendUint32(b, uint32(len(data))), kind, 0, 0, 0)
	return pad8(append(b, data...))
}

func appendLockTag(b []byte, l lmgr.Held) []byte {
	b = le.AppendUint32(le.AppendUint32(le.AppendUint32(b, l.Tag.F1), l.Tag.F2), l.Tag.F3)
	method := byte(1)
	if l.Tag.Type == lmgr.TagAdvisory || l.Tag.Type == lmgr.TagUserLock {
		method = 2
	}
	b = append(le.AppendUint16(b, l.Tag.F4), byte(l.Tag.Type), method)
	return le.AppendUint32(b, uint32(l.Mode))
}

// align skips to the next multiple of 8 of what was n bytes long.
func (c *cursor) align(n int) {
	if r := n % 8; r != 0 {
		c.bytes(8 - r)
	}
}

func decodePrepared(d []byte) (s preparedState, err error) {
	c := cursor{b: d}
	h := c.bytes(twoPhaseHeader)
	if h == nil || le.Uint32(h) != twoPhaseMagic {
		return s, pgerr.New(pgerr.DataCorrupted, "invalid magic number in two-phase state")
	}
	n := func(i int) uint32 { return le.Uint32(h[24+4*i:]) }
	s.XID, s.DB, s.At = xid.XID(le.Uint32(h[8:])), oid.OID(le.Uint32(h[12:])), int64(le.Uint64(h[16:]))
	s.Owner, s.InitFile = oid.OID(n(0)), h[52] != 0
	s.Origin = Origin{LSN: lsn.LSN(le.Uint64(h[56:])), Time: int64(le.Uint64(h[64:]))}
	gidLen := int(le.Uint16(h[54:]))
	gid := c.bytes(gidLen)
	c.align(gidLen)
	if gidLen < 1 || gidLen > gidSize || len(gid) != gidLen || bytes.IndexByte(gid, 0) != gidLen-1 {
		return s, pgerr.New(pgerr.DataCorrupted, "two-phase state has no valid identifier")
	}
	s.GID = string(gid[:gidLen-1])
	s.Subs = c.xids(n(1))
	c.align(4 * len(s.Subs))
	s.CommitRels = c.nodes(n(2))
	c.align(12 * len(s.CommitRels))
	s.AbortRels = c.nodes(n(3))
	c.align(12 * len(s.AbortRels))
	s.CommitStats = c.stats(n(4))
	c.align(12 * len(s.CommitStats))
	s.AbortStats = c.stats(n(5))
	c.align(12 * len(s.AbortStats))
	s.Invals = c.items(n(6), invalSize)
	for !c.bad {
		size, kind := c.u32(), c.u32()&0xFF
		p := c.items(size, 1)
		c.align(len(p))
		switch {
		case kind == twoPhaseEnd:
			return s, c.err("two-phase state")
		case kind == twoPhaseLock && len(p) == 20:
			s.Locks = append(s.Locks, lmgr.Held{Tag: lmgr.Tag{F1: le.Uint32(p), F2: le.Uint32(p[4:]), F3: le.Uint32(p[8:]),
				F4: le.Uint16(p[12:]), Type: lmgr.TagType(p[14])}, Mode: lmgr.Mode(p[16])})
		case kind == twoPhaseMulti && len(p) == 4:
			s.OldestMulti = xid.Multi(le.Uint32(p))
		}
	}
	return s, c.err("two-phase state")
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli) // constant

// decodeStateFile checks a file of pg_twophase and takes it apart.
func decodeStateFile(name string, b []byte) (preparedState, error) {
	if len(b) < twoPhaseHeader+4 || int(le.Uint32(b[4:])) != len(b) {
		return preparedState{}, pgerr.New(pgerr.DataCorrupted, "invalid size stored in file %q", name)
	}
	body := b[:len(b)-4]
	if crc32.Checksum(body, castagnoli) != le.Uint32(b[len(body):]) {
		return preparedState{}, pgerr.New(pgerr.DataCorrupted, "calculated CRC checksum does not match value stored in file %q", name)
	}
	return decodePrepared(body)
}

// redoPrepare replays PREPARE: the transaction is running again.
func (m *Manager) redoPrepare(d *xlog.Decoded) error {
	s, err := decodePrepared(d.Main)
	if err != nil {
		return err
	}
	last := s.XID
	for _, x := range s.Subs {
		if x.Follows(last) {
			last = x
		}
	}
	m.advanceNext(last)
	s.Origin.Node = d.Origin
	return m.addPrepared(&s, append([]byte(nil), d.Main...), false)
}

func descPrepare(dst []byte, d *xlog.Decoded) []byte {
	s, err := decodePrepared(d.Main)
	if err != nil {
		return dst
	}
	dst = fmt.Appendf(dst, "gid %s: ", s.GID)
	dst = AppendTimestamp(dst, s.At)
	dst = appendRels(dst, "rels(commit)", s.CommitRels)
	dst = appendRels(dst, "rels(abort)", s.AbortRels)
	dst = appendDropped(dst, "commit ", s.CommitStats)
	dst = appendDropped(dst, "abort ", s.AbortStats)
	dst = appendSubs(dst, s.Subs)
	dst = appendInvals(dst, s.Invals, s.InitFile, s.DB, oid.Invalid)
	flags := uint32(0)
	if d.Origin != 0 {
		flags = hasOrigin
	}
	return appendOrigin(dst, flags, d.Origin, s.Origin)
}
