package lmgr

import (
	"context"
	"slices"
	"time"

	"github.com/pgmini/pgmini/pgerr"
)

// Acquire takes tag in mode for o's transaction, waiting as long as it must. It
// fails when ctx ends (57014, or the *pgerr.Error that is ctx's cause), after
// o.LockTimeout (55P03), and in a deadlock (40P01).
func (m *Manager) Acquire(ctx context.Context, o *Owner, tag Tag, mode Mode) error {
	_, err := m.acquire(ctx, o, tag, mode, o.level, true)
	return err
}

// AcquireSession is Acquire for the session: the lock survives the transaction.
func (m *Manager) AcquireSession(ctx context.Context, o *Owner, tag Tag, mode Mode) error {
	_, err := m.acquire(ctx, o, tag, mode, 0, true)
	return err
}

// TryAcquire takes tag in mode for o's transaction if nobody is in the way.
func (m *Manager) TryAcquire(o *Owner, tag Tag, mode Mode) bool {
	ok, _ := m.acquire(context.Background(), o, tag, mode, o.level, false)
	return ok
}

// TryAcquireSession is TryAcquire for the session.
func (m *Manager) TryAcquireSession(o *Owner, tag Tag, mode Mode) bool {
	ok, _ := m.acquire(context.Background(), o, tag, mode, 0, false)
	return ok
}

func (m *Manager) acquire(ctx context.Context, o *Owner, tag Tag, mode Mode, level int32, wait bool) (bool, error) {
	if mode == NoLock || mode > maxMode {
		panic("lmgr: acquire with no lock mode")
	}
	k := localKey{tag, mode}
	if l := o.local[k]; l != nil {
		l.add(level)
		return true, nil
	}
	p := m.part(tag)
	p.Lock()
	lk := p.find(tag)
	h := p.holder(lk, o)
	if conflicts[mode]&lk.wait == 0 && !lk.blocked(mode, h) {
		lk.give(h, mode)
		p.Unlock()
		o.newLocal(k, h).add(level)
		return true, nil
	}
	if !wait {
		p.forget(lk, h)
		p.Unlock()
		return false, nil
	}
	granted, other := m.enqueue(lk, h, mode)
	switch {
	case other != nil:
		// Somebody who is in our way waits for us already.
		text := []blockedBy{{o.PID, mode, tag, other.PID}, {other.PID, other.waitMode, tag, o.PID}}
		p.forget(lk, h)
		p.Unlock()
		return false, m.deadlockError(text)
	case granted:
		lk.give(h, mode)
		p.Unlock()
	default:
		p.Unlock()
		if err := m.sleep(ctx, p, o, tag, mode); err != nil {
			return false, err
		}
	}
	o.newLocal(k, h).add(level)
	return true, nil
}

// find returns the lock of tag, made if it is new.
func (p *partition) find(tag Tag) *lock {
	lk := p.locks[tag]
	if lk == nil {
		if n := len(p.freeLocks); n > 0 {
			lk, p.freeLocks = p.freeLocks[n-1], p.freeLocks[:n-1]
		} else {
			lk = new(lock)
		}
		lk.tag = tag
		p.locks[tag] = lk
	}
	return lk
}

// holder returns o's entry in lk, made if it is new.
func (p *partition) holder(lk *lock, o *Owner) *holder {
	for _, h := range lk.holders {
		if h.owner == o {
			return h
		}
	}
	var h *holder
	if n := len(p.freeHolders); n > 0 {
		h, p.freeHolders = p.freeHolders[n-1], p.freeHolders[:n-1]
	} else {
		h = new(holder)
	}
	*h = holder{lock: lk, owner: o}
	lk.holders = append(lk.holders, h)
	return h
}

