create table p (id int primary key); create table f (a int references p deferrable initially deferred, b int unique deferrable);
begin; insert into f values (1, 1); savepoint s; insert into f values (2, 2); rollback to s; insert into p values (1); commit; table f;
begin; insert into f values (3, 3); savepoint s; insert into p values (3); set constraints all immediate; rollback to s; commit;
begin; savepoint s; set constraints all immediate; rollback to s; insert into f values (4, 4); insert into p values (4); commit; table f;
begin; savepoint s; insert into f values (5, 5); savepoint t; insert into f values (6, 6); release t; rollback to s; commit; table f;
begin; savepoint s; insert into f values (7, 7); release s; commit;
begin; savepoint s; insert into f values (7, 7); release s; insert into p values (7); commit; table f order by 1;
begin; set constraints f_b_key deferred; insert into f values (null, 1); savepoint s; delete from f where a = 1; set constraints all immediate; rollback to s; commit; table f order by 1, 2;
begin; set constraints f_b_key deferred; insert into f values (null, 1); savepoint s; delete from f where a = 1; set constraints all immediate; release s; commit; table f order by 1, 2;
begin; set constraints f_b_key deferred; update f set b = b + 1; update f set b = 5; rollback; update f set b = b + 1; update f set b = 5; table f order by 1, 2;
begin; insert into f values (8, 80); select 1/0; commit; table f order by 1, 2;
insert into f values (9, 90) on conflict (b) do nothing; insert into f values (9, 90) on conflict do nothing; alter table f add c int primary key default 1 deferrable;
create table u (a int, b text, constraint ua unique (a) deferrable initially deferred, constraint ub unique (b, a) include (a) deferrable); insert into u values (1, 'x'), (2, 'y'), (1, 'x'); begin; insert into u values (1, 'x'), (2, 'y'); insert into u values (1, 'z'); update u set a = 3 where b = 'z'; commit; table u;
begin; update u set a = 3 - a where a < 3; commit; table u order by a; update u set a = 4 - a; table u order by a; update u set b = 'q', a = 1; begin; update u set a = 1 where a = 3; delete from u where b = 'x'; commit; table u order by a; insert into u select g, 'n' from generate_series(100, 110) g; begin; update u set a = a + 1; commit; select count(*) from u; create unique index ui on u (b, a); alter table u add constraint uc unique using index ui deferrable initially deferred; begin; insert into u values (500, 'n'), (500, 'n'); commit; \d u
