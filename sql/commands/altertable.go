package commands

import (
	"slices"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/node"
)

// alteration is a running ALTER TABLE.
type alteration struct {
	*cmd
	table oid.OID
	name  string
	ns    oid.OID
	kind  byte
	ch    tableChange
	later []func() // indexes and constraints to be made again
	// foreign are new foreign keys, checked when the rows are as they shall be.
	foreign []oid.OID
}

// alterTable runs ALTER TABLE and its kin.
func (c *cmd) alterTable(n *pg.AlterTableStmt) {
	mode := lmgr.ShareUpdateExclusive
	for _, e := range n.Cmds {
		if m := alterLock(e.GetAlterTableCmd()); m > mode {
			mode = m
		}
	}
	cl := c.lockClass(n.Relation, mode, n.MissingOk)
	if cl == nil {
		c.notice(pgerr.SuccessfulCompletion, "relation %q does not exist, skipping", n.Relation.Relname)
		return
	}
	c.alterTarget(cl, n)
	c.needOwner(cl)
	c.notPending(cl, "ALTER TABLE")
	a := &alteration{cmd: c, table: cl.Oid, name: cl.Relname, ns: cl.Relnamespace, kind: cl.Relkind}
	a.ch.values = map[int]node.Node{}
	if cl.Relkind == 'r' {
		a.ch.old = c.relation(cl.Oid)
	}
	cmds := slices.Clone(n.Cmds)
	slices.SortStableFunc(cmds, func(x, y *pg.Node) int {
		return alterPass(x.GetAlterTableCmd()) - alterPass(y.GetAlterTableCmd())
	})
	for _, e := range cmds {
		k := e.GetAlterTableCmd()
		if alterPass(k) > passAlterType && len(a.later) > 0 {
			a.runLater()
		}
		a.one(k)
		throw(c.Increment())
	}
	a.runLater()
	if a.kind == 'S' {
		if a.ch.persistence != 0 {
			c.sequencePersistence(a.table, a.ch.persistence)
		}
		return
	}
	if a.ch.rewrite {
		c.rewrite(a.table, &a.ch, false)
	} else {
		c.verifyRows(a.table, &a.ch)
	}
	for _, o := range a.foreign {
		throw(c.Triggers().Validate(o))
	}
}

func (a *alteration) runLater() {
	l := a.later
	a.later = nil
	for _, f := range l {
		f()
	}
}

// Passes of ALTER TABLE: subcommands are worked off in this order.
const (
	passDrop = iota
	passAlterType
	passAddColumn
	passAttrs
	passIndex
	passConstraint
	passMisc
)

func alterPass(k *pg.AlterTableCmd) int {
	switch k.Subtype {
	case pg.AlterTableType_AT_DropColumn, pg.AlterTableType_AT_DropConstraint, pg.AlterTableType_AT_DropNotNull, pg.AlterTableType_AT_DropExpression, pg.AlterTableType_AT_DropIdentity:
		return passDrop
	case pg.AlterTableType_AT_AlterColumnType:
		return passAlterType
	case pg.AlterTableType_AT_AddColumn:
		return passAddColumn
	case pg.AlterTableType_AT_SetNotNull, pg.AlterTableType_AT_ColumnDefault, pg.AlterTableType_AT_AddIdentity, pg.AlterTableType_AT_SetIdentity:
		return passAttrs
	case pg.AlterTableType_AT_AddConstraint:
		switch k.Def.GetConstraint().GetContype() {
		case pg.ConstrType_CONSTR_PRIMARY, pg.ConstrType_CONSTR_UNIQUE:
			return passIndex
		}
		return passConstraint
	}
	return passMisc
}

// alterLock is the lock that a subcommand needs.
func alterLock(k *pg.AlterTableCmd) lmgr.Mode {
	switch k.Subtype {
	case pg.AlterTableType_AT_SetStatistics, pg.AlterTableType_AT_SetOptions, pg.AlterTableType_AT_ResetOptions,
		pg.AlterTableType_AT_ValidateConstraint, pg.AlterTableType_AT_ClusterOn, pg.AlterTableType_AT_DropCluster,
		pg.AlterTableType_AT_SetRelOptions, pg.AlterTableType_AT_ResetRelOptions:
		return lmgr.ShareUpdateExclusive
	case pg.AlterTableType_AT_AddConstraint:
		if k.Def.GetConstraint().GetContype() == pg.ConstrType_CONSTR_FOREIGN {
			return lmgr.ShareRowExclusive
		}
	}
	if firing(k.Subtype) != 0 {
		return lmgr.ShareRowExclusive
	}
	return lmgr.AccessExclusive
}