// forget drops h if it holds nothing and waits for nothing, then lk if it is
// unused.
func (p *partition) forget(lk *lock, h *holder) {
	if h.mask == 0 && h.owner.waitHolder != h {
		if i := slices.Index(lk.holders, h); i >= 0 {
			lk.holders = slices.Delete(lk.holders, i, i+1)
			h.owner, h.lock = nil, nil
			p.freeHolders = append(p.freeHolders, h)
		}
	}
	if len(lk.holders) == 0 {
		delete(p.locks, lk.tag)
		p.freeLocks = append(p.freeLocks, lk)
	}
}

// blocked reports whether someone else than h holds a mode that excludes mode.
func (lk *lock) blocked(mode Mode, h *holder) bool {
	hit := conflicts[mode] & lk.grant
	if hit == 0 {
		return false
	}
	for c := Mode(1); c <= maxMode; c++ {
		if hit&c.bit() == 0 {
			continue
		}
		n := lk.granted[c]
		if h.mask&c.bit() != 0 {
			n--
		}
		if n > 0 {
			return true
		}
	}
	return false
}

func (lk *lock) give(h *holder, mode Mode) {
	lk.granted[mode]++
	lk.grant |= mode.bit()
	h.mask |= mode.bit()
}

// take undoes give and reports whether a waiter may have become free.
func (lk *lock) take(h *holder, mode Mode) bool {
	lk.granted[mode]--
	if lk.granted[mode] == 0 {
		lk.grant &^= mode.bit()
	}
	h.mask &^= mode.bit()
	return conflicts[mode]&lk.wait != 0
}

// enqueue puts h's owner into lk's queue: at the end, but ahead of the first
// waiter that waits for what the owner holds already. It does not queue at all
// if that place shows that nothing is in the way (granted), or that the waiter
// there holds what the owner wants (a deadlock with other).
func (m *Manager) enqueue(lk *lock, h *holder, mode Mode) (granted bool, other *Owner) {
	at := len(lk.queue)
	if h.mask != 0 {
		var ahead bits
		for i, w := range lk.queue {
			if conflicts[w.waitMode]&h.mask != 0 {
				if conflicts[mode]&w.waitHolder.mask != 0 {
					return false, w
				}
				if conflicts[mode]&ahead == 0 && !lk.blocked(mode, h) {
					return true, nil
				}
				at = i
				break
			}
			ahead |= w.waitMode.bit()
		}
	}
	o := h.owner
	lk.queue = slices.Insert(lk.queue, at, o)
	lk.waiting[mode]++
	lk.wait |= mode.bit()
	o.waitLock, o.waitHolder, o.waitMode, o.waitSince = lk, h, mode, time.Now()
	return false, nil
}

// dequeue takes o out of the queue that it waits in.
func (lk *lock) dequeue(o *Owner) {
	i := slices.Index(lk.queue, o)
	lk.queue = slices.Delete(lk.queue, i, i+1)
	lk.waiting[o.waitMode]--
	if lk.waiting[o.waitMode] == 0 {
		lk.wait &^= o.waitMode.bit()
	}
	o.waitLock, o.waitHolder, o.waitMode = nil, nil, NoLock
}

// wakeWaiters grants every waiter that neither a holder nor a waiter ahead of it
// excludes.
func (lk *lock) wakeWaiters() {
	var ahead bits
	for i := 0; i < len(lk.queue); {
		w := lk.queue[i]
		if conflicts[w.waitMode]&ahead != 0 || lk.blocked(w.waitMode, w.waitHolder) {
			ahead |= w.waitMode.bit()
			i++
			continue
		}
		lk.give(w.waitHolder, w.waitMode)
		lk.dequeue(w) // moves the next waiter to place i
		w.wake <- struct{}{}
	}
}

