package builtin

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"math"
	"math/bits"
	"strings"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/types"
)

func addBytea(r funcs) {
	r.scalar("byteaoctetlen", func(c *Call) (datum.Datum, error) { return datum.Int(int64(len(arg(c, 0)))), nil })
	r.scalar("byteacat", func(c *Call) (datum.Datum, error) { return bytesDatum(concat(arg(c, 0), arg(c, 1))) })
	r.scalar("byteapos", func(c *Call) (datum.Datum, error) {
		return datum.Int(int64(bytes.Index(arg(c, 0), arg(c, 1)) + 1)), nil
	})
	cut := func(c *Call) (datum.Datum, error) {
		s, from, end := arg(c, 0), argInt(c, 1), 1<<31
		if len(c.Args) > 2 {
			if argInt(c, 2) < 0 {
				return datum.Null(), pgerr.New(pgerr.SubstringError, "negative substring length not allowed")
			}
			end = from + argInt(c, 2)
		}
		from = max(from, 1)
		if end <= from || from > len(s) {
			return bytesDatum(nil)
		}
		return bytesDatum(s[from-1 : min(end-1, len(s))])
	}
	r.scalar("bytea_substr", cut)
	r.scalar("bytea_substr_no_len", cut)
	over := func(c *Call) (datum.Datum, error) {
		s, repl, from := arg(c, 0), arg(c, 1), argInt(c, 2)
		n := len(repl)
		if len(c.Args) > 3 {
			n = argInt(c, 3)
		}
		if from <= 0 {
			return datum.Null(), pgerr.New(pgerr.SubstringError, "negative substring length not allowed")
		}
		if from+n > math.MaxInt32 || from+n < math.MinInt32 {
			return datum.Null(), outOfRange("integer")
		}
		out := concat(s[:min(from-1, len(s))], repl)
		return bytesDatum(append(out, s[min(max(from-1+n, 0), len(s)):]...))
	}
	r.scalar("byteaoverlay", over)
	r.scalar("byteaoverlay_no_len", over)
	r.scalar("bytea_bit_count", func(c *Call) (datum.Datum, error) {
		n := 0
		for _, b := range arg(c, 0) {
			n += bits.OnesCount8(b)
		}
		return datum.Int(int64(n)), nil
	})
	addByteaBits(r)
	hash := func(name string, f func(b []byte) []byte) {
		r.scalar(name, func(c *Call) (datum.Datum, error) { return bytesDatum(f(arg(c, 0))) })
	}
	hash("sha224_bytea", func(b []byte) []byte { h := sha256.Sum224(b); return h[:] })
	hash("sha256_bytea", func(b []byte) []byte { h := sha256.Sum256(b); return h[:] })
	hash("sha384_bytea", func(b []byte) []byte { h := sha512.Sum384(b); return h[:] })
	hash("sha512_bytea", func(b []byte) []byte { h := sha512.Sum512(b); return h[:] })
	r.scalar("binary_encode", encode)
	r.scalar("binary_decode", decode)
	r.scalar("pg_convert_to", func(c *Call) (datum.Datum, error) { return convertCall(arg(c, 0), []byte("UTF8"), arg(c, 1)) })
	r.scalar("pg_convert_from", func(c *Call) (datum.Datum, error) { return convertCall(arg(c, 0), arg(c, 1), []byte("UTF8")) })
	r.scalar("pg_convert", func(c *Call) (datum.Datum, error) { return convertCall(arg(c, 0), arg(c, 1), arg(c, 2)) })
}

func badIndex(i int64, n int) error {
	return pgerr.New(pgerr.ArraySubscriptError, "index %d out of valid range, 0..%d", i, n-1)
}

