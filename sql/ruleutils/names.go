package ruleutils

import (
	"strconv"

	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/node"
)

// nameLen is the longest identifier.
const nameLen = 63

// scope is the names of one query level: of its relations and of their columns,
// chosen so that each is told from the others of its level and of the levels
// above.
type scope struct {
	rtable []*node.RangeTblEntry
	ctes   []*node.CommonTableExpr
	names  []string // by range table entry; "" has none
	cols   []*columns
	// uniqueUsing: names of USING columns must differ over the whole query.
	uniqueUsing bool
	using       []string
}

// columns are the names of one range table entry's columns. A dropped column's
// is "".
type columns struct {
	names []string // by attribute number
	// fresh are the names as a new parse would number the columns; added marks
	// those that the stored query does not know.
	fresh []string
	added []bool
	print bool // the alias list is written

	left, right         int // of a join: its sides
	leftAtts, rightAtts []int
	usingNames          []string
	parentUsing         []string
}

func (c *columns) grow(n int) {
	for len(c.names) < n {
		c.names = append(c.names, "")
	}
}

// tableScope is the scope of an expression over one table.
func tableScope(rel *analyze.Relation) *scope {
	c := &columns{}
	for _, a := range rel.Columns {
		if a.Dropped {
			c.names = append(c.names, "")
		} else {
			c.names = append(c.names, a.Name)
		}
	}
	rte := &node.RangeTblEntry{Rtekind: node.RTERelation, Relid: rel.OID}
	return &scope{rtable: []*node.RangeTblEntry{rte}, names: []string{rel.Name}, cols: []*columns{c}}
}

// queryScope chooses the names of a query below the scopes that d has.
func (d *deparser) queryScope(q *node.Query) *scope {
	s := &scope{rtable: q.Rtable, ctes: q.CteList}
	s.relationNames(d, nil)
	s.cols = make([]*columns, len(q.Rtable))
	for i := range s.cols {
		s.cols[i] = &columns{}
	}
	if q.Jointree != nil {
		s.uniqueUsing = s.dangerous(q.Jointree)
		s.usingColumns(q.Jointree, nil)
	}
	for i, r := range q.Rtable {
		if r.Rtekind == node.RTEJoin {
			s.joinColumns(r, s.cols[i])
		} else {
			s.relationColumns(d, r, s.cols[i])
		}
	}
	return s
}

// relationNames gives each range table entry a name that no other has, here or
// above. used, if not nil, tells which entries need one.
func (s *scope) relationNames(d *deparser, used func(i int) bool) {
	count := map[string]int{}
	for _, up := range d.scopes {
		for _, n := range up.names {
			if n != "" {
				count[n] = 0
			}
		}
	}
	s.names = make([]string, len(s.rtable))
	for i, r := range s.rtable {
		name := ""
		switch {
		case used != nil && !used(i):
		case r.Alias != nil:
			name = r.Alias.Aliasname
		case r.Rtekind == node.RTERelation:
			if rel, err := d.cat.RelationByOID(r.Relid); err != nil {
				d.fail(err)
			} else if rel != nil {
				name = rel.Name
			}
		case r.Rtekind == node.RTEJoin:
		case r.Eref != nil:
			name = r.Eref.Aliasname
		}
		if name == "" {
			continue
		}
		n, taken := count[name]
		if !taken {
			count[name] = 0
			s.names[i] = name
			continue
		}
		for {
			n++
			m := clipped(name, n)
			if _, taken := count[m]; !taken {
				count[name], count[m] = n, 0
				s.names[i] = m
				break
			}
		}
	}
}

// clipped is name with a number, within the length of an identifier.
func clipped(name string, n int) string {
	tail := "_" + strconv.Itoa(n)
	for len(name)+len(tail) > nameLen {
		name = name[:len(name)-1]
		for len(name) > 0 && name[len(name)-1]&0xc0 == 0x80 {
			name = name[:len(name)-1]
		}
	}
	return name + tail
}

