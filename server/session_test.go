package server_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// query runs a statement by the simple protocol and returns rows and tag, or the
// SQLSTATE.
func query(c *pgx.Conn, sql string) string {
	res, err := c.PgConn().Exec(context.Background(), sql).ReadAll()
	if err != nil {
		return code(err)
	}
	var b strings.Builder
	for _, r := range res {
		for _, f := range r.FieldDescriptions {
			fmt.Fprintf(&b, "%s:%d ", f.Name, f.DataTypeOID)
		}
		for _, row := range r.Rows {
			fmt.Fprintf(&b, "%q ", row)
		}
		b.WriteString(r.CommandTag.String() + ";")
	}
	return b.String()
}

// TestRecentPlans: a statement that was run before in another shape of literals
// answers as one that is analyzed from its own text.
func TestRecentPlans(t *testing.T) {
	_, addr := start(t)
	c := connect(t, addr, "&default_query_exec_mode=simple_protocol")
	if _, err := c.Exec(context.Background(), "create table t(a int primary key, b numeric, s smallint, x text); create index on t(s) where s = 3"); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{
		"select %d", "select %d / 3", "select -%d", "select %d::numeric / 3", "select pg_typeof(%d)", "select 'x' || %d", "select %d = '7'",
		"select substring('abcdefghijkl', 2, %d)", "select 'abcdefghijkl'::varchar(%d)", "select 'abc'::char(%d)", "select 2147483 * %d",
		"select a from (values (2, 1), (1, 2)) v(a, b) order by 1 limit %d", "select count(*) from t where a = %d", "select %d.5",
		"insert into t values (%[1]d, %[1]d, %[1]d, %[1]d) returning *", "insert into t(a, s) values (%[1]d, 70000 + %[1]d)",
		"update t set b = b + %d where a in (1, 2, %[1]d)", "select * from t where a between 1 and %d order by a", "select * from t where s = %d",
		"select %d where 1 = 0", "select %d / 0", "select nocolumn from t where a = %d", "delete from t where a = %d", "select interval '1 day' * %d",
		"select %d a, 'a' b", "select a'%d'", "select repeat('x', %d)", "select %d from t group by 1", "select sum(v) from generate_series(1, %d) v",
	} {
		fresh := connect(t, addr, "&default_query_exec_mode=simple_protocol")
		for i := 1; i < 5; i++ {
			sql := fmt.Sprintf(k, i)
			if strings.Contains(k, "%[1]d") == false && strings.Count(k, "%d") != 1 {
				t.Fatal(k)
			}
			// Each run is taken back, so that both see the same rows.
			run := func(c *pgx.Conn, sql string) string {
				query(c, "begin")
				defer query(c, "rollback")
				return query(c, sql)
			}
			got := run(c, sql)
			want := run(fresh, "/*"+fmt.Sprint(i)+"*/;"+sql)
			want2 := run(fresh, sql+";;")
			if got != want || got != want2 {
				t.Errorf("%s: %s, want %s or %s", sql, got, want, want2)
			}
		}
	}
}

