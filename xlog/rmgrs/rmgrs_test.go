package rmgrs

import (
	"reflect"
	"testing"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xlog"
)

var node = page.RelFileNode{Spc: 1663, DB: 5, Rel: 16400} // constant

// back decodes what v encodes and compares.
func back[T any](t *testing.T, v T, b []byte, decode func([]byte) (T, error)) {
	t.Helper()
	got, err := decode(b)
	if err != nil || !reflect.DeepEqual(got, v) {
		t.Errorf("%+v came back as %+v, %v", v, got, err)
	}
	for n := range b {
		_, _ = decode(b[:n:n]) // short: an error or less, never a panic
	}
}

func TestRoundTrips(t *testing.T) {
	sc := StorageCreate{node, page.InitFork}
	back(t, sc, sc.Append(nil), DecodeStorageCreate)
	st := StorageTruncate{77, node, TruncateAll}
	back(t, st, st.Append(nil), DecodeStorageTruncate)
	fc := DBCreateFileCopy{1, 2, 3, 4}
	back(t, fc, fc.Append(nil), DecodeDBCreateFileCopy)
	wl := DBCreateWALLog{9, 1663}
	back(t, wl, wl.Append(nil), DecodeDBCreateWALLog)
	dd := DBDrop{9, []oid.OID{1663, 5000}}
	back(t, dd, dd.Append(nil), DecodeDBDrop)
	tc := TblspcCreate{16390, "/somewhere/else"}
	back(t, tc, tc.Append(nil), DecodeTblspcCreate)
	back(t, oid.OID(16390), AppendTblspcDrop(nil, 16390), DecodeTblspcDrop)
	rm := RelMapUpdate{5, 1663, []byte("a whole file")}
	back(t, rm, rm.Append(nil), DecodeRelMapUpdate)
	sl := SeqLog{node, []byte("tuple")}
	back(t, sl, sl.Append(nil), DecodeSeqLog)
	lm := LogicalMessage{5, true, "prefix", []byte{1, 2, 255}}
	back(t, lm, lm.Append(nil), DecodeLogicalMessage)
}

func TestPaths(t *testing.T) {
	for _, c := range []struct {
		n    page.RelFileNode
		f    page.Fork
		want string
	}{
		{node, page.MainFork, "base/5/16400"}, {page.RelFileNode{Spc: 1664, Rel: 1260}, page.FSMFork, "global/1260_fsm"},
		{page.RelFileNode{Spc: 99, DB: 5, Rel: 7}, page.InitFork, "pg_tblspc/99/PG_15_202209061/5/7_init"},
	} {
		if got := RelPath(c.n, c.f); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

func TestApplyGeneric(t *testing.T) {
	p := make(page.Page, page.Size)
	p.Init(0)
	if err := ApplyGeneric(p, []byte{100, 0, 2, 0, 7, 8}); err != nil || p[100] != 0 {
		t.Errorf("the hole is not cleared: %v", err)
	}
	if err := ApplyGeneric(p, []byte{20, 0, 4, 0, 1, 2, 3, 4}); err != nil || p[23] != 4 {
		t.Errorf("not applied: %v", err)
	}
	for _, bad := range [][]byte{{1}, {0, 0, 5, 0, 1}, {0xff, 0x1f, 2, 0, 1, 2}} {
		if ApplyGeneric(p, bad) == nil {
			t.Errorf("% x was applied", bad)
		}
	}
}

func FuzzDescribe(f *testing.F) {
	f.Add(byte(2), byte(0x10), StorageCreate{node, 0}.Append(nil))
	f.Add(byte(4), byte(0x20), DBDrop{1, []oid.OID{2}}.Append(nil))
	f.Add(byte(21), byte(0), LogicalMessage{1, false, "p", []byte("m")}.Append(nil))
	table := map[xlog.RmgrID]xlog.Describer{}
	for _, d := range Describers() {
		table[d.ID] = d
	}
	f.Fuzz(func(t *testing.T, id, info byte, b []byte) {
		d, ok := table[xlog.RmgrID(id)]
		if !ok {
			return
		}
		d.Identify(info)
		d.Desc(nil, &xlog.Decoded{Rmgr: d.ID, Info: info, Main: b})
		_ = ApplyGeneric(make(page.Page, page.Size), b)
	})
}
