package exec

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/sql/node"
)

// RowEval evaluates expressions over the columns of one table's rows (Varno 1):
// for index builds, rewrites, defaults.
type RowEval struct {
	exprs []expr
	row   *Batch
}

// NewRowEval compiles expressions over columns as attrs describes them; attrs
// may be empty.
func (x *Execution) NewRowEval(attrs []access.Attr, list []node.Node) (*RowEval, error) {
	r := &RowEval{}
	var shape columns
	for i := range attrs {
		shape = append(shape, !attrs[i].ByVal)
	}
	r.row = newBatch(shape, 1)
	r.row.resize(shape, 1)
	r.row.N, r.row.Sel = 1, all(1)
	c := &compiler{x: x, scope: relScope{1, len(attrs)}}
	var err error
	r.exprs, err = c.exprs(list)
	return r, err
}

// Eval computes expression i for the row vals. The result may alias memory that
// the next call reuses.
func (r *RowEval) Eval(x *Execution, i int, vals []datum.Datum) (datum.Datum, error) {
	for k := range r.row.Cols {
		put(r.row.Cols[k], 0, vals[k])
	}
	v, err := r.exprs[i].eval(x, r.row, r.row.Sel)
	if err != nil {
		return datum.Null(), err
	}
	return at(v, 0), nil
}
