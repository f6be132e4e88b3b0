package commands

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/pgmini/pgmini/pgerr"
)

// readAll splits text into rows of fields, as COPY FROM does; in is its source.
func readAll(o *copyOptions, in io.Reader) string {
	l := &copyLines{in: in, csv: o.csv, quote: o.quote, escape: o.escape}
	var out []string
	for {
		line, ok, err := l.next()
		if err == nil && ok {
			var f [][]byte
			if o.csv {
				f, _, err = o.splitCSV(append([]byte(nil), line...), nil, nil)
			} else {
				f, err = o.splitText(append([]byte(nil), line...), nil)
			}
			if err == nil {
				out = append(out, fmt.Sprintf("%q", f))
				continue
			}
		}
		if err != nil {
			out = append(out, string(pgerr.CodeOf(err))+" "+err.Error())
		}
		return strings.Join(out, " ")
	}
}

func TestCopyLines(t *testing.T) {
	text := &copyOptions{delim: '\t', null: `\N`}
	csv := &copyOptions{csv: true, delim: ',', quote: '"', escape: '"'}
	for _, c := range []struct {
		o        *copyOptions
		in, want string
	}{
		{text, "1\ta\n2\t\\N\n", `["1" "a"] ["2" ""]`},
		{text, "a\\tb\\\\\n\\x41\\101\\\nz\n", `["a\tb\\"] ["AA\nz"]`},
		{text, "1\r\n2\r\n", `["1"] ["2"]`},
		{text, "1\n2\r\n", `["1"] 22P04 literal carriage return found in data`},
		{text, "1\n\\.\nrest", `["1"]`},
		{text, "last", `["last"]`},
		{text, "a\\.b\n", `22P04 end-of-copy marker corrupt`},
		{text, "\xff\n", `22021 invalid byte sequence for encoding "UTF8": 0xff`},
		{csv, "a,\"b,\"\"c\"\n\"x\ny\",z\n", `["a" "b,\"c"] ["x\ny" "z"]`},
		{csv, "a\n\"b", `["a"] 22P04 unterminated CSV quoted field`},
		{csv, "\n,\n", `[""] ["" ""]`},
	} {
		for name, in := range map[string]io.Reader{"whole": strings.NewReader(c.in), "bytes": iotest.OneByteReader(strings.NewReader(c.in)),
			"with end": iotest.DataErrReader(strings.NewReader(c.in))} {
			if got := readAll(c.o, in); got != c.want {
				t.Errorf("%q by %s: %s, want %s", c.in, name, got, c.want)
			}
		}
	}
}
