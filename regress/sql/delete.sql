-- DELETE and RETURNING
create table t (id int, v text); insert into t select g, 'v' || g from generate_series(1, 20) g; create table s (k int); insert into s values (2), (4), (4), (99);
delete from t where id = 1 returning *; delete from t using s where s.k = t.id returning t.id, s.k; delete from t x where x.id = 3 returning x.v || '!' as gone; delete from only t where id = 5; delete from t where id in (select id from t where id > 17) returning id;
select count(*), min(id), max(id) from t; delete from t where false returning *; delete from t where id = (select max(id) from t) returning id; delete from t using (values (6), (7)) d(i) where d.i = id returning id; with gone as (delete from t where id < 10 returning id) select count(*), sum(id) from gone; select id from t order by id;
delete from nope;
delete from t where nope = 1;
delete from t using t where true;
delete from t where id;
delete from t returning nope;
delete from t where id = 'x';
delete from t as x where t.id = 1;
begin; delete from t; select count(*) from t; rollback; select count(*) from t; delete from t; select count(*) from t; insert into t values (1, 'again') returning *;
create table big (a int primary key, b text); insert into big select g, repeat('x', 50) from generate_series(1, 5000) g; delete from big where a % 3 = 0; select count(*), sum(a) from big; select a from big where a between 10 and 20 order by a; delete from big where a > 100; vacuum big; select count(*) from big; insert into big select g, 'new' from generate_series(101, 3000) g; select count(*), max(a) from big where b = 'new'; delete from big where ctid = (select ctid from big where a = 1); select min(a) from big; delete from big where a = any (array[2, 4, 5]) returning a;
delete from big b using generate_series(7, 9) g where b.a = g and exists (select 1 from big where a = g) returning a; delete from big where exists (select 1 from t where t.id = 1) and a < 20; select min(a) from big;
