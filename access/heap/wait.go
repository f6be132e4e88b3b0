package heap

import (
	"context"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xid"
)

// changer is one attempt to change or lock a tuple: its page, pinned, and the
// heavyweight tuple lock that keeps its place in the queue.
type changer struct {
	viewer
	ctx    context.Context
	rel    *access.Relation
	pool   *bufmgr.Pool
	tid    page.TID
	buf    bufmgr.Buffer
	vm     vmPin
	kind   xact.WaitKind
	policy WaitPolicy
	queued bool
	mode   LockMode // of the queue's lock
}

// open pins and locks the page of tid.
func (c *changer) open(ctx context.Context, tx *xact.Tx, rel *access.Relation, tid page.TID) error {
	c.viewer, c.ctx, c.rel, c.pool, c.tid = newViewer(tx, rel), ctx, rel, rel.Pool, tid
	n, err := c.pool.NBlocks(rel.Node, page.MainFork)
	if err != nil {
		return err
	}
	if tid.Block >= n {
		return pgerr.New(pgerr.DataCorrupted, "tuple %s of relation %q does not exist", tid, rel.Name)
	}
	c.buf, err = c.pool.Read(rel.Tag(page.MainFork, tid.Block), bufmgr.Normal, nil)
	if err != nil {
		return err
	}
	if err := c.lock(); err != nil {
		c.pool.Release(c.buf)
		c.vm.release(rel)
		return err
	}
	return nil
}

// lock locks the page, with the map page pinned first if the page is all-visible.
func (c *changer) lock() error {
	for {
		c.pool.Lock(c.buf, bufmgr.Exclusive)
		p := c.pool.Page(c.buf)
		if p.Flags()&page.AllVisible == 0 || c.vm.covers(c.rel, c.tid.Block) {
			c.on(p, true)
			return nil
		}
		c.pool.Unlock(c.buf)
		if err := c.vm.pin(c.rel, c.tid.Block); err != nil {
			return err
		}
	}
}

func (c *changer) unlock() { c.pool.Unlock(c.buf) }

// close releases all but the content lock, which the caller has dropped.
func (c *changer) close() {
	c.pool.Release(c.buf)
	c.vm.release(c.rel)
	if c.queued {
		c.rel.Sys.Locks.Release(c.tx.Locks(), c.rel.TupleTag(c.tid), tupleLock[c.mode], false)
		c.queued = false
	}
}

// tuple is the tuple at c.tid. The page is locked.
func (c *changer) tuple() (access.Tuple, error) { return tupleOn(c.pool.Page(c.buf), c.tid.Off) }

// queue takes the heavyweight lock of the tuple: who waits for its holders waits
// in order. The page is not locked. ok is false if SKIP LOCKED gives up.
func (c *changer) queue(mode LockMode) (ok bool, err error) {
	if c.queued {
		return true, nil
	}
	tag, locks := c.rel.TupleTag(c.tid), c.rel.Sys.Locks
	switch c.policy {
	case WaitBlock:
		if err := locks.Acquire(c.ctx, c.tx.Locks(), tag, tupleLock[mode]); err != nil {
			return false, err
		}
	case WaitSkip:
		if !locks.TryAcquire(c.tx.Locks(), tag, tupleLock[mode]) {
			return false, nil
		}
	default:
		if !locks.TryAcquire(c.tx.Locks(), tag, tupleLock[mode]) {
			return false, c.notAvailable()
		}
	}
	c.queued, c.mode = true, mode
	return true, nil
}

func (c *changer) notAvailable() error {
	return pgerr.New(pgerr.LockNotAvailable, "could not obtain lock on row in relation %q", c.rel.Name)
}

// holders are the transactions that t's xmax names and that mode conflicts with,
// other than the current one (PostgreSQL: DoesMultiXactIdConflict, and the rules
// for a single xmax).
func (c *changer) holders(t access.Tuple, mode LockMode) ([]xid.XID, error) {
	m, x := t.Infomask(), t.RawXmax()
	if m&access.XmaxIsMulti == 0 {
		if c.tx.IsCurrent(x) || !statusMode[oldStatus(m, t.Infomask2())].conflicts(mode) {
			return nil, nil
		}
		return []xid.XID{x}, nil
	}
	members, err := c.m.MultiMembers(c.tx, xid.Multi(x), access.XmaxLockedOnly(m))
	var out []xid.XID
	for _, mb := range members {
		if c.tx.IsCurrent(mb.XID) || !statusMode[mb.Status].conflicts(mode) {
			continue
		}
		if mb.Status.IsUpdate() && !c.m.DidAbort(mb.XID) || c.m.IsInProgress(mb.XID) {
			out = append(out, mb.XID)
		}
	}
	return out, err
}