// sleep waits until somebody grants what o queued for, or an error ends the wait.
func (m *Manager) sleep(ctx context.Context, p *partition, o *Owner, tag Tag, mode Mode) error {
	patience := o.DeadlockTimeout
	if patience == 0 {
		patience = m.opt.DeadlockTimeout()
	}
	look := time.NewTimer(patience)
	defer look.Stop()
	var late <-chan time.Time
	if o.LockTimeout > 0 {
		t := time.NewTimer(o.LockTimeout)
		defer t.Stop()
		late = t.C
	}
	for {
		select {
		case <-o.wake:
			return nil
		case <-look.C:
			since := o.waitSince
			if err := m.checkDeadlock(o); err != nil {
				return err
			}
			if m.opt.Waiting != nil {
				m.opt.Waiting(o, tag, mode, since)
			}
		case <-late:
			m.giveUp(p, o, tag, mode)
			return pgerr.New(pgerr.LockNotAvailable, "canceling statement due to lock timeout")
		case <-ctx.Done():
			m.giveUp(p, o, tag, mode)
			return canceled(ctx)
		}
	}
}

// canceled is the error of a wait that ctx ended.
func canceled(ctx context.Context) error {
	if e, ok := pgerr.As(context.Cause(ctx)); ok {
		return e
	}
	return pgerr.Wrap(context.Cause(ctx), pgerr.QueryCanceled, "canceling statement due to user request")
}

// giveUp leaves the queue. If the lock was granted in the meantime it is given
// back.
func (m *Manager) giveUp(p *partition, o *Owner, tag Tag, mode Mode) {
	p.Lock()
	defer p.Unlock()
	lk := p.locks[tag]
	h := p.holder(lk, o)
	if o.waitLock == nil {
		<-o.wake
		lk.take(h, mode)
	} else {
		lk.dequeue(o)
	}
	lk.wakeWaiters()
	p.forget(lk, h)
}

// Release gives back one acquisition of tag in mode by the current transaction
// level, or by the session. It reports false if there was none.
func (m *Manager) Release(o *Owner, tag Tag, mode Mode, session bool) bool {
	l := o.local[localKey{tag, mode}]
	if l == nil {
		return false
	}
	level := o.level
	if session {
		level = 0
	}
	for i := range l.holds {
		if l.holds[i].level != level {
			continue
		}
		l.holds[i].n--
		l.total--
		if l.holds[i].n == 0 {
			l.holds = slices.Delete(l.holds, i, i+1)
		}
		if l.total == 0 {
			m.drop(l)
		}
		return true
	}
	return false
}

// ReleaseAll gives back all of o's transaction-level locks at the end of the
// transaction; with session, the session's too.
func (m *Manager) ReleaseAll(o *Owner, session bool) {
	from := int32(1)
	if session {
		from = 0
	}
	for _, l := range o.local {
		m.dropLevels(l, from, 1<<30)
	}
	o.level = 1
}

// ReleaseAdvisorySession gives back all advisory locks of the session
// (pg_advisory_unlock_all).
func (m *Manager) ReleaseAdvisorySession(o *Owner) {
	for _, l := range o.local {
		if l.key.tag.Type == TagAdvisory {
			m.dropLevels(l, 0, 0)
		}
	}
}

// dropLevels forgets the acquisitions of the levels from to upto, and the lock
// if no other is left.
func (m *Manager) dropLevels(l *local, from, upto int32) {
	kept := l.holds[:0]
	l.total = 0
	for _, h := range l.holds {
		if h.level < from || h.level > upto {
			kept = append(kept, h)
			l.total += h.n
		}
	}
	l.holds = kept
	if l.total == 0 {
		m.drop(l)
	}
}

// drop gives l back to the shared table.
func (m *Manager) drop(l *local) {
	h := l.holder
	o, lk, mode := h.owner, h.lock, l.key.mode
	p := m.part(l.key.tag)
	p.Lock()
	if lk.take(h, mode) {
		lk.wakeWaiters()
	}
	p.forget(lk, h)
	p.Unlock()
	delete(o.local, l.key)
	l.holder = nil
	o.free = append(o.free, l)
}

// AcquireAt is Acquire at a level of nesting: 1 is the transaction, 2 its
// subtransaction. For transaction ids, which a parent may get while a child runs.
func (m *Manager) AcquireAt(ctx context.Context, o *Owner, tag Tag, mode Mode, level int) error {
	_, err := m.acquire(ctx, o, tag, mode, int32(level), true)
	return err
}
