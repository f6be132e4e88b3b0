package crashmodel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/initdb"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/checkpointer"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/engine"
	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs/powerfail"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xlog"
)

// world is a cluster that lives through crashes, and the model of it.
type world struct {
	t       testing.TB
	seed    uint64
	rng     *rand.Rand
	fs      *powerfail.FS
	inst    *engine.Instance
	log     *tail
	clients []*client
	floor   int64 // values of the sequence up to here were handed out for good
	gen     int
	trouble bool // the disk fails in this generation: errors are expected
	done    chan struct{}
	mu      sync.Mutex
	wrong   error

	every int // generations between two judgements by stock PostgreSQL; 0 is none
	pg    *oracle.PG
	stock []int // transactions of each client that stock PostgreSQL found, or nil

	crashes, kills, inRecovery, panics, clean, judged, spared int
}

// tail keeps the end of the log.
type tail struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *tail) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.b.Len() > 1<<16 {
		l.b.Next(1 << 15)
	}
	return l.b.Write(p)
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newWorld(t testing.TB, seed uint64, clients int) *world {
	w := &world{t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 1)), fs: powerfail.New(), log: new(tail)}
	err := initdb.Create(initdb.Options{FS: w.fs, SegSize: lsn.SegSize(1 << 20), Random: rand.NewChaCha8([32]byte{byte(seed)})})
	w.must("initdb", err)
	w.must("chmod", w.fs.Chmod(".", 0o700))
	for i := range clients {
		first := &state{kv: map[int64]uint64{}, tables: map[string]int{}, loose: map[string]int{}}
		w.clients = append(w.clients, &client{w: w, id: i, rng: rand.New(rand.NewPCG(seed, uint64(i)+2)), cur: first, may: []*state{first}})
	}
	w.must("open", w.open())
	// New pages of pg_xact and pg_multixact are near.
	cp := w.inst.Control().Copy
	cp.NextXID, cp.NextMulti, cp.NextMultiOffset = 1<<15-500, 1<<11-50, 409*4-50
	w.inst.Xact().SetCheckPoint(&cp)
	s, err := connect(w.inst, 1, nil)
	w.must("connect", err)
	s.begin(xact.ReadCommitted)
	w.must("load", w.load(s))
	w.must("commit", s.commit())
	s.close()
	w.must("stop", w.inst.Stop(engine.Fast))
	return w
}

func (w *world) load(s *session) error {
	if _, err := s.create("accounts", 0, int4("id"), int4("balance")); err != nil {
		return err
	}
	if _, err := s.create("history", 0, int4("id"), int4("src"), int4("dst"), int4("amt")); err != nil {
		return err
	}
	if _, err := s.create("kv", 2, int4("k"), int4("h"), text("v")); err != nil {
		return err
	}
	if _, err := s.CreateSequence(catalog.NewRelation{Name: "sq", Namespace: oid.PublicNamespace, Persistence: 'p', Owner: 10},
		rows.PgSequence{Seqtypid: oid.Int8, Seqstart: 1, Seqincrement: 1, Seqmax: 1 << 62, Seqmin: 1, Seqcache: 1}); err != nil {
		return err
	}
	if err := s.CommandCounterIncrement(); err != nil {
		return err
	}
	t, err := s.open("accounts", 3)
	for k := 0; err == nil && k < accounts; k++ {
		err = s.insert(t, datum.Int(int64(k)), datum.Int(initial))
	}
	return err
}

// fatal ends the test with all there is to know.
func (w *world) fatal(what string, err error) {
	w.t.Helper()
	w.t.Fatalf("PGMINI_SEED=%d generation %d: %s: %v\nlog:\n%s", w.seed, w.gen, what, err, w.log)
}

func (w *world) must(what string, err error) {
	w.t.Helper()
	if err != nil {
		w.fatal(what, err)
	}
}

// broken notes that a promise is broken.
func (w *world) broken(format string, a ...any) error {
	err := fmt.Errorf(format, a...)
	w.mu.Lock()
	if w.wrong == nil {
		w.wrong = err
	}
	w.mu.Unlock()
	return err
}

// stopped reports whether the generation is over.
func (w *world) stopped() bool {
	select {
	case <-w.done:
		return true
	default:
	}
	return w.fs.Off() || w.inst.Err() != nil
}

// complain judges an error that a client met: true ends the client.
func (w *world) complain(c *client, what string, err error) bool {
	if w.stopped() {
		return true
	}
	switch pgerr.CodeOf(err) {
	case pgerr.TRDeadlockDetected, pgerr.TRSerializationFailure:
		return false
	case pgerr.DiskFull:
		if w.trouble {
			return false
		}
	case pgerr.CrashShutdown, pgerr.AdminShutdown:
		return true
	}
	if w.trouble && errors.Is(err, powerfail.ErrSync) {
		return true
	}
	name := "a worker"
	if c != nil {
		name = fmt.Sprintf("client %d", c.id)
	}
	_ = w.broken("%s: %s: %w", name, what, err)
	return true
}

