package types

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// constant
var regNames = [...]string{
	RegClass: "regclass", RegType: "regtype", RegProc: "regproc", RegProcedure: "regprocedure", RegOper: "regoper",
	RegOperator: "regoperator", RegNamespace: "regnamespace", RegRole: "regrole", RegCollation: "regcollation",
	RegConfig: "regconfig", RegDictionary: "regdictionary",
}

// regKind finds the reg* type of an I/O function's name.
func regKind(prosrc, suffix string) (RegKind, bool) {
	for k, n := range regNames {
		if strings.HasPrefix(prosrc, n) && prosrc[len(n):] == suffix {
			return RegKind(k), true
		}
	}
	return 0, false
}

// Reg resolves the text of a reg* value: "-" is 0, digits are an OID.
func (e *Env) Reg(k RegKind, s []byte) (oid.OID, error) {
	if len(s) == 1 && s[0] == '-' {
		return 0, nil
	}
	if len(s) > 0 && isDigit(s[0]) && strings.Trim(string(s), "0123456789") == "" {
		v, err := parseOID(s)
		return oid.OID(v), err
	}
	if e.Catalog == nil {
		if k == RegType {
			for _, t := range builtIn {
				if t.Name == string(s) || e.FormatType(t.OID, -1) == string(s) {
					return t.OID, nil
				}
			}
			return 0, pgerr.New(pgerr.UndefinedObject, "type \"%s\" does not exist", s)
		}
		return 0, pgerr.NotYet("%s without a catalog", regNames[k])
	}
	return e.Catalog.RegIn(k, string(s))
}

func regIn(k RegKind) InFunc {
	return func(e *Env, s []byte, _ oid.OID, _ int32) (datum.Datum, error) {
		o, err := e.Reg(k, s)
		return datum.Int(int64(o)), err
	}
}

func regOut(k RegKind) OutFunc {
	return func(e *Env, dst []byte, d datum.Datum) ([]byte, error) {
		o := oid.OID(uint32(d.Int))
		if o == 0 {
			if k == RegOper || k == RegOperator {
				return append(dst, '0'), nil
			}
			return append(dst, '-'), nil
		}
		if k == RegType {
			if _, ok := e.Type(o); ok {
				return append(dst, e.FormatType(o, -1)...), nil
			}
		} else if e.Catalog != nil {
			if s, ok := e.Catalog.RegOut(k, o); ok {
				return append(dst, s...), nil
			}
		}
		return strconv.AppendUint(dst, uint64(o), 10), nil
	}
}

func enumIn(e *Env, s []byte, typ oid.OID, _ int32) (datum.Datum, error) {
	if e.Catalog == nil {
		return datum.Null(), badText(fmt.Sprintf("enum %d", typ), s)
	}
	o, err := e.Catalog.EnumIn(typ, string(s))
	return datum.Int(int64(o)), err
}

func enumIn2(e *Env, b []byte, typ oid.OID, typmod int32) (datum.Datum, error) {
	return enumIn(e, b, typ, typmod)
}

func enumOut(e *Env, dst []byte, d datum.Datum) ([]byte, error) {
	o := oid.OID(uint32(d.Int))
	if e.Catalog != nil {
		if s, ok := e.Catalog.EnumOut(o); ok {
			return append(dst, s...), nil
		}
	}
	return dst, pgerr.New(pgerr.InvalidBinaryRepresentation, "invalid internal value for enum: %d", o)
}

func domainIn(e *Env, s []byte, typ oid.OID, _ int32) (datum.Datum, error) {
	ti, err := e.mustType(typ)
	if err != nil {
		return datum.Null(), err
	}
	d, err := e.Input(ti.Base, s, ti.TypMod)
	if err != nil || e.Catalog == nil {
		return d, err
	}
	return d, e.Catalog.CheckDomain(typ, d)
}

func domainRecv(e *Env, b []byte, typ oid.OID, _ int32) (datum.Datum, error) {
	ti, err := e.mustType(typ)
	if err != nil {
		return datum.Null(), err
	}
	d, err := e.Recv(ti.Base, b, ti.TypMod)
	if err != nil || e.Catalog == nil {
		return d, err
	}
	return d, e.Catalog.CheckDomain(typ, d)
}

