// Package waldump prints WAL as pg_waldump does: the same options, the same
// lines; and, if asked, as JSON.
package waldump

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/xlog"
)

// Options are pg_waldump's, as they were written on the command line. Empty is
// not given.
type Options struct {
	BkpDetails, Follow, Quiet, FullPage bool
	JSON                                bool
	Block, End, Fork, Limit, Path, Rmgr string
	Relation, Start, Timeline, XID      string
	Stats                               string // "", "rmgr" or "record"
	Args                                []string
}

// Env is what Run needs of its surroundings.
type Env struct {
	FS     vfs.FS // relative names are below the working directory
	PGData string // $PGDATA
	Out    io.Writer
	Table  []xlog.Describer
}

// UsageError is a mistake on the command line.
type UsageError struct{ msg string }

// Error is the message.
func (e *UsageError) Error() string { return e.msg }

func usage(format string, a ...any) error { return &UsageError{fmt.Sprintf(format, a...)} }

// dumper is one run.
type dumper struct {
	opt   Options
	env   Env
	out   *bufio.Writer
	table [256]xlog.Describer
	filter
	limit  int
	stats  *stats
	line   []byte
	dir    string
	size   lsn.SegSize
	tli    lsn.Timeline
	start  lsn.LSN
	end    lsn.LSN
	source *xlog.Segments
}

// Run prints what opt asks for. A UsageError is a mistake of the caller's; other
// errors are what pg_waldump reports, like the end of the log.
func Run(ctx context.Context, opt Options, env Env) (err error) {
	d := &dumper{opt: opt, env: env, out: bufio.NewWriter(env.Out), tli: 1, limit: -1}
	defer func() { err = errors.Join(err, d.out.Flush()) }()
	for _, t := range env.Table {
		d.table[t.ID] = t
	}
	if strings.EqualFold(opt.Rmgr, "list") {
		for id := xlog.RmgrID(0); id <= xlog.RmMaxBuiltin; id++ {
			fmt.Fprintln(d.out, id)
		}
		return nil
	}
	if err := d.parse(); err != nil {
		return err
	}
	if err := d.locate(); err != nil {
		return err
	}
	if d.start == lsn.Invalid {
		return usage("no start WAL location given")
	}
	d.source = &xlog.Segments{FS: env.FS, Dir: d.dir, Size: d.size, TLIs: []lsn.Timeline{d.tli}, Stop: d.end}
	defer d.source.Close()
	r := xlog.NewReader(d.source, xlog.ReaderOptions{SegSize: d.size, Timeline: d.tli})
	first, err := r.FindNext(d.start)
	if err != nil {
		var end *xlog.EndError
		if errors.As(err, &end) && end.Kind == xlog.EndMissing {
			return systemError(err)
		}
		if errors.As(err, &end) && end.Kind != xlog.EndStop {
			return fmt.Errorf("could not find a valid record after %s: %s", d.start, end.Msg)
		}
		return fmt.Errorf("could not find a valid record after %s", d.start)
	}
	if first != d.start && d.size.Offset(d.start) != 0 {
		n, plural := uint32(first-d.start), "s"
		if n == 1 {
			plural = ""
		}
		fmt.Fprintf(d.out, "first record is after %s, at %s, skipping over %d byte%s\n", d.start, first, n, plural)
	}
	if opt.Stats != "" && !opt.Quiet {
		d.stats = &stats{start: first}
	}
	return d.loop(ctx, r)
}

func (d *dumper) loop(ctx context.Context, r *xlog.Reader) error {
	var failed error
	for shown := 0; ctx.Err() == nil; {
		rec, err := r.Next()
		if err != nil {
			var end *xlog.EndError
			if !errors.As(err, &end) {
				return err
			}
			if d.opt.Follow && end.Kind != xlog.EndStop {
				_ = d.out.Flush() // a reader waits for it; a failure shows at the end
				d.source.Close()
				if !pause(ctx, time.Second) {
					break
				}
				continue
			}
			if end.Kind == xlog.EndMissing {
				return systemError(err)
			}
			if end.Kind != xlog.EndStop {
				failed = fmt.Errorf("error in WAL record at %s: %s", r.Start(), end.Msg)
			}
			break
		}
		if !d.wanted(rec) {
			continue
		}
		if !d.opt.Quiet {
			if d.stats != nil {
				d.stats.add(rec)
			} else {
				d.print(rec)
			}
		}
		if shown++; d.limit > 0 && shown >= d.limit {
			break
		}
	}
	if d.stats != nil {
		d.stats.print(d.out, d.table[:], d.opt.Stats == "record")
	}
	return failed
}

