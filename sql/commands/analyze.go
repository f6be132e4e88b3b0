package commands

import (
	"cmp"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/access/vm"
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/guc"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
)

// widest is the length above which a value does not take part in statistics
// (PostgreSQL: WIDTH_THRESHOLD).
const widest = 1024

// analyzeTable runs ANALYZE on one table.
func (c *cmd) analyzeTable(t vacuumTarget, o *vacuumOptions) {
	cl := c.vacuumLock(t.rel, t.name, "analyze", lmgr.ShareUpdateExclusive, o)
	if cl == nil {
		return
	}
	if cl.Relkind != 'r' && cl.Relkind != 'm' {
		c.warning(pgerr.Warning, "skipping %q --- cannot analyze non-tables or special system tables", cl.Relname)
		return
	}
	if cl.Oid == oid.RelStatistic {
		return
	}
	rel := c.relation(t.rel)
	c.verbose(o, "analyzing \"%s.%s\"", c.schemaName(cl.Relnamespace), cl.Relname)
	stats := c.analyzedColumns(rel, t.cols)
	n := 100
	for _, s := range stats {
		n = max(n, 300*s.target)
	}
	var seed [16]byte
	c.Env().RandBytes(seed[:])
	rng := rand.New(rand.NewPCG(binary.LittleEndian.Uint64(seed[:]), binary.LittleEndian.Uint64(seed[8:])))
	sample := must(heap.SampleRows(c.Context(), c.Tx(), rel, n, rng))
	c.verbose(o, "\"%s\": scanned %d of %d pages, containing %.0f live rows and %.0f dead rows; %d rows in sample, %.0f estimated total rows",
		cl.Relname, min(int(sample.Blocks), n), sample.Blocks, sample.Live, sample.Dead, len(sample.Rows), sample.Live)
	if len(sample.Rows) > 0 {
		dt := heap.NewDetoaster(c.Tx(), rel)
		for _, s := range stats {
			throw(s.read(rel, sample.Rows, dt))
			row := s.compute(sample.Live)
			c.ownDistinct(rel.OID, row)
			c.storeStats(rel.OID, row)
		}
		if len(t.cols) == 0 {
			c.analyzeIndexes(rel, sample, dt)
		}
	}
	c.analyzedSizes(rel, sample)
	c.Tx().Stats().Analyzed(rel.OID, rel.Shared, int64(sample.Live), int64(sample.Dead), len(t.cols) == 0)
}

// ownDistinct takes the number of distinct values that ALTER COLUMN SET gave.
func (c *cmd) ownDistinct(table oid.OID, row *rows.PgStatistic) {
	for _, a := range must(c.Catalog().Attributes(table)) {
		if row == nil || a.Attnum != row.Staattnum {
			continue
		}
		for _, o := range a.Attoptions {
			if v, ok := strings.CutPrefix(o, "n_distinct="); ok {
				if n, err := strconv.ParseFloat(v, 32); err == nil && n != 0 {
					row.Stadistinct = float32(n)
				}
			}
		}
	}
}

// analyzedSizes stores how large the table and its indexes are.
func (c *cmd) analyzedSizes(rel *access.Relation, sample heap.Sample) {
	indexes := must(c.Catalog().IndexesOf(rel.OID))
	visible, _, err := vm.Count(rel.Pool, rel.Node)
	throw(err)
	throw(c.Catalog().UpdateStats(rel.OID, catalog.RelationStats{Pages: int32(sample.Blocks), Tuples: float32(sample.Live),
		AllVisible: int32(visible), HasIndex: len(indexes) > 0}))
	for _, ix := range indexes {
		idx := c.relation(ix.Indexrelid)
		blocks := must(idx.Pool.NBlocks(idx.Node, page.MainFork))
		st := catalog.RelationStats{Pages: int32(blocks), Tuples: float32(sample.Live)}
		if ix.Indpred != "" {
			st.Tuples = c.class(ix.Indexrelid).Reltuples
		}
		throw(c.Catalog().UpdateStats(ix.Indexrelid, st))
	}
}

// columnStats computes the statistics of one column.
type columnStats struct {
	att      *access.Attr
	target   int
	cmp      access.CompareFunc
	lt, eq   oid.OID
	sampled  int
	nulls    int
	wide     int
	computed bool    // values are not as they are stored
	total    float64 // bytes of values that are not null
	vals     []sampleValue
	distinct float64
	common   []run
}

// sampleValue is a value and its place among the rows of the sample that take
// part.
type sampleValue struct {
	d     datum.Datum
	tupno int
}

// run is a value that occurs count times from first on in the sorted values.
type run struct{ first, count int }

