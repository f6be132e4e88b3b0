package xact

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/vfs/powerfail"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

// TestCommitPowerFail cuts the power at every step of a run of commits, aborts,
// subtransactions and checkpoints: what was acknowledged is committed after
// recovery, what was rolled back is not.
func TestCommitPowerFail(t *testing.T) {
	w := commitWorkload()
	w.Sweep(t)
	// The sweep can fail: without some sync it does.
	if missing, all := w.Missing(t), commitSyncs(t, w); len(missing) >= all {
		t.Fatalf("blind: %d of %d syncs are not missed", len(missing), all)
	} else {
		t.Logf("%d syncs; not missed: %v", all, missing)
	}
}

func commitSyncs(t *testing.T, w powerfail.Workload[outcome]) int {
	fs := powerfail.New()
	ok(t, w.Run(fs, func(outcome) {}))
	return len(fs.Syncs())
}

// outcome is what the workload was told about a transaction.
type outcome struct {
	x      xid.XID
	commit bool
}

func commitWorkload() powerfail.Workload[outcome] {
	return powerfail.Workload[outcome]{
		Every: 1,
		Seeds: 3,
		Run: func(fs *powerfail.FS, ack func(outcome)) error {
			if err := makeDirs(fs); err != nil {
				return err
			}
			e, err := openEnv(fs, Options{Panic: func(error) {}}, testCheckPoint())
			if err != nil {
				return err
			}
			for i := range 12 {
				a := e.m.Begin(BeginOptions{})
				x, err := a.XID()
				if err != nil {
					return err
				}
				if i%3 == 1 {
					_ = a.BeginSub("")
					if _, err := a.XID(); err != nil {
						return err
					}
					_ = a.CommitSub()
				}
				if i%4 == 3 {
					if err := a.Abort(); err != nil {
						return err
					}
					ack(outcome{x, false})
				} else {
					if err := a.Commit(bg); err != nil {
						return err
					}
					ack(outcome{x, true})
				}
				if i == 7 {
					if err := e.m.Checkpoint(); err != nil {
						return err
					}
				}
			}
			return nil
		},
		Check: func(fs *powerfail.FS, acked []outcome) error {
			if len(acked) == 0 {
				return nil // perhaps not even the folders are there
			}
			e, err := openEnv(fs, Options{}, testCheckPoint())
			if err != nil {
				return err
			}
			for _, o := range acked {
				if got := e.m.DidCommit(o.x); got != o.commit {
					return fmt.Errorf("transaction %d: committed %v, want %v", o.x, got, o.commit)
				}
			}
			return nil
		},
	}
}

func TestMultixact(t *testing.T) {
	e := newEnv(t, Options{})
	a, b := e.m.Begin(BeginOptions{}), e.m.Begin(BeginOptions{})
	x, y := must(a.XID()), must(b.XID())
	a.MultiSetOldest()
	b.MultiSetOldest()
	want := []MultiMember{{x, MultiForShare}, {y, MultiForKeyShare}}
	id := must(e.m.MultiCreate(a, []MultiMember{want[1], want[0]}))
	if got := must(e.m.MultiMembers(b, id, true)); !slices.Equal(got, want) {
		t.Fatal(got)
	}
	more := must(e.m.MultiExpand(b, id, MultiMember{y, MultiNoKeyUpdate}))
	if got := must(e.m.MultiMembers(a, more, false)); len(got) != 3 || more != id+1 {
		t.Fatal(more, got)
	}
	ok(t, a.Commit(bg))
	if !e.m.MultiIsRunning(b, more, false) {
		t.Fatal("b still runs")
	}
	ok(t, b.Commit(bg))
	c := e.m.Begin(BeginOptions{})
	if e.m.MultiIsRunning(c, more, false) {
		t.Fatal("nobody runs")
	}
	if got := must(e.m.MultiMembers(c, id, true)); len(got) != 0 {
		t.Fatal("lockers of before are looked at", got)
	}
	ok(t, c.Commit(bg))
	// What redo makes of the records is the same.
	ok(t, e.log.Flush(e.log.InsertLSN()))
	ok(t, e.log.Close())
	r, err := openEnv(e.fs, Options{}, testCheckPoint())
	ok(t, err)
	d := r.m.Begin(BeginOptions{})
	if got := must(r.m.MultiMembers(d, id, false)); !slices.Equal(got, want) {
		t.Fatal("after redo", got)
	}
	if r.m.NextMulti() != e.m.NextMulti() || r.m.multi.nextOffset != e.m.multi.nextOffset || r.m.NextXID() < e.m.NextXID()-1 {
		t.Fatal("counters differ")
	}
}

