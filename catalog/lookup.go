package catalog

import (
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/oid"
)

// The lookups below return nil, nil when there is no such row. Rows and slices
// are shared: the caller does not change them.

// Class finds a relation's row.
func (s *Session) Class(o oid.OID) (*rows.PgClass, error) {
	return one[rows.PgClass](s, key{cache: classOID, a: o})
}

// ClassByName finds a relation in a schema.
func (s *Session) ClassByName(name string, namespace oid.OID) (*rows.PgClass, error) {
	return one[rows.PgClass](s, key{cache: className, name: name, a: namespace})
}

// Attributes lists the columns of a relation, dropped ones too, without the
// system columns, by number.
func (s *Session) Attributes(rel oid.OID) ([]*rows.PgAttribute, error) {
	return list[rows.PgAttribute](s, key{cache: attributes, a: rel})
}

// AttributeByName finds a column, also a system column; dropped ones not.
func (s *Session) AttributeByName(rel oid.OID, name string) (*rows.PgAttribute, error) {
	return one[rows.PgAttribute](s, key{cache: attributeName, a: rel, name: name})
}

// Type finds a type.
func (s *Session) Type(o oid.OID) (*rows.PgType, error) {
	return one[rows.PgType](s, key{cache: typeOID, a: o})
}

// TypeByName finds a type in a schema.
func (s *Session) TypeByName(name string, namespace oid.OID) (*rows.PgType, error) {
	return one[rows.PgType](s, key{cache: typeName, name: name, a: namespace})
}

// Proc finds a function.
func (s *Session) Proc(o oid.OID) (*rows.PgProc, error) {
	return one[rows.PgProc](s, key{cache: procOID, a: o})
}

// ProcsByName lists the functions of a name in all schemas.
func (s *Session) ProcsByName(name string) ([]*rows.PgProc, error) {
	return list[rows.PgProc](s, key{cache: procName, name: name})
}

// Operator finds an operator.
func (s *Session) Operator(o oid.OID) (*rows.PgOperator, error) {
	return one[rows.PgOperator](s, key{cache: operatorOID, a: o})
}

// OperatorsByName lists the operators of a name in all schemas, all argument
// types.
func (s *Session) OperatorsByName(name string) ([]*rows.PgOperator, error) {
	return list[rows.PgOperator](s, key{cache: operatorName, name: name})
}

// Cast finds the cast between two types.
func (s *Session) Cast(source, target oid.OID) (*rows.PgCast, error) {
	return one[rows.PgCast](s, key{cache: castTypes, a: source, b: target})
}

// Opclass finds an operator class.
func (s *Session) Opclass(o oid.OID) (*rows.PgOpclass, error) {
	return one[rows.PgOpclass](s, key{cache: opclassOID, a: o})
}

// OpclassesByAM lists the operator classes of an access method.
func (s *Session) OpclassesByAM(am oid.OID) ([]*rows.PgOpclass, error) {
	return list[rows.PgOpclass](s, key{cache: opclassAM, a: am})
}

// Opfamily finds an operator family.
func (s *Session) Opfamily(o oid.OID) (*rows.PgOpfamily, error) {
	return one[rows.PgOpfamily](s, key{cache: opfamilyOID, a: o})
}

// AmopsByFamily lists the operators of a family.
func (s *Session) AmopsByFamily(family oid.OID) ([]*rows.PgAmop, error) {
	return list[rows.PgAmop](s, key{cache: amopFamily, a: family})
}

// AmopsByOperator lists the places of an operator in families.
func (s *Session) AmopsByOperator(operator oid.OID) ([]*rows.PgAmop, error) {
	return list[rows.PgAmop](s, key{cache: amopOperator, a: operator})
}

// AmprocsByFamily lists the support functions of a family.
func (s *Session) AmprocsByFamily(family oid.OID) ([]*rows.PgAmproc, error) {
	return list[rows.PgAmproc](s, key{cache: amprocFamily, a: family})
}

// Aggregate finds the aggregate part of a function.
func (s *Session) Aggregate(fn oid.OID) (*rows.PgAggregate, error) {
	return one[rows.PgAggregate](s, key{cache: aggregateFn, a: fn})
}

// Am finds an access method.
func (s *Session) Am(o oid.OID) (*rows.PgAm, error) {
	return one[rows.PgAm](s, key{cache: amOID, a: o})
}

// AmByName finds an access method.
func (s *Session) AmByName(name string) (*rows.PgAm, error) {
	return one[rows.PgAm](s, key{cache: amName, name: name})
}

// Namespace finds a schema.
func (s *Session) Namespace(o oid.OID) (*rows.PgNamespace, error) {
	return one[rows.PgNamespace](s, key{cache: namespaceOID, a: o})
}

// NamespaceByName finds a schema.
func (s *Session) NamespaceByName(name string) (*rows.PgNamespace, error) {
	return one[rows.PgNamespace](s, key{cache: namespaceName, name: name})
}

// AuthID finds a role.
func (s *Session) AuthID(o oid.OID) (*rows.PgAuthid, error) {
	return one[rows.PgAuthid](s, key{cache: authOID, a: o})
}

// AuthIDByName finds a role.
func (s *Session) AuthIDByName(name string) (*rows.PgAuthid, error) {
	return one[rows.PgAuthid](s, key{cache: authName, name: name})
}

// MembershipsOf lists the roles that a role was granted.
func (s *Session) MembershipsOf(member oid.OID) ([]*rows.PgAuthMembers, error) {
	return list[rows.PgAuthMembers](s, key{cache: authMember, a: member})
}

// Database finds a database.
func (s *Session) Database(o oid.OID) (*rows.PgDatabase, error) {
	return one[rows.PgDatabase](s, key{cache: databaseOID, a: o})
}

