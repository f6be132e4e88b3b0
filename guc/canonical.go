package guc

import (
	"strings"

	"github.com/pgmini/pgmini/charset"
	"github.com/pgmini/pgmini/pgerr"
)

// canonical gives the checks of string settings that are not free text: each
// returns the form that SHOW prints. constant
var canonical = map[string]func(*Setting, string) (string, error){
	"DateStyle":        dateStyle,
	"client_encoding":  clientEncoding,
	"application_name": plainName,
	"cluster_name":     plainName,
}

// dateStyle joins a list of an output format and an order of fields with the
// defaults for what is missing.
func dateStyle(s *Setting, text string) (string, error) {
	style, order := "", ""
	conflict, german := false, false
	set := func(to *string, v string) {
		conflict = conflict || *to != "" && *to != v
		*to = v
	}
	for w := range strings.SplitSeq(text, ",") {
		w = strings.Trim(strings.TrimSpace(w), `"`)
		switch l := strings.ToLower(w); {
		case l == "iso":
			set(&style, "ISO")
		case l == "sql":
			set(&style, "SQL")
		case strings.HasPrefix(l, "postgres"):
			set(&style, "Postgres")
		case l == "german":
			set(&style, "German")
			german = true
		case l == "ymd":
			set(&order, "YMD")
		case l == "dmy" || strings.HasPrefix(l, "euro"):
			set(&order, "DMY")
		case l == "mdy" || l == "us" || strings.HasPrefix(l, "noneuro"):
			set(&order, "MDY")
		case l == "default":
			set(&style, "ISO")
			if order == "" {
				order = "MDY"
			}
		default:
			e := pgerr.New(pgerr.InvalidParameterValue, "invalid value for parameter %q: %s", s.Name, quote(text))
			return "", e.WithDetail("Unrecognized key word: %s.", quote(w))
		}
	}
	if conflict {
		return "", s.invalid(text).WithDetail("Conflicting \"datestyle\" specifications.")
	}
	if german && order == "" {
		order = "DMY"
	}
	return style + ", " + order, nil
}

// completeDateStyle takes the half that a canonical date style leaves out from
// the style in force.
func completeDateStyle(v, old string) string {
	style, order, _ := strings.Cut(v, ", ")
	oldStyle, oldOrder, _ := strings.Cut(old, ", ")
	if style == "" {
		style = oldStyle
	}
	if order == "" {
		order = oldOrder
	}
	return style + ", " + order
}

// clientEncoding accepts the encodings that package charset converts.
func clientEncoding(s *Setting, text string) (string, error) {
	id, ok := charset.Find(text)
	switch {
	case !ok:
		return "", s.invalid(text)
	case id == charset.Mule:
		e := s.invalid(text).WithDetail("Conversion between %s and UTF8 is not supported.", id)
		e.Code = pgerr.FeatureNotSupported
		return "", e
	case !id.Supported():
		return "", pgerr.NotYet("client encoding %s", id)
	}
	return id.String(), nil
}

// plainName puts a question mark for each byte that is not printable ASCII.
func plainName(_ *Setting, text string) (string, error) {
	b := []byte(text)
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '?'
		}
	}
	return string(b), nil
}
