package xlog

import (
	"errors"
	"io"
	"io/fs"
	"sync/atomic"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
)

// A watermark says «the log was durable up to here»: it is written behind what it
// speaks of, after the sync that made that durable. It has the bytes of a NOOP
// record, whose 14 bytes of data are a tag and the LSN. The tag binds it to the
// system and to its own place in the log, so that neither a recycled segment nor a
// copy of it in somebody's data counts.
//
// It stands in two places. The slack mark lies in the last bytes of the page with
// the log's end, which are zeros otherwise: each write of a partial page carries
// one, at no cost; it is no part of the log, and later writes of the page overwrite
// it. And every watermarkEvery bytes a real record says the same.
const (
	watermarkData  = 14
	watermarkSize  = recordHeader + 2 + watermarkData
	watermarkEvery = 64 << 10
)

// Compile-time check: a watermark needs no padding.
var _ = [1]struct{}{}[watermarkSize%8]

// mix spreads the bits of x (the finalizer of SplitMix64).
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// watermarkTag is 48 bits that a watermark has at one place of one system's log.
func watermarkTag(system uint64, at, durable lsn.LSN) uint64 {
	return mix(mix(mix(system)+uint64(at))+uint64(durable)) & (1<<48 - 1)
}

// putWatermarkData fills in the data of a watermark that starts at at.
func putWatermarkData(dst []byte, system uint64, at, durable lsn.LSN) {
	tag := watermarkTag(system, at, durable)
	le.PutUint32(dst, uint32(tag))
	le.PutUint16(dst[4:], uint16(tag>>32))
	le.PutUint64(dst[6:], uint64(durable))
}

// putSlackMark writes a whole watermark, which no reader takes for a record: it has
// no predecessor.
func putSlackMark(dst []byte, system uint64, at, durable lsn.LSN) {
	b := dst[:watermarkSize]
	clear(b)
	le.PutUint32(b[offTotLen:], watermarkSize)
	b[offInfo], b[offRmid] = InfoNoop, byte(RmXLOG)
	b[recordHeader], b[recordHeader+1] = idDataShort, watermarkData
	putWatermarkData(b[recordHeader+2:], system, at, durable)
	le.PutUint32(b[offCRC:], recordCRC(b))
}

// readWatermark returns what the watermark at at says, if b is one.
func readWatermark(b []byte, system uint64, at lsn.LSN) (durable lsn.LSN, ok bool) {
	if len(b) < watermarkSize || le.Uint32(b) != watermarkSize || b[offInfo] != InfoNoop || b[offRmid] != byte(RmXLOG) ||
		b[recordHeader] != idDataShort || b[recordHeader+1] != watermarkData {
		return 0, false
	}
	b = b[:watermarkSize]
	durable = lsn.LSN(le.Uint64(b[recordHeader+8:]))
	tag := uint64(le.Uint32(b[recordHeader+2:])) | uint64(le.Uint16(b[recordHeader+6:]))<<32
	if durable > at || tag != watermarkTag(system, at, durable) || recordCRC(b) != le.Uint32(b[offCRC:]) {
		return 0, false
	}
	return durable, true
}

// slackMark puts a watermark into the end of a page that is written with n bytes of
// the log. The caller leads; what it is about to write is not durable yet, and the
// watermark does not say so: INV-XLOG-6.
func (l *Log) slackMark(p []byte, n int, pageAt lsn.LSN) {
	if !l.opt.Watermarks || PageSize-n < watermarkSize+8 { // zeros still end the log
		return
	}
	durable := l.durableRecord()
	off := PageSize - watermarkSize
	putSlackMark(p[off:], l.opt.SystemID, pageAt+lsn.LSN(off), durable)
	l.marks.told.Store(uint64(durable))
}

// marks is what the log knows about its watermarks.
type marks struct {
	// whole is the end of a record up to which the log is durable. What is durable
	// may reach into the next record, whose loss is no damage.
	whole atomic.Uint64
	told  atomic.Uint64 // LSN that the newest watermark states
	said  atomic.Uint64 // and the newest record
	last  atomic.Uint64 // where that is
	busy  atomic.Bool
	quiet atomic.Bool // none may be inserted
	rec   Record      // of whoever set busy
}

// durableRecord is the end of the last record that watermarks may call durable.
func (l *Log) durableRecord() lsn.LSN { return lsn.LSN(l.marks.whole.Load()) }

// HoldWatermarks has no watermark inserted until it is called with false: the log
// must not grow while a checkpoint that ends it is taken.
func (l *Log) HoldWatermarks(on bool) { l.marks.quiet.Store(on) }

// markIfDue inserts a watermark if the log has grown enough since the last one. at
// is the end of a record that was inserted.
func (l *Log) markIfDue(at lsn.LSN) {
	if !l.opt.Watermarks || uint64(at) < l.marks.last.Load()+watermarkEvery || uint64(l.durableRecord()) <= l.marks.said.Load() {
		return
	}
	_, _ = l.insertWatermark() // a failure stops the log, and all hear of it
}

