package builtin

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/oid"
)

// randomText makes valid input of a type.
type randomText func(r *rand.Rand) string

func pick(r *rand.Rand, list ...string) string { return list[r.IntN(len(list))] }

// randInt has the edges of a width, small numbers and numbers of every size.
func randInt(bits int) randomText {
	return func(r *rand.Rand) string {
		lim := int64(1)<<(bits-1) - 1
		switch r.IntN(5) {
		case 0:
			return strconv.FormatInt([]int64{0, 1, -1, lim, -lim - 1, lim - 1, 2, 10, 64, 31}[r.IntN(10)], 10)
		case 1, 2:
			return strconv.Itoa(r.IntN(40) - 12)
		}
		return strconv.FormatInt(int64(r.Uint64())>>(64-bits+r.IntN(bits)), 10)
	}
}

func randUint(bits int) randomText {
	return func(r *rand.Rand) string {
		if r.IntN(3) == 0 {
			return strconv.Itoa(r.IntN(30))
		}
		return strconv.FormatUint(r.Uint64()>>(64-bits+r.IntN(bits)), 10)
	}
}

func randFloat(r *rand.Rand) string {
	switch r.IntN(6) {
	case 0:
		return pick(r, "0", "-0", "1", "-1", "NaN", "Infinity", "-Infinity", "0.5", "1e-310", "1.7e308", "1e15", "-2.5", "90", "45", "180")
	case 1, 2:
		return strconv.FormatFloat(float64(r.IntN(4000)-2000)/float64([]int{1, 2, 8, 10, 100}[r.IntN(5)]), 'g', -1, 64)
	case 3:
		return strconv.FormatFloat(r.Float64()*2-1, 'g', -1, 64)
	}
	return strconv.FormatFloat(r.NormFloat64()*math.Pow(10, float64(r.IntN(40)-20)), 'g', -1, 64)
}

func randFloat4(r *rand.Rand) string {
	f, _ := strconv.ParseFloat(randFloat(r), 64)
	if math.Abs(f) > 3e38 && !math.IsInf(f, 0) || f != 0 && math.Abs(f) < 1e-37 {
		f = 1.5
	}
	return strconv.FormatFloat(f, 'g', -1, 32)
}

func randNumeric(r *rand.Rand) string {
	digits := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte('0' + r.IntN(10))
		}
		return string(b)
	}
	s := pick(r, "", "-")
	switch r.IntN(7) {
	case 0:
		return pick(r, "0", "0.00", "1", "-1", "NaN", "Infinity", "-Infinity", "0.5", "1.50", "100", "10", "2", "0.0001", "9999", "10000", "0.99999999")
	case 1, 2:
		return s + strconv.Itoa(r.IntN(100)) + pick(r, "", ".5", ".25", ".0", ".10")
	case 3:
		return s + "0." + digits(1+r.IntN(25))
	}
	return s + digits(1+r.IntN(25)) + pick(r, "", "."+digits(1+r.IntN(12)))
}

