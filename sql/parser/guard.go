package parser

import (
	"strings"

	"github.com/pgmini/pgmini/pgerr"
)

// maxNesting is the nesting that the library's recursive functions bear with a
// wide margin on the 8 MB stacks that threads have.
const maxNesting = 5000

// guard refuses what must not reach the library: trees that are too deep, and
// numeric forms that PostgreSQL 15 does not know.
func guard(text string) error {
	s := NewScanner(text)
	// open[i] counts what may nest inside the i-th open bracket since the last
	// comma in it; total is their sum and bounds the depth of the tree.
	open := make([]int, 1, 16)
	total := 0
	add := func() error {
		open[len(open)-1]++
		total++
		if total > maxNesting {
			return tooDeep()
		}
		return nil
	}
	clear := func() {
		total -= open[len(open)-1]
		open[len(open)-1] = 0
	}
	for {
		t := s.Next()
		var err error
		switch t.Kind {
		case EOF:
			return nil
		case Number:
			err = numberTail(s, t)
		case Op:
			err = add()
		case Word:
			if chains(text[t.Start:t.End]) {
				err = add()
			}
		case Punct:
			switch text[t.Start] {
			case '(', '[':
				if err = add(); err == nil {
					open = append(open, 0)
				}
			case ')', ']':
				if len(open) > 1 {
					clear()
					open = open[:len(open)-1]
				}
			case ',':
				clear()
			case ';':
				open, total = open[:1], 0
				open[0] = 0
			case ':':
				err = add()
			}
		}
		if err != nil {
			return err
		}
	}
}

func tooDeep() error {
	return pgerr.New(pgerr.StatementTooComplex, "stack depth limit exceeded").WithHint(
		`Increase the configuration parameter "max_stack_depth" (currently 2048kB), ` +
			`after ensuring the platform's stack depth limit is adequate.`)
}

// numberTail refuses letters right after a number, as PostgreSQL 15's scanner
// does; its grammar of 17 would take 0xff and 1_000.
func numberTail(s *Scanner, t Token) error {
	c := s.at(t.End)
	if !isWordStart(c) {
		return nil
	}
	end := t.End + 1
	for end < len(s.text) && isWord(s.text[end]) {
		end++
	}
	return pgerr.New(pgerr.SyntaxError, "trailing junk after numeric literal at or near \"%s\"", s.text[t.Start:end]).
		At(Position(s.text, t.Start))
}

// chains tells whether a keyword can make trees deeper each time it is written.
func chains(w string) bool {
	switch len(w) {
	case 2:
		return strings.EqualFold(w, "is") || strings.EqualFold(w, "in") || strings.EqualFold(w, "at")
	case 3:
		return strings.EqualFold(w, "not")
	case 4:
		return strings.EqualFold(w, "join") || strings.EqualFold(w, "case") || strings.EqualFold(w, "like")
	case 5:
		return strings.EqualFold(w, "union") || strings.EqualFold(w, "ilike")
	case 6:
		return strings.EqualFold(w, "except") || strings.EqualFold(w, "isnull")
	case 7:
		return strings.EqualFold(w, "collate") || strings.EqualFold(w, "between") || strings.EqualFold(w, "similar") ||
			strings.EqualFold(w, "notnull")
	case 9:
		return strings.EqualFold(w, "intersect") || strings.EqualFold(w, "recursive")
	}
	return false
}
