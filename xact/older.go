package xact

import (
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/xid"
)

// OlderSnapshots lists the transactions of database db, but p's own, that hold a
// snapshot whose xmin is not after limit (PostgreSQL: GetCurrentVirtualXIDs).
// Those of a lazy VACUUM look at no table but their own and are left out.
func (m *Manager) OlderSnapshots(p *Proc, db oid.OID, limit xid.XID) []lmgr.VirtualXID {
	a := &m.procs
	a.mu.RLock()
	defer a.mu.RUnlock()
	var out []lmgr.VirtualXID
	for _, o := range a.all {
		xmin := xid.Full(o.xmin.Load())
		if o == p || xmin == 0 || o.opt.Database != db || o.vacuum.Load() || limit.Precedes(xmin.XID()) {
			continue
		}
		if id := o.owner.VirtualID(); id != (lmgr.VirtualXID{}) {
			out = append(out, id)
		}
	}
	return out
}
