package ruleutils

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/analyze/stockcat"
	"github.com/pgmini/pgmini/sql/types"
)

// stock is stock's catalog with our output functions.
type stock struct {
	*stockcat.Catalog
	env *types.Env
}

func newStock(s *stockcat.Catalog) stock { return stock{s, types.NewEnv()} }

func (s stock) Output(t *analyze.Type, v datum.Datum) (string, error) {
	switch t.Name {
	case "regclass", "regtype", "regproc", "regprocedure", "regnamespace", "regrole":
		var out string
		err := s.Conn.QueryRow(context.Background(), "select $1::text::oid::"+t.Name+"::text", fmt.Sprint(v.Int)).Scan(&out)
		return out, err
	}
	id := t.OID
	for t.Kind == 'd' {
		id = t.BaseType
		var err error
		if t, err = s.Type(id); err != nil {
			return "", err
		}
	}
	return s.env.Text(id, v)
}

// compareViews compares the text of all views that a condition selects.
func compareViews(t *testing.T, s stock, where string, least int) {
	t.Helper()
	rows, err := s.Conn.Query(context.Background(), `select oid, relname::text, pg_get_viewdef(oid), pg_get_viewdef(oid, true), pg_get_viewdef(oid, 80), pg_get_viewdef(oid, 30)
		from pg_class where relkind = 'v' and `+where+` order by 1`)
	if err != nil {
		t.Fatal(err)
	}
	type view struct {
		id   uint32
		name string
		want [4]string
	}
	var all []view
	for rows.Next() {
		var v view
		if err := rows.Scan(&v.id, &v.name, &v.want[0], &v.want[1], &v.want[2], &v.want[3]); err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	if rows.Err() != nil {
		t.Fatal(rows.Err())
	}
	if len(all) < least {
		t.Errorf("%d views", len(all))
	}
	for _, v := range all {
		rel, err := s.RelationByOID(oid.OID(v.id))
		if err != nil {
			t.Fatal(err)
		}
		for i, st := range []struct {
			pretty bool
			wrap   int
		}{{false, 0}, {true, 0}, {true, 80}, {true, 30}} {
			got, err := View(s, rel, st.pretty, st.wrap)
			if err != nil {
				t.Errorf("%s %v: %v", v.name, st, err)
				break
			}
			if got != v.want[i] {
				t.Errorf("%s %v: %s", v.name, st, firstDiff(got, v.want[i]))
				break
			}
		}
	}
}

func firstDiff(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			x := "nothing"
			if i < len(w) {
				x = w[i]
			}
			return fmt.Sprintf("line %d\n got %q\nwant %q", i+1, g[i], x)
		}
	}
	return "got ends early"
}

// TestSystemViews writes stock's own system views.
func TestSystemViews(t *testing.T) {
	s := newStock(stockcat.Connect(t, ""))
	compareViews(t, s, "relnamespace <> 2200", 130)
}

//go:embed testdata/views.sql
var ownViews string // constant

// TestViews writes views that use all that a query may hold.
func TestViews(t *testing.T) {
	s := newStock(stockcat.Connect(t, ""))
	for _, q := range strings.Split(strings.TrimSpace(ownViews), "\n") {
		if _, err := s.Conn.Exec(context.Background(), q); err != nil {
			t.Errorf("%s: %v", q, err)
		}
	}
	compareViews(t, s, "relnamespace = 'public'::regnamespace and relname ~ '^v'", 20)
}
