package builtin

import (
	"math"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/datum/numeric"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/types"
)

// listRows returns values that are known already.
type listRows struct {
	vals []datum.Datum
	row  [1]datum.Datum
}

func (l *listRows) Next() ([]datum.Datum, bool, error) {
	if len(l.vals) == 0 {
		return nil, false, nil
	}
	l.row[0] = l.vals[0]
	l.vals = l.vals[1:]
	return l.row[:], true, nil
}

// TableRows returns rows that are known already.
type TableRows struct{ Data [][]datum.Datum }

// Next implements Rows.
func (t *TableRows) Next() ([]datum.Datum, bool, error) {
	if len(t.Data) == 0 {
		return nil, false, nil
	}
	row := t.Data[0]
	t.Data = t.Data[1:]
	return row, true, nil
}

// funcRows calls a function until it says no.
type funcRows struct {
	next func() (datum.Datum, bool, error)
	row  [1]datum.Datum
}

func (f *funcRows) Next() ([]datum.Datum, bool, error) {
	d, ok, err := f.next()
	f.row[0] = d
	return f.row[:], ok, err
}

func zeroStep() error {
	return pgerr.New(pgerr.InvalidParameterValue, "step size cannot equal zero")
}

func seriesInt(c *Call, width int) (Rows, error) {
	at, end, step := c.Args[0].Int, c.Args[1].Int, int64(1)
	if len(c.Args) > 2 {
		step = c.Args[2].Int
	}
	if step == 0 {
		return nil, zeroStep()
	}
	done := false
	return &funcRows{next: func() (datum.Datum, bool, error) {
		if done || step > 0 && at > end || step < 0 && at < end {
			return datum.Null(), false, nil
		}
		v := at
		s, over := addChecked(at, step)
		if width == 32 && (s > math.MaxInt32 || s < math.MinInt32) {
			over = true
		}
		at, done = s, over
		return datum.Datum{Int: v}, true, nil
	}}, nil
}

func seriesNumeric(c *Call) (Rows, error) {
	step := numeric.FromInt(1)
	var v [2]numeric.Num
	for i, name := range []string{"start", "stop"} {
		var err error
		if v[i], err = num(c.Args[i]); err != nil {
			return nil, err
		}
		if err := finiteArg(v[i], name+" value"); err != nil {
			return nil, err
		}
	}
	if len(c.Args) > 2 {
		var err error
		if step, err = num(c.Args[2]); err != nil {
			return nil, err
		}
		if err := finiteArg(step, "step size"); err != nil {
			return nil, err
		}
	}
	if step.IsZero() {
		return nil, zeroStep()
	}
	at := v[0]
	return &funcRows{next: func() (datum.Datum, bool, error) {
		if k := numeric.Cmp(at, v[1]); step.Sign() > 0 && k > 0 || step.Sign() < 0 && k < 0 {
			return datum.Null(), false, nil
		}
		d, err := numDatum(at, nil)
		at = numeric.Add(at, step)
		return d, err == nil, err
	}}, nil
}

func finiteArg(n numeric.Num, what string) error {
	switch n.Kind {
	case numeric.NaN:
		return pgerr.New(pgerr.InvalidParameterValue, "%s cannot be NaN", what)
	case numeric.PosInf, numeric.NegInf:
		return pgerr.New(pgerr.InvalidParameterValue, "%s cannot be infinity", what)
	}
	return nil
}

func seriesTime(c *Call, tz bool) (Rows, error) {
	at, end := c.Args[0].Int, c.Args[1].Int
	step := types.ParseSpan(arg(c, 2))
	sign := spanSign(step)
	if sign == 0 {
		return nil, zeroStep()
	}
	return &funcRows{next: func() (datum.Datum, bool, error) {
		if sign > 0 && at > end || sign < 0 && at < end {
			return datum.Null(), false, nil
		}
		v := at
		var err error
		at, err = addSpan(c.Env, at, step, tz)
		return datum.Datum{Int: v}, err == nil, err
	}}, nil
}

func addSets(r funcs) {
	for _, n := range []string{"generate_series_int4", "generate_series_step_int4"} {
		r.set(n, func(c *Call) (Rows, error) { return seriesInt(c, 32) })
	}
	for _, n := range []string{"generate_series_int8", "generate_series_step_int8"} {
		r.set(n, func(c *Call) (Rows, error) { return seriesInt(c, 64) })
	}
	for _, n := range []string{"generate_series_numeric", "generate_series_step_numeric"} {
		r.set(n, seriesNumeric)
	}
	r.set("generate_series_timestamp", func(c *Call) (Rows, error) { return seriesTime(c, false) })
	r.set("generate_series_timestamptz", func(c *Call) (Rows, error) { return seriesTime(c, true) })
	r.set("array_unnest", func(c *Call) (Rows, error) {
		a, _, err := parseArray(c, 0)
		return &listRows{vals: a.Elems}, err
	})
	subs := func(c *Call) (Rows, error) {
		d, ok := dimArg(c)
		if !ok {
			return &listRows{}, nil
		}
		var out []datum.Datum
		for i := range d.Len {
			v := d.Lower + i
			if len(c.Args) > 2 && c.Args[2].Bool() {
				v = d.Upper() - i
			}
			out = append(out, datum.Int(int64(v)))
		}
		return &listRows{vals: out}, nil
	}
	r.set("generate_subscripts", subs)
	r.set("generate_subscripts_nodir", subs)
	table := func(c *Call) (Rows, error) {
		v, _ := splitText(c)
		return &listRows{vals: v}, nil
	}
	r.set("text_to_table", table)
	r.set("text_to_table_null", table)
	r.set("pg_expandarray", func(c *Call) (Rows, error) {
		a, _, err := parseArray(c, 0)
		t := &TableRows{}
		for i, d := range a.Elems {
			t.Data = append(t.Data, []datum.Datum{d, datum.Int(int64(i + 1))})
		}
		return t, err
	})
	r.set("aclexplode", func(c *Call) (Rows, error) {
		a, _, err := parseArray(c, 0)
		return aclExplode(a), err
	})
	r.set("pg_options_to_table", func(c *Call) (Rows, error) {
		a, _, err := parseArray(c, 0)
		t := &TableRows{}
		for _, d := range a.Elems {
			k, v := d, datum.Null()
			for i, b := range d.Bytes {
				if b == '=' {
					k, v = datum.Bytes(d.Bytes[:i]), datum.Bytes(d.Bytes[i+1:])
					break
				}
			}
			t.Data = append(t.Data, []datum.Datum{k, v})
		}
		return t, err
	})
}

// constant
var aclWords = [...]string{"INSERT", "SELECT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "EXECUTE", "USAGE", "CREATE",
	"TEMPORARY", "CONNECT", "SET", "ALTER SYSTEM"}

func aclExplode(a array.Array) Rows {
	t := &TableRows{}
	for _, d := range a.Elems {
		item := types.ParseACLItem(d.Bytes)
		for i, w := range aclWords {
			if item.Mode&(1<<i) != 0 {
				t.Data = append(t.Data, []datum.Datum{datum.Int(int64(item.Grantor)), datum.Int(int64(item.Grantee)),
					datum.String(w), datum.Bool(item.Mode&(1<<(16+i)) != 0)})
			}
		}
	}
	return t
}
