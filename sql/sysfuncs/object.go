package sysfuncs

import (
	"strings"

	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/builtin"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/ruleutils"
	"github.com/pgmini/pgmini/sql/types"
)

// first finds the one row of a catalog whose column anum is id.
func first[T any, P interface {
	*T
	rows.Row
}](s *System, anum int16, id oid.OID) (*T, error) {
	f, err := catalog.FindRow[T, P](s.d.Catalog, catalog.Search{Anum: anum, Value: datum.Int(int64(id))})
	if err != nil || f == nil {
		return nil, err
	}
	return f.Row, nil
}

// seen tells whether an object of a schema is found without the schema: it is in
// the path, and no schema before has one that hides it.
func (s *System) seen(ns oid.OID, hides func(ns oid.OID) (bool, error)) answer {
	for _, p := range s.d.SearchPath() {
		if p == ns {
			return boolean(true)
		}
		if h, err := hides(p); err != nil || h {
			return checked(boolean(false), err)
		}
	}
	return boolean(false)
}

func never(oid.OID) (bool, error) { return false, nil }

// visible answers pg_table_is_visible and its kin.
func (s *System) visible(fn string, c *builtin.Call) answer {
	if !strings.HasSuffix(fn, "_is_visible") {
		return answer{}
	}
	id, cat := argOID(c, 0), s.d.Catalog
	switch fn {
	case "pg_table_is_visible":
		r, err := cat.Class(id)
		if err != nil || r == nil {
			return checked(null(), err)
		}
		return s.seen(r.Relnamespace, func(ns oid.OID) (bool, error) {
			o, err := cat.ClassByName(r.Relname, ns)
			return o != nil, err
		})
	case "pg_type_is_visible":
		r, err := cat.Type(id)
		if err != nil || r == nil {
			return checked(null(), err)
		}
		return s.seen(r.Typnamespace, func(ns oid.OID) (bool, error) {
			o, err := cat.TypeByName(r.Typname, ns)
			return o != nil, err
		})
	case "pg_function_is_visible":
		r, err := cat.Proc(id)
		if err != nil || r == nil {
			return checked(null(), err)
		}
		all, err := cat.ProcsByName(r.Proname)
		if err != nil {
			return failed(err)
		}
		return s.seen(r.Pronamespace, func(ns oid.OID) (bool, error) {
			for _, o := range all {
				if o.Pronamespace == ns && sameOIDs(o.Proargtypes, r.Proargtypes) {
					return true, nil
				}
			}
			return false, nil
		})
	case "pg_operator_is_visible":
		r, err := cat.Operator(id)
		if err != nil || r == nil {
			return checked(null(), err)
		}
		all, err := cat.OperatorsByName(r.Oprname)
		if err != nil {
			return failed(err)
		}
		return s.seen(r.Oprnamespace, func(ns oid.OID) (bool, error) {
			for _, o := range all {
				if o.Oprnamespace == ns && o.Oprleft == r.Oprleft && o.Oprright == r.Oprright {
					return true, nil
				}
			}
			return false, nil
		})
	}
	ns, err := s.namespaceOf(fn, id)
	if err != nil || ns == 0 {
		return checked(null(), err)
	}
	return s.seen(ns, never)
}

// namespaceOf is the schema of an object that only few schemas hold; 0: none.
func (s *System) namespaceOf(fn string, id oid.OID) (oid.OID, error) {
	switch fn {
	case "pg_opclass_is_visible":
		if r, err := s.d.Catalog.Opclass(id); r != nil || err != nil {
			return r.Opcnamespace, err
		}
	case "pg_opfamily_is_visible":
		if r, err := s.d.Catalog.Opfamily(id); r != nil || err != nil {
			return r.Opfnamespace, err
		}
	case "pg_collation_is_visible":
		if r, err := s.d.Catalog.Collation(id); r != nil || err != nil {
			return r.Collnamespace, err
		}
	case "pg_conversion_is_visible":
		if r, err := first[rows.PgConversion](s, rows.AnumPgConversionOid, id); r != nil {
			return r.Connamespace, err
		}
	case "pg_statistics_obj_is_visible":
		if r, err := first[rows.PgStatisticExt](s, rows.AnumPgStatisticExtOid, id); r != nil {
			return r.Stxnamespace, err
		}
	case "pg_ts_config_is_visible":
		if r, err := first[rows.PgTsConfig](s, rows.AnumPgTsConfigOid, id); r != nil {
			return r.Cfgnamespace, err
		}
	case "pg_ts_dict_is_visible":
		if r, err := first[rows.PgTsDict](s, rows.AnumPgTsDictOid, id); r != nil {
			return r.Dictnamespace, err
		}
	case "pg_ts_parser_is_visible":
		if r, err := first[rows.PgTsParser](s, rows.AnumPgTsParserOid, id); r != nil {
			return r.Prsnamespace, err
		}
	case "pg_ts_template_is_visible":
		if r, err := first[rows.PgTsTemplate](s, rows.AnumPgTsTemplateOid, id); r != nil {
			return r.Tmplnamespace, err
		}
	}
	return 0, nil
}

