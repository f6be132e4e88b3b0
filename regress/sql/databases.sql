-- databases and connections
create database r_sub; create database r_sub; select datname, datistemplate, encoding from pg_database where datname = 'r_sub'; create table here (a int); insert into here values (1);
\c r_sub
select current_database(); select * from here; create table there (b int); insert into there values (2); select * from there; drop database r_sub;
\c r_databases
select * from here; select * from there; create database r_copy template r_sub;
\c r_copy
select * from there;
\c r_databases
alter database r_copy rename to r_copy2; drop database r_copy; drop database if exists r_copy; drop database r_copy2; drop database r_sub; select count(*) from pg_database where datname like 'r\_sub' or datname like 'r\_copy%'; create database bad encoding 'nope'; create database bad template nope; create database bad owner nope; begin; create database bad; rollback; begin; drop database nope; rollback; drop database nope; drop database template1_nope; create database r_opt with encoding 'UTF8' lc_collate 'C' lc_ctype 'C' template template0; drop database r_opt; comment on database r_databases is 'the db'; select shobj_description(oid, 'pg_database') from pg_database where datname = 'r_databases'; alter database r_databases set work_mem = '3MB';
\c -
show work_mem; alter database r_databases reset all;