func (w *world) settings() *engine.Settings {
	s := engine.DefaultSettings()
	pick := func(list ...int) int { return list[w.rng.IntN(len(list))] }
	yes := func(v bool) func() bool { return func() bool { return v } }
	span := func(d time.Duration) func() time.Duration { return func() time.Duration { return d } }
	size := func(n int) func() int64 { return func() int64 { return int64(n) << 20 } }
	s.SharedBuffers, s.WALBuffers = pick(40, 64, 200), pick(4, 8, 64)
	s.WALRecycle = yes(w.rng.IntN(2) == 0)
	s.WALInitZero = w.rng.IntN(2) == 0
	z := xlog.Compression(pick(0, 0, 1, 2, 3))
	s.WALCompression = func() xlog.Compression { return z }
	s.MinWALSize, s.MaxWALSize = size(2), size(pick(2, 3, 8))
	s.WALWriterDelay, s.BgwriterDelay = span(time.Millisecond), span(10*time.Millisecond)
	s.DeadlockTimeout = span(3 * time.Millisecond)
	d := time.Duration(pick(0, 0, 50)) * time.Microsecond
	s.CommitDelay, s.CommitSiblings = span(d), func() int { return 1 }
	s.CheckpointWarning = span(0)
	if w.rng.IntN(3) == 0 {
		s.WALLevel, s.MaxWALSenders = pgcontrol.Minimal, 0
	}
	return &s
}

func (w *world) open() error {
	i, err := engine.Open(context.Background(), engine.Options{FS: w.fs, Settings: w.settings(), PID: 1,
		Logger: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelInfo}))})
	w.inst = i
	return err
}

// within fails the test, with all goroutines, if f does not return in time.
func (w *world) within(what string, d time.Duration, f func()) {
	w.t.Helper()
	ended := make(chan struct{})
	go func() { defer close(ended); f() }()
	select {
	case <-ended:
	case <-time.After(d):
		buf := make([]byte, 1<<20)
		w.fatal(what, fmt.Errorf("hangs:\n%s", buf[:runtime.Stack(buf, true)]))
	}
}

// generation opens the directory, checks it, works on it and lets it crash.
func (w *world) generation() {
	w.t.Helper()
	w.gen++
	fmt.Fprintf(w.log, "=== generation %d\n", w.gen)
	w.fs.Torn = true
	if w.rng.IntN(6) == 0 {
		w.fs.CutIn(1 + w.rng.IntN(1500)) // during recovery
	}
	var err error
	w.within("open", time.Minute, func() { err = w.open() })
	if err != nil {
		if !w.fs.Off() {
			w.fatal("open", err)
		}
		w.inRecovery++
		w.crash()
		return
	}
	w.within("check", time.Minute, w.check)
	w.done, w.trouble = make(chan struct{}), false
	switch w.rng.IntN(12) {
	case 0:
		w.trouble = true
		w.fs.FailIn(1 + w.rng.IntN(2000))
	case 1:
		w.trouble = true
		w.fs.SetBudget(int64(w.rng.IntN(3 << 20)))
	case 2: // it lasts to the end
	default:
		w.fs.CutIn(1 + w.rng.IntN(1<<w.rng.IntN(13)))
	}
	w.work()
	mode := engine.Immediate
	if w.rng.IntN(3) == 0 && !w.fs.Off() {
		mode = engine.Fast
	}
	w.within("stop", time.Minute, func() { err = w.inst.Stop(mode) })
	if w.wrong != nil {
		w.fatal("while it was up", w.wrong)
	}
	if w.inst.Err() != nil {
		w.panics++
		if !w.fs.Off() && !w.trouble {
			w.fatal("PANIC out of nothing", w.inst.Err())
		}
	}
	if mode == engine.Fast && err == nil {
		w.clean++
	}
	w.crash()
}

// crash takes the power away, or only the process.
func (w *world) crash() {
	if w.every > 0 && w.gen%w.every == 0 {
		w.fs.PowerOff()
		w.crashes++
		w.judge(w.pg, w.rng.Uint64())
		return
	}
	if w.rng.IntN(3) == 0 && !w.doomed() {
		w.kills++
		w.fs = w.fs.Kill()
		return
	}
	w.crashes++
	w.fs = w.fs.Crash(w.rng)
}

