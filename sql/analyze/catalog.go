package analyze

import (
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
)

// Catalog is what analysis asks of the system catalogs. A lookup that finds
// nothing returns nil (or oid.Invalid) without an error. Where a schema is "",
// the search path decides, and lists are in its order: a row hidden by one of
// the same signature in an earlier schema is left out.
type Catalog interface {
	Type(id oid.OID) (*Type, error)
	TypeByName(schema, name string) (*Type, error)
	Functions(schema, name string) ([]*Function, error)
	Function(id oid.OID) (*Function, error)
	Operators(schema, name string) ([]*Operator, error)
	Operator(id oid.OID) (*Operator, error)
	Cast(source, target oid.OID) (*Cast, error)
	Relation(schema, name string) (*Relation, error)
	RelationByOID(id oid.OID) (*Relation, error)
	SchemaExists(name string) (bool, error)
	Collation(schema, name string) (oid.OID, error)
	CollationName(id oid.OID) (string, error)
	// Opclasses lists the default operator classes of an access method.
	Opclasses(am oid.OID) ([]*Opclass, error)
	// FamilyOperator is the member of an operator family (pg_amop, search).
	FamilyOperator(family, left, right oid.OID, strategy int) (oid.OID, error)
	// OperatorFamilies lists the search memberships of an operator.
	OperatorFamilies(op oid.OID) ([]FamilyMember, error)
	// InRangeFuncs lists the functions of a btree family that compare a value of
	// type left with another one and an offset: the bounds of RANGE frames.
	InRangeFuncs(family, left oid.OID) ([]InRangeFunc, error)
	// IsInheritedFrom tells whether relation child inherits from parent.
	IsInheritedFrom(child, parent oid.OID) (bool, error)
	// UniqueIndexes lists the valid, immediate unique indexes of a table.
	UniqueIndexes(table oid.OID) ([]*UniqueIndex, error)
	// ConstraintByName finds a unique or primary key constraint of a table.
	ConstraintByName(table oid.OID, name string) (oid.OID, error)
	// Input converts a literal by the type's input function.
	Input(t *Type, typmod int32, literal string) (datum.Datum, error)
	// TypmodIn converts type modifiers by the type's typmodin function.
	TypmodIn(t *Type, mods []string) (int32, error)
	// DatabaseName is the name that a three-part name must start with.
	DatabaseName() string
}

// Type is a row of pg_type.
type Type struct {
	OID, Namespace             oid.OID
	Name, NamespaceName        string
	Len                        int16
	ByVal                      bool
	Kind, Category, Delim      byte // typtype, typcategory, typdelim
	Preferred, Defined         bool
	RelID, Elem, Array         oid.OID
	BaseType                   oid.OID
	TypMod                     int32 // typtypmod of a domain
	NotNull                    bool
	Collation                  oid.OID
	Input, Output, TypmodIn    oid.OID
	Subscript                  oid.OID // typsubscript: a true array has array_subscript_handler
	TrueArray                  bool    // Elem is set and typsubscript is array_subscript_handler
	HasConstraints             bool    // a domain with checks, its own or inherited
	RangeSubtype, RangeOfMulti oid.OID // rngsubtype of a range; the range of a multirange
	Multirange                 oid.OID // of a range
	DefaultTree                string  // typdefaultbin
	Default                    string  // typdefault
}

// Function is a row of pg_proc, joined with pg_aggregate for aggregates.
type Function struct {
	OID, Namespace  oid.OID
	Name, Schema    string
	Kind            byte // f, p, a, w
	ArgTypes        []oid.OID
	AllArgTypes     []oid.OID // nil if all are IN
	ArgModes        []byte
	ArgNames        []string
	NArgDefaults    int
	Defaults        string // proargdefaults
	RetType         oid.OID
	RetSet, Strict  bool
	Volatile        byte
	Variadic        oid.OID
	AggKind         byte // n, o, h
	AggDirectArgs   int
	AggTransType    oid.OID
	Support, SQLSrc string
}

// Operator is a row of pg_operator.
type Operator struct {
	OID, Namespace      oid.OID
	Name, Schema        string
	Kind                byte // b, l
	Left, Right, Result oid.OID
	Proc                oid.OID
	Commutator, Negator oid.OID
	CanHash, CanMerge   bool
}

// InRangeFunc is support function 3 of a btree family, and its offset's type.
type InRangeFunc struct{ Offset, Func oid.OID }

// Cast is a row of pg_cast.
type Cast struct {
	Source, Target, Func oid.OID
	Context, Method      byte // e a i; f i b
}

// Opclass is a row of pg_opclass.
type Opclass struct {
	OID, Family, InType, AM oid.OID
	Default                 bool
}

// FamilyMember is a row of pg_amop with purpose search.
type FamilyMember struct {
	Family, Left, Right, AM oid.OID
	Strategy                int
}

// Relation is a row of pg_class with its columns.
type Relation struct {
	OID, Namespace, Type oid.OID
	Name, Schema         string
	Kind, Persistence    byte
	HasSubclass          bool
	Columns              []Column
	RowSecurity          bool
	// ViewRule is ev_action of the ON SELECT rule; "" if there is none.
	ViewRule        string
	SecurityBarrier bool
	Owner           oid.OID
	HasRules        bool // other than ON SELECT
	HasTriggers     bool
	CheckOption     string // of a view: local, cascaded, or none
}

// Column is a row of pg_attribute with attnum > 0, in order, dropped included.
type Column struct {
	Name      string
	Type      oid.OID
	TypMod    int32
	Collation oid.OID
	Dropped   bool
	NotNull   bool
	Identity  byte
	Generated byte
	// Default is pg_attrdef.adbin; "" if there is none.
	Default string
}

// UniqueIndex is what ON CONFLICT and functional dependency ask of an index.
type UniqueIndex struct {
	OID, Constraint oid.OID
	Primary         bool
	Deferrable      bool
	Attnums         []int // key columns; 0 is an expression
	Partial         bool
}
