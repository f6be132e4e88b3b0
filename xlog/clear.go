package xlog

import (
	"errors"
	"io"
	"io/fs"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
)

// clearBehind zeroes the pages behind that of end which hold log of their own place:
// a crashed server wrote them, and something before them was lost. The next records
// could end just where one of those pages begins, and with the right length even
// link to its first record. INV-XLOG-7. What a recycled segment holds stays: it
// names another place.
func (l *Log) clearBehind(end lsn.LSN) error {
	at := (end + PageSize - 1) &^ (PageSize - 1)
	for first := true; ; first = false {
		n, err := l.clearSegment(at)
		if err != nil || n == 0 && !first {
			return err
		}
		at = l.geo.seg.Start(l.geo.seg.Containing(at) + 1)
	}
}

// clearSegment zeroes such pages from at to the end of its segment and returns how
// many there were. They are zero on disk when it returns.
func (l *Log) clearSegment(at lsn.LSN) (cleared int, err error) {
	seg := l.geo.seg.Containing(at)
	name := l.path(seg)
	f, err := l.opt.FS.Open(name, vfs.Write)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	} else if err != nil {
		return 0, pgerr.File(err, "open", name)
	}
	defer f.Close()
	start := l.geo.seg.Start(seg)
	buf, zero := make([]byte, scanPages*PageSize), make([]byte, PageSize)
	for first := at; at < start+lsn.LSN(l.geo.seg); at += scanPages * PageSize {
		n, err := f.ReadAt(buf, int64(at-start))
		if err != nil && !errors.Is(err, io.EOF) {
			return cleared, pgerr.File(err, "read", name)
		}
		for p := 0; p+PageSize <= n && at+lsn.LSN(p) < start+lsn.LSN(l.geo.seg); p += PageSize {
			if !OwnPage(buf[p:], at+lsn.LSN(p)) {
				continue
			}
			if _, err := f.WriteAt(zero, int64(at-start)+int64(p)); err != nil {
				return cleared, pgerr.File(err, "write", name)
			}
			cleared++
		}
		if n < len(buf) || first == start && cleared == 0 {
			break // the end; or a segment that the log did not reach
		}
	}
	if cleared > 0 && !l.opt.NoSync {
		if err := f.Datasync(); err != nil {
			return cleared, syncError(err, name)
		}
	}
	return cleared, nil
}
