package access

import (
	"github.com/pierrec/lz4/v4"

	"github.com/pgmini/pgmini/pgerr"
)

// Compress returns payload as a stored varlena compressed in line by the
// column's method ('l' lz4, else pglz); ok is false if that does not make it
// smaller.
func Compress(payload []byte, method byte) (stored []byte, ok bool, err error) {
	if method != 'l' {
		return compressPGLZ(payload)
	}
	buf := make([]byte, lz4.CompressBlockBound(len(payload)))
	var c lz4.Compressor
	n, err := c.CompressBlock(payload, buf)
	if err != nil || n == 0 || n >= len(payload) {
		return nil, false, nil
	}
	return PutCompressed(buf[:n], len(payload), LZ4), true, nil
}

// Decompress returns the payload of a stored varlena that is plain or compressed
// in line.
func Decompress(stored []byte) ([]byte, error) {
	switch {
	case IsExternal(stored):
		return nil, pgerr.New(pgerr.InternalError, "a TOAST pointer needs its table")
	case !IsCompressed(stored):
		return PlainPayload(stored), nil
	}
	info := le.Uint32(stored[4:])
	return DecompressBody(stored[compressedHdr:], int(info&maxVarlena), uint8(info>>30))
}

// maxRatio bounds what a compressed byte can stand for: lz4's run lengths add
// 255 per byte, pglz's matches 273 in three bytes and a bit.
const maxRatio = 256

// DecompressBody undoes one compression method. rawLen is what the header says.
func DecompressBody(comp []byte, rawLen int, method uint8) ([]byte, error) {
	if rawLen > len(comp)*maxRatio+64 {
		return nil, pgerr.New(pgerr.DataCorrupted, "compressed data of %d bytes cannot hold %d", len(comp), rawLen)
	}
	dst := make([]byte, rawLen)
	switch method {
	case LZ4:
		n, err := lz4.UncompressBlock(comp, dst)
		if err != nil || n != rawLen {
			return nil, pgerr.New(pgerr.DataCorrupted, "compressed lz4 data is corrupt")
		}
		return dst, nil
	case PGLZ:
		return decompressPGLZ(comp, dst)
	}
	return nil, pgerr.New(pgerr.DataCorrupted, "invalid compression method id %d", method)
}

// TODO(pglz): filled in when internal/pglz lands.
func compressPGLZ(payload []byte) ([]byte, bool, error) { return nil, false, nil }

func decompressPGLZ(comp, dst []byte) ([]byte, error) {
	return nil, pgerr.NotYet("pglz decompression")
}
