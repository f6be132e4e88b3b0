package waldump

import (
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

// filter says which records are wanted; nil is any.
type filter struct {
	rmgr  *xlog.RmgrID
	xid   *xid.XID
	rel   *page.RelFileNode
	block *page.BlockNumber
	fork  *page.Fork
}

// parse reads the options that stand alone.
func (d *dumper) parse() error {
	o := &d.opt
	if err := d.parseFilter(); err != nil {
		return err
	}
	var err error
	if o.Start != "" {
		if d.start, err = lsn.Parse(o.Start); err != nil {
			return usage("invalid WAL location: \"%s\"", o.Start)
		}
	}
	if o.End != "" {
		if d.end, err = lsn.Parse(o.End); err != nil {
			return usage("invalid WAL location: \"%s\"", o.End)
		}
	}
	if o.Limit != "" {
		if d.limit, err = strconv.Atoi(o.Limit); err != nil {
			return usage("invalid value \"%s\" for option %s", o.Limit, "-n/--limit")
		}
	}
	if o.Timeline != "" {
		n, err := strconv.ParseUint(o.Timeline, 10, 32)
		if err != nil {
			return usage("invalid timeline specification: \"%s\"", o.Timeline)
		}
		d.tli = lsn.Timeline(n)
	}
	if o.Stats != "" && o.Stats != "record" && o.Stats != "rmgr" {
		return usage("unrecognized value for option %s: %s", "--stats", o.Stats)
	}
	if len(o.Args) > 2 {
		return usage("too many command-line arguments (first is \"%s\")", o.Args[2])
	}
	return nil
}

func (d *dumper) parseFilter() error {
	o := &d.opt
	if o.Block != "" {
		n, err := strconv.ParseUint(o.Block, 10, 32)
		if err != nil || page.BlockNumber(n) == page.InvalidBlock {
			return usage("invalid block number: \"%s\"", o.Block)
		}
		b := page.BlockNumber(n)
		d.block = &b
	}
	if o.Fork != "" {
		for f := page.MainFork; f <= page.MaxFork; f++ {
			if f.String() == o.Fork {
				d.fork = &f
			}
		}
		if d.fork == nil {
			return usage("invalid fork name: \"%s\"", o.Fork)
		}
	}
	if o.Rmgr != "" {
		for n := range 256 {
			if id := xlog.RmgrID(n); id.Valid() && strings.EqualFold(id.String(), o.Rmgr) {
				d.rmgr = &id
			}
		}
		if d.rmgr == nil {
			return usage("resource manager \"%s\" does not exist", o.Rmgr)
		}
	}
	if o.Relation != "" {
		var spc, db, rel uint32
		if n, _ := fmt.Sscanf(o.Relation, "%d/%d/%d", &spc, &db, &rel); n != 3 || spc == 0 || rel == 0 {
			return usage("invalid relation specification: \"%s\"", o.Relation)
		}
		d.rel = &page.RelFileNode{Spc: oid.OID(spc), DB: oid.OID(db), Rel: oid.OID(rel)}
	}
	if o.XID != "" {
		n, err := strconv.ParseUint(o.XID, 10, 32)
		if err != nil {
			return usage("invalid transaction ID specification: \"%s\"", o.XID)
		}
		x := xid.XID(n)
		d.xid = &x
	}
	if d.block != nil && d.rel == nil {
		return usage("option %s requires option %s to be specified", "-B/--block", "-R/--relation")
	}
	return nil
}

// wanted applies the filter.
func (d *dumper) wanted(rec *xlog.Decoded) bool {
	if d.rmgr != nil && *d.rmgr != rec.Rmgr || d.xid != nil && *d.xid != rec.XID {
		return false
	}
	if d.opt.FullPage && !anyBlock(rec, func(b *xlog.DecodedBlock) bool { return b.HasImage }) {
		return false
	}
	if d.rel == nil && d.block == nil && d.fork == nil {
		return true
	}
	return anyBlock(rec, func(b *xlog.DecodedBlock) bool {
		return (d.rel == nil || *d.rel == b.Tag.Rel) && (d.block == nil || *d.block == b.Tag.Block) &&
			(d.fork == nil || *d.fork == b.Tag.Fork)
	})
}

func anyBlock(rec *xlog.Decoded, f func(*xlog.DecodedBlock) bool) bool {
	for i := range rec.Blocks {
		if rec.Blocks[i].InUse && f(&rec.Blocks[i]) {
			return true
		}
	}
	return false
}

// locate finds the folder with the segments, their size, and the range that the
// file arguments name.
func (d *dumper) locate() error {
	if d.opt.Path != "" {
		if _, err := d.env.FS.List(d.opt.Path); err != nil {
			return systemUsage(err, "could not open directory \"%s\"", d.opt.Path)
		}
	}
	if len(d.opt.Args) == 0 {
		return d.identify(d.opt.Path, "")
	}
	first := d.opt.Args[0]
	dir, name := d.opt.Path, path.Base(first)
	if i := strings.LastIndexByte(first, '/'); i >= 0 && dir == "" {
		if dir = first[:i]; dir == "" {
			dir = "/"
		}
		if _, err := d.env.FS.List(dir); err != nil {
			return systemError(fmt.Errorf("could not open directory \"%s\": %w", dir, err))
		}
	}
	if err := d.identify(dir, name); err != nil {
		return err
	}
	tli, seg, err := d.size.ParseFileName(name)
	if err != nil {
		return fmt.Errorf("could not open file \"%s\"", name)
	}
	d.tli = tli
	if d.start == lsn.Invalid {
		d.start = d.size.Start(seg)
	} else if d.size.Containing(d.start) != seg {
		return usage("start WAL location %s is not inside file \"%s\"", d.start, name)
	}
	last := seg
	if len(d.opt.Args) > 1 {
		if last, err = d.lastSegment(seg); err != nil {
			return err
		}
	}
	if d.end == lsn.Invalid {
		d.end = d.size.Start(last + 1)
	}
	if d.size.Containing(d.end) != last && d.end != d.size.Start(last+1) {
		return usage("end WAL location %s is not inside file \"%s\"", d.end, d.opt.Args[len(d.opt.Args)-1])
	}
	return nil
}

func (d *dumper) lastSegment(first lsn.SegNo) (lsn.SegNo, error) {
	name := path.Base(d.opt.Args[1])
	if _, err := d.env.FS.Stat(path.Join(d.dir, name)); err != nil {
		return 0, fmt.Errorf("could not open file \"%s\"", name)
	}
	tli, seg, err := d.size.ParseFileName(name)
	if err != nil {
		return 0, fmt.Errorf("could not open file \"%s\"", name)
	}
	d.tli = tli
	if seg < first {
		return 0, fmt.Errorf("ENDSEG %s is before STARTSEG %s", d.opt.Args[1], d.opt.Args[0])
	}
	return seg, nil
}

func systemUsage(err error, format string, a ...any) error {
	return &UsageError{systemError(fmt.Errorf(format+": %w", append(a, err)...)).Error()}
}

// identify sets the folder: the given one or its pg_wal, else the working
// directory, ./pg_wal or $PGDATA/pg_wal; the one that has file name, or any
// segment.
func (d *dumper) identify(dir, name string) error {
	places := []string{".", "pg_wal"}
	if d.env.PGData != "" {
		places = append(places, d.env.PGData+"/pg_wal")
	}
	if dir != "" {
		places = []string{dir, dir + "/pg_wal"}
	}
	for _, p := range places {
		if ok, err := d.probe(p, name); ok || err != nil {
			d.dir = p
			return err
		}
	}
	if name != "" {
		return fmt.Errorf("could not locate WAL file \"%s\"", name)
	}
	return fmt.Errorf("could not find any WAL file")
}

// probe reads the segment size from file name, or from any segment, of dir.
func (d *dumper) probe(dir, name string) (bool, error) {
	if name == "" {
		list, err := d.env.FS.List(dir)
		if err != nil {
			return false, nil
		}
		for _, e := range list {
			if lsn.IsFileName(e.Name()) {
				name = e.Name()
				break
			}
		}
		if name == "" {
			return false, nil
		}
	}
	f, err := d.env.FS.Open(dir+"/"+name, vfs.Read)
	if err != nil {
		return false, nil
	}
	defer f.Close()
	b := make([]byte, xlog.PageSize)
	n, err := f.ReadAt(b, 0)
	if n < len(b) {
		if err != nil && err != io.EOF {
			return false, systemError(fmt.Errorf("could not read file \"%s\": %w", name, err))
		}
		return false, fmt.Errorf("could not read file \"%s\": read %d of %d", name, n, len(b))
	}
	d.size = xlog.PageSegSize(b)
	if !d.size.Valid() {
		return false, fmt.Errorf("WAL segment size must be a power of two between 1 MB and 1 GB, "+
			"but the WAL file \"%s\" header specifies %d bytes", name, d.size)
	}
	return true, nil
}
