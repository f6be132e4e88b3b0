package initdb

import (
	"fmt"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xid"
)

// frozen are the bits of a tuple that everybody sees for ever.
const frozen = access.XminFrozen | access.XmaxInvalid

// file is the contents of one fork, whole pages without checksums.
type file []byte

func (f file) page(n int) page.Page { return page.Page(f[n*page.Size : (n+1)*page.Size]) }
func (f file) pages() int           { return len(f) / page.Size }

// extend appends an empty page with special bytes of special space.
func (f *file) extend(special int) page.Page {
	*f = append(*f, make([]byte, page.Size)...)
	p := f.page(f.pages() - 1)
	p.Init(special)
	return p
}

// buildHeap makes the main fork of a table with frozen rows, in order, and where
// each row is. raw, where it is not nil, holds stored forms of a row's values.
func buildHeap(d *access.TupleDesc, vals [][]datum.Datum, raw [][][]byte) (file, []page.TID, error) {
	var f file
	var p page.Page
	tids := make([]page.TID, 0, len(vals))
	for i, v := range vals {
		var stored [][]byte
		if i < len(raw) {
			stored = raw[i]
		}
		t, err := access.FormStored(d, v, stored)
		if err != nil {
			return nil, nil, err
		}
		if len(t) > page.Size/4 {
			return nil, nil, fmt.Errorf("row of %d bytes needs a TOAST table", len(t))
		}
		if p == nil || p.FreeSpace() < page.MaxAlign(len(t)) {
			p = f.extend(0)
			p.SetFlag(page.AllVisible)
		}
		tid := page.TID{Block: page.BlockNumber(f.pages() - 1), Off: p.NumItems() + 1}
		t.SetXmin(xid.Bootstrap)
		t.SetInfomask(t.Infomask() | frozen)
		t.SetCTID(tid)
		if err := p.PutItem(tid.Off, t); err != nil {
			return nil, nil, err
		}
		tids = append(tids, tid)
	}
	return f, tids, nil
}

// visibilityMap makes the fork that calls n blocks all-visible and all-frozen.
func visibilityMap(n int) (file, error) {
	if n == 0 {
		return nil, nil
	}
	if n > (page.Size-page.HeaderSize)*4 {
		return nil, fmt.Errorf("visibility map of %d blocks needs more than a page", n)
	}
	var f file
	p := f.extend(0)
	for i := range n {
		p[page.HeaderSize+i/4] |= 3 << (i % 4 * 2)
	}
	return f, nil
}
