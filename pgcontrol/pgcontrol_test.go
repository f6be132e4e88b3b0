package pgcontrol

import (
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/memfs"
	"github.com/pgmini/pgmini/vfs/osfs"
)

// compare prints the same control file with both programs.
func compare(t *testing.T, pg *oracle.PG, data string) {
	t.Helper()
	want := pg.Run(t, "pg_controldata", data)
	var got strings.Builder
	if err := Dump(&got, osfs.New(data), time.Local); err != nil {
		t.Fatal(err)
	}
	if got.String() != strings.TrimLeft(want, "\x00") {
		t.Errorf("got:\n%s\nwant:\n%s", got.String(), want)
	}
}

func TestSameTextAsStock(t *testing.T) {
	pg := oracle.Find(t)
	c := pg.Initdb(t, "--wal-segsize=1")
	compare(t, pg, c.Data) // shut down
	c.Start("wal_level=logical", "max_connections=33", "track_commit_timestamp=on", "wal_log_hints=on", "max_prepared_transactions=7")
	compare(t, pg, c.Data) // in production
	c.Psql("create table t as select generate_series(1,1000); checkpoint")
	c.Crash()
	compare(t, pg, c.Data) // in production, crashed
	fs := osfs.New(c.Data)
	ctl, err := Read(fs)
	if err != nil {
		t.Fatal(err)
	}
	// What we write back, stock reads.
	ctl.State = ShutDowning
	ctl.MinRecoveryPoint, ctl.MinRecoveryPointTLI = 0x1_0000_0028, 3
	ctl.BackupStart, ctl.BackupEnd, ctl.BackupEndRequired = 0x2000028, 0xABC, true
	if err := Write(fs, ctl, time.Unix(1234567890, 0)); err != nil {
		t.Fatal(err)
	}
	pg.Own(t, c.Data)
	compare(t, pg, c.Data)
	again, err := Read(fs)
	if err != nil || !reflect.DeepEqual(again, ctl) {
		t.Errorf("read back %+v, %v; wrote %+v", again, err, ctl)
	}
	for _, at := range []int64{offCRC, offWALSegSize + 1, offState + 2} { // damaged
		flip(t, c.Data+"/"+Path, at)
		compare(t, pg, c.Data)
	}
}

func flip(t *testing.T, name string, at int64) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 4
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

func sample() *Control {
	c := New(7, 16<<20, true, [32]byte{1, 2, 3})
	c.Copy = CheckPoint{Redo: 0x1000028, TLI: 1, PrevTLI: 1, FullPageWrites: true, NextXID: 1<<32 | 700, NextOID: 20000,
		NextMulti: 1, OldestXID: 3, OldestXIDDB: 1, OldestMulti: 1, OldestMultiDB: 1, Time: 99}
	return c
}

func TestFlippedBits(t *testing.T) {
	good := sample().Encode()
	if _, err := Decode(good); err != nil {
		t.Fatal(err)
	}
	for at := range dataSize {
		b := append([]byte(nil), good...)
		b[at] ^= 1 << (at % 8)
		if _, err := Decode(b); err == nil {
			t.Errorf("a flipped bit in byte %d was not noticed", at)
		} else if _, ok := pgerr.As(err); !ok {
			t.Errorf("byte %d: no SQLSTATE: %v", at, err)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		change func(*Control)
		want   string
	}{
		{func(c *Control) { c.Version = 1201 }, "PG_CONTROL_VERSION 1201, but the server was compiled with PG_CONTROL_VERSION 1300."},
		{func(c *Control) { c.Version = 1300 << 16 }, "PG_CONTROL_VERSION 85196800 (0x05140000), but the server was compiled with PG_CONTROL_VERSION 1300 (0x00000514)."},
		{func(c *Control) { c.CatVersion = 202107181 }, "CATALOG_VERSION_NO 202107181, but the server was compiled with CATALOG_VERSION_NO 202209061."},
		{func(c *Control) { c.BlockSize = 4096 }, "BLCKSZ 4096, but the server was compiled with BLCKSZ 8192."},
		{func(c *Control) { c.FloatFormat = 1 }, "floating-point"},
		{func(c *Control) { c.Float8ByVal = false }, "USE_FLOAT8_BYVAL"},
	} {
		ctl := sample()
		c.change(ctl)
		_, err := Decode(ctl.Encode())
		e, ok := pgerr.As(err)
		if !ok || !strings.Contains(e.Detail, c.want) || e.Msg != "database files are incompatible with server" || e.Hint == "" {
			t.Errorf("want %q, got %+v", c.want, err)
		}
	}
	if _, err := Decode(make([]byte, 100)); err == nil {
		t.Error("a short file was accepted")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(sample().Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Decode(b)
		if err == nil && !reflect.DeepEqual(decode(c.Encode()), c) {
			t.Error("round trip")
		}
	})
}

func TestWriteReplaces(t *testing.T) {
	fs := memfs.New()
	if err := fs.Mkdir("global"); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 5 {
		c := sample()
		c.CheckPoint += 8 * (1 + 0)
		c.SystemID = rng.Uint64()
		if err := Write(fs, c, time.Unix(5, 0)); err != nil {
			t.Fatal(err)
		}
		got, err := Read(fs)
		if err != nil || !reflect.DeepEqual(got, c) {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	if f, err := fs.Open(tempPath, vfs.Read); err == nil {
		f.Close()
		t.Error("the temporary file is left")
	}
}
