package commands

import (
	"math"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/catalog/sequence"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
)

// seqChange is what options of CREATE and ALTER SEQUENCE ask for.
type seqChange struct {
	row       rows.PgSequence
	last      int64
	called    bool
	resetLast bool
	restart   bool
	owned     *pg.Node // list, or nil
}

// createSequence runs CREATE SEQUENCE.
func (c *cmd) createSequence(n *pg.CreateSeqStmt) {
	ns, pers := c.creation(n.Sequence)
	if c.exists(n.Sequence.Relname, ns, n.IfNotExists) {
		return
	}
	q := &newSequence{name: n.Sequence.Relname, ns: ns, typ: oid.Int8, options: n.Options}
	o := c.makeSequence(q, pers)
	ch := c.sequenceOptions(&seqChange{row: rows.PgSequence{Seqtypid: oid.Int8}}, n.Options, true, oid.Int8)
	if ch.owned != nil {
		c.ownedBy(o, ch.owned, false)
	}
}

// makeSequence makes a sequence of the given type and options.
func (c *cmd) makeSequence(q *newSequence, pers byte) oid.OID {
	ch := c.sequenceOptions(&seqChange{row: rows.PgSequence{Seqtypid: q.typ}}, q.options, true, q.typ)
	return must(c.Catalog().CreateSequence(catalog.NewRelation{Name: q.name, Namespace: q.ns, Persistence: pers, Owner: c.User()}, ch.row))
}

// seqOption finds an option; a second one is an error.
func (c *cmd) seqOption(list []*pg.Node, name string) *pg.DefElem {
	var found *pg.DefElem
	for _, n := range list {
		d := n.GetDefElem()
		if d.Defname != name {
			continue
		}
		if found != nil {
			failWith(pgerr.New(pgerr.SyntaxError, "conflicting or redundant options").At(c.at(d.Location)))
		}
		found = d
	}
	return found
}

// sequenceOptions checks options and completes ch with them (PostgreSQL:
// init_params). typ is the type without AS.
func (c *cmd) sequenceOptions(ch *seqChange, list []*pg.Node, isNew bool, typ oid.OID) *seqChange {
	r := &ch.row
	oldType, resetMax, resetMin := r.Seqtypid, false, false
	if d := c.seqOption(list, "as"); d != nil {
		id, _, err := analyze.ResolveTypeName(c.Names(), c.text, d.Arg.GetTypeName())
		throw(err)
		switch id {
		case oid.Int2, oid.Int4, oid.Int8:
		default:
			fail(pgerr.InvalidParameterValue, "sequence type must be smallint, integer, or bigint")
		}
		if !isNew {
			_, hi := typeRange(oldType)
			lo, _ := typeRange(oldType)
			resetMax = r.Seqincrement > 0 && r.Seqmax == hi || r.Seqincrement < 0 && r.Seqmax == -1 && false
			resetMin = r.Seqincrement < 0 && r.Seqmin == lo
		}
		r.Seqtypid = id
	} else if isNew {
		r.Seqtypid = typ
	}
	c.seqIncrement(ch, list, isNew)
	c.seqLimits(ch, list, isNew, resetMax, resetMin)
	c.seqStart(ch, list, isNew)
	for _, n := range list {
		switch d := n.GetDefElem(); d.Defname {
		case "as", "increment", "start", "restart", "maxvalue", "minvalue", "cache", "cycle", "sequence_name":
		case "owned_by":
			ch.owned = d.Arg
		default:
			fail(pgerr.InternalError, "option %q not recognized", d.Defname)
		}
	}
	return ch
}

func (c *cmd) seqIncrement(ch *seqChange, list []*pg.Node, isNew bool) {
	r := &ch.row
	if d := c.seqOption(list, "increment"); d != nil {
		if r.Seqincrement = defInt(d); r.Seqincrement == 0 {
			fail(pgerr.InvalidParameterValue, "INCREMENT must not be zero")
		}
	} else if isNew {
		r.Seqincrement = 1
	}
	if d := c.seqOption(list, "cycle"); d != nil {
		r.Seqcycle = defBool(d)
	} else if isNew {
		r.Seqcycle = false
	}
	if d := c.seqOption(list, "cache"); d != nil {
		if r.Seqcache = defInt(d); r.Seqcache <= 0 {
			fail(pgerr.InvalidParameterValue, "CACHE (%d) must be greater than zero", r.Seqcache)
		}
	} else if isNew {
		r.Seqcache = 1
	}
}

