package waldump

import (
	"fmt"
	"io"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/xlog"
)

// sums of one kind of record.
type sums struct{ n, rec, fpi uint64 }

func (s *sums) add(o sums) {
	s.n += o.n
	s.rec += o.rec
	s.fpi += o.fpi
}

type stats struct {
	start, end lsn.LSN
	kinds      [256][16]sums
}

func (s *stats) add(rec *xlog.Decoded) {
	kind := rec.Info >> 4
	if rec.Rmgr == xlog.RmXact {
		kind &= 7 // the highest bit says only that more follows
	}
	images := uint64(rec.ImageSize())
	s.kinds[rec.Rmgr][kind].add(sums{1, uint64(rec.TotalLen) - images, images})
	s.end = rec.End
}

func percent(n, of uint64) float64 {
	if of == 0 {
		return 0
	}
	return 100 * float64(n) / float64(of)
}

func (s *stats) print(w io.Writer, table []xlog.Describer, perRecord bool) {
	if s.end == lsn.Invalid {
		return
	}
	var total sums
	var rmgr [256]sums
	for id := range s.kinds {
		for _, k := range s.kinds[id] {
			rmgr[id].add(k)
		}
		total.add(rmgr[id])
	}
	fmt.Fprintf(w, "WAL statistics between %s and %s:\n", s.start, s.end)
	const head = "%-27s %20s %8s %20s %8s %20s %8s %20s %8s\n"
	fmt.Fprintf(w, head, "Type", "N", "(%)", "Record size", "(%)", "FPI size", "(%)", "Combined size", "(%)")
	fmt.Fprintf(w, head, "----", "-", "---", "-----------", "---", "--------", "---", "-------------", "---")
	row := func(name string, k sums) {
		fmt.Fprintf(w, "%-27s %20d (%6.02f) %20d (%6.02f) %20d (%6.02f) %20d (%6.02f)\n", name,
			k.n, percent(k.n, total.n), k.rec, percent(k.rec, total.rec), k.fpi, percent(k.fpi, total.fpi),
			k.rec+k.fpi, percent(k.rec+k.fpi, total.rec+total.fpi))
	}
	for n := range s.kinds {
		id := xlog.RmgrID(n)
		if !perRecord {
			if id.Builtin() || rmgr[n].n > 0 {
				row(id.String(), rmgr[n])
			}
			continue
		}
		for kind, k := range s.kinds[n] {
			if k.n == 0 {
				continue
			}
			name := ""
			if f := table[n].Identify; f != nil {
				name = f(uint8(kind << 4))
			}
			if name == "" {
				name = fmt.Sprintf("UNKNOWN (%x)", kind<<4)
			}
			row(id.String()+"/"+name, k)
		}
	}
	all := total.rec + total.fpi
	fmt.Fprintf(w, "%-27s %20s %8s %20s %8s %20s %8s %20s\n", "", "--------", "", "--------", "", "--------", "", "--------")
	fmt.Fprintf(w, "%-27s %20d %-9s%20d %-9s%20d %-9s%20d %-6s\n", "Total", total.n, "",
		total.rec, fmt.Sprintf("[%.02f%%]", percent(total.rec, all)),
		total.fpi, fmt.Sprintf("[%.02f%%]", percent(total.fpi, all)), all, "[100%]")
}
