package sysviews

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
)

// Encode is the text of the rows as package bootstrap reads them.
func Encode(all map[oid.OID][][]datum.Datum) (string, error) {
	var b strings.Builder
	b.WriteString("# System views, made by package sysviews from its SQL.\n")
	for _, id := range slices.Sorted(maps.Keys(all)) {
		c, ok := rows.FindCatalog(id)
		if !ok {
			return "", fmt.Errorf("unknown catalog %d", id)
		}
		cols := c.Columns()
		fmt.Fprintf(&b, "@ %s %d\n", c.Name, id)
		for _, r := range all[id] {
			for i, v := range r {
				if i > 0 {
					b.WriteByte('\t')
				}
				s, err := cell(cols[i], v)
				if err != nil {
					return "", fmt.Errorf("%s.%s: %w", c.Name, cols[i].Name, err)
				}
				b.WriteString(s)
			}
			b.WriteByte('\n')
		}
	}
	return b.String(), nil
}

func cell(c rows.Column, v datum.Datum) (string, error) {
	if v.Null {
		return `\N`, nil
	}
	switch c.Type {
	case oid.Bool:
		return map[bool]string{true: "t", false: "f"}[v.Bool()], nil
	case oid.Char:
		if v.Int == 0 {
			return "", nil
		}
		return string(rune(byte(v.Int))), nil
	case oid.Name, oid.Text, oid.PgNodeTree:
		return strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`).Replace(v.Str()), nil
	case oid.Int2, oid.Int4, oid.Int8, oid.Oid, oid.RegProc, oid.Xid:
		return strconv.FormatInt(v.Int, 10), nil
	case oid.Float4:
		return strconv.FormatFloat(float64(v.Float4()), 'g', -1, 32), nil
	case oid.AclItemArray:
		var p rows.PgClass
		vals := p.Values()
		vals[rows.AnumPgClassRelacl-1] = v
		p.Scan(vals)
		var out []string
		for _, a := range p.Relacl {
			out = append(out, fmt.Sprintf("%d/%d/%d", a.Grantee, a.Rights, a.Grantor))
		}
		return strings.Join(out, ","), nil
	}
	return "", fmt.Errorf("a value of type %d", c.Type)
}
