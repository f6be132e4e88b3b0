package heap

import (
	"bytes"
	"context"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xact"
)

const (
	toastThreshold  = 2032 // TOAST_TUPLE_THRESHOLD
	toastTarget     = 2032 // TOAST_TUPLE_TARGET
	toastTargetMain = 8160 // TOAST_TUPLE_TARGET_MAIN
	toastChunk      = 1996 // TOAST_MAX_CHUNK_SIZE
	toastMinSize    = 24   // MAXALIGN'd size of a pointer: smaller values stay
)

// canToast reports whether long values of rel's rows may be compressed.
func canToast(rel *access.Relation) bool { return rel.Kind == 'r' || rel.Kind == 'm' }

// canMoveOut reports whether they may move to a TOAST table: some catalogs have
// none.
func canMoveOut(rel *access.Relation) bool { return rel.Toast != nil && rel.ToastOID != oid.Invalid }

// toaster shrinks one row.
type toaster struct {
	ctx     context.Context
	tx      *xact.Tx
	rel     *access.Relation
	vals    []datum.Datum
	raw     [][]byte
	opt     InsertOptions
	fixed   []bool // may not be moved out: done already, or kept from the old tuple
	tried   []bool // compression was tried, or is not wanted
	storage []byte
}

// toastRow forms a row of vals, with raw as in access.FormStored, whose long
// values are compressed or moved to the TOAST table until it fits
// (heap_toast_insert_or_update). raw is changed.
func toastRow(ctx context.Context, tx *xact.Tx, rel *access.Relation, vals []datum.Datum, raw [][]byte, opt InsertOptions) (access.Tuple, error) {
	n := len(vals)
	t := toaster{ctx: ctx, tx: tx, rel: rel, vals: vals, opt: opt,
		raw: make([][]byte, n), fixed: make([]bool, n), tried: make([]bool, n), storage: make([]byte, n)}
	copy(t.raw, raw)
	nulls := false
	for i := range vals {
		a := &rel.Desc.Attrs[i]
		t.storage[i] = a.Storage
		isNull := a.Dropped || vals[i].Null && t.raw[i] == nil
		nulls = nulls || isNull
		if a.Len != -1 || isNull || a.Storage == 'p' || access.IsExternal(t.raw[i]) {
			t.fixed[i], t.tried[i] = true, true
			continue
		}
		t.tried[i] = t.raw[i] != nil && access.IsCompressed(t.raw[i])
	}
	target := rel.ToastTarget
	if target == 0 {
		target = toastTarget
	}
	hoff := access.HeaderLen(n, nulls)
	if err := t.shrink(target-hoff, toastTargetMain-hoff); err != nil {
		return nil, err
	}
	return access.FormStored(rel.Desc, vals, t.raw)
}

// shrink takes PostgreSQL's four rounds: compress extended values, or move them
// out at once if one alone is too long; move extended and external values out;
// compress main values; move those out only if the row does not fit a page.
func (t *toaster) shrink(limit, limitMain int) error {
	for t.size() > limit {
		i := t.biggest(func(i int) bool { return !t.tried[i] && (t.storage[i] == 'x' || t.storage[i] == 'e') })
		if i < 0 {
			break
		}
		if t.storage[i] == 'x' {
			if err := t.compress(i); err != nil {
				return err
			}
		}
		t.tried[i] = true
		if t.length(i) > limit && canMoveOut(t.rel) {
			if err := t.moveOut(i); err != nil {
				return err
			}
		}
	}
	for t.size() > limit && canMoveOut(t.rel) {
		i := t.biggest(func(i int) bool { return t.storage[i] == 'x' || t.storage[i] == 'e' })
		if i < 0 {
			break
		}
		if err := t.moveOut(i); err != nil {
			return err
		}
	}
	for t.size() > limit {
		i := t.biggest(func(i int) bool { return !t.tried[i] && t.storage[i] == 'm' })
		if i < 0 {
			break
		}
		if err := t.compress(i); err != nil {
			return err
		}
		t.tried[i] = true
	}
	for t.size() > limitMain && canMoveOut(t.rel) {
		i := t.biggest(func(i int) bool { return t.storage[i] == 'm' })
		if i < 0 {
			break
		}
		if err := t.moveOut(i); err != nil {
			return err
		}
	}
	return nil
}

func (t *toaster) size() int { return access.DataSize(t.rel.Desc, t.vals, t.raw) }

// length is the stored length of value i.
func (t *toaster) length(i int) int {
	if t.raw[i] != nil {
		return len(t.raw[i])
	}
	return 4 + len(t.vals[i].Bytes)
}

// biggest is the longest value that may change and that want accepts, or -1.
func (t *toaster) biggest(want func(int) bool) int {
	best, at := toastMinSize, -1
	for i := range t.vals {
		if !t.fixed[i] && t.length(i) > best && want(i) {
			best, at = t.length(i), i
		}
	}
	return at
}

func (t *toaster) compress(i int) error {
	payload := t.vals[i].Bytes
	if t.raw[i] != nil {
		payload = access.PlainPayload(t.raw[i])
	}
	method := t.rel.Desc.Attrs[i].Compression
	if method == 0 && t.tx.LZ4() {
		method = 'l'
	}
	c, ok, err := access.Compress(payload, method)
	if ok {
		t.raw[i] = c
	}
	return err
}

