package sqlcat

import (
	"strings"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// nameAndArgs takes "name(type, …)" apart. With allowNone NONE stands for a
// missing operand.
func (c *Catalog) nameAndArgs(text string, allowNone bool) (schema, name string, args []oid.OID, err error) {
	open := outsideQuotes(text, func(b byte, _ int) bool { return b == '(' })
	if open < 0 {
		return "", "", nil, pgerr.New(pgerr.InvalidTextRepresentation, "expected a left parenthesis")
	}
	if schema, name, err = splitName(text[:open]); err != nil {
		return "", "", nil, err
	}
	if schema != "" {
		ok, err := c.Names.SchemaExists(schema)
		if err == nil && !ok {
			err = pgerr.New(pgerr.InvalidSchemaName, "schema \"%s\" does not exist", schema)
		}
		if err != nil {
			return "", "", nil, err
		}
	}
	list := strings.TrimRight(text[open+1:], " \t\n\r\f\v")
	if !strings.HasSuffix(list, ")") {
		return "", "", nil, pgerr.New(pgerr.InvalidTextRepresentation, "expected a right parenthesis")
	}
	list = strings.TrimSpace(list[:len(list)-1])
	for more := list != ""; more; {
		one := list
		comma := outsideQuotes(list, func(b byte, depth int) bool { return b == ',' && depth == 0 })
		if more = comma >= 0; more {
			one, list = list[:comma], list[comma+1:]
		}
		if one = strings.TrimSpace(one); one == "" {
			return "", "", nil, pgerr.New(pgerr.InvalidTextRepresentation, "expected a type name")
		}
		t := oid.OID(0)
		if !allowNone || !strings.EqualFold(one, "none") {
			if t, err = c.regType(one); err != nil {
				return "", "", nil, err
			}
		}
		args = append(args, t)
	}
	return schema, name, args, nil
}

// outsideQuotes is the first byte outside of double quotes that ok accepts, or -1.
// depth counts the open parentheses and brackets before it.
func outsideQuotes(s string, ok func(b byte, depth int) bool) int {
	quoted, depth := false, 0
	for i := range len(s) {
		b := s[i]
		switch {
		case b == '"':
			quoted = !quoted
		case quoted:
		case ok(b, depth):
			return i
		case b == '(' || b == '[':
			depth++
		case b == ')' || b == ']':
			depth--
		}
	}
	return -1
}

func (c typeCatalog) regProcedure(text string) (oid.OID, error) {
	schema, name, args, err := c.nameAndArgs(text, false)
	if err != nil {
		return 0, err
	}
	fns, err := c.Names.Functions(schema, name)
	if err != nil {
		return 0, err
	}
next:
	for _, f := range fns {
		if len(f.ArgTypes) != len(args) {
			continue
		}
		for i := range args {
			if f.ArgTypes[i] != args[i] {
				continue next
			}
		}
		return f.OID, nil
	}
	return 0, pgerr.New(pgerr.UndefinedFunction, "function \"%s\" does not exist", text)
}

func (c typeCatalog) regOperator(text string) (oid.OID, error) {
	schema, name, args, err := c.nameAndArgs(text, true)
	switch {
	case err != nil:
		return 0, err
	case len(args) == 1:
		return 0, pgerr.New(pgerr.UndefinedParameter, "missing argument").
			WithHint("Use NONE to denote the missing argument of a unary operator.")
	case len(args) != 2:
		return 0, pgerr.New(pgerr.TooManyArguments, "too many arguments").WithHint("Provide two argument types for operator.")
	}
	ops, err := c.Names.Operators(schema, name)
	if err != nil {
		return 0, err
	}
	for _, o := range ops {
		if o.Left == args[0] && o.Right == args[1] {
			return o.OID, nil
		}
	}
	return 0, pgerr.New(pgerr.UndefinedFunction, "operator does not exist: %s", text)
}
