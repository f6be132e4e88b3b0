package nbtree

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

// maxCols is INDEX_MAX_KEYS.
const maxCols = 32

// env is one operation on one index. It belongs to one goroutine.
type env struct {
	idx  *access.Relation
	pool *bufmgr.Pool
	log  *xlog.Log // nil: not logged
	rec  *xlog.Record
	txs  txSource

	natts int // all columns
	nkeys int // key columns
	stack []step
	cols  [maxCols]datum.Datum // of the tuple being compared
	other [maxCols]datum.Datum
	buf   []byte // wire data under construction
	err   error  // first corruption that compare met
}

// step is where a descent left an internal page.
type step struct {
	blk page.BlockNumber
	off page.OffsetNumber
}

// txSource is what an operation needs of its transaction.
type txSource interface {
	currentXID() xid.XID // invalid if none was assigned
	nextXID() xid.Full
	oldestXmin() xid.XID
}

// txAdapter makes a txSource of a transaction.
type txAdapter struct {
	tx  *xact.Tx
	idx *access.Relation
}

func (a txAdapter) nextXID() xid.Full { return a.tx.Manager().NextXID() }

func (a txAdapter) oldestXmin() xid.XID {
	return a.tx.Manager().OldestXmin(a.idx.Node.DB, a.idx.IsCatalog)
}

// init prepares e for idx.
func (e *env) init(idx *access.Relation, rec *xlog.Record, txs txSource) {
	e.idx, e.pool, e.rec, e.txs = idx, idx.Pool, rec, txs
	e.log = nil
	if idx.Logged() && idx.Sys != nil {
		e.log = idx.Sys.Log
	}
	e.natts, e.nkeys = idx.Desc.NAttrs(), idx.Index.KeyCols
	e.stack, e.err = e.stack[:0], nil
}

// newEnv is an env for an operation of tx.
func newEnv(tx *xact.Tx, idx *access.Relation) *env {
	e := new(env)
	e.init(idx, &tx.Rec, txAdapter{tx, idx})
	return e
}

// fail remembers the first error of a comparison.
func (e *env) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

// corrupt is an error that names the index (ERRCODE_INDEX_CORRUPTED).
func (e *env) corrupt(format string, a ...any) error {
	return pgerr.Wrap(page.ErrCorrupt, pgerr.IndexCorrupted, format+" in index %q", append(a, e.idx.Name)...)
}

// Modes of get.
const (
	read  = bufmgr.Shared
	write = bufmgr.Exclusive
)

// get pins and locks block blk and checks that it is a btree page (_bt_getbuf).
func (e *env) get(blk page.BlockNumber, mode bufmgr.LockMode) (bufmgr.Buffer, node, error) {
	b, err := e.pin(blk)
	if err != nil {
		return 0, node{}, err
	}
	return e.locked(b, mode)
}

// pin pins block blk.
func (e *env) pin(blk page.BlockNumber) (bufmgr.Buffer, error) {
	return e.pool.Read(e.idx.Tag(page.MainFork, blk), bufmgr.Normal, nil)
}

// locked locks the pinned b and checks its page; on error b is released.
func (e *env) locked(b bufmgr.Buffer, mode bufmgr.LockMode) (bufmgr.Buffer, node, error) {
	e.pool.Lock(b, mode)
	n := node{e.pool.Page(b)}
	if err := e.check(n.Page, b); err != nil {
		e.pool.UnlockRelease(b)
		return 0, node{}, err
	}
	return b, n, nil
}

// check reports a page that is not a btree's (_bt_checkpage).
func (e *env) check(p page.Page, b bufmgr.Buffer) error {
	if p.IsNew() {
		return pgerr.New(pgerr.IndexCorrupted, "index %q contains unexpected zero page at block %d", e.idx.Name, e.pool.Tag(b).Block).
			WithHint("Please REINDEX it.")
	}
	if p.SpecialOff() != specialAt {
		return pgerr.New(pgerr.IndexCorrupted, "index %q contains corrupted page at block %d", e.idx.Name, e.pool.Tag(b).Block).
			WithHint("Please REINDEX it.")
	}
	return nil
}

// checkNode is check for redo, which knows no index.
func checkNode(p page.Page) error {
	if p.IsNew() || p.SpecialOff() != specialAt {
		return badRecord("page is not a btree page")
	}
	return nil
}

// drop unlocks and releases b.
func (e *env) drop(b bufmgr.Buffer) { e.pool.UnlockRelease(b) }

// blockOf is b's block number.
func (e *env) blockOf(b bufmgr.Buffer) page.BlockNumber { return e.pool.Tag(b).Block }

// nodeOf is b's page.
func (e *env) nodeOf(b bufmgr.Buffer) node { return node{e.pool.Page(b)} }

// getMeta locks the meta page and reads it.
func (e *env) getMeta(mode bufmgr.LockMode) (bufmgr.Buffer, meta, error) {
	b, n, err := e.get(metaBlock, mode)
	if err != nil {
		return 0, meta{}, err
	}
	if !n.is(flagMeta) || le.Uint32(n.Page[offMagic:]) != metaMagic {
		e.drop(b)
		return 0, meta{}, pgerr.New(pgerr.IndexCorrupted, "index %q is not a btree", e.idx.Name)
	}
	m := readMeta(n.Page)
	if m.version != metaVersion {
		e.drop(b)
		return 0, meta{}, pgerr.NotYet("btree version %d of index %q", m.version, e.idx.Name)
	}
	return b, m, nil
}

// begin starts a record.
func (e *env) begin(info uint8) {
	if e.log != nil {
		e.rec.Begin(xlog.RmBtree, info, e.txs.currentXID())
	}
}

// ref adds block id to the record: b's page, changed already, with the parts of
// its data.
func (e *env) ref(id uint8, b bufmgr.Buffer, f xlog.BlockFlags, data ...[]byte) {
	if e.log == nil {
		return
	}
	e.rec.Block(id, e.pool.Tag(b), e.pool.Page(b), f)
	for _, d := range data {
		e.rec.BlockData(id, d)
	}
}

// fatal reports an error within a critical section: a page is changed, and the log
// does not say so. The server stops.
func (e *env) fatal(err error) error {
	if e.log != nil && e.idx.Sys.Xact != nil {
		e.idx.Sys.Xact.Fatal(err)
	}
	return err
}

// finish inserts the record and stamps the changed pages. An error here is an
// instance PANIC.
func (e *env) finish(main []byte, bufs ...bufmgr.Buffer) error {
	if e.log == nil {
		return nil
	}
	if main != nil {
		e.rec.Data(main)
	}
	end, err := e.log.Insert(e.rec)
	if err != nil {
		return e.fatal(err)
	}
	for _, b := range bufs {
		if b != 0 {
			stamp(e.pool.Page(b), end)
		}
	}
	return nil
}

func (a txAdapter) currentXID() xid.XID { return a.tx.XIDIfAny() }
