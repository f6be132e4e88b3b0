package heap

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/fsm"
	"github.com/pgmini/pgmini/access/vm"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xlog/rmgrs"
)

// Truncate cuts rel's main fork to n blocks, and its maps to match
// (RelationTruncate). The caller holds AccessExclusive, so that nobody has a
// buffer of the pages that go.
func Truncate(tx *xact.Tx, rel *access.Relation, n page.BlockNumber) error {
	rel.SetTargetBlock(page.InvalidBlock)
	var logImage func(tag page.Tag, p page.Page) (lsn.LSN, error)
	if rel.Logged() && rel.Sys.HintWAL {
		logImage = func(tag page.Tag, p page.Page) (lsn.LSN, error) { return rel.Sys.Log.SaveHint(&tx.Rec, tag, p, false) }
	}
	m := fsm.Of(rel.Pool, rel.Node)
	fsmKeep, err := m.TruncatePrepare(n, logImage)
	if err != nil {
		return err
	}
	vmKeep, err := vm.TruncatePrepare(rel.Pool, rel.Node, n, logImage)
	if err != nil {
		return err
	}
	err = tx.DelayCheckpoint(func() error {
		if err := logTruncate(tx, rel, n); err != nil {
			return err
		}
		files := rel.Sys.Smgr.Of(smgr.Rel{RelFileNode: rel.Node, Backend: rel.Backend})
		for _, f := range []struct {
			fork page.Fork
			keep page.BlockNumber
		}{{page.MainFork, n}, {page.FSMFork, fsmKeep}, {page.VMFork, vmKeep}} {
			if f.keep == page.InvalidBlock {
				continue
			}
			rel.Pool.DropRel(rel.Node, f.fork, f.keep)
			if err := files.Truncate(rel.Node, f.fork, f.keep); err != nil {
				return broken(rel, "truncate a relation", err)
			}
		}
		return nil
	})
	if err != nil || fsmKeep == page.InvalidBlock {
		return err
	}
	return m.Vacuum(n, page.InvalidBlock)
}

// logTruncate logs the truncation and makes the record durable: a file must not be
// shorter than what the log can explain.
func logTruncate(tx *xact.Tx, rel *access.Relation, n page.BlockNumber) error {
	if !rel.Logged() {
		return nil
	}
	rmgrs.StorageTruncate{Blocks: n, Node: rel.Node, Flags: rmgrs.TruncateAll}.Build(&tx.Rec, tx.TopXID())
	end, err := rel.Sys.Log.Insert(&tx.Rec)
	if err != nil {
		return fatal(rel, err)
	}
	return rel.Sys.Log.Flush(end)
}
