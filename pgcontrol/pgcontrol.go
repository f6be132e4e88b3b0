// Package pgcontrol reads and writes global/pg_control, the file that tells
// recovery where to begin (PostgreSQL: ControlFileData), and prints it as
// pg_controldata does.
//
// INV-CTL-1: at every moment the name global/pg_control leads to a complete old
// or a complete new file, also when sectors tear: an update is written beside
// it, synced, and renamed.
// Enforced: Write. Tested: TestWritePowerFail.
//
// INV-CTL-2: no field of a file is believed before its checksum and versions
// are.
// Enforced: Decode. Tested: TestFlippedBits.
package pgcontrol

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	iofs "io/fs"
	"math"
	"time"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/xid"
)

// Path is the name of the control file under the data directory.
const Path = "global/pg_control"

// tempPath is outside global/, where tools take every name for a relation's.
const tempPath = "pg_control.tmp"

// State says what the cluster was doing when the file was written (PostgreSQL:
// DBState).
type State int32

// The states.
const (
	Startup            State = 0
	ShutDowned         State = 1
	ShutDownedRecovery State = 2
	ShutDowning        State = 3
	InCrashRecovery    State = 4
	InArchiveRecovery  State = 5
	InProduction       State = 6
)

// String is the state as pg_controldata prints it.
func (s State) String() string {
	switch s {
	case Startup:
		return "starting up"
	case ShutDowned:
		return "shut down"
	case ShutDownedRecovery:
		return "shut down in recovery"
	case ShutDowning:
		return "shutting down"
	case InCrashRecovery:
		return "in crash recovery"
	case InArchiveRecovery:
		return "in archive recovery"
	case InProduction:
		return "in production"
	}
	return "unrecognized status code"
}

// WALLevel is wal_level.
type WALLevel int32

// The levels.
const (
	Minimal WALLevel = 0
	Replica WALLevel = 1
	Logical WALLevel = 2
)

// String is the level's name.
func (w WALLevel) String() string {
	switch w {
	case Minimal:
		return "minimal"
	case Replica:
		return "replica"
	case Logical:
		return "logical"
	}
	return "unrecognized wal_level"
}

// CheckPoint is the body of a checkpoint record, of which pg_control keeps the
// latest.
type CheckPoint struct {
	Redo              lsn.LSN
	TLI, PrevTLI      lsn.Timeline
	FullPageWrites    bool
	NextXID           xid.Full
	NextOID           oid.OID
	NextMulti         xid.Multi
	NextMultiOffset   uint32
	OldestXID         xid.XID
	OldestXIDDB       oid.OID
	OldestMulti       xid.Multi
	OldestMultiDB     oid.OID
	Time              int64 // seconds since 1970
	OldestCommitTsXID xid.XID
	NewestCommitTsXID xid.XID
	OldestActiveXID   xid.XID
}

// Append appends the record's body to dst.
func (c *CheckPoint) Append(dst []byte) []byte {
	var b [CheckPointSize]byte
	le.PutUint64(b[cpRedo:], uint64(c.Redo))
	le.PutUint32(b[cpTLI:], uint32(c.TLI))
	le.PutUint32(b[cpPrevTLI:], uint32(c.PrevTLI))
	b[cpFullPage] = boolByte(c.FullPageWrites)
	le.PutUint64(b[cpNextXID:], uint64(c.NextXID))
	le.PutUint32(b[cpNextOID:], uint32(c.NextOID))
	le.PutUint32(b[cpNextMulti:], uint32(c.NextMulti))
	le.PutUint32(b[cpNextMultiOff:], c.NextMultiOffset)
	le.PutUint32(b[cpOldestXID:], uint32(c.OldestXID))
	le.PutUint32(b[cpOldestXIDDB:], uint32(c.OldestXIDDB))
	le.PutUint32(b[cpOldestMulti:], uint32(c.OldestMulti))
	le.PutUint32(b[cpOldestMultiDB:], uint32(c.OldestMultiDB))
	le.PutUint64(b[cpTime:], uint64(c.Time))
	le.PutUint32(b[cpOldestCommit:], uint32(c.OldestCommitTsXID))
	le.PutUint32(b[cpNewestCommit:], uint32(c.NewestCommitTsXID))
	le.PutUint32(b[cpOldestActive:], uint32(c.OldestActiveXID))
	return append(dst, b[:]...)
}

