package xlog

import (
	"errors"
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
