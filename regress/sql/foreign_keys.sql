-- REFERENCES (refused with a clear error until written)
create table p (id int primary key, v text); create table f (id int primary key, pid int references p (id));
insert into p values (1, 'a'), (2, 'b'); insert into f values (1, 1), (2, null);
insert into f values (3, 9);
delete from p where id = 1;
update p set id = 10 where id = 1;
delete from p where id = 2; select * from p order by id; select * from f order by id;
create table f2 (pid int references p on delete cascade on update cascade); insert into f2 values (1); delete from f; update p set id = 7; select * from f2; delete from p; select count(*) from f2;
