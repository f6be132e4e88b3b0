package builtin

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"math"
	"strconv"
	"unicode"
	"unicode/utf8"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/types"
)

const maxText = 0x3fffffff - 4 // the largest value (MaxAllocSize)

func tooLong() error { return pgerr.New(pgerr.ProgramLimitExceeded, "requested length too large") }

func bytesDatum(b []byte) (datum.Datum, error) { return datum.Bytes(b), nil }

func (r funcs) str(name string, f func(c *Call, s []byte) ([]byte, error)) {
	r.scalar(name, func(c *Call) (datum.Datum, error) {
		b, err := f(c, c.Args[0].Bytes)
		return datum.Bytes(b), err
	})
}

func arg(c *Call, i int) []byte { return c.Args[i].Bytes }
func argInt(c *Call, i int) int { return int(int32(c.Args[i].Int)) }

// skip is the byte offset of character n (n >= 0), at most len(s).
func skip(s []byte, n int) int {
	i := 0
	for ; n > 0 && i < len(s); n-- {
		_, w := utf8.DecodeRune(s[i:])
		i += w
	}
	return i
}

// Substr is SQL's substring: n characters from the 1-based start; n < 0 with
// limited unset means to the end.
func substr(s []byte, start, n int, limited bool) ([]byte, error) {
	end := math.MaxInt
	if limited {
		if n < 0 {
			return nil, pgerr.New(pgerr.SubstringError, "negative substring length not allowed")
		}
		end = start + n
	}
	start = max(start, 1)
	if end <= start {
		return []byte{}, nil
	}
	s = s[skip(s, start-1):]
	if end == math.MaxInt {
		return s, nil
	}
	return s[:skip(s, end-start)], nil
}

func concat(a, b []byte) []byte {
	out := make([]byte, 0, len(a)+len(b))
	return append(append(out, a...), b...)
}

func addText(r funcs) {
	length := func(c *Call) (datum.Datum, error) { return datum.Int(int64(utf8.RuneCount(arg(c, 0)))), nil }
	r.scalar("textlen", length)
	r.scalar("bpcharlen", func(c *Call) (datum.Datum, error) {
		return datum.Int(int64(utf8.RuneCount(bytes.TrimRight(arg(c, 0), " ")))), nil
	})
	octets := func(c *Call) (datum.Datum, error) { return datum.Int(int64(len(arg(c, 0)))), nil }
	r.scalar("textoctetlen", octets)
	r.scalar("bpcharoctetlen", octets)
	r.scalar("textcat", func(c *Call) (datum.Datum, error) { return bytesDatum(concat(arg(c, 0), arg(c, 1))) })
	r.scalar("text_substr", func(c *Call) (datum.Datum, error) {
		b, err := substr(arg(c, 0), argInt(c, 1), argInt(c, 2), true)
		return datum.Bytes(b), err
	})
	r.scalar("text_substr_no_len", func(c *Call) (datum.Datum, error) {
		b, err := substr(arg(c, 0), argInt(c, 1), 0, false)
		return datum.Bytes(b), err
	})
	r.str("upper", func(c *Call, s []byte) ([]byte, error) { return c.upper(s), nil })
	r.str("lower", func(c *Call, s []byte) ([]byte, error) { return c.lower(s), nil })
	r.str("initcap", initcap)
	r.scalar("textpos", func(c *Call) (datum.Datum, error) {
		i := bytes.Index(arg(c, 0), arg(c, 1))
		if i < 0 {
			return datum.Int(0), nil
		}
		return datum.Int(int64(utf8.RuneCount(arg(c, 0)[:i])) + 1), nil
	})
	r.str("text_left", func(c *Call, s []byte) ([]byte, error) {
		n := argInt(c, 1)
		if n < 0 {
			n = max(utf8.RuneCount(s)+n, 0)
		}
		return s[:skip(s, n)], nil
	})
	r.str("text_right", func(c *Call, s []byte) ([]byte, error) {
		n := argInt(c, 1)
		if n < 0 {
			return s[skip(s, -n):], nil
		}
		return s[skip(s, max(utf8.RuneCount(s)-n, 0)):], nil
	})
	r.str("text_reverse", func(_ *Call, s []byte) ([]byte, error) {
		out := make([]byte, 0, len(s))
		for len(s) > 0 {
			_, w := utf8.DecodeLastRune(s)
			out = append(out, s[len(s)-w:]...)
			s = s[:len(s)-w]
		}
		return out, nil
	})
	r.str("repeat", func(c *Call, s []byte) ([]byte, error) {
		n := max(argInt(c, 1), 0)
		if n*len(s) > maxText {
			return nil, tooLong()
		}
		return bytes.Repeat(s, n), nil
	})
	r.str("replace_text", func(c *Call, s []byte) ([]byte, error) {
		if len(arg(c, 1)) == 0 {
			return s, nil
		}
		return bytes.ReplaceAll(s, arg(c, 1), arg(c, 2)), nil
	})
	r.str("translate", func(c *Call, s []byte) ([]byte, error) {
		return translate(s, string(arg(c, 1)), string(arg(c, 2))), nil
	})
	addTrim(r)
	addConcat(r)
	addTextMore(r)
}

