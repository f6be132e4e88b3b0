package access

import (
	"fmt"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// A stored varlena is the bytes of one value as a tuple holds them, header
// included: plain with 4-byte header, short with 1-byte header, compressed in
// line, or a pointer into a TOAST table.

// Detoaster turns a stored varlena that is compressed or external into its
// payload. The result may be reused by the next call only if its implementation
// says so.
type Detoaster interface {
	Detoast(stored []byte) ([]byte, error)
}

// Compression methods, as in the two high bits of va_tcinfo and va_extinfo.
const (
	PGLZ = 0
	LZ4  = 1
)

// External is varatt_external: where a value's chunks are.
type External struct {
	RawSize int32  // length of the original value with its 4-byte header
	ExtSize uint32 // bytes stored in the TOAST table
	Method  uint8  // compression method, if compressed
	ValueID oid.OID
	RelID   oid.OID
}

// Compressed reports whether the chunks hold a compressed value.
func (e External) Compressed() bool { return int64(e.ExtSize) < int64(e.RawSize)-4 }

// IsExternal reports whether stored is a TOAST pointer.
func IsExternal(stored []byte) bool { return len(stored) > 0 && stored[0] == 1 }

// IsCompressed reports whether stored is compressed in line.
func IsCompressed(stored []byte) bool { return len(stored) >= compressedHdr && stored[0]&3 == 2 }

// isPlain reports whether the payload follows the header as it is.
func isPlain(b byte) bool { return b != 1 && b&3 != 2 }

// StoredSize is the length of the stored varlena at the start of b, which may go
// on behind it, or 0 if b is too short or has no such header.
func StoredSize(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	n := 0
	switch {
	case b[0] == 1:
		if len(b) < 2 || b[1] != externalTag {
			return 0
		}
		n = externalSize
	case b[0]&1 == 1:
		n = int(b[0] >> 1)
	default:
		if len(b) < 4 {
			return 0
		}
		n = int(le.Uint32(b) >> 2)
		if n < 4 || b[0]&3 == 2 && n < compressedHdr {
			return 0
		}
	}
	if n > len(b) {
		return 0
	}
	return n
}

// PlainPayload returns the payload of a stored varlena that is neither
// compressed nor external.
func PlainPayload(stored []byte) []byte {
	if stored[0]&1 == 1 {
		return stored[1:]
	}
	return stored[4:]
}

// RawSize is the payload's length of a stored varlena of any form.
func RawSize(stored []byte) int {
	switch {
	case IsExternal(stored):
		return int(GetExternal(stored).RawSize) - 4
	case IsCompressed(stored):
		return int(le.Uint32(stored[4:]) & maxVarlena)
	}
	return len(PlainPayload(stored))
}

// GetExternal reads a TOAST pointer.
func GetExternal(stored []byte) External {
	info := le.Uint32(stored[6:])
	return External{
		RawSize: int32(le.Uint32(stored[2:])), ExtSize: info & maxVarlena, Method: uint8(info >> 30),
		ValueID: oid.OID(le.Uint32(stored[10:])), RelID: oid.OID(le.Uint32(stored[14:])),
	}
}

// PutExternal makes a TOAST pointer.
func PutExternal(e External) []byte {
	b := make([]byte, externalSize)
	b[0], b[1] = 1, externalTag
	le.PutUint32(b[2:], uint32(e.RawSize))
	le.PutUint32(b[6:], e.ExtSize|uint32(e.Method)<<30)
	le.PutUint32(b[10:], uint32(e.ValueID))
	le.PutUint32(b[14:], uint32(e.RelID))
	return b
}

// PutCompressed makes a value that is compressed in line from its compressed
// bytes, its raw length and the method.
func PutCompressed(comp []byte, rawLen int, method uint8) []byte {
	b := make([]byte, compressedHdr+len(comp))
	le.PutUint32(b, uint32(len(b))<<2|2)
	le.PutUint32(b[4:], uint32(rawLen)|uint32(method)<<30)
	copy(b[compressedHdr:], comp)
	return b
}

// PutPlain makes a stored varlena with a 4-byte header.
func PutPlain(payload []byte) []byte {
	b := make([]byte, 4+len(payload))
	le.PutUint32(b, uint32(len(b))<<2)
	copy(b[4:], payload)
	return b
}

func corruptTuple(what string, a ...any) error {
	return pgerr.New(pgerr.DataCorrupted, "tuple is corrupt: %s", fmt.Sprintf(what, a...))
}

// Method is the compression method of a value that is compressed in line.
func Method(stored []byte) uint8 { return uint8(le.Uint32(stored[4:]) >> 30) }
