// Package sysviews makes the system views of pg_catalog and information_schema
// from our own SQL: it analyzes each over the catalogs and yields the rows that
// initdb loads (catalog/bootstrap/views15.txt.gz).
//
// INV-VIEW-1 (current): the file that initdb loads is what Generate yields for
// the SQL of this package. Enforced: Generate. Tested: TestCurrent.
//
// INV-VIEW-2 (same columns): every view has the columns of PostgreSQL 15's view
// of the name, in order and type. Enforced: Generate. Tested: TestViews.
package sysviews

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/analyze/syscat"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/parser"
	"github.com/pgmini/pgmini/sql/types"
)

//go:embed pg_catalog.sql
var pgCatalog string // constant

//go:embed information_schema.sql
var informationSchema string // constant

// restricted are the views that not everyone may read. constant
var restricted = []string{"pg_shadow", "pg_file_settings", "pg_hba_file_rules", "pg_ident_file_mappings", "pg_config", "pg_shmem_allocations",
	"pg_backend_memory_contexts", "pg_replication_origin_status"}

const readAllStats oid.OID = 3375 // the role pg_read_all_stats

// maker collects rows while it stores them, so that later views see them.
type maker struct {
	s    *catalog.Session
	cat  *syscat.Catalog
	next oid.OID
	ns   oid.OID
	rows map[oid.OID][][]datum.Datum
}

// Generate makes all views in the session's database, which has none, numbering
// objects from first, and returns the rows by catalog. The transaction is the
// caller's to abort.
func Generate(s *catalog.Session, first oid.OID) (map[oid.OID][][]datum.Datum, error) {
	env := types.NewEnv()
	m := &maker{s: s, next: first, ns: oid.CatalogNamespace, rows: map[oid.OID][][]datum.Datum{}}
	m.cat = &syscat.Catalog{S: s, Path: []oid.OID{oid.CatalogNamespace}, Database: "template1"}
	m.cat.Convert = func(t *analyze.Type, mod int32, lit string) (datum.Datum, error) {
		return env.Input(t.OID, []byte(lit), mod)
	}
	m.cat.Typmod = func(t *analyze.Type, mods []string) (int32, error) {
		return 0, fmt.Errorf("type modifiers of %s are not for system views", t.Name)
	}
	if err := m.script(pgCatalog); err != nil {
		return nil, err
	}
	if err := m.schema(); err != nil {
		return nil, err
	}
	return m.rows, m.script(informationSchema)
}

// insert stores a row and keeps it.
func (m *maker) insert(all ...rows.Row) error {
	for _, r := range all {
		if _, err := m.s.Insert(r); err != nil {
			return err
		}
		v := r.Values()
		for i := range v {
			v[i] = v[i].Clone()
		}
		m.rows[r.Catalog()] = append(m.rows[r.Catalog()], v)
	}
	return nil
}

func (m *maker) oid() oid.OID {
	m.next++
	return m.next - 1
}

// depend records what an object refers to, unless that is a pinned object.
func (m *maker) depend(class, id oid.OID, sub int32, refClass, ref oid.OID, refSub int32, kind byte) error {
	if ref < oid.FirstUnpinned {
		return nil
	}
	return m.insert(&rows.PgDepend{Classid: class, Objid: id, Objsubid: sub, Refclassid: refClass, Refobjid: ref, Refobjsubid: refSub, Deptype: kind})
}

// script runs CREATE VIEW commands.
func (m *maker) script(sql string) error {
	stmts, err := parser.Parse(sql)
	if err != nil {
		return err
	}
	for _, st := range stmts {
		v := st.Stmt.GetViewStmt()
		if v == nil {
			return fmt.Errorf("a script of system views holds only CREATE VIEW")
		}
		st.Stmt = v.Query
		q, err := analyze.Analyze(m.cat, st, nil)
		if err != nil {
			return fmt.Errorf("view %s: %w", v.View.Relname, err)
		}
		if err := m.view(v.View.Relname, q); err != nil {
			return fmt.Errorf("view %s: %w", v.View.Relname, err)
		}
		if err := m.s.CommandCounterIncrement(); err != nil {
			return err
		}
	}
	return nil
}

