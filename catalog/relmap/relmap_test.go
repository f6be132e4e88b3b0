package relmap

import (
	"testing"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/vfs/memfs"
)

func TestFlippedBits(t *testing.T) {
	m := &Map{}
	for i := range 10 {
		if err := m.Set(oid.OID(100+i), oid.OID(200+i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Set(103, 999); err != nil || m.Lookup(103) != 999 || m.Lookup(99) != 0 || m.Reverse(205) != 105 {
		t.Error("lookup")
	}
	b := m.Encode()
	if got, err := Decode(b); err != nil || len(got.Mappings()) != 10 || got.Lookup(109) != 209 {
		t.Errorf("%v %v", got, err)
	}
	for i := range (Size - 4) * 8 { // the last four bytes are padding
		b[i/8] ^= 1 << (i % 8)
		if _, err := Decode(b); err == nil {
			t.Fatalf("bit %d flipped and not noticed", i)
		}
		b[i/8] ^= 1 << (i % 8)
	}
	if _, err := Decode(b[:Size-1]); err == nil {
		t.Error("short file accepted")
	}
	full := &Map{}
	for i := range 63 {
		if err := full.Set(oid.OID(i+1), 1); (err != nil) != (i == 62) {
			t.Errorf("mapping %d: %v", i, err)
		}
	}
}

func TestWrite(t *testing.T) {
	fs := memfs.New()
	if err := fs.Mkdir("global"); err != nil {
		t.Fatal(err)
	}
	m := &Map{}
	if err := m.Set(1259, 4711); err != nil {
		t.Fatal(err)
	}
	if err := Write(fs, "global", m); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(fs, "global"); err != nil || got.Lookup(1259) != 4711 {
		t.Errorf("%v %v", got, err)
	}
}
