package analyze

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pgmini/pgmini/sql/parser"
)

// rawAny tells whether f holds for m or a message inside it.
func rawAny(m protoreflect.Message, f func(any) bool) bool {
	if f(m.Interface()) {
		return true
	}
	found := false
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.IsList() && fd.Message() != nil:
			for i := 0; i < v.List().Len() && !found; i++ {
				found = rawAny(v.List().Get(i).Message(), f)
			}
		case fd.Message() != nil && !fd.IsMap():
			found = rawAny(v.Message(), f)
		}
		return !found
	})
	return found
}

// rawLocation is the leftmost location in a raw tree; -1 if there is none.
func rawLocation(n *pg.Node) int {
	first := -1
	rawAny(n.ProtoReflect(), func(v any) bool {
		if l, ok := v.(interface{ GetLocation() int32 }); ok {
			if at := int(l.GetLocation()); at >= 0 && (first < 0 || at < first) {
				first = at
			}
		}
		return false
	})
	return first
}

// openParen is the offset of the parenthesis that opens a subquery: the raw tree
// does not tell.
func (a *analyzer) openParen(n *pg.Node) int {
	first := rawLocation(n)
	if first < 0 {
		return -1
	}
	s := parser.NewScanner(a.text)
	var stack []int
	open := -1
	for t := s.Next(); t.Kind != parser.EOF && t.Start < first; t = s.Next() {
		switch a.text[t.Start] {
		case '(':
			stack = append(stack, t.Start)
		case ')':
			if len(stack) > 0 {
				stack = stack[:len(stack)-1]
			}
		}
	}
	// The subquery starts at the innermost parenthesis that a SELECT, VALUES,
	// WITH or TABLE follows.
	for i := len(stack) - 1; i >= 0; i-- {
		rest := strings.ToLower(strings.TrimLeft(a.text[stack[i]+1:], " \t\n\r("))
		for _, w := range []string{"select", "values", "with", "table"} {
			if strings.HasPrefix(rest, w) {
				open = stack[i]
			}
		}
		if open >= 0 {
			return open
		}
	}
	return open
}

// QuoteIdent writes an identifier as SQL needs it.
func QuoteIdent(s string) string {
	safe := s != "" && (s[0] >= 'a' && s[0] <= 'z' || s[0] == '_')
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_') {
			safe = false
		}
	}
	if safe && !reserved[s] {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// reserved holds the keywords of PostgreSQL 15 that are not plain identifiers
// everywhere (pg_get_keywords: catcode other than U).
var reserved = keywordSet(`all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both
case cast char character check coalesce collate collation column concurrently constraint create cross current_catalog current_date
current_role current_schema current_time current_timestamp current_user dec decimal default deferrable desc distinct do else end
except exists extract false fetch float for foreign freeze from full grant greatest group grouping having ilike in initially inner
inout int integer intersect interval into is isnull join lateral leading least left like limit localtime localtimestamp national
natural nchar none normalize not notnull null nullif numeric offset on only or order out outer overlaps overlay placing position
precision primary real references returning right row select session_user setof similar smallint some substring symmetric table
tablesample then time timestamp to trailing treat trim true union unique user using values varchar variadic verbose when where
window with xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable`) // constant

func keywordSet(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}
