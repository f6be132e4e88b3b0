package heap

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

func rowTooBig(n int) error {
	return pgerr.New(pgerr.ProgramLimitExceeded, "row is too big: size %d, maximum size %d", n, maxTupleSize)
}

// Insert adds a row of vals to rel, moving long values to its TOAST table, and
// returns its place. Indexes are the caller's business.
func Insert(ctx context.Context, tx *xact.Tx, rel *access.Relation, vals []datum.Datum, opt InsertOptions) (page.TID, error) {
	t, err := formForInsert(ctx, tx, rel, nil, vals, opt)
	if err != nil {
		return page.TID{}, err
	}
	return InsertTuple(tx, rel, t, opt)
}

func formForInsert(ctx context.Context, tx *xact.Tx, rel *access.Relation, mem []byte, vals []datum.Datum, opt InsertOptions) (access.Tuple, error) {
	if opt.Raw != nil {
		t, err := access.FormStored(rel.Desc, vals, opt.Raw)
		if err != nil || opt.NoToast || len(t) <= toastThreshold || !canToast(rel) {
			return t, err
		}
		return toastRow(ctx, tx, rel, vals, opt.Raw, opt)
	}
	t, err := access.FormIn(mem, rel.Desc, vals)
	if err != nil || opt.NoToast || len(t) <= toastThreshold || !canToast(rel) {
		return t, err
	}
	return toastRow(ctx, tx, rel, vals, nil, opt)
}

// prepare fills the header of a tuple that x inserts.
func prepare(t access.Tuple, x xid.XID, frozen bool) {
	m := t.Infomask()&^access.XactMask | access.XmaxInvalid
	if frozen {
		m |= access.XminFrozen
	}
	t.SetInfomask(m)
	t.SetInfomask2(t.Infomask2() &^ access.Xact2Mask)
	t.SetXmin(x)
	t.SetXmax(xid.Invalid)
}

// InsertTuple adds t, which FormTuple made, as it is.
func InsertTuple(tx *xact.Tx, rel *access.Relation, t access.Tuple, opt InsertOptions) (page.TID, error) {
	x, err := tx.XID()
	if err != nil {
		return page.TID{}, err
	}
	prepare(t, x, opt.Frozen)
	var vm vmPin
	defer vm.release(rel)
	b, err := findRoom(rel, room{size: page.MaxAlign(len(t)), skipFSM: opt.SkipFSM, bulk: opt.Bulk}, &vm, nil)
	if err != nil {
		return page.TID{}, err
	}
	defer rel.Pool.UnlockRelease(b)
	p, blk := rel.Pool.Page(b), rel.Pool.Tag(b).Block
	if err := rel.Wrote(tx, page.TID{Block: blk}); err != nil {
		return page.TID{}, err
	}
	r := insertRec{Off: p.FreeOffset()}
	init := p.NumItems() == 0
	if p.Flags()&page.AllVisible != 0 {
		r.Flags |= insertAllVisibleCleared
	}
	if opt.SpecTok != 0 {
		r.Flags |= insertIsSpeculative
	}
	rec := record(tx)
	info := uint8(infoInsert)
	flags := xlog.Standard
	if init {
		info |= infoInit
		flags |= xlog.WillInit
	}
	var main [sizeInsert]byte
	var head [sizeHeader]byte
	rec.Begin(xlog.RmHeap, info, x)
	rec.SetFlags(xlog.IncludeOrigin)
	rec.Data(r.append(main[:0]))
	rec.Block(0, rel.Pool.Tag(b), p, flags)
	rec.BlockData(0, appendHeader(head[:0], t))
	rec.BlockData(0, t[access.TupleHeaderSize:])

	if r.Flags&insertAllVisibleCleared != 0 {
		vm.clear(rel, blk, vmAllVisible|vmAllFrozen)
	}
	if err := applyInsert(p, blk, x, init, r, rec.BlockBytes(0)); err != nil {
		return page.TID{}, broken(rel, "insert a tuple", err)
	}
	on, _ := tupleOn(p, r.Off)
	on.SetRawCid(opt.Command)
	tid := page.TID{Block: blk, Off: r.Off}
	if opt.SpecTok != 0 {
		on.SetCTID(page.TID{Block: page.BlockNumber(opt.SpecTok), Off: access.SpecToken})
	}
	rel.Pool.MarkDirty(b)
	tx.Stats().Inserted(rel.OID, rel.Shared, tx.Depth(), 1)
	return tid, logged(rel, rec, b)
}

