// Package dd runs data-driven tests: files of commands, each with its input and
// the output that is expected.
//
//	# comment
//	command key=value flag
//	input, any number of lines
//	----
//	expected output, up to a blank line
//
// Where the output itself has a blank line, both its ends are marked by a second
// line of dashes. PGMINI_REWRITE=1 writes what the code says into the file; the
// difference is then reviewed.
package dd

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// Cmd is one command of a file.
type Cmd struct {
	Pos   string // file:line
	Name  string
	Args  []Arg
	Input string // without the last newline
}

// Arg is key=value, or a key alone.
type Arg struct{ Key, Value string }

// Arg returns the value of a key, or a default.
func (c Cmd) Arg(key, missing string) string {
	for _, a := range c.Args {
		if a.Key == key {
			return a.Value
		}
	}
	return missing
}

// Has reports whether key was given, with a value or without.
func (c Cmd) Has(key string) bool {
	for _, a := range c.Args {
		if a.Key == key {
			return true
		}
	}
	return false
}

// Lines is the input line by line.
func (c Cmd) Lines() []string {
	if c.Input == "" {
		return nil
	}
	return strings.Split(c.Input, "\n")
}

const (
	dashes = "----"
	double = dashes + "\n" + dashes + "\n"
)

// Run gives each command of a file to f and compares what it returns.
func Run(t *testing.T, file string, f func(t *testing.T, c Cmd) string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rewrite := os.Getenv("PGMINI_REWRITE") == "1"
	got, err := run(file, string(b), func(c Cmd, want string) string {
		out := f(t, c)
		if out != "" && !strings.HasSuffix(out, "\n") {
			out += "\n"
		}
		if out != want && !rewrite {
			t.Errorf("%s: %s\ngot:\n%swant:\n%s", c.Pos, c.Name, out, want)
		}
		return out
	})
	if err != nil {
		t.Fatal(err)
	}
	if rewrite && got != string(b) {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// run walks through text and returns it with the outputs that f gave.
func run(file, text string, f func(c Cmd, want string) string) (string, error) {
	var out strings.Builder
	lines := strings.SplitAfter(text, "\n")
	for at := 0; at < len(lines); {
		line := strings.TrimSpace(lines[at])
		if line == "" || line[0] == '#' {
			out.WriteString(lines[at])
			at++
			continue
		}
		c := parse(line)
		c.Pos = fmt.Sprintf("%s:%d", file, at+1)
		out.WriteString(lines[at])
		var in strings.Builder
		for at++; ; at++ {
			if at == len(lines) {
				return "", fmt.Errorf("%s: no %s", c.Pos, dashes)
			}
			if strings.TrimRight(lines[at], "\n") == dashes {
				break
			}
			in.WriteString(lines[at])
		}
		out.WriteString(in.String())
		c.Input = strings.TrimSuffix(in.String(), "\n")
		want, next, err := expected(c, lines, at+1)
		if err != nil {
			return "", err
		}
		at = next
		got := f(c, want)
		out.WriteString(dashes + "\n")
		if strings.Contains("\n"+got, "\n\n") {
			out.WriteString(dashes + "\n" + got + double)
		} else {
			out.WriteString(got)
		}
	}
	return out.String(), nil
}

// expected is the output that starts at line at, and the line after it.
func expected(c Cmd, lines []string, at int) (string, int, error) {
	var want strings.Builder
	if at < len(lines) && strings.TrimRight(lines[at], "\n") == dashes {
		for at++; at+1 < len(lines); at++ {
			if lines[at]+lines[at+1] == double {
				return want.String(), at + 2, nil
			}
			want.WriteString(lines[at])
		}
		return "", 0, fmt.Errorf("%s: the output has no end", c.Pos)
	}
	for ; at < len(lines) && strings.TrimSpace(lines[at]) != ""; at++ {
		want.WriteString(lines[at])
	}
	s := want.String()
	if s != "" && !strings.HasSuffix(s, "\n") {
		s += "\n"
	}
	return s, at, nil
}

func parse(line string) Cmd {
	words := strings.Fields(line)
	c := Cmd{Name: words[0]}
	for _, w := range words[1:] {
		k, v, _ := strings.Cut(w, "=")
		c.Args = append(c.Args, Arg{k, v})
	}
	return c
}
