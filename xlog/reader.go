package xlog

import (
	"errors"
	"fmt"

	"github.com/pgmini/pgmini/lsn"
)

// PageSource gives the pages of a log.
type PageSource interface {
	// ReadPage fills dst, which has PageSize bytes, with at least the first
	// need bytes of the page at at and returns how many it gave. ErrStop says
	// that the caller does not want to read that far.
	ReadPage(at lsn.LSN, need int, dst []byte) (int, error)
}

// ErrStop is what a PageSource returns behind the end that its owner set.
var ErrStop = errors.New("end of the requested WAL range")

// EndKind says in what way a log ended. All kinds but EndStop and EndMissing
// say that the bytes at EndError.At are no record.
type EndKind uint8

// The kinds of an end.
const (
	EndZero     EndKind = iota + 1 // zeros, as behind the last record of a fresh segment
	EndRecord                      // a record's header or body is invalid
	EndChecksum                    // a record's checksum is wrong
	EndPage                        // a page header is invalid: an old page of a recycled segment
	EndContinue                    // the rest of a record is missing
	EndMissing                     // the source could not give the page
	EndStop                        // the source's own end
)

// EndError says where and why reading stopped. Its text is PostgreSQL's.
type EndError struct {
	Kind EndKind
	// At is where the next record would have begun: the end of the log.
	At  lsn.LSN
	Msg string
	// Aborted and MissingContRecord are set if the log ends within a record
	// that spans pages: its start, and the page on which its rest should be.
	Aborted, MissingContRecord lsn.LSN
	cause                      error
}

// Error is PostgreSQL's message.
func (e *EndError) Error() string { return e.Msg }

// Unwrap returns what the PageSource said.
func (e *EndError) Unwrap() error { return e.cause }

// Options of a Reader.
type ReaderOptions struct {
	SegSize lsn.SegSize
	// SystemID is compared with that of each segment unless it is 0.
	SystemID uint64
	// Timeline names the segment in messages, if the source does not tell.
	Timeline lsn.Timeline
}

// timelineSource is a PageSource that reads several timelines: Timeline is that
// of the page it gave last.
type timelineSource interface{ Timeline() lsn.Timeline }

// Reader reads a log record by record. It is for one goroutine.
type Reader struct {
	src  PageSource
	opt  ReaderOptions
	next lsn.LSN // where the next record starts, or a page boundary before it
	prev lsn.LSN // start of the record read last
	any  bool    // prev need not match: the position was given

	page    []byte
	pageAt  lsn.LSN
	pageLen int
	segOpen bool      // the long header of segment seg was checked
	seg     lsn.SegNo // of the page read last

	latestAt  lsn.LSN // highest page checked, and its timeline
	latestTLI lsn.Timeline

	buf         []byte // a record that spans pages
	dec         Decoded
	overwritten lsn.LSN
}

// NewReader makes a Reader; Seek says where it begins.
func NewReader(src PageSource, opt ReaderOptions) *Reader {
	if !opt.SegSize.Valid() {
		panic("xlog: reader without segment size")
	}
	r := &Reader{src: src, opt: opt, page: make([]byte, PageSize)}
	r.dec.codec = new(decoders)
	return r
}

// Seek has Next read the record that starts at at, or the first one of the page
// that starts there.
func (r *Reader) Seek(at lsn.LSN) {
	r.next, r.prev, r.any = at, lsn.Invalid, true
	r.overwritten = lsn.Invalid
}

// Next returns the next record, valid until the following call, or an
// *EndError. After an error it may be called again: the log may have grown.
func (r *Reader) Next() (*Decoded, error) {
	r.dec.Overwritten = lsn.Invalid
	at := r.next
	for {
		d, restart, err := r.read(at)
		if err != nil {
			r.pageLen, r.segOpen = 0, false
			var end *EndError
			if !errors.As(err, &end) {
				panic("xlog: reader error of another kind: " + err.Error())
			}
			end.At = r.next
			return nil, err
		}
		if restart != lsn.Invalid {
			at = restart
			continue
		}
		r.any = false
		return d, nil
	}
}

