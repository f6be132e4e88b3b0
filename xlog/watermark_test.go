package xlog

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/powerfail"
)

func known(t testing.TB, opt Options, from lsn.LSN) lsn.LSN {
	t.Helper()
	at, err := KnownDurable(testSegments(opt), opt.SystemID, from)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func testSegments(opt Options) *Segments {
	return &Segments{FS: opt.FS, Dir: opt.Dir, Size: opt.SegSize, TLIs: []lsn.Timeline{opt.Timeline}}
}

// TestWatermarks: after each flush a watermark on disk speaks of the flush before,
// after an idle turn of the WAL writer of all; no reader takes one in the slack for
// a record, and one that is a record is a NOOP.
func TestWatermarks(t *testing.T) {
	opt := testOptions(newFS(t))
	opt.Watermarks = true
	l := openLog(t, opt)
	rng := rand.New(rand.NewPCG(1, 2))
	var r Record
	records := 0
	for i := range 800 {
		noop(&r, make([]byte, rng.IntN(3000)))
		end := insert(t, l, &r)
		records++
		before := l.durableRecord()
		if err := l.Flush(end); err != nil {
			t.Fatal(err)
		}
		n := int(l.FlushLSN() & (PageSize - 1))
		if before>>20 != l.FlushLSN()>>20 {
			continue // a segment is synced before the next is touched
		}
		if got := known(t, opt, testStart); got > before || got != before && n > 0 && n <= PageSize-watermarkSize-8 {
			t.Fatalf("turn %d: %s is known, %s was durable before the last flush", i, got, before)
		}
		if i%40 == 0 {
			was := l.durableRecord()
			if _, err := l.BackgroundFlush(); err != nil {
				t.Fatal(err)
			}
			if got := known(t, opt, testStart); got != was {
				t.Fatalf("idle turn %d: %s is known, %s is durable", i, got, was)
			}
		}
	}
	got, end := drain(t, testReader(opt))
	marks := 0
	for _, d := range got {
		if len(d.Main) == watermarkData && le.Uint64(d.Main[6:]) != 0 {
			marks++
		}
	}
	if marks < 5 || len(got)-marks != records || end.Kind != EndZero {
		t.Errorf("%d records, %d of them watermarks, %d were inserted; %v", len(got), marks, records, end)
	}
	if m := int(l.Metrics().Bytes.Load()); marks*watermarkSize*200 > m {
		t.Errorf("%d watermarks in %d bytes of log", marks, m)
	}
}

// A watermark counts at its own place in its own system's log only.
func TestWatermarkIsBound(t *testing.T) {
	b := make([]byte, watermarkSize)
	putSlackMark(b, 42, 0x5000, 0x4000)
	if at, ok := readWatermark(b, 42, 0x5000); !ok || at != 0x4000 {
		t.Fatalf("%s %v", at, ok)
	}
	for _, c := range []struct {
		system uint64
		at     lsn.LSN
	}{{43, 0x5000}, {42, 0x5008}, {42, 0x105000}} {
		if _, ok := readWatermark(b, c.system, c.at); ok {
			t.Errorf("it counts in system %d at %s", c.system, c.at)
		}
	}
	for i := range b {
		for bit := range 8 {
			c := bytes.Clone(b)
			c[i] ^= 1 << bit
			if _, ok := readWatermark(c, 42, 0x5000); ok {
				t.Errorf("it counts with bit %d of byte %d flipped", bit, i)
			}
		}
	}
}

// TestWatermarkFindsDamage: whichever page is damaged, if it holds what was durable
// before the last flush, the log's end is known not to be its end; and the damage of
// what was never durable is not.
func TestWatermarkFindsDamage(t *testing.T) {
	opt := testOptions(newFS(t))
	opt.Watermarks = true
	l := openLog(t, opt)
	rng := rand.New(rand.NewPCG(3, 4))
	var r Record
	for range 300 {
		noop(&r, make([]byte, rng.IntN(900)))
		if err := l.Flush(insert(t, l, &r)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.BackgroundFlush(); err != nil {
		t.Fatal(err)
	}
	durable := l.FlushLSN()
	seg, err := vfs.ReadFile(opt.FS, "pg_wal/000000010000000000000001", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for range 400 {
		b := bytes.Clone(seg)
		at := rng.IntN(int(durable - testStart))
		b[at] ^= 1 << rng.IntN(8)
		rewrite(t, opt.FS, b)
		_, end := drain(t, testReader(opt))
		got := known(t, opt, end.At)
		if end.At < durable && got <= end.At {
			t.Errorf("a bit flipped at %d: the log ends at %s (%v), and nothing says that %s was durable", at, end.At, end, durable)
		}
		if got > end.At {
			found++
		}
	}
	if found < 300 {
		t.Errorf("damage was found %d times of 400", found)
	}
}

// TestWatermarkNeverLies cuts the power at every step: what watermarks say was
// durable is there. A torn tail is never called damage.
func TestWatermarkNeverLies(t *testing.T) {
	w := powerfail.Workload[int]{Seeds: 2, Run: func(fs *powerfail.FS, ack func(int)) error {
		if err := fs.Mkdir("pg_wal"); err != nil {
			return err
		}
		if err := fs.SyncDir("."); err != nil {
			return err
		}
		opt := testOptions(fs)
		opt.Watermarks, opt.ClearBehind = true, true
		var r Record
		end, last := testStart, lsn.LSN(0)
		for turn := range 3 {
			l, err := OpenForWrite(opt, end, last)
			if err != nil {
				return err
			}
			for i := range 10 {
				noop(&r, []byte(fmt.Sprintf("%0*d", 500+i*3000, turn)))
				at, err := l.Insert(&r)
				if err == nil && i%3 != 1 {
					err = l.Flush(at)
				}
				if err == nil {
					_, err = l.BackgroundFlush()
				}
				if err != nil {
					return err
				}
				ack(i)
			}
			if err := l.Close(); err != nil {
				return err
			}
			// Recovery makes durable what it reads before it goes on behind it.
			list, err := fs.List("pg_wal")
			if err != nil {
				return err
			}
			for _, e := range list {
				f, err := fs.Open("pg_wal/"+e.Name(), vfs.Write)
				if err != nil {
					return err
				}
				if err := f.Sync(); err != nil {
					return err
				}
				f.Close()
			}
			if end, last, err = endOfLog(opt); err != nil {
				return err
			}
		}
		return nil
	}, Check: func(fs *powerfail.FS, _ []int) error {
		opt := testOptions(fs)
		end, _, err := endOfLog(opt)
		if err != nil {
			return err
		}
		for _, from := range []lsn.LSN{testStart, end} {
			at, err := KnownDurable(testSegments(opt), opt.SystemID, from)
			if err != nil {
				return err
			}
			if at > end {
				return fmt.Errorf("the log ends at %s, and a watermark says that it was durable up to %s", end, at)
			}
		}
		return nil
	}}
	w.Sweep(t)
}

// TestClearBehind: what a crashed server left behind the end of the log is not read
// again when the first new record ends just where an old page begins.
func TestClearBehind(t *testing.T) {
	for _, clear := range []bool{true, false} {
		opt := testOptions(newFS(t))
		l := openLog(t, opt)
		var r Record
		fill := bytes.Repeat([]byte("x"), PageSize-longHeader-recordHeader-5) // the record ends with its page
		noop(&r, fill)
		if end := insert(t, l, &r); end != testStart+PageSize {
			t.Fatalf("the first record ends at %s", end)
		}
		noop(&r, []byte("old"))
		if err := l.Flush(insert(t, l, &r)); err != nil {
			t.Fatal(err)
		}
		// The first page was lost, the second is there.
		f, err := opt.FS.Open("pg_wal/000000010000000000000001", vfs.Write)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(make([]byte, 512), 4096); err != nil {
			t.Fatal(err)
		}
		if got, _ := drain(t, testReader(opt)); len(got) != 0 {
			t.Fatal("the first record is still there")
		}
		opt.ClearBehind = clear
		l, err = OpenForWrite(opt, testStart+longHeader, 0)
		if err != nil {
			t.Fatal(err)
		}
		noop(&r, bytes.Repeat([]byte("y"), len(fill)))
		if err := l.Flush(insert(t, l, &r)); err != nil {
			t.Fatal(err)
		}
		l.Close()
		got, _ := drain(t, testReader(opt))
		if clear && len(got) != 1 {
			t.Errorf("%d records after the crash: the last is %.20q", len(got), got[len(got)-1].Main)
		}
		if !clear && len(got) != 2 {
			t.Errorf("the test shows nothing: %d records without clearing", len(got))
		}
	}
}

// FuzzScanPage: whatever a page holds, looking for watermarks neither panics nor
// finds one that does not belong there.
func FuzzScanPage(f *testing.F) {
	p := make([]byte, watermarkSize)
	putSlackMark(p, 42, testStart+PageSize-watermarkSize, testStart)
	f.Add(p, PageSize-watermarkSize, p)
	f.Add(p, 24, []byte{})
	f.Add(p[:16], PageSize-16, append(make([]byte, shortHeader), p[16:]...))
	f.Fuzz(func(t *testing.T, b []byte, at int, next []byte) {
		one, two := make([]byte, PageSize), make([]byte, PageSize)
		off := int(uint(at) % PageSize)
		copy(one[off:], b)
		copy(two, next)
		for _, n := range [][]byte{nil, two} {
			if got := scanPage(one, n, 42, testStart); got > testStart+PageSize {
				t.Fatalf("%s is durable", got)
			}
		}
	})
}
