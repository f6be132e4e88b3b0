package builtin

import (
	"testing"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/sql/types"
)

// TestNoAllocation: by-value results cost no memory, neither row by row nor in
// batches.
func TestNoAllocation(t *testing.T) {
	c := &Call{Env: &Env{}}
	ints := []datum.Datum{datum.Int(3), datum.Int(4)}
	strs := []datum.Datum{datum.String("abc"), datum.String("abd")}
	for name, args := range map[string][]datum.Datum{"int4pl": ints, "int8mul": ints, "int4lt": ints, "float8pl": ints, "texteq": strs,
		"text_lt": strs, "textlike": strs, "numeric_eq": {datum.Bytes([]byte{0, 0x80}), datum.Bytes([]byte{0, 0x80})}} {
		f, _ := Lookup(name)
		c.Args = args
		if n := testing.AllocsPerRun(100, func() { f.Scalar(c) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
		if f.Batch == nil {
			continue
		}
		in := []types.Vec{types.ConstVec(args[0]), types.ConstVec(args[1])}
		out := types.NewVec(1000, true)
		if n := testing.AllocsPerRun(10, func() { f.Batch(c, in, &out, nil) }); n > 4 { // per batch, not per row
			t.Errorf("%s: %v allocations for a batch", name, n)
		}
		want, _ := f.Scalar(c)
		if out.Ints[999] != want.Int || out.Nulls[999] {
			t.Errorf("%s: batch says %d, scalar %d", name, out.Ints[999], want.Int)
		}
	}
}
