-- psql's lists
create schema s; create function_nope; create table s.x (a int);
\dn
\dn s
\du
\du nope
\db
\dT int4
\dT pg_lsn
\dT+ uuid
\df length
\df pg_catalog.upp*
\df nope
\df+ now
\da string_agg
\do =
\do @>
\dC nope
\dO C
\dO POSIX
\dp x
\dp s.x
\dA
\dx
\dD
\dF nope
\dL
\dc nope
\ddp
\des
\dRp
\dy
\drds
\dconfig work_mem
\l nope
\sf nope
\sv nope
\conninfo_nope
create view s.v as select 1 as one;
\sv s.v
\dv s.*
\encoding
\echo :ENCODING :SERVER_VERSION_NUM_NOPE :USER
