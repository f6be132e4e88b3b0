package commands

import (
	"slices"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/node"
)

// Functions of enum and domain types in pg_proc. FROZEN.
const (
	enumIn, enumOut, enumRecv, enumSend oid.OID = 3506, 3507, 3532, 3533
	domainIn, domainRecv                oid.OID = 2597, 2598
)

// newType decides the schema of a new type and refuses a name that is taken.
func (c *cmd) newType(list []*pg.Node) (ns oid.OID, name string) {
	rv := rangeOf(list)
	ns, _ = c.creation(rv)
	if must(c.Catalog().TypeByName(rv.Relname, ns)) != nil {
		fail(pgerr.DuplicateObject, "type %q already exists", rv.Relname)
	}
	return ns, rv.Relname
}

// createEnum runs CREATE TYPE … AS ENUM. The labels get even OIDs that ascend in
// their order: such values compare by OID.
func (c *cmd) createEnum(n *pg.CreateEnumStmt) {
	ns, name := c.newType(n.TypeName)
	t := &rows.PgType{Oid: must(c.Catalog().NewOID(oid.RelType)), Typname: name, Typnamespace: ns, Typowner: c.User(), Typlen: 4, Typbyval: true,
		Typtype: 'e', Typcategory: 'E', Typisdefined: true, Typdelim: ',', Typinput: enumIn, Typoutput: enumOut, Typreceive: enumRecv,
		Typsend: enumSend, Typalign: 'i', Typstorage: 'p', Typtypmod: -1}
	throw(c.Catalog().CreateType(t, true, catalog.Object{}))
	labels := names(n.Vals)
	ids := make([]oid.OID, len(labels))
	for i := range ids {
		for ids[i] == 0 || ids[i]%2 == 1 {
			ids[i] = must(c.Catalog().NewOID(oid.RelEnum))
		}
	}
	slices.Sort(ids)
	for i, l := range labels {
		if len(l) > maxName {
			failWith(pgerr.New(pgerr.InvalidName, "invalid enum label %q", l).WithDetail("Labels must be %d bytes or less.", maxName))
		}
		if slices.Contains(labels[:i], l) {
			failWith(pgerr.New(pgerr.UniqueViolation, "duplicate key value violates unique constraint %q", "pg_enum_typid_label_index").
				WithDetail("Key (enumtypid, enumlabel)=(%d, %s) already exists.", t.Oid, l))
		}
		must(c.Catalog().Insert(&rows.PgEnum{Oid: ids[i], Enumtypid: t.Oid, Enumsortorder: float32(i + 1), Enumlabel: l}))
	}
	throw(c.Increment())
}

// createComposite runs CREATE TYPE … AS (columns).
func (c *cmd) createComposite(n *pg.CompositeTypeStmt) {
	ns, _ := c.creation(n.Typevar)
	name := n.Typevar.Relname
	if must(c.Catalog().TypeByName(name, ns)) != nil {
		fail(pgerr.DuplicateObject, "type %q already exists", name)
	}
	s := &tableSpec{name: name, ns: ns, persistence: 'p'}
	for _, e := range n.Coldeflist {
		d := e.GetColumnDef()
		_, _, err := analyze.ResolveTypeName(c.Names(), c.text, d.TypeName)
		nowhere(0, err) // a serial type is none here
		c.column(s, d)
	}
	attrs := make([]access.Attr, len(s.cols))
	for i := range s.cols {
		attrs[i] = s.cols[i].attr
	}
	must(c.Catalog().CreateRelation(catalog.NewRelation{Name: name, Namespace: ns, Kind: 'c', Persistence: 'p', Owner: c.User(), Columns: attrs}))
	throw(c.Increment())
}

// createDomain runs CREATE DOMAIN.
func (c *cmd) createDomain(n *pg.CreateDomainStmt) {
	ns, name := c.newType(n.Domainname)
	baseID, mod, err := analyze.ResolveTypeName(c.Names(), c.text, n.TypeName)
	nowhere(0, err)
	base := c.typeRow(baseID)
	switch base.Typtype {
	case 'b', 'c', 'd', 'e', 'r', 'm':
	default:
		fail(pgerr.DatatypeMismatch, "%q is not a valid base type for a domain", must(analyze.TypeName(c.Names(), baseID, -1)))
	}
	a := access.Attr{Name: name}
	c.setType(&a, baseID, mod)
	c.collate(&a, n.CollClause)
	t := &rows.PgType{Oid: must(c.Catalog().NewOID(oid.RelType)), Typname: name, Typnamespace: ns, Typowner: c.User(), Typlen: base.Typlen,
		Typbyval: base.Typbyval, Typtype: 'd', Typcategory: base.Typcategory, Typisdefined: true, Typdelim: base.Typdelim,
		Typinput: domainIn, Typoutput: base.Typoutput, Typreceive: domainRecv, Typsend: base.Typsend, Typanalyze: base.Typanalyze,
		Typalign: base.Typalign, Typstorage: base.Typstorage, Typbasetype: baseID, Typtypmod: mod, Typndims: int32(len(n.TypeName.ArrayBounds)),
		Typcollation: a.Collation, Typdefault: base.Typdefault, Typdefaultbin: base.Typdefaultbin}
	checks := c.domainClauses(t, n, &a)
	throw(c.Catalog().CreateType(t, true, catalog.Object{}))
	self := catalog.Object{Class: oid.RelType, ID: t.Oid}
	refs := []catalog.Object{{Class: oid.RelType, ID: baseID}}
	if a.Collation != base.Typcollation {
		refs = append(refs, catalog.Object{Class: oid.RelCollation, ID: a.Collation})
	}
	throw(c.Catalog().Depend(self, catalog.DependNormal, refs...))
	throw(c.Increment())
	for _, k := range checks {
		c.domainCheck(t, k)
	}
}

