package xlog

import (
	"fmt"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/pgcontrol"
)

// InsertCheckpoint logs a checkpoint record and returns where it starts (what
// pg_control keeps) and ends.
func (l *Log) InsertCheckpoint(r *Record, c *pgcontrol.CheckPoint, shutdown bool) (start, end lsn.LSN, err error) {
	info := uint8(InfoCheckpointOnline)
	if shutdown {
		info = InfoCheckpointShutdown
	}
	r.Begin(RmXLOG, info, 0)
	r.Data(c.Append(nil))
	end, err = l.Insert(r)
	return r.Start(), end, err
}

func descCheckpoint(dst []byte, d *Decoded) []byte {
	c, err := pgcontrol.DecodeCheckPoint(d.Main)
	if err != nil {
		return descShort(dst)
	}
	kind := "online"
	if d.RmgrInfo() == InfoCheckpointShutdown {
		kind = "shutdown"
	}
	return fmt.Appendf(dst, "redo %s; tli %d; prev tli %d; fpw %t; xid %d:%d; oid %d; multi %d; offset %d; "+
		"oldest xid %d in DB %d; oldest multi %d in DB %d; "+
		"oldest/newest commit timestamp xid: %d/%d; oldest running xid %d; %s",
		c.Redo, c.TLI, c.PrevTLI, c.FullPageWrites, c.NextXID.Epoch(), c.NextXID.XID(), c.NextOID,
		c.NextMulti, c.NextMultiOffset, c.OldestXID, c.OldestXIDDB, c.OldestMulti, c.OldestMultiDB,
		c.OldestCommitTsXID, c.NewestCommitTsXID, c.OldestActiveXID, kind)
}
