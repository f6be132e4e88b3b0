-- psql's lists. Built-in objects, of which pgmini keeps no descriptions, are
-- listed by the columns that the commands show beside them.
create schema s; create function_nope; create table s.x (a int);
\dn
\dn s
\du
\du nope
\db
\dT nope
\dT+ nope
select n.nspname, format_type(t.oid, null), t.typname, case when t.typlen < 0 then 'var' else t.typlen::text end as size, pg_get_userbyid(t.typowner), t.typacl, pg_type_is_visible(t.oid) from pg_type t join pg_namespace n on n.oid = t.typnamespace where t.typname in ('int4', 'pg_lsn', 'uuid') order by 3;
\df length
\df pg_catalog.upp*
\df nope
\df+ nope
select n.nspname, p.proname, pg_get_function_result(p.oid), pg_get_function_arguments(p.oid), p.prokind, p.provolatile, p.proparallel, pg_get_userbyid(p.proowner), p.prosecdef, p.proacl, l.lanname, p.prosrc from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang where p.proname in ('now', 'string_agg') order by 2, 4;
\da nope
\do nope
select n.nspname, o.oprname, case when o.oprkind = 'l' then null else format_type(o.oprleft, null) end, format_type(o.oprright, null), format_type(o.oprresult, null) from pg_operator o join pg_namespace n on n.oid = o.oprnamespace where o.oprname in ('=', '@>') order by 2, 3, 4;
\dC nope
\dO C
\dO POSIX
\dp x
\dp s.x
\dA
\dx nope
select e.extname, e.extversion, n.nspname from pg_extension e join pg_namespace n on n.oid = e.extnamespace;
\dD
\dF nope
\dL nope
select l.lanname, pg_get_userbyid(l.lanowner), l.lanpltrusted from pg_language l where l.lanplcallfoid <> 0;
\dc nope
\ddp
\des
\dRp
\dy
\drds
\dconfig work_mem
\l nope
\sf nope
\sv nope
\conninfo_nope
create view s.v as select 1 as one;
\sv s.v
\dv s.*
\encoding
\echo :ENCODING :SERVER_VERSION_NUM_NOPE :USER