func sameOIDs(a, b []oid.OID) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func (s *System) defs() ruleutils.Definitions {
	return ruleutils.Definitions{S: s.d.Catalog, Cat: s.d.Names()}
}

// definition answers pg_get_viewdef and its kin.
func (s *System) definition(fn string, c *builtin.Call) answer {
	switch fn {
	case "pg_get_viewdef", "pg_get_viewdef_ext":
		return s.view(argOID(c, 0), argBool(c, 1), 0)
	case "pg_get_viewdef_wrap":
		return s.view(argOID(c, 0), true, int(c.Args[1].Int))
	case "pg_get_viewdef_name", "pg_get_viewdef_name_ext":
		id, err := c.Env.Reg(types.RegClass, c.Args[0].Bytes)
		if err != nil {
			return failed(err)
		}
		return s.view(id, argBool(c, 1), 0)
	case "pg_get_indexdef":
		return textOrNull(s.defs().Index(argOID(c, 0), 0, false))
	case "pg_get_indexdef_ext":
		return textOrNull(s.defs().Index(argOID(c, 0), int(c.Args[1].Int), argBool(c, 2)))
	case "pg_get_constraintdef", "pg_get_constraintdef_ext":
		return textOrNull(s.defs().Constraint(argOID(c, 0), argBool(c, 1)))
	case "pg_get_ruledef", "pg_get_ruledef_ext":
		r, err := first[rows.PgRewrite](s, rows.AnumPgRewriteOid, argOID(c, 0))
		if err != nil || r == nil {
			return checked(null(), err)
		}
		return textOrNull(s.defs().Rule(r, argBool(c, 1)))
	case "pg_get_expr", "pg_get_expr_ext":
		return s.expression(c)
	case "pg_get_partkeydef", "pg_get_partition_constraintdef", "pg_get_function_sqlbody":
		return null()
	case "pg_get_serial_sequence":
		return s.serialSequence(c)
	case "pg_get_userbyid":
		r, err := s.d.Catalog.AuthID(argOID(c, 0))
		if err != nil {
			return failed(err)
		}
		if r == nil {
			return text("unknown (OID=" + itoa(int64(argOID(c, 0))) + ")")
		}
		return text(r.Rolname)
	}
	if strings.HasPrefix(fn, "pg_get_function") {
		return s.functionDef(fn, c)
	}
	return answer{}
}

func (s *System) functionDef(fn string, c *builtin.Call) answer {
	p, err := s.d.Catalog.Proc(argOID(c, 0))
	if err != nil || p == nil {
		return checked(null(), err)
	}
	switch d := s.defs(); fn {
	case "pg_get_functiondef":
		return textOrNull(d.Function(p))
	case "pg_get_function_arguments", "pg_get_function_identity_arguments":
		t, err := d.FunctionArguments(p, fn == "pg_get_function_identity_arguments")
		return checked(text(t), err)
	case "pg_get_function_result":
		t, ok, err := d.FunctionResult(p)
		if !ok {
			return checked(null(), err)
		}
		return checked(text(t), err)
	}
	return answer{}
}

func (s *System) view(id oid.OID, pretty bool, wrap int) answer {
	cat := s.d.Names()
	rel, err := cat.RelationByOID(id)
	if err != nil || rel == nil {
		return checked(null(), err)
	}
	if rel.Kind != 'v' && rel.Kind != 'm' {
		return text("Not a view")
	}
	return textOrNull(ruleutils.View(cat, rel, pretty, wrap))
}

func (s *System) expression(c *builtin.Call) answer {
	n, err := node.Read(c.Args[0].Str())
	if err != nil {
		return failed(err)
	}
	cat := s.d.Names()
	rel, err := cat.RelationByOID(argOID(c, 1))
	if err != nil || rel == nil && argOID(c, 1) != 0 {
		return checked(null(), err)
	}
	t, err := ruleutils.ExprStyle(cat, n, rel, ruleutils.Style{Pretty: argBool(c, 2)})
	return checked(text(t), err)
}

