create table p (id int primary key, v text);
insert into p values (1,'a'),(2,'b'),(3,'c'),(4,'d'),(5,'e'),(6,'f');
create table na (x int references p); create table re (x int references p on delete restrict on update restrict);
create table ca (x int references p on delete cascade on update cascade, y int check (y < 100));
create table sn (x int references p on delete set null on update set null);
create table sd (x int default 6 references p on delete set default on update set default);
insert into na values (1); insert into re values (2); insert into ca values (3,3); insert into sn values (4); insert into sd values (5);
delete from p where id = 1; delete from p where id = 2; update p set id = 11 where id = 1; update p set id = 12 where id = 2; update p set v = 'z';
delete from p where id = 3; delete from p where id = 4; delete from p where id = 5;
select * from ca; select * from sn; select * from sd; delete from p where id = 6; select * from sd;
insert into p values (3,'c'),(4,'d'),(5,'e'); insert into ca values (3,3); insert into sn values (4); insert into sd values (5);
update p set id = id + 100 where id in (3,4,5); table ca; table sn; table sd;
insert into na values (77); insert into na values (null); update na set x = 78 where x = 1; update na set x = 2 where x = 1;
delete from p where id in (select id from p); table p;
create table m (a int, b text, primary key (a, b)); insert into m values (1,'x'),(2,'y''q');
create table mf (a int, b text, c int generated always as (a) stored, foreign key (a, b) references m match full); insert into mf values (1, null); insert into mf values (null, null); insert into mf values (1,'x'); insert into mf values (9,'zz z');
create table ms (a int, b text, foreign key (a, b) references m on delete set null (b) on update cascade); insert into ms values (1, null), (5, null), (1, 'x'); insert into ms values (5, 'q'); delete from mf; delete from m where a = 1; table ms; update m set a = 3, b = 'new'; 
create table tree (id int primary key, up int references tree on delete cascade); insert into tree values (1, 1), (2, 1), (3, 2), (4, 3), (5, null); insert into tree values (7, 8), (8, 7); insert into tree values (9, 99); delete from tree where id = 2; table tree; delete from tree where id = 7; table tree; 
create table df (x int constraint dfk references p deferrable initially deferred); begin; insert into df values (500); insert into p values (500, 'late'); commit; table df;
begin; insert into df values (501); commit; begin; insert into df values (501); set constraints dfk immediate; rollback; begin; set constraints all immediate; insert into df values (501); rollback; begin; insert into df values (501); savepoint a; insert into df values (502); rollback to a; insert into p values (501, ''); commit; table df;
begin; savepoint a; insert into df values (503); savepoint b; insert into p values (503, ''); set constraints all immediate; rollback to b; commit; begin; set constraints nope immediate; rollback; begin; set constraints p_pkey deferred; rollback; set constraints all deferred; insert into df values (700);
begin; delete from p where id = 500; insert into p values (500, 'again'); commit; begin; delete from p where id = 500; commit;
create table imm (x int constraint ik references p deferrable); begin; insert into imm values (900); rollback; begin; set constraints ik deferred; insert into imm values (900); delete from imm; commit; table imm; begin; set constraints ik deferred; insert into imm values (900); alter table imm add y int; rollback; begin; set constraints ik deferred; insert into imm values (900); truncate imm; rollback; begin; set constraints ik deferred; insert into imm values (900); drop table imm; rollback; 
begin; delete from p where id = 500; insert into p values (500, 'same statement no action'); rollback; with d as (delete from p where id = 500 returning *) insert into p select id + 1000 from d;
truncate p; truncate p cascade; table df;
alter table ca drop constraint ca_x_fkey; alter table ca add foreign key (x) references p not valid; insert into p values (1, 'q'); insert into ca values (1, 1); alter table ca validate constraint ca_x_fkey; insert into ca values (2, 1); alter table ca disable trigger all; insert into ca values (2, 1); alter table ca enable trigger all; alter table ca drop constraint ca_x_fkey; alter table ca add constraint q foreign key (x) references p; alter table ca add constraint q foreign key (x) references p not valid; alter table ca validate constraint q; delete from ca where x = 2; alter table ca validate constraint q; select conname, convalidated from pg_constraint where conrelid = 'ca'::regclass order by 1;
alter table ca alter constraint q deferrable initially deferred; begin; insert into ca values (1234, 3); commit; alter table ca alter constraint q not deferrable; begin; insert into ca values (1234, 3); commit; alter table ca alter constraint ca_y_check deferrable; alter table ca alter constraint nope deferrable;
alter table ca alter x type int8; alter table p alter id type int8; insert into ca values (55, 5); \d ca
\d p
drop table p; alter table p drop constraint p_pkey; alter table p drop column id; drop table p cascade; \d na
create table bad (a int references nope); create table bad (a int references m); create table bad (a int references m (a)); create table bad (a int, foreign key (a, b) references m); create table bad (a int, b int, foreign key (a, b) references m); create table bad (a text, b text, foreign key (a, b) references m); create table bad (a int, b text, foreign key (a, b) references m (a, a)); create table bad (a int, b text, foreign key (a) references m (a, b)); create view vw as select 1 a; create table bad (a int references vw); create table bad (a int references pg_class); create temp table tp (a int primary key); create table bad (a int references tp); create temp table bad (a int, b text, foreign key (a, b) references m); create table bad (xmin2 int, foreign key (xmin) references m); create table bad (a int references m (ctid)); create table bad (a int, b text, foreign key (a, b) references m on delete set null (c)); create table bad (a int, b text, c int, foreign key (a, b) references m on delete set null (c)); create table bad (a int generated always as (1) stored, b text, foreign key (a, b) references m on delete set null); create table bad (a int, b text, foreign key (a, b) references m match partial); create table dp (a int primary key deferrable); create table bad (a int references dp); create table bad (a int references dp (a)); create table np (a int); create table bad (a int references np);
create table bad (a int not null deferrable); create table bad (a int unique deferrable deferrable); create table bad (a int unique not deferrable initially deferred); create table bad (a int unique initially deferred not deferrable); create table bad (a int unique initially deferred initially immediate); create table bad (a int deferrable); create table bad (a int check (a > 1) initially deferred);
create table nu (a numeric(10,2) primary key); create table nui (a int references nu, b int2 references nu on delete cascade); insert into nu values (1), (2); insert into nui values (1, 2); insert into nui values (3, 1); delete from nu where a = 2; delete from nu where a = 1; table nui; create table vc (a varchar(10) primary key); create table tx (a text references vc on update cascade, b char(5) references vc); insert into vc values ('abc'); insert into tx values ('abc', 'abc'); insert into tx values ('abx', null); update vc set a = 'toolong' where a = 'abc'; update tx set b = null; update vc set a = 'xyz'; table tx;
insert into nu values (5); insert into nui values (5); copy nui from stdin;
5	\N
6	\N
\.
copy nui from stdin;
5	5
\.
table nui;
create table cc (x int references cc2); create table cc2 (a int primary key); create table cc (x int references cc2 on delete cascade on update cascade, y int check (y <> x)); insert into cc2 values (1), (2); insert into cc values (1, 5), (2, 6); update cc2 set a = 5 where a = 1; create table ccc (x int unique, z int default 99 references cc2 on delete set default); insert into ccc values (1, 2); delete from cc2 where a = 2; insert into cc2 values (99); delete from cc2 where a = 2; table ccc; delete from cc2 where a = 99;
insert into cc2 values (1) on conflict (a) do update set a = 1000; table cc; insert into cc values (1234, 1) on conflict do nothing;
