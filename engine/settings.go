package engine

import (
	"github.com/pgmini/pgmini/xact/ssi"
	"time"

	"github.com/pgmini/pgmini/guc"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/recovery"
	"github.com/pgmini/pgmini/xlog"
)

// Settings are those of PostgreSQL's settings that the engine obeys. Plain fields
// are fixed while it runs; functions are asked whenever they matter.
type Settings struct {
	SharedBuffers        int // pages
	WALBuffers           int // pages; -1: a share of SharedBuffers
	Fsync                bool
	WALLevel             pgcontrol.WALLevel
	WALLogHints          bool
	WALInitZero          bool
	WALRecoveryMode      recovery.Mode
	TrackCommitTimestamp bool
	MaxConnections       int32
	MaxWorkerProcesses   int32
	MaxWALSenders        int32
	MaxPreparedXacts     int32
	MaxLocksPerXact      int32
	MaxOpenFiles         int

	FullPageWrites      func() bool
	WALCompression      func() xlog.Compression
	WALRecycle          func() bool
	CommitDelay         func() time.Duration
	CommitSiblings      func() int
	WALWriterDelay      func() time.Duration
	WALWriterFlushAfter func() int64 // bytes

	CheckpointTimeout    func() time.Duration
	CheckpointCompletion func() float64
	CheckpointWarning    func() time.Duration
	CheckpointFlushAfter func() int // blocks
	LogCheckpoints       func() bool
	MinWALSize           func() int64 // bytes
	MaxWALSize           func() int64
	WALKeepSize          func() int64

	BgwriterDelay      func() time.Duration
	BgwriterMaxPages   func() int
	BgwriterMultiplier func() float64

	DeadlockTimeout func() time.Duration
	FreezeMaxAge    func() int
	SSI             ssi.Options
	ZeroDamaged     func() bool
}

// Registry is what FromRegistry needs; *guc.Registry has it.
type Registry interface {
	Int(guc.ID) int64
	Bool(guc.ID) bool
	Real(guc.ID) float64
	Str(guc.ID) string
}

// DefaultSettings are PostgreSQL's defaults.
func DefaultSettings() Settings { return FromRegistry(guc.New(guc.Options{})) }

// FromRegistry reads the settings from a registry; those that may change are read
// again at each use.
func FromRegistry(r Registry) Settings {
	n := func(id guc.ID, unit int64) func() int64 { return func() int64 { return r.Int(id) * unit } }
	count := func(id guc.ID) func() int { return func() int { return int(r.Int(id)) } }
	span := func(id guc.ID, unit time.Duration) func() time.Duration {
		return func() time.Duration { return time.Duration(r.Int(id)) * unit }
	}
	on := func(id guc.ID) func() bool { return func() bool { return r.Bool(id) } }
	share := func(id guc.ID) func() float64 { return func() float64 { return r.Real(id) } }
	const mb, block = 1 << 20, 8192
	return Settings{
		SharedBuffers:        int(r.Int(guc.SharedBuffers)),
		WALBuffers:           int(r.Int(guc.WalBuffers)),
		Fsync:                r.Bool(guc.Fsync),
		WALLevel:             walLevel(r.Str(guc.WalLevel)),
		WALLogHints:          r.Bool(guc.WalLogHints),
		WALInitZero:          r.Bool(guc.WalInitZero),
		WALRecoveryMode:      recovery.ParseMode(r.Str(guc.WalRecoveryMode)),
		TrackCommitTimestamp: r.Bool(guc.TrackCommitTimestamp),
		MaxConnections:       int32(r.Int(guc.MaxConnections)),
		MaxWorkerProcesses:   int32(r.Int(guc.MaxWorkerProcesses)),
		MaxWALSenders:        int32(r.Int(guc.MaxWalSenders)),
		MaxPreparedXacts:     int32(r.Int(guc.MaxPreparedTransactions)),
		MaxLocksPerXact:      int32(r.Int(guc.MaxLocksPerTransaction)),
		MaxOpenFiles:         int(r.Int(guc.MaxFilesPerProcess)),

		FullPageWrites:      on(guc.FullPageWrites),
		WALCompression:      func() xlog.Compression { return compression(r.Str(guc.WalCompression)) },
		WALRecycle:          on(guc.WalRecycle),
		CommitDelay:         span(guc.CommitDelay, time.Microsecond),
		CommitSiblings:      count(guc.CommitSiblings),
		WALWriterDelay:      span(guc.WalWriterDelay, time.Millisecond),
		WALWriterFlushAfter: n(guc.WalWriterFlushAfter, block),

		CheckpointTimeout:    span(guc.CheckpointTimeout, time.Second),
		CheckpointCompletion: share(guc.CheckpointCompletionTarget),
		CheckpointWarning:    span(guc.CheckpointWarning, time.Second),
		CheckpointFlushAfter: count(guc.CheckpointFlushAfter),
		LogCheckpoints:       on(guc.LogCheckpoints),
		MinWALSize:           n(guc.MinWalSize, mb),
		MaxWALSize:           n(guc.MaxWalSize, mb),
		WALKeepSize:          n(guc.WalKeepSize, mb),

		BgwriterDelay:      span(guc.BgwriterDelay, time.Millisecond),
		BgwriterMaxPages:   count(guc.BgwriterLruMaxpages),
		BgwriterMultiplier: share(guc.BgwriterLruMultiplier),

		DeadlockTimeout: span(guc.DeadlockTimeout, time.Millisecond),
		FreezeMaxAge:    count(guc.AutovacuumFreezeMaxAge),
		SSI: ssi.Options{PerTransaction: count(guc.MaxPredLocksPerTransaction), PerRelation: count(guc.MaxPredLocksPerRelation),
			PerPage: count(guc.MaxPredLocksPerPage)},
		ZeroDamaged: on(guc.ZeroDamagedPages),
	}
}

func walLevel(s string) pgcontrol.WALLevel {
	switch s {
	case "minimal":
		return pgcontrol.Minimal
	case "logical":
		return pgcontrol.Logical
	}
	return pgcontrol.Replica
}

func compression(s string) xlog.Compression {
	switch s {
	case "pglz", "on":
		return xlog.PGLZ
	case "lz4":
		return xlog.LZ4
	case "zstd":
		return xlog.ZSTD
	}
	return xlog.NoCompression
}

// WALBufferPages is the number of WAL pages in memory: -1 is a 32nd of the shared
// buffers, from 64 kB to one segment.
func (s *Settings) WALBufferPages(segSize int64) int {
	if s.WALBuffers >= 0 {
		return max(4, s.WALBuffers)
	}
	return int(min(max(8, int64(s.SharedBuffers)/32), segSize/8192))
}