// sqlNames are the types whose name in SQL differs from pg_type's.
//
// constant
var sqlNames = map[oid.OID]string{
	oid.Bool: "boolean", oid.Int2: "smallint", oid.Int4: "integer", oid.Int8: "bigint", oid.Float4: "real",
	oid.Float8: "double precision", oid.Bpchar: "character", oid.Varchar: "character varying", oid.Varbit: "bit varying",
	oid.Time: "time without time zone", oid.TimeTZ: "time with time zone",
	oid.Timestamp: "timestamp without time zone", oid.TimestampTZ: "timestamp with time zone",
	oid.Char: `"char"`, oid.Interval: "interval", oid.Numeric: "numeric",
}

// FormatType is the SQL name of a type, with its modifier if typmod >= 0
// (PostgreSQL: format_type). Unknown OIDs give "???".
func (e *Env) FormatType(t oid.OID, typmod int32) string { return e.formatType(t, typmod, typmod >= 0) }

// FormatTypeMod is FormatType for a modifier argument that is known, maybe -1.
func (e *Env) FormatTypeMod(t oid.OID, typmod int32) string { return e.formatType(t, typmod, true) }

// FormatTypeQualified is FormatType with the schema in front, but for types that
// SQL has words for.
func (e *Env) FormatTypeQualified(t oid.OID) string {
	ti, ok := e.Type(t)
	suffix := ""
	if ok && ti.IsArray() && ti.Storage != 'p' {
		ti, ok = e.Type(ti.Elem)
		suffix = "[]"
	}
	if _, word := sqlNames[ti.OID]; !ok || word || ti.OID == oid.Bit {
		return e.FormatType(t, -1)
	}
	return QuoteIdent(ti.Schema) + "." + QuoteIdent(ti.Name) + suffix
}

func (e *Env) formatType(t oid.OID, typmod int32, given bool) string {
	if t == 0 {
		return "-"
	}
	ti, ok := e.Type(t)
	if !ok {
		return "???"
	}
	suffix := ""
	if ti.IsArray() && ti.Storage != 'p' {
		el, ok := e.Type(ti.Elem)
		if !ok {
			return "???[]"
		}
		ti, suffix = el, "[]"
	}
	mod := ""
	if typmod >= 0 {
		mod = FormatTypMod(ti.ModOut, typmod)
	}
	if n, ok := sqlNames[ti.OID]; ok {
		switch {
		case ti.OID == oid.Bpchar && given && typmod < 0:
			return "bpchar" + suffix
		case mod != "" && (ti.OID == oid.Time || ti.OID == oid.TimeTZ || ti.OID == oid.Timestamp || ti.OID == oid.TimestampTZ):
			word, rest, _ := strings.Cut(n, " ")
			p, _, _ := strings.Cut(mod, ")")
			return word + p + ") " + rest + suffix
		}
		return n + mod + suffix
	}
	if ti.OID == oid.Bit {
		if !given || typmod >= 0 {
			return "bit" + mod + suffix
		}
		return `"bit"` + suffix
	}
	name := QuoteIdent(ti.Name)
	if !ti.Visible {
		name = QuoteIdent(ti.Schema) + "." + name
	}
	return name + mod + suffix
}

