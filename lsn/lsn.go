// Package lsn holds the vocabulary of positions in the write-ahead log: the LSN,
// the timeline, and the arithmetic that maps an LSN to a segment file.
package lsn

import (
	"fmt"
	"strconv"
	"strings"
)

// LSN is a byte position in the write-ahead log (PostgreSQL: XLogRecPtr). Zero
// is invalid: the log never has a record there.
type LSN uint64

// Invalid is the LSN that no record has (PostgreSQL: InvalidXLogRecPtr).
const Invalid LSN = 0

// String prints l as PostgreSQL does: both halves in hexadecimal, no padding.
func (l LSN) String() string {
	return strings.ToUpper(strconv.FormatUint(uint64(l>>32), 16) + "/" + strconv.FormatUint(uint64(uint32(l)), 16))
}

// Parse reads the form that String prints. Each half has one to eight
// hexadecimal digits.
func Parse(s string) (LSN, error) {
	hi, lo, ok := strings.Cut(s, "/")
	if !ok || len(hi) == 0 || len(hi) > 8 || len(lo) == 0 || len(lo) > 8 {
		return 0, fmt.Errorf("invalid LSN %q", s)
	}
	h, err := strconv.ParseUint(hi, 16, 32)
	if err != nil {
		return 0, fmt.Errorf("invalid LSN %q", s)
	}
	l, err := strconv.ParseUint(lo, 16, 32)
	if err != nil {
		return 0, fmt.Errorf("invalid LSN %q", s)
	}
	return LSN(h<<32 | l), nil
}

// Timeline numbers a line of history (PostgreSQL: TimeLineID). It starts at 1.
type Timeline uint32

// SegNo numbers a segment: the LSN of its first byte divided by the segment size.
type SegNo uint64

// SegSize is the length of a segment file in bytes: a power of two from 1 MB to
// 1 GB (initdb --wal-segsize).
type SegSize uint64

// The limits and the default of SegSize.
const (
	MinSegSize     SegSize = 1 << 20
	MaxSegSize     SegSize = 1 << 30
	DefaultSegSize SegSize = 16 << 20
)

// Valid reports whether s is a size that PostgreSQL accepts.
func (s SegSize) Valid() bool {
	return s >= MinSegSize && s <= MaxSegSize && s&(s-1) == 0
}

// Containing returns the segment that holds the byte at l.
func (s SegSize) Containing(l LSN) SegNo { return SegNo(uint64(l) / uint64(s)) }

// EndingAt returns the segment that holds the byte before l: where a record that
// ends at l lies (PostgreSQL: XLByteToPrevSeg).
func (s SegSize) EndingAt(l LSN) SegNo { return SegNo((uint64(l) - 1) / uint64(s)) }

// Offset returns l's distance from the start of its segment.
func (s SegSize) Offset(l LSN) uint64 { return uint64(l) & (uint64(s) - 1) }

// Start returns the LSN of the first byte of segment n.
func (s SegSize) Start(n SegNo) LSN { return LSN(uint64(n) * uint64(s)) }

func (s SegSize) perID() uint64 { return 0x100000000 / uint64(s) }

// FileName is the name of segment n of timeline tli in pg_wal: 24 hexadecimal
// digits.
func (s SegSize) FileName(tli Timeline, n SegNo) string {
	return fmt.Sprintf("%08X%08X%08X", uint32(tli), uint32(uint64(n)/s.perID()), uint32(uint64(n)%s.perID()))
}

// IsFileName reports whether name looks like a segment's.
func IsFileName(name string) bool {
	return len(name) == 24 && strings.Trim(name, "0123456789ABCDEF") == ""
}

// ParseFileName takes the name of a segment file apart.
func (s SegSize) ParseFileName(name string) (Timeline, SegNo, error) {
	if !IsFileName(name) {
		return 0, 0, fmt.Errorf("invalid WAL file name %q", name)
	}
	var part [3]uint64
	for i := range part {
		v, err := strconv.ParseUint(name[i*8:i*8+8], 16, 32)
		if err != nil {
			return 0, 0, fmt.Errorf("invalid WAL file name %q: %w", name, err)
		}
		part[i] = v
	}
	if part[2] >= s.perID() {
		return 0, 0, fmt.Errorf("WAL file name %q does not fit segments of %d bytes", name, s)
	}
	return Timeline(part[0]), SegNo(part[1]*s.perID() + part[2]), nil
}