// DecodeCheckPoint reads the body of a checkpoint record.
func DecodeCheckPoint(b []byte) (CheckPoint, error) {
	if len(b) < CheckPointSize {
		return CheckPoint{}, pgerr.New(pgerr.DataCorrupted, "checkpoint record has %d bytes instead of %d", len(b), CheckPointSize)
	}
	return CheckPoint{
		Redo:              lsn.LSN(le.Uint64(b[cpRedo:])),
		TLI:               lsn.Timeline(le.Uint32(b[cpTLI:])),
		PrevTLI:           lsn.Timeline(le.Uint32(b[cpPrevTLI:])),
		FullPageWrites:    b[cpFullPage] != 0,
		NextXID:           xid.Full(le.Uint64(b[cpNextXID:])),
		NextOID:           oid.OID(le.Uint32(b[cpNextOID:])),
		NextMulti:         xid.Multi(le.Uint32(b[cpNextMulti:])),
		NextMultiOffset:   le.Uint32(b[cpNextMultiOff:]),
		OldestXID:         xid.XID(le.Uint32(b[cpOldestXID:])),
		OldestXIDDB:       oid.OID(le.Uint32(b[cpOldestXIDDB:])),
		OldestMulti:       xid.Multi(le.Uint32(b[cpOldestMulti:])),
		OldestMultiDB:     oid.OID(le.Uint32(b[cpOldestMultiDB:])),
		Time:              int64(le.Uint64(b[cpTime:])),
		OldestCommitTsXID: xid.XID(le.Uint32(b[cpOldestCommit:])),
		NewestCommitTsXID: xid.XID(le.Uint32(b[cpNewestCommit:])),
		OldestActiveXID:   xid.XID(le.Uint32(b[cpOldestActive:])),
	}, nil
}

// Control is the contents of pg_control.
type Control struct {
	SystemID             uint64
	Version, CatVersion  uint32
	State                State
	Time                 int64 // of the last update, seconds since 1970
	CheckPoint           lsn.LSN
	Copy                 CheckPoint
	UnloggedLSN          lsn.LSN
	MinRecoveryPoint     lsn.LSN
	MinRecoveryPointTLI  lsn.Timeline
	BackupStart          lsn.LSN
	BackupEnd            lsn.LSN
	BackupEndRequired    bool
	WALLevel             WALLevel
	WALLogHints          bool
	MaxConnections       int32
	MaxWorkerProcesses   int32
	MaxWALSenders        int32
	MaxPreparedXacts     int32
	MaxLocksPerXact      int32
	TrackCommitTimestamp bool
	MaxAlign             uint32
	FloatFormat          float64
	BlockSize            uint32
	RelSegSize           uint32
	WALBlockSize         uint32
	WALSegSize           uint32
	NameDataLen          uint32
	IndexMaxKeys         uint32
	ToastMaxChunkSize    uint32
	LOBlockSize          uint32
	Float8ByVal          bool
	ChecksumVersion      uint32
	Nonce                [nonceLen]byte
}

// FirstUnloggedLSN is where the counter of unlogged relations starts.
const FirstUnloggedLSN lsn.LSN = 1000

// New is the control file of a cluster that is being made, with the constants
// of PostgreSQL 15 and its default settings.
func New(systemID uint64, segSize lsn.SegSize, checksums bool, nonce [32]byte) *Control {
	c := &Control{
		SystemID: systemID, Version: Version, CatVersion: CatalogVersion,
		UnloggedLSN: FirstUnloggedLSN, WALLevel: Replica,
		MaxConnections: 100, MaxWorkerProcesses: 8, MaxWALSenders: 10, MaxLocksPerXact: 64,
		MaxAlign: 8, FloatFormat: floatFormatValue, BlockSize: 8192, RelSegSize: 131072,
		WALBlockSize: 8192, WALSegSize: uint32(segSize), NameDataLen: 64, IndexMaxKeys: 32,
		ToastMaxChunkSize: 1996, LOBlockSize: 2048, Float8ByVal: true, Nonce: nonce,
	}
	if checksums {
		c.ChecksumVersion = 1
	}
	return c
}

