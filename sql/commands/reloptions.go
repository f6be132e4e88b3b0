package commands

import (
	"math"
	"sort"
	"strconv"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/pgerr"
)

// relOption is a storage parameter: its kinds of relation and its range.
type relOption struct {
	kinds    string // relkinds; B is a btree index, a a column
	kind     byte   // b, i, r, e
	min, max float64
	words    string
}

// knownOptions are PostgreSQL 15's storage parameters. constant
var knownOptions = map[string]relOption{
	"fillfactor":                            {"rB", 'i', 10, 100, ""},
	"toast_tuple_target":                    {"r", 'i', 128, 8160, ""},
	"parallel_workers":                      {"r", 'i', 0, 1024, ""},
	"user_catalog_table":                    {"r", 'b', 0, 0, ""},
	"autovacuum_enabled":                    {"rt", 'b', 0, 0, ""},
	"vacuum_truncate":                       {"rt", 'b', 0, 0, ""},
	"vacuum_index_cleanup":                  {"rt", 'e', 0, 0, "auto,on,off,true,false,yes,no,1,0"},
	"autovacuum_vacuum_threshold":           {"rt", 'i', 0, 2147483647, ""},
	"autovacuum_vacuum_insert_threshold":    {"rt", 'i', -1, 2147483647, ""},
	"autovacuum_analyze_threshold":          {"r", 'i', 0, 2147483647, ""},
	"autovacuum_vacuum_cost_limit":          {"rt", 'i', 1, 10000, ""},
	"autovacuum_freeze_min_age":             {"rt", 'i', 0, 1000000000, ""},
	"autovacuum_multixact_freeze_min_age":   {"rt", 'i', 0, 1000000000, ""},
	"autovacuum_freeze_max_age":             {"rt", 'i', 100000, 2000000000, ""},
	"autovacuum_multixact_freeze_max_age":   {"rt", 'i', 10000, 2000000000, ""},
	"autovacuum_freeze_table_age":           {"rt", 'i', 0, 2000000000, ""},
	"autovacuum_multixact_freeze_table_age": {"rt", 'i', 0, 2000000000, ""},
	"log_autovacuum_min_duration":           {"rt", 'i', -1, 2147483647, ""},
	"autovacuum_vacuum_cost_delay":          {"rt", 'r', 0, 100, ""},
	"autovacuum_vacuum_scale_factor":        {"rt", 'r', 0, 100, ""},
	"autovacuum_vacuum_insert_scale_factor": {"rt", 'r', 0, 100, ""},
	"autovacuum_analyze_scale_factor":       {"r", 'r', 0, 100, ""},
	"deduplicate_items":                     {"B", 'b', 0, 0, ""},
	"vacuum_cleanup_index_scale_factor":     {"B", 'r', 0, 1e10, ""},
	"security_barrier":                      {"v", 'b', 0, 0, ""},
	"security_invoker":                      {"v", 'b', 0, 0, ""},
	"check_option":                          {"v", 'e', 0, 0, "local,cascaded"},
	"n_distinct":                            {"a", 'r', -1, math.MaxFloat64, ""},
	"n_distinct_inherited":                  {"a", 'r', -1, math.MaxFloat64, ""},
}

// relOptions turns WITH (…) into pg_class.reloptions.
func (c *cmd) relOptions(list []*pg.Node, kind byte) []string {
	return c.mergeOptions(nil, list, kind, false)
}

// mergeOptions applies SET (…), or with reset RESET (…), to reloptions.
func (c *cmd) mergeOptions(old []string, list []*pg.Node, kind byte, reset bool) []string {
	out := append([]string(nil), old...)
	for _, n := range list {
		d := n.GetDefElem()
		name := d.Defname
		if d.Defnamespace != "" {
			if d.Defnamespace != "toast" {
				fail(pgerr.InvalidParameterValue, "unrecognized parameter namespace %q", d.Defnamespace)
			}
			notYet("storage parameters of TOAST tables")
		}
		if name == "oids" && kind == 'r' && !reset {
			if defBool(d) {
				fail(pgerr.FeatureNotSupported, "tables declared WITH OIDS are not supported")
			}
			continue
		}
		for i, o := range out {
			if strings.HasPrefix(o, name+"=") {
				out = append(out[:i:i], out[i+1:]...)
				break
			}
		}
		if reset {
			continue
		}
		out = append(out, name+"="+optionValue(d, kind))
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// optionValue checks a storage parameter and returns its text.
func optionValue(d *pg.DefElem, kind byte) string {
	o, ok := knownOptions[d.Defname]
	if !ok || !strings.ContainsRune(o.kinds, rune(kind)) {
		fail(pgerr.InvalidParameterValue, "unrecognized parameter %q", d.Defname)
	}
	text := "true"
	if d.Arg != nil {
		text = nodeText(d.Arg)
	}
	switch o.kind {
	case 'b':
		if !isBoolWord(text) {
			fail(pgerr.InvalidParameterValue, "invalid value for boolean option %q: %s", d.Defname, text)
		}
	case 'e':
		words := strings.Split(o.words, ",")
		if !contains(words, toLower(text)) {
			e := pgerr.New(pgerr.InvalidParameterValue, "invalid value for enum option %q: %s", d.Defname, text)
			if d.Defname == "check_option" {
				e = e.WithDetail(`Valid values are "local" and "cascaded".`)
			} else {
				e = e.WithDetail(`Valid values are "on", "off", and "auto".`)
			}
			failWith(e)
		}
	default:
		checkNumber(d.Defname, text, o)
	}
	return text
}

func isBoolWord(s string) bool {
	s = toLower(s)
	words := []string{"0", "1", "false", "no", "off", "on", "true", "yes"}
	i := sort.SearchStrings(words, s)
	return s != "" && (i < len(words) && (words[i] == s || len(s) > 0 && strings.HasPrefix(words[i], s) && s != "o"))
}

func checkNumber(name, text string, o relOption) {
	word, show := "integer", func(f float64) string { return strconv.FormatInt(int64(f), 10) }
	var v float64
	var err error
	if o.kind == 'i' {
		var n int64
		n, err = strconv.ParseInt(text, 10, 32)
		v = float64(n)
	} else {
		word, show = "floating point", func(f float64) string { return strconv.FormatFloat(f, 'f', 6, 64) }
		v, err = strconv.ParseFloat(text, 64)
	}
	if err != nil {
		fail(pgerr.InvalidParameterValue, "invalid value for %s option %q: %s", word, name, text)
	}
	if v < o.min || v > o.max {
		failWith(pgerr.New(pgerr.InvalidParameterValue, "value %s out of bounds for option %q", text, name).
			WithDetail("Valid values are between %q and %q.", show(o.min), show(o.max)))
	}
}
