package commands

import (
	"strconv"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
)

const maxName = 63

func itoa64(n int64) string { return strconv.FormatInt(n, 10) }

func toLower(s string) string { return strings.ToLower(s) }

// objectName makes a name of parts, cut so that it fits (PostgreSQL:
// makeObjectName): the longer of the first two loses bytes first.
func objectName(name1, name2, label string) string {
	over := len(name1) + len(label) + 1
	if label == "" {
		over = len(name1)
	}
	if name2 != "" {
		over += len(name2) + 1
	}
	for ; over > maxName; over-- {
		if len(name1) > len(name2) {
			name1 = name1[:len(name1)-1]
		} else {
			name2 = name2[:len(name2)-1]
		}
	}
	out := clip(name1, len(name1))
	if name2 != "" {
		out += "_" + clip(name2, len(name2))
	}
	if label != "" {
		out += "_" + label
	}
	return out
}

// clip cuts s to n bytes, and a broken character at the end away.
func clip(s string, n int) string {
	s = s[:n]
	for n > 0 && !strings.HasSuffix(strings.ToValidUTF8(s, "\x00"), s[max(0, n-1):n]) {
		n--
		s = s[:n]
	}
	return strings.TrimRight(strings.ToValidUTF8(s, ""), "\x00")
}

// relationName chooses a name that no relation of the schema has, and with
// constraint no constraint either (PostgreSQL: ChooseRelationName).
func (c *cmd) relationName(name1, name2, label string, ns oid.OID, constraint bool, taken func(string) bool) string {
	mod := label
	for pass := 0; ; pass++ {
		n := objectName(name1, name2, mod)
		if must(c.Catalog().ClassByName(n, ns)) == nil && (taken == nil || !taken(n)) && !(constraint && c.constraintInSchema(n, ns)) {
			return n
		}
		mod = label + itoa(pass+1)
	}
}

// constraintInSchema reports whether a constraint of a schema has a name.
func (c *cmd) constraintInSchema(name string, ns oid.OID) bool {
	r, err := rowsBy[rows.PgConstraint](c, rows.AnumPgConstraintConname, datum.String(name), rows.AnumPgConstraintConnamespace, datum.Int(int64(ns)))
	throw(err)
	return len(r) > 0
}

// constraintName chooses the name of a check constraint (PostgreSQL:
// ChooseConstraintName).
func (c *cmd) constraintName(name1, name2, label string, ns oid.OID, taken map[string]bool) string {
	mod := label
	for pass := 0; ; pass++ {
		n := objectName(name1, name2, mod)
		if !taken[n] && !c.constraintInSchema(n, ns) {
			return n
		}
		mod = label + itoa(pass+1)
	}
}

// indexColumnNames are the names of an index's columns, each once.
func indexColumnNames(params []*pg.Node) []string {
	var out []string
	for _, p := range params {
		e := p.GetIndexElem()
		base := e.Indexcolname
		if base == "" {
			base = e.Name
		}
		if base == "" {
			base = figureIndexColumn(e.Expr)
		}
		name := base
		for i := 1; contains(out, name); i++ {
			n := itoa(i)
			name = clip(base, min(len(base), maxName-len(n))) + n
		}
		out = append(out, name)
	}
	return out
}

func contains(l []string, s string) bool {
	for _, x := range l {
		if x == s {
			return true
		}
	}
	return false
}

// figureIndexColumn names an expression column by its outermost function, or
// "expr".
func figureIndexColumn(n *pg.Node) string {
	if n == nil {
		return "expr"
	}
	switch x := n.Node.(type) {
	case *pg.Node_FuncCall:
		l := names(x.FuncCall.Funcname)
		return l[len(l)-1]
	case *pg.Node_ColumnRef:
		if l := x.ColumnRef.Fields; len(l) > 0 && l[len(l)-1].GetString_() != nil {
			return l[len(l)-1].GetString_().Sval
		}
	case *pg.Node_CollateClause:
		return figureIndexColumn(x.CollateClause.Arg)
	case *pg.Node_TypeCast:
		if s := figureIndexColumn(x.TypeCast.Arg); s != "expr" {
			return s
		}
		l := names(x.TypeCast.TypeName.Names)
		return l[len(l)-1]
	case *pg.Node_AExpr:
		if x.AExpr.Kind == pg.A_Expr_Kind_AEXPR_NULLIF {
			return "nullif"
		}
	case *pg.Node_AIndirection:
		return figureIndexColumn(x.AIndirection.Arg)
	case *pg.Node_CoalesceExpr:
		return "coalesce"
	case *pg.Node_CaseExpr:
		if x.CaseExpr.Defresult != nil {
			if s := figureIndexColumn(x.CaseExpr.Defresult); s != "expr" {
				return s
			}
		}
		return "case"
	case *pg.Node_MinMaxExpr:
		if x.MinMaxExpr.Op == pg.MinMaxOp_IS_LEAST {
			return "least"
		}
		return "greatest"
	case *pg.Node_AArrayExpr:
		return "array"
	}
	return "expr"
}

// indexNameAddition joins column names for the name of an index.
func indexNameAddition(cols []string) string {
	out := ""
	for _, s := range cols {
		if out != "" {
			out += "_"
		}
		out += s
		if len(out) > maxName {
			out = out[:min(len(out), 2*maxName)]
			break
		}
	}
	return out
}

// indexName chooses the name of an index (PostgreSQL: ChooseIndexName).
func (c *cmd) indexName(table string, ns oid.OID, cols []string, primary, constraint bool) string {
	switch {
	case primary:
		return c.relationName(table, "", "pkey", ns, true, nil)
	case constraint:
		return c.relationName(table, indexNameAddition(cols), "key", ns, true, nil)
	}
	return c.relationName(table, indexNameAddition(cols), "idx", ns, false, nil)
}