func randString(r *rand.Rand) string {
	if r.IntN(4) == 0 {
		return pick(r, "", "a", "abc", "hello world", "  x y ", "a%b", "a_b", `a\b`, "ABC", "äöü", "日本語", "year", "month", "UTC", "12", "-3.5", "a,b,c", "(a|b)*", "^x",
			"day", "epoch", "NFC", "hex", "base64", "{a}", "true", "foo.bar", `"Q"`, "aaa", "$1", "%s", "i", "g", "x")
	}
	alphabet := []rune("aaabbbcAB xyz019_-.,%\\'\"éßñ日😀\t")
	b := make([]rune, r.IntN(9))
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

func randBytes(r *rand.Rand) string {
	b := make([]byte, r.IntN(7))
	for i := range b {
		b[i] = byte(r.IntN(256))
		if r.IntN(2) == 0 {
			b[i] = "ab\x00\\ "[r.IntN(5)]
		}
	}
	return fmt.Sprintf(`\x%x`, b)
}

func randClock(r *rand.Rand) string {
	s := fmt.Sprintf("%02d:%02d:%02d", r.IntN(24), r.IntN(60), r.IntN(60))
	if r.IntN(2) == 0 {
		s += fmt.Sprintf(".%06d", r.IntN(1000000))
	}
	return pick(r, s, s, s, "00:00", "24:00:00", "12:00")
}

func randDay(r *rand.Rand) string {
	y := 1900 + r.IntN(200)
	switch r.IntN(6) {
	case 0:
		y = 1 + r.IntN(5800)
	case 1:
		return pick(r, "infinity", "-infinity", "1970-01-01", "2000-02-29", "4713-01-01 BC", "1999-12-31", "2024-12-30", "0001-12-31 BC", "2020-01-01")
	}
	return fmt.Sprintf("%04d-%02d-%02d", y, 1+r.IntN(12), 1+r.IntN(28))
}

func randStamp(r *rand.Rand) string {
	d := randDay(r)
	if strings.Contains(d, "inf") {
		return d
	}
	if bc, ok := strings.CutSuffix(d, " BC"); ok {
		return bc + " " + randClock(r) + " BC"
	}
	return d + " " + randClock(r)
}

func randOffset(r *rand.Rand) string {
	return fmt.Sprintf("%s%02d:%02d", pick(r, "+", "-"), r.IntN(15), r.IntN(4)*15)
}

func randInterval(r *rand.Rand) string {
	var p []string
	if r.IntN(2) == 0 {
		p = append(p, fmt.Sprintf("%d mons", r.IntN(60)-24))
	}
	if r.IntN(2) == 0 {
		p = append(p, fmt.Sprintf("%d days", r.IntN(90)-40))
	}
	if r.IntN(3) > 0 || len(p) == 0 {
		p = append(p, pick(r, "", "-")+strconv.Itoa(r.IntN(40))+":"+fmt.Sprintf("%02d:%02d.%06d", r.IntN(60), r.IntN(60), r.IntN(1000000)))
	}
	return pick(r, strings.Join(p, " "), strings.Join(p, " "), "0", "1 day", "-1 mon", "30 days", "24:00:00", "1 year")
}

func randArray(el randomText) randomText {
	return func(r *rand.Rand) string {
		item := func() string {
			if r.IntN(6) == 0 {
				return "NULL"
			}
			return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(el(r)) + `"`
		}
		row := func(n int) string {
			var p []string
			for range n {
				p = append(p, item())
			}
			return "{" + strings.Join(p, ",") + "}"
		}
		n := r.IntN(5)
		switch r.IntN(5) {
		case 0:
			if n == 0 {
				return "{}"
			}
			return fmt.Sprintf("[%d:%d]=%s", 3-n, 2, row(n))
		case 1:
			if n == 0 {
				return "{}"
			}
			return "{" + row(n) + "," + row(n) + "}"
		}
		return row(n)
	}
}

func randJSON(r *rand.Rand, depth int) string {
	n := r.IntN(4)
	switch k := r.IntN(8); {
	case k < 2 && depth > 0:
		var p []string
		for range n {
			p = append(p, randJSON(r, depth-1))
		}
		return "[" + strings.Join(p, pick(r, ",", ", ")) + "]"
	case k < 5 && depth > 0:
		var p []string
		for range n {
			p = append(p, pick(r, `"a"`, `"b"`, `"abc"`, `"aaa"`, `"äöü"`, `""`)+pick(r, ":", ": ", " : ")+randJSON(r, depth-1))
		}
		return "{" + strings.Join(p, ",") + "}"
	case k == 5:
		return strconv.Quote(pick(r, "a", "abc", "x y", "", "日本語"))
	case k == 6:
		return pick(r, "true", "false", "null")
	}
	return pick(r, "0", "-1", "1.50", "12e2", "10", "3", "99999999999", "0.001")
}

// randoms makes values of every type that functions are tried with.
func randoms() map[oid.OID]randomText {
	m := map[oid.OID]randomText{
		oid.Bool: func(r *rand.Rand) string { return pick(r, "t", "f") }, oid.Char: func(r *rand.Rand) string { return pick(r, "a", "", "z", "|") },
		oid.Int2: randInt(16), oid.Int4: randInt(32), oid.Int8: randInt(64), oid.Float4: randFloat4, oid.Float8: randFloat, oid.Numeric: randNumeric,
		oid.Text: randString, oid.Varchar: randString, oid.Bpchar: randString, oid.Name: randString, oid.Bytea: randBytes,
		oid.Date: randDay, oid.Time: randClock, oid.TimeTZ: func(r *rand.Rand) string { return randClock(r) + randOffset(r) },
		oid.Timestamp: randStamp, oid.TimestampTZ: randStamp, oid.Interval: randInterval,
		oid.UUID:  func(r *rand.Rand) string { return fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64()>>uint(r.IntN(64))) },
		oid.PgLSN: func(r *rand.Rand) string { return fmt.Sprintf("%X/%X", r.Uint32()>>r.IntN(32), r.Uint32()>>r.IntN(32)) },
		oid.Oid:   randUint(32), oid.Xid: randUint(32), oid.Cid: randUint(32), oid.XID8: randUint(64),
		oid.Tid:        func(r *rand.Rand) string { return fmt.Sprintf("(%d,%d)", r.IntN(9), r.IntN(9)) },
		oid.OidVector:  func(r *rand.Rand) string { return pick(r, "", "1", "1 2", "2 1 3", "25 23") },
		oid.Int2Vector: func(r *rand.Rand) string { return pick(r, "", "1", "1 2", "-2 1 3") },
	}
	m[oid.Bit] = func(r *rand.Rand) string { return fmt.Sprintf("%0*b", r.IntN(20), r.IntN(1<<r.IntN(20)|1)) }
	m[oid.Varbit] = m[oid.Bit]
	m[oid.JSON], m[oid.JSONB] = func(r *rand.Rand) string { return randJSON(r, 3) }, func(r *rand.Rand) string { return randJSON(r, 3) }
	m[oid.Int4Array], m[oid.TextArray] = randArray(m[oid.Int4]), randArray(m[oid.Text])
	m[oid.Int8Array], m[oid.Float8Array] = randArray(m[oid.Int8]), randArray(m[oid.Float8])
	m[oid.NumericArray] = randArray(m[oid.Numeric])
	return m
}

