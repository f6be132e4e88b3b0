package parser

import "strings"

// Kind is the kind of a token.
type Kind uint8

// Kinds of tokens.
const (
	EOF     Kind = iota
	Word         // identifier or keyword, unquoted
	Quoted       // "identifier", U&"…" too
	Str          // any string literal: '…', E'…', B'…', X'…', N'…', U&'…', $tag$…$tag$
	Number       // unsigned
	ParamNo      // $1
	Op           // operator characters
	Punct        // one of ( ) [ ] , ; : . or ::, :=, =>, ..
	Junk         // a byte that starts no token, or an unterminated literal or comment
)

// Token is one token of a statement, without the white space and comments
// around it.
type Token struct {
	Kind       Kind
	Start, End int // byte offsets
}

// Scanner yields the tokens of SQL text. It knows token boundaries, not grammar.
type Scanner struct {
	text string
	pos  int
	run  opRun
}

// NewScanner scans text.
func NewScanner(text string) *Scanner { return &Scanner{text: text} }

func (s *Scanner) at(i int) byte {
	if i < len(s.text) {
		return s.text[i]
	}
	return 0
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isWordStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}
func isWord(c byte) bool { return isWordStart(c) || isDigit(c) || c == '$' }
func isOp(c byte) bool   { return c != 0 && strings.IndexByte("+-*/<>=~!@#%^&|`?", c) >= 0 }

// skipBlank passes white space and comments; false means an open comment.
func (s *Scanner) skipBlank() bool {
	for s.pos < len(s.text) {
		switch {
		case isSpace(s.text[s.pos]):
			s.pos++
		case strings.HasPrefix(s.text[s.pos:], "--"):
			for s.pos < len(s.text) && s.text[s.pos] != '\n' && s.text[s.pos] != '\r' {
				s.pos++
			}
		case strings.HasPrefix(s.text[s.pos:], "/*"):
			depth, i := 1, s.pos+2
			for ; i < len(s.text) && depth > 0; i++ {
				switch {
				case s.text[i] == '*' && s.at(i+1) == '/':
					depth--
					i++
				case s.text[i] == '/' && s.at(i+1) == '*':
					depth++
					i++
				}
			}
			if depth > 0 {
				return false
			}
			s.pos = i
		default:
			return true
		}
	}
	return true
}

// Next is the next token; EOF at the end.
func (s *Scanner) Next() Token {
	if !s.skipBlank() {
		t := Token{Junk, s.pos, len(s.text)}
		s.pos = len(s.text)
		return t
	}
	start := s.pos
	k := s.scan()
	return Token{k, start, s.pos}
}

func (s *Scanner) scan() Kind {
	if s.pos >= len(s.text) {
		return EOF
	}
	c := s.text[s.pos]
	next := s.at(s.pos + 1)
	switch {
	case c == '\'':
		return s.quoted('\'', false, Str)
	case c == '"':
		return s.quoted('"', false, Quoted)
	case (c == 'e' || c == 'E') && next == '\'':
		s.pos++
		return s.quoted('\'', true, Str)
	case strings.IndexByte("bBxXnN", c) >= 0 && next == '\'':
		s.pos++
		return s.quoted('\'', false, Str)
	case (c == 'u' || c == 'U') && next == '&' && (s.at(s.pos+2) == '\'' || s.at(s.pos+2) == '"'):
		s.pos += 2
		if s.text[s.pos] == '"' {
			return s.quoted('"', false, Quoted)
		}
		return s.quoted('\'', false, Str)
	case isWordStart(c):
		for s.pos < len(s.text) && isWord(s.text[s.pos]) {
			s.pos++
		}
		return Word
	case isDigit(c), c == '.' && isDigit(next):
		s.number()
		return Number
	case c == '$':
		return s.dollar()
	case isOp(c):
		s.operator()
		return Op
	}
	s.pos++
	if strings.IndexByte("()[],;:.", c) < 0 {
		return Junk
	}
	if c == ':' && (next == ':' || next == '=') || c == '.' && next == '.' {
		s.pos++
	}
	return Punct
}

// quoted passes a quoted token that starts at pos; strings continue after white
// space with a newline, as SQL wants.
func (s *Scanner) quoted(q byte, backslash bool, k Kind) Kind {
	for {
		s.pos++
		for s.pos < len(s.text) && s.text[s.pos] != q {
			if backslash && s.text[s.pos] == '\\' {
				s.pos++
			}
			s.pos++
		}
		if s.pos >= len(s.text) {
			s.pos = len(s.text)
			return Junk
		}
		s.pos++
		if s.at(s.pos) == q { // doubled
			continue
		}
		if q == '"' {
			return k
		}
		i, newline := s.pos, false
		for i < len(s.text) && isSpace(s.text[i]) {
			newline = newline || s.text[i] == '\n' || s.text[i] == '\r'
			i++
		}
		if !newline || s.at(i) != q {
			return k
		}
		s.pos = i
	}
}

