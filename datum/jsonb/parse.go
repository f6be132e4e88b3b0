package jsonb

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/pgmini/pgmini/pgerr"
)

// maxDepth of nesting: what PostgreSQL's stack holds is about that.
const maxDepth = 13000

type token struct {
	kind       byte // '{' '}' '[' ']' ',' ':' 's' 'n' 't' 'f' '0', or 0 at the end
	start, end int
	str        []byte
}

// parser reads one token ahead.
type parser struct {
	src       []byte
	tok       token
	at        int
	line      int
	lineStart int
	escapes   bool // strings are decoded
	depth     int
}

// failure unwinds the parser.
type failure struct{ err error }

// Parse reads a JSON text. decode says that strings are wanted without their
// escapes, which refuses those that no text can hold.
func Parse(src []byte, decode bool) (v Value, err error) {
	p := &parser{src: src, line: 1, escapes: decode}
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(failure)
			if !ok {
				panic(r)
			}
			err = f.err
		}
	}()
	p.next()
	v = p.value("Expected JSON value, but found %s.")
	if p.tok.kind != 0 {
		p.unexpected("Expected end of input, but found %s.")
	}
	return v, nil
}

// fail reports a fault; the excerpt of the line ends where the token does.
func (p *parser) fail(code pgerr.Code, msg, detail string) {
	e := pgerr.New(code, "%s", msg)
	e.Detail = detail
	from, to := p.lineStart, min(p.tok.end, len(p.src))
	for to-from >= 50 {
		_, w := utf8.DecodeRune(p.src[from:])
		from += w
	}
	if from-p.lineStart <= 3 {
		from = p.lineStart
	}
	from = min(from, to)
	head, tail := "", ""
	if from > p.lineStart {
		head = "..."
	}
	if p.tok.kind != 0 && to < len(p.src) && p.src[to] != '\n' && p.src[to] != '\r' {
		tail = "..."
	}
	e.Where = fmt.Sprintf("JSON data, line %d: %s%s%s", p.line, head, p.src[from:to], tail)
	panic(failure{e})
}

func (p *parser) bad(detail string) {
	p.fail(pgerr.InvalidTextRepresentation, "invalid input syntax for type json", detail)
}

func (p *parser) invalidToken(end int) {
	p.tok.end, p.tok.kind = end, '?'
	p.bad(fmt.Sprintf("Token \"%s\" is invalid.", p.src[p.tok.start:end]))
}

func (p *parser) unexpected(format string) {
	if p.tok.kind == 0 {
		p.bad("The input string ended unexpectedly.")
	}
	p.bad(fmt.Sprintf(format, `"`+string(p.src[p.tok.start:p.tok.end])+`"`))
}

func wordByte(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '_' || c >= utf8.RuneSelf
}

// next reads the next token.
func (p *parser) next() {
	for p.at < len(p.src) && bytes.IndexByte([]byte(" \t\n\r"), p.src[p.at]) >= 0 {
		if p.src[p.at] == '\n' {
			p.line++
			p.lineStart = p.at + 1
		}
		p.at++
	}
	p.tok = token{start: p.at, end: p.at}
	if p.at >= len(p.src) {
		return
	}
	switch c := p.src[p.at]; {
	case bytes.IndexByte([]byte("{}[],:"), c) >= 0:
		p.tok.kind, p.tok.end = c, p.at+1
	case c == '"':
		p.tok.kind = 's'
		p.str()
	case c == '-' || c >= '0' && c <= '9':
		p.tok.kind = '0'
		p.number()
	default:
		end := p.at
		for end < len(p.src) && wordByte(p.src[end]) {
			end++
		}
		switch string(p.src[p.at:end]) {
		case "true", "false", "null":
			p.tok.kind, p.tok.end = c, end
		case "":
			_, w := utf8.DecodeRune(p.src[p.at:])
			p.invalidToken(p.at + w)
		default:
			p.invalidToken(end)
		}
	}
	p.at = p.tok.end
}

func (p *parser) number() {
	i, ok := p.at, true
	digits := func() int {
		n := i
		for i < len(p.src) && p.src[i] >= '0' && p.src[i] <= '9' {
			i++
		}
		return i - n
	}
	if p.src[i] == '-' {
		i++
	}
	switch {
	case i < len(p.src) && p.src[i] == '0':
		i++
	case digits() == 0:
		ok = false
	}
	if ok && i < len(p.src) && p.src[i] == '.' {
		i++
		ok = digits() > 0
	}
	if ok && i < len(p.src) && p.src[i]|0x20 == 'e' {
		i++
		if i < len(p.src) && (p.src[i] == '+' || p.src[i] == '-') {
			i++
		}
		ok = digits() > 0
	}
	for i < len(p.src) && wordByte(p.src[i]) {
		i++
		ok = false
	}
	if !ok {
		p.invalidToken(i)
	}
	p.tok.end = i
}

