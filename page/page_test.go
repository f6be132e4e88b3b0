package page

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// FuzzPage: nothing panics on a page that Check accepted, and items stay within
// their bounds (INV-PAGE-1).
func FuzzPage(f *testing.F) {
	good := make(Page, Size)
	good.Init(16)
	for i := range 5 {
		if err := good.PutItem(OffsetNumber(i+1), bytes.Repeat([]byte{1}, 30+i)); err != nil {
			f.Fatal(err)
		}
	}
	f.Add([]byte(good), uint16(3))
	f.Add([]byte(good[:40]), uint16(1))
	f.Add([]byte{}, uint16(0))
	f.Fuzz(func(t *testing.T, head []byte, n uint16) {
		p := make(Page, Size)
		copy(p, head)
		ComputeChecksum(p, 1)
		if Check(p) != nil {
			return
		}
		for o := OffsetNumber(0); o <= p.NumItems()+1; o++ {
			b, err := p.Item(o)
			if err == nil && (len(b) == 0 || cap(b) != len(b) || len(b) > p.SpecialOff()-p.Upper()) {
				t.Fatalf("item %d has %d bytes, capacity %d", o, len(b), cap(b))
			}
		}
		p.FreeSpace()
		p.ExactFreeSpace()
		if !p.IsNew() {
			p.Special()
			p.FreeOffset()
			q := slices.Clone(p)
			if q.Compact(); p.CheckItems() == nil && q.CheckItems() != nil {
				t.Fatal("Compact broke the page")
			}
			if p.PutItem(OffsetNumber(n), head[:min(len(head), 100)]) == nil && Check(p) != nil {
				t.Fatal("PutItem broke the page")
			}
			if p.InsertItem(OffsetNumber(n), head[:min(len(head), 100)]) == nil && Check(p) != nil {
				t.Fatal("InsertItem broke the page")
			}
		}
	})
}

func TestItems(t *testing.T) {
	p := make(Page, Size)
	p.Init(16)
	if err := p.InsertItem(1, []byte("b")); err != nil {
		t.Fatal(err)
	}
	if err := p.InsertItem(1, []byte("a")); err != nil {
		t.Fatal(err)
	}
	if err := p.PutItem(3, []byte("c")); err != nil {
		t.Fatal(err)
	}
	if err := p.PutItem(3, []byte("c")); err == nil {
		t.Error("an item in use was overwritten")
	}
	for i, want := range []string{"a", "b", "c"} {
		if b, err := p.Item(OffsetNumber(i + 1)); err != nil || string(b) != want {
			t.Errorf("item %d is %q, %v", i+1, b, err)
		}
	}
	if p.InsertItem(1, make([]byte, Size)) == nil || p.NumItems() != 3 {
		t.Error("an item larger than the page was taken")
	}
}

// TestCompact removes items at random and compacts: the others keep their bytes
// and their numbers.
func TestCompact(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		p := make(Page, Size)
		p.Init(0)
		want := map[OffsetNumber]string{}
		for o := OffsetNumber(1); ; o++ {
			s := fmt.Sprintf("%d%s", o, bytes.Repeat([]byte{'z'}, rng.IntN(200)))
			if p.PutItem(o, []byte(s)) != nil {
				break
			}
			want[o] = s
		}
		free := p.ExactFreeSpace()
		for o := range want {
			if rng.IntN(2) == 0 {
				free += MaxAlign(len(want[o]))
				p.SetItemID(o, 0)
				delete(want, o)
			}
		}
		p.SetFlag(HasFreeLines)
		p.Compact()
		if p.ExactFreeSpace() != free {
			t.Errorf("free %d, want %d", p.ExactFreeSpace(), free)
		}
		for o, s := range want {
			if b, err := p.Item(o); err != nil || string(b) != s {
				t.Fatalf("item %d is %q, %v", o, b, err)
			}
		}
		if err := Check(p); err != nil {
			t.Error(err)
		}
	}
}
