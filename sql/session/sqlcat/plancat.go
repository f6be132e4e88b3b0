package sqlcat

import (
	"math"
	"strconv"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/plan"
)

// planCatalog is the planner's view of a Catalog.
type planCatalog struct{ *Catalog }

var _ plan.Catalog = planCatalog{}

// Indexes is part of plan.Catalog.
func (c planCatalog) Indexes(rel *access.Relation) ([]*plan.Index, error) {
	states, err := c.indexes(rel)
	if err != nil {
		return nil, err
	}
	var out []*plan.Index
	for _, st := range states {
		if st.Rel.AM != oid.BtreeAM || st.Rel.Index == nil || !st.Rel.Index.Valid {
			continue
		}
		x := &plan.Index{Rel: st.Rel, Exprs: st.Exprs, Pred: st.Pred}
		sz, err := c.Size(st.Rel)
		if err != nil {
			return nil, err
		}
		x.Pages = sz.Pages
		x.Tuples = math.Max(sz.RelTuples, 0)
		x.TreeHeight = treeHeight(sz.Pages)
		if sz.RelPages > 0 && sz.RelTuples > 0 {
			x.Tuples = sz.RelTuples / sz.RelPages * sz.Pages
		}
		out = append(out, x)
	}
	return out, nil
}

// treeHeight guesses the level of a btree's root from its pages: some 250
// downlinks fit on one.
func treeHeight(pages float64) float64 {
	if pages <= 2 {
		return 0
	}
	return math.Ceil(math.Log(pages) / math.Log(250))
}

// Size is part of plan.Catalog.
func (c planCatalog) Size(rel *access.Relation) (plan.Size, error) {
	r, err := c.S.Class(rel.OID)
	if err != nil {
		return plan.Size{}, err
	}
	if r == nil {
		return plan.Size{}, pgerr.New(pgerr.UndefinedTable, "could not open relation with OID %d", rel.OID)
	}
	var n page.BlockNumber
	if rel.Kind == 'r' || rel.Kind == 'i' || rel.Kind == 't' || rel.Kind == 'm' || rel.Kind == 'S' {
		if n, err = rel.Pool.NBlocks(rel.Node, page.MainFork); err != nil {
			return plan.Size{}, err
		}
	}
	return plan.Size{Pages: float64(n), RelPages: float64(r.Relpages), RelTuples: float64(r.Reltuples), AllVisible: float64(r.Relallvisible),
		Inherited: r.Relhassubclass}, nil
}

// Column is part of plan.Catalog.
func (c planCatalog) Column(rel oid.OID, att int) (*plan.ColumnStats, error) {
	s, err := c.S.Statistic(rel, int16(att), false)
	if err != nil {
		return nil, err
	}
	if s == nil {
		if known, ok := catalogStats[catalogColumn{rel, att}]; ok {
			return &known, nil
		}
		return nil, nil
	}
	out := &plan.ColumnStats{NullFrac: float64(s.Stanullfrac), Width: float64(s.Stawidth), Distinct: float64(s.Stadistinct)}
	kinds := [...]int16{s.Stakind1, s.Stakind2, s.Stakind3, s.Stakind4, s.Stakind5}
	nums := [...][]float32{s.Stanumbers1, s.Stanumbers2, s.Stanumbers3, s.Stanumbers4, s.Stanumbers5}
	vals := [...]datum.Datum{s.Stavalues1, s.Stavalues2, s.Stavalues3, s.Stavalues4, s.Stavalues5}
	for i, k := range kinds {
		switch k {
		case 1:
			out.Common, out.Type = c.elements(vals[i])
			for _, f := range nums[i] {
				out.CommonFreq = append(out.CommonFreq, float64(f))
			}
			if len(out.CommonFreq) != len(out.Common) {
				out.Common, out.CommonFreq = nil, nil
			}
		case 2:
			h, t := c.elements(vals[i])
			if h != nil {
				out.Histogram, out.Type = h, t
			}
		case 3:
			if len(nums[i]) > 0 {
				out.Correlation = float64(nums[i][0])
			}
		}
	}
	return out, nil
}

// elements takes an array of statistics apart.
func (c planCatalog) elements(d datum.Datum) ([]datum.Datum, oid.OID) {
	if d.Null || len(d.Bytes) < 12 {
		return nil, 0
	}
	t := array.Type(d.Bytes)
	ti, ok := c.Type(t)
	if !ok {
		return nil, 0
	}
	a, err := array.Parse(d.Bytes, ti.ElemStorage())
	if err != nil {
		return nil, 0
	}
	return a.Elems, t
}

// Elements is part of plan.Catalog.
func (c planCatalog) Elements(d datum.Datum) ([]datum.Datum, bool) {
	e, t := c.elements(d)
	return e, t != 0
}