// view makes the rows of one view.
func (m *maker) view(name string, q *node.Query) error {
	id := m.oid()
	typ, err := m.rowType(name, id)
	if err != nil {
		return err
	}
	acl := []rows.ACLItem{{Grantee: oid.BootstrapSuperuser, Grantor: oid.BootstrapSuperuser, Rights: 0x7f}}
	switch {
	case strings.HasPrefix(name, "_pg_"), name == "transforms":
		acl = nil // nobody but the owner
	case name == "pg_backend_memory_contexts", name == "pg_shmem_allocations":
		acl = append(acl, rows.ACLItem{Grantee: readAllStats, Grantor: oid.BootstrapSuperuser, Rights: 2})
	case name == "pg_settings":
		acl = append(acl, rows.ACLItem{Grantee: 0, Grantor: oid.BootstrapSuperuser, Rights: 6})
	case !slices.Contains(restricted, name):
		acl = append(acl, rows.ACLItem{Grantee: 0, Grantor: oid.BootstrapSuperuser, Rights: 2})
	}
	class := &rows.PgClass{Oid: id, Relname: name, Relnamespace: m.ns, Reltype: typ, Relowner: oid.BootstrapSuperuser, Reltuples: -1,
		Relpersistence: 'p', Relkind: 'v', Relhasrules: true, Relispopulated: true, Relreplident: 'n', Relacl: acl}
	var atts []rows.Row
	rel := &analyze.Relation{OID: id, Name: name, Kind: 'v', Namespace: m.ns}
	for _, t := range q.TargetList {
		if t.Resjunk {
			continue
		}
		ty, err := m.s.Type(node.ExprType(t.Expr))
		if err != nil {
			return err
		}
		if ty.Typtype == 'p' && ty.Oid != oid.AnyArray {
			return fmt.Errorf("column %s has pseudo-type %s", t.Resname, ty.Typname)
		}
		class.Relnatts++
		rel.Columns = append(rel.Columns, analyze.Column{Name: t.Resname})
		atts = append(atts, &rows.PgAttribute{Attrelid: id, Attname: t.Resname, Atttypid: ty.Oid, Attstattarget: -1, Attlen: ty.Typlen, Attnum: class.Relnatts,
			Attcacheoff: -1, Atttypmod: node.ExprTypmod(t.Expr), Attbyval: ty.Typbyval, Attalign: ty.Typalign, Attstorage: ty.Typstorage,
			Attislocal: true, Attcollation: node.ExprCollation(t.Expr), Attmissingval: datum.Null()})
		if err := m.depend(oid.RelClass, id, int32(class.Relnatts), oid.RelType, ty.Oid, 0, 'n'); err != nil {
			return err
		}
	}
	if err := m.insert(append([]rows.Row{class}, atts...)...); err != nil {
		return err
	}
	if acl == nil {
		return m.finish(id, q, rel)
	}
	if err := m.insert(&rows.PgInitPrivs{Objoid: id, Classoid: oid.RelClass, Privtype: 'i', Initprivs: acl}); err != nil {
		return err
	}
	return m.finish(id, q, rel)
}

// finish makes the dependencies and the rule of a view.
func (m *maker) finish(id oid.OID, q *node.Query, rel *analyze.Relation) error {
	if err := m.depend(oid.RelClass, id, 0, oid.RelNamespace, m.ns, 0, 'n'); err != nil {
		return err
	}
	return m.rule(id, analyze.ViewAction(q, rel))
}

// rowType makes the row type of a view and its array type.
func (m *maker) rowType(name string, class oid.OID) (oid.OID, error) {
	base, err := m.s.TypeByName("pg_class", oid.CatalogNamespace)
	if err != nil {
		return 0, err
	}
	arr, err := m.s.Type(base.Typarray)
	if err != nil {
		return 0, err
	}
	a, t := *arr, *base
	t.Oid, a.Oid = m.oid(), m.oid()
	t.Typname, a.Typname = name, "_"+name
	t.Typnamespace, a.Typnamespace = m.ns, m.ns
	t.Typrelid, t.Typarray, a.Typelem = class, a.Oid, t.Oid
	if err := m.insert(&t, &a); err != nil {
		return 0, err
	}
	if err := m.depend(oid.RelType, t.Oid, 0, oid.RelClass, class, 0, 'i'); err != nil {
		return 0, err
	}
	return t.Oid, m.depend(oid.RelType, a.Oid, 0, oid.RelType, t.Oid, 0, 'i')
}

