package sysfuncs

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/builtin"
	"github.com/pgmini/pgmini/vfs"
)

// maxRead bounds what one call reads: a value's size.
const maxRead = 1<<30 - 5

// fileName checks a path that a user gave: only those who may read the server's
// files leave the data directory.
func (s *System) fileName(name string) (string, error) {
	clean := path.Clean(name)
	ok, err := s.mayReadFiles()
	switch {
	case err != nil || ok:
		return clean, err
	case path.IsAbs(clean):
		return "", pgerr.New(pgerr.InsufficientPrivilege, "absolute path not allowed")
	case clean == ".." || strings.HasPrefix(clean, "../"):
		return "", pgerr.New(pgerr.InsufficientPrivilege, "path must be in or below the current directory")
	}
	return clean, nil
}

func (s *System) mayReadFiles() (bool, error) {
	user := s.d.User()
	super, err := s.superuser(user)
	if err != nil || super {
		return super, err
	}
	have, err := s.roles(user)
	return have[readServerFiles], err
}

const readServerFiles oid.OID = 4569 // the role pg_read_server_files

// readFile answers pg_read_file, pg_read_binary_file and pg_stat_file.
func (s *System) readFile(fn string, c *builtin.Call) answer {
	read := strings.HasPrefix(fn, "pg_read_file") || strings.HasPrefix(fn, "pg_read_binary_file")
	if !read && fn != "pg_stat_file" && fn != "pg_stat_file_1arg" || s.d.Files == nil {
		return answer{}
	}
	name, err := s.fileName(c.Args[0].Str())
	if err != nil {
		return failed(err)
	}
	if !read {
		return s.statFile(name, c)
	}
	off, n, missingOK := int64(0), int64(-1), false
	switch len(c.Args) {
	case 3, 4:
		if off, n = c.Args[1].Int, c.Args[2].Int; n < 0 {
			return failed(pgerr.New(pgerr.InvalidParameterValue, "requested length cannot be negative"))
		}
	}
	if fn == "pg_read_binary_file" || fn == "pg_read_file_v2" || fn == "pg_read_file" {
		missingOK = len(c.Args) == 4 && c.Args[3].Bool()
	}
	b, err := s.readPart(name, off, n)
	if errors.Is(err, fs.ErrNotExist) && missingOK {
		return null()
	}
	if err != nil {
		return failed(openError(err, "open file \"%s\" for reading", name))
	}
	if !strings.Contains(fn, "binary") && !utf8.Valid(b) {
		return failed(invalidUTF8(b))
	}
	return value(datum.Bytes(b))
}

// readPart reads n bytes of a file, or all, from off on; before the start, off
// counts from the end.
func (s *System) readPart(name string, off, n int64) ([]byte, error) {
	f, err := s.d.Files.Open(name, vfs.Read)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if off < 0 {
		off = max(size+off, 0)
	}
	rest := max(size-off, 0)
	if n < 0 || n > rest {
		n = rest
	}
	if n > maxRead {
		return nil, pgerr.New(pgerr.InvalidParameterValue, "requested length too large")
	}
	b := make([]byte, n)
	k, err := f.ReadAt(b, off)
	if err == io.EOF {
		err = nil
	}
	return b[:k], err
}

func (s *System) statFile(name string, c *builtin.Call) answer {
	st, err := s.d.Files.Stat(name)
	if errors.Is(err, fs.ErrNotExist) && len(c.Args) > 1 && c.Args[1].Bool() {
		return null()
	}
	if err != nil {
		return failed(openError(err, "stat file \"%s\"", name))
	}
	at := moment(st.ModTime())
	return record(c, "int8 timestamptz timestamptz timestamptz timestamptz bool", datum.Int(st.Size()), at, at, at, datum.Null(), datum.Bool(st.IsDir()))
}

// openError words an error of the operating system as PostgreSQL does.
func openError(err error, format, name string) error {
	if e, ok := pgerr.As(err); ok {
		return e
	}
	return pgerr.Wrap(err, pgerr.CodeOf(pgerr.File(err, "open", name)), "could not "+format+"%s", name, pgerr.OSText(err))
}

func invalidUTF8(b []byte) error {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return pgerr.New(pgerr.CharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\": 0x%02x", b[i])
		}
		i += n
	}
	return nil
}

// list answers pg_ls_dir: names of all kinds, in the order of the file system.
func (s *System) list(c *builtin.Call) (table, error) {
	if s.d.Files == nil {
		return nil, pgerr.NotYet("pg_ls_dir without a data directory")
	}
	name, err := s.fileName(c.Args[0].Str())
	if err != nil {
		return nil, err
	}
	all, err := s.d.Files.List(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) && argBool(c, 1) {
			return nil, nil
		}
		return nil, openError(err, "open directory \"%s\"", name)
	}
	var t table
	if argBool(c, 2) {
		t = table{{datum.String(".")}, {datum.String("..")}}
	}
	for _, e := range all {
		t = append(t, []datum.Datum{datum.String(e.Name())})
	}
	return t, nil
}