// End is the end of the record read last, where the next one starts.
func (r *Reader) End() lsn.LSN { return r.next }

// Start is the start of the record read last.
func (r *Reader) Start() lsn.LSN { return r.prev }

func (r *Reader) fail(kind EndKind, format string, a ...any) *EndError {
	return &EndError{Kind: kind, Msg: fmt.Sprintf(format, a...)}
}

func le32(b []byte) uint32 { return le.Uint32(b) }

func pageHeaderSize(p []byte) int {
	if le.Uint16(p[offPageInfo:])&isLongHeader != 0 {
		return longHeader
	}
	return shortHeader
}

// align8 rounds up to where records may start.
func align8(n lsn.LSN) lsn.LSN { return (n + 7) &^ 7 }

// read reads the record at at. A restart position other than Invalid says that
// the record was overwritten and where to go on.
func (r *Reader) read(at lsn.LSN) (d *Decoded, restart lsn.LSN, err error) {
	pageAt := at &^ (PageSize - 1)
	off := int(at - pageAt)
	if err := r.fetch(pageAt, min(off+recordHeader, PageSize)); err != nil {
		return nil, 0, err
	}
	head := pageHeaderSize(r.page)
	switch {
	case off == 0:
		off = head
		at = pageAt + lsn.LSN(off)
	case off < head:
		return nil, 0, r.fail(EndRecord, "invalid record offset at %s", at)
	}
	if off == head && le.Uint16(r.page[offPageInfo:])&firstIsContRecord != 0 {
		return nil, 0, r.fail(EndContinue, "contrecord is requested by %s", at)
	}
	if err := r.fetch(pageAt, min(off+recordHeader, PageSize)); err != nil {
		return nil, 0, err
	}
	total := le.Uint32(r.page[off:])
	if off <= PageSize-recordHeader {
		if err := r.checkHeader(r.page[off:], at); err != nil {
			return nil, 0, err
		}
	} else if total < recordHeader {
		return nil, 0, r.lengthError(at, total)
	}
	var raw []byte
	var end lsn.LSN
	if int64(total) <= int64(PageSize-off) {
		if err := r.fetch(pageAt, off+int(total)); err != nil {
			return nil, 0, err
		}
		raw = r.page[off : off+int(total) : off+int(total)]
		end = align8(at + lsn.LSN(total))
	} else {
		raw, end, restart, err = r.assemble(at, pageAt, off, total)
		if err != nil || restart != lsn.Invalid {
			return nil, restart, err
		}
	}
	if recordCRC(raw) != le.Uint32(raw[offCRC:]) {
		return nil, 0, r.aborted(r.fail(EndChecksum, "incorrect resource manager data checksum in record at %s", at), at, end, total > uint32(PageSize-off))
	}
	return r.finish(raw, at, end)
}

// aborted notes in e that the record at at spans pages and could not be read.
func (r *Reader) aborted(e *EndError, at, missing lsn.LSN, spans bool) *EndError {
	if spans {
		e.Aborted, e.MissingContRecord = at, (missing-1)&^(PageSize-1)
	}
	return e
}

// finish decodes a record whose checksum is right and moves on behind it.
func (r *Reader) finish(raw []byte, at, end lsn.LSN) (*Decoded, lsn.LSN, error) {
	d := &r.dec
	d.Start, d.End = at, end
	if err := d.decode(raw); err != nil {
		return nil, 0, &EndError{Kind: EndRecord, Msg: err.Error()}
	}
	d.Overwritten = r.overwritten
	r.overwritten = lsn.Invalid
	if d.Rmgr == RmXLOG && d.RmgrInfo() == InfoSwitch {
		if off := r.opt.SegSize.Offset(end); off != 0 {
			end += lsn.LSN(uint64(r.opt.SegSize) - off)
		}
		d.End = end
	}
	r.prev, r.next = at, end
	return d, 0, nil
}