// moveOut stores value i in the TOAST table and leaves a pointer.
func (t *toaster) moveOut(i int) error {
	var ext access.External
	var data []byte
	switch s := t.raw[i]; {
	case s != nil && access.IsCompressed(s):
		data = s[4:] // with va_tcinfo
		ext.RawSize, ext.Method = int32(access.RawSize(s)+4), access.Method(s)
	case s != nil:
		data = access.PlainPayload(s)
		ext.RawSize = int32(len(data) + 4)
	default:
		data = t.vals[i].Bytes
		ext.RawSize = int32(len(data) + 4)
	}
	ext.ExtSize = uint32(len(data))
	toast, idx, err := t.rel.Toast()
	if err == nil {
		err = lockToast(t.ctx, t.tx, toast)
	}
	if err != nil {
		return err
	}
	if ext.ValueID, err = t.newValueID(idx); err != nil {
		return err
	}
	ext.RelID = toast.OID
	for seq := int32(0); len(data) > 0; seq++ {
		n := min(len(data), toastChunk)
		if err := t.putChunk(toast, idx, ext.ValueID, seq, data[:n]); err != nil {
			return err
		}
		data = data[n:]
	}
	t.raw[i] = access.PutExternal(ext)
	t.fixed[i], t.tried[i] = true, true
	return nil
}

func (t *toaster) putChunk(toast, idx *access.Relation, value oid.OID, seq int32, data []byte) error {
	row := []datum.Datum{datum.Int(int64(value)), datum.Int(int64(seq)), datum.Bytes(data)}
	tup, err := access.FormTuple(toast.Desc, row)
	if err != nil {
		return err
	}
	tid, err := InsertTuple(t.tx, toast, tup, InsertOptions{Command: t.opt.Command, Frozen: t.opt.Frozen, SkipFSM: t.opt.SkipFSM})
	if err != nil {
		return err
	}
	return t.rel.Sys.Toast.Insert(t.ctx, t.tx, idx, toast, value, seq, tid)
}

// newValueID assigns an OID that no value in the TOAST table has.
func (t *toaster) newValueID(idx *access.Relation) (oid.OID, error) {
	for {
		id, err := t.rel.Sys.Xact.NextOID()
		if err != nil {
			return 0, err
		}
		tids, err := t.rel.Sys.Toast.Lookup(idx, id, 0, 0, nil)
		if err != nil || len(tids) == 0 {
			return id, err
		}
	}
}

// toastDelete removes the chunks of all values that t has in the TOAST table.
// super takes them back as AbortSpeculative does.
func toastDelete(ctx context.Context, tx *xact.Tx, rel *access.Relation, t access.Tuple, super bool) error {
	raw := make([][]byte, len(rel.Desc.Attrs))
	if err := access.StoredColumns(rel.Desc, t, raw); err != nil {
		return err
	}
	for _, s := range raw {
		if access.IsExternal(s) {
			if err := deleteValue(ctx, tx, rel, access.GetExternal(s), super); err != nil {
				return err
			}
		}
	}
	return nil
}

// toastDeleteReplaced removes the chunks of the values of old that new does not
// share.
func toastDeleteReplaced(ctx context.Context, tx *xact.Tx, rel *access.Relation, old, new access.Tuple) error {
	if old.Infomask()&access.HasExternal == 0 {
		return nil
	}
	n := len(rel.Desc.Attrs)
	a, b := make([][]byte, n), make([][]byte, n)
	if err := access.StoredColumns(rel.Desc, old, a); err != nil {
		return err
	}
	if err := access.StoredColumns(rel.Desc, new, b); err != nil {
		return err
	}
	for i, s := range a {
		if access.IsExternal(s) && !bytes.Equal(s, b[i]) {
			if err := deleteValue(ctx, tx, rel, access.GetExternal(s), false); err != nil {
				return err
			}
		}
	}
	return nil
}

// lockToast locks a TOAST table for writing until the end of the transaction. The
// lock on its table does not do: VACUUM of the TOAST table cuts its empty pages
// off when nobody else has a lock on it.
func lockToast(ctx context.Context, tx *xact.Tx, toast *access.Relation) error {
	if toast.IsTemp() || tx.Locks().Holds(toast.LockTag(), lmgr.RowExclusive) {
		return nil
	}
	return toast.Sys.Locks.Acquire(ctx, tx.Locks(), toast.LockTag(), lmgr.RowExclusive)
}

func lastChunk(size uint32) int32 { return int32((int64(size) - 1) / toastChunk) }

