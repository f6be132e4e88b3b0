package heap

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

// horizon is the id before which what rel's rows lost is lost to everyone.
func horizon(m *xact.Manager, rel *access.Relation) xid.XID {
	db := rel.Node.DB
	return m.OldestXmin(db, rel.IsCatalog || rel.Shared)
}

// PruneOpt prunes the page in b, which the caller has pinned and not locked, if
// that is likely to help and the cleanup lock is free at once
// (heap_page_prune_opt).
func PruneOpt(tx *xact.Tx, rel *access.Relation, b bufmgr.Buffer) error {
	pool := rel.Pool
	pool.Lock(b, bufmgr.Shared)
	wanted := wantsPrune(rel, pool.Page(b))
	prune := pool.Page(b).PruneXID()
	pool.Unlock(b)
	if !wanted {
		return nil
	}
	if rel.Logged() && rel.Sys.Log.Room() != nil {
		return nil // readers prune too, and go on
	}
	oldest := horizon(rel.Sys.Xact, rel)
	if !prune.Precedes(oldest) || !pool.TryLockCleanup(b) {
		return nil
	}
	defer pool.Unlock(b)
	if !wantsPrune(rel, pool.Page(b)) {
		return nil
	}
	v := newViewer(tx, rel)
	_, err := prunePage(&v, rel, b, oldest)
	return err
}

// wantsPrune reports whether p says that it has garbage and is short of room.
func wantsPrune(rel *access.Relation, p page.Page) bool {
	if p.PruneXID() == xid.Invalid || p.IsNew() {
		return false
	}
	return p.Flags()&page.PageFull != 0 || heapFreeSpace(p) < max(spare(rel), page.Size/10)
}

// pruner decides what becomes of each line pointer of a page.
type pruner struct {
	v      *viewer
	p      page.Page
	fates  [maxTuplesPerPage + 1]fate
	marked [maxTuplesPerPage + 1]bool
	rec    pruneRec
	prune  xid.XID // the next pd_prune_xid
	gone   int     // tuples removed
}

// prunePage removes dead tuples from the page in b, on which the caller holds the
// cleanup lock, and returns how many (heap_page_prune).
func prunePage(v *viewer, rel *access.Relation, b bufmgr.Buffer, oldest xid.XID) (int, error) {
	p := rel.Pool.Page(b)
	v.on(p, true)
	pr := pruner{v: v, p: p}
	n := p.NumItems()
	if n > maxTuplesPerPage {
		return 0, badRecord("too many line pointers")
	}
	for off := page.OffsetNumber(1); off <= n; off++ {
		if p.ItemID(off).Flags() != page.LPNormal {
			continue
		}
		t, err := tupleOn(p, off)
		if err != nil {
			return 0, err
		}
		pr.fates[off], _ = v.vacuum(t, off, oldest)
	}
	if v.err != nil {
		return 0, v.err
	}
	for off := page.OffsetNumber(1); off <= n; off++ {
		if f := p.ItemID(off).Flags(); !pr.marked[off] && (f == page.LPNormal || f == page.LPRedirect) {
			pr.chain(off)
		}
	}
	return pr.gone, pr.finish(rel, b)
}

// chain decides about the HOT chain, or the single tuple, that starts at root
// (heap_prune_chain).
func (pr *pruner) chain(root page.OffsetNumber) {
	p := pr.p
	redirect := p.ItemID(root).Flags() == page.LPRedirect
	if !redirect {
		t, err := tupleOn(p, root)
		if err != nil {
			return
		}
		if t.IsHeapOnly() {
			// Only a heap-only tuple that was never reachable dies here: aborted.
			if pr.fates[root] == dead && !t.IsHotUpdated() {
				pr.unused(root)
				pr.removed(t)
				pr.gone++
			}
			return
		}
	}
	var items [maxTuplesPerPage]page.OffsetNumber
	n, latestDead := pr.follow(root, redirect, items[:])
	if latestDead == 0 {
		if redirect && n < 2 {
			pr.dead(root) // it leads nowhere
		}
		return
	}
	i := 1
	for ; i < n && items[i-1] != latestDead; i++ {
		pr.unused(items[i])
		pr.gone++
	}
	if !redirect {
		pr.gone++
	}
	if i >= n {
		pr.dead(root)
	} else {
		pr.rec.Redirected = append(pr.rec.Redirected, root, items[i])
		pr.marked[root], pr.marked[items[i]] = true, true
	}
}

