package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pgmini/pgmini/catalog/initdb"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/osfs"
)

// initOptions are the flags of initdb.
type initOptions struct {
	dir, user, auth, authLocal, authHost, pwfile, waldir, encoding, locale string
	noLocale, noSync, noChecksums, checksums, noInstructions               bool
	segMB                                                                  int
	password                                                               string
}

func initdbCommand() *cobra.Command {
	var o initOptions
	cmd := &cobra.Command{
		Use:   "initdb [OPTION]... [DATADIR]",
		Short: "Make a new data directory (a PostgreSQL 15 database cluster)",
		Long: `initdb makes the data directory of a new cluster: the files and catalogs of
PostgreSQL 15, which stock PostgreSQL starts on as well.

Data checksums are on unless --no-data-checksums is given.`,
		Example: "  pgmini initdb -D ./data\n  pgmini initdb -D ./data -U admin --pwfile=secret.txt -A scram-sha-256",
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := dataDir(o.dir, args)
			if err != nil {
				return err
			}
			o.dir = d
			if err := runInitdb(o); err != nil {
				return err
			}
			if !o.noInstructions {
				fmt.Fprintf(cmd.OutOrStdout(), "Success. You can now start the database server using:\n\n    pgmini serve -D %s\n\n", o.dir)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.dir, "pgdata", "D", "", "data directory `DATADIR`")
	f.StringVarP(&o.user, "username", "U", "postgres", "name of the database superuser")
	f.StringVarP(&o.auth, "auth", "A", "", "authentication `METHOD` for all connections: trust, scram-sha-256, password, reject")
	f.StringVar(&o.authLocal, "auth-local", "", "authentication `METHOD` for Unix sockets")
	f.StringVar(&o.authHost, "auth-host", "", "authentication `METHOD` for TCP/IP")
	f.StringVar(&o.pwfile, "pwfile", "", "read the superuser's password from `FILE`")
	f.StringVarP(&o.waldir, "waldir", "X", "", "`WALDIR`, another place for the write-ahead log")
	f.IntVar(&o.segMB, "wal-segsize", 16, "size of WAL segments, in megabytes")
	f.StringVarP(&o.encoding, "encoding", "E", "UTF8", "encoding of new databases: UTF8")
	f.StringVar(&o.locale, "locale", "C", "locale of new databases: C")
	f.BoolVar(&o.noLocale, "no-locale", false, "the same as --locale=C")
	f.BoolVarP(&o.noSync, "no-sync", "N", false, "do not wait for changes to be written safely to disk")
	f.BoolVar(&o.noChecksums, "no-data-checksums", false, "do not protect data pages with checksums")
	f.BoolVarP(&o.checksums, "data-checksums", "k", true, "protect data pages with checksums (the default)")
	f.BoolVar(&o.noInstructions, "no-instructions", false, "do not print what to do next")
	return cmd
}

// emptyDir reports whether a directory is missing or has nothing in it.
func emptyDir(dir string) (bool, error) {
	l, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return true, nil
	}
	return len(l) == 0, err
}

// prepareDir makes an empty directory that only its owner may read.
func prepareDir(dir string) error {
	empty, err := emptyDir(dir)
	if err != nil {
		return err
	}
	if !empty {
		return fmt.Errorf("directory \"%s\" exists but is not empty\nIf you want to create a new database system, either remove or empty the directory \"%s\" or run initdb with an argument other than \"%s\".", dir, dir, dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.Chmod(dir, 0o700)
}

func runInitdb(o initOptions) error {
	if o.pwfile != "" {
		b, err := os.ReadFile(o.pwfile)
		if err != nil {
			return err
		}
		o.password, _, _ = strings.Cut(string(b), "\n")
		o.password = strings.TrimSuffix(o.password, "\r")
		if o.password == "" {
			return fmt.Errorf("password file \"%s\" is empty", o.pwfile)
		}
	}
	if o.authLocal == "" {
		o.authLocal = o.auth
	}
	if o.authHost == "" {
		o.authHost = o.auth
	}
	if (strings.HasPrefix(o.authHost, "scram") || o.authHost == "password") && o.password == "" {
		return fmt.Errorf("must specify a password for the superuser to enable password authentication")
	}
	if o.segMB < 1 || o.segMB > 1024 || o.segMB&(o.segMB-1) != 0 {
		return errors.New("argument of --wal-segsize must be a power of two between 1 and 1024")
	}
	if err := prepareDir(o.dir); err != nil {
		return err
	}
	var wal vfs.FS
	if o.waldir != "" {
		w, err := filepath.Abs(o.waldir)
		if err != nil {
			return err
		}
		o.waldir = w
		if err := prepareDir(w); err != nil {
			return err
		}
		wal = osfs.New(w)
	}
	return initdb.Create(initdb.Options{FS: osfs.New(o.dir), Superuser: o.user, Password: o.password, AuthLocal: o.authLocal,
		AuthHost: o.authHost, NoChecksums: o.noChecksums, WALDir: o.waldir, WALFS: wal, SegSize: lsn.SegSize(o.segMB << 20),
		Encoding: o.encoding, Locale: o.locale, NoSync: o.noSync, Parallel: true, Random: rand.Reader})
}
