// Package initdb makes the data directory of a new cluster: every catalog page
// is built here from package bootstrap's rows, frozen and checksummed.
//
// INV-INIT-1: pg_control is written last, so that a directory that was not
// finished does not look like a cluster.
// Enforced: Create. Tested: TestUnfinished.
//
// INV-INIT-2: stock PostgreSQL 15 starts on the result and its pg_amcheck finds
// nothing.
// Enforced: Create. Tested: TestStockStarts.
package initdb

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/xid"
)

// Options says what cluster to make.
type Options struct {
	FS          vfs.FS // rooted at the data directory, which exists and is empty
	Superuser   string // "": postgres
	Password    string // of the superuser; "": none
	AuthLocal   string // method for Unix sockets; "": trust
	AuthHost    string // method for TCP; "": trust
	NoChecksums bool
	WALDir      string      // absolute folder for the WAL, empty or missing; "": pg_wal
	WALFS       vfs.FS      // rooted at WALDir; required with it
	SegSize     lsn.SegSize // 0: 16 MB
	Encoding    string      // "" or UTF8
	Locale      string      // "" or C
	NoSync      bool
	Parallel    bool             // write the databases at the same time
	NoViews     bool             // leave the system views out
	TimeZone    string           // "": Etc/UTC
	SystemID    uint64           // 0: from Now and Random
	Now         func() time.Time // nil: time.Now
	Random      io.Reader        // required: unpredictable bytes
}

// Where a new cluster starts counting.
const (
	firstXID   = xid.FirstNormal
	firstMulti = xid.FirstMulti
)

// folders are the directories of a cluster in the order of making. constant
var folders = []string{
	"global", "base", "base/1", "base/4", "base/5", "pg_commit_ts", "pg_dynshmem", "pg_logical", "pg_logical/mappings",
	"pg_logical/snapshots", "pg_multixact", "pg_multixact/members", "pg_multixact/offsets", "pg_notify", "pg_replslot",
	"pg_serial", "pg_snapshots", "pg_stat", "pg_stat_tmp", "pg_subtrans", "pg_tblspc", "pg_twophase", "pg_xact",
}

// Create makes the cluster.
func Create(o Options) error {
	if err := o.complete(); err != nil {
		return err
	}
	w := &writer{fs: o.FS, sync: !o.NoSync, checksums: !o.NoChecksums, parallel: o.Parallel}
	for _, d := range folders {
		if err := w.mkdir(d); err != nil {
			return err
		}
	}
	if err := w.walFolder(&o); err != nil {
		return err
	}
	nextOID, err := w.catalogs(&o)
	if err != nil {
		return err
	}
	for _, f := range []string{"pg_xact/0000", "pg_subtrans/0000", "pg_multixact/offsets/0000", "pg_multixact/members/0000"} {
		if err := w.file(f, make([]byte, 8192)); err != nil {
			return err
		}
	}
	for name, text := range configFiles(&o) {
		if err := w.file(name, []byte(text)); err != nil {
			return err
		}
	}
	if err := w.file("PG_VERSION", []byte("15\n")); err != nil {
		return err
	}
	ctl, err := w.firstSegment(&o, nextOID)
	if err != nil {
		return err
	}
	if err := w.syncDirs(); err != nil {
		return err
	}
	if err := pgcontrol.Write(o.FS, ctl, o.Now()); err != nil {
		return err
	}
	return w.syncDir(".")
}

func (o *Options) complete() error {
	if o.FS == nil || o.Random == nil {
		panic("initdb: FS and Random are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Superuser == "" {
		o.Superuser = "postgres"
	}
	if len(o.Superuser) > 63 || len(o.Superuser) > 2 && o.Superuser[:3] == "pg_" {
		return pgerr.New(pgerr.ReservedName, "superuser name %q is disallowed; role names cannot begin with \"pg_\"", o.Superuser)
	}
	if o.AuthLocal == "" {
		o.AuthLocal = "trust"
	}
	if o.AuthHost == "" {
		o.AuthHost = "trust"
	}
	if o.SegSize == 0 {
		o.SegSize = lsn.DefaultSegSize
	}
	if !o.SegSize.Valid() {
		return pgerr.New(pgerr.InvalidParameterValue, "argument of --wal-segsize must be a power of 2 between 1 and 1024")
	}
	if o.TimeZone == "" {
		o.TimeZone = "Etc/UTC"
	}
	switch o.Encoding {
	case "", "UTF8", "utf8", "UTF-8", "utf-8", "unicode":
	default:
		return pgerr.NotYet("encoding %s", o.Encoding)
	}
	switch o.Locale {
	case "", "C", "POSIX":
	default:
		return pgerr.NotYet("locale %s", o.Locale)
	}
	if o.SystemID == 0 {
		var b [2]byte
		if _, err := io.ReadFull(o.Random, b[:]); err != nil {
			return fmt.Errorf("read random bytes: %w", err)
		}
		now := o.Now()
		o.SystemID = uint64(now.Unix())<<32 | uint64(now.Nanosecond()/1000)<<12 | uint64(binary.LittleEndian.Uint16(b[:])&0xfff)
	}
	return nil
}

// control is the control file of a cluster that was shut down at its first
// checkpoint.
func control(o *Options, at lsn.LSN, nextOID oid.OID) (*pgcontrol.Control, error) {
	var nonce [32]byte
	if _, err := io.ReadFull(o.Random, nonce[:]); err != nil {
		return nil, fmt.Errorf("read random bytes: %w", err)
	}
	c := pgcontrol.New(o.SystemID, o.SegSize, !o.NoChecksums, nonce)
	c.State = pgcontrol.ShutDowned
	c.CheckPoint = at
	c.Copy = pgcontrol.CheckPoint{
		Redo: at, TLI: 1, PrevTLI: 1, FullPageWrites: true,
		NextXID: xid.MakeFull(0, firstXID), NextOID: nextOID, NextMulti: firstMulti,
		OldestXID: firstXID, OldestXIDDB: oid.Template1DB,
		OldestMulti: firstMulti, OldestMultiDB: oid.Template1DB,
		Time: o.Now().Unix(),
	}
	return c, nil
}