func addTextMore(r funcs) {
	r.str("lpad", func(c *Call, s []byte) ([]byte, error) { return padTo(s, argInt(c, 1), arg(c, 2), true) })
	r.str("rpad", func(c *Call, s []byte) ([]byte, error) { return padTo(s, argInt(c, 1), arg(c, 2), false) })
	r.str("split_part", splitPart)
	r.scalar("text_starts_with", func(c *Call) (datum.Datum, error) { return datum.Bool(bytes.HasPrefix(arg(c, 0), arg(c, 1))), nil })
	r.scalar("ascii", func(c *Call) (datum.Datum, error) {
		if len(arg(c, 0)) == 0 {
			return datum.Int(0), nil
		}
		ch, _ := utf8.DecodeRune(arg(c, 0))
		return datum.Int(int64(ch)), nil
	})
	r.scalar("chr", chr)
	hexOf := func(v uint64) (datum.Datum, error) { return text(strconv.FormatUint(v, 16)) }
	r.scalar("to_hex32", func(c *Call) (datum.Datum, error) { return hexOf(uint64(uint32(c.Args[0].Int))) })
	r.scalar("to_hex64", func(c *Call) (datum.Datum, error) { return hexOf(uint64(c.Args[0].Int)) })
	md := func(c *Call) (datum.Datum, error) {
		h := md5.Sum(arg(c, 0))
		return text(hex.EncodeToString(h[:]))
	}
	r.scalar("md5_text", md)
	r.scalar("md5_bytea", md)
	r.str("textoverlay", func(c *Call, s []byte) ([]byte, error) { return overlay(s, arg(c, 1), argInt(c, 2), argInt(c, 3)) })
	r.str("textoverlay_no_len", func(c *Call, s []byte) ([]byte, error) {
		return overlay(s, arg(c, 1), argInt(c, 2), utf8.RuneCount(arg(c, 1)))
	})
	r.scalar("nameconcatoid", func(c *Call) (datum.Datum, error) {
		suffix := "_" + strconv.FormatUint(uint64(uint32(c.Args[1].Int)), 10)
		n := arg(c, 0)
		for len(n)+len(suffix) > types.NameLen {
			_, w := utf8.DecodeLastRune(n)
			n = n[:len(n)-w]
		}
		return bytesDatum(concat(n, []byte(suffix)))
	})
}

func (c *Call) unicodeCase() bool {
	return c.Env != nil && c.Env.UnicodeCase && c.Collation != oid.CCollation && c.Collation != oid.POSIXCollation
}

func mapASCII(s []byte, lo, hi byte, delta int) []byte {
	out := bytes.Clone(s)
	for i, b := range out {
		if b >= lo && b <= hi {
			out[i] = byte(int(b) + delta)
		}
	}
	return out
}

func (c *Call) lower(s []byte) []byte {
	if c.unicodeCase() {
		return bytes.ToLower(s)
	}
	return mapASCII(s, 'A', 'Z', 32)
}

func (c *Call) upper(s []byte) []byte {
	if c.unicodeCase() {
		return bytes.ToUpper(s)
	}
	return mapASCII(s, 'a', 'z', -32)
}

