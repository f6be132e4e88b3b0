package builtin

import (
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/oid"
)

// more are calls that the sample values do not reach: name, then type and text
// of each argument.
//
// constant
var more = []string{
	"textregexeq|25|foobar|25|^foo", "textregexeq|25|foobar|25|b.r$", "textregexeq|25|abc|25|a(b|c)+", "textregexeq|25|a\nb|25|a.b", "textregexeq|25|x|25|[[:alpha:]]",
	"textregexeq|25|foo bar|25|\\mbar", "textregexeq|25|foobar|25|\\mbar", "textregexeq|25|abab|25|(ab)\\1", "textregexeq|25|foo|25|(?i)FOO", "textregexeq|25|foo|25|***=f.o",
	"textregexeq|25|x|25|(", "textregexeq|25|x|25|[", "textregexeq|25|x|25|*", "textregexeq|25|x|25|a{2,1}", "textregexeq|25|x|25|\\", "textregexeq|25|ab|25|a(?=b)", "textregexeq|25|x{|25|x{",
	"texticregexeq|25|FOO|25|foo", "textregexne|25|foo|25|o", "textregexeq|25|a]b|25|[]]", "textregexeq|25|a-b|25|[a\\-z]-", "textregexeq|25|é|25|^.$", "textregexeq|25|x|25|[[:foo:]]",
	"substring|25|foobar|25|o(.)b", "substring|25|foobar|25|o.b", "substring|25|abcabc|25|ab|abc", "substring|25|xyz|25|q",
	"regexp_match|25|foobarbequebaz|25|(bar)(beque)", "regexp_match|25|foobarbequebaz|25|barbeque", "regexp_match|25|abc|25|x", "regexp_match|25|abc|25|B|25|i", "regexp_match|25|abc|25|B|25|g",
	"regexp_match|25|abc|25|(a)|(x)", "regexp_match|25|a|25|b|25|z",
	"regexp_replace|25|foobarbaz|25|b..|25|X", "regexp_replace|25|foobarbaz|25|b..|25|X|25|g", "regexp_replace|25|foobarbaz|25|b(..)|25|X\\1Y|25|g", "regexp_replace|25|abc|25|b|25|[\\&]",
	"regexp_replace|25|aaa|25|a|25|b|23|2|23|0", "regexp_replace|25|aaaa|25|a|25|b|23|1|23|3", "regexp_replace|25|abc|25||25|-|25|g", "regexp_replace|25|A PostgreSQL function|25|a|e|i|o|u|25|X|23|1|23|0|25|i",
	"regexp_split_to_array|25|hello world  x|25|\\s+", "regexp_split_to_array|25|abc|25|", "regexp_split_to_array|25|a,b,|25|,", "regexp_count|25|ABCABC|25|abc|23|1|25|i", "regexp_instr|25|ABCABC|25|B|23|1|23|2|23|1",
	"regexp_substr|25|ABCDEF|25|c(.)(..)|23|1|23|1|25|i|23|2", "regexp_like|25|Hello|25|hello|25|i",
	"like|25|foobar|25|f%r", "like|25|a%b|25|a\\%b", "like|25|foobar|25|f__b_r", "like|25|abc|25|abc\\", "like|25|ééé|25|_é_", "like|25|abcbc|25|%bc", "like|25||25|%", "like|25|ab|25|a_%",
	"texticlike|25|FooBar|25|foo%", "like_escape|25|a#%b|25|#", "like_escape|25|a|25|ab", "similar_to_escape|25|a(b|c)_%[x]", "similar_to_escape|25|a#\"b#\"c|25|#", "similar_to_escape|25|a\\.b^$",
	"to_char|1114|2024-07-04 13:14:15.678901|25|YYYY-MM-DD HH24:MI:SS.US", "to_char|1114|2024-07-04 13:14:15.678901|25|Day, DD Month YYYY HH12:MI AM", "to_char|1114|2024-07-04 13:14:15.678901|25|FMDay, FMDD FMMonth YYYY FMHH12:MI p.m.",
	"to_char|1114|2024-07-04 13:14:15.6|25|IYYY-IW-ID IDDD DDD D W WW Q CC J RM rm", "to_char|1114|2024-07-04 03:14:15.6|25|DDth DDTH MS FF1 FF3 SSSS Y,YYY YYY YY Y bc AD", "to_char|1114|0044-03-15 BC|25|YYYY AD b.c. IYYY",
	"to_char|1114|2024-07-04|25|\"Year:\" YYYY \\\"q\\\" MON Mon mon DY Dy dy", "to_char|1184|2024-07-04 12:00+00|25|TZ tz OF TZH:TZM HH24", "to_char|1186|1 year 2 mons 3 days 04:05:06.789|25|YYYY MM DD HH24:MI:SS MS", "to_char|1186|100:00|25|HH24 HH12 DDD",
	"to_char|23|485|25|999", "to_char|23|-485|25|999", "to_char|23|485|25|9999999", "to_char|23|-485|25|0999", "to_char|23|485|25|FM999", "to_char|23|12345|25|999", "to_char|23|1485|25|9,999", "to_char|23|0|25|99", "to_char|23|0|25|09",
	"to_char|23|12|25|99th", "to_char|23|485|25|RN", "to_char|23|485|25|FMRN", "to_char|23|-12|25|99MI", "to_char|23|-12|25|S99", "to_char|23|12|25|SG99", "to_char|23|12|25|99S", "to_char|23|-12|25|99PR", "to_char|23|12|25|PL99", "to_char|23|12|25|99V9",
	"to_char|1700|148.5|25|999.999", "to_char|1700|148.5|25|FM999.999", "to_char|1700|148.5|25|FM999.990", "to_char|1700|-0.1|25|99.99", "to_char|1700|0.1|25|0.9", "to_char|1700|0.1|25|FM9.99", "to_char|1700|3148.5|25|9G999D999", "to_char|1700|0.0004859|25|9.99EEEE",
	"to_char|701|148.5|25|999D99", "to_char|1700|12454.8|25|99999D99S", "to_char|1700|-1234.567|25|999,999.99", "to_char|1700|485.8|25|\"Pre:\"999\" Post:\" .999", "to_char|1700|0|25|99.99",
	"to_date|25|05 Dec 2000|25|DD Mon YYYY", "to_date|25|20240229|25|YYYYMMDD", "to_date|25|2024-366|25|YYYY-DDD", "to_date|25|2024-02-30|25|YYYY-MM-DD", "to_date|25|24-1-2|25|YY-MM-DD", "to_date|25|abc|25|YYYY", "to_date|25|2006-42|25|IYYY-IW",
	"to_timestamp|25|2024-07-04 01:02:03 PM|25|YYYY-MM-DD HH12:MI:SS AM", "to_timestamp|25|05 Dec 2000 23|25|DD Mon YYYY HH24", "to_timestamp|25|2000-01-01 00:00:00.123456|25|YYYY-MM-DD HH24:MI:SS.US", "to_timestamp|25|12:34:56.5|25|HH24:MI:SS.MS",
	"to_timestamp|25|2000 JUN|25|YYYY MON", "to_timestamp|25|15 June 1999|25|DD month YYYY", "to_timestamp|25|13 PM|25|HH12 AM", "to_timestamp|25|2000xx|25|YYYYMM",
	"to_number|25|12,454.8-|25|99G999D9S", "to_number|25|-34,338,492|25|99G999G999", "to_number|25|  12.5 |25|99.9",
	"date_trunc|25|week|1114|2024-07-04 13:14:15", "date_trunc|25|quarter|1114|2024-08-04", "date_trunc|25|century|1114|2000-08-04", "date_trunc|25|decade|1114|0004-01-01 BC", "date_trunc|25|day|1184|2024-03-10 12:00+00", "date_trunc|25|millennium|1114|0500-01-01 BC",
	"date_trunc|25|hour|1186|3 days 02:47:33", "date_trunc|25|week|1186|3 days", "date_trunc|25|fred|1114|2000-01-01",
	"extract|25|epoch|1184|2024-07-04 12:00+00", "extract|25|isoyear|1082|2005-01-01", "extract|25|week|1082|2005-01-01", "extract|25|julian|1114|2005-01-01 12:00", "extract|25|second|1114|2005-01-01 12:00:01.5", "extract|25|epoch|1186|1 year 2 mons 3 days 04:05:06.7",
	"extract|25|timezone_hour|1184|2024-07-04 12:00+00", "extract|25|millennium|1082|2001-01-01", "extract|25|century|1082|0001-01-01 BC", "extract|25|dow|1083|12:00", "extract|25|day|1186|3 days",
	"date_part|25|milliseconds|1083|04:05:06.789", "age|1114|2001-04-10|1114|1957-06-13", "age|1114|1957-06-13|1114|2001-04-10", "age|1114|2024-03-31|1114|2024-02-29 10:00",
	"numeric_power|1700|2|1700|0.5", "numeric_power|1700|2|1700|100", "numeric_power|1700|10|1700|-20", "numeric_power|1700|1.0000001|1700|1000000", "numeric_power|1700|0.5|1700|3", "numeric_power|1700|-8|1700|3", "numeric_power|1700|7|1700|0.333333",
	"exp|1700|1", "exp|1700|-20.5", "exp|1700|100", "ln|1700|2", "ln|1700|0.000001", "ln|1700|1.00000001", "log|1700|2|1700|64", "log|1700|10|1700|12345", "sqrt|1700|2", "sqrt|1700|1e-10", "sqrt|1700|123456789012345678901234567890", "ln|1700|99999999999999999999",
	"gcd|1700|330|1700|462", "lcm|1700|330|1700|462", "factorial|20|30", "trim_scale|1700|8.4100", "width_bucket|1700|5.35|1700|0.024|1700|10.06|23|5", "div|1700|9|1700|4", "mod|1700|-9.5|1700|4", "round|1700|1234.567|23|-2", "trunc|1700|-1234.567|23|1",
	"numeric_div|1700|1|1700|3", "numeric_div|1700|1e20|1700|7", "numeric_div|1700|0.0000001|1700|3", "numeric_mul|1700|123456789.123456789|1700|987654321.987654321",
	"encode|17|hello world|25|base64", "decode|25|aGVsbG8gd29ybGQ=|25|base64", "encode|17|\\x00ff5c|25|escape", "decode|25|abc|25|hex", "decode|25|a*|25|base64", "encode|17|a|25|foo", "decode|25|aGVs!|25|base64",
	"split_part|25|abc~@~def~@~ghi|25|~@~|23|-1", "translate|25|12345|25|143|25|ax", "lpad|25|hi|23|7|25|xyz", "rpad|25|hi|23|7|25|xyz", "initcap|25|hi THOMAS o'neil", "overlay|25|Txxxxas|25|hom|23|2|23|4", "quote_literal|25|O'Re\\illy", "quote_ident|25|select",
	"quote_ident|25|Foo bar", "chr|23|8364", "ascii|25|€", "repeat|25|Pg|23|4", "btrim|25|xyxtrimyyx|25|xyz", "string_to_array|25|xx~~yy~~zz|25|~~", "string_to_array|25|xx~~yy~~zz|25|~~|25|yy",
	"interval_mul|1186|1 mon 3 days 04:05:06|701|1.5", "interval_div|1186|1 year|701|7", "justify_interval|1186|1 mon -1 hour", "justify_hours|1186|27:00", "justify_days|1186|35 days",
	"timestamptz_pl_interval|1184|2024-03-09 12:00-05|1186|1 day", "timestamptz_pl_interval|1184|2024-03-09 12:00-05|1186|24 hours", "timestamp_pl_interval|1114|2024-01-31|1186|1 mon", "timezone|25|Europe/Berlin|1114|2024-07-04 12:00", "timezone|25|PST|1184|2024-07-04 12:00+00",
	"width_bucket|701|5.35|701|0.024|701|10.06|23|5", "pg_size_pretty|20|10239", "pg_size_pretty|20|10240", "pg_size_pretty|20|123456789012", "to_hex|20|-1", "md5|25|abc", "sha256|17|abc", "make_interval|23|1|23|2|23|3|23|4|23|5|23|6|701|7.5",
	"make_timestamptz|23|2024|23|7|23|4|23|1|23|2|701|3.5|25|Asia/Tokyo", "isfinite|1082|infinity", "overlaps|1083|01:00|1083|02:00|1083|01:30|1083|03:00",
}