// Scalar is part of plan.Catalog.
func (c planCatalog) Scalar(t oid.OID, d datum.Datum) (float64, bool) {
	switch t {
	case oid.Bool, oid.Int2, oid.Int4, oid.Int8, oid.Oid, oid.Date, oid.Timestamp, oid.TimestampTZ, oid.Time, oid.RegClass, oid.RegProc, oid.RegType:
		return float64(d.Int), true
	case oid.Float4, oid.Float8, oid.Numeric:
		src := &node.Const{Consttype: t, Consttypmod: -1, Constlen: -1, Constbyval: t != oid.Numeric, Constvalue: d, Location: -1}
		v, err := c.Catalog.Eval(&node.CoerceViaIO{Arg: src, Resulttype: oid.Text, Location: -1})
		if err != nil || v.Null {
			return 0, false
		}
		f, err := strconv.ParseFloat(string(v.Bytes), 64)
		return f, err == nil
	}
	return 0, false
}

// Operator is part of plan.Catalog.
func (c planCatalog) Operator(op oid.OID) (plan.Operator, error) {
	r, err := c.S.Operator(op)
	if err != nil {
		return plan.Operator{}, err
	}
	if r == nil {
		return plan.Operator{}, pgerr.New(pgerr.UndefinedFunction, "cache lookup failed for operator %d", op)
	}
	o := plan.Operator{Name: r.Oprname, Left: r.Oprleft, Right: r.Oprright, Result: r.Oprresult, Func: r.Oprcode, Commutator: r.Oprcom,
		Negator: r.Oprnegate, CanMerge: r.Oprcanmerge, CanHash: r.Oprcanhash, Restrict: c.src(r.Oprrest), Join: c.src(r.Oprjoin)}
	if fn, err := c.function(r.Oprcode); err == nil {
		o.Strict, o.Volatile = fn.row.Proisstrict, fn.row.Provolatile
	}
	return o, nil
}

// Families is part of plan.Catalog.
func (c planCatalog) Families(op oid.OID) ([]plan.FamilyMember, error) {
	ops, err := c.S.AmopsByOperator(op)
	if err != nil {
		return nil, err
	}
	var out []plan.FamilyMember
	for _, o := range ops {
		if o.Amopmethod == oid.BtreeAM && o.Amoppurpose == 's' {
			out = append(out, plan.FamilyMember{Family: o.Amopfamily, Strategy: int(o.Amopstrategy), Left: o.Amoplefttype, Right: o.Amoprighttype})
		}
	}
	return out, nil
}

// FamilyOperator is part of plan.Catalog.
func (c planCatalog) FamilyOperator(family, left, right oid.OID, strategy int) (oid.OID, error) {
	ops, err := c.S.AmopsByFamily(family)
	if err != nil {
		return 0, err
	}
	for _, o := range ops {
		if int(o.Amopstrategy) == strategy && o.Amoplefttype == left && o.Amoprighttype == right && o.Amoppurpose == 's' {
			return o.Amopopr, nil
		}
	}
	return 0, nil
}

// Func is part of plan.Catalog.
func (c planCatalog) Func(f oid.OID) (plan.Func, error) {
	fn, err := c.function(f)
	if err != nil {
		return plan.Func{}, err
	}
	p := fn.row
	return plan.Func{Name: p.Proname, Volatile: p.Provolatile, Strict: p.Proisstrict, RetSet: p.Proretset, Cost: float64(p.Procost),
		Rows: float64(p.Prorows), Written: fn.impl != nil}, nil
}

// Aggregate is part of plan.Catalog.
func (c planCatalog) Aggregate(f oid.OID) (plan.Aggregate, error) {
	r, err := c.S.Aggregate(f)
	if err != nil || r == nil {
		return plan.Aggregate{}, pgerr.New(pgerr.UndefinedFunction, "cache lookup failed for aggregate %d", f)
	}
	return plan.Aggregate{Trans: r.Aggtransfn, Final: r.Aggfinalfn, Sort: r.Aggsortop, Type: r.Aggtranstype, Space: float64(r.Aggtransspace)}, nil
}

// ConstraintIndex is part of plan.Catalog.
func (c planCatalog) ConstraintIndex(con oid.OID) (oid.OID, error) {
	k, err := c.S.Constraint(con)
	if err != nil || k == nil {
		return 0, err
	}
	return k.Conindid, nil
}

// Default is part of plan.Catalog.
func (c planCatalog) Default(rel *access.Relation, att int) (node.Node, error) {
	r := c.relationOf(rel)
	if n, ok := r.defs[att]; ok {
		return n, nil
	}
	n, err := c.readDefault(rel, att)
	if err != nil {
		return nil, err
	}
	if r.defs == nil {
		r.defs = map[int]node.Node{}
	}
	r.defs[att] = n
	return n, nil
}

const (
	classOID = 1259 // pg_class
)

