package nbtree

import (
	"bytes"
	"testing"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xlog"
)

// FuzzApply gives arbitrary records to every apply function, on a leaf with
// posting lists and on an internal page: an error or a page that Check accepts,
// never a panic.
func FuzzApply(f *testing.F) {
	w := newWorld(f, 256)
	idx := w.index(100, false, oid.Int4)
	w.create(idx)
	for i := range 3000 {
		w.insert(idx, tidOf(i), datum.Int(int64(i%40)))
	}
	var leaf, inner page.Page
	for _, p := range w.pages(idx.Node)[1:] {
		if n := (node{p}); n.leaf() {
			leaf = p
		} else {
			inner = p
		}
	}
	added := map[uint8]int{}
	for _, d := range w.records(testStart) {
		if info := d.RmgrInfo(); d.Rmgr == xlog.RmBtree && added[info] < 3 {
			added[info]++
			f.Add(info, d.Main, d.Blocks[0].Data)
		}
	}
	ok := deletion{deleted: []page.OffsetNumber{3}, updated: []update{{2, []uint16{0}}}}
	f.Add(uint8(infoVacuum), ok.encodeCounts(nil), ok.encodeData(nil))
	f.Add(uint8(infoDelete), encodeDelete(nil, 9, ok), ok.encodeData(nil))
	f.Add(uint8(infoHalfDead), halfDeadRec{2, 1, 2, 3, 4}.encode(nil), []byte(nil))
	f.Add(uint8(infoUnlink), unlinkRec{left: 1, right: 2, safe: 9}.encode(nil), []byte(nil))
	f.Add(uint8(infoMetaCleanup), []byte(nil), meta{version: 4}.encode(nil))
	f.Fuzz(func(t *testing.T, info uint8, main, data []byte) {
		d := &xlog.Decoded{Info: info, Rmgr: xlog.RmBtree, Main: main, Blocks: []xlog.DecodedBlock{{InUse: true, Data: data}}}
		describe(nil, d)
		for _, from := range []page.Page{leaf, inner} {
			p := page.Page(bytes.Clone(from))
			if applyAny(p, d) != nil {
				continue
			}
			if err := page.Check(p); err != nil {
				t.Fatal(err)
			}
			n := node{p}
			for off := page.OffsetNumber(1); off <= n.last(); off++ {
				n.at(off).nTIDs()
			}
		}
	})
}

// applyAny does what redo does with block 0.
func applyAny(p page.Page, d *xlog.Decoded) error {
	data := d.Blocks[0].Data
	switch info := d.RmgrInfo(); info {
	case infoInsertLeaf, infoInsertUpper, infoInsertMeta, infoInsertPost:
		r, err := decodeInsert(d.Main)
		if err != nil {
			return err
		}
		return applyInsert(p, r.off, data, info == infoInsertPost)
	case infoSplitL, infoSplitR:
		r, err := decodeSplit(d.Main)
		if err != nil {
			return err
		}
		if err := applySplitRight(make(page.Page, page.Size), r.level, 1, 2, data); err != nil {
			return err
		}
		return applySplitLeft(p, r, info == infoSplitL, 9, data)
	case infoDedup:
		ivs, err := decodeIntervals(d.Main, data)
		if err != nil {
			return err
		}
		return applyDedup(p, ivs)
	case infoVacuum, infoDelete:
		counts := d.Main
		if info == infoDelete {
			if len(counts) != 8 {
				return badRecord("delete")
			}
			counts = counts[4:]
		}
		del, err := decodeDeletion(counts, data)
		if err != nil {
			return err
		}
		return applyDeletion(p, del)
	case infoHalfDead:
		r, err := decodeHalfDead(d.Main)
		if err != nil {
			return err
		}
		return applyRemoveDownlink(p, r.parentOff)
	case infoUnlink, infoUnlinkMeta:
		r, err := decodeUnlink(d.Main)
		if err != nil {
			return err
		}
		applyUnlinked(p, r)
		return nil
	case infoNewRoot:
		r, err := decodeNewRoot(d.Main)
		if err != nil {
			return err
		}
		return applyNewRoot(p, r.level, data)
	case infoMetaCleanup:
		return applyMeta(p, data)
	}
	return nil
}
