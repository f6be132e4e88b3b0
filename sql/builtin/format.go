package builtin

import (
	"math"
	"unicode/utf8"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/types"
)

func addFormat(r funcs) {
	r.scalar("text_format", textFormat)
	r.scalar("text_format_nv", textFormat)
	r.str("quote_ident", func(_ *Call, s []byte) ([]byte, error) { return []byte(types.QuoteIdent(string(s))), nil })
	r.str("quote_literal", func(_ *Call, s []byte) ([]byte, error) { return quoteLiteral(s), nil })
	r.scalar("quote_nullable", func(c *Call) (datum.Datum, error) {
		if c.Args[0].Null {
			return text("NULL")
		}
		return bytesDatum(quoteLiteral(arg(c, 0)))
	})
}

type typedArg struct {
	typ oid.OID
	d   datum.Datum
}

// formatArgs are the values that format() inserts.
func formatArgs(c *Call) ([]typedArg, error) {
	var out []typedArg
	if c.Variadic {
		last := c.Args[len(c.Args)-1]
		if last.Null {
			return nil, nil
		}
		typ := array.Type(last.Bytes)
		st, err := c.Env.ElemInfo(typ)
		if err != nil {
			return nil, err
		}
		a, err := array.Parse(last.Bytes, st)
		for _, d := range a.Elems {
			out = append(out, typedArg{typ, d})
		}
		return out, err
	}
	for i := 1; i < len(c.Args); i++ {
		out = append(out, typedArg{c.ArgTypes[i], c.Args[i]})
	}
	return out, nil
}

func textFormat(c *Call) (datum.Datum, error) {
	if c.Args[0].Null {
		return datum.Null(), nil
	}
	args, err := formatArgs(c)
	if err != nil {
		return datum.Null(), err
	}
	f := arg(c, 0)
	out := []byte{}
	next := 0
	fail := func(format string, a ...any) (datum.Datum, error) {
		return datum.Null(), pgerr.New(pgerr.InvalidParameterValue, format, a...)
	}
	number := func(i int) (int, int) {
		v := 0
		for i < len(f) && f[i] >= '0' && f[i] <= '9' {
			if v > math.MaxInt32/10-1 {
				return -1, i
			}
			v = v*10 + int(f[i]-'0')
			i++
		}
		return v, i
	}
	for i := 0; i < len(f); i++ {
		if f[i] != '%' {
			out = append(out, f[i])
			continue
		}
		i++
		if i >= len(f) {
			e := pgerr.New(pgerr.InvalidParameterValue, "unterminated format() type specifier")
			return datum.Null(), e.WithHint("For a single \"%%\" use \"%%%%\".")
		}
		if f[i] == '%' {
			out = append(out, '%')
			continue
		}
		pos, width, left := -1, 0, false
		if n, j := number(i); j > i && j < len(f) && f[j] == '$' {
			if n == 0 {
				return fail("format specifies argument 0, but arguments are numbered from 1")
			}
			pos, i = n, j+1
		}
		for i < len(f) && f[i] == '-' {
			left = true
			i++
		}
		if i < len(f) && f[i] == '*' {
			i++
			wp := -1
			if n, j := number(i); j > i {
				if j >= len(f) || f[j] != '$' {
					return fail("width argument position must be ended by \"$\"")
				}
				if n == 0 {
					return fail("format specifies argument 0, but arguments are numbered from 1")
				}
				wp, i = n-1, j+1
			} else {
				wp = next
				next++
			}
			if wp >= len(args) {
				return fail("too few arguments for format()")
			}
			if !args[wp].d.Null {
				width = int(int32(args[wp].d.Int))
			}
			if width < 0 {
				left, width = true, -width
			}
		} else if n, j := number(i); j > i {
			if n < 0 {
				return fail("number is out of range")
			}
			width, i = n, j
		}
		if i >= len(f) {
			e := pgerr.New(pgerr.InvalidParameterValue, "unterminated format() type specifier")
			return datum.Null(), e.WithHint("For a single \"%%\" use \"%%%%\".")
		}
		kind := f[i]
		if kind != 's' && kind != 'I' && kind != 'L' {
			ch, _ := utf8.DecodeRune(f[i:])
			e := pgerr.New(pgerr.InvalidParameterValue, "unrecognized format() type specifier \"%c\"", ch)
			return datum.Null(), e.WithHint("For a single \"%%\" use \"%%%%\".")
		}
		if pos > 0 {
			next = pos - 1
		}
		if next >= len(args) {
			return fail("too few arguments for format()")
		}
		a := args[next]
		next++
		s, err := formatItem(c.Env, a, kind)
		if err != nil {
			return datum.Null(), err
		}
		out = appendPadded(out, s, width, left)
	}
	return datum.Bytes(out), nil
}

func formatItem(e *Env, a typedArg, kind byte) ([]byte, error) {
	if a.d.Null {
		switch kind {
		case 'I':
			return nil, pgerr.New(pgerr.NullValueNotAllowed, "null values cannot be formatted as an SQL identifier")
		case 'L':
			return []byte("NULL"), nil
		}
		return nil, nil
	}
	s, err := e.Output(nil, a.typ, a.d)
	switch kind {
	case 'I':
		return []byte(types.QuoteIdent(string(s))), err
	case 'L':
		return quoteLiteral(s), err
	}
	return s, err
}

func appendPadded(out, s []byte, width int, left bool) []byte {
	n := min(width, maxText) - utf8.RuneCount(s)
	if left {
		out = append(out, s...)
	}
	for range n {
		out = append(out, ' ')
	}
	if !left {
		out = append(out, s...)
	}
	return out
}