// unique is name, or name with a number so that it is no other column's.
func (s *scope) unique(name string, c *columns) string {
	taken := func(n string) bool {
		for _, l := range [][]string{c.names, c.fresh, s.using, c.parentUsing} {
			for _, x := range l {
				if x == n {
					return true
				}
			}
		}
		return false
	}
	if !taken(name) {
		return name
	}
	for i := 1; ; i++ {
		if m := clipped(name, i); !taken(m) {
			return m
		}
	}
}

// dangerous tells whether some unnamed join merges columns into an expression,
// which can only be called by an unqualified name.
func (s *scope) dangerous(n node.Node) bool {
	switch x := n.(type) {
	case *node.FromExpr:
		for _, f := range x.Fromlist {
			if s.dangerous(f) {
				return true
			}
		}
	case *node.JoinExpr:
		if r := s.rtable[x.Rtindex-1]; x.Alias == nil && len(x.UsingClause) > 0 {
			for _, a := range r.Joinaliasvars[:min(r.Joinmergedcols, len(r.Joinaliasvars))] {
				if _, ok := a.(*node.Var); !ok {
					return true
				}
			}
		}
		return s.dangerous(x.Larg) || s.dangerous(x.Rarg)
	}
	return false
}

func rtIndex(n node.Node) int {
	switch x := n.(type) {
	case *node.RangeTblRef:
		return x.Rtindex
	case *node.JoinExpr:
		return x.Rtindex
	}
	return 0
}

// usingColumns names the columns that USING merges and pushes the names down to
// the inputs. parent are the names that joins above chose.
func (s *scope) usingColumns(n node.Node, parent []string) {
	switch x := n.(type) {
	case *node.FromExpr:
		for _, f := range x.Fromlist {
			s.usingColumns(f, nil)
		}
	case *node.JoinExpr:
		r, c := s.rtable[x.Rtindex-1], s.cols[x.Rtindex-1]
		c.inputs(x, r)
		if r.Alias == nil {
			for i, name := range c.names {
				if name != "" {
					s.push(c, i, name)
				}
			}
		}
		if len(x.UsingClause) > 0 {
			c.parentUsing = append([]string(nil), parent...)
			c.grow(len(x.UsingClause))
			parent = append([]string(nil), parent...)
			for i, name := range x.UsingClause {
				if c.names[i] != "" {
					name = c.names[i]
				} else {
					if r.Alias != nil && i < len(r.Alias.Colnames) {
						name = r.Alias.Colnames[i]
					}
					name = s.unique(name, c)
					if s.uniqueUsing {
						s.using = append(s.using, name)
					}
					c.names[i] = name
				}
				c.usingNames = append(c.usingNames, name)
				parent = append(parent, name)
				s.push(c, i, name)
			}
		}
		s.cols[c.left-1].parentUsing, s.cols[c.right-1].parentUsing = parent, parent
		s.usingColumns(x.Larg, parent)
		s.usingColumns(x.Rarg, parent)
	}
}

// inputs notes where a join's columns come from.
func (c *columns) inputs(j *node.JoinExpr, r *node.RangeTblEntry) {
	c.left, c.right = rtIndex(j.Larg), rtIndex(j.Rarg)
	n := len(r.Joinaliasvars)
	c.leftAtts, c.rightAtts = make([]int, n), make([]int, n)
	at := 0
	for _, a := range r.Joinleftcols {
		c.leftAtts[at] = a
		at++
	}
	for i, a := range r.Joinrightcols {
		if i < r.Joinmergedcols {
			c.rightAtts[i] = a
		} else {
			c.rightAtts[at] = a
			at++
		}
	}
}

// push gives the inputs of column i of a join its name.
func (s *scope) push(c *columns, i int, name string) {
	if i >= len(c.leftAtts) {
		return
	}
	if a := c.leftAtts[i]; a > 0 {
		l := s.cols[c.left-1]
		l.grow(a)
		l.names[a-1] = name
	}
	if a := c.rightAtts[i]; a > 0 {
		l := s.cols[c.right-1]
		l.grow(a)
		l.names[a-1] = name
	}
}