func typeRange(t oid.OID) (lo, hi int64) {
	switch t {
	case oid.Int2:
		return math.MinInt16, math.MaxInt16
	case oid.Int4:
		return math.MinInt32, math.MaxInt32
	}
	return math.MinInt64, math.MaxInt64
}

func (c *cmd) seqLimits(ch *seqChange, list []*pg.Node, isNew, resetMax, resetMin bool) {
	r := &ch.row
	lo, hi := typeRange(r.Seqtypid)
	word := must(analyze.BareTypeName(c.Names(), r.Seqtypid))
	if d := c.seqOption(list, "maxvalue"); d != nil && d.Arg != nil {
		r.Seqmax = defInt(d)
	} else if isNew || d != nil || resetMax {
		if r.Seqmax = -1; r.Seqincrement > 0 {
			r.Seqmax = hi
		}
	}
	if r.Seqmax < lo || r.Seqmax > hi {
		fail(pgerr.InvalidParameterValue, "MAXVALUE (%d) is out of range for sequence data type %s", r.Seqmax, word)
	}
	if d := c.seqOption(list, "minvalue"); d != nil && d.Arg != nil {
		r.Seqmin = defInt(d)
	} else if isNew || d != nil || resetMin {
		if r.Seqmin = lo; r.Seqincrement > 0 {
			r.Seqmin = 1
		}
	}
	if r.Seqmin < lo || r.Seqmin > hi {
		fail(pgerr.InvalidParameterValue, "MINVALUE (%d) is out of range for sequence data type %s", r.Seqmin, word)
	}
	if r.Seqmin >= r.Seqmax {
		fail(pgerr.InvalidParameterValue, "MINVALUE (%d) must be less than MAXVALUE (%d)", r.Seqmin, r.Seqmax)
	}
}

func (c *cmd) seqStart(ch *seqChange, list []*pg.Node, isNew bool) {
	r := &ch.row
	if d := c.seqOption(list, "start"); d != nil {
		r.Seqstart = defInt(d)
	} else if isNew {
		if r.Seqstart = r.Seqmax; r.Seqincrement > 0 {
			r.Seqstart = r.Seqmin
		}
	}
	if r.Seqstart < r.Seqmin {
		fail(pgerr.InvalidParameterValue, "START value (%d) cannot be less than MINVALUE (%d)", r.Seqstart, r.Seqmin)
	}
	if r.Seqstart > r.Seqmax {
		fail(pgerr.InvalidParameterValue, "START value (%d) cannot be greater than MAXVALUE (%d)", r.Seqstart, r.Seqmax)
	}
	if d := c.seqOption(list, "restart"); d != nil {
		ch.last, ch.restart = r.Seqstart, true
		if d.Arg != nil {
			ch.last = defInt(d)
		}
		ch.called = false
	} else if isNew {
		ch.last = r.Seqstart
	}
	if ch.last < r.Seqmin {
		fail(pgerr.InvalidParameterValue, "RESTART value (%d) cannot be less than MINVALUE (%d)", ch.last, r.Seqmin)
	}
	if ch.last > r.Seqmax {
		fail(pgerr.InvalidParameterValue, "RESTART value (%d) cannot be greater than MAXVALUE (%d)", ch.last, r.Seqmax)
	}
}

// alterSequence runs ALTER SEQUENCE.
func (c *cmd) alterSequence(n *pg.AlterSeqStmt) {
	cl := c.lockClass(n.Sequence, lmgr.ShareRowExclusive, n.MissingOk)
	if cl == nil {
		c.notice(pgerr.UndefinedTable, "relation %q does not exist, skipping", n.Sequence.Relname)
		return
	}
	c.needSequence(cl)
	c.needOwner(cl)
	c.changeSequence(cl.Oid, n.Options, n.ForIdentity)
}

func (c *cmd) needSequence(cl *rows.PgClass) {
	if cl.Relkind != 'S' {
		fail(pgerr.WrongObjectType, "%q is not a sequence", cl.Relname)
	}
}

// changeSequence applies options to a sequence: its row, and its value in a new
// file, so that a rollback takes both back.
func (c *cmd) changeSequence(seq oid.OID, options []*pg.Node, identity bool) {
	row := *must(c.Catalog().Sequence(seq))
	rel := c.relation(seq)
	st := must(sequence.Get(rel))
	ch := c.sequenceOptions(&seqChange{row: row, last: st.LastValue, called: st.IsCalled}, options, false, row.Seqtypid)
	if ch.row != row || ch.restart {
		c.newSequenceFile(rel, sequence.State{LastValue: ch.last, IsCalled: ch.called})
	}
	if ch.row != row {
		change(c, seq, func(r *rows.PgSequence) { *r = ch.row })
	}
	if ch.owned != nil {
		c.ownedBy(seq, ch.owned, identity)
	}
	throw(c.Increment())
}

