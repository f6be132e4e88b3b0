package sqlcat

import (
	"strings"

	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/parser"
	"github.com/pgmini/pgmini/sql/types"
)

// Conversions is the view that conversions of types have.
func (c *Catalog) Conversions() types.Catalog { return typeCatalog{c} }

type typeCatalog struct{ *Catalog }

var _ types.Catalog = typeCatalog{}

// splitName takes a possibly qualified name apart as PostgreSQL does
// (stringToQualifiedNameList).
func splitName(s string) (schema, name string, err error) {
	bad := func() error { return pgerr.New(pgerr.InvalidName, "invalid name syntax") }
	var parts []string
	i := 0
	skip := func() {
		for i < len(s) && strings.IndexByte(" \t\n\r\f\v", s[i]) >= 0 {
			i++
		}
	}
	for {
		skip()
		if i >= len(s) {
			return "", "", bad()
		}
		var b strings.Builder
		if s[i] == '"' {
			i++
			for {
				j := strings.IndexByte(s[i:], '"')
				if j < 0 {
					return "", "", bad()
				}
				b.WriteString(s[i : i+j])
				i += j + 1
				if i >= len(s) || s[i] != '"' {
					break
				}
				b.WriteByte('"')
				i++
			}
		} else {
			j := i
			for i < len(s) && s[i] != '.' && strings.IndexByte(" \t\n\r\f\v", s[i]) < 0 {
				i++
			}
			b.WriteString(strings.ToLower(s[j:i]))
		}
		if b.Len() == 0 {
			return "", "", bad()
		}
		parts = append(parts, string(types.ClipName([]byte(b.String()))))
		skip()
		if i >= len(s) {
			break
		}
		if s[i] != '.' {
			return "", "", bad()
		}
		i++
	}
	switch len(parts) {
	case 1:
		return "", parts[0], nil
	case 2:
		return parts[0], parts[1], nil
	case 3:
		return parts[1], parts[2], nil
	}
	return "", "", pgerr.New(pgerr.SyntaxError, "improper qualified name (too many dotted names): %s", s)
}

// RegIn is part of types.Catalog.
func (c typeCatalog) RegIn(k types.RegKind, text string) (oid.OID, error) {
	switch k {
	case types.RegType:
		return c.regType(text)
	case types.RegProcedure:
		return c.regProcedure(text)
	case types.RegOperator:
		return c.regOperator(text)
	}
	schema, name, err := splitName(text)
	if err != nil {
		return 0, err
	}
	if schema != "" && k != types.RegNamespace && k != types.RegRole {
		if ok, err := c.Names.SchemaExists(schema); err != nil || !ok {
			switch {
			case err != nil:
			case k == types.RegClass:
				err = pgerr.New(pgerr.UndefinedTable, "relation %q does not exist", text)
			default:
				err = pgerr.New(pgerr.InvalidSchemaName, "schema \"%s\" does not exist", schema)
			}
			return 0, err
		}
	}
	switch k {
	case types.RegClass:
		return c.regClass(schema, name)
	case types.RegProc:
		return c.regProc(schema, name, text)
	case types.RegOper:
		return c.regOper(schema, name, text)
	case types.RegNamespace:
		n, err := c.S.NamespaceByName(name)
		if err == nil && n == nil {
			err = pgerr.New(pgerr.InvalidSchemaName, "schema %q does not exist", name)
		}
		if err != nil {
			return 0, err
		}
		return n.Oid, nil
	case types.RegRole:
		return c.RoleIn(name)
	case types.RegCollation:
		o, err := c.Names.Collation(schema, name)
		if err == nil && o == 0 {
			err = pgerr.New(pgerr.UndefinedObject, "collation %q for encoding \"UTF8\" does not exist", text)
		}
		return o, err
	}
	return 0, pgerr.NotYet("input of this reg* type")
}

func (c typeCatalog) regClass(schema, name string) (oid.OID, error) {
	path, err := c.path(schema)
	if err != nil {
		return 0, err
	}
	for _, ns := range path {
		r, err := c.S.ClassByName(name, ns)
		if err != nil {
			return 0, err
		}
		if r != nil {
			return r.Oid, nil
		}
	}
	if schema != "" {
		name = schema + "." + name
	}
	return 0, pgerr.New(pgerr.UndefinedTable, "relation \"%s\" does not exist", name)
}

// path is the search path, or the one schema that a name is qualified with.
func (c *Catalog) path(schema string) ([]oid.OID, error) {
	if schema == "" {
		return c.Names.Path, nil
	}
	n, err := c.S.NamespaceByName(schema)
	if err != nil || n == nil {
		return nil, err
	}
	return []oid.OID{n.Oid}, nil
}