// TestMoreLikeStock runs the list above.
func TestMoreLikeStock(t *testing.T) {
	cl := oracle.Find(t).Initdb(t)
	cl.Start()
	defer cl.Stop()
	e := testEnv(t)
	procs := map[string]*proc{}
	sql := strings.Replace(strings.Replace(procSQL, "between 1 and 4", "between 1 and 7", 1), "substring", "", 1)
	for _, l := range strings.Split(cl.Psql(sql), "\n") {
		f := strings.Split(l, "|")
		p := &proc{name: f[0], src: f[1]}
		fmt.Sscan(f[4], &p.ret)
		procs[f[0]+" "+f[5]] = p
	}
	var exprs, ours, srcs []string
	for _, m := range more {
		f := strings.Split(m, "|")
		var types []oid.OID
		var lits, sqlArgs []string
		for i := 1; i < len(f); { // a text may hold the separator: join until the next is a type's OID
			var o oid.OID
			fmt.Sscan(f[i], &o)
			s := f[i+1]
			i += 2
			for i < len(f) && !(i+1 < len(f) && samples[asOID(f[i])] != nil) {
				s += "|" + f[i]
				i++
			}
			types, lits = append(types, o), append(lits, s)
			sqlArgs = append(sqlArgs, fmt.Sprintf("'%s'::%s", strings.ReplaceAll(s, "'", "''"), typeName(e, o)))
		}
		p := procs[f[0]+" "+strings.Trim(fmt.Sprint(types), "[]")]
		if p == nil {
			t.Errorf("no function %s%v", f[0], types)
			continue
		}
		exprs = append(exprs, fmt.Sprintf("pg_catalog.\"%s\"(%s)", p.name, strings.Join(sqlArgs, ", ")))
		ours = append(ours, eval(e, p, types, p.ret, lits))
		srcs = append(srcs, p.src)
	}
	report(t, exprs, ours, ask(t, cl, trySQL, exprs), srcs)
}

