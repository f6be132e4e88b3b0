package takeover

import (
	"context"
	le "encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pgmini/pgmini/internal/oracle"
)

// damaged is a directory with tables t and u, cleanly stopped, for damage.
func damaged(t *testing.T, pg *oracle.PG, m *oracle.Pgmini) (data, path string) {
	t.Helper()
	s := m.Initdb(t)
	s.Start()
	s.Psql("create table t(id int, v text); insert into t select i, 'v' || i from generate_series(1, 1000) i; create table u(a int); insert into u values (1); checkpoint")
	path = s.Psql("select pg_relation_filepath('t')")
	stop(t, s)
	return s.Data, path
}

// flip turns one bit of a file.
func flip(t *testing.T, path string, off int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, off); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 4
	if _, err := f.WriteAt(b, off); err != nil {
		t.Fatal(err)
	}
}

// answers runs statements on both servers over copies of one directory and wants
// the same words from both, and a server that lives.
func answers(t *testing.T, pg *oracle.PG, m *oracle.Pgmini, data string, statements ...string) {
	t.Helper()
	c := pg.Cluster(t, copyOf(t, pg, data))
	c.Start()
	s := m.Server(t, data)
	s.Start()
	for _, q := range statements {
		want, werr := psqlAll(pg, c, q)
		got, gerr := psqlAll(pg, s, q)
		if werr == nil || gerr == nil {
			t.Errorf("%s: stock %v, pgmini %v: an error was expected", q, werr, gerr)
		}
		same(t, q, want, got)
	}
	if got, err := s.TryPsql("postgres", "select a from u"); err != nil || got != "1" {
		t.Errorf("afterwards: %q %v", got, err)
	}
	stop(t, s)
	c.Stop()
}

