package xlog

import (
	"errors"
	"sync"
	"testing"
)

// TestFailureIsToldFirst: when anybody can see that the log has failed, the server
// has heard of it, and writes no page any more.
func TestFailureIsToldFirst(t *testing.T) {
	var l Log
	told := 0
	l.ins.cond.L = &l.ins.waitMu
	l.opt.Failed = func(error) {
		told++
		if l.Err() != nil {
			t.Error("the failure was to be seen before the server was told")
		}
	}
	want := errors.New("no more")
	if err := l.fail(want); !errors.Is(err, want) || told != 1 || l.Err() == nil {
		t.Errorf("%v, told %d times", err, told)
	}
}

// TestLeaderMakesRoom: a leader may wait for inserts that in turn wait for room in
// the ring, which nobody but the leader can make.
func TestLeaderMakesRoom(t *testing.T) {
	opt := testOptions(newFS(t))
	opt.Buffers = 4
	l := openLog(t, opt)
	stop := make(chan struct{})
	var flusher, inserters sync.WaitGroup
	flusher.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			var err error
			if i%2 == 0 {
				_, err = l.BackgroundFlush()
			} else {
				err = l.Flush(l.InsertEnd())
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 4 {
		inserters.Go(func() {
			var r Record
			for range 200 {
				noop(&r, make([]byte, 50000)) // more than the ring
				if _, err := l.Insert(&r); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	inserters.Wait()
	close(stop)
	flusher.Wait()
}
