package xlog

import (
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xid"
)

// Decoded is a record taken apart (PostgreSQL: DecodedXLogRecord). Its slices
// alias Raw, which belongs to the Reader until its next call of Next; Clone
// makes a copy that lasts.
type Decoded struct {
	Start, End, Prev lsn.LSN
	Rmgr             RmgrID
	Info             uint8 // xl_info as it stands, with WAL's own bits
	XID              xid.XID
	TopXID           xid.XID // of the top-level transaction, if the record carries it
	Origin           uint16  // replication origin, 0 is none
	TotalLen         uint32
	Main             []byte
	Blocks           []DecodedBlock // indexed by block id; gaps have InUse false
	Raw              []byte         // the record, header and all
	// Overwritten is set on the first record behind one whose rest never came:
	// the start of the lost record.
	Overwritten lsn.LSN

	codec *decoders
}

// DecodedBlock is a block reference of a record, its image and its data.
type DecodedBlock struct {
	InUse      bool
	Tag        page.Tag
	Flags      uint8 // fork and flags as they stand
	HasImage   bool
	ApplyImage bool // the image is to be restored, not only compared
	WillInit   bool
	HasData    bool
	Data       []byte

	Image      []byte // as stored: without hole, perhaps compressed
	ImageInfo  uint8
	HoleOffset uint16
	HoleLength uint16
}

// RmgrInfo is xl_info without the bits that WAL itself uses.
func (d *Decoded) RmgrInfo() uint8 { return d.Info &^ InfoMask }

// Block returns block reference id, or nil if the record has none by that
// number.
func (d *Decoded) Block(id uint8) *DecodedBlock {
	if int(id) >= len(d.Blocks) || !d.Blocks[id].InUse {
		return nil
	}
	return &d.Blocks[id]
}

// Clone copies d and all that it points to.
func (d *Decoded) Clone() *Decoded {
	raw := append([]byte(nil), d.Raw...)
	c := &Decoded{Start: d.Start, End: d.End, Overwritten: d.Overwritten, codec: d.codec}
	if err := c.decode(raw); err != nil {
		panic("decoded record does not decode: " + err.Error())
	}
	return c
}

// ImageSize is the number of bytes that block images take in the record: what
// pg_waldump calls fpi_len.
func (d *Decoded) ImageSize() uint32 {
	var n uint32
	for i := range d.Blocks {
		if d.Blocks[i].InUse && d.Blocks[i].HasImage {
			n += uint32(len(d.Blocks[i].Image))
		}
	}
	return n
}
