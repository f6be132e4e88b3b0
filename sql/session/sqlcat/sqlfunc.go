package sqlcat

import (
	"encoding/binary"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/parser"
	"github.com/pgmini/pgmini/sql/plan"
)

const sqlLanguage oid.OID = 14

// SQLFunc is part of plan.Catalog.
func (c planCatalog) SQLFunc(x *node.FuncExpr) (*plan.SQLFunc, error) {
	fn, err := c.function(x.Funcid)
	if err != nil || fn.row.Prolang != sqlLanguage || fn.impl != nil || fn.row.Prokind != 'f' {
		return nil, err
	}
	var key []byte
	var types []oid.OID
	for _, a := range x.Args {
		t := node.ExprType(a)
		types = append(types, t)
		key = binary.LittleEndian.AppendUint32(key, uint32(t))
	}
	if f := fn.bodies[string(key)]; f != nil {
		return f, nil
	}
	q, err := c.body(fn, types, x)
	if err != nil {
		return nil, err
	}
	f := &plan.SQLFunc{Body: q, Strict: fn.row.Proisstrict, Volatile: fn.row.Provolatile, RetSet: fn.row.Proretset}
	if fn.bodies == nil {
		fn.bodies = map[string]*plan.SQLFunc{}
	}
	fn.bodies[string(key)] = f
	return f, nil
}

// body analyzes a function's text for arguments of the types.
func (c *Catalog) body(fn *function, types []oid.OID, x *node.FuncExpr) (*node.Query, error) {
	p := fn.row
	if p.Prosqlbody != "" {
		return nil, pgerr.NotYet("a function with a body that is not text (%s)", p.Proname)
	}
	stmts, err := parser.Parse(p.Prosrc)
	if err != nil {
		return nil, err
	}
	if len(stmts) != 1 || stmts[0].Stmt.GetSelectStmt() == nil {
		return nil, pgerr.NotYet("a function in language SQL that is not one SELECT (%s)", p.Proname)
	}
	names := p.Proargnames
	if len(p.Proargmodes) > 0 {
		names = nil
		for i, m := range p.Proargmodes {
			if (m == 'i' || m == 'b' || m == 'v') && i < len(p.Proargnames) {
				names = append(names, p.Proargnames[i])
			}
		}
	}
	q, err := analyze.Analyze(c.Names, stmts[0], &analyze.Params{Types: types, Names: names, Func: p.Proname})
	if err != nil {
		return nil, err
	}
	if q, err = analyze.ExpandViews(c.Names, q); err != nil {
		return nil, err
	}
	return q, c.coerceResult(q, p.Proname, x.Funcresulttype)
}

// coerceResult gives the only column of a body the function's type.
func (c *Catalog) coerceResult(q *node.Query, name string, ret oid.OID) error {
	var only *node.TargetEntry
	for _, te := range q.TargetList {
		if te.Resjunk {
			continue
		}
		if only != nil {
			return nil // a row
		}
		only = te
	}
	ti, ok := c.Type(ret)
	if only == nil || !ok || ti.Type == 'c' || ret == oid.Record || node.ExprType(only.Expr) == ret {
		return nil
	}
	if ret == oid.Void {
		return pgerr.NotYet("a function in language SQL that returns void (%s)", name)
	}
	if q.SetOperations != nil || only.Ressortgroupref != 0 {
		return pgerr.NotYet("a cast of the result of function %s", name)
	}
	e, err := analyze.Coerce(c.Names, only.Expr, ret, -1, node.CoercionAssignment)
	if err != nil {
		return err
	}
	if e == nil {
		return pgerr.New(pgerr.InvalidFunctionDefinition, "return type mismatch in function declared to return %s", c.Env.FormatType(ret, -1))
	}
	only.Expr = e
	return nil
}
