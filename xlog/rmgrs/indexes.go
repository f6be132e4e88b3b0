package rmgrs

import (
	"fmt"
	"math"
	"strconv"

	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

// Access methods that pgmini does not replay yet: their records are named and
// described, so that recovery can say what it refuses. Of Gin and of SPGist's
// rarer records only the names are known here.

func identifyHash(info uint8) string {
	names := [...]string{"INIT_META_PAGE", "INIT_BITMAP_PAGE", "INSERT", "ADD_OVFL_PAGE", "SPLIT_ALLOCATE_PAGE",
		"SPLIT_PAGE", "SPLIT_COMPLETE", "MOVE_PAGE_CONTENTS", "SQUEEZE_PAGE", "DELETE", "SPLIT_CLEANUP",
		"UPDATE_META_PAGE", "VACUUM_ONE_PAGE"}
	return nth(names[:], info)
}

func identifyGin(info uint8) string {
	names := [...]string{"", "CREATE_PTREE", "INSERT", "SPLIT", "VACUUM_PAGE", "DELETE_PAGE", "UPDATE_META_PAGE",
		"INSERT_LISTPAGE", "DELETE_LISTPAGE", "VACUUM_DATA_LEAF_PAGE"}
	return nth(names[:], info)
}

func identifyGist(info uint8) string {
	names := [...]string{"PAGE_UPDATE", "DELETE", "PAGE_REUSE", "PAGE_SPLIT", "", "", "PAGE_DELETE", "ASSIGN_LSN"}
	return nth(names[:], info)
}

func identifySPGist(info uint8) string {
	names := [...]string{"", "ADD_LEAF", "MOVE_LEAFS", "ADD_NODE", "SPLIT_TUPLE", "PICKSPLIT", "VACUUM_LEAF",
		"VACUUM_ROOT", "VACUUM_REDIRECT"}
	return nth(names[:], info)
}

func identifyBrin(info uint8) string {
	names := [...]string{"CREATE_INDEX", "INSERT", "UPDATE", "SAMEPAGE_UPDATE", "REVMAP_EXTEND", "DESUMMARIZE",
		"", "", "", "INSERT+INIT", "UPDATE+INIT"}
	return nth(names[:], info)
}

func nth(names []string, info uint8) string {
	if i := int(info >> 4); i < len(names) {
		return names[i]
	}
	return ""
}

// body reads fields of a record's main data; ok turns false when it is too
// short.
type body struct {
	b  []byte
	ok bool
}

func (r *body) at(off, n int) []byte {
	if len(r.b) < off+n {
		r.ok = false
		return make([]byte, n)
	}
	return r.b[off : off+n]
}

func (r *body) u16(off int) uint16 { return le.Uint16(r.at(off, 2)) }
func (r *body) u32(off int) uint32 { return le.Uint32(r.at(off, 4)) }
func (r *body) u64(off int) uint64 { return le.Uint64(r.at(off, 8)) }
func (r *body) bool(off int) bool  { return r.at(off, 1)[0] != 0 }
func (r *body) tf(off int) string  { return letter(r.bool(off)) }
func (r *body) float(off int) string {
	return strconv.FormatFloat(math.Float64frombits(r.u64(off)), 'g', 6, 64)
}

func letter(b bool) string {
	if b {
		return "T"
	}
	return "F"
}

// describing makes a Desc of a function that reads the main data.
func describing(f func(info uint8, r *body) string) func([]byte, *xlog.Decoded) []byte {
	return func(dst []byte, d *xlog.Decoded) []byte {
		r := body{d.Main, true}
		text := f(d.RmgrInfo(), &r)
		if !r.ok {
			return descShort(dst)
		}
		return append(dst, text...)
	}
}

func hashText(info uint8, r *body) string {
	switch info {
	case 0x00:
		return fmt.Sprintf("num_tuples %s, fillfactor %d", r.float(0), r.u16(12))
	case 0x10:
		return fmt.Sprintf("bmsize %d", r.u16(0))
	case 0x20:
		return fmt.Sprintf("off %d", r.u16(0))
	case 0x30:
		return fmt.Sprintf("bmsize %d, bmpage_found %s", r.u16(0), r.tf(2))
	case 0x40:
		f := r.at(8, 1)[0]
		return fmt.Sprintf("new_bucket %d, meta_page_masks_updated %s, issplitpoint_changed %s", r.u32(0), letter(f&1 != 0), letter(f&2 != 0))
	case 0x60:
		return fmt.Sprintf("old_bucket_flag %d, new_bucket_flag %d", r.u16(0), r.u16(2))
	case 0x70:
		return fmt.Sprintf("ntups %d, is_primary %s", r.u16(0), r.tf(2))
	case 0x80:
		return fmt.Sprintf("prevblkno %d, nextblkno %d, ntups %d, is_primary %s", r.u32(0), r.u32(4), r.u16(8), r.tf(10))
	case 0x90:
		return fmt.Sprintf("clear_dead_marking %s, is_primary %s", r.tf(0), r.tf(1))
	case 0xB0:
		return fmt.Sprintf("ntuples %s", r.float(0))
	case 0xC0:
		return fmt.Sprintf("ntuples %d, latestRemovedXid %d", int32(r.u32(4)), r.u32(0))
	}
	return ""
}

func brinText(info uint8, r *body) string {
	switch info & 0x70 {
	case 0x00:
		return fmt.Sprintf("v%d pagesPerRange %d", r.u16(4), r.u32(0))
	case 0x10:
		return fmt.Sprintf("heapBlk %d pagesPerRange %d offnum %d", r.u32(0), r.u32(4), r.u16(8))
	case 0x20:
		return fmt.Sprintf("heapBlk %d pagesPerRange %d old offnum %d, new offnum %d", r.u32(4), r.u32(8), r.u16(0), r.u16(12))
	case 0x30:
		return fmt.Sprintf("offnum %d", r.u16(0))
	case 0x40:
		return fmt.Sprintf("targetBlk %d", r.u32(0))
	case 0x50:
		return fmt.Sprintf("pagesPerRange %d, heapBlk %d, page offset %d", r.u32(0), r.u32(4), r.u16(8))
	}
	return ""
}

func gistText(info uint8, r *body) string {
	switch info {
	case 0x10:
		return fmt.Sprintf("delete: latestRemovedXid %d, nitems: %d", r.u32(0), r.u16(4))
	case 0x20:
		x := xid.Full(r.u64(16))
		return fmt.Sprintf("rel %s; blk %d; latestRemovedXid %d:%d", getNode(r.at(0, 12)), r.u32(12), x.Epoch(), x.XID())
	case 0x30:
		return fmt.Sprintf("page_split: splits to %d pages", r.u16(18))
	case 0x60:
		x := xid.Full(r.u64(0))
		return fmt.Sprintf("deleteXid %d:%d; downlink %d", x.Epoch(), x.XID(), r.u16(8))
	}
	return ""
}

func spgistText(info uint8, r *body) string {
	if info != 0x10 {
		return ""
	}
	text := fmt.Sprintf("off: %d, headoff: %d, parentoff: %d, nodeI: %d", r.u16(2), r.u16(4), r.u16(6), r.u16(8))
	if r.bool(0) {
		text += " (newpage)"
	}
	if r.bool(1) {
		text += " (nulls)"
	}
	return text
}

func ginText(uint8, *body) string { return "" }
