package exec_test

import (
	"testing"

	"github.com/pgmini/pgmini/internal/sqltest"
)

func TestSmoke(t *testing.T) {
	c := sqltest.New(t, nil).Connect()
	for _, q := range []string{
		"select 1, 'a'::text, null::int, 1+2",
		"values (1,'x'),(2,'y')",
		"select * from generate_series(1,5) g",
		"select relname, relkind from pg_class where oid = 1259",
		"select c.relname, a.attname, a.attnum from pg_class c join pg_attribute a on a.attrelid=c.oid where c.relname='pg_class' and a.attnum between 1 and 3 order by 3",
		"select count(*) from pg_class",
		"select relkind, count(*) from pg_class group by 1 order by 1",
		"create table t(a int primary key, b int, c text)",
		"create index t_b on t(b)",
		"insert into t select i, i%10, 'r'||i from generate_series(1,1000) i",
		"select count(*), sum(a), min(c) from t",
		"select * from t where a = 77",
		"update t set c = 'changed', b = b + 100 where a = 77 returning *",
		"select * from t where b = 107",
		"delete from t where a between 10 and 20 returning a",
		"select count(*) from t",
		"insert into t values (1,1,'dup') on conflict (a) do update set c = excluded.c returning *",
		"insert into t values (10,default,default), (11,2,'z')",
		"select a, (select count(*) from t t2 where t2.b = t.b) n from t where a < 5 order by a",
		"with recursive r(n) as (select 1 union all select n+1 from r where n < 5) select * from r",
		"select a, row_number() over (order by b desc, a) from t where a < 6",
		"select t.a, x.a from t left join t x on x.a = t.a + 995 where t.a < 9 order by 1",
		"select 1 where exists (select 1 from t where a = 3)",
		"select unnest(array[1,2,3]), generate_series(1,2)",
	} {
		r, err := c.Query(q)
		if err != nil {
			t.Errorf("%s\n\tERROR %v", q, err)
			continue
		}
		t.Logf("%s\n%s(%d)", q, r, r.Processed)
	}
}

// TestSQLFunctions: bodies stand where the calls were.
func TestSQLFunctions(t *testing.T) {
	c := sqltest.New(t, nil).Connect()
	for _, k := range [][2]string{
		{"create table t(a int primary key, b text)", ""},
		{"insert into t select i, 'v' || i from generate_series(1, 20) i", ""},
		{"create function add(x int, y int) returns int language sql immutable as 'select x + y'", ""},
		{"create function name_of(int) returns text language sql stable strict as 'select b from t where a = $1'", ""},
		{"create function below(n int) returns setof t language sql stable as 'select * from t where a < n order by a'", ""},
		{"create function pair(n int) returns t language sql stable as 'select a, b from t where t.a = pair.n'", ""},
		{"create function twice(v anyelement) returns anyelement language sql as 'select v'", ""},
		{"create function big(int) returns bigint language sql as 'select $1 + 1'", ""},
		{"select add(1, 2), add(a, 10), add(y => a, x => 1) from t where a = 4", "3|14|5\n"},
		{"select name_of(a), name_of(a + 100), name_of(null) from t where a < 3 order by a", "v1|NULL|NULL\nv2|NULL|NULL\n"},
		{"select * from below(3)", "1|v1\n2|v2\n"},
		{"select t.a, x.b from t, lateral below(t.a) x where t.a = 3 order by 2", "3|v1\n3|v2\n"},
		{"select (pair(7)).b, pair(8)", "v7|(8,v8)\n"},
		{"select * from pair(9)", "9|v9\n"},
		{"select twice(3), twice('x'::text), big(4), pg_typeof(big(4))", "3|x|5|bigint\n"},
		{"select obj_description(1259, 'pg_class'), round(2.567), trunc(2.9)", "NULL|3|2\n"},
	} {
		r, err := c.Query(k[0])
		if err != nil {
			t.Errorf("%s: %v", k[0], err)
			continue
		}
		if k[1] != "" && r.String() != k[1] {
			t.Errorf("%s: %s", k[0], r)
		}
	}
}