func (s *Scanner) number() {
	digits := func() {
		for isDigit(s.at(s.pos)) {
			s.pos++
		}
	}
	digits()
	if s.at(s.pos) == '.' && s.at(s.pos+1) != '.' {
		s.pos++
		digits()
	}
	if c := s.at(s.pos); c == 'e' || c == 'E' {
		i := s.pos + 1
		if s.at(i) == '+' || s.at(i) == '-' {
			i++
		}
		if isDigit(s.at(i)) {
			s.pos = i
			digits()
		}
	}
}

func (s *Scanner) dollar() Kind {
	if isDigit(s.at(s.pos + 1)) {
		for s.pos++; isDigit(s.at(s.pos)); {
			s.pos++
		}
		return ParamNo
	}
	i := s.pos + 1
	if isWordStart(s.at(i)) {
		for isWordStart(s.at(i)) || isDigit(s.at(i)) {
			i++
		}
	}
	if s.at(i) != '$' {
		s.pos++
		return Junk
	}
	tag := s.text[s.pos : i+1]
	end := strings.Index(s.text[i+1:], tag)
	if end < 0 {
		s.pos = len(s.text)
		return Junk
	}
	s.pos = i + 1 + end + len(tag)
	return Str
}

// opRun is what operator found out about a run of operator characters. A run may be
// many operators, and is looked through once.
type opRun struct {
	end     int // behind the run: a comment ends it
	special int // the last character that SQL operators lack, or -1
	unsign  int // the last that is neither + nor -, or -1
}

// operator passes one operator: a comment ends it, and a trailing + or - belongs
// to it only if it holds one of the characters that SQL operators lack.
func (s *Scanner) operator() {
	start := s.pos
	if start >= s.run.end {
		s.run = s.operatorRun()
	}
	switch r := &s.run; {
	case r.special >= start:
		s.pos = r.end
	case r.unsign >= start:
		s.pos = r.unsign + 1
	default:
		s.pos = start + 1
	}
}

// operatorRun looks through the run that starts here.
func (s *Scanner) operatorRun() opRun {
	r := opRun{special: -1, unsign: -1}
	i := s.pos
	for ; isOp(s.at(i)); i++ {
		if rest := s.text[i:]; i > s.pos && (strings.HasPrefix(rest, "--") || strings.HasPrefix(rest, "/*")) {
			break
		}
		if strings.IndexByte("~!@#^&|`?%", s.text[i]) >= 0 {
			r.special = i
		}
		if s.text[i] != '+' && s.text[i] != '-' {
			r.unsign = i
		}
	}
	r.end = i
	return r
}

// Split cuts text at its top-level semicolons; pieces without a token are left
// out. Bodies of BEGIN ATOMIC functions are not known to it.
func Split(text string) []string {
	var out []string
	s := NewScanner(text)
	start, seen := 0, false
	for {
		t := s.Next()
		semicolon := t.Kind == Punct && text[t.Start] == ';'
		if t.Kind == EOF || semicolon {
			if seen {
				out = append(out, strings.TrimSpace(text[start:t.Start]))
			}
			if t.Kind == EOF {
				return out
			}
			start, seen = t.End, false
			continue
		}
		seen = true
	}
}

// Literal is one literal that Key lifted out of a statement.
type Literal struct {
	Start, End int
	Number     bool
}

// Key is the shape of a statement: its tokens one space apart, unquoted words in
// lower case, numbers and plain strings replaced by a mark. Two texts of one key
// parse to the same tree but for the constants. ok is false if the text is not
// one statement, or has something that Key does not trust itself with.
func Key(dst []byte, lits []Literal, text string) (key []byte, literals []Literal, ok bool) {
	s := NewScanner(text)
	for {
		t := s.Next()
		switch t.Kind {
		case EOF:
			return dst, lits, len(dst) > 0
		case Junk, ParamNo:
			return dst, lits, false
		case Number:
			if isWord(s.at(t.End)) {
				return dst, lits, false
			}
			lits = append(lits, Literal{t.Start, t.End, true})
			kind := byte('i')
			if strings.ContainsAny(text[t.Start:t.End], ".eE") || t.End-t.Start > 9 {
				kind = 'n'
			}
			dst = append(dst, 1, kind)
		case Str:
			if text[t.Start] != '\'' {
				dst = append(dst, text[t.Start:t.End]...)
				break
			}
			lits = append(lits, Literal{t.Start, t.End, false})
			dst = append(dst, 1, 's')
		case Word:
			for i := t.Start; i < t.End; i++ {
				c := text[i]
				if c >= 'A' && c <= 'Z' {
					c += 'a' - 'A'
				}
				dst = append(dst, c)
			}
		default:
			if text[t.Start] == ';' {
				if s.Next().Kind != EOF {
					return dst, lits, false
				}
				return dst, lits, len(dst) > 0
			}
			dst = append(dst, text[t.Start:t.End]...)
		}
		dst = append(dst, ' ')
	}
}
