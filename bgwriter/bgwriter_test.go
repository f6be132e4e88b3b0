package bgwriter

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// fakePool has a frame state per position of the hand.
type fakePool struct {
	dirty  []bool
	hand   uint64
	allocs int64
	fail   error
}

func (p *fakePool) Size() int             { return len(p.dirty) }
func (p *fakePool) Hand() (uint64, int64) { return p.hand, p.allocs }
func (p *fakePool) CleanAhead(at uint64) (bool, bool, error) {
	i := at % uint64(len(p.dirty))
	was := p.dirty[i]
	p.dirty[i] = false
	return true, was, p.fail
}

func options(p *fakePool, limit int) Options {
	return Options{Pool: p, Delay: func() time.Duration { return 200 * time.Millisecond },
		MaxPages: func() int { return limit }, Multiplier: func() float64 { return 2 }, Metrics: &Metrics{}}
}

func TestRound(t *testing.T) {
	p := &fakePool{dirty: make([]bool, 1000)}
	for i := range p.dirty {
		p.dirty[i] = true
	}
	o := options(p, 30)
	w := &writer{o: o, density: 1}
	_, _ = w.round(0)
	p.hand, p.allocs = 10, 10 // ten frames taken: twenty are wanted ahead
	if idle, err := w.round(0); idle || err != nil || o.Metrics.Cleaned.Load() != 20 {
		t.Fatalf("idle %v err %v cleaned %d", idle, err, o.Metrics.Cleaned.Load())
	}
	for i, d := range p.dirty[:40] {
		if want := i < 10 || i >= 30; d != want {
			t.Fatalf("frame %d dirty: %v", i, d)
		}
	}
	p.hand, p.allocs = 200, 200
	_, _ = w.round(0)
	if got := o.Metrics.Cleaned.Load(); got != 50 || o.Metrics.MaxWritten.Load() != 1 {
		t.Errorf("cleaned %d, want 20 and then the limit of 30", got)
	}
	p.fail = errors.New("no disk")
	p.hand, p.allocs = 400, 400
	if _, err := w.round(0); !errors.Is(err, p.fail) {
		t.Errorf("got %v", err)
	}
}

// TestIdleHibernates: an idle server's writer wakes once in fifty delays.
func TestIdleHibernates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &fakePool{dirty: make([]bool, 1000)}
		rounds := 0
		o := options(p, 30)
		o.MaxPages = func() int { rounds++; return 30 }
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- Run(ctx, o) }()
		time.Sleep(101 * time.Second)
		cancel()
		if err := <-done; err != nil || rounds < 9 || rounds > 13 {
			t.Errorf("%d rounds in 101 s, %v", rounds, err)
		}
	})
}
