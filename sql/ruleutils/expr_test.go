package ruleutils

import (
	"context"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/analyze/stockcat"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/parser"
)

const table = `create table t(a int primary key, b text, c numeric(10,2), d timestamptz default now(), e int[], f bool, v varchar(10), big bigint)`

// exprs are conditions over t.
const exprs = `a > 1
a > 1 and b = 'x' or not f
b is not null and f is not true
a in (1, 2, 3)
b = any (array['x', 'y'])
c > 1.5
c > 2
a > -1
a % 2 = 0 and a::bigint > 5
v = 'x'
v like 'a%'
length(b) between 1 and 10
coalesce(a, 0) > 0 and nullif(a, 2) is null and greatest(a, 3) > 2
case when a > 1 then f else true end
case a when 1 then f when 2 then true end
a is distinct from 3
b collate "C" < 'z'
e[1] = 2 and e[1:2] = array[1,2]
lower(b) || 'x' = 'yx'
d > current_timestamp
d > now() - interval '1 day'
extract(year from d) > 2000
trim(both 'x' from b) = 'y' and position('a' in b) > 0 and substring(b from 1 for 2) = 'it''s'
b <> 'back\slash'
null::text is null
a::text = '1'
upper(v) = 'X'
b ~ '^[a-z]+$'
(c * 2)::int = 4
big = 5 and big = 5000000000`

// TestExpr analyzes conditions, writes them, and compares tree and text with
// those of stock's CHECK constraints.
func TestExpr(t *testing.T) {
	s := stockcat.Connect(t, table)
	ctx := context.Background()
	rel, err := s.Relation("", "t")
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range strings.Split(exprs, "\n") {
		sql := "select " + q
		if _, err := s.Conn.Exec(ctx, "alter table t drop constraint if exists k; alter table t add constraint k check ("+q+")"); err != nil {
			t.Errorf("%s: %v", q, err)
			continue
		}
		var tree, want string
		if err := s.Conn.QueryRow(ctx, "select conbin::text, pg_get_expr(conbin, conrelid) from pg_constraint where conname = 'k'").Scan(&tree, &want); err != nil {
			t.Fatal(err)
		}
		raw, err := parser.Parse(sql)
		if err != nil {
			t.Errorf("%s: %v", q, err)
			continue
		}
		val := raw[0].Stmt.GetSelectStmt().TargetList[0].GetResTarget().Val
		e, err := analyze.Expr(s, sql, val, rel, analyze.UseCheck)
		if err != nil {
			t.Errorf("%s: %v", q, err)
			continue
		}
		stored, err := node.Read(tree)
		if err != nil {
			t.Fatal(err)
		}
		if !node.Equal(e, stored) {
			t.Errorf("%s:\n got %s\nwant %s", q, node.Write(e), tree)
		}
		got, err := Expr(s, stored, rel)
		if err != nil || got != want {
			t.Errorf("%s:\n got %s %v\nwant %s", q, got, err, want)
		}
	}
}
