// Package types converts SQL values between their text form, their binary wire
// form and package datum's form, for every type that pgmini knows. Conversions
// are keyed by the name of PostgreSQL's input, output, receive and send function
// (pg_proc.prosrc of pg_type.typinput …), so that the catalog decides.
//
// INV-TYP-1: no text and no message, however damaged, makes a conversion panic
// or allocate by an unchecked length.
// Enforced: Env.Input, Env.Recv. Tested: FuzzInput, FuzzRecv.
//
// INV-TYP-2: a value that came in through Input is, byte for byte, the payload
// that stock PostgreSQL 15 stores for the same text.
// Enforced: Env.Input. Tested: TestPayloadLikeStock.
package types

import (
	"time"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
)

// DateStyle is the output half of the setting DateStyle.
type DateStyle uint8

// The date styles.
const (
	StyleISO DateStyle = iota
	StyleSQL
	StylePostgres
	StyleGerman
)

// DateOrder is the input half of the setting DateStyle.
type DateOrder uint8

// The field orders.
const (
	OrderMDY DateOrder = iota
	OrderDMY
	OrderYMD
)

// IntervalStyle is the setting of that name.
type IntervalStyle uint8

// The interval styles.
const (
	IntervalPostgres IntervalStyle = iota
	IntervalVerbose
	IntervalSQLStandard
	IntervalISO
)

// Env is what conversions depend on: settings of the session, and the catalog.
// The zero value has PostgreSQL's defaults but for ExtraFloatDigits (NewEnv).
type Env struct {
	DateStyle     DateStyle
	DateOrder     DateOrder
	IntervalStyle IntervalStyle
	Zone          *time.Location // nil: UTC
	// ExtraFloatDigits: above 0 shortest exact output (the default is 1).
	ExtraFloatDigits int
	ByteaEscape      bool
	// Now is the start of the transaction, in microseconds since 2000-01-01 UTC:
	// what 'now', 'today' … mean. nil: the clock.
	Now func() int64
	// Catalog resolves names and types that are not built in; may be nil.
	Catalog Catalog
	// Search is not used by conversions of plain types.
}

// NewEnv is an Env with PostgreSQL's defaults and time zone UTC.
func NewEnv() *Env { return &Env{ExtraFloatDigits: 1, Zone: time.UTC} }

// RegKind names one of the reg* types.
type RegKind uint8

// The reg* types.
const (
	RegClass RegKind = iota
	RegType
	RegProc
	RegProcedure
	RegOper
	RegOperator
	RegNamespace
	RegRole
	RegCollation
	RegConfig
	RegDictionary
)

// TypeInfo is what conversions must know of a type: columns of pg_type, with the
// names of its functions as their prosrc.
type TypeInfo struct {
	OID        oid.OID
	Name       string
	Schema     string // "pg_catalog" …
	Len        int16
	ByVal      bool
	Align      byte
	Storage    byte
	Delim      byte
	Type       byte    // typtype: b, c, d, e, p, r, m
	Category   byte    // typcategory
	Elem       oid.OID // typelem
	Array      oid.OID // typarray
	Base       oid.OID // typbasetype
	Rel        oid.OID // typrelid
	TypMod     int32   // typtypmod
	Collation  oid.OID
	In, Out    string
	Recv, Send string
	ModIn      string
	ModOut     string
	Subscript  string // typsubscript: array_subscript_handler marks a true array
	Visible    bool   // found through search_path without its schema
	BuiltIn    bool
}

// Column is a column of a row type.
type Column struct {
	Name    string
	Type    oid.OID
	TypMod  int32
	Dropped bool
}

// Catalog answers what conversions ask of the system catalogs, as the current
// transaction sees them.
type Catalog interface {
	// Type finds a type by OID.
	Type(t oid.OID) (TypeInfo, bool)
	// RegIn resolves a name (not all digits, not "-") to an OID; the error is
	// PostgreSQL's (relation "x" does not exist).
	RegIn(k RegKind, name string) (oid.OID, error)
	// RegOut is the name as reg*out prints it: schema-qualified only if it would
	// not be found without, quoted as needed. False: no such object.
	RegOut(k RegKind, o oid.OID) (string, bool)
	// EnumIn and EnumOut convert labels of an enum type.
	EnumIn(typ oid.OID, label string) (oid.OID, error)
	EnumOut(o oid.OID) (string, bool)
	// RowType lists the columns of a composite type or a registered record
	// (typ = record, typmod ≥ 0).
	RowType(typ oid.OID, typmod int32) ([]Column, bool)
	// RoleIn and RoleOut serve aclitem; 0 is PUBLIC.
	RoleIn(name string) (oid.OID, error)
	RoleOut(o oid.OID) (string, bool)
	// CheckDomain applies the constraints of a domain to a value of its base type.
	CheckDomain(domain oid.OID, d datum.Datum) error
}
