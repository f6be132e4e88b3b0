package xact

import (
	"context"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/xid"
)

// Commit commits. If it fails before the commit record, the transaction is
// rolled back and the error says why; an error of the WAL itself is a PANIC of
// the server.
func (t *Tx) Commit(ctx context.Context) error {
	if !t.active {
		return pgerr.New(pgerr.NoActiveSQLTransaction, "there is no transaction in progress")
	}
	for len(t.levels) > 1 {
		if err := t.CommitSub(); err != nil {
			return t.abortWith(err)
		}
	}
	for i := 0; i < len(t.hooks); i++ { // a hook may add hooks
		if h := t.hooks[i]; h.kind == beforeCommit {
			if err := h.pre(ctx); err != nil {
				return t.abortWith(err)
			}
		}
	}
	if t.ssi != nil {
		if err := t.ssi.PreCommit(); err != nil {
			return t.abortWith(err)
		}
	}
	if err := t.recordCommit(); err != nil {
		return err
	}
	t.p.end(t.latest)
	t.endStats(true)
	t.endSSI(true)
	if len(t.inval) > 0 {
		t.m.opt.Invalidate(t.inval, t.initf, t.p.opt.Database, t.p.opt.Tablespace)
	}
	t.releaseLocks()
	gone, _ := t.pendingFiles(true, 1)
	t.removeFiles(gone)
	for i := 0; i < len(t.hooks); i++ {
		if h := t.hooks[i]; h.kind == onCommit {
			h.f()
		}
	}
	t.finish()
	return nil
}

// endStats hands over what was counted, and forgets the statistics of relations
// that are gone.
func (t *Tx) endStats(commit bool) {
	s := t.p.opt.Stats
	s.End(commit)
	for _, d := range t.stats {
		if d.atCommit == commit && d.item.Kind == StatsRelation {
			s.Dropped(d.item.DB, d.item.Obj)
		}
	}
}

func (t *Tx) abortWith(err error) error {
	_ = t.Abort()
	return err
}

// releaseLocks gives back the transaction's locks and its virtual id.
func (t *Tx) releaseLocks() {
	t.p.owner.EndVirtual()
	t.m.opt.Locks.ReleaseAll(t.p.owner, false)
}

// finish forgets the transaction's state. Buffers are kept for the next one.
func (t *Tx) finish() {
	t.active = false
	clear(t.hooks)
	clear(t.registered)
	clear(t.levels)
	t.levels = t.levels[:0]
	t.hooks, t.files, t.stats = t.hooks[:0], t.files[:0], t.stats[:0]
	t.inval, t.registered, t.unreported = t.inval[:0], t.registered[:0], t.unreported[:0]
	t.first = nil
	if len(t.combos.pairs) > 0 {
		t.combos = combos{}
	}
	t.multiCache = t.multiCache[:0]
	t.origin = Origin{}
	t.p.multiOldest.Store(0)
	t.p.multiVisible.Store(0)
	if t.own {
		t.own = false
		t.p.Close()
	}
}

// SetOrigin says where the transaction was replicated from.
func (t *Tx) SetOrigin(o Origin) { t.origin = o }

// endRecord fills the parts that commit, abort and prepare have in common.
func (t *Tx) endRecord(commit bool, depth int, l *level) endRec {
	r := endRec{Time: Timestamp(t.m.opt.Now()), Subs: l.children}
	_, logged := t.pendingFiles(commit, depth)
	r.Rels = nodesOf(logged)
	for _, s := range t.stats {
		if s.depth >= depth && s.atCommit == commit {
			r.Stats = append(r.Stats, s.item)
		}
	}
	if len(r.Subs) > 0 {
		r.Flags |= hasSubxacts
	}
	if len(r.Rels) > 0 {
		r.Flags |= hasRelFileNodes
	}
	if len(r.Stats) > 0 {
		r.Flags |= hasDroppedStats
	}
	if t.origin.Node != 0 && depth == 1 {
		r.Flags |= hasOrigin
		r.Origin = t.origin
	}
	return r
}

func nodesOf(rels []smgr.Rel) []page.RelFileNode {
	var nodes []page.RelFileNode
	for _, r := range rels {
		nodes = append(nodes, r.RelFileNode)
	}
	return nodes
}

// addInvals puts the transaction's messages into a commit record.
func (t *Tx) addInvals(r *endRec) {
	if len(t.inval) > 0 {
		r.Flags |= hasInvals
		r.Invals = t.inval
	}
	if t.initf {
		r.Flags |= updateInitFile
	}
	if len(t.inval) > 0 || t.m.opt.LogicalInfo() {
		r.Flags |= hasDBInfo
		r.DB, r.Spc = t.p.opt.Database, t.p.opt.Tablespace
	}
}