func addByteaBits(r funcs) {
	r.scalar("byteaGetByte", func(c *Call) (datum.Datum, error) {
		i, b := int64(argInt(c, 1)), arg(c, 0)
		if i < 0 || i >= int64(len(b)) {
			return datum.Null(), badIndex(i, len(b))
		}
		return datum.Int(int64(b[i])), nil
	})
	r.scalar("byteaGetBit", func(c *Call) (datum.Datum, error) {
		i, b := c.Args[1].Int, arg(c, 0)
		if i < 0 || i >= int64(len(b))*8 {
			return datum.Null(), badIndex(i, len(b)*8)
		}
		return datum.Int(int64(b[i/8] >> (i % 8) & 1)), nil
	})
	r.scalar("byteaSetByte", func(c *Call) (datum.Datum, error) {
		i, b := int64(argInt(c, 1)), bytes.Clone(arg(c, 0))
		if i < 0 || i >= int64(len(b)) {
			return datum.Null(), badIndex(i, len(b))
		}
		b[i] = byte(argInt(c, 2))
		return bytesDatum(b)
	})
	r.scalar("byteaSetBit", func(c *Call) (datum.Datum, error) {
		i, b, v := c.Args[1].Int, bytes.Clone(arg(c, 0)), argInt(c, 2)
		if i < 0 || i >= int64(len(b))*8 {
			return datum.Null(), badIndex(i, len(b)*8)
		}
		if v != 0 && v != 1 {
			return datum.Null(), pgerr.New(pgerr.InvalidParameterValue, "new bit must be 0 or 1")
		}
		b[i/8] = b[i/8]&^(1<<(i%8)) | byte(v)<<(i%8)
		return bytesDatum(b)
	})
}

func badEncoding(name []byte) error {
	return pgerr.New(pgerr.InvalidParameterValue, "unrecognized encoding: \"%s\"", name)
}

func encode(c *Call) (datum.Datum, error) {
	b := arg(c, 0)
	switch strings.ToLower(string(arg(c, 1))) {
	case "hex":
		return text(hex.EncodeToString(b))
	case "base64":
		s := base64.StdEncoding.EncodeToString(b)
		var out []byte
		for len(s) > 76 {
			out = append(append(out, s[:76]...), '\n')
			s = s[76:]
		}
		return bytesDatum(append(out, s...))
	case "escape":
		return bytesDatum(types.AppendEscape([]byte{}, b, true))
	}
	return datum.Null(), badEncoding(arg(c, 1))
}

func decode(c *Call) (datum.Datum, error) {
	b := arg(c, 0)
	switch strings.ToLower(string(arg(c, 1))) {
	case "hex":
		v, err := types.DecodeHex(b)
		return datum.Bytes(v), err
	case "escape":
		v, ok := types.DecodeEscape(b)
		if !ok {
			return datum.Null(), pgerr.New(pgerr.InvalidTextRepresentation, "invalid input syntax for type bytea")
		}
		return bytesDatum(v)
	case "base64":
		return decodeBase64(b)
	}
	return datum.Null(), badEncoding(arg(c, 1))
}

func decodeBase64(b []byte) (datum.Datum, error) {
	var clean []byte
	for _, x := range b {
		if strings.IndexByte(" \t\n\r", x) >= 0 {
			continue
		}
		if !(x == '=' || x == '+' || x == '/' || isWordByte(x) && x != '_') {
			return datum.Null(), pgerr.New(pgerr.InvalidParameterValue, "invalid symbol \"%c\" found while decoding base64 sequence", x)
		}
		clean = append(clean, x)
	}
	out, err := base64.StdEncoding.DecodeString(string(clean))
	if err != nil {
		if i := bytes.IndexByte(clean, '='); i >= 0 && i < len(clean)-2 {
			return datum.Null(), pgerr.New(pgerr.InvalidParameterValue, "unexpected \"=\" while decoding base64 sequence")
		}
		return datum.Null(), pgerr.New(pgerr.InvalidParameterValue, "invalid base64 end sequence").
			WithHint("Input data is missing padding, is truncated, or is otherwise corrupted.")
	}
	return bytesDatum(out)
}