// follow lists the members of the chain from root on, the redirect first, up to
// the first that is not dead, and returns the last dead one.
func (pr *pruner) follow(root page.OffsetNumber, redirect bool, items []page.OffsetNumber) (n int, latestDead page.OffsetNumber) {
	p, off := pr.p, root
	var prior xid.XID
	if redirect {
		items[0], n = root, 1
		off = page.OffsetNumber(p.ItemID(root).Off())
	}
	for n < len(items) && off >= 1 && off <= p.NumItems() && !pr.marked[off] && p.ItemID(off).Flags() == page.LPNormal {
		t, err := tupleOn(p, off)
		if err != nil || prior != xid.Invalid && t.Xmin() != prior {
			break
		}
		items[n] = off
		n++
		u := pr.v.updateXID(t)
		isDead, recent := false, false
		switch pr.fates[off] {
		case dead:
			isDead = true
		case recentlyDead:
			recent = true
			pr.prunable(u)
		case deleteInProgress:
			pr.prunable(u)
		}
		if isDead {
			latestDead = off
			pr.removed(t)
		} else if !recent {
			break
		}
		if !t.IsHotUpdated() {
			break
		}
		off, prior = t.CTID().Off, u
	}
	return n, latestDead
}

func (pr *pruner) unused(off page.OffsetNumber) {
	pr.rec.Unused = append(pr.rec.Unused, off)
	pr.marked[off] = true
}

func (pr *pruner) dead(off page.OffsetNumber) {
	pr.rec.Dead = append(pr.rec.Dead, off)
	pr.marked[off] = true
}

func (pr *pruner) prunable(x xid.XID) {
	if pr.prune == xid.Invalid || x.Precedes(pr.prune) {
		pr.prune = x
	}
}

// removed moves the horizon of standby conflicts: queries that still see t must
// end first (HeapTupleHeaderAdvanceLatestRemovedXid).
func (pr *pruner) removed(t access.Tuple) { latestRemoved(pr.v, t, &pr.rec.LatestRemoved) }

func latestRemoved(v *viewer, t access.Tuple, latest *xid.XID) {
	m := t.Infomask()
	x, u := t.Xmin(), v.updateXID(t)
	if m&access.XminCommitted != 0 || m&access.XminInvalid == 0 && v.m.DidCommit(x) {
		if u != x && u.Follows(*latest) {
			*latest = u
		}
	}
}

// finish carries out the decisions.
func (pr *pruner) finish(rel *access.Relation, b bufmgr.Buffer) error {
	p, r := pr.p, &pr.rec
	if len(r.Redirected)+len(r.Dead)+len(r.Unused) == 0 {
		if p.PruneXID() != pr.prune || p.Flags()&page.PageFull != 0 {
			p.SetPruneXID(pr.prune)
			p.ClearFlag(page.PageFull)
			return rel.Pool.MarkDirtyHint(b)
		}
		if pr.v.dirty {
			return rel.Pool.MarkDirtyHint(b)
		}
		return nil
	}
	if err := applyPrune(p, r); err != nil {
		return broken(rel, "prune a page", err)
	}
	p.SetPruneXID(pr.prune)
	p.ClearFlag(page.PageFull)
	rel.Pool.MarkDirty(b)
	rec := record(pr.v.tx)
	var main [sizePrune]byte
	rec.Begin(xlog.RmHeap2, info2Prune, pr.v.tx.TopXID())
	rec.Data(r.append(main[:0]))
	rec.Block(0, rel.Pool.Tag(b), p, xlog.Standard)
	rec.BlockData(0, r.appendData(nil))
	return logged(rel, rec, b)
}
