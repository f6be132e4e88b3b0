package nbtree

import (
	"math"

	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xid"
)

// node is a btree page: the accessors of its special space. The page was found
// to have a special space of opaqueSize when it was read.
type node struct{ page.Page }

func (n node) sp() []byte                 { return n.Page[specialAt:page.Size:page.Size] }
func (n node) prev() page.BlockNumber     { return page.BlockNumber(le.Uint32(n.sp()[offPrev:])) }
func (n node) next() page.BlockNumber     { return page.BlockNumber(le.Uint32(n.sp()[offNext:])) }
func (n node) level() uint32              { return le.Uint32(n.sp()[offLevel:]) }
func (n node) bits() uint16               { return le.Uint16(n.sp()[offFlags:]) }
func (n node) cycleID() uint16            { return le.Uint16(n.sp()[offCycleID:]) }
func (n node) setPrev(b page.BlockNumber) { le.PutUint32(n.sp()[offPrev:], uint32(b)) }
func (n node) setNext(b page.BlockNumber) { le.PutUint32(n.sp()[offNext:], uint32(b)) }
func (n node) setLevel(l uint32)          { le.PutUint32(n.sp()[offLevel:], l) }
func (n node) setBits(f uint16)           { le.PutUint16(n.sp()[offFlags:], f) }
func (n node) setCycleID(c uint16)        { le.PutUint16(n.sp()[offCycleID:], c) }
func (n node) addBits(f uint16)           { n.setBits(n.bits() | f) }
func (n node) dropBits(f uint16)          { n.setBits(n.bits() &^ f) }

func (n node) is(f uint16) bool { return n.bits()&f != 0 }
func (n node) leaf() bool       { return n.is(flagLeaf) }
func (n node) leftmost() bool   { return n.prev() == noBlock }
func (n node) rightmost() bool  { return n.next() == noBlock }

// ignore reports whether searches must pass by: deleted or half-dead.
func (n node) ignore() bool { return n.is(flagDeleted | flagHalfDead) }

// first is the offset of the first data item: the high key, where there is one,
// comes before it (P_FIRSTDATAKEY).
func (n node) first() page.OffsetNumber {
	if n.rightmost() {
		return hikey
	}
	return firstAfterHikey
}

// last is the offset of the last item.
func (n node) last() page.OffsetNumber { return n.NumItems() }

// at returns item off as a tuple. A line pointer or header that no btree page has
// gives a tuple without columns or TIDs, whose use is found to be corruption.
func (n node) at(off page.OffsetNumber) tuple {
	id := n.ItemID(off)
	lo, hi := id.Off(), id.Off()+id.Len()
	if lo < page.HeaderSize || hi > specialAt || hi-lo < tupHeader {
		return badTuple()
	}
	t := tuple(n.Page[lo:hi:hi])
	if size := t.size(); size < tupHeader || size > len(t) || t.posting() && !t.postingFits() {
		return badTuple()
	}
	return t
}

func (t tuple) postingFits() bool {
	key, n := t.keySize(), t.nTIDs()
	return key >= tupHeader && n > 0 && key+n*page.TIDSize <= t.size()
}

func badTuple() tuple {
	t := make(tuple, tupHeader)
	t.setSize(tupHeader)
	return t
}

// dead reports whether item off carries the LP_DEAD hint.
func (n node) dead(off page.OffsetNumber) bool { return n.ItemID(off).Flags() == page.LPDead }

// initNode makes p an empty btree page (_bt_pageinit).
func initNode(p page.Page) node {
	p.Init(opaqueSize)
	return node{p}
}

// setDeleted turns a half-dead or empty page into a deleted one, which keeps only
// its links and the id after which it may be reused (BTPageSetDeleted).
func (n node) setDeleted(safe xid.Full) {
	n.dropBits(flagHalfDead)
	n.addBits(flagDeleted | flagFullXID)
	n.SetLower(deletedLower)
	n.SetUpper(n.SpecialOff())
	le.PutUint64(n.Page[offSafeXID:], uint64(safe))
}

// safeXID is the next transaction id at the time of deletion; a page deleted
// before PostgreSQL 14 has none and is safe.
func (n node) safeXID() xid.Full {
	if !n.is(flagFullXID) {
		return xid.Full(xid.FirstNormal)
	}
	return xid.Full(le.Uint64(n.Page[offSafeXID:]))
}

// meta is what the meta page says (BTMetaPageData).
type meta struct {
	version   uint32
	root      page.BlockNumber
	level     uint32
	fastRoot  page.BlockNumber
	fastLevel uint32
	delPages  uint32
	allEqual  bool
}

// readMeta reads block 0's contents.
func readMeta(p page.Page) meta {
	return meta{
		version: le.Uint32(p[offVersion:]), root: page.BlockNumber(le.Uint32(p[offRoot:])),
		level: le.Uint32(p[offRootLevel:]), fastRoot: page.BlockNumber(le.Uint32(p[offFastRoot:])),
		fastLevel: le.Uint32(p[offFastLevel:]), delPages: le.Uint32(p[offDelPages:]), allEqual: p[offAllEqual] != 0,
	}
}

// writeMeta makes p the meta page that says m. Do and redo both rebuild it whole.
func writeMeta(p page.Page, m meta) {
	n := initNode(p)
	le.PutUint32(p[offMagic:], metaMagic)
	le.PutUint32(p[offVersion:], m.version)
	le.PutUint32(p[offRoot:], uint32(m.root))
	le.PutUint32(p[offRootLevel:], m.level)
	le.PutUint32(p[offFastRoot:], uint32(m.fastRoot))
	le.PutUint32(p[offFastLevel:], m.fastLevel)
	le.PutUint32(p[offDelPages:], m.delPages)
	le.PutUint64(p[offHeapTuples:], math.Float64bits(-1))
	if m.allEqual {
		p[offAllEqual] = 1
	}
	n.setBits(flagMeta)
	p.SetLower(metaLower)
}

// encode is xl_btree_metadata.
func (m meta) encode(b []byte) []byte {
	b = le.AppendUint32(b, m.version)
	b = le.AppendUint32(b, uint32(m.root))
	b = le.AppendUint32(b, m.level)
	b = le.AppendUint32(b, uint32(m.fastRoot))
	b = le.AppendUint32(b, m.fastLevel)
	b = le.AppendUint32(b, m.delPages)
	if m.allEqual {
		return append(b, 1, 0, 0, 0)
	}
	return append(b, 0, 0, 0, 0)
}

// applyMeta rebuilds the meta page from xl_btree_metadata.
func applyMeta(p page.Page, data []byte) error {
	if len(data) != metaRecordSize {
		return badRecord("metadata of %d bytes", len(data))
	}
	writeMeta(p, meta{
		version: le.Uint32(data), root: page.BlockNumber(le.Uint32(data[4:])), level: le.Uint32(data[8:]),
		fastRoot: page.BlockNumber(le.Uint32(data[12:])), fastLevel: le.Uint32(data[16:]),
		delPages: le.Uint32(data[20:]), allEqual: data[24] != 0,
	})
	return nil
}
