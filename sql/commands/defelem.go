package commands

import (
	"strconv"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/pgerr"
)

// defString is an option's value as text.
func defString(d *pg.DefElem) string {
	if d.Arg == nil {
		fail(pgerr.SyntaxError, "%s requires a parameter", d.Defname)
	}
	return nodeText(d.Arg)
}

func nodeText(n *pg.Node) string {
	switch v := n.Node.(type) {
	case *pg.Node_String_:
		return v.String_.Sval
	case *pg.Node_Integer:
		return strconv.Itoa(int(v.Integer.Ival))
	case *pg.Node_Float:
		return v.Float.Fval
	case *pg.Node_Boolean:
		return strconv.FormatBool(v.Boolean.Boolval)
	case *pg.Node_TypeName:
		return strings.Join(names(v.TypeName.Names), ".")
	case *pg.Node_AStar:
		return "*"
	case *pg.Node_AConst:
		return constText(v.AConst)
	}
	return ""
}

func constText(a *pg.A_Const) string {
	switch v := a.Val.(type) {
	case *pg.A_Const_Sval:
		return v.Sval.Sval
	case *pg.A_Const_Ival:
		return strconv.Itoa(int(v.Ival.Ival))
	case *pg.A_Const_Fval:
		return v.Fval.Fval
	case *pg.A_Const_Boolval:
		return strconv.FormatBool(v.Boolval.Boolval)
	}
	return ""
}

// defBool is an option's value as a boolean; no value is true.
func defBool(d *pg.DefElem) bool {
	if d.Arg == nil {
		return true
	}
	switch strings.ToLower(nodeText(d.Arg)) {
	case "true", "on", "1":
		return true
	case "false", "off", "0":
		return false
	}
	fail(pgerr.SyntaxError, "%s requires a Boolean value", d.Defname)
	return false
}

// defInt is an option's value as an integer.
func defInt(d *pg.DefElem) int64 {
	if d.Arg == nil {
		fail(pgerr.SyntaxError, "%s requires a numeric value", d.Defname)
	}
	v, err := strconv.ParseInt(nodeText(d.Arg), 10, 64)
	if err != nil {
		if _, isFloat := d.Arg.Node.(*pg.Node_Float); isFloat {
			fail(pgerr.NumericValueOutOfRange, `value "%s" is out of range for type bigint`, nodeText(d.Arg))
		}
		fail(pgerr.SyntaxError, "%s requires a numeric value", d.Defname)
	}
	return v
}
