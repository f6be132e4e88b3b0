package server

import (
	"bytes"
	"net/netip"
	"testing"
)

// FuzzReader: no bytes make the guard panic, or take more memory than arrived.
func FuzzReader(f *testing.F) {
	f.Add([]byte{0, 0, 0, 8, 0, 3, 0, 0})
	f.Add([]byte{'Q', 0, 0, 0, 6, 'x', 0})
	f.Add([]byte{'B', 0, 0, 0, 14, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0})
	f.Add([]byte{'P', 0x3f, 0xff, 0xff, 0xff, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := reader{src: bytes.NewReader(b)}
		if _, rest, err := r.startup(); err == nil {
			c := &conn{}
			_ = c.parameters(3<<16, rest)
		}
		r = reader{src: bytes.NewReader(b)}
		for {
			kind, body, err := r.next(maxMessage)
			if cap(r.body) > 2*len(b)+2*growStep {
				t.Fatalf("%d bytes for %d", cap(r.body), len(b))
			}
			if err != nil {
				return
			}
			switch kind {
			case 'B':
				var m bindMessage
				_ = m.decode(body)
			case 'P':
				var m parseMessage
				_ = m.decode(body)
			}
		}
	})
}

func TestHBA(t *testing.T) {
	rules, err := parseHBA(`# comment
local all all trust
host  replication all 127.0.0.1/32 reject
host  "all",db1 +staff,bob 10.0.0.0 255.0.0.0 password
host  sameuser all ::1/128 scram-sha-256
hostssl all all all reject # tls only
host  all "all" samehost md5
`)
	if err != nil {
		t.Fatal(err)
	}
	staff := func(r string) bool { return r == "staff" }
	for _, k := range []struct {
		p    hbaPeer
		line int
	}{
		{hbaPeer{local: true, user: "a", database: "b"}, 2},
		{hbaPeer{addr: netip.MustParseAddr("10.1.2.3"), user: "bob", database: "db1"}, 4},
		{hbaPeer{addr: netip.MustParseAddr("10.1.2.3"), user: "al", database: "all", member: staff}, 4},
		{hbaPeer{addr: netip.MustParseAddr("10.1.2.3"), user: "al", database: "db1"}, 0},
		{hbaPeer{addr: netip.MustParseAddr("::ffff:10.1.2.3"), user: "bob", database: "db1"}, 4},
		{hbaPeer{addr: netip.MustParseAddr("::1"), user: "x", database: "x"}, 5},
		{hbaPeer{addr: netip.MustParseAddr("::1"), user: "x", database: "y"}, 0},
		{hbaPeer{addr: netip.MustParseAddr("127.0.0.1"), user: "all", database: "y"}, 7},
		{hbaPeer{addr: netip.MustParseAddr("127.0.0.1"), user: "z", database: "replication"}, 0},
	} {
		got := 0
		if r := findHBA(rules, &k.p); r != nil {
			got = r.line
		}
		if got != k.line {
			t.Errorf("%+v: line %d, want %d", k.p, got, k.line)
		}
	}
	for _, bad := range []string{"nonsense all all trust", "host all", "host all all", "host all all 1.2.3.4/99 trust", "local all all", "local all all kerberos", "host all all 1.2.3.4 trust", `local "all all trust`} {
		if _, err := parseHBA(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
