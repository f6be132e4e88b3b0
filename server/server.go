package server

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xdg-go/scram"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/checkpointer"
	"github.com/pgmini/pgmini/engine"
	"github.com/pgmini/pgmini/guc"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/pgstat"
	"github.com/pgmini/pgmini/sql/session"
	"github.com/pgmini/pgmini/sql/sysfuncs"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/xact"
)

// Options of New. Instance and Registry are required.
type Options struct {
	Instance *engine.Instance
	Registry *guc.Registry
	// Files opens server-side files for COPY; nil: the data directory only.
	Files  vfs.FS
	Logger *slog.Logger
	// Entries reads the configuration files, for Reload; nil: there are none.
	Entries func() ([]guc.Entry, error)
	// HBA is the text of pg_hba.conf if the file is not to be read.
	HBA string
}

// Server takes connections to one instance.
type Server struct {
	inst  *engine.Instance
	reg   *guc.Registry
	opt   Options
	log   *slog.Logger
	files vfs.FS
	rules atomic.Pointer[[]hbaRule]
	mock  [32]byte
	stats *pgstat.Server
	pids  atomic.Int32
	load  atomic.Int64 // when the configuration was read, in nanoseconds
	mu    struct {
		sync.Mutex
		conns     map[int32]*conn
		listeners map[net.Listener]struct{}
		closing   bool
	}
	wg sync.WaitGroup
}

// New makes a server and reads pg_hba.conf.
func New(o Options) (*Server, error) {
	s := &Server{inst: o.Instance, reg: o.Registry, opt: o, log: o.Logger, files: o.Files, stats: pgstat.New()}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.files == nil {
		s.files = o.Instance.FS()
	}
	s.mu.conns, s.mu.listeners = map[int32]*conn{}, map[net.Listener]struct{}{}
	s.pids.Store(firstPID + int32(len(workers)))
	s.load.Store(time.Now().UnixNano())
	if _, err := rand.Read(s.mock[:]); err != nil {
		return nil, err
	}
	return s, s.readHBA()
}

// maxConfig bounds a configuration file.
const maxConfig = 16 << 20

func (s *Server) readHBA() error {
	text := s.opt.HBA
	if text == "" {
		name := s.reg.Str(guc.HbaFile)
		if name == "" {
			name = "pg_hba.conf"
		}
		if path.IsAbs(name) {
			name = path.Base(name)
		}
		b, err := vfs.ReadFile(s.inst.FS(), name, maxConfig)
		if err != nil {
			return pgerr.Wrap(err, pgerr.ConfigFileError, "could not load %s", name)
		}
		text = string(b)
	}
	rules, err := parseHBA(text)
	if err != nil {
		return pgerr.Wrap(err, pgerr.ConfigFileError, "could not load pg_hba.conf")
	}
	s.rules.Store(&rules)
	return nil
}

func (s *Server) hba() []hbaRule { return *s.rules.Load() }

// Reload reads the configuration files and pg_hba.conf again. Mistakes leave the
// old settings in place and are logged.
func (s *Server) Reload() error {
	var errs []error
	if s.opt.Entries != nil {
		entries, err := s.opt.Entries()
		if err != nil {
			errs = append(errs, err)
		} else {
			_, e := s.reg.Apply(entries, true)
			errs = append(errs, e...)
		}
	}
	errs = append(errs, s.readHBA(), s.inst.Reload())
	s.load.Store(time.Now().UnixNano())
	err := errors.Join(errs...)
	if err != nil {
		s.log.Error("configuration file contains errors; unaffected changes were applied", "err", err)
	}
	return err
}

// Serve takes connections until the listener is closed. local: it is a Unix
// socket.
func (s *Server) Serve(ctx context.Context, l net.Listener, local bool) error {
	s.mu.Lock()
	if s.mu.closing {
		s.mu.Unlock()
		return l.Close()
	}
	s.mu.listeners[l] = struct{}{}
	s.mu.Unlock()
	for {
		nc, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return nil
			}
			s.log.Error("could not accept new connection", "err", err)
			time.Sleep(10 * time.Millisecond)
			continue
		}
		s.wg.Add(1)
		go func() {
			defer s.wg.Done()
			s.serve(ctx, nc, local)
		}()
	}
}

// ServeConn serves one connection and returns when it has ended.
func (s *Server) ServeConn(ctx context.Context, nc net.Conn, local bool) {
	s.wg.Add(1)
	defer s.wg.Done()
	s.serve(ctx, nc, local)
}

// Close stops listening. Connections go on; Wait returns when they have ended.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.closing = true
	for l := range s.mu.listeners {
		_ = l.Close()
	}
	// Those that are not sessions yet have nothing to wait for.
	for _, c := range s.mu.conns {
		if c.sess.Load() == nil {
			_ = c.nc.Close()
		}
	}
}

// Wait returns when all connections have ended.
func (s *Server) Wait() { s.wg.Wait() }

