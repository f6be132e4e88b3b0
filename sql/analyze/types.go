package analyze

import (
	"strconv"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

func (a *analyzer) typ(id oid.OID) *Type {
	t := must(a.cat.Type(id))
	if t == nil {
		a.fail(-1, pgerr.InternalError, "cache lookup failed for type %d", id)
	}
	return t
}

// baseType follows domains down; typmod is replaced by the domain's if the
// domain has one.
func (a *analyzer) baseType(id oid.OID) oid.OID {
	b, _ := a.baseTypeMod(id, -1)
	return b
}

func (a *analyzer) baseTypeMod(id oid.OID, mod int32) (oid.OID, int32) {
	for {
		t := must(a.cat.Type(id))
		if t == nil || t.Kind != 'd' {
			return id, mod
		}
		id, mod = t.BaseType, t.TypMod
	}
}

// elemType is the element type of a true array, through no domain.
func (a *analyzer) elemType(id oid.OID) oid.OID {
	if t := must(a.cat.Type(id)); t != nil && t.TrueArray {
		return t.Elem
	}
	return oid.Invalid
}

func (a *analyzer) arrayOf(id oid.OID) oid.OID {
	if t := must(a.cat.Type(id)); t != nil {
		return t.Array
	}
	return oid.Invalid
}

// promotedArray is the array type of an ARRAY(subquery): that of id, or id
// itself if it is an array.
func (a *analyzer) promotedArray(id oid.OID) oid.OID {
	if arr := a.arrayOf(id); arr != 0 {
		return arr
	}
	if a.elemType(id) != 0 {
		return id
	}
	return oid.Invalid
}

// typeName is a type as messages name it (PostgreSQL: format_type_be).
func (a *analyzer) typeName(id oid.OID) string {
	switch id {
	case oid.Bpchar:
		return "character"
	case oid.Bit:
		return "bit"
	case oid.BpcharArray:
		return "character[]"
	case oid.BitArray:
		return "bit[]"
	}
	return a.typeNameMod(id, -1)
}

// BareTypeName is a type as messages name it: without a modifier, whereas
// TypeName with modifier -1 tells bpchar from character.
func BareTypeName(cat Catalog, id oid.OID) (name string, err error) {
	defer catch(&err)
	return (&analyzer{cat: cat}).typeName(id), nil
}

// TypeName is format_type: the SQL name of a type, with its modifier.
func TypeName(cat Catalog, id oid.OID, mod int32) (name string, err error) {
	defer catch(&err)
	return (&analyzer{cat: cat}).typeNameMod(id, mod), nil
}

func (a *analyzer) typeNameMod(id oid.OID, mod int32) string {
	if id == 0 {
		return "-"
	}
	t := must(a.cat.Type(id))
	if t == nil {
		return "???"
	}
	suffix := ""
	if t.TrueArray && t.Name[0] == '_' {
		suffix = "[]"
		id = t.Elem
		t = a.typ(id)
	}
	return a.scalarName(t, mod) + suffix
}

func (a *analyzer) scalarName(t *Type, mod int32) string {
	length := func(name string, less int32) string {
		if mod < less {
			return name
		}
		return name + "(" + strconv.Itoa(int(mod-less)) + ")"
	}
	switch t.OID {
	case oid.Bool:
		return "boolean"
	case oid.Int2:
		return "smallint"
	case oid.Int4:
		return "integer"
	case oid.Int8:
		return "bigint"
	case oid.Float4:
		return "real"
	case oid.Float8:
		return "double precision"
	case oid.Varchar:
		return length("character varying", 4)
	case oid.Bpchar:
		if mod < 0 {
			break
		}
		return length("character", 4)
	case oid.Char:
		return `"char"`
	case oid.Bit:
		if mod < 0 {
			return `"bit"`
		}
		return length("bit", 0)
	case oid.Varbit:
		return length("bit varying", 0)
	case oid.Numeric:
		if mod < 4 {
			return "numeric"
		}
		m := mod - 4
		return "numeric(" + strconv.Itoa(int(m>>16&0xffff)) + "," + strconv.Itoa(int((m&0x7ff)^1024-1024)) + ")"
	case oid.Timestamp:
		return timeName("timestamp", mod, " without time zone")
	case oid.TimestampTZ:
		return timeName("timestamp", mod, " with time zone")
	case oid.Time:
		return timeName("time", mod, " without time zone")
	case oid.TimeTZ:
		return timeName("time", mod, " with time zone")
	case oid.Interval:
		return "interval" + intervalMod(mod)
	}
	name := QuoteIdent(t.Name)
	if vis := must(a.cat.TypeByName("", t.Name)); vis == nil || vis.OID != t.OID {
		name = QuoteIdent(t.NamespaceName) + "." + name
	}
	if mod >= 0 {
		name += "(" + strconv.Itoa(int(mod)) + ")"
	}
	return name
}

func timeName(name string, mod int32, zone string) string {
	if mod >= 0 {
		name += "(" + strconv.Itoa(int(mod)) + ")"
	}
	return name + zone
}

// intervalFields names the field masks of interval's modifier.
//
// constant
var intervalFields = map[int32]string{
	1 << 2: " year", 1 << 1: " month", 1 << 3: " day", 1 << 10: " hour", 1 << 11: " minute", 1 << 12: " second",
	1<<2 | 1<<1: " year to month", 1<<3 | 1<<10: " day to hour", 1<<3 | 1<<10 | 1<<11: " day to minute",
	1<<3 | 1<<10 | 1<<11 | 1<<12: " day to second", 1<<10 | 1<<11: " hour to minute",
	1<<10 | 1<<11 | 1<<12: " hour to second", 1<<11 | 1<<12: " minute to second",
}

func intervalMod(mod int32) string {
	if mod < 0 {
		return ""
	}
	s := intervalFields[mod>>16&0x7fff]
	if p := mod & 0xffff; p != 0xffff {
		s += "(" + strconv.Itoa(int(p)) + ")"
	}
	return s
}

// typeNameText is a type name as written, for messages.
func typeNameText(t *pg.TypeName) string {
	s := ""
	if len(t.Names) > 0 {
		s = strings.Join(strs(t.Names), ".")
	} else {
		s = strconv.Itoa(int(t.TypeOid))
	}
	if t.PctType {
		s += "%TYPE"
	}
	if len(t.ArrayBounds) > 0 {
		s += "[]"
	}
	return s
}

// ResolveTypeName is the type and modifier that a type name means. text is the
// statement that locations count in.
func ResolveTypeName(cat Catalog, text string, t *pg.TypeName) (id oid.OID, mod int32, err error) {
	defer catch(&err)
	a := &analyzer{cat: cat, text: text}
	typ, mod := a.resolveType(t)
	return typ.OID, mod, nil
}

func (a *analyzer) lookupType(t *pg.TypeName) *Type {
	if len(t.Names) == 0 {
		return must(a.cat.Type(oid.OID(t.TypeOid)))
	}
	if t.PctType {
		return a.typeOfColumn(t)
	}
	schema, name := a.deconstruct(t.Names, int(t.Location))
	if schema != "" {
		a.needSchema(schema, int(t.Location))
	}
	typ := must(a.cat.TypeByName(schema, name))
	if typ != nil && len(t.ArrayBounds) > 0 {
		if typ.Array == 0 {
			return nil
		}
		typ = a.typ(typ.Array)
	}
	return typ
}

func (a *analyzer) typeOfColumn(t *pg.TypeName) *Type {
	n := strs(t.Names)
	loc := int(t.Location)
	if len(n) == 1 {
		a.fail(loc, pgerr.SyntaxError, "improper %%TYPE reference (too few dotted names): %s", n[0])
	}
	schema := ""
	if len(n) > 2 {
		schema = n[len(n)-3]
	}
	relname, col := n[len(n)-2], n[len(n)-1]
	rel := must(a.cat.Relation(schema, relname))
	if rel == nil {
		a.fail(loc, pgerr.UndefinedTable, `relation "%s" does not exist`, strings.Join(n[:len(n)-1], "."))
	}
	for _, c := range rel.Columns {
		if c.Name == col && !c.Dropped {
			return a.typ(c.Type)
		}
	}
	a.fail(loc, pgerr.UndefinedColumn, `column "%s" of relation "%s" does not exist`, col, rel.Name)
	return nil
}

// needSchema fails unless schema exists.
func (a *analyzer) needSchema(schema string, loc int) {
	if !must(a.cat.SchemaExists(schema)) {
		a.fail(loc, pgerr.InvalidSchemaName, `schema "%s" does not exist`, schema)
	}
}

// deconstruct splits a qualified name.
func (a *analyzer) deconstruct(names []*pg.Node, loc int) (schema, name string) {
	n := strs(names)
	switch len(n) {
	case 1:
		return "", n[0]
	case 2:
		return n[0], n[1]
	case 3:
		if n[0] != a.cat.DatabaseName() {
			a.fail(loc, pgerr.FeatureNotSupported, "cross-database references are not implemented: %s", strings.Join(n, "."))
		}
		return n[1], n[2]
	}
	a.fail(loc, pgerr.SyntaxError, "improper qualified name (too many dotted names): %s", strings.Join(n, "."))
	return "", ""
}

// resolveType is lookupType that fails for what does not exist or is a shell,
// and applies the modifiers.
func (a *analyzer) resolveType(t *pg.TypeName) (*Type, int32) {
	loc := int(t.Location)
	typ := a.lookupType(t)
	if typ == nil {
		a.fail(loc, pgerr.UndefinedObject, `type "%s" does not exist`, typeNameText(t))
	}
	if !typ.Defined {
		a.fail(loc, pgerr.UndefinedObject, `type "%s" is only a shell`, typeNameText(t))
	}
	return typ, a.typmodOf(t, typ)
}

func (a *analyzer) typmodOf(t *pg.TypeName, typ *Type) int32 {
	if len(t.Typmods) == 0 {
		return t.Typemod
	}
	if typ.TypmodIn == 0 {
		a.fail(int(t.Location), pgerr.SyntaxError, `type modifier is not allowed for type "%s"`, typeNameText(t))
	}
	var mods []string
	for _, m := range t.Typmods {
		s, ok := typmodText(m)
		if !ok {
			a.fail(int(t.Location), pgerr.SyntaxError, "type modifiers must be simple constants or identifiers")
		}
		mods = append(mods, s)
	}
	mod, err := a.cat.TypmodIn(typ, mods)
	a.throwAt(err, int(t.Location))
	return mod
}

func typmodText(m *pg.Node) (string, bool) {
	if c := m.GetAConst(); c != nil {
		switch v := c.Val.(type) {
		case *pg.A_Const_Ival:
			return strconv.Itoa(int(v.Ival.Ival)), true
		case *pg.A_Const_Fval:
			return v.Fval.Fval, true
		case *pg.A_Const_Sval:
			return v.Sval.Sval, true
		}
		return "", false
	}
	if r := m.GetColumnRef(); r != nil && len(r.Fields) == 1 {
		s := r.Fields[0].GetString_()
		return s.GetSval(), s != nil
	}
	return "", false
}

// null makes a NULL constant.
func (a *analyzer) null(id oid.OID, mod int32, coll oid.OID) *node.Const {
	t := a.typ(id)
	return &node.Const{Consttype: id, Consttypmod: mod, Constcollid: coll, Constlen: int(t.Len), Constbyval: t.ByVal,
		Constisnull: true, Constvalue: datum.Null(), Location: -1}
}

func intConst(v int) *node.Const {
	return &node.Const{Consttype: oid.Int4, Consttypmod: -1, Constlen: 4, Constbyval: true,
		Constvalue: datum.Int(int64(v)), Location: -1}
}

func boolConst(v bool, loc int) *node.Const {
	return &node.Const{Consttype: oid.Bool, Consttypmod: -1, Constlen: 1, Constbyval: true,
		Constvalue: datum.Bool(v), Location: node.Location(loc)}
}