// analyzedColumns lists the columns to analyze: those named, or all.
func (c *cmd) analyzedColumns(rel *access.Relation, list []string) []*columnStats {
	var out []*columnStats
	add := func(a *access.Attr) {
		target := int(a.StatTarget)
		if target < 0 {
			target = int(c.Settings().Int(guc.DefaultStatisticsTarget))
		}
		if a.Dropped || target == 0 {
			return
		}
		s := &columnStats{att: a, target: target}
		c.orderOf(s)
		out = append(out, s)
	}
	seen := map[string]bool{}
	for _, name := range list {
		i := rel.Desc.ByName(name)
		if i < 0 {
			fail(pgerr.UndefinedColumn, "column %q of relation %q does not exist", name, rel.Name)
		}
		if seen[name] {
			fail(pgerr.DuplicateColumn, "column %q of relation %q appears more than once", name, rel.Name)
		}
		seen[name] = true
		add(&rel.Desc.Attrs[i])
	}
	if len(list) == 0 {
		for i := range rel.Desc.Attrs {
			add(&rel.Desc.Attrs[i])
		}
	}
	return out
}

// orderOf finds the operators and the comparison of a column's type; without
// them only nulls and widths are counted.
func (c *cmd) orderOf(s *columnStats) {
	oc := must(c.Catalog().DefaultOpclass(s.att.Type, oid.BtreeAM))
	if oc == nil {
		return
	}
	for _, a := range must(c.Catalog().AmopsByFamily(oc.Opcfamily)) {
		if a.Amoplefttype != oc.Opcintype || a.Amoprighttype != oc.Opcintype {
			continue
		}
		switch a.Amopstrategy {
		case 1:
			s.lt = a.Amopopr
		case 3:
			s.eq = a.Amopopr
		}
	}
	f, err := c.Catalog().Comparison(s.att.Type, s.att.Collation)
	if err == nil && s.lt != 0 && s.eq != 0 {
		s.cmp = f
	}
}

// read takes the column's values out of the sample.
func (s *columnStats) read(rel *access.Relation, sample []heap.Tuple, dt *heap.Detoaster) error {
	s.sampled = len(sample)
	vals := make([]datum.Datum, len(rel.Desc.Attrs))
	col := []int{int(s.att.Num) - 1}
	for _, t := range sample {
		if err := access.DeformCols(rel.Desc, t.Data, col, vals, dt); err != nil {
			return err
		}
		s.see(vals[col[0]])
	}
	return nil
}

// see takes one value.
func (s *columnStats) see(d datum.Datum) {
	if d.Null {
		s.nulls++
		return
	}
	switch s.att.Len {
	case -1:
		n := len(d.Bytes) + 4
		if len(d.Bytes) < 127 && !s.computed && s.att.Storage != 'p' {
			n = len(d.Bytes) + 1
		}
		s.total += float64(n)
	case -2:
		s.total += float64(len(d.Bytes) + 1)
	}
	if s.att.Len < 0 && len(d.Bytes) > widest {
		s.wide++
		return
	}
	s.vals = append(s.vals, sampleValue{d.Clone(), len(s.vals)})
}

// compute makes the row of pg_statistic; total is how many rows the table has.
func (s *columnStats) compute(total float64) *rows.PgStatistic {
	none := datum.Null()
	r := &rows.PgStatistic{Staattnum: s.att.Num, Stavalues1: none, Stavalues2: none, Stavalues3: none, Stavalues4: none, Stavalues5: none}
	r.Stanullfrac = float32(float64(s.nulls) / float64(s.sampled))
	present := s.sampled - s.nulls
	switch {
	case s.att.Len > 0:
		r.Stawidth = int32(s.att.Len)
	case present > 0:
		r.Stawidth = int32(s.total / float64(present))
	}
	if present == 0 {
		r.Stanullfrac = 1
		return r
	}
	if s.cmp == nil {
		return r
	}
	slices.SortStableFunc(s.vals, func(a, b sampleValue) int { return s.cmp(a.d, b.d) })
	slot := 0
	if len(s.vals) == 0 { // all too wide: as if all were different
		r.Stadistinct = -1 * (1 - r.Stanullfrac)
		return r
	}
	s.count(total, float64(r.Stanullfrac))
	r.Stadistinct = float32(s.distinct)
	if len(s.common) > 0 {
		var freq []float32
		var vals []datum.Datum
		for _, k := range s.common {
			freq = append(freq, float32(float64(k.count)/float64(s.sampled)))
			vals = append(vals, s.vals[k.first].d)
		}
		s.fill(r, &slot, 1, s.eq, freq, vals)
	}
	if h := s.histogram(); len(h) > 0 {
		s.fill(r, &slot, 2, s.lt, nil, h)
	}
	if n := float64(len(s.vals)); n > 1 {
		var xy float64
		for i, v := range s.vals {
			xy += float64(i) * float64(v.tupno)
		}
		x := n * (n - 1) / 2
		x2 := n * (n - 1) * (2*n - 1) / 6
		s.fill(r, &slot, 3, s.lt, []float32{float32((n*xy - x*x) / (n*x2 - x*x))}, nil)
	}
	return r
}