// skipRandom are functions that no text of ours can be compared on: what they
// answer depends on the server, or is words made of chance templates.
const skipRandom = `'^(bit$|varbit$|bitfromint|pg_(?!lsn|wal_lsn|size_pretty)|has_|to_reg|amvalidate|currval|lastval|nextval|setval|show_|current_|session_|row_sec|be_lo|acl|makeacl|hashacl|PG_|query_to|table_to|schema_to|database_to|cursor_to|jsonb?_(to_ts|string_to|path|popul)|binary_|inet_client|inet_server|loread|lowrite|ts_|txid|satisf|obj_desc|col_desc|shobj|getdatabase|format_type|make_acl|void|unknown)|(sel|in|out|send|recv|joinsel|typmodin|typmodout|support|transfn|_accum|_accum_inv|_combine|sortsupport|_serialize|_deserialize)$'`

// randomProcs lists the strict functions of the catalog that depend on nothing but
// their arguments and settings.
func randomProcs(t *testing.T, cl *oracle.Cluster) []*proc {
	var out []*proc
	for _, l := range strings.Split(strings.TrimSpace(cl.Psql(`select proname, prosrc, prorettype, array_to_string(proargtypes::oid[], ' ')
from pg_proc where prolang = 12 and not proretset and prokind = 'f' and pronamespace = 11 and pronargs between 1 and 6 and proisstrict
and provariadic = 0 and provolatile <> 'v' and prosrc !~ `+skipRandom+` and 2281 <> all (proargtypes) and 2275 <> all (proargtypes) and prorettype not in (2275, 2281) order by 1, 4`)), "\n") {
		f := strings.Split(l, "|")
		r, _ := strconv.ParseUint(f[2], 10, 32)
		p := &proc{name: f[0], src: f[1], strict: true, ret: oid.OID(r)}
		for _, a := range strings.Fields(f[3]) {
			v, _ := strconv.ParseUint(a, 10, 32)
			p.args = append(p.args, oid.OID(v))
		}
		out = append(out, p)
	}
	return out
}

