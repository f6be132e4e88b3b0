package exec

import (
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// noScope is the scope of expressions without variables.
type noScope struct{}

func (noScope) column(*node.Var) (int, error) {
	return 0, pgerr.New(pgerr.InternalError, "variable in an expression that has none")
}

// Eval computes an expression without variables and subqueries. Stmt need not be
// set, nor Start called; the result is the caller's.
func (x *Execution) Eval(e node.Node) (datum.Datum, error) {
	c := compiler{x: x, scope: noScope{}}
	f, err := c.expr(e)
	if err != nil {
		return datum.Datum{}, err
	}
	b := Batch{N: 1, Sel: all(1)}
	v, err := f.eval(x, &b, b.Sel)
	if err != nil {
		return datum.Datum{}, err
	}
	return at(v, 0).Clone(), nil
}
