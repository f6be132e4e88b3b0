package analyze_test

import (
	"context"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/analyze/stockcat"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/parser"
)

func lines(t *testing.T, name string) []string {
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, l := range strings.Split(string(b), "\n") {
		if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "#") {
			out = append(out, l)
		}
	}
	return out
}

func setup(t *testing.T) *stockcat.Catalog {
	b, err := os.ReadFile("testdata/setup.sql")
	if err != nil {
		t.Fatal(err)
	}
	return stockcat.Connect(t, string(b))
}

// TestErrors compares every bad statement's error with stock's.
func TestErrors(t *testing.T) {
	s := setup(t)
	for _, q := range lines(t, "errors.sql") {
		_, err := s.Conn.Prepare(context.Background(), "", q)
		want, _ := errors.AsType[*pgconn.PgError](err)
		if want == nil {
			t.Errorf("stock takes %s (%v)", q, err)
			continue
		}
		got := &pgerr.Error{}
		stmts, err := parser.Parse(q)
		if err == nil {
			_, err = analyze.Analyze(s, stmts[0], &analyze.Params{Infer: true})
		}
		if e, ok := pgerr.As(err); ok {
			got = e
		}
		if string(got.Code) != want.Code || got.Msg != want.Message || got.Detail != want.Detail || got.Hint != want.Hint || got.Position != int(want.Position) {
			t.Errorf("%s\n got %s %q %q %q %d\nwant %s %q %q %q %d", q, got.Code, got.Msg, got.Detail, got.Hint, got.Position,
				want.Code, want.Message, want.Detail, want.Hint, want.Position)
		}
	}
}

var noise = regexp.MustCompile(`:(stmt_location|stmt_len|location) -?\d+`)

// TestTrees compares trees with those that stock stores for a view of the text.
func TestTrees(t *testing.T) {
	s := setup(t)
	ctx := context.Background()
	for _, q := range lines(t, "trees.sql") {
		prefix := "create view pgmini_v as "
		if _, err := s.Conn.Exec(ctx, "drop view if exists pgmini_v; "+prefix+q); err != nil {
			t.Errorf("%s: %v", q, err)
			continue
		}
		var want string
		if err := s.Conn.QueryRow(ctx, "select ev_action::text from pg_rewrite where ev_class = 'pgmini_v'::regclass").Scan(&want); err != nil {
			t.Fatal(err)
		}
		stmts, err := parser.Parse(q)
		if err != nil {
			t.Errorf("%s: %v", q, err)
			continue
		}
		got, err := analyze.Analyze(s, stmts[0], nil)
		if err != nil {
			t.Errorf("%s: %v", q, err)
			continue
		}
		w, err := node.Read(want)
		if err != nil {
			t.Fatal(err)
		}
		a, b := noise.ReplaceAllString(node.Write(got), ""), noise.ReplaceAllString(node.Write(unview(w)), "")
		if a != b {
			i := 0
			for i < len(a) && i < len(b) && a[i] == b[i] {
				i++
			}
			lo := max(0, i-160)
			t.Errorf("%s\n got …%s\nwant …%s", q, a[lo:min(len(a), i+120)], b[lo:min(len(b), i+120)])
		}
	}
}

// unview takes away what storing a view adds: the entries OLD and NEW, which
// shift every range table index of the top level by two.
func unview(n node.Node) node.Node {
	q := n.(node.List)[0].(*node.Query)
	q = node.MutateLevels(q, func(k node.Node, level int) (node.Node, bool) {
		switch x := k.(type) {
		case *node.Var:
			c := *x
			if x.Varlevelsup == level {
				c.Varno -= 2
				if c.Varnosyn > 0 {
					c.Varnosyn -= 2
				}
			}
			return &c, true
		case *node.RangeTblRef:
			c := *x
			if level == 0 {
				c.Rtindex -= 2
			}
			return &c, true
		case *node.RowMarkClause:
			c := *x
			if level == 0 {
				c.Rti -= 2
			}
			return &c, true
		case *node.JoinExpr:
			if level == 0 {
				c := *x
				c.Rtindex -= 2
				return unjoin(&c, level), true
			}
		}
		return nil, false
	}).(*node.Query)
	c := *q
	c.Rtable = q.Rtable[2:]
	return &c
}

func unjoin(j *node.JoinExpr, level int) node.Node {
	fix := func(n node.Node) node.Node {
		return node.MutateLevels(n, func(k node.Node, l int) (node.Node, bool) {
			switch x := k.(type) {
			case *node.Var:
				c := *x
				if x.Varlevelsup == l {
					c.Varno -= 2
					if c.Varnosyn > 0 {
						c.Varnosyn -= 2
					}
				}
				return &c, true
			case *node.RangeTblRef:
				c := *x
				if l == 0 {
					c.Rtindex -= 2
				}
				return &c, true
			case *node.JoinExpr:
				if l == 0 && x != j {
					c := *x
					c.Rtindex -= 2
					return unjoin(&c, level), true
				}
			}
			return nil, false
		})
	}
	j.Larg, j.Rarg, j.Quals = fix(j.Larg), fix(j.Rarg), fix(j.Quals)
	return j
}
