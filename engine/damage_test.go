package engine

import (
	"maps"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/recovery"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/powerfail"
	"github.com/pgmini/pgmini/xact"
)

// committed is a file system on which a server ran some dozens of transactions, was
// idle for a turn of the WAL writer, and lost its power; the rows it had, and the range
// of its log that recovery reads.
func committed(t *testing.T) (f *powerfail.FS, rows map[int]string, redo, end lsn.LSN) {
	t.Helper()
	f = smallBase(t)
	opt := sweepOptions(f)
	opt.Settings.SharedBuffers = 256 // no page is written but by the checkpoint
	i, err := Open(bg, opt)
	must(t, err)
	b := &script{model: map[int]string{}}
	b.tx(true, func(s *store, tx *xact.Tx) error { return s.create(tx) })
	b.insert(true, 0, 60, value(0))
	b.checkpoint()
	for n := 1; n < 40; n++ {
		b.insert(n%7 != 0, n*60, n*60+5, value(0))
	}
	b.insert(true, 7000, 7003, long)
	b.fillSegments(6000, 14)
	b.insert(true, 8000, 8010, value(3))
	s := newStore(i, sweepNode)
	for _, st := range b.steps {
		must(t, st.do(i, s))
	}
	_, err = i.wal.BackgroundFlush()
	must(t, err)
	c, end := i.Control(), i.wal.FlushLSN()
	_ = i.Stop(Immediate)
	list, err := f.List("pg_wal") // the system got round to writing the last page
	must(t, err)
	for _, e := range list {
		if e.IsDir() {
			continue
		}
		h, err := f.Open("pg_wal/"+e.Name(), vfs.Write)
		must(t, err)
		must(t, h.Sync())
		must(t, h.Close())
	}
	return f.Crash(rand.New(rand.NewPCG(1, 2))), b.model, c.Copy.Redo, end
}

func flipAt(t *testing.T, f *powerfail.FS, at lsn.LSN, bit int) {
	t.Helper()
	size := lsn.SegSize(1 << 20)
	h, err := f.Open("pg_wal/"+size.FileName(1, size.Containing(at)), vfs.Write)
	must(t, err)
	defer h.Close()
	var b [1]byte
	_, err = h.ReadAt(b[:], int64(size.Offset(at)))
	must(t, err)
	b[0] ^= 1 << bit
	_, err = h.WriteAt(b[:], int64(size.Offset(at)))
	must(t, err)
}

// TestFlippedWAL flips one bit of the log at many places: what was committed is
// there, or the server refuses to start and changes nothing. Told to tolerate it,
// the server starts with what is before the damage, keeps the rest in quarantine,
// and starts again without being told.
func TestFlippedWAL(t *testing.T) {
	f, want, redo, end := committed(t)
	const seed = 11
	rng := rand.New(rand.NewPCG(seed, seed))
	tries := 150
	if os.Getenv("PGMINI_NIGHTLY") != "" {
		tries = 1500
	}
	refused, tolerated := 0, 0
	for n := range tries {
		at := redo + lsn.LSN(rng.Uint64N(uint64(end-redo)))
		if n%2 == 0 { // among the small records
			at = redo + lsn.LSN(rng.Uint64N(100_000))
		}
		g := f.Crash(rng)
		flipAt(t, g, at, rng.IntN(8))
		opt := sweepOptions(g)
		before := g.Steps()
		i, err := Open(bg, opt)
		if err == nil {
			got, err := newStore(i, sweepNode).rows()
			must(t, err)
			if !maps.Equal(got, want) {
				t.Errorf("a bit flipped at %s: the server starts with %d rows of %d", at, len(got), len(want))
			}
			_ = i.Stop(Immediate)
			continue
		}
		refused++
		if !strings.Contains(err.Error(), "WAL is damaged at") && !strings.Contains(err.Error(), "checkpoint record") {
			t.Fatalf("a bit flipped at %s: %v", at, err)
		}
		c, cerr := pgcontrol.Read(g)
		must(t, cerr)
		if c.State != pgcontrol.InProduction {
			t.Errorf("refused after %d steps, the state in pg_control is %d", g.Steps()-before, c.State)
		}
		if strings.Contains(err.Error(), "WAL is damaged at") && n%5 == 0 {
			tolerated++
			tolerate(t, g, want)
		}
	}
	t.Logf("%d flipped bits: %d refused, %d of them tolerated then", tries, refused, tolerated)
	if refused < tries*8/10 || tolerated < 10 {
		t.Error("the test found too little")
	}
}

// tolerate starts on a damaged log, is killed, and starts again in strict mode.
func tolerate(t *testing.T, g *powerfail.FS, all map[int]string) {
	t.Helper()
	opt := sweepOptions(g)
	opt.Settings.WALRecoveryMode = recovery.TolerateTail
	i, err := Open(bg, opt)
	must(t, err)
	got, err := newStore(i, sweepNode).rows()
	must(t, err)
	if len(got) > len(all) {
		t.Errorf("%d rows of %d", len(got), len(all))
	}
	if list, err := g.List("pg_wal/quarantine"); err != nil || len(list) == 0 {
		t.Errorf("nothing is in quarantine: %v", err)
	}
	tx := i.xact.Begin(xact.BeginOptions{})
	_, err = tx.XID()
	must(t, err)
	must(t, tx.Commit(bg))
	_ = i.Stop(Immediate)
	i, err = Open(bg, sweepOptions(g.Crash(rand.New(rand.NewPCG(3, 4)))))
	must(t, err)
	again, err := newStore(i, sweepNode).rows()
	must(t, err)
	if !maps.Equal(got, again) {
		t.Errorf("%d rows, then %d", len(got), len(again))
	}
	_ = i.Stop(Immediate)
}

// TestShortSegment: a segment with its end cut off is damaged, whatever it held.
func TestShortSegment(t *testing.T) {
	f, _, redo, _ := committed(t)
	size := lsn.SegSize(1 << 20)
	h, err := f.Open("pg_wal/"+size.FileName(1, size.Containing(redo)), vfs.Write)
	must(t, err)
	must(t, h.Truncate(int64(size.Offset(redo))+50000))
	must(t, h.Close())
	_, err = Open(bg, sweepOptions(f))
	wantError(t, err, "WAL is damaged at")
}

// TestRecoveryModes: what is not written yet is refused.
func TestRecoveryModes(t *testing.T) {
	f, _, _, _ := committed(t)
	opt := sweepOptions(f)
	opt.Settings.WALRecoveryMode = recovery.Salvage
	_, err := Open(bg, opt)
	wantError(t, err, "wal_recovery_mode = salvage is not supported by pgmini yet")
}
