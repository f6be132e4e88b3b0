package sysfuncs

import (
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/builtin"
)

// defaultACL answers acldefault: the rights on an object of a kind whose list
// is NULL.
func defaultACL(c *builtin.Call) answer {
	kind, owner := byte(c.Args[0].Int), argOID(c, 1)
	var world, all uint32
	switch kind {
	case 'c':
	case 'r':
		all = aclInsert | aclSelect | aclUpdate | aclDelete | aclTruncate | aclReferences | aclTrigger
	case 's':
		all = aclSelect | aclUpdate | aclUsage
	case 'd':
		world, all = aclTemp|aclConnect, aclCreate|aclTemp|aclConnect
	case 'f':
		world, all = aclExecute, aclExecute
	case 'l', 'T':
		world, all = aclUsage, aclUsage
	case 'L':
		all = aclSelect | aclUpdate
	case 'n':
		all = aclUsage | aclCreate
	case 'p':
		owner, all = oid.BootstrapSuperuser, aclSet|aclAlter
	case 't':
		all = aclCreate
	case 'F', 'S':
		all = aclUsage
	default:
		return failed(pgerr.New(pgerr.InternalError, "unrecognized object type abbreviation: %c", kind))
	}
	var items []datum.Datum
	if world != 0 {
		items = append(items, rows.ACLItem{Grantor: owner, Rights: world}.Datum())
	}
	if all != 0 {
		items = append(items, rows.ACLItem{Grantee: owner, Grantor: owner, Rights: all}.Datum())
	}
	return value(datum.Bytes(array.Build(array.Of(oid.AclItem, items), array.Elem{Len: 12, Align: 'i'})))
}