// DatabaseByName finds a database.
func (s *Session) DatabaseByName(name string) (*rows.PgDatabase, error) {
	return one[rows.PgDatabase](s, key{cache: databaseName, name: name})
}

// Tablespace finds a tablespace.
func (s *Session) Tablespace(o oid.OID) (*rows.PgTablespace, error) {
	return one[rows.PgTablespace](s, key{cache: tablespaceOID, a: o})
}

// TablespaceByName finds a tablespace.
func (s *Session) TablespaceByName(name string) (*rows.PgTablespace, error) {
	return one[rows.PgTablespace](s, key{cache: tablespaceName, name: name})
}

// Collation finds a collation.
func (s *Session) Collation(o oid.OID) (*rows.PgCollation, error) {
	return one[rows.PgCollation](s, key{cache: collationOID, a: o})
}

// CollationsByName lists the collations of a name in all schemas and encodings.
func (s *Session) CollationsByName(name string) ([]*rows.PgCollation, error) {
	return list[rows.PgCollation](s, key{cache: collationName, name: name})
}

// Constraint finds a constraint.
func (s *Session) Constraint(o oid.OID) (*rows.PgConstraint, error) {
	return one[rows.PgConstraint](s, key{cache: constraintOID, a: o})
}

// ConstraintsOf lists the constraints of a relation by name.
func (s *Session) ConstraintsOf(rel oid.OID) ([]*rows.PgConstraint, error) {
	return list[rows.PgConstraint](s, key{cache: constraintRel, a: rel})
}

// ConstraintsOfType lists the constraints of a domain by name.
func (s *Session) ConstraintsOfType(typ oid.OID) ([]*rows.PgConstraint, error) {
	return list[rows.PgConstraint](s, key{cache: constraintType, a: typ})
}

// AttrDefs lists the column defaults of a relation by column.
func (s *Session) AttrDefs(rel oid.OID) ([]*rows.PgAttrdef, error) {
	return list[rows.PgAttrdef](s, key{cache: attrdefRel, a: rel})
}

// Index finds the pg_index row of an index.
func (s *Session) Index(index oid.OID) (*rows.PgIndex, error) {
	return one[rows.PgIndex](s, key{cache: indexOID, a: index})
}

// IndexesOf lists the pg_index rows of a table's indexes by the indexes' OIDs:
// the order in which they are opened, locked and inserted into.
func (s *Session) IndexesOf(table oid.OID) ([]*rows.PgIndex, error) {
	return list[rows.PgIndex](s, key{cache: indexTable, a: table})
}

// Statistic finds the statistics of a column.
func (s *Session) Statistic(rel oid.OID, att int16, inherited bool) (*rows.PgStatistic, error) {
	k := key{cache: statistic, a: rel, b: oid.OID(uint16(att))}
	if inherited {
		k.c = 1
	}
	return one[rows.PgStatistic](s, k)
}

// RulesOf lists the rewrite rules of a relation by name.
func (s *Session) RulesOf(rel oid.OID) ([]*rows.PgRewrite, error) {
	return list[rows.PgRewrite](s, key{cache: rewriteRel, a: rel})
}

// TriggersOf lists the triggers of a relation by name.
func (s *Session) TriggersOf(rel oid.OID) ([]*rows.PgTrigger, error) {
	return list[rows.PgTrigger](s, key{cache: triggerRel, a: rel})
}

// Enum finds a label of an enum type.
func (s *Session) Enum(o oid.OID) (*rows.PgEnum, error) {
	return one[rows.PgEnum](s, key{cache: enumOID, a: o})
}

// EnumsOf lists the labels of an enum type in their sort order.
func (s *Session) EnumsOf(typ oid.OID) ([]*rows.PgEnum, error) {
	return list[rows.PgEnum](s, key{cache: enumType, a: typ})
}

// Range finds the range part of a range type.
func (s *Session) Range(typ oid.OID) (*rows.PgRange, error) {
	return one[rows.PgRange](s, key{cache: rangeType, a: typ})
}

// Language finds a language.
func (s *Session) Language(o oid.OID) (*rows.PgLanguage, error) {
	return one[rows.PgLanguage](s, key{cache: languageOID, a: o})
}

// LanguageByName finds a language.
func (s *Session) LanguageByName(name string) (*rows.PgLanguage, error) {
	return one[rows.PgLanguage](s, key{cache: languageName, name: name})
}

// Sequence finds the parameters of a sequence.
func (s *Session) Sequence(rel oid.OID) (*rows.PgSequence, error) {
	return one[rows.PgSequence](s, key{cache: sequenceRel, a: rel})
}

// ChildrenOf lists the inheritance children of a relation.
func (s *Session) ChildrenOf(parent oid.OID) ([]*rows.PgInherits, error) {
	return list[rows.PgInherits](s, key{cache: inheritsParent, a: parent})
}

// ParentsOf lists the inheritance parents of a relation by number.
func (s *Session) ParentsOf(child oid.OID) ([]*rows.PgInherits, error) {
	return list[rows.PgInherits](s, key{cache: inheritsChild, a: child})
}

// PartitionedTable finds the partition key of a partitioned table.
func (s *Session) PartitionedTable(rel oid.OID) (*rows.PgPartitionedTable, error) {
	return one[rows.PgPartitionedTable](s, key{cache: partitionedRel, a: rel})
}

// RoleSettings lists pg_db_role_setting's rows of a database and a role, either
// of which may be 0.
func (s *Session) RoleSettings(db, role oid.OID) (*rows.PgDbRoleSetting, error) {
	return one[rows.PgDbRoleSetting](s, key{cache: roleSetting, a: db, b: role})
}
