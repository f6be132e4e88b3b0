package xlog

import (
	"fmt"
	"hash/crc32"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xid"
)

// header reads the fixed part of a record.
func (d *Decoded) header(b []byte) {
	d.TotalLen = le.Uint32(b[offTotLen:])
	d.XID = xid.XID(le.Uint32(b[offXID:]))
	d.Prev = lsn.LSN(le.Uint64(b[offPrev:]))
	d.Info = b[offInfo]
	d.Rmgr = RmgrID(b[offRmid])
}

// recordCRC is the checksum that a record should have: of all behind the
// header, then of the header up to the checksum.
func recordCRC(raw []byte) uint32 {
	return crc32.Update(crc32.Checksum(raw[recordHeader:], castagnoli), castagnoli, raw[:offCRC])
}

// Decode takes a whole record apart, which starts at start in the log. It
// trusts the checksum no more than it has to: every length is checked.
func Decode(raw []byte, start lsn.LSN) (*Decoded, error) {
	d := &Decoded{Start: start}
	if err := d.decode(raw); err != nil {
		return nil, err
	}
	return d, nil
}

// cursor walks the headers of a record.
type cursor struct {
	b    []byte
	data int // bytes of images and data that the headers announced so far
}

// take returns the next n bytes of the headers, or nil if the record is too
// short for them.
func (c *cursor) take(n int) []byte {
	if len(c.b) < n {
		return nil
	}
	p := c.b[:n]
	c.b = c.b[n:]
	return p
}

// decode fills d, whose Start is set, from raw. The texts are PostgreSQL's.
func (d *Decoded) decode(raw []byte) error {
	if len(raw) < recordHeader || len(raw) != int(le.Uint32(raw)) {
		return d.shortData()
	}
	d.header(raw)
	d.Raw = raw
	d.Origin, d.TopXID, d.Main = 0, 0, nil
	d.Blocks = d.Blocks[:0]
	c := cursor{b: raw[recordHeader:]}
	mainLen := 0
	var rel *page.RelFileNode
	for last := false; !last && len(c.b) > c.data; {
		id := c.take(1)[0]
		var p []byte
		switch {
		case id == idDataShort:
			if p = c.take(1); p != nil {
				mainLen = int(p[0])
			}
			last = true
		case id == idDataLong:
			if p = c.take(4); p != nil {
				if n := le.Uint32(p); n > maxRecordLen {
					p = nil
				} else {
					mainLen = int(n)
				}
			}
			last = true
		case id == idOrigin:
			if p = c.take(2); p != nil {
				d.Origin = le.Uint16(p)
			}
		case id == idToplevelXID:
			if p = c.take(4); p != nil {
				d.TopXID = xid.XID(le.Uint32(p))
			}
		case id <= maxBlockID:
			r, err := d.decodeBlock(&c, id, rel)
			if err != nil {
				return err
			}
			rel = r
			continue
		default:
			return fmt.Errorf("invalid block_id %d at %s", id, d.Start)
		}
		if p == nil {
			return d.shortData()
		}
	}
	c.data += mainLen
	if len(c.b) != c.data {
		return d.shortData()
	}
	return d.attach(c.b, mainLen)
}

func (d *Decoded) shortData() error {
	return fmt.Errorf("record with invalid length at %s", d.Start)
}

// attach hands out the bytes behind the headers, whose total was checked.
func (d *Decoded) attach(b []byte, mainLen int) error {
	for i := range d.Blocks {
		blk := &d.Blocks[i]
		if !blk.InUse {
			continue
		}
		if blk.HasImage {
			n := len(blk.Image)
			blk.Image, b = b[:n:n], b[n:]
		}
		if blk.HasData {
			n := len(blk.Data)
			blk.Data, b = b[:n:n], b[n:]
		}
	}
	if mainLen > 0 {
		d.Main = b[:mainLen:mainLen]
	}
	return nil
}

