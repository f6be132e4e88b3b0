-- COPY through files of the server, text and binary
\set f :dir '/t.txt'
\set b :dir '/t.bin'
\set n :dir '/nope/none'
create table t (a int, b text, n numeric, d date, ts timestamptz, bl bool, x bytea, arr int[], u uuid, f float8, i interval, c char(3), o oid);
insert into t values (1, 'one', 1.50, '2024-01-01', '2024-01-01 10:00+00', true, '\x0102', '{1,NULL,3}', '00000000-0000-0000-0000-000000000001', 1.25, '1 mon 2 days 03:00', 'ab', 5), (2, null, 'nan', 'infinity', '-infinity', false, '', '{}', null, '-inf', '-1 day', 'xyz', 0), (3, E'tab\t', -12345.6789, null, null, null, null, null, null, null, null, null, null);
copy t to :'f'; create table t2 (like t); copy t2 from :'f'; select count(*) from t2; select * from t except select * from t2;
copy t to :'b' (format binary); truncate t2; copy t2 from :'b' (format binary); select * from t2 order by a; select count(*) from (select * from t except select * from t2) x;
copy t (a, b) to :'b' binary; create table t3 (a int, b text); copy t3 from :'b' with binary; select * from t3 order by a; create table t4 (a int8, b text); copy t4 from :'b' binary; create table t5 (a int); copy t5 from :'b' binary; copy t3 from :'f' binary; create table t6 (a int, b int); copy t6 from :'b' binary;
copy (select g, 'row' || g from generate_series(1, 5000) g) to :'f' csv; copy t3 from :'f' csv; select count(*), sum(a), max(b) from t3; copy t3 to :'f' (format csv, header, delimiter ';'); copy t3 from :'f' (format csv, header, delimiter ';'); select count(*) from t3;
copy t from :'n'; copy t to :'n'; copy t to 'relative.txt'; copy t from :'b' (format binary, delimiter ','); copy t to :'b' (format binary, header);
copy (select 1) to stdout (format binary, null 'x'); create index on t3 (a); copy t3 from :'f' (format csv, header, delimiter ';'); select count(*) from t3 where a = 77; create unlogged table ul (a int, b text); copy ul from :'f' (format csv, header, delimiter ';'); select count(*) from ul; create temp table tt (a int, b text); copy tt from :'f' (format csv, header, delimiter ';'); select count(*) from tt;
select count(*) from (select * from pg_ls_dir(:'dir') f where f in ('t.txt', 't.bin')) x; select length(pg_read_file(:'f', 0, 4)); copy t3 (b) from :'f' (format text) where false;
