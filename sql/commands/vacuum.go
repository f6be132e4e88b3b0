package commands

import (
	"context"
	"math"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/access/nbtree"
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/guc"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xid"
)

// vacuumOptions is what VACUUM and ANALYZE were asked for.
type vacuumOptions struct {
	vacuum, analyze, verbose, freeze, full bool
	noSkip, skipLocked, noTruncate         bool
	noIndexCleanup, noToast                bool
}

// vacuumTarget is a table to be vacuumed or analyzed.
type vacuumTarget struct {
	rel  oid.OID
	name string
	cols []string
}

// vacuum runs VACUUM and ANALYZE.
func (c *cmd) vacuum(n *pg.VacuumStmt) {
	o := c.vacuumOptions(n)
	word := "ANALYZE"
	if o.vacuum {
		word = "VACUUM"
		throw(c.PreventInBlock("VACUUM"))
	}
	targets := c.vacuumTargets(n, &o)
	each := o.vacuum
	if !each && len(n.Rels) != 1 {
		each = c.PreventInBlock(word) == nil // ANALYZE of all tables: a transaction each, if it may
	}
	for _, t := range targets {
		if o.vacuum {
			throw(c.NextTransaction())
			if !c.vacuumTable(t.rel, t.name, &o, true) {
				continue
			}
		}
		if o.analyze {
			if each {
				throw(c.NextTransaction())
			}
			c.analyzeTable(t, &o)
			throw(c.Increment())
		}
	}
	if each {
		throw(c.NextTransaction())
	}
	if o.vacuum {
		c.updateDatFrozenXID()
	}
}

func (c *cmd) vacuumOptions(n *pg.VacuumStmt) vacuumOptions {
	o := vacuumOptions{vacuum: n.IsVacuumcmd, analyze: !n.IsVacuumcmd}
	for _, e := range n.Options {
		d := e.GetDefElem()
		switch name := d.Defname; {
		case name == "verbose":
			o.verbose = defBool(d)
		case name == "skip_locked":
			o.skipLocked = defBool(d)
		case !o.vacuum:
			failWith(pgerr.New(pgerr.SyntaxError, "unrecognized ANALYZE option %q", name).At(c.at(d.Location)))
		case name == "analyze":
			o.analyze = defBool(d)
		case name == "freeze":
			o.freeze = defBool(d)
		case name == "full":
			o.full = defBool(d)
		case name == "disable_page_skipping":
			o.noSkip = defBool(d)
		case name == "truncate":
			o.noTruncate = !defBool(d)
		case name == "process_toast":
			o.noToast = !defBool(d)
		case name == "index_cleanup":
			o.noIndexCleanup = d.Arg != nil && nodeText(d.Arg) != "auto" && !defBool(d)
		case name == "parallel":
			if d.Arg == nil {
				failWith(pgerr.New(pgerr.SyntaxError, "parallel option requires a value between 0 and %d", 1024).At(c.at(d.Location)))
			}
			if v := defInt(d); v < 0 || v > 1024 {
				failWith(pgerr.New(pgerr.SyntaxError, "parallel workers for vacuum must be between 0 and %d", 1024).At(c.at(d.Location)))
			}
		default:
			failWith(pgerr.New(pgerr.SyntaxError, "unrecognized VACUUM option %q", name).At(c.at(d.Location)))
		}
	}
	for _, r := range n.Rels {
		if len(r.GetVacuumRelation().VaCols) > 0 && !o.analyze {
			fail(pgerr.FeatureNotSupported, "ANALYZE option must be specified when a column list is provided")
		}
	}
	if o.full && o.noSkip {
		fail(pgerr.FeatureNotSupported, "VACUUM option DISABLE_PAGE_SKIPPING cannot be used with FULL")
	}
	if o.full && o.noToast {
		fail(pgerr.FeatureNotSupported, "PROCESS_TOAST required with VACUUM FULL")
	}
	return o
}

