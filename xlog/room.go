package xlog

import (
	"context"
	"errors"
	"io/fs"
	"sync/atomic"
	"time"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/pgerr"
)

// A full disk under the log is found out when the next segment cannot be made, while
// there is still the rest of the one that is written. From then on those who would
// change data are refused when only the reserve is left of that: commits, rollbacks
// and a checkpoint still have room in it, and so has the checkpoint of the next start.
// Reads go on. As soon as a segment can be made, or was recycled, all is as before.

// room is what is known about a full disk.
type room struct {
	limit atomic.Uint64 // where the segments that exist end; 0: the disk is not full
	why   atomic.Pointer[pgerr.Error]
}

// retryEvery is how often a full disk is tried again.
const retryEvery = time.Second

// reserve is how much of the segments that exist is kept.
func (l *Log) reserve() lsn.LSN { return lsn.LSN(l.geo.seg) / 4 }

// Room returns error 53100 if the disk is so full that no data may be changed.
// Whoever is about to change some asks before it does anything that must not fail.
func (l *Log) Room() error {
	limit := l.room.limit.Load()
	if limit == 0 || l.InsertLSN()+l.reserve() <= lsn.LSN(limit) {
		return nil
	}
	why := l.room.why.Load()
	if why == nil {
		return nil
	}
	return pgerr.New(pgerr.DiskFull, "%s", why.Msg).
		WithHint("Check free disk space. What only reads goes on, and changes will as soon as there is room for a WAL segment.")
}

// noteRoom takes down whether the next segment could be made, and tells the owner of
// a disk that is full.
func (l *Log) noteRoom(err error) {
	if err == nil {
		l.room.limit.Store(0)
		return
	}
	e, ok := pgerr.As(err)
	if !ok || e.Code != pgerr.DiskFull {
		return
	}
	seg := l.geo.seg.Containing(l.WriteLSN())
	for {
		if _, err := l.opt.FS.Stat(l.path(seg)); err != nil {
			break
		}
		seg++
	}
	l.room.why.Store(e)
	l.room.limit.Store(uint64(max(l.geo.seg.Start(seg), 1)))
}

// CheckRoom makes the next segment at once if the one that is written is nearly at its
// end: the server starts, and nobody has tried yet. A failure is noted only.
func (l *Log) CheckRoom() {
	at := l.InsertLSN()
	seg := l.geo.seg.Containing(at)
	if l.geo.seg.Start(seg+1)-at > 2*l.reserve() {
		return
	}
	if _, err := l.opt.FS.Stat(l.path(seg + 1)); errors.Is(err, fs.ErrNotExist) {
		_, _ = l.Preallocate(1)
	}
	select {
	case l.prealloc <- struct{}{}: // to try again, if that failed
	default:
	}
}

// waitRoom returns when it is time to try again to make a segment; false if ctx is
// done.
func (l *Log) waitRoom(ctx context.Context) bool {
	t := time.NewTimer(retryEvery)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
	case <-l.prealloc:
	}
	return true
}
