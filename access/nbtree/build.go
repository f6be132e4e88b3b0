package nbtree

import (
	"context"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/xact"
)

// BuildOptions of NewBuilder.
type BuildOptions struct {
	// Memory bounds what is sorted in memory, in bytes (maintenance_work_mem); 0 is
	// 64 MB.
	Memory int
	// FS and TempName give temporary files for more; without FS all is sorted in
	// memory.
	FS       vfs.FS
	TempName func() string
	// Describe is as in InsertOptions.
	Describe func(vals []datum.Datum) string
}

// Builder makes an index from the rows of a table, which come in any order: it
// sorts the entries and fills the pages from left to right. The index's file
// exists and is empty.
type Builder struct {
	e     *env
	opt   BuildOptions
	spool spool
}

// NewBuilder starts a build.
func NewBuilder(tx *xact.Tx, idx *access.Relation, opt BuildOptions) *Builder {
	return newBuilder(newEnv(tx, idx), opt)
}

func newBuilder(e *env, opt BuildOptions) *Builder {
	if opt.Memory == 0 {
		opt.Memory = 64 << 20
	}
	b := &Builder{e: e, opt: opt}
	b.spool = spool{e: e, opt: opt}
	return b
}

// Add adds the entry of one row. A row that is dead, but that some transaction may
// still see, is not alive: it does not count for uniqueness.
func (b *Builder) Add(vals []datum.Datum, tid page.TID, alive bool) error {
	formed, err := access.FormIndexTuple(b.e.idx.Desc, vals, tid)
	if err != nil {
		return err
	}
	if len(formed) > maxItemSize {
		in := insertion{e: b.e, item: tuple(formed)}
		return in.tooLarge(len(formed))
	}
	return b.spool.add(tuple(formed), alive)
}

// Finish sorts and writes the index, and returns the number of its entries.
func (b *Builder) Finish(ctx context.Context) (float64, error) {
	defer b.spool.close()
	next, err := b.spool.sorted()
	if err != nil {
		return 0, err
	}
	l, err := newLoader(b.e)
	if err != nil {
		return 0, err
	}
	count := 0.0
	var last tuple // the last that was alive
	for {
		t, alive, ok, err := next()
		if err != nil {
			return 0, err
		}
		if !ok {
			break
		}
		if int(count)%10000 == 0 && ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if b.e.idx.Index.Unique && alive {
			if last != nil && b.sameKey(last, t) {
				return 0, b.duplicate(b.firstDuplicate(t))
			}
			last = append(last[:0], t...)
		}
		if err := l.add(t); err != nil {
			return 0, err
		}
		count++
	}
	if err := l.finish(); err != nil {
		return 0, err
	}
	return count, b.e.err
}

// Close drops what an unfinished build has spooled.
func (b *Builder) Close() { b.spool.close() }

// sameKey reports whether two tuples violate uniqueness.
func (b *Builder) sameKey(x, y tuple) bool {
	e := b.e
	e.deform(x, e.nkeys, e.cols[:])
	e.deform(y, e.nkeys, e.other[:])
	for i := range e.nkeys {
		if e.cols[i].Null && !e.idx.Index.NullsNotDistinct || e.compareCol(i, &e.cols[i], &e.other[i], nil) != 0 {
			return false
		}
	}
	return true
}

// duplicate is error 23505 of a build.
func (b *Builder) duplicate(t tuple) error {
	err := pgerr.New(pgerr.UniqueViolation, "could not create unique index %q", b.e.idx.Name)
	err.Detail = "Duplicate keys exist."
	if b.opt.Describe != nil {
		b.e.deform(t, b.e.natts, b.e.cols[:])
		if d := b.opt.Describe(b.e.cols[:b.e.nkeys]); d != "" {
			err.Detail = "Key " + d + " is duplicated."
		}
	}
	err.Constraint = b.e.idx.Name
	return err
}

// BuildEmpty writes a tree without entries into an empty fork: the main fork, or
// the init fork of an unlogged index.
func BuildEmpty(tx *xact.Tx, idx *access.Relation, fork page.Fork) error {
	return newEnv(tx, idx).buildEmpty(fork)
}

func (e *env) buildEmpty(fork page.Fork) error {
	b, _, err := e.pool.Extend(e.idx.Node, fork, nil)
	if err != nil {
		return err
	}
	defer e.drop(b)
	writeMeta(e.pool.Page(b), meta{version: metaVersion, allEqual: e.idx.Index.EqualImage})
	e.pool.MarkDirty(b)
	return e.logPage(b, fork == page.InitFork)
}

// logPage logs an image of a new page. always: also of a relation that is not
// logged, whose init fork must survive.
func (e *env) logPage(b bufmgr.Buffer, always bool) error {
	if e.idx.Sys == nil || e.idx.Sys.Log == nil || e.log == nil && !always {
		return nil
	}
	if err := e.idx.Sys.Log.Room(); err != nil {
		return err // a private page: nothing is lost
	}
	_, err := e.idx.Sys.Log.LogNewPage(e.rec, e.pool.Tag(b), e.pool.Page(b), true)
	return err
}
