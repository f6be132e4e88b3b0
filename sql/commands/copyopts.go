package commands

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/charset"
	"github.com/pgmini/pgmini/pgerr"
)

// copyHeader says what COPY does about a header line.
type copyHeader byte

const (
	headerNone copyHeader = iota
	headerLine
	headerMatch
)

// copyOptions are the options of COPY, checked.
type copyOptions struct {
	csv, binary   bool
	delim         byte
	null          string
	header        copyHeader
	quote, escape byte
	freeze        bool
	forceQuoteAll bool
	forceQuote    []string
	forceNotNull  []string
	forceNull     []string
	charset       *charset.Table // nil: the server's encoding
}

// copyOptions checks the options of COPY in PostgreSQL's order.
func (c *cmd) copyOptions(list []*pg.Node, isFrom bool) *copyOptions {
	o := &copyOptions{}
	got := map[string]*pg.DefElem{}
	for _, n := range list {
		d := n.GetDefElem()
		if got[d.Defname] != nil {
			failWith(pgerr.New(pgerr.SyntaxError, "conflicting or redundant options").At(c.at(d.Location)))
		}
		got[d.Defname] = d
		c.copyOption(o, d)
	}
	c.copyEncoding(o, got["encoding"])
	if o.binary && got["delimiter"] != nil {
		fail(pgerr.SyntaxError, "cannot specify DELIMITER in BINARY mode")
	}
	if o.binary && got["null"] != nil {
		fail(pgerr.SyntaxError, "cannot specify NULL in BINARY mode")
	}
	o.defaults(got)
	o.check(got, isFrom)
	return o
}

func (c *cmd) copyOption(o *copyOptions, d *pg.DefElem) {
	switch d.Defname {
	case "format":
		switch f := defString(d); f {
		case "text":
		case "csv":
			o.csv = true
		case "binary":
			o.binary = true
		default:
			failWith(pgerr.New(pgerr.InvalidParameterValue, "COPY format %q not recognized", f).At(c.at(d.Location)))
		}
	case "freeze":
		o.freeze = defBool(d)
	case "delimiter", "quote", "escape", "encoding":
		defString(d)
	case "null":
		o.null = defString(d)
	case "header":
		o.header = copyHeaderOf(d)
	case "force_quote":
		if d.Arg != nil && d.Arg.GetAStar() != nil {
			o.forceQuoteAll = true
		} else {
			o.forceQuote = c.copyColumns(d)
		}
	case "force_not_null":
		o.forceNotNull = c.copyColumns(d)
	case "force_null":
		o.forceNull = c.copyColumns(d)
	default:
		failWith(pgerr.New(pgerr.SyntaxError, "option %q not recognized", d.Defname).At(c.at(d.Location)))
	}
}

func (c *cmd) copyColumns(d *pg.DefElem) []string {
	if d.Arg == nil || d.Arg.GetList() == nil {
		failWith(pgerr.New(pgerr.InvalidParameterValue, "argument to option %q must be a list of column names", d.Defname).At(c.at(d.Location)))
	}
	return names(d.Arg.GetList().Items)
}

func copyHeaderOf(d *pg.DefElem) copyHeader {
	if d.Arg == nil {
		return headerLine
	}
	switch strings.ToLower(nodeText(d.Arg)) {
	case "true", "on", "1":
		return headerLine
	case "false", "off", "0":
		return headerNone
	case "match":
		return headerMatch
	}
	fail(pgerr.SyntaxError, `%s requires a Boolean value or "match"`, d.Defname)
	return headerNone
}

// defaults fills in what was not given.
func (o *copyOptions) defaults(got map[string]*pg.DefElem) {
	one := func(name string, def byte) byte {
		d := got[name]
		if d == nil {
			return def
		}
		s := defString(d)
		if len(s) != 1 {
			if name == "delimiter" {
				fail(pgerr.FeatureNotSupported, "COPY delimiter must be a single one-byte character")
			}
			if o.csv {
				fail(pgerr.FeatureNotSupported, "COPY %s must be a single one-byte character", name)
			}
			return 0
		}
		return s[0]
	}
	o.delim = '\t'
	if o.csv {
		o.delim = ','
	}
	o.delim = one("delimiter", o.delim)
	if got["null"] == nil && !o.csv {
		o.null = `\N`
	}
	if o.csv {
		o.quote = one("quote", '"')
		o.escape = one("escape", o.quote)
	}
}

