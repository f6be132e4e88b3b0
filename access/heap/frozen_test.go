package heap

import (
	"testing"

	"github.com/pgmini/pgmini/page"
)

// TestAllFrozenHasNoXmax: the second pass of VACUUM does not call a page all-frozen
// while a tuple on it has the xmax of an aborted transaction: relfrozenxid would
// pass it, for such pages are not read again.
func TestAllFrozenHasNoXmax(t *testing.T) {
	w := newWorld(t, 64, true)
	rel := w.table(20000)
	tx := w.begin()
	keep, gone := w.insert(tx, rel, 1, "keep"), w.insert(tx, rel, 2, "gone")
	must(t, tx.Commit(bg))
	tx = w.begin()
	w.delete(tx, rel, gone)
	must(t, tx.Commit(bg))
	tx = w.begin()
	w.delete(tx, rel, keep)
	must(t, tx.Abort())

	w.vacuum(rel, 1)
	p := w.pages(rel.Node, page.MainFork)[0]
	tup, err := tupleOn(p, keep.Off)
	must(t, err)
	if !tup.RawXmax().IsNormal() {
		t.Fatal("the test does not test: the xmax was frozen")
	}
	var pin vmPin
	st, err := pin.status(rel, 0)
	must(t, err)
	pin.release(rel)
	if st&vmAllFrozen != 0 {
		t.Errorf("all-frozen with xmax %d", tup.RawXmax())
	}
	if st&vmAllVisible == 0 {
		t.Error("not all-visible: the second pass was not taken")
	}
}
