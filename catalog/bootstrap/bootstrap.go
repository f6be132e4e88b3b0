// Package bootstrap holds the rows that a new cluster's system catalogs start
// with, generated from a stock PostgreSQL 15 by catalog/gen.
//
// INV-BOOT-1: what Load returns has a value of its column's type in every place.
// Enforced: parseCell. Tested: TestLoad.
package bootstrap

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/oid"
)

//go:embed pg15.txt.gz
var packed []byte // constant

// packedViews are the rows of the system views, made by package sysviews.
//
//go:embed views15.txt.gz
var packedViews []byte // constant

// Data is the contents of a fresh cluster's catalogs.
type Data struct {
	Rows   map[oid.OID][][]datum.Datum // by catalog, in column order
	Mapped []Mapping
}

// Mapping is one relation whose file the relation map names. At the start a
// relation's file number is its OID.
type Mapping struct {
	Rel    oid.OID
	Shared bool
}

// Load unpacks the rows. Every call makes new ones.
func Load() (*Data, error) { return load(packed, packedViews) }

// LoadTables is Load without the system views.
func LoadTables() (*Data, error) { return load(packed) }

// ViewRows is the text of the rows of the system views.
func ViewRows() (string, error) { return unpack(packedViews) }

func unpack(b []byte) (string, error) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return "", fmt.Errorf("unpack bootstrap rows: %w", err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		return "", fmt.Errorf("unpack bootstrap rows: %w", err)
	}
	return string(text), nil
}

func load(files ...[]byte) (*Data, error) {
	d := &Data{Rows: map[oid.OID][][]datum.Datum{}}
	for _, f := range files {
		text, err := unpack(f)
		if err != nil {
			return nil, err
		}
		if err := d.parse(text); err != nil {
			return nil, fmt.Errorf("read bootstrap rows: %w", err)
		}
	}
	d.fillBodies()
	// The one description that matters: pg_dump leaves the schema public alone
	// only if its comment is this.
	d.Rows[oid.RelDescription] = append(d.Rows[oid.RelDescription],
		(&rows.PgDescription{Objoid: oid.PublicNamespace, Classoid: oid.RelNamespace, Description: "standard public schema"}).Values())
	return d, nil
}

func (d *Data) parse(text string) error {
	var cols []rows.Column
	var cat oid.OID
	inMap := false
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case line == "" || strings.HasPrefix(line, "# "):
			continue
		case strings.HasPrefix(line, "@@ "):
			inMap = true
			continue
		case strings.HasPrefix(line, "@ "):
			f := strings.Fields(line)
			n, err := strconv.ParseUint(f[2], 10, 32)
			if err != nil {
				return err
			}
			cat = oid.OID(n)
			c, ok := rows.FindCatalog(cat)
			if !ok {
				return fmt.Errorf("unknown catalog %q", line)
			}
			cols = c.Columns()
			continue
		case inMap:
			rel, shared, _ := strings.Cut(line, "\t")
			n, err := strconv.ParseUint(rel, 10, 32)
			if err != nil {
				return err
			}
			d.Mapped = append(d.Mapped, Mapping{oid.OID(n), shared == "t"})
			continue
		}
		vals := make([]datum.Datum, 0, len(cols))
		for cell := range strings.SplitSeq(line, "\t") {
			if len(vals) == len(cols) {
				return fmt.Errorf("catalog %d: too many columns: %q", cat, line)
			}
			v, err := parseCell(cols[len(vals)], cell)
			if err != nil {
				return fmt.Errorf("catalog %d: column %s of %q: %w", cat, cols[len(vals)].Name, line, err)
			}
			vals = append(vals, v)
		}
		if len(vals) != len(cols) {
			return fmt.Errorf("catalog %d: too few columns: %q", cat, line)
		}
		d.Rows[cat] = append(d.Rows[cat], vals)
	}
	return nil
}

// parseCell reads one cell in the generator's form.
func parseCell(col rows.Column, s string) (datum.Datum, error) {
	if s == `\N` {
		if col.NotNull {
			return datum.Datum{}, fmt.Errorf("NULL")
		}
		return datum.Null(), nil
	}
	switch col.Type {
	case oid.Bool:
		return datum.Bool(s == "t"), nil
	case oid.Char:
		if s == "" {
			return datum.Int(0), nil
		}
		return datum.Int(int64(unescape(s)[0])), nil
	case oid.Name, oid.Text:
		return datum.String(unescape(s)), nil
	case oid.Int2, oid.Int4, oid.Int8, oid.Oid, oid.RegProc, oid.Xid:
		n, err := strconv.ParseInt(s, 10, 64)
		return datum.Int(n), err
	case oid.Float4:
		f, err := strconv.ParseFloat(s, 32)
		return datum.Float4(float32(f)), err
	case oid.Int2Vector:
		n, err := numbers(strings.Fields(s))
		return datum.Bytes(array.Vector(oid.Int2, n)), err
	case oid.OidVector:
		n, err := numbers(strings.Fields(s))
		return datum.Bytes(array.Vector(oid.Oid, n)), err
	case oid.PgNodeTree:
		if strings.HasPrefix(s, "{") || strings.HasPrefix(s, "({") || s == "<>" {
			return datum.String(unescape(s)), nil
		}
		t, err := nodeTree(s)
		return datum.String(t), err
	case oid.AclItemArray:
		return aclArray(s)
	}
	return parseArray(col.Type, unescape(s))
}

