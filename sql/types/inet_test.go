package types

import "testing"

func TestInet(t *testing.T) {
	e := NewEnv()
	for in, want := range map[string]string{"127.0.0.1": "127.0.0.1", "10.0.0.0/8": "10.0.0.0/8", "::1": "::1", "fe80::/10": "fe80::/10", "1.2.3.4/32": "1.2.3.4"} {
		d, err := inetIn(e, []byte(in), 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		out, err := inetOut(e, nil, d)
		if err != nil || string(out) != want {
			t.Errorf("%s: %s %v", in, out, err)
		}
		b, err := inetSend(e, nil, d)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := inetRecv(e, b, 0, -1); err != nil || string(r.Bytes) != string(d.Bytes) {
			t.Errorf("%s: %v %v", in, r, err)
		}
	}
	for _, in := range []string{"", "1.2.3", "1.2.3.4/33", "x", "::1%lo"} {
		if _, err := inetIn(e, []byte(in), 0, -1); err == nil {
			t.Errorf("%q is taken", in)
		}
	}
}
