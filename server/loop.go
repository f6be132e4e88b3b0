package server

import (
	"errors"
	"io"
	"net"
	"time"

	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/session"
)

func isEOF(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

func timedOut(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

// ready tells the client that a query is over.
func (c *conn) ready(sess *session.Session) error {
	sess.Reports(false)
	c.w.ready(sess.Status())
	return c.w.flush()
}

// loop serves messages until the client goes or the session must end; the error
// is to be reported as FATAL.
func (c *conn) loop(sess *session.Session) error {
	if err := c.ready(sess); err != nil {
		return err
	}
	for {
		kind, body, err := c.next(sess)
		if err != nil {
			return err
		}
		if e := sess.Ended(); e != nil {
			return e
		}
		switch kind {
		case 'X':
			return nil
		case 'Q':
			err = c.simple(sess, body)
		case 'S':
			c.skip = false
			if err = sess.Sync(); err != nil {
				err = c.failure(err)
			}
			if err == nil {
				err = c.ready(sess)
			}
		case 'F':
			if !c.skip {
				if err = c.failure(pgerr.NotYet("function calls by the protocol's FunctionCall message")); err == nil {
					err = c.ready(sess)
				}
			}
		case 'd', 'c', 'f': // of a COPY that failed
		case 'p':
			return violation("unexpected message type 0x%02X", kind)
		default:
			err = c.extended(sess, kind, body)
		}
		if err != nil {
			return err
		}
		if err := c.w.room(); err != nil {
			return err
		}
	}
}

// next waits for a message.
func (c *conn) next(sess *session.Session) (kind byte, body []byte, err error) {
	if c.r.buffered() {
		return c.r.next(maxMessage)
	}
	c.r.idle()
	c.w.idle()
	limit, why := sess.Timeouts()
	if limit > 0 {
		_ = c.nc.SetReadDeadline(time.Now().Add(limit))
		if sess.Ended() != nil {
			_ = c.nc.SetReadDeadline(time.Unix(1, 0))
		}
	}
	kind, body, err = c.r.next(maxMessage)
	if err != nil && timedOut(err) {
		if e := sess.Ended(); e != nil {
			return 0, nil, e
		}
		if why != nil {
			why.Fatal = true
			return 0, nil, why
		}
	}
	if limit > 0 && err == nil {
		_ = c.nc.SetReadDeadline(time.Time{})
		if sess.Ended() != nil {
			_ = c.nc.SetReadDeadline(time.Unix(1, 0))
		}
	}
	return kind, body, err
}

// failure reports an error of a statement. The result is the error that ends the
// connection, if it is one.
func (c *conn) failure(err error) error {
	c.in = nil
	err = c.srv.inst.Guard(err)
	e, ok := pgerr.As(err)
	if !ok {
		e = pgerr.Wrap(err, pgerr.InternalError, "%v", err)
	}
	if e.Fatal || c.w.err != nil {
		return e
	}
	if sum, ok := errors.AsType[*bufmgr.ChecksumError](err); ok {
		c.w.report('N', "WARNING", pgerr.New(pgerr.DataCorrupted, "%s", sum.Error()))
	}
	c.w.report('E', "ERROR", e)
	return nil
}

func (c *conn) simple(sess *session.Session, body []byte) error {
	f := fields{b: body}
	text := f.str()
	text, err := c.text(text, f.done())
	c.skip = false
	if err == nil {
		err = sess.Simple(text)
	}
	if err != nil {
		if err = c.failure(err); err != nil {
			return err
		}
	}
	return c.ready(sess)
}

// extended serves a message of the extended protocol. INV-SRV-2: after an error
// all of them are skipped up to Sync.
func (c *conn) extended(sess *session.Session, kind byte, body []byte) error {
	if c.skip {
		return nil
	}
	if kind == 'H' {
		return c.w.flush()
	}
	err := sess.Step(func() error { return c.step(sess, kind, body) })
	if err != nil {
		c.skip = true
		return c.failure(err)
	}
	return nil
}

func (c *conn) step(sess *session.Session, kind byte, body []byte) error {
	f := fields{b: body}
	switch kind {
	case 'P':
		var m parseMessage
		if err := m.decode(body); err != nil {
			return err
		}
		if err := c.texts(&m.name, &m.query); err != nil {
			return err
		}
		if err := sess.Parse(m.name, m.query, m.types); err != nil {
			return err
		}
		c.w.empty('1')
	case 'B':
		if err := c.bind.decode(body); err != nil {
			return err
		}
		b := &c.bind
		if err := c.texts(&b.portal, &b.stmt); err != nil {
			return err
		}
		if err := sess.Bind(b.portal, b.stmt, b.formats, b.values, b.results); err != nil {
			return err
		}
		c.w.empty('2')
	case 'D':
		what, name := f.byte(), f.str()
		name, err := c.text(name, f.done())
		if err != nil {
			return err
		}
		return c.describe(sess, what, name)
	case 'E':
		name, limit := f.str(), f.int32()
		name, err := c.text(name, f.done())
		if err != nil {
			return err
		}
		return sess.Execute(name, int64(limit))
	case 'C':
		what, name := f.byte(), f.str()
		name, err := c.text(name, f.done())
		if err != nil {
			return err
		}
		switch what {
		case 'S':
			sess.CloseStatement(name)
		case 'P':
			sess.ClosePortal(name)
		default:
			return pgerr.New(pgerr.ProtocolViolation, "invalid CLOSE message subtype %d", what)
		}
		c.w.empty('3')
	}
	return nil
}

func (c *conn) describe(sess *session.Session, what byte, name string) error {
	switch what {
	case 'S':
		types, cols, err := sess.DescribeStatement(name)
		if err != nil {
			return err
		}
		at := c.w.begin('t')
		c.w.int16(len(types))
		for _, t := range types {
			c.w.int32(uint32(t))
		}
		c.w.end(at)
		if cols == nil {
			c.w.empty('n')
			return nil
		}
		return c.Describe(cols, nil)
	case 'P':
		cols, formats, err := sess.DescribePortal(name)
		if err != nil {
			return err
		}
		if cols == nil {
			c.w.empty('n')
			return nil
		}
		return c.Describe(cols, formats)
	}
	return pgerr.New(pgerr.ProtocolViolation, "invalid DESCRIBE message subtype %d", what)
}