// vacuumTargets lists the tables to work on: those named, or all.
func (c *cmd) vacuumTargets(n *pg.VacuumStmt, o *vacuumOptions) []vacuumTarget {
	var out []vacuumTarget
	for _, r := range n.Rels {
		v := r.GetVacuumRelation()
		cl := c.findClass(v.Relation, false)
		if cl == nil {
			c.noRelation(v.Relation)
		}
		t := vacuumTarget{rel: cl.Oid, name: cl.Relname, cols: names(v.VaCols)}
		if c.mayVacuum(cl, o) {
			out = append(out, t)
		}
	}
	if len(n.Rels) > 0 {
		return out
	}
	for _, f := range must(rowsBy[rows.PgClass](c)) {
		if k := f.Row.Relkind; k != 'r' && k != 'm' {
			continue
		}
		if f.Row.Relpersistence == 't' && !c.inPath(f.Row.Relnamespace) {
			continue
		}
		if c.mayVacuum(f.Row, o) {
			out = append(out, vacuumTarget{rel: f.Row.Oid, name: f.Row.Relname})
		}
	}
	return out
}

// mayVacuum warns about tables of others.
func (c *cmd) mayVacuum(cl *rows.PgClass, o *vacuumOptions) bool {
	if c.isOwner(cl.Relowner) {
		return true
	}
	d := must(c.Catalog().Database(c.Database()))
	if !cl.Relisshared && d != nil && c.isOwner(d.Datdba) {
		return true
	}
	word := "analyze"
	if o.vacuum {
		word = "vacuum"
	}
	switch {
	case cl.Relisshared:
		c.warning(pgerr.Warning, "skipping %q --- only superuser can %s it", cl.Relname, word)
	case cl.Relnamespace == oid.CatalogNamespace:
		c.warning(pgerr.Warning, "skipping %q --- only superuser or database owner can %s it", cl.Relname, word)
	default:
		c.warning(pgerr.Warning, "skipping %q --- only table or database owner can %s it", cl.Relname, word)
	}
	return false
}

// vacuumLock locks a table for VACUUM or ANALYZE; nil: it is gone, or busy and
// that is to be skipped.
func (c *cmd) vacuumLock(rel oid.OID, name, word string, mode lmgr.Mode, o *vacuumOptions) *rows.PgClass {
	cl := must(c.Catalog().Class(rel))
	if cl == nil {
		return nil
	}
	if o.skipLocked {
		db := c.Database()
		if cl.Relisshared {
			db = oid.Invalid
		}
		if !must(c.Tx().TryLockRelation(db, rel, mode)) {
			c.warning(pgerr.LockNotAvailable, "skipping %s of %q --- lock not available", word, name)
			return nil
		}
	} else {
		c.lock(cl, mode)
	}
	return must(c.Catalog().Class(rel))
}

// vacuumTable vacuums a table, and main the TOAST table of it in a transaction
// of its own. false: it was skipped.
func (c *cmd) vacuumTable(rel oid.OID, name string, o *vacuumOptions, main bool) bool {
	mode := lmgr.ShareUpdateExclusive
	if o.full {
		mode = lmgr.AccessExclusive
	}
	cl := c.vacuumLock(rel, name, "vacuum", mode, o)
	if cl == nil {
		return false
	}
	if k := cl.Relkind; k != 'r' && k != 'm' && k != 't' {
		c.warning(pgerr.Warning, "skipping %q --- cannot vacuum non-tables or special system tables", cl.Relname)
		return false
	}
	if o.full && main {
		if cl.Relfilenode == 0 || cl.Relisshared {
			notYet("VACUUM FULL of a mapped catalog")
		}
		c.verbose(o, "vacuuming \"%s.%s\"", c.schemaName(cl.Relnamespace), cl.Relname)
		c.rewrite(rel, nil, true)
		return true
	}
	c.lazyVacuum(cl, o)
	if toast := cl.Reltoastrelid; toast != 0 && main && !o.noToast {
		throw(c.NextTransaction())
		c.lockOID(rel, mode)
		if must(c.Catalog().Class(toast)) != nil {
			c.vacuumTable(toast, "", o, false)
		}
	}
	return true
}

