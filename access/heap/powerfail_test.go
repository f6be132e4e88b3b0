package heap

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/powerfail"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xlog"
)

const sweepTxs = 14

// sweepStep is transaction n of the sweep's workload; the last statement of some
// is rolled back. It returns the rows that the commit makes.
func sweepStep(w *world, tx *xact.Tx, rel *access.Relation, n int, tids map[int]page.TID, rows map[int]string) error {
	for i := range 6 {
		id := n*10 + i
		v := fmt.Sprint(id, strings.Repeat("v", 40*i))
		tid, err := Insert(bg, tx, rel, row(id, v), InsertOptions{Command: tx.CommandID(true)})
		if err != nil {
			return err
		}
		rows[id], tids[id] = v, tid
	}
	if err := tx.NextCommand(); err != nil || n == 0 {
		return err
	}
	up, del := (n-1)*10+n%6, (n-1)*10+(n+1)%6
	v := fmt.Sprint("updated ", n, strings.Repeat("u", 30*n))
	res, u, _, err := Update(bg, tx, rel, tids[up], row(up, v), ChangeOptions{Command: tx.CommandID(true)})
	if err != nil || res != OK {
		return errors.Join(err, fmt.Errorf("update: %d", res))
	}
	rows[up], tids[up] = v, u.TID
	res, _, err = Delete(bg, tx, rel, tids[del], ChangeOptions{Command: tx.CommandID(true)})
	if err != nil || res != OK {
		return errors.Join(err, fmt.Errorf("delete: %d", res))
	}
	delete(rows, del)
	return nil
}

