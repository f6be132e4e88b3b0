package commands

import (
	"strconv"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/access/nbtree"
	"github.com/pgmini/pgmini/access/vm"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/guc"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/exec"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/plan"
	"github.com/pgmini/pgmini/vfs"
)

// evaluation is an execution without a plan, for single expressions. Call
// c.Done on it.
func (c *cmd) evaluation() *exec.Execution {
	return c.Execution(&plan.PlannedStmt{})
}

// indexKeys computes the index columns of rows.
type indexKeys struct {
	x     *exec.Execution
	atts  []int16
	eval  *exec.RowEval
	nexpr int
	npred int
	cols  []int // table columns needed, when there are no expressions
	out   []datum.Datum
}

func (c *cmd) newIndexKeys(x *exec.Execution, rel, idx *access.Relation) *indexKeys {
	k := &indexKeys{x: x, atts: idx.Index.AttNums, out: make([]datum.Datum, len(idx.Index.AttNums))}
	row := must(c.Catalog().Index(idx.OID))
	var list []node.Node
	if row.Indexprs != "" {
		l, _ := must(node.Read(row.Indexprs)).(node.List)
		list, k.nexpr = append(list, l...), len(l)
	}
	if row.Indpred != "" {
		l := andList(must(node.Read(row.Indpred)))
		list, k.npred = append(list, l...), len(l)
	}
	if len(list) > 0 {
		k.eval = must(x.NewRowEval(rel.Desc.Attrs, list))
		return k
	}
	seen := make([]bool, len(rel.Desc.Attrs))
	for _, a := range k.atts {
		seen[a-1] = true
	}
	for i, s := range seen {
		if s {
			k.cols = append(k.cols, i)
		}
	}
	return k
}

// row computes the columns of one row; false: the predicate leaves it out.
func (k *indexKeys) row(vals []datum.Datum) (bool, error) {
	for i := range k.npred {
		v, err := k.eval.Eval(k.x, k.nexpr+i, vals)
		if err != nil {
			return false, err
		}
		if v.Null || v.Int == 0 {
			return false, nil
		}
	}
	e := 0
	for i, a := range k.atts {
		if a != 0 {
			k.out[i] = vals[a-1]
			continue
		}
		v, err := k.eval.Eval(k.x, e, vals)
		if err != nil {
			return false, err
		}
		e++
		k.out[i] = v.Clone()
	}
	return true, nil
}

// buildIndex fills a new, empty index from its table, and stores the figures of
// both in pg_class.
func (c *cmd) buildIndex(table, index oid.OID, isNew bool) {
	rel, idx := c.relation(table), c.relation(index)
	x := c.evaluation()
	defer c.Done(x)
	b := nbtree.NewBuilder(c.Tx(), idx, c.buildOptions(rel, idx))
	defer b.Close()
	var seen float64
	broken := false
	if !isNew || rel.Kind != 'r' {
		s := &buildScan{c: c, rel: rel, keys: c.newIndexKeys(x, rel, idx), b: b}
		throw(s.run())
		seen, broken = s.live, s.broken
	}
	n, err := b.Finish(c.Context())
	throw(c.uniqueError(err, rel, idx))
	if broken {
		change(c, index, func(r *rows.PgIndex) { r.Indcheckxmin = true })
	}
	c.indexStats(rel, idx, seen, n)
	throw(c.Increment())
}

func (c *cmd) uniqueError(err error, rel, idx *access.Relation) error {
	if e, ok := pgerr.As(err); ok && e.Code == pgerr.UniqueViolation {
		e.Schema, e.Table, e.Constraint = c.schemaName(rel.Namespace), rel.Name, idx.Name
	}
	return err
}

func (c *cmd) schemaName(ns oid.OID) string {
	if n := must(c.Catalog().Namespace(ns)); n != nil {
		return n.Nspname
	}
	return ""
}

// indexStats stores how large a table and a new index of it are.
func (c *cmd) indexStats(rel, idx *access.Relation, heapRows, indexRows float64) {
	blocks := must(idx.Pool.NBlocks(idx.Node, page.MainFork))
	throw(c.Catalog().UpdateStats(idx.OID, catalog.RelationStats{Pages: int32(blocks), Tuples: float32(indexRows)}))
	cl := c.class(rel.OID)
	st := catalog.RelationStats{Pages: cl.Relpages, AllVisible: cl.Relallvisible, Tuples: cl.Reltuples, HasIndex: true}
	if n := must(rel.Pool.NBlocks(rel.Node, page.MainFork)); n > 0 || cl.Reltuples >= 0 {
		st.Pages, st.Tuples = int32(n), float32(heapRows)
		visible, _, err := vm.Count(rel.Pool, rel.Node)
		throw(err)
		st.AllVisible = int32(visible)
	}
	throw(c.Catalog().UpdateStats(rel.OID, st))
}

func (c *cmd) buildOptions(rel, idx *access.Relation) nbtree.BuildOptions {
	n := 0
	throw(vfs.MkdirAll(c.Server().FS(), "base/pgsql_tmp"))
	prefix := "base/pgsql_tmp/pgsql_tmp" + strconv.Itoa(int(c.Tx().Locks().PID)) + ".index."
	return nbtree.BuildOptions{Memory: int(c.Settings().Int(guc.MaintenanceWorkMem)) << 10, FS: c.Server().FS(),
		TempName: func() string { n++; return prefix + strconv.Itoa(int(idx.OID)) + "." + strconv.Itoa(n) },
		Describe: func(vals []datum.Datum) string { return c.describeKey(rel, idx, vals) }}
}