func (o *copyOptions) check(got map[string]*pg.DefElem, isFrom bool) {
	if o.delim == '\r' || o.delim == '\n' {
		fail(pgerr.InvalidParameterValue, "COPY delimiter cannot be newline or carriage return")
	}
	if strings.ContainsAny(o.null, "\r\n") {
		fail(pgerr.InvalidParameterValue, "COPY null representation cannot use newline or carriage return")
	}
	if !o.csv && !o.binary && strings.IndexByte("\\.abcdefghijklmnopqrstuvwxyz0123456789", o.delim) >= 0 {
		fail(pgerr.InvalidParameterValue, `COPY delimiter cannot be "%c"`, o.delim)
	}
	if o.binary && o.header != headerNone {
		fail(pgerr.FeatureNotSupported, "cannot specify HEADER in BINARY mode")
	}
	if !o.csv {
		for _, n := range []string{"quote", "escape", "force_quote", "force_not_null", "force_null"} {
			if got[n] != nil {
				w := strings.ReplaceAll(n, "_", " ")
				if strings.HasPrefix(n, "force") {
					fail(pgerr.FeatureNotSupported, "COPY %s available only in CSV mode", w)
				}
				fail(pgerr.FeatureNotSupported, "COPY %s available only in CSV mode", w)
			}
		}
	}
	if o.csv && o.delim == o.quote {
		fail(pgerr.InvalidParameterValue, "COPY delimiter and quote must be different")
	}
	if got["force_quote"] != nil && isFrom {
		fail(pgerr.FeatureNotSupported, "COPY force quote only available using COPY TO")
	}
	if got["force_not_null"] != nil && !isFrom {
		fail(pgerr.FeatureNotSupported, "COPY force not null only available using COPY FROM")
	}
	if got["force_null"] != nil && !isFrom {
		fail(pgerr.FeatureNotSupported, "COPY force null only available using COPY FROM")
	}
	if !o.binary && strings.IndexByte(o.null, o.delim) >= 0 {
		fail(pgerr.FeatureNotSupported, "COPY delimiter must not appear in the NULL specification")
	}
	if o.csv && strings.IndexByte(o.null, o.quote) >= 0 {
		fail(pgerr.FeatureNotSupported, "CSV quote character must not appear in the NULL specification")
	}
	if o.header == headerMatch && !isFrom {
		fail(pgerr.FeatureNotSupported, `cannot use "match" with HEADER in COPY TO`)
	}
}

// copyTarget resolves the column list of COPY to indexes of columns.
func (c *cmd) copyTarget(rel *access.Relation, list []*pg.Node) []int {
	var out []int
	if len(list) == 0 {
		for i := range rel.Desc.Attrs {
			if a := &rel.Desc.Attrs[i]; !a.Dropped && a.Generated == 0 {
				out = append(out, i)
			}
		}
		return out
	}
	seen := map[int]bool{}
	for _, name := range names(list) {
		i := rel.Desc.ByName(name)
		if i < 0 {
			fail(pgerr.UndefinedColumn, "column %q of relation %q does not exist", name, rel.Name)
		}
		if rel.Desc.Attrs[i].Generated != 0 {
			failWith(pgerr.New(pgerr.InvalidColumnReference, "column %q is a generated column", name).
				WithDetail("Generated columns cannot be used in COPY."))
		}
		if seen[i] {
			fail(pgerr.DuplicateColumn, "column %q specified more than once", name)
		}
		seen[i] = true
		out = append(out, i)
	}
	return out
}

// copyFlags marks the columns that an option names.
func copyFlags(rel *access.Relation, cols []int, list []string, option string) []bool {
	out := make([]bool, len(rel.Desc.Attrs))
	for _, name := range list {
		i := rel.Desc.ByName(name)
		if i < 0 {
			fail(pgerr.UndefinedColumn, "column %q of relation %q does not exist", name, rel.Name)
		}
		found := false
		for _, k := range cols {
			found = found || k == i
		}
		if !found {
			fail(pgerr.InvalidColumnReference, "%s column %q not referenced by COPY", option, name)
		}
		out[i] = true
	}
	return out
}
