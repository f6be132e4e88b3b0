package heap

import (
	"testing"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xlog"
)

// FuzzRecords: any bytes as a record leave a page on which the accessors are safe,
// or an error.
func FuzzRecords(f *testing.F) {
	d := &access.TupleDesc{Attrs: []access.Attr{int4("a"), text("b")}}
	t, err := access.FormTuple(d, []datum.Datum{datum.Int(1), datum.String("abc")})
	if err != nil {
		f.Fatal(err)
	}
	body := append(appendHeader(nil, t), t[access.TupleHeaderSize:]...)
	f.Add(uint8(0), insertRec{Off: 4}.append(nil), body)
	f.Add(uint8(1), deleteRec{Xmax: 7, Off: 1}.append(nil), []byte{})
	f.Add(uint8(2), updateRec{OldOff: 1, NewOff: 4, Flags: updatePrefixFromOld}.append(nil), appendUpdateData(nil, t, 4, 0))
	f.Add(uint8(3), lockRec{Xmax: 7, Off: 2}.append(nil), []byte{})
	f.Add(uint8(4), multiInsertRec{N: 2, Offs: []page.OffsetNumber{4, 5}}.append(nil, false), appendMultiTuple(appendMultiTuple(nil, t), t))
	pr := &pruneRec{Redirected: []page.OffsetNumber{1, 2}, Dead: []page.OffsetNumber{3}}
	f.Add(uint8(5), pr.append(nil), pr.appendData(nil))
	f.Add(uint8(6), []byte{1, 0}, appendOffsets(nil, []page.OffsetNumber{2}))
	f.Add(uint8(7), appendFreezePage(nil, 9, 1), freezePlan{Off: 1}.append(nil))
	f.Fuzz(func(_ *testing.T, kind uint8, main, data []byte) {
		p := make(page.Page, page.Size)
		p.Init(0)
		for off := page.OffsetNumber(1); off <= 3; off++ {
			p.PutItem(off, newTuple(nil, 2, access.HasVarWidth, 24, 700, page.TID{Off: off}, t[access.TupleHeaderSize:]))
		}
		init := kind&0x80 != 0
		switch kind & 0x7f {
		case 0:
			if r, err := decodeInsert(main); err == nil {
				applyInsert(p, 0, 800, init, r, data)
			}
		case 1:
			if r, err := decodeDelete(main); err == nil {
				applyDelete(p, 0, 800, r)
			}
		case 2:
			if r, err := decodeUpdate(main); err == nil {
				old, _ := tupleOn(p, r.OldOff)
				if t, err := buildUpdate(r, old, data, 800, page.TID{Off: r.NewOff}); err == nil {
					applyUpdateOld(p, 800, init, r, page.TID{Off: r.NewOff})
					applyUpdateNew(p, false, r, t)
				}
			}
		case 3:
			if r, err := decodeLock(main); err == nil {
				applyLock(p, 0, r)
				applyLockUpdated(p, r)
			}
		case 4:
			if r, err := decodeMultiInsert(main, init); err == nil {
				applyMultiInsert(p, 0, 800, init, r, data)
			}
		case 5:
			if r, err := decodePrune(main, data); err == nil {
				applyPrune(p, r)
			}
		case 6:
			applyVacuum(p, offsets(data))
		case 7:
			if plans, err := decodeFreeze(main, data); err == nil {
				applyFreeze(p, plans)
			}
		}
		for off := page.OffsetNumber(1); off <= p.NumItems(); off++ {
			if t, err := tupleOn(p, off); err == nil {
				access.Deform(d, t, 2, make([]datum.Datum, 2), nil)
			}
		}
		HotRoot(p, make([]page.OffsetNumber, page.MaxOffset))
		for _, ds := range Describers() {
			ds.Desc(nil, &xlog.Decoded{Info: kind, Main: main})
			ds.Identify(kind)
		}
	})
}