func (c typeCatalog) regProc(schema, name, text string) (oid.OID, error) {
	fns, err := c.Names.Functions(schema, name)
	if err != nil {
		return 0, err
	}
	switch len(fns) {
	case 0:
		return 0, pgerr.New(pgerr.UndefinedFunction, "function \"%s\" does not exist", text)
	case 1:
		return fns[0].OID, nil
	}
	return 0, pgerr.New(pgerr.AmbiguousFunction, "more than one function named \"%s\"", text)
}

func (c typeCatalog) regOper(schema, name, text string) (oid.OID, error) {
	ops, err := c.Names.Operators(schema, name)
	if err != nil {
		return 0, err
	}
	switch len(ops) {
	case 0:
		return 0, pgerr.New(pgerr.UndefinedFunction, "operator does not exist: %s", text)
	case 1:
		return ops[0].OID, nil
	}
	return 0, pgerr.New(pgerr.AmbiguousFunction, "more than one operator named %s", text)
}

// regType parses a type name with SQL's own grammar.
func (c *Catalog) regType(text string) (oid.OID, error) {
	t, _, err := c.ParseType(text)
	return t, err
}

// ParseType reads a type name as SQL writes it.
func (c *Catalog) ParseType(text string) (oid.OID, int32, error) {
	stmts, err := parser.Parse("SELECT NULL::" + text)
	bad := pgerr.New(pgerr.SyntaxError, "syntax error at or near \"%s\"", text)
	if err != nil || len(stmts) != 1 {
		return 0, 0, bad
	}
	l := stmts[0].Stmt.GetSelectStmt().GetTargetList()
	if len(l) != 1 || l[0].GetResTarget().GetVal().GetTypeCast() == nil {
		return 0, 0, bad
	}
	o, mod, err := analyze.ResolveTypeName(c.Names, stmts[0].Text, l[0].GetResTarget().GetVal().GetTypeCast().GetTypeName())
	if e, ok := pgerr.As(err); ok {
		e.Position = 0
	}
	return o, mod, err
}

// qualified writes a name with its schema unless it is visible.
func (c *Catalog) qualified(ns oid.OID, name string, visible bool) string {
	if visible {
		return types.QuoteIdent(name)
	}
	return types.QuoteIdent(c.SchemaName(ns)) + "." + types.QuoteIdent(name)
}

// RegOut is part of types.Catalog.
func (c typeCatalog) RegOut(k types.RegKind, o oid.OID) (string, bool) {
	switch k {
	case types.RegClass:
		r, err := c.S.Class(o)
		if err != nil || r == nil {
			return "", false
		}
		return c.qualified(r.Relnamespace, r.Relname, c.TableVisible(r)), true
	case types.RegType:
		if _, ok := c.Type(o); !ok {
			return "", false
		}
		return c.Env.FormatType(o, -1), true
	case types.RegProc:
		p, err := c.S.Proc(o)
		if err != nil || p == nil {
			return "", false
		}
		fns, _ := c.Names.Functions("", p.Proname)
		return c.qualified(p.Pronamespace, p.Proname, len(fns) == 1 && fns[0].OID == o), true
	case types.RegProcedure:
		p, err := c.S.Proc(o)
		if err != nil || p == nil {
			return "", false
		}
		var args []string
		for _, t := range p.Proargtypes {
			args = append(args, c.Env.FormatType(t, -1))
		}
		return c.qualified(p.Pronamespace, p.Proname, c.FunctionVisible(p)) + "(" + strings.Join(args, ",") + ")", true
	case types.RegOper, types.RegOperator:
		return c.operName(k, o)
	case types.RegNamespace:
		n, err := c.S.Namespace(o)
		if err != nil || n == nil {
			return "", false
		}
		return types.QuoteIdent(n.Nspname), true
	case types.RegRole:
		s, ok := c.RoleOut(o)
		return types.QuoteIdent(s), ok
	case types.RegCollation:
		n, err := c.S.Collation(o)
		if err != nil || n == nil {
			return "", false
		}
		v, _ := c.Names.Collation("", n.Collname)
		return c.qualified(n.Collnamespace, n.Collname, v == o), true
	}
	return "", false
}

func (c typeCatalog) operName(k types.RegKind, o oid.OID) (string, bool) {
	r, err := c.S.Operator(o)
	if err != nil || r == nil {
		return "", false
	}
	ops, _ := c.Names.Operators("", r.Oprname)
	visible := false
	for _, x := range ops {
		if x.OID == o && (k == types.RegOperator || len(ops) == 1) {
			visible = true
		}
	}
	s := r.Oprname
	if !visible {
		s = types.QuoteIdent(c.SchemaName(r.Oprnamespace)) + "." + s
	}
	if k == types.RegOperator {
		left := "NONE"
		if r.Oprleft != 0 {
			left = c.Env.FormatType(r.Oprleft, -1)
		}
		s += "(" + left + "," + c.Env.FormatType(r.Oprright, -1) + ")"
	}
	return s, true
}

