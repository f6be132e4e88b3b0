package takeover

import (
	"bytes"
	"context"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/access/nbtree"
	"github.com/pgmini/pgmini/engine"
	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/vfs/osfs"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xlog"
	"github.com/pgmini/pgmini/xlog/rmgrs"
)

// redoSettings have every change replayed from its own record, not from a page
// image, and let nothing run beside the workload.
var redoSettings = []string{"full_page_writes=off", "autovacuum=off", "bgwriter_lru_maxpages=0", "checkpoint_timeout=1h", "max_wal_size=4GB",
	"wal_keep_size=2GB", "wal_level=logical", "track_commit_timestamp=on", "max_prepared_transactions=10"} // constant

// recordProofs reads the table of record types: for each, "ours" if this package's
// workload writes it, "stock" if the engine's workload of stock PostgreSQL does, or
// the name of the test that covers it.
func recordProofs(t *testing.T) map[string][]string {
	t.Helper()
	b, err := os.ReadFile("../../engine/testdata/record-types")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for l := range strings.Lines(string(b)) {
		if f := strings.Fields(l); len(f) > 0 && f[0][0] != '#' {
			out[f[0]] = f[1:]
		}
	}
	return out
}

// describers are those of the resource managers that recovery replays.
func describers() map[xlog.RmgrID]xlog.Describer {
	out := map[xlog.RmgrID]xlog.Describer{}
	for _, all := range [][]xlog.Describer{xlog.Describers(), rmgrs.Describers(), xact.Describers(), heap.Describers(), nbtree.Describers()} {
		for _, d := range all {
			switch d.ID {
			case xlog.RmHash, xlog.RmGin, xlog.RmGist, xlog.RmSPGist, xlog.RmBrin:
			default:
				out[d.ID] = d
			}
		}
	}
	return out
}

func kindOf(d xlog.Describer, info uint8) string {
	name := strings.TrimSuffix(d.Identify(info&^xlog.InfoMask), "+INIT")
	if name == "" {
		return ""
	}
	return d.ID.String() + "/" + name
}

// TestEveryRecordTypeIsProved: each record type of each resource manager that
// recovery replays, by the tables that pgmini waldump prints from, has a proof.
func TestEveryRecordTypeIsProved(t *testing.T) {
	proofs := recordProofs(t)
	known := map[string]bool{}
	all := describers()
	if len(all) != int(xlog.RmMaxBuiltin)+1-5 {
		t.Errorf("%d resource managers", len(all))
	}
	for _, d := range all {
		for info := 0; info < 0x100; info += 0x10 {
			k := kindOf(d, uint8(info))
			if k == "" || known[k] {
				continue
			}
			known[k] = true
			if len(proofs[k]) == 0 {
				t.Errorf("no test replays %s", k)
			}
		}
	}
	tests, err := filepath.Glob("../../engine/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for _, f := range tests {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(b)
	}
	for k, by := range proofs {
		if !known[k] {
			t.Errorf("%s is no record type", k)
		}
		for _, p := range by {
			if p != "ours" && p != "stock" && !strings.Contains(source.String(), "\nfunc "+p+"(t *testing.T)") {
				t.Errorf("%s: there is no test %s", k, p)
			}
		}
	}
	t.Logf("%d record types", len(known))
}

// redoPart is what a directory is compared by: the pages of logged relations and
// the status logs.
var redoPart = regexp.MustCompile(`^(global|base/\d+)/\d+(_vm|_init)?(\.\d+)?$|^(pg_xact|pg_multixact/(offsets|members)|pg_commit_ts|pg_twophase)/|pg_filenode\.map$|PG_VERSION$`) // constant

var relationFile = regexp.MustCompile(`^(?:global|base/\d+)/\d+(_vm|_init)?(\.\d+)?$`) // constant

