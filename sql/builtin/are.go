package builtin

import (
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2"

	"github.com/pgmini/pgmini/pgerr"
)

// pattern is a compiled PostgreSQL regular expression (ARE). Patterns without
// look-around and back-references run on Go's engine, in linear time and with
// POSIX's longest match; the others on a backtracking one, with a time limit.
type pattern struct {
	src, flags string
	re         *regexp.Regexp
	back       *regexp2.Regexp
	groups     int
	glob       bool
}

// backTimeout bounds one match of the backtracking engine.
const backTimeout = 30 * time.Second

// span is a match: byte offsets of the whole and of each group, -1 for a group
// that took no part.
type span []int

func regexError(what string) error {
	return pgerr.New(pgerr.InvalidRegularExpression, "invalid regular expression: %s", what)
}

// compileARE compiles src under the option letters flags. global says whether
// the caller understands g.
func compileARE(src, flags string, fold bool, global bool) (*pattern, error) {
	t := &areReader{in: src, fold: fold}
	p := &pattern{src: src, flags: flags}
	for _, f := range flags {
		switch f {
		case 'g':
			if !global {
				return nil, pgerr.New(pgerr.InvalidParameterValue, "invalid regular expression option: \"%c\"", f)
			}
			p.glob = true
		default:
			if !t.option(f) {
				return nil, pgerr.New(pgerr.InvalidParameterValue, "invalid regular expression option: \"%c\"", f)
			}
		}
	}
	out, err := t.translate()
	if err != nil {
		return nil, err
	}
	prefix := "(?"
	if t.fold {
		prefix += "i"
	}
	if !t.dotStops {
		prefix += "s"
	}
	if t.lines {
		prefix += "m"
	}
	if prefix != "(?" {
		out = prefix + ")" + out
	}
	if t.needBack {
		opt := regexp2.None
		p.back, err = regexp2.Compile(out, opt)
		if err != nil {
			return nil, regexError("quantifier operand invalid")
		}
		p.back.MatchTimeout = backTimeout
		p.groups = len(p.back.GetGroupNumbers()) - 1
		return p, nil
	}
	p.re, err = regexp.Compile(out)
	if err != nil {
		return nil, regexError(areFault(err))
	}
	if !t.lazy {
		p.re.Longest()
	}
	p.groups = p.re.NumSubexp()
	return p, nil
}

func areFault(err error) string {
	e, ok := err.(*syntax.Error)
	if !ok {
		return "regular expression is too complex"
	}
	switch e.Code {
	case syntax.ErrMissingParen, syntax.ErrUnexpectedParen:
		return "parentheses () not balanced"
	case syntax.ErrMissingBracket:
		return "brackets [] not balanced"
	case syntax.ErrInvalidCharRange, syntax.ErrInvalidCharClass:
		if strings.Contains(e.Expr, "[:") {
			return "invalid character class"
		}
		return "invalid character range"
	case syntax.ErrMissingRepeatArgument, syntax.ErrInvalidRepeatOp:
		return "quantifier operand invalid"
	case syntax.ErrInvalidRepeatSize:
		return "invalid repetition count(s)"
	case syntax.ErrInvalidEscape, syntax.ErrTrailingBackslash:
		return "invalid escape \\ sequence"
	}
	return "regular expression is too complex"
}

// areReader rewrites an ARE in the syntax of Go's engines.
type areReader struct {
	in       string
	i        int
	out      strings.Builder
	fold     bool
	dotStops bool // . and [^ do not match a newline
	lines    bool // ^ and $ match at newlines
	literal  bool
	expanded bool
	basic    bool
	lazy     bool
	needBack bool
}

func (t *areReader) option(f rune) bool {
	switch f {
	case 'i':
		t.fold = true
	case 'c':
		t.fold = false
	case 'n', 'm':
		t.dotStops, t.lines = true, true
	case 'p':
		t.dotStops, t.lines = true, false
	case 'w':
		t.dotStops, t.lines = false, true
	case 's':
		t.dotStops, t.lines = false, false
	case 'x':
		t.expanded = true
	case 't':
		t.expanded = false
	case 'q':
		t.literal = true
	case 'b':
		t.basic = true
	case 'e':
	default:
		return false
	}
	return true
}

