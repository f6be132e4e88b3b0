-- COPY in CSV
create table c (a int, b text, d text);
copy c from stdin csv;
1,one,"quoted"
2,"with ""inner"" quotes",""
3,,"comma, here"
4,"line
break",x
5," spaces "," x "
\.
select a, b, d, b is null as bn, d is null as dn from c order by a;
copy (select * from c order by a) to stdout csv; copy (select * from c order by a) to stdout (format csv, header, force_quote (b)); copy (select * from c order by a) to stdout (format csv, force_quote *, null 'NULL'); copy (select * from c order by a) to stdout (format csv, delimiter ';', quote '''', escape '\');
copy c from stdin (format csv, header, null 'NULL', delimiter ';');
x;y;z
6;NULL;"NULL"
7;;a
\.
copy c from stdin (format csv, force_not_null (b), force_null (d));
8,,""
\.
copy c from stdin (format csv, quote '''', escape '\');
9,'it\'s',plain
\.
select a, b, d, b is null as bn, d is null as dn from c where a > 5 order by a;
copy c from stdin csv;
10,"unterminated
\.
copy c from stdin csv;
11,x
\.
copy c from stdin csv;
12,x,y,z
\.
copy c from stdin csv;
bad,x,y
\.
copy c from stdin (format csv, header match);
a,b,nope
\.
copy c from stdin (format csv, delimiter '"');
copy c from stdin (format csv, quote 'ab');
copy c from stdin (format csv, force_not_null (nope));
copy c from stdin (format csv, force_quote (a));
copy c to stdout (format csv, force_null (a));
copy (select 1 as "A b", 'x,y' as c, null, '' as e, E'a\nb' as n, '\.' as dot) to stdout (format csv, header);
copy (select '\.') to stdout csv; copy (select true, 1.5, date '2024-01-01', array[1, 2], '\x01'::bytea, interval '1 day') to stdout csv;
\copy c (a, b) to stdout csv
\copy (select a from c where a = 1) to 'out.csv' csv header
\copy c (a) from 'out.csv' csv header
select count(*) from c where a = 1;
\copy c from 'nofile'
select count(*) from c;
