package indexheap

import (
	"context"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/nbtree"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xact"
)

// Toast finds the chunks of TOAST tables by their btrees.
type Toast struct{}

var _ access.ToastIndex = Toast{}

// Insert adds the entry of a chunk to the unique index idx of a TOAST table.
func (Toast) Insert(ctx context.Context, tx *xact.Tx, idx, toast *access.Relation, value oid.OID, seq int32, tid page.TID) error {
	key := []datum.Datum{datum.Int(int64(value)), datum.Int(int64(seq))}
	_, err := nbtree.Insert(ctx, tx, idx, key, tid, nbtree.InsertOptions{Check: nbtree.UniqueYes, Heap: New(tx, toast)})
	return err
}

// Lookup appends to dst the TIDs of the chunks of value with numbers from first
// to last, in order, whatever their visibility.
func (Toast) Lookup(idx *access.Relation, value oid.OID, first, last int32, dst []page.TID) ([]page.TID, error) {
	s, err := nbtree.BeginScan(idx, []nbtree.Key{
		{Col: 0, Strategy: nbtree.Equal, Arg: datum.Int(int64(value))},
		{Col: 1, Strategy: nbtree.GreaterOrEqual, Arg: datum.Int(int64(first))},
		{Col: 1, Strategy: nbtree.LessOrEqual, Arg: datum.Int(int64(last))},
	}, nbtree.ScanOptions{})
	if err != nil {
		return dst, err
	}
	defer s.Close()
	for {
		tid, ok, err := s.Next(true)
		if err != nil || !ok {
			return dst, err
		}
		dst = append(dst, tid)
	}
}