// str reads a string to its closing quote.
func (p *parser) str() {
	out := []byte{}
	high := rune(0)
	i := p.at + 1
	for {
		if i >= len(p.src) {
			p.invalidToken(len(p.src))
		}
		c := p.src[i]
		if high != 0 && c != '\\' {
			_, w := utf8.DecodeRune(p.src[i:])
			p.surrogate(i+w, "Unicode low surrogate must follow a high surrogate.")
		}
		switch {
		case c == '"':
			p.tok.end, p.tok.str = i+1, out
			return
		case c < ' ':
			p.tok.end = i
			p.bad(fmt.Sprintf("Character with value 0x%02x must be escaped.", c))
		case c != '\\':
			out = append(out, c)
			i++
			continue
		}
		if i++; i >= len(p.src) {
			p.invalidToken(len(p.src))
		}
		if p.src[i] == 'u' {
			var ch rune
			ch, i = p.hex(i + 1)
			out, high = p.unicode(out, ch, high, i)
			continue
		}
		if high != 0 {
			_, w := utf8.DecodeRune(p.src[i:])
			p.surrogate(i+w, "Unicode low surrogate must follow a high surrogate.")
		}
		k := bytes.IndexByte([]byte(`"\/bfnrt`), p.src[i])
		if k < 0 {
			_, w := utf8.DecodeRune(p.src[i:])
			p.tok.end = i + w
			p.bad(fmt.Sprintf("Escape sequence \"\\%s\" is invalid.", p.src[i:i+w]))
		}
		out = append(out, "\"\\/\b\f\n\r\t"[k])
		i++
	}
}

// hex reads the four digits of a \u escape.
func (p *parser) hex(i int) (rune, int) {
	ch := rune(0)
	for range 4 {
		if i >= len(p.src) {
			p.invalidToken(len(p.src))
		}
		d, err := strconv.ParseUint(string(p.src[i:i+1]), 16, 8)
		if err != nil {
			_, w := utf8.DecodeRune(p.src[i:])
			p.tok.end = i + w
			p.bad(`"\u" must be followed by four hexadecimal digits.`)
		}
		ch = ch<<4 | rune(d)
		i++
	}
	return ch, i
}

func (p *parser) surrogate(end int, detail string) {
	p.tok.end = end
	p.bad(detail)
}

// unicode adds the character of a \u escape, the second half of a pair with its
// first.
func (p *parser) unicode(out []byte, ch, high rune, end int) ([]byte, rune) {
	if !p.escapes {
		return out, 0
	}
	isHigh, isLow := ch >= 0xd800 && ch < 0xdc00, ch >= 0xdc00 && ch < 0xe000
	switch {
	case isHigh && high != 0:
		p.surrogate(end, "Unicode high surrogate must not follow a high surrogate.")
	case isHigh:
		return out, ch
	case isLow && high == 0, !isLow && high != 0:
		p.surrogate(end, "Unicode low surrogate must follow a high surrogate.")
	case isLow:
		ch = (high-0xd800)<<10 + (ch - 0xdc00) + 0x10000
	case ch == 0:
		p.tok.end = end
		p.fail(pgerr.UntranslatableCharacter, "unsupported Unicode escape sequence", `\u0000 cannot be converted to text.`)
	}
	return utf8.AppendRune(out, ch), 0
}

func (p *parser) value(expected string) Value {
	t := p.tok
	var v Value
	switch t.kind {
	case '{', '[':
		if p.depth++; p.depth > maxDepth {
			panic(failure{pgerr.New(pgerr.StatementTooComplex, "stack depth limit exceeded").
				WithHint("Increase the configuration parameter \"max_stack_depth\" (currently 2048kB), after ensuring the platform's stack depth limit is adequate.")})
		}
		p.next()
		end := 0
		if t.kind == '{' {
			v, end = p.object()
		} else {
			v, end = p.array()
		}
		p.depth--
		v.Raw = p.src[t.start:end]
		return v
	case 's':
		v = Value{Kind: String, Bytes: t.str}
	case '0':
		v = Value{Kind: Number, Bytes: p.src[t.start:t.end]}
	case 't', 'f':
		v = Boolean(t.kind == 't')
	case 'n':
	default:
		p.unexpected(expected)
	}
	v.Raw = p.src[t.start:t.end]
	p.next()
	return v
}

// closing takes the bracket that ends a container and returns its end.
func (p *parser) closing() int {
	end := p.tok.end
	p.next()
	return end
}

func (p *parser) array() (Value, int) {
	v := Value{Kind: Array}
	if p.tok.kind == ']' {
		return v, p.closing()
	}
	expected := "Expected array element or \"]\", but found %s."
	for {
		v.Elems = append(v.Elems, p.value(expected))
		switch p.tok.kind {
		case ',':
			p.next()
		case ']':
			return v, p.closing()
		default:
			p.unexpected(`Expected "," or "]", but found %s.`)
		}
		expected = "Expected JSON value, but found %s."
	}
}

func (p *parser) object() (Value, int) {
	v := Value{Kind: Object}
	if p.tok.kind == '}' {
		return v, p.closing()
	}
	expected := `Expected string or "}", but found %s.`
	for {
		if p.tok.kind != 's' {
			p.unexpected(expected)
		}
		key := p.tok.str
		if p.next(); p.tok.kind != ':' {
			p.unexpected(`Expected ":", but found %s.`)
		}
		p.next()
		v.Pairs = append(v.Pairs, Pair{key, p.value("Expected JSON value, but found %s.")})
		switch p.tok.kind {
		case ',':
			p.next()
		case '}':
			return v, p.closing()
		default:
			p.unexpected(`Expected "," or "}", but found %s.`)
		}
		expected = "Expected string, but found %s."
	}
}