// alterTarget refuses relations of the wrong kind.
func (c *cmd) alterTarget(cl *rows.PgClass, n *pg.AlterTableStmt) {
	switch n.Objtype {
	case pg.ObjectType_OBJECT_INDEX:
		if cl.Relkind != 'i' && cl.Relkind != 'I' {
			fail(pgerr.WrongObjectType, "%q is not an index", cl.Relname)
		}
	case pg.ObjectType_OBJECT_VIEW:
		if cl.Relkind != 'v' {
			fail(pgerr.WrongObjectType, "%q is not a view", cl.Relname)
		}
	case pg.ObjectType_OBJECT_SEQUENCE:
		if cl.Relkind != 'S' {
			fail(pgerr.WrongObjectType, "%q is not a sequence", cl.Relname)
		}
	}
	for _, e := range n.Cmds {
		k := e.GetAlterTableCmd()
		kinds := "r"
		switch k.Subtype {
		case pg.AlterTableType_AT_ChangeOwner:
			kinds = "rvmSi"
		case pg.AlterTableType_AT_SetRelOptions, pg.AlterTableType_AT_ResetRelOptions:
			kinds = "rvmi"
		case pg.AlterTableType_AT_ColumnDefault:
			kinds = "rv"
		case pg.AlterTableType_AT_SetStatistics:
			kinds = "rmi"
		case pg.AlterTableType_AT_SetLogged, pg.AlterTableType_AT_SetUnLogged:
			kinds = "rS"
		case pg.AlterTableType_AT_ClusterOn, pg.AlterTableType_AT_DropCluster:
			kinds = "rm"
		}
		if cl.Relkind == 'p' {
			notYet("ALTER of a partitioned table")
		}
		if !containsByte(kinds, cl.Relkind) {
			unsupportedKind(cl, "ALTER action %s cannot be performed on relation %q", alterWord(k.Subtype), cl.Relname)
		}
	}
}

func alterWord(t pg.AlterTableType) string {
	switch t {
	case pg.AlterTableType_AT_AddColumn:
		return "ADD COLUMN"
	case pg.AlterTableType_AT_ColumnDefault:
		return "ALTER COLUMN ... SET DEFAULT"
	case pg.AlterTableType_AT_DropNotNull:
		return "ALTER COLUMN ... DROP NOT NULL"
	case pg.AlterTableType_AT_SetNotNull:
		return "ALTER COLUMN ... SET NOT NULL"
	case pg.AlterTableType_AT_SetStatistics:
		return "ALTER COLUMN ... SET STATISTICS"
	case pg.AlterTableType_AT_SetStorage:
		return "ALTER COLUMN ... SET STORAGE"
	case pg.AlterTableType_AT_DropColumn:
		return "DROP COLUMN"
	case pg.AlterTableType_AT_AddConstraint:
		return "ADD CONSTRAINT"
	case pg.AlterTableType_AT_DropConstraint:
		return "DROP CONSTRAINT"
	case pg.AlterTableType_AT_ValidateConstraint:
		return "VALIDATE CONSTRAINT"
	case pg.AlterTableType_AT_AlterColumnType:
		return "ALTER COLUMN ... SET DATA TYPE"
	case pg.AlterTableType_AT_ChangeOwner:
		return "OWNER TO"
	case pg.AlterTableType_AT_SetRelOptions:
		return "SET"
	case pg.AlterTableType_AT_ResetRelOptions:
		return "RESET"
	case pg.AlterTableType_AT_SetLogged:
		return "SET LOGGED"
	case pg.AlterTableType_AT_SetUnLogged:
		return "SET UNLOGGED"
	}
	return t.String()[3:]
}

