package builtin

import (
	"strings"
	"unicode/utf8"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/types"
)

// Numbers of encodings, PostgreSQL 15. FROZEN.
const (
	UTF8               = 6
	LastServerEncoding = 34 // those above are for clients only
)

// encodings are PostgreSQL's, by number. constant
var encodings = [...]string{"SQL_ASCII", "EUC_JP", "EUC_CN", "EUC_KR", "EUC_TW", "EUC_JIS_2004", "UTF8", "MULE_INTERNAL", "LATIN1", "LATIN2",
	"LATIN3", "LATIN4", "LATIN5", "LATIN6", "LATIN7", "LATIN8", "LATIN9", "LATIN10", "WIN1256", "WIN1258", "WIN866", "WIN874", "KOI8R",
	"WIN1251", "WIN1252", "ISO_8859_5", "ISO_8859_6", "ISO_8859_7", "ISO_8859_8", "WIN1250", "WIN1253", "WIN1254", "WIN1255", "WIN1257",
	"KOI8U", "SJIS", "BIG5", "GBK", "UHC", "GB18030", "JOHAB", "SHIFT_JIS_2004"}

// encodingLengths are the bytes of the longest character of those encodings that
// need more than one. constant
var encodingLengths = map[int64]int64{1: 3, 2: 3, 3: 3, 4: 4, 5: 3, 6: 4, 7: 4, 35: 2, 36: 2, 37: 2, 38: 2, 39: 4, 40: 3, 41: 2}

// encodingAliases are other names of encodings. constant
var encodingAliases = map[string]string{"unicode": "utf8", "alt": "win866", "abc": "win1258", "tcvn": "win1258", "tcvn5712": "win1258",
	"vscii": "win1258", "koi8": "koi8r", "win": "win1251", "mskanji": "sjis", "shiftjis": "sjis", "win932": "sjis", "win936": "gbk",
	"win949": "uhc", "win950": "big5", "iso88591": "latin1", "iso88592": "latin2", "iso88593": "latin3", "iso88594": "latin4",
	"iso88599": "latin5", "iso885910": "latin6", "iso885913": "latin7", "iso885914": "latin8", "iso885915": "latin9", "iso885916": "latin10"}

// plainEncoding drops from a name what does not count: case and punctuation.
func plainEncoding(s string) string {
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

// FindEncoding is the number of the encoding with a name.
func FindEncoding(name string) (int64, bool) {
	want := plainEncoding(name)
	if rest, ok := strings.CutPrefix(want, "windows"); ok && rest != "" {
		want = "win" + rest
	}
	if a, ok := encodingAliases[want]; ok {
		want = a
	}
	for i, e := range encodings {
		if want != "" && plainEncoding(e) == want {
			return int64(i), true
		}
	}
	return -1, false
}

// EncodingName is the name of an encoding; "": there is none.
func EncodingName(n int64) string {
	if n < 0 || n >= int64(len(encodings)) {
		return ""
	}
	return encodings[n]
}

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
