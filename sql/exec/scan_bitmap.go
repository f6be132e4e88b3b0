package exec

import (
	"slices"

	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/access/nbtree"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/plan"
)

// tidBitmap is a set of tuple ids by block (PostgreSQL: TIDBitmap). When it
// outgrows its limit, blocks become lossy: all their tuples count, and the
// condition is checked again.
type tidBitmap struct {
	pages map[page.BlockNumber]*tidPage
	limit int
	exact int
}

type tidPage struct {
	bits    [5]uint64 // offsets 1 to 291
	lossy   bool
	recheck bool
}

// bitmapPageCost is about what one exact page costs in memory.
const bitmapPageCost = 96

func newTidBitmap(workMem int) *tidBitmap {
	return &tidBitmap{pages: map[page.BlockNumber]*tidPage{}, limit: max(workMem/bitmapPageCost, 16)}
}

func (m *tidBitmap) add(t page.TID) {
	p := m.pages[t.Block]
	if p == nil {
		p = &tidPage{}
		m.pages[t.Block] = p
		if m.exact++; m.exact > m.limit {
			p.lossy = true
			m.exact--
		}
	}
	if off := int(t.Off) - 1; off >= 0 && off < 64*len(p.bits) {
		p.bits[off/64] |= 1 << (off % 64)
	}
}

// or adds all of o to m.
func (m *tidBitmap) or(o *tidBitmap) {
	for blk, q := range o.pages {
		p := m.pages[blk]
		if p == nil {
			c := *q
			m.pages[blk] = &c
			continue
		}
		for i := range p.bits {
			p.bits[i] |= q.bits[i]
		}
		p.lossy, p.recheck = p.lossy || q.lossy, p.recheck || q.recheck
	}
}

// and keeps only what o has too.
func (m *tidBitmap) and(o *tidBitmap) {
	for blk, p := range m.pages {
		q := o.pages[blk]
		switch {
		case q == nil:
			delete(m.pages, blk)
			continue
		case p.lossy && !q.lossy:
			p.bits, p.lossy, p.recheck = q.bits, false, true
		case q.lossy && !p.lossy:
			p.recheck = true
		case !p.lossy:
			any := uint64(0)
			for i := range p.bits {
				p.bits[i] &= q.bits[i]
				any |= p.bits[i]
			}
			if any == 0 {
				delete(m.pages, blk)
				continue
			}
			p.recheck = p.recheck || q.recheck
		}
	}
}

// bitmapSource makes a bitmap: an index scan, AND or OR.
type bitmapSource struct {
	p    plan.Plan
	keys *indexKeys
	kids []*bitmapSource
	and  bool
	stat *Instrument
}

func (x *Execution) newBitmapSource(p plan.Plan) (*bitmapSource, error) {
	s := &bitmapSource{p: p, stat: x.note(p)}
	var kids []plan.Plan
	switch p := p.(type) {
	case *plan.BitmapIndexScan:
		var err error
		s.keys, err = x.newIndexKeys(p.IndexID, p.IndexKeys)
		return s, err
	case *plan.BitmapAnd:
		kids, s.and = p.Plans, true
	case *plan.BitmapOr:
		kids = p.Plans
	default:
		return nil, pgerr.New(pgerr.InternalError, "plan node %T makes no bitmap", p)
	}
	for _, k := range kids {
		c, err := x.newBitmapSource(k)
		if err != nil {
			return nil, err
		}
		s.kids = append(s.kids, c)
	}
	return s, nil
}

// run makes the bitmap.
func (s *bitmapSource) run(x *Execution) (*tidBitmap, error) {
	m := newTidBitmap(x.WorkMem)
	if s.stat != nil {
		s.stat.Loops++
	}
	if s.keys != nil {
		ix := s.keys.rel
		x.Tx.Stats().Scan(ix.OID, ix.Shared)
		keys, empty, err := s.keys.eval(x)
		if empty || err != nil {
			return m, err
		}
		scan, err := nbtree.BeginScan(s.keys.rel, keys, nbtree.ScanOptions{Reads: s.keys.rel.Reads(x.Snap)})
		if err != nil {
			return nil, err
		}
		defer scan.Close()
		n, err := scan.Bitmap(m.add)
		x.Tx.Stats().Returned(ix.OID, ix.Shared, int(n))
		if s.stat != nil {
			s.stat.Rows += n
		}
		return m, err
	}
	for i, k := range s.kids {
		o, err := k.run(x)
		if err != nil {
			return nil, err
		}
		switch {
		case i == 0:
			m = o
		case s.and:
			m.and(o)
		default:
			m.or(o)
		}
	}
	return m, nil
}

