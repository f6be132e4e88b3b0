//go:build nightly

package engine

import "testing"

// TestEverySyncEveryStep is TestEverySync without a stride.
func TestEverySyncEveryStep(t *testing.T) { everySync(t, 1) }

// TestSweepSeeds is TestSweep under many seeds.
func TestSweepSeeds(t *testing.T) {
	for name, steps := range map[string][]sweepStep{"all": sweepSteps(), "restart": restartSteps()} {
		t.Run(name, func(t *testing.T) {
			w := sweep(t, steps)
			w.Seeds = 40
			w.Images(t)
		})
	}
}
