package xlog

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/pgmini/pgmini/lsn"
)

func segments(t *testing.T, opt Options) string {
	t.Helper()
	list, err := opt.FS.List("pg_wal")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range list {
		out = append(out, strings.TrimPrefix(e.Name(), "0000000100000000000000"))
	}
	return strings.Join(out, " ")
}

func fill(t *testing.T, l *Log, segs int) {
	t.Helper()
	var r Record
	for range segs * 11 {
		noop(&r, make([]byte, 100000))
		insert(t, l, &r)
	}
	if err := l.Flush(l.InsertEnd()); err != nil {
		t.Fatal(err)
	}
}

func TestRemoveAndRecycle(t *testing.T) {
	opt := testOptions(newFS(t))
	l := openLog(t, opt)
	fill(t, l, 5)
	if got := segments(t, opt); got != "01 02 03 04 05 06" {
		t.Fatal(got)
	}
	redo := l.BeginCheckpoint() // in segment 6
	r := Retention{MinSize: 4 << 20, MaxSize: 8 << 20, Completion: 0.9, Distance: 1 << 20, Recycle: true,
		Archived: func(name string) bool { return !strings.HasSuffix(name, "02") }}
	removed, recycled, err := l.RemoveOld(5, redo, r)
	if err != nil || removed != 0 || recycled != 3 {
		t.Errorf("removed %d, recycled %d, %v", removed, recycled, err)
	}
	if got := segments(t, opt); got != "02 05 06 07 08 09" {
		t.Errorf("segments %s", got)
	}
	// The log goes on into recycled segments, and their old pages are no records.
	fill(t, l, 2)
	rd := testReader(opt)
	rd.Seek(redo)
	got, end := drain(t, rd)
	if len(got) != 22 || end.Kind != EndZero {
		t.Errorf("%d records, then %v", len(got), end)
	}
	r.Recycle, r.Archived = false, nil
	if removed, recycled, err = l.RemoveOld(8, redo, r); err != nil || recycled != 0 || removed != 4 {
		t.Errorf("removed %d, recycled %d, %v", removed, recycled, err)
	}
}

func TestSpares(t *testing.T) {
	const seg = lsn.DefaultSegSize
	redo := seg.Start(100)
	for _, c := range []struct {
		min, max int64
		distance float64
		want     lsn.SegNo
	}{
		{80 << 20, 1 << 30, 0, 104},          // min_wal_size
		{80 << 20, 1 << 30, 160 << 20, 121},  // 1.9 * 1.1 * 10 segments
		{80 << 20, 1 << 30, 100 << 30, 163},  // max_wal_size
		{80 << 20, 16 << 20, 100 << 30, 104}, // maximum below minimum
	} {
		r := Retention{MinSize: c.min, MaxSize: c.max, Completion: 0.9, Distance: c.distance}
		if got := r.spares(redo, seg); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

func TestPreallocator(t *testing.T) {
	opt := testOptions(newFS(t))
	l := openLog(t, opt)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Preallocator(ctx, func(err error) { t.Error(err) }) }()
	var r Record
	for range 30 {
		noop(&r, make([]byte, 100000))
		if err := l.Flush(insert(t, l, &r)); err != nil {
			t.Fatal(err)
		}
		want := l.path(l.geo.seg.Containing(l.WriteLSN()) + 1)
		for i := 0; ; i++ {
			if _, err := opt.FS.Stat(want); err == nil {
				break
			}
			if i > 5000 {
				t.Fatalf("%s was not made", want)
			}
			time.Sleep(time.Millisecond)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := l.Metrics().SegmentsCreated.Load(); n != 1 {
		t.Errorf("a writer waited for %d segments", n)
	}
}
