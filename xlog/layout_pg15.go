package xlog

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/pgmini/pgmini/page"
)

// On-disk layout of WAL pages and records, PostgreSQL 15 (access/xlogrecord.h,
// access/xlog_internal.h). FROZEN: a change here is a new file, never an edit.
// Asserted against its neighbours below, and against WAL that PostgreSQL 15
// wrote in TestReadStockWAL.
const (
	// PageSize is the length of a WAL page (XLOG_BLCKSZ).
	PageSize = 8192
	// PageMagic is xlp_magic of PostgreSQL 15 (XLOG_PAGE_MAGIC).
	PageMagic = 0xD110

	offMagic      = 0  // uint16
	offPageInfo   = 2  // uint16
	offPageTLI    = 4  // uint32
	offPageAddr   = 8  // uint64
	offRemLen     = 16 // uint32
	shortHeader   = 24 // MAXALIGN'd
	offSysID      = 24 // uint64, long header only
	offSegSize    = 32 // uint32
	offXLogBlcksz = 36 // uint32
	longHeader    = 40

	firstIsContRecord          = 0x0001
	isLongHeader               = 0x0002
	bkpRemovable               = 0x0004
	firstIsOverwriteContRecord = 0x0008
	allPageFlags               = 0x000F

	offTotLen    = 0  // uint32
	offXID       = 4  // uint32
	offPrev      = 8  // uint64
	offInfo      = 16 // uint8
	offRmid      = 17 // uint8, then two bytes of padding
	offCRC       = 20 // uint32
	recordHeader = 24

	blockHeaderSize    = 4 // id, fork and flags, data length
	imageHeaderSize    = 5 // length, hole offset, flags
	compressHeaderSize = 2 // hole length

	maxBlockID      = 32
	idDataShort     = 255
	idDataLong      = 254
	idOrigin        = 253
	idToplevelXID   = 252
	blockForkMask   = 0x0F
	blockHasImage   = 0x10
	blockHasData    = 0x20
	blockWillInit   = 0x40
	blockSameRel    = 0x80
	imageHasHole    = 0x01
	imageApply      = 0x02
	imagePGLZ       = 0x04
	imageLZ4        = 0x08
	imageZSTD       = 0x10
	imageCompressed = imagePGLZ | imageLZ4 | imageZSTD

	// InfoMask covers the bits of xl_info that WAL itself uses (XLR_INFO_MASK);
	// the others belong to the resource manager.
	InfoMask = 0x0F
	// SpecialRelUpdate marks a record that changes files without block
	// references (XLR_SPECIAL_REL_UPDATE).
	SpecialRelUpdate = 0x01
	// checkConsistency marks a record with images to compare
	// (XLR_CHECK_CONSISTENCY).
	checkConsistency = 0x02

	maxRecordLen = 0x3FFFFFFF // a longer one cannot be read back (MaxAllocSize)
)

// Compile-time checks: an index is out of range unless the two are equal.
var (
	_ = [1]struct{}{}[shortHeader-(offRemLen+4+4)]
	_ = [1]struct{}{}[longHeader-(offXLogBlcksz+4)]
	_ = [1]struct{}{}[recordHeader-(offCRC+4)]
	_ = [1]struct{}{}[PageSize-page.Size]
)

var le = binary.LittleEndian // constant

var castagnoli = crc32.MakeTable(crc32.Castagnoli) // constant
