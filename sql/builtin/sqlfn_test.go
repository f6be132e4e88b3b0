package builtin

import (
	"testing"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
)

// TestSQLFunctions: the texts are stock PostgreSQL 15's answers.
func TestSQLFunctions(t *testing.T) {
	e := testEnv(t)
	for _, c := range []struct {
		fn   oid.OID
		ret  oid.OID
		typs []oid.OID
		lits []string
		want string
	}{
		{879, oid.Text, []oid.OID{oid.Text, oid.Int4}, []string{"a", "3"}, "  a"},
		{1708, oid.Numeric, []oid.OID{oid.Numeric}, []string{"2.5"}, "3"},
		{1710, oid.Numeric, []oid.OID{oid.Numeric}, []string{"-2.5"}, "-2"},
		{1741, oid.Numeric, []oid.OID{oid.Numeric}, []string{"100"}, "2.0000000000000000"},
		{1285, oid.Text, []oid.OID{oid.Int4}, []string{"7"}, "'7'"},
		{2003, oid.Text, []oid.OID{oid.Text, oid.Int4}, []string{"a", "7"}, "a7"},
		{2004, oid.Text, []oid.OID{oid.Int4, oid.Text}, []string{"7", "a"}, "7a"},
		{2546, oid.Timestamp, []oid.OID{oid.Interval, oid.Date}, []string{"1 mon", "2024-01-31"}, "2024-02-29 00:00:00"},
		{1384, oid.Float8, []oid.OID{oid.Text, oid.Date}, []string{"year", "2024-01-31"}, "2024"},
		{1811, oid.Int4, []oid.OID{oid.Text}, []string{"é"}, "16"},
	} {
		f, ok := LookupSQL(c.fn)
		if !ok {
			t.Fatalf("no function %d", c.fn)
		}
		call := &Call{Env: e, ArgTypes: c.typs, RetType: c.ret}
		for i, l := range c.lits {
			d, err := e.Input(c.typs[i], []byte(l), -1)
			if err != nil {
				t.Fatal(err)
			}
			call.Args = append(call.Args, d)
		}
		var d datum.Datum
		d, err := f.Scalar(call)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := e.Text(c.ret, d); got != c.want {
			t.Errorf("%d(%v) = %s, want %s", c.fn, c.lits, got, c.want)
		}
	}
}
