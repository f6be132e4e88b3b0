package heap

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/smgr"
)

// TestStockReadsOurPages hooks a table that we filled, changed and froze into a
// stock cluster: verify_heapam finds nothing wrong, and the rows are the same.
func TestStockReadsOurPages(t *testing.T) {
	pg := oracle.Find(t)
	c := pg.Initdb(t)
	c.Start("autovacuum=off")
	c.Psql("create extension amcheck; create table t (id int, v bytea); create table seed (x int); insert into seed values (1);")
	num := func(sql string) oid.OID {
		n, err := strconv.ParseUint(c.Psql(sql), 10, 32)
		must(t, err)
		return oid.OID(n)
	}
	db := num("select oid from pg_database where datname = 'postgres'")
	relID, toastID := num("select oid from pg_class where relname = 't'"), num("select reltoastrelid from pg_class where relname = 't'")
	c.Stop()

	w := newWorld(t, 2048, false)
	rel := w.tableAs(relID, toastID)
	rows := w.workload(rel, rand.New(rand.NewPCG(3, 4)), 80)
	for range 2 { // the first makes line pointers unused, the second freezes what is left
		w.vacuum(rel, 0)
		toast, _, _ := rel.Toast()
		w.vacuum(toast, 0)
	}
	for _, r := range []oid.OID{relID, toastID} {
		node := page.RelFileNode{Spc: 1663, DB: 5, Rel: r}
		var file []byte
		for blk, p := range w.pages(node, page.MainFork) {
			p.SetLSN(1 << 20) // older than anything in the cluster's log
			p.SetChecksum(page.ComputeChecksum(p, page.BlockNumber(blk)))
			file = append(file, p...)
		}
		node.DB = db
		path := filepath.Join(c.Data, smgr.Rel{RelFileNode: node, Backend: smgr.NoBackend}.Path(page.MainFork))
		must(t, os.WriteFile(path, file, 0o600))
	}
	pg.Own(t, c.Data)
	c.Start("autovacuum=off")
	c.Psql(fmt.Sprintf("reindex table pg_toast.pg_toast_%d", relID))
	if out := c.Psql("select * from verify_heapam('t', check_toast => true)"); out != "" {
		t.Fatalf("verify_heapam: %s", out)
	}
	if out := c.Psql(fmt.Sprintf("select * from verify_heapam('pg_toast.pg_toast_%d')", relID)); out != "" {
		t.Fatalf("verify_heapam of the TOAST table: %s", out)
	}
	var want []string
	for id, v := range rows {
		h := md5.Sum([]byte(v))
		want = append(want, strconv.Itoa(id)+"|"+hex.EncodeToString(h[:]))
	}
	got := strings.Split(c.Psql("select id, md5(v) from t"), "\n")
	if len(got) != len(want) {
		t.Errorf("stock sees %d rows, want %d", len(got), len(want))
	}
	slices.Sort(got)
	slices.Sort(want)
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("stock has %s, want %s", got[i], want[i])
		}
	}
}

// tableAs is table with the OIDs that stock gave.
func (w *world) tableAs(rel, toast oid.OID) *access.Relation {
	r := w.table(rel)
	old, _, _ := r.Toast()
	tr := &access.Relation{OID: toast, Name: old.Name, Node: old.Node, Backend: -1, Kind: 't', Persistence: 'p', Desc: old.Desc, Sys: w.sys, Pool: w.pool}
	tr.Node.Rel = toast
	if ok, _ := w.sm.Exists(tr.Node, page.MainFork); !ok {
		must(w.t, w.sm.Create(tr.Node, page.MainFork))
	}
	r.ToastOID = toast
	r.Toast = func() (*access.Relation, *access.Relation, error) { return tr, nil, nil }
	return r
}
