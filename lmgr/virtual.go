package lmgr

import (
	"context"

	"github.com/pgmini/pgmini/pgerr"
)

// StartVirtual says that o runs transaction id. Its lock on id enters the table
// only when somebody waits for it, so that starting a transaction costs nothing.
func (o *Owner) StartVirtual(id VirtualXID) {
	o.virtual.Lock()
	o.virtual.id, o.virtual.in = id, false
	o.virtual.Unlock()
}

// EndVirtual says that the transaction of StartVirtual is over.
func (o *Owner) EndVirtual() {
	v := &o.virtual
	v.Lock()
	defer v.Unlock()
	if v.in {
		p := o.m.part(Virtual(v.id))
		p.Lock()
		lk := p.locks[Virtual(v.id)]
		h := p.holder(lk, o)
		lk.take(h, Exclusive)
		lk.wakeWaiters()
		p.forget(lk, h)
		p.Unlock()
	}
	v.id, v.in = VirtualXID{}, false
}

// VirtualID is the running transaction's virtual id; invalid if there is none.
func (o *Owner) VirtualID() VirtualXID {
	o.virtual.Lock()
	defer o.virtual.Unlock()
	return o.virtual.id
}

// WaitVirtual waits until transaction id is over.
func (m *Manager) WaitVirtual(ctx context.Context, o *Owner, id VirtualXID) error {
	if !m.materialize(id) {
		return nil
	}
	if err := m.Acquire(ctx, o, Virtual(id), Share); err != nil {
		return err
	}
	m.Release(o, Virtual(id), Share, false)
	return nil
}

// materialize puts the lock that id's owner holds on id into the table; false
// means that id is over.
func (m *Manager) materialize(id VirtualXID) bool {
	for _, o := range m.allOwners() {
		o.virtual.Lock()
		if o.virtual.id != id {
			o.virtual.Unlock()
			continue
		}
		if !o.virtual.in {
			p := m.part(Virtual(id))
			p.Lock()
			lk := p.find(Virtual(id))
			lk.give(p.holder(lk, o), Exclusive)
			p.Unlock()
			o.virtual.in = true
		}
		o.virtual.Unlock()
		return true
	}
	return false
}

func (m *Manager) allOwners() []*Owner {
	m.owners.Lock()
	defer m.owners.Unlock()
	all := make([]*Owner, 0, len(m.owners.set))
	for o := range m.owners.set {
		all = append(all, o)
	}
	return all
}

// Conflicting lists the virtual ids of the transactions that hold tag in a mode
// that excludes mode, but for o's own (PostgreSQL: GetLockConflicts). Prepared
// transactions have no virtual id and are listed with an invalid one.
func (m *Manager) Conflicting(o *Owner, tag Tag, mode Mode) []VirtualXID {
	var who []*Owner
	p := m.part(tag)
	p.Lock()
	if lk := p.locks[tag]; lk != nil {
		for _, h := range lk.holders {
			if h.owner != o && h.mask&conflicts[mode] != 0 {
				who = append(who, h.owner)
			}
		}
	}
	p.Unlock()
	ids := make([]VirtualXID, len(who))
	for i, w := range who {
		ids[i] = w.VirtualID()
	}
	return ids
}

// Waiters is the number of requests that wait for tag.
func (m *Manager) Waiters(tag Tag) int {
	p := m.part(tag)
	p.Lock()
	defer p.Unlock()
	if lk := p.locks[tag]; lk != nil {
		return len(lk.queue)
	}
	return 0
}

// CheckTransfer fails if the session also holds one of o's transaction-level
// locks: such locks cannot be handed over.
func (m *Manager) CheckTransfer(o *Owner) error {
	for _, l := range o.local {
		var session, tx bool
		for _, h := range l.holds {
			session = session || h.level == 0
			tx = tx || h.level != 0
		}
		if session && tx {
			return pgerr.New(pgerr.FeatureNotSupported,
				"cannot PREPARE while holding both session-level and transaction-level locks on the same object")
		}
	}
	return nil
}

// Transfer hands all transaction-level locks of from to to, as PREPARE
// TRANSACTION does. It fails, changing nothing, if CheckTransfer does.
func (m *Manager) Transfer(from, to *Owner) error {
	if err := m.CheckTransfer(from); err != nil {
		return err
	}
	for k, l := range from.local {
		if len(l.holds) == 0 || l.holds[0].level == 0 {
			continue
		}
		p := m.part(k.tag)
		p.Lock()
		lk, h := l.holder.lock, l.holder
		h.mask &^= k.mode.bit()
		nh := p.holder(lk, to)
		nh.mask |= k.mode.bit()
		p.forget(lk, h)
		p.Unlock()
		delete(from.local, k)
		to.newLocal(k, nh).add(1)
	}
	return nil
}

// Held lists what o holds for its transaction: the lock part of a two-phase
// state file.
func (o *Owner) Held() []Held {
	var all []Held
	for k, l := range o.local {
		for _, h := range l.holds {
			if h.level != 0 {
				all = append(all, Held{k.tag, k.mode})
				break
			}
		}
	}
	return all
}

// Held is a lock that an owner has.
type Held struct {
	Tag  Tag
	Mode Mode
}
