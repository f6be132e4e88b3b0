package dd

import (
	"fmt"
	"strings"
	"testing"
)

func echo(_ *testing.T, c Cmd) string {
	switch c.Name {
	case "blank":
		return "x\n\ny"
	case "none":
		return ""
	}
	return fmt.Sprintf("a=%s flag=%v\n%s", c.Arg("a", "-"), c.Has("flag"), strings.Join(c.Lines(), "\n"))
}

func TestRun(t *testing.T) { Run(t, "testdata/echo", echo) }

// TestRewrite: the text with the right outputs comes back as it is, one with
// wrong outputs comes back right.
func TestRewrite(t *testing.T) {
	good := "a\nin\n----\nout\n\n# c\nb\n----\n"
	for _, text := range []string{good, "a\nin\n----\nwrong\nlines\n\n# c\nb\n----\n----\nx\n\n----\n----\n"} {
		got, err := run("f", text, func(c Cmd, _ string) string {
			if c.Name == "a" {
				return "out\n"
			}
			return ""
		})
		if err != nil || got != good {
			t.Errorf("%q -> %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"a\n", "a\n----\n----\nx\n"} {
		if _, err := run("f", text, func(Cmd, string) string { return "" }); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}
