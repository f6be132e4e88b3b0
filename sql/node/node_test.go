package node

import (
	"strings"
	"testing"

	"github.com/pgmini/pgmini/internal/oracle"
)

// TestStockTrees reads every tree that a stock cluster stores and writes it back.
func TestStockTrees(t *testing.T) {
	c := oracle.Find(t).Initdb(t)
	c.Start()
	defer c.Stop()
	out := c.Psql(`select ev_action::text from pg_rewrite union all select proargdefaults::text from pg_proc where proargdefaults is not null
		union all select prosqlbody::text from pg_proc where prosqlbody is not null union all select conbin::text from pg_constraint where conbin is not null`)
	n := 0
	for _, l := range strings.Split(strings.TrimSpace(out), "\n") {
		x, err := Read(l)
		if err != nil {
			t.Errorf("%v in %.100s", err, l)
			continue
		}
		if Write(x) != l {
			t.Errorf("written back otherwise: %.200s", l)
		}
		y := Mutate(x, func(Node) (Node, bool) { return nil, false })
		if Write(y) != l || !Equal(x, y) {
			t.Errorf("a copy differs: %.200s", l)
		}
		n++
	}
	if n < 140 {
		t.Errorf("only %d trees", n)
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{"<>", "{VAR :varno 1}", "({CONST :constlen 4 :constbyval true :constvalue 4 [ 1 0 0 0 0 0 0 0 ]})", "(i 1 2)", `("a" "b\ c")`, "{BOOLEXPR :boolop and :args <>}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := Read(s)
		if err != nil {
			return
		}
		w := Write(n)
		m, err := Read(w)
		if err != nil {
			t.Fatalf("%q: written as %q: %v", s, w, err)
		}
		if Write(m) != w {
			t.Fatalf("%q: not stable", s)
		}
	})
}
