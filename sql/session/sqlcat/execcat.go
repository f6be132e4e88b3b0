package sqlcat

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/exec"
	"github.com/pgmini/pgmini/sql/node"
)

// execCatalog is the executor's view of a Catalog.
type execCatalog struct{ *Catalog }

var _ exec.Catalog = execCatalog{}

// Func is part of exec.Catalog.
func (c execCatalog) Func(f oid.OID) (exec.FuncInfo, error) {
	fn, err := c.function(f)
	if err != nil {
		return exec.FuncInfo{}, err
	}
	p := fn.row
	return exec.FuncInfo{Name: p.Proname, Strict: p.Proisstrict, RetSet: p.Proretset, RetType: p.Prorettype, Impl: fn.impl}, nil
}

// Agg is part of exec.Catalog.
func (c execCatalog) Agg(f oid.OID) (exec.AggInfo, error) {
	fn, err := c.function(f)
	if err != nil {
		return exec.AggInfo{}, err
	}
	a, err := c.S.Aggregate(f)
	if err != nil {
		return exec.AggInfo{}, err
	}
	if a == nil {
		return exec.AggInfo{}, pgerr.New(pgerr.UndefinedFunction, "cache lookup failed for aggregate %d", f)
	}
	info := exec.AggInfo{Name: fn.row.Proname, Trans: a.Aggtransfn, Final: a.Aggfinalfn, TransSrc: c.src(a.Aggtransfn),
		FinalSrc: c.src(a.Aggfinalfn), TransType: a.Aggtranstype, Kind: a.Aggkind, NumDirect: int(a.Aggnumdirectargs)}
	if a.Agginitval != "" {
		s := a.Agginitval
		info.Init = &s
	}
	return info, nil
}

// Relation is part of exec.Catalog.
func (c *Catalog) Relation(r oid.OID) (*access.Relation, error) {
	rel, err := c.S.Relation(r)
	if err == nil && rel == nil {
		err = pgerr.New(pgerr.UndefinedTable, "could not open relation with OID %d", r)
	}
	return rel, err
}

// OpFunc is part of exec.Catalog.
func (c execCatalog) OpFunc(op oid.OID) (oid.OID, error) {
	r, err := c.S.Operator(op)
	if err != nil {
		return 0, err
	}
	if r == nil {
		return 0, pgerr.New(pgerr.UndefinedFunction, "cache lookup failed for operator %d", op)
	}
	return r.Oprcode, nil
}

// Order is part of exec.Catalog.
func (c execCatalog) Order(op, collation oid.OID) (func(a, b datum.Datum) int, error) {
	f, _, err := c.operatorOrder(op, collation, false)
	return f, err
}

// SortOrder is part of exec.Catalog.
func (c execCatalog) SortOrder(op, collation oid.OID) (func(a, b datum.Datum) int, bool, error) {
	return c.operatorOrder(op, collation, true)
}

// operatorOrder is the order of a btree operator's family; sorts says that the
// operator must be one to sort by.
func (c *Catalog) operatorOrder(op, collation oid.OID, sorts bool) (func(a, b datum.Datum) int, bool, error) {
	ops, err := c.S.AmopsByOperator(op)
	if err != nil {
		return nil, false, err
	}
	for _, o := range ops {
		if o.Amopmethod != oid.BtreeAM || o.Amoppurpose != 's' || sorts && o.Amopstrategy != 1 && o.Amopstrategy != 3 && o.Amopstrategy != 5 {
			continue
		}
		f, err := c.familyOrder(o.Amopfamily, o.Amoplefttype, o.Amoprighttype, collation)
		return f, o.Amopstrategy == 5, err
	}
	return nil, false, pgerr.New(pgerr.UndefinedFunction, "operator %d is not a valid ordering operator", op)
}

// familyOrder is a family's support function 1; what is not in package cmp
// (composite types) is asked of the conversions.
func (c *Catalog) familyOrder(family, left, right, collation oid.OID) (func(a, b datum.Datum) int, error) {
	switch left {
	case oid.Record:
		return c.Env.CompareType(left)
	case oid.AnyArray:
		return c.arrayOrder(), nil
	}
	return c.S.FamilyComparison(family, left, right, collation)
}