func asOID(s string) (o oid.OID) {
	fmt.Sscan(s, &o)
	return o
}

// TestAggregatesLikeStock runs every aggregate over the samples of its types.
func TestAggregatesLikeStock(t *testing.T) {
	cl := oracle.Find(t).Initdb(t)
	cl.Start()
	defer cl.Stop()
	e := testEnv(t)
	var exprs, ours, srcs []string
	var missing []string
	for _, l := range strings.Split(cl.Psql(`select p.proname, t.prosrc, coalesce(f.prosrc, ''), p.prorettype, array_to_string(p.proargtypes::oid[], ' ')
from pg_aggregate a join pg_proc p on p.oid = aggfnoid join pg_proc t on t.oid = aggtransfn left join pg_proc f on f.oid = nullif(aggfinalfn, 0)
where aggkind = 'n' and p.proname !~ 'json|xml|range' order by 1, 5`), "\n") {
		f := strings.Split(l, "|")
		var types []oid.OID
		ok := true
		for _, a := range strings.Fields(f[4]) {
			o := asOID(a)
			switch o {
			case oid.AnyNonArray, oid.Any:
				o = oid.Int4
			case oid.AnyArray:
				o = oid.Int4Array
			}
			types = append(types, o)
			ok = ok && len(samples[o]) > 0
		}
		if !ok {
			continue
		}
		agg, found := LookupAgg(f[1], f[2])
		if !found {
			missing = append(missing, f[0]+"("+f[1]+","+f[2]+")")
			continue
		}
		ret := asOID(f[3])
		switch ret {
		case oid.AnyArray:
			ret = oid.Int4Array
		}
		for _, n := range []int{0, 1, 3, 100} {
			var rows []string
			st := agg.New(&AggCall{ArgTypes: types, RetType: ret, Env: e})
			var err error
			list := [][]string{}
			if len(types) > 0 {
				list = combos(types)
			}
			for i := range min(n, len(list)) {
				var args []datum.Datum
				var lits []string
				for j, s := range list[i] {
					d, err := e.Input(types[j], []byte(s), -1)
					if err != nil {
						t.Fatal(err)
					}
					args = append(args, d)
					lits = append(lits, fmt.Sprintf("'%s'::%s", strings.ReplaceAll(s, "'", "''"), typeName(e, types[j])))
				}
				rows = append(rows, "("+strings.Join(lits, ",")+")")
				if err == nil {
					err = st.Step(args)
				}
			}
			if len(rows) == 0 {
				continue
			}
			cols := []string{"a", "b"}[:len(types)]
			exprs = append(exprs, fmt.Sprintf("select %s(%s) from (values %s) v(%s)", f[0], strings.Join(cols, ","), strings.Join(rows, ","), strings.Join(cols, ",")))
			srcs = append(srcs, "d"+f[1])
			d, ferr := st.Final()
			switch {
			case err != nil:
				ours = append(ours, errText(err))
			case ferr != nil:
				ours = append(ours, errText(ferr))
			case d.Null:
				ours = append(ours, "NULL")
			default:
				out, err := e.Output(nil, ret, d)
				if err != nil {
					t.Fatal(err)
				}
				ours = append(ours, escape(string(out)))
			}
		}
	}
	report(t, exprs, ours, ask(t, cl, trySQL, exprs), srcs)
	t.Logf("%d aggregate calls; not implemented: %s", len(exprs), strings.Join(missing, " "))
}

