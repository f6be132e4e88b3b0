package types

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// texts are inputs of each type, good and bad.
//
// constant
var texts = map[string][]string{
	"boolean":  {"t", " TRUE ", "of", "o", "off", "yes", "n", "1", "2", ""},
	`"char"`:   {"", "a", "abc", `\344`, `\34`, "é"},
	"name":     {"abc", strings.Repeat("é", 40), ""},
	"smallint": {"1", " -32768 ", "32768", "", "-", "1.5", "0x10", "1_0", "+5"},
	"integer":  {"2147483647", "-2147483648", "2147483648", "abc", "1 2", "\t7\n"},
	"bigint":   {"9223372036854775807", "-9223372036854775808", "9223372036854775808", "99999999999999999999"},
	"oid":      {"1", "-1", "4294967295", "4294967296", "x", ""},
	"xid":      {"5", "0x10", "abc", "4294967296"}, "xid8": {"18446744073709551615", "0x1f", "z"}, "cid": {"3"},
	"tid":    {"(0,1)", "(4294967295,65535)", "(1)", "(1,70000)", " (7,8) "},
	"pg_lsn": {"0/0", "FFFFFFFF/ffffffff", "1/g", "1", "/1"},
	"real":   {"1", "1e10", "123456", "1234567", "0.0001", "0.00001", "3.4e38", "3.5e38", "1e-46", "nan", "-inf", "", "x", "1.1754944e-38"},
	"double precision": {"0.1", "1e15", "1e14", "123456789012345678", "1e-5", "0.0001", "1e308", "1e309", "1e-400", "-0", " Infinity ", "iNf",
		"nan", "-nan", "1e", "0x1p3", "1_0", "4.9e-324", "1.7976931348623157e308"},
	"numeric": {"0", "1", "-1.50", "1e10", "1e-10", "  12345678901234567890.123456789  ", "NaN", "inf", "-Infinity", "+5", "1.", ".5", ".", "", "1e", "1e5x",
		"0000.000", "10000", "0.00001", "99999999", "1e1000", "1e-1000", "1e131072", "1e-16384", "-0", "1 2", "1_000", "nanx"},
	"numeric(5,2)": {"123.456", "999.995", "-0.005", "1000", "NaN", "Infinity"}, "numeric(3,-2)": {"12345", "99999", "50"}, "numeric(2,4)": {"0.00123", "0.5"},
	"text": {"", "héllo", "a b"}, "varchar(3)": {"abc", "abc  ", "éèê"}, "character(3)": {"a", "abc  ", "éè"}, "bpchar": {"a  "},
	"bytea": {`\x0aFF`, `\x0`, `\x0g`, `\x 0a ff`, "abc", `a\\b\000\377`, `a\b`, ""},
	"uuid":  {"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "{A0EEBC999C0B4EF8BB6D6BB9BD380A11}", "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11", "a0eebc99", ""},
	"json":  {"{\"a\": [1, 2.50, \"x\"], \"a\": null}", "[1,", "{a:1}", "1 2", "\"\\u0000\"", "tru", "  [ ]  ", `{"a": [1, 2.5e3, null, true]}`, `"x"`, `1`},
	"date": {"1999-01-08", "January 8, 1999", "1/8/1999", "1/18/1999", "01/02/03", "1999-Jan-08", "Jan-08-1999", "08-Jan-1999", "99-Jan-08", "19990108",
		"990108", "1999.008", "J2451187", "January 8, 99 BC", "infinity", "-infinity", "epoch", "2000-02-30", "2000-13-01", "13/13/2000", "today x", "",
		"0001-01-01", "4714-11-24 BC", "4714-11-23 BC", "5874897-12-31", "5874898-01-01", "2000-01-01 12:00", "Fri Jan 08 1999", "0000-01-01", "8 Jan 1999", "1999 Jan 8"},
	"time": {"04:05:06.789", "04:05:06", "04:05", "040506", "04:05 AM", "04:05 PM", "12:00 AM", "13:00 PM", "24:00:00", "24:00:01", "23:59:60", "25:00", "allballs",
		"2003-04-12 04:05:06", "04:05:06.7891234567", "x", "", "4:5:6"},
	"time(2)":             {"04:05:06.789", "23:59:59.999"},
	"time with time zone": {"04:05:06.789-8", "04:05:06-08:00", "040506-08", "04:05+05:30", "04:05:06 PST", "24:00+00", "04:05:06+16", "04:05Z", "2003-04-12 04:05:06 America/New_York"},
	"timestamp": {"1999-01-08 04:05:06", "1999-01-08T04:05:06.123456789", "January 8 04:05:06 1999 PST", "19990108T040506", "19990108 040506", "1999-01-08",
		"Mon Feb 10 17:32:01.5 1997", "Feb 10 17:32:01 1997", "2/10/97 5:32PM", "1997-02-10 17:32:01 -0800", "infinity", "epoch", "294276-12-31 23:59:59.999999",
		"294277-01-01", "4713-01-01 BC", "4714-11-24 00:00 BC", "4714-11-23 BC", "2000-01-01 24:00:00", "2000-01-01 12:60", "2000-01-01 xyz", "", "2001-02-03 04:05:06.9999999", "Feb 30 2000"},
	"timestamp(0)": {"1999-01-08 04:05:06.5", "1999-01-08 04:05:06.499999"}, "timestamp(3)": {"1999-01-08 04:05:06.12345"},
	"timestamp with time zone": {"1999-01-08 04:05:06-08", "1999-01-08 04:05:06", "1999-07-08 04:05:06", "2007-03-11 02:30", "2007-11-04 01:30", "2007-11-04 01:30 EST", "1999-01-08 04:05:06 Europe/Berlin",
		"1999-01-08 04:05:06 america/new_york", "1999-01-08 04:05:06+05:30:15", "1999-01-08 04:05:06 nowhere", "1999-01-08 04:05:06 Nowhere/Land", "1850-01-01", "2100-07-01", "epoch", "-infinity",
		"1999-01-08 04:05:06+25", "1999-01-08 04:05:06Z", "20000101T000000Z", "2000-01-01 00:00 GMT", "0001-01-01 BC"},
	"interval": {"1", "1 day", "1 year 2 mons 3 days 04:05:06.7", "-1 day 2 hours", "1-2", "1-2 3 4:05:06", "P1Y2M3DT4H5M6S", "P1Y-2M", "PT0.5S", "P1W", "1.5 months", "1.5 years", "2.5 weeks", "1.5 days",
		"@ 1 minute ago", "1 mon -1 sec", "4:05", "4:05:06.5", "1 2:03:04", "3 weeks 2 days", "100 centuries", "1 decade", "1 fortnight", "", "x", "1 day 1 day", "10000000000 days", "1:60", "1e3 s", "-1:00",
		"0.1 sec", "1 us", "1.5 ms", "-1.5 years", "00:00:00.0000005", "+1 day", "1 day ago", "999999999999 hours"},
	"interval(2)": {"1.23456 sec"}, "interval day to hour": {"3 days 4:05:06"}, "interval year": {"7", "14 mons"}, "interval minute to second": {"4:05"},
	"integer[]": {"{}", "{1,2}", "{1,NULL,3}", "{{1,2},{3,4}}", "{{1,2},{3}}", "[2:3]={7,8}", "{1,2", "1,2", "{1,,2}", " { 1 , 2 } ", `{"1"}`, "{1}x", "{{},{}}", "{{}}", "[1:2]={1}"},
	"text[]":    {`{a,"b c",NULL,"NULL",""}`, `{"a\"b","c\\d"}`, `{a b , c}`, `{"x","y,z"}`, `{a"b}`, "{{a},{b}}"},
	"numeric[]": {"{1.5,NULL,-2}"}, "date[]": {"{2000-01-01,infinity}"}, "boolean[]": {"{t,f,NULL}"}, "name[]": {"{abc,def}"}, "uuid[]": {"{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"},
	"timestamp[]": {`{"2000-01-01 00:00:00"}`}, "interval[]": {`{1 day}`}, "oid[]": {"{1,4294967295}"}, "jsonb": {"{\"bb\": [1, 2.50, \"x\", {\"y\": {}}], \"a\": null, \"bb\": 3}", "1", "\"a\\u00e9\\ud83d\\ude00\"", "null", "[]", "{}", "true", "[1.5, \"ab\", 12345678901234567890.12, false, [[]], {\"k\": 1}]", "\"\\u0000\"", "{\"a\":}", "-",
		"[" + strings.Repeat("1, \"abc\", {\"kk\": 2}, ", 40) + "0]"}, "bit(5)": {"10110", "B00001", "B10x10", "xG"}, "bit varying(9)": {"", "101", "X0f"}, "bit": {"1", "0"}, "jsonb[]": {"{1,NULL,\"{}\"}"}, "float8[]": {"{1.5,NaN,5.761771130365544e+17,-43975975719116252,1e23}"}, "float4[]": {"{-7.0929264e+07,33554434,1e17}"}, `"char"[]`: {"{a,b}"}, "bytea[]": {`{"\\x00ff"}`},
	"int2vector": {"1 2 3", "", "x"}, "oidvector": {"1 2", ""}, "regtype": {"integer", "0", "-", "23", "text"},
}

const trySQL = `create function try(q text) returns text language plpgsql as $f$
declare r text; d text; h text;
begin
  execute 'select ' || q into r;
  return replace(replace(r, E'\\', E'\\\\'), E'\n', '\n');
exception when others then
  get stacked diagnostics d = pg_exception_detail, h = pg_exception_hint;
  return replace(concat_ws('|', 'ERR ' || sqlstate, sqlerrm, nullif(d, ''), nullif(h, '')), E'\n', '\n');
end $f$;
set timezone = 'America/New_York';
`

func ask(t *testing.T, cl *oracle.Cluster, setup string, exprs []string) []string {
	t.Helper()
	var b strings.Builder
	b.WriteString(setup)
	for _, e := range exprs {
		fmt.Fprintf(&b, "select coalesce(try($qq$%s$qq$), 'NULL');\n", e)
	}
	lines := strings.Split(cl.Psql(b.String()), "\n")
	if len(lines) != len(exprs) {
		t.Fatalf("%d answers to %d questions", len(lines), len(exprs))
	}
	return lines
}

func testEnv(t *testing.T) *Env {
	e := NewEnv()
	loc, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	e.Zone = loc
	return e
}

// testType splits a type's SQL name into OID and modifier.
func testType(t *testing.T, cl *oracle.Cluster, names []string) map[string][2]int64 {
	out := map[string][2]int64{}
	for i, n := range names {
		cl.Psql(fmt.Sprintf("create table ty%d (c %s)", i, n))
		var o, m int64
		fmt.Sscan(strings.ReplaceAll(cl.Psql(fmt.Sprintf("select atttypid, atttypmod from pg_attribute where attrelid = 'ty%d'::regclass and attnum = 1", i)), "|", " "), &o, &m)
		out[n] = [2]int64{o, m}
	}
	return out
}

func errText(err error) string {
	p := []string{"ERR " + string(pgerr.CodeOf(err)), err.Error()}
	if e, ok := pgerr.As(err); ok {
		p[1] = e.Msg
		if e.Detail != "" {
			p = append(p, e.Detail)
		}
		if e.Hint != "" {
			p = append(p, e.Hint)
		}
	}
	return escape(strings.Join(p, "|"))
}

func escape(s string) string { return strings.ReplaceAll(s, "\n", `\n`) }

// TestInputLikeStock reads every text, and prints it in every style, here and on
// stock PostgreSQL; and the binary forms must be equal.
func TestInputLikeStock(t *testing.T) {
	cl := oracle.Find(t).Initdb(t)
	cl.Start()
	defer cl.Stop()
	var names []string
	for n := range texts {
		names = append(names, n)
	}
	ids := testType(t, cl, names)
	for _, style := range []struct {
		set string
		do  func(e *Env)
	}{
		{"set datestyle = 'ISO, MDY'", func(*Env) {}},
		{"set datestyle = 'SQL, DMY'; set intervalstyle = iso_8601; set extra_float_digits = 0; set bytea_output = escape", func(e *Env) {
			e.DateStyle, e.DateOrder, e.IntervalStyle, e.ExtraFloatDigits, e.ByteaEscape = StyleSQL, OrderDMY, IntervalISO, 0, true
		}},
		{"set datestyle = 'Postgres, YMD'; set intervalstyle = postgres_verbose", func(e *Env) {
			e.DateStyle, e.DateOrder, e.IntervalStyle = StylePostgres, OrderYMD, IntervalVerbose
		}},
		{"set datestyle = 'German'; set intervalstyle = sql_standard; set extra_float_digits = -3", func(e *Env) {
			e.DateStyle, e.DateOrder, e.IntervalStyle, e.ExtraFloatDigits = StyleGerman, OrderDMY, IntervalSQLStandard, -3
		}},
	} {
		e := testEnv(t)
		style.do(e)
		var exprs, ours []string
		for n, list := range texts {
			typ, mod := oid.OID(ids[n][0]), int32(ids[n][1])
			ti, _ := BuiltIn(typ)
			for _, s := range list {
				lit := fmt.Sprintf("'%s'::%s", strings.ReplaceAll(s, "'", "''"), n)
				exprs = append(exprs, fmt.Sprintf("format('%%s', %s)", lit))
				d, err := e.Input(typ, []byte(s), mod)
				if err != nil {
					ours = append(ours, errText(err))
					continue
				}
				out, err := e.Output(nil, typ, d)
				if err != nil {
					t.Fatal(err)
				}
				ours = append(ours, escape(strings.ReplaceAll(string(out), `\`, `\\`)))
				exprs = append(exprs, fmt.Sprintf("encode(pg_catalog.%s(%s), 'hex')", ti.Send, lit))
				out, err = e.Send(nil, typ, d)
				if err != nil {
					t.Fatal(err)
				}
				ours = append(ours, hex.EncodeToString(out))
				back, err := e.Recv(typ, out, mod)
				if err != nil || string(back.Bytes) != string(d.Bytes) || back.Int != d.Int {
					t.Errorf("%s: binary form does not come back: %v, %v, %v", lit, d, back, err)
				}
			}
		}
		stock := ask(t, cl, "drop function if exists try;"+trySQL+style.set+";\n", exprs)
		bad := 0
		for i := range exprs {
			if ours[i] != stock[i] {
				bad++
				t.Logf("%s\n   stock %.300s\n   ours  %.300s", exprs[i], stock[i], ours[i])
			}
		}
		if bad > 0 {
			t.Errorf("%s: %d of %d differ", style.set, bad, len(exprs))
		}
	}
}

// TestPayloadLikeStock stores every good text in a stock table and compares the
// bytes on its page with our input functions' payload.
func TestPayloadLikeStock(t *testing.T) {
	cl := oracle.Find(t).Initdb(t)
	cl.Start()
	defer cl.Stop()
	cl.Psql("create extension pageinspect")
	e := testEnv(t)
	var names []string
	for n := range texts {
		names = append(names, n)
	}
	ids := testType(t, cl, names)
	n := 0
	for i, name := range names {
		typ, mod := oid.OID(ids[name][0]), int32(ids[name][1])
		ti, _ := BuiltIn(typ)
		sql := fmt.Sprintf("set timezone = 'America/New_York'; alter table ty%d alter c set storage %s;", i, map[bool]string{true: "external", false: "plain"}[ti.Storage != 'p'])
		var want []datum.Datum
		for _, s := range texts[name] {
			d, err := e.Input(typ, []byte(s), mod)
			if err != nil || len(d.Bytes) > 1500 {
				continue
			}
			want = append(want, d)
			sql += fmt.Sprintf("insert into ty%d values ('%s');", i, strings.ReplaceAll(s, "'", "''"))
		}
		sql += fmt.Sprintf("select encode(a[1], 'hex') from heap_page_item_attrs(get_raw_page('ty%d', 0), 'ty%d'::regclass, false) h, lateral (select h.t_attrs) x(a) order by lp", i, i)
		got := strings.Split(cl.Psql(sql), "\n")
		if len(got) < len(want) { // spread over several pages
			want = want[:len(got)]
		}
		for k, d := range want {
			raw, _ := hex.DecodeString(got[k])
			if mine := onDisk(d, &ti); string(mine) != string(stripHeader(raw, &ti)) {
				t.Errorf("%s %q: stock %x, ours %x", name, texts[name][k], raw, mine)
			}
			n++
		}
	}
	t.Logf("%d payloads", n)
}

// onDisk is what the page holds for d, without a varlena header.
func onDisk(d datum.Datum, ti *TypeInfo) []byte {
	switch {
	case ti.ByVal:
		return le.AppendUint64(nil, uint64(d.Int))[:ti.Len]
	case ti.Len > 0:
		return append(append([]byte{}, d.Bytes...), make([]byte, int(ti.Len)-len(d.Bytes))...)
	}
	return d.Bytes
}

func stripHeader(b []byte, ti *TypeInfo) []byte {
	if ti.Len != -1 || len(b) == 0 {
		return b
	}
	if b[0]&1 == 1 {
		return b[1:]
	}
	return b[4:]
}