// domainClauses applies DEFAULT and NOT NULL, and returns the checks.
func (c *cmd) domainClauses(t *rows.PgType, n *pg.CreateDomainStmt, a *access.Attr) (checks []*pg.Constraint) {
	sawDefault, sawNull := false, false
	for _, e := range n.Constraints {
		k := e.GetConstraint()
		switch k.Contype {
		case pg.ConstrType_CONSTR_DEFAULT:
			if sawDefault {
				failWith(pgerr.New(pgerr.SyntaxError, "multiple default expressions"))
			}
			sawDefault = true
			t.Typdefault, t.Typdefaultbin = "", ""
			if d := c.defaultExpr(&newColumn{attr: *a, def: k.RawExpr, quiet: true}, nil); d != nil {
				t.Typdefaultbin, t.Typdefault = node.Write(d), c.exprText(d, nil)
			}
		case pg.ConstrType_CONSTR_NOTNULL, pg.ConstrType_CONSTR_NULL:
			not := k.Contype == pg.ConstrType_CONSTR_NOTNULL
			if sawNull && t.Typnotnull != not {
				failWith(pgerr.New(pgerr.SyntaxError, "conflicting NULL/NOT NULL constraints"))
			}
			t.Typnotnull, sawNull = not, true
		case pg.ConstrType_CONSTR_CHECK:
			if k.IsNoInherit {
				failWith(pgerr.New(pgerr.InvalidObjectDefinition, "check constraints for domains cannot be marked NO INHERIT"))
			}
			checks = append(checks, k)
		case pg.ConstrType_CONSTR_UNIQUE:
			failWith(pgerr.New(pgerr.SyntaxError, "unique constraints not possible for domains"))
		case pg.ConstrType_CONSTR_PRIMARY:
			failWith(pgerr.New(pgerr.SyntaxError, "primary key constraints not possible for domains"))
		case pg.ConstrType_CONSTR_FOREIGN:
			failWith(pgerr.New(pgerr.SyntaxError, "foreign key constraints not possible for domains"))
		default:
			failWith(pgerr.New(pgerr.FeatureNotSupported, "specifying constraint deferrability not supported for domains"))
		}
	}
	return checks
}

// domainCheck makes one check constraint of a domain.
func (c *cmd) domainCheck(t *rows.PgType, k *pg.Constraint) {
	taken := map[string]bool{}
	for _, o := range must(c.Catalog().ConstraintsOfType(t.Oid)) {
		taken[o.Conname] = true
	}
	name := k.Conname
	if name == "" {
		name = c.constraintName(t.Typname, "", "check", t.Typnamespace, taken)
	} else if taken[name] {
		fail(pgerr.DuplicateObject, "constraint %q for domain %q already exists", name, t.Typname)
	}
	value := &node.CoerceToDomainValue{TypeId: t.Typbasetype, TypeMod: t.Typtypmod, Collation: t.Typcollation, Location: -1}
	e := nowhere(analyze.DomainCheck(c.Names(), c.text, k.RawExpr, value))
	if len(columnsOf(e)) > 0 {
		fail(pgerr.InvalidColumnReference, "cannot use table references in domain check constraint")
	}
	must(c.Catalog().AddConstraint(catalog.NewConstraint{Row: rows.PgConstraint{Conname: name, Connamespace: t.Typnamespace, Contype: 'c',
		Convalidated: true, Contypid: t.Oid, Confupdtype: ' ', Confdeltype: ' ', Confmatchtype: ' ', Conislocal: true, Conbin: node.Write(e)},
		Refs: refsOf(e, 0)}))
}

// dropType finds a type for DROP TYPE or DROP DOMAIN.
func (c *cmd) dropType(t *pg.TypeName, domain, missingOK bool) catalog.Object {
	id, _, err := analyze.ResolveTypeName(c.Names(), c.text, t)
	if e, ok := pgerr.As(err); ok && (e.Code == pgerr.UndefinedObject || e.Code == pgerr.InvalidSchemaName) {
		if missingOK {
			c.notice(pgerr.SuccessfulCompletion, "type %q does not exist, skipping", joinDots(names(t.Names)))
			return catalog.Object{}
		}
		e.Position = 0
	}
	throw(err)
	r := c.typeRow(id)
	if !c.isOwner(r.Typowner) {
		fail(pgerr.InsufficientPrivilege, "must be owner of type %s", must(analyze.TypeName(c.Names(), id, -1)))
	}
	if domain && r.Typtype != 'd' {
		fail(pgerr.WrongObjectType, "%q is not a domain", must(analyze.TypeName(c.Names(), id, -1)))
	}
	return catalog.Object{Class: oid.RelType, ID: id}
}
