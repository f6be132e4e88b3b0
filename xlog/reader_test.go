package xlog

import (
	"bytes"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/vfs"
)

// crafted is a log with one record that spans pages, to be damaged.
type crafted struct {
	opt   Options
	seg   []byte
	recs  []*Decoded
	other []byte // segment 2, if the log reaches it
}

func craft(t testing.TB) crafted {
	opt := testOptions(newFS(t))
	l := openLog(t, opt)
	var r Record
	for i := range 5 {
		noop(&r, bytes.Repeat([]byte{byte('a' + i)}, 100))
		insert(t, l, &r)
	}
	noop(&r, bytes.Repeat([]byte("wide"), 5000))
	insert(t, l, &r)
	noop(&r, []byte("last"))
	if err := l.Flush(insert(t, l, &r)); err != nil {
		t.Fatal(err)
	}
	recs, _ := drain(t, testReader(opt))
	if len(recs) != 7 {
		t.Fatal(len(recs))
	}
	seg, err := vfs.ReadFile(opt.FS, "pg_wal/000000010000000000000001", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return crafted{opt: opt, seg: seg, recs: recs}
}

func (c *crafted) at(i int) []byte { return c.seg[c.recs[i].Start-testStart:] }
func (c *crafted) page(i int) []byte {
	return c.seg[i*PageSize:]
}

// reseal gives record i, which lies on one page, a right checksum.
func (c *crafted) reseal(i int) {
	b := c.at(i)[:c.recs[i].TotalLen]
	le.PutUint32(b[offCRC:], crc32.Update(crc32.Checksum(b[recordHeader:], castagnoli), castagnoli, b[:offCRC]))
}

// Every way in which a log may end, with PostgreSQL's words for it.
func TestEndOfLog(t *testing.T) {
	for _, c := range []struct {
		name    string
		damage  func(c *crafted)
		records int
		kind    EndKind
		msg     string
		aborted bool
	}{
		{"zeros", func(c *crafted) {}, 7, EndZero, "invalid record length at 0/105138: wanted 24, got 0", false},
		{"short", func(c *crafted) { le.PutUint32(c.at(2), 7) }, 2, EndRecord, "invalid record length at 0/100128: wanted 24, got 7", false},
		{"rmgr", func(c *crafted) { c.at(2)[offRmid] = 99 }, 2, EndRecord, "invalid resource manager ID 99 at 0/100128", false},
		{"prev", func(c *crafted) { le.PutUint64(c.at(2)[offPrev:], 16) }, 2, EndRecord, "record with incorrect prev-link 0/10 at 0/100128", false},
		{"checksum", func(c *crafted) { c.at(2)[60] ^= 1 }, 2, EndChecksum, "incorrect resource manager data checksum in record at 0/100128", false},
		{"block id", func(c *crafted) { c.at(2)[24] = 77; c.reseal(2) }, 2, EndRecord, "invalid block_id 77 at 0/100128", false},
		{"body", func(c *crafted) { c.at(2)[25] = 99; c.reseal(2) }, 2, EndRecord, "record with invalid length at 0/100128", false},
		{"zero page", func(c *crafted) { clear(c.page(1)[:PageSize]) }, 5, EndZero, "invalid magic number 0000 in log segment 000000010000000000000001, offset 8192", true},
		{"old page", func(c *crafted) { le.PutUint64(c.page(1)[offPageAddr:], 0x4002000) }, 5, EndPage, "unexpected pageaddr 0/4002000 in log segment 000000010000000000000001, offset 8192", true},
		{"info bits", func(c *crafted) { c.page(1)[offPageInfo] = 0x40 }, 5, EndPage, "invalid info bits 0040 in log segment 000000010000000000000001, offset 8192", true},
		{"timeline", func(c *crafted) { c.page(1)[offPageTLI] = 0 }, 5, EndPage, "out-of-sequence timeline ID 0 (after 1) in log segment 000000010000000000000001, offset 8192", true},
		{"no contrecord", func(c *crafted) { c.page(1)[offPageInfo] &^= firstIsContRecord }, 5, EndContinue, "there is no contrecord flag at 0/1002A8", true},
		{"contrecord length", func(c *crafted) { le.PutUint32(c.page(1)[offRemLen:], 5) }, 5, EndContinue, "invalid contrecord length 5 (expected 12517) at 0/1002A8", true},
		{"system id", func(c *crafted) { c.seg[offSysID] = 1 }, 0, EndPage, "WAL file is from different database system: WAL file database system identifier is 1, pg_control database system identifier is 42", false},
		{"segment size", func(c *crafted) { c.seg[offSegSize+2] = 32 }, 0, EndPage, "WAL file is from different database system: incorrect segment size in page header", false},
		{"block size", func(c *crafted) { c.seg[offXLogBlcksz] = 1 }, 0, EndPage, "WAL file is from different database system: incorrect XLOG_BLCKSZ in page header", false},
		{"no long header", func(c *crafted) { c.seg[offPageInfo] &^= isLongHeader }, 0, EndPage, "invalid info bits 0004 in log segment 000000010000000000000001, offset 0", false},
		{"truncated", func(c *crafted) { c.seg = c.seg[:PageSize] }, 5, EndMissing, "could not read from file 000000010000000000000001, offset 8192: read 0 of 8192", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := craft(t)
			c.damage(&log)
			rewrite(t, log.opt.FS, log.seg)
			got, end := drain(t, testReader(log.opt))
			if len(got) != c.records || end.Kind != c.kind || !strings.HasPrefix(end.Msg, c.msg) {
				t.Errorf("%d records, kind %d, %q; want %d, kind %d, %q", len(got), end.Kind, end.Msg, c.records, c.kind, c.msg)
			}
			if c.aborted != (end.Aborted != lsn.Invalid) || c.aborted && end.MissingContRecord != testStart+PageSize {
				t.Errorf("aborted %s, missing %s", end.Aborted, end.MissingContRecord)
			}
		})
	}
}

