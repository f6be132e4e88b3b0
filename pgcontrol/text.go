package pgcontrol

import (
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
)

// Dump writes the control file of the data directory that fs is rooted at, as
// pg_controldata does: also one that is damaged, with a warning before it.
// Times are in zone loc.
func Dump(w io.Writer, fs vfs.FS, loc *time.Location) error {
	b, err := readFile(fs, Path)
	if err != nil {
		return err
	}
	if len(b) < structSize {
		return pgerr.New(pgerr.DataCorrupted, "could not read file %q: read %d of %d", Path, len(b), structSize)
	}
	c := decode(b)
	if c.Version%65536 == 0 && c.Version/65536 != 0 {
		fmt.Fprint(w, "WARNING: possible byte ordering mismatch\n"+
			"The byte ordering used to store the pg_control file might not match the one\n"+
			"used by this program.  In that case the results below would be incorrect, and\n"+
			"the PostgreSQL installation would be incompatible with this data directory.\n\n")
	}
	if crc32.Checksum(b[:offCRC], castagnoli) != le.Uint32(b[offCRC:]) {
		fmt.Fprint(w, "WARNING: Calculated CRC checksum does not match value stored in file.\n"+
			"Either the file is corrupt, or it has a different layout than this program\n"+
			"is expecting.  The results below are untrustworthy.\n\n")
	}
	if !lsn.SegSize(c.WALSegSize).Valid() {
		unit := "bytes"
		if c.WALSegSize == 1 {
			unit = "byte"
		}
		fmt.Fprintf(w, "WARNING: invalid WAL segment size\n"+
			"The WAL segment size stored in the file, %d %s, is not a power of two\n"+
			"between 1 MB and 1 GB.  The file is corrupt and the results below are\n"+
			"untrustworthy.\n\n", int32(c.WALSegSize), unit)
	}
	c.Text(w, loc)
	return nil
}

func onOff(b bool) string {
	if b {
		return "on"
	}
	return "off"
}

// Text writes c as pg_controldata does.
func (c *Control) Text(w io.Writer, loc *time.Location) {
	line := func(name, format string, a ...any) { fmt.Fprintf(w, "%-38s"+format+"\n", append([]any{name}, a...)...) }
	stamp := func(sec int64) string { return time.Unix(sec, 0).In(loc).Format(time.ANSIC) }
	redoFile := "???"
	if s := lsn.SegSize(c.WALSegSize); s != 0 {
		redoFile = s.FileName(c.Copy.TLI, s.Containing(c.Copy.Redo))
	}
	line("pg_control version number:", "%d", c.Version)
	line("Catalog version number:", "%d", c.CatVersion)
	line("Database system identifier:", "%d", c.SystemID)
	line("Database cluster state:", "%s", c.State)
	line("pg_control last modified:", "%s", stamp(c.Time))
	line("Latest checkpoint location:", "%s", c.CheckPoint)
	cp := &c.Copy
	line("Latest checkpoint's REDO location:", "%s", cp.Redo)
	line("Latest checkpoint's REDO WAL file:", "%s", redoFile)
	line("Latest checkpoint's TimeLineID:", "%d", cp.TLI)
	line("Latest checkpoint's PrevTimeLineID:", "%d", cp.PrevTLI)
	line("Latest checkpoint's full_page_writes:", "%s", onOff(cp.FullPageWrites))
	line("Latest checkpoint's NextXID:", "%d:%d", cp.NextXID.Epoch(), cp.NextXID.XID())
	line("Latest checkpoint's NextOID:", "%d", cp.NextOID)
	line("Latest checkpoint's NextMultiXactId:", "%d", cp.NextMulti)
	line("Latest checkpoint's NextMultiOffset:", "%d", cp.NextMultiOffset)
	line("Latest checkpoint's oldestXID:", "%d", cp.OldestXID)
	line("Latest checkpoint's oldestXID's DB:", "%d", cp.OldestXIDDB)
	line("Latest checkpoint's oldestActiveXID:", "%d", cp.OldestActiveXID)
	line("Latest checkpoint's oldestMultiXid:", "%d", cp.OldestMulti)
	line("Latest checkpoint's oldestMulti's DB:", "%d", cp.OldestMultiDB)
	line("Latest checkpoint's oldestCommitTsXid:", "%d", cp.OldestCommitTsXID)
	line("Latest checkpoint's newestCommitTsXid:", "%d", cp.NewestCommitTsXID)
	line("Time of latest checkpoint:", "%s", stamp(cp.Time))
	line("Fake LSN counter for unlogged rels:", "%s", c.UnloggedLSN)
	line("Minimum recovery ending location:", "%s", c.MinRecoveryPoint)
	line("Min recovery ending loc's timeline:", "%d", c.MinRecoveryPointTLI)
	line("Backup start location:", "%s", c.BackupStart)
	line("Backup end location:", "%s", c.BackupEnd)
	required := "no"
	if c.BackupEndRequired {
		required = "yes"
	}
	line("End-of-backup record required:", "%s", required)
	line("wal_level setting:", "%s", c.WALLevel)
	line("wal_log_hints setting:", "%s", onOff(c.WALLogHints))
	line("max_connections setting:", "%d", c.MaxConnections)
	line("max_worker_processes setting:", "%d", c.MaxWorkerProcesses)
	line("max_wal_senders setting:", "%d", c.MaxWALSenders)
	line("max_prepared_xacts setting:", "%d", c.MaxPreparedXacts)
	line("max_locks_per_xact setting:", "%d", c.MaxLocksPerXact)
	line("track_commit_timestamp setting:", "%s", onOff(c.TrackCommitTimestamp))
	line("Maximum data alignment:", "%d", c.MaxAlign)
	line("Database block size:", "%d", c.BlockSize)
	line("Blocks per segment of large relation:", "%d", c.RelSegSize)
	line("WAL block size:", "%d", c.WALBlockSize)
	line("Bytes per WAL segment:", "%d", c.WALSegSize)
	line("Maximum length of identifiers:", "%d", c.NameDataLen)
	line("Maximum columns in an index:", "%d", c.IndexMaxKeys)
	line("Maximum size of a TOAST chunk:", "%d", c.ToastMaxChunkSize)
	line("Size of a large-object chunk:", "%d", c.LOBlockSize)
	line("Date/time type storage:", "64-bit integers")
	passing := "by reference"
	if c.Float8ByVal {
		passing = "by value"
	}
	line("Float8 argument passing:", "%s", passing)
	line("Data page checksum version:", "%d", c.ChecksumVersion)
	line("Mock authentication nonce:", "%x", c.Nonce)
}
