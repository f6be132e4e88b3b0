package xlog

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
)

// tempName is a segment in the making. PostgreSQL removes leftovers of this
// prefix when it starts.
const tempName = "xlogtemp.pgmini"

func syncError(err error, name string) error {
	return pgerr.Wrap(err, pgerr.IOError, "could not fdatasync file %q", name)
}

// openSegment has the leader's file be that of segment seg, making it if it is
// missing.
func (l *Log) openSegment(seg lsn.SegNo) error {
	if l.out.file != nil && l.out.seg == seg {
		return nil
	}
	if err := l.closeSegment(); err != nil {
		return err
	}
	name := l.path(seg)
	f, err := l.opt.FS.Open(name, vfs.Write)
	if errors.Is(err, fs.ErrNotExist) {
		l.met.SegmentsCreated.Add(1)
		if err := l.createSegment(seg); err != nil {
			return err
		}
		f, err = l.opt.FS.Open(name, vfs.Write)
	}
	if err != nil {
		return pgerr.File(err, "open", name)
	}
	l.out.file, l.out.seg = f, seg
	if l.opt.Opened != nil {
		l.opt.Opened(seg)
	}
	select {
	case l.prealloc <- struct{}{}:
	default:
	}
	return nil
}

func (l *Log) closeSegment() error {
	if l.out.file == nil {
		return nil
	}
	f := l.out.file
	l.out.file = nil
	if err := f.Close(); err != nil {
		return pgerr.File(err, "close", l.path(l.out.seg))
	}
	return nil
}

// createSegment makes an empty segment: zeros, synced under another name, then
// renamed. It leaves one that is there alone.
func (l *Log) createSegment(seg lsn.SegNo) error {
	l.segMu.Lock()
	defer l.segMu.Unlock()
	name := l.path(seg)
	if _, err := l.opt.FS.Stat(name); err == nil {
		return nil
	}
	temp := join(l.opt.Dir, tempName)
	if err := l.fillSegment(temp); err != nil {
		_ = l.opt.FS.Remove(temp) // give the room back; the error is the point
		return err
	}
	return l.install(temp, name)
}

func (l *Log) fillSegment(temp string) error {
	f, err := l.opt.FS.Open(temp, vfs.Write|vfs.Create|vfs.Trunc)
	if err != nil {
		return pgerr.File(err, "create", temp)
	}
	defer f.Close()
	size := int64(l.geo.seg)
	if l.room.limit.Load() != 0 {
		// What little room there is should not be taken from others for a moment.
		if err := f.Preallocate(0, size); err != nil {
			return pgerr.File(err, "write", temp)
		}
	}
	if l.opt.NoInitZero {
		if err := f.Preallocate(0, size); err != nil {
			return pgerr.File(err, "write", temp)
		}
	} else {
		zero := make([]byte, 1<<20)
		for off := int64(0); off < size; off += int64(len(zero)) {
			if _, err := f.WriteAt(zero, off); err != nil {
				return pgerr.File(err, "write", temp)
			}
		}
	}
	if l.opt.NoSync {
		return nil
	}
	if err := f.Sync(); err != nil {
		return pgerr.File(err, "fsync", temp)
	}
	return nil
}

// install gives a file that is complete and durable its name as a segment.
func (l *Log) install(from, to string) error {
	if err := l.opt.FS.Rename(from, to); err != nil {
		return pgerr.Wrap(err, pgerr.IOError, "could not rename file %q to %q", from, to)
	}
	if l.opt.NoSync {
		return nil
	}
	if err := l.opt.FS.SyncDir(l.opt.Dir); err != nil {
		return pgerr.File(err, "fsync", l.opt.Dir)
	}
	return nil
}

// Preallocate makes the segments behind the one being written, so that count of
// them are ready (PreallocXlogFiles). It reports how many it made.
func (l *Log) Preallocate(count int) (int, error) {
	made := 0
	for i := 1; i <= count; i++ {
		seg := l.geo.seg.Containing(l.WriteLSN()) + lsn.SegNo(i)
		if _, err := l.opt.FS.Stat(l.path(seg)); err == nil {
			continue
		}
		if err := l.createSegment(seg); err != nil {
			l.noteRoom(err)
			return made, err
		}
		l.met.SegmentsAhead.Add(1)
		made++
	}
	l.noteRoom(nil)
	return made, nil
}