func pause(ctx context.Context, t time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(t):
		return true
	}
}

// systemError words an error of the system as the C library does.
func systemError(err error) error {
	text := pgerr.OSText(err)
	if text == "" {
		return err
	}
	msg, _, _ := strings.Cut(err.Error(), ": ")
	return fmt.Errorf("%s%s", msg, text)
}

// print writes one record.
func (d *dumper) print(rec *xlog.Decoded) {
	if d.opt.JSON {
		d.printJSON(rec)
		return
	}
	images := rec.ImageSize()
	b := fmt.Appendf(d.line[:0], "rmgr: %-11s len (rec/tot): %6d/%6d, tx: %10d, lsn: %s, prev %s, ",
		rec.Rmgr, rec.TotalLen-images, rec.TotalLen, rec.XID, padded(rec.Start), padded(rec.Prev))
	b = fmt.Appendf(b, "desc: %s ", d.name(rec.Rmgr, rec.Info))
	b = d.desc(b, rec)
	b = d.blocks(b, rec)
	d.line = b
	d.out.Write(b)
}

// padded is an LSN whose low half has eight digits.
func padded(at lsn.LSN) string { return fmt.Sprintf("%X/%08X", uint32(at>>32), uint32(at)) }

func (d *dumper) name(id xlog.RmgrID, info uint8) string {
	if f := d.table[id].Identify; f != nil {
		if s := f(info &^ xlog.InfoMask); s != "" {
			return s
		}
	}
	return fmt.Sprintf("UNKNOWN (%x)", info&^xlog.InfoMask)
}

func (d *dumper) desc(dst []byte, rec *xlog.Decoded) []byte {
	if f := d.table[rec.Rmgr].Desc; f != nil {
		return f(dst, rec)
	}
	return dst
}

func (d *dumper) blocks(b []byte, rec *xlog.Decoded) []byte {
	if d.opt.BkpDetails {
		b = append(b, '\n')
	}
	for i := range rec.Blocks {
		blk := &rec.Blocks[i]
		if !blk.InUse {
			continue
		}
		if d.opt.BkpDetails {
			b = fmt.Appendf(b, "\tblkref #%d: rel %s fork %s blk %d", i, blk.Tag.Rel, blk.Tag.Fork, blk.Tag.Block)
			b = append(imageDetails(b, blk), '\n')
			continue
		}
		b = fmt.Appendf(b, ", blkref #%d: rel %s ", i, blk.Tag.Rel)
		if blk.Tag.Fork != page.MainFork {
			b = fmt.Appendf(b, "fork %s ", blk.Tag.Fork)
		}
		b = fmt.Appendf(b, "blk %d", blk.Tag.Block)
		if blk.HasImage {
			b = append(append(b, " FPW"...), verification(blk)...)
		}
	}
	if !d.opt.BkpDetails {
		b = append(b, '\n')
	}
	return b
}

func verification(blk *xlog.DecodedBlock) string {
	if blk.ApplyImage {
		return ""
	}
	return " for WAL verification"
}

func imageDetails(b []byte, blk *xlog.DecodedBlock) []byte {
	if !blk.HasImage {
		return b
	}
	b = fmt.Appendf(b, " (FPW%s); hole: offset: %d, length: %d", verification(blk), blk.HoleOffset, blk.HoleLength)
	how, ok := blk.Method()
	if ok && how == xlog.NoCompression {
		return b
	}
	name := how.String()
	if !ok {
		name = "unknown"
	}
	return fmt.Appendf(b, ", compression saved: %d, method: %s", page.Size-int(blk.HoleLength)-len(blk.Image), name)
}
