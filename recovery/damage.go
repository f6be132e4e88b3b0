package recovery

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/xlog"
)

// Mode says what is done with a log that is damaged before its end
// (wal_recovery_mode).
type Mode uint8

// The modes.
const (
	// Strict refuses to start.
	Strict Mode = iota
	// TolerateTail takes the damage for the end of the log, as PostgreSQL does. What
	// was committed behind it is lost; the segments go to pg_wal/quarantine first.
	TolerateTail
	// PointInTime and Salvage are not written yet.
	PointInTime
	Salvage
)

// ParseMode reads the setting.
func ParseMode(s string) Mode {
	switch s {
	case "tolerate_tail":
		return TolerateTail
	case "point_in_time":
		return PointInTime
	case "salvage":
		return Salvage
	}
	return Strict
}

const quarantineDir = walDir + "/quarantine"

// judge decides whether the log ends where it cannot be read any more, or is damaged
// there. INV-REC-4. It is damaged if it is known to have been durable further: the
// checkpoint record that pg_control names, and so all before it, was; watermarks
// behind the place say what was; and a segment is never shorter than its size.
// Everything else is a torn tail, which a crash may leave.
func (r *Recovery) judge(end *xlog.EndError) error {
	if r.mode > TolerateTail {
		return pgerr.NotYet("wal_recovery_mode = %s", map[Mode]string{PointInTime: "point_in_time", Salvage: "salvage"}[r.mode])
	}
	src := r.source(r.cp.TLI)
	c := r.ctl.Get()
	known, err := xlog.KnownDurable(src, c.SystemID, end.At)
	if err != nil {
		return err
	}
	known = max(known, r.end) // of the checkpoint record
	why := fmt.Sprintf("it was durable up to %s at least", known)
	if known <= end.At {
		short, err := r.shortSegment(end.At)
		if err != nil || short == "" {
			return err
		}
		why = short
	}
	if r.mode == TolerateTail {
		r.damaged = true
		r.log.Warn(fmt.Sprintf("WAL is damaged at %s, and what was committed behind it is lost: %s", end.At, why),
			"detail", end.Error(), "hint", "The segments are kept in "+quarantineDir+".")
		return nil
	}
	return pgerr.New(pgerr.DataCorrupted, "WAL is damaged at %s: %s", end.At, why).
		WithDetail("%s. At least %d later commit records can still be read.", end.Error(), r.laterCommits(end.At)).
		WithHint("Restore WAL segment \"%s\" from an archive, or the server from a backup. To start with what is before the damage, and lose what was committed after it, use -c wal_recovery_mode=tolerate_tail.",
			r.size.FileName(r.cp.TLI, r.size.Containing(end.At)))
}

// shortSegment describes the segment of at if its file is too short: a segment gets
// its name when it has its full size.
func (r *Recovery) shortSegment(at lsn.LSN) (string, error) {
	name := r.size.FileName(r.cp.TLI, r.size.Containing(at))
	st, err := r.fs.Stat(path.Join(walDir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil // the log ends just before it
	}
	if err != nil {
		return "", pgerr.File(err, "stat", path.Join(walDir, name))
	}
	if st.Size() >= int64(r.size) {
		return "", nil
	}
	return fmt.Sprintf("file %q has only %d bytes", path.Join(walDir, name), st.Size()), nil
}

// laterCommits counts the commit records that can be read behind at.
func (r *Recovery) laterCommits(at lsn.LSN) (n int) {
	src := r.source(r.cp.TLI)
	defer src.Close()
	rd := r.reader(src)
	pages := 0
	for pageAt := at&^(xlog.PageSize-1) + xlog.PageSize; pages < 4096; pageAt += xlog.PageSize {
		if _, err := r.fs.Stat(path.Join(walDir, r.size.FileName(r.cp.TLI, r.size.Containing(pageAt)))); err != nil {
			return n
		}
		pages++
		if _, err := rd.FindNext(pageAt); err != nil {
			continue
		}
		pages = 0
		for {
			d, err := rd.Next()
			if err != nil {
				pageAt = max(pageAt, rd.End()&^(xlog.PageSize-1))
				break
			}
			if d.Rmgr == xlog.RmXact && (d.Info&0x70 == 0x00 || d.Info&0x70 == 0x30) { // COMMIT, COMMIT_PREPARED
				n++
			}
		}
	}
	return n
}

// quarantine keeps the segments from the damage on, which the log will overwrite.
func (r *Recovery) quarantine() error {
	if err := mkdirAll(r.fs, quarantineDir); err != nil {
		return err
	}
	at := r.end
	for seg := r.size.Containing(at); ; seg++ {
		name := r.size.FileName(r.cp.TLI, seg)
		from := path.Join(walDir, name)
		if _, err := r.fs.Stat(from); err != nil {
			break
		}
		own, err := r.holdsLog(from, seg)
		if err != nil {
			return err
		}
		if !own && seg > r.size.Containing(at) {
			break
		}
		if err := copyFile(r.fs, from, fmt.Sprintf("%s/%s.%08X", quarantineDir, name, uint32(at))); err != nil {
			return err
		}
	}
	return syncDir(r.fs, quarantineDir)
}

// holdsLog tells whether a segment's first page is its own, not that of the segment
// that it was recycled from.
func (r *Recovery) holdsLog(name string, seg lsn.SegNo) (bool, error) {
	f, err := r.fs.Open(name, vfs.Read)
	if err != nil {
		return false, pgerr.File(err, "open", name)
	}
	defer f.Close()
	p := make([]byte, xlog.PageSize)
	if n, _ := f.ReadAt(p, 0); n < len(p) {
		return true, nil // damaged: keep it
	}
	return xlog.OwnPage(p, r.size.Start(seg)), nil
}