// describeKey is a key as error details show it: (a, b)=(1, 2).
func (c *cmd) describeKey(rel, idx *access.Relation, vals []datum.Datum) string {
	left, right := "", ""
	for i := range idx.Index.KeyCols {
		if i > 0 {
			left, right = left+", ", right+", "
		}
		left += c.keyName(rel, idx, i)
		if vals[i].Null {
			right += "null"
			continue
		}
		t := idx.Desc.Attrs[i].Type
		if a := idx.Index.AttNums[i]; a != 0 {
			t = rel.Desc.Attrs[a-1].Type
		}
		s, err := c.Env().Text(t, vals[i])
		if err != nil {
			return ""
		}
		right += s
	}
	return "(" + left + ")=(" + right + ")"
}

// buildScan reads what a new index must have entries for: all rows that someone
// may still see, but for old versions in HOT chains, whose keys may differ from
// the one that the chain's entry has.
type buildScan struct {
	c      *cmd
	rel    *access.Relation
	keys   *indexKeys
	b      *nbtree.Builder
	live   float64
	broken bool // an old version in a HOT chain was left out
	roots  [page.Size / 8]page.OffsetNumber
	vals   []datum.Datum
	dt     *heap.Detoaster
}

func (s *buildScan) run() error {
	tx := s.c.Tx()
	oldest := tx.Manager().OldestXmin(s.c.Database(), s.rel.IsCatalog)
	all, err := heap.BeginScan(tx, s.rel, heap.NonVacuumable(oldest), heap.ScanOptions{})
	if err != nil {
		return err
	}
	defer all.Close()
	now, err := heap.BeginScan(tx, s.rel, heap.Self(), heap.ScanOptions{})
	if err != nil {
		return err
	}
	defer now.Close()
	s.vals, s.dt = make([]datum.Datum, len(s.rel.Desc.Attrs)), heap.NewDetoaster(tx, s.rel)
	var alive []heap.Tuple
	more := true
	for {
		if err := s.c.Context().Err(); err != nil {
			return canceled()
		}
		batch, err := all.NextBatch()
		if err != nil || batch == nil {
			return err
		}
		for more && (len(alive) == 0 || alive[0].TID.Block < batch[0].TID.Block) {
			if alive, err = now.NextBatch(); err != nil {
				return err
			}
			more = alive != nil
		}
		var here []heap.Tuple
		if len(alive) > 0 && alive[0].TID.Block == batch[0].TID.Block {
			here = alive
		}
		if err := s.page(batch, here); err != nil {
			return err
		}
	}
}

// page adds the rows of one page; alive are those of them that live now.
func (s *buildScan) page(batch, alive []heap.Tuple) error {
	rooted := false
	for _, t := range batch {
		live := false
		for len(alive) > 0 && alive[0].TID.Off < t.TID.Off {
			alive = alive[1:]
		}
		if len(alive) > 0 && alive[0].TID.Off == t.TID.Off {
			live = true
		}
		if !live && t.Data.IsHotUpdated() {
			s.broken = true
			continue
		}
		tid := t.TID
		if t.Data.IsHeapOnly() {
			if !rooted {
				if err := s.readRoots(tid.Block); err != nil {
					return err
				}
				rooted = true
			}
			if tid.Off = s.roots[tid.Off-1]; tid.Off == 0 {
				if !live {
					continue // pruned since the batch was read: it was dead to everyone
				}
				return pgerr.New(pgerr.DataCorrupted, "failed to find parent tuple for heap-only tuple at (%d,%d) in table %q", t.TID.Block, t.TID.Off, s.rel.Name)
			}
		}
		if live {
			s.live++
		}
		if err := s.add(t, tid, live); err != nil {
			return err
		}
	}
	return nil
}

func (s *buildScan) add(t heap.Tuple, tid page.TID, live bool) error {
	var err error
	if s.keys.eval == nil {
		err = access.DeformCols(s.rel.Desc, t.Data, s.keys.cols, s.vals, s.dt)
	} else {
		err = access.Deform(s.rel.Desc, t.Data, len(s.vals), s.vals, s.dt)
	}
	if err != nil {
		return err
	}
	in, err := s.keys.row(s.vals)
	if err != nil || !in {
		return err
	}
	return s.b.Add(s.keys.out, tid, live)
}

// readRoots finds where the HOT chains of a page start.
func (s *buildScan) readRoots(blk page.BlockNumber) error {
	b, err := s.rel.Pool.Read(s.rel.Tag(page.MainFork, blk), bufmgr.Normal, nil)
	if err != nil {
		return err
	}
	s.rel.Pool.Lock(b, bufmgr.Shared)
	heap.HotRoot(s.rel.Pool.Page(b), s.roots[:])
	s.rel.Pool.UnlockRelease(b)
	return nil
}

func canceled() error {
	return pgerr.New(pgerr.QueryCanceled, "canceling statement due to user request")
}
