package sqlcat

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/trigger"
)

// Writable refuses a table that has something which must happen on a change and
// that is not written yet: triggers but those of constraints, rules, row
// security, partition bounds, exclusion constraints, and indexes of other access
// methods than btree. A table that stock PostgreSQL made may have them.
func (c *Catalog) Writable(rel *access.Relation) error {
	r := c.relationOf(rel)
	if !r.writeDone {
		r.writeErr, r.writeDone = c.writable(rel), true
	}
	return r.writeErr
}

func (c *Catalog) writable(rel *access.Relation) error {
	class, err := c.S.Class(rel.OID)
	if err != nil || class == nil {
		return err
	}
	if class.Relkind == 'm' {
		return pgerr.New(pgerr.WrongObjectType, "cannot change materialized view %q", rel.Name)
	}
	if class.Relhastriggers {
		list, err := c.S.TriggersOf(rel.OID)
		if err != nil {
			return err
		}
		for _, t := range list {
			if t.Tgenabled != 'D' && !trigger.Known(t.Tgfoid) {
				return pgerr.NotYet("changing table %q, which has triggers,", rel.Name)
			}
		}
	}
	if class.Relhasrules {
		list, err := c.S.RulesOf(rel.OID)
		if err != nil {
			return err
		}
		if len(list) > 0 {
			return pgerr.NotYet("changing table %q, which has rules,", rel.Name)
		}
	}
	switch {
	case class.Relrowsecurity:
		return pgerr.NotYet("changing table %q, which has row security,", rel.Name)
	case class.Relispartition:
		return pgerr.NotYet("changing partition %q", rel.Name)
	}
	indexes, err := c.S.IndexesOf(rel.OID)
	if err != nil {
		return err
	}
	for _, x := range indexes {
		ic, err := c.S.Class(x.Indexrelid)
		if err != nil || ic == nil {
			return err
		}
		switch {
		case ic.Relam != oid.BtreeAM:
			return pgerr.NotYet("changing table %q, whose index %q is no btree,", rel.Name, ic.Relname)
		case x.Indisexclusion:
			return pgerr.NotYet("changing table %q, which has exclusion constraint %q,", rel.Name, ic.Relname)
		}
	}
	return nil
}
