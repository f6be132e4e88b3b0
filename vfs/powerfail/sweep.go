package powerfail

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
)

// Workload is what a sweep runs. Run reports what it was told is durable by
// calling ack; Check must find all of it, and nothing that is wrong, on the file
// system that the next start sees. Run must be deterministic and may start from
// an empty file system.
type Workload[T any] struct {
	Run   func(fs *FS, ack func(T)) error
	Check func(fs *FS, acked []T) error
	// Start gives the file system on which Run begins; nil means an empty one.
	Start func() *FS
	Seeds int // looks at each crash; 0 is 3
	Every int // cut at each n-th step only; 0 is 1
}

func (w Workload[T]) start() *FS {
	if w.Start != nil {
		return w.Start()
	}
	return New()
}

// cut runs the workload with the power cut at step at and returns the first
// complaint of Check.
func (w Workload[T]) cut(at, skip int) error {
	fs := w.start()
	fs.CutAt, fs.Torn, fs.SkipSync = at, true, skip
	var acked []T
	if err := w.Run(fs, func(v T) { acked = append(acked, v) }); err != nil && !errors.Is(err, ErrPowerOff) {
		return fmt.Errorf("cut=%d: %w", at, err)
	}
	for seed := range max(w.Seeds, 1) {
		after := fs.Crash(rand.New(rand.NewPCG(uint64(at), uint64(seed))))
		if err := w.Check(after, acked); err != nil {
			return fmt.Errorf("cut=%d seed=%d acked=%v: %w", at, seed, acked, err)
		}
	}
	return nil
}

func (w Workload[T]) normal(t testing.TB) (Workload[T], *FS) {
	t.Helper()
	if w.Seeds == 0 {
		w.Seeds = 3
	}
	if w.Every == 0 {
		w.Every = 1
	}
	count := w.start()
	if err := w.Run(count, func(T) {}); err != nil {
		t.Fatalf("without a crash: %v", err)
	}
	return w, count
}

// Sweep runs the workload once to count its steps, then once per step with the
// power cut there and, last, right after its end, and checks what each crash
// leaves under several seeds.
func (w Workload[T]) Sweep(t testing.TB) {
	t.Helper()
	w, count := w.normal(t)
	for at := 1; at <= count.Steps()+1; at += w.Every {
		if err := w.cut(at, 0); err != nil {
			t.Fatal(err)
		}
	}
}

// Missing returns those syncs of the workload, as number and name, without which
// the sweep stays green: either they are not needed, or the sweep is blind. It
// proves that a sweep can fail.
func (w Workload[T]) Missing(t testing.TB) []string {
	t.Helper()
	w, count := w.normal(t)
	var out []string
	for n, name := range count.Syncs() {
		caught := false
		for at := 1; at <= count.Steps()+1 && !caught; at += w.Every {
			caught = w.cut(at, n+1) != nil
		}
		if !caught {
			out = append(out, fmt.Sprintf("%d %s", n+1, name))
		}
	}
	return out
}
