package xlog

import (
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/page"
)

// Insert adds r to the log and returns the LSN behind it, which goes into pd_lsn
// of the pages that it changed. An error is a PANIC of the server.
func (l *Log) Insert(r *Record) (lsn.LSN, error) { panic("unwritten") }

// Flush returns when the log is durable up to upTo.
func (l *Log) Flush(upTo lsn.LSN) error { panic("unwritten") }

// FlushCommit is Flush for a commit: it waits commit_delay for company.
func (l *Log) FlushCommit(upTo lsn.LSN) error { panic("unwritten") }

// SetAsyncLSN tells the WAL writer that an asynchronous commit ends at at.
func (l *Log) SetAsyncLSN(at lsn.LSN) { panic("unwritten") }

// BackgroundFlush is one turn of the WAL writer; it reports whether it had
// anything to do.
func (l *Log) BackgroundFlush() (bool, error) { panic("unwritten") }

// InsertLSN is the end of what was reserved (pg_current_wal_insert_lsn).
func (l *Log) InsertLSN() lsn.LSN { panic("unwritten") }

// WriteLSN is the end of what was written (pg_current_wal_lsn).
func (l *Log) WriteLSN() lsn.LSN { panic("unwritten") }

// FlushLSN is the end of what is durable (pg_current_wal_flush_lsn).
func (l *Log) FlushLSN() lsn.LSN { panic("unwritten") }

// RedoLSN is the redo point of the latest checkpoint that began (RedoRecPtr).
func (l *Log) RedoLSN() lsn.LSN { panic("unwritten") }

// Switch ends the segment (pg_switch_wal) and returns the end of the record.
func (l *Log) Switch() (lsn.LSN, error) { panic("unwritten") }

// Timeline is the timeline that is written.
func (l *Log) Timeline() lsn.Timeline { panic("unwritten") }

// NeedsBackup reports whether a change of a page with this LSN carries an image.
func (l *Log) NeedsBackup(pageLSN lsn.LSN) bool { panic("unwritten") }

// LogNewPage logs an image of p and stamps it (log_newpage).
func (l *Log) LogNewPage(r *Record, tag page.Tag, p page.Page, standard bool) (lsn.LSN, error) {
	panic("unwritten")
}

// LogNewPages logs images of pages of one fork, as many per record as fit, and
// stamps them (log_newpages). tags and pages run in parallel.
func (l *Log) LogNewPages(r *Record, tags []page.Tag, pages []page.Page, standard bool) error {
	panic("unwritten")
}

// SaveHint logs an image of p, which a hint bit is about to change, if it needs
// one (XLogSaveBufferForHint). It returns lsn.Invalid if none was needed.
func (l *Log) SaveHint(r *Record, tag page.Tag, p page.Page, standard bool) (lsn.LSN, error) {
	panic("unwritten")
}

// Log is the write-ahead log of one server, open for writing.
type Log struct{}

type codec struct{}

func (d *Decoded) decode(raw []byte) error { panic("unwritten") }

// RestoreImage writes the image of block id into dst (RestoreBlockImage).
func (d *Decoded) RestoreImage(id uint8, dst page.Page) error { panic("unwritten") }
