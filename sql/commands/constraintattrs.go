package commands

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/pgerr"
)

// constraintAttrs gives DEFERRABLE and INITIALLY DEFERRED, which the grammar puts
// after a column's constraint as constraints of their own, to that constraint.
func (c *cmd) constraintAttrs(list []*pg.Node) {
	var last *pg.Constraint
	sawDeferrable, sawInitially := false, false
	for _, n := range list {
		k := n.GetConstraint()
		if k == nil {
			continue
		}
		bad := func(msg string) { failWith(pgerr.New(pgerr.SyntaxError, "%s", msg).At(c.at(k.Location))) }
		check := func(word string, saw *bool, twice string) {
			if last == nil || !takesAttrs(last) {
				bad("misplaced " + word + " clause")
			}
			if *saw {
				bad("multiple " + twice + " clauses not allowed")
			}
			*saw = true
		}
		const must = "constraint declared INITIALLY DEFERRED must be DEFERRABLE"
		switch k.Contype {
		case pg.ConstrType_CONSTR_ATTR_DEFERRABLE:
			check("DEFERRABLE", &sawDeferrable, "DEFERRABLE/NOT DEFERRABLE")
			last.Deferrable = true
		case pg.ConstrType_CONSTR_ATTR_NOT_DEFERRABLE:
			check("NOT DEFERRABLE", &sawDeferrable, "DEFERRABLE/NOT DEFERRABLE")
			last.Deferrable = false
			if sawInitially && last.Initdeferred {
				bad(must)
			}
		case pg.ConstrType_CONSTR_ATTR_DEFERRED:
			check("INITIALLY DEFERRED", &sawInitially, "INITIALLY IMMEDIATE/DEFERRED")
			last.Initdeferred = true
			if !sawDeferrable {
				last.Deferrable = true
			} else if !last.Deferrable {
				bad(must)
			}
		case pg.ConstrType_CONSTR_ATTR_IMMEDIATE:
			check("INITIALLY IMMEDIATE", &sawInitially, "INITIALLY IMMEDIATE/DEFERRED")
			last.Initdeferred = false
		default:
			last, sawDeferrable, sawInitially = k, false, false
		}
	}
}

func takesAttrs(k *pg.Constraint) bool {
	switch k.Contype {
	case pg.ConstrType_CONSTR_PRIMARY, pg.ConstrType_CONSTR_UNIQUE, pg.ConstrType_CONSTR_EXCLUSION, pg.ConstrType_CONSTR_FOREIGN:
		return true
	}
	return false
}
