package xlog

import "github.com/pgmini/pgmini/lsn"

// bytePos counts the bytes of the log that are not page headers. Reserving room
// for a record is then one addition, however many pages it spans.
type bytePos uint64

// geometry converts between byte positions and LSNs.
type geometry struct {
	seg       lsn.SegSize
	perSeg    uint64 // usable bytes of a segment
	firstPage uint64 // usable bytes of its first page
	perPage   uint64 // and of the others
}

func newGeometry(seg lsn.SegSize) geometry {
	g := geometry{seg: seg, firstPage: PageSize - longHeader, perPage: PageSize - shortHeader}
	g.perSeg = uint64(seg)/PageSize*g.perPage - (longHeader - shortHeader)
	return g
}

// start is where a record at p begins: behind the header, if p is the first
// byte of a page.
func (g *geometry) start(p bytePos) lsn.LSN { return g.lsn(p, true) }

// end is where a record that ends at p ends: before the header of the next
// page.
func (g *geometry) end(p bytePos) lsn.LSN { return g.lsn(p, false) }

func (g *geometry) lsn(p bytePos, skipHeader bool) lsn.LSN {
	base := uint64(p) / g.perSeg * uint64(g.seg)
	left := uint64(p) % g.perSeg
	head := uint64(longHeader)
	if left >= g.firstPage {
		left -= g.firstPage
		base += PageSize + left/g.perPage*PageSize
		left %= g.perPage
		head = shortHeader
	}
	if left == 0 && !skipHeader {
		return lsn.LSN(base)
	}
	return lsn.LSN(base + head + left)
}

// pos is the byte position of at, which is not within a page header.
func (g *geometry) pos(at lsn.LSN) bytePos {
	off := g.seg.Offset(at)
	p := uint64(g.seg.Containing(at)) * g.perSeg
	page, left := off/PageSize, off%PageSize
	if page == 0 {
		return bytePos(p + sub(left, longHeader))
	}
	return bytePos(p + g.firstPage + (page-1)*g.perPage + sub(left, shortHeader))
}

func sub(n, head uint64) uint64 {
	if n < head {
		return 0
	}
	return n - head
}
