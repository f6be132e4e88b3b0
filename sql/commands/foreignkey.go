package commands

import (
	"slices"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/trigger"
)

// maxKeyColumns is INDEX_MAX_KEYS.
const maxKeyColumns = 32

// addForeignKey makes a foreign key: the constraint and its four triggers. valid
// says that no row needs to be checked. Both tables are locked against changes.
func (c *cmd) addForeignKey(table oid.OID, k *pg.Constraint, valid bool) oid.OID {
	pkClass := c.lockClass(k.Pktable, lmgr.ShareRowExclusive, false)
	c.foreignTarget(c.class(table), pkClass)
	fk, pk := c.relation(table), c.relation(pkClass.Oid)
	row := rows.PgConstraint{Connamespace: fk.Namespace, Contype: 'f', Condeferrable: k.Deferrable, Condeferred: k.Initdeferred,
		Convalidated: valid, Conrelid: fk.OID, Confrelid: pk.OID, Confupdtype: actionByte(k.FkUpdAction), Confdeltype: actionByte(k.FkDelAction),
		Confmatchtype: actionByte(k.FkMatchtype), Conislocal: true, Connoinherit: true}
	if row.Confmatchtype == 'p' {
		fail(pgerr.FeatureNotSupported, "MATCH PARTIAL not yet implemented")
	}
	if k.FkMatchtype == "" {
		row.Confmatchtype = 's'
	}
	row.Conkey = c.foreignColumns(fk, k.FkAttrs)
	row.Confdelsetcols = c.foreignColumns(fk, k.FkDelSetCols)
	for _, d := range row.Confdelsetcols {
		if !slices.Contains(row.Conkey, d) {
			fail(pgerr.InvalidColumnReference, "column %q referenced in ON DELETE SET action must be part of foreign key", fk.Desc.Attrs[d-1].Name)
		}
	}
	var index *rows.PgIndex
	if len(k.PkAttrs) == 0 {
		index = c.referencedPrimary(pk)
		row.Confkey = slices.Clone(index.Indkey[:index.Indnkeyatts])
	} else {
		row.Confkey = c.foreignColumns(pk, k.PkAttrs)
		index = c.referencedKey(pk, row.Confkey)
	}
	row.Conindid = index.Indexrelid
	if !c.isOwner(pkClass.Relowner) && !c.hasRight(pkClass, rows.References) {
		fail(pgerr.InsufficientPrivilege, "permission denied for table %s", pkClass.Relname)
	}
	c.foreignGenerated(fk, &row)
	if len(row.Conkey) != len(row.Confkey) {
		fail(pgerr.InvalidForeignKey, "number of referencing and referenced columns for foreign key disagree")
	}
	row.Conname = c.foreignName(fk, &row, k)
	c.foreignOperators(fk, pk, index, &row)
	row.Oid = must(c.Catalog().AddConstraint(catalog.NewConstraint{Row: row}))
	c.foreignTriggers(&row)
	return row.Oid
}

func actionByte(s string) byte {
	if s == "" {
		return 'a'
	}
	return s[0]
}

// foreignTarget refuses what cannot be referenced.
func (c *cmd) foreignTarget(fk, pk *rows.PgClass) {
	if pk.Relkind == 'p' {
		notYet("a foreign key that references a partitioned table")
	}
	if pk.Relkind != 'r' {
		fail(pgerr.WrongObjectType, "referenced relation %q is not a table", pk.Relname)
	}
	c.noCatalog(pk)
	what := ""
	switch fk.Relpersistence {
	case 'p':
		if pk.Relpersistence != 'p' {
			what = "constraints on permanent tables may reference only permanent tables"
		}
	case 'u':
		if pk.Relpersistence == 't' {
			what = "constraints on unlogged tables may reference only permanent or unlogged tables"
		}
	case 't':
		if pk.Relpersistence != 't' {
			what = "constraints on temporary tables may reference only temporary tables"
		} else if pk.Relnamespace != fk.Relnamespace {
			what = "constraints on temporary tables must involve temporary tables of this session"
		}
	}
	if what != "" {
		fail(pgerr.InvalidTableDefinition, "%s", what)
	}
}

// foreignColumns finds the columns of a key by name.
func (c *cmd) foreignColumns(rel *access.Relation, list []*pg.Node) []int16 {
	var out []int16
	for _, name := range names(list) {
		a := must(c.Catalog().AttributeByName(rel.OID, name))
		if a == nil {
			fail(pgerr.UndefinedColumn, "column %q referenced in foreign key constraint does not exist", name)
		}
		if a.Attnum < 0 {
			fail(pgerr.FeatureNotSupported, "system columns cannot be used in foreign keys")
		}
		if len(out) >= maxKeyColumns {
			fail(pgerr.TooManyColumns, "cannot have more than %d keys in a foreign key", maxKeyColumns)
		}
		out = append(out, a.Attnum)
	}
	return out
}

