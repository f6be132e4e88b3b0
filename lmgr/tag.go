package lmgr

import (
	"fmt"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xid"
)

// TagType is the kind of object that a tag names (PostgreSQL: LockTagType).
type TagType uint8

// The kinds, in PostgreSQL's numbering.
const (
	TagRelation         TagType = 0
	TagExtend           TagType = 1
	TagFrozenIDs        TagType = 2
	TagPage             TagType = 3
	TagTuple            TagType = 4
	TagTransaction      TagType = 5
	TagVirtualXID       TagType = 6
	TagSpeculativeToken TagType = 7
	TagObject           TagType = 8
	TagUserLock         TagType = 9
	TagAdvisory         TagType = 10
)

// Names as messages print them. constant
var tagTypeNames = [...]string{
	"relation", "extend", "frozenid", "page", "tuple", "transactionid", "virtualxid",
	"spectoken", "object", "userlock", "advisory",
}

// String is the kind's name as pg_locks prints it.
func (t TagType) String() string {
	if int(t) < len(tagTypeNames) {
		return tagTypeNames[t]
	}
	return fmt.Sprintf("unknown %d", uint8(t))
}

// Tag names a lockable object (PostgreSQL: LOCKTAG). The meaning of the fields
// depends on Type; the constructors know it.
type Tag struct {
	F1, F2, F3 uint32
	F4         uint16
	Type       TagType
}

// VirtualXID names a transaction that may have no xid: the slot of its session
// and a number local to it (PostgreSQL: VirtualTransactionId).
type VirtualXID struct {
	Backend int32
	Local   uint32
}

// Valid reports whether v names a transaction.
func (v VirtualXID) Valid() bool { return v.Local != 0 }

// String prints v as pg_locks does.
func (v VirtualXID) String() string { return fmt.Sprintf("%d/%d", v.Backend, v.Local) }

// Relation is the tag of a relation; db is 0 for shared ones.
func Relation(db, rel oid.OID) Tag { return Tag{F1: uint32(db), F2: uint32(rel), Type: TagRelation} }

// Extend is the tag of the right to extend a relation.
func Extend(db, rel oid.OID) Tag { return Tag{F1: uint32(db), F2: uint32(rel), Type: TagExtend} }

// FrozenIDs is the tag of the right to move a database's datfrozenxid.
func FrozenIDs(db oid.OID) Tag { return Tag{F1: uint32(db), Type: TagFrozenIDs} }

// Page is the tag of one page of a relation.
func Page(db, rel oid.OID, blk page.BlockNumber) Tag {
	return Tag{F1: uint32(db), F2: uint32(rel), F3: uint32(blk), Type: TagPage}
}

// Tuple is the tag of one tuple of a relation.
func Tuple(db, rel oid.OID, tid page.TID) Tag {
	return Tag{F1: uint32(db), F2: uint32(rel), F3: uint32(tid.Block), F4: uint16(tid.Off), Type: TagTuple}
}

// Transaction is the tag that a transaction with an xid holds until it ends.
func Transaction(x xid.XID) Tag { return Tag{F1: uint32(x), Type: TagTransaction} }

// Virtual is the tag that every transaction holds until it ends.
func Virtual(v VirtualXID) Tag {
	return Tag{F1: uint32(v.Backend), F2: v.Local, Type: TagVirtualXID}
}

// SpeculativeToken is the tag of a speculative insertion.
func SpeculativeToken(x xid.XID, token uint32) Tag {
	return Tag{F1: uint32(x), F2: token, Type: TagSpeculativeToken}
}

// Object is the tag of an object that is not a relation; db is 0 for shared ones.
func Object(db, class, obj oid.OID, sub uint16) Tag {
	return Tag{F1: uint32(db), F2: uint32(class), F3: uint32(obj), F4: sub, Type: TagObject}
}

// AdvisoryInt8 is the tag of an advisory lock on a 64-bit key.
func AdvisoryInt8(db oid.OID, key int64) Tag {
	return Tag{F1: uint32(db), F2: uint32(uint64(key) >> 32), F3: uint32(key), F4: 1, Type: TagAdvisory}
}

// AdvisoryInt4 is the tag of an advisory lock on two 32-bit keys.
func AdvisoryInt4(db oid.OID, k1, k2 int32) Tag {
	return Tag{F1: uint32(db), F2: uint32(k1), F3: uint32(k2), F4: 2, Type: TagAdvisory}
}

// String describes t as PostgreSQL's messages do.
func (t Tag) String() string {
	switch t.Type {
	case TagRelation:
		return fmt.Sprintf("relation %d of database %d", t.F2, t.F1)
	case TagExtend:
		return fmt.Sprintf("extension of relation %d of database %d", t.F2, t.F1)
	case TagFrozenIDs:
		return fmt.Sprintf("pg_database.datfrozenxid of database %d", t.F1)
	case TagPage:
		return fmt.Sprintf("page %d of relation %d of database %d", t.F3, t.F2, t.F1)
	case TagTuple:
		return fmt.Sprintf("tuple (%d,%d) of relation %d of database %d", t.F3, t.F4, t.F2, t.F1)
	case TagTransaction:
		return fmt.Sprintf("transaction %d", t.F1)
	case TagVirtualXID:
		return fmt.Sprintf("virtual transaction %d/%d", int32(t.F1), t.F2)
	case TagSpeculativeToken:
		return fmt.Sprintf("speculative token %d of transaction %d", t.F2, t.F1)
	case TagObject:
		return fmt.Sprintf("object %d of class %d of database %d", t.F3, t.F2, t.F1)
	case TagUserLock:
		return fmt.Sprintf("user lock [%d,%d,%d]", t.F1, t.F2, t.F3)
	case TagAdvisory:
		return fmt.Sprintf("advisory lock [%d,%d,%d,%d]", t.F1, t.F2, t.F3, t.F4)
	}
	return fmt.Sprintf("unrecognized locktag type %d", uint8(t.Type))
}

// hash spreads tags over partitions.
func (t Tag) hash() uint32 {
	h := uint64(t.F1)*0x9E3779B1 ^ uint64(t.F2)*0x85EBCA77 ^ uint64(t.F3)*0xC2B2AE3D ^ uint64(t.F4)*0x27D4EB2F ^ uint64(t.Type)*0x165667B1
	h ^= h >> 17
	h *= 0x9E3779B97F4A7C15
	return uint32(h >> 40)
}
