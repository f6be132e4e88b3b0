package parser

import (
	"strings"
	"testing"

	"github.com/pgmini/pgmini/pgerr"
)

func TestDeepChains(t *testing.T) {
	for name, text := range map[string]string{
		"plus":    "select 1" + strings.Repeat("+1", 30000),
		"minus":   "select " + strings.Repeat("- ", 60000) + "1",
		"union":   "select 1" + strings.Repeat(" union select 1", 60000),
		"parens":  "select " + strings.Repeat("(", 100000) + "1" + strings.Repeat(")", 100000),
		"not":     "select " + strings.Repeat("not ", 60000) + "true",
		"cast":    "select 1" + strings.Repeat("::int", 60000),
		"case":    "select " + strings.Repeat("case when true then ", 60000) + "1" + strings.Repeat(" end", 60000),
		"isnull":  "select 1" + strings.Repeat(" is null", 60000),
		"join":    "select 1 from a" + strings.Repeat(" cross join a", 60000),
		"collate": "select 'a'" + strings.Repeat(" collate x", 60000),
	} {
		if _, err := Parse(text); pgerr.CodeOf(err) != pgerr.StatementTooComplex {
			t.Errorf("%s: %.200v", name, err)
		}
	}
	for name, text := range map[string]string{
		"plus":   "select 1" + strings.Repeat("+1", 4900),
		"union":  "select 1" + strings.Repeat(" union select 1", 4900),
		"parens": "select " + strings.Repeat("(", 2400) + "1" + strings.Repeat(")", 2400),
		"list":   "select 1 where 1 in (1" + strings.Repeat(",1+1", 20000) + ")",
		"and":    "select 1 where true" + strings.Repeat(" and true", 20000),
		"join":   "select 1 from a" + strings.Repeat(" cross join a", 4900),
	} {
		if _, err := Parse(text); err != nil {
			t.Errorf("%s: %.200v", name, err)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		text, msg string
		pos       int
	}{
		{"select 0xff", `trailing junk after numeric literal at or near "0xff"`, 8},
		{"select 'é', 1_000", `trailing junk after numeric literal at or near "1_000"`, 13},
		{"select 'é' frm t x", `syntax error at or near "t"`, 16},
		{"selec 1", `syntax error at or near "selec"`, 1},
		{"select 'a", `unterminated quoted string at or near "'a"`, 8},
		{"select /* a", `unterminated /* comment at or near "/* a"`, 8},
		{"select", ``, 0},
		{"select system_user", ``, 0},
		{"select 1 +", `syntax error at end of input`, 11},
	} {
		_, err := Parse(c.text)
		e, _ := pgerr.As(err)
		if e == nil {
			e = &pgerr.Error{}
		}
		if e.Msg != c.msg || e.Position != c.pos {
			t.Errorf("%s: %q at %d", c.text, e.Msg, e.Position)
		}
	}
}

func TestSplit(t *testing.T) {
	got := Split("select ';' ; ; /* ; */ select $a$;$a$, \"x;\" -- ;\n; select E'\\';'")
	if want := "select ';'|/* ; */ select $a$;$a$, \"x;\" -- ;|select E'\\';'"; strings.Join(got, "|") != want {
		t.Errorf("%q", got)
	}
}

func TestKey(t *testing.T) {
	key := func(s string) string {
		k, _, ok := Key(nil, nil, s)
		if !ok {
			return "none"
		}
		return string(k)
	}
	if key("select  a FROM t where b = 1 and c='x'") != key("SELECT a from t /* c */ where b=27 and c = 'y''z';") {
		t.Error("same shape, other key")
	}
	for _, p := range [][2]string{{"select 1", "select '1'"}, {"select 1", "select 1.0"}, {`select "A"`, "select a"}, {"select 1", "select 9999999999"}} {
		if key(p[0]) == key(p[1]) {
			t.Errorf("%q and %q have one key", p[0], p[1])
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, s := range []string{"select 1", "'a' 'b'\n'c'", "$x$ $y$ $x$", "E'\\", "1.e5..3", "a<--b", "U&\"d\" uescape '!'", "@-@+ $1 /* /* */"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := NewScanner(text)
		at := 0
		for {
			tok := s.Next()
			if tok.Start < at || tok.End > len(text) || tok.Kind != EOF && tok.End <= tok.Start {
				t.Fatalf("token %+v after %d", tok, at)
			}
			at = tok.End
			if tok.Kind == EOF {
				break
			}
		}
		Split(text)
		Key(nil, nil, text)
		_ = guard(text)
	})
}