func (t *areReader) translate() (string, error) {
	switch {
	case strings.HasPrefix(t.in, "***="):
		t.in, t.literal = t.in[4:], true
	case strings.HasPrefix(t.in, "***:"):
		t.in = t.in[4:]
	case strings.HasPrefix(t.in, "***"):
		return "", regexError("quantifier operand invalid")
	}
	if t.literal {
		return regexp.QuoteMeta(t.in), nil
	}
	if strings.HasPrefix(t.in, "(?") && len(t.in) > 2 && t.in[2] >= 'a' && t.in[2] <= 'z' {
		end := strings.IndexByte(t.in, ')')
		if end < 0 {
			return "", regexError("invalid embedded option")
		}
		for _, f := range t.in[2:end] {
			if !t.option(f) {
				return "", regexError("invalid embedded option")
			}
		}
		t.in = t.in[end+1:]
		if t.literal {
			return regexp.QuoteMeta(t.in), nil
		}
	}
	for t.i < len(t.in) {
		if err := t.atom(); err != nil {
			return "", err
		}
	}
	return t.out.String(), nil
}

func (t *areReader) atom() error {
	c := t.in[t.i]
	switch {
	case c == '\\':
		return t.escape()
	case c == '[':
		return t.bracket()
	case t.expanded && (c == ' ' || c >= '\t' && c <= '\r'):
		t.i++
		return nil
	case t.expanded && c == '#':
		for t.i < len(t.in) && t.in[t.i] != '\n' {
			t.i++
		}
		return nil
	case c == '(' && strings.HasPrefix(t.in[t.i:], "(?"):
		rest := t.in[t.i:]
		if strings.HasPrefix(rest, "(?#") {
			end := strings.IndexByte(rest, ')')
			if end < 0 {
				return regexError("parentheses () not balanced")
			}
			t.i += end + 1
			return nil
		}
		for _, look := range []string{"(?=", "(?!", "(?<=", "(?<!"} {
			if strings.HasPrefix(rest, look) {
				t.needBack = true
				t.out.WriteString(look)
				t.i += len(look)
				return nil
			}
		}
		if !strings.HasPrefix(rest, "(?:") {
			return regexError("quantifier operand invalid")
		}
		t.out.WriteString("(?:")
		t.i += 3
		return nil
	case c == '$' && !t.lines:
		t.out.WriteString(`\z`)
		t.i++
		return nil
	case c == '*' || c == '+' || c == '?' || c == '{':
		return t.quantifier()
	}
	_, w := utf8.DecodeRuneInString(t.in[t.i:])
	t.out.WriteString(t.in[t.i : t.i+w])
	t.i += w
	return nil
}

func (t *areReader) quantifier() error {
	c := t.in[t.i]
	end := t.i + 1
	if c == '{' {
		if end >= len(t.in) || t.in[end] < '0' || t.in[end] > '9' {
			t.out.WriteString(`\{`)
			t.i++
			return nil
		}
		k := strings.IndexByte(t.in[t.i:], '}')
		if k < 0 {
			return regexError("braces {} not balanced")
		}
		end = t.i + k + 1
		lo, hi, two := strings.Cut(t.in[t.i+1:end-1], ",")
		a, err1 := strconv.Atoi(lo)
		b := a
		var err2 error
		if two && hi != "" {
			b, err2 = strconv.Atoi(hi)
		}
		if err1 != nil || err2 != nil || a > 255 || b > 255 || b < a {
			return regexError("invalid repetition count(s)")
		}
	}
	t.out.WriteString(t.in[t.i:end])
	t.i = end
	if t.i < len(t.in) && t.in[t.i] == '?' {
		t.lazy = true
		t.out.WriteByte('?')
		t.i++
	}
	if t.i < len(t.in) && strings.IndexByte("*+?", t.in[t.i]) >= 0 {
		return regexError("quantifier operand invalid")
	}
	return nil
}

func isWordByte(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_'
}

