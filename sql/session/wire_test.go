package session_test

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pgmini/pgmini"
	"github.com/pgmini/pgmini/catalog/initdb"
	"github.com/pgmini/pgmini/engine"
	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/vfs/memfs"
)

// dialer connects to one of the servers that are compared.
type dialer func() (net.Conn, error)

// servers are stock PostgreSQL and pgmini, both fresh.
func servers(t *testing.T) (stock, ours dialer) {
	t.Helper()
	pg := oracle.Find(t)
	c := pg.Initdb(t)
	c.Start("fsync=off", "log_min_messages=panic", "timezone=Etc/UTC")
	t.Cleanup(c.Stop)
	sock := filepath.Join(c.Sock, ".s.PGSQL."+strconv.Itoa(c.Port))
	return func() (net.Conn, error) { return net.Dial("unix", sock) }, memory(t)
}

// memory is a server of ours in this process, without a network.
func memory(t *testing.T) dialer {
	t.Helper()
	fs := memfs.New()
	if err := initdb.Create(initdb.Options{FS: fs, NoSync: true, Random: rand.Reader}); err != nil {
		t.Fatal(err)
	}
	db, err := pgmini.Open(context.Background(), pgmini.Config{FS: fs, Dir: "/data", PID: 1,
		Settings: [][2]string{{"shared_buffers", "16MB"}, {"fsync", "off"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Stop(engine.Fast); err != nil {
			t.Error(err)
		}
	})
	return func() (net.Conn, error) {
		near, far := net.Pipe()
		go db.ServeConn(context.Background(), far, true)
		return near, nil
	}
}

// client speaks the protocol in raw messages.
type client struct {
	nc  net.Conn
	key []byte // of cancel requests
	out []byte
	// status is what the last ReadyForQuery said.
	status byte
}

func connect(t *testing.T, dial dialer) *client {
	t.Helper()
	nc, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	c := &client{nc: nc}
	body := "\x00\x03\x00\x00user\x00postgres\x00database\x00postgres\x00\x00"
	c.out = append(binary.BigEndian.AppendUint32(nil, uint32(len(body)+4)), body...)
	if _, err := c.exchange(1); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *client) message(kind byte, body ...string) {
	b := strings.Join(body, "")
	c.out = append(c.out, kind)
	c.out = binary.BigEndian.AppendUint32(c.out, uint32(len(b)+4))
	c.out = append(c.out, b...)
}

func short(n int) string { return string([]byte{byte(n >> 8), byte(n)}) }
func long(n int) string  { return short(n>>16) + short(n&0xffff) }

// exchange sends what was put together and reads until the server was ready
// syncs times; the answers are as printable returns them.
func (c *client) exchange(syncs int) ([]string, error) {
	_ = c.nc.SetDeadline(time.Now().Add(20 * time.Second))
	sent := make(chan error, 1)
	go func(b []byte) {
		_, err := c.nc.Write(b)
		sent <- err
	}(c.out)
	c.out = nil
	var got []string
	for syncs > 0 {
		var head [5]byte
		if _, err := io.ReadFull(c.nc, head[:]); err != nil {
			return got, fmt.Errorf("after %q: %w", got, err)
		}
		body := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
		if _, err := io.ReadFull(c.nc, body); err != nil {
			return got, err
		}
		switch head[0] {
		case 'Z':
			syncs--
			c.status = body[0]
		case 'K':
			c.key = body
		case 'G':
			c.message('d', "1\tone\n")
			c.message('d', "2\ttwo\n")
			c.message('c')
			if _, err := c.nc.Write(c.out); err != nil {
				return got, err
			}
			c.out = nil
		}
		got = append(got, printable(head[0], body))
	}
	return got, <-sent
}

// printable is a message as text, without what may differ between servers: the
// places of errors in the source, and the OIDs of tables.
func printable(kind byte, body []byte) string {
	switch kind {
	case 'E', 'N':
		var keep []string
		for f := range strings.SplitSeq(strings.TrimRight(string(body), "\x00"), "\x00") {
			if f != "" && !strings.Contains("FLR", f[:1]) {
				keep = append(keep, f)
			}
		}
		return fmt.Sprintf("%c %q", kind, keep)
	case 'T':
		n := int(binary.BigEndian.Uint16(body))
		body = body[2:]
		var cols []string
		for range n {
			i := strings.IndexByte(string(body), 0)
			rest := body[i+1:]
			table := binary.BigEndian.Uint32(rest) != 0
			cols = append(cols, fmt.Sprintf("%s:%v:%x", body[:i], table, rest[4:18]))
			body = rest[18:]
		}
		return fmt.Sprintf("T %q", cols)
	}
	return fmt.Sprintf("%c %q", kind, body)
}

// script appends the messages that a text names, one in a line, and returns how
// often the server will be ready. Words are separated by "|":
//
//	Q|text                        P|name|text[|type OID…]     B|portal|statement[|argument…] ("-": NULL)
//	b|portal|statement|argument…  as B, results in binary     D|S or P|name
//	E|portal|limit                C|S or P|name               S (Sync)    H (Flush)
func (c *client) script(text string) (syncs int) {
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		f := strings.Split(strings.TrimSpace(line), "|")
		switch kind := f[0]; kind {
		case "Q":
			c.message('Q', f[1], "\x00")
			syncs++
		case "P":
			types := short(len(f) - 3)
			for _, o := range f[3:] {
				n, _ := strconv.Atoi(o)
				types += long(n)
			}
			c.message('P', f[1], "\x00", f[2], "\x00", types)
		case "B", "b":
			args := short(0) + short(len(f)-3)
			for _, a := range f[3:] {
				if a == "-" {
					args += "\xff\xff\xff\xff"
				} else {
					args += long(len(a)) + a
				}
			}
			results := short(0)
			if kind == "b" {
				results = short(1) + short(1)
			}
			c.message('B', f[1], "\x00", f[2], "\x00", args, results)
		case "D", "C":
			c.message(kind[0], f[1], f[2], "\x00")
		case "E":
			n, _ := strconv.Atoi(f[2])
			c.message('E', f[1], "\x00", long(n))
		case "S":
			c.message('S')
			syncs++
		case "H":
			c.message('H')
		default:
			panic("a script has " + line)
		}
	}
	return syncs
}