// Encode is the contents of the file.
func (c *Control) Encode() []byte {
	b := make([]byte, FileSize)
	le.PutUint64(b[offSystemID:], c.SystemID)
	le.PutUint32(b[offVersion:], c.Version)
	le.PutUint32(b[offCatVersion:], c.CatVersion)
	le.PutUint32(b[offState:], uint32(c.State))
	le.PutUint64(b[offTime:], uint64(c.Time))
	le.PutUint64(b[offCheckPoint:], uint64(c.CheckPoint))
	c.Copy.Append(b[offCopy:offCopy])
	le.PutUint64(b[offUnlogged:], uint64(c.UnloggedLSN))
	le.PutUint64(b[offMinRecovery:], uint64(c.MinRecoveryPoint))
	le.PutUint32(b[offMinRecTLI:], uint32(c.MinRecoveryPointTLI))
	le.PutUint64(b[offBackupStart:], uint64(c.BackupStart))
	le.PutUint64(b[offBackupEnd:], uint64(c.BackupEnd))
	b[offEndRequired] = boolByte(c.BackupEndRequired)
	le.PutUint32(b[offWALLevel:], uint32(c.WALLevel))
	b[offLogHints] = boolByte(c.WALLogHints)
	le.PutUint32(b[offMaxConn:], uint32(c.MaxConnections))
	le.PutUint32(b[offMaxWorkers:], uint32(c.MaxWorkerProcesses))
	le.PutUint32(b[offMaxSenders:], uint32(c.MaxWALSenders))
	le.PutUint32(b[offMaxPrepared:], uint32(c.MaxPreparedXacts))
	le.PutUint32(b[offMaxLocks:], uint32(c.MaxLocksPerXact))
	b[offTrackCommit] = boolByte(c.TrackCommitTimestamp)
	le.PutUint32(b[offMaxAlign:], c.MaxAlign)
	le.PutUint64(b[offFloatFormat:], math.Float64bits(c.FloatFormat))
	le.PutUint32(b[offBlockSize:], c.BlockSize)
	le.PutUint32(b[offRelSegSize:], c.RelSegSize)
	le.PutUint32(b[offWALBlockSize:], c.WALBlockSize)
	le.PutUint32(b[offWALSegSize:], c.WALSegSize)
	le.PutUint32(b[offNameDataLen:], c.NameDataLen)
	le.PutUint32(b[offIndexMaxKeys:], c.IndexMaxKeys)
	le.PutUint32(b[offToastChunk:], c.ToastMaxChunkSize)
	le.PutUint32(b[offLOBlockSize:], c.LOBlockSize)
	b[offFloat8ByVal] = boolByte(c.Float8ByVal)
	le.PutUint32(b[offChecksums:], c.ChecksumVersion)
	copy(b[offNonce:], c.Nonce[:])
	le.PutUint32(b[offCRC:], crc32.Checksum(b[:offCRC], castagnoli))
	return b
}

