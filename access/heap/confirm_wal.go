package heap

import "github.com/pgmini/pgmini/page"

// Everything about the record of Heap/CONFIRM is in this file: a speculative
// insertion won and becomes an ordinary one.

func decodeOff(b []byte) (page.OffsetNumber, error) {
	if len(b) < 2 {
		return 0, badRecord("no offset number")
	}
	return page.OffsetNumber(le.Uint16(b)), nil
}

// applyConfirm takes the token out of the tuple's t_ctid.
func applyConfirm(p page.Page, blk page.BlockNumber, off page.OffsetNumber) error {
	t, err := tupleOn(p, off)
	if err != nil {
		return err
	}
	t.SetCTID(page.TID{Block: blk, Off: off})
	return nil
}

func descOff(dst, b []byte) []byte {
	off, err := decodeOff(b)
	if err != nil {
		return dst
	}
	return descf(dst, "off %d", off)
}
