package exec_test

import (
	"os"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/internal/sqltest"
	"github.com/pgmini/pgmini/sql/parser"
)

func TestDbg(t *testing.T) {
	q := os.Getenv("Q")
	if q == "" {
		t.Skip()
	}
	c := sqltest.New(t, nil).Connect()
	parts := strings.Split(q, ";;")
	for _, p := range parts[:len(parts)-1] {
		if _, err := c.Query(p); err != nil {
			t.Fatal(p, err)
		}
	}
	s, err := parser.Parse(parts[len(parts)-1])
	if err != nil {
		t.Fatal(err)
	}
	c.Begin()
	p, err := c.Plan(s[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + sqltest.Dump(p))
	r, err := c.Run(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + r.String())
}