// QuoteIdent quotes a name unless it is a plain identifier and no keyword that
// would need it.
func QuoteIdent(s string) string {
	plain := s != "" && (s[0] >= 'a' && s[0] <= 'z' || s[0] == '_')
	for _, c := range []byte(s) {
		if !(c >= 'a' && c <= 'z' || isDigit(c) || c == '_') {
			plain = false
		}
	}
	if plain && !reserved[s] {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// FormatTypMod is what the typmodout function prints.
func FormatTypMod(modout string, typmod int32) string {
	if typmod < 0 {
		return ""
	}
	switch modout {
	case "bpchartypmodout", "varchartypmodout":
		if typmod > 4 {
			return fmt.Sprintf("(%d)", typmod-4)
		}
		return ""
	case "numerictypmodout":
		if typmod < 4 {
			return ""
		}
		m := typmod - 4
		return fmt.Sprintf("(%d,%d)", m>>16&0xffff, int(m&0x7ff^1024)-1024)
	case "timestamptypmodout", "timetypmodout":
		return fmt.Sprintf("(%d)%s", typmod, " without time zone")
	case "timestamptztypmodout", "timetztypmodout":
		return fmt.Sprintf("(%d)%s", typmod, " with time zone")
	case "intervaltypmodout":
		return intervalMod(typmod)
	case "bittypmodout", "varbittypmodout":
		return fmt.Sprintf("(%d)", typmod)
	}
	return ""
}

func intervalMod(typmod int32) string {
	rng, prec := int(typmod>>16)&rangeFull, int(typmod)&0xffff
	s := map[int]string{
		rangeYear: " year", rangeMonth: " month", rangeDay: " day", rangeHour: " hour", rangeMinute: " minute",
		rangeSecond: " second", rangeYear | rangeMonth: " year to month", rangeDay | rangeHour: " day to hour",
		rangeDay | rangeHour | rangeMinute:               " day to minute",
		rangeDay | rangeHour | rangeMinute | rangeSecond: " day to second",
		rangeHour | rangeMinute:                          " hour to minute",
		rangeHour | rangeMinute | rangeSecond:            " hour to second",
		rangeMinute | rangeSecond:                        " minute to second",
	}[rng]
	if prec != precFull {
		s += fmt.Sprintf("(%d)", prec)
	}
	return s
}

// ParseTypMod is the typmodin function: the modifier for a type's arguments.
func ParseTypMod(modin string, args []int32) (int32, error) {
	bad := func(format string, a ...any) (int32, error) {
		return 0, pgerr.New(pgerr.InvalidParameterValue, format, a...)
	}
	switch modin {
	case "varchartypmodin", "bpchartypmodin":
		name := strings.TrimSuffix(modin, "typmodin")
		if name == "bpchar" {
			name = "char"
		}
		if len(args) != 1 {
			return bad("invalid type modifier")
		}
		if args[0] < 1 {
			return bad("length for type %s must be at least 1", name)
		}
		if args[0] > maxCharLen {
			return bad("length for type %s cannot exceed %d", name, maxCharLen)
		}
		return args[0] + 4, nil
	case "bittypmodin", "varbittypmodin":
		name := map[bool]string{true: "bit", false: "varbit"}[modin[0] == 'b']
		if len(args) != 1 {
			return bad("invalid type modifier")
		}
		if args[0] < 1 {
			return bad("length for type %s must be at least 1", name)
		}
		if args[0] > 8*maxCharLen {
			return bad("length for type %s cannot exceed %d", name, 8*maxCharLen)
		}
		return args[0], nil
	case "numerictypmodin":
		if len(args) == 0 || len(args) > 2 {
			return bad("invalid NUMERIC type modifier")
		}
		if args[0] < 1 || args[0] > 1000 {
			return bad("NUMERIC precision %d must be between 1 and 1000", args[0])
		}
		s := int32(0)
		if len(args) == 2 {
			if s = args[1]; s < -1000 || s > 1000 {
				return bad("NUMERIC scale %d must be between -1000 and 1000", s)
			}
		}
		return args[0]<<16 | s&0x7ff + 4, nil
	case "timestamptypmodin", "timestamptztypmodin", "timetypmodin", "timetztypmodin":
		if len(args) != 1 {
			return bad("invalid type modifier")
		}
		kind, tz := "TIMESTAMP", ""
		if strings.HasPrefix(modin, "time") && !strings.HasPrefix(modin, "timestamp") {
			kind = "TIME"
		}
		if strings.Contains(modin, "tz") {
			tz = " WITH TIME ZONE"
		}
		if args[0] < 0 {
			return bad("%s(%d)%s precision must not be negative", kind, args[0], tz)
		}
		return min(args[0], 6), nil
	case "intervaltypmodin":
		if len(args) == 0 || len(args) > 2 {
			return bad("invalid INTERVAL type modifier")
		}
		if len(args) == 1 {
			if args[0] == rangeFull {
				return -1, nil
			}
			return args[0]<<16 | precFull, nil
		}
		if args[1] < 0 {
			return bad("INTERVAL(%d) precision must not be negative", args[1])
		}
		return args[0]<<16 | min(args[1], 6), nil
	}
	return bad("type modifier is not allowed")
}
