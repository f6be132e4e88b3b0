package server

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pgmini/pgmini/charset"
	"github.com/pgmini/pgmini/guc"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/env"
	"github.com/pgmini/pgmini/sql/session"
)

// Codes of start-up packets.
const (
	codeCancel = 80877102
	codeSSL    = 80877103
	codeGSS    = 80877104
)

// conn is one connection.
type conn struct {
	srv   *Server
	nc    net.Conn
	r     reader
	w     writer
	local bool
	addr  netip.Addr
	port  uint16
	pid   int32
	key   uint32
	sess  atomic.Pointer[session.Session]

	user, database string
	settings       [][2]string

	skip bool // after an error: up to Sync
	bind bindMessage
	lens []wireColumn
	in   *copyIn // a COPY FROM STDIN that is running
}

var _ session.Client = (*conn)(nil)

// serve runs a connection to its end.
func (s *Server) serve(ctx context.Context, nc net.Conn, local bool) {
	c := &conn{srv: s, nc: nc, local: local}
	c.r.src, c.w.dst = nc, nc
	defer nc.Close()
	if !local {
		if a, err := netip.ParseAddrPort(nc.RemoteAddr().String()); err == nil {
			c.addr, c.port = a.Addr(), a.Port()
		}
	}
	limit := time.Duration(s.reg.Int(guc.AuthenticationTimeout)) * time.Second
	_ = nc.SetDeadline(time.Now().Add(limit))
	ok, err := c.handshake()
	if err != nil {
		c.die(err)
		return
	}
	if !ok {
		return
	}
	if err := s.register(c); err != nil {
		c.die(err)
		return
	}
	defer s.unregister(c)
	ctx, detach, err := s.inst.Attach(ctx)
	if err != nil {
		c.die(fatalOf(err))
		return
	}
	defer detach()
	if err := c.login(ctx); err != nil {
		c.die(err)
		return
	}
	sess := c.sess.Load()
	stop := context.AfterFunc(ctx, func() { c.terminate(shutdownError(ctx)) })
	defer stop()
	defer sess.Close()
	defer func() {
		if v := recover(); v != nil {
			s.log.Error("session panicked", "pid", c.pid, "panic", v, "stack", string(debug.Stack()))
			c.die(fatal(pgerr.InternalError, "internal error: %v", v))
		}
	}()
	if err := c.loop(sess); err != nil {
		c.die(err)
	}
}

// shutdownError is what a session is told when its context ends.
func shutdownError(ctx context.Context) *pgerr.Error {
	if e, ok := pgerr.As(context.Cause(ctx)); ok {
		cp := *e
		return &cp
	}
	return pgerr.New(pgerr.AdminShutdown, "terminating connection due to administrator command")
}

func fatalOf(err error) error {
	if e, ok := pgerr.As(err); ok {
		cp := *e
		cp.Fatal = true
		return &cp
	}
	return pgerr.Wrap(err, pgerr.InternalError, "%v", err)
}

// terminate ends the session from another goroutine: its statement fails, and if
// it waits for the client it wakes up.
func (c *conn) terminate(why *pgerr.Error) {
	if sess := c.sess.Load(); sess != nil {
		sess.Terminate(why)
	}
	_ = c.nc.SetReadDeadline(time.Unix(1, 0))
}

// die reports a fatal error, if the client can still be told, and ends the
// connection.
func (c *conn) die(err error) {
	var ne net.Error
	if errors.As(err, &ne) || errors.Is(err, net.ErrClosed) || isEOF(err) {
		return
	}
	e, ok := pgerr.As(err)
	if !ok {
		e = pgerr.Wrap(err, pgerr.InternalError, "%v", err)
	}
	_ = c.nc.SetWriteDeadline(time.Now().Add(time.Second))
	c.w.report('E', "FATAL", e)
	_ = c.w.flush()
}

// handshake reads start-up packets until there is one to serve. False: the
// connection is done, without an error.
func (c *conn) handshake() (bool, error) {
	for range 3 {
		code, rest, err := c.r.startup()
		if err != nil {
			return false, err
		}
		switch {
		case code == codeSSL || code == codeGSS:
			if len(rest) != 0 {
				return false, violation("invalid length of startup packet")
			}
			if _, err := c.nc.Write([]byte{'N'}); err != nil {
				return false, err
			}
			continue
		case code == codeCancel:
			if len(rest) == 8 {
				c.srv.cancel(int32(binary.BigEndian.Uint32(rest)), binary.BigEndian.Uint32(rest[4:]))
			}
			return false, nil
		case code>>16 != 3:
			e := pgerr.New(pgerr.FeatureNotSupported, "unsupported frontend protocol %d.%d: server supports 3.0 to 3.0", code>>16, code&0xffff)
			e.Fatal = true
			return false, e
		}
		return true, c.parameters(code, rest)
	}
	return false, violation("unsupported frontend protocol")
}