// resetSequence starts a sequence anew (TRUNCATE … RESTART IDENTITY).
func (c *cmd) resetSequence(seq oid.OID) {
	row := must(c.Catalog().Sequence(seq))
	c.newSequenceFile(c.relation(seq), sequence.State{LastValue: row.Seqstart})
}

// newSequenceFile gives a sequence a new file, an unlogged one with its init fork.
func (c *cmd) newSequenceFile(rel *access.Relation, st sequence.State) {
	rel = must(c.Catalog().NewFilenode(rel.OID, rel.Persistence))
	throw(sequence.Init(c.Tx(), rel, page.MainFork, st))
	if rel.Persistence == 'u' {
		throw(sequence.Init(c.Tx(), rel, page.InitFork, st))
	}
}

// ownedBy ties a sequence to a column, or with NONE to nothing.
func (c *cmd) ownedBy(seq oid.OID, arg *pg.Node, identity bool) {
	l := arg.GetList().GetItems()
	n := names(l)
	self := c.class(seq)
	if len(n) == 1 {
		if n[0] != "none" {
			failWith(pgerr.New(pgerr.SyntaxError, "invalid OWNED BY option").WithHint("Specify OWNED BY table.column or OWNED BY NONE."))
		}
		c.disown(seq)
		return
	}
	cl := c.lockClass(rangeOf(l[:len(l)-1]), lmgr.AccessShare, false)
	switch cl.Relkind {
	case 'r', 'f', 'v', 'p':
	default:
		unsupportedKind(cl, "sequence cannot be owned by relation %q", cl.Relname)
	}
	if cl.Relowner != self.Relowner {
		fail(pgerr.ObjectNotInPrerequisiteState, "sequence must have same owner as table it is linked to")
	}
	if cl.Relnamespace != self.Relnamespace {
		fail(pgerr.ObjectNotInPrerequisiteState, "sequence must be in same schema as table it is linked to")
	}
	a := must(c.Catalog().AttributeByName(cl.Oid, n[len(n)-1]))
	if a == nil || a.Attnum <= 0 {
		fail(pgerr.UndefinedColumn, "column %q of relation %q does not exist", n[len(n)-1], cl.Relname)
	}
	c.disown(seq)
	throw(c.Catalog().Depend(tableObject(seq), catalog.DependAuto, catalog.Object{Class: oid.RelClass, ID: cl.Oid, Sub: int32(a.Attnum)}))
}

// disown takes a sequence from its column.
func (c *cmd) disown(seq oid.OID) {
	for _, f := range must(rowsBy[rows.PgDepend](c, rows.AnumPgDependClassid, oidDatum(oid.RelClass), rows.AnumPgDependObjid, oidDatum(seq))) {
		if f.Row.Refclassid == oid.RelClass && f.Row.Refobjsubid != 0 {
			if f.Row.Deptype == catalog.DependInternal {
				e := pgerr.New(pgerr.FeatureNotSupported, "cannot change ownership of identity sequence")
				failWith(e.WithDetail("Sequence %q is linked to table %q.", c.class(seq).Relname, c.class(f.Row.Refobjid).Relname))
			}
			if f.Row.Deptype == catalog.DependAuto {
				throw(c.Catalog().Delete(oid.RelDepend, f.TID))
			}
		}
	}
}

// ownedSequences lists the sequences that belong to columns of a table; att 0
// is any column.
func (c *cmd) ownedSequences(table oid.OID, att int16) []oid.OID {
	var out []oid.OID
	for _, f := range must(rowsBy[rows.PgDepend](c, rows.AnumPgDependRefclassid, oidDatum(oid.RelClass), rows.AnumPgDependRefobjid, oidDatum(table))) {
		d := f.Row
		if d.Classid != oid.RelClass || d.Objsubid != 0 || d.Refobjsubid == 0 || att != 0 && d.Refobjsubid != int32(att) {
			continue
		}
		if d.Deptype != catalog.DependAuto && d.Deptype != catalog.DependInternal {
			continue
		}
		if cl := must(c.Catalog().Class(d.Objid)); cl != nil && cl.Relkind == 'S' {
			out = append(out, d.Objid)
		}
	}
	return out
}
