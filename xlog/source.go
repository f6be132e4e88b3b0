package xlog

import (
	"errors"
	"io"
	"io/fs"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
)

// Segments is a PageSource over the segment files of one folder. With several
// timelines it takes each segment from the first one in TLIs (newest first)
// that has it.
type Segments struct {
	FS   vfs.FS
	Dir  string // pg_wal
	Size lsn.SegSize
	TLIs []lsn.Timeline
	// Stop, unless Invalid, is where reading ends.
	Stop lsn.LSN

	file vfs.File
	seg  lsn.SegNo
	tli  lsn.Timeline
}

// Timeline is the timeline of the page read last.
func (s *Segments) Timeline() lsn.Timeline {
	if s.tli == 0 && len(s.TLIs) > 0 {
		return s.TLIs[0]
	}
	return s.tli
}

// Close closes the file that is open.
func (s *Segments) Close() error {
	if s.file == nil {
		return nil
	}
	f := s.file
	s.file = nil
	return f.Close()
}

// ReadPage reads one page.
func (s *Segments) ReadPage(at lsn.LSN, need int, dst []byte) (int, error) {
	want := PageSize
	if s.Stop != lsn.Invalid && at+PageSize > s.Stop {
		if at+lsn.LSN(need) > s.Stop {
			return 0, ErrStop
		}
		want = int(s.Stop - at)
	}
	seg := s.Size.Containing(at)
	if s.file == nil || seg != s.seg {
		s.Close()
		if err := s.open(seg); err != nil {
			return 0, err
		}
	}
	off := s.Size.Offset(at)
	n, err := s.file.ReadAt(dst[:want], int64(off))
	if n >= need {
		return n, nil
	}
	name := s.Size.FileName(s.tli, seg)
	if err == nil || errors.Is(err, io.EOF) {
		return n, pgerr.New(pgerr.DataCorrupted, "could not read from file %s, offset %d: read %d of %d", name, off, n, want)
	}
	return n, pgerr.Wrap(err, pgerr.IOError, "could not read from file %s, offset %d", name, off)
}

func (s *Segments) open(seg lsn.SegNo) error {
	var first error
	for _, tli := range s.TLIs {
		name := s.Size.FileName(tli, seg)
		f, err := s.FS.Open(join(s.Dir, name), vfs.Read)
		if err == nil {
			s.file, s.seg, s.tli = f, seg, tli
			return nil
		}
		if first == nil {
			first = pgerr.Wrap(err, pgerr.UndefinedFile, "could not find file \"%s\"", name)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return pgerr.File(err, "open", name)
		}
	}
	return first
}

func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}