// register gives a connection its process id and secret key.
func (s *Server) register(c *conn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.closing {
		return fatal(pgerr.CannotConnectNow, "the database system is shutting down")
	}
	max := int(s.reg.Int(guc.MaxConnections))
	if len(s.mu.conns) >= max {
		return fatal(pgerr.TooManyConnections, "sorry, too many clients already")
	}
	for {
		c.pid = s.pids.Add(1)
		if c.pid <= 0 {
			s.pids.Store(1000)
			continue
		}
		if s.mu.conns[c.pid] == nil {
			break
		}
	}
	var key [4]byte
	if _, err := rand.Read(key[:]); err != nil {
		return err
	}
	c.key = binary.BigEndian.Uint32(key[:])
	s.mu.conns[c.pid] = c
	return nil
}

// reserved fails if only slots for superusers are left.
func (s *Server) reserved(super bool) error {
	if super {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.mu.conns) > int(s.reg.Int(guc.MaxConnections)-s.reg.Int(guc.SuperuserReservedConnections)) {
		return fatal(pgerr.TooManyConnections, "remaining connection slots are reserved for non-replication superuser connections")
	}
	return nil
}

func (s *Server) unregister(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.mu.conns, c.pid)
}

// cancel is a cancel request.
func (s *Server) cancel(pid int32, key uint32) {
	s.mu.Lock()
	c := s.mu.conns[pid]
	s.mu.Unlock()
	if c == nil || subtle(c.key, key) {
		return
	}
	if sess := c.sess.Load(); sess != nil {
		sess.Cancel()
	}
}

// subtle reports whether two keys differ, in constant time.
func subtle(a, b uint32) bool {
	var x, y [4]byte
	binary.BigEndian.PutUint32(x[:], a)
	binary.BigEndian.PutUint32(y[:], b)
	return !hmac.Equal(x[:], y[:])
}

// Signal cancels the statement of a session or, with terminate, ends it. False:
// there is no such session.
func (s *Server) Signal(pid int32, terminate bool) bool {
	s.mu.Lock()
	c := s.mu.conns[pid]
	s.mu.Unlock()
	if c == nil {
		return false
	}
	sess := c.sess.Load()
	switch {
	case sess == nil:
		return false
	case terminate:
		c.terminate(pgerr.New(pgerr.AdminShutdown, "terminating connection due to administrator command"))
	default:
		sess.Cancel()
	}
	return true
}

// mockCredentials are what a client is told of a role that has no password: the
// same each time.
func (s *Server) mockCredentials(user string) scram.StoredCredentials {
	h := hmac.New(sha256.New, s.mock[:])
	h.Write([]byte(user))
	sum := h.Sum(nil)
	return scram.StoredCredentials{KeyFactors: scram.KeyFactors{Salt: string(sum[:16]), Iters: 4096}, StoredKey: sum, ServerKey: sum}
}

var _ session.Server = (*Server)(nil)

// System is part of session.Server.
func (s *Server) System() *access.System { return s.inst.System() }

// Pool is part of session.Server.
func (s *Server) Pool() *bufmgr.Pool { return s.inst.Pool() }

// FS is part of session.Server.
func (s *Server) FS() vfs.FS { return s.inst.FS() }

// Files is part of session.Server.
func (s *Server) Files() vfs.FS { return s.files }

// Registry is part of session.Server.
func (s *Server) Registry() *guc.Registry { return s.reg }

// CatalogServer is part of session.Server.
func (s *Server) CatalogServer() *catalog.Server { return s.inst.Catalog() }

// StartTime is part of session.Server.
func (s *Server) StartTime() time.Time { return s.inst.StartTime() }

// InsertLSN is part of session.Server.
func (s *Server) InsertLSN() lsn.LSN { return s.inst.Log().InsertLSN() }

// Checkpoint is part of session.Server.
func (s *Server) Checkpoint(ctx context.Context, immediate bool) error {
	f := checkpointer.Force
	if immediate {
		f |= checkpointer.Immediate
	}
	return s.inst.Checkpoint(ctx, f)
}

// DatabaseUsers is part of session.Server: sessions count when they have chosen
// their database.
func (s *Server) DatabaseUsers(db oid.OID, except *xact.Proc) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, c := range s.mu.conns {
		if sess := c.sess.Load(); sess != nil && sess.Database() == db && sess.Proc() != except {
			n++
		}
	}
	return n
}

// LoadTime is part of session.Server.
func (s *Server) LoadTime() time.Time { return time.Unix(0, s.load.Load()) }

// Activity is part of session.Server.
func (s *Server) Activity() []sysfuncs.Activity {
	s.mu.Lock()
	defer s.mu.Unlock()
	waits := map[int32]string{}
	for _, l := range s.inst.Locks().List() {
		if !l.Granted {
			waits[l.PID] = l.Tag.Type.String()
		}
	}
	out := s.workers()
	for _, c := range s.mu.conns {
		sess := c.sess.Load()
		if sess == nil {
			continue
		}
		a := sess.Activity()
		a.ClientPort = -1
		if !c.local {
			a.ClientAddr, a.ClientPort = c.addr.Unmap().String(), int32(c.port)
		}
		x, xmin := sess.Proc().Running()
		a.XID, a.Xmin = uint32(x), uint32(xmin)
		if w, ok := waits[a.PID]; ok {
			a.WaitType, a.WaitEvent = "Lock", w
		}
		out = append(out, a)
	}
	return out
}
