package types

import (
	"testing"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/oid"
)

// FuzzInput: no text makes an input function panic, and what it accepts prints.
func FuzzInput(f *testing.F) {
	for _, l := range texts {
		for _, s := range l {
			f.Add([]byte(s))
		}
	}
	f.Fuzz(func(t *testing.T, s []byte) {
		e := NewEnv()
		for o, ti := range builtIn {
			if ti.Type != 'b' {
				continue
			}
			in, ok := In(ti.In)
			if !ok || o == oid.RegType {
				continue
			}
			d, err := in(e, append([]byte(nil), s...), ti.ioParam(), -1)
			if err != nil {
				continue
			}
			if _, err := e.Output(nil, o, d); err != nil {
				t.Errorf("%s %q: %v", ti.Name, s, err)
			}
		}
	})
}

// FuzzRecv: no message makes a receive function panic, and what it accepts
// prints.
func FuzzRecv(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 5})
	f.Add([]byte{0, 2, 0, 0, 0, 0, 0, 4, 0, 1, 0x13, 0x88})
	f.Fuzz(func(t *testing.T, b []byte) {
		e := NewEnv()
		for o, ti := range builtIn {
			r, ok := Recv(ti.Recv)
			if !ok || ti.Type != 'b' {
				continue
			}
			d, err := r(e, append([]byte(nil), b...), ti.ioParam(), -1)
			if err != nil {
				continue
			}
			if _, err := e.Output(nil, o, d); err != nil {
				t.Errorf("%s %x: %v", ti.Name, b, err)
			}
		}
	})
}

// FuzzPayload: damaged payloads of any type do not make output panic.
func FuzzPayload(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0})
	f.Add(array.Vector(oid.Oid, []int64{1, 2}))
	f.Fuzz(func(t *testing.T, b []byte) {
		e := NewEnv()
		for _, ti := range builtIn {
			if ti.ByVal || ti.Len > 0 && len(b) != int(ti.Len) {
				continue
			}
			out, ok := Out(ti.Out)
			if !ok {
				continue
			}
			d := datum.Bytes(b)
			out(e, nil, d)
			if s, ok := Send(ti.Send); ok {
				s(e, nil, d)
			}
		}
	})
}
