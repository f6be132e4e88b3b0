package commands

import (
	"slices"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/ruleutils"
)

// setOptions runs SET (…) and RESET (…).
func (a *alteration) setOptions(k *pg.AlterTableCmd) {
	kind := a.kind
	switch kind {
	case 'i':
		kind = 'B'
	case 'm':
		kind = 'r'
	}
	options := a.mergeOptions(a.class(a.table).Reloptions, k.Def.GetList().GetItems(), kind, k.Subtype == pg.AlterTableType_AT_ResetRelOptions)
	if kind == 'v' {
		a.checkable(options, must(analyze.StoredQuery(a.Names(), a.table, must(a.Names().RelationByOID(a.table)).ViewRule)))
	}
	change(a.cmd, a.table, func(r *rows.PgClass) { r.Reloptions = options })
}

// columnOptions runs ALTER COLUMN SET (…) and RESET (…).
func (a *alteration) columnOptions(k *pg.AlterTableCmd) {
	at := a.column(k.Name)
	opts := a.mergeOptions(at.Attoptions, k.Def.GetList().GetItems(), 'a', k.Subtype == pg.AlterTableType_AT_ResetOptions)
	a.changeColumn(a.table, at.Attnum, func(r *rows.PgAttribute) { r.Attoptions = opts })
}

// setStatistics runs ALTER COLUMN SET STATISTICS.
func (a *alteration) setStatistics(k *pg.AlterTableCmd) {
	v := int64(k.Def.GetInteger().GetIval())
	if v < -1 {
		fail(pgerr.InvalidParameterValue, "statistics target %d is too low", v)
	}
	if v > 10000 {
		v = 10000
		a.warning(pgerr.InvalidParameterValue, "lowering statistics target to %d", v)
	}
	num := int16(k.Num)
	if k.Name != "" {
		num = a.column(k.Name).Attnum
	}
	a.changeColumn(a.table, num, func(r *rows.PgAttribute) { r.Attstattarget = int32(v) })
}

// setStorage runs ALTER COLUMN SET STORAGE.
func (a *alteration) setStorage(k *pg.AlterTableCmd) {
	st := storageLetter(nodeText(k.Def))
	at := a.column(k.Name)
	if t := a.typeRow(at.Atttypid); st != 'p' && t.Typstorage == 'p' {
		fail(pgerr.FeatureNotSupported, "column data type %s can only have storage PLAIN", must(analyze.BareTypeName(a.Names(), at.Atttypid)))
	}
	a.changeColumn(a.table, at.Attnum, func(r *rows.PgAttribute) { r.Attstorage = st })
	for _, ix := range must(a.Catalog().IndexesOf(a.table)) {
		for i, n := range ix.Indkey {
			if n == at.Attnum {
				a.changeColumn(ix.Indexrelid, int16(i+1), func(r *rows.PgAttribute) { r.Attstorage = st })
			}
		}
	}
	throw(a.Increment())
	throw(a.Catalog().CreateToastTable(a.table))
}

// dropExpression runs ALTER COLUMN DROP EXPRESSION.
func (a *alteration) dropExpression(k *pg.AlterTableCmd) {
	at := a.column(k.Name)
	if at.Attgenerated == 0 {
		if !k.MissingOk {
			fail(pgerr.ObjectNotInPrerequisiteState, "column %q of relation %q is not a stored generated column", k.Name, a.name)
		}
		a.notice(pgerr.SuccessfulCompletion, "column %q of relation %q is not a stored generated column, skipping", k.Name, a.name)
		return
	}
	throw(a.Catalog().StoreDefault(a.table, at.Attnum, "", nil))
}

