-- Everything that the storage engine keeps, in sections that run by themselves:
-- "-- @ name" begins one. Each section is one psql script that stops at its
-- first error. Variable n is the size of the big table. Nothing here depends on
-- the clock, on chance or on the server, so that two servers come to equal states.

-- @ bool
create table ty_bool(id int, v bool);
insert into ty_bool values (1, true), (2, false), (3, null), (4, 'yes'), (5, 'off'), (6, '1');
create index on ty_bool(v);

-- @ int2
create table ty_int2(id int, v int2);
insert into ty_int2 values (1, -32768), (2, 32767), (3, 0), (4, null), (5, '-1'), (6, 1);
create index on ty_int2(v);

-- @ int4
create table ty_int4(id int, v int4);
insert into ty_int4 values (1, -2147483648), (2, 2147483647), (3, 0), (4, null), (5, -1);
create index on ty_int4(v);

-- @ int8
create table ty_int8(id int, v int8);
insert into ty_int8 values (1, -9223372036854775808), (2, 9223372036854775807), (3, 0), (4, null), (5, -1), (6, 4294967296);
create index on ty_int8(v);

-- @ float4
create table ty_float4(id int, v float4);
insert into ty_float4 values (1, '-0'), (2, 0), (3, 'NaN'), (4, 'Infinity'), (5, '-Infinity'), (6, 3.4028235e38), (7, 1.4e-45), (8, null), (9, 0.1);
create index on ty_float4(v);

-- @ float8
create table ty_float8(id int, v float8);
insert into ty_float8 values (1, '-0'), (2, 0), (3, 'NaN'), (4, 'Infinity'), (5, '-Infinity'), (6, 1.7976931348623157e308), (7, 5e-324), (8, null), (9, 0.1), (10, 1e15), (11, 123456789.123456789);
create index on ty_float8(v);

-- @ numeric
create table ty_numeric(id int, v numeric, w numeric(10,3), x numeric(4,-2));
insert into ty_numeric values (1, 0, 0, 0), (2, 'NaN', 'NaN', 'NaN'), (3, 'Infinity', null, null), (4, '-Infinity', null, null),
  (5, 1e-40, 1234567.891, 123456), (6, 1e200, -0.0005, -50), (7, null, null, null), (8, 0.10, 0.1, 1), (9, 0.1000, 9999999.999, 999949),
  (10, -123456789012345678901234567890.123456789012345678901234567890, 1, 100), (11, 10000, 10000, 10000), (12, 1.0000, 1, 1);
insert into ty_numeric select 100 + i, ('1' || repeat('0', i))::numeric, i, i from generate_series(1, 60) i;
create index on ty_numeric(v);
create index on ty_numeric(w, x);

-- @ text
create table ty_text(id int, v text);
insert into ty_text values (1, ''), (2, 'a'), (3, 'Ä'), (4, E'tab\there\nand line'), (5, null), (6, repeat('x', 126)), (7, repeat('y', 127)), (8, repeat('z', 2000)), (9, '日本語'), (10, E'back\\slash'), (11, 'A'), (12, '😀');
create index on ty_text(v);

-- @ varchar
create table ty_varchar(id int, v varchar, w varchar(5));
insert into ty_varchar values (1, '', ''), (2, 'abc', 'abcde'), (3, null, null), (4, 'ab  ', 'äöüßé'), (5, 'ab', 'ab   ');
create index on ty_varchar(v);
create index on ty_varchar(w);

-- @ bpchar
create table ty_bpchar(id int, v char, w char(6), x bpchar);
insert into ty_bpchar values (1, 'a', 'abc', 'abc  '), (2, '', '', ''), (3, null, null, null), (4, 'ä', 'äöü', 'ab'), (5, ' ', 'abc   ', 'abc');
create index on ty_bpchar(v);
create index on ty_bpchar(w);
create index on ty_bpchar(x);

-- @ char
create table ty_char(id int, v "char");
insert into ty_char values (1, 'a'), (2, ''), (3, null), (4, 'Z'), (5, '\377'), (6, '1');
create index on ty_char(v);

