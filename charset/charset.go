// Package charset names PostgreSQL's encodings and converts text between UTF8,
// which the server works in, and the encodings of one byte per character.
//
//	INV-CHS-1  A byte converts as in PostgreSQL 15, or not at all with its error.
//	           Enforced: New. Tested: TestTables.
//	INV-CHS-2  What cannot be converted is an error; nothing is replaced.
//	           Enforced: Table.ToUTF8, Table.FromUTF8. Tested: TestErrors.
//
// Encodings of several bytes are named but not converted.
package charset

import (
	"strings"

	"github.com/pgmini/pgmini/pgerr"
)

// ID is the number of an encoding. FROZEN.
type ID int

// Numbers of encodings that are special, PostgreSQL 15. FROZEN.
const (
	SQLASCII   ID = 0
	UTF8       ID = 6
	Mule       ID = 7
	LastServer ID = 34 // those above are for clients only
)

// names are PostgreSQL's, by number. constant
var names = [...]string{"SQL_ASCII", "EUC_JP", "EUC_CN", "EUC_KR", "EUC_TW", "EUC_JIS_2004", "UTF8", "MULE_INTERNAL", "LATIN1", "LATIN2",
	"LATIN3", "LATIN4", "LATIN5", "LATIN6", "LATIN7", "LATIN8", "LATIN9", "LATIN10", "WIN1256", "WIN1258", "WIN866", "WIN874", "KOI8R",
	"WIN1251", "WIN1252", "ISO_8859_5", "ISO_8859_6", "ISO_8859_7", "ISO_8859_8", "WIN1250", "WIN1253", "WIN1254", "WIN1255", "WIN1257",
	"KOI8U", "SJIS", "BIG5", "GBK", "UHC", "GB18030", "JOHAB", "SHIFT_JIS_2004"}

// aliases are other names of encodings. constant
var aliases = map[string]string{"unicode": "utf8", "alt": "win866", "abc": "win1258", "tcvn": "win1258", "tcvn5712": "win1258",
	"vscii": "win1258", "koi8": "koi8r", "win": "win1251", "mskanji": "sjis", "shiftjis": "sjis", "win932": "sjis", "win936": "gbk",
	"win949": "uhc", "win950": "big5", "iso88591": "latin1", "iso88592": "latin2", "iso88593": "latin3", "iso88594": "latin4",
	"iso88599": "latin5", "iso885910": "latin6", "iso885913": "latin7", "iso885914": "latin8", "iso885915": "latin9", "iso885916": "latin10"}

// plain drops from a name what does not count: case and punctuation.
func plain(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'A' && c <= 'Z':
			return c + 32
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			return c
		}
		return -1
	}, s)
}

// Find is the encoding with a name.
func Find(name string) (ID, bool) {
	want := plain(name)
	if rest, ok := strings.CutPrefix(want, "windows"); ok && rest != "" {
		want = "win" + rest
	}
	if a, ok := aliases[want]; ok {
		want = a
	}
	for i, e := range names {
		if want != "" && plain(e) == want {
			return ID(i), true
		}
	}
	return -1, false
}

// String is the name of an encoding; "": there is none.
func (id ID) String() string {
	if id < 0 || int(id) >= len(names) {
		return ""
	}
	return names[id]
}

// AsIs reports whether text in the encoding passes through as it is.
func (id ID) AsIs() bool { return id == UTF8 || id == SQLASCII }

// Supported reports whether New makes a table of the encoding, or it needs none.
func (id ID) Supported() bool { return id.AsIs() || charmapOf(id) != nil }

// Lookup is the table of the encoding with a name; nil: text passes through. The
// name is one that Find finds.
func Lookup(name string) (*Table, error) {
	id, ok := Find(name)
	if !ok {
		return nil, pgerr.New(pgerr.InvalidParameterValue, "invalid encoding name \"%s\"", name)
	}
	return New(id)
}
