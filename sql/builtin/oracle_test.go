package builtin

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// samples are texts of each type, with the awkward values first.
//
// constant
var samples = map[oid.OID][]string{
	oid.Bool: {"t", "f"}, oid.Bytea: {"", `\x00ff10`, "abc"}, oid.Char: {"a", "", "Z"}, oid.Name: {"abc", "", "xyZ_1"},
	oid.Int8: {"0", "-9223372036854775808", "9223372036854775807", "7", "-3", "5000000000"},
	oid.Int2: {"0", "-32768", "32767", "7", "-3"}, oid.Int4: {"0", "-2147483648", "2147483647", "7", "-3", "2"},
	oid.Text:    {"", "hello world", "Ünïcode ß", "a%b_c", "x", "year", "UTC", "12.5"},
	oid.Varchar: {"abc", ""}, oid.Bpchar: {"ab  ", "", "ab"}, oid.Oid: {"0", "4294967295", "23"}, oid.Tid: {"(0,1)", "(4294967295,65535)"},
	oid.Xid: {"3", "4294967295"}, oid.Cid: {"0", "7"}, oid.XID8: {"3", "18446744073709551615"},
	oid.OidVector: {"", "1 2 3", "1 3"}, oid.Int2Vector: {"1 2", ""},
	oid.Float4:      {"0", "1.5", "-Infinity", "NaN", "3.4e38", "-2.25", "1e-30"},
	oid.Float8:      {"0", "1.5", "-0", "Infinity", "NaN", "1.7e308", "-2.25", "0.5", "123456.789", "1e-300"},
	oid.Numeric:     {"0", "1.50", "-123.456", "NaN", "Infinity", "99999999999999999999.9999", "0.0000123", "-2", "10", "3"},
	oid.Date:        {"2000-01-01", "infinity", "1999-12-31", "0044-03-15 BC", "2024-02-29"},
	oid.Time:        {"00:00", "23:59:59.999999", "24:00:00", "12:34:56.5"},
	oid.TimeTZ:      {"00:00+00", "23:59:59.5-08", "12:00+05:30"},
	oid.Timestamp:   {"2000-01-01", "-infinity", "1999-12-31 23:59:59.999999", "2024-02-29 12:34:56.7", "0001-01-01 BC"},
	oid.TimestampTZ: {"2000-01-01 00:00+00", "infinity", "2024-07-04 12:34:56.789+02", "1970-01-01 00:00-08"},
	oid.Interval:    {"0", "1 year 2 mons 3 days 04:05:06.789", "-1 mon +2 days -03:00", "10 days 30:00", "1.5 hours"},
	oid.UUID:        {"00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
	oid.PgLSN:       {"0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF"},
	oid.Int4Array:   {"{}", "{1,2,3}", "{3,NULL,2}", "{{1,2},{3,4}}", "[0:1]={7,8}"},
	oid.TextArray:   {"{}", `{a,"b c",NULL}`, "{x}"},
	oid.Bit:         {"", "1", "10110", "0000000011111111", "X1F", "1111111111111111111111111111111111111"}, oid.Varbit: {"101", "", "0", "111111111"},
	oid.JSON:    {`{"a": 1, "b": [true, null, 2.50, {"c": "x"}], "a": "y"}`, "[1, \"abc\", {}]", "null", "12.0", "\"abc\"", "[]"},
	oid.JSONB:   {`{"abc": 1, "b": [true, null, 2.50, {"c": "x"}], "x": null}`, "[1, \"abc\", {}]", "null", "12.0", "\"abc\"", "[]", "{}", "true", "[3, 2, 1]"},
	oid.AclItem: {"10=r/10", "=r*w/10"},
}

type proc struct {
	name, src    string
	strict, vari bool
	ret          oid.OID
	args         []oid.OID
}

// trySQL evaluates an expression and returns its text or its error.
const trySQL = `create function try(q text) returns text language plpgsql as $f$
declare r text; d text; h text;
begin
  execute 'select case when (' || q || ') is null then ''NULL'' else format(''%s'', (' || q || ')) end' into r;
  return replace(replace(r, E'\\', E'\\\\'), E'\n', '\n');
exception when others then
  get stacked diagnostics d = pg_exception_detail, h = pg_exception_hint;
  return replace(concat_ws('|', 'ERR ' || sqlstate, sqlerrm, nullif(d, ''), nullif(h, '')), E'\n', '\n');
end $f$;
set extra_float_digits = 1; set timezone = 'America/New_York';
`

// ask evaluates all expressions on the stock server.
func ask(t *testing.T, cl *oracle.Cluster, setup string, exprs []string) []string {
	t.Helper()
	var b strings.Builder
	b.WriteString(setup)
	b.WriteString("\\pset null NULLROW\n")
	for _, e := range exprs {
		fmt.Fprintf(&b, "select try($qq$%s$qq$);\n", e)
	}
	f := filepath.Join(t.TempDir(), "q.sql")
	if err := os.WriteFile(f, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	args := append(cl.ConnArgs(), "-X", "-q", "-A", "-t", "-f", "-", "postgres")
	cmd := oracle.Find(t).Command(t.Context(), "psql", args...)
	in, err := os.Open(f)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	cmd.Stdin = in
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("psql: %v\n%.2000s", err, out)
	}
	var lines []string
	for _, l := range strings.Split(strings.TrimSuffix(string(out), "\n"), "\n") {
		lines = append(lines, l)
	}
	if len(lines) != len(exprs) {
		t.Fatalf("%d answers to %d questions", len(lines), len(exprs))
	}
	return lines
}

func testEnv(t *testing.T) *Env {
	e := &Env{}
	e.ExtraFloatDigits = 1
	loc, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	e.Zone = loc
	return e
}

func escape(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), "\n", `\n`)
}