// doomed reports whether names, or parts of the log, are in the kernel's memory
// only and stay there, because their sync failed. A server that is started while
// the kernel lives on builds upon them, and is lost at the next power failure
// whatever it does: stock PostgreSQL too. Data files are another matter: the log
// brings back what they lost.
func (w *world) doomed() bool {
	lost := w.fs.Lost()
	return strings.HasSuffix(lost, "/") || strings.HasPrefix(lost, "pg_wal/")
}

// work has the clients, a vacuum and a checkpointer run until all clients are
// done or the world stops.
func (w *world) work() {
	w.t.Helper()
	var clients, others sync.WaitGroup
	txs := 5 + w.rng.IntN(40)
	for _, c := range w.clients {
		clients.Go(func() { c.run(txs) })
	}
	vrng, crng := rand.New(rand.NewPCG(w.rng.Uint64(), 0)), rand.New(rand.NewPCG(w.rng.Uint64(), 0))
	others.Go(func() { w.vacuums(vrng) })
	others.Go(func() { w.checkpoints(crng) })
	w.within("clients", time.Minute, clients.Wait)
	close(w.done)
	w.within("workers", time.Minute, others.Wait)
}

func (w *world) vacuums(rng *rand.Rand) {
	s, err := connect(w.inst, 2, nil)
	if err != nil {
		w.complain(nil, "connect", err)
		return
	}
	defer s.close()
	for !w.stopped() {
		time.Sleep(time.Duration(rng.IntN(3000)) * time.Microsecond)
		if err := w.vacuumOne(s, rng); err != nil && w.complain(nil, "vacuum", err) {
			return
		}
	}
}

func (w *world) vacuumOne(s *session, rng *rand.Rand) error {
	s.begin(xact.ReadCommitted)
	var list []oid.OID
	for _, name := range []string{"accounts", "kv", "kv", "history"} {
		c, err := s.ClassByName(name, oid.PublicNamespace)
		if err != nil || c == nil {
			_ = s.abort()
			return err
		}
		list = append(list, c.Oid)
		if c.Reltoastrelid != 0 {
			list = append(list, c.Reltoastrelid)
		}
	}
	if err := s.commit(); err != nil {
		return err
	}
	list = append(list, oid.RelClass, oid.RelAttribute)
	par := heap.VacuumParams{FreezeMinAge: 50000000, FreezeTableAge: 150000000, MultiFreezeMinAge: 5000000, MultiFreezeTableAge: 150000000}
	if rng.IntN(3) == 0 {
		par.FreezeMinAge, par.FreezeTableAge = uint32(rng.IntN(20)), uint32(rng.IntN(50))
		par.MultiFreezeMinAge, par.MultiFreezeTableAge = uint32(rng.IntN(20)), uint32(rng.IntN(50))
	}
	return s.vacuum(list[rng.IntN(len(list))], par)
}

func (w *world) checkpoints(rng *rand.Rand) {
	for !w.stopped() {
		time.Sleep(time.Duration(rng.IntN(8000)) * time.Microsecond)
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		err := w.inst.Checkpoint(ctx, checkpointer.Immediate|checkpointer.Force)
		cancel()
		if err != nil && w.complain(nil, "checkpoint", err) {
			return
		}
	}
}

func seedOf(t testing.TB) uint64 {
	if v, err := strconv.ParseUint(os.Getenv("PGMINI_SEED"), 10, 64); err == nil {
		return v
	}
	return uint64(time.Now().UnixNano())
}

// TestGenerations: see the package's comment.
func TestGenerations(t *testing.T) {
	span, err := time.ParseDuration(os.Getenv("PGMINI_CRASH_TIME"))
	seed := seedOf(t)
	if err != nil {
		span = 20 * time.Second
		if os.Getenv("PGMINI_SEED") == "" {
			seed = 15
		}
	}
	t.Logf("PGMINI_SEED=%d", seed)
	end := time.Now().Add(span)
	var total world
	for n := uint64(0); time.Now().Before(end); n++ {
		w := newWorld(t, seed+n, 2+int(n%4))
		w.every, w.pg = stockEvery(t)
		for g := 0; g < 150 && time.Now().Before(end); g++ {
			w.generation()
		}
		total.gen += w.gen
		total.crashes += w.crashes
		total.kills += w.kills
		total.inRecovery += w.inRecovery
		total.panics += w.panics
		total.clean += w.clean
		total.judged += w.judged
		total.spared += w.spared
		for _, c := range w.clients {
			total.floor += int64(c.txs)
		}
	}
	t.Logf("%d generations: %d power failures, %d kills, %d of both during recovery, %d PANICs, %d clean stops, %d judged by stock PostgreSQL, which could not start %d times more; %d commits",
		total.gen, total.crashes, total.kills, total.inRecovery, total.panics, total.clean, total.judged, total.spared, total.floor)
}
