// Package powerfail is an in-memory vfs.FS that is as unkind as POSIX allows.
//
// INV-PF-1: after Crash, a byte is guaranteed only if a Sync of its file returned
// nil after the write; a name only if a SyncDir of its folder did. Everything
// else is decided by the seed: each unsynced sector is new, old, or (Torn) torn:
// each bit in which old and new differ is random; each unsynced change of a name
// happened or not. The call during which the power goes off may have had its
// effect. Enforced: FS.Crash. Tested: TestStrict.
//
// INV-PF-2: a write harms nobody else's bits: where old and new agree, and in
// sectors that nobody wrote, a crash changes nothing. PostgreSQL's formats need as
// much: pg_control, and pg_xact with four transactions in a byte, have no copy.
// Enforced: mix. Tested: TestTornKeepsNeighbours.
//
// Relative and absolute names share one tree: "a/b" is "/a/b".
package powerfail

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pgmini/pgmini/vfs"
)

// Errors of a file system in trouble.
var (
	ErrPowerOff = errors.New("the power is off")
	ErrSync     = errors.New("the disk lost what was to be synced")
)

// sector is what a disk writes as a whole or not at all, but for Torn.
const sector = 512

// maxLinks is how many symbolic links one lookup follows.
const maxLinks = 40

// dirOp is an unsynced change of the names of one folder.
type dirOp struct {
	dir  string // the folder whose SyncDir makes it durable
	name string
	node *node  // nil: the name goes
	from string // renamed from here, in the same folder
	lied bool   // a sync that was skipped said it is durable
}

func (o dirOp) apply(m map[string]*node) {
	if o.from != "" {
		for k, n := range maps.Clone(m) {
			if rest, ok := strings.CutPrefix(k, o.from+"/"); ok {
				delete(m, k)
				m[o.name+"/"+rest] = n
			}
		}
		delete(m, o.from)
	}
	if o.node == nil {
		delete(m, o.name)
		return
	}
	m[o.name] = o.node
}

// FS is the file system. Set its exported fields before use.
type FS struct {
	CutAt    int  // the power goes off at this step; 0 is never
	FailAt   int  // the sync at this step fails AND loses its data; 0 is never
	SkipSync int  // the n-th sync says it is done and does nothing; 0 is none
	Torn     bool // unsynced sectors may be torn: INV-PF-1

	mu      sync.Mutex
	names   map[string]*node // what processes see
	durable map[string]*node // what SyncDir has promised
	pending []dirOp          // in between, in order
	locked  map[*node]bool
	step    int // mutating calls so far
	syncs   []string
	sites   []string // of the same syncs
	budget  int64
	off     bool

	skipSite string // the syncs of this site do nothing
	skips    int    // how many did
	onStep   func() // is called before each step, with mu held; optional

	failFrom int    // the first sync from this step on fails; 0 is none
	lost     string // what the latest failed sync was of
}

var _ vfs.FS = (*FS)(nil)

// New returns an empty file system.
func New() *FS {
	root := &node{mode: fs.ModeDir | 0o700}
	return &FS{names: map[string]*node{"/": root}, durable: map[string]*node{"/": root},
		locked: map[*node]bool{}, budget: -1}
}

// Steps is the number of mutating calls so far.
func (f *FS) Steps() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.step
}

// Syncs names the files and folders that were synced, in order.
func (f *FS) Syncs() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.syncs)
}

// SetBudget lets files grow by n more bytes together; then writes fail with
// ENOSPC. Negative lifts the limit.
func (f *FS) SetBudget(n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.budget = n
}

// PowerOff cuts the power now.
func (f *FS) PowerOff() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.off = true
}

// CutIn has the power go off in the n-th step from now, whoever uses f meanwhile.
func (f *FS) CutIn(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.CutAt = f.step + n
}

