package xlog

import (
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xid"
)

// BlockFlags say how a block goes into a record (PostgreSQL: REGBUF_*).
type BlockFlags uint8

// Flags of Record.Block.
const (
	// Standard says that the page has PostgreSQL's header: the gap between
	// pd_lower and pd_upper is left out of its image.
	Standard BlockFlags = 1 << 0
	// ForceImage takes a full-page image always.
	ForceImage BlockFlags = 1 << 1
	// NoImage takes none: the page is torn-proof without it.
	NoImage BlockFlags = 1 << 2
	// WillInit says that redo makes the page from nothing; it implies NoImage.
	WillInit BlockFlags = 1 << 3
	// KeepData keeps the block's data in the record beside an image.
	KeepData BlockFlags = 1 << 4
)

// RecordFlags say how a record is inserted (PostgreSQL: XLogSetRecordFlags).
type RecordFlags uint8

// Flags of Record.SetFlags.
const (
	// IncludeOrigin writes the replication origin, if one is set.
	IncludeOrigin RecordFlags = 1 << 0
	// MarkUnimportant keeps the record from making an idle server checkpoint.
	MarkUnimportant RecordFlags = 1 << 1
)

// Record is a WAL record under construction. One session or worker owns it and
// uses it again and again: after its buffers have grown, building and inserting
// a record allocates nothing. What Data and BlockData are given is copied; the
// page given to Block is read by Insert and must stay locked until then.
type Record struct {
	rmid    RmgrID
	info    uint8
	flags   RecordFlags
	xid     xid.XID
	topXID  xid.XID
	origin  uint16
	main    []byte
	blocks  []blockRef // in use: the first nblocks
	nblocks int

	start lsn.LSN // of the record inserted last
	asm   assembly
}

type blockRef struct {
	id    uint8
	flags BlockFlags
	tag   page.Tag
	page  page.Page
	data  []byte
	image []byte // compressed image, reused
}

// Begin forgets what r held and starts a record.
func (r *Record) Begin(id RmgrID, info uint8, x xid.XID) {
	r.rmid, r.info, r.flags, r.xid = id, info, 0, x
	r.topXID, r.origin = 0, 0
	r.main = r.main[:0]
	r.nblocks = 0
}

// Data appends b to the main data.
func (r *Record) Data(b []byte) { r.main = append(r.main, b...) }

// Block adds a reference to a block. p is the page AFTER the change.
func (r *Record) Block(id uint8, tag page.Tag, p page.Page, f BlockFlags) {
	if r.nblocks == len(r.blocks) {
		r.blocks = append(r.blocks, blockRef{})
	}
	b := &r.blocks[r.nblocks]
	r.nblocks++
	b.id, b.tag, b.page, b.flags, b.data = id, tag, p, f, b.data[:0]
}

// BlockData appends data to block id, which the record must have.
func (r *Record) BlockData(id uint8, data []byte) {
	for i := range r.blocks[:r.nblocks] {
		if b := &r.blocks[i]; b.id == id {
			b.data = append(b.data, data...)
			return
		}
	}
	panic("BlockData before Block")
}

// BlockBytes is the data that block id has so far: what redo will be given. It is
// valid until the next Begin.
func (r *Record) BlockBytes(id uint8) []byte {
	for i := range r.blocks[:r.nblocks] {
		if b := &r.blocks[i]; b.id == id {
			return b.data
		}
	}
	return nil
}

// SetFlags sets f.
func (r *Record) SetFlags(f RecordFlags) { r.flags |= f }

// SetOrigin sets the replication origin, which IncludeOrigin writes.
func (r *Record) SetOrigin(o uint16) { r.origin = o }

// SetTopXID has the record carry the id of the top-level transaction: done once
// per subtransaction at wal_level logical.
func (r *Record) SetTopXID(x xid.XID) { r.topXID = x }

// Start is where the record that was inserted last begins.
func (r *Record) Start() lsn.LSN { return r.start }
