package commands

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/parser"
)

func reservedSchema(name string) {
	if len(name) >= 3 && name[:3] == "pg_" {
		failWith(pgerr.New(pgerr.ReservedName, "unacceptable schema name %q", name).
			WithDetail(`The prefix "pg_" is reserved for system schemas.`))
	}
}

// createSchema runs CREATE SCHEMA. Its elements run with the new schema in front
// of the search path, whatever their order is written: what others need first.
func (c *cmd) createSchema(n *pg.CreateSchemaStmt) {
	owner := c.User()
	name := n.Schemaname
	if n.Authrole != nil {
		owner = c.role(n.Authrole)
		if name == "" {
			name = must(c.Catalog().AuthID(owner)).Rolname
		}
	}
	d := must(c.Catalog().Database(c.Database()))
	if !c.granted(d.Datdba, d.Datacl, rows.Create) {
		fail(pgerr.InsufficientPrivilege, "permission denied for database %s", d.Datname)
	}
	reservedSchema(name)
	if n.IfNotExists && must(c.Catalog().NamespaceByName(name)) != nil {
		c.notice(pgerr.DuplicateSchema, "schema %q already exists, skipping", name)
		return
	}
	o := must(c.Catalog().CreateNamespace(name, owner))
	throw(c.Increment())
	if len(n.SchemaElts) == 0 {
		return
	}
	throw(c.InSchema(o, func() (err error) {
		defer catch(&err)
		for _, e := range schemaElements(n.SchemaElts, name) {
			c.run((*parser.Node)(e))
			throw(c.Increment())
		}
		return nil
	}))
}

// schemaElements puts the elements of CREATE SCHEMA in the order in which they
// run: sequences, tables, views, indexes, grants.
func schemaElements(list []*pg.Node, schema string) []*pg.Node {
	var kinds [5][]*pg.Node
	for _, e := range list {
		kind, rv := 0, (*pg.RangeVar)(nil)
		switch x := e.Node.(type) {
		case *pg.Node_CreateSeqStmt:
			kind, rv = 0, x.CreateSeqStmt.Sequence
		case *pg.Node_CreateStmt:
			kind, rv = 1, x.CreateStmt.Relation
		case *pg.Node_ViewStmt:
			kind, rv = 2, x.ViewStmt.View
		case *pg.Node_IndexStmt:
			kind, rv = 3, x.IndexStmt.Relation
		case *pg.Node_GrantStmt:
			kind = 4
		default:
			notYet("%s in CREATE SCHEMA", Tag(e))
		}
		if rv != nil {
			if rv.Schemaname != "" && rv.Schemaname != schema {
				fail(pgerr.InvalidSchemaDefinition, "CREATE specifies a schema (%s) different from the one being created (%s)", rv.Schemaname, schema)
			}
			rv.Schemaname = schema
		}
		kinds[kind] = append(kinds[kind], e)
	}
	var out []*pg.Node
	for _, k := range kinds {
		out = append(out, k...)
	}
	return out
}
