package pgmini_test

import (
	"crypto/rand"
	"testing"

	"github.com/pgmini/pgmini"
	"github.com/pgmini/pgmini/catalog/initdb"
	"github.com/pgmini/pgmini/engine"
	"github.com/pgmini/pgmini/guc"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/vfs/memfs"
)

// What SHOW tells of a data directory is what its pg_control says.
func TestPresetSettings(t *testing.T) {
	for _, sums := range []bool{true, false} {
		fs := memfs.New()
		if err := initdb.Create(initdb.Options{FS: fs, NoChecksums: !sums, SegSize: lsn.SegSize(1 << 20), Random: rand.Reader, NoViews: true}); err != nil {
			t.Fatal(err)
		}
		db, err := pgmini.Open(t.Context(), pgmini.Config{FS: fs, Dir: "/some/dir", PID: 1, Alive: func(int) bool { return false }})
		if err != nil {
			t.Fatal(err)
		}
		r := db.Registry()
		if r.Bool(guc.DataChecksums) != sums {
			t.Errorf("data_checksums is %v, pg_control says %v", r.Bool(guc.DataChecksums), sums)
		}
		if got := r.Int(guc.WalSegmentSize); got != 1<<20 {
			t.Errorf("wal_segment_size is %d", got)
		}
		if got := r.Int(guc.WalBuffers); got != 128 { // a segment holds no more
			t.Errorf("wal_buffers is %d pages", got)
		}
		if got := r.Str(guc.HbaFile); got != "/some/dir/pg_hba.conf" {
			t.Errorf("hba_file is %q", got)
		}
		if err := db.Stop(engine.Fast); err != nil {
			t.Error(err)
		}
	}
}