// referencedPrimary is the primary key of a referenced table.
func (c *cmd) referencedPrimary(pk *access.Relation) *rows.PgIndex {
	for _, ix := range must(c.Catalog().IndexesOf(pk.OID)) {
		if !ix.Indisprimary || !ix.Indisvalid {
			continue
		}
		if !ix.Indimmediate {
			fail(pgerr.ObjectNotInPrerequisiteState, "cannot use a deferrable primary key for referenced table %q", pk.Name)
		}
		return ix
	}
	fail(pgerr.UndefinedObject, "there is no primary key for referenced table %q", pk.Name)
	return nil
}

// referencedKey finds the unique index on exactly the referenced columns.
func (c *cmd) referencedKey(pk *access.Relation, key []int16) *rows.PgIndex {
	for i, k := range key {
		if slices.Contains(key[:i], k) {
			fail(pgerr.InvalidForeignKey, "foreign key referenced-columns list must not contain duplicates")
		}
	}
	deferrable := false
	for _, ix := range must(c.Catalog().IndexesOf(pk.OID)) {
		if int(ix.Indnkeyatts) != len(key) || !ix.Indisunique || !ix.Indisvalid || ix.Indpred != "" || ix.Indexprs != "" {
			continue
		}
		all := true
		for _, k := range key {
			all = all && slices.Contains(ix.Indkey[:ix.Indnkeyatts], k)
		}
		if !all {
			continue
		}
		if ix.Indimmediate {
			return ix
		}
		deferrable = true
	}
	if deferrable {
		fail(pgerr.ObjectNotInPrerequisiteState, "cannot use a deferrable unique constraint for referenced table %q", pk.Name)
	}
	fail(pgerr.InvalidForeignKey, "there is no unique constraint matching given keys for referenced table %q", pk.Name)
	return nil
}

// foreignGenerated refuses actions that would write to a generated column.
func (c *cmd) foreignGenerated(fk *access.Relation, row *rows.PgConstraint) {
	for _, k := range row.Conkey {
		if fk.Desc.Attrs[k-1].Generated == 0 {
			continue
		}
		switch row.Confupdtype {
		case 'n', 'd', 'c':
			fail(pgerr.SyntaxError, "invalid %s action for foreign key constraint containing generated column", "ON UPDATE")
		}
		switch row.Confdeltype {
		case 'n', 'd':
			fail(pgerr.SyntaxError, "invalid %s action for foreign key constraint containing generated column", "ON DELETE")
		}
	}
}

// foreignName is the constraint's name: given, or made of the table's and the
// columns'.
func (c *cmd) foreignName(fk *access.Relation, row *rows.PgConstraint, k *pg.Constraint) string {
	taken := map[string]bool{}
	for _, o := range must(c.Catalog().ConstraintsOf(fk.OID)) {
		taken[o.Conname] = true
	}
	if k.Conname != "" {
		if taken[k.Conname] {
			fail(pgerr.DuplicateObject, "constraint %q for relation %q already exists", k.Conname, fk.Name)
		}
		return k.Conname
	}
	var cols []string
	for _, n := range row.Conkey {
		cols = append(cols, fk.Desc.Attrs[n-1].Name)
	}
	return c.constraintName(fk.Name, indexNameAddition(cols), "fkey", fk.Namespace, taken)
}

// foreignOperators finds the equality operators between the keys' columns: those
// of the referenced index's operator families, if need be after an implicit cast.
func (c *cmd) foreignOperators(fk, pk *access.Relation, index *rows.PgIndex, row *rows.PgConstraint) {
	for i, n := range row.Confkey {
		at := slices.Index(index.Indkey, n)
		oc := must(c.Catalog().Opclass(index.Indclass[at]))
		fkAttr, pkAttr := &fk.Desc.Attrs[row.Conkey[i]-1], &pk.Desc.Attrs[n-1]
		typ := c.baseType(fkAttr.Type)
		pp := c.familyEqual(oc.Opcfamily, oc.Opcintype, oc.Opcintype)
		pf, ff := c.familyEqual(oc.Opcfamily, oc.Opcintype, typ), oid.Invalid
		if pf != 0 {
			ff = c.familyEqual(oc.Opcfamily, typ, typ)
		}
		if (pf == 0 || ff == 0) && c.implicitCast(fkAttr.Type, oc.Opcintype) {
			pf, ff = pp, pp
		}
		if pf == 0 || ff == 0 {
			failWith(pgerr.New(pgerr.DatatypeMismatch, "foreign key constraint %q cannot be implemented", row.Conname).
				WithDetail("Key columns %q and %q are of incompatible types: %s and %s.", fkAttr.Name, pkAttr.Name,
					must(analyze.TypeName(c.Names(), fkAttr.Type, -1)), must(analyze.TypeName(c.Names(), pkAttr.Type, -1))))
		}
		row.Conpfeqop, row.Conppeqop, row.Conffeqop = append(row.Conpfeqop, pf), append(row.Conppeqop, pp), append(row.Conffeqop, ff)
	}
}