// waited is what wait did.
type waited uint8

const (
	noConflict waited = iota // nobody in the way; the page was locked throughout
	unchanged                // they are gone and the tuple's xmax is as it was
	changed                  // the tuple changed meanwhile: judge it again
	gaveUp                   // the policy says not to wait
)

// wait waits until nobody whom mode conflicts with holds t. The page is locked
// before and after, unless it fails.
func (c *changer) wait(t access.Tuple, mode LockMode) (waited, error) {
	xs, err := c.holders(t, mode)
	if err != nil || len(xs) == 0 {
		if err != nil {
			c.unlock()
		}
		return noConflict, err
	}
	const looked = access.XmaxIsMulti | access.XmaxLockOnly | access.LockMask
	x, m := t.RawXmax(), t.Infomask()&looked
	c.unlock()
	ok, err := c.queue(mode)
	if err != nil {
		return 0, err
	}
	for _, h := range xs {
		if !ok {
			break
		}
		if ok, err = c.waitFor(h); err != nil {
			return 0, err
		}
	}
	if err := c.lock(); err != nil {
		return 0, err
	}
	if !ok {
		return gaveUp, nil
	}
	t, err = c.tuple()
	if err != nil || t.RawXmax() != x || t.Infomask()&looked != m {
		return changed, nil
	}
	if m&access.XmaxIsMulti == 0 { // the holder is over: say how it ended
		if access.XmaxLockedOnly(t.Infomask()) || !c.m.DidCommit(x) {
			c.note(t, c.tid.Off, access.XmaxInvalid, xid.Invalid)
		} else {
			c.note(t, c.tid.Off, access.XmaxCommitted, x)
		}
	}
	return unchanged, nil
}

func (c *changer) waitFor(x xid.XID) (ok bool, err error) {
	switch c.policy {
	case WaitBlock:
		return true, c.m.WaitForTuple(c.ctx, c.tx, x, c.kind, c.rel.Name, c.tid)
	case WaitSkip:
		return c.m.TryWaitFor(c.tx, x), nil
	}
	if !c.m.TryWaitFor(c.tx, x) {
		return false, c.notAvailable()
	}
	return true, nil
}

// settled is the result for a tuple whose conflicting holders are over.
func (c *changer) settled(t access.Tuple) Result {
	m := t.Infomask()
	if m&access.XmaxInvalid != 0 || access.XmaxLockedOnly(m) {
		return OK
	}
	u := c.updateXID(t)
	if u == xid.Invalid || !c.tx.IsCurrent(u) && !c.m.IsInProgress(u) && !c.m.DidCommit(u) {
		return OK
	}
	return gone(t, c.tid)
}

// judge decides whether command cur may change the tuple, waiting if block. It
// returns with the page locked unless it fails.
func (c *changer) judge(cur xid.Command, block bool, mode func(access.Tuple) (LockMode, error)) (access.Tuple, Result, error) {
	for {
		t, err := c.tuple()
		if err != nil {
			c.unlock()
			return nil, 0, err
		}
		res := c.update(t, c.tid, cur)
		if c.err != nil {
			c.unlock()
			return nil, 0, c.err
		}
		if res == Invisible {
			c.unlock()
			return nil, res, nil
		}
		if res != BeingModified || !block {
			return t, res, nil
		}
		m, err := mode(t)
		if err != nil {
			c.unlock()
			return nil, 0, err
		}
		switch w, err := c.wait(t, m); {
		case err != nil:
			return nil, 0, err
		case w == changed:
			continue
		case w == gaveUp:
			return t, WouldBlock, nil
		case w == noConflict:
			return t, OK, nil
		}
		if t, err = c.tuple(); err != nil {
			c.unlock()
			return nil, 0, err
		}
		return t, c.settled(t), nil
	}
}

// failure describes why t cannot be changed.
func (c *changer) failure(t access.Tuple, res Result) FailureData {
	f := FailureData{CTID: t.CTID(), Xmax: c.updateXID(t), Cmax: xid.InvalidCommand}
	if res == SelfModified {
		f.Cmax = c.cmax(t)
	}
	return f
}

// cmaxFor is the command id to store in t when command cur of the current
// transaction deletes it: combined with cmin, if that is needed later
// (HeapTupleHeaderAdjustCmax).
func (c *changer) cmaxFor(t access.Tuple, cur xid.Command) (xid.Command, bool) {
	if t.Infomask()&access.XminCommitted == 0 && c.tx.IsCurrent(t.RawXmin()) {
		return c.tx.ComboCommand(c.cmin(t), cur), true
	}
	return cur, false
}
