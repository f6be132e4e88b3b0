package cmp

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/datum/numeric"
	"github.com/pgmini/pgmini/internal/oracle"
)

func num(s string) datum.Datum {
	n, err := numeric.Parse(s)
	if err != nil {
		panic(err)
	}
	return datum.Bytes(n.Append(nil))
}

func ival(us int64, days, months int32) datum.Datum {
	b := le.AppendUint64(nil, uint64(us))
	b = le.AppendUint32(b, uint32(days))
	return datum.Bytes(le.AppendUint32(b, uint32(months)))
}

// constant
var cases = []struct {
	cmp, hash, typ string
	vals           map[string]datum.Datum
}{
	{"btint4cmp", "hashint4", "int4", map[string]datum.Datum{"0": datum.Int(0), "-1": datum.Int(-1), "2147483647": datum.Int(math.MaxInt32)}},
	{"btint8cmp", "hashint8", "int8", map[string]datum.Datum{"0": datum.Int(0), "-1": datum.Int(-1), "-5000000000": datum.Int(-5000000000), "9223372036854775807": datum.Int(math.MaxInt64)}},
	{"btint2cmp", "hashint2", "int2", map[string]datum.Datum{"-7": datum.Int(-7), "7": datum.Int(7)}},
	{"btoidcmp", "hashoid", "oid", map[string]datum.Datum{"4294967295": datum.Int(math.MaxUint32), "1": datum.Int(1)}},
	{"btcharcmp", "hashchar", `"char"`, map[string]datum.Datum{"a": datum.Int('a'), `\344`: datum.Int(0344)}},
	{"btfloat8cmp", "hashfloat8", "float8", map[string]datum.Datum{"0": datum.Float8(0), "-0": datum.Float8(math.Copysign(0, -1)), "NaN": datum.Float8(math.NaN()), "Infinity": datum.Float8(math.Inf(1)), "-1.5": datum.Float8(-1.5)}},
	{"btfloat4cmp", "hashfloat4", "float4", map[string]datum.Datum{"1.5": datum.Float4(1.5), "NaN": datum.Float4(float32(math.NaN()))}},
	{"bttextcmp", "hashtext", "text", map[string]datum.Datum{"": datum.String(""), "a": datum.String("a"), "é": datum.String("é"), "hello, world! 12": datum.String("hello, world! 12"), "b": datum.String("b")}},
	{"btnamecmp", "hashname", "name", map[string]datum.Datum{"abc": datum.String("abc"), "abcdefghijklm": datum.String("abcdefghijklm")}},
	{"bpcharcmp", "hashbpchar", "bpchar", map[string]datum.Datum{"ab": datum.String("ab"), "ab  ": datum.String("ab  "), "a": datum.String("a")}},
	{"numeric_cmp", "hash_numeric", "numeric", map[string]datum.Datum{"0": num("0"), "0.00": num("0.00"), "1": num("1"), "1.000": num("1.000"), "-1.5": num("-1.5"), "NaN": num("NaN"), "Infinity": num("Infinity"), "-Infinity": num("-Infinity"), "1e20": num("1e20"), "0.00001": num("0.00001"), "100000000": num("100000000")}},
	{"interval_cmp", "interval_hash", "interval", map[string]datum.Datum{"1 mon": ival(0, 0, 1), "30 days": ival(0, 30, 0), "-1 day": ival(0, -1, 0), "24:00": ival(86400000000, 0, 0), "-178000000 years": ival(0, 0, -2136000000)}},
	{"uuid_cmp", "uuid_hash", "uuid", map[string]datum.Datum{"00000000-0000-0000-0000-000000000001": datum.Bytes([]byte("\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01")), "61626364-6162-6364-6162-636461626364": datum.String("abcdabcdabcdabcd")}},
	{"bttidcmp", "hashtid", "tid", map[string]datum.Datum{"(1,2)": datum.Bytes([]byte{0, 0, 1, 0, 2, 0}), "(65536,1)": datum.Bytes([]byte{1, 0, 0, 0, 1, 0})}},
	{"btoidvectorcmp", "hashoidvector", "oidvector", map[string]datum.Datum{"1 2": datum.Bytes(array.Vector(26, []int64{1, 2})), "3": datum.Bytes(array.Vector(26, []int64{3}))}},
	{"pg_lsn_cmp", "pg_lsn_hash", "pg_lsn", map[string]datum.Datum{"FFFFFFFF/0": datum.Int(-4294967296), "0/1": datum.Int(1)}},
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

func run(t *testing.T, ask func(typ, cmp, hash string, names []string) (string, []string)) {
	cl := oracle.Find(t).Initdb(t)
	cl.Start()
	defer cl.Stop()
	for _, c := range cases {
		var names []string
		for n := range c.vals {
			names = append(names, n)
		}
		sql, want := ask(c.typ, c.cmp, c.hash, names)
		got := strings.Split(cl.Psql(sql), "\n")
		if len(got) != len(want) {
			t.Fatalf("%d answers to %d questions", len(got), len(want))
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%s of %v, question %d: stock %s, ours %s", c.typ, names, i, got[i], want[i])
			}
		}
	}
}

func valsOf(typ string) map[string]datum.Datum {
	for _, c := range cases {
		if c.typ == typ {
			return c.vals
		}
	}
	return nil
}

func TestCompareLikeStock(t *testing.T) {
	run(t, func(typ, cmp, _ string, names []string) (sql string, want []string) {
		f, ok := ByProc(cmp)
		if !ok {
			t.Fatalf("no %s", cmp)
		}
		for _, a := range names {
			for _, b := range names {
				sql += fmt.Sprintf("select sign(%s('%s'::%s, '%s'::%s));", cmp, a, typ, b, typ)
				want = append(want, strconv.Itoa(sign(f(valsOf(typ)[a], valsOf(typ)[b]))))
			}
		}
		return sql, want
	})
}

func TestHashLikeStock(t *testing.T) {
	run(t, func(typ, _, hash string, names []string) (sql string, want []string) {
		f, ok := HashByProc(hash)
		if !ok {
			t.Fatalf("no %s", hash)
		}
		x := hash + "extended"
		g, ok := Hash64ByProc(x)
		if !ok {
			x = hash + "_extended"
			if g, ok = Hash64ByProc(x); !ok {
				t.Fatalf("no %s", x)
			}
		}
		for _, a := range names {
			d := valsOf(typ)[a]
			sql += fmt.Sprintf("select %s('%s'::%s); select %s('%s'::%s, 12345678901);", hash, a, typ, x, a, typ)
			want = append(want, strconv.Itoa(int(int32(f(d)))), strconv.FormatInt(int64(g(d, 12345678901)), 10))
		}
		return sql, want
	})
}
