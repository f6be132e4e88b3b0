package ruleutils

import (
	"strings"

	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/node"
)

// Styles of the pg_get functions: without and with their pretty argument.
func style(pretty bool) Style { return Style{Pretty: pretty} }

// View is pg_get_viewdef: the query of a view's ON SELECT rule. wrap is the
// column to break lists at; 0 breaks before every item.
func View(cat Catalog, rel *analyze.Relation, pretty bool, wrap int) (string, error) {
	if rel.ViewRule == "" {
		return "", nil
	}
	q, err := ruleQueries(rel.ViewRule)
	if err != nil {
		return "", err
	}
	if len(q) != 1 {
		return "", nil
	}
	s, err := Query(cat, q[0], columnNames(rel), Style{Pretty: pretty, Wrap: wrap})
	return s + ";", err
}

func columnNames(rel *analyze.Relation) []string {
	out := make([]string, len(rel.Columns))
	for i, c := range rel.Columns {
		out[i] = c.Name
	}
	return out
}

func ruleQueries(tree string) ([]*node.Query, error) {
	n, err := node.Read(tree)
	if err != nil {
		return nil, err
	}
	l, _ := n.(node.List)
	var out []*node.Query
	for _, e := range l {
		q, ok := e.(*node.Query)
		if !ok {
			return nil, pgerr.New(pgerr.InternalError, "invalid rule action")
		}
		out = append(out, q)
	}
	return out, nil
}

// RuleEvent is when a rule acts (pg_rewrite.ev_type).
type RuleEvent byte

// Rule is a row of pg_rewrite.
type Rule struct {
	Name         string
	Event        RuleEvent
	Instead      bool
	Qual, Action string
}

// RuleDef is pg_get_ruledef.
func RuleDef(cat Catalog, r Rule, rel *analyze.Relation, pretty bool) (string, error) {
	d := &deparser{cat: cat, out: &strings.Builder{}, Style: style(pretty)}
	q, err := ruleQueries(r.Action)
	if err != nil {
		return "", err
	}
	d.put("CREATE RULE ", analyze.QuoteIdent(r.Name), " AS\n    ON ", map[RuleEvent]string{'1': "SELECT", '2': "UPDATE", '3': "INSERT", '4': "DELETE"}[r.Event], " TO ")
	if pretty {
		d.put(d.relation(rel.OID))
	} else {
		d.put(qualified(rel))
	}
	if r.Qual != "" && r.Qual != "<>" && len(q) > 0 {
		n, err := node.Read(r.Qual)
		if err != nil {
			return "", err
		}
		d.put("\n  WHERE ")
		in := &deparser{cat: cat, out: d.out, Style: d.Style, prefix: len(q[0].Rtable) != 1}
		src := q[0]
		if src.CommandType == node.CmdInsert {
			// The rule's relations are in the SELECT below an INSERT … SELECT.
			for _, e := range src.Rtable {
				if e.Rtekind == node.RTESubquery && e.Subquery != nil && len(e.Subquery.Rtable) >= 2 && len(src.Rtable) < 2 {
					src = e.Subquery
				}
			}
		}
		in.scopes = []*scope{in.queryScope(src)}
		in.top(n)
		d.check(in.err)
	}
	d.put(" DO ")
	if r.Instead {
		d.put("INSTEAD ")
	}
	var cols []string
	if r.Event == '1' {
		cols = columnNames(rel)
	}
	switch len(q) {
	case 0:
		d.put("NOTHING;")
	case 1:
		d.query(q[0], cols, true)
		d.put(";")
	default:
		d.put("(")
		for _, a := range q {
			d.query(a, cols, true)
			if pretty {
				d.put(";\n")
			} else {
				d.put("; ")
			}
		}
		d.put(");")
	}
	return d.text()
}
