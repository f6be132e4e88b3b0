package commands

import (
	"encoding/binary"
	"io"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/pgerr"
)

// copySignature starts binary COPY data.
const copySignature = "PGCOPY\n\xff\r\n\x00"

// copyBinary reads binary COPY data.
type copyBinary struct {
	in       io.Reader
	buf      []byte
	pos, end int
	row      int64
}

// need returns the next n bytes, valid until the next call; nil at the end of
// the input.
func (b *copyBinary) need(n int) ([]byte, error) {
	for b.end-b.pos < n {
		if b.pos > 0 {
			copy(b.buf, b.buf[b.pos:b.end])
			b.end, b.pos = b.end-b.pos, 0
		}
		if b.end == len(b.buf) { // grows as data comes, never by n alone
			g := make([]byte, max(copyBlock, 2*len(b.buf)))
			copy(g, b.buf[:b.end])
			b.buf = g
		}
		k, err := b.in.Read(b.buf[b.end:])
		b.end += k
		if err == io.EOF {
			if b.end-b.pos < n {
				return nil, nil
			}
			break
		}
		if err != nil {
			return nil, err
		}
	}
	v := b.buf[b.pos : b.pos+n : b.pos+n]
	b.pos += n
	return v, nil
}

func badBinary(format string, a ...any) error {
	return pgerr.New(pgerr.BadCopyFileFormat, format, a...)
}

// header reads signature, flags and extension.
func (b *copyBinary) header() error {
	h, err := b.need(len(copySignature))
	if err != nil {
		return err
	}
	if string(h) != copySignature {
		return badBinary("COPY file signature not recognized")
	}
	if h, err = b.need(4); err != nil || h == nil {
		return orBad(err, "invalid COPY file header (missing flags)")
	}
	flags := binary.BigEndian.Uint32(h)
	if flags&(1<<16) != 0 {
		return badBinary("invalid COPY file header (WITH OIDS)")
	}
	if flags>>16&^1 != 0 {
		return badBinary("unrecognized critical flags in COPY file header")
	}
	if h, err = b.need(4); err != nil || h == nil {
		return orBad(err, "invalid COPY file header (missing length)")
	}
	n := int32(binary.BigEndian.Uint32(h))
	if n < 0 {
		return badBinary("invalid COPY file header (missing length)")
	}
	for ; n > 0; n-- {
		if h, err = b.need(1); err != nil || h == nil {
			return orBad(err, "invalid COPY file header (wrong length)")
		}
	}
	return nil
}

func orBad(err error, msg string) error {
	if err != nil {
		return err
	}
	return badBinary("%s", msg)
}

// readBinary reads one row.
func (f *copyFrom) readBinary(vals []datum.Datum) (bool, error) {
	b := f.bin
	b.row++
	f.atLine, f.col = b.row, ""
	h, err := b.need(2)
	if err != nil || h == nil {
		return false, err
	}
	n := int16(binary.BigEndian.Uint16(h))
	if n == -1 {
		if h, err = b.need(1); err != nil {
			return false, err
		}
		if h != nil {
			return false, badBinary("received copy data after EOF marker")
		}
		return false, nil
	}
	if int(n) != len(f.cols) {
		return false, badBinary("row field count is %d, expected %d", n, len(f.cols))
	}
	for i, k := range f.cols {
		f.col = f.rel.Desc.Attrs[k].Name
		if err := f.binaryField(i, &vals[k]); err != nil {
			return false, err
		}
	}
	f.col = ""
	return true, nil
}

func (f *copyFrom) binaryField(i int, dst *datum.Datum) error {
	h, err := f.bin.need(4)
	if err != nil || h == nil {
		return orBad(err, "unexpected EOF in COPY data")
	}
	n := int32(binary.BigEndian.Uint32(h))
	if n == -1 {
		return nil
	}
	if n < 0 {
		return badBinary("invalid field size")
	}
	v, err := f.bin.need(int(n))
	if err != nil || v == nil {
		return orBad(err, "unexpected EOF in COPY data")
	}
	c := &f.in[i]
	*dst, err = c.recv(f.env, f.keep(v), c.io, c.mod)
	return err
}
