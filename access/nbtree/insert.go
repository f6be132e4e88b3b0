package nbtree

import (
	"context"
	"slices"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

// Insert adds an entry for the row at tid to idx. The result says whether the row
// is unique as far as one can know: always true, but for UniquePartial. A
// conflict under UniqueYes or UniqueExisting is error 23505; before that, Insert
// waits for transactions in progress that decide about it.
func Insert(ctx context.Context, tx *xact.Tx, idx *access.Relation, vals []datum.Datum, tid page.TID, o InsertOptions) (bool, error) {
	in, ok := idx.Sys.BtreeScratch.Get().(*insertion)
	if !ok {
		in = &insertion{e: new(env)}
	}
	in.tx = tx
	in.e.init(idx, &tx.Rec, txAdapter{tx, idx})
	unique, err := in.run(ctx, vals, tid, o, func(x xid.XID) error { return tx.Manager().WaitFor(ctx, tx, x) })
	in.vals, in.item, in.o = nil, nil, InsertOptions{}
	in.tx, in.e.rec, in.e.txs = nil, nil, nil
	idx.Sys.BtreeScratch.Put(in)
	return unique, err
}

// insertion is one Insert under way.
type insertion struct {
	e     *env
	tx    *xact.Tx
	o     InsertOptions
	vals  []datum.Datum
	item  tuple
	key   searchKey
	check bool // uniqueness is checked, and the key has no NULL that forbids it
	dups  bool // the leaf is likely to hold versions of one row
}

func (e *env) insert(ctx context.Context, vals []datum.Datum, tid page.TID, o InsertOptions, wait func(xid.XID) error) (bool, error) {
	return (&insertion{e: e}).run(ctx, vals, tid, o, wait)
}

func (in *insertion) run(ctx context.Context, vals []datum.Datum, tid page.TID, o InsertOptions, wait func(xid.XID) error) (bool, error) {
	e := in.e
	formed, err := access.FormIndexTuple(e.idx.Desc, vals, tid)
	if err != nil {
		return false, err
	}
	in.o, in.vals, in.item, in.dups = o, vals, tuple(formed), false
	nulls := e.keyOf(&in.key, in.item)
	if e.err != nil {
		return false, e.err
	}
	in.check = o.Check != UniqueNo && (!nulls || e.idx.Index.NullsNotDistinct)
	unique := true
	for {
		in.key.hasTID = !in.check
		leaf, _, err := e.search(&in.key, write)
		if err != nil {
			return false, err
		}
		if in.check {
			found, err := in.conflict(leaf)
			if err != nil {
				e.drop(leaf)
				return false, err
			}
			if found.Wait != xid.Invalid {
				e.drop(leaf)
				if sw, ok := o.Heap.(SpeculativeWaiter); ok && found.Token != 0 {
					err = sw.WaitSpeculative(ctx, found.Wait, found.Token)
				} else {
					err = wait(found.Wait)
				}
				if err != nil {
					return false, err
				}
				continue
			}
			unique = !found.Found
			in.key.hasTID = true
		}
		if o.Check == UniqueExisting {
			e.drop(leaf)
			return unique, nil
		}
		return unique, in.place(leaf)
	}
}

// place finds room on the leaf or one to its right, and inserts.
func (in *insertion) place(leaf bufmgr.Buffer) error {
	b, off, at, err := in.location(leaf)
	if err != nil {
		return err
	}
	if err := in.wrote(b); err != nil {
		in.e.drop(b)
		return err
	}
	return in.e.insertOnPage(b, 0, len(in.e.stack), in.item, off, at, false)
}

// wrote tells serializable transactions who read the locked leaf b that its keys
// change.
func (in *insertion) wrote(b bufmgr.Buffer) error {
	if in.tx == nil {
		return nil
	}
	return in.e.idx.Wrote(in.tx, page.TID{Block: in.e.blockOf(b)})
}

// location moves from leaf to the page where the item belongs, makes room there if
// it can, and returns the page, locked, the offset, and if the item's TID falls
// within a posting list the place in it (_bt_findinsertloc). On error b is
// released.
func (in *insertion) location(b bufmgr.Buffer) (bufmgr.Buffer, page.OffsetNumber, int, error) {
	e := in.e
	n := e.nodeOf(b)
	size := page.MaxAlign(len(in.item))
	in.dups = in.dups || in.o.Unchanged
	var err error
	if size > maxItemSize {
		err = in.tooLarge(size)
	}
	if in.check { // the search did not look at the TID
		for err == nil && !n.rightmost() && e.compare2High(&in.key, n) > 0 {
			if b, n, err = e.stepRight(b, n); err != nil {
				return 0, 0, 0, err
			}
			in.dups = true
		}
	}
	if err == nil && n.FreeSpace() < size {
		err = in.makeRoom(b, size, false)
	}
	if err != nil {
		e.drop(b)
		return 0, 0, 0, err
	}
	off, at := in.offset(n)
	if at < 0 { // into a dead posting list: it must go first
		if err = in.makeRoom(b, size, true); err == nil {
			off, at = in.offset(n)
			if at < 0 {
				err = e.corrupt("dead posting list is still there")
			}
		}
	}
	if err == nil {
		err = e.err
	}
	if err != nil {
		e.drop(b)
		return 0, 0, 0, err
	}
	return b, off, at, nil
}

func (in *insertion) tooLarge(size int) error {
	return pgerr.New(pgerr.ProgramLimitExceeded, "index row size %d exceeds btree version %d maximum %d for index %q",
		size, metaVersion, maxItemSize, in.e.idx.Name).
		WithDetail("Index row references tuple (%d,%d) in its relation.", in.item.tid().Block, in.item.tid().Off).
		WithHint("Values larger than 1/3 of a buffer page cannot be indexed.\n" +
			"Consider a function index of an MD5 hash of the value, or use full text indexing.")
}

// offset is where the item goes on n; at is the place in the posting list to the
// left of off that its TID splits, -1 if that list is dead, 0 if there is none.
func (in *insertion) offset(n node) (off page.OffsetNumber, at int) {
	off = in.e.binarySearch(&in.key, n)
	if off > n.last() {
		return off, 0
	}
	t := n.at(off)
	if !t.posting() || in.e.compare(&in.key, n, off) != 0 {
		return off, 0
	}
	if n.dead(off) {
		return off, -1
	}
	lo, hi := 0, t.nTIDs()
	for lo < hi {
		mid := (lo + hi) / 2
		if t.tidAt(mid).Compare(in.key.tid) < 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < t.nTIDs() && t.tidAt(lo) == in.key.tid {
		in.e.fail(in.e.corrupt("table tid %s is there already", in.key.tid))
	}
	return off, lo
}

// stepRight goes to the next live page on the level, locked for writing before b
// is let go, completing a split that it meets.
func (e *env) stepRight(b bufmgr.Buffer, n node) (bufmgr.Buffer, node, error) {
	next := n.next()
	for {
		nb, nn, err := e.get(next, write)
		if err != nil {
			e.drop(b)
			return 0, node{}, err
		}
		if nn.is(flagIncomplete) {
			if err := e.finishSplit(nb, len(e.stack)); err != nil {
				e.drop(b)
				return 0, node{}, err
			}
			continue
		}
		if !nn.ignore() {
			e.drop(b)
			return nb, nn, nil
		}
		if nn.rightmost() {
			e.drop(nb)
			e.drop(b)
			return 0, node{}, e.corrupt("fell off the end")
		}
		next = nn.next()
		e.drop(nb)
	}
}

// insertOnPage puts t on the page b at off, splitting b if it must, and lets b and
// child go. depth is how much of e.stack leads to b's parent. child, for an
// internal page, is the left half of the split whose downlink t is. at is a posting
// list split. splitOnly: b was its level's only page when child split
// (_bt_insertonpg).
func (e *env) insertOnPage(b, child bufmgr.Buffer, depth int, t tuple, off page.OffsetNumber, at int, splitOnly bool) error {
	n := e.nodeOf(b)
	drop := func() {
		e.drop(b)
		if child != 0 {
			e.drop(child)
		}
	}
	if n.is(flagIncomplete) {
		drop()
		return e.corrupt("cannot insert to incompletely split page %d", e.blockOf(b))
	}
	orig := t
	var list tuple
	if at != 0 {
		var err error
		t = slices.Clone(t)
		if list, err = swapPosting(t, n.at(off), at); err != nil {
			drop()
			return err
		}
		off++
	}
	if n.FreeSpace() >= page.MaxAlign(len(t)) {
		return e.insertFits(b, child, orig, off, at, splitOnly)
	}
	isRoot, isOnly := n.is(flagRoot), n.leftmost() && n.rightmost()
	right, err := e.splitPage(b, child, off, t, orig, list, at)
	if err != nil {
		return err
	}
	return e.insertParent(b, right, depth, isRoot, isOnly)
}

// insertFits is insertOnPage where there is room.
func (e *env) insertFits(b, child bufmgr.Buffer, orig tuple, off page.OffsetNumber, at int, splitOnly bool) error {
	n := e.nodeOf(b)
	var mb bufmgr.Buffer
	var m meta
	var err error
	if splitOnly && !n.leaf() {
		if mb, m, err = e.getMeta(write); err == nil && m.fastLevel >= n.level() {
			e.drop(mb)
			mb = 0
		}
	}
	data := e.buf[:0]
	if at != 0 {
		data = le.AppendUint16(data, uint16(at))
	}
	data = append(data, orig...)
	e.buf = data
	if err == nil {
		if err = applyInsert(n.Page, off, data, at != 0); err != nil {
			err = e.fatal(err)
		}
	}
	if err == nil {
		e.pool.MarkDirty(b)
		err = e.logInsert(b, child, mb, m, off, at, data)
	}
	for _, x := range [...]bufmgr.Buffer{mb, child, b} {
		if x != 0 {
			e.drop(x)
		}
	}
	return err
}

// logInsert completes and logs an insert that is on the page already.
func (e *env) logInsert(b, child, mb bufmgr.Buffer, m meta, off page.OffsetNumber, at int, data []byte) error {
	info := uint8(infoInsertLeaf)
	switch {
	case mb != 0:
		info = infoInsertMeta
	case child != 0:
		info = infoInsertUpper
	case at != 0:
		info = infoInsertPost
	}
	e.begin(info)
	e.ref(0, b, xlog.Standard, data)
	if child != 0 {
		if err := applyClearIncomplete(e.pool.Page(child), nil); err != nil {
			return e.fatal(err)
		}
		e.pool.MarkDirty(child)
		e.ref(1, child, xlog.Standard)
	}
	if mb != 0 {
		m.fastRoot, m.fastLevel = e.blockOf(b), e.nodeOf(b).level()
		if err := e.changeMeta(2, mb, m); err != nil {
			return err
		}
	}
	var main [2]byte
	return e.finish(insertRec{off}.encode(main[:0]), b, child, mb)
}

// changeMeta rebuilds the locked meta page and adds it to the record.
func (e *env) changeMeta(id uint8, mb bufmgr.Buffer, m meta) error {
	var scratch [metaRecordSize]byte
	data := m.encode(scratch[:0])
	if err := applyMeta(e.pool.Page(mb), data); err != nil {
		return e.fatal(err)
	}
	e.pool.MarkDirty(mb)
	e.ref(id, mb, xlog.WillInit|xlog.Standard, data)
	return nil
}