// one runs one subcommand.
func (a *alteration) one(k *pg.AlterTableCmd) {
	switch k.Subtype {
	case pg.AlterTableType_AT_AddColumn:
		a.addColumn(k)
	case pg.AlterTableType_AT_DropColumn:
		a.dropColumn(k)
	case pg.AlterTableType_AT_AlterColumnType:
		a.alterType(k)
	case pg.AlterTableType_AT_ColumnDefault:
		a.columnDefault(k)
	case pg.AlterTableType_AT_SetNotNull:
		a.setNotNull(k.Name)
	case pg.AlterTableType_AT_DropNotNull:
		a.dropNotNull(k.Name)
	case pg.AlterTableType_AT_AddConstraint:
		a.addConstraint(k.Def.GetConstraint())
	case pg.AlterTableType_AT_DropConstraint:
		a.dropConstraint(k)
	case pg.AlterTableType_AT_ValidateConstraint:
		a.validateConstraint(k.Name)
	case pg.AlterTableType_AT_ChangeOwner:
		a.changeOwner(a.table, a.role(k.Newowner))
	case pg.AlterTableType_AT_SetRelOptions, pg.AlterTableType_AT_ResetRelOptions:
		a.setOptions(k)
	case pg.AlterTableType_AT_SetStatistics:
		a.setStatistics(k)
	case pg.AlterTableType_AT_SetStorage:
		a.setStorage(k)
	case pg.AlterTableType_AT_SetCompression:
		at := a.column(k.Name)
		x := access.Attr{Type: at.Atttypid, Len: at.Attlen, Storage: at.Attstorage}
		a.compression(&x, nodeText(k.Def))
		a.changeColumn(a.table, at.Attnum, func(r *rows.PgAttribute) { r.Attcompression = x.Compression })
	case pg.AlterTableType_AT_AddIdentity, pg.AlterTableType_AT_SetIdentity, pg.AlterTableType_AT_DropIdentity:
		a.alterIdentity(k)
	case pg.AlterTableType_AT_DropExpression:
		a.dropExpression(k)
	case pg.AlterTableType_AT_SetLogged, pg.AlterTableType_AT_SetUnLogged:
		a.setPersistence(k.Subtype == pg.AlterTableType_AT_SetLogged)
	case pg.AlterTableType_AT_ClusterOn, pg.AlterTableType_AT_DropCluster:
		a.clusterOn(k.Name)
	case pg.AlterTableType_AT_ReplicaIdentity:
		a.replicaIdentity(k.Def.GetReplicaIdentityStmt())
	case pg.AlterTableType_AT_AlterConstraint:
		a.alterConstraint(k.Def.GetConstraint())
	case pg.AlterTableType_AT_SetOptions, pg.AlterTableType_AT_ResetOptions:
		a.columnOptions(k)
	default:
		if firing(k.Subtype) != 0 {
			a.enableTriggers(k)
			return
		}
		notYet("ALTER TABLE %s", alterWord(k.Subtype))
	}
}

// column finds a column that may be changed.
func (a *alteration) column(name string) *rows.PgAttribute {
	at := must(a.Catalog().AttributeByName(a.table, name))
	if at == nil {
		fail(pgerr.UndefinedColumn, "column %q of relation %q does not exist", name, a.name)
	}
	if at.Attnum <= 0 {
		fail(pgerr.FeatureNotSupported, "cannot alter system column %q", name)
	}
	return at
}

func (a *alteration) spec() *tableSpec {
	s := &tableSpec{rel: a.table, name: a.name, ns: a.ns, isAlter: true, persistence: a.class(a.table).Relpersistence}
	for _, i := range must(a.Catalog().IndexesOf(a.table)) {
		if i.Indisprimary {
			s.keys = append(s.keys, &pg.IndexStmt{Primary: true})
		}
	}
	return s
}

// addColumn runs ADD COLUMN.
func (a *alteration) addColumn(k *pg.AlterTableCmd) {
	d := k.Def.GetColumnDef()
	if k.MissingOk && must(a.Catalog().AttributeByName(a.table, d.Colname)) != nil {
		a.notice(pgerr.DuplicateColumn, "column %q of relation %q already exists, skipping", d.Colname, a.name)
		return
	}
	s := a.spec()
	had := len(s.keys)
	a.cmd.column(s, d)
	n := &s.cols[0]
	keys := s.keys
	if had > 0 {
		keys = nil
		for _, x := range s.keys {
			if len(x.IndexParams) > 0 {
				keys = append(keys, x)
			}
		}
	}
	for _, x := range keys {
		if x.Primary {
			n.attr.NotNull = true
		}
	}
	a.makeSequences(s, s.cols)
	missing, e := a.newColumnValue(n)
	num := must(a.Catalog().AddColumn(a.table, n.attr, missing))
	throw(a.Increment())
	a.finishColumns(s, int(num)-1)
	if n.attr.Generated != 0 || e != nil {
		a.ch.rewrite = true
		if e != nil {
			a.ch.values[int(num)-1] = e
		}
	}
	if n.attr.NotNull && missing == nil {
		a.ch.notNull = append(a.ch.notNull, int(num)-1)
	}
	s.cols = nil
	checks := s.checks
	a.newChecks(s, checks)
	for _, k := range s.foreign {
		a.later = append(a.later, func() { a.foreignKey(k) })
	}
	for _, x := range keys {
		x := x
		a.later = append(a.later, func() { a.makeKey(x) })
	}
}

