// Package parser turns SQL text into raw statements. The grammar is the library's
// (PostgreSQL's own, version 17), put behind guards that make it answer as
// PostgreSQL 15 does.
//
// INV-PARSE-1 (depth): text that would nest deeper than the library's C stack
// bears is refused with 54001 before the library sees it.
// Enforced: guard. Tested: TestDeepChains.
package parser

import (
	"strings"
	"unicode/utf8"

	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/proto"

	"github.com/pgmini/pgmini/charset"
	"github.com/pgmini/pgmini/pgerr"
)

// Node is a node of the raw tree. Only sql/analyze and sql/commands look inside.
type Node = pg.Node

// RawStmt is one statement of a query string.
type RawStmt struct {
	Stmt     *Node
	Location int    // byte offset of the statement in the text
	Len      int    // its length in bytes
	Text     string // the whole query text, which locations count in
}

// recursionLimit lets through every tree that guard lets through.
const recursionLimit = 8 * maxNesting

// Parse splits text into statements and parses each. An error has the position
// as PostgreSQL 15 gives it, in characters.
func Parse(text string) ([]RawStmt, error) {
	if i := strings.IndexByte(text, 0); i >= 0 {
		return nil, pgerr.New(pgerr.CharacterNotInRepertoire, `invalid byte sequence for encoding "UTF8": 0x00`)
	}
	if !utf8.ValidString(text) {
		return nil, charset.CheckUTF8([]byte(text))
	}
	if err := guard(text); err != nil {
		return nil, err
	}
	raw, err := parseLibrary(text)
	if err != nil {
		return nil, err
	}
	var tree pg.ParseResult
	if err := (proto.UnmarshalOptions{RecursionLimit: recursionLimit}).Unmarshal(raw, &tree); err != nil {
		return nil, pgerr.Wrap(err, pgerr.InternalError, "cannot read the parse tree")
	}
	stmts := make([]RawStmt, len(tree.Stmts))
	for i, s := range tree.Stmts {
		n := int(s.StmtLen)
		if n == 0 {
			n = len(text) - int(s.StmtLocation)
		}
		stmts[i] = RawStmt{Stmt: s.Stmt, Location: int(s.StmtLocation), Len: n, Text: text}
	}
	return stmts, nil
}

// Position turns a byte offset in text into the 1-based position in characters
// that errors carry; a negative offset gives 0, none.
func Position(text string, offset int) int {
	if offset < 0 || offset > len(text) {
		return 0
	}
	return utf8.RuneCountInString(text[:offset]) + 1
}

// codes lists the messages of the grammar whose code is not plain syntax_error.
//
// constant
var codes = map[string]pgerr.Code{
	"zero-length delimited identifier":          pgerr.SyntaxError,
	"invalid Unicode escape value":              pgerr.SyntaxError,
	"invalid Unicode surrogate pair":            pgerr.SyntaxError,
	"invalid Unicode escape":                    pgerr.InvalidEscapeSequence,
	"unsafe use of \\' in a string literal":     pgerr.NonstandardUseOfEscapeCharacter,
	"conflicting constraint properties":         pgerr.SyntaxError,
	"WITH TIES cannot be specified":             pgerr.SyntaxError,
	"memory exhausted":                          pgerr.OutOfMemory,
	"stack depth limit exceeded":                pgerr.StatementTooComplex,
	"frame start cannot be UNBOUNDED FOLLOWING": pgerr.WindowingError,
	"frame end cannot be UNBOUNDED PRECEDING":   pgerr.WindowingError,
	"frame starting from ":                      pgerr.WindowingError,
}

// libraryError gives the library's message its SQLSTATE.
func libraryError(text, msg string, position int) error {
	code := pgerr.SyntaxError
	for prefix, c := range codes {
		if strings.HasPrefix(msg, prefix) {
			code = c
		}
	}
	if strings.Contains(msg, "not supported") || strings.Contains(msg, "not implemented") ||
		strings.Contains(msg, "cannot be marked") {
		code = pgerr.FeatureNotSupported
	}
	e := pgerr.New(code, "%s", msg).At(position)
	switch {
	case strings.HasPrefix(msg, "unsafe use of"):
		e.Hint = "Use '' to write quotes in strings. \\' is insecure in client-only encodings."
	case msg == "invalid Unicode escape":
		e.Hint = "Unicode escapes must be \\uXXXX or \\UXXXXXXXX."
		if inUnicodeLiteral(text, position) {
			e.Hint = "Unicode escapes must be \\XXXX or \\+XXXXXX."
		}
	}
	return e
}

// inUnicodeLiteral reports whether a position is inside of U&'…' or U&"…".
func inUnicodeLiteral(text string, position int) bool {
	for s := NewScanner(text); ; {
		t := s.Next()
		if t.Kind == EOF || Position(text, t.Start) > position {
			return false
		}
		if Position(text, t.End) > position {
			return t.End-t.Start > 1 && text[t.Start+1] == '&' && (t.Kind == Str || t.Kind == Quoted)
		}
	}
}
