package main

import (
	"bytes"
	"fmt"
	"log"
	"strconv"
	"strings"
)

// column is one attribute of a catalog.
type column struct {
	name, typ string
	num       int
	notNull   bool
}

// catalog is one table of pg_catalog.
type catalog struct {
	oid, name, rowType string
	filenode           string // of mapped relations
	shared             bool
	toast, toastIndex  string
	cols               []column
}

// readCatalogs lists the tables of pg_catalog by OID.
func readCatalogs(s server) []catalog {
	var cats []catalog
	for _, r := range s.query(`select oid::int8, relname, reltype::int8, relisshared, reltoastrelid::int8,
		coalesce((select indexrelid::int8 from pg_index where indrelid = reltoastrelid), 0)
		from pg_class where relnamespace = 11 and relkind = 'r' order by oid`) {
		c := catalog{oid: r[0], name: r[1], rowType: r[2], shared: r[3] == "t", toast: r[4], toastIndex: r[5]}
		for _, a := range s.query(`select attname, format_type(atttypid, -1), attnum, attnotnull from pg_attribute
			where attnum > 0 and attrelid = ` + c.oid + ` order by attnum`) {
			n, err := strconv.Atoi(a[2])
			if err != nil {
				log.Fatal(err)
			}
			c.cols = append(c.cols, column{a[0], a[1], n, a[3] == "t"})
		}
		cats = append(cats, c)
	}
	return cats
}

// Objects that are not taken over, as (classid, objid): views with all that hangs
// on them, information_schema, collations of the operating system and of ICU.
const leftOut = `
	with rel as (
		select oid from pg_class where relkind = 'v' or relnamespace = (select oid from pg_namespace where nspname = 'information_schema')
	), rel2 as (
		select oid from rel union select reltoastrelid from pg_class where oid in (select oid from rel) and reltoastrelid <> 0
	), rel3 as (
		select oid from rel2 union select indexrelid from pg_index where indrelid in (select oid from rel2)
	), typ as (
		select oid from pg_type where typrelid in (select oid from rel3)
			or typnamespace = (select oid from pg_namespace where nspname = 'information_schema')
	), gone as (
		select 1259 as classid, oid as objid from rel3
		union all select 1247, oid from typ
		union all select 1247, oid from pg_type where typelem in (select oid from typ)
		union all select 1255, oid from pg_proc where pronamespace = (select oid from pg_namespace where nspname = 'information_schema')
		union all select 2615, oid from pg_namespace where nspname = 'information_schema'
		union all select 2618, oid from pg_rewrite
		union all select 2606, oid from pg_constraint where connamespace = (select oid from pg_namespace where nspname = 'information_schema')
		union all select 3456, oid from pg_collation where collname not in ('default', 'C', 'POSIX', 'ucs_basic')
	) `

// keep says which rows of a catalog are taken over: SQL that may name gone. The
// catalogs that are absent are taken by their OID. constant
var keep = map[string]string{
	"pg_description":   "false",
	"pg_shdescription": "false",
	"pg_statistic":     "false",
	"pg_attribute":     "attrelid not in (select objid from gone where classid = 1259)",
	"pg_index":         "indrelid not in (select objid from gone where classid = 1259)",
	"pg_depend":        "(classid, objid) not in (select classid, objid from gone) and (refclassid, refobjid) not in (select classid, objid from gone)",
	"pg_init_privs":    "(classoid, objoid) not in (select classid, objid from gone)",
	"pg_aggregate":     "true",
	"pg_range":         "true",
	"pg_ts_config_map": "true",
	"pg_auth_members":  "true",
}

// expr is the SQL that yields one cell in the form bootstrap reads.
func expr(cat string, c column) string {
	switch {
	case cat == "pg_class" && c.name == "relpages", cat == "pg_class" && c.name == "relallvisible",
		cat == "pg_class" && c.name == "relfrozenxid", cat == "pg_class" && c.name == "relminmxid",
		cat == "pg_database" && c.name == "datfrozenxid", cat == "pg_database" && c.name == "datminmxid":
		return "0" // measured or chosen by initdb
	case cat == "pg_class" && c.name == "reltuples":
		return "-1"
	case cat == "pg_class" && c.name == "relfilenode":
		return "case relfilenode when 0 then 0 else oid end"
	case cat == "pg_class" && c.name == "relhasrules":
		return "false"
	case cat == "pg_proc" && (c.name == "prosrc" || c.name == "prosqlbody"):
		return "case when prolang <> 14 then " + c.name + "::text when '" + c.name + "' = 'prosrc' then '' end" // bootstrap has bodies of its own
	case c.typ == "regproc":
		return c.name + "::oid::int8"
	case c.typ == "oid":
		return c.name + "::int8"
	case c.typ == "pg_node_tree" && cat != "pg_proc":
		return "null"
	}
	return c.name
}

