package heap

import (
	"errors"
	"testing"
)

// TestBrokenStopsTheServer: an error inside a critical section is a PANIC, whoever
// gets it returned.
func TestBrokenStopsTheServer(t *testing.T) {
	w := newWorld(t, 64, true)
	rel := w.table(20000)
	why := errors.New("why")
	err := broken(rel, "change a page", why)
	var p *Panic
	if !errors.As(err, &p) || !errors.Is(err, why) {
		t.Errorf("%v", err)
	}
	if rel.Sys.Xact.CommitCritical().Wait() == nil {
		t.Error("a checkpoint could go on")
	}
}