func (s *System) serialSequence(c *builtin.Call) answer {
	id, err := c.Env.Reg(types.RegClass, c.Args[0].Bytes)
	if err != nil {
		return failed(err)
	}
	a, err := s.d.Catalog.AttributeByName(id, c.Args[1].Str())
	if err != nil {
		return failed(err)
	}
	if a == nil {
		r, err := s.d.Catalog.Class(id)
		if err != nil || r == nil {
			return checked(null(), err)
		}
		return failed(pgerr.New(pgerr.UndefinedColumn, "column \"%s\" of relation \"%s\" does not exist", c.Args[1].Str(), r.Relname))
	}
	return textOrNull(s.defs().SerialSequence(id, a.Attnum))
}

// object answers functions about one object in the catalogs.
func (s *System) object(fn string, c *builtin.Call) answer {
	cat := s.d.Catalog
	switch fn {
	case "obj_description", "col_description", "shobj_description":
		return s.description(fn, c)
	case "pg_describe_object":
		if argOID(c, 0) == 0 && argOID(c, 1) == 0 {
			return null()
		}
		return textOrNull(cat.Describe(catalog.Object{Class: argOID(c, 0), ID: argOID(c, 1), Sub: int32(c.Args[2].Int)}))
	case "pg_relation_is_updatable":
		n, err := s.updatable(argOID(c, 0))
		return checked(number(int64(n)), err)
	case "pg_column_is_updatable":
		if c.Args[1].Int <= 0 {
			return boolean(false)
		}
		if n, err := s.updatable(argOID(c, 0)); err != nil || n == 0 {
			return checked(boolean(false), err)
		}
		const changes = 4 | 16 // UPDATE and DELETE
		n, err := analyze.UpdatableEvents(s.d.Names(), argOID(c, 0), []int{int(c.Args[1].Int)})
		return checked(boolean(n&changes == changes), err)
	case "pg_relation_is_publishable":
		r, err := cat.Class(argOID(c, 0))
		if err != nil || r == nil {
			return checked(null(), err)
		}
		return boolean((r.Relkind == 'r' || r.Relkind == 'p') && r.Relpersistence == 'p' && r.Oid >= 16384)
	case "pg_get_replica_identity_index":
		return s.replicaIdentity(argOID(c, 0))
	case "pg_collation_for":
		if c.Collation == 0 {
			return null()
		}
		r, err := cat.Collation(c.Collation)
		if err != nil || r == nil {
			return checked(null(), err)
		}
		return text("\"" + r.Collname + "\"")
	case "pg_sequence_last_value":
		return s.lastValue(argOID(c, 0))
	case "pg_sequence_parameters":
		r, err := cat.Sequence(argOID(c, 0))
		if err != nil || r == nil {
			return checked(null(), err)
		}
		return record(c, "int8 int8 int8 int8 bool int8 oid", datum.Int(r.Seqstart), datum.Int(r.Seqmin), datum.Int(r.Seqmax), datum.Int(r.Seqincrement),
			datum.Bool(r.Seqcycle), datum.Int(r.Seqcache), datum.Int(int64(r.Seqtypid)))
	case "pg_partition_root":
		return null()
	case "acldefault_sql":
		return defaultACL(c)
	case "amvalidate":
		return boolean(true)
	case "pg_indexam_has_property", "pg_index_has_property", "pg_index_column_has_property":
		return s.indexProperty(fn, c)
	case "row_security_active", "row_security_active_name":
		return boolean(false)
	}
	return answer{}
}

func (s *System) lastValue(seq oid.OID) answer {
	r, err := s.d.Catalog.Relation(seq)
	if err != nil || r == nil || s.d.LastValue == nil {
		return checked(null(), err)
	}
	v, called, err := s.d.LastValue(seq)
	if err != nil || !called {
		return checked(null(), err)
	}
	return number(v)
}

func (s *System) replicaIdentity(table oid.OID) answer {
	r, err := s.d.Catalog.Class(table)
	if err != nil || r == nil {
		return checked(null(), err)
	}
	all, err := s.d.Catalog.IndexesOf(table)
	for _, ix := range all {
		if r.Relreplident == 'd' && ix.Indisprimary || r.Relreplident == 'i' && ix.Indisreplident {
			return number(int64(ix.Indexrelid))
		}
	}
	return checked(null(), err)
}