// alterIdentity runs ADD, SET and DROP IDENTITY.
func (a *alteration) alterIdentity(k *pg.AlterTableCmd) {
	at := a.column(k.Name)
	switch k.Subtype {
	case pg.AlterTableType_AT_AddIdentity:
		con := k.Def.GetConstraint()
		identityType(at.Atttypid)
		if !at.Attnotnull {
			fail(pgerr.ObjectNotInPrerequisiteState, "column %q of relation %q must be declared NOT NULL before identity can be added", k.Name, a.name)
		}
		if at.Attidentity != 0 {
			fail(pgerr.ObjectNotInPrerequisiteState, "column %q of relation %q is already an identity column", k.Name, a.name)
		}
		if at.Atthasdef {
			fail(pgerr.ObjectNotInPrerequisiteState, "column %q of relation %q already has a default value", k.Name, a.name)
		}
		s := a.spec()
		q := &newSequence{typ: at.Atttypid, ns: a.ns, options: con.Options}
		q.name = a.relationName(a.name, at.Attname, "seq", a.ns, false, nil)
		q.oid = a.makeSequence(q, s.persistence)
		a.changeColumn(a.table, at.Attnum, func(r *rows.PgAttribute) { r.Attidentity = con.GeneratedWhen[0] })
		throw(a.Catalog().Depend(tableObject(q.oid), catalog.DependInternal, catalog.Object{Class: oid.RelClass, ID: a.table, Sub: int32(at.Attnum)}))
	case pg.AlterTableType_AT_DropIdentity:
		if at.Attidentity == 0 {
			if !k.MissingOk {
				fail(pgerr.ObjectNotInPrerequisiteState, "column %q of relation %q is not an identity column", k.Name, a.name)
			}
			a.notice(pgerr.SuccessfulCompletion, "column %q of relation %q is not an identity column, skipping", k.Name, a.name)
			return
		}
		a.changeColumn(a.table, at.Attnum, func(r *rows.PgAttribute) { r.Attidentity = 0 })
		for _, q := range a.ownedSequences(a.table, at.Attnum) {
			for _, f := range must(rowsBy[rows.PgDepend](a.cmd, rows.AnumPgDependClassid, oidDatum(oid.RelClass), rows.AnumPgDependObjid, oidDatum(q))) {
				if f.Row.Deptype == catalog.DependInternal {
					throw(a.Catalog().Delete(oid.RelDepend, f.TID))
				}
			}
			throw(a.Increment())
			a.dropObjects([]catalog.Object{tableObject(q)}, pg.DropBehavior_DROP_RESTRICT)
		}
	default:
		a.setIdentity(k, at)
	}
}

func (a *alteration) setIdentity(k *pg.AlterTableCmd, at *rows.PgAttribute) {
	if at.Attidentity == 0 {
		fail(pgerr.ObjectNotInPrerequisiteState, "column %q of relation %q is not an identity column", k.Name, a.name)
	}
	var rest []*pg.Node
	for _, n := range k.Def.GetList().GetItems() {
		d := n.GetDefElem()
		if d.Defname != "generated" {
			rest = append(rest, n)
			continue
		}
		v := byte(d.Arg.GetInteger().GetIval())
		a.changeColumn(a.table, at.Attnum, func(r *rows.PgAttribute) { r.Attidentity = v })
	}
	if len(rest) > 0 {
		for _, q := range a.ownedSequences(a.table, at.Attnum) {
			a.changeSequence(q, rest, true)
		}
	}
}

// usingIndex runs ADD PRIMARY KEY or UNIQUE USING INDEX.
func (a *alteration) usingIndex(k *pg.Constraint) {
	primary := k.Contype == pg.ConstrType_CONSTR_PRIMARY
	cl := must(a.Catalog().ClassByName(k.Indexname, a.ns))
	if cl == nil {
		failWith(pgerr.New(pgerr.UndefinedObject, "index %q does not exist", k.Indexname).At(a.at(k.Location)))
	}
	var ix *rows.PgIndex
	if cl.Relkind == 'i' {
		ix = must(a.Catalog().Index(cl.Oid))
	}
	bad := func(detail bool, format string, x ...any) {
		e := pgerr.New(pgerr.WrongObjectType, format, x...).At(a.at(k.Location))
		if detail {
			e = e.WithDetail("Cannot create a primary key or unique constraint using such an index.")
		}
		failWith(e)
	}
	if ix == nil || ix.Indrelid != a.table {
		failWith(pgerr.New(pgerr.ObjectNotInPrerequisiteState, "index %q does not belong to table %q", k.Indexname, a.name).At(a.at(k.Location)))
	}
	for _, c := range must(a.Catalog().ConstraintsOf(a.table)) {
		if c.Conindid == cl.Oid {
			failWith(pgerr.New(pgerr.ObjectNotInPrerequisiteState, "index %q is already associated with a constraint", k.Indexname).At(a.at(k.Location)))
		}
	}
	switch {
	case !ix.Indisunique:
		bad(true, "%q is not a unique index", k.Indexname)
	case ix.Indexprs != "":
		bad(true, "index %q contains expressions", k.Indexname)
	case ix.Indpred != "":
		bad(true, "%q is a partial index", k.Indexname)
	}
	for i, o := range ix.Indoption {
		if o != 0 {
			bad(true, "index %q column number %d does not have default sorting behavior", k.Indexname, i+1)
		}
	}
	if primary {
		a.checkPrimary(a.relation(a.table))
		for _, n := range ix.Indkey[:ix.Indnkeyatts] {
			a.setNotNull(must(a.Catalog().Attributes(a.table))[n-1].Attname)
		}
	}
	name := k.Conname
	if name == "" {
		name = k.Indexname
	}
	if name != k.Indexname {
		a.notice(pgerr.SuccessfulCompletion, "ALTER TABLE / ADD CONSTRAINT USING INDEX will rename index %q to %q", k.Indexname, name)
		a.renameClass(cl.Oid, name)
	}
	a.indexToConstraint(ix, name, k)
}