// relationColumns names the columns of anything but a join.
func (s *scope) relationColumns(d *deparser, r *node.RangeTblEntry, c *columns) {
	var own []string
	if r.Rtekind == node.RTERelation {
		rel, err := d.cat.RelationByOID(r.Relid)
		d.check(err)
		if rel == nil {
			d.fail(pgerr.New(pgerr.InternalError, "could not open relation with OID %d", r.Relid))
			return
		}
		for _, a := range rel.Columns {
			if a.Dropped {
				own = append(own, "")
			} else {
				own = append(own, a.Name)
			}
		}
	} else if r.Eref != nil {
		own = r.Eref.Colnames
	}
	c.grow(len(own))
	old := 0
	if r.Eref != nil {
		old = len(r.Eref.Colnames)
	}
	changed := false
	for i, real := range own {
		if real == "" {
			continue
		}
		if c.names[i] == "" {
			name := real
			if r.Alias != nil && i < len(r.Alias.Colnames) {
				name = r.Alias.Colnames[i]
			}
			c.names[i] = s.unique(name, c)
		}
		c.fresh = append(c.fresh, c.names[i])
		c.added = append(c.added, i >= old)
		changed = changed || c.names[i] != real
	}
	switch {
	case r.Rtekind == node.RTERelation:
		c.print = changed
	case r.Rtekind == node.RTEFunction:
		c.print = true
	case r.Rtekind == node.RTETableFunc:
	default:
		c.print = changed || r.Alias != nil && len(r.Alias.Colnames) > 0
	}
}

// joinColumns names the columns of a join, after those of its inputs.
func (s *scope) joinColumns(r *node.RangeTblEntry, c *columns) {
	if c.left == 0 || c.right == 0 {
		return
	}
	l, rt := s.cols[c.left-1], s.cols[c.right-1]
	old := len(r.Eref.Colnames)
	c.grow(old)
	changed := false
	for i := len(c.usingNames); i < old; i++ {
		real := r.Eref.Colnames[i]
		switch {
		case c.leftAtts[i] > 0:
			real = l.names[c.leftAtts[i]-1]
		case c.rightAtts[i] > 0:
			real = rt.names[c.rightAtts[i]-1]
		}
		if real == "" || r.Alias == nil {
			c.names[i] = real
			continue
		}
		if c.names[i] == "" {
			name := real
			if i < len(r.Alias.Colnames) {
				name = r.Alias.Colnames[i]
			}
			c.names[i] = s.unique(name, c)
		}
		changed = changed || c.names[i] != real
	}
	lm, rm := map[int]bool{}, map[int]bool{}
	i := 0
	for i < old && c.leftAtts[i] != 0 && c.rightAtts[i] != 0 {
		c.fresh, c.added = append(c.fresh, c.names[i]), append(c.added, false)
		lm[c.leftAtts[i]], rm[c.rightAtts[i]] = true, true
		i++
	}
	side := func(in *columns, merged map[int]bool) {
		at := 0
		for k, name := range in.fresh {
			if !in.added[k] {
				for at < len(in.names) && in.names[at] == "" {
					at++
				}
				at++
				if merged[at] {
					continue
				}
				for i < len(c.names) && c.names[i] == "" {
					i++
				}
				if i >= len(c.names) {
					return
				}
				c.fresh, c.added = append(c.fresh, c.names[i]), append(c.added, false)
				i++
				continue
			}
			n := name
			if r.Alias != nil {
				n = s.unique(name, c)
				changed = changed || n != name
			}
			c.fresh, c.added = append(c.fresh, n), append(c.added, true)
		}
	}
	side(l, lm)
	side(rt, rm)
	c.print = r.Alias != nil && changed
}