func (s *System) description(fn string, c *builtin.Call) answer {
	var class oid.OID
	sub := int64(0)
	switch {
	case fn == "col_description":
		class, sub = oid.RelClass, c.Args[1].Int
	case len(c.Args) == 2:
		r, err := s.d.Catalog.ClassByName(c.Args[1].Str(), oid.CatalogNamespace)
		if err != nil || r == nil {
			return checked(null(), err)
		}
		class = r.Oid
	}
	if fn == "shobj_description" {
		f, err := catalog.FindRow[rows.PgShdescription](s.d.Catalog, catalog.Search{Anum: rows.AnumPgShdescriptionObjoid, Value: c.Args[0]},
			catalog.Search{Anum: rows.AnumPgShdescriptionClassoid, Value: datum.Int(int64(class))})
		if err != nil || f == nil {
			return checked(null(), err)
		}
		return text(f.Row.Description)
	}
	by := []catalog.Search{{Anum: rows.AnumPgDescriptionObjoid, Value: c.Args[0]}}
	if class != 0 {
		by = append(by, catalog.Search{Anum: rows.AnumPgDescriptionClassoid, Value: datum.Int(int64(class))})
	}
	all, err := catalog.FindRows[rows.PgDescription](s.d.Catalog, by...)
	for _, f := range all {
		if int64(f.Row.Objsubid) == sub {
			return text(f.Row.Description)
		}
	}
	return checked(null(), err)
}

// indexProperty answers the properties of btree indexes; of others it knows none.
func (s *System) indexProperty(fn string, c *builtin.Call) answer {
	am := argOID(c, 0)
	prop := strings.ToLower(c.Args[len(c.Args)-1].Str())
	var opt int16
	key := true
	if fn != "pg_indexam_has_property" {
		r, err := s.d.Catalog.Class(argOID(c, 0))
		if err != nil || r == nil {
			return checked(null(), err)
		}
		am = r.Relam
		if fn == "pg_index_column_has_property" {
			ix, err := s.d.Catalog.Index(argOID(c, 0))
			n := int(c.Args[1].Int)
			if err != nil || ix == nil || n < 1 || n > int(ix.Indnatts) {
				return checked(null(), err)
			}
			if key = n <= int(ix.Indnkeyatts); key {
				opt = ix.Indoption[n-1]
			}
		}
	}
	if am != oid.BtreeAM {
		return null()
	}
	yes := map[string]bool{}
	switch fn {
	case "pg_indexam_has_property":
		yes = map[string]bool{"can_order": true, "can_unique": true, "can_multi_col": true, "can_exclude": true, "can_include": true}
	case "pg_index_has_property":
		yes = map[string]bool{"clusterable": true, "index_scan": true, "bitmap_scan": true, "backward_scan": true}
	default:
		yes = map[string]bool{"asc": key && opt&1 == 0, "desc": key && opt&1 != 0, "nulls_first": key && opt&2 != 0, "nulls_last": key && opt&2 == 0,
			"orderable": key, "distance_orderable": false, "returnable": true, "search_array": key, "search_nulls": key}
	}
	v, ok := yes[prop]
	if !ok {
		return null()
	}
	return boolean(v)
}

// record makes a row value; kinds are the names of the columns' types.
func record(c *builtin.Call, kinds string, vals ...datum.Datum) answer {
	known := map[string]oid.OID{"int4": oid.Int4, "int8": oid.Int8, "bool": oid.Bool, "oid": oid.Oid, "text": oid.Text, "numeric": oid.Numeric,
		"float8": oid.Float8, "timestamptz": oid.TimestampTZ, "xid": oid.Xid, "pg_lsn": oid.PgLSN, "name": oid.Name}
	f := strings.Fields(kinds)
	cols := make([]types.Column, len(f))
	for i, k := range f {
		cols[i] = types.Column{Name: "f" + itoa(int64(i+1)), Type: known[k], TypMod: -1}
	}
	v, err := c.Env.FormRow(oid.Record, -1, cols, vals)
	return checked(value(v), err)
}

func textArray(l []string) datum.Datum {
	e := make([]datum.Datum, len(l))
	for i, s := range l {
		e[i] = datum.String(s)
	}
	return datum.Bytes(array.Build(array.Of(oid.Text, e), array.Elem{Len: -1, Align: 'i'}))
}

// updatable is what may be done to a relation. It is asked for each column of a
// view, and reading a view's rule takes long: answers are kept while the catalogs
// stay as they are.
func (s *System) updatable(rel oid.OID) (int, error) {
	if g := s.d.Catalog.Generation(); g != s.views.gen || s.views.events == nil {
		s.views.gen, s.views.events = g, map[oid.OID]int{}
	}
	if n, ok := s.views.events[rel]; ok {
		return n, nil
	}
	n, err := analyze.UpdatableEvents(s.d.Names(), rel, nil)
	if err == nil && len(s.views.events) < 1000 {
		s.views.events[rel] = n
	}
	return n, err
}
