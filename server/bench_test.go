package server_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"net"
	"strconv"
	"testing"

	"github.com/pgmini/pgmini"
	"github.com/pgmini/pgmini/catalog/initdb"
	"github.com/pgmini/pgmini/engine"
	"github.com/pgmini/pgmini/vfs/memfs"
)

// wire is a client that allocates nothing, so that what a benchmark counts is the
// server's.
type wire struct {
	nc  net.Conn
	out []byte
	in  []byte
}

func newWire(b testing.TB) *wire {
	fs := memfs.New()
	if err := initdb.Create(initdb.Options{FS: fs, NoSync: true, Random: rand.Reader}); err != nil {
		b.Fatal(err)
	}
	db, err := pgmini.Open(context.Background(), pgmini.Config{FS: fs, Dir: "/data", PID: 1,
		Settings: [][2]string{{"shared_buffers", "64MB"}, {"fsync", "off"}, {"synchronous_commit", "off"}, {"bgwriter_lru_maxpages", "0"}}})
	if err != nil {
		b.Fatal(err)
	}
	near, far := net.Pipe()
	done := make(chan struct{})
	go func() {
		db.ServeConn(context.Background(), far, true)
		close(done)
	}()
	b.Cleanup(func() {
		near.Close()
		<-done
		if err := db.Stop(engine.Fast); err != nil {
			b.Error(err)
		}
	})
	w := &wire{nc: near, in: make([]byte, 64<<10), out: packet(196608, "user\x00postgres\x00database\x00postgres\x00\x00")}
	w.round(b)
	return w
}

func (w *wire) begin(kind byte) int {
	w.out = append(w.out, kind, 0, 0, 0, 0)
	return len(w.out) - 4
}

func (w *wire) end(at int) { binary.BigEndian.PutUint32(w.out[at:], uint32(len(w.out)-at)) }

// message appends a message whose body is all strings.
func (w *wire) message(kind byte, body ...string) {
	at := w.begin(kind)
	for _, s := range body {
		w.out = append(w.out, s...)
	}
	w.end(at)
}

// bind appends Bind, Describe, Execute and Sync, as libpq does.
func (w *wire) bind(name string, args ...int) {
	at := w.begin('B')
	w.out = append(append(w.out, 0), name...)
	w.out = append(w.out, 0, 0, 0)
	w.out = binary.BigEndian.AppendUint16(w.out, uint16(len(args)))
	for _, v := range args {
		n := len(w.out)
		w.out = strconv.AppendInt(append(w.out, 0, 0, 0, 0), int64(v), 10)
		binary.BigEndian.PutUint32(w.out[n:], uint32(len(w.out)-n-4))
	}
	w.out = append(w.out, 0, 1, 0, 0)
	w.end(at)
	w.message('D', "P\x00")
	w.message('E', "\x00\x00\x00\x00\x00")
	w.message('S')
}

// round sends what was appended and reads until the server is ready.
func (w *wire) round(b testing.TB) []byte {
	if _, err := w.nc.Write(w.out); err != nil {
		b.Fatal(err)
	}
	w.out = w.out[:0]
	n := 0
	for {
		k, err := w.nc.Read(w.in[n:])
		if err != nil {
			b.Fatal(err)
		}
		if n += k; n > 5 && w.in[n-6] == 'Z' {
			break
		}
	}
	for p := w.in[:n]; len(p) > 5; p = p[1+binary.BigEndian.Uint32(p[1:]):] {
		if p[0] == 'E' {
			b.Fatalf("%q", p)
		}
	}
	return w.in[:n]
}

func (w *wire) simple(b testing.TB, sql string) []byte {
	w.message('Q', sql, "\x00")
	return w.round(b)
}

// accounts makes pgbench's tables, small.
func accounts(b testing.TB) *wire {
	w := newWire(b)
	w.simple(b, "create table a(aid int primary key, bid int, abalance int, filler char(84)) with (fillfactor = 90)")
	w.simple(b, "insert into a select i, 1, 0, '' from generate_series(1, 10000) i")
	w.simple(b, "vacuum a")
	w.message('P', "s\x00select abalance from a where aid = $1\x00\x00\x00")
	w.message('P', "u\x00update a set abalance = abalance + $1 where aid = $2\x00\x00\x00")
	w.message('S')
	w.round(b)
	return w
}

func bench(b *testing.B, f func(w *wire, i int)) {
	w := accounts(b)
	for i := range 200 {
		f(w, i)
		w.round(b)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		f(w, i)
		w.round(b)
	}
}

func BenchmarkSelectPrepared(b *testing.B) {
	bench(b, func(w *wire, i int) { w.bind("s", i*7919%10000+1) })
}

func BenchmarkUpdatePrepared(b *testing.B) {
	bench(b, func(w *wire, i int) { w.bind("u", i, i*7919%10000+1) })
}

func BenchmarkSelectSimple(b *testing.B) {
	bench(b, func(w *wire, i int) {
		at := w.begin('Q')
		w.out = append(w.out, "SELECT abalance FROM a WHERE aid = "...)
		w.out = append(strconv.AppendInt(w.out, int64(i*7919%10000+1), 10), ";\x00"...)
		w.end(at)
	})
}

// TestWire: what the benchmarks ask is answered.
func TestWire(t *testing.T) {
	w := accounts(t)
	w.bind("u", 5, 77)
	if !bytes.Contains(w.round(t), []byte("UPDATE 1\x00")) {
		t.Errorf("%q", w.in[:200])
	}
	w.bind("s", 77)
	if got := w.round(t); !bytes.Contains(got, []byte("\x00\x01\x00\x00\x00\x015")) {
		t.Errorf("%q", got)
	}
}

// TestPreparedAllocatesNothing: a prepared lookup, from message to message.
func TestPreparedAllocatesNothing(t *testing.T) {
	w := accounts(t)
	i := 0
	one := func() {
		i++
		w.bind("s", i*7919%10000+1)
		w.round(t)
	}
	for range 200 {
		one()
	}
	// Workers of the server may allocate meanwhile, but not each time.
	if n := testing.AllocsPerRun(2000, one); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
