package xact

import (
	"context"

	"github.com/pgmini/pgmini/xact/ssi"
)

// SSI is what the server knows of its serializable transactions.
func (m *Manager) SSI() *ssi.Manager { return m.ssi }

// SSI is the transaction among the serializable ones; nil if it is not one whose
// reads and writes must be tracked.
func (t *Tx) SSI() *ssi.Xact { return t.ssi }

func (t *Tx) ssiInfo() ssi.Info {
	return ssi.Info{PID: t.p.opt.PID, Virtual: t.VirtualID(), ReadOnly: t.opt.ReadOnly}
}

// beginSerializable takes the transaction's snapshot and registers it.
func (t *Tx) beginSerializable() *snapData {
	t.ssi = t.m.ssi.Begin(t.ssiInfo(), t.takeFirst)
	t.tellXIDs()
	return t.first
}

func (t *Tx) takeFirst() { t.first = t.m.takeSnapshot(t.p, true) }

// tellXIDs notes the ids that the transaction was given before its snapshot.
func (t *Tx) tellXIDs() {
	if t.ssi == nil {
		return
	}
	for i := range t.levels {
		for _, c := range t.levels[i].children {
			t.ssi.Assigned(c)
		}
		if f := t.levels[i].xid; f != 0 {
			t.ssi.Assigned(f.XID())
		}
	}
}

// WaitSafe takes the snapshot of a SERIALIZABLE READ ONLY DEFERRABLE transaction,
// once it is a safe one; for any other transaction it does nothing.
func (t *Tx) WaitSafe(ctx context.Context) error {
	if !t.opt.Deferrable || !t.opt.ReadOnly || t.opt.Isolation != Serializable || t.first != nil {
		return nil
	}
	err := t.m.ssi.BeginDeferrable(ctx, t.ssiInfo(), t.takeFirst)
	if err != nil {
		t.first = nil
	}
	return err
}

// endSSI ends the transaction for the serializable ones.
func (t *Tx) endSSI(commit bool) {
	switch {
	case t.ssi == nil:
		return
	case commit:
		t.ssi.Commit()
	default:
		t.ssi.Abort()
	}
	t.ssi = nil
}
