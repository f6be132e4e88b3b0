-- Load for a server that is going to be killed. :client and :turn tell runs apart.
create table if not exists churn_:client(id int primary key, v text, w text);
insert into churn_:client select i + :turn * 1000, md5(i::text), repeat(md5(i::text), i % 200) from generate_series(1, 300) i;
update churn_:client set v = v || 'u' where id % 3 = 0;
begin; savepoint a; delete from churn_:client where id % 5 = 0; savepoint b; update churn_:client set w = 'gone'; rollback to b; commit;
begin; insert into churn_:client values (-1, 'never', 'never'); create table never_:client(a int); insert into never_:client values (1); rollback;
create index churn_i_:client on churn_:client(v);
create table churn_t_:client(id int, v text, w text);
insert into churn_t_:client select * from churn_:client where id % 2 = 0;
create unlogged table churn_u_:client(id int primary key);
insert into churn_u_:client select i from generate_series(1, 100) i;
truncate churn_t_:client;
insert into churn_t_:client values (1, 'x', 'y');
drop table churn_t_:client;
drop table churn_u_:client;
vacuum churn_:client;
drop index churn_i_:client;