// unescape undoes COPY's backslashes; the file has only doubled ones and
// newlines.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	return strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\t`, "\t").Replace(s)
}

func numbers(f []string) ([]int64, error) {
	out := make([]int64, len(f))
	for i := range f {
		n, err := strconv.ParseInt(f[i], 10, 64)
		if err != nil {
			return nil, err
		}
		out[i] = n
	}
	return out, nil
}

func parseArray(typ oid.OID, s string) (datum.Datum, error) {
	words, err := splitArray(s)
	if err != nil {
		return datum.Datum{}, err
	}
	elems := make([]datum.Datum, len(words))
	switch typ {
	case oid.TextArray:
		for i, w := range words {
			elems[i] = datum.String(w)
		}
		return datum.Bytes(array.Build(array.Of(oid.Text, elems), array.Elem{Len: -1, Align: 'i'})), nil
	case oid.CharArray:
		for i, w := range words {
			elems[i] = datum.Int(int64(w[0]))
		}
		return datum.Bytes(array.Build(array.Of(oid.Char, elems), array.Elem{Len: 1, ByVal: true, Align: 'c'})), nil
	case oid.OidArray, oid.Int2Array:
		n, err := numbers(words)
		for i, v := range n {
			elems[i] = datum.Int(v)
		}
		if typ == oid.OidArray {
			return datum.Bytes(array.Build(array.Of(oid.Oid, elems), array.Elem{Len: 4, ByVal: true, Align: 'i'})), err
		}
		return datum.Bytes(array.Build(array.Of(oid.Int2, elems), array.Elem{Len: 2, ByVal: true, Align: 's'})), err
	}
	return datum.Datum{}, fmt.Errorf("a value of type %d", typ)
}

// splitArray takes the literal of a one-dimensional array apart.
func splitArray(s string) ([]string, error) {
	body, ok := strings.CutPrefix(s, "{")
	body, ok2 := strings.CutSuffix(body, "}")
	if !ok || !ok2 {
		return nil, fmt.Errorf("array %q", s)
	}
	if body == "" {
		return nil, nil
	}
	var out []string
	var w strings.Builder
	quoted := false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && i+1 < len(body):
			i++
			w.WriteByte(body[i])
		case c == ',' && !quoted:
			out = append(out, w.String())
			w.Reset()
		default:
			w.WriteByte(c)
		}
	}
	return append(out, w.String()), nil
}

// aclArray reads grantee/rights/grantor,… .
func aclArray(s string) (datum.Datum, error) {
	var elems []datum.Datum
	for item := range strings.SplitSeq(s, ",") {
		n, err := numbers(strings.Split(item, "/"))
		if err != nil || len(n) != 3 {
			return datum.Datum{}, fmt.Errorf("acl %q", s)
		}
		elems = append(elems, rows.ACLItem{Grantee: oid.OID(n[0]), Rights: uint32(n[1]), Grantor: oid.OID(n[2])}.Datum())
	}
	return datum.Bytes(array.Build(array.Of(oid.AclItem, elems), array.Elem{Len: 12, Align: 'i'})), nil
}

// nodeTree writes the pg_node_tree of a list of constant defaults, of which the
// file has: [( function type] type collation length byval byte…; … .
func nodeTree(s string) (string, error) {
	var out []string
	for item := range strings.SplitSeq(s, "; ") {
		f := strings.Fields(item)
		var cast []string
		if len(f) > 3 && f[0] == "(" {
			cast, f = f[1:3], f[3:]
		}
		if len(f) < 5 {
			return "", fmt.Errorf("default %q", s)
		}
		n := len(f) - 4
		if f[3] == "true" {
			l, err := strconv.Atoi(f[2])
			if err != nil {
				return "", err
			}
			n = l
		}
		node := fmt.Sprintf("{CONST :consttype %s :consttypmod -1 :constcollid %s :constlen %s :constbyval %s :constisnull false :location -1 :constvalue %d [ %s ]}",
			f[0], f[1], f[2], f[3], n, strings.Join(f[4:], " "))
		if cast != nil {
			node = fmt.Sprintf("{FUNCEXPR :funcid %s :funcresulttype %s :funcretset false :funcvariadic false :funcformat 2 :funccollid 0 :inputcollid 0 :args (%s) :location -1}",
				cast[0], cast[1], node)
		}
		out = append(out, node)
	}
	return "(" + strings.Join(out, " ") + ")", nil
}
