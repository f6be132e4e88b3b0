package regress

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgmini/pgmini/internal/oracle"
)

// registers is how many rows the transactions of TestSerializableHistories work on.
const registers = 40

// done is a committed transaction: which versions it saw and made. A version is
// named by the transaction that wrote it; 0 is the row that is not there yet.
type committedTx struct {
	id     int
	reads  map[int]int
	writes map[int]int // the version that it replaced
}

// actor runs random transactions on one connection.
type actor struct {
	conn  *pgconn.PgConn
	r     *rand.Rand
	level string
	ids   *idSource
	log   []committedTx
	tries int
}

type idSource struct {
	sync.Mutex
	n int
}

func (s *idSource) next() int {
	s.Lock()
	defer s.Unlock()
	s.n++
	return s.n
}

func (a *actor) exec(sql string) ([][2]int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var rows [][2]int
	rs, err := a.conn.Exec(ctx, sql).ReadAll()
	for _, q := range rs {
		for _, r := range q.Rows {
			k, err1 := strconv.Atoi(string(r[0]))
			v, err2 := strconv.Atoi(string(r[1]))
			if err1 != nil || err2 != nil {
				return nil, errors.Join(err1, err2)
			}
			rows = append(rows, [2]int{k, v})
		}
	}
	return rows, err
}

// plans make the same reads go different ways.
//
// constant
var plans = []string{
	"set local enable_seqscan = on", "set local enable_seqscan = off; set local enable_bitmapscan = off",
	"set local enable_seqscan = off; set local enable_indexscan = off; set local enable_indexonlyscan = off",
}

// run does one transaction; an error means that it was rolled back.
func (a *actor) run() error {
	a.tries++
	tx := committedTx{a.ids.next(), map[int]int{}, map[int]int{}}
	begin := "begin isolation level " + a.level
	ro := a.r.IntN(5) == 0
	if ro {
		begin += " read only"
	}
	if _, err := a.exec(begin + "; " + plans[a.r.IntN(len(plans))]); err != nil {
		return err
	}
	for range 1 + a.r.IntN(4) {
		var err error
		if from := a.r.IntN(registers); ro || a.r.IntN(2) == 0 {
			err = a.read(&tx, from, min(registers-1, from+a.r.IntN(4)))
		} else {
			err = a.write(&tx, from)
		}
		if err != nil {
			return err
		}
	}
	if _, err := a.exec("commit"); err != nil {
		return err
	}
	a.log = append(a.log, tx)
	return nil
}

func (a *actor) read(tx *committedTx, from, to int) error {
	rows, err := a.exec(fmt.Sprintf("select k, v from reg where k between %d and %d", from, to))
	if err != nil {
		return err
	}
	for k := from; k <= to; k++ {
		v := 0
		for _, r := range rows {
			if r[0] == k {
				v = r[1]
			}
		}
		if _, own := tx.writes[k]; !own {
			tx.reads[k] = v
		}
	}
	return nil
}

func (a *actor) write(tx *committedTx, k int) error {
	if _, own := tx.writes[k]; own {
		return nil
	}
	if err := a.read(tx, k, k); err != nil {
		return err
	}
	sql := fmt.Sprintf("update reg set v = %d where k = %d", tx.id, k)
	if tx.reads[k] == 0 {
		sql = fmt.Sprintf("insert into reg (k, v) values (%d, %d)", k, tx.id)
	}
	tx.writes[k] = tx.reads[k]
	_, err := a.exec(sql)
	return err
}

// cycleOf looks for a cycle in the dependencies of committed transactions.
func cycleOf(log []committedTx) string {
	next := map[[2]int]int{} // register and version to the version after it
	for _, t := range log {
		for k, old := range t.writes {
			next[[2]int{k, old}] = t.id
		}
	}
	edges := map[int][]int{}
	for _, t := range log {
		for k, v := range t.reads {
			if v != 0 && v != t.id {
				edges[v] = append(edges[v], t.id)
			}
			if w, ok := next[[2]int{k, v}]; ok && w != t.id {
				edges[t.id] = append(edges[t.id], w)
			}
		}
	}
	state := map[int]int{}
	var visit func(n int) string
	visit = func(n int) string {
		state[n] = 1
		for _, m := range edges[n] {
			switch state[m] {
			case 0:
				if c := visit(m); c != "" {
					return strconv.Itoa(n) + " → " + c
				}
			case 1:
				return fmt.Sprintf("%d → %d", n, m)
			}
		}
		state[n] = 2
		return ""
	}
	for _, t := range log {
		if state[t.id] == 0 {
			if c := visit(t.id); c != "" {
				return c
			}
		}
	}
	return ""
}

// history runs concurrent transactions for a while and returns the committed ones.
func runHistory(t *testing.T, s target, level string, seed uint64, rounds int) (log []committedTx, tries int) {
	setup := connect(t, s)
	if out := answer(setup, `drop table if exists reg; create table reg (k int, v int, pad text default repeat('x', 400));
		create unique index on reg (k) include (pad)`); out != "" {
		t.Fatal(out)
	}
	ids := &idSource{}
	var wg sync.WaitGroup
	actors := make([]*actor, 6)
	for i := range actors {
		a := &actor{conn: connect(t, s), r: rand.New(rand.NewPCG(seed, uint64(i))), level: level, ids: ids}
		actors[i] = a
		wg.Go(func() {
			for range rounds {
				err := a.run()
				if err == nil {
					continue
				}
				e, ok := errors.AsType[*pgconn.PgError](err)
				if !ok || !strings.HasPrefix(e.Code, "40") && e.Code != "23505" {
					t.Error(err)
					return
				}
				if _, err := a.exec("rollback"); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range rounds / 10 {
		answer(setup, "vacuum reg")
		time.Sleep(20 * time.Millisecond)
	}
	wg.Wait()
	for _, a := range actors {
		log, tries = append(log, a.log...), tries+a.tries
		a.conn.Close(context.Background())
	}
	return log, tries
}

// TestSerializableHistories: whatever concurrent SERIALIZABLE transactions commit
// has a serial order. The same transactions at REPEATABLE READ do not: the test
// can fail.
func TestSerializableHistories(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if v := os.Getenv("PGMINI_SEED"); v != "" {
		var err error
		if seed, err = strconv.ParseUint(v, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("PGMINI_SEED=%d", seed)
	s := oracle.BuildPgmini(t, oracle.Find(t)).Initdb(t)
	s.Start()
	for round := range uint64(4) {
		log, tries := runHistory(t, s, "serializable", seed+round, 60)
		t.Logf("%d of %d transactions committed", len(log), tries)
		if c := cycleOf(log); c != "" {
			t.Errorf("no serial order: %s", c)
		}
	}
	weak := ""
	for round := uint64(0); round < 20 && weak == ""; round++ {
		log, _ := runHistory(t, s, "repeatable read", seed+round, 60)
		weak = cycleOf(log)
	}
	if weak == "" {
		t.Error("the same transactions at repeatable read have a serial order too: the test is too tame")
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}
