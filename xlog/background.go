package xlog

import (
	"time"

	"github.com/pgmini/pgmini/lsn"
)

// SetAsyncLSN tells the WAL writer that an asynchronous commit ends at at. It is
// woken if it hibernates or if a whole page waits to be written.
func (l *Log) SetAsyncLSN(at lsn.LSN) {
	for {
		old := l.asyncLSN.Load()
		if old >= uint64(at) {
			break
		}
		if l.asyncLSN.CompareAndSwap(old, uint64(at)) {
			break
		}
	}
	if !l.sleeping.Load() && at&^(PageSize-1) <= l.FlushLSN() {
		return
	}
	l.wakeWriter()
}

func (l *Log) wakeWriter() {
	select {
	case l.hint <- struct{}{}:
	default:
	}
}

// Wake is signalled when the WAL writer has something to do before its time.
func (l *Log) Wake() <-chan struct{} { return l.hint }

// SetHibernating says whether the WAL writer sleeps longer than
// wal_writer_delay, so that any asynchronous commit must wake it.
func (l *Log) SetHibernating(on bool) { l.sleeping.Store(on) }

// BackgroundFlush is one turn of the WAL writer; it reports whether it had
// anything to do. Whole pages go first; if there is none, the page that holds an
// asynchronous commit is flushed as it is. So such a commit is durable after two
// turns that begin after it, and three delays are the most it can take.
func (l *Log) BackgroundFlush() (bool, error) {
	if err := l.Err(); err != nil {
		return false, err
	}
	upTo := l.InsertEnd() &^ (PageSize - 1)
	whole := true
	if upTo <= l.FlushLSN() {
		upTo, whole = lsn.LSN(l.asyncLSN.Load()), false
	}
	if upTo <= l.FlushLSN() {
		return false, l.markTail()
	}
	sync := l.timeToFlush(upTo)
	if !l.lead(upTo, sync, whole) {
		return true, l.Err()
	}
	defer l.yield()
	l.met.Flushes[ForWriter].Add(1)
	done, err := l.waitForInserts(l.geo.pos(upTo))
	if err != nil {
		return false, err
	}
	record := upTo
	if !whole {
		upTo = l.geo.end(done)
	}
	if err := l.write(upTo); err != nil {
		return false, err
	}
	if sync {
		if err := l.sync(l.WriteLSN()); err != nil {
			return false, err
		}
		if !whole {
			l.marks.whole.Store(uint64(record))
		}
		l.lastFlush.Store(time.Now().UnixNano())
	}
	return true, nil
}

// timeToFlush decides whether this turn syncs what it writes: when
// wal_writer_delay has passed since the last one did, or wal_writer_flush_after
// bytes have gathered.
func (l *Log) timeToFlush(upTo lsn.LSN) bool {
	var after int64
	if l.opt.FlushAfter != nil {
		after = l.opt.FlushAfter()
	}
	last := l.lastFlush.Load()
	if after <= 0 || last == 0 || int64(upTo-l.FlushLSN()) >= after {
		return true
	}
	delay := 200 * time.Millisecond
	if l.opt.WriterDelay != nil {
		delay = l.opt.WriterDelay()
	}
	return time.Now().UnixNano() >= last+int64(delay)
}
