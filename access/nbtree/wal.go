package nbtree

import (
	"fmt"

	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xlog"
)

// Record types of the Btree resource manager: the high four bits of xl_info
// (access/nbtxlog.h). FROZEN.
const (
	infoInsertLeaf  = 0x00
	infoInsertUpper = 0x10
	infoInsertMeta  = 0x20
	infoSplitL      = 0x30
	infoSplitR      = 0x40
	infoInsertPost  = 0x50
	infoDedup       = 0x60
	infoDelete      = 0x70
	infoUnlink      = 0x80
	infoUnlinkMeta  = 0x90
	infoNewRoot     = 0xA0
	infoHalfDead    = 0xB0
	infoVacuum      = 0xC0
	infoReuse       = 0xD0
	infoMetaCleanup = 0xE0
)

// Names as messages print them. constant
var recordNames = [16]string{
	"INSERT_LEAF", "INSERT_UPPER", "INSERT_META", "SPLIT_L", "SPLIT_R", "INSERT_POST", "DEDUP", "DELETE",
	"UNLINK_PAGE", "UNLINK_PAGE_META", "NEWROOT", "MARK_PAGE_HALFDEAD", "VACUUM", "REUSE_PAGE", "META_CLEANUP", "",
}

// badRecord is a record or page that no btree has.
func badRecord(format string, a ...any) error {
	return fmt.Errorf("%w: btree: %s", page.ErrCorrupt, fmt.Sprintf(format, a...))
}

// Describers are the descriptions of the Btree resource manager's records.
func Describers() []xlog.Describer {
	return []xlog.Describer{{ID: xlog.RmBtree, Identify: identify, Desc: describe}}
}

func identify(info uint8) string { return recordNames[info>>4] }

// describe appends what pg_waldump prints of a record. A record that does not
// decode has no description.
func describe(dst []byte, d *xlog.Decoded) []byte {
	m := d.Main
	switch d.RmgrInfo() {
	case infoInsertLeaf, infoInsertUpper, infoInsertMeta, infoInsertPost:
		return descInsert(dst, m)
	case infoSplitL, infoSplitR:
		return descSplit(dst, m)
	case infoDedup:
		return descDedup(dst, m)
	case infoVacuum:
		return descVacuum(dst, m)
	case infoDelete:
		return descDelete(dst, m)
	case infoHalfDead:
		return descHalfDead(dst, m)
	case infoUnlink, infoUnlinkMeta:
		return descUnlink(dst, m)
	case infoNewRoot:
		return descNewRoot(dst, m)
	case infoReuse:
		return descReuse(dst, m)
	case infoMetaCleanup:
		return descMetaCleanup(dst, d)
	}
	return dst
}

// Redo replays the records of the Btree resource manager. It uses only the
// record and its pages.
func Redo(pool *bufmgr.Pool) xlog.RedoFunc {
	return func(d *xlog.Decoded) error {
		r := redoer{pool, d}
		switch d.RmgrInfo() {
		case infoInsertLeaf, infoInsertUpper, infoInsertMeta, infoInsertPost:
			return r.insert()
		case infoSplitL, infoSplitR:
			return r.split()
		case infoDedup:
			return r.dedup()
		case infoVacuum:
			return r.vacuum()
		case infoDelete:
			return r.delete()
		case infoHalfDead:
			return r.halfDead()
		case infoUnlink, infoUnlinkMeta:
			return r.unlink()
		case infoNewRoot:
			return r.newRoot()
		case infoReuse:
			return nil // a conflict point for standbys: no page changes
		case infoMetaCleanup:
			return r.meta(0)
		}
		return badRecord("record type %#x", d.RmgrInfo())
	}
}

// redoer replays one record.
type redoer struct {
	pool *bufmgr.Pool
	d    *xlog.Decoded
}

// page replays the record's effect on block id, if the record has that block:
// apply gets the page and the block's data.
func (r redoer) page(id uint8, apply func(p page.Page, data []byte) error) error {
	return r.pageMode(id, bufmgr.RedoRead{}, apply)
}

// fresh is page for a block that the record makes from nothing.
func (r redoer) fresh(id uint8, apply func(p page.Page, data []byte) error) error {
	return r.pageMode(id, bufmgr.RedoRead{Mode: bufmgr.Zero}, apply)
}

func (r redoer) pageMode(id uint8, how bufmgr.RedoRead, apply func(p page.Page, data []byte) error) error {
	blk := r.d.Block(id)
	if blk == nil {
		return nil
	}
	buf, act, err := bufmgr.ReadForRedo(r.pool, r.d, id, how)
	if err != nil {
		return err
	}
	if act == bufmgr.NeedsRedo {
		p := r.pool.Page(buf)
		if how.Mode == bufmgr.Normal {
			err = checkNode(p)
		}
		if err == nil {
			err = apply(p, blk.Data)
		}
		if err == nil {
			stamp(p, r.d.End)
			r.pool.MarkDirty(buf)
		} else {
			err = fmt.Errorf("replay %s at %s on %s: %w", identify(r.d.RmgrInfo()), r.d.Start, blk.Tag, err)
		}
	}
	if act != bufmgr.NotFound {
		r.pool.UnlockRelease(buf)
	}
	return err
}

// stamp sets pd_lsn.
func stamp(p page.Page, l lsn.LSN) { p.SetLSN(l) }

// meta rebuilds the meta page from block id's data.
func (r redoer) meta(id uint8) error { return r.fresh(id, applyMeta) }

// clearIncomplete replays the end of a split on block id, the left half.
func (r redoer) clearIncomplete(id uint8) error { return r.page(id, applyClearIncomplete) }

// applyClearIncomplete says that the parent has got the downlink of the page to
// the right.
func applyClearIncomplete(p page.Page, _ []byte) error {
	node{p}.dropBits(flagIncomplete)
	return nil
}
