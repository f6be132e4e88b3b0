// Package pgerr is the error that reaches a client: SQLSTATE, severity, message,
// detail, hint and position, as PostgreSQL's protocol carries them.
//
// A code is attached once, where the meaning is known. Code that only adds
// context wraps with fmt.Errorf and %w and leaves the code alone.
package pgerr

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
)

// Code is a SQLSTATE: five characters (PostgreSQL documentation, appendix A).
type Code string

// Error is an error with a SQLSTATE. Empty fields are not sent.
type Error struct {
	Code             Code
	Msg              string // primary message, PostgreSQL's words
	Detail           string
	Hint             string
	Position         int // 1-based character offset in the query text; 0 is none
	InternalPosition int
	InternalQuery    string
	Where            string // context lines
	Schema           string
	Table            string
	Column           string
	DataType         string
	Constraint       string
	Fatal            bool // the session ends (severity FATAL)
	cause            error
}

// Error is the primary message, followed by that of the cause.
func (e *Error) Error() string {
	if e.cause != nil {
		return e.Msg + ": " + e.cause.Error()
	}
	return e.Msg
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// New makes an error with a code.
func New(c Code, format string, a ...any) *Error {
	return &Error{Code: c, Msg: fmt.Sprintf(format, a...)}
}

// Wrap gives err a SQLSTATE and a client message.
func Wrap(err error, c Code, format string, a ...any) *Error {
	return &Error{Code: c, Msg: fmt.Sprintf(format, a...), cause: err}
}

// NotYet is the answer to what pgmini does not do yet.
func NotYet(format string, a ...any) *Error {
	return New(FeatureNotSupported, format+" is not supported by pgmini yet", a...)
}

// WithDetail sets the detail and returns e.
func (e *Error) WithDetail(format string, a ...any) *Error {
	e.Detail = fmt.Sprintf(format, a...)
	return e
}

// WithHint sets the hint and returns e.
func (e *Error) WithHint(format string, a ...any) *Error {
	e.Hint = fmt.Sprintf(format, a...)
	return e
}

// At sets the position, a 1-based character offset in the query, and returns e.
func (e *Error) At(position int) *Error {
	e.Position = position
	return e
}

// As returns the outermost *Error in err's chain.
func As(err error) (*Error, bool) { return errors.AsType[*Error](err) }

// CodeOf is the SQLSTATE that the outermost *Error in the chain chose. An error
// that no one classified is a bug of ours and says so: XX000.
func CodeOf(err error) Code {
	if e, ok := As(err); ok {
		return e.Code
	}
	return InternalError
}

// File classifies an error of the operating system on a file. verb is what was
// tried ("open", "read"), as in PostgreSQL's «could not open file "x": …».
func File(err error, verb, path string) error {
	if err == nil {
		return nil
	}
	c := IOError
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		c = DiskFull
	case errors.Is(err, fs.ErrNotExist):
		c = UndefinedFile
	case errors.Is(err, fs.ErrPermission):
		c = InsufficientPrivilege
	case errors.Is(err, fs.ErrExist):
		c = DuplicateFile
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		c = InsufficientResources
	}
	return Wrap(err, c, "could not %s file %q%s", verb, path, OSText(err))
}

// OSText is what PostgreSQL's %m would print after a colon: the system's text for
// the error number in err's chain, or nothing.
func OSText(err error) string {
	no, ok := errors.AsType[syscall.Errno](err)
	if !ok {
		return ""
	}
	s := no.Error()
	return ": " + strings.ToUpper(s[:1]) + s[1:]
}