// TableVisible reports whether a relation is found by its name alone.
func (c *Catalog) TableVisible(r *rows.PgClass) bool {
	for _, ns := range c.Names.Path {
		if ns == r.Relnamespace {
			return true
		}
		if x, err := c.S.ClassByName(r.Relname, ns); err != nil || x != nil {
			return false
		}
	}
	return false
}

func (c *Catalog) typeVisible(r *rows.PgType) bool {
	for _, ns := range c.Names.Path {
		if ns == r.Typnamespace {
			return true
		}
		if x, err := c.S.TypeByName(r.Typname, ns); err != nil || x != nil {
			return false
		}
	}
	return false
}

// TypeVisible reports whether a type is found by its name alone.
func (c *Catalog) TypeVisible(r *rows.PgType) bool { return c.typeVisible(r) }

// FunctionVisible reports whether a function is found by its name and argument
// types alone.
func (c *Catalog) FunctionVisible(p *rows.PgProc) bool {
	fns, err := c.Names.Functions("", p.Proname)
	if err != nil {
		return false
	}
	for _, f := range fns {
		if f.OID == p.Oid {
			return true
		}
	}
	return false
}

// EnumIn is part of types.Catalog.
func (c typeCatalog) EnumIn(typ oid.OID, label string) (oid.OID, error) {
	l, err := c.S.EnumsOf(typ)
	if err != nil {
		return 0, err
	}
	for _, e := range l {
		if e.Enumlabel == label {
			return e.Oid, nil
		}
	}
	return 0, pgerr.New(pgerr.InvalidTextRepresentation, "invalid input value for enum %s: \"%s\"", c.Env.FormatType(typ, -1), label)
}

// EnumOut is part of types.Catalog.
func (c typeCatalog) EnumOut(o oid.OID) (string, bool) {
	e, err := c.S.Enum(o)
	if err != nil || e == nil {
		return "", false
	}
	return e.Enumlabel, true
}

// RowType is part of types.Catalog.
func (c typeCatalog) RowType(typ oid.OID, typmod int32) ([]types.Column, bool) {
	d, err := c.RowDesc(typ, typmod)
	if err != nil {
		return nil, false
	}
	out := make([]types.Column, len(d.Attrs))
	for i := range d.Attrs {
		a := &d.Attrs[i]
		out[i] = types.Column{Name: a.Name, Type: a.Type, TypMod: a.TypMod, Dropped: a.Dropped}
	}
	return out, true
}

// RoleIn is part of types.Catalog.
func (c *Catalog) RoleIn(name string) (oid.OID, error) {
	r, err := c.S.AuthIDByName(name)
	if err != nil {
		return 0, err
	}
	if r == nil {
		return 0, pgerr.New(pgerr.UndefinedObject, "role \"%s\" does not exist", name)
	}
	return r.Oid, nil
}

// RoleOut is part of types.Catalog.
func (c *Catalog) RoleOut(o oid.OID) (string, bool) {
	r, err := c.S.AuthID(o)
	if err != nil || r == nil {
		return "", false
	}
	return r.Rolname, true
}

// CheckDomain is part of types.Catalog.
func (c typeCatalog) CheckDomain(domain oid.OID, d datum.Datum) error {
	t, err := c.S.Type(domain)
	if err != nil || t == nil {
		return err
	}
	if t.Typnotnull && d.Null {
		return pgerr.New(pgerr.NotNullViolation, "domain %s does not allow null values", c.Env.FormatType(domain, -1))
	}
	if base, ok := c.Type(t.Typbasetype); ok && base.Type == 'd' {
		if err := c.CheckDomain(t.Typbasetype, d); err != nil {
			return err
		}
	}
	cons, err := c.S.ConstraintsOfType(domain)
	if err != nil {
		return err
	}
	for _, k := range cons {
		if k.Contype != 'c' {
			continue
		}
		e, err := node.Read(k.Conbin)
		if err != nil {
			return err
		}
		e = node.Mutate(e, func(n node.Node) (node.Node, bool) {
			v, ok := n.(*node.CoerceToDomainValue)
			if !ok {
				return nil, false
			}
			ti, _ := c.Type(v.TypeId)
			return &node.Const{Consttype: v.TypeId, Consttypmod: v.TypeMod, Constcollid: v.Collation, Constlen: int(ti.Len),
				Constbyval: ti.ByVal, Constisnull: d.Null, Constvalue: d}, true
		})
		ok, err := c.Eval(e)
		if err != nil {
			return err
		}
		if !ok.Null && !ok.Bool() {
			e := pgerr.New(pgerr.CheckViolation, "value for domain %s violates check constraint \"%s\"", c.Env.FormatType(domain, -1), k.Conname)
			e.Constraint = k.Conname
			return e
		}
	}
	return nil
}