// count finds the number of different values (Haas and Stokes' estimate) and the
// most common ones.
func (s *columnStats) count(total, nullFrac float64) {
	var runs []run
	ndistinct, nmultiple := 0, 0
	for i := 0; i < len(s.vals); {
		j := i + 1
		for j < len(s.vals) && s.cmp(s.vals[i].d, s.vals[j].d) == 0 {
			j++
		}
		ndistinct++
		if j-i > 1 {
			nmultiple++
			runs = append(runs, run{i, j - i})
		}
		i = j
	}
	slices.SortStableFunc(runs, func(a, b run) int { return cmp.Compare(b.count, a.count) })
	if len(runs) > s.target {
		runs = runs[:s.target]
	}
	switch {
	case nmultiple == 0:
		s.distinct = -1 * (1 - nullFrac)
	case s.wide == 0 && nmultiple == ndistinct:
		s.distinct = float64(ndistinct)
	default:
		f1 := float64(ndistinct - nmultiple + s.wide)
		d := f1 + float64(nmultiple)
		n := float64(s.sampled - s.nulls)
		all := total * (1 - nullFrac)
		if all > 0 {
			s.distinct = n * d / ((n - f1) + f1*n/all)
		}
		s.distinct = math.Floor(min(max(s.distinct, d), all) + 0.5)
	}
	if s.distinct > 0.1*total {
		s.distinct = -(s.distinct / total)
	}
	if !(len(runs) == ndistinct && s.wide == 0 && s.distinct > 0) {
		runs = s.significant(runs, total, nullFrac)
	}
	s.common = runs
}

// significant keeps the values that are more common than chance explains.
func (s *columnStats) significant(runs []run, total, nullFrac float64) []run {
	if float64(s.sampled) >= total || total <= 1 {
		return runs
	}
	nd := s.distinct
	if nd < 0 {
		nd = -nd * total
	}
	sum := 0.0
	for _, k := range runs {
		sum += float64(k.count)
	}
	n := float64(s.sampled)
	for len(runs) > 0 {
		last := float64(runs[len(runs)-1].count)
		sum -= last
		selec := min(max(1-sum/n-nullFrac, 0), 1)
		if other := nd - float64(len(runs)-1); other > 1 {
			selec /= other
		}
		k := total * last / n
		dev := math.Sqrt(n * k * (total - k) * (total - n) / (total * total * (total - 1)))
		if last > selec*n+2*dev+0.5 {
			break
		}
		runs = runs[:len(runs)-1]
	}
	return runs
}

// histogram divides the values that are not among the most common into parts of
// equal size.
func (s *columnStats) histogram() []datum.Datum {
	rest := make([]datum.Datum, 0, len(s.vals))
	skip := map[int]int{}
	for _, k := range s.common {
		skip[k.first] = k.count
	}
	different := 0
	for i := 0; i < len(s.vals); {
		if n := skip[i]; n > 0 {
			i += n
			continue
		}
		if len(rest) == 0 || s.cmp(rest[len(rest)-1], s.vals[i].d) != 0 {
			different++
		}
		rest = append(rest, s.vals[i].d)
		i++
	}
	n := min(different, s.target+1)
	if n < 2 {
		return nil
	}
	out := make([]datum.Datum, n)
	delta, frac := (len(rest)-1)/(n-1), (len(rest)-1)%(n-1)
	pos, posFrac := 0, 0
	for i := range out {
		out[i] = rest[pos]
		pos, posFrac = pos+delta, posFrac+frac
		if posFrac >= n-1 {
			pos, posFrac = pos+1, posFrac-(n-1)
		}
	}
	return out
}

// fill stores one kind of statistics in the next free place of a row.
func (s *columnStats) fill(r *rows.PgStatistic, slot *int, kind int16, op oid.OID, numbers []float32, vals []datum.Datum) {
	v := datum.Null()
	if vals != nil {
		v = datum.Bytes(array.Build(array.Of(s.att.Type, vals), array.Elem{Len: s.att.Len, ByVal: s.att.ByVal, Align: s.att.Align}))
	}
	switch *slot {
	case 0:
		r.Stakind1, r.Staop1, r.Stacoll1, r.Stanumbers1, r.Stavalues1 = kind, op, s.att.Collation, numbers, v
	case 1:
		r.Stakind2, r.Staop2, r.Stacoll2, r.Stanumbers2, r.Stavalues2 = kind, op, s.att.Collation, numbers, v
	case 2:
		r.Stakind3, r.Staop3, r.Stacoll3, r.Stanumbers3, r.Stavalues3 = kind, op, s.att.Collation, numbers, v
	}
	*slot++
}

// storeStats puts a row into pg_statistic.
func (c *cmd) storeStats(rel oid.OID, r *rows.PgStatistic) {
	r.Starelid = rel
	l := must(rowsBy[rows.PgStatistic](c, rows.AnumPgStatisticStarelid, oidDatum(rel), rows.AnumPgStatisticStaattnum, datum.Int(int64(r.Staattnum))))
	for _, f := range l {
		if !f.Row.Stainherit {
			throw(c.Catalog().Update(f.TID, r))
			return
		}
	}
	must(c.Catalog().Insert(r))
}
