package exec

import (
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
)

// viewCheck is WITH CHECK OPTION of one view.
type viewCheck struct {
	view string
	qual []expr
	buf  []int32
}

// newChecks compiles the check options of the views that the target was reached
// through.
func (n *modify) newChecks(c *compiler) error {
	for _, k := range n.p.Checks {
		q, err := c.exprs(k.Qual)
		if err != nil {
			return err
		}
		n.checks = append(n.checks, viewCheck{view: k.View, qual: q})
	}
	return nil
}

// checkViews fails for a new row that a view would not show.
func (n *modify) checkViews(x *Execution, b *Batch, i int32, vals []datum.Datum, tid page.TID) error {
	if len(n.checks) == 0 || vals == nil {
		return nil
	}
	n.load(b, i, vals, tid)
	for k := range n.checks {
		c := &n.checks[k]
		sel, err := filter(x, c.qual, n.row, n.row.Sel, &c.buf)
		if err != nil {
			return err
		}
		if len(sel) == 0 {
			e := pgerr.New(pgerr.WithCheckOptionViolation, "new row violates check option for view %q", c.view)
			e.Detail = x.failingRow(n.rel, vals)
			return e
		}
	}
	return nil
}
