package lmgr

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmini/pgmini/pgerr"
)

// blockedBy is one line of a deadlock report.
type blockedBy struct {
	pid  int32
	mode Mode
	tag  Tag
	by   int32
}

// softEdge says that waiter stands behind blocker in the queue of lock and
// conflicts with it. Unlike a wait for a holder it can be turned around.
type softEdge struct {
	waiter, blocker *Owner
	lock            *lock
}

// maxTurned bounds the search for a reordering: beyond it the wait counts as a
// deadlock.
const maxTurned = 16

// detector searches the graph of waits. It holds all partition locks.
type detector struct {
	start   *Owner
	order   map[*lock][]*Owner // proposed queues
	visited []*Owner
	report  []blockedBy
}

// checkDeadlock looks whether o's wait can never end. If so o leaves the queue
// and gets the error; if reordering a queue helps, that is done.
func (m *Manager) checkDeadlock(o *Owner) error {
	for i := range m.parts {
		m.parts[i].Lock()
	}
	defer func() {
		for i := range m.parts {
			m.parts[i].Unlock()
		}
	}()
	if o.waitLock == nil {
		return nil // granted meanwhile; the token is in o.wake
	}
	d := &detector{start: o}
	if d.check(nil) {
		for lk, q := range d.order {
			copy(lk.queue, q)
		}
		for lk := range d.order {
			lk.wakeWaiters()
		}
		return nil
	}
	d.order, d.report = nil, nil
	d.cycle(o)
	lk, h := o.waitLock, o.waitHolder
	lk.dequeue(o)
	lk.wakeWaiters()
	m.part(lk.tag).forget(lk, h)
	return m.deadlockError(d.report)
}

// check reports whether some reversal of soft edges, beyond those in turned,
// leaves no cycle; d.order then has the queues.
func (d *detector) check(turned []softEdge) bool {
	if !d.arrange(turned) {
		return false
	}
	soft, found := d.cycle(d.start)
	for i := 0; !found && i < len(turned); i++ {
		// Turning an edge may have closed a cycle elsewhere.
		if soft, found = d.cycle(turned[i].waiter); !found {
			soft, found = d.cycle(turned[i].blocker)
		}
	}
	if !found {
		return true
	}
	if len(turned) >= maxTurned {
		return false
	}
	for _, e := range soft {
		if slices.Contains(turned, e) {
			continue
		}
		if d.check(append(slices.Clip(turned), e)) {
			return true
		}
	}
	return false
}

// arrange computes queues in which every turned edge's waiter stands before its
// blocker, changing as little as possible. It fails if the wishes contradict.
func (d *detector) arrange(turned []softEdge) bool {
	d.order = make(map[*lock][]*Owner)
	for _, e := range turned {
		if d.order[e.lock] == nil {
			q, ok := arrangeQueue(e.lock, turned)
			if !ok {
				return false
			}
			d.order[e.lock] = q
		}
	}
	return true
}

// arrangeQueue fills the new queue from its end: each time with the last waiter
// that need not stand before one that is still to be placed.
func arrangeQueue(lk *lock, turned []softEdge) ([]*Owner, bool) {
	left := slices.Clone(lk.queue)
	q := make([]*Owner, len(left))
	for at := len(q) - 1; at >= 0; at-- {
		pick := -1
		for i := len(left) - 1; i >= 0 && pick < 0; i-- {
			pick = i
			for _, e := range turned {
				if e.lock == lk && e.waiter == left[i] && slices.Contains(left, e.blocker) {
					pick = -1
					break
				}
			}
		}
		if pick < 0 {
			return nil, false
		}
		q[at] = left[pick]
		left = slices.Delete(left, pick, pick+1)
	}
	return q, true
}

// cycle follows the waits from o and reports whether they lead back to o, with
// the soft edges on the way. d.report then describes the cycle.
func (d *detector) cycle(o *Owner) ([]softEdge, bool) {
	d.visited = d.visited[:0]
	d.report = d.report[:0]
	var soft []softEdge
	found := d.follow(o, 0, &soft)
	return soft, found
}

func (d *detector) follow(o *Owner, depth int, soft *[]softEdge) bool {
	if i := slices.Index(d.visited, o); i >= 0 {
		return i == 0 // back at the start; other cycles are found by their own members
	}
	d.visited = append(d.visited, o)
	lk := o.waitLock
	if lk == nil {
		return false
	}
	mask := conflicts[o.waitMode]
	for _, h := range lk.holders {
		if h.owner != o && h.mask&mask != 0 && d.follow(h.owner, depth+1, soft) {
			d.note(depth, o, h.owner)
			return true
		}
	}
	queue, ok := d.order[lk]
	if !ok {
		queue = lk.queue
	}
	for _, w := range queue {
		if w == o {
			break
		}
		if mask&w.waitMode.bit() != 0 && d.follow(w, depth+1, soft) {
			d.note(depth, o, w)
			*soft = append(*soft, softEdge{waiter: o, blocker: w, lock: lk})
			return true
		}
	}
	return false
}

// note records that o waits for by; the cycle's first member comes first.
func (d *detector) note(depth int, o, by *Owner) {
	for len(d.report) <= depth {
		d.report = append(d.report, blockedBy{})
	}
	d.report[depth] = blockedBy{o.PID, o.waitMode, o.waitLock.tag, by.PID}
}

// deadlockError is 40P01 with one line per member of the cycle.
func (m *Manager) deadlockError(cycle []blockedBy) error {
	var b strings.Builder
	for i, c := range cycle {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "Process %d waits for %s on %s; blocked by process %d.", c.pid, c.mode, m.opt.Describe(c.tag), c.by)
	}
	return pgerr.New(pgerr.TRDeadlockDetected, "deadlock detected").
		WithDetail("%s", b.String()).
		WithHint("See server log for query details.")
}