// assemble collects a record that starts at off of the page at pageAt and goes
// on over the following pages.
func (r *Reader) assemble(at, pageAt lsn.LSN, off int, total uint32) (raw []byte, end, restart lsn.LSN, err error) {
	r.buf = append(r.buf[:0], r.page[off:]...)
	checked := off <= PageSize-recordHeader
	for len(r.buf) < int(total) {
		pageAt += PageSize
		lost := func(e error) error {
			var end *EndError
			if errors.As(e, &end) {
				r.aborted(end, at, pageAt+1, true)
			}
			return e
		}
		if err := r.fetch(pageAt, shortHeader); err != nil {
			return nil, 0, 0, lost(err)
		}
		info := le.Uint16(r.page[offPageInfo:])
		if info&firstIsOverwriteContRecord != 0 {
			r.overwritten = at
			return nil, 0, pageAt, nil
		}
		if info&firstIsContRecord == 0 {
			return nil, 0, 0, lost(r.fail(EndContinue, "there is no contrecord flag at %s", at))
		}
		rest := le.Uint32(r.page[offRemLen:])
		if want := int64(total) - int64(len(r.buf)); rest == 0 || int64(rest) != want {
			return nil, 0, 0, lost(r.fail(EndContinue, "invalid contrecord length %d (expected %d) at %s", rest, want, at))
		}
		head := pageHeaderSize(r.page)
		n := min(int(rest), PageSize-head)
		if err := r.fetch(pageAt, head+n); err != nil {
			return nil, 0, 0, lost(err)
		}
		// The length is believed page by page: memory grows with what is there.
		r.buf = append(r.buf, r.page[head:head+n]...)
		if !checked {
			if err := r.checkHeader(r.buf, at); err != nil {
				return nil, 0, 0, lost(err)
			}
			checked = true
		}
		end = align8(pageAt + lsn.LSN(head+n))
	}
	return r.buf[:total:total], end, 0, nil
}

func (r *Reader) lengthError(at lsn.LSN, total uint32) error {
	kind := EndRecord
	if total == 0 {
		kind = EndZero
	}
	return r.fail(kind, "invalid record length at %s: wanted %d, got %d", at, recordHeader, total)
}

// checkHeader validates the fixed part of a record (ValidXLogRecordHeader).
func (r *Reader) checkHeader(b []byte, at lsn.LSN) error {
	if total := le.Uint32(b); total < recordHeader {
		return r.lengthError(at, total)
	}
	if id := RmgrID(b[offRmid]); !id.Valid() {
		return r.fail(EndRecord, "invalid resource manager ID %d at %s", uint8(id), at)
	}
	prev := lsn.LSN(le.Uint64(b[offPrev:]))
	if r.any && prev >= at || !r.any && prev != r.prev {
		return r.fail(EndRecord, "record with incorrect prev-link %s at %s", prev, at)
	}
	return nil
}

// fetch has r.page hold at least the first need bytes of the page at at, with
// its header validated.
func (r *Reader) fetch(at lsn.LSN, need int) error {
	if r.pageLen >= need && r.pageAt == at {
		return nil
	}
	r.pageLen = 0
	seg := r.opt.SegSize.Containing(at)
	if first := r.opt.SegSize.Start(seg); first != at && (!r.segOpen || seg != r.seg) {
		// A segment is believed only after its first page, which tells whose
		// it is.
		if err := r.load(first, PageSize); err != nil {
			return err
		}
		if err := r.checkPage(first); err != nil {
			return err
		}
	}
	if err := r.load(at, max(need, shortHeader)); err != nil {
		return err
	}
	if head := pageHeaderSize(r.page); r.pageLen < head {
		if err := r.load(at, head); err != nil {
			return err
		}
	}
	if err := r.checkPage(at); err != nil {
		r.pageLen = 0
		return err
	}
	r.seg, r.segOpen = seg, true
	return nil
}

func (r *Reader) load(at lsn.LSN, need int) error {
	n, err := r.src.ReadPage(at, need, r.page)
	if err != nil || n < need {
		e := &EndError{Kind: EndMissing, cause: err}
		switch {
		case errors.Is(err, ErrStop):
			e.Kind = EndStop
		case err == nil:
			err = fmt.Errorf("could not read WAL page at %s: read %d of %d", at, n, need)
		}
		e.Msg = err.Error()
		return e
	}
	r.pageAt, r.pageLen = at, n
	return nil
}
