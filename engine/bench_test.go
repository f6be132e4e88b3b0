package engine

import (
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/vfs/osfs"
)

// BenchmarkRecovery recovers a stock directory that was killed under pgbench, and
// reports our redo and stock's on a copy.
func BenchmarkRecovery(b *testing.B) {
	pg := oracle.Find(b)
	c := pg.Initdb(b)
	c.Start("autovacuum=off", "checkpoint_timeout=1h", "max_wal_size=16GB", "shared_buffers=512MB", "synchronous_commit=off")
	c.Tool("pgbench", "-i", "-q", "-s", "10", "postgres")
	c.Psql("checkpoint")
	c.Tool("pgbench", "-n", "-c", "4", "-j", "2", "-T", "15", "-M", "prepared", "postgres")
	end, err := lsn.Parse(c.Psql("select pg_current_wal_insert_lsn()"))
	must(b, err)
	c.Crash()
	ctl, err := pgcontrol.Read(osfs.New(c.Data))
	must(b, err)
	mb := float64(end-ctl.Copy.Redo) / (1 << 20)

	theirs := filepath.Join(pg.TempDir(b), "theirs")
	pg.CopyDir(b, c.Data, theirs)
	stock := pg.Cluster(b, theirs)
	stock.Start("autovacuum=off", "shared_buffers=512MB")
	m := regexp.MustCompile(`redo done at .* elapsed: ([0-9.]+) s`).FindStringSubmatch(stock.Log())
	stock.Crash()
	if m == nil {
		b.Fatal(stock.Log())
	}
	took, err := strconv.ParseFloat(m[1], 64)
	must(b, err)

	for n := range b.N {
		ours := filepath.Join(pg.TempDir(b), "ours")
		pg.CopyDir(b, c.Data, ours)
		s := DefaultSettings()
		s.SharedBuffers, s.Fsync = 65536, false
		b.StartTimer()
		begin := time.Now()
		i, err := Open(bg, Options{FS: osfs.New(ours), Settings: &s, NoWorkers: true, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))})
		must(b, err)
		b.StopTimer()
		if n == 0 {
			b.ReportMetric(mb/time.Since(begin).Seconds(), "MB/s")
			b.ReportMetric(mb/took, "stock-redo-MB/s")
			b.ReportMetric(mb, "MB")
		}
		_ = i.Stop(Immediate)
		must(b, os.RemoveAll(ours))
	}
}