func (c *cmd) baseType(t oid.OID) oid.OID {
	for {
		r := c.typeRow(t)
		if r.Typtype != 'd' {
			return t
		}
		t = r.Typbasetype
	}
}

// familyEqual is the equality operator of a btree family for two types; 0: none.
func (c *cmd) familyEqual(family, left, right oid.OID) oid.OID {
	for _, o := range must(c.Catalog().AmopsByFamily(family)) {
		if o.Amoplefttype == left && o.Amoprighttype == right && o.Amopstrategy == 3 && o.Amoppurpose == 's' {
			return o.Amopopr
		}
	}
	return 0
}

// implicitCast reports whether a value of one type becomes one of another by
// itself.
func (c *cmd) implicitCast(from, to oid.OID) bool {
	if c.binaryCoercible(from, to) {
		return true
	}
	k := must(c.Catalog().Cast(c.baseType(from), to))
	return k != nil && k.Castcontext == 'i'
}

// actionFuncs are the functions for ON DELETE; those for ON UPDATE follow each.
// constant
var actionFuncs = map[byte]trigger.Func{'a': trigger.NoActionDel, 'r': trigger.RestrictDel, 'c': trigger.CascadeDel,
	'n': trigger.SetNullDel, 'd': trigger.SetDefaultDel}

// foreignTriggers makes the triggers of a foreign key: two on the referenced
// table, two on the referencing one.
func (c *cmd) foreignTriggers(row *rows.PgConstraint) {
	add := func(on, other oid.OID, f trigger.Func, typ int16, prefix string, deferrable bool) {
		must(c.Catalog().CreateConstraintTrigger(rows.PgTrigger{Tgrelid: on, Tgfoid: oid.OID(f), Tgtype: typ, Tgconstrrelid: other, Tgconstrindid: row.Conindid,
			Tgconstraint: row.Oid, Tgdeferrable: deferrable && row.Condeferrable, Tginitdeferred: deferrable && row.Condeferred}, prefix))
	}
	add(row.Confrelid, row.Conrelid, actionFuncs[row.Confdeltype], trigger.TypeDelete, "RI_ConstraintTrigger_a", row.Confdeltype == 'a')
	add(row.Confrelid, row.Conrelid, actionFuncs[row.Confupdtype]+1, trigger.TypeUpdate, "RI_ConstraintTrigger_a", row.Confupdtype == 'a')
	add(row.Conrelid, row.Confrelid, trigger.CheckIns, trigger.TypeInsert, "RI_ConstraintTrigger_c", true)
	add(row.Conrelid, row.Confrelid, trigger.CheckUpd, trigger.TypeUpdate, "RI_ConstraintTrigger_c", true)
}

// foreignKey runs ALTER TABLE ADD FOREIGN KEY.
func (a *alteration) foreignKey(k *pg.Constraint) {
	o := a.addForeignKey(a.table, k, !k.SkipValidation)
	if !k.SkipValidation {
		a.foreign = append(a.foreign, o)
	}
}

// validateForeign checks the rows of a foreign key that was NOT VALID.
func (a *alteration) validateForeign(con *rows.PgConstraint) {
	a.lock(a.class(con.Confrelid), lmgr.RowShare)
	change(a.cmd, con.Oid, func(r *rows.PgConstraint) { r.Convalidated = true })
	a.foreign = append(a.foreign, con.Oid)
}

// alterConstraint runs ALTER CONSTRAINT: only whether it is deferrable can change,
// of the triggers that may be deferred too.
func (a *alteration) alterConstraint(k *pg.Constraint) {
	for _, con := range must(a.Catalog().ConstraintsOf(a.table)) {
		if con.Conname != k.Conname {
			continue
		}
		if con.Contype != 'f' {
			fail(pgerr.WrongObjectType, "constraint %q of relation %q is not a foreign key constraint", k.Conname, a.name)
		}
		if con.Condeferrable == k.Deferrable && con.Condeferred == k.Initdeferred {
			return
		}
		change(a.cmd, con.Oid, func(r *rows.PgConstraint) { r.Condeferrable, r.Condeferred = k.Deferrable, k.Initdeferred })
		for _, f := range must(rowsBy[rows.PgTrigger](a.cmd, rows.AnumPgTriggerTgconstraint, oidDatum(con.Oid))) {
			switch trigger.Func(f.Row.Tgfoid) {
			case trigger.CheckIns, trigger.CheckUpd, trigger.NoActionDel, trigger.NoActionUpd:
				change(a.cmd, f.Row.Oid, func(r *rows.PgTrigger) { r.Tgdeferrable, r.Tginitdeferred = k.Deferrable, k.Initdeferred })
				a.Catalog().InvalidateRelation(f.Row.Tgrelid)
			}
		}
		return
	}
	fail(pgerr.UndefinedObject, "constraint %q of relation %q does not exist", k.Conname, a.name)
}