-- @ name
create table ty_name(id int, v name);
insert into ty_name values (1, 'a'), (2, ''), (3, null), (4, repeat('n', 63)), (5, repeat('ä', 40)), (6, 'A b');
create index on ty_name(v);

-- @ bytea
create table ty_bytea(id int, v bytea);
insert into ty_bytea values (1, ''), (2, '\x00'), (3, null), (4, '\xdeadbeef'), (5, 'abc\000def'), (6, '\xff'), (7, '\x7f80');
create index on ty_bytea(v);

-- @ date
create table ty_date(id int, v date);
insert into ty_date values (1, '2000-01-01'), (2, '4713-01-01 BC'), (3, '5874897-12-31'), (4, 'infinity'), (5, '-infinity'), (6, null), (7, '1999-12-31'), (8, '2024-02-29');
create index on ty_date(v);

-- @ time
create table ty_time(id int, v time, w timetz);
insert into ty_time values (1, '00:00', '00:00+00'), (2, '24:00', '24:00+14'), (3, '23:59:59.999999', '12:00-15:59'), (4, null, null);
create index on ty_time(v);
create index on ty_time(w);

-- @ timestamp
create table ty_timestamp(id int, v timestamp, w timestamp(0));
insert into ty_timestamp values (1, '2000-01-01', '2000-01-01 00:00:00.5'), (2, '4713-01-01 00:00:00 BC', null), (3, '294276-12-31 23:59:59.999999', null), (4, 'infinity', 'infinity'), (5, '-infinity', '-infinity'), (6, null, null), (7, '1969-12-31 23:59:59.000001', '1969-12-31 23:59:59.499999');
create index on ty_timestamp(v);

-- @ timestamptz
set timezone = 'UTC';
create table ty_timestamptz(id int, v timestamptz);
insert into ty_timestamptz values (1, '2000-01-01 00:00+00'), (2, '4713-01-01 00:00:00+00 BC'), (3, '294276-12-31 23:59:59.999999+00'), (4, 'infinity'), (5, '-infinity'), (6, null), (7, '2024-03-31 02:30 Europe/Berlin'), (8, '2024-10-27 02:30 America/New_York'), (9, '1883-11-18 12:03:57 America/New_York');
create index on ty_timestamptz(v);

-- @ interval
create table ty_interval(id int, v interval, w interval year to month, x interval(2));
insert into ty_interval values (1, '0', '1 year', '1.239 s'), (2, '1 mon', '13 mons', null), (3, '30 days', null, null), (4, '720 hours', null, null), (5, '-178000000 years', null, null), (6, '178000000 years', null, null), (7, null, null, null), (8, '1 year -1 mon +2 days -03:04:05.678', null, null), (9, '1 day', null, null), (10, '24:00', null, null);
create index on ty_interval(v);

