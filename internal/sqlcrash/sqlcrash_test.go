package sqlcrash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgmini/pgmini"
	"github.com/pgmini/pgmini/catalog/initdb"
	"github.com/pgmini/pgmini/engine"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/server"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/powerfail"
)

var bg = context.Background()

// db is a server on a directory in memory, without workers.
type db struct {
	inst *engine.Instance
	srv  *server.Server
	conn map[string]*pgx.Conn
}

func open(f vfs.FS) (*db, error) {
	reg, err := pgmini.Settings(pgmini.Config{FS: f})
	if err != nil {
		return nil, err
	}
	set := engine.FromRegistry(reg)
	set.SharedBuffers, set.WALBuffers, set.WALInitZero = 64, 64, false
	set.MinWALSize, set.MaxWALSize = func() int64 { return 2 << 20 }, func() int64 { return 3 << 20 }
	inst, err := engine.Open(bg, engine.Options{FS: f, Settings: &set, PID: 77, NoWorkers: true})
	if err != nil {
		return nil, err
	}
	srv, err := server.New(server.Options{Instance: inst, Registry: reg, Logger: slog.New(slog.DiscardHandler), HBA: "local all all trust\n"})
	if err != nil {
		return nil, errors.Join(err, inst.Stop(engine.Immediate))
	}
	return &db{inst, srv, map[string]*pgx.Conn{}}, nil
}

// in gives a connection to a database.
func (d *db) in(name string) (*pgx.Conn, error) {
	if c := d.conn[name]; c != nil {
		return c, nil
	}
	c, err := pgx.ParseConfig("host=/x user=postgres sslmode=disable database=" + name)
	if err != nil {
		return nil, err
	}
	c.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	c.DialFunc = func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go d.srv.ServeConn(bg, theirs, true)
		return ours, nil
	}
	ctx, cancel := context.WithTimeout(bg, 20*time.Second)
	defer cancel()
	if d.conn[name], err = pgx.ConnectConfig(ctx, c); err != nil {
		delete(d.conn, name)
	}
	return d.conn[name], err
}

// leave ends the connections to a database and waits until the server knows.
func (d *db) leave(name string) {
	if c := d.conn[name]; c != nil {
		_ = c.Close(bg)
		delete(d.conn, name)
	}
}

func (d *db) stop(mode engine.StopMode) error {
	for name := range d.conn {
		d.leave(name)
	}
	d.srv.Close()
	err := d.inst.Stop(mode)
	d.srv.Wait()
	return err
}

// ask runs a query and returns its rows as text.
func (d *db) ask(name, sql string) (string, error) {
	c, err := d.in(name)
	if err != nil {
		return "", err
	}
	res, err := c.PgConn().Exec(bg, sql).ReadAll()
	if err != nil {
		return "", fmt.Errorf("%s: %w", sql, err)
	}
	var b strings.Builder
	for _, r := range res {
		for _, row := range r.Rows {
			for _, v := range row {
				fmt.Fprintf(&b, "%s|", v)
			}
			b.WriteByte('\n')
		}
	}
	return b.String(), nil
}

// show is all that there is to see: the databases, their tables, their rows.
func (d *db) show() (string, error) {
	list, err := d.ask("postgres", `select datname, oid from pg_database where datallowconn and datconnlimit <> -2 order by 1`)
	if err != nil {
		return "", err
	}
	auto, err := vfs.ReadFile(d.inst.FS(), "postgresql.auto.conf", 1<<20)
	if err != nil {
		return "", err
	}
	b := bytes.NewBuffer(auto)
	for _, line := range strings.Fields(list) {
		name, rest, _ := strings.Cut(line, "|")
		version, err := vfs.ReadFile(d.inst.FS(), "base/"+strings.Trim(rest, "|")+"/PG_VERSION", 100)
		if err != nil {
			return "", err
		}
		tables, err := d.ask(name, `select relname, relpersistence from pg_class where relnamespace = 2200 and relkind = 'r' order by 1`)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(b, "%s %q:", name, version)
		for _, t := range strings.Fields(tables) {
			t, kind, _ := strings.Cut(t, "|")
			if kind == "u|" {
				continue
			}
			rows, err := d.ask(name, `select count(*), md5(string_agg(t::text, ',' order by t::text)) from `+t+` t`)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(b, " %s %s", t, strings.TrimSpace(rows))
		}
		if n, err := d.ask(name, `select count(*), count(distinct oid) from pg_class; select count(*) from pg_attribute; select count(*) from pg_proc`); err != nil {
			return "", err
		} else {
			fmt.Fprintf(b, " %q\n", n)
		}
		if name != "postgres" {
			d.leave(name)
		}
	}
	return b.String(), nil
}

// step is one statement, in a database; "kill" and "stop" start the server again.
type step struct{ db, sql string }

var steps = []step{ // constant
	{"postgres", "create table t (id int primary key, v text)"},
	{"postgres", "insert into t select g, repeat(g::text, 20) from generate_series(1, 300) g"},
	{"postgres", "create sequence s; create unlogged table u (a int); insert into u values (1)"},
	{"postgres", "begin; create table a (x int); insert into a values (1); savepoint p; truncate a; drop table t; rollback to p; create index on a (x); commit"},
	{"postgres", "create database copied"},
	{"postgres", "checkpoint"},
	{"postgres", "alter system set work_mem = '5MB'"},
	{"copied", "create table c (x text); insert into c select repeat('x', g) from generate_series(1, 50) g"},
	{"postgres", "create database files strategy file_copy"},
	{"postgres", "update t set v = 'changed' where id % 3 = 0"},
	{"postgres", "alter table a add column y text default 'y'; alter table a rename to b"},
	{"", "kill"},
	{"files", "create table f as select g from generate_series(1, 100) g"},
	{"postgres", "vacuum t"},
	{"postgres", "truncate b"},
	{"postgres", "drop database files"},
	{"postgres", "checkpoint"},
	{"postgres", "reindex table t"},
	{"postgres", "alter system set work_mem = '6MB'"},
	{"postgres", "create database late"},
	{"", "stop"},
	{"postgres", "delete from t where id < 100"},
}

