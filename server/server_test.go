package server_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/lib/pq"

	"github.com/pgmini/pgmini"
	"github.com/pgmini/pgmini/catalog/initdb"
	"github.com/pgmini/pgmini/engine"
	"github.com/pgmini/pgmini/vfs/memfs"
)

const password = "sesame"

// start runs a server on a data directory in memory and returns its TCP address.
func start(t testing.TB, set ...[2]string) (*pgmini.DB, string) {
	t.Helper()
	fs := memfs.New()
	err := initdb.Create(initdb.Options{FS: fs, Password: password, AuthLocal: "trust", AuthHost: "scram-sha-256", NoSync: true, Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	set = append([][2]string{{"shared_buffers", "16MB"}, {"fsync", "off"}}, set...)
	db, err := pgmini.Open(context.Background(), pgmini.Config{FS: fs, Dir: "/data", PID: 1, Settings: set})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- db.Serve(context.Background(), l, false) }()
	t.Cleanup(func() {
		if err := db.Stop(engine.Fast); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return db, l.Addr().String()
}

func url(addr, more string) string {
	return fmt.Sprintf("postgres://postgres:%s@%s/postgres?sslmode=disable%s", password, addr, more)
}

func connect(t testing.TB, addr, more string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(context.Background(), url(addr, more))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

// code is the SQLSTATE of an error.
func code(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return fmt.Sprint(err)
}

// TestValues: parameters and results of the common types pass through in text and
// in binary.
func TestValues(t *testing.T) {
	_, addr := start(t)
	ctx := context.Background()
	for _, mode := range []string{"", "&default_query_exec_mode=simple_protocol", "&default_query_exec_mode=exec", "&default_query_exec_mode=describe_exec"} {
		c := connect(t, addr, mode)
		var (
			i  int
			s  string
			f  float64
			b  []byte
			ts time.Time
			a  []int32
			n  *string
		)
		now := time.Date(2024, 2, 29, 12, 34, 56, 789000, time.UTC)
		err := c.QueryRow(ctx, "select $1::int4, $2::text, $3::float8, $4::bytea, $5::timestamptz, $6::int4[], null::text", 42, "héllo", 1.5,
			[]byte{0, 1, 255}, now, []int32{1, -2, 3}).Scan(&i, &s, &f, &b, &ts, &a, &n)
		if err != nil {
			t.Fatalf("%s: %v", mode, err)
		}
		if i != 42 || s != "héllo" || f != 1.5 || !bytes.Equal(b, []byte{0, 1, 255}) || !ts.Equal(now) || len(a) != 3 || a[1] != -2 || n != nil {
			t.Errorf("%s: %v %v %v %v %v %v %v", mode, i, s, f, b, ts, a, n)
		}
	}
}

// TestLibPQ: database/sql over lib/pq.
func TestLibPQ(t *testing.T) {
	_, addr := start(t)
	db, err := sql.Open("postgres", url(addr, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var n int
	var s string
	if err := db.QueryRow("select count(*), max(relname) from pg_class where relkind = $1", "r").Scan(&n, &s); err != nil || n < 60 {
		t.Fatal(n, s, err)
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	st, err := tx.Prepare("select $1::int + 1")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := st.QueryRow(i).Scan(&n); err != nil || n != i+1 {
			t.Fatal(n, err)
		}
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
}

// TestBlock: the transaction block goes through its states as PostgreSQL's.
func TestBlock(t *testing.T) {
	_, addr := start(t)
	c := connect(t, addr, "&default_query_exec_mode=simple_protocol").PgConn()
	ctx := context.Background()
	for _, k := range []struct {
		sql, tag, code string
		status         byte
	}{
		{"begin", "BEGIN", "", 'T'},
		{"select 1/0", "", "22012", 'E'},
		{"select 1", "", "25P02", 'E'},
		{"savepoint a", "", "25P02", 'E'},
		{"commit", "ROLLBACK", "", 'I'},
		{"begin isolation level repeatable read", "BEGIN", "", 'T'},
		{"savepoint a", "SAVEPOINT", "", 'T'},
		{"savepoint b", "SAVEPOINT", "", 'T'},
		{"select 1/0", "", "22012", 'E'},
		{"release a", "", "25P02", 'E'},
		{"rollback to a", "ROLLBACK", "", 'T'},
		{"release b", "", "3B001", 'E'},
		{"rollback to a", "ROLLBACK", "", 'T'},
		{"show transaction_isolation", "SHOW", "", 'T'},
		{"release a", "RELEASE", "", 'T'},
		{"commit and chain", "COMMIT", "", 'T'},
		{"rollback", "ROLLBACK", "", 'I'},
		{"savepoint a", "", "25P01", 'I'},
		{"begin; select 1; commit", "COMMIT", "", 'I'},
		{"select 1; select 1/0; select 2", "", "22012", 'I'},
		{"select 1; begin; select 2", "SELECT 1", "", 'T'},
		{"select 1; rollback; select 3", "SELECT 1", "", 'I'},
		{"begin isolation level serializable", "BEGIN", "", 'T'},
		{"rollback", "ROLLBACK", "", 'I'},
		{"", "", "", 'I'},
	} {
		res, err := c.Exec(ctx, k.sql).ReadAll()
		if k.code != "" || err != nil {
			if code(err) != k.code && !(err == nil && k.code == "") {
				t.Errorf("%q: %v, want %s", k.sql, err, k.code)
			}
		} else if len(res) > 0 && k.tag != res[len(res)-1].CommandTag.String() {
			t.Errorf("%q: %s, want %s", k.sql, res[len(res)-1].CommandTag, k.tag)
		}
		if c.TxStatus() != k.status {
			t.Fatalf("%q: status %c, want %c", k.sql, c.TxStatus(), k.status)
		}
	}
}

// TestErrorSkipsToSync: in a pipeline what follows an error is not run.
func TestErrorSkipsToSync(t *testing.T) {
	_, addr := start(t)
	c := connect(t, addr, "").PgConn()
	ctx := context.Background()
	p := c.StartPipeline(ctx)
	p.SendQueryParams("select 1", nil, nil, nil, nil)
	p.SendQueryParams("select 1/0", nil, nil, nil, nil)
	p.SendQueryParams("select set_config('application_name', 'ran', false)", nil, nil, nil, nil)
	if err := p.Sync(); err != nil {
		t.Fatal(err)
	}
	p.SendQueryParams("select current_setting('application_name')", nil, nil, nil, nil)
	if err := p.Sync(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for {
		r, err := p.GetResults()
		if err != nil {
			got = append(got, code(err))
			continue
		}
		if r == nil {
			break
		}
		switch v := r.(type) {
		case *pgconn.ResultReader:
			x := v.Read()
			if x.Err != nil {
				got = append(got, code(x.Err))
			} else {
				got = append(got, string(x.Rows[0][0]))
			}
		case *pgconn.PipelineSync:
			got = append(got, "sync")
		}
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if s := strings.Join(got, " "); s != "1 22012 sync  sync" {
		t.Errorf("got %q", s)
	}
}

// TestPortal: a portal hands out its rows in pieces.
func TestPortal(t *testing.T) {
	_, addr := start(t)
	c := connect(t, addr, "")
	ctx := context.Background()
	tx, err := c.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, "declare k scroll cursor for select i from generate_series(1, 10) i"); err != nil {
		t.Fatal(err)
	}
	for _, k := range []struct {
		sql  string
		want string
	}{
		{"fetch 3 from k", "[1 2 3]"}, {"fetch prior from k", "[2]"}, {"fetch last from k", "[10]"}, {"fetch next from k", "[]"},
		{"fetch backward 2 from k", "[10 9]"}, {"fetch absolute 4 from k", "[4]"}, {"fetch relative -2 from k", "[2]"}, {"fetch all from k", "[3 4 5 6 7 8 9 10]"},
		{"fetch backward all from k", "[10 9 8 7 6 5 4 3 2 1]"}, {"fetch first from k", "[1]"}, {"fetch absolute -1 from k", "[10]"},
	} {
		rows, err := tx.Query(ctx, k.sql)
		if err != nil {
			t.Fatal(k.sql, err)
		}
		got, err := pgx.CollectRows(rows, pgx.RowTo[int])
		if err != nil || fmt.Sprint(got) != k.want {
			t.Errorf("%s: %v %v, want %s", k.sql, got, err, k.want)
		}
	}
}

// TestCancel: a cancel request ends the running statement and no other.
func TestCancel(t *testing.T) {
	_, addr := start(t)
	c := connect(t, addr, "")
	ctx, stop := context.WithTimeout(context.Background(), 60*time.Second)
	defer stop()
	go func() {
		time.Sleep(100 * time.Millisecond)
		_ = c.PgConn().CancelRequest(ctx)
	}()
	_, err := c.Exec(ctx, "select count(*) from generate_series(1, 1000000000) a, generate_series(1, 1000000) b")
	if code(err) != "57014" {
		t.Fatal(err)
	}
	if _, err := c.Exec(ctx, "set statement_timeout = '50ms'"); err != nil {
		t.Fatal(err)
	}
	_, err = c.Exec(ctx, "select count(*) from generate_series(1, 1000000000) a")
	if code(err) != "57014" || !strings.Contains(err.Error(), "statement timeout") {
		t.Fatal(err)
	}
	var n int
	if err := c.QueryRow(ctx, "select 7").Scan(&n); err != nil || n != 7 {
		t.Fatal(n, err)
	}
}

// TestLogin: who gets in, and what the others are told.
func TestLogin(t *testing.T) {
	_, addr := start(t)
	for _, k := range []struct{ url, code string }{
		{"postgres://postgres:wrong@" + addr + "/postgres?sslmode=disable", "28P01"},
		{"postgres://nobody:wrong@" + addr + "/postgres?sslmode=disable", "28P01"},
		{"postgres://postgres:" + password + "@" + addr + "/none?sslmode=disable", "3D000"},
		{"postgres://postgres:" + password + "@" + addr + "/template0?sslmode=disable", "55000"},
		{"postgres://postgres:" + password + "@" + addr + "/postgres?sslmode=disable&work_mem=x", "22023"},
		{"postgres://postgres:" + password + "@" + addr + "/postgres?sslmode=disable&replication=true", "0A000"},
	} {
		c, err := pgx.Connect(context.Background(), k.url)
		if err == nil {
			c.Close(context.Background())
		}
		if code(err) != k.code {
			t.Errorf("%s: %v, want %s", k.url, err, k.code)
		}
	}
}

func TestTooManyClients(t *testing.T) {
	_, addr := start(t, [2]string{"max_connections", "4"}, [2]string{"superuser_reserved_connections", "1"}, [2]string{"max_wal_senders", "0"})
	for range 4 {
		connect(t, addr, "")
	}
	c, err := pgx.Connect(context.Background(), url(addr, ""))
	if err == nil {
		c.Close(context.Background())
	}
	if code(err) != "53300" {
		t.Error(err)
	}
}

// raw sends bytes and returns what the server answers until it hangs up.
func raw(t *testing.T, addr string, b []byte) []byte {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := c.Write(b); err != nil {
		return nil
	}
	out, _ := io.ReadAll(c)
	return out
}

func packet(code uint32, rest string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(8+len(rest)))
	return append(binary.BigEndian.AppendUint32(b, code), rest...)
}

// TestGarbage: nonsense before and after authentication is refused with an error,
// and no memory is taken by the lengths that it claims.
func TestGarbage(t *testing.T) {
	_, addr := start(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const v3 = 196608
	for name, b := range map[string][]byte{
		"http":             []byte("GET / HTTP/1.0\r\n\r\n"),
		"huge startup":     {0x7f, 0xff, 0xff, 0xff, 0, 3, 0, 0},
		"negative startup": {0xff, 0xff, 0xff, 0xff, 0, 3, 0, 0},
		"short startup":    {0, 0, 0, 4},
		"version 2":        packet(2<<16, ""),
		"no user":          packet(v3, "database\x00x\x00\x00"),
		"no terminator":    packet(v3, "user\x00postgres"),
		"huge password":    append(packet(v3, "user\x00postgres\x00\x00"), 'p', 0x7f, 0xff, 0xff, 0xff),
		"not a password":   append(packet(v3, "user\x00postgres\x00\x00"), 'Q', 0, 0, 0, 5, 0),
		"bad scram":        append(packet(v3, "user\x00postgres\x00\x00"), 'p', 0, 0, 0, 9, 'a', 'b', 'c', 'd', 0),
		"bad type":         append(packet(v3, "user\x00postgres\x00\x00"), 1, 2, 3, 4, 5),
	} {
		out := raw(t, addr, b)
		if i := bytes.LastIndex(out, []byte("SFATAL\x00")); i < 0 {
			t.Errorf("%s: %q", name, out)
		}
	}
	runtime.ReadMemStats(&after)
	if d := after.TotalAlloc - before.TotalAlloc; d > 64<<20 {
		t.Errorf("%d bytes allocated", d)
	}
	c := connect(t, addr, "")
	h, err := c.PgConn().Hijack()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Conn.Close()
	_ = h.Conn.SetDeadline(time.Now().Add(30 * time.Second))
	// An error, then the session goes on: a Bind with nonsense lengths.
	if _, err := h.Conn.Write([]byte{'B', 0, 0, 0, 14, 0, 0, 0, 0, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 'S', 0, 0, 0, 4}); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, _ := io.ReadAtLeast(h.Conn, buf, 20)
	if !bytes.Contains(buf[:n], []byte("C08P01\x00")) {
		t.Errorf("bind: %q", buf[:n])
	}
	if _, err := h.Conn.Write([]byte{'Q', 0x7f, 0xff, 0xff, 0xff, 'x'}); err != nil {
		t.Fatal(err)
	}
	out, _ := io.ReadAll(h.Conn)
	if !bytes.Contains(out, []byte("invalid message length")) {
		t.Errorf("huge query: %q", out)
	}
}

// TestIdleMemory: an idle session that has run statements holds at most 100 kB.
func TestIdleMemory(t *testing.T) {
	const sessions = 200
	_, addr := start(t, [2]string{"max_connections", "300"})
	ctx := context.Background()
	warm := connect(t, addr, "")
	if _, err := warm.Exec(ctx, "select count(*) from pg_class"); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var wg sync.WaitGroup
	for range sessions {
		wg.Go(func() {
			nc, err := net.Dial("tcp", addr)
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() { nc.Close() })
			if err := rawSession(nc); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	runtime.GC()
	runtime.ReadMemStats(&after)
	per := (int64(after.HeapAlloc+after.StackInuse) - int64(before.HeapAlloc+before.StackInuse)) / sessions
	t.Logf("%d bytes a session, with the client's end", per)
	if per > 100<<10 {
		t.Errorf("%d bytes a session", per)
	}
}
