package regress

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/internal/oracle"
)

// number masks OIDs of user objects, which differ from run to run.
var number = regexp.MustCompile(`[0-9]{5,}`) // constant

// ask returns the rows of a query, unaligned, sorted.
func ask(t *testing.T, s target, db, sql string) []string {
	t.Helper()
	out, err := s.TryPsql(db, sql)
	if err != nil {
		t.Errorf("%s: %v\n%s", sql, err, out)
	}
	rows := strings.Split(strings.TrimSpace(number.ReplaceAllString(out, "N")), "\n")
	slices.Sort(rows)
	return rows
}

// pgCatalogViews are queries of views of pg_catalog whose rows about user objects
// do not depend on the run. Statistics of index expressions (nopk_expr) are not
// collected yet.
const pgCatalogViews = `
select * from pg_tables where schemaname in ('app', 'public', 'Odd "Name"')
select * from pg_views where schemaname in ('app', 'public', 'Odd "Name"')
select * from pg_matviews
select * from pg_indexes where schemaname in ('app', 'public', 'Odd "Name"')
select * from pg_sequences
select * from pg_roles
select * from pg_user
select * from pg_shadow
select * from pg_group
select * from pg_rules where schemaname in ('app', 'public', 'Odd "Name"')
select * from pg_policies
select * from pg_publication_tables
select * from pg_seclabels
select * from pg_user_mappings
select * from pg_prepared_xacts
select * from pg_replication_slots
select * from pg_stats_ext
select schemaname, tablename, attname, inherited, null_frac, avg_width, n_distinct, most_common_vals, most_common_freqs from pg_stats where tablename <> 'nopk_expr' and schemaname in ('app', 'public', 'Odd "Name"')
prepare p (int, text) as select $1, $2; select name, statement, parameter_types, from_sql, generic_plans, custom_plans from pg_prepared_statements
begin; declare c cursor for select 1; declare d scroll cursor with hold for select 2; select name, statement, is_holdable, is_binary, is_scrollable from pg_cursors
begin; lock table app.customer in share mode; select locktype, relation::regclass, mode, granted, fastpath, virtualtransaction is not null from pg_locks where relation = 'app.customer'::regclass
begin; select pg_advisory_xact_lock(7), pg_advisory_lock(1, 2), pg_try_advisory_xact_lock_shared(9); select locktype, classid, objid, objsubid, mode, granted from pg_locks where locktype = 'advisory'
select name, setting from pg_config where name = 'VERSION' and false
select type, database, user_name, address, netmask, auth_method, options, error from pg_hba_file_rules where false
select pg_get_userbyid(d.datdba), datname, encoding, datcollate, datctype, datistemplate, datallowconn, datconnlimit, datacl from pg_database d where datname <> 'd_dump'
select * from pg_timezone_abbrevs where abbrev in ('UTC', 'CET', 'PST')
select name, utc_offset >= '-12:00' from pg_timezone_names where name in ('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata')`

// TestSystemViews compares every view of pg_catalog and information_schema with
// stock's: the columns, that it can be read, and what it says of user objects.
func TestSystemViews(t *testing.T) {
	pg := oracle.Find(t)
	script, err := os.ReadFile("testdata/dump.sql")
	if err != nil {
		t.Fatal(err)
	}
	mini := oracle.BuildPgmini(t, pg).Initdb(t)
	mini.Start()
	stock := pg.Initdb(t)
	stock.Start()
	for _, s := range []target{mini, stock} {
		if _, err := s.TryPsql("postgres", "create database d_dump template template0"); err != nil {
			t.Fatal(err)
		}
		if out, err := s.TryPsql("d_dump", string(script)+"; analyze"); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	same := func(what string, want, got []string) {
		t.Helper()
		if !slices.Equal(want, got) {
			differ(t, what, strings.Join(want, "\n")+"\n", strings.Join(got, "\n")+"\n")
		}
	}
	columns := `select n.nspname, c.relname, c.relacl::text is null, string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' order by a.attnum)
		from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
		where c.relkind = 'v' and n.nspname in ('pg_catalog', 'information_schema') group by 1, 2, 3`
	same("the columns of system views", ask(t, stock, "d_dump", columns), ask(t, mini, "d_dump", columns))
	users := regexp.MustCompile(`\bapp\b|\bpublic\b|Odd`)
	names := ask(t, stock, "d_dump", "select table_schema || '.' || table_name from information_schema.views where table_schema in ('pg_catalog', 'information_schema')")
	if len(names) < 100 {
		t.Fatalf("only %d views", len(names))
	}
	for _, v := range names {
		own := "select replace(v::text, chr(10), ' ') from " + v + " v"
		if !strings.HasPrefix(v, "information_schema.") {
			ask(t, mini, "d_dump", "select count(*) from "+v)
			continue
		}
		var lists [2][]string
		for i, s := range []target{stock, mini} {
			for _, l := range ask(t, s, "d_dump", own) {
				l = strings.Join(strings.Fields(l), " ")
				if users.MatchString(l) && !strings.Contains(l, "(d_dump,pg_catalog") && !strings.Contains(l, "(d_dump,information_schema") && !strings.Contains(l, "ROUTINE") {
					lists[i] = append(lists[i], l)
				}
			}
		}
		same(v, lists[0], lists[1])
	}
	for q := range strings.Lines(strings.TrimSpace(pgCatalogViews)) {
		same(strings.TrimSpace(q), ask(t, stock, "d_dump", q), ask(t, mini, "d_dump", q))
	}
}
