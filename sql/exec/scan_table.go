package exec

import (
	"slices"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/types"
)

// System columns (PostgreSQL: access/sysattr.h).
const (
	attrCtid     = -1
	attrXmin     = -2
	attrCmin     = -3
	attrXmax     = -4
	attrCmax     = -5
	attrTableOID = -6
)

// tableScope finds Vars of a table and notes which columns the expressions need,
// so that only those are taken from tuples.
type tableScope struct {
	varno int
	rel   *access.Relation
	attrs []int // attribute number of each batch column
	cols  []int // user columns among them as ascending indexes into Desc.Attrs
	shape columns
	vals  []datum.Datum
	whole bool
	toast lazyToast
	raw   [][]byte // for loadStored
}

func newTableScope(varno int, rel *access.Relation) *tableScope {
	return &tableScope{varno: varno, rel: rel}
}

func (s *tableScope) column(v *node.Var) (int, error) {
	if v.Varno != s.varno {
		return 0, pgerr.New(pgerr.InternalError, "variable %d.%d in scan of %d", v.Varno, v.Varattno, s.varno)
	}
	return s.attr(v.Varattno)
}

// attr returns the batch column that holds attribute n.
func (s *tableScope) attr(n int) (int, error) {
	if i := slices.Index(s.attrs, n); i >= 0 {
		return i, nil
	}
	byRef := n == attrCtid || n == 0
	switch {
	case n > len(s.rel.Desc.Attrs) || n < attrTableOID:
		return 0, pgerr.New(pgerr.InternalError, "invalid attribute number %d", n)
	case n > 0:
		byRef = !s.rel.Desc.Attrs[n-1].ByVal
		if !slices.Contains(s.cols, n-1) {
			s.cols = append(s.cols, n-1)
			slices.Sort(s.cols)
		}
	case n == 0:
		s.whole = true
	}
	s.attrs, s.shape = append(s.attrs, n), append(s.shape, byRef)
	return len(s.attrs) - 1, nil
}

// begin prepares for tuples after all expressions were compiled.
func (s *tableScope) begin() *Batch {
	s.vals = make([]datum.Datum, len(s.rel.Desc.Attrs))
	if s.whole {
		s.cols = s.cols[:0]
		for i := range s.rel.Desc.Attrs {
			s.cols = append(s.cols, i)
		}
	}
	return newBatch(s.shape, 0)
}

// load fills row i of b from a tuple. Values alias the tuple unless they were
// detoasted.
func (s *tableScope) load(x *Execution, b *Batch, i int32, t heap.Tuple) error {
	if len(s.cols) > 0 {
		s.toast.x, s.toast.rel, s.toast.used = x, s.rel, false
		if err := access.DeformCols(s.rel.Desc, t.Data, s.cols, s.vals, &s.toast); err != nil {
			return err
		}
	}
	for c, n := range s.attrs {
		if n > 0 {
			put(b.Cols[c], i, s.vals[n-1])
			continue
		}
		d, err := s.system(x, n, t)
		if err != nil {
			return err
		}
		put(b.Cols[c], i, d)
	}
	if x.stored != storedNone {
		return s.loadStored(x, b, i, t)
	}
	return nil
}

// system computes a system column or the whole row.
func (s *tableScope) system(x *Execution, n int, t heap.Tuple) (datum.Datum, error) {
	switch n {
	case 0:
		desc := *s.rel.Desc
		return access.FormComposite(&desc, s.vals)
	case attrCtid:
		var b [page.TIDSize]byte
		page.PutTID(b[:], t.TID)
		return datum.Bytes(b[:]), nil
	case attrTableOID:
		return datum.Int(int64(s.rel.OID)), nil
	case attrXmin:
		return datum.Int(int64(t.Data.RawXmin())), nil
	case attrXmax:
		return datum.Int(int64(t.Data.RawXmax())), nil
	}
	cid := t.Data.RawCid()
	if t.Data.Infomask()&access.ComboCID != 0 && x.Tx.IsCurrent(t.Data.RawXmin()) {
		if n == attrCmin {
			cid = x.Tx.ComboMin(cid)
		} else {
			cid = x.Tx.ComboMax(cid)
		}
	}
	return datum.Int(int64(cid)), nil
}

// row loads one tuple as a batch of one row.
func (s *tableScope) row(x *Execution, b *Batch, t heap.Tuple) error {
	b.resize(s.shape, 1)
	b.N, b.Sel = 1, all(1)
	return s.load(x, b, 0, t)
}

// relation opens range table entry rti.
func (x *Execution) relation(rti int) (*access.Relation, error) {
	rte := x.Stmt.Rtable[rti-1]
	rel, err := x.Cat.Relation(rte.Relid)
	if err == nil && rel == nil {
		err = pgerr.New(pgerr.UndefinedTable, "could not open relation with OID %d", rte.Relid)
	}
	if err == nil && rel.Unpopulated {
		err = pgerr.New(pgerr.ObjectNotInPrerequisiteState, "materialized view %q has not been populated", rel.Name).
			WithHint("Use the REFRESH MATERIALIZED VIEW command.")
	}
	return rel, err
}

// detoaster fetches TOASTed values of rel.
func (x *Execution) detoaster(rel *access.Relation) access.Detoaster {
	if x.toast == nil {
		x.toast = map[oid.OID]access.Detoaster{}
	}
	d := x.toast[rel.OID]
	if d == nil {
		d = heap.NewDetoaster(x.Tx, rel)
		x.toast[rel.OID] = d
	}
	return d
}

// tidOf reads a ctid column.
func tidOf(v *types.Vec, i int32) page.TID {
	if v.Nulls[i] || len(v.Bytes[i]) < page.TIDSize {
		return page.TID{}
	}
	return page.GetTID(v.Bytes[i])
}
