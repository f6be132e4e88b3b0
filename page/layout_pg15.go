package page

import "encoding/binary"

// On-disk layout of PageHeaderData and ItemIdData, PostgreSQL 15
// (storage/bufpage.h, storage/itemid.h). FROZEN: a change here is a new file,
// never an edit. Asserted against its neighbours below, and against pages that
// PostgreSQL 15 wrote in TestGoldenPages.
const (
	Size = 8192

	offLSN      = 0  // two uint32, HIGH half first; not a uint64
	offChecksum = 8  // uint16
	offFlags    = 10 // uint16
	offLower    = 12 // uint16
	offUpper    = 14 // uint16
	offSpecial  = 16 // uint16
	offSizeVer  = 18 // uint16: page size | layout version
	offPruneXID = 20 // uint32

	HeaderSize    = 24 // line pointers start here
	ItemIDSize    = 4
	LayoutVersion = 4
)

// Flags of pd_flags.
const (
	HasFreeLines = 0x0001 // a line pointer may be unused
	PageFull     = 0x0002 // an update found no room
	AllVisible   = 0x0004 // every tuple is visible to everyone
	validFlags   = 0x0007
)

// Flags of a line pointer.
const (
	LPUnused   = 0
	LPNormal   = 1
	LPRedirect = 2
	LPDead     = 3
)

// Compile-time checks: an index is out of range unless the two are equal.
var (
	_ = [1]struct{}{}[HeaderSize-(offPruneXID+4)]
	_ = [1]struct{}{}[HeaderSize%8]
	_ = [1]struct{}{}[Size&(Size-1)]
)

var le = binary.LittleEndian // constant
