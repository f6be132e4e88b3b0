package xact

import (
	"fmt"

	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

// Transaction ASSIGNMENT (xl_xact_assignment) tells standbys to which top-level
// transaction subtransactions belong: its xid, the number of subtransactions,
// their xids.

// logAssignment logs the subtransactions that no record has named yet.
func (t *Tx) logAssignment() error {
	b := le.AppendUint32(le.AppendUint32(nil, uint32(t.TopXID())), uint32(len(t.unreported)))
	b = appendXIDs(b, t.unreported)
	rec := t.record()
	rec.Begin(xlog.RmXact, infoAssignment, t.XIDIfAny())
	rec.Data(b)
	if _, err := t.m.opt.Log.Insert(rec); err != nil {
		return t.m.fatal(err)
	}
	t.unreported = t.unreported[:0]
	return nil
}

func decodeAssignment(d []byte) (top xid.XID, subs []xid.XID, err error) {
	c := cursor{b: d}
	top = xid.XID(c.u32())
	subs = c.xids(c.u32())
	return top, subs, c.err("subtransaction assignment")
}

func descAssignment(dst []byte, d *xlog.Decoded) []byte {
	top, subs, err := decodeAssignment(d.Main)
	if err != nil {
		return dst
	}
	dst = fmt.Appendf(dst, "xtop %d: subxacts:", top)
	for _, x := range subs {
		dst = fmt.Appendf(dst, " %d", x)
	}
	return dst
}

// Transaction INVALIDATION (xl_xact_invals): the number of messages, then the
// messages; written for logical decoding.
func decodeXactInvals(d []byte) ([]byte, error) {
	c := cursor{b: d}
	msgs := c.items(c.u32(), invalSize)
	return msgs, c.err("invalidation")
}