// psqlAll runs a statement and returns all that psql prints, errors too.
func psqlAll(pg *oracle.PG, s server, sql string) (string, error) {
	cmd := pg.Command(context.Background(), "psql", append(s.ConnArgs(), "-d", "postgres", "-X", "-A", "-t", "-v", "VERBOSITY=default", "-v", "ON_ERROR_STOP=1", "-c", `\set VERBOSITY default`, "-c", sql)...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestFlippedHeapBit: the error names relation and block; the server lives on.
func TestFlippedHeapBit(t *testing.T) {
	pg := oracle.Find(t)
	m := binary(t, pg)
	data, path := damaged(t, pg, m)
	flip(t, filepath.Join(data, path), 2*8192+5000)
	answers(t, pg, m, data, "select count(*) from t", "select * from t order by id limit 1", "update t set v = 'x'", "vacuum (disable_page_skipping) t")
}

// TestMissingRelationFile: the error names the file; the server lives on.
func TestMissingRelationFile(t *testing.T) {
	pg := oracle.Find(t)
	m := binary(t, pg)
	data, path := damaged(t, pg, m)
	if err := os.Remove(filepath.Join(data, path)); err != nil {
		t.Fatal(err)
	}
	answers(t, pg, m, data, "select count(*) from t", "insert into t values (1, 'x')", "select pg_relation_size('t')/0")
}

// TestTruncatedRelationFile: an index points behind the end of the file.
func TestTruncatedRelationFile(t *testing.T) {
	pg := oracle.Find(t)
	m := binary(t, pg)
	data, path := damaged(t, pg, m)
	s := m.Server(t, data)
	s.Start()
	s.Psql("create index on t(id); checkpoint")
	stop(t, s)
	if err := os.Truncate(filepath.Join(data, path), 8192); err != nil {
		t.Fatal(err)
	}
	answers(t, pg, m, data, "set enable_seqscan = off; set enable_bitmapscan = off; select v from t where id = 900")
}

// refusal is the FATAL or PANIC line with its detail that a server ends with.
var refusal = regexp.MustCompile(`(?:FATAL|PANIC|pgmini: error): +(.*)|((?:DETAIL|HINT): +.*)`)

// refused is the message, detail and hint, without the level: stock logs it,
// pgmini writes it to standard error at its end.
func refused(log string) string {
	var out []string
	for _, m := range refusal.FindAllStringSubmatch(log, -1) {
		if t := m[1] + m[2]; !strings.HasPrefix(t, "the database system is ") {
			out = append(out, t)
		}
	}
	return strings.Join(out, "\n")
}

// debian is how stock names its own version in a detail.
var debian = regexp.MustCompile(`15\.\d+ \(Debian [^)]*\)`)

// neither expects both servers to refuse a directory, in the same words.
func neither(t *testing.T, pg *oracle.PG, m *oracle.Pgmini, data string) {
	t.Helper()
	c := pg.Cluster(t, data)
	werr := c.TryStart()
	s := m.Server(t, data)
	gerr := s.TryStart()
	if werr == nil || gerr == nil {
		t.Errorf("stock: %v, pgmini: %v; both must refuse", werr, gerr)
		return
	}
	dir := strings.NewReplacer(data, "DATADIR")
	same(t, "the refusal", refused(debian.ReplaceAllString(dir.Replace(c.Log()), "15")), refused(dir.Replace(s.Log())))
}

// TestControlFile: a flipped bit, and versions of another time.
func TestControlFile(t *testing.T) {
	pg := oracle.Find(t)
	m := binary(t, pg)
	data, _ := damaged(t, pg, m)
	control := func(data string) string { return filepath.Join(data, "global", "pg_control") }
	edit := func(f func(b []byte)) func(t *testing.T, data string) {
		return func(t *testing.T, data string) {
			b, err := os.ReadFile(control(data))
			if err != nil {
				t.Fatal(err)
			}
			f(b)
			le.LittleEndian.PutUint32(b[288:], crc32.Checksum(b[:288], crc32.MakeTable(crc32.Castagnoli)))
			if err := os.WriteFile(control(data), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, damage := range map[string]func(*testing.T, string){
		"flipped bit":     func(t *testing.T, data string) { flip(t, control(data), 100) },
		"other version":   edit(func(b []byte) { le.LittleEndian.PutUint32(b[8:], 1201) }),
		"other byteorder": edit(func(b []byte) { le.BigEndian.PutUint32(b[8:], 1300) }),
		"other catalog":   edit(func(b []byte) { le.LittleEndian.PutUint32(b[12:], 202107181) }),
		"short": func(t *testing.T, data string) {
			if err := os.Truncate(control(data), 100); err != nil {
				t.Fatal(err)
			}
		},
		"missing": func(t *testing.T, data string) {
			if err := os.Remove(control(data)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			data := copyOf(t, pg, data)
			damage(t, data)
			if name == "missing" { // stock has no level for its words
				if err := m.Server(t, data).TryStart(); err == nil || !strings.Contains(err.Error(), `could not open file "global/pg_control"`) {
					t.Errorf("got %v", err)
				}
				return
			}
			neither(t, pg, m, data)
		})
	}
}

// TestDirectory: one that others may read, one of another version, one without
// the files of a cluster.
func TestDirectory(t *testing.T) {
	pg := oracle.Find(t)
	m := binary(t, pg)
	data, _ := damaged(t, pg, m)
	for name, damage := range map[string]func(data string) error{
		"others may read": func(d string) error { return os.Chmod(d, 0o755) },
		"group may write": func(d string) error { return os.Chmod(d, 0o770) },
		"version 14": func(d string) error {
			return os.WriteFile(filepath.Join(d, "PG_VERSION"), []byte("14\n"), 0o600)
		},
		"no PG_VERSION": func(d string) error { return os.Remove(filepath.Join(d, "PG_VERSION")) },
		"garbage in PG_VERSION": func(d string) error {
			return os.WriteFile(filepath.Join(d, "PG_VERSION"), []byte("fifteen\n"), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			data := copyOf(t, pg, data)
			if err := damage(data); err != nil {
				t.Fatal(err)
			}
			neither(t, pg, m, data)
		})
	}
	t.Run("group may read", func(t *testing.T) {
		data := copyOf(t, pg, data)
		if err := os.Chmod(data, 0o750); err != nil {
			t.Fatal(err)
		}
		s := m.Server(t, data)
		s.Start()
		stop(t, s)
	})
}

// redoSegment is the segment in which recovery of a directory begins.
func redoSegment(t *testing.T, pg *oracle.PG, data string) string {
	t.Helper()
	c := pg.Run(t, "pg_controldata", data)
	return filepath.Join(data, "pg_wal", regexp.MustCompile(`REDO WAL file: +(\S+)`).FindStringSubmatch(c)[1])
}

// behindRedo is an offset in that segment, well behind the redo point.
func behindRedo(t *testing.T, pg *oracle.PG, data string) int64 {
	t.Helper()
	lo := regexp.MustCompile(`REDO location: +\S+/(\S+)`).FindStringSubmatch(pg.Run(t, "pg_controldata", data))[1]
	var off int64
	if _, err := fmt.Sscanf(lo, "%X", &off); err != nil {
		t.Fatal(err)
	}
	return off&(1<<24-1) + 40000
}

// tolerates has s start on a damaged log as stock does, if stock does: with as many
// rows.
func tolerates(t *testing.T, s *oracle.Server, stock string) {
	t.Helper()
	if stock == "" {
		return
	}
	s.Start("wal_recovery_mode=tolerate_tail")
	if out := s.Psql("select count(*) from t"); out != stock {
		t.Errorf("tolerating the damage, pgmini has %s rows, stock %s", out, stock)
	}
	stop(t, s)
}

// TestDamagedWAL damages the log of a stopped and of a killed server. What was
// committed is there, or the server refuses to start and says why; stock's answer
// to the same damage is logged beside it.
func TestDamagedWAL(t *testing.T) {
	pg := oracle.Find(t)
	m := binary(t, pg)
	s := m.Initdb(t)
	s.Start("wal_init_zero=on")
	s.Psql("create table t(id int, v text); checkpoint")
	const rows = 3000
	s.Psql("insert into t select i, repeat(md5(i::text), 200) from generate_series(1, 500) i")
	for range 5 {
		s.Psql("insert into t select 1, 'x' from generate_series(1, 500)")
	}
	killed := filepath.Join(pg.TempDir(t), "killed")
	time.Sleep(time.Second) // turns of the WAL writer, which says that the last commit is durable
	s.Kill()
	pg.CopyDir(t, s.Data, killed)
	s.Start()
	stop(t, s)
	stopped := s.Data
	last := func(data string) string { return redoSegment(t, pg, data) }
	zero := func(off, n int64) func(string) error {
		return func(data string) error {
			f, err := os.OpenFile(last(data), os.O_RDWR, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.WriteAt(make([]byte, n), off)
			return err
		}
	}
	middle := func(data string) int64 { return behindRedo(t, pg, data) }
	for _, d := range []struct {
		name   string
		data   string
		damage func(data string) error
	}{
		{"stopped, zeroed segment", stopped, zero(0, 1<<24)},
		{"stopped, truncated segment", stopped, func(data string) error { return os.Truncate(last(data), 8192) }},
		{"stopped, empty segment", stopped, func(data string) error { return os.Truncate(last(data), 0) }},
		{"stopped, segment missing", stopped, func(data string) error { return os.Remove(last(data)) }},
		{"killed, zeroed segment", killed, zero(0, 1<<24)},
		{"killed, zeros behind redo", killed, func(data string) error { return zero(middle(data), 16384)(data) }},
		{"killed, flipped bit behind redo", killed, func(data string) error { flip(t, last(data), middle(data)); return nil }},
		{"killed, truncated behind redo", killed, func(data string) error { return os.Truncate(last(data), middle(data)) }},
		{"killed, segment missing", killed, func(data string) error { return os.Remove(last(data)) }},
	} {
		t.Run(d.name, func(t *testing.T) {
			mine, theirs := copyOf(t, pg, d.data), copyOf(t, pg, d.data)
			for _, dir := range []string{mine, theirs} {
				if err := d.damage(dir); err != nil {
					t.Fatal(err)
				}
			}
			c := pg.Cluster(t, theirs)
			stock := ""
			if err := c.TryStart(); err != nil {
				t.Logf("stock refuses: %s", refused(c.Log()))
			} else {
				stock = c.Psql("select count(*) from t")
				t.Logf("stock starts with %s rows of %d", stock, rows)
				c.Stop()
			}
			s := m.Server(t, mine)
			if err := s.TryStart(); err != nil {
				t.Logf("pgmini refuses: %s", refused(s.Log()))
				if refused(s.Log()) == "" {
					t.Errorf("without a word: %v", err)
				}
				tolerates(t, s, stock)
				return
			}
			if out, err := s.TryPsql("postgres", "select count(*) from t"); out != "3000" {
				t.Errorf("pgmini starts silently with %s of %d committed rows (%v)\n%s", out, rows, err, tail(s.Log()))
			}
			stop(t, s)
		})
	}
}