// FailIn has the first sync at or after the n-th step from now fail and lose its
// data, whoever uses f meanwhile.
func (f *FS) FailIn(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failFrom = f.step + n
}

// Lost names the file whose sync failed, or the folder, with a slash behind it:
// what processes see of it the platter will never hold. Empty if none did.
func (f *FS) Lost() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lost
}

// Off reports whether the power is off.
func (f *FS) Off() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.off
}

// Kill is the file system after all processes were killed while the machine lives
// on: everything that was written is there, but what was not synced is as
// uncertain as before. f is off.
func (f *FS) Kill() *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.off = true
	g := New()
	g.names, g.durable, g.pending, g.Torn = maps.Clone(f.names), maps.Clone(f.durable), slices.Clone(f.pending), f.Torn
	return g
}

// failing reports whether the sync that was just counted is the one to fail.
func (f *FS) failing() bool {
	if f.failFrom > 0 && f.step >= f.failFrom {
		f.failFrom = 0
		return true
	}
	return f.step == f.FailAt
}

// tick counts a mutating call. When the power goes off during it, do is true and
// err is ErrPowerOff: the call has its effect, as far as memory goes.
func (f *FS) tick() (do bool, err error) {
	if f.onStep != nil && !f.off {
		f.onStep()
	}
	if f.off {
		return false, ErrPowerOff
	}
	f.step++
	if f.step == f.CutAt {
		f.off = true
		return true, ErrPowerOff
	}
	return true, nil
}

// Crash is the file system that the next start finds. It leaves f as it is, so
// that one run can be looked at under many seeds.
func (f *FS) Crash(rng *rand.Rand) *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.off = true
	return f.image(chance, rng)
}

// image is the file system after a crash. f.mu is held.
func (f *FS) image(l luck, rng *rand.Rand) *FS {
	names := maps.Clone(f.durable)
	for _, o := range f.pending {
		if l == skipped && !o.lied || l == chance && rng.IntN(2) == 0 {
			o.apply(names)
		}
	}
	g := New()
	made := map[*node]*node{}
	keys := slices.Sorted(maps.Keys(names)) // a fixed order: the seed decides alone
	for _, k := range keys {
		if k == "/" {
			continue
		}
		if up, ok := g.names[path.Dir(k)]; !ok || !up.mode.IsDir() {
			continue // its folder was lost
		}
		n := names[k]
		if made[n] == nil {
			made[n] = n.afterCrash(l, rng, f.Torn)
		}
		g.names[k] = made[n]
	}
	g.durable = maps.Clone(g.names)
	return g
}

func fail(op, name string, err error) error { return &fs.PathError{Op: op, Path: name, Err: err} }

// resolve gives the path that name stands for, links followed, the last one only
// if last. The last part may be missing.
func (f *FS) resolve(name string, last bool) (string, *node, error) {
	rest := strings.Split(strings.Trim(path.Clean("/"+name), "/"), "/")
	at, links := "/", 0
	if rest[0] == "" {
		return "/", f.names["/"], nil
	}
	for {
		next := path.Join(at, rest[0])
		rest = rest[1:]
		n := f.names[next]
		switch {
		case n == nil && len(rest) == 0:
			return next, nil, nil
		case n == nil:
			return "", nil, syscall.ENOENT
		case n.mode&fs.ModeSymlink != 0 && (len(rest) > 0 || last):
			if links++; links > maxLinks {
				return "", nil, syscall.ELOOP
			}
			to := n.target
			if !path.IsAbs(to) {
				to = path.Join(at, to)
			}
			rest = strings.Split(strings.Trim(path.Join(append([]string{to}, rest...)...), "/"), "/")
			if at = "/"; rest[0] == "" {
				return "/", f.names["/"], nil
			}
		case len(rest) == 0:
			return next, n, nil
		case !n.mode.IsDir():
			return "", nil, syscall.ENOTDIR
		default:
			at = next
		}
	}
}

