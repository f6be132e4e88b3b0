package xact

import (
	"fmt"
	"sync"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/xlog"
)

const (
	infoOriginSet  = 0x00
	infoOriginDrop = 0x10
)

// OriginProgress is how far a replication origin has been replayed.
type OriginProgress struct{ Remote, Local lsn.LSN }

// originTable is the progress of all replication origins.
type originTable struct {
	sync.Mutex
	at map[uint16]OriginProgress
}

func (o *originTable) advance(node uint16, remote, local lsn.LSN) {
	o.set(node, remote, local, false)
}

func (o *originTable) set(node uint16, remote, local lsn.LSN, force bool) {
	o.Lock()
	defer o.Unlock()
	if o.at == nil {
		o.at = make(map[uint16]OriginProgress)
	}
	p := o.at[node]
	if force || p.Remote < remote {
		p.Remote = remote
	}
	if local != lsn.Invalid && (force || p.Local < local) {
		p.Local = local
	}
	o.at[node] = p
}

// OriginProgress is how far origin node has been replayed.
func (m *Manager) OriginProgress(node uint16) OriginProgress {
	m.origins.Lock()
	defer m.origins.Unlock()
	return m.origins.at[node]
}

// originRec is ReplicationOrigin SET (xl_replorigin_set): remote LSN, node id,
// force; DROP has only the node id.
type originRec struct {
	Remote lsn.LSN
	Node   uint16
	Force  bool
}

func decodeOrigin(info uint8, d []byte) (r originRec, err error) {
	c := cursor{b: d}
	if info == infoOriginSet {
		r.Remote = lsn.LSN(c.u64())
	}
	r.Node = c.u16()
	if info == infoOriginSet {
		if p := c.bytes(1); p != nil {
			r.Force = p[0] != 0
		}
	}
	return r, c.err("replication origin")
}

// RedoReplicationOrigin replays the records of the resource manager
// ReplicationOrigin.
func (m *Manager) RedoReplicationOrigin(d *xlog.Decoded) error {
	info := d.RmgrInfo()
	if info != infoOriginSet && info != infoOriginDrop {
		return unknownRecord(d)
	}
	r, err := decodeOrigin(info, d.Main)
	if err != nil {
		return err
	}
	if info == infoOriginSet {
		m.origins.set(r.Node, r.Remote, d.End, r.Force)
		return nil
	}
	m.origins.Lock()
	delete(m.origins.at, r.Node)
	m.origins.Unlock()
	return nil
}

func descOrigin(dst []byte, d *xlog.Decoded) []byte {
	r, err := decodeOrigin(d.RmgrInfo(), d.Main)
	if err != nil {
		return dst
	}
	if d.RmgrInfo() == infoOriginSet {
		force := 0
		if r.Force {
			force = 1
		}
		return fmt.Appendf(dst, "set %d; lsn %s; force: %d", r.Node, r.Remote, force)
	}
	return fmt.Appendf(dst, "drop %d", r.Node)
}
