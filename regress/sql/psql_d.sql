-- psql's \d of tables, indexes, views, sequences
create table t (id serial primary key, a int not null default 5, b varchar(10), c numeric(8,2) check (c > 0), d timestamptz default now(), e text[] default '{}', f char(3) collate "C", g bigint generated always as identity, h int generated always as (a * 2) stored, constraint ab unique (a, b)); create index t_low on t (lower(b)) where a > 1; create index t_inc on t (c desc, d) include (e); create unlogged table u (x int) with (fillfactor = 70); create view v as select id, b from t where a > 0; create sequence s start 5 increment 2; create table "Odd Name" ("C 1" int, "select" text); create schema other; create table other.ot (z oid);
\d t
\d+ t
\d t_low
\d t_inc
\d+ t_pkey
\d ab
\d u
\d+ u
\d v
\d+ v
\d s
\d t_id_seq
\d "Odd Name"
\d other.ot
\d other.*
\d nope
\d
\dt
\dt+ nope
\dt other.*
\dt *.ot
\di
\ds
\dv
\dtv t*
\d pg_am
alter table t drop column f; comment on column t.a is 'about a'; comment on table t is 'about t';
\d t
\d+ t
\dt+ u
\dd nope
