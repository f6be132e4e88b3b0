package pgcontrol

import (
	"encoding/binary"
	"hash/crc32"
)

// On-disk layout of ControlFileData and CheckPoint, PostgreSQL 15
// (catalog/pg_control.h) on a platform with 8-byte alignment. FROZEN: a change
// here is a new file, never an edit. Asserted against its neighbours below, and
// against control files that PostgreSQL 15 wrote in TestSameTextAsStock.
const (
	// Version is PG_CONTROL_VERSION of PostgreSQL 15.
	Version = 1300
	// CatalogVersion is CATALOG_VERSION_NO of PostgreSQL 15.
	CatalogVersion = 202209061
	// FileSize is the length of the file; the rest is zero.
	FileSize = 8192

	// CheckPointSize is the length of the body of a checkpoint record.
	CheckPointSize = 88

	cpRedo          = 0  // uint64
	cpTLI           = 8  // uint32
	cpPrevTLI       = 12 // uint32
	cpFullPage      = 16 // bool
	cpNextXID       = 24 // uint64
	cpNextOID       = 32 // uint32, as all up to time
	cpNextMulti     = 36
	cpNextMultiOff  = 40
	cpOldestXID     = 44
	cpOldestXIDDB   = 48
	cpOldestMulti   = 52
	cpOldestMultiDB = 56
	cpTime          = 64 // int64
	cpOldestCommit  = 72
	cpNewestCommit  = 76
	cpOldestActive  = 80

	offSystemID     = 0  // uint64
	offVersion      = 8  // uint32
	offCatVersion   = 12 // uint32
	offState        = 16 // int32
	offTime         = 24 // int64
	offCheckPoint   = 32 // uint64
	offCopy         = 40
	offUnlogged     = 128 // uint64
	offMinRecovery  = 136 // uint64
	offMinRecTLI    = 144 // uint32
	offBackupStart  = 152 // uint64
	offBackupEnd    = 160 // uint64
	offEndRequired  = 168 // bool
	offWALLevel     = 172 // int32
	offLogHints     = 176 // bool
	offMaxConn      = 180 // int32, as all up to the next bool
	offMaxWorkers   = 184
	offMaxSenders   = 188
	offMaxPrepared  = 192
	offMaxLocks     = 196
	offTrackCommit  = 200 // bool
	offMaxAlign     = 204 // uint32
	offFloatFormat  = 208 // float64
	offBlockSize    = 216 // uint32, as all up to the next bool
	offRelSegSize   = 220
	offWALBlockSize = 224
	offWALSegSize   = 228
	offNameDataLen  = 232
	offIndexMaxKeys = 236
	offToastChunk   = 240
	offLOBlockSize  = 244
	offFloat8ByVal  = 248 // bool
	offChecksums    = 252 // uint32
	offNonce        = 256 // 32 bytes
	offCRC          = 288 // uint32
	dataSize        = 292
	structSize      = 296 // with the padding that PostgreSQL also reads

	nonceLen         = 32
	floatFormatValue = 1234567.0
)

// Compile-time checks: an index is out of range unless the two are equal.
var (
	_ = [1]struct{}{}[offUnlogged-(offCopy+CheckPointSize)]
	_ = [1]struct{}{}[offCRC-(offNonce+nonceLen)]
	_ = [1]struct{}{}[dataSize-(offCRC+4)]
	_ = [1]struct{}{}[CheckPointSize-(cpOldestActive+4+4)]
	_ = [512 - dataSize]struct{}{} // one disk sector holds all that counts
)

var le = binary.LittleEndian // constant

var castagnoli = crc32.MakeTable(crc32.Castagnoli) // constant
