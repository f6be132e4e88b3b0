package xact

import (
	"context"
	"errors"

	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/xid"
)

type hookKind uint8

const (
	beforeCommit hookKind = iota
	onCommit
	onAbort
)

// hook is a function that waits for the end of the (sub)transaction.
type hook struct {
	kind  hookKind
	depth int
	f     func()
	pre   func(context.Context) error
}

// OnCommit has f run after the commit is durable and visible, unless the current
// subtransaction aborts.
func (t *Tx) OnCommit(f func()) {
	t.hooks = append(t.hooks, hook{kind: onCommit, depth: len(t.levels), f: f})
}

// OnAbort has f run when the current subtransaction or one around it aborts; the
// last one first. After a failure of the server it does not run (INV-XACT-7).
func (t *Tx) OnAbort(f func()) {
	t.hooks = append(t.hooks, hook{kind: onAbort, depth: len(t.levels), f: f})
}

// BeforeCommit has f run first in Commit, where it can still fail (deferred
// triggers, ON COMMIT DROP).
func (t *Tx) BeforeCommit(f func(context.Context) error) {
	t.hooks = append(t.hooks, hook{kind: beforeCommit, depth: len(t.levels), pre: f})
}

// Depth is the nesting depth: 1 in the top-level transaction.
func (t *Tx) Depth() int { return len(t.levels) }

// SubID numbers the current subtransaction within the transaction (PostgreSQL:
// SubTransactionId); 1 is the top-level transaction.
func (t *Tx) SubID() uint32 { return t.current().id }

// SubName is the name of the innermost savepoint level, or empty.
func (t *Tx) SubName() string { return t.current().name }

// BeginSub starts a subtransaction; name is that of the savepoint, or empty.
func (t *Tx) BeginSub(name string) error {
	if t.subID == 0xFFFFFFFF {
		return pgerr.New(pgerr.ProgramLimitExceeded, "cannot have more than 2^32-1 subtransactions in a transaction")
	}
	t.subID++
	t.levels = append(t.levels, level{name: name, id: t.subID, inval: len(t.inval)})
	t.p.owner.BeginSub()
	return nil
}

// CommitSub makes the innermost subtransaction part of its parent.
func (t *Tx) CommitSub() error {
	n := len(t.levels)
	if n < 2 {
		return pgerr.New(pgerr.NoActiveSQLTransaction, "there is no subtransaction to commit")
	}
	l, parent := &t.levels[n-1], &t.levels[n-2]
	if l.xid != 0 {
		// All of l's ids are later than those that its parent has already.
		parent.children = append(append(parent.children, l.xid.XID()), l.children...)
	}
	for i := range t.hooks {
		t.hooks[i].depth = min(t.hooks[i].depth, n-1)
	}
	for i := range t.files {
		t.files[i].depth = min(t.files[i].depth, n-1)
	}
	for i := range t.stats {
		t.stats[i].depth = min(t.stats[i].depth, n-1)
	}
	t.p.opt.Stats.EndSub(n, true)
	t.p.owner.CommitSub()
	t.levels = t.levels[:n-1]
	return t.NextCommand()
}

// AbortSub rolls the innermost subtransaction back.
func (t *Tx) AbortSub() error {
	n := len(t.levels)
	if n < 2 {
		return pgerr.New(pgerr.NoActiveSQLTransaction, "there is no subtransaction to roll back")
	}
	l := t.current()
	err := t.recordAbort(true)
	t.p.opt.Stats.EndSub(n, false)
	if t.ssi != nil && l.xid != 0 {
		t.ssi.Forget(append([]xid.XID{l.xid.XID()}, l.children...)...)
	}
	t.runAbortHooks(n)
	t.inval = t.inval[:l.inval]
	if !t.m.failed.Load() { // INV-XACT-8
		t.p.owner.AbortSub()
	}
	gone, _ := t.takeFiles(false, n)
	kept := t.stats[:0]
	for _, s := range t.stats {
		if s.depth < n {
			kept = append(kept, s)
		}
	}
	t.stats = kept
	t.levels = t.levels[:n-1]
	t.removeFiles(gone)
	return err
}

