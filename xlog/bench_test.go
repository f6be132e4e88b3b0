package xlog

import (
	"fmt"
	"sync"
	"testing"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/memfs"
	"github.com/pgmini/pgmini/vfs/osfs"
)

func benchLog(b *testing.B, fs vfs.FS) *Log {
	b.Helper()
	if err := fs.Mkdir("pg_wal"); err != nil {
		b.Fatal(err)
	}
	opt := testOptions(fs)
	opt.SegSize, opt.Buffers = 16<<20, 2048
	l, err := OpenForWrite(opt, 16<<20, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	if _, err := l.Preallocate(4); err != nil {
		b.Fatal(err)
	}
	return l
}

// BenchmarkInsert is one record of about 128 bytes with a block reference, in
// memory; segments are dropped as they fill.
func BenchmarkInsert(b *testing.B) {
	fs := memfs.New()
	l := benchLog(b, fs)
	var r Record
	p := testPage(b, 1)
	p.SetLSN(64 << 30)
	data := make([]byte, 60)
	b.ReportAllocs()
	b.SetBytes(128)
	for i := 0; b.Loop(); i++ {
		r.Begin(RmHeap, 0, 5)
		r.Data(data[:3])
		r.Block(0, testTag(1), p, Standard)
		r.BlockData(0, data)
		if _, err := l.Insert(&r); err != nil {
			b.Fatal(err)
		}
		if i&0xffff == 0xffff {
			if _, _, err := l.RemoveOld(l.SegSize().Containing(l.WriteLSN()), l.WriteLSN(), Retention{}); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkInserters is n sessions that insert at once, in memory, with watermarks.
func BenchmarkInserters(b *testing.B) {
	for _, n := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("writers=%d", n), func(b *testing.B) {
			l := benchLog(b, memfs.New())
			l.opt.Watermarks = true
			data := make([]byte, 60)
			b.ReportAllocs()
			b.SetBytes(128)
			b.ResetTimer()
			var wg sync.WaitGroup
			for w := range n {
				wg.Go(func() {
					var r Record
					p := testPage(b, 1)
					p.SetLSN(64 << 30)
					for i := w; i < b.N; i += n {
						r.Begin(RmHeap, 0, 5)
						r.Data(data[:3])
						r.Block(0, testTag(1), p, Standard)
						r.BlockData(0, data)
						if _, err := l.Insert(&r); err != nil {
							b.Error(err)
							return
						}
						if i&0xffff == 0xffff {
							if _, _, err := l.RemoveOld(l.SegSize().Containing(l.WriteLSN()), l.WriteLSN(), Retention{}); err != nil {
								b.Error(err)
								return
							}
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

// BenchmarkDurable is n sessions that each insert 128 bytes and wait until they
// are on disk.
func BenchmarkDurable(b *testing.B) {
	for _, n := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("writers=%d", n), func(b *testing.B) {
			l := benchLog(b, osfs.New(b.TempDir()))
			payload := make([]byte, 128-recordHeader-2)
			b.ResetTimer()
			var wg sync.WaitGroup
			for w := range n {
				wg.Go(func() {
					var r Record
					for i := w; i < b.N; i += n {
						noop(&r, payload)
						var at lsn.LSN
						at, err := l.Insert(&r)
						if err == nil {
							err = l.FlushCommit(at)
						}
						if err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
			b.ReportMetric(float64(b.N)/float64(max(1, l.met.Syncs.Load())), "commits/sync")
		})
	}
}
