package session

import (
	"crypto/rand"
	mrand "math/rand/v2"
	"time"

	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/guc"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/analyze/syscat"
	"github.com/pgmini/pgmini/sql/exec"
	"github.com/pgmini/pgmini/sql/session/sqlcat"
	"github.com/pgmini/pgmini/sql/types"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xid"
)

// rng is the session's random number generator.
type rng struct{ r *mrand.Rand }

func (r *rng) seed(v uint64) { r.r = mrand.New(mrand.NewPCG(v, 0x9E3779B97F4A7C15)) }

// wire joins the catalogs, the conversions and the functions of the session.
func (s *Session) wire() {
	s.names = &syscat.Catalog{S: s.cat, Path: []oid.OID{oid.CatalogNamespace}, Database: s.dbName, Convert: s.convert, Typmod: s.typmod, Out: s.output}
	s.sql = &sqlcat.Catalog{S: s.cat, Env: &s.env, Names: s.names, Eval: s.eval}
	e := &s.env
	e.Env.Catalog = s.sql.Conversions()
	e.Env.Now = func() int64 { return s.txTime }
	s.cat.SetTypeNames(func(t oid.OID) string { return e.FormatType(t, -1) })
	e.Ctx = &s.cmd
	e.TxTime = e.Env.Now
	e.StmtTime = func() int64 { return s.stmtTime }
	e.Clock = func() int64 { return xact.Timestamp(time.Now()) }
	e.Rand = func() float64 { return s.rng.r.Float64() }
	e.SetSeed = func(v float64) { s.rng.seed(uint64(int64(v * (1 << 62)))) }
	e.RandBytes = func(b []byte) { _, _ = rand.Read(b) }
	e.Notice = func(severity, msg string) { s.Notice(severity, pgerr.New(pgerr.SuccessfulCompletion, "%s", msg)) }
	e.Seq = sequences{s}
	e.Set = settings{s}
	e.Xact = transactions{s}
	e.Admin = admin{s}
	e.Locks = advisory{s}
	e.Func = s.sql.Func
	e.Sys = s.system()
	s.formats()
}

// convert runs an input function for analysis.
func (s *Session) convert(t *analyze.Type, typmod int32, literal string) (datum.Datum, error) {
	return s.env.Input(t.OID, []byte(literal), typmod)
}

// typmod runs a typmodin function for analysis.
func (s *Session) typmod(t *analyze.Type, mods []string) (int32, error) {
	ti, ok := s.env.Type(t.OID)
	if !ok {
		return -1, pgerr.New(pgerr.UndefinedObject, "type \"%s\" does not exist", t.Name)
	}
	args := make([]int32, len(mods))
	for i, m := range mods {
		d, err := s.env.Input(oid.Int4, []byte(m), -1)
		if err != nil {
			return -1, err
		}
		args[i] = int32(d.Int)
	}
	return types.ParseTypMod(ti.ModIn, args)
}

// output runs an output function for ruleutils.
func (s *Session) output(t *analyze.Type, v datum.Datum) (string, error) { return s.env.Text(t.OID, v) }

// settings is builtin.Settings.
type settings struct{ s *Session }

// Show is part of builtin.Settings.
func (g settings) Show(name string) (string, bool, error) {
	v, err := g.s.ShowSetting(name)
	if pgerr.CodeOf(err) == pgerr.UndefinedObject {
		return "", false, nil
	}
	return v, err == nil, err
}

// SetConfig is part of builtin.Settings.
func (g settings) SetConfig(name, value string, local bool) (string, error) {
	if err := g.s.setSetting(name, value, local); err != nil {
		return "", err
	}
	return g.s.ShowSetting(name)
}

// transactions is builtin.Xact.
type transactions struct{ s *Session }

// XID is part of builtin.Xact.
func (t transactions) XID() (xid.Full, error) { return t.s.tx.TopFullXID() }

// XIDIfAssigned is part of builtin.Xact.
func (t transactions) XIDIfAssigned() (xid.Full, bool) {
	if t.s.tx.TopXID() == xid.Invalid {
		return 0, false
	}
	x, err := t.s.tx.TopFullXID()
	return x, err == nil
}

