prepare q(int) as select $1;
execute q((select 1)); execute q('x'); execute q(count(*)); execute q(generate_series(1,2)); execute q(row_number() over ()); execute q(x); execute q(1/0); execute q(now()); execute q(exists(select 1));
execute q('1'); execute q(null); execute q(1.7); execute q(true);
create table t(a int);
begin; declare c cursor for select * from t; execute q(1); commit;
