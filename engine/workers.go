package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/pprof"
	"sync"
	"time"

	"github.com/pgmini/pgmini/bgwriter"
	"github.com/pgmini/pgmini/checkpointer"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/walwriter"
)

// task is a background worker.
type task struct {
	name string
	run  func(context.Context) error
}

// stage is a group of workers that start and stop together.
type stage struct {
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup
	mu     sync.Mutex
	errs   []error
}

// startStage runs the tasks. One that fails is a PANIC of the instance.
func (i *Instance) startStage(tasks ...task) {
	ctx, cancel := context.WithCancelCause(context.Background())
	s := &stage{cancel: cancel}
	i.mu.Lock()
	i.stages = append(i.stages, s)
	i.mu.Unlock()
	for _, t := range tasks {
		s.wg.Go(func() {
			pprof.Do(ctx, pprof.Labels("pgmini", t.name), func(ctx context.Context) {
				if err := t.run(ctx); err != nil && !errors.Is(err, context.Canceled) {
					err = fmt.Errorf("%s: %w", t.name, err)
					s.mu.Lock()
					s.errs = append(s.errs, err)
					s.mu.Unlock()
					i.Panic(err)
				}
			})
		})
	}
}

// stopStages has all workers stop at once.
func (i *Instance) stopStages(why error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, s := range i.stages {
		s.stop(why)
	}
}

func (s *stage) stop(why error) { s.cancel(why) }

func (s *stage) wait() error {
	s.wg.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.errs...)
}

// startWorkers starts the stages, the lowest first.
func (i *Instance) startWorkers() {
	i.wal.CheckRoom()
	if i.opt.NoWorkers {
		return
	}
	s := &i.set
	ww := walwriter.New(walwriter.Options{Log: i.wal, Delay: s.WALWriterDelay})
	i.ckpt = checkpointer.New(checkpointer.Options{
		Do: i.creator.Create, Timeout: s.CheckpointTimeout, Completion: s.CheckpointCompletion, Warning: s.CheckpointWarning,
		MaxWALSize: s.MaxWALSize, SegSize: i.wal.SegSize(), InsertLSN: i.wal.InsertLSN, RedoLSN: i.wal.RedoLSN,
		Metrics: &i.metrics.Checkpoint, Log: i.log,
	})
	i.startStage(
		task{"walwriter", ww.Run},
		task{"preallocator", func(ctx context.Context) error {
			return i.wal.Preallocator(ctx, func(err error) {
				i.log.Warn("could not make the next WAL segment", "error", err)
				i.ckpt.Request(checkpointer.CauseXLOG | checkpointer.Immediate) // it removes old ones
			})
		}})
	i.startStage(task{"checkpointer", i.ckpt.Run})
	i.startStage(
		task{"background writer", func(ctx context.Context) error {
			return bgwriter.Run(ctx, bgwriter.Options{Pool: i.pool, Delay: s.BgwriterDelay, MaxPages: s.BgwriterMaxPages,
				Multiplier: s.BgwriterMultiplier, Metrics: &i.metrics.Bgwriter})
		}},
		task{"standby snapshots", i.logSnapshots})
}

// segmentOpened tells the checkpointer that the log has grown.
func (i *Instance) segmentOpened(seg lsn.SegNo) {
	if i.ckpt != nil {
		i.ckpt.SegmentOpened(seg)
	}
}

// snapshotEvery is how often the running transactions are logged while the log
// grows (LOG_SNAPSHOT_INTERVAL_MS).
const snapshotEvery = 15 * time.Second

// logSnapshots logs the running transactions from time to time, so that a standby
// becomes consistent soon.
func (i *Instance) logSnapshots(ctx context.Context) error {
	if !i.standbyInfo() {
		return nil
	}
	t := time.NewTicker(snapshotEvery)
	defer t.Stop()
	var last lsn.LSN
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		if at := i.wal.LastImportant(); at > last {
			end, err := i.xact.LogStandbySnapshot()
			if err != nil {
				return err
			}
			last = end
		}
	}
}

// sessions are those who are attached.
type sessions struct {
	wg sync.WaitGroup
	mu struct {
		sync.Mutex
		next    uint64
		cancels map[uint64]context.CancelCauseFunc
		refused error
	}
}

func (s *sessions) init() { s.mu.cancels = map[uint64]context.CancelCauseFunc{} }

// refuse has Attach fail from now on; the first reason stays.
func (s *sessions) refuse(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.refused == nil {
		s.mu.refused = why
	}
}

func (s *sessions) cancelAll(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, cancel := range s.mu.cancels {
		cancel(why)
	}
}

// Attach registers a session, or a worker above the engine, as autovacuum: Stop
// waits until it has detached. INV-ENG-1. Its context ends, with the reason as
// cause, at a fast or immediate stop and at a PANIC.
func (i *Instance) Attach(ctx context.Context) (context.Context, func(), error) {
	s := &i.sessions
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.refused != nil {
		return nil, nil, s.mu.refused
	}
	ctx, cancel := context.WithCancelCause(ctx)
	id := s.mu.next
	s.mu.next++
	s.mu.cancels[id] = cancel
	s.wg.Add(1)
	var once sync.Once
	return ctx, func() {
		once.Do(func() {
			s.mu.Lock()
			delete(s.mu.cancels, id)
			s.mu.Unlock()
			cancel(nil)
			s.wg.Done()
		})
	}, nil
}

// StopMode is how an instance stops.
type StopMode int

// The modes of pg_ctl stop.
const (
	Smart     StopMode = iota // wait until all have detached
	Fast                      // end the sessions
	Immediate                 // no checkpoint: the next Open recovers
)

// Stop ends the instance: sessions, then the workers from the top, with the
// shutdown checkpoint while the WAL writer still runs. It waits for an earlier
// call. The error says that the next Open must recover.
func (i *Instance) Stop(mode StopMode) error {
	i.sessions.refuse(pgerr.New(pgerr.CannotConnectNow, "the database system is shutting down"))
	switch mode {
	case Fast:
		i.sessions.cancelAll(pgerr.New(pgerr.AdminShutdown, "terminating connection due to administrator command"))
	case Immediate:
		i.panicked.Store(true)
		i.sessions.cancelAll(pgerr.New(pgerr.AdminShutdown, "terminating connection due to immediate shutdown command"))
		i.stopStages(checkpointer.ErrImmediate)
	}
	i.stopOnce.Do(func() { i.stopErr = i.shutDown() })
	return i.stopErr
}

func (i *Instance) shutDown() error {
	i.sessions.wg.Wait()
	var errs []error
	if !i.panicked.Load() {
		i.log.Info("shutting down")
	}
	for n := len(i.stages) - 1; n >= 0; n-- {
		i.stages[n].stop(nil)
		errs = append(errs, i.stages[n].wait())
	}
	if i.ckpt == nil && !i.panicked.Load() {
		_, err := i.creator.Create(context.Background(), checkpointer.Shutdown|checkpointer.Immediate, func(float64) {})
		errs = append(errs, err)
	}
	errs = append(errs, i.Err(), i.close())
	i.log.Info("database system is shut down")
	return errors.Join(errs...)
}
