package builtin

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

func addUnicode(r funcs) {
	r.str("unistr", func(_ *Call, s []byte) ([]byte, error) { return unistr(s) })
	r.str("unicode_normalize_func", func(c *Call, s []byte) ([]byte, error) {
		f, err := normalForm(arg(c, 1))
		return f.Bytes(s), err
	})
	r.scalar("unicode_is_normalized", func(c *Call) (datum.Datum, error) {
		f, err := normalForm(arg(c, 1))
		return datum.Bool(f.IsNormal(arg(c, 0))), err
	})
	r.scalar("parse_ident", parseIdent)
	r.str("to_ascii_default", func(_ *Call, s []byte) ([]byte, error) { return toASCII(s, "UTF8") })
	r.str("to_ascii_encname", func(c *Call, s []byte) ([]byte, error) {
		n, ok := FindEncoding(string(arg(c, 1)))
		if !ok {
			return nil, pgerr.New(pgerr.UndefinedObject, "%s is not a valid encoding name", arg(c, 1))
		}
		return toASCII(s, EncodingName(n))
	})
	r.str("to_ascii_enc", func(c *Call, s []byte) ([]byte, error) {
		n := EncodingName(c.Args[1].Int)
		if n == "" {
			return nil, pgerr.New(pgerr.UndefinedObject, "%d is not a valid encoding code", argInt(c, 1))
		}
		return toASCII(s, n)
	})
}

func normalForm(name []byte) (norm.Form, error) {
	switch strings.ToUpper(string(name)) {
	case "NFC":
		return norm.NFC, nil
	case "NFD":
		return norm.NFD, nil
	case "NFKC":
		return norm.NFKC, nil
	case "NFKD":
		return norm.NFKD, nil
	}
	return norm.NFC, pgerr.New(pgerr.InvalidParameterValue, "invalid normalization form: %s", name)
}

// toASCII knows no encoding's letters beyond ASCII.
func toASCII(s []byte, encoding string) ([]byte, error) {
	switch encoding {
	case "LATIN1", "LATIN2", "LATIN9", "WIN1250":
		for _, b := range s {
			if b >= utf8.RuneSelf {
				return nil, pgerr.NotYet("to_ascii of letters")
			}
		}
		return s, nil
	}
	return nil, pgerr.New(pgerr.FeatureNotSupported, "encoding conversion from %s to ASCII not supported", encoding)
}

// unistr replaces \XXXX, \+XXXXXX, \uXXXX, \UXXXXXXXX and \\.
func unistr(s []byte) ([]byte, error) {
	out := make([]byte, 0, len(s))
	high := rune(0) // first half of a surrogate pair
	pairErr := func() ([]byte, error) { return nil, pgerr.New(pgerr.SyntaxError, "invalid Unicode surrogate pair") }
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			if high != 0 {
				return pairErr()
			}
			out = append(out, s[i])
			i++
			continue
		}
		if bytes.HasPrefix(s[i:], []byte(`\\`)) {
			if high != 0 {
				return pairErr()
			}
			out = append(out, '\\')
			i += 2
			continue
		}
		v, n := unicodeEscape(s[i+1:])
		if n == 0 {
			return nil, pgerr.New(pgerr.SyntaxError, "invalid Unicode escape").
				WithHint(`Unicode escapes must be \XXXX, \+XXXXXX, \uXXXX, or \UXXXXXXXX.`)
		}
		i += 1 + n
		ch := rune(v)
		first, second := v >= 0xd800 && v < 0xdc00, v >= 0xdc00 && v < 0xe000
		switch {
		case v == 0 || v > utf8.MaxRune:
			return nil, pgerr.New(pgerr.InvalidParameterValue, "invalid Unicode code point: %04X", v)
		case high != 0 && !second || high == 0 && second:
			return pairErr()
		case second:
			ch, high = (high-0xd800)<<10+(ch-0xdc00)+0x10000, 0
		case first:
			high = ch
			continue
		}
		out = utf8.AppendRune(out, ch)
	}
	if high != 0 {
		return pairErr()
	}
	return out, nil
}

// unicodeEscape reads what follows the backslash: the value, and the bytes read;
// 0 if it is no escape.
func unicodeEscape(s []byte) (uint32, int) {
	prefix, digits := 0, 4
	if len(s) > 0 {
		switch s[0] {
		case '+':
			prefix, digits = 1, 6
		case 'u':
			prefix = 1
		case 'U':
			prefix, digits = 1, 8
		}
	}
	if len(s) < prefix+digits {
		return 0, 0
	}
	v, err := strconv.ParseUint(string(s[prefix:prefix+digits]), 16, 32)
	if err != nil {
		return 0, 0
	}
	return uint32(v), prefix + digits
}

func isIdentStart(b byte) bool {
	return b|0x20 >= 'a' && b|0x20 <= 'z' || b == '_' || b >= utf8.RuneSelf
}

func isIdentPart(b byte) bool { return isIdentStart(b) || b >= '0' && b <= '9' || b == '$' }

func skipSpace(s []byte) []byte { return bytes.TrimLeft(s, " \t\n\r\f\v") }

// parseIdent splits a qualified name into its parts.
func parseIdent(c *Call) (datum.Datum, error) {
	all, strict := arg(c, 0), c.Args[1].Bool()
	bad := func(detail string) (datum.Datum, error) {
		e := pgerr.New(pgerr.InvalidParameterValue, "string is not a valid identifier: \"%s\"", all)
		e.Detail = detail
		return datum.Null(), e
	}
	var parts []datum.Datum
	afterDot := false
	for s := skipSpace(all); ; {
		switch {
		case len(s) > 0 && s[0] == '"':
			name, rest, ok := quotedIdent(s[1:])
			if !ok {
				return bad("String has unclosed double quotes.")
			}
			if len(name) == 0 {
				return bad("Quoted identifier must not be empty.")
			}
			parts, s = append(parts, datum.Bytes(name)), rest
		case len(s) > 0 && isIdentStart(s[0]):
			n := 1
			for n < len(s) && isIdentPart(s[n]) {
				n++
			}
			parts, s = append(parts, datum.Bytes(mapASCII(s[:n], 'A', 'Z', 32))), s[n:]
		case len(s) > 0 && s[0] == '.':
			return bad(`No valid identifier before ".".`)
		case afterDot:
			return bad(`No valid identifier after ".".`)
		default:
			return bad("")
		}
		s = skipSpace(s)
		if len(s) == 0 || s[0] != '.' {
			if len(s) > 0 && strict {
				return bad("")
			}
			break
		}
		afterDot, s = true, skipSpace(s[1:])
	}
	st, err := c.Env.ElemInfo(oid.Text)
	if err != nil {
		return datum.Null(), err
	}
	return buildArray(array.Of(oid.Text, parts), st)
}

// quotedIdent reads to the closing quote.
func quotedIdent(s []byte) (name, rest []byte, ok bool) {
	for i := 0; i < len(s); i++ {
		if s[i] != '"' {
			name = append(name, s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '"' {
			name = append(name, '"')
			i++
			continue
		}
		return name, s[i+1:], true
	}
	return nil, nil, false
}
