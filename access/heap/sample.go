package heap

import (
	"context"
	"math/rand/v2"
	"slices"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xid"
)

// Sample is what ANALYZE sees of a table: rows chosen at random, in the order of
// their places, and estimates for the whole.
type Sample struct {
	Rows       []Tuple // copies
	Blocks     page.BlockNumber
	Live, Dead float64 // estimated rows of the whole table
}

// SampleRows takes up to n rows: n blocks at random, and of their live rows n by
// reservoir sampling, each row being equally likely (acquire_sample_rows). Rows
// that the current transaction inserted count as live, those that others are
// deleting do too.
func SampleRows(ctx context.Context, tx *xact.Tx, rel *access.Relation, n int, rng *rand.Rand) (Sample, error) {
	blocks, err := rel.Pool.NBlocks(rel.Node, page.MainFork)
	if err != nil {
		return Sample{}, err
	}
	s := Sample{Blocks: blocks}
	oldest := horizon(rel.Sys.Xact, rel)
	v := newViewer(tx, rel)
	ring := rel.Pool.NewStrategy(bufmgr.BulkRead)
	seen, dead, read := 0, 0, 0
	left := min(int64(n), int64(blocks)) // Knuth's algorithm S over the blocks
	for blk := page.BlockNumber(0); blk < blocks && left > 0; blk++ {
		if rng.Int64N(int64(blocks-blk)) >= left {
			continue
		}
		left--
		read++
		if err := ctx.Err(); err != nil {
			return s, err
		}
		b, err := rel.Pool.Read(rel.Tag(page.MainFork, blk), bufmgr.Normal, ring)
		if err != nil {
			return s, err
		}
		rel.Pool.Lock(b, bufmgr.Shared)
		p := rel.Pool.Page(b)
		v.on(p, false)
		for off := page.OffsetNumber(1); !p.IsNew() && off <= p.NumItems(); off++ {
			t, err := tupleOn(p, off)
			if err != nil {
				if p.ItemID(off).Flags() == page.LPDead {
					dead++
				}
				continue
			}
			if !v.countsAsLive(t, off, oldest, &dead) {
				continue
			}
			row := Tuple{page.TID{Block: blk, Off: off}, nil}
			seen++
			if len(s.Rows) < n {
				row.Data = append(access.Tuple(nil), t...)
				s.Rows = append(s.Rows, row)
			} else if k := rng.IntN(seen); k < n {
				row.Data = append(s.Rows[k].Data[:0], t...)
				s.Rows[k] = row
			}
		}
		rel.Pool.UnlockRelease(b)
		if v.err != nil {
			return s, v.err
		}
	}
	if read > 0 {
		scale := float64(blocks) / float64(read)
		s.Live, s.Dead = float64(seen)*scale, float64(dead)*scale
	}
	slices.SortFunc(s.Rows, func(a, b Tuple) int { return a.TID.Compare(b.TID) })
	return s, nil
}

// countsAsLive decides whether ANALYZE takes t.
func (v *viewer) countsAsLive(t access.Tuple, off page.OffsetNumber, oldest xid.XID, dead *int) bool {
	switch f, _ := v.vacuum(t, off, oldest); f {
	case live:
		return true
	case insertInProgress:
		return v.tx.IsCurrent(t.RawXmin())
	case deleteInProgress:
		if u := v.updateXID(t); v.tx.IsCurrent(u) {
			*dead++
			return false
		}
		return true
	}
	*dead++
	return false
}
