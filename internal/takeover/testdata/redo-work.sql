-- Records of every type that pgmini writes.
insert into t select g, g % 7, md5(g::text), repeat('y', g % 90) from generate_series(3001, 12000) g;
update t set v = v || 'u' where id % 3 = 0;
update t set pad = 'hot' where id % 5 = 0;
delete from t where id % 4 = 0;
vacuum t;
insert into t select g, g % 3, md5(g::text), '' from generate_series(30001, 33000) g;
select count(*) from t where k = 3;
insert into toasted (big, lz) select (select string_agg(md5((g*1000+i)::text), '') from generate_series(1, 300) i), repeat('lz4 ', g * 300) from generate_series(1, 30) g;
update toasted set big = big || 'more' where id % 2 = 0;
delete from toasted where id % 5 = 0;
vacuum (freeze) toasted;
insert into unlog select g, 'after' from generate_series(3001, 3100) g;
create unlogged table unlog2 (id int primary key, v text);
insert into unlog2 values (1, 'lost');
select count(nextval('seq')) from generate_series(1, 200);
select setval('seq', 1000);
insert into shared values (1, 1) on conflict (id) do update set n = 5;
insert into shared values (5000, 1) on conflict (id) do nothing;
begin; savepoint a; insert into shared values (1000, 1); savepoint b; insert into shared values (1001, 1); rollback to b; release a; commit;
begin; insert into shared values (2000, 1); rollback;
create table subs(id int, v text);
select 'begin;' || string_agg(format('savepoint s%s; insert into subs values (%s, ''s''); %s', i, i, case when i % 3 = 0 then format('rollback to s%s;', i) else '' end), ' ' order by i) || 'commit;' from generate_series(1, 150) i \gexec
begin; select count(*) from (select * from shared where id < 20 for key share) s; savepoint a; update shared set n = 2 where id < 10; rollback to a; commit;
drop table gone;
create table gone (id int primary key, v text);
insert into gone values (1, 'new');
truncate gone;
insert into gone values (2, 'newer');
delete from shrinks where id > 100;
vacuum shrinks;
create table multi (id int);
copy multi from stdin;
1
2
3
\.
begin; create table copied (id int, v text); copy copied from stdin with (freeze);
1	one
2	two
\.
commit;
-- Whole levels go, so that the fast root is below the root; then it splits.
delete from wide where k < 398;
vacuum wide;
vacuum wide;
insert into wide select g, repeat('w', 1900) from generate_series(500, 540) g;
vacuum wide;
insert into wide select g, repeat('w', 1900) from generate_series(600, 700) g;
insert into dups select i % 5, 'same' from generate_series(1, 4000) i;
insert into dups select i % 7, 'same' from generate_series(1, 4000) i;
delete from dups where k = 3;
vacuum dups;
insert into dups select 1, 'again' from generate_series(1, 300) i;
delete from t where id between 4000 and 11000;
vacuum t;
vacuum t;
insert into t select g, g % 11, md5(g::text), '' from generate_series(40001, 42000) g;
alter table shared add column extra int default 7;
create index conc on shared (n);
reindex table shared;
drop index conc;
create schema s2; create view s2.w as select * from t;
create table many_oids (id int);
create database by_wal strategy wal_log;
create database short strategy wal_log;
drop database short;
create temporary table tmp as select * from t;
insert into tmp select * from t;
analyze t;
select pg_switch_wal();
