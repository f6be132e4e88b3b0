package catalog

import (
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// cacheID is one way of looking up rows.
type cacheID uint8

// The caches.
const (
	classOID cacheID = iota + 1
	className
	attributes
	attributeName
	typeOID
	typeName
	procOID
	procName
	operatorOID
	operatorName
	castTypes
	opclassOID
	opclassAM
	opfamilyOID
	amopFamily
	amopOperator
	amprocFamily
	aggregateFn
	amOID
	amName
	namespaceOID
	namespaceName
	authOID
	authName
	authMember
	databaseOID
	databaseName
	tablespaceOID
	tablespaceName
	collationOID
	collationName
	constraintOID
	constraintRel
	constraintType
	attrdefRel
	indexOID
	indexTable
	statistic
	rewriteRel
	triggerRel
	enumOID
	enumType
	rangeType
	languageOID
	languageName
	sequenceRel
	inheritsParent
	inheritsChild
	partitionedRel
	roleSetting
	numCaches
)

// key is what is looked up in which cache.
type key struct {
	cache   cacheID
	a, b, c oid.OID
	name    string
}

func one[T any](s *Session, k key) (*T, error) { return nil, pgerr.NotYet("the catalog caches") }

func list[T any](s *Session, k key) ([]*T, error) { return nil, pgerr.NotYet("the catalog caches") }
