package commands

// This file stands in until the package lands: its first landing deletes it.

import (
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/env"
	"github.com/pgmini/pgmini/sql/parser"
)

// Statement is a utility statement to run.
type Statement struct {
	Raw    parser.RawStmt
	Params *analyze.Params // of the extended protocol, or nil
	Args   []datum.Datum   // the values of $1 …
}

// Run runs a utility statement and returns its command tag.
func Run(s env.Session, st Statement, sink env.Sink) (tag string, err error) {
	return "", pgerr.NotYet("utility statements")
}

// Columns are the result columns of a utility statement.
func Columns(stmt *parser.Node) []env.Column { return nil }

// Tag is the command tag of a utility statement.
func Tag(stmt *parser.Node) string { return "" }
