package catalog

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// Object names any database object (PostgreSQL: ObjectAddress). Class is the
// catalog's OID; Sub is a column number or 0.
type Object struct {
	Class, ID oid.OID
	Sub       int32
}

// Kinds of dependency (pg_depend.deptype).
const (
	DependNormal    byte = 'n'
	DependAuto      byte = 'a'
	DependInternal  byte = 'i'
	DependExtension byte = 'e'
)

// NewRelation is a table, sequence, view or TOAST table to be made.
type NewRelation struct {
	OID         oid.OID // 0: a new one
	Name        string
	Namespace   oid.OID
	Tablespace  oid.OID // 0: the database's
	Kind        byte    // rows.PgClass.Relkind
	Persistence byte
	Owner       oid.OID
	AM          oid.OID // 0 for kinds without
	Columns     []access.Attr
	Options     []string // reloptions, "name=value"
	OfType      oid.OID
	ACL         []rows.ACLItem
	NoRowType   bool // no composite type (TOAST tables, indexes)
}

// NewIndex is an index to be made. The caller builds its contents.
type NewIndex struct {
	OID        oid.OID // 0: a new one
	Table      *access.Relation
	Name       string
	Tablespace oid.OID
	AM         oid.OID
	AttNums    []int16  // 0 is an expression; key columns first, then INCLUDEd ones
	Names      []string // column names
	KeyCols    int
	Opclasses  []oid.OID // of key columns
	Collations []oid.OID
	Options    []int16
	Exprs      string // pg_node_tree list or ""
	ExprTypes  []oid.OID
	Pred       string // pg_node_tree list or ""
	RelOptions []string

	Unique, Primary, NullsNotDistinct, Exclusion bool
	NotImmediate                                 bool // deferrable constraint
	Constraint                                   byte // 0, 'p', 'u': make the constraint's row too
	Deferrable, InitiallyDeferred                bool
	Invalid                                      bool     // built later: CREATE INDEX CONCURRENTLY
	Refs                                         []Object // what the expressions depend on
}

// NewConstraint is a row of pg_constraint with its dependencies.
type NewConstraint struct {
	Row  rows.PgConstraint
	Refs []Object // what its expression depends on
}

// CreateRelation makes the rows and the storage of a relation: pg_class,
// pg_attribute, the row type and its array type, pg_depend, and the TOAST table
// when a column needs one. Messages are PostgreSQL's (42P07, 42701 …).
func (s *Session) CreateRelation(n NewRelation) (oid.OID, error) {
	return 0, pgerr.NotYet("CreateRelation")
}

// CreateIndex makes the rows and the empty file of an index.
func (s *Session) CreateIndex(n NewIndex) (oid.OID, error) { return 0, pgerr.NotYet("CreateIndex") }

// CreateToastTable makes a TOAST table for rel if its columns need one and it
// has none.
func (s *Session) CreateToastTable(rel oid.OID) error { return pgerr.NotYet("CreateToastTable") }

// AddColumn appends a column to a table. missing is what existing rows have.
func (s *Session) AddColumn(rel oid.OID, a access.Attr, missing *datum.Datum) (int16, error) {
	return 0, pgerr.NotYet("AddColumn")
}

// StoreDefault makes or replaces the default of a column: a pg_node_tree and
// what it depends on. "" removes it. Generated columns have deptype DependAuto.
func (s *Session) StoreDefault(rel oid.OID, att int16, expr string, refs []Object) error {
	return pgerr.NotYet("StoreDefault")
}

// AddConstraint makes a constraint; Row.Oid 0 gets a new OID.
func (s *Session) AddConstraint(n NewConstraint) (oid.OID, error) {
	return 0, pgerr.NotYet("AddConstraint")
}

// CreateNamespace makes a schema.
func (s *Session) CreateNamespace(name string, owner oid.OID) (oid.OID, error) {
	return 0, pgerr.NotYet("CreateNamespace")
}

// CreateRule makes the rewrite rule of a view: ev_action as pg_node_tree.
func (s *Session) CreateRule(r rows.PgRewrite, refs []Object) (oid.OID, error) {
	return 0, pgerr.NotYet("CreateRule")
}

// CreateSequence makes the relation, the row in pg_sequence, and the first and
// only tuple of a sequence.
func (s *Session) CreateSequence(n NewRelation, seq rows.PgSequence) (oid.OID, error) {
	return 0, pgerr.NotYet("CreateSequence")
}

// DatabaseStrategy is how CREATE DATABASE copies its template.
type DatabaseStrategy byte

// Strategies of CREATE DATABASE.
const (
	WalLog   DatabaseStrategy = 'w'
	FileCopy DatabaseStrategy = 'f'
)

// CreateDatabase makes a database from a template: row.Oid 0 gets a new OID.
func (s *Session) CreateDatabase(row rows.PgDatabase, template oid.OID, how DatabaseStrategy) (oid.OID, error) {
	return 0, pgerr.NotYet("CreateDatabase")
}

// DropDatabase removes a database nobody is connected to.
func (s *Session) DropDatabase(db oid.OID) error { return pgerr.NotYet("DropDatabase") }

// Depend records that each of objs depends on ref; pinned refs need no row.
func (s *Session) Depend(obj Object, kind byte, refs ...Object) error {
	return pgerr.NotYet("Depend")
}

// DependOwner records the owner of a shared or database object in pg_shdepend.
func (s *Session) DependOwner(obj Object, owner oid.OID) error { return pgerr.NotYet("DependOwner") }

// DropBehavior is RESTRICT or CASCADE.
type DropBehavior byte

// Behaviors of DROP.
const (
	Restrict DropBehavior = 0
	Cascade  DropBehavior = 1
)

// Drop removes objects and what depends on them (PostgreSQL: performDeletion).
// RESTRICT fails with 2BP01, listing the dependents as PostgreSQL does; CASCADE
// tells notice what else goes.
func (s *Session) Drop(objs []Object, how DropBehavior, notice func(*pgerr.Error)) error {
	return pgerr.NotYet("Drop")
}

// Describe is an object as messages name it: "table t", "column a of table t".
func (s *Session) Describe(o Object) (string, error) { return "", pgerr.NotYet("Describe") }

// NewFilenode gives a relation an empty file in place of its own (TRUNCATE,
// rewrites, REINDEX). The old one goes at commit.
func (s *Session) NewFilenode(rel oid.OID, persistence byte) (*access.Relation, error) {
	return nil, pgerr.NotYet("NewFilenode")
}

// SwapFilenodes exchanges the files of two tables and of their TOAST tables.
func (s *Session) SwapFilenodes(a, b oid.OID) error { return pgerr.NotYet("SwapFilenodes") }

// RelationStats are the figures in pg_class that VACUUM, ANALYZE and CREATE
// INDEX measure. They are updated in place.
type RelationStats struct {
	Pages, AllVisible int32
	Tuples            float32
	HasIndex          bool
	FrozenXID         uint32 // 0: unchanged
	MinMulti          uint32 // 0: unchanged
}

// UpdateStats stores the figures of a relation.
func (s *Session) UpdateStats(rel oid.OID, st RelationStats) error {
	return pgerr.NotYet("UpdateStats")
}