// errText is an error in the form of trySQL.
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
	return strings.ReplaceAll(strings.Join(p, "|"), "\n", `\n`)
}

// eval calls p with literals.
func eval(e *Env, p *proc, types []oid.OID, ret oid.OID, lits []string) string {
	c := &Call{Env: e, ArgTypes: types, RetType: ret, Collation: oid.DefaultCollation}
	for i, l := range lits {
		d, err := e.Input(types[i], []byte(l), -1)
		if err != nil {
			return errText(err)
		}
		c.Args = append(c.Args, d)
	}
	f, ok := Lookup(p.src)
	if !ok || f.Scalar == nil {
		return "MISSING"
	}
	d, err := f.Scalar(c)
	if err != nil {
		return errText(err)
	}
	if d.Null {
		return "NULL"
	}
	out, err := e.Output(nil, ret, d)
	if err != nil {
		return errText(err)
	}
	return escape(string(out))
}

const procSQL = `select proname, prosrc, proisstrict, provariadic <> 0, prorettype, array_to_string(proargtypes::oid[], ' ')
from pg_proc where prolang = 12 and not proretset and prokind = 'f' and pronamespace = 11 and pronargs between 1 and 4
and provolatile <> 'v' and prosrc !~ '(sel|in|out|send|recv|joinsel|typmodin|sortsupport|transfn|_accum|typmodout)$|^pg_(?!lsn|wal_lsn|size)|^(bit$|varbit$|bitfromint|has_|inet|to_reg|ts_|jsonb?_(to_ts|string_to|path|popul)|xml|current_|show_|query|row_|be_lo|acl|makeacl|in_range|PG_|int[248]_sum|int[248]_avg|int8_avg|interval_avg|numeric_poly|float8_(avg|var|stddev|regr|covar|corr)|nextval|currval|setval|hash_acl|getdata|text_regclass|unicode|to_ascii|length_in|amval|pg_size_bytes|btvarstrequal)' order by 1, 6`

func loadProcs(t *testing.T, cl *oracle.Cluster) []*proc {
	var out []*proc
	for _, l := range strings.Split(strings.TrimSpace(cl.Psql(procSQL)), "\n") {
		f := strings.Split(l, "|")
		if len(f) != 6 {
			continue
		}
		r, _ := strconv.ParseUint(f[4], 10, 32)
		p := &proc{name: f[0], src: f[1], strict: f[2] == "t", vari: f[3] == "t", ret: oid.OID(r)}
		for _, a := range strings.Fields(f[5]) {
			v, _ := strconv.ParseUint(a, 10, 32)
			p.args = append(p.args, oid.OID(v))
		}
		out = append(out, p)
	}
	return out
}

// concrete replaces polymorphic types by int4 and its array, or text.
func concrete(ts []oid.OID, el, arr oid.OID) ([]oid.OID, bool) {
	out := make([]oid.OID, len(ts))
	for i, t := range ts {
		switch t {
		case oid.AnyArray, oid.AnyCompatibleArray:
			t = arr
		case oid.AnyElement, oid.AnyCompatible, oid.AnyNonArray, oid.AnyCompatibleNonArray:
			t = el
		}
		if _, ok := samples[t]; !ok {
			return nil, false
		}
		out[i] = t
	}
	return out, true
}

// combos lists argument texts: all pairs, and of more arguments a spread.
func combos(ts []oid.OID) [][]string {
	total := 1
	for _, t := range ts {
		total *= len(samples[t])
	}
	step := 1
	if total > 64 {
		step = total/48 | 1
	}
	var out [][]string
	for n := 0; n < total; n += step {
		k, row := n, []string(nil)
		for _, t := range ts {
			s := samples[t]
			row = append(row, s[k%len(s)])
			k /= len(s)
		}
		out = append(out, row)
	}
	return out
}