// decode takes the fields out of b without judging them.
func decode(b []byte) *Control {
	i32 := func(at int) int32 { return int32(le.Uint32(b[at:])) }
	pos := func(at int) lsn.LSN { return lsn.LSN(le.Uint64(b[at:])) }
	c := &Control{
		SystemID: le.Uint64(b[offSystemID:]), Version: le.Uint32(b[offVersion:]), CatVersion: le.Uint32(b[offCatVersion:]),
		State: State(i32(offState)), Time: int64(le.Uint64(b[offTime:])), CheckPoint: pos(offCheckPoint),
		UnloggedLSN: pos(offUnlogged), MinRecoveryPoint: pos(offMinRecovery),
		MinRecoveryPointTLI: lsn.Timeline(le.Uint32(b[offMinRecTLI:])),
		BackupStart:         pos(offBackupStart), BackupEnd: pos(offBackupEnd), BackupEndRequired: b[offEndRequired] != 0,
		WALLevel: WALLevel(i32(offWALLevel)), WALLogHints: b[offLogHints] != 0,
		MaxConnections: i32(offMaxConn), MaxWorkerProcesses: i32(offMaxWorkers), MaxWALSenders: i32(offMaxSenders),
		MaxPreparedXacts: i32(offMaxPrepared), MaxLocksPerXact: i32(offMaxLocks), TrackCommitTimestamp: b[offTrackCommit] != 0,
		MaxAlign: le.Uint32(b[offMaxAlign:]), FloatFormat: math.Float64frombits(le.Uint64(b[offFloatFormat:])),
		BlockSize: le.Uint32(b[offBlockSize:]), RelSegSize: le.Uint32(b[offRelSegSize:]),
		WALBlockSize: le.Uint32(b[offWALBlockSize:]), WALSegSize: le.Uint32(b[offWALSegSize:]),
		NameDataLen: le.Uint32(b[offNameDataLen:]), IndexMaxKeys: le.Uint32(b[offIndexMaxKeys:]),
		ToastMaxChunkSize: le.Uint32(b[offToastChunk:]), LOBlockSize: le.Uint32(b[offLOBlockSize:]),
		Float8ByVal: b[offFloat8ByVal] != 0, ChecksumVersion: le.Uint32(b[offChecksums:]),
	}
	c.Copy, _ = DecodeCheckPoint(b[offCopy:]) // long enough: dataSize is checked
	copy(c.Nonce[:], b[offNonce:])
	return c
}

// Decode validates the contents of a control file and takes it apart. An
// unknown version is named before the checksum is looked at, because another
// version keeps its checksum elsewhere.
func Decode(b []byte) (*Control, error) {
	if len(b) < structSize {
		return nil, pgerr.New(pgerr.DataCorrupted, "could not read file %q: read %d of %d", Path, len(b), structSize)
	}
	c := decode(b)
	if c.Version != Version {
		return nil, incompatible("PG_CONTROL_VERSION", c.Version, Version, "It looks like you need to initdb.")
	}
	if crc32.Checksum(b[:offCRC], castagnoli) != le.Uint32(b[offCRC:]) {
		return nil, pgerr.New(pgerr.DataCorrupted, "incorrect checksum in control file")
	}
	if c.CatVersion != CatalogVersion {
		return nil, incompatible("CATALOG_VERSION_NO", c.CatVersion, CatalogVersion, "It looks like you need to initdb.")
	}
	return c, c.checkBuild()
}

// checkBuild compares what is fixed when PostgreSQL is compiled.
func (c *Control) checkBuild() error {
	const rebuild = "It looks like you need to recompile or initdb."
	for _, f := range []struct {
		name      string
		got, want uint32
	}{
		{"MAXALIGN", c.MaxAlign, 8},
		{"BLCKSZ", c.BlockSize, 8192},
		{"RELSEG_SIZE", c.RelSegSize, 131072},
		{"XLOG_BLCKSZ", c.WALBlockSize, 8192},
		{"NAMEDATALEN", c.NameDataLen, 64},
		{"INDEX_MAX_KEYS", c.IndexMaxKeys, 32},
		{"TOAST_MAX_CHUNK_SIZE", c.ToastMaxChunkSize, 1996},
		{"LOBLKSIZE", c.LOBlockSize, 2048},
	} {
		if f.got != f.want {
			return incompatible(f.name, f.got, f.want, rebuild)
		}
	}
	if c.FloatFormat != floatFormatValue {
		return pgerr.New(pgerr.InvalidParameterValue, "database files are incompatible with server").
			WithDetail("The database cluster appears to use a different floating-point number format than the server executable.").
			WithHint("It looks like you need to initdb.")
	}
	if !c.Float8ByVal {
		return pgerr.New(pgerr.InvalidParameterValue, "database files are incompatible with server").
			WithDetail("The database cluster was initialized without USE_FLOAT8_BYVAL but the server was compiled with USE_FLOAT8_BYVAL.").
			WithHint(rebuild)
	}
	if !lsn.SegSize(c.WALSegSize).Valid() {
		return pgerr.New(pgerr.InvalidParameterValue,
			"WAL segment size must be a power of two between 1 MB and 1 GB, but the control file specifies %d bytes", c.WALSegSize)
	}
	return nil
}