// dumpRows is the text of the bootstrap file: "@ name oid column …" starts a
// catalog, then one line per row in COPY's text form.
func dumpRows(s server, cats []catalog) []byte {
	roles := map[string]string{"": "0"}
	for _, r := range s.query("select rolname, oid::int8 from pg_authid") {
		roles[r[0]] = r[1]
	}
	var b bytes.Buffer
	b.WriteString("# Bootstrap rows of PostgreSQL 15's system catalogs, catalog version 202209061.\n")
	for _, c := range cats {
		where, ok := keep[c.name]
		if !ok {
			where = "true"
			if c.cols[0].name == "oid" {
				where = "oid not in (select objid from gone where classid = " + c.oid + ")"
			}
		}
		var names, exprs []string
		for _, col := range c.cols {
			names = append(names, col.name)
			exprs = append(exprs, expr(c.name, col))
		}
		rows := s.query(leftOut + "select " + strings.Join(exprs, ", ") + " from pg_catalog." + c.name +
			" where " + where + " order by " + strings.Join(orderBy(c), ", "))
		fmt.Fprintf(&b, "@ %s %s %s\n", c.name, c.oid, strings.Join(names, " "))
		for _, r := range rows {
			for i, col := range c.cols {
				r[i] = cell(col, r[i], roles)
			}
			b.WriteString(strings.Join(r, "\t") + "\n")
		}
	}
	fmt.Fprintf(&b, "@@ filenodes\n")
	for _, r := range s.query(`select oid::int8, pg_relation_filenode(oid)::int8, relisshared from pg_class
		where relfilenode = 0 and relkind in ('r', 'i', 't') order by relisshared, oid`) {
		fmt.Fprintf(&b, "%s\t%s\n", r[0], r[2])
	}
	return b.Bytes()
}

// orderBy makes the file's order a function of its rows.
func orderBy(c catalog) []string {
	if c.cols[0].name == "oid" {
		return []string{c.name + ".oid"}
	}
	var by []string
	for _, col := range c.cols {
		switch col.typ {
		case "oid", "smallint", "integer", "name", "text", "\"char\"":
			by = append(by, c.name+"."+col.name)
		}
	}
	return by
}

func cell(col column, v string, roles map[string]string) string {
	if v == `\N` {
		return v
	}
	switch col.typ {
	case "aclitem[]":
		return aclCell(v, roles)
	case "pg_node_tree":
		return nodeCell(v)
	}
	return v
}

// aclBits are the letters of an aclitem by bit. constant
const aclBits = "arwdDxtXUCTcsA"

// aclCell turns {grantee=rights/grantor,…} into grantee/rights/grantor with OIDs
// and a bit mask; grant options are the upper 16 bits.
func aclCell(v string, roles map[string]string) string {
	var out []string
	for item := range strings.SplitSeq(strings.Trim(v, "{}"), ",") {
		grantee, rest, _ := strings.Cut(item, "=")
		rights, grantor, _ := strings.Cut(rest, "/")
		var mask uint32
		last := 0
		for _, ch := range rights {
			if ch == '*' {
				mask |= 1 << (16 + last)
				continue
			}
			if last = strings.IndexRune(aclBits, ch); last < 0 {
				log.Fatalf("right %q in %q", ch, v)
			}
			mask |= 1 << last
		}
		g1, ok1 := roles[grantee]
		g2, ok2 := roles[grantor]
		if !ok1 || !ok2 {
			log.Fatalf("role in acl %q", v)
		}
		out = append(out, fmt.Sprintf("%s/%d/%s", g1, mask, g2))
	}
	return strings.Join(out, ",")
}

// nodeCell keeps the facts of a list of constant argument defaults: per default
// "type collation length byval byte…", an implicit cast as "(function type …".
func nodeCell(v string) string {
	var out []string
	items := strings.Split(v, "{CONST ")
	for i, item := range items[1:] {
		f := strings.Fields(strings.NewReplacer("[", "", "]", "", "}", " ").Replace(item))
		get := func(key string) string {
			for i := range f {
				if f[i] == ":"+key {
					return f[i+1]
				}
			}
			log.Fatalf("no %s in %q", key, item)
			return ""
		}
		if get("constisnull") != "false" {
			log.Fatalf("null default in %q", v)
		}
		n, err := strconv.Atoi(get("constvalue"))
		if err != nil {
			log.Fatal(err)
		}
		at := 0
		for f[at] != ":constvalue" {
			at++
		}
		if get("constbyval") == "true" {
			n = 8
		}
		d := append([]string{get("consttype"), get("constcollid"), get("constlen"), get("constbyval")}, f[at+2:at+2+n]...)
		if _, fn, cast := strings.Cut(items[i], "{FUNCEXPR :funcid "); cast {
			w := strings.Fields(fn)
			d = append([]string{"(", w[0], w[2]}, d...)
		}
		out = append(out, strings.Join(d, " "))
	}
	return strings.Join(out, "; ")
}
