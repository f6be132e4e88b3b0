package sqlcat

import (
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/sql/builtin"
)

// description is the code of the functions that read comments, which PostgreSQL
// has as SQL; nil for others.
func (c *Catalog) description(p *rows.PgProc) *builtin.Func {
	if p.Oid >= oid.FirstNormal {
		return nil
	}
	arg := func(k *builtin.Call, i int) datum.Datum { return datum.Int(int64(uint32(k.Args[i].Int))) }
	class := func(k *builtin.Call) (oid.OID, error) {
		r, err := c.S.ClassByName(k.Args[1].Str(), oid.CatalogNamespace)
		if err != nil || r == nil {
			return 0, err
		}
		return r.Oid, nil
	}
	switch p.Proname {
	case "obj_description":
		return &builtin.Func{Scalar: func(k *builtin.Call) (datum.Datum, error) {
			by := []catalog.Search{{Anum: rows.AnumPgDescriptionObjoid, Value: arg(k, 0)}}
			if len(k.Args) > 1 {
				o, err := class(k)
				if err != nil || o == 0 {
					return datum.Null(), err
				}
				by = append(by, catalog.Search{Anum: rows.AnumPgDescriptionClassoid, Value: datum.Int(int64(o))})
			}
			return c.comment(append(by, catalog.Search{Anum: rows.AnumPgDescriptionObjsubid, Value: datum.Int(0)}))
		}}
	case "col_description":
		return &builtin.Func{Scalar: func(k *builtin.Call) (datum.Datum, error) {
			return c.comment([]catalog.Search{{Anum: rows.AnumPgDescriptionObjoid, Value: arg(k, 0)},
				{Anum: rows.AnumPgDescriptionClassoid, Value: datum.Int(classOID)},
				{Anum: rows.AnumPgDescriptionObjsubid, Value: datum.Int(int64(int32(k.Args[1].Int)))}})
		}}
	case "shobj_description":
		return &builtin.Func{Scalar: func(k *builtin.Call) (datum.Datum, error) {
			o, err := class(k)
			if err != nil || o == 0 {
				return datum.Null(), err
			}
			l, err := catalog.FindRows[rows.PgShdescription](c.S, catalog.Search{Anum: rows.AnumPgShdescriptionObjoid, Value: arg(k, 0)},
				catalog.Search{Anum: rows.AnumPgShdescriptionClassoid, Value: datum.Int(int64(o))})
			if err != nil || len(l) == 0 {
				return datum.Null(), err
			}
			return datum.String(l[0].Row.Description), nil
		}}
	}
	return nil
}

func (c *Catalog) comment(by []catalog.Search) (datum.Datum, error) {
	l, err := catalog.FindRows[rows.PgDescription](c.S, by...)
	if err != nil || len(l) == 0 {
		return datum.Null(), err
	}
	return datum.String(l[0].Row.Description), nil
}
