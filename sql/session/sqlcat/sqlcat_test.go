package sqlcat

import "testing"

func TestSplitName(t *testing.T) {
	for _, k := range []struct{ in, schema, name string }{
		{"a", "", "a"}, {"A.b", "a", "b"}, {` "A" . "b.""c" `, "A", `b."c`}, {"x.y.z", "y", "z"},
	} {
		s, n, err := splitName(k.in)
		if err != nil || s != k.schema || n != k.name {
			t.Errorf("%s: %q %q %v", k.in, s, n, err)
		}
	}
	for _, bad := range []string{"", ".", "a.", `"a`, "a b", "a.b.c.d", `""`} {
		if _, _, err := splitName(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
