package osmem

import "testing"

func TestBlocks(t *testing.T) {
	a, err := New(3, 8192)
	if err != nil {
		t.Fatal(err)
	}
	b := a.Block(1)
	if len(b) != 8192 || cap(b) != 8192 {
		t.Fatalf("length %d, capacity %d", len(b), cap(b))
	}
	b[0], b[8191] = 1, 2
	_ = append(b, 9) // moves away instead of reaching block 2
	if a.Block(2)[0] != 0 || a.Block(1)[8191] != 2 {
		t.Error("an append reached the next block")
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if err := a.Close(); err != nil {
		t.Error("second close:", err)
	}
	for _, c := range [][2]int{{0, 1}, {1, 0}, {1 << 40, 1 << 20}} {
		if _, err := New(c[0], c[1]); err == nil {
			t.Errorf("%v was mapped", c)
		}
	}
}
