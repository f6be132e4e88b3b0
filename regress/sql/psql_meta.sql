-- psql as a client: \x, \gset, \gexec, \gdesc, \if, \pset, \crosstabview, \watch-less
create table t (a int, b text); insert into t values (1, 'one'), (2, null), (3, 'multi
line');
\x
select * from t order by a;
\x
\pset null '(null)'
select * from t order by a;
\pset format unaligned
select * from t order by a;
\pset format csv
select * from t order by a;
\pset format aligned
\pset border 2
select * from t where a = 1;
\pset border 1
\pset null ''
\a
\t
select * from t where a < 3 order by a;
\t
\a
select a as x, b as y from t where a = 1 \gset
\echo :x :y :'y' :"y"
select * from t where a = :x;
select * from t where b = :'y';
select 'select ' || a from t order by a \gexec
select a, b, a::numeric(5,2) as n, now() as w from t \gdesc
select nope \gdesc
insert into t values (9, 'x') \gdesc
\if :{?x}
select 'has x';
\else
select 'no x';
\endif
select b, a, a * 2 as v from t where b is not null and a < 3 \crosstabview
select 1 as a \g
select 1 as a, 2 as b \gx
\set ON_ERROR_ROLLBACK on
begin; select 1 / 0; select 'survived'; commit;
\unset ON_ERROR_ROLLBACK
\set VERBOSITY sqlstate
select 1 / 0; select nope; select 'x'::int; insert into t values ('x'); selec;
\set VERBOSITY terse
select nope from t;
\set VERBOSITY default
\set AUTOCOMMIT off
insert into t values (50, 'ac'); rollback; select count(*) from t where a = 50; commit;
\set AUTOCOMMIT on
\echo :LAST_ERROR_SQLSTATE :ERROR :SQLSTATE :ROW_COUNT
select nope;
\echo :LAST_ERROR_SQLSTATE :LAST_ERROR_MESSAGE :ERROR :SQLSTATE
update t set a = a where a < 3;
\echo :ROW_COUNT
prepare q as select $1::int + 1; execute q(4); select $1 + 1 \bind_nope
\timing off
\qecho done
\c -
select a from t where a = 1;