// detachForeign drops the foreign keys that a column is part of, on either side,
// and returns what makes them again.
func (a *alteration) detachForeign(att int16) []func() {
	var again []func()
	seen := map[oid.OID]bool{}
	for _, column := range []int{rows.AnumPgConstraintConrelid, rows.AnumPgConstraintConfrelid} {
		for _, f := range must(rowsBy[rows.PgConstraint](a.cmd, column, oidDatum(a.table))) {
			k := f.Row
			uses := k.Conrelid == a.table && slices.Contains(k.Conkey, att) || k.Confrelid == a.table && slices.Contains(k.Confkey, att)
			if k.Contype != 'f' || !uses || seen[k.Oid] {
				continue
			}
			seen[k.Oid] = true
			con, table := a.foreignStmt(k), k.Conrelid
			a.lock(a.class(table), lmgr.AccessExclusive)
			a.dropObjects([]catalog.Object{{Class: oid.RelConstraint, ID: k.Oid}}, pg.DropBehavior_DROP_RESTRICT)
			again = append(again, func() {
				if o := a.addForeignKey(table, con, !con.SkipValidation); !con.SkipValidation {
					a.foreign = append(a.foreign, o)
				}
			})
		}
	}
	return again
}

// foreignStmt is the statement that would make a foreign key again.
func (c *cmd) foreignStmt(k *rows.PgConstraint) *pg.Constraint {
	fk, pk := c.relation(k.Conrelid), c.relation(k.Confrelid)
	cols := func(rel *access.Relation, key []int16) (out []*pg.Node) {
		for _, n := range key {
			out = append(out, pg.MakeStrNode(rel.Desc.Attrs[n-1].Name))
		}
		return out
	}
	return &pg.Constraint{Contype: pg.ConstrType_CONSTR_FOREIGN, Conname: k.Conname, Deferrable: k.Condeferrable, Initdeferred: k.Condeferred,
		Pktable: &pg.RangeVar{Schemaname: c.schemaName(pk.Namespace), Relname: pk.Name, Inh: true, Relpersistence: "p"},
		FkAttrs: cols(fk, k.Conkey), PkAttrs: cols(pk, k.Confkey), FkDelSetCols: cols(fk, k.Confdelsetcols), FkMatchtype: string(k.Confmatchtype),
		FkUpdAction: string(k.Confupdtype), FkDelAction: string(k.Confdeltype), SkipValidation: !k.Convalidated, InitiallyValid: k.Convalidated}
}

// notPending refuses a table that an open cursor reads, or that a trigger is still to
// look at (CheckTableNotInUse).
func (c *cmd) notPending(cl *rows.PgClass, what string) {
	if cl.Relkind != 'v' && c.InUse(cl.Oid) {
		fail(pgerr.ObjectInUse, "cannot %s %q because it is being used by active queries in this session", what, cl.Relname)
	}
	if c.Triggers().Pending(cl.Oid) {
		fail(pgerr.ObjectInUse, "cannot %s %q because it has pending trigger events", what, cl.Relname)
	}
}

// truncateForeign completes the tables of a TRUNCATE with those that reference
// them, or refuses it.
func (c *cmd) truncateForeign(n *pg.TruncateStmt, list []*rows.PgClass, seen map[oid.OID]bool) []*rows.PgClass {
	for i := 0; i < len(list); i++ {
		for _, f := range must(rowsBy[rows.PgConstraint](c, rows.AnumPgConstraintConfrelid, oidDatum(list[i].Oid))) {
			o := f.Row.Conrelid
			if f.Row.Contype != 'f' || seen[o] {
				continue
			}
			cl := c.class(o)
			if n.Behavior != pg.DropBehavior_DROP_CASCADE {
				failWith(pgerr.New(pgerr.FeatureNotSupported, "cannot truncate a table referenced in a foreign key constraint").
					WithDetail("Table %q references %q.", cl.Relname, list[i].Relname).
					WithHint("Truncate table %q at the same time, or use TRUNCATE ... CASCADE.", cl.Relname))
			}
			c.lock(cl, lmgr.AccessExclusive)
			c.notice(pgerr.SuccessfulCompletion, "truncate cascades to table %q", cl.Relname)
			seen[o] = true
			if !c.isOwner(cl.Relowner) && !c.hasRight(cl, rows.Truncate) {
				fail(pgerr.InsufficientPrivilege, "permission denied for table %s", cl.Relname)
			}
			list = append(list, c.class(o))
		}
	}
	return list
}
