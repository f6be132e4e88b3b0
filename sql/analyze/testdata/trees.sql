select 1 as x
select a, b from t
select * from t where a = 1 and b = 'x'
select a + 1 as s, a::bigint as big, '5'::int as five, b || 'x' as cat from t
select t.a, t2.v from t join t2 on t.a = t2.id where t2.v like 'a%'
select t.a, t2.v from t left join t2 using (a)
select * from t full join t2 using (a)
select count(*) as n, sum(a) as s, b from t group by b having count(*) > 1 order by 1
select distinct b from t order by b desc nulls last
select distinct on (b) a, b from t order by b, a
select a from t union select id from t2 order by 1 limit 3
select a from t union all select big from t2
select case when a > 1 then 'x' else b end as k, case a when 1 then 2 end as k2 from t
select a in (1,2,3) as i, a not in (4) as j, b in ('x', null) as k from t
select exists(select 1 from t2 where t2.a = t.a) as e, (select max(id) from t2) as m, a in (select id from t2) as i from t
select coalesce(t.a, 0) as c, nullif(t.a, 3) as n, greatest(t.a, big) as g from t, t2 where t.a = t2.a
with x as (select a from t), y(q) as (select a from x) select * from y
with recursive r(n) as (values (1) union all select n + 1 from r where n < 10) select n from r
select array[1,2,a] as arr, e[1] as e1, e[1:2] as es from t
select row_number() over (partition by b order by a) as r, sum(a) over w as s from t window w as (order by a rows 2 preceding)
select current_date as d, current_user as u, now()::date as n
select g from generate_series(1, 3) as g
select x.v, x.o from unnest(array['a','b']) with ordinality as x(v, o)
select s.q from (select a as q from t) s where q > 1
select t.a, l.z from t, lateral (select t.a + 1 as z) l
select a is null as n, f is not true as nt, a is distinct from 3 as d, not f as nf from t
select v = 'x' as e, v || n as vn, n = 'y' as ne, length(v) as l from t2
select c * 2 as c2, -a as neg, a / 2.0 as h, c::int as ci from t
select b collate "C" as bc from t order by b collate "C"
select a between 1 and 2 as w, a not between symmetric 3 and 4 as x from t
select extract(year from d) as y, d at time zone 'utc' as z, position('a' in b) as p, substring(b from 2 for 3) as s, trim(both 'x' from b) as tr from t
select count(distinct a) as cd, string_agg(b, ',' order by a desc) as sa, count(*) filter (where f) as cf from t
select (a, b) = (1, 'x') as r1, (a, b) < (2, 'y') as r2 from t
select namedf(1) as n1, namedf(1, c => 5) as n2
select a, b from t for update
values (1, 'a'), (2, 'b')
select a, b from t group by a
select 5::dom as d, 'x'::varchar(3) as v, 1.5::numeric(4,1) as n
select * from t2 natural join t
select a = any (e) as x, a = any ('{1,2}'::int[]) as y from t
select array(select a from t) as arr
select t as whole from t
select percentile_cont(0.5) within group (order by a) as p from t
select grouping(b) as g, b, count(*) as n from t group by rollup (b, f)
select * from (select a, b from t union select id, v from t2) u where a > 1
select a from t where a not in (select id from t2 where v is not null)
select b similar to 'x' as s, b ilike 'y' as i, b ~ 'z' as r, b not like 'q' escape '!' as e from t
select a from t offset 2
select t.b, count(*) as n from t join t2 on t.a = t2.a and t2.v <> '' where f group by t.b having max(t2.big) > 5 order by n desc, t.b
select c::text || a as x, a::text::int as y, d::date as z, '2020-01-01'::date + 1 as w, now() - interval '1 day' as i from t
select n.nspname, c.relname from pg_catalog.pg_class c left join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r','p','') and n.nspname !~ '^pg_toast' and pg_catalog.pg_table_is_visible(c.oid) order by 1,2
select pg_catalog.format_type(atttypid, atttypmod) as f, (select substring(pg_catalog.pg_get_expr(d.adbin, d.adrelid, true) for 128) from pg_catalog.pg_attrdef d where d.adrelid = a.attrelid and d.adnum = a.attnum and a.atthasdef) as de from pg_catalog.pg_attribute a where a.attrelid = '1259' and a.attnum > 0 and not a.attisdropped order by a.attnum
select first_value(a) over (order by b rows between unbounded preceding and unbounded following) as fv, ntile(4) over w as nt from t window w as (partition by f), w2 as (w order by a)
select concat(a, b, 'x') as c, format('%s', a) as f, array_append(e, 5) as aa, array_agg(a) over () as ag from t
select case f when true then 1 else 2.5 end as cs, coalesce(c, 0) as cc, least(1, 2.5, a) as l from t
select x.a as xa, y.* from t x cross join lateral (select v, fl from t2 where t2.a = x.a limit 1) y
select count(*) as c from t2 group by grouping sets ((v), (v, n), ())