// arrayOrder compares arrays of any one type, which each value names itself.
func (c *Catalog) arrayOrder() func(a, b datum.Datum) int {
	var elem oid.OID
	var f func(a, b datum.Datum) int
	return func(a, b datum.Datum) int {
		if t := array.Type(a.Bytes); f == nil || t != elem {
			ti, ok := c.Type(t)
			if !ok {
				return 0
			}
			g, err := c.Compare(ti.Array, ti.Collation)
			if err != nil {
				return 0
			}
			elem, f = t, g
		}
		return f(a, b)
	}
}

// DefaultOrder is part of exec.Catalog.
func (c execCatalog) DefaultOrder(t, collation oid.OID) (func(a, b datum.Datum) int, error) {
	return c.Compare(t, collation)
}

// Compare orders two values of a type by its default btree class.
func (c *Catalog) Compare(t, collation oid.OID) (func(a, b datum.Datum) int, error) {
	ti, ok := c.Type(t)
	if ok && (ti.Type == 'c' || ti.IsArray() || t == oid.Record) {
		return c.Env.CompareType(t)
	}
	if f, err := c.S.Comparison(t, collation); err == nil {
		return f, nil
	}
	return c.Env.CompareType(t)
}

// CrossOrder is part of exec.Catalog.
func (c execCatalog) CrossOrder(family, left, right, collation oid.OID) (func(a, b datum.Datum) int, error) {
	return c.familyOrder(family, left, right, collation)
}

// FuncSource is part of exec.Catalog.
func (c execCatalog) FuncSource(f oid.OID) (string, error) {
	fn, err := c.function(f)
	if err != nil {
		return "", err
	}
	return fn.row.Prosrc, nil
}

// OutTypes is part of exec.Catalog.
func (c execCatalog) OutTypes(f oid.OID) ([]oid.OID, error) {
	fn, err := c.function(f)
	if err != nil {
		return nil, err
	}
	var out []oid.OID
	for i, m := range fn.row.Proargmodes {
		if (m == 'o' || m == 'b' || m == 't') && i < len(fn.row.Proallargtypes) {
			out = append(out, fn.row.Proallargtypes[i])
		}
	}
	return out, nil
}

// RowType is part of exec.Catalog.
func (c execCatalog) RowType(t oid.OID, typmod int32) (*access.TupleDesc, error) {
	return c.RowDesc(t, typmod)
}

// CatalogRow is part of exec.Catalog.
func (c execCatalog) CatalogRow(catalog oid.OID, row []datum.Datum) { c.S.RowChanged(catalog, row) }

// Indexes is part of exec.Catalog.
func (c execCatalog) Indexes(rel *access.Relation) ([]*exec.IndexState, error) {
	return c.indexes(rel)
}

// Checks is part of exec.Catalog.
func (c execCatalog) Checks(rel *access.Relation) ([]exec.Check, error) {
	r := c.relationOf(rel)
	if r.chkDone {
		return r.checks, nil
	}
	cls, err := c.S.Class(rel.OID)
	if err != nil {
		return nil, err
	}
	if cls != nil && cls.Relchecks > 0 {
		cons, err := c.S.ConstraintsOf(rel.OID)
		if err != nil {
			return nil, err
		}
		for _, k := range cons {
			if k.Contype != 'c' {
				continue
			}
			e, err := node.Read(k.Conbin)
			if err != nil {
				return nil, err
			}
			r.checks = append(r.checks, exec.Check{Name: k.Conname, Expr: e})
		}
	}
	r.chkDone = true
	return r.checks, nil
}

// Generated is part of exec.Catalog.
func (c execCatalog) Generated(rel *access.Relation) (map[int]node.Node, error) {
	r := c.relationOf(rel)
	if r.genDone {
		return r.gen, nil
	}
	atts, err := c.S.Attributes(rel.OID)
	if err != nil {
		return nil, err
	}
	for _, a := range atts {
		if a.Attgenerated == 0 || a.Attisdropped {
			continue
		}
		defs, err := c.S.AttrDefs(rel.OID)
		if err != nil {
			return nil, err
		}
		for _, d := range defs {
			if d.Adnum != a.Attnum {
				continue
			}
			e, err := node.Read(d.Adbin)
			if err != nil {
				return nil, err
			}
			if r.gen == nil {
				r.gen = map[int]node.Node{}
			}
			r.gen[int(a.Attnum)] = e
		}
	}
	r.genDone = true
	return r.gen, nil
}
