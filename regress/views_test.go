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

// ask runs queries in one session and returns the rows of each, unaligned, sorted.
func ask(t *testing.T, s target, db string, queries ...string) [][]string {
	t.Helper()
	const mark = "== next query"
	var b strings.Builder
	for _, q := range queries {
		b.WriteString("\\echo " + mark + "\n" + strings.TrimSpace(q) + ";\nrollback;\n")
	}
	out, err := s.TryPsql(db, "set client_min_messages = error;\n"+b.String())
	if err != nil {
		t.Fatalf("%v\n%s", err, tail(out))
	}
	parts := strings.Split(number.ReplaceAllString(out, "N"), mark+"\n")
	if len(parts) != len(queries)+1 {
		t.Fatalf("%d answers to %d queries", len(parts)-1, len(queries))
	}
	var all [][]string
	for _, p := range parts[1:] {
		rows := strings.Split(strings.TrimSpace(p), "\n")
		slices.Sort(rows)
		all = append(all, rows)
	}
	return all
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
	same("the columns of system views", ask(t, stock, "d_dump", columns)[0], ask(t, mini, "d_dump", columns)[0])
	names := ask(t, stock, "d_dump", "select table_schema || '.' || table_name from information_schema.views where table_schema in ('pg_catalog', 'information_schema')")[0]
	if len(names) < 100 {
		t.Fatalf("only %d views", len(names))
	}
	var own, count []string
	for _, v := range names {
		if strings.HasPrefix(v, "information_schema.") {
			own = append(own, "select replace(v::text, chr(10), ' ') from "+v+" v")
		} else {
			count = append(count, "select count(*) from "+v)
		}
	}
	ask(t, mini, "d_dump", count...)
	users := regexp.MustCompile(`\bapp\b|\bpublic\b|Odd`)
	builtIn := regexp.MustCompile(`\(d_dump,(pg_catalog|information_schema)|ROUTINE`)
	want, got := ask(t, stock, "d_dump", own...), ask(t, mini, "d_dump", own...)
	for i := range own {
		var lists [2][]string
		for k, rows := range [][]string{want[i], got[i]} {
			for _, l := range rows {
				if l = strings.Join(strings.Fields(l), " "); users.MatchString(l) && !builtIn.MatchString(l) {
					lists[k] = append(lists[k], l)
				}
			}
		}
		same(own[i], lists[0], lists[1])
	}
	queries := strings.Split(strings.TrimSpace(pgCatalogViews), "\n")
	want, got = ask(t, stock, "d_dump", queries...), ask(t, mini, "d_dump", queries...)
	for i, q := range queries {
		same(q, want[i], got[i])
	}
}