// TestPreparedSurvives prepares two transactions, restarts once from the WAL and
// once more from the state file, and finishes them.
func TestPreparedSurvives(t *testing.T) {
	e := newEnv(t, Options{MaxPrepared: 2})
	var xs []xid.XID
	for _, gid := range []string{"one", "two"} {
		a := e.m.NewProc(ProcOptions{Database: 5}).Begin(BeginOptions{})
		xs = append(xs, must(a.XID()))
		ok(t, a.BeginSub(""))
		xs = append(xs, must(a.XID()))
		ok(t, e.m.opt.Locks.Acquire(bg, a.Locks(), lmgr.Relation(5, 100), lmgr.RowExclusive))
		ok(t, a.Prepare(bg, gid, 10))
	}
	for round := range 2 {
		for _, x := range xs {
			if !e.m.IsInProgress(x) || e.m.DidCommit(x) {
				t.Fatalf("round %d: %d does not run", round, x)
			}
		}
		o := e.m.opt.Locks.NewOwner(9)
		if e.m.opt.Locks.TryAcquire(o, lmgr.Relation(5, 100), lmgr.Share) {
			t.Fatalf("round %d: lock lost", round)
		}
		if err := e.m.Checkpoint(); err != nil {
			t.Fatal(err)
		}
		ok(t, e.log.Flush(e.log.InsertLSN()))
		ok(t, e.log.Close())
		r, err := openEnv(e.fs, Options{MaxPrepared: 2}, testCheckPoint())
		ok(t, err)
		e = r
	}
	tx := e.m.NewProc(ProcOptions{Database: 5}).Begin(BeginOptions{})
	ok(t, e.m.FinishPrepared(tx, "one", true, 10, false))
	ok(t, e.m.FinishPrepared(tx, "two", false, 10, false))
	ok(t, tx.Commit(bg))
	for i, x := range xs {
		if e.m.IsInProgress(x) || e.m.DidCommit(x) != (i < 2) || e.m.DidAbort(x) == (i < 2) {
			t.Errorf("transaction %d", x)
		}
	}
	if len(e.m.Prepared()) != 0 {
		t.Error("still prepared")
	}
}

// TestDoubtfulCommitKeepsFiles has the flush of a commit record, or of a PREPARE
// record, fail: the record may be found by recovery, so the transaction's end
// touches neither the files it made nor those it dropped.
func TestDoubtfulCommitKeepsFiles(t *testing.T) {
	end := map[string]func(*Tx) error{
		"commit":  func(a *Tx) error { return a.Commit(bg) },
		"prepare": func(a *Tx) error { return a.Prepare(bg, "g", 10) },
	}
	for name, f := range end {
		t.Run(name, func(t *testing.T) {
			fs := powerfail.New()
			ok(t, makeDirs(fs))
			var gone []smgr.Rel
			e, err := openEnv(fs, Options{MaxPrepared: 1, Panic: func(error) {}, RemoveFiles: func(rels []smgr.Rel, _ bool) error {
				gone = append(gone, rels...)
				return nil
			}}, testCheckPoint())
			ok(t, err)
			a := e.m.NewProc(ProcOptions{Database: 5}).Begin(BeginOptions{})
			x := must(a.XID())
			for n := range oid.OID(2) {
				rel := smgr.Rel{RelFileNode: page.RelFileNode{Spc: 1663, DB: 5, Rel: 20000 + n}, Backend: smgr.NoBackend}
				if n == 0 {
					a.CreatedRel(rel)
				} else {
					a.DropRelAtCommit(rel)
				}
			}
			a.OnAbort(func() { t.Error("an abort hook ran: CREATE DATABASE's removes its folder") })
			fs.FailIn(1)
			if err := f(a); !errors.Is(err, powerfail.ErrSync) {
				t.Fatal(err)
			}
			_ = a.Abort() // as a session does that ends
			if len(gone) > 0 {
				t.Errorf("removed %v", gone)
			}
			if e.m.DidAbort(x) {
				t.Error("pg_xact says that the transaction was rolled back")
			}
		})
	}
}

