package engine

import (
	"io/fs"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/pgmini/pgmini/checkpointer"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/xact"
)

// keeper is a file system that lets nothing be removed of the relations and the
// log, as another user's immutable files do.
type keeper struct {
	vfs.FS
	refused atomic.Int32
}

func (k *keeper) Remove(name string) error {
	if strings.HasPrefix(name, "base/") || strings.HasPrefix(name, "pg_wal/0") {
		if _, err := k.Lstat(name); err != nil {
			return err
		}
		k.refused.Add(1)
		return &fs.PathError{Op: "remove", Path: name, Err: syscall.EPERM}
	}
	return k.FS.Remove(name)
}

// TestRemoveRefused: a file that cannot be removed is a warning, in a commit and in
// a checkpoint.
func TestRemoveRefused(t *testing.T) {
	base := smallBase(t)
	k := &keeper{FS: base}
	log := new(logBuffer)
	opt := sweepOptions(k)
	opt.Logger = log.logger()
	opt.Settings.WALRecycle = func() bool { return false }
	i, err := Open(bg, opt)
	must(t, err)
	s := newStore(i, sweepNode)
	b := &script{model: map[int]string{}}
	b.tx(true, func(s *store, tx *xact.Tx) error { return s.create(tx) })
	b.insert(true, 0, 100, value(0))
	b.fillSegments(6000, 14)
	b.tx(true, func(s *store, tx *xact.Tx) error {
		if _, err := tx.XID(); err != nil {
			return err
		}
		s.drop(tx)
		return nil
	})
	b.checkpoint()
	b.checkpoint()
	for _, st := range b.steps {
		must(t, st.do(i, s))
	}
	if k.refused.Load() == 0 {
		t.Error("nothing was removed")
	}
	log.has(t, `could not remove file \"base/5/20000_fsm\"`, `could not remove file \"base/5/20000\"`, `could not remove file \"pg_wal/0`)
	must(t, i.Err())
	must(t, i.Stop(Fast))
	i, err = Open(bg, sweepOptions(base))
	must(t, err)
	must(t, i.Checkpoint(bg, checkpointer.Immediate|checkpointer.Force))
	must(t, i.Stop(Fast))
}
