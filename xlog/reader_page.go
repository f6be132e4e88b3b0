package xlog

import "github.com/pgmini/pgmini/lsn"

// checkPage validates the header of r.page, which should be the page at at
// (XLogReaderValidatePageHeader).
func (r *Reader) checkPage(at lsn.LSN) error {
	p, size := r.page, r.opt.SegSize
	off := size.Offset(at)
	tli := r.opt.Timeline
	if s, ok := r.src.(timelineSource); ok {
		tli = s.Timeline()
	}
	name := size.FileName(tli, size.Containing(at))
	if m := le.Uint16(p[offMagic:]); m != PageMagic {
		kind := EndPage
		if m == 0 {
			kind = EndZero
		}
		return r.fail(kind, "invalid magic number %04X in log segment %s, offset %d", m, name, off)
	}
	info := le.Uint16(p[offPageInfo:])
	if info&^allPageFlags != 0 {
		return r.fail(EndPage, "invalid info bits %04X in log segment %s, offset %d", info, name, off)
	}
	if info&isLongHeader != 0 {
		if err := r.checkLongHeader(); err != nil {
			return err
		}
	} else if off == 0 {
		return r.fail(EndPage, "invalid info bits %04X in log segment %s, offset %d", info, name, off)
	}
	if addr := lsn.LSN(le.Uint64(p[offPageAddr:])); addr != at {
		return r.fail(EndPage, "unexpected pageaddr %s in log segment %s, offset %d", addr, name, off)
	}
	// Along one history the timeline only grows.
	got := lsn.Timeline(le.Uint32(p[offPageTLI:]))
	if at > r.latestAt {
		if got < r.latestTLI {
			return r.fail(EndPage, "out-of-sequence timeline ID %d (after %d) in log segment %s, offset %d", got, r.latestTLI, name, off)
		}
	}
	r.latestAt, r.latestTLI = at, got
	return nil
}

func (r *Reader) checkLongHeader() error {
	p := r.page
	const other = "WAL file is from different database system: "
	if id := le.Uint64(p[offSysID:]); r.opt.SystemID != 0 && id != r.opt.SystemID {
		return r.fail(EndPage, other+"WAL file database system identifier is %d, pg_control database system identifier is %d", id, r.opt.SystemID)
	}
	if lsn.SegSize(le32(p[offSegSize:])) != r.opt.SegSize {
		return r.fail(EndPage, other+"incorrect segment size in page header")
	}
	if le32(p[offXLogBlcksz:]) != PageSize {
		return r.fail(EndPage, other+"incorrect XLOG_BLCKSZ in page header")
	}
	return nil
}

// FindNext returns the start of the first record at or behind at, which may lie
// anywhere (XLogFindNextRecord). The Reader is left to read it next.
func (r *Reader) FindNext(at lsn.LSN) (lsn.LSN, error) {
	for {
		pageAt := at &^ (PageSize - 1)
		if err := r.fetch(pageAt, shortHeader); err != nil {
			return 0, err
		}
		head := pageHeaderSize(r.page)
		if err := r.fetch(pageAt, head); err != nil {
			return 0, err
		}
		first := pageAt + lsn.LSN(head)
		if le.Uint16(r.page[offPageInfo:])&firstIsContRecord != 0 {
			rest := lsn.LSN(le.Uint32(r.page[offRemLen:]))
			if align8(rest) >= lsn.LSN(PageSize-head) {
				at = pageAt + PageSize
				continue
			}
			first += align8(rest)
		}
		r.Seek(first)
		break
	}
	for {
		d, err := r.Next()
		if err != nil {
			return 0, err
		}
		if d.Start >= at {
			start := d.Start
			r.Seek(start)
			return start, nil
		}
	}
}

// PageSegSize is the segment size that the long header of a segment's first page
// states; the caller checks that it is valid.
func PageSegSize(p []byte) lsn.SegSize { return lsn.SegSize(le.Uint32(p[offSegSize:])) }
