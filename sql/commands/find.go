package commands

import (
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/sql/node"
)

// rowsBy finds the rows of a catalog that equal conditions, given as pairs of a
// column number and a value.
func rowsBy[T any, P interface {
	*T
	rows.Row
}](c *cmd, by ...any) ([]catalog.Found[T], error) {
	var s []catalog.Search
	for i := 0; i < len(by); i += 2 {
		s = append(s, catalog.Search{Anum: int16(by[i].(int)), Value: by[i+1].(datum.Datum)})
	}
	return catalog.FindRows[T, P](c.Catalog(), s...)
}

func oidDatum(o oid.OID) datum.Datum { return datum.Int(int64(o)) }

// change lets f change the row of a catalog with an OID in its first column.
func change[T any, P interface {
	*T
	rows.Row
}](c *cmd, o oid.OID, f func(*T)) {
	must(catalog.Change[T, P](c.Catalog(), false, f, catalog.Search{Anum: 1, Value: oidDatum(o)}))
}

// changeColumn lets f change the pg_attribute row of a column.
func (c *cmd) changeColumn(rel oid.OID, att int16, f func(*rows.PgAttribute)) {
	must(catalog.Change(c.Catalog(), false, f, catalog.Search{Anum: rows.AnumPgAttributeAttrelid, Value: oidDatum(rel)},
		catalog.Search{Anum: rows.AnumPgAttributeAttnum, Value: datum.Int(int64(att))}))
}

// catalogConst is a constant of an OID-like type.
func catalogConst(t oid.OID, v int64) *node.Const {
	return &node.Const{Consttype: t, Consttypmod: -1, Constlen: 4, Constbyval: true, Location: -1, Constvalue: datum.Int(v)}
}
