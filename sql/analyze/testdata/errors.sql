select x from t
select t3.a from t
select a from nosuch
select a from t, t2
select nosuchf(1)
select a + 'x'::text from t
select a + true from t
select v, count(*) from t2 group by a
select b, sum(a) from t
select a from t where sum(a) > 1
select sum(sum(a)) from t
select a from t where b
select a from t limit a
select a from t order by 3
select distinct a from t order by b
select 1 union select 'x'::text
select 1 union select 1, 2
select * from (select 1)
select * from (values (1))
insert into t (a, nosuch) values (1, 2)
insert into t (a) values (1, 2)
insert into t (a, b) values (1)
insert into t (a, a) values (1, 2)
insert into t (a) values ('x'::text)
insert into t values (1, 2, true)
update t set nosuch = 1
update t set a = 'x'::text
delete from t where nosuch = 1
select 'abc'::int
select a::timestamptz from t
select (select a, b from t)
select a in (select a, b from t) from t
select row_number() from t
select a from t where row_number() over () = 1
select rank() over nosuch from t
select * from t join t2 using (b)
select * from t join t on true
select case when a then 1 end from t
select case when true then 1 else 'x'::text end
select array[1, 'x'::text]
select array[]
select b[1] from t
select e['x'] from t
select t.nosuch from t
select nosuch.a from t
select a from t group by nosuch
select coalesce(1, 'x'::text)
select $1 + $1
select 1::nosuchtype
select 'x' collate nosuch
select a collate "C" from t
select upper(1, 2)
select t.* from t2
select * 
select sum(a) over (order by sum(a) over ()) from t
select a from t for update of t2
select distinct a from t for update
select a as x, b as x from t order by x
with x as (select 1) select * from x, y
with x as (select 1), x as (select 2) select 1
select generate_series(1,2) from t where generate_series(1,2) = 1
select lower(*) from t
select count() from t
select sum(distinct) from t
insert into t values (default, default) on conflict do update set a = 1
insert into t values (1) on conflict (nosuch) do nothing
select not a from t
select a and true from t
select a is true from t
select max(b, a) from t
select -b from t
select b::int::bool::date from t
select aa from t
select t.bb from t
update t set a = 1, b = nosuch
select * from t where a = (1, 2)
select (1,2) = (1,2,3)
select (select t2.v) from t2 group by a
select b from t group by b having c > 1
select 1 from t where exists (select 1 from t2 where t2.a = t.nosuch)
select a from t order by nosuch
select a, count(*) from t2
select string_agg(b) from t
select a from t where a like 'x'
select b like 1 from t
select f + f from t
select t from t where t = 1
select 'x' = 1
select '2020-13-01'::date
select cast(f as date) from t
select a::dom::bool::numeric from t
update t set (a, b) = (1)
update t set a[1] = 1
insert into t (e[1]) values ('x'::text)
insert into t2 (v) values (now()), (1, 2)
insert into t select 1, 2, 3, 4, 5, 6, 7
delete from nosuch.t
select nosuch.lower('x')
select lower(a => 'x')
select namedf(a => 1, a => 2)
select namedf(nosuch => 2)
select namedf(1, a => 2)
select generate_series(1) from t
select * from generate_series(1,2) x(a,b)
select * from t x(a,b,c,d,e,f,g)
with recursive x as (select a from x union all select 1) select * from x
with recursive x as (select 1 from x) select * from x
with recursive x(n) as (select 1 union all select n + 1.5 from x) select * from x
select a from t union select b from t
select a from t intersect select f from t
select a from t union select id from t2 order by a + 1
select distinct on (b) a from t order by a
select count(*) filter (where count(*) > 1) from t
select lag(a) over (partition by rank() over ()) from t
select lower(b) over () from t
select a from t group by 2
select a from t group by sum(a)
select 1 from t join t2 on sum(a) > 1
select * from t, lateral (select nosuch) x
select * from t left join lateral (select t2.v) x on true
select * from (select 1 as x) t right join lateral (select t.x) u on true
select exists(select 1) + 1
select t.a.b from t
select (t.a).b from t
select row(1,2) = 1
select array[1,2] || true
