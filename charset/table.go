package charset

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/pgmini/pgmini/pgerr"
)

// Table converts between UTF8 and an encoding of one byte per character. It does
// not change once made.
type Table struct {
	name  string
	runes [128]rune // of bytes from 0x80; 0: none
	bytes map[rune]byte
}

// charmapOf is the table that an encoding's is made from; nil: there is none.
func charmapOf(id ID) *charmap.Charmap {
	switch id.String() {
	case "LATIN1":
		return charmap.ISO8859_1
	case "LATIN2":
		return charmap.ISO8859_2
	case "LATIN3":
		return charmap.ISO8859_3
	case "LATIN4":
		return charmap.ISO8859_4
	case "LATIN5":
		return charmap.ISO8859_9
	case "LATIN6":
		return charmap.ISO8859_10
	case "LATIN7":
		return charmap.ISO8859_13
	case "LATIN8":
		return charmap.ISO8859_14
	case "LATIN9":
		return charmap.ISO8859_15
	case "LATIN10":
		return charmap.ISO8859_16
	case "ISO_8859_5":
		return charmap.ISO8859_5
	case "ISO_8859_6":
		return charmap.ISO8859_6
	case "ISO_8859_7":
		return charmap.ISO8859_7
	case "ISO_8859_8":
		return charmap.ISO8859_8
	case "KOI8R":
		return charmap.KOI8R
	case "KOI8U":
		return charmap.KOI8U
	}
	return windowsOf(id)
}

func windowsOf(id ID) *charmap.Charmap {
	switch id.String() {
	case "WIN866":
		return charmap.CodePage866
	case "WIN874":
		return charmap.Windows874
	case "WIN1250":
		return charmap.Windows1250
	case "WIN1251":
		return charmap.Windows1251
	case "WIN1252":
		return charmap.Windows1252
	case "WIN1253":
		return charmap.Windows1253
	case "WIN1254":
		return charmap.Windows1254
	case "WIN1255":
		return charmap.Windows1255
	case "WIN1256":
		return charmap.Windows1256
	case "WIN1257":
		return charmap.Windows1257
	case "WIN1258":
		return charmap.Windows1258
	}
	return nil
}

// New makes the table of an encoding; nil: text passes through as it is.
func New(id ID) (*Table, error) {
	if id.AsIs() {
		return nil, nil
	}
	m := charmapOf(id)
	if m == nil {
		return nil, pgerr.NotYet("conversion from or to encoding " + id.String())
	}
	t := &Table{name: id.String(), bytes: make(map[rune]byte, 128)}
	iso := strings.HasPrefix(t.name, "LATIN") || strings.HasPrefix(t.name, "ISO")
	for i := range t.runes {
		b := byte(0x80 + i)
		r := m.DecodeByte(b)
		switch {
		case iso && b < 0xA0: // the control characters of ISO 6429
			r = rune(b)
		case t.name == "WIN1255" && b == 0xCA: // assigned after PostgreSQL's table was made
			r = utf8.RuneError
		case t.name == "KOI8U" && b == 0xAE: // RFC 2319; newer tables have BELARUSIAN SHORT U
			r = 0x255D
		case t.name == "KOI8U" && b == 0xBE:
			r = 0x256C
		}
		if r != utf8.RuneError {
			t.runes[i], t.bytes[r] = r, b
		}
	}
	return t, nil
}

// Name is the encoding's.
func (t *Table) Name() string { return t.name }

// ToUTF8 appends src, which is in the table's encoding, to dst.
func (t *Table) ToUTF8(dst, src []byte) ([]byte, error) {
	for _, b := range src {
		switch {
		case b == 0:
			return nil, invalid(t.name, "\x00")
		case b < 0x80:
			dst = append(dst, b)
		default:
			r := t.runes[b-0x80]
			if r == 0 {
				return nil, untranslatable(string([]byte{b}), t.name, "UTF8")
			}
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst, nil
}

// FromUTF8 appends src to dst in the table's encoding.
func (t *Table) FromUTF8(dst, src []byte) ([]byte, error) {
	for i := 0; i < len(src); {
		if b := src[i]; b < 0x80 {
			if b == 0 {
				return nil, invalid("UTF8", "\x00")
			}
			dst = append(dst, b)
			i++
			continue
		}
		r, n := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && n <= 1 {
			return nil, CheckUTF8(src[i:])
		}
		b, ok := t.bytes[r]
		if !ok {
			return nil, untranslatable(string(src[i:i+n]), "UTF8", t.name)
		}
		dst = append(dst, b)
		i += n
	}
	return dst, nil
}

// CheckUTF8 answers for text that enters the server.
func CheckUTF8(b []byte) error {
	if utf8.Valid(b) && bytes.IndexByte(b, 0) < 0 {
		return nil
	}
	for i := 0; i < len(b); {
		if b[i] == 0 {
			return invalid("UTF8", "\x00")
		}
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n <= 1 {
			want := 1
			switch c := b[i]; {
			case c&0xe0 == 0xc0:
				want = 2
			case c&0xf0 == 0xe0:
				want = 3
			case c&0xf8 == 0xf0:
				want = 4
			}
			return invalid("UTF8", string(b[i:min(i+want, len(b))]))
		}
		i += n
	}
	return nil
}

func sequence(s string) string {
	var out []string
	for i := range len(s) {
		out = append(out, fmt.Sprintf("0x%02x", s[i]))
	}
	return strings.Join(out, " ")
}

func invalid(name, seq string) error {
	return pgerr.New(pgerr.CharacterNotInRepertoire, "invalid byte sequence for encoding \"%s\": %s", name, sequence(seq))
}

func untranslatable(seq, from, to string) error {
	return pgerr.New(pgerr.UntranslatableCharacter, "character with byte sequence %s in encoding \"%s\" has no equivalent in encoding \"%s\"",
		sequence(seq), from, to)
}