// indexToConstraint makes a constraint of an index that is there.
func (a *alteration) indexToConstraint(ix *rows.PgIndex, name string, k *pg.Constraint) {
	typ, primary := byte('u'), k.Contype == pg.ConstrType_CONSTR_PRIMARY
	if primary {
		typ = 'p'
	}
	if primary || k.Deferrable {
		change(a.cmd, ix.Indexrelid, func(r *rows.PgIndex) { r.Indisprimary, r.Indimmediate = primary, !k.Deferrable })
	}
	for _, f := range must(rowsBy[rows.PgDepend](a.cmd, rows.AnumPgDependClassid, oidDatum(oid.RelClass), rows.AnumPgDependObjid, oidDatum(ix.Indexrelid))) {
		if f.Row.Deptype == catalog.DependAuto {
			throw(a.Catalog().Delete(oid.RelDepend, f.TID))
		}
	}
	row := rows.PgConstraint{Conname: name, Connamespace: a.ns, Contype: typ, Condeferrable: k.Deferrable, Condeferred: k.Initdeferred,
		Convalidated: true, Conrelid: a.table, Conindid: ix.Indexrelid, Confupdtype: ' ', Confdeltype: ' ', Confmatchtype: ' ',
		Conislocal: true, Connoinherit: true, Conkey: ix.Indkey[:ix.Indnkeyatts]}
	con := must(a.Catalog().AddConstraint(catalog.NewConstraint{Row: row}))
	for _, n := range ix.Indkey[ix.Indnkeyatts:] {
		throw(a.Catalog().Depend(catalog.Object{Class: oid.RelConstraint, ID: con}, catalog.DependAuto, catalog.Object{Class: oid.RelClass, ID: a.table, Sub: int32(n)}))
	}
	throw(a.Catalog().Depend(tableObject(ix.Indexrelid), catalog.DependInternal, catalog.Object{Class: oid.RelConstraint, ID: con}))
	if k.Deferrable {
		throw(a.Catalog().DeferrableKey(con, &row, primary))
	}
}

