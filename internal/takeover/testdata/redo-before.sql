-- What is there when the workload of TestRedoEqualsDo begins.
create table t (id int primary key, k int, v text, pad text);
create index t_k on t (k);
create index t_vk on t (v, k);
insert into t select g, g % 100, md5(g::text), repeat('x', g % 50) from generate_series(1, 3000) g;
create table toasted (id serial primary key, big text, lz text compression lz4);
create unlogged table unlog (id int primary key, v text);
insert into unlog select g, 'v' || g from generate_series(1, 200) g;
create sequence seq;
create table gone (id int primary key, v text);
insert into gone select g, 'gone' from generate_series(1, 1000) g;
create table shrinks (id int, v text);
insert into shrinks select g, repeat('s', 300) from generate_series(1, 2000) g;
create table shared (id int primary key, n int) with (fillfactor = 50);
insert into shared select g, 0 from generate_series(1, 40) g;
-- A btree of four levels: a page holds three or four of its keys.
create table wide (k int, pad text);
create index wide_i on wide (k, pad);
alter table wide alter pad set storage plain;
insert into wide select g, repeat('w', 1900) from generate_series(1, 400) g;
create table dups (k int, v text);
create index dups_k on dups (k);
create database olddb;
update pg_database set datallowconn = true where datname = 'template0';