-- @ uuid
create table ty_uuid(id int, v uuid);
insert into ty_uuid values (1, '00000000-0000-0000-0000-000000000000'), (2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'), (3, null), (4, '{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}'), (5, md5('x')::uuid);
create index on ty_uuid(v);

-- @ oid
create table ty_oid(id int, v oid);
insert into ty_oid values (1, 0), (2, 4294967295), (3, null), (4, 2147483648), (5, '-1');
create index on ty_oid(v);

-- @ reg
create table ty_reg(id int, a regclass, b regtype, c regproc, d regprocedure, e regoper, f regoperator, g regnamespace, h regrole, i regcollation);
insert into ty_reg values (1, 'pg_class', 'int4', 'now', 'sum(int4)', 'pg_catalog.||/', '+(int4,int4)', 'pg_catalog', 'postgres', '"C"'),
  (2, 0, 0, 0, 0, 0, 0, 0, 0, 0), (3, null, null, null, null, null, null, null, null, null), (4, '4294967295', '4294967295', '4294967295', '4294967295', '4294967295', '4294967295', '4294967295', '4294967295', '4294967295');
create index on ty_reg(a);
create index on ty_reg(b);
create index on ty_reg(c);
create index on ty_reg(d, e, f, g);
create index on ty_reg(h, i);

-- @ pg_lsn
create table ty_pg_lsn(id int, v pg_lsn);
insert into ty_pg_lsn values (1, '0/0'), (2, 'FFFFFFFF/FFFFFFFF'), (3, null), (4, '0/FFFFFFFF'), (5, '1/0');
create index on ty_pg_lsn(v);

-- @ xid
create table ty_xid(id int, v xid);
insert into ty_xid values (1, '0'), (2, '4294967295'), (3, null), (4, '3'), (5, '2147483648');

-- @ xid8
create table ty_xid8(id int, v xid8);
insert into ty_xid8 values (1, '0'), (2, '18446744073709551615'), (3, null), (4, '4294967296');
create index on ty_xid8(v);

-- @ cid
create table ty_cid(id int, v cid);
insert into ty_cid values (1, '0'), (2, '4294967295'), (3, null);

-- @ tid
create table ty_tid(id int, v tid);
insert into ty_tid values (1, '(0,0)'), (2, '(4294967295,65535)'), (3, null), (4, '(0,1)'), (5, '(1,0)');
create index on ty_tid(v);

-- @ int2vector
create table ty_int2vector(id int, v int2vector);
insert into ty_int2vector values (1, ''), (2, '1 2 3'), (3, null), (4, '-32768 32767'), (5, '1 2');
create index on ty_int2vector(v);

-- @ oidvector
create table ty_oidvector(id int, v oidvector);
insert into ty_oidvector values (1, ''), (2, '1 2 3'), (3, null), (4, '4294967295 0'), (5, '1 2');
create index on ty_oidvector(v);

-- @ array-int4
create table ty_array_int4(id int, v int4[]);
insert into ty_array_int4 values (1, '{}'), (2, '{1,2,3}'), (3, null), (4, '{NULL}'), (5, '{1,NULL,3}'), (6, '[-2:0]={7,8,9}'), (7, array[1,2]), (8, array(select i from generate_series(1, 300) i));
create index on ty_array_int4(v);

-- @ array-text
create table ty_array_text(id int, v text[], w varchar(3)[], x bpchar[]);
insert into ty_array_text values (1, '{}', '{}', '{}'), (2, '{a,"b c","d\"e",NULL,"NULL",""}', '{abc}', '{"a "}'), (3, null, null, null), (4, array['ä', E'x\ny'], array['a', 'b'], array['a', 'b']);
create index on ty_array_text(v);
create index on ty_array_text(w);

-- @ array-more
set timezone = 'UTC';
create table ty_array_more(id int, a bool[], b int2[], c int8[], d float8[], e numeric[], f bytea[], g date[], h timestamptz[], i interval[], j uuid[], k oid[], l name[], m "char"[]);
insert into ty_array_more values (1, '{t,f,NULL}', '{1,-1}', '{9223372036854775807}', '{NaN,-0,1e300}', '{1.50,NaN,-1e30}', '{"\\x00ff",""}', '{2000-01-01,infinity}', '{2000-01-01 00:00+00}', '{1 day,1 mon}', '{00000000-0000-0000-0000-000000000000}', '{0,4294967295}', '{a,"b c"}', '{a,b}'),
  (2, null, null, null, null, null, null, null, null, null, null, null, null, null), (3, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}');
create index on ty_array_more(a, b);
create index on ty_array_more(c, d, e);
create index on ty_array_more(f, g, h, i, j, k, l, m);

-- @ many-per-type
create table many(id int, b bool, s int2, l int8, f float4, d float8, n numeric, t text, v varchar(20), c char(12), y bytea, da date, ts timestamp, tz timestamptz, iv interval, u uuid, o oid, lsn pg_lsn, ar int4[], nm name);
set timezone = 'UTC';
insert into many
  select i, i % 2 = 0, (i % 60000 - 30000)::int2, i::int8 * 1000000007 - 5000000000, (i % 1000) / 7.0::float4, i * 1.1::float8 - 300, (i * 37 % 1009)::numeric / 16,
    'text ' || md5(i::text), substr(md5(i::text), 1, i % 20), 'c' || i % 777, decode(md5(i::text), 'hex'), date '2000-01-01' + (i * 13 % 4000), timestamp '2000-01-01' + i * interval '61 seconds',
    timestamptz '2000-01-01 00:00+00' - i * interval '1 hour', (i % 500) * interval '1 hour' + (i % 13) * interval '1 mon', md5((i + 1)::text)::uuid, (i::int8 * 214748 % 4294967296)::oid,
    '0/0'::pg_lsn + (i::numeric * 123457), array[i % 10, i % 7, i], ('n' || i % 901)::name
  from generate_series(1, 2000) i;
update many set t = null, v = null, n = null, iv = null where id % 11 = 0;
create index on many(b); create index on many(s); create index on many(l); create index on many(f); create index on many(d); create index on many(n);
create index on many(t); create index on many(v); create index on many(c); create index on many(y); create index on many(da); create index on many(ts);
create index on many(tz); create index on many(iv); create index on many(u); create index on many(o); create index on many(lsn); create index on many(ar); create index on many(nm);
insert into many select id + 100000, b, s, l, f, d, n, t, v, c, y, da, ts, tz, iv, u, o, lsn, ar, nm from many where id % 3 = 0;
delete from many where id % 5 = 0;
update many set l = l + 1, t = t || '!' where id % 4 = 0;

-- @ many-descending
create table many_desc(a int, b text, c int8);
insert into many_desc select i * 7919 % 10007, 'k' || i % 97, i from generate_series(1, 6000) i;
create index on many_desc(a desc, b);
create index on many_desc(b desc nulls last, a nulls first);
insert into many_desc select i * 104729 % 10007, null, -i from generate_series(1, 3000) i;

-- @ toast
create table toast_t(id int primary key, v text, x text, m text, p text);
alter table toast_t alter x set storage external, alter m set storage main, alter p set storage plain;
insert into toast_t select i, repeat('compressible ' || i || ' ', i * 40), (select string_agg(md5((i * 1000 + j)::text), '' order by j) from generate_series(1, i * 2) j), repeat(md5(i::text), i), md5(i::text) from generate_series(1, 120) i;
update toast_t set v = v || 'more' where id % 3 = 0;
update toast_t set p = 'short' where id % 7 = 0;
delete from toast_t where id % 10 = 0;
insert into toast_t values (1000, repeat('a', 3000000), (select string_agg(md5(j::text), '' order by j) from generate_series(1, 40000) j), repeat('m', 100000), null);

-- @ toast-lz4
create table toast_lz4(id int primary key, v text compression lz4, b bytea, y bytea compression lz4);
alter table toast_lz4 alter b set storage external;
insert into toast_lz4 select i, repeat('lz4 value ' || i || ' ', i * 50), decode(repeat(md5(i::text), i * 4), 'hex'), decode(repeat(md5(i::text), i * 8), 'hex') from generate_series(1, 60) i;
update toast_lz4 set v = upper(v) where id % 2 = 0;
alter table toast_lz4 alter v set compression pglz;
insert into toast_lz4 select 100 + i, repeat('pglz value ' || i || ' ', i * 50), null, null from generate_series(1, 20) i;
insert into toast_lz4 values (1000, repeat('b', 2000000), null, decode(repeat('00', 500000), 'hex'));

-- @ toast-inline
create table toast_inline(id int, v text);
insert into toast_inline select i, repeat('short cycle ', 10 * i) from generate_series(1, 180) i;
create index on toast_inline(v);

-- @ big
create table big(id int primary key, k int, v text, f int8) with (fillfactor = 80);
insert into big select i, i::int8 * 7919 % 1000003, 'row ' || i, i from generate_series(1, :n) i;
create index big_k on big(k);
create index big_v on big(v);
create index big_part on big(k) where id % 100 = 0;
create index big_expr on big((k % 1000), lower(v));

-- @ big-churn
update big set f = f + 1 where id % 10 = 0;
update big set k = k + 1 where id % 17 = 0;
delete from big where id between :n / 10 and :n / 5;
delete from big where id % 23 = 0;
insert into big select :n + i, i % 50, 'new ' || i, -i from generate_series(1, 2000) i;
vacuum big;
insert into big select 2 * :n + i, i % 50, 'reuse ' || i, -i from generate_series(1, 2000) i;
analyze big;

-- @ hot
create table hot(id int primary key, a int, b text) with (fillfactor = 50);
insert into hot select i, 0, 'b' || i from generate_series(1, 300) i;
create index on hot(b);
update hot set a = a + 1; update hot set a = a + 1; update hot set a = a + 1 where id % 2 = 0; update hot set a = a + 1 where id < 100;
update hot set b = b || 'x' where id % 3 = 0;
update hot set a = -a, b = b where id % 5 = 0;

-- @ unique
create table uni(a int, b int, c text, unique (a, b), unique (c));
insert into uni values (1, 1, 'a'), (1, 2, 'b'), (1, null, null), (1, null, null), (null, null, 'c');
insert into uni values (1, 1, 'zz') on conflict (a, b) do update set c = uni.c || excluded.c;
insert into uni values (1, 1, 'zz') on conflict do nothing;
delete from uni where c = 'b';
insert into uni values (1, 2, 'b');
create unique index uni_part on uni(a) where b = 2;
\set ON_ERROR_STOP 0
insert into uni values (7, 7, 'seven'), (1, 1, 'dup');
\set ON_ERROR_STOP 1
insert into uni select 100 + i, i, 'u' || i from generate_series(1, 500) i;
update uni set a = a + 1000 where a > 100;

-- @ include
create table incl(a int, b int, c text, d text, constraint incl_pk primary key (a) include (c));
insert into incl select i, i % 10, 'c' || i, repeat('d', i % 30) from generate_series(1, 1500) i;
create index incl_b on incl(b) include (d, c);
delete from incl where a % 6 = 0;

-- @ dups
create table dups(k int, v text);
insert into dups select i % 5, 'same' from generate_series(1, 8000) i;
create index dups_k on dups(k);
create index dups_v on dups(v) with (deduplicate_items = off);
create index dups_ff on dups(k, v) with (fillfactor = 50);
insert into dups select i % 7, 'same' || i % 3 from generate_series(1, 8000) i;
delete from dups where k = 3;
vacuum dups;

-- @ page-deletion
create table pagedel(id int primary key, v text);
insert into pagedel select i, md5(i::text) from generate_series(1, 20000) i;
create index on pagedel(v);
delete from pagedel where id between 2000 and 18000;
vacuum pagedel;
insert into pagedel select 30000 + i, md5(i::text) from generate_series(1, 3000) i;
vacuum pagedel;

-- @ truncated-tail
create table tail(id int, v text);
insert into tail select i, repeat('t', 200) from generate_series(1, 5000) i;
delete from tail where id > 100;
vacuum tail;

-- @ columns
create table cols(id int generated always as identity primary key, a int default 7 not null check (a > 0), b text default 'x' || 'y', c int generated always as (a * 2) stored, d timestamp default '2001-01-01');
insert into cols(a) select i from generate_series(1, 50) i;
insert into cols default values;
insert into cols(id, a) overriding system value values (1000, 1);

-- @ alter
create table alt(a int, b text, c int);
insert into alt select i, 'b' || i, i from generate_series(1, 500) i;
alter table alt add column d int default 42;
alter table alt add column e text;
alter table alt add column g numeric(8,2) not null default 1.5;
update alt set e = 'e' where a % 2 = 0;
alter table alt drop column c;
alter table alt add column c2 int;
insert into alt(a, b, d, e, g, c2) values (1000, 'last', null, 'e', 2, 9);
alter table alt rename column b to bb;
alter table alt rename to altered;
alter table altered alter a set not null, alter bb set default 'dflt';
alter table altered add constraint altered_pk primary key (a);
alter table altered add constraint altered_chk check (a > 0);
alter table altered alter d type int8;
alter table altered set (fillfactor = 70);
insert into altered(a) values (2000);
alter table altered alter g drop not null, alter g drop default;
insert into altered(a) values (2001);
alter table altered drop constraint altered_chk;

-- @ alter-rewrite
create table rewr(id int primary key, a int, b varchar(10));
insert into rewr select i, i, i::text from generate_series(1, 1000) i;
create index on rewr(a);
alter table rewr alter a type text using 'n' || a;
alter table rewr alter b type varchar(20);
alter table rewr add column s serial;
create schema rewritten;
alter table rewr set schema rewritten;

-- @ sequences
create sequence seq_a;
select nextval('seq_a') from generate_series(1, 40);
create sequence seq_b as smallint increment by -3 minvalue -30 maxvalue 30 start 20 cycle cache 5;
select nextval('seq_b') from generate_series(1, 50);
create sequence seq_c as bigint start 9223372036854775806;
select nextval('seq_c');
create sequence seq_d;
select setval('seq_d', 100, false);
create table ser(id serial primary key, big bigserial, small smallserial, v text);
insert into ser(v) select 'v' || i from generate_series(1, 70) i;
alter sequence seq_a restart with 500;
select nextval('seq_a');
alter sequence seq_d increment by 10;
select nextval('seq_d');
drop sequence seq_c;

-- @ identity
create table ident(a int generated by default as identity (start 10 increment 5), b text);
insert into ident(b) select 'b' from generate_series(1, 20);
insert into ident values (3, 'own');
alter table ident alter a restart with 1000;
insert into ident(b) values ('after');

-- @ views
create schema vs;
create table vs.base(id int primary key, v text, n numeric);
insert into vs.base select i, 'v' || i, i * 1.5 from generate_series(1, 100) i;
create view vs.plain as select id, upper(v) as u, n from vs.base where id > 10;
create view vs.joined as select a.id, b.v, count(*) over () as c from vs.base a join vs.base b on a.id = b.id + 1;
create view vs.grouped as select id % 7 as g, sum(n) as s, max(v) as m from vs.base group by 1 having count(*) > 3;
create or replace view vs.plain as select id, upper(v) as u, n, id + 1 as next from vs.base where id > 10;
create view vs.over as select * from vs.plain where n > 30;

-- @ unlogged
create unlogged table unl(id int primary key, v text);
insert into unl select i, repeat('u', 3000 * (i % 3)) from generate_series(1, 500) i;
create index on unl(v) where id < 100;
create unlogged table unl_seq(id serial, v text);
insert into unl_seq(v) select 'x' from generate_series(1, 10);

-- @ temp
create temp table tmp(id int primary key, v text) on commit preserve rows;
insert into tmp select i, repeat(md5(i::text), 100) from generate_series(1, 2000) i;
create index on tmp(v);
update tmp set v = 'x' where id % 2 = 0;
create table from_temp as select count(*) as n, sum(length(v)) as l from tmp;
create temp table tmp_del(id int) on commit delete rows;
create temp table tmp_drop(id int);
drop table tmp_drop;

-- @ schemas
create schema s1;
create schema "S 2";
create table s1.t(a int);
create table "S 2"."T ""q"""("A b" int primary key, "sel" text);
insert into s1.t values (1), (2);
insert into "S 2"."T ""q""" values (1, 'x');
create schema gone;
create table gone.t(a int);
drop schema gone cascade;
set search_path = s1, public;
insert into t values (3);
create table found_in_s1(a text);

-- @ database
create database second;
\c second
create table in_second(id int primary key, v text);
insert into in_second select i, md5(i::text) from generate_series(1, 1000) i;
create schema deep;
create table deep.t(a int);
create sequence deep.s;
select nextval('deep.s');
\c postgres
create database gone_db;
\c gone_db
create table t(a int);
\c postgres
drop database gone_db;

-- @ savepoints
create table sav(id int primary key, v text);
begin;
insert into sav values (1, 'kept');
savepoint a;
insert into sav values (2, 'gone');
savepoint b;
insert into sav values (3, 'gone');
rollback to a;
insert into sav values (4, 'kept');
savepoint c;
update sav set v = 'updated in c' where id = 1;
release c;
savepoint d;
delete from sav where id = 4;
rollback to d;
commit;
begin;
insert into sav values (5, 'aborted');
create table aborted_table(a int);
create index aborted_index on sav(v);
rollback;
begin;
insert into sav select 100 + i, 'sub' from generate_series(1, 10) i;
savepoint x;
truncate sav;
insert into sav values (99, 'after truncate');
rollback to x;
commit;

-- @ many-subtransactions
create table subs(id int, v text);
select 'begin;' || string_agg(format('savepoint s%s; insert into subs values (%s, ''s''); %s', i, i, case when i % 3 = 0 then format('rollback to s%s;', i) else '' end), ' ' order by i) || 'commit;' from generate_series(1, 150) i \gexec

-- @ subtransactions
create table subs2(id int, v text);
begin;
savepoint s; insert into subs2 values (1, 'a'); savepoint s; insert into subs2 values (2, 'b'); savepoint s; insert into subs2 values (3, 'c');
rollback to s; insert into subs2 values (4, 'd'); release s; savepoint s; insert into subs2 values (5, 'e'); savepoint t; update subs2 set v = v || 'u'; release t;
commit;
update subs2 set v = v || 'w' where id in (1, 5);
begin; delete from subs2 where id = 2; savepoint q; delete from subs2; rollback to q; commit;

-- @ row-locks
create table locked(id int primary key, v int);
insert into locked select i, 0 from generate_series(1, 200) i;
begin; select count(*) from (select * from locked where id < 50 for update) s; rollback;
begin; select count(*) from (select * from locked where id < 80 for share) s; update locked set v = 1 where id < 20; commit;
begin; select count(*) from (select * from locked for key share) s; savepoint a; update locked set v = 2 where id < 10; rollback to a; commit;
begin; savepoint a; select count(*) from (select * from locked where id > 150 for no key update) s; release a; update locked set v = 3 where id > 180; commit;

-- @ freeze
create table frz(id int primary key, v text);
insert into frz select i, 'f' || i from generate_series(1, 3000) i;
delete from frz where id % 4 = 0;
update frz set v = 'upd' where id % 5 = 0;
begin; select count(*) from (select * from frz where id < 100 for share) s; commit;
vacuum (freeze) frz;
update frz set v = 'again' where id % 50 = 0;
vacuum frz;
create table frz2(id int, v text);
insert into frz2 select i, repeat('q', i % 3000) from generate_series(1, 200) i;
vacuum freeze analyze frz2;

-- @ truncate
create table trunc(id serial primary key, v text);
insert into trunc(v) select repeat(md5(i::text), 200) from generate_series(1, 100) i;
truncate trunc restart identity;
insert into trunc(v) select 'after' from generate_series(1, 5) i;
begin; truncate trunc; insert into trunc(v) values ('rolled back'); rollback;
begin; create table trunc_new(a int); insert into trunc_new values (1); truncate trunc_new; insert into trunc_new values (2); commit;

-- @ drops
create table dropped(id int primary key, v text);
insert into dropped select i, repeat(md5(i::text), 100) from generate_series(1, 100) i;
create index dropped_v on dropped(v) where id < 10;
drop index dropped_v;
drop table dropped;
create table reborn(id int);
begin; drop table reborn; rollback;
insert into reborn values (1);
begin; drop table reborn; create table reborn(id text); insert into reborn values ('second'); commit;
create view dv as select * from reborn;
drop view dv;
drop table if exists never_was;

-- @ copy
create table cop(id int, v text, n numeric, t timestamp);
copy cop from stdin;
1	one	1.5	2000-01-01 00:00:00
2	\N	\N	\N
3	tab\there\nline	-1e10	infinity
\.
copy cop from stdin with (format csv, header, null 'nil');
id,v,n,t
4,"quoted, ""comma""",2,nil
5,nil,nil,2001-02-03
\.
begin;
create table cop_frozen(a int, b text);
copy cop_frozen from stdin with (freeze);
1	frozen
2	\N
\.
commit;

-- @ copy-to
copy (select * from cop order by id) to stdout;
copy cop(v, id) to stdout with (format csv, header, force_quote *);

-- @ ctas
create table ctas as select i as id, i::text as v, array[i] as a from generate_series(1, 700) i;
create table ctas_empty as select * from ctas with no data;
create table like_it (like ctas including all);
insert into like_it select * from ctas where id % 2 = 0 returning id;
with moved as (delete from ctas where id > 600 returning *) insert into like_it select * from moved;
update ctas c set v = l.v || '!' from like_it l where l.id = c.id and c.id < 50;
delete from ctas c using like_it l where l.id = c.id and c.id between 300 and 400;

-- @ comments-grants
create table cg(a int, b int);
comment on table cg is 'a comment';
comment on column cg.a is 'of a column';
create role reader;
grant select on cg to reader;
grant insert (a) on cg to reader;
create role login_role login password 'secret' connection limit 3;
alter role login_role set work_mem = '8MB';

-- @ foreign-keys
create table fk_p(id int primary key, v text);
create table fk_c(id int primary key, p int references fk_p on delete cascade on update cascade);
insert into fk_p select i, 'p' from generate_series(1, 100) i;
insert into fk_c select i, i % 100 + 1 from generate_series(1, 500) i;
delete from fk_p where id < 10;
update fk_p set id = id + 1000 where id > 90;

-- @ domains-enums
create domain posint as int check (value > 0);
create type mood as enum ('sad', 'ok', 'happy');
create type pair as (a int, b text);
create table dom(id int, p posint, m mood, c pair);
insert into dom values (1, 5, 'ok', row(1, 'x')), (2, null, null, null);
create index on dom(m);

-- @ matview
create table mv_base(id int primary key, v text);
insert into mv_base select i, 'm' || i % 10 from generate_series(1, 200) i;
create materialized view mv as select v, count(*) as c from mv_base group by v;
create unique index on mv(v);
insert into mv_base values (1000, 'new');
refresh materialized view mv;

-- @ partitions
create table part(id int, k int, v text) partition by range (k);
create table part_1 partition of part for values from (0) to (100);
create table part_2 partition of part for values from (100) to (200);
create index on part(id);
insert into part select i, i % 200, 'p' || i from generate_series(1, 1000) i;
update part set k = 150 where k = 7;

-- @ inheritance
create table inh_p(a int, b text);
create table inh_c(c int) inherits (inh_p);
insert into inh_p values (1, 'p');
insert into inh_c values (2, 'c', 3);

-- @ reindex-cluster
create table recl(id int primary key, v text);
insert into recl select i, md5(i::text) from generate_series(1, 2000) i;
create index recl_v on recl(v);
delete from recl where id % 2 = 0;
reindex index recl_v;
reindex table recl;
cluster recl using recl_v;
vacuum full recl;

-- @ concurrent-index
create table conc(id int, v text);
insert into conc select i, md5(i::text) from generate_series(1, 1000) i;
create index concurrently conc_v on conc(v);
create unique index concurrently conc_id on conc(id);
drop index concurrently conc_id;

-- @ reindex-concurrently
create table reconc(id int, v text);
insert into reconc select i, md5(i::text) from generate_series(1, 1000) i;
create index reconc_v on reconc(v);
reindex index concurrently reconc_v;

-- @ prepared-transaction-free
create table ptf(a int);
prepare ins(int) as insert into ptf values ($1);
execute ins(1);
execute ins(2);
deallocate ins;

-- @ checkpoint-vacuum
checkpoint;
vacuum;
analyze;
insert into big select 3 * :n + i, i % 50, 'after checkpoint ' || i, -i from generate_series(1, 500) i;
vacuum (analyze) many;
vacuum (freeze) toast_t;
