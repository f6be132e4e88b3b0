package powerfail

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"testing"

	"github.com/pgmini/pgmini/vfs"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func read(f vfs.FS, name string) string {
	b, err := vfs.ReadFile(f, name, 1<<20)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// TestStrict: what was synced is always there; what was not is sometimes there
// and sometimes not, each piece by itself.
func TestStrict(t *testing.T) {
	f := New()
	f.Torn = true
	must(t, f.Mkdir("d"))
	must(t, f.SyncDir("/"))
	h, err := f.Open("d/a", vfs.Write|vfs.Create)
	must(t, err)
	old, fresh := bytes.Repeat([]byte{'o'}, 2048), bytes.Repeat([]byte{'n'}, 2048)
	_, err = h.WriteAt(old, 0)
	must(t, err)
	must(t, h.Sync())
	must(t, f.SyncDir("d"))
	_, err = h.WriteAt(fresh, 0)
	must(t, err)
	must(t, vfs.WriteFile(f, "d/b", []byte("bytes are synced, the name is not")))
	must(t, f.Rename("d/b", "d/c"))
	must(t, f.Mkdir("lost"))
	must(t, vfs.WriteFile(f, "lost/x", []byte("x")))
	must(t, f.SyncDir("lost"))

	seen := map[string]int{}
	for seed := range 200 {
		g := f.Crash(rand.New(rand.NewPCG(1, uint64(seed))))
		b := read(g, "d/a")
		if len(b) != 2048 {
			t.Fatalf("a synced file has %d bytes", len(b))
		}
		for s := 0; s < 2048; s += 512 {
			switch p := []byte(b[s : s+512]); {
			case bytes.Equal(p, old[:512]):
				seen["old"]++
			case bytes.Equal(p, fresh[:512]):
				seen["new"]++
			default:
				seen["garbage"]++
			}
		}
		_, eb := g.Stat("d/b")
		_, ec := g.Stat("d/c")
		seen[fmt.Sprintf("b:%v c:%v", eb == nil, ec == nil)]++
		_, el := g.Stat("lost/x")
		seen[fmt.Sprintf("lost:%v", el == nil)]++
	}
	for _, k := range []string{"old", "new", "garbage", "b:true c:false", "b:false c:true", "b:false c:false", "lost:true", "lost:false"} {
		if seen[k] == 0 {
			t.Errorf("%q never happened: %v", k, seen)
		}
	}
	if seen["b:true c:true"] != 0 {
		t.Error("a rename showed both names")
	}
}

// TestTornKeepsNeighbours: a byte of four transactions' states, one of which is
// written anew, keeps the other three.
func TestTornKeepsNeighbours(t *testing.T) {
	f := New()
	f.Torn = true
	h, err := f.Open("a", vfs.Write|vfs.Create)
	must(t, err)
	_, err = h.WriteAt(bytes.Repeat([]byte{0b01_10_01_00}, 2048), 0)
	must(t, err)
	must(t, h.Sync())
	must(t, f.SyncDir("/"))
	_, err = h.WriteAt(bytes.Repeat([]byte{0b01_10_01_11}, 2048), 0)
	must(t, err)
	seen := map[byte]bool{}
	for seed := range 100 {
		for _, b := range []byte(read(f.Crash(rand.New(rand.NewPCG(3, uint64(seed)))), "a")) {
			if b>>2 != 0b01_10_01 {
				t.Fatalf("a neighbour of what was written changed: %08b", b)
			}
			seen[b&3] = true
		}
	}
	if len(seen) != 4 {
		t.Errorf("torn bits were only %v", seen)
	}
}

func TestSameSeedSameDisk(t *testing.T) {
	f := New()
	for i := range 20 {
		must(t, vfs.WriteFile(f, fmt.Sprint(i), bytes.Repeat([]byte{byte(i)}, 3000)))
		h, err := f.Open(fmt.Sprint(i), vfs.Write)
		must(t, err)
		_, err = h.WriteAt(bytes.Repeat([]byte{0xFF}, 3000), 100)
		must(t, err)
	}
	show := func() (s string) {
		g := f.Crash(rand.New(rand.NewPCG(7, 7)))
		for i := range 20 {
			s += read(g, fmt.Sprint(i))
		}
		return s
	}
	if show() != show() {
		t.Error("two crashes with one seed differ")
	}
}

func TestFailedSyncLosesData(t *testing.T) {
	f := New()
	h, err := f.Open("a", vfs.Write|vfs.Create) // step 1
	must(t, err)
	must(t, f.SyncDir("/")) // 2
	_, err = h.WriteAt([]byte("data"), 0)
	must(t, err) // 3
	f.FailAt = 4
	if err := h.Sync(); !errors.Is(err, ErrSync) {
		t.Fatalf("got %v", err)
	}
	if f.Lost() != "a" {
		t.Errorf("lost %q", f.Lost())
	}
	must(t, h.Sync()) // the kernel reports success, and the data is gone
	if read(f, "a") != "data" {
		t.Error("the cache forgot")
	}
	for seed := range 10 {
		if got := read(f.Crash(rand.New(rand.NewPCG(0, uint64(seed)))), "a"); got != "" {
			t.Fatalf("after the crash: %q", got)
		}
	}
}

func TestBudget(t *testing.T) {
	f := New()
	f.SetBudget(10)
	if err := vfs.WriteFile(f, "a", make([]byte, 11)); err == nil {
		t.Error("11 bytes on a disk of 10")
	}
	must(t, vfs.WriteFile(f, "a", make([]byte, 10)))
	must(t, f.Remove("a"))
	must(t, vfs.WriteFile(f, "b", make([]byte, 10)))
}

// replace is the workload of the sweeps: it replaces a file again and again.
func replace(do func(f vfs.FS, name string, data []byte) error) Workload[int] {
	text := func(i int) []byte { return bytes.Repeat([]byte(fmt.Sprintf("%04d", i)), 400) }
	return Workload[int]{
		Seeds: 8,
		Run: func(f *FS, ack func(int)) error {
			if err := errors.Join(f.Mkdir("d"), f.SyncDir("/")); err != nil {
				return err
			}
			for i := range 3 {
				if err := do(f, "d/state", text(i)); err != nil {
					return err
				}
				ack(i)
			}
			return nil
		},
		Check: func(f *FS, acked []int) error {
			b, err := vfs.ReadFile(f, "d/state", 1<<20)
			if errors.Is(err, fs.ErrNotExist) && len(acked) == 0 {
				return nil
			}
			if err != nil {
				return err
			}
			for i := len(acked) - 1; i < 3; i++ {
				if i >= 0 && bytes.Equal(b, text(i)) {
					return nil
				}
			}
			return fmt.Errorf("state is %d bytes %.8q", len(b), b)
		},
	}
}

func TestDurableReplace(t *testing.T) { replace(vfs.DurableReplace).Sweep(t) }

// TestCatchesMissingSyncs: with any one sync left out, the sweep goes red.
func TestCatchesMissingSyncs(t *testing.T) {
	if left := replace(vfs.DurableReplace).Missing(t); len(left) != 0 {
		t.Errorf("not missed: %q", left)
	}
	// An extra sync is reported as one that is not needed.
	extra := func(f vfs.FS, name string, data []byte) error {
		return errors.Join(vfs.DurableReplace(f, name, data), f.SyncDir("/"))
	}
	if left := replace(extra).Missing(t); len(left) == 0 {
		t.Error("a useless sync was called useful")
	}
}

func TestDurableRename(t *testing.T) {
	w := replace(func(f vfs.FS, name string, data []byte) error {
		h, err := f.Open("new", vfs.Write|vfs.Create|vfs.Trunc)
		if err != nil {
			return err
		}
		if _, err := h.WriteAt(data, 0); err != nil {
			return err
		}
		return vfs.DurableRename(f, "new", name)
	})
	w.Sweep(t)
}

// TestKill: a killed process leaves all that it wrote; what it had not synced can
// still be lost.
func TestKill(t *testing.T) {
	f := New()
	f.CutIn(4)
	must(t, vfs.WriteFile(f, "a", []byte("synced"))) // create, write, sync
	if err := vfs.WriteFile(f, "b", []byte("not")); !errors.Is(err, ErrPowerOff) || !f.Off() {
		t.Fatal(err)
	}
	g := f.Kill()
	if got := read(g, "a"); got != "synced" {
		t.Errorf("%q after a kill", got)
	}
	h, err := g.Open("a", vfs.Write)
	must(t, err)
	_, err = h.WriteAt([]byte("SYN"), 0)
	must(t, err)
	must(t, g.SyncDir("/"))
	k := g.Kill()
	lost, kept := 0, 0
	for seed := range 50 {
		switch got := read(k.Crash(rand.New(rand.NewPCG(2, uint64(seed)))), "a"); got {
		case "synced":
			lost++
		case "SYNced":
			kept++
		default:
			t.Errorf("%q", got)
		}
	}
	if lost == 0 || kept == 0 {
		t.Errorf("the write before the kill was lost %d times, kept %d times", lost, kept)
	}
}
