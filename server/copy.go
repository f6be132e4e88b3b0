package server

import (
	"io"

	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/session"
)

// copyIn reads the data of COPY FROM STDIN.
type copyIn struct {
	c    *conn
	rest []byte
	done bool
}

func (c *conn) copyResponse(kind byte, binary bool, columns int) {
	f := 0
	if binary {
		f = 1
	}
	at := c.w.begin(kind)
	c.w.buf = append(c.w.buf, byte(f))
	c.w.int16(columns)
	for range columns {
		c.w.int16(f)
	}
	c.w.end(at)
}

// CopyIn is part of session.Client.
func (c *conn) CopyIn(binary bool, columns int) (session.CopyReader, error) {
	c.copyResponse('G', binary, columns)
	if err := c.w.flush(); err != nil {
		return nil, c.gone(err)
	}
	c.in = &copyIn{c: c}
	return c.in, nil
}

// Read reads data as messages bring it.
func (r *copyIn) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.done {
			return 0, io.EOF
		}
		kind, body, err := r.c.r.next(maxMessage)
		if err != nil {
			r.done = true
			if e := r.c.sess.Load().Ended(); e != nil {
				return 0, e
			}
			if _, ok := pgerr.As(err); ok {
				return 0, err
			}
			return 0, fatalOf(pgerr.Wrap(err, pgerr.ConnectionFailure, "unexpected EOF on client connection with an open transaction"))
		}
		switch kind {
		case 'd':
			r.rest = body
		case 'c':
			r.done = true
		case 'f':
			r.done = true
			f := fields{b: body}
			why, err := r.c.text(f.str(), nil)
			if err != nil {
				return 0, err
			}
			return 0, pgerr.New(pgerr.QueryCanceled, "COPY from stdin failed: %s", why)
		case 'H', 'S':
		default:
			r.done = true
			return 0, unexpected(kind, "COPY from stdin")
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// copyOut sends the data of COPY TO STDOUT.
type copyOut struct{ c *conn }

// CopyOut is part of session.Client.
func (c *conn) CopyOut(binary bool, columns int) (session.CopyWriter, error) {
	c.copyResponse('H', binary, columns)
	return copyOut{c}, nil
}

// Write sends one message.
func (o copyOut) Write(p []byte) (int, error) {
	w := &o.c.w
	at := w.begin('d')
	w.buf = append(w.buf, p...)
	w.end(at)
	if err := w.room(); err != nil {
		return 0, o.c.gone(err)
	}
	return len(p), nil
}

// Close ends the data.
func (o copyOut) Close() error {
	o.c.w.empty('c')
	return nil
}
