// Package rows holds the rows of PostgreSQL 15's system catalogs as Go structs,
// one per catalog, with the catalog's columns as fields (relname → Relname), and
// the fixed facts about the catalogs themselves: OIDs, columns, indexes.
//
// A NULL text is "", a NULL array is nil; columns that are nullable and of
// another kind are datums. No catalog distinguishes NULL from the empty string.
//
// INV-ROWS-1: Scan(Values(r)) gives r back.
// Enforced: Values. Tested: TestRoundTrip.
//
//go:generate go run ../gen -root ../.. -h $PGHOST -p $PGPORT
package rows

import (
	"encoding/binary"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/xid"
)

// Row is a row of some catalog: a pointer to one of this package's structs.
type Row interface {
	Catalog() oid.OID
	Values() []datum.Datum
	Scan([]datum.Datum)
}

// ACLItem is one grant (PostgreSQL: AclItem): rights in the lower 16 bits of
// Rights, grant options in the upper ones. Grantee 0 is PUBLIC.
type ACLItem struct {
	Grantee, Grantor oid.OID
	Rights           uint32
}

// Rights of an ACLItem (PostgreSQL: AclMode).
const (
	Insert      = 1 << 0
	Select      = 1 << 1
	Update      = 1 << 2
	Delete      = 1 << 3
	Truncate    = 1 << 4
	References  = 1 << 5
	Trigger     = 1 << 6
	Execute     = 1 << 7
	Usage       = 1 << 8
	Create      = 1 << 9
	CreateTemp  = 1 << 10
	Connect     = 1 << 11
	Set         = 1 << 12
	AlterSystem = 1 << 13
)

var le = binary.LittleEndian // constant

// Storage of the element types that catalogs use. constant
var (
	elemOID    = array.Elem{Len: 4, ByVal: true, Align: 'i'}
	elemInt2   = array.Elem{Len: 2, ByVal: true, Align: 's'}
	elemChar   = array.Elem{Len: 1, ByVal: true, Align: 'c'}
	elemFloat4 = array.Elem{Len: 4, ByVal: true, Align: 'i'}
	elemText   = array.Elem{Len: -1, Align: 'i'}
	elemACL    = array.Elem{Len: 12, Align: 'i'}
)

func fromOID(v oid.OID) datum.Datum       { return datum.Int(int64(v)) }
func fromXID(v xid.XID) datum.Datum       { return datum.Int(int64(v)) }
func fromInt2(v int16) datum.Datum        { return datum.Int(int64(v)) }
func fromInt4(v int32) datum.Datum        { return datum.Int(int64(v)) }
func fromInt8(v int64) datum.Datum        { return datum.Int(v) }
func fromBool(v bool) datum.Datum         { return datum.Bool(v) }
func fromChar(v byte) datum.Datum         { return datum.Int(int64(v)) }
func fromFloat4(v float32) datum.Datum    { return datum.Float4(v) }
func fromText(v string) datum.Datum       { return datum.String(v) }
func fromName(v string) datum.Datum       { return datum.String(v) }
func fromNullName(v string) datum.Datum   { return fromNullText(v) }
func toOID(d datum.Datum) oid.OID         { return oid.OID(uint32(d.Int)) }
func toXID(d datum.Datum) xid.XID         { return xid.XID(uint32(d.Int)) }
func toInt2(d datum.Datum) int16          { return int16(d.Int) }
func toInt4(d datum.Datum) int32          { return int32(d.Int) }
func toInt8(d datum.Datum) int64          { return d.Int }
func toBool(d datum.Datum) bool           { return d.Bool() }
func toChar(d datum.Datum) byte           { return byte(d.Int) }
func toFloat4(d datum.Datum) float32      { return d.Float4() }
func toText(d datum.Datum) string         { return string(d.Bytes) }
func toOIDVector(d datum.Datum) []oid.OID { return toOIDArray(d) }
func toInt2Vector(d datum.Datum) []int16  { return toInt2Array(d) }

func fromNullText(v string) datum.Datum {
	if v == "" {
		return datum.Null()
	}
	return datum.String(v)
}

func fromOIDVector(v []oid.OID) datum.Datum {
	n := make([]int64, len(v))
	for i, x := range v {
		n[i] = int64(x)
	}
	return datum.Bytes(array.Vector(oid.Oid, n))
}

func fromInt2Vector(v []int16) datum.Datum {
	n := make([]int64, len(v))
	for i, x := range v {
		n[i] = int64(x)
	}
	return datum.Bytes(array.Vector(oid.Int2, n))
}

// fromSlice makes an array datum; nil is NULL.
func fromSlice[T any](typ oid.OID, e array.Elem, v []T, elem func(T) datum.Datum) datum.Datum {
	if v == nil {
		return datum.Null()
	}
	d := make([]datum.Datum, len(v))
	for i, x := range v {
		d[i] = elem(x)
	}
	return datum.Bytes(array.Build(array.Of(typ, d), e))
}

// toSlice reads an array datum of one dimension; NULL and damage are nil, an
// empty array is empty.
func toSlice[T any](d datum.Datum, e array.Elem, elem func(datum.Datum) T) []T {
	if d.Null {
		return nil
	}
	a, err := array.Parse(d.Bytes, e)
	if err != nil {
		return nil
	}
	out := make([]T, len(a.Elems))
	for i, x := range a.Elems {
		out[i] = elem(x)
	}
	return out
}

func fromOIDArray(v []oid.OID) datum.Datum { return fromSlice(oid.Oid, elemOID, v, fromOID) }
func fromInt2Array(v []int16) datum.Datum  { return fromSlice(oid.Int2, elemInt2, v, fromInt2) }
func fromCharArray(v []byte) datum.Datum   { return fromSlice(oid.Char, elemChar, v, fromChar) }
func fromTextArray(v []string) datum.Datum { return fromSlice(oid.Text, elemText, v, fromText) }
func fromFloat4Array(v []float32) datum.Datum {
	return fromSlice(oid.Float4, elemFloat4, v, fromFloat4)
}
func toOIDArray(d datum.Datum) []oid.OID    { return toSlice(d, elemOID, toOID) }
func toInt2Array(d datum.Datum) []int16     { return toSlice(d, elemInt2, toInt2) }
func toCharArray(d datum.Datum) []byte      { return toSlice(d, elemChar, toChar) }
func toTextArray(d datum.Datum) []string    { return toSlice(d, elemText, toText) }
func toFloat4Array(d datum.Datum) []float32 { return toSlice(d, elemFloat4, toFloat4) }

func fromACLArray(v []ACLItem) datum.Datum {
	return fromSlice(oid.AclItem, elemACL, v, ACLItem.Datum)
}

// Datum is the item's 12 bytes.
func (a ACLItem) Datum() datum.Datum {
	b := make([]byte, 0, 12)
	b = le.AppendUint32(b, uint32(a.Grantee))
	b = le.AppendUint32(b, uint32(a.Grantor))
	return datum.Bytes(le.AppendUint32(b, a.Rights))
}

func toACLArray(d datum.Datum) []ACLItem {
	return toSlice(d, elemACL, func(e datum.Datum) ACLItem { return ACLItemOf(e.Bytes) })
}

// ACLItemOf reads the 12 bytes of an item.
func ACLItemOf(b []byte) ACLItem {
	return ACLItem{oid.OID(le.Uint32(b)), oid.OID(le.Uint32(b[4:])), le.Uint32(b[8:])}
}
