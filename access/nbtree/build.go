package nbtree

import (
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/page"
)

// buildEmpty writes a tree without entries into an empty fork: the meta page.
func (e *env) buildEmpty(fork page.Fork) error {
	b, _, err := e.pool.Extend(e.idx.Node, fork, nil)
	if err != nil {
		return err
	}
	defer e.drop(b)
	writeMeta(e.pool.Page(b), meta{version: metaVersion, allEqual: e.idx.Index.EqualImage})
	e.pool.MarkDirty(b)
	return e.logPages([]bufmgr.Buffer{b}, fork == page.InitFork)
}

// logPages logs images of new pages. always: also of a relation that is not
// logged, whose init fork must survive.
func (e *env) logPages(bufs []bufmgr.Buffer, always bool) error {
	if e.log == nil && !always {
		return nil
	}
	l := e.idx.Sys.Log
	tags := make([]page.Tag, len(bufs))
	pages := make([]page.Page, len(bufs))
	for i, b := range bufs {
		tags[i], pages[i] = e.pool.Tag(b), e.pool.Page(b)
	}
	return l.LogNewPages(e.rec, tags, pages, true)
}