// newColumnValue is what a new column is in the rows that are there: a value
// that is the same in all, or an expression for each.
func (a *alteration) newColumnValue(n *newColumn) (*datum.Datum, node.Node) {
	if n.attr.Generated != 0 {
		return nil, nil
	}
	var e node.Node
	if n.seq != nil && n.attr.Identity != 0 {
		v := &node.NextValueExpr{Seqid: n.seq.oid, TypeId: n.attr.Type}
		return nil, v
	}
	if e = a.defaultExpr(n, nil); e == nil {
		return nil, nil
	}
	if a.volatility(e) == 'v' {
		return nil, e
	}
	x := a.evaluation()
	defer a.Done(x)
	v := must(must(x.NewRowEval(nil, []node.Node{e})).Eval(x, 0, nil)).Clone()
	if v.Null {
		return nil, nil
	}
	return &v, nil
}

// newChecks makes check constraints and has the rows verified.
func (a *alteration) newChecks(s *tableSpec, checks []*pg.Constraint) {
	if len(checks) == 0 {
		return
	}
	taken := map[string]bool{}
	for _, k := range must(a.Catalog().ConstraintsOf(a.table)) {
		taken[k.Conname] = true
	}
	rel := must(a.Names().RelationByOID(a.table))
	for _, k := range checks {
		e := nowhere(analyze.Expr(a.Names(), a.text, k.RawExpr, rel, analyze.UseCheck))
		a.addCheck(s, k, e, taken, k.SkipValidation)
		if !k.SkipValidation {
			a.ch.check = append(a.ch.check, checkExpr{k.Conname, e})
		}
	}
}

// dropColumn runs DROP COLUMN.
func (a *alteration) dropColumn(k *pg.AlterTableCmd) {
	at := must(a.Catalog().AttributeByName(a.table, k.Name))
	if at == nil {
		if k.MissingOk {
			a.notice(pgerr.SuccessfulCompletion, "column %q of relation %q does not exist, skipping", k.Name, a.name)
			return
		}
		fail(pgerr.UndefinedColumn, "column %q of relation %q does not exist", k.Name, a.name)
	}
	if at.Attnum <= 0 {
		fail(pgerr.FeatureNotSupported, "cannot drop system column %q", k.Name)
	}
	a.dropObjects([]catalog.Object{{Class: oid.RelClass, ID: a.table, Sub: int32(at.Attnum)}}, k.Behavior)
}

// columnDefault runs ALTER COLUMN SET DEFAULT and DROP DEFAULT.
func (a *alteration) columnDefault(k *pg.AlterTableCmd) {
	at := a.column(k.Name)
	if at.Attidentity != 0 {
		e := pgerr.New(pgerr.SyntaxError, "column %q of relation %q is an identity column", k.Name, a.name)
		if k.Def == nil {
			e = e.WithHint("Use %s instead.", "ALTER TABLE ... ALTER COLUMN ... DROP IDENTITY")
		}
		failWith(e)
	}
	if at.Attgenerated != 0 {
		e := pgerr.New(pgerr.SyntaxError, "column %q of relation %q is a generated column", k.Name, a.name)
		if k.Def == nil {
			e = e.WithHint("Use %s instead.", "ALTER TABLE ... ALTER COLUMN ... DROP EXPRESSION")
		}
		failWith(e)
	}
	if k.Def == nil {
		throw(a.Catalog().StoreDefault(a.table, at.Attnum, "", nil))
		return
	}
	n := &newColumn{attr: access.Attr{Name: at.Attname, Type: at.Atttypid, TypMod: at.Atttypmod, Collation: at.Attcollation}, def: k.Def, quiet: true}
	e := a.defaultExpr(n, nil)
	if e == nil {
		throw(a.Catalog().StoreDefault(a.table, at.Attnum, "", nil))
		return
	}
	throw(a.Catalog().StoreDefault(a.table, at.Attnum, node.Write(e), refsOf(e, a.table)))
}