func sweepRun(fs *powerfail.FS, ack func(int)) error {
	if err := makeDirs(fs); err != nil {
		return err
	}
	w, err := openWorld(fs, 16, true)
	if err != nil {
		return err
	}
	defer w.pool.Close()
	defer w.sys.Log.Close()
	if err := w.sys.Xact.Checkpoint(); err != nil { // what initdb made is durable
		return err
	}
	rel := w.bareTable()
	if err := w.sm.Create(rel.Node, page.MainFork); err != nil {
		return err
	}
	tids := map[int]page.TID{}
	for n := range sweepTxs {
		tx := w.begin()
		if err := sweepStep(w, tx, rel, n, tids, map[int]string{}); err != nil {
			return err
		}
		if err := tx.Commit(bg); err != nil {
			return err
		}
		ack(n + 1)
		lost := w.begin()
		if _, err := Insert(bg, lost, rel, row(-n-1, "never"), InsertOptions{}); err != nil {
			return err
		}
		if n%4 == 2 {
			if err := w.pool.Checkpoint(bg, bufmgr.CheckpointFlags{All: true}, nil); err != nil {
				return err
			}
		}
		if err := lost.Abort(); err != nil {
			return err
		}
		if n%5 == 3 {
			tx := w.begin()
			_, err := Vacuum(bg, tx, rel, VacuumParams{FreezeTableAge: 1 << 30, MultiFreezeTableAge: 1 << 30, RelFrozenXID: 600, RelMinMulti: 1})
			if err := errors.Join(err, tx.Commit(bg)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *world) bareTable() *access.Relation {
	return &access.Relation{OID: 20000, Name: "t", Node: page.RelFileNode{Spc: 1663, DB: 5, Rel: 20000}, Backend: -1, Kind: 'r', Persistence: 'p',
		Desc: &access.TupleDesc{Attrs: []access.Attr{int4("id"), text("v")}}, Sys: w.sys, Pool: w.pool}
}

// sweepStates are the rows after each transaction.
func sweepStates(t *testing.T) []map[int]string {
	w := newWorld(t, 64, true)
	rel := w.bareTable()
	must(t, w.sm.Create(rel.Node, page.MainFork))
	rows, tids := map[int]string{}, map[int]page.TID{}
	out := []map[int]string{maps.Clone(rows)}
	for n := range sweepTxs {
		tx := w.begin()
		must(t, sweepStep(w, tx, rel, n, tids, rows))
		must(t, tx.Commit(bg))
		out = append(out, maps.Clone(rows))
	}
	return out
}

// TestPowerFail cuts the power at every step: after redo each committed row is
// there and no other, whatever happened to the sectors.
func TestPowerFail(t *testing.T) {
	states := sweepStates(t)
	w := powerfail.Workload[int]{Seeds: 4, Run: sweepRun, Check: func(fs *powerfail.FS, acked []int) error {
		done := 0
		if len(acked) > 0 {
			done = acked[len(acked)-1]
		} else if _, err := fs.Stat("pg_wal"); err != nil {
			return nil // the power went before there was a server
		} else if _, err := fs.Stat("pg_twophase"); err != nil {
			return nil
		}
		w, err := openWorld(fs, 64, true)
		if err != nil {
			if done == 0 {
				return nil
			}
			return err
		}
		defer w.pool.Close()
		defer w.sys.Log.Close()
		rel := w.bareTable()
		if ok, err := w.sm.Exists(rel.Node, page.MainFork); err != nil || !ok {
			if done > 0 {
				return errors.Join(err, errors.New("the table is gone"))
			}
			return nil
		}
		got, err := readAll(w, rel)
		if err != nil {
			return err
		}
		if !maps.Equal(got, states[done]) && (done == sweepTxs || !maps.Equal(got, states[done+1])) {
			return fmt.Errorf("%d rows, want %d", len(got), len(states[done]))
		}
		return nil
	}}
	w.Sweep(t)
	if testing.Short() {
		return
	}
	w.Every, w.Seeds = 2, 2
	// The sweep can fail: it misses the flush of every commit. Others cover no commit.
	count := powerfail.New()
	must(t, sweepRun(count, func(int) {}))
	inLog := func(names []string) (n int) {
		for _, s := range names {
			if strings.Contains(s, "pg_wal/0") {
				n++
			}
		}
		return n
	}
	if caught := inLog(count.Syncs()) - inLog(w.Missing(t)); caught < sweepTxs/2 {
		t.Errorf("only %d syncs of the log are missed", caught)
	}
}

func readAll(w *world, rel *access.Relation) (map[int]string, error) {
	tx := w.begin()
	defer tx.Abort()
	s, err := BeginScan(tx, rel, MVCC(tx.Snapshot()), ScanOptions{})
	if err != nil {
		return nil, err
	}
	out := map[int]string{}
	var v [2]datum.Datum
	for {
		ts, err := s.NextBatch()
		if err != nil || ts == nil {
			return out, err
		}
		for _, t := range ts {
			if err := access.Deform(rel.Desc, t.Data, 2, v[:], nil); err != nil {
				return nil, err
			}
			out[int(v[0].Int)] = v[1].Str()
		}
	}
}

// TestRewritePowerFail: the mappings that redo wrote are there after the next crash.
func TestRewritePowerFail(t *testing.T) {
	const n = 3
	rec := make([]byte, rewriteSize+n*mappingSize)
	le.PutUint32(rec[24:], n)
	for i := range n * mappingSize {
		rec[rewriteSize+i] = byte(1 + i)
	}
	w := powerfail.Workload[bool]{Seeds: 2, Run: func(f *powerfail.FS, ack func(bool)) error {
		err := errors.Join(f.Mkdir("pg_logical"), f.Mkdir(mappingsDir), f.SyncDir("/"), f.SyncDir("pg_logical"))
		if err == nil {
			err = (&RedoEnv{FS: f}).redoRewrite(&xlog.Decoded{Main: rec})
		}
		ack(true)
		return err
	}, Check: func(f *powerfail.FS, acked []bool) error {
		if len(acked) == 0 {
			return nil
		}
		list, err := f.List(mappingsDir)
		if err != nil || len(list) != 1 {
			return errors.Join(err, fmt.Errorf("%d files", len(list)))
		}
		b, err := vfs.ReadFile(f, mappingsDir+"/"+list[0].Name(), 1<<20)
		if err == nil && !bytes.Equal(b, rec[rewriteSize:]) {
			err = fmt.Errorf("%d bytes", len(b))
		}
		return err
	}}
	powerfail.EverySync(t, "heap.TestRewritePowerFail", []int{1}, w)
}
