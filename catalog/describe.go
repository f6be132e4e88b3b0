package catalog

import (
	"fmt"
	"strings"

	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/oid"
)

// SetSearchPath says which schemas names are looked up in; Describe qualifies the
// names of what is not visible there.
func (s *Session) SetSearchPath(path []oid.OID) { s.path = path }

// Describe is an object as messages name it: "table t", "column a of table t".
func (s *Session) Describe(o Object) (string, error) {
	switch o.Class {
	case oid.RelClass:
		return s.describeRelation(o)
	case oid.RelType:
		t, err := s.Type(o.ID)
		if err != nil || t == nil {
			return unknownObject("type", o), err
		}
		n, err := s.typeName(o.ID)
		return "type " + n, err
	case oid.RelConstraint:
		return s.describeConstraint(o)
	case oid.RelAttrdef:
		d, err := FindRow[rows.PgAttrdef](s, byOID(o.ID))
		if err != nil || d == nil {
			return unknownObject("default value", o), err
		}
		col, err := s.describeRelation(Object{oid.RelClass, d.Row.Adrelid, int32(d.Row.Adnum)})
		return "default value for " + col, err
	case oid.RelRewrite:
		r, err := FindRow[rows.PgRewrite](s, byOID(o.ID))
		if err != nil || r == nil {
			return unknownObject("rule", o), err
		}
		rel, err := s.describeRelation(Object{oid.RelClass, r.Row.EvClass, 0})
		return "rule " + r.Row.Rulename + " on " + rel, err
	case oid.RelProc:
		p, err := s.Proc(o.ID)
		if err != nil || p == nil {
			return unknownObject("function", o), err
		}
		return s.describeProc(p)
	}
	return s.describeOther(o)
}

func unknownObject(kind string, o Object) string { return fmt.Sprintf("%s %d", kind, o.ID) }

// relationKinds names kinds of relations. constant
var relationKinds = map[byte]string{'r': "table", 'p': "table", 'i': "index", 'I': "index", 'S': "sequence", 't': "toast table",
	'v': "view", 'm': "materialized view", 'c': "composite type", 'f': "foreign table"}

// systemNames are the columns -1, -2, … that every table has. constant
var systemNames = [...]string{"ctid", "xmin", "cmin", "xmax", "cmax", "tableoid"}

func (s *Session) describeRelation(o Object) (string, error) {
	c, err := s.Class(o.ID)
	if err != nil || c == nil {
		return unknownObject("relation", o), err
	}
	n, err := s.qualified(c.Relname, c.Relnamespace, s.relationVisible(c))
	if err != nil {
		return "", err
	}
	rel := relationKinds[c.Relkind] + " " + n
	if o.Sub == 0 {
		return rel, nil
	}
	if o.Sub < 0 && int(-o.Sub) <= len(systemNames) {
		return "column " + systemNames[-o.Sub-1] + " of " + rel, nil
	}
	atts, err := s.Attributes(o.ID)
	if err != nil {
		return "", err
	}
	for _, a := range atts {
		if int32(a.Attnum) == o.Sub {
			return "column " + a.Attname + " of " + rel, nil
		}
	}
	return rel, nil
}

func (s *Session) describeConstraint(o Object) (string, error) {
	c, err := s.Constraint(o.ID)
	if err != nil || c == nil {
		return unknownObject("constraint", o), err
	}
	name := "constraint " + c.Conname
	if c.Conrelid == oid.Invalid {
		return name, nil
	}
	rel, err := s.describeRelation(Object{oid.RelClass, c.Conrelid, 0})
	return name + " on " + rel, err
}

func (s *Session) describeProc(p *rows.PgProc) (string, error) {
	var args []string
	for _, a := range p.Proargtypes {
		n, err := s.typeName(a)
		if err != nil {
			return "", err
		}
		args = append(args, n)
	}
	kind := "function "
	switch p.Prokind {
	case 'a':
		kind = "aggregate "
	case 'p':
		kind = "procedure "
	}
	name, err := s.qualified(p.Proname, p.Pronamespace, s.inPath(p.Pronamespace))
	if err != nil {
		return "", err
	}
	return kind + name + "(" + strings.Join(args, ",") + ")", nil
}

func (s *Session) inPath(ns oid.OID) bool {
	for _, p := range s.path {
		if p == ns {
			return true
		}
	}
	return ns == oid.CatalogNamespace
}

// relationVisible reports whether a bare name leads to c.
func (s *Session) relationVisible(c *rows.PgClass) bool {
	for _, ns := range s.searched() {
		if ns == c.Relnamespace {
			return true
		}
		if o, err := s.ClassByName(c.Relname, ns); err == nil && o != nil {
			return false
		}
	}
	return false
}

func (s *Session) typeVisible(t *rows.PgType) bool {
	for _, ns := range s.searched() {
		if ns == t.Typnamespace {
			return true
		}
		if o, err := s.TypeByName(t.Typname, ns); err == nil && o != nil {
			return false
		}
	}
	return false
}

// searched is the search path with pg_catalog in front, unless it is named.
func (s *Session) searched() []oid.OID {
	for _, p := range s.path {
		if p == oid.CatalogNamespace {
			return s.path
		}
	}
	return append([]oid.OID{oid.CatalogNamespace}, s.path...)
}

func (s *Session) qualified(name string, ns oid.OID, visible bool) (string, error) {
	if visible {
		return QuoteIdentifier(name), nil
	}
	n, err := s.Namespace(ns)
	if err != nil || n == nil {
		return QuoteIdentifier(name), err
	}
	return QuoteIdentifier(n.Nspname) + "." + QuoteIdentifier(name), nil
}

// QuoteIdentifier puts an identifier in double quotes if SQL needs them. Words
// that are reserved are not known here.
func QuoteIdentifier(n string) string {
	plain := n != "" && (n[0] >= 'a' && n[0] <= 'z' || n[0] == '_')
	for i := 0; plain && i < len(n); i++ {
		c := n[i]
		plain = c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_'
	}
	if plain {
		return n
	}
	return `"` + strings.ReplaceAll(n, `"`, `""`) + `"`
}
