package array

import (
	"bytes"
	"testing"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
)

func TestBuildParse(t *testing.T) {
	for _, c := range []struct {
		e Elem
		a Array
	}{
		{Elem{4, true, 'i'}, Of(oid.Int4, []datum.Datum{datum.Int(-1), datum.Null(), datum.Int(7)})},
		{Elem{-1, false, 'i'}, Of(oid.Text, []datum.Datum{datum.String(""), datum.String("abc"), datum.Null()})},
		{Elem{8, true, 'd'}, Array{oid.Int8, []Dim{{2, 5}, {1, -3}}, []datum.Datum{datum.Int(1), datum.Int(2)}}},
		{Elem{64, false, 'c'}, Of(oid.Name, []datum.Datum{datum.String("n")})},
		{Elem{4, true, 'i'}, Array{Type: oid.Int4}},
	} {
		b := Build(c.a, c.e)
		got, err := Parse(b, c.e)
		if err != nil {
			t.Fatal(err)
		}
		if again := Build(got, c.e); !bytes.Equal(again, b) {
			t.Errorf("%v: %x, then %x", c.a, b, again)
		}
		for i, d := range got.Elems {
			w := c.a.Elems[i]
			if d.Null != w.Null || d.Int != w.Int || !bytes.Equal(d.Bytes, w.Bytes) {
				t.Errorf("element %d: %v, want %v", i, d, w)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Build(Of(oid.Int4, []datum.Datum{datum.Int(1), datum.Null()}), Elem{4, true, 'i'}))
	f.Add(Vector(oid.Int2, []int64{1, 2, 3}))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, e := range []Elem{{4, true, 'i'}, {-1, false, 'i'}, {-2, false, 'c'}, {16, false, 'd'}, {1, true, 'c'}} {
			a, err := Parse(b, e)
			if err == nil && len(a.Elems) > 8*len(b) {
				t.Errorf("%d elements of %d bytes", len(a.Elems), len(b))
			}
		}
		Count(b)
		Dims(b)
	})
}
