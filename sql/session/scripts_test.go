package session_test

// scripts are conversations, each over a connection of its own, in which both
// servers must send the same messages. See client.script. constant
var scripts = []struct{ name, text string }{
	{"simple blocks", `Q|select 1 a; select 2 b
		Q|
		Q| ; ;
		Q|create table sb(a int primary key); insert into sb values (1); DIV0; insert into sb values (2)
		Q|select * from sb
		Q|create table sb(a int primary key); begin; insert into sb values (1); DIV0
		Q|select 1
		Q|commit
		Q|create table sb(a int primary key); insert into sb values (1); commit; insert into sb values (2); DIV0
		Q|insert into sb values (3); begin; insert into sb values (4); commit; insert into sb values (5); select nothing
		Q|select * from sb order by a
		Q|insert into sb values (6); rollback; insert into sb values (7)
		Q|select * from sb order by a
		Q|savepoint x
		Q|select 1; savepoint x
		Q|begin; savepoint x; DIV0; select 2
		Q|rollback to x; select 3
		Q|release x; commit
		Q|commit
		Q|begin; begin
		Q|rollback; rollback
		Q|begin; select 1; rollback and chain
		Q|commit and chain
		Q|commit
		Q|commit and chain
		Q|vacuum sb; select 1
		Q|select 1; vacuum sb
		Q|begin; vacuum sb
		Q|end
		Q|set local work_mem = '1MB'
		Q|show work_mem
		Q|select 1; set local work_mem = '1MB'; show work_mem
		Q|show work_mem
		Q|selec 1
		Q|select 1; selec 2
		Q|select * from nosuch
		Q|select 'ä' where nocol = 1`},
	{"parse and bind", `P||select $1 + 1
		B|||41
		D|P|
		E||0
		S
		P|one|select $1::text, $2::int4 where $2 > 0
		D|S|one
		S
		B|p|one|x|3
		D|P|p
		E|p|0
		S
		E|p|0
		S
		B|p|one|x|-1
		E|p|0
		B|p|one|x|1
		S
		P|one|select 2
		S
		B||nosuch
		S
		B||one|1
		S
		B||one|x|y
		S
		B||one|-|-
		E||0
		C|S|one
		S
		B||one|a|1
		S
		C|S|never
		C|P|never
		S
		P||select $1
		D|S|
		P||select $1 is null
		S
		P||select 1; select 2
		S
		P||
		D|S|
		B||
		D|P|
		E||0
		S
		b||nosuch
		P|bin|select 1::int4, 'x'::text, 2::int8, true, 1.5::float8, '\xff'::bytea
		b||bin
		D|P|
		E||0
		S
		b||bin
		D|P|
		E||0
		S
		P|types|select $1, $2|23|25
		D|S|types
		S`},
	{"portals", `P|s|select g from generate_series(1, 10) g
		B||s
		E||3
		E||3
		E||0
		E||0
		S
		B|c|s
		E|c|4
		S
		E|c|4
		S
		Q|begin
		B|c|s
		E|c|4
		S
		E|c|4
		C|P|c
		E|c|1
		S
		Q|rollback
		Q|begin
		B|a|s
		B|b|s
		E|a|2
		E|b|3
		E|a|2
		E|b|0
		E|a|0
		S
		Q|select count(*) from pg_cursors
		B|b|s
		S
		Q|rollback
		Q|begin
		B|x|s
		E|x|1
		Q|savepoint y
		B|z|s
		E|z|1
		E|x|1
		S
		Q|rollback to y
		E|x|2
		E|z|2
		S
		Q|rollback
		Q|create table w(a int primary key, b text)
		P|i|insert into w values ($1, 'b') returning a, b
		B||i|1
		E||1
		E||1
		S
		P|m|insert into w select g, 'm' from generate_series(10, 15) g returning a
		B||m
		E||2
		E||2
		E||0
		S
		Q|select count(*) from w
		P|show|show work_mem
		D|S|show
		B||show
		D|P|
		E||0
		S
		P|ex|explain (costs off) select 1
		B||ex
		D|P|
		E||1
		E||0
		S`},
	{"pipelines", `Q|create table pl(a int primary key)
		P|i|insert into pl values ($1)
		B||i|1
		E||0
		B||i|2
		E||0
		S
		B||i|3
		E||0
		B||i|1
		E||0
		B||i|4
		E||0
		S
		Q|select * from pl order by a
		B||i|5
		E||0
		P|c|commit
		B||c
		E||0
		B||i|6
		E||0
		P||DIV0
		B||
		E||0
		S
		Q|select * from pl order by a
		P|b|begin
		B||b
		E||0
		B||i|7
		E||0
		S
		B||i|8
		E||0
		S
		B||i|7
		E||0
		S
		B||i|9
		E||0
		S
		P|r|rollback
		B||r
		E||0
		S
		Q|select * from pl order by a
		P|v|vacuum pl
		B||v
		E||0
		S
		B||i|10
		E||0
		B||v
		E||0
		S
		P||create table ddl(a int)
		B||
		E||0
		P||select * from ddl
		B||
		D|P|
		E||0
		S
		E||0
		H
		B||nosuch
		D|P|
		C|S|i
		S
		B||i|20
		E||0
		S`},
	{"plans follow changes", `Q|create table pf(a int primary key, b text); insert into pf values (1, 'one'), (2, 'two')
		P|s|select b from pf where a = $1
		P|u|update pf set b = b || '!' where a = $1
		P|all|select * from pf order by a
		B||s|1
		E||0
		B||s|2
		E||0
		B||s|3
		E||0
		S
		B||u|1
		E||0
		B||u|1
		E||0
		B||s|1
		E||0
		S
		Q|alter table pf add c int default 5
		B||s|1
		E||0
		B||u|2
		E||0
		S
		B||all
		D|P|
		E||0
		S
		Q|alter table pf drop constraint pf_pkey
		B||s|2
		E||0
		S
		Q|begin; truncate pf; insert into pf values (1, 'new')
		B||s|1
		E||0
		S
		Q|rollback
		B||s|1
		E||0
		S
		Q|create schema o; create table o.pf(a int, b text); insert into o.pf values (1, 'other')
		Q|set search_path = o, public
		B||s|1
		E||0
		S
		Q|reset search_path
		B||s|1
		E||0
		S
		Q|drop table pf
		B||s|1
		E||0
		S
		Q|create table pf(a int, b int)
		B||s|1
		S
		Q|select 1`},
	{"errors within a run", `Q|create table er(a int primary key); insert into er values (0), (1), (2)
		P|d|select 10 / a from er where a = $1
		P|up|update er set a = 10 / a where a = $1
		B||d|1
		E||0
		B||d|0
		E||0
		B||d|2
		E||0
		S
		B||d|2
		E||0
		S
		B||up|0
		E||0
		S
		B||up|2
		E||0
		S
		B||d|5
		E||0
		S
		Q|begin
		B||d|0
		E||0
		S
		B||d|1
		E||0
		S
		Q|rollback
		B||d|1
		E||0
		S`},
	{"keys and checks again and again", `Q|create table pk(a int primary key check (a < 100)); create table fk(b int references pk, c int unique deferrable initially deferred)
		P|p|insert into pk values ($1)
		P|f|insert into fk values ($1, $2)
		P|d|delete from pk where a = $1
		B||p|1
		E||0
		S
		B||f|1|1
		E||0
		B||f|1|2
		E||0
		S
		B||f|7|3
		E||0
		S
		B||f|1|4
		E||0
		B||f|8|5
		E||0
		S
		B||f|1|2
		E||0
		S
		B||d|1
		E||0
		S
		B||p|100
		E||0
		S
		B||p|1
		E||0
		S
		B||p|2
		E||0
		B||d|2
		E||0
		B||d|2
		E||0
		S
		Q|select * from fk order by c`},
	{"permissions", `Q|create role nobody1; create role group1; create role member1 in role group1; create table secret(a int, b text, c int); insert into secret values (1, 'one', 2)
		Q|create view open_view as select a, b from secret; create view closed_view as select a from secret; grant select on open_view to public
		Q|create table keys(a int primary key); insert into keys values (1); create table refs(a int references keys); grant insert, select on refs to nobody1
		P|sec|select * from secret
		B||sec
		E||0
		S
		Q|set role nobody1
		B||sec
		E||0
		S
		Q|select * from open_view
		Q|select * from closed_view
		Q|select count(*) from secret
		Q|select 1 from secret
		Q|select 1 where exists (select 1 from secret)
		Q|with x as (select * from secret) select 1
		Q|select (select a from secret)
		Q|insert into secret values (1)
		Q|update secret set a = 1
		Q|delete from secret
		Q|truncate secret
		Q|select * from secret for update
		Q|copy secret to stdout
		Q|copy (select * from secret) to stdout
		Q|prepare x as select * from secret
		Q|execute x
		Q|begin; declare c cursor for select * from secret
		Q|rollback
		Q|insert into refs values (1)
		Q|insert into refs values (2)
		Q|select * from keys
		Q|select count(*) > 0 from pg_class
		Q|select count(*) from pg_authid
		Q|select count(*) > 0 from pg_roles
		Q|select count(*) from pg_statistic
		Q|select count(*) >= 0 from pg_stats
		Q|select count(*) > 0 from pg_settings
		Q|select * from pg_shadow
		Q|reset role
		Q|grant select (a), update (b) on secret to nobody1; grant select, insert on secret to group1
		B||sec
		E||0
		S
		Q|set role nobody1
		B||sec
		E||0
		S
		Q|select a from secret
		Q|select b from secret
		Q|select secret from secret
		Q|select count(*) from secret
		Q|select ctid from secret
		Q|select a from secret where b = 'x'
		Q|update secret set b = 'two' where a = 1
		Q|update secret set b = c
		Q|update secret set a = 3
		Q|update secret set b = 'x' returning a
		Q|update secret set b = 'x' returning b
		Q|select s.a from secret s join secret t using (a)
		Q|select s.a from secret s join secret t using (b)
		Q|reset role; set role member1
		B||sec
		E||0
		S
		Q|insert into secret values (5) returning a
		Q|insert into secret values (5) on conflict do nothing
		Q|update secret set a = 1
		Q|reset role; alter role member1 noinherit; set role member1
		B||sec
		E||0
		S
		Q|reset role; create table own(a int); alter table own owner to nobody1; create view own_view as select a from secret; alter view own_view owner to nobody1; set role nobody1
		Q|insert into own values (1); select * from own
		Q|select * from own_view
		Q|reset role; set role member1
		Q|select * from own_view
		Q|reset role; grant select on own_view to member1; revoke select (a) on secret from nobody1
		Q|set role member1
		Q|select * from own_view
		Q|reset role`},
	{"SQL's PREPARE", `Q|prepare p(int) as select $1 * 2
		Q|execute p(21)
		Q|execute p
		Q|execute p('x')
		B||p|4
		E||0
		S
		P|q|execute p(5)
		B||q
		D|P|
		E||0
		S
		Q|prepare p as select 1
		Q|select name, statement, parameter_types, from_sql from pg_prepared_statements order by 1
		Q|deallocate p
		Q|execute p(1)
		Q|deallocate all
		B||q
		S
		Q|begin; prepare r as select 1; rollback
		Q|execute r
		Q|discard all
		Q|execute r`},
	{"COPY", `Q|create table cp(a int, b text)
		Q|copy cp from stdin
		Q|copy cp to stdout
		Q|copy cp to stdout; select count(*) from cp; copy cp from stdin; select 1
		P||copy cp to stdout
		B||
		E||0
		S
		Q|copy cp to stdout (format csv, header)
		Q|copy nosuch to stdout
		Q|copy (DIV0) to stdout
		Q|begin; copy cp from stdin; rollback
		Q|select count(*) from cp`},
	{"cursors", `Q|declare c cursor for select 1
		Q|begin; declare c cursor for select g from generate_series(1, 5) g; fetch 2 from c
		Q|fetch all from c; move backward all in c; fetch next from c
		P|f|fetch 1 from c
		B||f
		D|P|
		E||0
		S
		E|c|1
		S
		Q|close c; fetch c
		Q|rollback
		Q|begin; declare h cursor with hold for select g from generate_series(1, 3) g; commit
		Q|fetch 2 from h
		E|h|1
		S
		Q|close h
		Q|begin; declare b binary cursor for select 7::int4; fetch b; commit`},
	{"settings", `Q|set application_name = 'x'
		Q|begin; set datestyle = 'german'; select date '2020-02-03'; rollback
		Q|select date '2020-02-03'
		Q|begin; set local timezone = 'Asia/Tokyo'; commit
		P|t|select '2020-01-01 00:00:00+00'::timestamptz
		B||t
		E||0
		S
		Q|set timezone = 'Asia/Tokyo'
		B||t
		E||0
		S
		Q|set nosuch.x = 1; show nosuch.x
		Q|set nosuch = 1
		Q|set work_mem = 'x'
		Q|show nosuch
		Q|reset all
		Q|discard plans`},
}