func (c *cmd) lockOID(rel oid.OID, mode lmgr.Mode) {
	if cl := must(c.Catalog().Class(rel)); cl != nil {
		c.lock(cl, mode)
	}
}

func (c *cmd) verbose(o *vacuumOptions, format string, a ...any) {
	if o.verbose {
		c.Notice("INFO", pgerr.New(pgerr.SuccessfulCompletion, format, a...))
	}
}

// indexVacuum is heap.IndexVacuum for one btree.
type indexVacuum struct {
	tx    *xact.Tx
	idx   *access.Relation
	stats *nbtree.VacuumStats
}

// BulkDelete removes the entries of dead rows.
func (v *indexVacuum) BulkDelete(ctx context.Context, dead func(page.TID) bool) (err error) {
	v.stats, err = nbtree.BulkDelete(ctx, v.tx, v.idx, v.stats, dead)
	return err
}

// Cleanup ends the vacuum of the index.
func (v *indexVacuum) Cleanup(ctx context.Context, n float64) (err error) {
	v.stats, err = nbtree.VacuumCleanup(ctx, v.tx, v.idx, v.stats, n)
	return err
}

// freezeAges are the ages of VACUUM's parameters, limited as PostgreSQL does.
func (c *cmd) freezeAges(o *vacuumOptions, p *heap.VacuumParams) {
	if o.freeze {
		return
	}
	age := func(id guc.ID, share float64, limit guc.ID) uint32 {
		return uint32(min(float64(c.Settings().Int(id)), float64(c.Settings().Int(limit))*share))
	}
	p.FreezeMinAge = age(guc.VacuumFreezeMinAge, 0.5, guc.AutovacuumFreezeMaxAge)
	p.FreezeTableAge = age(guc.VacuumFreezeTableAge, 0.95, guc.AutovacuumFreezeMaxAge)
	p.MultiFreezeMinAge = age(guc.VacuumMultixactFreezeMinAge, 0.5, guc.AutovacuumMultixactFreezeMaxAge)
	p.MultiFreezeTableAge = age(guc.VacuumMultixactFreezeTableAge, 0.95, guc.AutovacuumMultixactFreezeMaxAge)
}

// lazyVacuum vacuums one heap, which is locked.
func (c *cmd) lazyVacuum(cl *rows.PgClass, o *vacuumOptions) {
	rel := c.relation(cl.Oid)
	schema := c.schemaName(cl.Relnamespace)
	full := c.DatabaseName() + "." + schema + "." + cl.Relname
	c.verbose(o, "vacuuming %q", full)
	p := heap.VacuumParams{Schema: schema, NoPageSkipping: o.noSkip, NoIndexCleanup: o.noIndexCleanup, NoTruncate: o.noTruncate,
		RelFrozenXID: cl.Relfrozenxid, RelMinMulti: xid.Multi(cl.Relminmxid), MaxDead: int(c.Settings().Int(guc.MaintenanceWorkMem) << 10 / 6)}
	c.freezeAges(o, &p)
	var list []*indexVacuum
	indexes := must(c.Catalog().IndexesOf(cl.Oid))
	for _, ix := range indexes {
		ic := c.class(ix.Indexrelid)
		c.lock(ic, lmgr.RowExclusive)
		if ix.Indisready && ic.Relam == oid.BtreeAM {
			v := &indexVacuum{tx: c.Tx(), idx: c.relation(ix.Indexrelid)}
			list, p.Indexes = append(list, v), append(p.Indexes, v)
		}
	}
	r := must(heap.Vacuum(c.Context(), c.Tx(), rel, p))
	left := r.Pages - r.Truncated
	st := catalog.RelationStats{Pages: int32(left), AllVisible: int32(min(r.AllVisible, left)), HasIndex: len(indexes) > 0,
		Tuples:    estimateTuples(cl, float64(r.Pages), float64(r.Scanned), float64(r.Live)),
		FrozenXID: r.NewFrozenXID, MinMulti: xid.XID(r.NewMinMulti)}
	throw(c.Catalog().UpdateStats(cl.Oid, st))
	for _, v := range list {
		if v.stats != nil && !v.stats.Estimated {
			throw(c.Catalog().UpdateStats(v.idx.OID, catalog.RelationStats{Pages: int32(v.stats.Pages), Tuples: float32(v.stats.Tuples)}))
		}
	}
	throw(c.Increment())
	c.Tx().Stats().Vacuumed(cl.Oid, cl.Relisshared, int64(st.Tuples), int64(r.RecentlyDead))
	share := 100.0
	if r.Pages > 0 {
		share = 100 * float64(r.Scanned) / float64(r.Pages)
	}
	c.verbose(o, "finished vacuuming \"%s\": index scans: %d\npages: %d removed, %d remain, %d scanned (%.2f%% of total)\ntuples: %d removed, %d remain, %d are dead but not yet removable",
		full, r.IndexScans, r.Truncated, left, r.Scanned, share, r.Removed, int64(st.Tuples), r.RecentlyDead)
}

