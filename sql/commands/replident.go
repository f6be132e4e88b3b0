package commands

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// replicaIdentity runs ALTER TABLE … REPLICA IDENTITY.
func (a *alteration) replicaIdentity(n *pg.ReplicaIdentityStmt) {
	index := oid.Invalid
	if n.IdentityType == "i" {
		cl := must(a.Catalog().ClassByName(n.Name, a.ns))
		if cl == nil {
			fail(pgerr.UndefinedObject, "index %q for table %q does not exist", n.Name, a.name)
		}
		index = cl.Oid
		a.checkIdentity(cl)
	}
	if kind := n.IdentityType[0]; a.class(a.table).Relreplident != kind {
		change(a.cmd, a.table, func(r *rows.PgClass) { r.Relreplident = kind })
	}
	for _, ix := range must(a.Catalog().IndexesOf(a.table)) {
		if want := ix.Indexrelid == index; ix.Indisreplident != want {
			change(a.cmd, ix.Indexrelid, func(r *rows.PgIndex) { r.Indisreplident = want })
			a.Catalog().InvalidateRelation(ix.Indexrelid)
		}
	}
	a.Catalog().InvalidateRelation(a.table)
}

// checkIdentity refuses an index that does not tell every row from the others.
func (a *alteration) checkIdentity(cl *rows.PgClass) {
	ix := must(a.Catalog().Index(cl.Oid))
	switch {
	case ix == nil || ix.Indrelid != a.table:
		fail(pgerr.WrongObjectType, "%q is not an index for table %q", cl.Relname, a.name)
	case !ix.Indisunique:
		fail(pgerr.WrongObjectType, "cannot use non-unique index %q as replica identity", cl.Relname)
	case !ix.Indimmediate:
		fail(pgerr.WrongObjectType, "cannot use non-immediate index %q as replica identity", cl.Relname)
	case ix.Indexprs != "":
		fail(pgerr.WrongObjectType, "cannot use expression index %q as replica identity", cl.Relname)
	case ix.Indpred != "":
		fail(pgerr.WrongObjectType, "cannot use partial index %q as replica identity", cl.Relname)
	}
	for _, att := range ix.Indkey[:ix.Indnkeyatts] {
		if att <= 0 {
			fail(pgerr.InvalidColumnReference, "index %q cannot be used as replica identity because column %d is a system column", cl.Relname, att)
		}
		for _, c := range must(a.Catalog().Attributes(a.table)) {
			if c.Attnum == att && !c.Attnotnull {
				fail(pgerr.WrongObjectType, "index %q cannot be used as replica identity because column %q is nullable", cl.Relname, c.Attname)
			}
		}
	}
}
