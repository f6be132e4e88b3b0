package main

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/pgmini/pgmini/pgerr"
	"github.com/spf13/cobra"

	"github.com/pgmini/pgmini"
	"github.com/pgmini/pgmini/engine"
	"github.com/pgmini/pgmini/guc"
	"github.com/pgmini/pgmini/vfs/osfs"
)

type serveOptions struct {
	dir, host, socket string
	port              int
	set               []string
	verbose           bool
}

func serveCommand() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve [OPTION]... [DATADIR]",
		Short: "Serve a data directory to PostgreSQL clients",
		Long: `serve opens a data directory and takes connections, in the foreground, until it is
told to stop. If the directory is missing or empty it is made first: the server
then listens on 127.0.0.1, where it asks for a password (PGMINI_PASSWORD, or one
that is generated and printed once), and on a Unix socket, where it asks for none.

Signals: SIGTERM waits for clients to leave, SIGINT ends their sessions, SIGQUIT
stops at once without a checkpoint, SIGHUP reloads the configuration.`,
		Example: "  pgmini serve -D ./data\n  pgmini serve -D ./data -p 5433 -c shared_buffers=1GB -c fsync=off",
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := dataDir(o.dir, args)
			if err != nil {
				return err
			}
			if o.dir, err = filepath.Abs(d); err != nil {
				return err
			}
			return serve(cmd, o)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.dir, "pgdata", "D", "", "data directory `DATADIR`")
	f.IntVarP(&o.port, "port", "p", 0, "`PORT` to listen on (default 5432)")
	f.StringVarP(&o.host, "host", "h", "", "`ADDRESSES` to listen on, separated by commas; '*' is all, '' none")
	f.StringVarP(&o.socket, "socketdir", "k", "", "`DIRECTORY` of the Unix socket")
	f.StringArrayVarP(&o.set, "config", "c", nil, "set a configuration parameter (`NAME=VALUE`)")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "log more")
	f.Bool("help", false, "help for serve")
	return cmd
}

// fresh makes the data directory if there is none yet. password is set if one
// was generated, and must be shown.
func fresh(o serveOptions) (made bool, password string, err error) {
	empty, err := emptyDir(o.dir)
	if err != nil || !empty {
		return false, "", err
	}
	pw := os.Getenv("PGMINI_PASSWORD")
	if pw == "" {
		var b [15]byte
		if _, err := rand.Read(b[:]); err != nil {
			return false, "", err
		}
		pw = strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
		password = pw
	}
	return true, password, runInitdb(initOptions{dir: o.dir, user: "postgres", authLocal: "trust", authHost: "scram-sha-256",
		password: pw, segMB: 16, encoding: "UTF8", locale: "C"})
}

func (o serveOptions) settings(cmd *cobra.Command) ([][2]string, error) {
	var out [][2]string
	for _, s := range o.set {
		k, v, ok := strings.Cut(s, "=")
		if !ok {
			return nil, fmt.Errorf("-c %s requires a value", s)
		}
		out = append(out, [2]string{strings.TrimSpace(k), v})
	}
	if o.port != 0 {
		out = append(out, [2]string{"port", strconv.Itoa(o.port)})
	}
	if cmd.Flags().Changed("host") {
		out = append(out, [2]string{"listen_addresses", o.host})
	}
	if cmd.Flags().Changed("socketdir") {
		out = append(out, [2]string{"unix_socket_directories", o.socket})
	}
	return out, nil
}

func serve(cmd *cobra.Command, o serveOptions) error {
	made, password, err := fresh(o)
	if err != nil {
		return err
	}
	set, err := o.settings(cmd)
	if err != nil {
		return err
	}
	if err := private(o.dir); err != nil {
		return err
	}
	level := slog.LevelInfo
	if o.verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP)
	defer signal.Stop(signals)
	ctx := context.Background()
	db, err := pgmini.Open(ctx, pgmini.Config{FS: osfs.New(o.dir), Dir: o.dir, Settings: set, Files: osfs.New(o.dir), Logger: log, PID: os.Getpid(),
		Alive: func(pid int) bool { return serves(pid, o.dir) }, Orphans: orphans})
	if err != nil {
		return err
	}
	places, err := listen(ctx, db, o.dir, log)
	if err == nil {
		err = places.ready(db)
	}
	if err != nil {
		places.close()
		return errors.Join(err, db.Stop(engine.Fast))
	}
	announce(cmd.OutOrStdout(), places, made, password)
	err = await(db, signals, log)
	places.close()
	return err
}

// private refuses a directory that others may read, as PostgreSQL does.
func private(dir string) error {
	st, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if m := st.Mode().Perm(); m&0o027 != 0 {
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "data directory %q has invalid permissions", dir).
			WithDetail("Permissions should be u=rwx (0700) or u=rwx,g=rx (0750).")
	}
	return nil
}

// await runs until a signal or a PANIC stops the server.
func await(db *pgmini.DB, signals <-chan os.Signal, log *slog.Logger) error {
	done := make(chan error, 4)
	stop := func(m engine.StopMode) {
		go func() { done <- db.Stop(m) }()
	}
	failed := db.Failed()
	for {
		select {
		case s := <-signals:
			switch s {
			case syscall.SIGHUP:
				log.Info("received SIGHUP, reloading configuration files")
				_ = db.Reload()
			case syscall.SIGTERM:
				log.Info("received smart shutdown request")
				stop(engine.Smart)
			case syscall.SIGINT:
				log.Info("received fast shutdown request")
				stop(engine.Fast)
			default:
				log.Info("received immediate shutdown request")
				stop(engine.Immediate)
			}
		case <-failed:
			failed = nil
			stop(engine.Immediate)
		case err := <-done:
			return err
		}
	}
}

