package recovery

import (
	"testing"

	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/memfs"
)

// TestResetUnloggedAtTheEnd: forks that came through a crash which lost the init
// fork's name go when redo has made that again; an old map would call new pages
// all-visible.
func TestResetUnloggedAtTheEnd(t *testing.T) {
	f := memfs.New()
	must(t, vfs.MkdirAll(f, "base/5"))
	for name, text := range map[string]string{"30000": "old", "30000.1": "old", "30000_vm": "old", "30000_fsm": "old", "30000_init": "new", "30001": "other"} {
		must(t, vfs.WriteFile(f, "base/5/"+name, []byte(text)))
	}
	must(t, resetUnlogged(f, copyInits))
	list, err := f.List("base/5")
	must(t, err)
	got := map[string]string{}
	for _, e := range list {
		b, err := vfs.ReadFile(f, "base/5/"+e.Name(), 100)
		must(t, err)
		got[e.Name()] = string(b)
	}
	if len(got) != 3 || got["30000"] != "new" || got["30000_init"] != "new" || got["30001"] != "other" {
		t.Errorf("left: %v", got)
	}
}