// setNotNull runs ALTER COLUMN SET NOT NULL.
func (a *alteration) setNotNull(name string) {
	at := a.column(name)
	if at.Attnotnull {
		return
	}
	a.changeColumn(a.table, at.Attnum, func(r *rows.PgAttribute) { r.Attnotnull = true })
	a.ch.notNull = append(a.ch.notNull, int(at.Attnum)-1)
}

// dropNotNull runs ALTER COLUMN DROP NOT NULL.
func (a *alteration) dropNotNull(name string) {
	at := a.column(name)
	if at.Attidentity != 0 {
		fail(pgerr.SyntaxError, "column %q of relation %q is an identity column", name, a.name)
	}
	for _, ix := range must(a.Catalog().IndexesOf(a.table)) {
		if ix.Indisprimary && slices.Contains(ix.Indkey[:ix.Indnkeyatts], at.Attnum) {
			fail(pgerr.InvalidTableDefinition, "column %q is in a primary key", name)
		}
	}
	if at.Attnotnull {
		a.changeColumn(a.table, at.Attnum, func(r *rows.PgAttribute) { r.Attnotnull = false })
	}
}

// addConstraint runs ADD CONSTRAINT.
func (a *alteration) addConstraint(k *pg.Constraint) {
	s := a.spec()
	switch k.Contype {
	case pg.ConstrType_CONSTR_CHECK:
		a.newChecks(s, []*pg.Constraint{k})
	case pg.ConstrType_CONSTR_PRIMARY, pg.ConstrType_CONSTR_UNIQUE:
		if k.Indexname != "" {
			a.usingIndex(k)
			return
		}
		for _, o := range s.keys {
			o.IndexParams = nil
		}
		had := len(s.keys)
		a.key(s, k)
		key := s.keys[0]
		if had > 0 {
			key = s.keys[len(s.keys)-1]
		}
		a.makeKey(key)
	case pg.ConstrType_CONSTR_FOREIGN:
		a.foreignKey(k)
	default:
		notYet("this kind of constraint")
	}
}

// makeKey makes the index of a key, after the rows are as they shall be.
func (a *alteration) makeKey(key *pg.IndexStmt) {
	if key.Primary {
		for _, p := range key.IndexParams {
			at := must(a.Catalog().AttributeByName(a.table, p.GetIndexElem().Name))
			if at != nil && at.Attnum > 0 && !at.Attnotnull {
				a.setNotNull(at.Attname)
			}
		}
		throw(a.Increment())
	}
	if a.ch.rewrite { // the rewrite fills it
		a.defineIndex(a.relation(a.table), key, true)
		return
	}
	a.verifyRows(a.table, &a.ch)
	a.ch.notNull, a.ch.check = nil, nil
	a.defineIndex(a.relation(a.table), key, false)
}

// dropConstraint runs DROP CONSTRAINT.
func (a *alteration) dropConstraint(k *pg.AlterTableCmd) {
	for _, con := range must(a.Catalog().ConstraintsOf(a.table)) {
		if con.Conname == k.Name {
			a.dropObjects([]catalog.Object{{Class: oid.RelConstraint, ID: con.Oid}}, k.Behavior)
			return
		}
	}
	if !k.MissingOk {
		fail(pgerr.UndefinedObject, "constraint %q of relation %q does not exist", k.Name, a.name)
	}
	a.notice(pgerr.SuccessfulCompletion, "constraint %q of relation %q does not exist, skipping", k.Name, a.name)
}

// validateConstraint runs VALIDATE CONSTRAINT.
func (a *alteration) validateConstraint(name string) {
	for _, con := range must(a.Catalog().ConstraintsOf(a.table)) {
		if con.Conname != name {
			continue
		}
		if con.Contype != 'c' && con.Contype != 'f' {
			fail(pgerr.WrongObjectType, "constraint %q of relation %q is not a foreign key or check constraint", name, a.name)
		}
		if con.Convalidated {
			return
		}
		if con.Contype == 'f' {
			a.validateForeign(con)
			return
		}
		a.ch.check = append(a.ch.check, checkExpr{name, must(node.Read(con.Conbin))})
		change(a.cmd, con.Oid, func(r *rows.PgConstraint) { r.Convalidated = true })
		return
	}
	fail(pgerr.UndefinedObject, "constraint %q of relation %q does not exist", name, a.name)
}