func readTree(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		if redoPart.MatchString(rel) {
			all[rel], err = os.ReadFile(p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// maskedPage hides what may differ between doing and redoing, as PostgreSQL's own
// masks for wal_consistency_checking do: LSN and checksum, hints of the page and of
// tuples, the hole, command ids, btree's cycle ids and garbage flags.
func maskedPage(b []byte, blk page.BlockNumber, isMap bool) page.Page {
	p := page.Page(bytes.Clone(b))
	clear(p[:8])
	p.SetChecksum(0)
	if p.IsNew() || isMap || p.Upper() > page.Size || p.Lower() < page.HeaderSize || p.Lower() > p.Upper() {
		return p
	}
	p.SetPruneXID(0)
	p.ClearFlag(page.PageFull | page.HasFreeLines)
	clear(p[p.Lower():p.Upper()])
	switch len(p.Special()) {
	case 16:
		maskIndexPage(p)
		return p
	case 8: // a sequence: the log is some values ahead of the page
		if id := p.ItemID(1); id.HasStorage() {
			clear(p[id.Off()+24 : id.Off()+id.Len()])
		}
	}
	for off := page.OffsetNumber(1); off <= p.NumItems(); off++ {
		id := p.ItemID(off)
		if !id.HasStorage() || id.Len() < 24 {
			continue
		}
		t := access.Tuple(p[id.Off() : id.Off()+id.Len()])
		if m := t.Infomask(); m&access.XminFrozen == access.XminFrozen {
			t.SetInfomask(m &^ (access.XmaxInvalid | access.XmaxCommitted))
		} else {
			t.SetInfomask(m &^ access.XactMask)
		}
		t.SetRawCid(0)
		if t.CTID().Off == access.SpecToken {
			t.SetCTID(page.TID{Block: blk, Off: off})
		}
		clear(p[id.Off()+id.Len() : min(page.Size, id.Off()+page.MaxAlign(id.Len()))])
	}
	return p
}

// Flags of a btree page that are hints or VACUUM's own (BTP_HAS_GARBAGE,
// BTP_SPLIT_END), and those that say what the page is.
const (
	btLeaf, btDeleted, btSplitEnd, btHasGarbage = 1, 4, 32, 64
)

func maskIndexPage(p page.Page) {
	s := p.Special()
	flags := uint16(s[12]) | uint16(s[13])<<8
	if flags&btLeaf != 0 && flags&btDeleted == 0 {
		for off := page.OffsetNumber(1); off <= p.NumItems(); off++ {
			if id := p.ItemID(off); id.Flags() == page.LPDead && id.HasStorage() {
				p.SetItemID(off, page.MakeItemID(id.Off(), page.LPNormal, id.Len()))
			}
		}
	}
	flags &^= btHasGarbage | btSplitEnd
	s[12], s[13] = byte(flags), byte(flags>>8)
	s[14], s[15] = 0, 0 // cycle id
}

// unlogged tells whether a file is of a relation that redo empties.
func unlogged(tree map[string][]byte, name string) bool {
	base, _, _ := strings.Cut(strings.TrimSuffix(name, "_vm"), ".")
	_, ok := tree[base+"_init"]
	return ok && !strings.HasSuffix(name, "_init")
}

// subset tells whether each bit of a is one of b.
func subset(a, b []byte) bool {
	for i := range a {
		if a[i]&^b[i] != 0 {
			return false
		}
	}
	return true
}

// samePages compares two directories and returns how many blocks are equal. With
// fewer, bits of visibility maps may be missing: clearing one has no LSN of its own,
// so that redo, begun again, clears it again, and a bit less is never wrong.
func samePages(t *testing.T, what, wantDir, gotDir string, fewer bool) (blocks int) {
	t.Helper()
	want, got := readTree(t, wantDir), readTree(t, gotDir)
	bad := 0
	report := func(format string, a ...any) {
		if bad++; bad < 20 {
			t.Errorf(what+": "+format, a...)
		}
	}
	for n := range got {
		if _, ok := want[n]; !ok && len(got[n]) > 0 && !unlogged(got, n) {
			report("%s is too much (%d bytes)", n, len(got[n]))
		}
	}
	for _, n := range slices.Sorted(maps.Keys(want)) {
		x, y := want[n], got[n]
		if unlogged(want, n) {
			continue
		}
		if len(x) != len(y) {
			report("%s: %d bytes done, %d redone", n, len(x), len(y))
			continue
		}
		rel := relationFile.FindStringSubmatch(n)
		for off := 0; off < len(x); off += page.Size {
			p, q := x[off:min(len(x), off+page.Size)], y[off:min(len(y), off+page.Size)]
			if rel != nil {
				blk := page.BlockNumber(off / page.Size)
				p, q = maskedPage(p, blk, rel[1] == "_vm"), maskedPage(q, blk, rel[1] == "_vm")
			}
			if bytes.Equal(p, q) {
				blocks++
				continue
			}
			if rel != nil && rel[1] == "_vm" && fewer && subset(q, p) {
				blocks++
				continue
			}
			at := 0
			for p[at] == q[at] {
				at++
			}
			report("%s block %d differs at %d: done %x, redone %x", n, off/page.Size, at, p[at:min(len(p), at+32)], q[at:min(len(q), at+32)])
		}
	}
	if bad > 0 {
		t.Errorf("%s: %d differences", what, bad)
	}
	return blocks
}

// replayOnce recovers a directory with our engine, writes all pages, and stops as
// if it had crashed.
func replayOnce(t *testing.T, data string) {
	t.Helper()
	s := engine.DefaultSettings()
	s.SharedBuffers, s.Fsync, s.MaxPreparedXacts, s.TrackCommitTimestamp, s.WALLevel = 4000, false, 10, true, pgcontrol.Logical
	s.FullPageWrites = func() bool { return false }
	s.WALKeepSize = func() int64 { return 2 << 30 }
	i, err := engine.Open(context.Background(), engine.Options{FS: osfs.New(data), Dir: data, Settings: &s, NoWorkers: true})
	if err != nil {
		t.Fatal(err)
	}
	_ = i.Stop(engine.Immediate)
}

// kindsWritten counts the record types in a directory's log from its control file's
// redo point on.
func kindsWritten(t *testing.T, data string, from lsn.LSN) map[string]int {
	t.Helper()
	fsys := osfs.New(data)
	c, err := pgcontrol.Read(fsys)
	if err != nil {
		t.Fatal(err)
	}
	size := lsn.SegSize(c.WALSegSize)
	src := &xlog.Segments{FS: fsys, Dir: "pg_wal", Size: size, TLIs: []lsn.Timeline{c.Copy.TLI}}
	defer src.Close()
	r := xlog.NewReader(src, xlog.ReaderOptions{SegSize: size, SystemID: c.SystemID, Timeline: c.Copy.TLI})
	r.Seek(from)
	by := describers()
	out := map[string]int{}
	for {
		d, err := r.Next()
		if err != nil {
			return out
		}
		k := kindOf(by[d.Rmgr], d.RmgrInfo())
		if k == "" {
			t.Errorf("unknown record %s %02x at %s", d.Rmgr, d.Info, d.Start)
		}
		out[k]++
	}
}

// TestRedoEqualsDo runs a workload that writes records of every type we write, and
// compares the pages that it left with those that redo makes of the pages before it:
// by us, by us a second time, and by stock PostgreSQL.
func TestRedoEqualsDo(t *testing.T) {
	pg := oracle.Find(t)
	m := binary(t, pg)
	s := m.Initdb(t)
	s.Start(redoSettings...)
	sql, err := os.ReadFile("testdata/redo-before.sql")
	if err != nil {
		t.Fatal(err)
	}
	if err := script(pg, s, string(sql)); err != nil {
		t.Fatalf("%v\n%s", err, tail(s.Log()))
	}
	shareRows(t, pg, s)
	stop(t, s)
	// The counters stand before page and segment borders of the status logs.
	pg.Run(t, "pg_resetwal", "-x", "2097152", "-m", "133119,1", "-O", "1636000", "-D", s.Data)
	if err := os.WriteFile(filepath.Join(s.Data, "pg_multixact/offsets/0002"), make([]byte, page.Size), 0o600); err != nil {
		t.Fatal(err)
	}
	pg.Own(t, s.Data)
	s.Start(redoSettings...)
	before := copyOf(t, pg, s.Data)
	c, err := pgcontrol.Read(osfs.New(before))
	if err != nil {
		t.Fatal(err)
	}
	if sql, err = os.ReadFile("testdata/redo-work.sql"); err != nil {
		t.Fatal(err)
	}
	if err := script(pg, s, string(sql)); err != nil {
		t.Fatalf("%v\n%s", err, tail(s.Log()))
	}
	shareRows(t, pg, s)
	for _, db := range []string{"template0", "template1", "olddb", "by_wal", "postgres"} {
		if _, err := s.TryPsql(db, "vacuum freeze"); err != nil {
			t.Fatalf("%v\n%s", err, tail(s.Log()))
		}
	}
	s.Psql("checkpoint") // all pages are in the files
	s.Kill()

	kinds := kindsWritten(t, s.Data, c.CheckPoint)
	proofs := recordProofs(t)
	for k, by := range proofs {
		if slices.Contains(by, "ours") && kinds[k] == 0 {
			t.Errorf("the workload wrote no %s", k)
		}
	}
	for k := range kinds {
		if !slices.Contains(proofs[k], "ours") {
			t.Errorf("the workload writes %s: say so in the table", k)
		}
	}
	// The log of the workload, behind the pages before it.
	log := filepath.Join(before, "pg_wal")
	if err := os.RemoveAll(log); err != nil {
		t.Fatal(err)
	}
	pg.CopyDir(t, filepath.Join(s.Data, "pg_wal"), log)
	control, err := os.ReadFile(filepath.Join(before, "global/pg_control"))
	if err != nil {
		t.Fatal(err)
	}
	stock := pg.Cluster(t, copyOf(t, pg, before))
	replayOnce(t, before)
	n := samePages(t, "redo", s.Data, before, false)
	if err := os.WriteFile(filepath.Join(before, "global/pg_control"), control, 0o600); err != nil {
		t.Fatal(err)
	}
	replayOnce(t, before)
	samePages(t, "redo again", s.Data, before, true)
	stock.Start(redoSettings...)
	stock.Crash()
	samePages(t, "stock's redo", s.Data, stock.Data, false)
	t.Logf("%d blocks are equal after %d kinds of records", n, len(kinds))
}

// sharing has sessions lock the same rows, so that multixacts are made.
const sharing = `
\set x random(1, 8)
\set y random(9, 16)
begin;
select id from shared where id = :x for key share;
savepoint s;
update shared set n = n + 1 where id = :x;
select id from shared where id = :y for share;
end;
`

func shareRows(t *testing.T, pg *oracle.PG, s *oracle.Server) {
	t.Helper()
	f := filepath.Join(s.Sock, "sharing.sql")
	if err := os.WriteFile(f, []byte(sharing), 0o644); err != nil {
		t.Fatal(err)
	}
	args := append(s.ConnArgs(), "-n", "-c", "4", "-t", "40", "--max-tries=50", "-f", f, "postgres")
	if out, err := pg.Command(t.Context(), "pgbench", args...).CombinedOutput(); err != nil {
		t.Fatalf("pgbench: %v\n%s\n%s", err, out, tail(s.Log()))
	}
}
