-- A table that an open cursor reads is not changed under it.
create table s(id int);
create index s_i on s(id);
create table o(id int);
insert into s select generate_series(1, 1000);
begin; declare c cursor for select * from s; fetch 2 from c; truncate s; rollback;
begin; declare c cursor for select * from s; truncate s; rollback;
begin; declare c cursor for select * from s; fetch 2 from c; drop table s; rollback;
begin; declare c cursor for select * from s; fetch 2 from c; alter table s add column x int; rollback;
begin; declare c cursor for select * from s; fetch 2 from c; alter table s rename to s3; rollback;
begin; declare c cursor for select * from s; fetch 2 from c; create index on s(id); rollback;
begin; declare c cursor for select * from s; fetch 2 from c; cluster s using s_i; rollback;
begin; declare c cursor for select * from s; fetch 1 from c; close c; truncate s; rollback;
begin; declare c cursor for select * from s; fetch 1 from c; truncate o, s; rollback;
begin; declare c cursor for select * from s; fetch 1 from c; truncate o; rollback;
begin; declare c cursor for select * from s; fetch 1 from c; lock table s; rollback;
begin; declare c cursor with hold for select * from s where id < 3; commit;
truncate s;
fetch all from c;
