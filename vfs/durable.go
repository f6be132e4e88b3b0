package vfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
)

// ReadFile returns the bytes of a file. It refuses files longer than limit.
func ReadFile(f FS, name string, limit int64) ([]byte, error) {
	h, err := f.Open(name, Read)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	n, err := h.Size()
	if err != nil {
		return nil, err
	}
	if n > limit {
		return nil, fmt.Errorf("file %q has %d bytes, more than %d", name, n, limit)
	}
	b := make([]byte, n)
	got, err := h.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return b[:got], nil
}

// WriteFile makes or replaces a file and syncs its bytes. The name is durable
// only after SyncDir, and a crash may leave a part: see DurableReplace.
func WriteFile(f FS, name string, data []byte) error {
	h, err := f.Open(name, Write|Create|Trunc)
	if err != nil {
		return err
	}
	if _, err = h.WriteAt(data, 0); err == nil {
		err = h.Sync()
	}
	return errors.Join(err, h.Close())
}

// DurableReplace gives name the bytes data: after it returns nil a crash shows
// them, before that the old ones or them, never a mixture.
func DurableReplace(f FS, name string, data []byte) error {
	tmp := name + ".tmp"
	if err := WriteFile(f, tmp, data); err != nil {
		return err
	}
	if err := f.Rename(tmp, name); err != nil {
		return err
	}
	return f.SyncDir(path.Dir(name))
}

// DurableRename moves a file, whose bytes it syncs first, so that a crash shows
// it under the old name or under the new one, and after a nil under the new one
// (PostgreSQL: durable_rename).
func DurableRename(f FS, from, to string) error {
	h, err := f.Open(from, Write)
	if err != nil {
		return err
	}
	if err = errors.Join(h.Sync(), h.Close()); err != nil {
		return err
	}
	if err := f.Rename(from, to); err != nil {
		return err
	}
	if err := f.SyncDir(path.Dir(to)); err != nil {
		return err
	}
	if path.Dir(from) != path.Dir(to) {
		return f.SyncDir(path.Dir(from))
	}
	return nil
}

// MkdirAll makes a directory and its missing parents.
func MkdirAll(f FS, name string) error {
	if _, err := f.Stat(name); err == nil {
		return nil
	}
	if up := path.Dir(name); up != "." && up != "/" {
		if err := MkdirAll(f, up); err != nil {
			return err
		}
	}
	if err := f.Mkdir(name); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// RemoveAll removes a name and all below it. A missing name is no error. It does
// not follow symbolic links.
func RemoveAll(f FS, name string) error {
	st, err := f.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if st.IsDir() {
		list, err := f.List(name)
		if err != nil {
			return err
		}
		for _, e := range list {
			if err := RemoveAll(f, path.Join(name, e.Name())); err != nil {
				return err
			}
		}
	}
	return f.Remove(name)
}
