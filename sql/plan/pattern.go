package plan

import (
	"math"
	"strings"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/sql/node"
)

// likePrefix is the fixed beginning of a LIKE pattern; exact says that it is the
// whole pattern. rest is what follows.
func likePrefix(pattern string) (prefix, rest string, exact bool) {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '%', '_':
			return b.String(), pattern[i:], false
		case '\\':
			if i++; i >= len(pattern) {
				return b.String(), "", true
			}
		}
		b.WriteByte(pattern[i])
	}
	return b.String(), "", true
}

// regexPrefix is the fixed beginning that ^ gives a regular expression.
func regexPrefix(pattern string) (prefix, rest string, exact bool) {
	if !strings.HasPrefix(pattern, "^") || strings.ContainsAny(pattern, "|") {
		return "", pattern, false
	}
	p := pattern[1:]
	i := 0
	for i < len(p) && !strings.ContainsRune(`.[](){}*+?^$\`, rune(p[i])) && p[i] < 0x80 {
		i++
	}
	if i < len(p) && strings.ContainsRune("*?{", rune(p[i])) && i > 0 {
		i--
	}
	if i < len(p) && p[i] == '+' && i > 0 {
		return p[:i], p[i:], false
	}
	return p[:i], p[i:], p[i:] == "$"
}

// fixedPrefix is the fixed beginning of the pattern of an operator.
func fixedPrefix(o Operator, pattern string) (prefix, rest string, exact, ok bool) {
	switch strings.TrimPrefix(o.Restrict, "n") {
	case "likesel":
		prefix, rest, exact = likePrefix(pattern)
	case "regexeqsel", "regexnesel":
		prefix, rest, exact = regexPrefix(pattern)
	case "prefixsel":
		prefix = pattern
	default:
		rest = pattern
		return "", rest, false, true
	}
	return prefix, rest, exact, true
}

// nextString is the smallest string above all that begin with s, in the C
// collation; false if there is none.
func nextString(s string) (string, bool) {
	b := []byte(s)
	for len(b) > 0 {
		if k := b[len(b)-1]; k < 0x7f {
			b[len(b)-1]++
			return string(b), true
		}
		b = b[:len(b)-1]
		for len(b) > 0 && b[len(b)-1]&0xC0 == 0x80 {
			b = b[:len(b)-1]
		}
		if len(b) > 0 && b[len(b)-1] >= 0xC0 {
			b = b[:len(b)-1]
		}
	}
	return "", false
}

// patternSel is the selectivity of LIKE and regular expressions.
func (r *root) patternSel(op oid.OID, o Operator, v variable, val node.Node, ok bool, coll oid.OID) float64 {
	negated := strings.HasPrefix(o.Restrict, "n") || strings.HasPrefix(o.Restrict, "icn") || strings.HasSuffix(o.Restrict, "nesel")
	def := defaultMatch
	if negated {
		def = 1 - defaultMatch
	}
	if !ok {
		return def
	}
	d, known := r.cat.Estimate(val)
	if !known || !varsOf(val).empty() {
		return def
	}
	if d.Null {
		return 0
	}
	null, mcv, sum := 0.0, 0.0, 0.0
	if v.stats != nil {
		null = v.stats.NullFrac
	}
	prefix, rest, exact, _ := fixedPrefix(o, string(d.Bytes))
	if exact {
		s := r.equalConst(v, datum.String(prefix), coll, false)
		if negated {
			s = 1 - s - null
		}
		return probability(s)
	}
	positive := op
	if negated {
		positive = o.Negator
	}
	test := r.tester(positive, val, coll)
	s, size := -1.0, 0
	if v.stats != nil {
		s, size = histogramMatches(v.stats, test)
		for i, k := range v.stats.Common {
			sum += v.stats.CommonFreq[i]
			if test(v.stats.Type, k) {
				mcv += v.stats.CommonFreq[i]
			}
		}
	}
	if size < 100 {
		heuristic := r.prefixSel(v, prefix, coll) * restSel(o, rest)
		if s < 0 {
			s = heuristic
		} else {
			w := float64(size) / 100
			s = s*w + heuristic*(1-w)
		}
		if size > 0 || s >= 0 {
			s = math.Min(0.9999, math.Max(0.0001, s))
		}
	} else {
		s = math.Min(0.9999, math.Max(0.0001, s))
	}
	s = s*(1-null-sum) + mcv
	if negated {
		s = 1 - s - null
	}
	return probability(s)
}

// tester evaluates value op pattern.
func (r *root) tester(op oid.OID, val node.Node, coll oid.OID) func(oid.OID, datum.Datum) bool {
	o, err := r.cat.Operator(op)
	return func(t oid.OID, d datum.Datum) bool {
		if err != nil {
			return false
		}
		k := &node.Const{Consttype: t, Consttypmod: -1, Constcollid: coll, Constlen: -1, Constvalue: d, Location: -1}
		out, err := r.cat.Eval(&node.OpExpr{Opno: op, Opfuncid: o.Func, Opresulttype: oid.Bool, Inputcollid: coll, Args: []node.Node{k, val}, Location: -1})
		return err == nil && !out.Null && out.Bool()
	}
}

// histogramMatches is the share of the histogram's inner values that match, -1 if
// it is too small, and its size.
func histogramMatches(st *ColumnStats, test func(oid.OID, datum.Datum) bool) (float64, int) {
	n := len(st.Histogram)
	if n < 10 {
		return -1, n
	}
	match := 0
	for _, k := range st.Histogram[1 : n-1] {
		if test(st.Type, k) {
			match++
		}
	}
	return float64(match) / float64(n-2), n
}

// prefixSel is the selectivity of beginning with prefix.
func (r *root) prefixSel(v variable, prefix string, coll oid.OID) float64 {
	if prefix == "" {
		return 1
	}
	d := datum.String(prefix)
	if v.stats == nil || len(v.stats.Histogram) < 2 {
		return defaultMatch
	}
	s := r.histogramSel(v, d, true, true, coll)
	if s < 0 {
		return defaultMatch
	}
	if next, ok := nextString(prefix); ok {
		s += r.histogramSel(v, datum.String(next), false, false, coll) - 1
	}
	return math.Max(s, r.equalConst(v, d, coll, false))
}

// restSel guesses the selectivity of what follows the fixed beginning.
func restSel(o Operator, rest string) float64 {
	if strings.Contains(o.Restrict, "regex") {
		return regexRest(rest)
	}
	if o.Restrict == "prefixsel" {
		return 1
	}
	rest = strings.TrimLeft(rest, "%_")
	s := 1.0
	for i := 0; i < len(rest); i++ {
		switch rest[i] {
		case '%':
			s *= 5
		case '_':
			s *= 0.9
		case '\\':
			i++
			s *= 0.2
		default:
			s *= 0.2
		}
	}
	return math.Min(1, s)
}

func regexRest(rest string) float64 {
	s := 1.0
	anchored := strings.HasSuffix(rest, "$") && !strings.HasSuffix(rest, `\$`)
	if anchored {
		rest = rest[:len(rest)-1]
	}
	for i := 0; i < len(rest); i++ {
		switch rest[i] {
		case '.':
			s *= 0.9
		case '*', '?', '+':
			s *= 2
		case '[':
			for i < len(rest) && rest[i] != ']' {
				i++
			}
			s *= 0.25
		case '\\':
			i++
			s *= 0.2
		case '^', '(', ')':
		default:
			s *= 0.2
		}
	}
	if !anchored {
		s *= 5
	}
	return math.Min(1, s)
}
