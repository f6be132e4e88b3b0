package heap

import (
	"fmt"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/xlog"
)

// Heap2 REWRITE (xl_heap_rewrite_mapping): where rows of a catalog went when it was
// rewritten, for logical decoding. xid, database, relation, offset in the file int64,
// number of mappings, and the LSN at which the rewrite began; then the mappings.
type rewriteRec struct {
	xid, db, rel uint32
	offset       int64
	count        uint32
	start        lsn.LSN
	mappings     []byte
}

const (
	rewriteSize = 40 // the fixed part; padding after rel and count
	mappingSize = 36 // LogicalRewriteMappingData: two files and two row ids
	mappingsDir = "pg_logical/mappings"
)

func decodeRewrite(b []byte) (rewriteRec, error) {
	if len(b) < rewriteSize {
		return rewriteRec{}, badRecord("REWRITE is too short")
	}
	r := rewriteRec{xid: le.Uint32(b), db: le.Uint32(b[4:]), rel: le.Uint32(b[8:]), offset: int64(le.Uint64(b[16:])),
		count: le.Uint32(b[24:]), start: lsn.LSN(le.Uint64(b[32:])), mappings: b[rewriteSize:]}
	if r.offset < 0 || uint64(len(r.mappings)) < uint64(r.count)*mappingSize {
		return rewriteRec{}, badRecord("REWRITE announces more than it holds")
	}
	r.mappings = r.mappings[:r.count*mappingSize]
	return r, nil
}

// redoRewrite writes the mappings to the file of the transaction that rewrote, at
// their place: what is behind it was written by the server that crashed.
func (e *RedoEnv) redoRewrite(d *xlog.Decoded) error {
	r, err := decodeRewrite(d.Main)
	if err != nil || e.FS == nil {
		return err
	}
	name := fmt.Sprintf("%s/map-%x-%x-%X_%X-%x-%x", mappingsDir, r.db, r.rel, uint32(r.start>>32), uint32(r.start), r.xid, uint32(d.XID))
	f, err := e.FS.Open(name, vfs.Write|vfs.Create)
	if err != nil {
		return pgerr.File(err, "create", name)
	}
	defer f.Close()
	if err := f.Truncate(r.offset); err != nil {
		return pgerr.File(err, "truncate", name)
	}
	if _, err := f.WriteAt(r.mappings, r.offset); err != nil {
		return pgerr.File(err, "write", name)
	}
	if err := f.Sync(); err != nil {
		return pgerr.File(err, "fsync", name)
	}
	return pgerr.File(e.FS.SyncDir(mappingsDir), "fsync", mappingsDir)
}
