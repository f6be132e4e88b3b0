//go:build cgo

package parser

import (
	"errors"

	lib "github.com/pganalyze/pg_query_go/v6/parser"

	"github.com/pgmini/pgmini/pgerr"
)

// parseLibrary is the parse tree as protobuf.
func parseLibrary(text string) ([]byte, error) {
	raw, err := lib.ParseToProtobuf(text)
	if err == nil {
		return raw, nil
	}
	if e, ok := errors.AsType[*lib.Error](err); ok {
		return nil, libraryError(text, e.Message, e.Cursorpos)
	}
	return nil, pgerr.Wrap(err, pgerr.InternalError, "cannot parse")
}