// TestDoubtfulCommitRuns has the flush of a commit record fail: whatever the
// session does then, the others go on seeing the transaction as running, and who
// waits for it goes on waiting, until the server is gone.
func TestDoubtfulCommitRuns(t *testing.T) {
	fs := powerfail.New()
	ok(t, makeDirs(fs))
	e, err := openEnv(fs, Options{Panic: func(error) {}}, testCheckPoint())
	ok(t, err)
	p := e.m.NewProc(ProcOptions{Database: 5})
	a, b := p.Begin(BeginOptions{}), e.m.Begin(BeginOptions{})
	ok(t, a.BeginSub("s"))
	sub := must(a.XID())
	x := a.TopXID()
	fs.FailIn(1)
	if err := a.Commit(bg); !errors.Is(err, powerfail.ErrSync) {
		t.Fatal(err)
	}
	for _, end := range []func(){func() { _ = a.Abort() }, p.Close} {
		end()
		for _, x := range []xid.XID{x, sub} {
			if !e.m.IsInProgress(x) || e.m.DidAbort(x) || e.m.DidCommit(x) || !b.LatestSnapshot().InProgress(x) {
				t.Errorf("%d is not running any more", x)
			}
		}
		if e.m.opt.Locks.TryAcquire(b.Locks(), lmgr.Transaction(x), lmgr.Share) {
			t.Error("nobody waits for it")
		}
	}
}

// TestRemoveWarns has the removal of a dropped table's file fail: the commit
// stands, and the client is warned.
func TestRemoveWarns(t *testing.T) {
	var warned []string
	refuse := func(rels []smgr.Rel, _ bool) error {
		var errs []error
		for _, r := range rels {
			errs = append(errs, pgerr.New(pgerr.IOError, "could not remove file %d", r.Rel))
		}
		return errors.Join(errs...)
	}
	e := newEnv(t, Options{RemoveFiles: refuse})
	p := e.m.NewProc(ProcOptions{Database: 5, Notice: func(w *pgerr.Error) { warned = append(warned, w.Msg) }})
	rel := func(n oid.OID) smgr.Rel {
		return smgr.Rel{RelFileNode: page.RelFileNode{Spc: 1663, DB: 5, Rel: n}, Backend: smgr.NoBackend}
	}
	for _, commit := range []bool{true, false} {
		a := p.Begin(BeginOptions{})
		x := must(a.XID())
		for n := range oid.OID(2) {
			a.DropRelAtCommit(rel(1 + n))
			a.CreatedRel(rel(1 + n))
		}
		if commit {
			ok(t, a.Commit(bg))
		} else {
			ok(t, a.Abort())
		}
		if e.m.DidCommit(x) != commit || len(warned) != 2 {
			t.Errorf("commit %v: %v, warnings %q", commit, e.m.DidCommit(x), warned)
		}
		warned = nil
	}
}

// FuzzRecords feeds every decoder and describer: no panic, no huge allocation.
func FuzzRecords(f *testing.F) {
	s := preparedState{XID: 7, GID: "g", Subs: []xid.XID{8}, Locks: []lmgr.Held{{Tag: lmgr.Relation(1, 2), Mode: lmgr.Share}}}
	f.Add(uint8(infoPrepare), s.append())
	r := endRec{Flags: hasSubxacts | hasTwoPhase | hasGID, Subs: []xid.XID{1, 2}, GID: "x", XID: 3}
	f.Add(uint8(infoCommitPrepared|infoHasInfo), r.append(nil))
	f.Fuzz(func(t *testing.T, info uint8, data []byte) {
		for _, d := range Describers() {
			rec := decodedOf(info, data)
			rec.Rmgr = d.ID
			if d.Identify(rec.RmgrInfo()) != "" {
				d.Desc(nil, rec)
			}
		}
		_, _ = decodeStateFile("f", data)
	})
}

func decodedOf(info uint8, data []byte) *xlog.Decoded { return &xlog.Decoded{Info: info, Main: data} }