// full widens an xid that is not in the future of next.
func full(x xid.XID, next xid.Full) xid.Full {
	epoch := uint64(next) >> 32
	if uint32(x) > uint32(next) && epoch > 0 {
		epoch--
	}
	return xid.Full(epoch<<32 | uint64(x))
}

// Snapshot is part of builtin.Xact.
func (t transactions) Snapshot() (xmin, xmax xid.Full, xip []xid.Full) {
	snap := t.s.tx.Snapshot()
	next := t.s.srv.System().Xact.NextXID()
	for _, x := range snap.XIP {
		xip = append(xip, full(x, next))
	}
	return full(snap.Xmin, next), full(snap.Xmax, next), xip
}

// Export is part of builtin.Xact.
func (t transactions) Export() (string, error) { return t.s.tx.Export() }

// Status is part of builtin.Xact.
func (t transactions) Status(x xid.Full) (string, bool, error) {
	m := t.s.srv.System().Xact
	next := m.NextXID()
	if x >= next {
		return "", false, pgerr.New(pgerr.InvalidParameterValue, "transaction ID %d is in the future", uint64(x))
	}
	short := xid.XID(uint32(x))
	switch {
	case full(short, next) != x:
		return "", false, nil
	case m.IsInProgress(short):
		return "in progress", true, nil
	case m.DidCommit(short):
		return "committed", true, nil
	}
	return "aborted", true, nil
}

// tempFiles makes the executor's temporary files in base/pgsql_tmp.
type tempFiles struct{ s *Session }

const tempDir = "base/pgsql_tmp"

// Create is part of exec.TempFiles.
func (t tempFiles) Create() (exec.TempFile, error) {
	fs := t.s.srv.FS()
	t.s.tempSeq++
	name := tempDir + "/pgsql_tmp" + itoa(int64(t.s.pid)) + "." + itoa(int64(t.s.tempSeq))
	f, err := fs.Open(name, vfs.Write|vfs.Create|vfs.Trunc)
	if err != nil {
		if err := vfs.MkdirAll(fs, tempDir); err != nil {
			return nil, pgerr.File(err, "create", tempDir)
		}
		if f, err = fs.Open(name, vfs.Write|vfs.Create|vfs.Trunc); err != nil {
			return nil, pgerr.File(err, "create temporary", name)
		}
	}
	return tempFile{f, fs, name}, nil
}

type tempFile struct {
	vfs.File
	fs   vfs.FS
	name string
}

// Close closes and removes the file.
func (f tempFile) Close() error {
	err := f.File.Close()
	if e := f.fs.Remove(f.name); err == nil {
		err = e
	}
	return err
}

// localBuffers are the session's buffers for temporary tables, made when first
// needed.
type localBuffers struct{ pool *bufmgr.Pool }

func (l *localBuffers) close() {
	if l.pool != nil {
		_ = l.pool.Close()
		l.pool = nil
	}
}

func (s *Session) localPool() (*bufmgr.Pool, error) {
	if s.local.pool == nil {
		p, err := bufmgr.NewLocal(int(s.guc.Int(guc.TempBuffers)), s.srv.System().Smgr.Temp(s.backend))
		if err != nil {
			return nil, err
		}
		s.local.pool = p
	}
	return s.local.pool, nil
}

// dropTemp drops the session's temporary tables at its end.
func (s *Session) dropTemp() {
	if s.cat == nil || s.cat.TempIfAny() == 0 {
		return
	}
	s.cmd.start(0)
	defer s.cmd.finish()
	if s.Ended() != nil {
		return // the next session with the number does it
	}
	if err := s.begin(single); err != nil {
		return
	}
	if err := s.cat.DropTempRelations(); err != nil {
		s.log.Warn("drop temporary tables", "err", err)
		s.abortAll()
		return
	}
	if err := s.commit(); err != nil {
		s.log.Warn("drop temporary tables", "err", err)
	}
}
