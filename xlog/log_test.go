package xlog

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/memfs"
	"github.com/pgmini/pgmini/xid"
)

const testStart lsn.LSN = 1 << 20 // segment 1 of 1 MB segments

func testOptions(fs vfs.FS) Options {
	return Options{FS: fs, Dir: "pg_wal", SegSize: lsn.MinSegSize, SystemID: 42, Timeline: 1,
		Buffers: 16, RedoLSN: testStart, FullPageWrites: true}
}

func newFS(t testing.TB) vfs.FS {
	t.Helper()
	fs := memfs.New()
	if err := fs.Mkdir("pg_wal"); err != nil {
		t.Fatal(err)
	}
	return fs
}

func openLog(t testing.TB, opt Options) *Log {
	t.Helper()
	l, err := OpenForWrite(opt, testStart, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func testReader(opt Options) *Reader {
	src := &Segments{FS: opt.FS, Dir: opt.Dir, Size: opt.SegSize, TLIs: []lsn.Timeline{opt.Timeline}}
	r := NewReader(src, ReaderOptions{SegSize: opt.SegSize, SystemID: opt.SystemID, Timeline: opt.Timeline})
	r.Seek(testStart)
	return r
}

func noop(r *Record, payload []byte) {
	r.Begin(RmXLOG, InfoNoop, 7)
	r.Data(payload)
}

func insert(t testing.TB, l *Log, r *Record) lsn.LSN {
	t.Helper()
	at, err := l.Insert(r)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// drain reads to the end and returns the records and the error that ended it.
func drain(t testing.TB, r *Reader) ([]*Decoded, *EndError) {
	t.Helper()
	var all []*Decoded
	for {
		d, err := r.Next()
		if err != nil {
			var end *EndError
			if !errors.As(err, &end) {
				t.Fatal(err)
			}
			return all, end
		}
		all = append(all, d.Clone())
	}
}

func TestRoundTrip(t *testing.T) {
	opt := testOptions(newFS(t))
	l := openLog(t, opt)
	rng := rand.New(rand.NewPCG(3, 4))
	var r Record
	var want [][]byte
	var ends []lsn.LSN
	for i := range 400 {
		p := make([]byte, rng.IntN(300))
		if i%50 == 49 {
			p = make([]byte, 20000+rng.IntN(200000)) // wider than the ring
		}
		for j := range p {
			p[j] = byte(rng.Uint32())
		}
		noop(&r, p)
		ends = append(ends, insert(t, l, &r))
		want = append(want, p)
		if i%17 == 0 {
			if err := l.Flush(ends[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := l.Flush(l.InsertLSN()); err != nil {
		t.Fatal(err)
	}
	got, end := drain(t, testReader(opt))
	if end.Kind != EndZero {
		t.Errorf("log ends with kind %d: %v", end.Kind, end)
	}
	if len(got) != len(want) {
		t.Fatalf("%d records of %d: %v", len(got), len(want), end)
	}
	for i, d := range got {
		if !bytes.Equal(d.Main, want[i]) || d.XID != 7 || d.Rmgr != RmXLOG {
			t.Fatalf("record %d differs", i)
		}
		if next := l.geo.end(l.geo.pos(d.End)); next != ends[i] {
			t.Fatalf("record %d ends at %s, Insert said %s", i, next, ends[i])
		}
	}
	// Continue where it ended.
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := OpenForWrite(opt, end.At, got[len(got)-1].Start)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	noop(&r, []byte("again"))
	if err := l.Flush(insert(t, l, &r)); err != nil {
		t.Fatal(err)
	}
	again, end := drain(t, testReader(opt))
	if len(again) != len(got)+1 || string(again[len(got)].Main) != "again" {
		t.Errorf("%d records after reopening, then %v", len(again), end)
	}
}

func testPage(t testing.TB, fill byte) page.Page {
	t.Helper()
	p := make(page.Page, page.Size)
	p.Init(16)
	if err := p.PutItem(1, bytes.Repeat([]byte{fill}, 900)); err != nil {
		t.Fatal(err)
	}
	return p
}

func testTag(n int) page.Tag {
	return page.Tag{Rel: page.RelFileNode{Spc: 1663, DB: 5, Rel: 16384}, Block: page.BlockNumber(n)}
}

func TestImages(t *testing.T) {
	for _, how := range []Compression{NoCompression, PGLZ, LZ4, ZSTD} {
		t.Run(how.String(), func(t *testing.T) {
			opt := testOptions(newFS(t))
			opt.Compression = func() Compression { return how }
			l := openLog(t, opt)
			var r Record
			std, raw := testPage(t, 'x'), testPage(t, 'y')
			r.Begin(RmHeap, 0, 9)
			r.Data([]byte("main"))
			r.Block(0, testTag(1), std, Standard)
			r.BlockData(0, []byte("dropped"))
			r.Block(1, testTag(2), raw, KeepData)
			r.BlockData(1, []byte("kept"))
			at := insert(t, l, &r)
			std.SetLSN(at)
			r.Begin(RmHeap, 0, 9)
			r.Block(0, testTag(1), std, Standard)
			r.BlockData(0, []byte("second"))
			r.SetTopXID(3)
			if err := l.Flush(insert(t, l, &r)); err != nil {
				t.Fatal(err)
			}
			clear(std[:8]) // pd_lsn was 0 in the image
			got, end := drain(t, testReader(opt))
			if len(got) != 2 {
				t.Fatalf("%d records, %v", len(got), end)
			}
			d := got[0]
			if m, _ := d.Blocks[0].Method(); m != how {
				t.Errorf("stored with %s", m)
			}
			for i, want := range []page.Page{std, raw} {
				p := bytes.Repeat([]byte{0xEE}, page.Size)
				if err := d.RestoreImage(uint8(i), p); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(p, want) {
					t.Errorf("image %d differs", i)
				}
			}
			if d.Blocks[0].HasData || string(d.Blocks[1].Data) != "kept" || d.Blocks[1].Tag != testTag(2) {
				t.Errorf("blocks: %+v", d.Blocks)
			}
			if b := got[1].Blocks[0]; b.HasImage || string(b.Data) != "second" || got[1].TopXID != 3 {
				t.Errorf("second record: %+v", got[1])
			}
		})
	}
}

func TestManyWriters(t *testing.T) {
	opt := testOptions(newFS(t))
	l := openLog(t, opt)
	const writers, each = 16, 200
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			var r Record
			for i := range each {
				r.Begin(RmXLOG, InfoNoop, xid.XID(w))
				r.Data([]byte(fmt.Sprintf("%d/%d", w, i)))
				r.Data(make([]byte, (w*i)%2000))
				at, err := l.Insert(&r)
				if err == nil && i%3 == 0 {
					err = l.FlushCommit(at)
					if l.FlushLSN() < at {
						t.Error("not durable")
					}
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := l.Flush(l.InsertEnd()); err != nil {
		t.Fatal(err)
	}
	got, end := drain(t, testReader(opt))
	if len(got) != writers*each {
		t.Fatalf("%d records, %v", len(got), end)
	}
	next := map[xid.XID]int{}
	for _, d := range got {
		want := fmt.Sprintf("%d/%d", d.XID, next[d.XID])
		if !bytes.HasPrefix(d.Main, []byte(want)) {
			t.Fatalf("writer %d out of order: %.20q instead of %s", d.XID, d.Main, want)
		}
		next[d.XID]++
	}
}

func TestSwitch(t *testing.T) {
	opt := testOptions(newFS(t))
	l := openLog(t, opt)
	var r Record
	if at, err := l.Switch(); err != nil || at != testStart {
		t.Fatalf("switch of an empty segment: %s, %v", at, err)
	}
	noop(&r, []byte("before"))
	insert(t, l, &r)
	at, err := l.Switch()
	if err != nil {
		t.Fatal(err)
	}
	if at&(PageSize-1) == 0 || l.InsertLSN() != 2<<20+longHeader || l.FlushLSN() != 2<<20 {
		t.Errorf("switch ends at %s, insert at %s, flushed to %s", at, l.InsertLSN(), l.FlushLSN())
	}
	noop(&r, []byte("after"))
	if err := l.Flush(insert(t, l, &r)); err != nil {
		t.Fatal(err)
	}
	got, end := drain(t, testReader(opt))
	if len(got) != 3 || got[1].RmgrInfo() != InfoSwitch || got[1].End != 2<<20 || string(got[2].Main) != "after" {
		t.Errorf("%d records, %v", len(got), end)
	}
}

func TestInsertAllocates0(t *testing.T) {
	opt := testOptions(newFS(t))
	opt.SegSize = 16 << 20
	opt.Buffers = 2048
	l, err := OpenForWrite(opt, 16<<20, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var r Record
	p := testPage(t, 1)
	p.SetLSN(64 << 20)
	data := make([]byte, 100)
	one := func() {
		r.Begin(RmHeap, 0, 5)
		r.Data(data[:3])
		r.Block(0, testTag(1), p, Standard)
		r.BlockData(0, data)
		if _, err := l.Insert(&r); err != nil {
			t.Fatal(err)
		}
	}
	one()
	if n := testing.AllocsPerRun(1000, one); n != 0 {
		t.Errorf("%v allocations per insert", n)
	}
}

// The redo point moves while a record is between layout and reservation: it is
// laid out again, with an image.
func TestRedoMovesDuringInsert(t *testing.T) {
	opt := testOptions(newFS(t))
	l := openLog(t, opt)
	var r Record
	noop(&r, nil)
	p := testPage(t, 'x')
	p.SetLSN(insert(t, l, &r)) // above the redo point: no image needed
	moved := false
	opt2 := &l.opt
	opt2.Consistency = func(RmgrID) bool {
		if !moved { // called while the record is laid out, after the redo point was read
			moved = true
			l.BeginCheckpoint()
		}
		return false
	}
	r.Begin(RmHeap, 0, 3)
	r.Block(0, testTag(4), p, Standard)
	r.BlockData(0, []byte("delta"))
	if err := l.Flush(insert(t, l, &r)); err != nil {
		t.Fatal(err)
	}
	got, end := drain(t, testReader(opt))
	if len(got) != 2 {
		t.Fatal(end)
	}
	if b := got[1].Blocks[0]; !moved || !b.HasImage || b.HasData {
		t.Errorf("no image behind the redo point: %+v", b)
	}
	if got[1].Start < l.RedoLSN() {
		t.Errorf("record at %s, redo point %s", got[1].Start, l.RedoLSN())
	}
}

// Records far wider than the ring, from several writers, with a ring of four
// pages: whoever makes room and whoever needs it do not wait for each other.
func TestTinyRing(t *testing.T) {
	opt := testOptions(newFS(t))
	opt.Buffers = 4
	l := openLog(t, opt)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			var r Record
			for i := range 30 {
				noop(&r, bytes.Repeat([]byte{byte(w), byte(i)}, 30000/(1+i%5)))
				if _, err := l.Insert(&r); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := l.Flush(l.InsertEnd()); err != nil {
		t.Fatal(err)
	}
	got, end := drain(t, testReader(opt))
	if len(got) != 120 {
		t.Fatalf("%d records, %v", len(got), end)
	}
	if l.Metrics().BuffersFull.Load() == 0 {
		t.Error("the ring was never full")
	}
}

func TestFlushPastEnd(t *testing.T) {
	l := openLog(t, testOptions(newFS(t)))
	if err := l.Flush(testStart + 8192); err == nil {
		t.Error("flushed what was never inserted")
	}
	if err := l.Flush(l.InsertLSN()); err != nil {
		t.Error(err)
	}
}

// The byte positions of all offsets around page and segment borders map back.
func TestPositions(t *testing.T) {
	for _, size := range []lsn.SegSize{1 << 20, 16 << 20, 1 << 30} {
		g := newGeometry(size)
		for _, base := range []lsn.LSN{size.Start(1), size.Start(7) + 3*PageSize, size.Start(4096) - PageSize} {
			for off := lsn.LSN(0); off < 2*PageSize; off += 8 {
				at := base + off
				head := lsn.LSN(shortHeader)
				if size.Offset(at&^(PageSize-1)) == 0 {
					head = longHeader
				}
				in := at & (PageSize - 1)
				if in != 0 && in < head {
					continue
				}
				p := g.pos(at)
				start, end := at, at
				if in == 0 {
					start += head
				}
				if in == head {
					end -= head
				}
				if g.start(p) != start || g.end(p) != end {
					t.Fatalf("%s: position %d gives %s and %s", at, p, g.start(p), g.end(p))
				}
			}
		}
	}
}
