package xlog

import (
	"hash/crc32"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
)

// assembly is a record as it will stand in the log, but for the link to its
// predecessor and the checksum.
type assembly struct {
	hdr    []byte   // the fixed header and all block headers
	parts  [][]byte // hdr, then images, data and main data in their order
	total  uint32
	crc    uint32  // of all behind the fixed header
	minLSN lsn.LSN // smallest LSN of a page that went without image; Invalid if none
	images int
	enc    *encoders // made when first needed: it is large
}

// imagePolicy is what decides about full-page images: it may change until the
// place of the record is reserved.
type imagePolicy struct {
	redo        lsn.LSN
	pageWrites  bool
	compression Compression
	consistency bool // images of all pages, to compare with at redo
}

// assemble lays r out. It may be called again with another policy.
func (r *Record) assemble(p imagePolicy) error {
	a := &r.asm
	a.parts = append(a.parts[:0], nil)
	a.hdr = append(a.hdr[:0], make([]byte, recordHeader)...)
	a.minLSN, a.images = lsn.Invalid, 0
	total := 0
	var prev *page.RelFileNode
	for i := range r.blocks[:r.nblocks] {
		b := &r.blocks[i]
		if len(b.data) > 0xFFFF {
			return pgerr.New(pgerr.InternalError, "too much WAL data")
		}
		total += r.assembleBlock(b, prev, p)
		prev = &b.tag.Rel
	}
	if r.flags&IncludeOrigin != 0 && r.origin != 0 {
		a.hdr = append(a.hdr, idOrigin, byte(r.origin), byte(r.origin>>8))
	}
	if r.topXID != 0 {
		a.hdr = append(a.hdr, idToplevelXID)
		a.hdr = le.AppendUint32(a.hdr, uint32(r.topXID))
	}
	if n := len(r.main); n > 255 {
		a.hdr = append(a.hdr, idDataLong)
		a.hdr = le.AppendUint32(a.hdr, uint32(n))
	} else if n > 0 {
		a.hdr = append(a.hdr, idDataShort, byte(n))
	}
	if len(r.main) > 0 {
		a.parts = append(a.parts, r.main)
		total += len(r.main)
	}
	total += len(a.hdr)
	if total > maxRecordLen {
		return pgerr.New(pgerr.ProgramLimitExceeded, "oversized WAL record").
			WithDetail("WAL record would be %d bytes long.", total)
	}
	a.total = uint32(total)
	info := r.info
	if p.consistency {
		info |= checkConsistency
	}
	le.PutUint32(a.hdr[offTotLen:], a.total)
	le.PutUint32(a.hdr[offXID:], uint32(r.xid))
	a.hdr[offInfo], a.hdr[offRmid] = info, byte(r.rmid)
	a.parts[0] = a.hdr
	a.sum()
	return nil
}

// sum computes the checksum of all behind the fixed header.
func (a *assembly) sum() {
	a.crc = crc32.Checksum(a.hdr[recordHeader:], castagnoli)
	for _, part := range a.parts[1:] {
		a.crc = crc32.Update(a.crc, castagnoli, part)
	}
}

// assembleBlock appends the header and the parts of one block, and returns the
// length of the parts.
func (r *Record) assembleBlock(b *blockRef, prev *page.RelFileNode, p imagePolicy) int {
	a := &r.asm
	backup := false
	switch {
	case b.flags&ForceImage != 0:
		backup = true
	case b.flags&(NoImage|WillInit) != 0 || !p.pageWrites:
	default:
		at := b.page.LSN()
		backup = at <= p.redo
		if !backup && (a.minLSN == lsn.Invalid || at < a.minLSN) {
			a.minLSN = at
		}
	}
	hasData := len(b.data) > 0 && (b.flags&KeepData != 0 || !backup)
	hasImage := backup || p.consistency
	flags := byte(b.tag.Fork)
	if b.flags&WillInit != 0 {
		flags |= blockWillInit
	}
	if hasImage {
		flags |= blockHasImage
	}
	n := 0
	if hasData {
		flags |= blockHasData
		n = len(b.data)
	}
	same := prev != nil && *prev == b.tag.Rel
	if same {
		flags |= blockSameRel
	}
	a.hdr = append(a.hdr, b.id, flags, byte(n), byte(n>>8))
	if hasImage {
		n += r.assembleImage(b, backup, p)
	}
	if !same {
		a.hdr = le.AppendUint32(a.hdr, uint32(b.tag.Rel.Spc))
		a.hdr = le.AppendUint32(a.hdr, uint32(b.tag.Rel.DB))
		a.hdr = le.AppendUint32(a.hdr, uint32(b.tag.Rel.Rel))
	}
	a.hdr = le.AppendUint32(a.hdr, uint32(b.tag.Block))
	if hasData {
		a.parts = append(a.parts, b.data)
	}
	return n
}

// assembleImage appends the image of b, without hole and perhaps compressed,
// and returns its length.
func (r *Record) assembleImage(b *blockRef, apply bool, p imagePolicy) int {
	a := &r.asm
	a.images++
	var off, hole int
	if b.flags&Standard != 0 {
		lo, up := b.page.Lower(), b.page.Upper()
		if lo >= page.HeaderSize && up > lo && up <= page.Size {
			off, hole = lo, up-lo
		}
	}
	var info byte
	if hole > 0 {
		info |= imageHasHole
	}
	if apply {
		info |= imageApply
	}
	n := page.Size - hole
	if p.compression != NoCompression {
		if a.enc == nil {
			a.enc = new(encoders)
		}
		src := []byte(b.page)
		extra := 0
		if hole > 0 {
			copy(a.enc.packed[:], b.page[:off])
			copy(a.enc.packed[off:], b.page[off+hole:])
			src, extra = a.enc.packed[:n], compressHeaderSize
		}
		z, method, ok := a.enc.compress(b.image[:0], src, p.compression, extra)
		b.image = z
		if ok {
			a.imageHeader(len(z), off, info|method)
			if hole > 0 {
				a.hdr = le.AppendUint16(a.hdr, uint16(hole))
			}
			a.parts = append(a.parts, z)
			return len(z)
		}
	}
	a.imageHeader(n, off, info)
	if hole > 0 {
		a.parts = append(a.parts, b.page[:off], b.page[off+hole:])
	} else {
		a.parts = append(a.parts, b.page)
	}
	return n
}

func (a *assembly) imageHeader(n, off int, info byte) {
	a.hdr = le.AppendUint16(a.hdr, uint16(n))
	a.hdr = le.AppendUint16(a.hdr, uint16(off))
	a.hdr = append(a.hdr, info)
}

// seal fills in the link to the predecessor and the checksum.
func (a *assembly) seal(prev lsn.LSN) {
	le.PutUint64(a.hdr[offPrev:], uint64(prev))
	le.PutUint32(a.hdr[offCRC:], crc32.Update(a.crc, castagnoli, a.hdr[:offCRC]))
}
