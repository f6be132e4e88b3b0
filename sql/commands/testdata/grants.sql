\set QUIET off
create role g_a; create role g_b; create table t (a int, b text, c int); create view v as select * from t; create sequence s;
grant select (a), update (b, c), insert on t to g_a; grant all (a) on t to g_b with grant option; grant references (b) on t to public; \dp
select relacl from pg_class where relname = 't'; select attname, attacl from pg_attribute where attrelid = 't'::regclass and attnum > 0 order by attnum;
revoke select on t from g_a; select attname, attacl from pg_attribute where attrelid = 't'::regclass and attnum > 0 order by attnum; revoke grant option for update (a) on t from g_b; revoke all on t from g_b; revoke references (b) on t from public; select attname, attacl from pg_attribute where attrelid = 't'::regclass and attnum > 0 order by attnum;
grant select (nope) on t to g_a; grant delete (a) on t to g_a; grant usage (a) on sequence s to g_a; grant select (a) on v to g_a; grant update (a), select on v to g_b; \dp v
select count(*) from pg_shdepend where refobjid = 'g_a'::regrole; drop role g_a; grant select (a) on t to nope; revoke all (a, b, c) on t from g_a; revoke all on t, v from g_a, g_b; select count(*) from pg_shdepend where refobjid in ('g_a'::regrole, 'g_b'::regrole); drop role g_a, g_b; \dp
