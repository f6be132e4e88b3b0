package builtin

import (
	"unicode/utf8"

	"github.com/pgmini/pgmini/charset"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/types"
)

// Numbers of encodings, PostgreSQL 15. FROZEN.
const (
	UTF8               = int64(charset.UTF8)
	LastServerEncoding = int64(charset.LastServer) // those above are for clients only
)

// encodingLengths are the bytes of the longest character of those encodings that
// need more than one. constant
var encodingLengths = map[int64]int64{1: 3, 2: 3, 3: 3, 4: 4, 5: 3, 6: 4, 7: 4, 35: 2, 36: 2, 37: 2, 38: 2, 39: 4, 40: 3, 41: 2}

// FindEncoding is the number of the encoding with a name.
func FindEncoding(name string) (int64, bool) {
	id, ok := charset.Find(name)
	return int64(id), ok
}

// EncodingName is the name of an encoding; "": there is none.
func EncodingName(n int64) string { return charset.ID(n).String() }

func addEncodings(r funcs) {
	r.scalar("length_in_encoding", encodedLength)
	r.scalar("PG_encoding_to_char", func(c *Call) (datum.Datum, error) { return text(EncodingName(c.Args[0].Int)) })
	r.scalar("PG_char_to_encoding", func(c *Call) (datum.Datum, error) {
		n, _ := FindEncoding(string(arg(c, 0)))
		return datum.Int(n), nil
	})
	r.scalar("pg_encoding_max_length_sql", func(c *Call) (datum.Datum, error) {
		n := c.Args[0].Int
		if EncodingName(n) == "" {
			return datum.Null(), nil
		}
		return datum.Int(max(encodingLengths[n], 1)), nil
	})
}

// encodedLength is length(bytea, encoding): characters of UTF-8.
func encodedLength(c *Call) (datum.Datum, error) {
	name := string(arg(c, 1))
	switch n, ok := FindEncoding(name); {
	case !ok:
		return datum.Null(), pgerr.New(pgerr.InvalidParameterValue, "invalid encoding name \"%s\"", name)
	case n != UTF8:
		return datum.Null(), pgerr.NotYet("length in encoding %s", name)
	}
	if err := types.CheckUTF8(arg(c, 0)); err != nil {
		return datum.Null(), err
	}
	return datum.Int(int64(utf8.RuneCount(arg(c, 0)))), nil
}

// encodingNamed is the encoding that a conversion function names; side is what it
// is in the conversion.
func encodingNamed(name []byte, side string) (charset.ID, error) {
	id, ok := charset.Find(string(name))
	if !ok {
		return 0, pgerr.New(pgerr.InvalidParameterValue, "invalid %s encoding name \"%s\"", side, name)
	}
	return id, nil
}

// convertText is convert(): b in one encoding becomes another's bytes. As in
// PostgreSQL one of two different ones must be UTF8.
func convertText(b []byte, from, to charset.ID) (datum.Datum, error) {
	switch {
	case from == charset.UTF8 || from == charset.SQLASCII && to == charset.UTF8:
		if err := types.CheckUTF8(b); err != nil {
			return datum.Null(), err
		}
		t, err := charset.New(to)
		if err != nil || t == nil || to == charset.SQLASCII {
			return datum.Bytes(b), err
		}
		out, err := t.FromUTF8(nil, b)
		return datum.Bytes(out), err
	case to == charset.UTF8:
		t, err := charset.New(from)
		if err != nil {
			return datum.Null(), err
		}
		out, err := t.ToUTF8(nil, b)
		return datum.Bytes(out), err
	case from == to || from == charset.SQLASCII || to == charset.SQLASCII:
		if !from.Supported() {
			return datum.Null(), pgerr.NotYet("conversion from or to encoding %s", from)
		}
		return datum.Bytes(b), nil
	}
	return datum.Null(), pgerr.New(pgerr.UndefinedFunction, "default conversion function for encoding \"%s\" to \"%s\" does not exist", from, to)
}

func convertCall(b, from, to []byte) (datum.Datum, error) {
	src, err := encodingNamed(from, "source")
	if err != nil {
		return datum.Null(), err
	}
	dst, err := encodingNamed(to, "destination")
	if err != nil {
		return datum.Null(), err
	}
	return convertText(b, src, dst)
}

// clientEncoding is pg_client_encoding.
func clientEncoding(c *Call) (datum.Datum, error) {
	if c.Env.Set == nil {
		return text("UTF8")
	}
	v, _, err := c.Env.Set.Show("client_encoding")
	if err != nil {
		return datum.Null(), err
	}
	return text(v)
}
