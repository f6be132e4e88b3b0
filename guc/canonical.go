package guc

import (
	"strings"

	"github.com/pgmini/pgmini/pgerr"
)

// canonical gives the checks of string settings that are not free text: each
// returns the form that SHOW prints. constant
var canonical = map[string]func(*Setting, string) (string, error){
	"DateStyle":       dateStyle,
	"client_encoding": clientEncoding,
}

// dateStyle joins a list of an output format and an order of fields with the
// defaults for what is missing.
func dateStyle(s *Setting, text string) (string, error) {
	style, order := "", ""
	for w := range strings.SplitSeq(text, ",") {
		w = strings.Trim(strings.TrimSpace(w), `"`)
		switch l := strings.ToLower(w); {
		case l == "iso":
			style = "ISO"
		case l == "sql":
			style = "SQL"
		case strings.HasPrefix(l, "postgres"):
			style = "Postgres"
		case l == "german":
			style = "German"
			if order == "" {
				order = "DMY"
			}
		case l == "ymd":
			order = "YMD"
		case l == "dmy" || strings.HasPrefix(l, "euro"):
			order = "DMY"
		case l == "mdy" || l == "us" || strings.HasPrefix(l, "noneuro"):
			order = "MDY"
		case l == "default":
			style, order = "ISO", "MDY"
		default:
			e := pgerr.New(pgerr.InvalidParameterValue, "invalid value for parameter %q: %s", s.Name, quote(text))
			return "", e.WithDetail("Unrecognized key word: %s.", quote(w))
		}
	}
	return style + ", " + order, nil
}

// clientEncoding accepts the encodings that need no conversion from UTF8.
func clientEncoding(s *Setting, text string) (string, error) {
	switch strings.ToLower(strings.NewReplacer("-", "", "_", "", "'", "").Replace(text)) {
	case "utf8", "unicode":
		return "UTF8", nil
	case "sqlascii":
		return "SQL_ASCII", nil
	}
	return "", s.invalid(text)
}
