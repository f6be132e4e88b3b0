package heap

import (
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xid"
)

// Everything about the record of Heap2/FREEZE_PAGE is in this file.

// freezePlan is xl_heap_freeze_tuple: how a tuple's header looks afterwards.
type freezePlan struct {
	Xmax      xid.XID
	Off       page.OffsetNumber
	Infomask2 uint16
	Infomask  uint16
	Flags     uint8
}

func (f freezePlan) append(dst []byte) []byte {
	dst = le.AppendUint32(dst, uint32(f.Xmax))
	dst = le.AppendUint16(dst, uint16(f.Off))
	dst = le.AppendUint16(dst, f.Infomask2)
	dst = le.AppendUint16(dst, f.Infomask)
	return append(dst, f.Flags, 0)
}

func decodeFreeze(b, data []byte) ([]freezePlan, error) {
	if len(b) < sizeFreezePage {
		return nil, badRecord("short FREEZE_PAGE")
	}
	n := int(le.Uint16(b[4:]))
	if len(data) < n*sizeFreezeTuple {
		return nil, badRecord("FREEZE_PAGE with too few tuples")
	}
	plans := make([]freezePlan, n)
	for i := range plans {
		d := data[i*sizeFreezeTuple:]
		plans[i] = freezePlan{xid.XID(le.Uint32(d)), page.OffsetNumber(le.Uint16(d[4:])), le.Uint16(d[6:]), le.Uint16(d[8:]), d[10]}
	}
	return plans, nil
}

// applyFreeze carries out the plans.
func applyFreeze(p page.Page, plans []freezePlan) error {
	for _, f := range plans {
		t, err := tupleOn(p, f.Off)
		if err != nil {
			return err
		}
		t.SetXmax(f.Xmax)
		if f.Flags&freezeXvac != 0 {
			t.SetRawCid(xid.Command(xid.Frozen))
		}
		if f.Flags&freezeInvXvac != 0 {
			t.SetRawCid(xid.Command(xid.Invalid))
		}
		t.SetInfomask(f.Infomask)
		t.SetInfomask2(f.Infomask2)
	}
	return nil
}

func appendFreezePage(dst []byte, cutoff xid.XID, n int) []byte {
	return le.AppendUint16(le.AppendUint32(dst, uint32(cutoff)), uint16(n))
}

func descFreeze(dst, b []byte) []byte {
	if len(b) < sizeFreezePage {
		return dst
	}
	return descf(dst, "cutoff xid %d ntuples %d", le.Uint32(b), le.Uint16(b[4:]))
}
