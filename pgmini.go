// Package pgmini opens a PostgreSQL 15 data directory inside of a Go program:
// serve it over PostgreSQL's protocol, or talk to it without a network.
package pgmini

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"

	"github.com/pgmini/pgmini/engine"
	"github.com/pgmini/pgmini/guc"
	"github.com/pgmini/pgmini/server"
	"github.com/pgmini/pgmini/sql/types"
	"github.com/pgmini/pgmini/vfs"
)

// Config says which data directory to open, and how. FS is required.
type Config struct {
	FS  vfs.FS // rooted at the data directory
	Dir string // its name, for messages
	// Settings go before those of the configuration files.
	Settings [][2]string
	// Files opens server-side files for COPY; nil: those of the data directory.
	Files  vfs.FS
	Logger *slog.Logger
	PID    int // of this process, for postmaster.pid
	// Alive and Orphans tell of other servers; see engine.Options.
	Alive   func(pid int) bool
	Orphans func(p *engine.PIDFile) bool
}

// DB is an open data directory.
type DB struct {
	cfg  Config
	reg  *guc.Registry
	inst *engine.Instance
	srv  *server.Server
}

// checks are those of settings whose values other packages know.
func checks() map[guc.ID]func(string) (string, error) {
	return map[guc.ID]func(string) (string, error){guc.TimeZone: types.SetZone, guc.LogTimezone: types.SetZone}
}

// Settings reads the settings of a data directory without opening it.
func Settings(c Config) (*guc.Registry, error) {
	reg := guc.New(guc.Options{Check: checks()})
	entries, err := c.entries()
	if err != nil {
		return nil, err
	}
	if _, errs := reg.Apply(entries, false); len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	for _, kv := range c.Settings {
		if err := reg.Set(kv[0], kv[1], guc.SourceCommandLine); err != nil {
			return nil, err
		}
	}
	return reg, nil
}

func (c Config) entries() ([]guc.Entry, error) { return guc.ReadFiles(c.FS, "", "postgresql.conf") }

// Open opens the data directory: after a crash it recovers first.
func Open(ctx context.Context, c Config) (*DB, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	reg, err := Settings(c)
	if err != nil {
		return nil, err
	}
	set := engine.FromRegistry(reg)
	inst, err := engine.Open(ctx, engine.Options{FS: c.FS, Dir: c.Dir, Settings: &set, PID: c.PID, Alive: c.Alive, Orphans: c.Orphans, Logger: c.Logger,
		Port: int(reg.Int(guc.Port))})
	if err != nil {
		return nil, err
	}
	db := &DB{cfg: c, reg: reg, inst: inst}
	if err := db.preset(); err != nil {
		return nil, errors.Join(err, inst.Stop(engine.Fast))
	}
	db.srv, err = server.New(server.Options{Instance: inst, Registry: reg, Files: c.Files, Logger: c.Logger, Entries: c.entries})
	if err != nil {
		return nil, errors.Join(err, inst.Stop(engine.Fast))
	}
	return db, nil
}

// preset fills in the settings that the data directory decides.
func (db *DB) preset() error {
	ctl, dir := db.inst.Control(), db.cfg.Dir
	sums := "off"
	if ctl.ChecksumVersion != 0 {
		sums = "on"
	}
	for _, kv := range [][2]string{
		{"data_checksums", sums},
		{"wal_segment_size", strconv.FormatUint(uint64(ctl.WALSegSize), 10)},
		{"wal_buffers", strconv.Itoa(db.inst.Settings().WALBufferPages(int64(ctl.WALSegSize)))},
		{"data_directory", dir},
		{"config_file", filepath.Join(dir, "postgresql.conf")},
		{"hba_file", filepath.Join(dir, "pg_hba.conf")},
		{"ident_file", filepath.Join(dir, "pg_ident.conf")},
	} {
		if err := db.reg.Set(kv[0], kv[1], guc.SourceOverride); err != nil {
			return err
		}
	}
	return nil
}

// Registry is the server's settings.
func (db *DB) Registry() *guc.Registry { return db.reg }

// Instance is the storage engine.
func (db *DB) Instance() *engine.Instance { return db.inst }

// Serve takes connections until l is closed or the server stops. local: l is a
// Unix socket.
func (db *DB) Serve(ctx context.Context, l net.Listener, local bool) error {
	return db.srv.Serve(ctx, l, local)
}

// ServeConn serves one connection, for example one half of a net.Pipe.
func (db *DB) ServeConn(ctx context.Context, c net.Conn, local bool) { db.srv.ServeConn(ctx, c, local) }

// Reload reads the configuration files again.
func (db *DB) Reload() error { return db.srv.Reload() }

// Failed is closed when the server has had a PANIC: only Stop is left.
func (db *DB) Failed() <-chan struct{} { return db.inst.Failed() }

// Stop stops the server as pg_ctl stop does.
func (db *DB) Stop(mode engine.StopMode) error {
	db.srv.Close()
	err := db.inst.Stop(mode)
	db.srv.Wait()
	return err
}