// places are where the server listens.
type places struct {
	port    int
	hosts   []string
	sockets []string
	locks   []string
}

func (p *places) close() {
	if p == nil {
		return
	}
	for _, n := range p.sockets {
		_ = os.Remove(n)
	}
	for _, n := range p.locks {
		_ = os.Remove(n)
	}
}

func (p *places) ready(db *pgmini.DB) error {
	dir, host := "", ""
	if len(p.sockets) > 0 {
		dir = filepath.Dir(p.sockets[0])
	}
	if len(p.hosts) > 0 {
		host = p.hosts[0]
	}
	return db.Instance().SetStatus("ready", p.port, dir, host)
}

// listen opens the sockets that the settings name.
func listen(ctx context.Context, db *pgmini.DB, dir string, log *slog.Logger) (*places, error) {
	reg := db.Registry()
	p := &places{port: int(reg.Int(guc.Port))}
	for _, h := range list(reg.Str(guc.ListenAddresses)) {
		addr := h
		switch h {
		case "localhost":
			addr = "127.0.0.1"
		case "*":
			addr = ""
		}
		l, err := net.Listen("tcp", net.JoinHostPort(addr, strconv.Itoa(p.port)))
		if err != nil {
			return p, fmt.Errorf("could not create listen socket for \"%s\": %w", h, err)
		}
		p.hosts = append(p.hosts, h)
		go func() { _ = db.Serve(ctx, l, false) }()
	}
	dirs := list(reg.Str(guc.UnixSocketDirectories))
	chosen := reg.Str(guc.UnixSocketDirectories) != guc.Get(guc.UnixSocketDirectories).Boot
	for _, d := range dirs {
		l, name, err := p.unixSocket(d, dir)
		if err != nil && !chosen {
			l, name, err = p.unixSocket("/tmp", dir)
		}
		if err != nil {
			return p, err
		}
		p.sockets = append(p.sockets, name)
		go func() { _ = db.Serve(ctx, l, true) }()
	}
	if len(p.hosts)+len(p.sockets) == 0 {
		return p, errors.New("could not create any TCP/IP or Unix-domain sockets")
	}
	return p, nil
}

func list(s string) []string {
	var out []string
	for v := range strings.SplitSeq(s, ",") {
		if v = strings.Trim(strings.TrimSpace(v), `"`); v != "" {
			out = append(out, v)
		}
	}
	return out
}

// unixSocket listens in a directory, guarded by a lock file.
func (p *places) unixSocket(dir, data string) (net.Listener, string, error) {
	name := filepath.Join(dir, ".s.PGSQL."+strconv.Itoa(p.port))
	lock := name + ".lock"
	if err := lockSocket(lock, data, dir, p.port); err != nil {
		return nil, "", err
	}
	_ = os.Remove(name)
	l, err := net.Listen("unix", name)
	if err == nil {
		err = os.Chmod(name, 0o777)
	}
	if err != nil {
		_ = os.Remove(lock)
		return nil, "", fmt.Errorf("could not create Unix-domain socket in directory \"%s\": %w", dir, err)
	}
	p.locks = append(p.locks, lock)
	return l, name, nil
}

// lockSocket makes the lock file of a socket; one of a process that is gone is
// replaced.
func lockSocket(lock, data, dir string, port int) error {
	text := fmt.Sprintf("%d\n%s\n%d\n%d\n%s\n", os.Getpid(), data, time.Now().Unix(), port, dir)
	for range 10 {
		f, err := os.OpenFile(lock, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = io.WriteString(f, text)
			return errors.Join(err, f.Close())
		}
		if !errors.Is(err, os.ErrExist) {
			return fmt.Errorf("could not create lock file \"%s\": %w", lock, err)
		}
		b, err := os.ReadFile(lock)
		if err != nil {
			return err
		}
		first, _, _ := strings.Cut(string(b), "\n")
		pid, _ := strconv.Atoi(strings.TrimPrefix(first, "-"))
		if pid > 0 && pid != os.Getpid() && alive(pid) {
			return fmt.Errorf("lock file \"%s\" already exists\nIs another postmaster (PID %d) using socket file \"%s\"?", lock, pid, strings.TrimSuffix(lock, ".lock"))
		}
		if err := os.Remove(lock); err != nil {
			return fmt.Errorf("could not remove old lock file \"%s\": %w", lock, err)
		}
	}
	return fmt.Errorf("could not create lock file \"%s\"", lock)
}

// announce prints the line to connect with, and a generated password.
func announce(w io.Writer, p *places, made bool, password string) {
	who := "postgres"
	if !made {
		if u, err := user.Current(); err == nil && u.Username != "root" {
			who = u.Username
		}
		who = "postgres"
	}
	var url string
	if len(p.hosts) > 0 {
		h := p.hosts[0]
		if h == "*" || h == "0.0.0.0" || h == "localhost" {
			h = "127.0.0.1"
		}
		auth := who
		if password != "" {
			auth += ":" + password
		}
		url = fmt.Sprintf("postgresql://%s@%s/postgres", auth, net.JoinHostPort(h, strconv.Itoa(p.port)))
	} else {
		url = fmt.Sprintf("postgresql:///postgres?host=%s&port=%d&user=%s", filepath.Dir(p.sockets[0]), p.port, who)
	}
	fmt.Fprintln(w, "ready: "+url)
}