// TestPlanSeesDDL: plans of all kinds follow what other sessions do to their
// tables.
func TestPlanSeesDDL(t *testing.T) {
	_, addr := start(t)
	ctx := context.Background()
	a, b := connect(t, addr, ""), connect(t, addr, "")
	must := func(c *pgx.Conn, sql string) {
		t.Helper()
		if _, err := c.Exec(ctx, sql); err != nil {
			t.Fatal(sql, err)
		}
	}
	must(a, "create table t(a int, b int)")
	must(a, "insert into t values (1, 2)")
	if _, err := b.Prepare(ctx, "p", "select * from t"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Prepare(ctx, "q", "select count(*) from t where a = $1"); err != nil {
		t.Fatal(err)
	}
	n := 0
	count := func(want int) {
		t.Helper()
		if err := b.QueryRow(ctx, "q", 1).Scan(&n); err != nil || n != want {
			t.Fatal(n, err)
		}
	}
	simple := func() string { return query(b, "select * from t where a = 1") }
	count(1)
	for range 3 {
		if s := simple(); !strings.Contains(s, "SELECT 1") {
			t.Fatal(s)
		}
	}
	must(a, "create index on t(a)")
	count(1)
	must(a, "alter table t add c int default 7")
	count(1)
	if s := simple(); !strings.Contains(s, `"7"`) {
		t.Error(s)
	}
	if _, err := b.Exec(ctx, "p"); code(err) != "0A000" {
		t.Error("result type changed: ", err)
	}
	must(a, "truncate t")
	count(0)
	must(a, "drop table t")
	if err := b.QueryRow(ctx, "q", 1).Scan(&n); code(err) != "42P01" {
		t.Error(err)
	}
	if s := simple(); s != "42P01" {
		t.Error(s)
	}
	must(a, "create table t(a int, b text)")
	must(a, "insert into t values (1, 'x')")
	count(1)
	if s := simple(); !strings.Contains(s, "SELECT 1") {
		t.Error(s)
	}
	// What a transaction did itself, and took back, leaves nothing behind.
	for range 2 {
		must(b, "begin")
		must(b, "alter table t add z int")
		if s := simple(); !strings.Contains(s, "z:23") {
			t.Error(s)
		}
		must(b, "rollback")
		if s := simple(); strings.Contains(s, "z:23") {
			t.Error(s)
		}
		must(b, "begin")
		must(b, "alter table t add y text")
		if s := simple(); !strings.Contains(s, "y:25") {
			t.Error(s)
		}
		must(b, "rollback")
	}
}

// TestSequences: sessions share a sequence, and each remembers its own values.
func TestSequences(t *testing.T) {
	_, addr := start(t)
	a, b := connect(t, addr, ""), connect(t, addr, "")
	for _, k := range []struct {
		c         *pgx.Conn
		sql, want string
	}{
		{a, "create sequence s; create sequence c cache 5; create sequence d start 10 increment -3 minvalue 1 maxvalue 10", ""},
		{b, "select currval('s')", "55000"}, {b, "select lastval()", "55000"},
		{a, "select nextval('s')", `"1"`}, {b, "select nextval('s')", `"2"`}, {a, "select currval('s')", `"1"`},
		{a, "select nextval('c')", `"1"`}, {b, "select nextval('c')", `"6"`}, {a, "select nextval('c')", `"2"`},
		{a, "select nextval('d'), nextval('d'), nextval('d'), nextval('d')", `"10" "7" "4" "1"`}, {a, "select nextval('d')", "2200H"},
		{a, "select setval('s', 100)", `"100"`}, {b, "select nextval('s')", `"101"`}, {a, "select lastval()", `"1"`},
		{a, "begin; select nextval('s'); rollback", `"102"`}, {a, "select nextval('s')", `"103"`},
	} {
		if got := query(k.c, k.sql); !strings.Contains(got, k.want) {
			t.Errorf("%s: %s, want %s", k.sql, got, k.want)
		}
	}
}

// TestCopy: COPY in both directions, and its failures.
func TestCopy(t *testing.T) {
	_, addr := start(t)
	ctx := context.Background()
	c := connect(t, addr, "")
	if _, err := c.Exec(ctx, "create table t(a int primary key, b text)"); err != nil {
		t.Fatal(err)
	}
	n, err := c.CopyFrom(ctx, pgx.Identifier{"t"}, []string{"a", "b"}, pgx.CopyFromSlice(5000, func(i int) ([]any, error) {
		return []any{i, strings.Repeat("x", i%50)}, nil
	}))
	if err != nil || n != 5000 {
		t.Fatal(n, err)
	}
	var out strings.Builder
	tag, err := c.PgConn().CopyTo(ctx, &out, "copy (select a, b from t order by a) to stdout")
	if err != nil || tag.RowsAffected() != 5000 || strings.Count(out.String(), "\n") != 5000 {
		t.Fatal(tag, err)
	}
	for _, k := range []struct{ data, code string }{{"6000\tok\n1\tdup\n", "23505"}, {"x\ty\n", "22P02"}, {"6000\n", "22P04"}} {
		if _, err := c.PgConn().CopyFrom(ctx, strings.NewReader(k.data), "copy t from stdin"); code(err) != k.code {
			t.Errorf("%q: %v, want %s", k.data, err, k.code)
		}
	}
	var count int
	if err := c.QueryRow(ctx, "select count(*) from t").Scan(&count); err != nil || count != 5000 {
		t.Error(count, err)
	}
}
