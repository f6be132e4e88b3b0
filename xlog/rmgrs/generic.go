package rmgrs

import (
	"fmt"

	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xlog"
)

// ApplyGeneric changes p by the fragments of a Generic record's block data: each
// has offset and length (uint16) and the new bytes (access/generic_xlog.h).
// Bytes in the hole are zero afterwards.
func ApplyGeneric(p page.Page, delta []byte) error {
	for b := delta; len(b) > 0; {
		if len(b) < 4 {
			return errShort("Generic", len(delta))
		}
		off, n := int(le.Uint16(b)), int(le.Uint16(b[2:]))
		b = b[4:]
		if n > len(b) || off+n > page.Size {
			return pgerr.New(pgerr.DataCorrupted, "generic WAL record changes bytes %d to %d of a page", off, off+n)
		}
		copy(p[off:], b[:n])
		b = b[n:]
	}
	if lo, up := p.Lower(), p.Upper(); lo <= up && up <= page.Size {
		clear(p[lo:up])
	}
	return nil
}

func identifyGeneric(uint8) string { return "Generic" }

func descGeneric(dst []byte, d *xlog.Decoded) []byte {
	for b := d.Main; len(b) >= 4; {
		off, n := le.Uint16(b), int(le.Uint16(b[2:]))
		b = b[4:]
		b = b[min(n, len(b)):]
		dst = fmt.Appendf(dst, "offset %d, length %d", off, n)
		if len(b) > 0 {
			dst = append(dst, "; "...)
		}
	}
	return dst
}