// Preallocator keeps the next segment ready, so that no commit waits for zeros
// to be written. A failure to do so (no room) is given to report and stops
// nothing: the writer will try itself. A full disk is tried again and again, and
// reported once. It returns when ctx is done.
func (l *Log) Preallocator(ctx context.Context, report func(error)) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.prealloc:
		}
		_, err := l.Preallocate(1)
		if err != nil && report != nil {
			report(err)
		}
		for l.room.limit.Load() != 0 && l.waitRoom(ctx) {
			_, _ = l.Preallocate(1)
		}
	}
}

// Retention says which old segments to keep as spares.
type Retention struct {
	MinSize, MaxSize int64   // min_wal_size and max_wal_size in bytes
	Completion       float64 // checkpoint_completion_target
	Distance         float64 // estimated bytes between two checkpoints
	Recycle          bool    // wal_recycle
	// Archived reports whether the segment may go as far as the archiver is
	// concerned; optional.
	Archived func(name string) bool
	// Refused is told of a segment that cannot be removed: it stays, and the next
	// checkpoint tries again. Optional: without it that is an error.
	Refused func(error)
}

// spares is the highest segment worth having, seen from the redo point of the
// latest checkpoint (XLOGfileslop).
func (r *Retention) spares(redo lsn.LSN, seg lsn.SegSize) lsn.SegNo {
	base := seg.Containing(redo) - 1
	low := base + lsn.SegNo(r.MinSize/int64(seg))
	high := base + lsn.SegNo(r.MaxSize/int64(seg))
	distance := (1 + r.Completion) * r.Distance * 1.10
	want := lsn.SegNo((float64(redo) + distance + float64(seg) - 1) / float64(seg))
	return min(max(want, low), max(high, low))
}

// RemoveOld removes the segments below keep, of whatever timeline, or gives them
// a new name ahead of the log while fewer spares than wanted are there
// (RemoveOldXlogFiles). redo is the redo point of the latest checkpoint.
func (l *Log) RemoveOld(keep lsn.SegNo, redo lsn.LSN, r Retention) (removed, recycled int, err error) {
	list, err := l.opt.FS.List(l.opt.Dir)
	if err != nil {
		return 0, 0, pgerr.File(err, "open", l.opt.Dir)
	}
	spare := l.geo.seg.Containing(l.WriteLSN()) + 1
	last := r.spares(redo, l.geo.seg)
	for _, e := range list {
		name := strings.TrimSuffix(e.Name(), ".partial")
		_, seg, err := l.geo.seg.ParseFileName(name)
		if err != nil || seg >= keep || r.Archived != nil && !r.Archived(e.Name()) {
			continue
		}
		done := false
		if r.Recycle && name == e.Name() {
			if done, err = l.recycle(e.Name(), &spare, last); err != nil {
				return removed, recycled, err
			}
		}
		if done {
			recycled++
			continue
		}
		path := join(l.opt.Dir, e.Name())
		if err := l.opt.FS.Remove(path); err != nil {
			if err = pgerr.File(err, "remove", path); r.Refused == nil {
				return removed, recycled, err
			}
			r.Refused(err)
			continue
		}
		removed++
	}
	// The folder is not synced: a segment that a crash brings back is behind the redo
	// point, and goes with the next checkpoint.
	if l.room.limit.Load() != 0 { // there may be room now
		select {
		case l.prealloc <- struct{}{}:
		default:
		}
	}
	return removed, recycled, nil
}

// recycle renames an old segment to the first free place from *spare to last.
func (l *Log) recycle(name string, spare *lsn.SegNo, last lsn.SegNo) (bool, error) {
	l.segMu.Lock()
	defer l.segMu.Unlock()
	path := join(l.opt.Dir, name)
	if info, err := l.opt.FS.Lstat(path); err != nil || !info.Mode().IsRegular() || info.Size() != int64(l.geo.seg) {
		return false, nil
	}
	for ; *spare <= last; *spare++ {
		to := l.path(*spare)
		if _, err := l.opt.FS.Lstat(to); err == nil {
			continue
		}
		*spare++
		return true, l.install(path, to)
	}
	return false, nil
}
