package xlog

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/powerfail"
)

// durableRun inserts records over several segments, flushing every few, reopens
// the log half way as recovery does, and acknowledges what Flush confirmed.
func durableRun(fs *powerfail.FS, ack func(int)) error {
	if err := fs.Mkdir("pg_wal"); err != nil {
		return err
	}
	if err := fs.SyncDir("."); err != nil {
		return err
	}
	opt := testOptions(fs)
	l, err := OpenForWrite(opt, testStart, 0)
	if err != nil {
		return err
	}
	var r Record
	for i := range 24 {
		if i == 12 {
			if err := l.Close(); err != nil {
				return err
			}
			end, last, err := endOfLog(opt)
			if err != nil {
				return err
			}
			if l, err = OpenForWrite(opt, end, last); err != nil {
				return err
			}
		}
		noop(&r, []byte(strings.Repeat(fmt.Sprintf("%04d", i), 20000)))
		at, err := l.Insert(&r)
		if err != nil {
			return err
		}
		if i == 5 {
			if _, err := l.Preallocate(1); err != nil {
				return err
			}
		}
		if i%3 == 2 {
			if err := l.FlushCommit(at); err != nil {
				return err
			}
			ack(i)
		}
	}
	return l.Close()
}

// endOfLog reads the log to its end.
func endOfLog(opt Options) (end, last lsn.LSN, err error) {
	r := testReader(opt)
	for {
		if _, err := r.Next(); err != nil {
			var e *EndError
			if !errors.As(err, &e) {
				return 0, 0, err
			}
			return e.At, r.Start(), nil
		}
	}
}

// durableCheck demands every acknowledged record, and nothing but a prefix of
// what was inserted.
func durableCheck(fs *powerfail.FS, acked []int) error {
	n := 0
	r := testReader(testOptions(fs))
	for {
		d, err := r.Next()
		if err != nil {
			break
		}
		if want := fmt.Sprintf("%04d", n); !strings.HasPrefix(string(d.Main), want) {
			return fmt.Errorf("record %d is %.4q", n, d.Main)
		}
		n++
	}
	if len(acked) > 0 && n <= acked[len(acked)-1] {
		return fmt.Errorf("%d records are there, %d was acknowledged", n, acked[len(acked)-1])
	}
	return nil
}

func durable() powerfail.Workload[int] {
	return powerfail.Workload[int]{Run: durableRun, Check: durableCheck, Seeds: 2}
}

func TestPowerFailSweep(t *testing.T) { durable().Sweep(t) }

// Taking out any sync turns the sweep red, but for that of the zeros of a new
// segment: the flush of its first record covers them too. It is there so that
// no flush has to wait for a whole segment.
func TestPowerFailNeedsEverySync(t *testing.T) {
	w := durable()
	w.Seeds = 6
	for _, s := range w.Missing(t) {
		if strings.HasSuffix(s, tempName) {
			continue
		}
		t.Errorf("without sync %s the sweep stays green", s)
	}
}

// A failed sync stops the log: what follows fails, and nothing is tried again.
func TestFailedSync(t *testing.T) {
	fs := powerfail.New()
	if err := fs.Mkdir("pg_wal"); err != nil {
		t.Fatal(err)
	}
	l := openLog(t, testOptions(fs))
	var r Record
	noop(&r, []byte("first"))
	first := insert(t, l, &r)
	if err := l.Flush(first); err != nil {
		t.Fatal(err)
	}
	noop(&r, []byte("second"))
	second := insert(t, l, &r)
	fs.FailAt = fs.Steps() + 2 // a write, then the sync
	err := l.Flush(second)
	if !errors.Is(err, powerfail.ErrSync) {
		t.Fatalf("flush said %v", err)
	}
	syncs := len(fs.Syncs())
	if again := l.Flush(second); again == nil || again.Error() != err.Error() {
		t.Errorf("second flush said %v", again)
	}
	if err := l.Flush(first); err != nil {
		t.Errorf("what was durable is no more: %v", err)
	}
	if _, err := l.Insert(&r); err == nil {
		t.Error("insert into a log that failed")
	}
	if _, err := l.BackgroundFlush(); err == nil {
		t.Error("background flush of a log that failed")
	}
	if len(fs.Syncs()) != syncs || l.FlushLSN() != first {
		t.Errorf("%d syncs after the failure, flushed to %s", len(fs.Syncs())-syncs, l.FlushLSN())
	}
}

func TestDiskFull(t *testing.T) {
	fs := powerfail.New()
	if err := fs.Mkdir("pg_wal"); err != nil {
		t.Fatal(err)
	}
	opt := testOptions(fs)
	l := openLog(t, opt)
	fs.SetBudget(3 << 20)
	var r Record
	var err error
	for i := 0; i < 100 && err == nil; i++ {
		noop(&r, make([]byte, 50000))
		_, err = l.Insert(&r)
	}
	if err == nil {
		t.Fatal("no error on a full disk")
	}
	if got := fmt.Sprint(l.Err()); !strings.Contains(got, "no space") {
		t.Errorf("the log failed with %q", got)
	}
	if f, err := fs.Open("pg_wal/"+tempName, vfs.Read); err == nil {
		f.Close()
		t.Error("half a segment was left")
	}
}
