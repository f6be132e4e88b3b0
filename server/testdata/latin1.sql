\set VERBOSITY verbose
\set SHOW_CONTEXT always
show client_encoding; select pg_client_encoding(), length('È'), 'È'::bytea, convert_to('È', 'LATIN1');
create table "tÈ" (a int primary key, "Ò" text check ("Ò" <> 'bˆ'));
insert into "tÈ" values (1, '¸'), (2, chr(8364)), (3, U&'\00e4\00df');
select * from "tÈ" where a <> 2; select a, "Ò" from "tÈ" order by a; select 1 as "gr¸ﬂ";
insert into "tÈ" values (1, 'x'); insert into "tÈ" values (4, 'bˆ'); select * from "nˆ"; select 'ÈÈÈ', nˆ;
select 'x' as "aÄb";
drop table if exists "nÈ"; select 'hÈ ﬂ'::int; select 'ˆ'::date;
select * from U&"\20ac"; select chr(8364)::int;
prepare "È" as select $1::text; execute "È"('‰'); execute "Í"('x'); deallocate "È";
copy "tÈ" from stdin;
10	‰\tˆ
11	\303\244
12	plain
\.
copy "tÈ" from stdin with (format csv, header);
a,"Ò"
20,"ˇ, ""È"""
\.
copy "tÈ" from stdin (encoding 'utf8');
30	√©
\.
copy "tÈ" to stdout; copy (select * from "tÈ" where a <> 2 order by a) to stdout; copy (select * from "tÈ" order by a) to stdout (format csv, header, encoding 'UTF8');
copy (select * from "tÈ" where a <> 2 order by a) to stdout (encoding 'nope');
copy (select * from "tÈ" order by a) to stdout (encoding 'win1252'); copy (select 'È') to stdout (encoding 'sql_ascii');
set client_encoding = 'WIN1252'; select "Ò" from "tÈ" order by a; select 'Å';
set names 'latin2'; show client_encoding; select "Ò" from "tÈ" where a = 1; select "Ò" from "tÈ" where a = 20;
begin; set local client_encoding = 'KOI8R'; select chr(1046); show client_encoding; rollback; show client_encoding; select chr(1046);
set client_encoding to default; show client_encoding; reset client_encoding; show client_encoding;
set client_encoding = 'SQL_ASCII'; select "Ò" from "tÈ" order by a; select 'È'; select pg_client_encoding();
set client_encoding = 'nope'; set client_encoding = 'MULE_INTERNAL'; set names 'UTF8'; select "Ò" from "tÈ" order by a; show client_encoding;
select convert('\xe9', 'LATIN1', 'UTF8'), convert('\xc3a9', 'UTF8', 'LATIN9'), convert('\xe9', 'LATIN1', 'LATIN1'), convert('\xe9', 'LATIN1', 'SQL_ASCII');
select convert('\xe9', 'UTF8', 'LATIN1'); select convert('\xe9', 'LATIN1', 'WIN1252'); select convert('\xe9', 'nope', 'UTF8'); select convert('\xe9', 'LATIN1', 'nope');
select convert_from('\x81', 'WIN1252'); select convert_from('\x00', 'LATIN1'); select convert_to('\x80', 'SQL_ASCII'), convert_from('\xe9', 'SQL_ASCII');
select convert_to(chr(8364), 'LATIN1'); select convert_to(chr(8364), 'LATIN9'), convert_from('\xa4', 'iso-8859-15'); select convert_from('\xe9', 'UTF8'); select convert('\xe9', 'SQL_ASCII', 'UTF8');
create role "rÈ"; set session authorization "rÈ"; set names 'latin1'; select current_user; reset session authorization; drop role "rÈ";
set application_name = '·pp'; show application_name;
drop table "tÈ";