// runAbortHooks runs and forgets the hooks of the levels from depth on.
func (t *Tx) runAbortHooks(depth int) {
	for i := len(t.hooks) - 1; i >= 0; i-- {
		h := t.hooks[i]
		if h.depth >= depth && h.kind == onAbort && !t.m.failed.Load() {
			h.f()
		}
	}
	kept := t.hooks[:0]
	for _, h := range t.hooks {
		if h.depth < depth {
			kept = append(kept, h)
		}
	}
	clear(t.hooks[len(kept):])
	t.hooks = kept
}

// takeFiles takes the pending files of the levels from depth on out of the list
// and returns those whose time has come, and which of them are permanent.
func (t *Tx) takeFiles(commit bool, depth int) (gone []smgr.Rel, logged []smgr.Rel) {
	gone, logged = t.pendingFiles(commit, depth)
	kept := t.files[:0]
	for _, f := range t.files {
		if f.depth < depth {
			kept = append(kept, f)
		}
	}
	t.files = kept
	return gone, logged
}

// pendingFiles lists the files that go at a commit or abort of the levels from
// depth on; logged leaves out temporary relations.
func (t *Tx) pendingFiles(commit bool, depth int) (gone []smgr.Rel, logged []smgr.Rel) {
	for i := len(t.files) - 1; i >= 0; i-- { // the last one first, as PostgreSQL
		f := t.files[i]
		if f.depth < depth || f.atCommit != commit {
			continue
		}
		gone = append(gone, f.rel)
		if f.rel.Backend == smgr.NoBackend {
			logged = append(logged, f.rel)
		}
	}
	return gone, logged
}

// removeFiles removes files at the transaction's end, unless the server has
// failed (INV-XACT-7). The outcome is decided: one that stays is waste, and a
// warning.
func (t *Tx) removeFiles(rels []smgr.Rel) {
	if len(rels) > 0 && !t.m.failed.Load() {
		t.m.warn(t.p, t.m.opt.RemoveFiles(rels, false))
	}
}

// warn tells the log, and the client of p if there is one, of each error in err.
func (m *Manager) warn(p *Proc, err error) {
	if err == nil {
		return
	}
	if list, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // joined ones
		for _, e := range list.Unwrap() {
			m.warn(p, e)
		}
		return
	}
	e, ok := errors.AsType[*pgerr.Error](err)
	if !ok {
		e = pgerr.New(pgerr.IOError, "%s", err)
	}
	m.opt.Logger.Warn(e.Msg)
	if p != nil && p.opt.Notice != nil {
		p.opt.Notice(e)
	}
}

// combos are the combo command ids of one transaction: pairs of an inserting and
// a deleting command, both of this transaction.
type combos struct {
	pairs []comboPair
	index map[comboPair]xid.Command
}

type comboPair struct{ min, max xid.Command }

// ComboCommand returns the combo command id for (cmin, cmax), as a tuple stores
// it (HEAP_COMBOCID).
func (t *Tx) ComboCommand(cmin, cmax xid.Command) xid.Command {
	k := comboPair{cmin, cmax}
	c := &t.combos
	if id, ok := c.index[k]; ok {
		return id
	}
	if c.index == nil {
		c.index = make(map[comboPair]xid.Command)
	}
	id := xid.Command(len(c.pairs))
	c.pairs = append(c.pairs, k)
	c.index[k] = id
	return id
}

// ComboMin is the inserting command of a combo command id of this transaction.
func (t *Tx) ComboMin(combo xid.Command) xid.Command { return t.combos.pairs[combo].min }

// ComboMax is the deleting command of a combo command id of this transaction.
func (t *Tx) ComboMax(combo xid.Command) xid.Command { return t.combos.pairs[combo].max }

// MadeFile reports whether this transaction made the files of a relation, and
// whether the current subtransaction did.
func (t *Tx) MadeFile(rel smgr.Rel) (here, inSub bool) {
	for _, f := range t.files {
		if !f.atCommit && f.rel == rel {
			here = true
			inSub = inSub || f.depth >= len(t.levels)
		}
	}
	return here, inSub
}
