// Package walwriter is the background worker that writes the log ahead of the
// sessions and makes asynchronous commits durable.
//
// INV-WW-1: an asynchronous commit is durable at most three times
// wal_writer_delay after it.
// Enforced: Writer.Run. Tested: TestAsyncCommitIsFlushed.
package walwriter

import (
	"context"
	"time"
)

// A worker that had nothing to do for idleTurns turns sleeps idleFactor times
// as long (PostgreSQL: LOOPS_UNTIL_HIBERNATE, HIBERNATE_FACTOR).
const (
	idleTurns  = 50
	idleFactor = 25
)

// Log is the part of the log that the worker needs.
type Log interface {
	BackgroundFlush() (bool, error)
	Wake() <-chan struct{}
	SetHibernating(bool)
}

// Options is all that a Writer needs.
type Options struct {
	Log   Log
	Delay func() time.Duration // wal_writer_delay
}

// Writer is the worker.
type Writer struct{ opt Options }

// New makes a Writer.
func New(opt Options) *Writer {
	if opt.Log == nil || opt.Delay == nil {
		panic("walwriter: Options without Log or Delay")
	}
	return &Writer{opt}
}

// Run works until ctx is done. An error of the log is a PANIC of the server.
func (w *Writer) Run(ctx context.Context) error {
	idle := 0
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		// Said before looking for work: a commit that comes after the look
		// finds the flag and wakes us.
		w.opt.Log.SetHibernating(idle >= idleTurns)
		worked, err := w.opt.Log.BackgroundFlush()
		if err != nil {
			return err
		}
		if worked {
			idle = 0
		} else {
			idle++
		}
		delay := w.opt.Delay()
		if idle > idleTurns {
			delay *= idleFactor
		}
		timer.Reset(delay)
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-w.opt.Log.Wake():
			idle = 0
		}
	}
}
