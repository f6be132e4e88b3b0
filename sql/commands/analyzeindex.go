package commands

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/guc"
)

// analyzeIndexes computes the statistics of the expressions that indexes are on,
// over the rows of the sample that are in the index.
func (c *cmd) analyzeIndexes(rel *access.Relation, sample heap.Sample, dt *heap.Detoaster) {
	for _, ix := range must(c.Catalog().IndexesOf(rel.OID)) {
		if ix.Indexprs == "" {
			continue
		}
		idx := c.relation(ix.Indexrelid)
		if idx.Index == nil {
			continue
		}
		c.analyzeIndex(rel, idx, sample, dt)
	}
}

func (c *cmd) analyzeIndex(rel, idx *access.Relation, sample heap.Sample, dt *heap.Detoaster) {
	x := c.evaluation()
	defer c.Done(x)
	keys := c.newIndexKeys(x, rel, idx)
	stats := make([]*columnStats, idx.Index.KeyCols)
	for i := range stats {
		if idx.Index.AttNums[i] == 0 {
			stats[i] = &columnStats{computed: true, att: &idx.Desc.Attrs[i], target: int(c.Settings().Int(guc.DefaultStatisticsTarget))}
			c.orderOf(stats[i])
		}
	}
	all := make([]int, len(rel.Desc.Attrs))
	for i := range all {
		all[i] = i
	}
	vals := make([]datum.Datum, len(all))
	in := 0
	for _, t := range sample.Rows {
		throw(access.DeformCols(rel.Desc, t.Data, all, vals, dt))
		if !must(keys.row(vals)) {
			continue
		}
		in++
		for i, s := range stats {
			if s != nil {
				s.see(keys.out[i])
			}
		}
	}
	if in == 0 {
		return
	}
	for _, s := range stats {
		if s != nil {
			s.sampled = in
			c.storeStats(idx.OID, s.compute(sample.Live*float64(in)/float64(len(sample.Rows))))
		}
	}
}