// parameters reads the start-up packet proper.
func (c *conn) parameters(code uint32, rest []byte) error {
	f := fields{b: rest}
	var unknown []string
	for {
		k := f.str()
		if f.bad {
			return violation("invalid startup packet layout: expected terminator as last byte")
		}
		if k == "" {
			break
		}
		v := f.str()
		switch {
		case k == "user":
			c.user = v
		case k == "database":
			c.database = v
		case k == "options":
			if err := c.options(v); err != nil {
				return err
			}
		case k == "replication":
			if on, ok := guc.ParseBool(v); v == "database" || ok && on {
				return fatalOf(pgerr.NotYet("replication connections"))
			} else if !ok {
				return fatal(pgerr.InvalidParameterValue, "invalid value for parameter \"%s\": \"%s\"", k, v)
			}
		case strings.HasPrefix(k, "_pq_."):
			unknown = append(unknown, k)
		default:
			c.settings = append(c.settings, [2]string{k, v})
		}
	}
	if f.bad || len(f.b) > 0 {
		return violation("invalid startup packet layout: expected terminator as last byte")
	}
	if c.user == "" {
		return fatal(pgerr.InvalidAuthorizationSpecification, "no PostgreSQL user name specified in startup packet")
	}
	if c.database == "" {
		c.database = c.user
	}
	c.user, c.database = clip(c.user), clip(c.database)
	if code&0xffff > 0 || len(unknown) > 0 {
		at := c.w.begin('v')
		c.w.int32(0)
		c.w.int32(uint32(len(unknown)))
		for _, u := range unknown {
			c.w.str(u)
		}
		c.w.end(at)
	}
	return nil
}

// clip cuts a name to 63 bytes.
func clip(s string) string {
	if len(s) <= 63 {
		return s
	}
	n := 63
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}

// options reads the command line options of a start-up packet: -c name=value and
// --name=value.
func (c *conn) options(text string) error {
	args := splitOptions(text)
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case strings.HasPrefix(a, "-c") && len(a) > 2:
			a = a[2:]
		case a == "-c" && i+1 < len(args):
			i++
			a = args[i]
		case strings.HasPrefix(a, "--"):
			a = a[2:]
		default:
			return fatal(pgerr.SyntaxError, "invalid command-line argument for server process: %s", a)
		}
		k, v, ok := strings.Cut(a, "=")
		if !ok {
			return fatal(pgerr.SyntaxError, "-c %s requires a value", a)
		}
		c.settings = append(c.settings, [2]string{strings.ReplaceAll(k, "-", "_"), v})
	}
	return nil
}

// splitOptions splits at white space; a backslash makes the next byte part of the
// word.
func splitOptions(s string) []string {
	var out []string
	for i := 0; i < len(s); {
		if s[i] == ' ' || s[i] == '\t' || s[i] == '\n' {
			i++
			continue
		}
		var b strings.Builder
		for i < len(s) && s[i] != ' ' && s[i] != '\t' && s[i] != '\n' {
			if s[i] == '\\' && i+1 < len(s) {
				i++
			}
			b.WriteByte(s[i])
			i++
		}
		out = append(out, b.String())
	}
	return out
}

// login authenticates the client and starts its session.
func (c *conn) login(ctx context.Context) error {
	if err := c.authenticate(ctx); err != nil {
		return err
	}
	sess, err := session.Connect(ctx, session.Options{Server: c.srv, Client: c, PID: c.pid, User: c.user, Database: c.database,
		Settings: c.settings, Seed: rand.Uint64(), Logger: c.srv.log})
	if err != nil {
		return err
	}
	if err := c.srv.reserved(sess.Superuser()); err != nil {
		sess.Close()
		return err
	}
	c.settings = nil
	c.sess.Store(sess)
	if ctx.Err() != nil { // stopped meanwhile
		sess.Close()
		return fatalOf(shutdownError(ctx))
	}
	c.w.auth(authOK, nil)
	sess.Reports(true)
	at := c.w.begin('K')
	c.w.int32(uint32(c.pid))
	c.w.int32(c.key)
	c.w.end(at)
	_ = c.nc.SetDeadline(time.Time{})
	return nil
}

// Notice is part of session.Client.
func (c *conn) Notice(severity string, e *pgerr.Error) { c.w.report('N', severity, e) }

// Parameter is part of session.Client.
func (c *conn) Parameter(name, value string) { c.w.parameter(name, value) }

// Encoding is part of session.Client.
func (c *conn) Encoding(t *charset.Table) { c.w.charset = t }

// columns are result columns with the sizes of their types.
func (c *conn) columns(cols []env.Column) []wireColumn {
	c.lens = c.lens[:0]
	sess := c.sess.Load()
	for _, k := range cols {
		var w wireColumn
		w.Column = k
		w.Type, w.TypMod, w.size = sess.WireType(k.Type, k.TypMod)
		c.lens = append(c.lens, w)
	}
	return c.lens
}

// Describe is part of session.Client.
func (c *conn) Describe(cols []env.Column, formats []int16) error {
	return c.w.rowDescription(c.columns(cols), formats)
}

// Rows is part of session.Client.
func (c *conn) Rows(r *session.Rows) error {
	if err := c.w.rows(r); err != nil {
		return c.gone(err)
	}
	return nil
}

// gone tells a lost connection from other errors.
func (c *conn) gone(err error) error {
	if c.w.err != nil {
		return fatalOf(pgerr.Wrap(err, pgerr.ConnectionFailure, "connection to client lost"))
	}
	return err
}

// Complete is part of session.Client.
func (c *conn) Complete(tag string) error {
	c.w.complete(tag)
	return nil
}

// Empty is part of session.Client.
func (c *conn) Empty() error {
	c.w.empty('I')
	return nil
}

// Suspended is part of session.Client.
func (c *conn) Suspended() error {
	c.w.empty('s')
	return nil
}

func unexpected(kind byte, what string) error {
	return violation("unexpected message type 0x%02X during %s", kind, what)
}