// escape takes a backslash sequence outside of brackets.
func (t *areReader) escape() error {
	if t.i+1 >= len(t.in) {
		return regexError("invalid escape \\ sequence")
	}
	c := t.in[t.i+1]
	t.i += 2
	switch c {
	case 'd', 'D', 's', 'S', 'w', 'W':
		t.out.WriteString(`\` + string(c))
	case 'A':
		t.out.WriteString(`\A`)
	case 'Z':
		t.out.WriteString(`\z`)
	case 'y':
		t.out.WriteString(`\b`)
	case 'Y':
		t.out.WriteString(`\B`)
	case 'm':
		if t.i < len(t.in) && isWordByte(t.in[t.i]) {
			t.out.WriteString(`\b`)
		} else {
			t.needBack = true
			t.out.WriteString(`(?<!\w)(?=\w)`)
		}
	case 'M':
		if t.i >= 3 && isWordByte(t.in[t.i-3]) && (t.i < 4 || t.in[t.i-4] != '\\') {
			t.out.WriteString(`\b`)
		} else {
			t.needBack = true
			t.out.WriteString(`(?<=\w)(?!\w)`)
		}
	default:
		if c >= '1' && c <= '9' {
			j := t.i
			for j < len(t.in) && t.in[j] >= '0' && t.in[j] <= '9' {
				j++
			}
			n, _ := strconv.Atoi(t.in[t.i-1 : j])
			if n > strings.Count(t.in, "(") {
				return regexError("invalid backreference number")
			}
			t.needBack = true
			t.out.WriteString(`(?:\` + strconv.Itoa(n) + `)`)
			t.i = j
			return nil
		}
		r, err := t.charEscape(c)
		if err != nil {
			return err
		}
		t.out.WriteString(regexp.QuoteMeta(string(r)))
	}
	return nil
}

// charEscape is the character that \c means; t.i stands behind c.
func (t *areReader) charEscape(c byte) (rune, error) {
	hexDigits := func(n int, exact bool) (rune, error) {
		j := t.i
		for j < len(t.in) && j < t.i+n && strings.IndexByte("0123456789abcdefABCDEF", t.in[j]) >= 0 {
			j++
		}
		if j == t.i || exact && j != t.i+n {
			return 0, regexError("invalid escape \\ sequence")
		}
		v, _ := strconv.ParseUint(t.in[t.i:j], 16, 32)
		t.i = j
		return rune(v), nil
	}
	switch c {
	case 'a':
		return 7, nil
	case 'b':
		return 8, nil
	case 'B':
		return '\\', nil
	case 'e':
		return 27, nil
	case 'f':
		return 12, nil
	case 'n':
		return 10, nil
	case 'r':
		return 13, nil
	case 't':
		return 9, nil
	case 'v':
		return 11, nil
	case '0':
		return 0, nil
	case 'x':
		return hexDigits(255, false)
	case 'u':
		return hexDigits(4, true)
	case 'U':
		return hexDigits(8, true)
	case 'c':
		if t.i >= len(t.in) {
			return 0, regexError("invalid escape \\ sequence")
		}
		ch, w := utf8.DecodeRuneInString(string(t.in[t.i:]))
		t.i += w
		return ch & 0x1f, nil
	}
	if isWordByte(c) && c != '_' {
		return 0, regexError("invalid escape \\ sequence")
	}
	if c < utf8.RuneSelf {
		return rune(c), nil
	}
	t.i--
	r, w := utf8.DecodeRuneInString(t.in[t.i:])
	t.i += w
	return r, nil
}

// bracket takes a bracket expression.
func (t *areReader) bracket() error {
	s := t.in[t.i:]
	for _, w := range []struct{ in, out string }{{"[[:<:]]", `(?<!\w)(?=\w)`}, {"[[:>:]]", `(?<=\w)(?!\w)`}} {
		if strings.HasPrefix(s, w.in) {
			t.needBack = true
			t.out.WriteString(w.out)
			t.i += len(w.in)
			return nil
		}
	}
	t.i++
	t.out.WriteByte('[')
	if t.i < len(t.in) && t.in[t.i] == '^' {
		t.out.WriteByte('^')
		t.i++
		if t.dotStops {
			t.out.WriteString(`\n`)
		}
	}
	for first := true; ; first = false {
		if t.i >= len(t.in) {
			return regexError("brackets [] not balanced")
		}
		c := t.in[t.i]
		switch {
		case c == ']' && !first:
			t.out.WriteByte(']')
			t.i++
			return nil
		case strings.HasPrefix(t.in[t.i:], "[:"):
			end := strings.Index(t.in[t.i:], ":]")
			if end < 0 {
				return regexError("brackets [] not balanced")
			}
			name := t.in[t.i : t.i+end+2]
			switch name[2 : len(name)-2] {
			case "alpha", "digit", "alnum", "upper", "lower", "space", "blank", "punct", "print", "graph", "cntrl", "xdigit", "word", "ascii":
			default:
				return regexError("invalid character class")
			}
			t.out.WriteString(name)
			t.i += end + 2
		case strings.HasPrefix(t.in[t.i:], "[.") || strings.HasPrefix(t.in[t.i:], "[="):
			close := string(t.in[t.i+1]) + "]"
			end := strings.Index(t.in[t.i+2:], close)
			if end < 0 {
				return regexError("brackets [] not balanced")
			}
			t.out.WriteString(regexp.QuoteMeta(t.in[t.i+2 : t.i+2+end]))
			t.i += end + 4
		case c == '\\' && t.i+1 < len(t.in):
			d := t.in[t.i+1]
			t.i += 2
			if strings.IndexByte("dswDSW", d) >= 0 {
				t.out.WriteString(`\` + string(d))
				break
			}
			r, err := t.charEscape(d)
			if err != nil {
				return err
			}
			t.classRune(r)
		case c == '-':
			t.i++
			if first || t.i < len(t.in) && t.in[t.i] == ']' {
				t.out.WriteString(`\-`)
			} else {
				t.out.WriteByte('-')
			}
		default:
			r, w := utf8.DecodeRuneInString(t.in[t.i:])
			t.i += w
			t.classRune(r)
		}
	}
}

func (t *areReader) classRune(r rune) {
	if strings.ContainsRune(`[]\^-&~`, r) {
		t.out.WriteByte('\\')
	}
	t.out.WriteRune(r)
}

// find returns the first match at or after byte offset from.
func (p *pattern) find(s []byte, from int) (span, error) {
	if from > len(s) {
		return nil, nil
	}
	if p.re != nil {
		if from == 0 {
			return p.re.FindSubmatchIndex(s), nil
		}
		// Anchors and boundaries must see what lies before from.
		for _, m := range p.re.FindAllSubmatchIndex(s, -1) {
			if m[0] >= from {
				return m, nil
			}
		}
		return nil, nil
	}
	all, err := p.findAll(s, -1)
	for _, m := range all {
		if m[0] >= from {
			return m, err
		}
	}
	return nil, err
}

// findAll returns at most n matches (n < 0: all). An empty match right behind
// another match does not count for Go's engine; PostgreSQL agrees.
func (p *pattern) findAll(s []byte, n int) ([]span, error) {
	var out []span
	if p.re != nil {
		for _, m := range p.re.FindAllSubmatchIndex(s, n) {
			out = append(out, m)
		}
		return out, nil
	}
	runes := []rune(string(s))
	off := make([]int, len(runes)+1)
	for i, r := range runes {
		off[i+1] = off[i] + utf8.RuneLen(r)
	}
	m, err := p.back.FindRunesMatch(runes)
	for m != nil && err == nil && (n < 0 || len(out) < n) {
		sp := span{}
		for _, g := range m.Groups() {
			if len(g.Captures) == 0 {
				sp = append(sp, -1, -1)
			} else {
				sp = append(sp, off[g.Index], off[g.Index+g.Length])
			}
		}
		out = append(out, sp)
		m, err = p.back.FindNextMatch(m)
	}
	if err != nil {
		return nil, regexError("regular expression is too complex")
	}
	return out, nil
}

// match reports whether s contains a match.
func (p *pattern) match(s []byte) (bool, error) {
	if p.re != nil {
		return p.re.Match(s), nil
	}
	ok, err := p.back.MatchRunes([]rune(string(s)))
	if err != nil {
		return false, regexError("regular expression is too complex")
	}
	return ok, nil
}