// TestRandomArgumentsLikeStock calls every strict function of pg_proc that is
// written in C with chance arguments, here and on stock PostgreSQL.
// PGMINI_SEED and PGMINI_CALLS (per function) change the run; PGMINI_FUNC is a
// prefix of the prosrc names to try.
func TestRandomArgumentsLikeStock(t *testing.T) {
	cl := oracle.Find(t).Initdb(t)
	cl.Start()
	defer cl.Stop()
	seed, calls := uint64(20261121), 6
	if s, err := strconv.ParseUint(os.Getenv("PGMINI_SEED"), 10, 64); err == nil {
		seed = s
	}
	if n, err := strconv.Atoi(os.Getenv("PGMINI_CALLS")); err == nil {
		calls = n
	}
	t.Logf("seed %d, %d calls per function", seed, calls)
	r := rand.New(rand.NewPCG(seed, 15))
	gen, e := randoms(), testEnv(t)
	var exprs, ours, srcs, missing []string
	tried := 0
	for _, p := range randomProcs(t, cl) {
		if !strings.HasPrefix(p.src, os.Getenv("PGMINI_FUNC")) {
			continue
		}
		for k := range calls {
			el, arr := oid.Int4, oid.Int4Array
			if k%2 == 1 {
				el, arr = oid.Text, oid.TextArray
			}
			ts, ok := concreteIn(p.args, el, arr, gen)
			if !ok {
				break
			}
			if f, ok := Lookup(p.src); !ok || f.Scalar == nil {
				missing = append(missing, p.src)
				break
			}
			if k == 0 {
				tried++
			}
			ret := p.ret
			switch ret {
			case oid.AnyArray, oid.AnyCompatibleArray:
				ret = arr
			case oid.AnyElement, oid.AnyCompatible:
				ret = el
			}
			var lits, args []string
			for _, typ := range ts {
				l := gen[typ](r)
				lits = append(lits, l)
				args = append(args, fmt.Sprintf("'%s'::%s", strings.ReplaceAll(l, "'", "''"), typeName(e, typ)))
			}
			exprs = append(exprs, fmt.Sprintf("pg_catalog.\"%s\"(%s)", p.name, strings.Join(args, ", ")))
			ours = append(ours, eval(e, p, ts, ret, lits))
			srcs = append(srcs, p.src)
		}
	}
	stock := ask(t, cl, trySQL, exprs)
	report(t, exprs, ours, stock, srcs)
	t.Logf("%d functions, %d expressions; not written: %s", tried, len(exprs), strings.Join(missing, " "))
	if tried < 950 && os.Getenv("PGMINI_FUNC") == "" {
		t.Errorf("only %d functions were tried", tried)
	}
}

// concreteIn replaces polymorphic types; false if a type has no values here.
func concreteIn(ts []oid.OID, el, arr oid.OID, gen map[oid.OID]randomText) ([]oid.OID, bool) {
	out := make([]oid.OID, len(ts))
	for i, t := range ts {
		switch t {
		case oid.AnyArray, oid.AnyCompatibleArray:
			t = arr
		case oid.AnyElement, oid.AnyCompatible, oid.AnyNonArray, oid.AnyCompatibleNonArray:
			t = el
		}
		if gen[t] == nil {
			return nil, false
		}
		out[i] = t
	}
	return out, true
}
