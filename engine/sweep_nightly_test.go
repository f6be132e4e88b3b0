//go:build nightly

package engine

import (
	"strings"
	"testing"
)

// TestSweepMissing takes out one sync at a time: of each file that matters the
// sweep must miss at least one. The others are needless for this workload: a sync
// for an eviction is followed by the commit's, VACUUM's commit changes no row, and maps
// are hints.
func TestSweepMissing(t *testing.T) {
	w := sweep(t)
	w.Seeds = 2
	f := w.Start()
	must(t, w.Run(f, func(int) {}))
	left := map[string]int{}
	for _, name := range f.Syncs() {
		left[name]++
	}
	for _, m := range w.Missing(t) {
		_, name, _ := strings.Cut(m, " ")
		left[name]--
		t.Logf("the sweep does not miss sync %s", m)
	}
	for _, name := range []string{"pg_wal/000000010000000000000001", "base/5/20000", "base/5/20001", "base/5/20003", "/base/5/",
		"pg_xact/0000", "pg_control.tmp", "/global/"} {
		if left[name] == 0 {
			t.Errorf("the sweep misses no sync of %s", name)
		}
	}
}
