package nbtree

import (
	"encoding/binary"

	"github.com/pgmini/pgmini/page"
)

// On-disk layout of btree pages and tuples, PostgreSQL 15 (access/nbtree.h,
// access/itup.h). FROZEN: a change here is a new file, never an edit. Asserted
// against files that PostgreSQL 15 wrote in TestStockReplay.

var le = binary.LittleEndian // constant

// BTPageOpaqueData: the special space of every page.
const (
	opaqueSize = 16
	offPrev    = 0  // uint32
	offNext    = 4  // uint32
	offLevel   = 8  // uint32
	offFlags   = 12 // uint16
	offCycleID = 14 // uint16

	specialAt = page.Size - opaqueSize
)

// Bits of btpo_flags.
const (
	flagLeaf       = 1 << 0
	flagRoot       = 1 << 1
	flagDeleted    = 1 << 2
	flagMeta       = 1 << 3
	flagHalfDead   = 1 << 4
	flagSplitEnd   = 1 << 5
	flagHasGarbage = 1 << 6
	flagIncomplete = 1 << 7 // BTP_INCOMPLETE_SPLIT
	flagFullXID    = 1 << 8 // BTP_HAS_FULLXID
)

// maxCycleID is MAX_BT_CYCLE_ID.
const maxCycleID = 0xFF7F

// BTMetaPageData, at the start of block 0's contents.
const (
	metaMagic   = 0x053162
	metaVersion = 4

	offMagic        = page.HeaderSize + 0
	offVersion      = page.HeaderSize + 4
	offRoot         = page.HeaderSize + 8
	offRootLevel    = page.HeaderSize + 12
	offFastRoot     = page.HeaderSize + 16
	offFastLevel    = page.HeaderSize + 20
	offDelPages     = page.HeaderSize + 24
	offHeapTuples   = page.HeaderSize + 32 // float8, deprecated: always -1
	offAllEqual     = page.HeaderSize + 40
	metaLower       = page.HeaderSize + 48
	metaRecordSize  = 28 // xl_btree_metadata
	metaBlock       = page.BlockNumber(0)
	noBlock         = page.BlockNumber(0) // P_NONE
	offSafeXID      = page.HeaderSize     // BTDeletedPageData.safexid
	deletedLower    = page.HeaderSize + 8
	hikey           = page.OffsetNumber(1) // P_HIKEY
	firstAfterHikey = page.OffsetNumber(2) // P_FIRSTKEY
)

// IndexTupleData: TID, then t_info.
const (
	tupHeader   = 8
	offInfo     = 6
	infoSize    = 0x1FFF
	infoAlt     = 0x2000 // INDEX_ALT_TID_MASK
	infoVar     = 0x4000
	infoNull    = 0x8000
	nullBitmap  = 4 // INDEX_MAX_KEYS bits
	statusMask  = 0xF000
	countMask   = 0x0FFF
	pivotHasTID = 0x1000 // BT_PIVOT_HEAP_TID_ATTR
	isPosting   = 0x2000 // BT_IS_POSTING
)

// Limits.
const (
	pageRoom        = page.Size - page.HeaderSize - opaqueSize
	maxItemSize     = (page.Size - (page.HeaderSize+3*page.ItemIDSize+3*page.TIDSize+7)&^7 - opaqueSize) / 3 &^ 7 // BTMaxItemSize: 2704
	maxItemNoTID    = (page.Size - (page.HeaderSize+3*page.ItemIDSize+7)&^7 - opaqueSize) / 3 &^ 7                // 2712
	maxTIDsPerPage  = pageRoom / page.TIDSize                                                                     // MaxTIDsPerBTreePage: 1358
	maxItemsPerPage = (page.Size - page.HeaderSize) / (page.ItemIDSize + 16)                                      // MaxIndexTuplesPerPage: 408
	nonleafFill     = 70
	defaultFill     = 90
	singleValueFill = 96
	maxPostingCap   = maxItemSize / 2
)

// Compile-time checks: the index is out of range unless the two are equal.
var (
	_ = [1]struct{}{}[maxItemSize-2704]
	_ = [1]struct{}{}[maxItemNoTID-2712]
	_ = [1]struct{}{}[maxTIDsPerPage-1358]
	_ = [1]struct{}{}[maxItemsPerPage-408]
	_ = [1]struct{}{}[metaLower-72]
)