// bitmapScan reads the tuples of a bitmap in block order.
type bitmapScan struct {
	top
	p       *plan.BitmapHeapScan
	scope   *tableScope
	src     *bitmapSource
	recheck []expr
	blocks  []page.BlockNumber
	bitmap  *tidBitmap
	at      int
	fetch   *heap.Fetcher
	in      *Batch
	epq     epqRow
	offs    []page.OffsetNumber
	buf2    []int32
}

func (x *Execution) newBitmapScan(p *plan.BitmapHeapScan) (Node, error) {
	rel, err := x.relation(p.ScanRelid)
	if err != nil {
		return nil, err
	}
	n := &bitmapScan{p: p, scope: newTableScope(p.ScanRelid, rel)}
	if n.top, err = x.newTop(p, n.scope); err != nil {
		return nil, err
	}
	if n.recheck, err = (&compiler{x: x, scope: n.scope}).exprs(p.BitmapQualOrig); err != nil {
		return nil, err
	}
	if n.src, err = x.newBitmapSource(p.Left); err != nil {
		return nil, err
	}
	n.in = n.scope.begin()
	return n, nil
}

func (n *bitmapScan) Next(x *Execution) (*Batch, error) {
	if x.epq.covers(n.p.ScanRelid) {
		return n.epq.next(x, n.p.ScanRelid, n.scope, n.in, &top{proj: n.proj, quals: append(n.recheck[:len(n.recheck):len(n.recheck)], n.top.quals...)})
	}
	if n.bitmap == nil {
		if err := n.begin(x); err != nil {
			return nil, err
		}
	}
	for n.at < len(n.blocks) {
		if err := x.check(); err != nil {
			return nil, err
		}
		b, err := n.page(x, n.blocks[n.at])
		n.at++
		if err != nil || b != nil && len(b.Sel) > 0 {
			return b, err
		}
	}
	return nil, nil
}

func (n *bitmapScan) begin(x *Execution) error {
	var err error
	if n.bitmap, err = n.src.run(x); err != nil {
		return err
	}
	n.blocks, n.at = n.blocks[:0], 0
	for blk := range n.bitmap.pages {
		n.blocks = append(n.blocks, blk)
	}
	slices.Sort(n.blocks)
	if n.fetch == nil {
		n.fetch = heap.NewFetcher(x.Tx, n.scope.rel)
	}
	return nil
}

// page reads the visible tuples of one block that the bitmap names.
func (n *bitmapScan) page(x *Execution, blk page.BlockNumber) (*Batch, error) {
	p := n.bitmap.pages[blk]
	n.offs = n.offs[:0]
	if !p.lossy {
		for w, bits := range p.bits {
			for i := range 64 {
				if bits&(1<<i) != 0 {
					n.offs = append(n.offs, page.OffsetNumber(w*64+i+1))
				}
			}
		}
	}
	if n.stat != nil {
		if p.lossy {
			n.stat.LossyPages++
		} else {
			n.stat.ExactPages++
		}
	}
	offs := n.offs
	if p.lossy {
		offs = nil
	}
	tuples, err := n.fetch.FetchPage(blk, offs, heap.MVCC(x.Snap))
	if err != nil || len(tuples) == 0 {
		return nil, err
	}
	x.Tx.Stats().Fetched(n.scope.rel.OID, n.scope.rel.Shared, len(tuples))
	n.in.resize(n.scope.shape, len(tuples))
	for i := range tuples {
		if err := n.scope.load(x, n.in, int32(i), tuples[i]); err != nil {
			return nil, err
		}
	}
	n.in.N, n.in.Sel = len(tuples), all(len(tuples))
	sel := n.in.Sel
	if p.lossy || p.recheck {
		if sel, err = filter(x, n.recheck, n.in, sel, &n.buf2); err != nil {
			return nil, err
		}
	}
	return n.emit(x, n.in, sel)
}

func (n *bitmapScan) Rescan(x *Execution, changed paramSet) error {
	x.rearm(n.p, changed)
	n.bitmap, n.epq.done = nil, false
	return nil
}

func (n *bitmapScan) Close(*Execution) {
	if n.fetch != nil {
		n.fetch.Close()
		n.fetch = nil
	}
}

// tidScan fetches tuples by their ids.
type tidScan struct {
	top
	p     *plan.TidScan
	scope *tableScope
	exprs []tidExpr
	tids  []page.TID
	at    int
	begun bool
	fetch *heap.Fetcher
	in    *Batch
	epq   epqRow
}