// recordCommit makes the commit durable and sets it in pg_xact (INV-XACT-1).
func (t *Tx) recordCommit() error {
	m, x := t.m, t.TopXID()
	if x == xid.Invalid {
		if len(t.files) > 0 {
			if _, logged := t.pendingFiles(true, 1); len(logged) > 0 {
				return t.abortWith(pgerr.New(pgerr.InternalError, "cannot commit a transaction that deleted files but has no xid"))
			}
		}
		if len(t.inval) > 0 && m.opt.StandbyInfo() {
			return t.logInvals()
		}
		return nil
	}
	r := t.endRecord(true, 1, t.top())
	t.addInvals(&r)
	if t.forceSync {
		r.Flags |= forceSyncCommit
	}
	if t.locked {
		r.Flags |= hasAELocks
	}
	sync := t.p.opt.SyncCommit == nil || t.p.opt.SyncCommit() || t.forceSync || len(r.Rels) > 0
	t.p.critical.Add(1)
	end, err := r.log(m, &t.Rec, infoCommit, x, &t.nodes)
	if err != nil {
		return m.fatal(err)
	}
	if err := m.stampTree(x, r.Subs, stampOf(&r), t.origin.Node); err != nil {
		return m.fatal(err)
	}
	upTo := lsn.Invalid
	if sync {
		if err := m.opt.Log.FlushCommit(end); err != nil {
			return m.fatal(err)
		}
	} else {
		m.opt.Log.SetAsyncLSN(end)
		upTo = end
	}
	if err := m.setTree(x, r.Subs, committed, upTo); err != nil {
		return m.fatal(err)
	}
	t.p.critical.Add(1)
	if t.origin.Node != 0 {
		m.origins.advance(t.origin.Node, t.origin.LSN, end)
	}
	return nil
}

// logInvals logs the messages of a transaction that has no xid, for standbys.
func (t *Tx) logInvals() error {
	b := appendStandbyInvals(nil, t.p.opt.Database, t.p.opt.Tablespace, t.initf, t.inval)
	t.Rec.Begin(standbyRmgr, infoStandbyInvals, xid.Invalid)
	t.Rec.Data(b)
	end, err := t.m.opt.Log.Insert(&t.Rec)
	if err != nil {
		return t.m.fatal(err)
	}
	t.m.opt.Log.SetAsyncLSN(end)
	return nil
}

// Abort rolls everything back.
func (t *Tx) Abort() error {
	if !t.active {
		return nil
	}
	var err error
	for len(t.levels) > 1 {
		if e := t.AbortSub(); err == nil {
			err = e
		}
	}
	if e := t.recordAbort(false); err == nil {
		err = e
	}
	if t.m.failed.Load() { // INV-XACT-8: it runs for ever, and holds its locks
		t.runAbortHooks(1)
		t.p.kept = true
		t.finish()
		return err
	}
	t.p.end(t.latest)
	t.endStats(false)
	t.endSSI(false)
	t.runAbortHooks(1)
	t.releaseLocks()
	gone, _ := t.pendingFiles(false, 1)
	t.removeFiles(gone)
	t.finish()
	return err
}

// recordAbort logs the abort of the current (sub)transaction and sets it in
// pg_xact, if it has an xid at all. Nothing waits for the record: without it the
// transaction counts as aborted just the same. There is none after a failure of
// the server: it might follow a commit record (INV-XACT-7).
func (t *Tx) recordAbort(sub bool) error {
	l := t.current()
	if l.xid == 0 || t.m.failed.Load() {
		return nil
	}
	m, x := t.m, l.xid.XID()
	r := t.endRecord(false, len(t.levels), l)
	end, err := r.log(m, &t.Rec, infoAbort, x, &t.nodes)
	if err != nil {
		return m.fatal(err)
	}
	if !sub {
		m.opt.Log.SetAsyncLSN(end)
	}
	if err := m.setTree(x, l.children, aborted, lsn.Invalid); err != nil {
		return m.fatal(err)
	}
	if sub {
		t.p.endSubs(x, l.children, t.lastOf(l))
	}
	return nil
}

// lastOf is the highest full xid among l and its children.
func (t *Tx) lastOf(l *level) xid.Full {
	if n := len(l.children); n > 0 {
		return nearest(l.children[n-1], l.xid)
	}
	return l.xid
}