// decodeBlock reads one block header and returns its relation, which the next
// block may refer to. Image and Data get their lengths here: slices of the
// record that attach moves into place.
func (d *Decoded) decodeBlock(c *cursor, id uint8, rel *page.RelFileNode) (*page.RelFileNode, error) {
	if int(id) < len(d.Blocks) {
		return nil, fmt.Errorf("out-of-order block_id %d at %s", id, d.Start)
	}
	for len(d.Blocks) <= int(id) {
		d.Blocks = append(d.Blocks, DecodedBlock{})
	}
	b := &d.Blocks[id]
	h := c.take(3)
	if h == nil {
		return nil, d.shortData()
	}
	dataLen := int(le.Uint16(h[1:]))
	*b = DecodedBlock{InUse: true, Flags: h[0], HasImage: h[0]&blockHasImage != 0,
		HasData: h[0]&blockHasData != 0, WillInit: h[0]&blockWillInit != 0}
	b.Tag.Fork = page.Fork(h[0] & blockForkMask)
	if b.HasData && dataLen == 0 {
		return nil, fmt.Errorf("BKPBLOCK_HAS_DATA set, but no data included at %s", d.Start)
	}
	if !b.HasData && dataLen != 0 {
		return nil, fmt.Errorf("BKPBLOCK_HAS_DATA not set, but data length is %d at %s", dataLen, d.Start)
	}
	c.data += dataLen
	if b.HasImage {
		if err := d.decodeImage(c, b); err != nil {
			return nil, err
		}
	}
	if b.HasData {
		if dataLen > len(d.Raw) {
			return nil, d.shortData()
		}
		b.Data = d.Raw[:dataLen]
	}
	if h[0]&blockSameRel == 0 {
		r := c.take(12)
		if r == nil {
			return nil, d.shortData()
		}
		b.Tag.Rel = page.RelFileNode{Spc: oid.OID(le.Uint32(r)), DB: oid.OID(le.Uint32(r[4:])), Rel: oid.OID(le.Uint32(r[8:]))}
	} else if rel == nil {
		return nil, fmt.Errorf("BKPBLOCK_SAME_REL set but no previous rel at %s", d.Start)
	} else {
		b.Tag.Rel = *rel
	}
	n := c.take(4)
	if n == nil {
		return nil, d.shortData()
	}
	b.Tag.Block = page.BlockNumber(le.Uint32(n))
	return &b.Tag.Rel, nil
}

// decodeImage reads the header of b's image.
func (d *Decoded) decodeImage(c *cursor, b *DecodedBlock) error {
	h := c.take(imageHeaderSize)
	if h == nil {
		return d.shortData()
	}
	n := int(le.Uint16(h))
	b.HoleOffset, b.ImageInfo = le.Uint16(h[2:]), h[4]
	b.ApplyImage = b.ImageInfo&imageApply != 0
	hole, compressed := b.ImageInfo&imageHasHole != 0, b.ImageInfo&imageCompressed != 0
	switch {
	case compressed && hole:
		p := c.take(compressHeaderSize)
		if p == nil {
			return d.shortData()
		}
		b.HoleLength = le.Uint16(p)
	case !compressed:
		b.HoleLength = uint16(page.Size - n)
	}
	c.data += n
	switch {
	case hole && (b.HoleOffset == 0 || b.HoleLength == 0 || n == page.Size):
		return fmt.Errorf("BKPIMAGE_HAS_HOLE set, but hole offset %d length %d block image length %d at %s",
			b.HoleOffset, b.HoleLength, n, d.Start)
	case !hole && (b.HoleOffset != 0 || b.HoleLength != 0):
		return fmt.Errorf("BKPIMAGE_HAS_HOLE not set, but hole offset %d length %d at %s", b.HoleOffset, b.HoleLength, d.Start)
	case compressed && n == page.Size:
		return fmt.Errorf("BKPIMAGE_COMPRESSED set, but block image length %d at %s", n, d.Start)
	case !hole && !compressed && n != page.Size:
		return fmt.Errorf("neither BKPIMAGE_HAS_HOLE nor BKPIMAGE_COMPRESSED set, but block image length is %d at %s", n, d.Start)
	case n > len(d.Raw):
		return d.shortData()
	}
	b.Image = d.Raw[:n]
	return nil
}