func (f *FS) find(op, name string, last bool) (string, *node, error) {
	if f.off {
		return "", nil, fail(op, name, ErrPowerOff)
	}
	p, n, err := f.resolve(name, last)
	if err == nil && n == nil {
		err = syscall.ENOENT
	}
	if err != nil {
		return "", nil, fail(op, name, err)
	}
	return p, n, nil
}

// change makes a change of names, visible at once and durable at SyncDir.
func (f *FS) change(op, name string, ops ...dirOp) error {
	do, err := f.tick()
	if do {
		for _, o := range ops {
			o.apply(f.names)
			f.pending = append(f.pending, o)
		}
	}
	if err != nil {
		return fail(op, name, err)
	}
	return nil
}

// Open opens or makes a file.
func (f *FS) Open(name string, flag vfs.Flag) (vfs.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.off {
		return nil, fail("open", name, ErrPowerOff)
	}
	p, n, err := f.resolve(name, true)
	switch {
	case err != nil:
	case n == nil && flag&vfs.Create == 0:
		err = syscall.ENOENT
	case n == nil:
		n = &node{mode: 0o600}
		if err := f.change("open", name, dirOp{dir: path.Dir(p), name: p, node: n}); err != nil {
			return nil, err
		}
	case flag&vfs.Excl != 0:
		err = syscall.EEXIST
	case n.mode.IsDir() && flag != vfs.Read:
		err = syscall.EISDIR
	}
	if err != nil {
		return nil, fail("open", name, err)
	}
	h := &file{f, n, name, flag != vfs.Read}
	if flag&vfs.Trunc != 0 && len(n.data) > 0 {
		if err := h.truncate(0); err != nil {
			return nil, err
		}
	}
	return h, nil
}

func (f *FS) add(op, name string, n *node) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.off {
		return fail(op, name, ErrPowerOff)
	}
	p, old, err := f.resolve(name, false)
	if err == nil && old != nil {
		err = syscall.EEXIST
	}
	if err != nil {
		return fail(op, name, err)
	}
	return f.change(op, name, dirOp{dir: path.Dir(p), name: p, node: n})
}

// Mkdir makes one directory.
func (f *FS) Mkdir(name string) error { return f.add("mkdir", name, &node{mode: fs.ModeDir | 0o700}) }

// Symlink makes a symbolic link.
func (f *FS) Symlink(target, name string) error {
	return f.add("symlink", name, &node{mode: fs.ModeSymlink | 0o777, target: target})
}

// children counts the names in a folder.
func (f *FS) children(p string) (n int) {
	for k := range f.names {
		if k != "/" && path.Dir(k) == p {
			n++
		}
	}
	return n
}

// Remove removes a file, a link or an empty directory.
func (f *FS) Remove(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, n, err := f.find("remove", name, false)
	if err != nil {
		return err
	}
	if p == "/" || n.mode.IsDir() && f.children(p) > 0 {
		return fail("remove", name, syscall.ENOTEMPTY)
	}
	if f.budget >= 0 {
		f.budget += int64(len(n.data))
	}
	return f.change("remove", name, dirOp{dir: path.Dir(p), name: p})
}

// Rename moves a name, replacing a file of the new name. Between two folders it
// is two changes, each durable with its own folder.
func (f *FS) Rename(from, to string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, n, err := f.find("rename", from, false)
	if err != nil {
		return err
	}
	q, old, err := f.resolve(to, false)
	switch {
	case err != nil:
	case old != nil && old != n && (old.mode.IsDir() != n.mode.IsDir() || old.mode.IsDir() && f.children(q) > 0):
		err = syscall.EEXIST
	case n.mode.IsDir() && path.Dir(p) != path.Dir(q):
		err = syscall.EXDEV // moving a tree between folders: nothing here does it
	}
	switch {
	case err != nil:
		return fail("rename", to, err)
	case p == q:
		return nil
	case path.Dir(p) == path.Dir(q):
		return f.change("rename", from, dirOp{dir: path.Dir(q), name: q, node: n, from: p})
	}
	return f.change("rename", from, dirOp{dir: path.Dir(q), name: q, node: n}, dirOp{dir: path.Dir(p), name: p})
}

