package builtin

import (
	"unicode/utf8"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// compiled returns the pattern for this call, kept in c.Memo while pattern and
// flags stay the same.
func (c *Call) compiled(src, flags []byte, fold, global bool) (*pattern, error) {
	if p, ok := c.Memo.(*pattern); ok && p.src == string(src) && p.flags == string(flags) {
		return p, nil
	}
	p, err := compileARE(string(src), string(flags), fold, global)
	if err == nil {
		c.Memo = p
	}
	return p, err
}

func addRegexp(r funcs) {
	op := func(name string, fold, not bool) {
		r.scalar(name, func(c *Call) (datum.Datum, error) {
			p, err := c.compiled(arg(c, 1), nil, fold, false)
			if err != nil {
				return datum.Null(), err
			}
			ok, err := p.match(arg(c, 0))
			return datum.Bool(ok != not), err
		})
	}
	for _, t := range []string{"text", "name"} {
		op(t+"regexeq", false, false)
		op(t+"regexne", false, true)
		op(t+"icregexeq", true, false)
		op(t+"icregexne", true, true)
	}
	r.scalar("textregexsubstr", func(c *Call) (datum.Datum, error) {
		p, err := c.compiled(arg(c, 1), nil, false, false)
		if err != nil {
			return datum.Null(), err
		}
		m, err := p.find(arg(c, 0), 0)
		if m == nil || err != nil {
			return datum.Null(), err
		}
		g := 0
		if p.groups > 0 {
			g = 1
		}
		return group(arg(c, 0), m, g), nil
	})
	for _, n := range []string{"textregexreplace_noopt", "textregexreplace"} {
		r.scalar(n, func(c *Call) (datum.Datum, error) {
			var flags []byte
			if len(c.Args) > 3 {
				flags = arg(c, 3)
				if len(flags) > 0 && flags[0] >= '0' && flags[0] <= '9' {
					return datum.Null(), pgerr.New(pgerr.InvalidParameterValue, "invalid regular expression option: \"%c\"", flags[0]).
						WithHint("If you meant to use regexp_replace() with a start parameter, cast the fourth argument to integer explicitly.")
				}
			}
			return regexReplace(c, flags, 1, -1)
		})
	}
	for _, n := range []string{"textregexreplace_extended", "textregexreplace_extended_no_n", "textregexreplace_extended_no_flags"} {
		r.scalar(n, func(c *Call) (datum.Datum, error) {
			var flags []byte
			n := 1
			if len(c.Args) > 4 {
				n = argInt(c, 4)
			}
			if len(c.Args) > 5 {
				flags = arg(c, 5)
			}
			if argInt(c, 3) <= 0 {
				return datum.Null(), badParam("start", argInt(c, 3))
			}
			if n < 0 {
				return datum.Null(), badParam("n", n)
			}
			return regexReplace(c, flags, argInt(c, 3), n)
		})
	}
	addRegexpMatches(r)
	addRegexp15(r)
}

func badParam(name string, v int) error {
	return pgerr.New(pgerr.InvalidParameterValue, "invalid value for parameter \"%s\": %d", name, v)
}

func group(s []byte, m span, g int) datum.Datum {
	if 2*g+1 >= len(m) || m[2*g] < 0 {
		return datum.Null()
	}
	return datum.Bytes(s[m[2*g]:m[2*g+1]])
}

// regexReplace replaces from character start on: the nth match, all if n is 0;
// n < 0: the first, or all with flag g.
func regexReplace(c *Call, flags []byte, start, n int) (datum.Datum, error) {
	s, repl := arg(c, 0), arg(c, 2)
	p, err := c.compiled(arg(c, 1), flags, false, true)
	if err != nil {
		return datum.Null(), err
	}
	if n < 0 {
		n = 1
		if p.glob {
			n = 0
		}
	} else if p.glob && len(c.Args) < 5 {
		n = 0
	}
	if utf8.RuneCount(s) < start-1 {
		return datum.Bytes(s), nil
	}
	from := skip(s, start-1)
	all, err := p.findAll(s, -1)
	if err != nil {
		return datum.Null(), err
	}
	out, at, k := []byte{}, 0, 0
	for _, m := range all {
		if m[0] < from {
			continue
		}
		k++
		if n > 0 && k != n {
			continue
		}
		out = append(out, s[at:m[0]]...)
		out = appendReplacement(out, s, repl, m)
		at = m[1]
		if n > 0 {
			break
		}
	}
	return datum.Bytes(append(out, s[at:]...)), nil
}

func appendReplacement(out, s, repl []byte, m span) []byte {
	for i := 0; i < len(repl); i++ {
		if repl[i] != '\\' || i+1 >= len(repl) {
			out = append(out, repl[i])
			continue
		}
		i++
		switch c := repl[i]; {
		case c >= '1' && c <= '9':
			out = append(out, group(s, m, int(c-'0')).Bytes...)
		case c == '&':
			out = append(out, s[m[0]:m[1]]...)
		case c == '\\':
			out = append(out, '\\')
		default:
			out = append(out, '\\', c)
		}
	}
	return out
}

func textArray(elems []datum.Datum) datum.Datum {
	return datum.Bytes(array.Build(array.Of(oid.Text, elems), array.Elem{Len: -1, Align: 'i'}))
}

// groupsOf are what regexp_match returns: the groups, or the whole match if the
// pattern has none.
func groupsOf(p *pattern, s []byte, m span) datum.Datum {
	if p.groups == 0 {
		return textArray([]datum.Datum{group(s, m, 0)})
	}
	var out []datum.Datum
	for g := 1; g <= p.groups; g++ {
		out = append(out, group(s, m, g))
	}
	return textArray(out)
}

func flagsArg(c *Call, i int) []byte {
	if len(c.Args) > i {
		return arg(c, i)
	}
	return nil
}

func noGlobal(name string, flags []byte) error {
	for _, f := range flags {
		if f == 'g' {
			e := pgerr.New(pgerr.InvalidParameterValue, "%s does not support the \"global\" option", name)
			if name == "regexp_match()" {
				e = e.WithHint("Use the regexp_matches function instead.")
			}
			return e
		}
	}
	return nil
}

func addRegexpMatches(r funcs) {
	match := func(c *Call) (datum.Datum, error) {
		flags := flagsArg(c, 2)
		if err := noGlobal("regexp_match()", flags); err != nil {
			return datum.Null(), err
		}
		p, err := c.compiled(arg(c, 1), flags, false, false)
		if err != nil {
			return datum.Null(), err
		}
		m, err := p.find(arg(c, 0), 0)
		if m == nil || err != nil {
			return datum.Null(), err
		}
		return groupsOf(p, arg(c, 0), m), nil
	}
	r.scalar("regexp_match", match)
	r.scalar("regexp_match_no_flags", match)
	matches := func(c *Call) (Rows, error) {
		p, err := c.compiled(arg(c, 1), flagsArg(c, 2), false, true)
		if err != nil {
			return nil, err
		}
		n := 1
		if p.glob {
			n = -1
		}
		all, err := p.findAll(arg(c, 0), n)
		var out []datum.Datum
		for _, m := range all {
			out = append(out, groupsOf(p, arg(c, 0), m))
		}
		return &listRows{vals: out}, err
	}
	r.set("regexp_matches", matches)
	r.set("regexp_matches_no_flags", matches)
	split := func(c *Call, name string) ([]datum.Datum, error) {
		flags := flagsArg(c, 2)
		if err := noGlobal(name, flags); err != nil {
			return nil, err
		}
		p, err := c.compiled(arg(c, 1), flags, false, false)
		if err != nil {
			return nil, err
		}
		s := arg(c, 0)
		all, err := p.findAll(s, -1)
		var out []datum.Datum
		at := 0
		for _, m := range all {
			if m[0] == m[1] && (m[0] == 0 || m[0] >= len(s)) {
				continue
			}
			out = append(out, datum.Bytes(s[at:m[0]]))
			at = m[1]
		}
		return append(out, datum.Bytes(s[at:])), err
	}
	toArray := func(c *Call) (datum.Datum, error) {
		v, err := split(c, "regexp_split_to_array()")
		if err != nil {
			return datum.Null(), err
		}
		return textArray(v), nil
	}
	toTable := func(c *Call) (Rows, error) {
		v, err := split(c, "regexp_split_to_table()")
		return &listRows{vals: v}, err
	}
	for _, n := range []string{"", "_no_flags"} {
		r.scalar("regexp_split_to_array"+n, toArray)
		r.set("regexp_split_to_table"+n, toTable)
	}
}

// addRegexp15: the functions that PostgreSQL 15 added.
func addRegexp15(r funcs) {
	scan := func(c *Call, flags []byte, name string, start int) ([]span, *pattern, error) {
		if start <= 0 {
			return nil, nil, badParam("start", start)
		}
		if err := noGlobal(name, flags); err != nil {
			return nil, nil, err
		}
		p, err := c.compiled(arg(c, 1), flags, false, false)
		if err != nil {
			return nil, nil, err
		}
		if utf8.RuneCount(arg(c, 0)) < start-1 {
			return nil, p, nil
		}
		all, err := p.findAll(arg(c, 0), -1)
		from := skip(arg(c, 0), start-1)
		for len(all) > 0 && all[0][0] < from {
			all = all[1:]
		}
		return all, p, err
	}
	intArg := func(c *Call, i, def int) int {
		if len(c.Args) > i {
			return argInt(c, i)
		}
		return def
	}
	for _, n := range []string{"regexp_count", "regexp_count_no_flags", "regexp_count_no_start"} {
		r.scalar(n, func(c *Call) (datum.Datum, error) {
			all, _, err := scan(c, flagsArg(c, 3), "regexp_count()", intArg(c, 2, 1))
			return datum.Int(int64(len(all))), err
		})
	}
	for _, n := range []string{"regexp_like", "regexp_like_no_flags"} {
		r.scalar(n, func(c *Call) (datum.Datum, error) {
			all, _, err := scan(c, flagsArg(c, 2), "regexp_like()", 1)
			return datum.Bool(len(all) > 0), err
		})
	}
	addInstrSubstr(r, scan, intArg)
}

func addInstrSubstr(r funcs, scan func(c *Call, flags []byte, name string, start int) ([]span, *pattern, error), intArg func(c *Call, i, def int) int) {
	type opts struct{ start, n, end, sub int }
	check := func(o opts) error {
		switch {
		case o.start <= 0:
			return badParam("start", o.start)
		case o.n <= 0:
			return badParam("n", o.n)
		case o.end != 0 && o.end != 1:
			return badParam("endoption", o.end)
		case o.sub < 0:
			return badParam("subexpr", o.sub)
		}
		return nil
	}
	pick := func(all []span, p *pattern, o opts) (span, error) {
		if o.n > len(all) || o.sub > p.groups {
			return nil, nil
		}
		return all[o.n-1], nil
	}
	for _, n := range []string{"", "_no_start", "_no_n", "_no_endoption", "_no_flags", "_no_subexpr"} {
		r.scalar("regexp_instr"+n, func(c *Call) (datum.Datum, error) {
			o := opts{intArg(c, 2, 1), intArg(c, 3, 1), intArg(c, 4, 0), intArg(c, 6, 0)}
			if err := check(o); err != nil {
				return datum.Null(), err
			}
			all, p, err := scan(c, flagsArg(c, 5), "regexp_instr()", o.start)
			if err != nil {
				return datum.Null(), err
			}
			m, err := pick(all, p, o)
			if m == nil || err != nil || m[2*o.sub] < 0 {
				return datum.Int(0), err
			}
			return datum.Int(int64(utf8.RuneCount(arg(c, 0)[:m[2*o.sub+o.end]])) + 1), nil
		})
	}
	for _, n := range []string{"", "_no_start", "_no_n", "_no_flags", "_no_subexpr"} {
		r.scalar("regexp_substr"+n, func(c *Call) (datum.Datum, error) {
			o := opts{intArg(c, 2, 1), intArg(c, 3, 1), 0, intArg(c, 5, 0)}
			if err := check(o); err != nil {
				return datum.Null(), err
			}
			all, p, err := scan(c, flagsArg(c, 4), "regexp_substr()", o.start)
			if err != nil {
				return datum.Null(), err
			}
			m, err := pick(all, p, o)
			if m == nil || err != nil {
				return datum.Null(), err
			}
			return group(arg(c, 0), m, o.sub), nil
		})
	}
}
