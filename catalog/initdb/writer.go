package initdb

import (
	"hash/crc32"
	"slices"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
)

// writer writes the files of the new cluster.
type writer struct {
	fs        vfs.FS
	sync      bool
	checksums bool
	parallel  bool
	dirs      []string
}

func (w *writer) mkdir(name string) error {
	w.dirs = append(w.dirs, name)
	if err := w.fs.Mkdir(name); err != nil {
		return pgerr.Wrap(err, pgerr.IOError, "could not create directory %q", name)
	}
	return nil
}

func (w *writer) syncDir(name string) error {
	if !w.sync {
		return nil
	}
	return pgerr.File(w.fs.SyncDir(name), "fsync", name)
}

func (w *writer) syncDirs() error {
	for _, d := range slices.Backward(w.dirs) {
		if err := w.syncDir(d); err != nil {
			return err
		}
	}
	return w.syncDir(".")
}

// file makes a file with contents b.
func (w *writer) file(name string, b []byte) error { return w.fileOn(w.fs, name, b, 0) }

// fileOn makes a file of at least size bytes that starts with b.
func (w *writer) fileOn(fsys vfs.FS, name string, b []byte, size int64) error {
	f, err := fsys.Open(name, vfs.Write|vfs.Create|vfs.Excl)
	if err != nil {
		return pgerr.File(err, "create", name)
	}
	if size > int64(len(b)) {
		err = f.Preallocate(0, size)
	}
	if err == nil && len(b) > 0 {
		_, err = f.WriteAt(b, 0)
	}
	if err != nil {
		f.Close()
		return pgerr.File(err, "write", name)
	}
	if w.sync {
		if err := f.Sync(); err != nil {
			f.Close()
			return pgerr.File(err, "fsync", name)
		}
	}
	return pgerr.File(f.Close(), "close", name)
}

// stamp sets the checksums of a fork.
func (w *writer) stamp(f file) {
	if !w.checksums {
		return
	}
	for i := range f.pages() {
		f.page(i).SetChecksum(page.ComputeChecksum(f.page(i), page.BlockNumber(i)))
	}
}

// walFolder makes pg_wal, as a link if the WAL lives elsewhere.
func (w *writer) walFolder(o *Options) error {
	if o.WALDir == "" {
		if err := w.mkdir("pg_wal"); err != nil {
			return err
		}
		return w.mkdir("pg_wal/archive_status")
	}
	if o.WALFS == nil {
		panic("initdb: WALFS is required with WALDir")
	}
	if err := w.fs.Symlink(o.WALDir, "pg_wal"); err != nil {
		return pgerr.Wrap(err, pgerr.IOError, "could not create symbolic link %q", "pg_wal")
	}
	if err := o.WALFS.Mkdir("archive_status"); err != nil {
		return pgerr.Wrap(err, pgerr.IOError, "could not create directory %q", "pg_wal/archive_status")
	}
	return nil
}

// Facts of the first WAL page and of its only record, a shutdown checkpoint
// (access/xlog_internal.h, access/xlogrecord.h).
const (
	walMagic     = 0xD110
	longHeader   = 2
	longSize     = 40
	recordHeader = 24
	shortData    = 255 // XLR_BLOCK_ID_DATA_SHORT
	walBlock     = 8192
)

// firstSegment writes the first segment with the checkpoint that the cluster
// starts from, and returns the control file that leads to it.
func (w *writer) firstSegment(o *Options, nextOID oid.OID) (*pgcontrol.Control, error) {
	start := o.SegSize.Start(1)
	ctl, err := control(o, start+longSize, nextOID)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, walBlock)
	b = le.AppendUint16(b, walMagic)
	b = le.AppendUint16(b, longHeader)
	b = le.AppendUint32(b, 1) // timeline
	b = le.AppendUint64(b, uint64(start))
	b = le.AppendUint64(b, 0) // nothing continues from the page before
	b = le.AppendUint64(b, o.SystemID)
	b = le.AppendUint32(b, uint32(o.SegSize))
	b = le.AppendUint32(b, walBlock)
	b = appendCheckpoint(b, &ctl.Copy)
	name := o.SegSize.FileName(1, 1)
	fsys := o.WALFS
	if o.WALDir == "" {
		fsys, name = o.FS, "pg_wal/"+name
	}
	if err := w.fileOn(fsys, name, b[:walBlock], int64(o.SegSize)); err != nil {
		return nil, err
	}
	if w.sync && o.WALDir != "" {
		err = pgerr.File(fsys.SyncDir("."), "fsync", o.WALDir)
	}
	return ctl, err
}

// appendCheckpoint appends an XLOG_CHECKPOINT_SHUTDOWN record (rmgr XLOG, info
// 0) that follows no other.
func appendCheckpoint(b []byte, c *pgcontrol.CheckPoint) []byte {
	body := c.Append([]byte{shortData, pgcontrol.CheckPointSize})
	head := make([]byte, recordHeader)
	le.PutUint32(head, uint32(recordHeader+len(body)))
	castagnoli := crc32.MakeTable(crc32.Castagnoli)
	crc := crc32.Update(crc32.Checksum(body, castagnoli), castagnoli, head[:20])
	le.PutUint32(head[20:], crc)
	return append(append(b, head...), body...)
}

// CopyTemplate makes template0 and postgres copies of template1, after something
// was added to that. The cluster is shut down.
func CopyTemplate(fsys vfs.FS, noSync bool) error {
	w := &writer{fs: fsys, sync: !noSync}
	const from = "base/1"
	list, err := fsys.List(from)
	if err != nil {
		return pgerr.File(err, "open directory", from)
	}
	for _, to := range []string{"base/4", "base/5"} {
		old, err := fsys.List(to)
		if err != nil {
			return pgerr.File(err, "open directory", to)
		}
		for _, f := range old {
			if err := fsys.Remove(to + "/" + f.Name()); err != nil {
				return pgerr.File(err, "remove", to+"/"+f.Name())
			}
		}
		for _, f := range list {
			b, err := readWhole(fsys, from+"/"+f.Name())
			if err != nil {
				return err
			}
			if err := w.file(to+"/"+f.Name(), b); err != nil {
				return err
			}
		}
		if err := w.syncDir(to); err != nil {
			return err
		}
	}
	return nil
}

// readWhole reads a catalog's file, which is short.
func readWhole(fsys vfs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name, vfs.Read)
	if err != nil {
		return nil, pgerr.File(err, "open", name)
	}
	defer f.Close()
	n, err := f.Size()
	if err != nil {
		return nil, pgerr.File(err, "stat", name)
	}
	b := make([]byte, n)
	if n == 0 {
		return b, nil
	}
	if m, err := f.ReadAt(b, 0); m < len(b) {
		return nil, pgerr.File(err, "read", name)
	}
	return b, nil
}
