package bootstrap

import (
	"strings"

	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
)

// sqlLanguage is pg_language's row for SQL.
const sqlLanguage oid.OID = 14

// Bodies of the functions that PostgreSQL writes in SQL, in our own words, by
// OID. {x} is the operator x of pg_catalog. ts_debug (6183, 6184) has none yet.
// constant
var sqlBodies = map[oid.OID]string{
	879:  "SELECT pg_catalog.lpad($1, $2, ' ')",
	880:  "SELECT pg_catalog.rpad($1, $2, ' ')",
	1285: "SELECT pg_catalog.quote_literal($1::pg_catalog.text)",
	1290: "SELECT pg_catalog.quote_nullable($1::pg_catalog.text)",
	2003: "SELECT $1 {||} $2::pg_catalog.text",
	2004: "SELECT $1::pg_catalog.text {||} $2",
	2074: "SELECT pg_catalog.substring($1, pg_catalog.similar_to_escape($2, $3))",
	1812: "SELECT pg_catalog.length($1)",
	1810: "SELECT 8 {*} pg_catalog.octet_length($1)",
	1811: "SELECT 8 {*} pg_catalog.octet_length($1)",
	1741: "SELECT pg_catalog.log(10::pg_catalog.numeric, $1)",
	1481: "SELECT pg_catalog.log(10::pg_catalog.numeric, $1)",
	1708: "SELECT pg_catalog.round($1, 0)",
	1710: "SELECT pg_catalog.trunc($1, 0)",
	5023: "SELECT $2 {+} $1",
	1426: "SELECT pg_catalog.on_ppath($2, $1)",
	1544: "SELECT pg_catalog.polygon(12, $1)",
	3935: "SELECT pg_catalog.pg_sleep(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() {+} $1) {-} pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()))",
	3936: "SELECT pg_catalog.pg_sleep(pg_catalog.date_part('epoch', $1) {-} pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()))",
	1386: "SELECT pg_catalog.age(CURRENT_DATE::pg_catalog.timestamptz, $1)",
	2059: "SELECT pg_catalog.age(CURRENT_DATE::pg_catalog.timestamp, $1)",
	1384: "SELECT pg_catalog.date_part($1, $2::pg_catalog.timestamp)",
	1176: "SELECT ($1 {+} $2)::pg_catalog.timestamptz",
	1296: "SELECT $2 {+} $1",
	1298: "SELECT $2 {+} $1",
	1848: "SELECT $2 {+} $1",
	2546: "SELECT $2 {+} $1",
	2547: "SELECT $2 {+} $1",
	2548: "SELECT $2 {+} $1",
	2549: "SELECT $2 {+} $1",
	2550: "SELECT $2 {+} $1",
	2631: "SELECT $2 {+} $1",
	1306: "SELECT pg_catalog.overlaps($1, $2, $3, $3 {+} $4)",
	2043: "SELECT pg_catalog.overlaps($1, $2, $3, $3 {+} $4)",
	1310: "SELECT pg_catalog.overlaps($1, $2, $3, $3 {+} $4)",
	1305: "SELECT pg_catalog.overlaps($1, $1 {+} $2, $3, $3 {+} $4)",
	2042: "SELECT pg_catalog.overlaps($1, $1 {+} $2, $3, $3 {+} $4)",
	1309: "SELECT pg_catalog.overlaps($1, $1 {+} $2, $3, $3 {+} $4)",
	1307: "SELECT pg_catalog.overlaps($1, $1 {+} $2, $3, $4)",
	2044: "SELECT pg_catalog.overlaps($1, $1 {+} $2, $3, $4)",
	1311: "SELECT pg_catalog.overlaps($1, $1 {+} $2, $3, $4)",
	2932: "SELECT pg_catalog.xpath($1, $2, '{}'::pg_catalog.text[])",
	3050: "SELECT pg_catalog.xpath_exists($1, $2, '{}'::pg_catalog.text[])",
	2325: "SELECT pg_catalog.pg_relation_size($1, 'main')",
	1215: "SELECT d.description FROM pg_catalog.pg_description d JOIN pg_catalog.pg_class c ON c.oid {=} d.classoid WHERE d.objoid {=} $1 AND c.relname {=} $2 AND c.relnamespace {=} 11 AND d.objsubid {=} 0",
	1993: "SELECT d.description FROM pg_catalog.pg_shdescription d JOIN pg_catalog.pg_class c ON c.oid {=} d.classoid WHERE d.objoid {=} $1 AND c.relname {=} $2 AND c.relnamespace {=} 11",
	1348: "SELECT d.description FROM pg_catalog.pg_description d WHERE d.objoid {=} $1 AND d.objsubid {=} 0",
	1216: "SELECT d.description FROM pg_catalog.pg_description d WHERE d.objoid {=} $1 AND d.classoid {=} 1259 AND d.objsubid {=} $2",
}

// body is the SQL of a function, or "".
func body(fn oid.OID) string {
	s := sqlBodies[fn]
	for _, op := range []string{"||", "+", "-", "*", "="} {
		s = strings.ReplaceAll(s, "{"+op+"}", "OPERATOR(pg_catalog."+op+")")
	}
	return s
}

// fillBodies gives the SQL-language functions their bodies.
func (d *Data) fillBodies() {
	for _, v := range d.Rows[oid.RelProc] {
		if oid.OID(v[rows.AnumPgProcProlang-1].Int) == sqlLanguage {
			v[rows.AnumPgProcProsrc-1] = datum.String(body(oid.OID(v[0].Int)))
		}
	}
}