// rule makes the ON SELECT rule with what its query depends on.
func (m *maker) rule(view oid.OID, action node.List) error {
	id := m.oid()
	err := m.insert(&rows.PgRewrite{Oid: id, Rulename: "_RETURN", EvClass: view, EvType: '1', EvEnabled: 'O', IsInstead: true, EvQual: "<>",
		EvAction: node.Write(action)})
	if err != nil {
		return err
	}
	if err := m.depend(oid.RelRewrite, id, 0, oid.RelClass, view, 0, 'i'); err != nil {
		return err
	}
	if err := m.depend(oid.RelRewrite, id, 0, oid.RelClass, view, 0, 'n'); err != nil {
		return err
	}
	seen := map[catalog.Object]bool{{Class: oid.RelClass, ID: view}: true}
	for _, r := range references(action) {
		if !seen[r] {
			seen[r] = true
			if err := m.depend(oid.RelRewrite, id, 0, r.Class, r.ID, r.Sub, 'n'); err != nil {
				return err
			}
		}
	}
	return nil
}

// references lists the relations, their columns, and the domains that a query
// names.
func references(action node.List) []catalog.Object {
	var out []catalog.Object
	whole := map[oid.OID]bool{}
	var tables [][]*node.RangeTblEntry
	node.WalkLevels(action[0], func(n node.Node, level int) bool {
		switch x := n.(type) {
		case *node.Query:
			tables = append(tables[:level:level], x.Rtable)
			for _, r := range x.Rtable {
				if r.Rtekind == node.RTERelation {
					whole[r.Relid] = true
				}
			}
		case *node.Var:
			at := level - x.Varlevelsup
			if at < 0 || at >= len(tables) || x.Varno < 1 || x.Varno > len(tables[at]) {
				break
			}
			if r := tables[at][x.Varno-1]; r.Rtekind == node.RTERelation && x.Varattno > 0 {
				delete(whole, r.Relid)
				out = append(out, catalog.Object{Class: oid.RelClass, ID: r.Relid, Sub: int32(x.Varattno)})
			}
		case *node.CoerceToDomain:
			out = append(out, catalog.Object{Class: oid.RelType, ID: x.Resulttype})
		case *node.Const:
			out = append(out, catalog.Object{Class: oid.RelType, ID: x.Consttype})
		}
		return true
	})
	ids := make([]oid.OID, 0, len(whole))
	for id := range whole {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		if !slices.ContainsFunc(out, func(o catalog.Object) bool { return o.Class == oid.RelClass && o.ID == id }) {
			out = append(out, catalog.Object{Class: oid.RelClass, ID: id})
		}
	}
	return out
}

// schema makes information_schema and its domains.
func (m *maker) schema() error {
	m.ns = m.oid()
	acl := []rows.ACLItem{{Grantee: oid.BootstrapSuperuser, Grantor: oid.BootstrapSuperuser, Rights: 0x300}, {Grantee: 0, Grantor: oid.BootstrapSuperuser, Rights: 0x100}}
	err := m.insert(&rows.PgNamespace{Oid: m.ns, Nspname: "information_schema", Nspowner: oid.BootstrapSuperuser, Nspacl: acl},
		&rows.PgInitPrivs{Objoid: m.ns, Classoid: oid.RelNamespace, Privtype: 'i', Initprivs: acl})
	if err != nil {
		return err
	}
	for _, d := range []struct {
		name  string
		base  oid.OID
		mod   int32
		check string
		def   string
	}{
		{"cardinal_number", oid.Int4, -1, "VALUE >= 0", ""},
		{"character_data", oid.Varchar, -1, "", ""},
		{"sql_identifier", oid.Name, -1, "", ""},
		{"time_stamp", oid.TimestampTZ, 2, "", "CURRENT_TIMESTAMP(2)"},
		{"yes_or_no", oid.Varchar, 7, "VALUE IN ('YES', 'NO')", ""},
	} {
		if err := m.domain(d.name, d.base, d.mod, d.check, d.def); err != nil {
			return fmt.Errorf("domain %s: %w", d.name, err)
		}
	}
	m.cat.Path = []oid.OID{m.ns, oid.CatalogNamespace}
	return m.s.CommandCounterIncrement()
}

