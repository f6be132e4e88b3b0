package commands

import (
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/catalog/sequence"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
)

// setPersistence runs SET LOGGED and SET UNLOGGED: the rows move to a file of the
// other kind.
func (a *alteration) setPersistence(logged bool) {
	if a.ch.persistence != 0 {
		fail(pgerr.FeatureNotSupported, "cannot change persistence setting twice")
	}
	cl := a.class(a.table)
	if cl.Relpersistence == 't' {
		e := pgerr.New(pgerr.InvalidTableDefinition, "cannot change logged status of table %q because it is temporary", cl.Relname)
		e.Table, e.Schema = cl.Relname, a.schemaName(cl.Relnamespace)
		failWith(e)
	}
	if logged == (cl.Relpersistence == 'p') {
		return
	}
	a.checkKeyPersistence(cl, logged)
	a.ch.persistence, a.ch.rewrite = 'u', true
	if logged {
		a.ch.persistence = 'p'
	}
	for _, q := range a.ownedSequences(a.table, 0) {
		a.sequencePersistence(q, a.ch.persistence)
	}
}

// checkKeyPersistence refuses a permanent table whose foreign key references an
// unlogged one.
func (a *alteration) checkKeyPersistence(cl *rows.PgClass, logged bool) {
	column := rows.AnumPgConstraintConfrelid
	if logged {
		column = rows.AnumPgConstraintConrelid
	}
	for _, f := range must(rowsBy[rows.PgConstraint](a.cmd, column, oidDatum(a.table))) {
		k := f.Row
		if k.Contype != 'f' || k.Conrelid == k.Confrelid {
			continue
		}
		other, format := k.Conrelid, "could not change table %q to unlogged because it references logged table %q"
		if logged {
			other, format = k.Confrelid, "could not change table %q to logged because it references unlogged table %q"
		}
		if o := a.class(other); (o.Relpersistence == 'p') != logged {
			fail(pgerr.InvalidTableDefinition, format, cl.Relname, o.Relname)
		}
	}
}

// sequencePersistence moves a sequence to a file of the other kind.
func (c *cmd) sequencePersistence(seq oid.OID, pers byte) {
	cl := c.class(seq)
	if cl.Relpersistence == pers {
		return
	}
	c.lock(cl, lmgr.AccessExclusive)
	st := must(sequence.Get(c.relation(seq)))
	rel := must(c.Catalog().NewFilenode(seq, pers))
	throw(sequence.Init(c.Tx(), rel, page.MainFork, st))
	if pers == 'u' {
		throw(sequence.Init(c.Tx(), rel, page.InitFork, st))
	}
	throw(c.Increment())
}
