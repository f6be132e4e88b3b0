package lmgr

import "time"

// Row is one row of pg_locks.
type Row struct {
	Tag     Tag
	Mode    Mode
	PID     int32
	Virtual VirtualXID // of the holder's or waiter's transaction
	Granted bool
	// FastPath says that the lock is not in the shared table.
	FastPath  bool
	WaitStart time.Time // zero if Granted
}

// List is a snapshot of all locks held and awaited, for pg_locks.
func (m *Manager) List() []Row {
	ids := make(map[*Owner]VirtualXID)
	var rows []Row
	for _, o := range m.allOwners() {
		o.virtual.Lock()
		ids[o] = o.virtual.id
		if o.virtual.id.Valid() && !o.virtual.in {
			rows = append(rows, Row{Tag: Virtual(o.virtual.id), Mode: Exclusive, PID: o.PID,
				Virtual: o.virtual.id, Granted: true, FastPath: true})
		}
		o.virtual.Unlock()
	}
	for i := range m.parts {
		m.parts[i].Lock()
	}
	for i := range m.parts {
		for _, lk := range m.parts[i].locks {
			rows = lk.rows(rows, ids)
		}
	}
	for i := range m.parts {
		m.parts[i].Unlock()
	}
	return rows
}

func (lk *lock) rows(rows []Row, ids map[*Owner]VirtualXID) []Row {
	for _, h := range lk.holders {
		for mode := Mode(1); mode <= maxMode; mode++ {
			if h.mask&mode.bit() != 0 {
				rows = append(rows, Row{Tag: lk.tag, Mode: mode, PID: h.owner.PID, Virtual: ids[h.owner], Granted: true})
			}
		}
	}
	for _, w := range lk.queue {
		rows = append(rows, Row{Tag: lk.tag, Mode: w.waitMode, PID: w.PID, Virtual: ids[w], WaitStart: w.waitSince})
	}
	return rows
}

// Blockers lists the process ids that keep pid waiting: holders of conflicting
// modes first, then conflicting waiters ahead of it (pg_blocking_pids).
func (m *Manager) Blockers(pid int32) []int32 {
	for i := range m.parts {
		m.parts[i].Lock()
	}
	defer func() {
		for i := range m.parts {
			m.parts[i].Unlock()
		}
	}()
	var pids []int32
	for _, o := range m.allOwners() {
		lk := o.waitLock
		if o.PID != pid || lk == nil {
			continue
		}
		for _, h := range lk.holders {
			if h.owner != o && h.mask&conflicts[o.waitMode] != 0 {
				pids = append(pids, h.owner.PID)
			}
		}
		for _, w := range lk.queue {
			if w == o {
				break
			}
			if w.waitMode.Conflicts(o.waitMode) {
				pids = append(pids, w.PID)
			}
		}
	}
	return pids
}

// EachExclusiveRelation calls f for every access exclusive lock held on a
// relation.
func (m *Manager) EachExclusiveRelation(f func(o *Owner, t Tag)) {
	for i := range m.parts {
		p := &m.parts[i]
		p.Lock()
		for _, lk := range p.locks {
			if lk.tag.Type != TagRelation || lk.grant&AccessExclusive.bit() == 0 {
				continue
			}
			for _, h := range lk.holders {
				if h.mask&AccessExclusive.bit() != 0 {
					f(h.owner, lk.tag)
				}
			}
		}
		p.Unlock()
	}
}