// insertWatermark inserts a watermark, unless another is at it or none may be. It
// returns the end of the log then.
func (l *Log) insertWatermark() (lsn.LSN, error) {
	m := &l.marks
	if m.quiet.Load() || !m.busy.CompareAndSwap(false, true) {
		return lsn.Invalid, nil
	}
	defer m.busy.Store(false)
	durable := l.durableRecord()
	r := &m.rec
	var data [watermarkData]byte
	r.Begin(RmXLOG, InfoNoop, 0)
	r.Data(data[:])
	if err := r.assemble(imagePolicy{}); err != nil {
		return 0, err
	}
	l.ins.mu.Lock()
	c := l.ins.reserve(watermarkSize)
	l.ins.mu.Unlock()
	r.start = l.geo.start(c.start)
	putWatermarkData(r.main, l.opt.SystemID, r.start, durable)
	r.asm.sum()
	r.asm.seal(l.prevLink(c))
	err := l.copyRecord(r, c)
	l.ins.publish(c.ticket)
	if err != nil {
		return 0, err
	}
	m.said.Store(uint64(durable))
	m.last.Store(uint64(r.start))
	l.met.Records.Add(1)
	l.met.Bytes.Add(watermarkSize)
	return l.geo.end(c.end), nil
}

// markTail has the newest watermark speak of all that is durable: an idle log has
// nothing behind its last flush that could. Nothing is synced.
func (l *Log) markTail() error {
	if !l.opt.Watermarks || uint64(l.durableRecord()) <= max(l.marks.told.Load(), l.marks.said.Load()) || !l.tryLead() {
		return nil
	}
	done, err := l.rewriteTail()
	l.yield()
	if err != nil || done {
		return err
	}
	end, err := l.insertWatermark() // the page has no room
	if err != nil || end == lsn.Invalid {
		return err
	}
	return l.makeRoom(end)
}

// rewriteTail writes the page with the end of what was written again, with a new
// slack mark. The caller leads.
func (l *Log) rewriteTail() (bool, error) {
	at := l.WriteLSN()
	first := at &^ (PageSize - 1)
	if n := int(at - first); n == 0 || PageSize-n < watermarkSize+8 {
		return false, nil
	}
	if err := l.openSegment(l.geo.seg.Containing(first)); err != nil {
		return false, l.fail(err)
	}
	if _, err := l.writeRun(first, at); err != nil {
		return false, l.fail(err)
	}
	return true, nil
}

// tryLead is lead without waiting.
func (l *Log) tryLead() bool {
	g := &l.group
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.busy || l.failure.Load() != nil {
		return false
	}
	g.busy = true
	return true
}

// KnownDurable looks through the log from from on for watermarks, whatever state it
// is in, and returns the highest LSN that one of them says was durable; Invalid if
// there is none. It reads the segment of from, and those behind it that hold log.
func KnownDurable(s *Segments, system uint64, from lsn.LSN) (lsn.LSN, error) {
	best := lsn.Invalid
	for seg := s.Size.Containing(from); ; seg++ {
		start := max(s.Size.Start(seg), from&^(PageSize-1))
		at, found, err := scanSegment(s, system, seg, start)
		if err != nil {
			return best, err
		}
		best = max(best, at)
		if !found && seg > s.Size.Containing(from) {
			return best, nil
		}
	}
}

// scanPages is how many pages are read at a time.
const scanPages = 128

// scanSegment returns what the watermarks behind start in one segment say, and
// whether the segment is there and holds log of its own.
func scanSegment(s *Segments, system uint64, seg lsn.SegNo, start lsn.LSN) (best lsn.LSN, found bool, err error) {
	name := join(s.Dir, s.Size.FileName(s.TLIs[0], seg))
	f, err := s.FS.Open(name, vfs.Read)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	} else if err != nil {
		return 0, false, pgerr.File(err, "open", name)
	}
	defer f.Close()
	first := s.Size.Start(seg)
	buf := make([]byte, (scanPages+1)*PageSize)
	for at := start; at < first+lsn.LSN(s.Size); at += scanPages * PageSize {
		n, err := f.ReadAt(buf, int64(at-first))
		if err != nil && !errors.Is(err, io.EOF) {
			return best, found, pgerr.File(err, "read", name)
		}
		for p := 0; p < scanPages*PageSize && p+PageSize <= n; p += PageSize {
			next := buf[p+PageSize : min(n, p+2*PageSize)]
			pageAt := at + lsn.LSN(p)
			found = found || OwnPage(buf[p:], pageAt)
			best = max(best, scanPage(buf[p:p+PageSize], next, system, pageAt))
		}
		if n < len(buf) || at == first && !found {
			return best, found, nil // the end; or a recycled segment that is still old
		}
	}
	return best, found, nil
}

// OwnPage reports whether p was written as the page at at.
func OwnPage(p []byte, at lsn.LSN) bool {
	return le.Uint16(p[offMagic:]) == PageMagic && lsn.LSN(le.Uint64(p[offPageAddr:])) == at
}

// scanPage returns the highest LSN that a watermark on a page states. One that goes
// over its end continues behind the header of next.
func scanPage(p, next []byte, system uint64, at lsn.LSN) (best lsn.LSN) {
	for off := shortHeader; off < PageSize; off += 8 {
		b := p[off:]
		if le.Uint32(b) != watermarkSize {
			continue
		}
		if len(b) < watermarkSize {
			if len(next) < PageSize {
				continue
			}
			var whole [watermarkSize]byte
			n := copy(whole[:], b)
			copy(whole[n:], next[shortHeader:])
			b = whole[:]
		}
		if durable, ok := readWatermark(b, system, at+lsn.LSN(off)); ok {
			best = max(best, durable)
		}
	}
	return best
}