func incompatible(what string, got, want uint32, hint string) error {
	detail := fmt.Sprintf("The database cluster was initialized with %s %d, but the server was compiled with %s %d.", what, got, what, want)
	if what == "PG_CONTROL_VERSION" && got%65536 == 0 && got/65536 != 0 {
		detail = fmt.Sprintf("The database cluster was initialized with %s %d (0x%08x), but the server was compiled with %s %d (0x%08x).",
			what, got, got, what, want, want)
		hint = "This could be a problem of mismatched byte ordering.  It looks like you need to initdb."
	}
	return pgerr.New(pgerr.InvalidParameterValue, "database files are incompatible with server").
		WithDetail("%s", detail).WithHint("%s", hint)
}

// readFile reads at most FileSize bytes of the control file.
func readFile(fs vfs.FS, name string) ([]byte, error) {
	f, err := fs.Open(name, vfs.Read)
	if err != nil {
		return nil, pgerr.File(err, "open", name)
	}
	defer f.Close()
	b := make([]byte, FileSize)
	n, err := f.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		return nil, pgerr.File(err, "read", name)
	}
	return b[:n], nil
}

// Read reads and validates the control file of the data directory that fs is
// rooted at.
func Read(fs vfs.FS) (*Control, error) {
	b, err := readFile(fs, Path)
	if err != nil {
		return nil, err
	}
	return Decode(b)
}

// Write stamps c with now and replaces the control file by it, durably. An
// error is a PANIC of the server: nobody knows which of the two files is there.
func Write(fs vfs.FS, c *Control, now time.Time) error {
	c.Time = now.Unix()
	// Never write into a file of that name: if only one half of an earlier rename
	// between the two folders survived a crash, it is the control file itself.
	if err := fs.Remove(tempPath); err != nil && !errors.Is(err, iofs.ErrNotExist) {
		return pgerr.File(err, "remove", tempPath)
	}
	f, err := fs.Open(tempPath, vfs.Write|vfs.Create|vfs.Excl)
	if err != nil {
		return pgerr.File(err, "create", tempPath)
	}
	_, err = f.WriteAt(c.Encode(), 0)
	if err = pgerr.File(err, "write", tempPath); pgerr.CodeOf(err) == pgerr.DiskFull {
		f.Close()
		_ = fs.Remove(tempPath) // what it holds must not be taken for anything
		return overwrite(fs, c)
	}
	if err != nil {
		f.Close()
		return err
	}
	if err := f.Sync(); err != nil {
		f.Close()
		return pgerr.File(err, "fsync", tempPath)
	}
	if err := f.Close(); err != nil {
		return pgerr.File(err, "close", tempPath)
	}
	if err := fs.Rename(tempPath, Path); err != nil {
		return pgerr.Wrap(err, pgerr.IOError, "could not rename file %q to %q", tempPath, Path)
	}
	if err := fs.SyncDir("global"); err != nil {
		return pgerr.File(err, "fsync", "global")
	}
	return nil
}

// overwrite writes the contents over the control file, which needs no room: a
// full disk must not keep a server from stopping, nor from starting again. Like
// PostgreSQL it trusts that the sector which holds them is written whole.
func overwrite(fs vfs.FS, c *Control) error {
	f, err := fs.Open(Path, vfs.Write)
	if err != nil {
		return pgerr.File(err, "open", Path)
	}
	if _, err := f.WriteAt(c.Encode(), 0); err != nil {
		f.Close()
		return pgerr.File(err, "write", Path)
	}
	if err := f.Sync(); err != nil {
		f.Close()
		return pgerr.File(err, "fsync", Path)
	}
	return pgerr.File(f.Close(), "close", Path)
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}
