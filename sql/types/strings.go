package types

import (
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"github.com/pgmini/pgmini/charset"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// NameLen is the longest name in bytes (NAMEDATALEN - 1).
const NameLen = 63

// maxCharLen is the largest n of varchar(n).
const maxCharLen = 10 * 1024 * 1024

// CheckUTF8 answers for text that enters the server.
func CheckUTF8(b []byte) error { return charset.CheckUTF8(b) }

// ClipName cuts to NameLen bytes without splitting a character.
func ClipName(s []byte) []byte {
	if len(s) <= NameLen {
		return s
	}
	n := NameLen
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func nameIn(_ *Env, s []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	return datum.Bytes(ClipName(s)), nil
}

func textIn(_ *Env, s []byte, _ oid.OID, _ int32) (datum.Datum, error) { return datum.Bytes(s), nil }

func textOut(_ *Env, dst []byte, d datum.Datum) ([]byte, error) { return append(dst, d.Bytes...), nil }

func voidIn(_ *Env, _ []byte, _ oid.OID, _ int32) (datum.Datum, error) { return datum.Int(0), nil }

func voidOut(_ *Env, dst []byte, _ datum.Datum) ([]byte, error) { return dst, nil }

// charOffset is the byte offset of character n, or len(s) if s is shorter; count
// is the number of characters passed.
func charOffset(s []byte, n int) (off, count int) {
	if len(s) <= n { // bytes bound characters, but count exactly
		return len(s), utf8.RuneCount(s)
	}
	for off < len(s) && count < n {
		_, w := utf8.DecodeRune(s[off:])
		off += w
		count++
	}
	return off, count
}

// CoerceVarchar applies varchar(n). An explicit cast cuts silently; else only
// blanks may be lost.
func CoerceVarchar(s []byte, typmod int32, explicit bool) ([]byte, error) {
	if typmod < 4 {
		return s, nil
	}
	off, _ := charOffset(s, int(typmod-4))
	if off < len(s) && !explicit && !allBlank(s[off:]) {
		return nil, pgerr.New(pgerr.StringDataRightTruncation, "value too long for type character varying(%d)", typmod-4)
	}
	return s[:off:off], nil
}

// CoerceBpchar applies character(n): cuts or pads with blanks.
func CoerceBpchar(s []byte, typmod int32, explicit bool) ([]byte, error) {
	if typmod < 4 {
		return s, nil
	}
	n := int(typmod - 4)
	off, count := charOffset(s, n)
	if off < len(s) {
		if !explicit && !allBlank(s[off:]) {
			return nil, pgerr.New(pgerr.StringDataRightTruncation, "value too long for type character(%d)", n)
		}
		return s[:off:off], nil
	}
	if count == n {
		return s, nil
	}
	if n > maxCharLen {
		return nil, pgerr.New(pgerr.InvalidParameterValue, "length for type character cannot exceed %d", maxCharLen)
	}
	out := make([]byte, len(s)+n-count)
	for rest := out[copy(out, s):]; len(rest) > 0; {
		rest = rest[copy(rest, blanks):]
	}
	return out, nil
}

const blanks = "                                                                "

func allBlank(s []byte) bool {
	for _, c := range s {
		if c != ' ' {
			return false
		}
	}
	return true
}

func varcharIn(_ *Env, s []byte, _ oid.OID, typmod int32) (datum.Datum, error) {
	b, err := CoerceVarchar(s, typmod, false)
	return datum.Bytes(b), err
}

func bpcharIn(_ *Env, s []byte, _ oid.OID, typmod int32) (datum.Datum, error) {
	b, err := CoerceBpchar(s, typmod, false)
	return datum.Bytes(b), err
}

func byteaIn(_ *Env, s []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	if len(s) >= 2 && s[0] == '\\' && s[1] == 'x' {
		b, err := DecodeHex(s[2:])
		return datum.Bytes(b), err
	}
	b, ok := DecodeEscape(s)
	if !ok {
		return datum.Null(), pgerr.New(pgerr.InvalidTextRepresentation, "invalid input syntax for type bytea")
	}
	return datum.Bytes(b), nil
}

// DecodeHex reads hexadecimal digits; white space between pairs is skipped.
func DecodeHex(s []byte) ([]byte, error) {
	out := make([]byte, 0, len(s)/2)
	for i := 0; i < len(s); {
		if s[i] == ' ' || s[i] == '\n' || s[i] == '\t' || s[i] == '\r' {
			i++
			continue
		}
		hi := hexVal(s[i])
		if hi < 0 {
			return nil, badHex(s[i:])
		}
		if i+1 >= len(s) {
			return nil, pgerr.New(pgerr.InvalidParameterValue, "invalid hexadecimal data: odd number of digits")
		}
		lo := hexVal(s[i+1])
		if lo < 0 {
			return nil, badHex(s[i+1:])
		}
		out = append(out, byte(hi<<4|lo))
		i += 2
	}
	return out, nil
}

func badHex(s []byte) error {
	_, n := utf8.DecodeRune(s)
	return pgerr.New(pgerr.InvalidParameterValue, "invalid hexadecimal digit: \"%s\"", s[:n])
}

// DecodeEscape reads bytea's escape form: \\ and \ooo.
func DecodeEscape(s []byte) ([]byte, bool) {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		switch {
		case s[i] != '\\':
			out = append(out, s[i])
			i++
		case i+1 < len(s) && s[i+1] == '\\':
			out = append(out, '\\')
			i += 2
		case i+3 < len(s) && s[i+1] <= '3' && isOctal(s[i+1]) && isOctal(s[i+2]) && isOctal(s[i+3]):
			out = append(out, (s[i+1]-'0')<<6|(s[i+2]-'0')<<3|(s[i+3]-'0'))
			i += 4
		default:
			return nil, false
		}
	}
	return out, true
}

// AppendEscape appends b in bytea's escape form. With all set (encode's
// "escape"), only NUL and bytes above 127 are written in octal.
func AppendEscape(dst, b []byte, all bool) []byte {
	for _, c := range b {
		switch {
		case c == '\\':
			dst = append(dst, '\\', '\\')
		case c >= 128 || all && c == 0 || !all && (c < 32 || c == 127):
			dst = append(dst, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

func byteaOut(e *Env, dst []byte, d datum.Datum) ([]byte, error) {
	if e != nil && e.ByteaEscape {
		return AppendEscape(dst, d.Bytes, false), nil
	}
	return hex.AppendEncode(append(dst, '\\', 'x'), d.Bytes), nil
}

func uuidIn(_ *Env, s []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	t := s
	if len(t) > 1 && t[0] == '{' {
		if t[len(t)-1] != '}' {
			return datum.Null(), badText("uuid", s)
		}
		t = t[1 : len(t)-1]
	}
	out := make([]byte, 0, 16)
	for i := range 16 {
		if len(t) < 2 || hexVal(t[0]) < 0 || hexVal(t[1]) < 0 {
			return datum.Null(), badText("uuid", s)
		}
		out = append(out, byte(hexVal(t[0])<<4|hexVal(t[1])))
		t = t[2:]
		if i%2 == 1 && i < 15 && len(t) > 0 && t[0] == '-' {
			t = t[1:]
		}
	}
	if len(t) > 0 {
		return datum.Null(), badText("uuid", s)
	}
	return datum.Bytes(out), nil
}

func uuidOut(_ *Env, dst []byte, d datum.Datum) ([]byte, error) {
	for i, c := range d.Bytes {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, []byte{c})
	}
	return dst, nil
}

// pseudoIn refuses the input of pseudo-types with PostgreSQL's words.
func pseudoIn(prosrc string) (InFunc, bool) {
	typ, ok := strings.CutSuffix(prosrc, "_in")
	if !ok {
		return nil, false
	}
	switch typ {
	case "any", "anyarray", "anyelement", "anynonarray", "anyenum", "anyrange", "anymultirange", "anycompatible",
		"anycompatiblearray", "anycompatiblenonarray", "anycompatiblerange", "anycompatiblemultirange", "internal",
		"trigger", "event_trigger", "language_handler", "fdw_handler", "tsm_handler", "index_am_handler",
		"table_am_handler", "pg_ddl_command", "pg_node_tree", "pg_ndistinct", "pg_dependencies", "pg_mcv_list":
	default:
		return nil, false
	}
	return func(*Env, []byte, oid.OID, int32) (datum.Datum, error) {
		return datum.Null(), pgerr.New(pgerr.FeatureNotSupported, "cannot accept a value of type %s", typ)
	}, true
}
