package access

import (
	"github.com/pierrec/lz4/v4"

	"github.com/pgmini/pgmini/internal/pglz"
	"github.com/pgmini/pgmini/pgerr"
)

// Compress returns payload as a stored varlena compressed in line by the
// column's method ('l' lz4, else pglz); ok is false if that saves next to nothing.
func Compress(payload []byte, method byte) (stored []byte, ok bool, err error) {
	if method == 'l' {
		buf := make([]byte, lz4.CompressBlockBound(len(payload)))
		var c lz4.Compressor
		n, err := c.CompressBlock(payload, buf)
		if err != nil || n == 0 || compressedHdr+n >= len(payload)-2 {
			return nil, false, nil
		}
		return PutCompressed(buf[:n], len(payload), LZ4), true, nil
	}
	var c pglz.Compressor
	out, ok := c.Compress(nil, payload, pglz.Default())
	if !ok || compressedHdr+len(out) >= len(payload)-2 {
		return nil, false, nil
	}
	return PutCompressed(out, len(payload), PGLZ), true, nil
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
		if _, err := pglz.Decompress(dst, comp, true); err != nil {
			return nil, pgerr.Wrap(err, pgerr.DataCorrupted, "compressed pglz data is corrupt")
		}
		return dst, nil
	}
	return nil, pgerr.New(pgerr.DataCorrupted, "invalid compression method id %d", method)
}