// MultiInsert adds many rows, a page at a time, and sets tids[i] to the place of
// vals[i].
func MultiInsert(ctx context.Context, tx *xact.Tx, rel *access.Relation, rows [][]datum.Datum, opt InsertOptions, tids []page.TID) error {
	x, err := tx.XID()
	if err != nil {
		return err
	}
	s := opt.Bulk.scratch()
	tups, mem := slices.Grow(s.tups[:0], len(rows))[:len(rows)], s.mem
	for i, vals := range rows {
		if tups[i], err = formForInsert(ctx, tx, rel, mem, vals, opt); err != nil {
			return err
		}
		if n := len(tups[i]); n <= len(mem) && &tups[i][0] == &mem[0] {
			mem = mem[n:]
		}
		prepare(tups[i], x, opt.Frozen)
	}
	s.tups = tups
	for done := 0; done < len(tups); {
		n, err := insertPage(tx, rel, tups[done:], opt, x, &s.data, tids[done:])
		if err != nil {
			return err
		}
		done += n
	}
	tx.Stats().Inserted(rel.OID, rel.Shared, tx.Depth(), len(tups))
	return nil
}

// insertPage puts as many of tups as fit on one page.
func insertPage(tx *xact.Tx, rel *access.Relation, tups []access.Tuple, opt InsertOptions, x xid.XID, data *[]byte, tids []page.TID) (int, error) {
	var vm vmPin
	defer vm.release(rel)
	b, err := findRoom(rel, room{size: page.MaxAlign(len(tups[0])), skipFSM: opt.SkipFSM, bulk: opt.Bulk}, &vm, nil)
	if err != nil {
		return 0, err
	}
	p, tag := rel.Pool.Page(b), rel.Pool.Tag(b)
	if err := rel.Wrote(tx, page.TID{Block: tag.Block}); err != nil {
		rel.Pool.UnlockRelease(b)
		return 0, err
	}
	init := p.NumItems() == 0
	var offs [maxTuplesPerPage]page.OffsetNumber
	n := placesFor(p, tups, spare(rel), offs[:])
	r := multiInsertRec{N: n, Offs: offs[:n]}
	frozen := opt.Frozen && init
	switch {
	case frozen:
		r.Flags |= insertAllFrozenSet
	case p.Flags()&page.AllVisible != 0:
		r.Flags |= insertAllVisibleCleared
	}
	if n == len(tups) {
		r.Flags |= insertLastInMulti
	}
	d := (*data)[:0]
	for _, t := range tups[:n] {
		d = appendMultiTuple(d, t)
	}
	*data = d
	rec := record(tx)
	info, flags := uint8(info2MultiInsert), xlog.Standard
	if init {
		info |= infoInit
		flags |= xlog.WillInit
	}
	rec.Begin(xlog.RmHeap2, info, x)
	rec.SetFlags(xlog.IncludeOrigin)
	var main [sizeMultiInsert + 2*maxTuplesPerPage]byte
	rec.Data(r.append(main[:0], init))
	rec.Block(0, tag, p, flags)
	rec.BlockData(0, d)

	if r.Flags&insertAllVisibleCleared != 0 {
		vm.clear(rel, tag.Block, vmAllVisible|vmAllFrozen)
	}
	if err := applyMultiInsert(p, tag.Block, x, init, r, d); err != nil {
		rel.Pool.UnlockRelease(b)
		return 0, broken(rel, "insert tuples", err)
	}
	for i, off := range offs[:n] {
		t, _ := tupleOn(p, off)
		t.SetRawCid(opt.Command)
		tids[i] = page.TID{Block: tag.Block, Off: off}
	}
	rel.Pool.MarkDirty(b)
	err = logged(rel, rec, b)
	if err == nil && frozen {
		err = freezeNewPage(tx, rel, b, &vm)
	}
	rel.Pool.UnlockRelease(b)
	return n, err
}

// freezeNewPage enters a page of frozen tuples into the visibility map.
func freezeNewPage(tx *xact.Tx, rel *access.Relation, b bufmgr.Buffer, vm *vmPin) error {
	blk := rel.Pool.Tag(b).Block
	if !vm.covers(rel, blk) {
		rel.Pool.Unlock(b)
		err := vm.pin(rel, blk)
		rel.Pool.Lock(b, bufmgr.Exclusive)
		if err != nil || rel.Pool.Page(b).Flags()&page.AllVisible == 0 {
			return err
		}
	}
	return setVisible(tx, rel, b, vm, xid.Invalid, vmAllVisible|vmAllFrozen)
}

// placesFor chooses the offset numbers of the leading tuples of tups that fit on
// p, at least one, keeping keep bytes free behind the first.
func placesFor(p page.Page, tups []access.Tuple, keep int, offs []page.OffsetNumber) int {
	free, last, n := p.Upper()-p.Lower(), p.NumItems(), 0
	next := page.OffsetNumber(1)
	if p.Flags()&page.HasFreeLines == 0 {
		next = last + 1
	}
	for _, t := range tups {
		for next <= last && (p.ItemID(next).Flags() != page.LPUnused || p.ItemID(next).HasStorage()) {
			next++
		}
		size := page.MaxAlign(len(t))
		if n == len(offs) || next > maxTuplesPerPage || n > 0 && free-page.ItemIDSize < size+keep {
			break
		}
		free -= size
		if next > last {
			free -= page.ItemIDSize
		}
		offs[n] = next
		next++
		n++
	}
	return n
}
