package charset

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/pgerr"
)

// tables gives the character of each byte from 0x80 in each encoding, in rows of
// encoding, byte, code point and the bytes that the character becomes.
const tables = `create function cf(b bytea, e text) returns text language plpgsql as
$$ begin return convert_from(b, e); exception when untranslatable_character then return null; end $$;
select e, i, coalesce(ascii(cf(set_byte('\x00', 0, i), e)), 0), convert_to(cf(set_byte('\x00', 0, i), e), e)
from (select pg_encoding_to_char(n) from generate_series(0, 41) n) s(e), generate_series(128, 255) i where e in (%s) order by 1, 2;`

// TestTables compares each byte of each encoding with stock, both ways.
func TestTables(t *testing.T) {
	pg := oracle.Find(t)
	c := pg.Initdb(t, "-E", "UTF8", "--locale=C")
	c.Start()
	var list []string
	made := map[string]*Table{}
	for id := range ID(len(names)) {
		if tab, err := New(id); err == nil && tab != nil {
			made[tab.Name()] = tab
			list = append(list, "'"+tab.Name()+"'")
		}
	}
	if len(list) != 27 {
		t.Fatalf("%d encodings of one byte", len(list))
	}
	seen := 0
	for line := range strings.Lines(c.Psql(fmt.Sprintf(tables, strings.Join(list, ",")))) {
		f := strings.Split(strings.TrimSpace(line), "|")
		if len(f) != 4 {
			continue
		}
		seen++
		var b byte
		var want rune
		if _, err := fmt.Sscan(f[1], &b); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Sscan(f[2], &want); err != nil {
			t.Fatal(err)
		}
		got := rune(0)
		tab := made[f[0]]
		s, err := tab.ToUTF8(nil, []byte{b})
		if err == nil {
			got = []rune(string(s))[0]
		}
		if got != want {
			t.Errorf("%s %#x is %U, stock %U", f[0], b, got, want)
		}
		if err != nil {
			continue
		}
		if back, err := tab.FromUTF8(nil, s); err != nil || fmt.Sprintf("\\x%x", back) != f[3] {
			t.Errorf("%s %U becomes %x %v, stock %s", f[0], got, back, err, f[3])
		}
	}
	if seen != 27*128 {
		t.Fatalf("%d rows", seen)
	}
}

func TestErrors(t *testing.T) {
	l, err := Lookup("iso-8859-1")
	if err != nil {
		t.Fatal(err)
	}
	w, err := Lookup("Windows 1252")
	if err != nil {
		t.Fatal(err)
	}
	check := func(_ []byte, err error, want string) {
		t.Helper()
		e, ok := pgerr.As(err)
		if !ok || string(e.Code)+" "+e.Msg != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	out, err := l.FromUTF8(nil, []byte("a€"))
	check(out, err, `22P05 character with byte sequence 0xe2 0x82 0xac in encoding "UTF8" has no equivalent in encoding "LATIN1"`)
	out, err = l.FromUTF8(nil, []byte("a\xe2\x82"))
	check(out, err, `22021 invalid byte sequence for encoding "UTF8": 0xe2 0x82`)
	out, err = l.ToUTF8(nil, []byte("a\x00"))
	check(out, err, `22021 invalid byte sequence for encoding "LATIN1": 0x00`)
	out, err = w.ToUTF8(nil, []byte("a\x81"))
	check(out, err, `22P05 character with byte sequence 0x81 in encoding "WIN1252" has no equivalent in encoding "UTF8"`)
	if _, err := Lookup("SJIS"); pgerr.CodeOf(err) != pgerr.FeatureNotSupported {
		t.Error(err)
	}
	if tab, err := Lookup("utf-8"); tab != nil || err != nil {
		t.Error(tab, err)
	}
}