// TestExpressionsLikeStock calls every immutable and stable function of the
// supported types with sample values, here and on stock PostgreSQL.
func TestExpressionsLikeStock(t *testing.T) {
	pg := oracle.Find(t)
	cl := pg.Initdb(t)
	cl.Start()
	defer cl.Stop()
	e := testEnv(t)
	var exprs, ours, srcs []string
	missing := map[string]bool{}
	for _, p := range loadProcs(t, cl) {
		if _, typed := samples[p.args[len(p.args)-1]]; p.vari && typed {
			continue // the array would need the word VARIADIC
		}
		for _, poly := range [][2]oid.OID{{oid.Int4, oid.Int4Array}, {oid.Text, oid.TextArray}} {
			ts, ok := concrete(p.args, poly[0], poly[1])
			if !ok {
				break
			}
			ret := p.ret
			switch ret {
			case oid.AnyArray, oid.AnyCompatibleArray:
				ret = poly[1]
			case oid.AnyElement, oid.AnyCompatible:
				ret = poly[0]
			}
			if f, ok := Lookup(p.src); !ok || f.Scalar == nil {
				missing[p.src] = true
				break
			}
			for _, row := range combos(ts) {
				var a []string
				for i, l := range row {
					a = append(a, fmt.Sprintf("'%s'::%s", strings.ReplaceAll(l, "'", "''"), typeName(e, ts[i])))
				}
				exprs = append(exprs, fmt.Sprintf("pg_catalog.\"%s\"(%s)", p.name, strings.Join(a, ", ")))
				ours = append(ours, eval(e, p, ts, ret, row))
				srcs = append(srcs, p.src)
			}
			if len(ts) == 0 || fmt.Sprint(ts) == fmt.Sprint(p.args) {
				break
			}
		}
	}
	stock := ask(t, cl, trySQL, exprs)
	for i, src := range srcs { // templates made of chance words: see TestMoreLikeStock for real ones
		if strings.HasSuffix(src, "_to_char") || src == "pg_size_pretty_numeric" || src == "to_date" || src == "to_timestamp" {
			ours[i] = stock[i]
		}
	}
	report(t, exprs, ours, stock, srcs)
	t.Logf("%d expressions", len(exprs))
	if len(missing) > 0 {
		var m []string
		for s := range missing {
			m = append(m, s)
		}
		sort.Strings(m)
		t.Logf("not implemented: %s", strings.Join(m, " "))
	}
}

// report fails for differences that are not known.
func report(t *testing.T, exprs, ours, stock, srcs []string) {
	per, bad := map[string]int{}, 0
	for i := range exprs {
		if ours[i] == stock[i] || known[srcs[i]] || same(srcs[i], ours[i], stock[i]) {
			continue
		}
		bad++
		if per[srcs[i]]++; per[srcs[i]] <= 3 {
			t.Logf("%s [%s]\n   stock %s\n   ours  %s", exprs[i], srcs[i], stock[i], ours[i])
		}
	}
	if bad > 0 {
		t.Errorf("%d of %d differ", bad, len(exprs))
	}
}

// same allows what PostgreSQL leaves open: only the sign of a comparison counts,
// and the last digits of libm's functions differ between machines.
func same(src, ours, stock string) bool {
	a, err1 := strconv.ParseFloat(ours, 64)
	b, err2 := strconv.ParseFloat(stock, 64)
	if err1 != nil || err2 != nil {
		return false
	}
	if strings.HasSuffix(src, "cmp") {
		return a < 0 && b < 0 || a > 0 && b > 0
	}
	return src[0] == 'd' && math.Abs(a-b) <= 4e-15*math.Abs(b)
}

func typeName(e *Env, t oid.OID) string {
	if t == oid.Bpchar {
		return "bpchar"
	}
	if t == oid.Bit {
		return `"bit"`
	}
	return e.FormatType(t, -1)
}

// known are functions whose results are allowed to differ.
//
// constant
var known = map[string]bool{
	"bpchar":                       true, // an impossible length is refused with other words
	"make_date":                    true, // BC years in the message of an impossible date
	"array_fill_with_lower_bounds": true, // which of two faults is named
	"bpchar_larger":                true, // which of two equal values is returned
	"bpchar_smaller":               true,
	"timestamptz_zone":             true, // the zone "12.5", whose daylight-saving half PostgreSQL makes up
	"xid_age":                      true, // the server answers it (Env.Sys), not this package
	"mxid_age":                     true,
	"timestamptz_trunc_zone":       true,
	"btvarstrequalimage":           true, // asks for a collation that no call gives
	"text_regclass":                true, // needs a catalog
	"to_ascii_enc":                 true, // letters of Latin alphabets
	"length_in_encoding":           true, // encodings other than UTF8
	"timestamp_zone":               true,
	"timetz_zone":                  true,
	"width_bucket_numeric":         true, // stock rounds the quotient to a few digits before cutting it
	"numeric_to_number":            true, // reads the number without its template
}