// domain makes a domain with at most one check.
func (m *maker) domain(name string, base oid.OID, mod int32, check, def string) error {
	b, err := m.s.Type(base)
	if err != nil {
		return err
	}
	domainIn, err := m.proc("domain_in")
	if err != nil {
		return err
	}
	domainRecv, err := m.proc("domain_recv")
	if err != nil {
		return err
	}
	arr, err := m.s.Type(b.Typarray)
	if err != nil {
		return err
	}
	t, a := *b, *arr
	t.Oid, a.Oid = m.oid(), m.oid()
	t.Typname, a.Typname, t.Typnamespace, a.Typnamespace = name, "_"+name, m.ns, m.ns
	t.Typtype, t.Typbasetype, t.Typtypmod, t.Typarray, a.Typelem = 'd', base, mod, a.Oid, t.Oid
	t.Typinput, t.Typreceive, t.Typmodin, t.Typmodout, t.Typispreferred, t.Typelem, t.Typsubscript = domainIn, domainRecv, 0, 0, false, 0, 0
	a.Typmodin, a.Typmodout = 0, 0
	if b.Typcollation != 0 {
		t.Typcollation, a.Typcollation = oid.CCollation, oid.CCollation
	}
	if def != "" {
		e, err := m.expression(def, base, mod, analyze.UseDefault)
		if err != nil {
			return err
		}
		t.Typdefault, t.Typdefaultbin = def, node.Write(e)
	}
	if err := m.insert(&t, &a); err != nil {
		return err
	}
	if err := m.depend(oid.RelType, t.Oid, 0, oid.RelNamespace, m.ns, 0, 'n'); err != nil {
		return err
	}
	if err := m.depend(oid.RelType, a.Oid, 0, oid.RelType, t.Oid, 0, 'i'); err != nil || check == "" {
		return err
	}
	e, err := m.expression(check, base, mod, analyze.UseCheck)
	if err != nil {
		return err
	}
	id := m.oid()
	conname := name + "_check"
	if name == "cardinal_number" {
		conname = "cardinal_number_domain_check"
	}
	err = m.insert(&rows.PgConstraint{Oid: id, Conname: conname, Connamespace: m.ns, Contype: 'c', Convalidated: true, Contypid: t.Oid, Confupdtype: ' ',
		Confdeltype: ' ', Confmatchtype: ' ', Conislocal: true, Conbin: node.Write(e)})
	if err != nil {
		return err
	}
	return m.depend(oid.RelConstraint, id, 0, oid.RelType, t.Oid, 0, 'a')
}

func (m *maker) proc(name string) (oid.OID, error) {
	l, err := m.s.ProcsByName(name)
	if err != nil {
		return 0, err
	}
	if len(l) != 1 {
		return 0, fmt.Errorf("%d functions %s", len(l), name)
	}
	return l[0].Oid, nil
}

// expression analyzes a domain's default or check, in which the one column of a
// made-up table stands for VALUE.
func (m *maker) expression(sql string, base oid.OID, mod int32, use analyze.Use) (node.Node, error) {
	text := "SELECT " + strings.ReplaceAll(sql, "VALUE", "v")
	stmts, err := parser.Parse(text)
	if err != nil {
		return nil, err
	}
	b, err := m.s.Type(base)
	if err != nil {
		return nil, err
	}
	coll := b.Typcollation
	if coll != 0 {
		coll = oid.CCollation
	}
	rel := &analyze.Relation{Name: "domain", Kind: 'r', Columns: []analyze.Column{{Name: "v", Type: base, TypMod: mod, Collation: coll}}}
	val := stmts[0].Stmt.GetSelectStmt().TargetList[0].GetResTarget().Val
	e, err := analyze.Expr(m.cat, text, val, rel, use)
	if err != nil {
		return nil, err
	}
	return node.Mutate(e, func(n node.Node) (node.Node, bool) {
		if v, ok := n.(*node.Var); ok {
			return &node.CoerceToDomainValue{TypeId: v.Vartype, TypeMod: v.Vartypmod, Collation: v.Varcollid, Location: v.Location}, true
		}
		return nil, false
	}), nil
}
