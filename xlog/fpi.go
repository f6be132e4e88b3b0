package xlog

import (
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/page"
)

// maxImages is how many page images LogNewPages puts into one record.
const maxImages = maxBlockID

func imageFlags(standard bool) BlockFlags {
	if standard {
		return ForceImage | Standard
	}
	return ForceImage
}

// LogNewPage logs an image of p and stamps it (log_newpage). The caller holds
// the page exclusively.
func (l *Log) LogNewPage(r *Record, tag page.Tag, p page.Page, standard bool) (lsn.LSN, error) {
	r.Begin(RmXLOG, InfoFPI, 0)
	r.Block(0, tag, p, imageFlags(standard))
	at, err := l.Insert(r)
	if err == nil && !p.IsNew() {
		p.SetLSN(at)
	}
	return at, err
}

// LogNewPages logs images of pages, as many per record as fit, and stamps them
// (log_newpages). tags and pages run in parallel.
func (l *Log) LogNewPages(r *Record, tags []page.Tag, pages []page.Page, standard bool) error {
	for len(tags) > 0 {
		n := min(len(tags), maxImages)
		r.Begin(RmXLOG, InfoFPI, 0)
		for i := range n {
			r.Block(uint8(i), tags[i], pages[i], imageFlags(standard))
		}
		at, err := l.Insert(r)
		if err != nil {
			return err
		}
		for _, p := range pages[:n] {
			if !p.IsNew() {
				p.SetLSN(at)
			}
		}
		tags, pages = tags[n:], pages[n:]
	}
	return nil
}

// HintsLogged reports whether hint bits need SaveHint: a torn write would break
// the checksum of the page.
func (l *Log) HintsLogged() bool { return l.opt.Hints }

// SaveHint logs an image of p, in which a hint bit was or will be changed and
// nothing else, if p has none since the redo point (XLogSaveBufferForHint). It
// returns lsn.Invalid if none was needed; otherwise the caller stamps p.
func (l *Log) SaveHint(r *Record, tag page.Tag, p page.Page, standard bool) (lsn.LSN, error) {
	if !l.opt.Hints || p.LSN() > l.RedoLSN() {
		return lsn.Invalid, nil
	}
	r.Begin(RmXLOG, InfoFPIForHint, 0)
	r.Block(0, tag, p, imageFlags(standard)&^ForceImage)
	return l.Insert(r)
}