// alterType runs ALTER COLUMN TYPE.
func (a *alteration) alterType(k *pg.AlterTableCmd) {
	d := k.Def.GetColumnDef()
	at := *a.column(k.Name)
	id, mod, err := analyze.ResolveTypeName(a.Names(), a.text, d.TypeName)
	throw(err)
	n := newColumn{}
	n.attr.Name = k.Name
	a.setType(&n.attr, id, mod)
	a.collate(&n.attr, d.CollClause)
	rel := must(a.Names().RelationByOID(a.table))
	var e node.Node
	if d.RawDefault != nil {
		e = must(analyze.Expr(a.Names(), a.text, d.RawDefault, rel, analyze.UseOther))
	} else {
		if at.Attgenerated != 0 {
			notYet("ALTER COLUMN TYPE of a generated column")
		}
		e = &node.Var{Varno: 1, Varattno: int(at.Attnum), Vartype: at.Atttypid, Vartypmod: at.Atttypmod, Varcollid: at.Attcollation, Varnosyn: 1, Varattnosyn: int(at.Attnum), Location: -1}
	}
	typeName := must(analyze.TypeName(a.Names(), id, mod))
	cast := must(analyze.Coerce(a.Names(), e, id, mod, node.CoercionAssignment))
	if cast == nil {
		if d.RawDefault != nil {
			failWith(pgerr.New(pgerr.DatatypeMismatch, "result of USING clause for column %q cannot be cast automatically to type %s", k.Name, must(analyze.BareTypeName(a.Names(), id))).
				WithHint("You might need to add an explicit cast."))
		}
		failWith(pgerr.New(pgerr.DatatypeMismatch, "column %q cannot be cast automatically to type %s", k.Name, must(analyze.BareTypeName(a.Names(), id))).
			WithHint(`You might need to specify "USING %s::%s".`, analyze.QuoteIdent(k.Name), typeName))
	}
	def := a.typeDefault(&at, id, mod)
	a.detach(&at, id)
	a.changeColumn(a.table, at.Attnum, func(r *rows.PgAttribute) {
		r.Atttypid, r.Atttypmod, r.Attlen, r.Attbyval, r.Attalign, r.Attstorage = id, mod, n.attr.Len, n.attr.ByVal, n.attr.Align, n.attr.Storage
		r.Attcollation, r.Attndims, r.Attcompression = n.attr.Collation, int32(len(d.TypeName.ArrayBounds)), n.attr.Compression
		if needsRewrite(cast) {
			r.Atthasmissing, r.Attmissingval = false, datum.Null()
		}
	})
	for _, f := range must(rowsBy[rows.PgDepend](a.cmd, rows.AnumPgDependClassid, oidDatum(oid.RelClass), rows.AnumPgDependObjid, oidDatum(a.table))) {
		if f.Row.Objsubid == int32(at.Attnum) && (f.Row.Refclassid == oid.RelType || f.Row.Refclassid == oid.RelCollation) {
			throw(a.Catalog().Delete(oid.RelDepend, f.TID))
		}
	}
	refs := []catalog.Object{{Class: oid.RelType, ID: id}}
	if n.attr.Collation != oid.DefaultCollation {
		refs = append(refs, catalog.Object{Class: oid.RelCollation, ID: n.attr.Collation})
	}
	throw(a.Catalog().Depend(catalog.Object{Class: oid.RelClass, ID: a.table, Sub: int32(at.Attnum)}, catalog.DependNormal, refs...))
	for _, f := range must(rowsBy[rows.PgStatistic](a.cmd, rows.AnumPgStatisticStarelid, oidDatum(a.table), rows.AnumPgStatisticStaattnum, datum.Int(int64(at.Attnum)))) {
		throw(a.Catalog().Delete(oid.RelStatistic, f.TID))
	}
	throw(a.Increment())
	throw(a.Catalog().CreateToastTable(a.table))
	if def != nil {
		throw(a.Catalog().StoreDefault(a.table, at.Attnum, node.Write(def), refsOf(def, a.table)))
	}
	if needsRewrite(cast) {
		a.ch.rewrite = true
		a.ch.values[int(at.Attnum)-1] = cast
	}
}

// needsRewrite reports whether a cast changes the bytes of a column.
func needsRewrite(e node.Node) bool {
	for {
		switch v := e.(type) {
		case *node.Var:
			return false
		case *node.RelabelType:
			e = v.Arg
		case *node.FuncExpr: // a length coercion to more room
			if v.Funcid != 669 || len(v.Args) != 3 {
				return true
			}
			k, ok := v.Args[1].(*node.Const)
			old := node.ExprTypmod(v.Args[0])
			if !ok || k.Constisnull || int32(k.Constvalue.Int) != -1 && (old < 0 || int32(k.Constvalue.Int) < old) {
				return true
			}
			e = v.Args[0]
		default:
			return true
		}
	}
}

// typeDefault casts a column's default to its new type; nil: it has none.
func (a *alteration) typeDefault(at *rows.PgAttribute, id oid.OID, mod int32) node.Node {
	for _, d := range must(a.Catalog().AttrDefs(a.table)) {
		if d.Adnum != at.Attnum {
			continue
		}
		e := must(node.Read(d.Adbin))
		for { // casts that the old type needed
			if f, ok := e.(*node.FuncExpr); ok && f.Funcformat == node.CoerceImplicitCast && len(f.Args) > 0 {
				e = f.Args[0]
				continue
			}
			if r, ok := e.(*node.RelabelType); ok && r.Relabelformat == node.CoerceImplicitCast {
				e = r.Arg
				continue
			}
			break
		}
		def := must(analyze.Coerce(a.Names(), e, id, mod, node.CoercionAssignment))
		if def == nil {
			fail(pgerr.DatatypeMismatch, "default for column %q cannot be cast automatically to type %s", at.Attname, must(analyze.BareTypeName(a.Names(), id)))
		}
		return def
	}
	return nil
}

