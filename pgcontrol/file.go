package pgcontrol

import (
	"sync"
	"time"

	"github.com/pgmini/pgmini/vfs"
)

// File is the control file of a server that runs: what it holds, and updates one
// at a time. It is safe for concurrent use.
type File struct {
	fs  vfs.FS
	now func() time.Time
	mu  struct {
		sync.Mutex
		c Control
	}
}

// Open reads the control file of the data directory that fs is rooted at.
func Open(fs vfs.FS, now func() time.Time) (*File, error) {
	c, err := Read(fs)
	if err != nil {
		return nil, err
	}
	f := &File{fs: fs, now: now}
	f.mu.c = *c
	return f, nil
}

// Get is a copy of the contents.
func (f *File) Get() Control {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mu.c
}

// Update changes the contents and replaces the file. An error is a PANIC of the
// server.
func (f *File) Update(change func(*Control)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.mu.c
	change(&c)
	if err := Write(f.fs, &c, f.now()); err != nil {
		return err
	}
	f.mu.c = c
	return nil
}
