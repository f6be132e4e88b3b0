package guc

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
)

// Entry is one line of a configuration file.
type Entry struct {
	Name, Value string
	File        string
	Line        int
}

// maxDepth is how deep files may include each other; maxFile how long one is.
const (
	maxDepth = 10
	maxFile  = 16 << 20
)

// ReadFiles reads postgresql.conf (name, relative to dir unless absolute) with
// what it includes, then dir's postgresql.auto.conf, which may be missing.
func ReadFiles(fsys vfs.FS, dir, name string) ([]Entry, error) {
	if !path.IsAbs(name) {
		name = path.Join(dir, name)
	}
	entries, err := readFile(fsys, name, 0, false)
	if err != nil {
		return nil, err
	}
	auto, err := readFile(fsys, path.Join(dir, "postgresql.auto.conf"), 0, true)
	return append(entries, auto...), err
}

func readFile(fsys vfs.FS, name string, depth int, optional bool) ([]Entry, error) {
	if depth > maxDepth {
		return nil, pgerr.New(pgerr.ProgramLimitExceeded, "could not open configuration file %q: maximum nesting depth exceeded", name)
	}
	text, err := slurp(fsys, name)
	if optional && errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, pgerr.File(err, "open configuration file", name)
	}
	lines, err := ParseFile(name, text)
	if err != nil {
		return nil, err
	}
	var out []Entry
	for _, e := range lines {
		target := e.Value
		if !path.IsAbs(target) {
			target = path.Join(path.Dir(name), target)
		}
		var more []Entry
		switch e.Name {
		case "include", "include_if_exists":
			more, err = readFile(fsys, target, depth+1, e.Name != "include")
		case "include_dir":
			more, err = readDir(fsys, target, depth+1)
		default:
			more = []Entry{e}
		}
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// readDir reads the *.conf files of a folder in the order of their names.
func readDir(fsys vfs.FS, dir string, depth int) ([]Entry, error) {
	list, err := fsys.List(dir)
	if err != nil {
		return nil, pgerr.File(err, "open configuration directory", dir)
	}
	var out []Entry
	for _, f := range list {
		if f.IsDir() || strings.HasPrefix(f.Name(), ".") || !strings.HasSuffix(f.Name(), ".conf") {
			continue
		}
		e, err := readFile(fsys, path.Join(dir, f.Name()), depth, false)
		if err != nil {
			return nil, err
		}
		out = append(out, e...)
	}
	return out, nil
}

func slurp(fsys vfs.FS, name string) (string, error) {
	f, err := fsys.Open(name, vfs.Read)
	if err != nil {
		return "", err
	}
	defer f.Close()
	n, err := f.Size()
	if err != nil {
		return "", err
	}
	if n > maxFile {
		return "", pgerr.New(pgerr.ConfigFileError, "configuration file %q is too long", name)
	}
	b := make([]byte, n)
	if n > 0 {
		if m, err := f.ReadAt(b, 0); m < len(b) {
			return "", err
		}
	}
	return string(b), nil
}

// ParseFile reads the text of a configuration file: lines "name [=] value", where
// a value that is not a plain word is quoted, and # starts a comment.
func ParseFile(file, text string) ([]Entry, error) {
	var out []Entry
	line := 0
	for l := range strings.Lines(text) {
		line++
		name, rest, err := word(strings.TrimSpace(l))
		if err == nil && name == "" && rest == "" {
			continue
		}
		bad := func(near string) error {
			if near == "" {
				return pgerr.New(pgerr.SyntaxError, "syntax error in file %q line %d, near end of line", file, line)
			}
			return pgerr.New(pgerr.SyntaxError, "syntax error in file %q line %d, near token %q", file, line, near)
		}
		if err != nil || !validName(name) {
			return nil, bad(name)
		}
		rest = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(rest), "="))
		value, rest, err := word(rest)
		if err != nil {
			return nil, bad(value)
		}
		if value == "" && rest == "" && !strings.Contains(l, "'") {
			return nil, bad("")
		}
		if rest = strings.TrimSpace(rest); rest != "" && rest[0] != '#' {
			return nil, bad(strings.Fields(rest)[0])
		}
		out = append(out, Entry{strings.ToLower(name), value, file, line})
	}
	return out, nil
}

func validName(n string) bool {
	l := strings.ToLower(n)
	return l != "" && strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789_.$") == "" && (l[0] < '0' || l[0] > '9')
}

var errQuote = errors.New("unterminated quote")

// word takes the first word, quoted or plain, off s.
func word(s string) (w, rest string, err error) {
	if s == "" || s[0] == '#' {
		return "", "", nil
	}
	if s[0] != '\'' {
		n := strings.IndexAny(s, " \t=#'\r\n")
		if n < 0 {
			n = len(s)
		}
		if n == 0 {
			return s[:1], s[1:], errQuote
		}
		return s[:n], s[n:], nil
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\'' && i+1 < len(s) && s[i+1] == '\'':
			b.WriteByte('\'')
			i++
		case c == '\'':
			return b.String(), s[i+1:], nil
		case c == '\\' && i+1 < len(s):
			i++
			i += escape(&b, s[i:])
		default:
			b.WriteByte(c)
		}
	}
	return s, "", errQuote
}

// escape writes the character of a backslash sequence whose rest is s, and
// returns how many bytes behind the first it took.
func escape(b *strings.Builder, s string) int {
	switch s[0] {
	case 'b':
		b.WriteByte('\b')
	case 'f':
		b.WriteByte('\f')
	case 'n':
		b.WriteByte('\n')
	case 'r':
		b.WriteByte('\r')
	case 't':
		b.WriteByte('\t')
	case '0', '1', '2', '3', '4', '5', '6', '7':
		v, n := 0, 0
		for n < 3 && n < len(s) && s[n] >= '0' && s[n] <= '7' {
			v = v*8 + int(s[n]-'0')
			n++
		}
		b.WriteByte(byte(v))
		return n - 1
	default:
		b.WriteByte(s[0])
	}
	return 0
}

// QuoteValue writes a value as a configuration file holds it.
func QuoteValue(v string) string {
	return "'" + strings.NewReplacer("'", "''", `\`, `\\`, "\n", `\n`).Replace(v) + "'"
}