// TestCoverage lists what the operators, casts, btree and hash support functions
// and aggregates of the supported types name and is not implemented. The list
// may only shrink.
func TestCoverage(t *testing.T) {
	cl := oracle.Find(t).Initdb(t)
	cl.Start()
	defer cl.Stop()
	var supported []string
	for o := range samples {
		supported = append(supported, fmt.Sprint(o))
	}
	supported = append(supported, "2205,2206,24,2202,2203,2204,4089,4096,4191,2277,2283,2249,5077,5078,5079,2776,0")
	in := strings.Join(supported, ",")
	var missing []string
	for _, src := range strings.Split(cl.Psql(`with f as (select oprcode f from pg_operator union select castfunc from pg_cast
union select amproc from pg_amproc a join pg_opfamily o on o.oid = amprocfamily where opfmethod in (403, 405) and (opfmethod, amprocnum) not in ((403, 2)))
select distinct prosrc from f join pg_proc p on p.oid = f.f where prolang = 12 and prorettype in (`+in+`)
and not exists (select from unnest(proargtypes) a where a not in (`+in+`)) order by 1`), "\n") {
		if _, ok := Lookup(src); !ok {
			missing = append(missing, src)
		}
	}
	sort.Strings(missing)
	if got := strings.Join(missing, " "); got != allowedMissing {
		t.Errorf("not implemented: %s", got)
	}
}

const allowedMissing = "in_range_timetz_interval ts_match_tt"
