-- COPY in text format
create table c (a int, b text, n numeric default 1.5, d date, x bytea);
copy c from stdin;
1	one	1.25	2024-01-01	\\x0102
2	\N	\N	\N	\N
3	tab\there	3	infinity	abc
4	line\nbreak\\back	0	2024-02-29	\\000
5		5	2024-01-01	\\x
6	\x41\101\q	6	2024-01-01	\\x41
\.
copy c (b, a) from stdin;
seven	7
eight	8
\.
select a, b, n, d, x from c order by a;
copy c to stdout;
copy c (a, b) to stdout (delimiter '|', null 'NULL');
copy c (a, b) to stdout with (format text, header);
copy (select a, b from c where a < 3 order by a desc) to stdout;
copy (values (1, null::text), (2, E'a\tb\\c\r\nd')) to stdout;
copy c (a) from stdin (delimiter '|', null '-');
100
-
\.
copy c (a, b) from stdin (header);
a	b
200	hdr
\.
copy c (a, b) from stdin (header match);
a	c
201	x
\.
copy c (a, b) from stdin where a > 300;
299	no
301	yes
\.
copy c (a) from stdin;
x
\.
copy c (a, b) from stdin;
1
\.
copy c (a, b) from stdin;
1	2	3
\.
copy c (a, d) from stdin;
1	2024-01-01
2	notadate
\.
copy c (a) from stdin;
99999999999
\.
select count(*), sum(a) from c;
copy c (nope) from stdin;
copy nope from stdin;
copy nope to stdout;
copy c from stdin (format nope);
copy c from stdin (delimiter 'ab');
copy c from stdin (delimiter E'\n');
copy c from stdin (null E'\n');
copy c from stdin (delimiter 'a');
copy c from stdin (quote '"');
copy c from stdin (force_quote *);
copy c from stdin (nope);
copy c from stdin (format text, format csv);
copy c (a, a) to stdout;
copy (select a from nope) to stdout;
copy (insert into c (a) values (900) returning a) to stdout;
copy (delete from c where a = 900) to stdout;
create table k (id int primary key, v int check (v > 0));
copy k from stdin;
1	1
2	2
\.
copy k from stdin;
3	3
1	5
\.
copy k from stdin;
4	-1
\.
copy k from stdin;
\N	1
\.
select * from k order by id;
begin; copy k from stdin;
10	10
\.
rollback; select count(*) from k;
begin; create table fz (a int); copy fz from stdin (freeze);
1
2
\.
select count(*) from fz; commit; select * from fz order by a; copy fz from stdin (freeze);
3
\.
create view vw as select * from k; copy vw to stdout; copy (select * from vw order by id) to stdout;
copy k to stdout \; select 1;
create table gen (a int, b int generated always as (a * 2) stored); copy gen from stdin;
5
\.
copy gen to stdout; select * from gen; copy gen (b) from stdin;
copy c (a, b) from stdin;
400	é€𝄞
401	bad\
continued
\.
select a, b from c where a >= 400 order by a; copy (select a, b from c where a >= 400 order by a) to stdout;
copy c (a, b) from stdin (encoding 'nope');
copy (select 1, 'x') to stdout; copy (select) to stdout; select 'end';
