package heap

import "github.com/pgmini/pgmini/page"

// Everything about the record of Heap/INPLACE is in this file: a tuple's data is
// overwritten, whatever transactions think (catalog statistics). Description and
// offset are as in confirm_wal.go.

// applyInplace overwrites the data of a tuple with data of the same length.
func applyInplace(p page.Page, off page.OffsetNumber, data []byte) error {
	t, err := tupleOn(p, off)
	if err != nil {
		return err
	}
	if len(t.Data()) != len(data) {
		return badRecord("INPLACE with another tuple length")
	}
	copy(t.Data(), data)
	return nil
}
