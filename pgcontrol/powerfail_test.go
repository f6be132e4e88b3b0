package pgcontrol

import (
	"fmt"
	"testing"
	"time"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/vfs/powerfail"
)

func updates() powerfail.Workload[lsn.LSN] {
	return powerfail.Workload[lsn.LSN]{
		Run: func(fs *powerfail.FS, ack func(lsn.LSN)) error {
			if err := fs.Mkdir("global"); err != nil {
				return err
			}
			if err := fs.SyncDir("."); err != nil {
				return err
			}
			c := sample()
			for at := lsn.LSN(1); at <= 4; at++ {
				c.CheckPoint = at
				if err := Write(fs, c, time.Unix(1, 0)); err != nil {
					return err
				}
				ack(at)
			}
			return nil
		},
		Check: func(fs *powerfail.FS, acked []lsn.LSN) error {
			if len(acked) == 0 {
				return nil
			}
			c, err := Read(fs)
			if err != nil {
				return err
			}
			if last := acked[len(acked)-1]; c.CheckPoint != last && c.CheckPoint != last+1 {
				return fmt.Errorf("checkpoint %s, %s was acknowledged", c.CheckPoint, last)
			}
			return nil
		},
		Seeds: 8,
	}
}

func TestWritePowerFail(t *testing.T) {
	updates().Sweep(t)
	for _, s := range updates().Missing(t) {
		t.Errorf("without sync %s the sweep stays green", s)
	}
}

// TestOverwritePowerFail: on a full disk the file is overwritten, and an update that
// was acknowledged stays. That one sector is written whole is what it trusts in.
func TestOverwritePowerFail(t *testing.T) {
	w := updates()
	run := w.Run
	w.Run = func(fs *powerfail.FS, ack func(lsn.LSN)) error {
		if err := run(fs, ack); err != nil {
			return err
		}
		fs.SetBudget(0)
		c := sample()
		c.CheckPoint = 5
		if err := Write(fs, c, time.Unix(1, 0)); err != nil {
			return err
		}
		ack(5)
		return nil
	}
	w.Seeds = 2 // no torn sectors
	powerfail.EverySync(t, "pgcontrol.TestOverwritePowerFail", []int{1}, w)
}
