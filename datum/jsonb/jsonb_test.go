package jsonb

import (
	"bytes"
	"strings"
	"testing"
)

func normal(t *testing.T, s string) Value {
	t.Helper()
	v, err := Parse([]byte(s), true)
	if err == nil {
		err = v.Normalize()
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestRoundTrip: what goes through the binary form prints as before it, also with
// more entries than one stride of offsets.
func TestRoundTrip(t *testing.T) {
	long := "[" + strings.Repeat(`{"k": "value", "n": -12.50}, `, 99) + "null]"
	for _, s := range []string{"1", `"a\"b\u0001"`, "null", "true", "[]", "{}", `{"a": [1, 2.50, {"b": {}}], "bb": false}`, long} {
		v := normal(t, s)
		b, err := Encode(&v)
		if err != nil {
			t.Fatal(err)
		}
		w, err := Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(w.Append(nil)); got != s {
			t.Errorf("%s came back as %s", s, got)
		}
		if Compare(&v, &w) != 0 {
			t.Errorf("%s is not equal to itself", s)
		}
	}
}

func TestContains(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{{`{"a":1,"b":2}`, `{"a":1.0}`, true}, {`[1,2,[3]]`, `[[3]]`, true}, {`[1,2]`, `1`, true}, {`1`, `[1]`, false}, {`[[1]]`, `1`, false}, {`{"a":[1,2]}`, `{"a":[2,2]}`, true}} {
		a, b := normal(t, c.a), normal(t, c.b)
		if Contains(&a, &b) != c.want {
			t.Errorf("%s @> %s is not %v", c.a, c.b, c.want)
		}
	}
}

// FuzzJSON: no text and no payload makes the package panic, and what it encodes it
// reads back.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a": [1, 2.5e3, "x\u00e9", null, true]}`, "[[[[", `"\ud83d\ude00"`, "-0.0", "\x01\x00\x00\x50\x00\x00\x00\x90"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := Decode(b); err == nil {
			v.AppendPretty(nil)
			Compare(&v, &v)
		}
		v, err := Parse(b, true)
		if err != nil || v.Normalize() != nil {
			return
		}
		enc, err := Encode(&v)
		if err != nil {
			return
		}
		w, err := Decode(enc)
		if err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		if !bytes.Equal(v.Append(nil), w.Append(nil)) {
			t.Errorf("%q: %s, then %s", b, v.Append(nil), w.Append(nil))
		}
	})
}
