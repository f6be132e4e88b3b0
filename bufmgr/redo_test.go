package bufmgr

import (
	"strings"
	"testing"

	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xlog"
)

// inRecovery is a pool whose server recovers.
func inRecovery(t *testing.T) *env {
	t.Helper()
	e := newPool(t, 64)
	e.opt.Redo = func() bool { return true }
	return e
}

func TestReadForRedo(t *testing.T) {
	e := newPool(t, 64)
	n := e.add(t, "here")
	tag := page.Tag{Rel: rel, Block: n}
	b, err := e.Read(tag, Normal, nil)
	must(t, err)
	at := e.Page(b).LSN()
	e.Release(b)
	e.opt.Redo = func() bool { return true }
	rec := func(tag page.Tag, init bool) *xlog.Decoded {
		return &xlog.Decoded{End: at + 100, Blocks: []xlog.DecodedBlock{{InUse: true, Tag: tag, WillInit: init}}}
	}
	do := func(d *xlog.Decoded, r RedoRead) Action {
		t.Helper()
		b, a, err := ReadForRedo(e.Pool, d, 0, r)
		must(t, err)
		if (a == NotFound) != (b == 0) {
			t.Fatalf("action %d, buffer %d", a, b)
		}
		if a == NeedsRedo {
			e.MarkDirty(b)
			if e.Page(b).IsNew() {
				e.Page(b).Init(0)
			}
			e.Page(b).SetLSN(d.End)
		}
		if b != 0 {
			if e.TryLock(b) {
				t.Fatal("the buffer is not locked")
			}
			e.UnlockRelease(b)
		}
		return a
	}
	if a := do(rec(tag, false), RedoRead{}); a != NeedsRedo {
		t.Errorf("action %d", a)
	}
	if a := do(rec(tag, false), RedoRead{Cleanup: true}); a != Done {
		t.Errorf("replayed twice: action %d", a)
	}
	// A record that initialises extends the fork; the blocks in between are new.
	far := page.Tag{Rel: rel, Block: n + 5}
	if a := do(rec(far, true), RedoRead{Mode: Zero}); a != NeedsRedo {
		t.Errorf("action %d", a)
	}
	if got, err := e.NBlocks(rel, page.MainFork); got != n+6 || err != nil {
		t.Errorf("%d blocks, %v", got, err)
	}
	if a := do(rec(far, true), RedoRead{Mode: ZeroCleanup}); a != Done {
		t.Errorf("action %d", a)
	}
	if _, _, err := ReadForRedo(e.Pool, rec(far, false), 0, RedoRead{Mode: Zero}); err == nil {
		t.Error("redo initialises what the record does not")
	}
	if _, _, err := ReadForRedo(e.Pool, rec(far, false), 1, RedoRead{}); err == nil {
		t.Error("a block reference that is not there")
	}
	if e.pins() != 0 {
		t.Errorf("%d pins", e.pins())
	}
}

func TestInvalidPages(t *testing.T) {
	e := inRecovery(t)
	read := func(r page.RelFileNode, b page.BlockNumber) error {
		d := &xlog.Decoded{End: 100, Blocks: []xlog.DecodedBlock{{InUse: true, Tag: page.Tag{Rel: r, Block: b}}}}
		_, a, err := ReadForRedo(e.Pool, d, 0, RedoRead{})
		if err == nil && a != NotFound {
			t.Errorf("%s block %d: action %d", r, b, a)
		}
		return err
	}
	gone := page.RelFileNode{Spc: 1663, DB: 77, Rel: 9} // its folder is missing too
	must(t, read(gone, 3))
	must(t, e.Grow(rel, page.MainFork, 2))
	must(t, read(rel, 1)) // all zero
	must(t, read(rel, 8)) // past the end
	if !e.HasInvalid() {
		t.Error("nothing was noted")
	}
	e.ForgetInvalidDatabase(77)
	e.ForgetInvalid(rel, page.MainFork, 5)
	err := e.CheckInvalid()
	x, ok := pgerr.As(err)
	if !ok || x.Msg != "WAL contains references to invalid pages" || !strings.Contains(x.Detail, "page 1 of relation base/5/16384 is uninitialized") ||
		strings.Contains(x.Detail, "does not exist") {
		t.Errorf("got %v, detail %q", err, x.Detail)
	}
	e.ForgetInvalid(rel, page.MainFork, 0)
	must(t, e.CheckInvalid())
	if err := read(rel, 8); err == nil {
		t.Error("an invalid page after consistency was accepted")
	}
}

func TestRestoreImage(t *testing.T) {
	e := inRecovery(t)
	img := make(page.Page, page.Size)
	img.Init(0)
	must(t, img.PutItem(1, []byte("from the log")))
	tag := page.Tag{Rel: rel, Block: 4}
	d := &xlog.Decoded{End: 500, Blocks: []xlog.DecodedBlock{{InUse: true, Tag: tag, HasImage: true, ApplyImage: true, Image: img}}}
	b, a, err := ReadForRedo(e.Pool, d, 0, RedoRead{})
	must(t, err)
	if it, err := e.Page(b).Item(1); a != Restored || err != nil || string(it) != "from the log" || e.Page(b).LSN() != 500 {
		t.Errorf("action %d, %q, %v", a, it, err)
	}
	e.UnlockRelease(b)
}