// estimateTuples is the new reltuples of a table of which only some pages were
// read: the others have the density that all had before.
func estimateTuples(cl *rows.PgClass, total, scanned, live float64) float32 {
	old := float64(cl.Reltuples)
	switch {
	case scanned >= total:
		return float32(live)
	case cl.Relpages == int32(total) && scanned < total*0.02, scanned == 0:
		return float32(old)
	case old < 0 || cl.Relpages == 0:
		return float32(math.Floor(live/scanned*total + 0.5))
	}
	return float32(math.Floor(old/float64(cl.Relpages)*(total-scanned) + live + 0.5))
}

// updateDatFrozenXID moves the database's horizon to the oldest of its tables,
// and the status logs' to the oldest of all databases (PostgreSQL:
// vac_update_datfrozenxid).
func (c *cmd) updateDatFrozenXID() {
	m := c.Tx().Manager()
	frozen, multi := m.NextXID().XID(), m.NextMulti()
	for _, f := range must(rowsBy[rows.PgClass](c)) {
		r := f.Row
		if k := r.Relkind; k != 'r' && k != 'm' && k != 't' {
			continue
		}
		if r.Relfrozenxid.IsNormal() && r.Relfrozenxid.Precedes(frozen) {
			frozen = r.Relfrozenxid
		}
		if mm := xid.Multi(r.Relminmxid); mm != 0 && mm.Precedes(multi) {
			multi = mm
		}
	}
	moved := false
	must(catalog.Change(c.Catalog(), true, func(d *rows.PgDatabase) {
		if d.Datfrozenxid.Precedes(frozen) {
			d.Datfrozenxid, moved = frozen, true
		}
		if xid.Multi(d.Datminmxid).Precedes(multi) {
			d.Datminmxid, moved = xid.XID(multi), true
		}
	}, catalog.Search{Anum: rows.AnumPgDatabaseOid, Value: oidDatum(c.Database())}))
	if !moved {
		return
	}
	oldest, oldestDB, oldestMulti, multiDB := frozen, c.Database(), multi, c.Database()
	for _, f := range must(rowsBy[rows.PgDatabase](c)) {
		if f.Row.Datfrozenxid.Precedes(oldest) {
			oldest, oldestDB = f.Row.Datfrozenxid, f.Row.Oid
		}
		if mm := xid.Multi(f.Row.Datminmxid); mm.Precedes(oldestMulti) {
			oldestMulti, multiDB = mm, f.Row.Oid
		}
	}
	throw(m.TruncateCLOG(oldest, oldestDB))
	throw(m.TruncateMulti(oldestMulti, multiDB))
	m.SetXIDLimit(oldest, oldestDB)
	m.SetMultiLimit(oldestMulti, multiDB)
}
