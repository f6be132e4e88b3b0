// Package bgwriter keeps clean frames ahead of the clock hand, so that a session
// which needs a frame seldom has to write one first.
//
// INV-BGW-1: one round writes at most bgwriter_lru_maxpages pages.
// Enforced: writer.round. Tested: TestRound.
package bgwriter

import (
	"context"
	"sync/atomic"
	"time"
)

// Pool is what the writer needs of the shared buffers.
type Pool interface {
	Size() int
	Hand() (passed uint64, allocs int64)
	CleanAhead(at uint64) (reusable, wrote bool, err error)
}

// Options is all the writer needs; the functions are asked in every round.
type Options struct {
	Pool       Pool
	Delay      func() time.Duration // bgwriter_delay
	MaxPages   func() int           // bgwriter_lru_maxpages; 0 turns the writer off
	Multiplier func() float64       // bgwriter_lru_multiplier
	Metrics    *Metrics
}

// Metrics belongs to the caller: pg_stat_bgwriter reads it.
type Metrics struct {
	Cleaned    atomic.Int64 // buffers_clean
	MaxWritten atomic.Int64 // maxwritten_clean: rounds that ended at the limit
}

// hibernate is how many delays the writer sleeps when nobody needs frames.
const hibernate = 50

// wholePool is in how many seconds an idle server's hand is followed once around.
const wholePool = 120 * time.Second

// samples is over how many rounds the demand is smoothed.
const samples = 16

// writer is the state between rounds.
type writer struct {
	o          Options
	started    bool
	next       uint64 // as Hand's passed: the frame to look at next
	lastHand   uint64
	lastAllocs int64
	demand     float64 // frames that sessions take per round, smoothed
	density    float64 // frames the hand passes for each that it takes, smoothed
}

// Run works until ctx is done. A failed write is returned: pages of this server
// cannot be written.
func Run(ctx context.Context, o Options) error {
	w := &writer{o: o, density: 10}
	idle := false
	for {
		d := o.Delay()
		if idle {
			d *= hibernate
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(d):
		}
		var err error
		if idle, err = w.round(d); err != nil {
			return err
		}
	}
}

// round looks at the frames before the hand until as many reusable ones lie there
// as the next round is likely to need (PostgreSQL: BgBufferSync). idle says that
// nobody took a frame.
func (w *writer) round(d time.Duration) (idle bool, err error) {
	hand, allocs := w.o.Pool.Hand()
	taken := allocs - w.lastAllocs
	passed := hand - w.lastHand
	first := !w.started
	w.started, w.lastHand, w.lastAllocs = true, hand, allocs
	limit := w.o.MaxPages()
	if limit <= 0 {
		w.next = hand
		return taken == 0, nil
	}
	size := uint64(w.o.Pool.Size())
	if first || w.next < hand { // the hand has overtaken the writer
		w.next = hand
	}
	if !first && passed > 0 && taken > 0 {
		w.density += (float64(passed)/float64(taken) - w.density) / samples
	}
	if float64(taken) >= w.demand { // follow a rise at once, a fall slowly
		w.demand = float64(taken)
	} else {
		w.demand += (float64(taken) - w.demand) / samples
	}
	want := w.demand * w.o.Multiplier()
	// Even when little is wanted the whole pool is looked at in two minutes.
	least := float64(size) * float64(d) / float64(wholePool)
	want = max(want, least/w.density)
	have := float64(w.next-hand) / w.density // reusable frames already cleaned, an estimate
	written := 0
	for ; have < want && w.next < hand+size; w.next++ {
		reusable, wrote, err := w.o.Pool.CleanAhead(w.next)
		if err != nil {
			return false, err
		}
		if reusable {
			have++
		}
		if !wrote {
			continue
		}
		w.o.Metrics.Cleaned.Add(1)
		if written++; written >= limit {
			w.next++
			w.o.Metrics.MaxWritten.Add(1)
			break
		}
	}
	return taken == 0 && written == 0, nil
}
