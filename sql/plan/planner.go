package plan

import (
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// planner makes one PlannedStmt. Range table entries of all query levels are
// numbered together from the start, so that pulling a subquery up renames nothing.
type planner struct {
	cat   Catalog
	set   Settings
	stmt  *PlannedStmt
	subs  []*root // of stmt.Subplans, by plan id - 1
	stats map[[2]int]*ColumnStats
	err   error
	depth int // of SQL functions being expanded
}

// Options of Make.
type Options struct {
	Settings Settings
	// FastStart plans for the first rows: a cursor.
	FastStart bool
}

// root is one query level (PostgreSQL: PlannerInfo).
type root struct {
	*planner
	q            *node.Query
	parent       *root
	ctes         map[string]*cte
	rels         map[int]*rel
	inits        []*node.SubPlan
	multi        map[int][]int // parameters of SET (…) = (subquery), by SubLinkId
	needs        []need        // variables of this level that the subquery being planned asks for
	fraction     float64
	fullJoin     bool // a FULL JOIN with conditions was planned
	workParam    int  // of the recursive union being planned
	limitTuples  float64
	phase        int
	outers       relids          // while plans are made: relations whose variables become parameters
	nest         []NestLoopParam // such parameters, not yet claimed by a nested loop
	needed       []neededVar     // variables that nodes above scans use
	query        []sortKey       // the order that would help above the joins
	classes      []*eclass
	specials     []*special
	baseQuals    map[int][]*qual
	joinQuals    []*qual
	outerQuals   []*qual
	allIDs       relids
	rtis         []int
	totalPages   float64
	only         *rel // relation whose conditions are estimated, others being known
	top          *path
	final        []*node.TargetEntry
	orig         *node.Query      // as it came, for MIN and MAX by an index
	postponed    []node.Node      // conditions that refer out of their part of the join tree
	distinctRows map[Plan]float64 // of sides of set operations
	flatUnion    bool             // the set operations are one UNION ALL
	byIndex      bool             // only a path in order will do
}

// need is a variable of an outer level, passed to a subquery as a parameter.
type need struct {
	expr  node.Node
	param int
}

// cte is a planned WITH query.
type cte struct {
	planID int
	param  int
	query  *node.Query
	plan   Plan
	work   bool // the recursive reference: a work table
	rows   float64
	sub    *node.SubPlan
}

// Make plans an analyzed and rewritten query.
func Make(cat Catalog, q *node.Query, o Options) (*PlannedStmt, error) {
	p := &planner{cat: cat, set: o.Settings, stmt: &PlannedStmt{CommandType: q.CommandType, CanSetTag: q.CanSetTag,
		HasReturning: len(q.ReturningList) > 0, HasModifyingCTE: q.HasModifyingCTE}}
	if p.set.SeqPageCost == 0 && p.set.CPUTupleCost == 0 {
		p.set = Defaults()
	}
	r := &root{planner: p}
	if o.FastStart {
		r.fraction = p.set.CursorTupleFraction
	}
	top, err := r.planQuery(q)
	if err != nil {
		return nil, err
	}
	p.stmt.Plan = top
	f := &finisher{p: p, exts: map[Plan]params{}}
	f.number(top)
	for _, s := range p.stmt.Subplans {
		f.number(s)
	}
	f.finish()
	return p.stmt, p.err
}

// newParam assigns an executor parameter.
func (p *planner) newParam() int {
	p.stmt.NParamExec++
	return p.stmt.NParamExec - 1
}

// planQuery plans one query level with all that it holds.
func (r *root) planQuery(q *node.Query) (Plan, error) {
	q = q.Copy().(*node.Query)
	if minMaxQuery(q) {
		r.orig = q.Copy().(*node.Query)
	}
	r.q = r.renumber(q)
	r.rels = map[int]*rel{}
	if err := r.planCTEs(); err != nil {
		return nil, err
	}
	if r.q.SetOperations != nil {
		return r.planSetQuery()
	}
	r.flattenAliases()
	if err := r.inlineSetFunctions(); err != nil {
		return nil, err
	}
	if err := r.pullUpSublinks(); err != nil {
		return nil, err
	}
	r.pullUpSubqueries()
	if err := r.oneAssignment(); err != nil {
		return nil, err
	}
	if err := r.preprocess(); err != nil {
		return nil, err
	}
	return r.groupingPlanner()
}

// renumber appends q's range table to the statement's and shifts every reference
// to it, also from subqueries.
func (r *root) renumber(q *node.Query) *node.Query {
	shift := len(r.stmt.Rtable)
	out := node.MutateLevels(q, func(n node.Node, level int) (node.Node, bool) {
		switch x := n.(type) {
		case *node.Var:
			if x.Varlevelsup == level && x.Varno > 0 {
				c := *x
				c.Varno += shift
				if c.Varnosyn > 0 {
					c.Varnosyn += shift
				}
				return &c, true
			}
		case *node.RangeTblRef:
			if level == 0 {
				return &node.RangeTblRef{Rtindex: x.Rtindex + shift}, true
			}
		case *node.CurrentOfExpr:
			if level == 0 {
				c := *x
				c.Cvarno += shift
				return &c, true
			}
		}
		return nil, false
	}).(*node.Query)
	node.Walk(out.Jointree, func(n node.Node) bool {
		if j, ok := n.(*node.JoinExpr); ok {
			if j.Rtindex > 0 {
				j.Rtindex += shift
			}
		}
		_, sub := n.(*node.Query)
		return !sub
	})
	if out.ResultRelation > 0 {
		out.ResultRelation += shift
	}
	if out.OnConflict != nil && out.OnConflict.ExclRelIndex > 0 {
		out.OnConflict.ExclRelIndex += shift
	}
	for i, m := range out.RowMarks {
		c := *m
		c.Rti += shift
		out.RowMarks[i] = &c
	}
	r.stmt.Rtable = append(r.stmt.Rtable, out.Rtable...)
	for _, rte := range out.Rtable {
		if rte.Rtekind == node.RTERelation {
			r.stmt.Relations = append(r.stmt.Relations, rte.Relid)
		}
	}
	return out
}

// rte is range table entry rti of the statement.
func (r *root) rte(rti int) *node.RangeTblEntry { return r.stmt.Rtable[rti-1] }

// outerParam returns the parameter that stands for v, a variable or aggregate of
// an outer level.
func (r *root) outerParam(e node.Node, up int) (*node.Param, error) {
	at := r
	for range up {
		if at = at.parent; at == nil {
			return nil, pgerr.New(pgerr.InternalError, "reference to a query level that is not there")
		}
	}
	e = node.IncrementSublevelsUp(e, -up, up)
	for _, n := range at.needs {
		if node.Equal(n.expr, e) {
			return paramFor(e, n.param), nil
		}
	}
	n := need{expr: e, param: r.newParam()}
	at.needs = append(at.needs, n)
	return paramFor(e, n.param), nil
}

func paramFor(e node.Node, id int) *node.Param {
	p := &node.Param{Paramkind: node.ParamExec, Paramid: id, Paramtype: node.ExprType(e), Paramtypmod: -1, Location: -1}
	if v, ok := e.(*node.Var); ok {
		p.Paramtypmod, p.Paramcollid = v.Vartypmod, v.Varcollid
	} else {
		p.Paramcollid = collationOf(e)
	}
	return p
}

// subroot is a level below r.
func (r *root) subroot() *root {
	return &root{planner: r.planner, parent: r}
}

// addSubplan registers a plan and returns its id.
func (p *planner) addSubplan(plan Plan, sub *root) int {
	p.stmt.Subplans = append(p.stmt.Subplans, plan)
	p.subs = append(p.subs, sub)
	return len(p.stmt.Subplans)
}

// planSub plans a subquery expression and returns its plan and the parameters
// that this level must pass.
func (r *root) planSub(q *node.Query, fraction float64) (Plan, *root, []need, error) {
	saved := r.needs
	r.needs = nil
	s := r.subroot()
	s.fraction = fraction
	p, err := s.planQuery(q)
	needs := r.needs
	r.needs = saved
	return p, s, needs, err
}

func intConst(v int64, t oid.OID) *node.Const {
	n := 4
	if t == oid.Int8 {
		n = 8
	}
	return &node.Const{Consttype: t, Consttypmod: -1, Constlen: n, Constbyval: true, Constvalue: datum.Int(v), Location: -1}
}

func boolConst(v bool) *node.Const {
	return &node.Const{Consttype: oid.Bool, Consttypmod: -1, Constlen: 1, Constbyval: true, Constvalue: datum.Bool(v), Location: -1}
}

// isConst reports whether e is a constant, and whether it is true.
func isConst(e node.Node) (c *node.Const, ok bool) {
	c, ok = e.(*node.Const)
	return
}

// planCTEs plans the WITH queries of this level. One that is referenced once and
// has no side effects becomes a subquery where it is referenced.
func (r *root) planCTEs() error {
	for _, c := range r.q.CteList {
		q, ok := c.Ctequery.(*node.Query)
		if !ok {
			return pgerr.New(pgerr.InternalError, "WITH query is not analyzed")
		}
		if r.inlineCTE(c, q) {
			continue
		}
		if q.CommandType == node.CmdSelect && c.Cterefcount == 0 {
			continue
		}
		entry := &cte{param: r.newParam(), query: q}
		if r.ctes == nil {
			r.ctes = map[string]*cte{}
		}
		var plan Plan
		var sub *root
		var err error
		saved := r.needs
		r.needs = nil
		s := r.subroot()
		if c.Cterecursive && selfReferences(q, c.Ctename) {
			plan, err = s.planRecursive(q, c.Ctename)
			sub = s
		} else {
			sub = s
			plan, err = s.planQuery(q)
		}
		if err != nil {
			return err
		}
		if len(r.needs) > 0 {
			return pgerr.NotYet("a WITH query that refers to an outer query")
		}
		r.needs = saved
		entry.plan, entry.rows = plan, plan.Common().Rows
		entry.planID = r.addSubplan(plan, sub)
		entry.sub = &node.SubPlan{SubLinkType: node.CTESublink, PlanId: entry.planID, PlanName: "CTE " + c.Ctename, SetParam: []int{entry.param}, PerCallCost: plan.Common().TotalCost}
		r.inits = append(r.inits, entry.sub)
		r.ctes[c.Ctename] = entry
		if q.CommandType != node.CmdSelect {
			r.stmt.HasModifyingCTE = true
		}
	}
	return nil
}

func selfReferences(q *node.Query, name string) bool {
	found := false
	node.WalkLevels(q, func(n node.Node, level int) bool {
		if rte, ok := n.(*node.RangeTblEntry); ok && rte.Rtekind == node.RTECTE && rte.SelfReference && rte.Ctename == name && rte.Ctelevelsup == level+1 {
			found = true
		}
		return !found
	})
	return found
}

// inlineCTE replaces the single reference to a plain WITH query by the query.
func (r *root) inlineCTE(c *node.CommonTableExpr, q *node.Query) bool {
	if c.Cterecursive || q.CommandType != node.CmdSelect || len(q.RowMarks) > 0 || c.Ctematerialized == node.CTEMaterializeAlways ||
		c.Ctematerialized == node.CTEMaterializeDefault && c.Cterefcount != 1 || q.HasModifyingCTE || r.hasVolatile(q) {
		return false
	}
	if c.Cterefcount < 1 {
		return true
	}
	node.WalkLevels(r.q, func(n node.Node, level int) bool {
		rte, ok := n.(*node.RangeTblEntry)
		if !ok || rte.Rtekind != node.RTECTE || rte.Ctename != c.Ctename || rte.Ctelevelsup != level {
			return true
		}
		rte.Rtekind = node.RTESubquery
		rte.Subquery = node.IncrementSublevelsUp(q, level, 1).(*node.Query)
		rte.Ctename, rte.Ctelevelsup = "", 0
		return false
	})
	return true
}

// findCTE finds the WITH query that a range table entry of this level names.
func (r *root) findCTE(rte *node.RangeTblEntry) (*cte, error) {
	at := r
	for range rte.Ctelevelsup {
		if at = at.parent; at == nil {
			return nil, pgerr.New(pgerr.InternalError, "bad levelsup for CTE %q", rte.Ctename)
		}
	}
	if c := at.ctes[rte.Ctename]; c != nil {
		return c, nil
	}
	return nil, pgerr.New(pgerr.InternalError, "could not find CTE %q", rte.Ctename)
}

// hasVolatile reports whether e calls a function that must run for every row.
func (p *planner) hasVolatile(e node.Node) bool {
	return node.Any(e, func(n node.Node) bool {
		id := oid.Invalid
		switch f := n.(type) {
		case *node.FuncExpr:
			id = f.Funcid
		case *node.OpExpr:
			id = f.Opfuncid
		case *node.NextValueExpr:
			return true
		}
		if id == oid.Invalid {
			return false
		}
		f, err := p.cat.Func(id)
		return err != nil || f.Volatile == 'v'
	})
}

// collationOf is the collation of an expression's result.
func collationOf(n node.Node) oid.OID {
	switch e := n.(type) {
	case *node.Var:
		return e.Varcollid
	case *node.Const:
		return e.Constcollid
	case *node.Param:
		return e.Paramcollid
	case *node.FuncExpr:
		return e.Funccollid
	case *node.OpExpr:
		return e.Opcollid
	case *node.RelabelType:
		return e.Resultcollid
	case *node.CollateExpr:
		return e.CollOid
	case *node.CoerceViaIO:
		return e.Resultcollid
	case *node.ArrayCoerceExpr:
		return e.Resultcollid
	case *node.CaseExpr:
		return e.Casecollid
	case *node.CoalesceExpr:
		return e.Coalescecollid
	case *node.MinMaxExpr:
		return e.Minmaxcollid
	case *node.Aggref:
		return e.Aggcollid
	case *node.WindowFunc:
		return e.Wincollid
	case *node.SubscriptingRef:
		return e.Refcollid
	case *node.ArrayExpr:
		return e.ArrayCollid
	case *node.FieldSelect:
		return e.Resultcollid
	case *node.SubPlan:
		return e.FirstColCollation
	case *node.CoerceToDomain:
		return e.Resultcollid
	}
	return oid.Invalid
}

// column is what is known of a column, or nil.
func (p *planner) column(rel oid.OID, att int) *ColumnStats {
	k := [2]int{int(rel), att}
	if st, ok := p.stats[k]; ok {
		return st
	}
	st, err := p.cat.Column(rel, att)
	if err != nil {
		st = nil
	}
	if p.stats == nil {
		p.stats = map[[2]int]*ColumnStats{}
	}
	p.stats[k] = st
	return st
}
