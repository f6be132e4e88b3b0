package server

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/pgmini/pgmini/pgerr"
)

// Limits of messages, as in PostgreSQL.
const (
	maxStartup  = 10000     // start-up packet
	maxAuth     = 65535     // before authentication is done
	maxShort    = 30000     // messages that are never long
	maxMessage  = 1<<30 - 1 // Query, Parse, Bind, CopyData, FunctionCall
	readBuffer  = 8 << 10
	growStep    = 64 << 10
	keepMessage = 32 << 10 // a longer body is given back after its message
)

// reader reads messages from a connection. Its buffer comes with the first byte
// after the start-up packet, so that a silent client costs next to nothing.
type reader struct {
	src   io.Reader
	buf   []byte // read ahead: buf[at:n]
	at, n int
	body  []byte
	head  [5]byte
}

var errProtocol = errors.New("protocol violation")

func violation(format string, a ...any) error {
	e := pgerr.Wrap(errProtocol, pgerr.ProtocolViolation, format, a...)
	e.Fatal = true
	return e
}

// full reads len(p) bytes.
func (r *reader) full(p []byte) error {
	for len(p) > 0 {
		if r.at < r.n {
			k := copy(p, r.buf[r.at:r.n])
			r.at += k
			p = p[k:]
			continue
		}
		if r.buf == nil || len(p) >= len(r.buf) {
			k, err := io.ReadFull(r.src, p)
			if err != nil && k > 0 {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		k, err := r.src.Read(r.buf)
		if k == 0 && err != nil {
			return err
		}
		r.at, r.n = 0, k
	}
	return nil
}

// buffered reports whether bytes are waiting that were read ahead.
func (r *reader) buffered() bool { return r.at < r.n }

// startup reads the first packet of a connection: its code and the bytes after it.
func (r *reader) startup() (code uint32, rest []byte, err error) {
	var head [8]byte
	if err := r.full(head[:4]); err != nil {
		return 0, nil, err
	}
	n := int64(binary.BigEndian.Uint32(head[:4]))
	if n < 8 || n > maxStartup {
		return 0, nil, violation("invalid length of startup packet")
	}
	if err := r.full(head[4:]); err != nil {
		return 0, nil, err
	}
	rest = make([]byte, n-8)
	if err := r.full(rest); err != nil {
		return 0, nil, err
	}
	return binary.BigEndian.Uint32(head[4:]), rest, nil
}

// limitOf is how long the body of a message may be.
func limitOf(kind byte) (int, bool) {
	switch kind {
	case 'Q', 'P', 'B', 'd', 'F':
		return maxMessage, true
	case 'p':
		return maxAuth, true
	case 'C', 'D', 'E', 'H', 'S', 'X', 'c', 'f':
		return maxShort, true
	}
	return 0, false
}

// next reads a message. Its body is valid until the next call. kinds, if not
// empty, are the ones allowed.
func (r *reader) next(limit int) (kind byte, body []byte, err error) {
	if r.buf == nil {
		r.buf = make([]byte, readBuffer)
	}
	head := &r.head
	if err := r.full(head[:1]); err != nil {
		return 0, nil, err
	}
	kind = head[0]
	most, ok := limitOf(kind)
	if !ok {
		return 0, nil, violation("invalid frontend message type %d", kind)
	}
	if err := r.full(head[1:]); err != nil {
		return 0, nil, eof(err)
	}
	n := int64(binary.BigEndian.Uint32(head[1:])) - 4
	if n < 0 || n > int64(min(most, limit)) {
		return 0, nil, violation("invalid message length")
	}
	body, err = r.read(int(n))
	return kind, body, err
}

// read reads n bytes of a body. INV-SRV-1: the buffer grows by what has arrived.
func (r *reader) read(n int) ([]byte, error) {
	if n <= cap(r.body) {
		b := r.body[:n]
		return b, eof(r.full(b))
	}
	if n <= growStep {
		r.body = make([]byte, max(n, 512))
		return r.body[:n], eof(r.full(r.body[:n]))
	}
	b := make([]byte, growStep)
	got := 0
	for {
		if err := r.full(b[got:]); err != nil {
			return nil, eof(err)
		}
		got = len(b)
		if got == n {
			r.body = b
			return b, nil
		}
		bigger := make([]byte, min(n, 2*got))
		copy(bigger, b)
		b = bigger
	}
}

// idle gives back memory before the session waits for the client.
func (r *reader) idle() {
	if cap(r.body) > keepMessage {
		r.body = nil
	}
}

func eof(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
