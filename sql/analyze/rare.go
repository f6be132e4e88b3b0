package analyze

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/pgerr"
)

// bitDigits checks the digits of B'…' and X'…'.
func (p *pstate) bitDigits(s string, at int) {
	what, digits := "binary", "01"
	if strings.HasPrefix(s, "x") {
		what, digits = "hexadecimal", "0123456789abcdefABCDEF"
	}
	for _, r := range s[min(1, len(s)):] {
		if !strings.ContainsRune(digits, r) {
			p.fail(at, pgerr.InvalidTextRepresentation, `"%c" is not a valid %s digit`, r, what)
		}
	}
}

// tableSample checks TABLESAMPLE.
func (p *pstate) tableSample(m *pg.RangeTableSample) {
	p.rangeVar(m.Relation.GetRangeVar())
	if name := strs(m.Method); name[len(name)-1] != "system" && name[len(name)-1] != "bernoulli" {
		p.fail(int(m.Location), pgerr.UndefinedObject, "tablesample method %s does not exist", strings.Join(name, "."))
	}
	p.notYet(int(m.Location), "TABLESAMPLE")
}
