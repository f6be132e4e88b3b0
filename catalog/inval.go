package catalog

import (
	"encoding/binary"
	"sort"

	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
)

// Messages as commit records hold them (storage/sinval.h): 16 bytes, the first a
// signed identifier. Of the catalog caches we name the whole catalog, not one
// entry: stock PostgreSQL understands both. FROZEN.
const (
	MessageSize = 16

	msgCatalog  = -1
	msgRelation = -2
	msgSmgr     = -3
	msgRelmap   = -4
	msgSnapshot = -5

	offDB  = 4
	offObj = 8
)

var le = binary.LittleEndian // constant

func message(id int8, db, obj oid.OID) []byte {
	b := make([]byte, MessageSize)
	b[0] = byte(id)
	le.PutUint32(b[offDB:], uint32(db))
	le.PutUint32(b[offObj:], uint32(obj))
	return b
}

func unlessShared(db oid.OID, shared bool) oid.OID {
	if shared {
		return oid.Invalid
	}
	return db
}

// catalogMessage says that rows of a catalog changed. Catalogs without stock
// caches change only snapshots.
func catalogMessage(catalog, db oid.OID, shared bool) []byte {
	switch catalog {
	case oid.RelDbRoleSetting, oid.RelDepend, oid.RelShdepend, oid.RelDescription, oid.RelShdescription, 3596, 3592:
		return message(msgSnapshot, unlessShared(db, shared), catalog)
	}
	return message(msgCatalog, unlessShared(db, shared), catalog)
}

// relationMessage says that a relation's description changed.
func relationMessage(rel, db oid.OID, shared bool) []byte {
	return message(msgRelation, unlessShared(db, shared), rel)
}

// RelmapMessage says that a database's relation map changed; 0 is the shared one.
func RelmapMessage(db oid.OID) []byte { return message(msgRelmap, db, 0) }

// Invalidate takes the messages of a transaction that committed here, or whose
// commit record was replayed. Bad lengths are cut: the record was checked.
func (s *Server) Invalidate(msgs []byte) {
	// Rows first: a relation that is built between the two from old rows is
	// refused by its generation or dropped again.
	for m := msgs; len(m) >= MessageSize; m = m[MessageSize:] {
		id, c, obj := s.target(m)
		switch {
		case id >= 0: // one entry of a stock cache: which of ours it is, is not told
			c.dropAll()
		case id == msgCatalog, id == msgSnapshot:
			c.dropCatalog(obj)
			if obj == oid.RelEnum { // the order of an enum is bound into its indexes
				c.dropRel(oid.Invalid)
			}
		}
	}
	for m := msgs; len(m) >= MessageSize; m = m[MessageSize:] {
		id, c, obj := s.target(m)
		switch id {
		case msgRelation:
			c.dropRel(obj)
		case msgRelmap:
			s.mu.Lock()
			delete(s.mu.maps, c.db)
			s.mu.Unlock()
			c.dropRel(oid.Invalid)
		}
	}
	s.gen.Add(1)
}

// target takes a message apart.
func (s *Server) target(m []byte) (id int8, c *dbCache, obj oid.OID) {
	return int8(m[0]), s.cache(oid.OID(le.Uint32(m[offDB:]))), oid.OID(le.Uint32(m[offObj:]))
}

// affectedRelations are the relations whose description a catalog row is part
// of.
func affectedRelations(catalog oid.OID, vals []datum.Datum) []oid.OID {
	col := func(anum int) oid.OID { return oid.OID(uint32(vals[anum-1].Int)) }
	switch catalog {
	case oid.RelClass:
		return []oid.OID{col(rows.AnumPgClassOid)}
	case oid.RelAttribute:
		return []oid.OID{col(rows.AnumPgAttributeAttrelid)}
	case oid.RelIndex:
		return []oid.OID{col(rows.AnumPgIndexIndexrelid), col(rows.AnumPgIndexIndrelid)}
	case oid.RelAttrdef:
		return []oid.OID{col(rows.AnumPgAttrdefAdrelid)}
	case oid.RelRewrite:
		return []oid.OID{col(rows.AnumPgRewriteEvClass)}
	case oid.RelTrigger:
		return []oid.OID{col(rows.AnumPgTriggerTgrelid)}
	case oid.RelConstraint:
		if r := col(rows.AnumPgConstraintConrelid); r != oid.Invalid {
			return []oid.OID{r}
		}
	}
	return nil
}

// sortIndexes orders a table's pg_index rows by the indexes' OIDs.
func sortIndexes(v any) {
	if ix, ok := v.([]*rows.PgIndex); ok {
		sort.Slice(ix, func(i, j int) bool { return ix[i].Indexrelid < ix[j].Indexrelid })
	}
}