// Readlink reads a symbolic link.
func (f *FS) Readlink(name string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, n, err := f.find("readlink", name, false)
	if err == nil && n.mode&fs.ModeSymlink == 0 {
		err = fail("readlink", name, syscall.EINVAL)
	}
	if err != nil {
		return "", err
	}
	return n.target, nil
}

// Stat describes what a name leads to.
func (f *FS) Stat(name string) (fs.FileInfo, error) { return f.stat("stat", name, true) }

// Lstat describes a name.
func (f *FS) Lstat(name string) (fs.FileInfo, error) { return f.stat("lstat", name, false) }

func (f *FS) stat(op, name string, follow bool) (fs.FileInfo, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, n, err := f.find(op, name, follow)
	if err != nil {
		return nil, err
	}
	return n.info(path.Base(name)), nil
}

// List returns the entries of a directory, sorted by name.
func (f *FS) List(dir string) ([]fs.DirEntry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, n, err := f.find("list", dir, true)
	if err == nil && !n.mode.IsDir() {
		err = fail("list", dir, syscall.ENOTDIR)
	}
	if err != nil {
		return nil, err
	}
	var list []fs.DirEntry
	for k, n := range f.names {
		if k != "/" && path.Dir(k) == p {
			list = append(list, fs.FileInfoToDirEntry(n.info(path.Base(k))))
		}
	}
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return list, nil
}

// lies reports whether the sync of name, now counted, is one to skip.
func (f *FS) lies(kind, name string) bool {
	s := site(kind, name)
	f.syncs, f.sites = append(f.syncs, name), append(f.sites, s)
	if matches(s, f.skipSite) {
		f.skips++
		return true
	}
	return len(f.syncs) == f.SkipSync
}

// SyncDir makes the names in a directory durable.
func (f *FS) SyncDir(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, _, err := f.find("sync", name, true)
	if err != nil {
		return err
	}
	if _, err := f.tick(); err != nil {
		return fail("sync", name, err)
	}
	if f.lies("SyncDir", p+"/") {
		for i := range f.pending {
			f.pending[i].lied = f.pending[i].lied || f.pending[i].dir == p
		}
		return nil
	}
	failing := f.failing()
	f.pending = slices.DeleteFunc(f.pending, func(o dirOp) bool {
		if o.dir != p {
			return false
		}
		if !failing {
			o.apply(f.durable)
		}
		return true
	})
	if failing {
		f.lost = name + "/"
		return fail("sync", name, ErrSync)
	}
	return nil
}

// Chmod sets the permission bits, durable at once.
func (f *FS) Chmod(name string, mode fs.FileMode) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, n, err := f.find("chmod", name, true)
	if err != nil {
		return err
	}
	n.mode = n.mode&fs.ModeType | mode.Perm()
	return nil
}

// Lock takes the lock of name, making the file if missing.
func (f *FS) Lock(name string) (io.Closer, error) {
	h, err := f.Open(name, vfs.Write|vfs.Create)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n := h.(*file).n
	if f.locked[n] {
		return nil, vfs.ErrLocked
	}
	f.locked[n] = true
	return lock{f, n}, nil
}

type lock struct {
	fs *FS
	n  *node
}

func (l lock) Close() error {
	l.fs.mu.Lock()
	defer l.fs.mu.Unlock()
	delete(l.fs.locked, l.n)
	return nil
}

// info is a snapshot of a node's metadata.
type info struct {
	name string
	size int64
	mode fs.FileMode
}

func (n *node) info(name string) info { return info{name, int64(len(n.data)), n.mode} }

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) Sys() any           { return nil }
