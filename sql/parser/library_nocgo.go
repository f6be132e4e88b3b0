//go:build !cgo

package parser

// The SQL grammar is a C library: build with CGO_ENABLED=1 and a C compiler.
var _ = pgmini_needs_cgo_and_a_C_compiler_for_its_SQL_grammar
