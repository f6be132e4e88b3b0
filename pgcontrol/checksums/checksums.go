// Package checksums verifies the page checksums of a data directory that no
// server has open, as pg_checksums --check does.
package checksums

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/vfs"
)

// ErrBad says that at least one page has a wrong checksum.
var ErrBad = errors.New("data checksums do not match")

const (
	segmentBlocks = 131072 // RELSEG_SIZE
	chunk         = 64     // pages per read
	tablespaceDir = "PG_15_202209061"
	tempPrefix    = "pgsql_tmp"
)

// Options of Check.
type Options struct {
	FS       vfs.FS // the data directory
	Name     string // of the data directory, for messages
	Filenode string // only this relation, if not empty
	Verbose  bool
	Out, Err io.Writer
}

type scan struct {
	opt                Options
	files, blocks, bad int64
	buf                []byte
}

// Check reads every page of every relation and prints pg_checksums's summary.
func Check(opt Options) error {
	c, err := pgcontrol.Read(opt.FS)
	if err != nil {
		return err
	}
	if c.State != pgcontrol.ShutDowned && c.State != pgcontrol.ShutDownedRecovery {
		return errors.New("cluster must be shut down")
	}
	if c.ChecksumVersion == 0 {
		return errors.New("data checksums are not enabled in cluster")
	}
	s := scan{opt: opt, buf: make([]byte, chunk*page.Size)}
	if err := s.dir("global"); err != nil {
		return err
	}
	if err := s.folders("base", ""); err != nil {
		return err
	}
	if err := s.folders("pg_tblspc", tablespaceDir); err != nil {
		return err
	}
	fmt.Fprintf(opt.Out, "Checksum operation completed\nFiles scanned:   %d\nBlocks scanned:  %d\n"+
		"Bad checksums:  %d\nData checksum version: %d\n", s.files, s.blocks, s.bad, c.ChecksumVersion)
	if s.bad > 0 {
		return ErrBad
	}
	return nil
}

// folders scans the database folders below dir: directly, or in the folder that
// a tablespace keeps for this version.
func (s *scan) folders(dir, version string) error {
	list, err := s.opt.FS.List(dir)
	if err != nil {
		return fmt.Errorf("could not open directory \"%s/%s\": %w", s.opt.Name, dir, err)
	}
	for _, e := range list {
		if strings.HasPrefix(e.Name(), tempPrefix) {
			continue
		}
		sub := dir + "/" + e.Name()
		if version != "" {
			if err := s.folders(sub+"/"+version, ""); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			continue
		}
		if info, err := s.opt.FS.Stat(sub); err != nil || !info.IsDir() {
			continue
		}
		if err := s.dir(sub); err != nil {
			return err
		}
	}
	return nil
}

func skip(name string) bool {
	return name == "pg_control" || name == "pg_filenode.map" || name == "PG_VERSION" ||
		strings.HasPrefix(name, "pg_internal.init") || strings.HasPrefix(name, tempPrefix)
}

func (s *scan) dir(dir string) error {
	list, err := s.opt.FS.List(dir)
	if err != nil {
		return fmt.Errorf("could not open directory \"%s/%s\": %w", s.opt.Name, dir, err)
	}
	for _, e := range list {
		if skip(e.Name()) || !e.Type().IsRegular() {
			continue
		}
		base, seg, ok := strings.Cut(e.Name(), ".")
		number := uint64(0)
		if ok {
			if number, err = strconv.ParseUint(seg, 10, 32); err != nil || number == 0 {
				return fmt.Errorf("invalid segment number %s in file name \"%s/%s/%s\"", seg, s.opt.Name, dir, e.Name())
			}
		}
		node, _, _ := strings.Cut(base, "_")
		if s.opt.Filenode != "" && s.opt.Filenode != node {
			continue
		}
		if err := s.file(dir+"/"+e.Name(), uint32(number)*segmentBlocks); err != nil {
			return err
		}
	}
	return nil
}

func (s *scan) file(name string, first uint32) error {
	full := s.opt.Name + "/" + name
	f, err := s.opt.FS.Open(name, vfs.Read)
	if err != nil {
		return fmt.Errorf("could not open file \"%s\": %w", full, err)
	}
	defer f.Close()
	s.files++
	for blk := uint32(0); ; {
		n, err := f.ReadAt(s.buf, int64(blk)*page.Size)
		if err != nil && err != io.EOF {
			return fmt.Errorf("could not read block %d in file \"%s\": %w", blk, full, err)
		}
		for at := 0; at < n; at += page.Size {
			if n-at < page.Size {
				return fmt.Errorf("could not read block %d in file \"%s\": read %d of %d", blk, full, n-at, page.Size)
			}
			s.block(page.Page(s.buf[at:at+page.Size]), full, blk, first)
			blk++
		}
		if n < len(s.buf) {
			break
		}
	}
	if s.opt.Verbose {
		fmt.Fprintf(s.opt.Err, "pgmini: checksums verified in file \"%s\"\n", full)
	}
	return nil
}

func (s *scan) block(p page.Page, full string, blk, first uint32) {
	s.blocks++
	if p.IsNew() {
		return
	}
	if want := page.ComputeChecksum(p, page.BlockNumber(first+blk)); want != p.Checksum() {
		s.bad++
		fmt.Fprintf(s.opt.Err, "pgmini: error: checksum verification failed in file \"%s\", block %d: calculated checksum %X but block contains %X\n",
			full, blk, want, p.Checksum())
	}
}
