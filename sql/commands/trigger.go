package commands

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/pgerr"
)

// firing is what a subcommand of ALTER TABLE makes of pg_trigger.tgenabled, or 0.
func firing(t pg.AlterTableType) byte {
	switch t {
	case pg.AlterTableType_AT_EnableTrig, pg.AlterTableType_AT_EnableTrigAll, pg.AlterTableType_AT_EnableTrigUser:
		return 'O'
	case pg.AlterTableType_AT_EnableAlwaysTrig:
		return 'A'
	case pg.AlterTableType_AT_EnableReplicaTrig:
		return 'R'
	case pg.AlterTableType_AT_DisableTrig, pg.AlterTableType_AT_DisableTrigAll, pg.AlterTableType_AT_DisableTrigUser:
		return 'D'
	}
	return 0
}

// enableTriggers runs ENABLE and DISABLE TRIGGER.
func (a *alteration) enableTriggers(k *pg.AlterTableCmd) {
	user := k.Subtype == pg.AlterTableType_AT_EnableTrigUser || k.Subtype == pg.AlterTableType_AT_DisableTrigUser
	found := false
	for _, t := range must(a.Catalog().TriggersOf(a.table)) {
		if k.Name != "" && t.Tgname != k.Name {
			continue
		}
		if t.Tgisinternal {
			if user {
				continue
			}
			if !a.Superuser() {
				fail(pgerr.InsufficientPrivilege, "permission denied: %q is a system trigger", t.Tgname)
			}
		}
		found = true
		if on := firing(k.Subtype); t.Tgenabled != on {
			change(a.cmd, t.Oid, func(r *rows.PgTrigger) { r.Tgenabled = on })
			a.Catalog().InvalidateRelation(a.table)
		}
	}
	if k.Name != "" && !found {
		fail(pgerr.UndefinedObject, "trigger %q for table %q does not exist", k.Name, a.name)
	}
}
