package crashmodel

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/vfs"
)

// judge has stock PostgreSQL recover what the next crash leaves, look for damage
// with amcheck, and count each client's transactions. Our own recovery must then
// find as many: the crash is taken twice with the same luck.
func (w *world) judge(pg *oracle.PG, seed uint64) {
	w.t.Helper()
	left := w.fs.Crash(rand.New(rand.NewPCG(seed, 9)))
	dir := filepath.Join(pg.TempDir(w.t), "data")
	w.must("copy", copyOut(left, ".", dir))
	w.must("copy", os.RemoveAll(filepath.Join(dir, "postmaster.pid")))
	pg.Own(w.t, dir)
	c := pg.Cluster(w.t, dir)
	if err := c.TryStart("autovacuum=off"); err != nil {
		if strings.Contains(c.Log(), "could not create file") && strings.Contains(c.Log(), "File exists") {
			// The name of an unlogged table's main fork survived and that of its init
			// fork did not: stock's recovery cannot overwrite the one with the other. A
			// file system with a journal keeps their order, which is stock's too.
			w.spared++
			w.fs = w.fs.Crash(rand.New(rand.NewPCG(seed, 9)))
			return
		}
		w.fatal("stock PostgreSQL does not start", fmt.Errorf("%w\n%s", err, c.Log()))
	}
	defer c.Stop()
	ask := func(sql string) string {
		w.t.Helper()
		out, err := c.TryPsql("postgres", sql)
		if err != nil {
			w.fatal("stock PostgreSQL", fmt.Errorf("%s: %w\n%s", sql, err, out))
		}
		return strings.TrimSpace(out)
	}
	ask("create extension amcheck")
	ask(`select bt_index_parent_check(c.oid, true) from pg_class c join pg_index i on i.indexrelid = c.oid
		where c.relam = 403 and c.relpersistence = 'p' and i.indisvalid`)
	if out := ask(`select c.relname, v.* from pg_class c, verify_heapam(c.oid) v where c.relkind in ('r', 't') and c.relpersistence = 'p'`); out != "" {
		w.fatal("verify_heapam", fmt.Errorf("%s", out))
	}
	if sum := ask("select sum(balance) from accounts"); sum != strconv.Itoa(accounts*initial) {
		w.fatal("stock PostgreSQL", fmt.Errorf("the accounts hold %s", sum))
	}
	w.stock = make([]int, len(w.clients))
	for i := range w.clients {
		n, err := strconv.Atoi(ask(fmt.Sprintf("select count(*) from history where id / %d = %d", histStride, i)))
		w.must("count", err)
		w.stock[i] = n
	}
	w.judged++
	w.fs = w.fs.Crash(rand.New(rand.NewPCG(seed, 9)))
}

// copyOut copies a folder to the disk.
func copyOut(f vfs.FS, from, to string) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	list, err := f.List(from)
	if err != nil {
		return err
	}
	for _, e := range list {
		p, q := from+"/"+e.Name(), filepath.Join(to, e.Name())
		switch {
		case e.IsDir():
			err = copyOut(f, p, q)
		case e.Type()&fs.ModeSymlink != 0:
			return fmt.Errorf("%s is a link", p)
		default:
			var b []byte
			if b, err = vfs.ReadFile(f, p, 1<<30); err == nil {
				err = os.WriteFile(q, b, 0o600)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// stockEvery is every how many generations stock PostgreSQL judges; 0 is never.
func stockEvery(t testing.TB) (int, *oracle.PG) {
	n, err := strconv.Atoi(os.Getenv("PGMINI_CRASH_STOCK"))
	if err != nil || n <= 0 {
		return 0, nil
	}
	return n, oracle.Find(t)
}
