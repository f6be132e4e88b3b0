package jsonb

import (
	"bytes"
	"fmt"

	"github.com/pgmini/pgmini/datum/numeric"
)

// AppendQuoted appends s as a JSON string.
func AppendQuoted(dst, s []byte) []byte {
	dst = append(dst, '"')
	for _, c := range s {
		switch c {
		case '\b':
			dst = append(dst, `\b`...)
		case '\f':
			dst = append(dst, `\f`...)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		case '"', '\\':
			dst = append(dst, '\\', c)
		default:
			if c < ' ' {
				dst = fmt.Appendf(dst, `\u%04x`, c)
			} else {
				dst = append(dst, c)
			}
		}
	}
	return append(dst, '"')
}

// AppendNumber appends a number's digits.
func (v *Value) AppendNumber(dst []byte) []byte {
	if v.Num == nil {
		return append(dst, v.Bytes...)
	}
	n, err := numeric.Decode(v.Num)
	if err != nil {
		return append(dst, '0')
	}
	return n.AppendText(dst)
}

// AppendScalar appends the text of a scalar without quotes (->>).
func (v *Value) AppendScalar(dst []byte) []byte {
	if v.Kind == String {
		return append(dst, v.Bytes...)
	}
	return v.Append(dst)
}

// Append appends v as jsonb prints it.
func (v *Value) Append(dst []byte) []byte { return v.append(dst, -1) }

// AppendPretty appends v indented by four blanks a level.
func (v *Value) AppendPretty(dst []byte) []byte { return v.append(dst, 0) }

// append: level -1 means on one line.
func (v *Value) append(dst []byte, level int) []byte {
	line := func(n int) {
		if level >= 0 {
			dst = append(dst, '\n')
			dst = append(dst, bytes.Repeat([]byte("    "), n)...)
		}
	}
	inner := level
	if level >= 0 {
		inner++
	}
	sep := func(i int) {
		if i > 0 {
			dst = append(dst, ',')
			if level < 0 {
				dst = append(dst, ' ')
			}
		}
		line(inner)
	}
	switch v.Kind {
	case Null:
		return append(dst, "null"...)
	case String:
		return AppendQuoted(dst, v.Bytes)
	case Number:
		return v.AppendNumber(dst)
	case Bool:
		return fmt.Append(dst, v.True)
	case Array:
		dst = append(dst, '[')
		for i := range v.Elems {
			sep(i)
			dst = v.Elems[i].append(dst, inner)
		}
		line(level)
		return append(dst, ']')
	}
	dst = append(dst, '{')
	for i := range v.Pairs {
		sep(i)
		dst = append(AppendQuoted(dst, v.Pairs[i].Key), ": "...)
		dst = v.Pairs[i].Val.append(dst, inner)
	}
	line(level)
	return append(dst, '}')
}