func rewrite(t testing.TB, fs vfs.FS, seg []byte) {
	t.Helper()
	if err := vfs.WriteFile(fs, "pg_wal/000000010000000000000001", seg); err != nil {
		t.Fatal(err)
	}
}

// After a record whose rest never came, the log goes on behind it.
func TestOverwriteContRecord(t *testing.T) {
	log := craft(t)
	clear(log.seg[PageSize:])
	rewrite(t, log.opt.FS, log.seg)
	got, end := drain(t, testReader(log.opt))
	opt := log.opt
	opt.MissingContRecord = end.MissingContRecord
	l, err := OpenForWrite(opt, end.MissingContRecord, got[len(got)-1].Start)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var r Record
	if _, err := l.InsertOverwriteContRecord(&r, &OverwriteContRecord{LSN: end.Aborted, Time: 1}); err != nil {
		t.Fatal(err)
	}
	got, end = drain(t, testReader(opt))
	if len(got) != 6 || got[5].RmgrInfo() != InfoOverwriteContRecord || got[5].Start != testStart+PageSize+shortHeader {
		t.Fatalf("%d records, %v", len(got), end)
	}
	o, err := DecodeOverwriteContRecord(got[5].Main)
	if err != nil || o.LSN != got[5].Overwritten || o.LSN != log.recs[5].Start {
		t.Errorf("%+v, %v; reader says %s", o, err, got[5].Overwritten)
	}
}

func TestFindNext(t *testing.T) {
	log := craft(t)
	r := testReader(log.opt)
	for _, c := range []struct{ at, want lsn.LSN }{
		{testStart, log.recs[0].Start}, {log.recs[1].Start, log.recs[1].Start}, {log.recs[1].Start + 1, log.recs[2].Start},
		{testStart + PageSize, log.recs[6].Start}, {testStart + PageSize + 100, log.recs[6].Start},
	} {
		if got, err := r.FindNext(c.at); err != nil || got != c.want {
			t.Errorf("from %s: %s, %v; want %s", c.at, got, err, c.want)
		}
	}
}

// pages is a PageSource over bytes that start at testStart.
type pages []byte

func (p pages) ReadPage(at lsn.LSN, need int, dst []byte) (int, error) {
	if at < testStart || at >= testStart+lsn.LSN(len(p)) {
		return 0, ErrStop
	}
	n := copy(dst[:PageSize], p[at-testStart:])
	if n < need {
		return n, ErrStop
	}
	return n, nil
}

func FuzzReader(f *testing.F) {
	log := craft(f)
	f.Add(log.seg[:4*PageSize], 100, byte(3))
	f.Add(log.seg[:4*PageSize], PageSize+16, byte(0xff))
	f.Fuzz(func(t *testing.T, b []byte, at int, v byte) {
		b = append([]byte(nil), b[:min(len(b), 64*PageSize)]...)
		if len(b) > 0 {
			b[uint(at)%uint(len(b))] = v
		}
		r := NewReader(pages(b), ReaderOptions{SegSize: lsn.MinSegSize})
		r.Seek(testStart)
		last := lsn.LSN(0)
		for {
			d, err := r.Next()
			if err != nil {
				var end *EndError
				if !errors.As(err, &end) {
					t.Fatal(err)
				}
				break
			}
			if d.Start <= last || d.End <= d.Start {
				t.Fatalf("record from %s to %s after %s", d.Start, d.End, last)
			}
			last = d.Start
		}
		_, _ = r.FindNext(testStart)
	})
}

func FuzzDecode(f *testing.F) {
	for _, d := range craft(f).recs {
		f.Add(d.Raw)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= 4 {
			le.PutUint32(b, uint32(len(b)))
		}
		d, err := Decode(b, testStart)
		if err != nil {
			return
		}
		p := make([]byte, PageSize)
		for i := range d.Blocks {
			_ = d.RestoreImage(uint8(i), p)
		}
		for _, x := range Describers() {
			x.Identify(d.Info)
			x.Desc(nil, d)
		}
		if c := d.Clone(); len(c.Main) != len(d.Main) || len(c.Blocks) != len(d.Blocks) {
			t.Fatal("clone differs")
		}
	})
}

// Damage at random, much of it in page headers: reading ends, without a panic.
func TestReaderDamaged(t *testing.T) {
	log := craft(t)
	const seed = 9
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(1, seed))
	for range 5000 {
		b := append([]byte(nil), log.seg[:4*PageSize]...)
		for range 1 + rng.IntN(5) {
			b[rng.IntN(len(b))] = byte(rng.Uint32())
			b[rng.IntN(3)*PageSize+rng.IntN(60)] = byte(rng.Uint32())
		}
		r := NewReader(pages(b), ReaderOptions{SegSize: lsn.MinSegSize})
		r.Seek(testStart)
		for n := 0; ; n++ {
			if _, err := r.Next(); err != nil {
				break
			}
			if n > len(log.recs) {
				t.Fatal("more records than were written")
			}
		}
		_, _ = r.FindNext(testStart)
	}
}