// detach takes the indexes and constraints on a column away, to be made again
// from their text when the column has its new type.
func (a *alteration) detach(at *rows.PgAttribute, newType oid.OID) {
	rel := must(a.Names().RelationByOID(a.table))
	a.refuseUsers(at)
	foreign := a.detachForeign(at.Attnum)
	for _, con := range must(a.Catalog().ConstraintsOf(a.table)) {
		if con.Contype != 'c' || !slices.Contains(con.Conkey, at.Attnum) {
			continue
		}
		text := must(ruleutils.Expr(a.Names(), must(node.Read(con.Conbin)), rel))
		k := &pg.Constraint{Conname: con.Conname, IsNoInherit: con.Connoinherit, SkipValidation: !con.Convalidated}
		a.dropObjects([]catalog.Object{{Class: oid.RelConstraint, ID: con.Oid}}, pg.DropBehavior_DROP_RESTRICT)
		a.later = append(a.later, func() {
			k.RawExpr = exprOf(text)
			text2 := a.text
			a.text = "SELECT " + text
			a.newChecks(a.spec(), []*pg.Constraint{k})
			a.text = text2
		})
	}
	for _, ix := range must(a.Catalog().IndexesOf(a.table)) {
		if a.indexUses(ix, at.Attnum) {
			a.detachIndex(ix, rel)
		}
	}
	a.later = append(a.later, foreign...)
}

// refuseUsers refuses a new type while views or generated columns use the old.
func (a *alteration) refuseUsers(at *rows.PgAttribute) {
	for _, f := range must(rowsBy[rows.PgDepend](a.cmd, rows.AnumPgDependRefclassid, oidDatum(oid.RelClass), rows.AnumPgDependRefobjid, oidDatum(a.table))) {
		d := f.Row
		if d.Refobjsubid != int32(at.Attnum) {
			continue
		}
		self := catalog.Object{Class: d.Classid, ID: d.Objid, Sub: d.Objsubid}
		if d.Classid == oid.RelRewrite {
			failWith(pgerr.New(pgerr.FeatureNotSupported, "cannot alter type of a column used by a view or rule").
				WithDetail("%s depends on column %q", must(a.Catalog().Describe(self)), at.Attname))
		}
		if d.Classid != oid.RelAttrdef {
			continue
		}
		for _, def := range must(a.Catalog().AttrDefs(a.table)) {
			if def.Oid == d.Objid && def.Adnum != at.Attnum {
				other := must(a.Catalog().Attributes(a.table))[def.Adnum-1]
				failWith(pgerr.New(pgerr.SyntaxError, "cannot alter type of a column used by a generated column").
					WithDetail("Column %q is used by generated column %q.", at.Attname, other.Attname))
			}
		}
	}
}

func columnWord(_, name string) string { return `column "` + name + `"` }

// indexUses reports whether an index has a column, also in expressions.
func (a *alteration) indexUses(ix *rows.PgIndex, att int16) bool {
	if slices.Contains(ix.Indkey, att) {
		return true
	}
	for _, t := range []string{ix.Indexprs, ix.Indpred} {
		if t != "" && slices.Contains(columnsOf(must(node.Read(t))), att) {
			return true
		}
	}
	return false
}

// detachIndex drops an index or its constraint, to be made again.
func (a *alteration) detachIndex(ix *rows.PgIndex, rel *analyze.Relation) {
	s, con := a.indexStmt(ix, rel)
	obj := tableObject(ix.Indexrelid)
	if con != nil {
		obj = catalog.Object{Class: oid.RelConstraint, ID: con.Oid}
	}
	a.dropObjects([]catalog.Object{obj}, pg.DropBehavior_DROP_RESTRICT)
	a.later = append(a.later, func() { a.defineIndex(a.relation(a.table), s, a.ch.rewrite) })
}

// exprText is a stored expression as SQL.
func (c *cmd) exprText(e node.Node, rel *analyze.Relation) string {
	return must(ruleutils.Expr(c.Names(), e, rel))
}

// readList reads a stored list; none of "".
func readList(tree string) (node.List, bool) {
	if tree == "" {
		return nil, false
	}
	l, ok := must(node.Read(tree)).(node.List)
	return l, ok
}

func cutByte(s string, b byte) (string, string, bool) {
	for i := range len(s) {
		if s[i] == b {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}