func (c planCatalog) readDefault(rel *access.Relation, att int) (node.Node, error) {
	atts, err := c.S.Attributes(rel.OID)
	if err != nil {
		return nil, err
	}
	if att < 1 || att > len(atts) {
		return nil, nil
	}
	a := atts[att-1]
	if a.Attidentity != 0 {
		seq, err := c.OwnedSequence(rel.OID, a.Attnum, catalog.DependInternal)
		if err != nil || seq == 0 {
			return nil, err
		}
		return &node.NextValueExpr{Seqid: seq, TypeId: a.Atttypid}, nil
	}
	defs, err := c.S.AttrDefs(rel.OID)
	if err != nil {
		return nil, err
	}
	for _, d := range defs {
		if d.Adnum == a.Attnum && a.Attgenerated == 0 {
			return node.Read(d.Adbin)
		}
	}
	t, err := c.S.Type(a.Atttypid)
	if err != nil || t == nil || t.Typtype != 'd' || t.Typdefaultbin == "" {
		return nil, err
	}
	return node.Read(t.Typdefaultbin)
}

// OwnedSequence is the sequence that belongs to a column: by kind
// catalog.DependInternal for identity, DependAuto for serial; 0 for either.
func (c *Catalog) OwnedSequence(rel oid.OID, att int16, kind byte) (oid.OID, error) {
	deps, err := catalog.FindRows[rows.PgDepend](c.S, catalog.Search{Anum: rows.AnumPgDependRefclassid, Value: datum.Int(classOID)},
		catalog.Search{Anum: rows.AnumPgDependRefobjid, Value: datum.Int(int64(rel))},
		catalog.Search{Anum: rows.AnumPgDependRefobjsubid, Value: datum.Int(int64(att))})
	if err != nil {
		return 0, err
	}
	for _, d := range deps {
		if d.Row.Classid != classOID || d.Row.Deptype != kind && (kind != 0 || d.Row.Deptype != 'i' && d.Row.Deptype != 'a') {
			continue
		}
		if r, err := c.S.Class(d.Row.Objid); err != nil {
			return 0, err
		} else if r != nil && r.Relkind == 'S' {
			return r.Oid, nil
		}
	}
	return 0, nil
}

// Arguments is part of plan.Catalog.
func (c planCatalog) Arguments(f *node.FuncExpr) ([]node.Node, error) {
	fn, err := c.function(f.Funcid)
	if err != nil {
		return nil, err
	}
	p := fn.row
	n := int(p.Pronargs)
	named := false
	for _, a := range f.Args {
		if _, ok := a.(*node.NamedArgExpr); ok {
			named = true
		}
	}
	if !named && len(f.Args) >= n {
		return f.Args, nil
	}
	out := make([]node.Node, n)
	for i, a := range f.Args {
		if x, ok := a.(*node.NamedArgExpr); ok {
			if x.Argnumber < 0 || x.Argnumber >= n {
				return nil, pgerr.New(pgerr.InternalError, "argument number %d out of range", x.Argnumber)
			}
			out[x.Argnumber] = x.Arg
			continue
		}
		if i < n {
			out[i] = a
		}
	}
	defs, err := readList(p.Proargdefaults)
	if err != nil {
		return nil, err
	}
	for i := range out {
		if out[i] != nil {
			continue
		}
		k := i - (n - len(defs))
		if k < 0 {
			return nil, pgerr.New(pgerr.InternalError, "not enough default arguments")
		}
		out[i] = defs[k]
	}
	return out, nil
}

// Eval is part of plan.Catalog.
func (c planCatalog) Eval(e node.Node) (datum.Datum, error) { return c.Catalog.Eval(e) }

// Estimate is part of plan.Catalog: constants, known parameters, and stable
// expressions of them.
func (c planCatalog) Estimate(e node.Node) (datum.Datum, bool) {
	switch x := e.(type) {
	case *node.Const:
		d := x.Constvalue
		d.Null = x.Constisnull
		return d, true
	case *node.Param:
		if x.Paramkind == node.ParamExtern && x.Paramid >= 1 && x.Paramid <= len(c.Known) {
			return c.Known[x.Paramid-1], true
		}
		return datum.Datum{}, false
	}
	bad := node.Any(e, func(n node.Node) bool {
		switch x := n.(type) {
		case *node.Var, *node.SubLink, *node.SubPlan, *node.Aggref, *node.WindowFunc:
			return true
		case *node.Param:
			return x.Paramkind != node.ParamExtern || x.Paramid > len(c.Known)
		case *node.FuncExpr:
			return c.volatile(x.Funcid)
		case *node.OpExpr:
			return c.volatile(x.Opfuncid)
		}
		return false
	})
	if bad {
		return datum.Datum{}, false
	}
	d, err := c.Catalog.Eval(e)
	return d, err == nil
}

// volatile reports whether a function may not be run for an estimate.
func (c *Catalog) volatile(f oid.OID) bool {
	fn, err := c.function(f)
	return err != nil || fn.row.Provolatile == 'v' || fn.row.Proretset
}