func initcap(c *Call, s []byte) ([]byte, error) {
	uni := c.unicodeCase()
	out := make([]byte, 0, len(s))
	inWord := false
	for len(s) > 0 {
		ch, w := utf8.DecodeRune(s)
		letter := ch < 128 && (unicode.IsLetter(ch) || unicode.IsDigit(ch)) || uni && (unicode.IsLetter(ch) || unicode.IsDigit(ch))
		switch {
		case !letter || ch >= 128 && !uni:
			out = append(out, s[:w]...)
		case inWord:
			out = utf8.AppendRune(out, unicode.ToLower(ch))
		default:
			out = utf8.AppendRune(out, unicode.ToUpper(ch))
		}
		inWord = letter
		s = s[w:]
	}
	return out, nil
}

func translate(s []byte, from, to string) []byte {
	f, t := []rune(from), []rune(to)
	m := make(map[rune]int, len(f))
	for i := len(f) - 1; i >= 0; i-- {
		m[f[i]] = i
	}
	out := make([]byte, 0, len(s))
	for len(s) > 0 {
		ch, w := utf8.DecodeRune(s)
		i, ok := m[ch]
		switch {
		case !ok:
			out = append(out, s[:w]...)
		case i < len(t):
			out = utf8.AppendRune(out, t[i])
		}
		s = s[w:]
	}
	return out
}

func addTrim(r funcs) {
	set := func(c *Call) string {
		if len(c.Args) > 1 {
			return string(arg(c, 1))
		}
		return " "
	}
	left := func(c *Call, s []byte) ([]byte, error) { return bytes.TrimLeft(s, set(c)), nil }
	right := func(c *Call, s []byte) ([]byte, error) { return bytes.TrimRight(s, set(c)), nil }
	both := func(c *Call, s []byte) ([]byte, error) { return bytes.Trim(s, set(c)), nil }
	r.str("ltrim", left)
	r.str("ltrim1", left)
	r.str("rtrim", right)
	r.str("btrim", both)
	r.str("btrim1", both)
	raw := func(l, rt bool) func(c *Call, s []byte) ([]byte, error) {
		return func(c *Call, s []byte) ([]byte, error) {
			in := arg(c, 1)
			for l && len(s) > 0 && bytes.IndexByte(in, s[0]) >= 0 {
				s = s[1:]
			}
			for rt && len(s) > 0 && bytes.IndexByte(in, s[len(s)-1]) >= 0 {
				s = s[:len(s)-1]
			}
			return s, nil
		}
	}
	r.str("bytealtrim", raw(true, false))
	r.str("byteartrim", raw(false, true))
	r.str("byteatrim", raw(true, true))
}

func padTo(s []byte, n int, fill []byte, left bool) ([]byte, error) {
	n = max(n, 0)
	have := utf8.RuneCount(s)
	if have >= n || len(fill) == 0 {
		return s[:skip(s, n)], nil
	}
	if (n-have)*4+len(s) > maxText {
		return nil, tooLong()
	}
	var p []byte
	for k := n - have; k > 0; {
		w := skip(fill, k)
		p = append(p, fill[:w]...)
		k -= utf8.RuneCount(fill[:w])
	}
	if left {
		return append(p, s...), nil
	}
	return concat(s, p), nil
}

func splitPart(c *Call, s []byte) ([]byte, error) {
	sep, n := arg(c, 1), argInt(c, 2)
	if n == 0 {
		return nil, pgerr.New(pgerr.InvalidParameterValue, "field position must not be zero")
	}
	if len(s) == 0 {
		return s, nil
	}
	if len(sep) == 0 {
		if n == 1 || n == -1 {
			return s, nil
		}
		return []byte{}, nil
	}
	p := bytes.Split(s, sep)
	if n < 0 {
		n += len(p) + 1
	}
	if n < 1 || n > len(p) {
		return []byte{}, nil
	}
	return p[n-1], nil
}

func chr(c *Call) (datum.Datum, error) {
	v := int32(c.Args[0].Int)
	switch {
	case v < 0:
		return datum.Null(), pgerr.New(pgerr.InvalidParameterValue, "character number must be positive")
	case v == 0:
		return datum.Null(), pgerr.New(pgerr.ProgramLimitExceeded, "null character not permitted")
	case v > 0x10ffff:
		return datum.Null(), pgerr.New(pgerr.ProgramLimitExceeded, "requested character too large for encoding: %d", v)
	case v >= 0xd800 && v <= 0xdfff:
		return datum.Null(), pgerr.New(pgerr.ProgramLimitExceeded, "requested character not valid for encoding: %d", v)
	}
	return bytesDatum(utf8.AppendRune(nil, v))
}

