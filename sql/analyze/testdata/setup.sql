create table t(a int primary key, b text, c numeric(10,2), d timestamptz default now(), e int[], f bool);
create table t2(id int, a int, v varchar(10), n name, big bigint, fl float8);
create domain dom as int check (value > 0);
create function namedf(a int, b int default 3, c int default 4) returns int language sql return a+b+c;
