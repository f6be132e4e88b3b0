//go:build nightly

package sqlcrash

import "testing"

// TestEveryStep is TestImages at every step, under two seeds.
func TestEveryStep(t *testing.T) {
	w := newWorld(t).workload()
	w.Every, w.Seeds = 1, 2
	w.Images(t)
}