func run(f *powerfail.FS, seen func(d *db, n int) error, ack func(int)) error {
	d, err := open(f)
	if err != nil {
		return err
	}
	for n, st := range steps {
		switch st.sql {
		case "kill", "stop":
			mode := map[string]engine.StopMode{"kill": engine.Immediate, "stop": engine.Fast}[st.sql]
			if err := d.stop(mode); err != nil {
				return err
			}
			if d, err = open(f); err != nil {
				return err
			}
		default:
			if strings.Contains(st.sql, "database") {
				d.leave("template1")
				d.leave("files")
			}
			_, err = d.ask(st.db, st.sql)
			if st.db != "postgres" {
				d.leave(st.db)
			}
		}
		if err == nil && seen != nil {
			err = seen(d, n+1)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("step %d, %s: %w", n+1, st.sql, err), d.stop(engine.Immediate))
		}
		ack(n + 1)
	}
	return d.stop(engine.Fast)
}

// world is the cluster that the workload starts from, and what is to be seen after
// each step.
type world struct {
	base *powerfail.FS
	want []string
}

func newWorld(t testing.TB) *world {
	t.Helper()
	f := powerfail.New()
	err := initdb.Create(initdb.Options{FS: f, SegSize: lsn.SegSize(1 << 20), Random: rand.NewChaCha8([32]byte{1})})
	if err == nil {
		err = f.Chmod(".", 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
	w := &world{base: f, want: make([]string, len(steps)+1)}
	err = run(w.start(), func(d *db, n int) (err error) {
		w.want[n], err = d.show()
		return err
	}, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	d, err := open(w.start())
	if err == nil {
		w.want[0], err = d.show()
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) start() *powerfail.FS { return w.base.Crash(rand.New(rand.NewPCG(1, 1))) }

func (w *world) check(f *powerfail.FS, acked []int) error {
	d, err := open(f)
	if err != nil {
		return err
	}
	defer d.stop(engine.Immediate)
	n := 0
	if len(acked) > 0 {
		n = acked[len(acked)-1]
	}
	got, err := d.show()
	if err != nil {
		return err
	}
	next := min(n+1, len(steps))
	if !slices.Contains(w.want[n:next+1], got) {
		return fmt.Errorf("after step %d there is\n%swant\n%sor\n%s", n, got, w.want[n], w.want[next])
	}
	return w.orphans(d, n)
}

// orphans looks for folders of databases that were dropped.
func (w *world) orphans(d *db, n int) error {
	for i, st := range steps[:n] {
		name, ok := strings.CutPrefix(st.sql, "drop database ")
		if !ok || i >= n {
			continue
		}
		have, err := d.ask("postgres", "select oid from pg_database")
		if err != nil {
			return err
		}
		list, err := d.inst.FS().List("base")
		if err != nil {
			return err
		}
		list = slices.DeleteFunc(list, func(e fs.DirEntry) bool { return e.Name() == "pgsql_tmp" })
		if len(list) > len(strings.Fields(have)) && !strings.Contains(steps[min(n, len(steps)-1)].sql, "create database") {
			return fmt.Errorf("%d folders of %d databases after %s is dropped", len(list), len(strings.Fields(have)), name)
		}
	}
	return nil
}

func (w *world) workload() powerfail.Workload[int] {
	return powerfail.Workload[int]{Start: w.start, Check: w.check, Seeds: 1,
		Run: func(f *powerfail.FS, ack func(int)) error { return run(f, nil, ack) }}
}

// TestImages looks at what a power failure leaves at steps all over the workload.
func TestImages(t *testing.T) {
	w := newWorld(t).workload()
	w.Every = 151
	w.Images(t)
}

// TestEverySync takes out the syncs of each place in CREATE and DROP DATABASE.
func TestEverySync(t *testing.T) {
	powerfail.EverySync(t, "sqlcrash.TestEverySync", []int{97}, newWorld(t).workload())
}

// TestInvalidDatabase: a database that is half dropped can only be dropped again.
func TestInvalidDatabase(t *testing.T) {
	f := newWorld(t).start()
	d, err := open(f)
	if err != nil {
		t.Fatal(err)
	}
	defer d.stop(engine.Immediate)
	for _, c := range []struct{ db, sql, want string }{
		{"postgres", "create database bad", ""},
		{"postgres", "update pg_database set datconnlimit = -2 where datname = 'bad'", ""},
		{"bad", "select 1", `cannot connect to invalid database "bad"`},
		{"postgres", "create database x template bad", `cannot use invalid database "bad" as template`},
		{"postgres", "alter database bad connection limit 5", `cannot alter invalid database "bad"`},
		{"postgres", "drop database bad", ""},
		{"postgres", "select 1 / count(*) from pg_database where datname = 'bad'", "division by zero"},
	} {
		d.leave("template1")
		_, err := d.ask(c.db, c.sql)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.sql, err, c.want)
		}
	}
}