func overlay(s, repl []byte, start, n int) ([]byte, error) {
	if start <= 0 {
		return nil, pgerr.New(pgerr.SubstringError, "negative substring length not allowed")
	}
	if start+n > math.MaxInt32 || start+n < math.MinInt32 {
		return nil, outOfRange("integer")
	}
	head := s[:skip(s, start-1)]
	tail, err := substr(s, start+n, 0, false)
	return append(concat(head, repl), tail...), err
}

// eachArg calls f with the text of every argument from i on, also of a VARIADIC
// array's elements. NULLs have ok false.
func eachArg(c *Call, i int, f func(s []byte, ok bool) error) error {
	if c.Variadic && len(c.Args) > 0 {
		last := c.Args[len(c.Args)-1]
		if last.Null {
			return nil
		}
		typ := array.Type(last.Bytes)
		st, err := c.Env.ElemInfo(typ)
		if err != nil {
			return err
		}
		it, err := array.Walk(last.Bytes, st)
		if err != nil {
			return err
		}
		for {
			d, ok := it.Next()
			if !ok {
				return nil
			}
			if err := textArg(c.Env, typ, d, f); err != nil {
				return err
			}
		}
	}
	for ; i < len(c.Args); i++ {
		if err := textArg(c.Env, c.ArgTypes[i], c.Args[i], f); err != nil {
			return err
		}
	}
	return nil
}

func textArg(e *Env, typ oid.OID, d datum.Datum, f func(s []byte, ok bool) error) error {
	if d.Null {
		return f(nil, false)
	}
	b, err := e.Output(nil, typ, d)
	if err != nil {
		return err
	}
	return f(b, true)
}

func addConcat(r funcs) {
	r.scalar("text_concat", func(c *Call) (datum.Datum, error) {
		if c.Variadic && c.Args[len(c.Args)-1].Null {
			return datum.Null(), nil
		}
		out := []byte{}
		err := eachArg(c, 0, func(s []byte, _ bool) error { out = append(out, s...); return nil })
		return datum.Bytes(out), err
	})
	r.scalar("text_concat_ws", func(c *Call) (datum.Datum, error) {
		if c.Args[0].Null || c.Variadic && c.Args[len(c.Args)-1].Null {
			return datum.Null(), nil
		}
		out := []byte{}
		n := 0
		err := eachArg(c, 1, func(s []byte, ok bool) error {
			if ok {
				if n > 0 {
					out = append(out, arg(c, 0)...)
				}
				n++
				out = append(out, s...)
			}
			return nil
		})
		return datum.Bytes(out), err
	})
	anyText := func(first bool) scalarFunc {
		return func(c *Call) (datum.Datum, error) {
			i := 1
			if first {
				i = 0
			}
			b, err := c.Env.Output(nil, c.ArgTypes[i], c.Args[i])
			if err != nil {
				return datum.Null(), err
			}
			if first {
				return bytesDatum(append(b, arg(c, 1)...))
			}
			return bytesDatum(concat(arg(c, 0), b))
		}
	}
	r.scalar("anytextcat", anyText(true))
	r.scalar("textanycat", anyText(false))
	nulls := func(want bool) scalarFunc {
		return func(c *Call) (datum.Datum, error) {
			if c.Variadic && c.Args[len(c.Args)-1].Null {
				return datum.Null(), nil
			}
			n := int64(0)
			err := eachArg(c, 0, func(_ []byte, ok bool) error { n += b2i(ok != want); return nil })
			return datum.Int(n), err
		}
	}
	r.scalar("pg_num_nulls", nulls(true))
	r.scalar("pg_num_nonnulls", nulls(false))
}

func quoteLiteral(s []byte) []byte {
	out := []byte{}
	if bytes.IndexByte(s, '\\') >= 0 {
		out = append(out, 'E')
	}
	out = append(out, '\'')
	for _, b := range s {
		if b == '\'' || b == '\\' {
			out = append(out, b)
		}
		out = append(out, b)
	}
	return append(out, '\'')
}