func deleteValue(ctx context.Context, tx *xact.Tx, rel *access.Relation, e access.External, super bool) error {
	toast, idx, err := rel.Toast()
	if err == nil {
		err = lockToast(ctx, tx, toast)
	}
	if err != nil {
		return err
	}
	tids, err := rel.Sys.Toast.Lookup(idx, e.ValueID, 0, lastChunk(e.ExtSize), nil)
	if err != nil {
		return err
	}
	f := NewFetcher(tx, toast)
	defer f.Close()
	for _, tid := range tids {
		_, ok, err := f.Fetch(tid, toastSnapshot())
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		f.Close() // the deletion wants the page to itself
		if super {
			err = AbortSpeculative(tx, toast, tid)
		} else {
			err = simpleDelete(ctx, tx, toast, tid)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// simpleDelete deletes a tuple that nobody else can be changing.
func simpleDelete(ctx context.Context, tx *xact.Tx, rel *access.Relation, tid page.TID) error {
	res, _, err := Delete(ctx, tx, rel, tid, ChangeOptions{Command: tx.CommandID(true)})
	if err == nil && res != OK {
		err = pgerr.New(pgerr.InternalError, "tuple concurrently updated")
	}
	return err
}

// Detoaster reads the long values of rel's rows. It belongs to one goroutine;
// what it returns is the caller's.
type Detoaster struct {
	tx   *xact.Tx
	rel  *access.Relation
	tids []page.TID
}

// NewDetoaster returns a detoaster for rel.
func NewDetoaster(tx *xact.Tx, rel *access.Relation) *Detoaster { return &Detoaster{tx: tx, rel: rel} }

// Detoast implements access.Detoaster.
func (d *Detoaster) Detoast(stored []byte) ([]byte, error) {
	if !access.IsExternal(stored) {
		return access.Decompress(stored)
	}
	e := access.GetExternal(stored)
	b, err := d.fetch(e, 0, int(e.ExtSize))
	if err != nil || !e.Compressed() {
		return b, err
	}
	if len(b) < 4 {
		return nil, d.corrupt(e, "compressed value is too short")
	}
	return access.DecompressBody(b[4:], int(e.RawSize)-4, e.Method)
}

// Inline returns a compressed external value as one compressed in line.
func (d *Detoaster) Inline(stored []byte) ([]byte, error) {
	e := access.GetExternal(stored)
	b, err := d.fetch(e, 0, int(e.ExtSize))
	if err != nil {
		return nil, err
	}
	if len(b) < 4 {
		return nil, d.corrupt(e, "compressed value is too short")
	}
	return access.PutCompressed(b[4:], int(e.RawSize)-4, e.Method), nil
}

// Slice returns n bytes of the payload from off on, or fewer at its end. Of an
// external value that is not compressed, only the chunks needed are read.
func (d *Detoaster) Slice(stored []byte, off, n int) ([]byte, error) {
	if access.IsExternal(stored) {
		if e := access.GetExternal(stored); !e.Compressed() {
			off = min(max(off, 0), int(e.ExtSize))
			return d.fetch(e, off, min(max(n, 0), int(e.ExtSize)-off))
		}
	}
	b, err := d.Detoast(stored)
	if err != nil {
		return nil, err
	}
	off = min(max(off, 0), len(b))
	return b[off : off+min(max(n, 0), len(b)-off)], nil
}

func (d *Detoaster) corrupt(e access.External, what string) error {
	return pgerr.New(pgerr.DataCorrupted, "toast value %d in relation %q: %s", e.ValueID, d.rel.Name, what)
}

// fetch reads n stored bytes from off on.
func (d *Detoaster) fetch(e access.External, off, n int) ([]byte, error) {
	if n == 0 {
		return []byte{}, nil
	}
	if d.rel.Toast == nil {
		return nil, d.corrupt(e, "the relation has no TOAST table")
	}
	toast, idx, err := d.rel.Toast()
	if err != nil {
		return nil, err
	}
	if locks := toast.Sys.Locks; !toast.IsTemp() {
		if err := locks.Acquire(context.Background(), d.tx.Locks(), toast.LockTag(), lmgr.AccessShare); err != nil {
			return nil, err
		}
		defer locks.Release(d.tx.Locks(), toast.LockTag(), lmgr.AccessShare, false)
	}
	first, last := int32(off/toastChunk), int32((off+n-1)/toastChunk)
	if d.tids, err = d.rel.Sys.Toast.Lookup(idx, e.ValueID, first, last, d.tids[:0]); err != nil {
		return nil, err
	}
	f := NewFetcher(d.tx, toast)
	defer f.Close()
	var out []byte
	next := first
	var row [3]datum.Datum
	for _, tid := range d.tids {
		t, ok, err := f.Fetch(tid, toastSnapshot())
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if err := access.Deform(toast.Desc, t.Data, 3, row[:], nil); err != nil {
			return nil, err
		}
		want := min(toastChunk, int(e.ExtSize)-int(next)*toastChunk)
		if row[1].Int != int64(next) || len(row[2].Bytes) != want {
			return nil, pgerr.New(pgerr.DataCorrupted, "unexpected chunk number %d (expected %d) for toast value %d in %s", row[1].Int, next, e.ValueID, toast.Name)
		}
		out = append(out, row[2].Bytes...)
		next++
	}
	if next != last+1 {
		return nil, pgerr.New(pgerr.DataCorrupted, "missing chunk number %d for toast value %d in %s", next, e.ValueID, toast.Name)
	}
	skip := off - int(first)*toastChunk
	return out[skip : skip+n], nil
}
