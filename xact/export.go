package xact

import (
	"fmt"
	"slices"
	"sync"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xid"
)

// exports are the snapshots that running transactions offer to others
// (PostgreSQL: pg_export_snapshot).
type exports struct {
	sync.Mutex
	byName map[string]*exported
}

// exported is one of them. It holds while its transaction runs.
type exported struct {
	serializable bool
	p            *Proc
	db           oid.OID
	data         *snapData
}

// Export offers the transaction's snapshot to others until the transaction ends.
// What the transaction itself has done counts as running.
func (t *Tx) Export() (string, error) {
	if len(t.levels) > 1 {
		return "", pgerr.New(pgerr.ActiveSQLTransaction, "cannot export a snapshot from a subtransaction")
	}
	d := *t.Register(t.Snapshot()).data // held to the end
	d.xip = slices.Clone(d.xip)
	if x := t.top().xid; x != 0 && x < d.xmax {
		i, found := slices.BinarySearchFunc(d.xip, x.XID(), func(a, b xid.XID) int { return int(int32(a - b)) })
		if !found {
			d.xip = slices.Insert(d.xip, i, x.XID())
		}
		d.xmin = min(d.xmin, x)
		d.overflow = true // its subtransactions are found through pg_subtrans
	}
	e := &t.m.exports
	e.Lock()
	defer e.Unlock()
	if e.byName == nil {
		e.byName = map[string]*exported{}
	}
	name := ""
	for n := 1; name == "" || e.byName[name] != nil; n++ {
		name = fmt.Sprintf("%08X-%08X-%d", t.p.slot, t.p.local, n)
	}
	e.byName[name] = &exported{p: t.p, db: t.Database(), data: &d, serializable: t.opt.Isolation == Serializable}
	drop := func() {
		e.Lock()
		delete(e.byName, name)
		e.Unlock()
	}
	t.OnAbort(drop)
	t.OnCommit(drop)
	return name, nil
}

// ImportExported makes the transaction use the snapshot that another one exported
// under a name.
func (t *Tx) ImportExported(name string) error {
	m := t.m
	m.exports.Lock()
	x := m.exports.byName[name]
	m.exports.Unlock()
	if x == nil {
		return pgerr.New(pgerr.InvalidParameterValue, "invalid snapshot identifier: \"%s\"", name)
	}
	if t.opt.Isolation == Serializable {
		if !x.serializable {
			return pgerr.New(pgerr.FeatureNotSupported, "a serializable transaction cannot import a snapshot from a non-serializable transaction")
		}
		return pgerr.NotYet("importing the snapshot of a serializable transaction")
	}
	if x.db != t.Database() {
		return pgerr.New(pgerr.FeatureNotSupported, "cannot import a snapshot from a different database")
	}
	// Our horizon is set before the other's is seen to be there still, so row
	// versions that the snapshot sees were kept all the time. If the other
	// transaction has ended and its session's next one has as old a horizon, so has
	// everyone had in between.
	t.p.xmin.Store(uint64(x.data.xmin))
	if held := xid.Full(x.p.xmin.Load()); held == 0 || held > x.data.xmin {
		t.p.xmin.Store(0)
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "could not import the requested snapshot").
			WithDetail("The source transaction is not running anymore.")
	}
	t.first = x.data
	return nil
}
