create table p (id int primary key, v text); create table f (id int primary key, pid int references p (id));
create table f3 (a int, b int, c int default 1, constraint "F k" foreign key (a, b) references p (id, v) match full);
create table pz(a int, unique (a) deferrable);
create table f3 (a int, b text, c int default 1, constraint "F k" foreign key (b, a) references p (v, id) match full on delete set null (a) on update cascade deferrable initially deferred);
create table self (a int primary key, b int references self on delete restrict, c int constraint xx references self(a) on update set default deferrable not null);
alter table f3 add constraint ttt foreign key (c) references self not valid;
create table pp (a int8 primary key); create table ff (a int references pp, c int2 references pp(a) on delete cascade);
create table nm (a numeric primary key); create table nf (a int references nm);
select conname, contype, condeferrable, condeferred, convalidated, conrelid::regclass, contypid, conindid::regclass, conparentid, confrelid::regclass, confupdtype, confdeltype, confmatchtype, conislocal, coninhcount, connoinherit, conkey, confkey, conpfeqop::regoperator[], conppeqop::regoperator[], conffeqop::regoperator[], confdelsetcols, conexclop from pg_constraint where connamespace = 'public'::regnamespace order by conrelid, conname;
select regexp_replace(tgname, '[0-9]+', 'N'), tgrelid::regclass, tgparentid, tgfoid::regproc, tgtype, tgenabled, tgisinternal, tgconstrrelid::regclass, tgconstrindid::regclass, c.conname, tgdeferrable, tginitdeferred, tgnargs, tgattr, tgargs, tgqual from pg_trigger t left join pg_constraint c on c.oid = tgconstraint order by t.oid;
select regexp_replace(pg_describe_object(classid, objid, objsubid), $$[0-9]+$$, $$N$$) o, pg_describe_object(refclassid, refobjid, refobjsubid) r, deptype from pg_depend where classid in ('pg_constraint'::regclass, 'pg_trigger'::regclass) and objid > 16383 order by regexp_replace(pg_describe_object(classid, objid, objsubid), $$[0-9]+$$, $$N$$), 2, 3, objid;
select relname, relhastriggers from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1;
\d p
\d self
\d f3
