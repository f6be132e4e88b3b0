-- What a database holds, as text that is the same on every server that opens it.
set timezone = 'UTC'; set datestyle = 'ISO'; set extra_float_digits = 1; set search_path = pg_catalog; set jit = off;

-- The rows of tables, materialized views and views.
select format('select %L, count(*), md5(coalesce(string_agg(r, E''\n'' order by r collate "C"), '''')) from (select t::text as r from %s%I.%I t) s',
  format('%I.%I', n.nspname, c.relname), case when c.relhassubclass then 'only ' else '' end, n.nspname, c.relname)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'm', 'v') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
order by n.nspname::text collate "C", c.relname::text collate "C" \gexec

-- The sequences.
select format('select %L, last_value, is_called from %I.%I', format('%I.%I', n.nspname, c.relname), n.nspname, c.relname)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'S' and n.nspname !~ '^pg_'
order by n.nspname::text collate "C", c.relname::text collate "C" \gexec
select seqrelid::regclass, seqtypid::regtype, seqstart, seqincrement, seqmax, seqmin, seqcache, seqcycle from pg_sequence order by seqrelid::regclass::text collate "C";

-- The indexes, and that they are valid.
select pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisready, i.indislive, i.indisprimary
from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname !~ '^pg_' order by pg_get_indexdef(i.indexrelid) collate "C";

-- The columns.
select a.attrelid::regclass, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated, a.attstorage, a.attcompression, a.attisdropped, pg_get_expr(d.adbin, d.adrelid)
from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attnum > 0 and c.relkind in ('r', 'v', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
order by n.nspname::text collate "C", c.relname::text collate "C", a.attnum;

-- Constraints, views, roles, databases.
select conrelid::regclass, conname, pg_get_constraintdef(c.oid) from pg_constraint c where not exists (select from pg_namespace n where n.oid = c.connamespace and n.nspname in ('information_schema', 'pg_catalog')) order by conrelid::regclass::text collate "C", conname::text collate "C";
select c.oid::regclass, pg_get_viewdef(c.oid) from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('v', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by c.oid::regclass::text collate "C";
select rolname, rolsuper, rolcanlogin, rolconnlimit from pg_authid where rolname !~ '^pg_' order by rolname::text collate "C";
select datname, datallowconn, datistemplate from pg_database order by datname::text collate "C";
