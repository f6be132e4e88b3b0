package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgmini/pgmini/internal/oracle"
)

// rounds is PGMINI_CRASH_ROUNDS, 3 without it.
func rounds(t *testing.T) int {
	s := os.Getenv("PGMINI_CRASH_ROUNDS")
	if s == "" {
		return 3
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		t.Fatalf("PGMINI_CRASH_ROUNDS=%s", s)
	}
	return n
}

func seed(t *testing.T) uint64 {
	n := uint64(time.Now().UnixNano())
	if s := os.Getenv("PGMINI_SEED"); s != "" {
		var err error
		if n, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("PGMINI_SEED=%d", n)
	return n
}

// recorder inserts rows with rising numbers and remembers which commits the
// server acknowledged, and which transactions were rolled back.
type recorder struct {
	client int
	next   int
	mu     sync.Mutex
	acked  map[int]bool
	undone map[int]bool
}

func newRecorder(client int) *recorder {
	return &recorder{client: client, next: client * 1_000_000, acked: map[int]bool{}, undone: map[int]bool{}}
}

func (r *recorder) note(m map[int]bool, ids ...int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		m[id] = true
	}
}

// run works until the server is gone: single statements, transactions of two
// rows with a savepoint that is rolled back, and transactions that are rolled
// back whole.
func (r *recorder) run(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	const insert = "insert into acks values ($1, $2)"
	for n := 0; ; n++ {
		id := r.next
		r.next += 4
		pad := strings.Repeat("x", n%7*500)
		switch n % 5 {
		default:
			if _, err = conn.Exec(ctx, insert, id, pad); err == nil {
				r.note(r.acked, id)
			}
		case 3:
			err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
				if _, err := tx.Exec(ctx, insert, id, pad); err != nil {
					return err
				}
				sub, err := tx.Begin(ctx)
				if err != nil {
					return err
				}
				if _, err = sub.Exec(ctx, insert, id+1, pad); err != nil {
					return err
				}
				if err := sub.Rollback(ctx); err != nil {
					return err
				}
				_, err = tx.Exec(ctx, insert, id+2, "")
				return err
			})
			if err == nil {
				r.note(r.acked, id, id+2)
			}
			r.note(r.undone, id+1)
		case 4:
			r.note(r.undone, id)
			undo := errors.New("undo")
			err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
				if _, err := tx.Exec(ctx, insert, id, pad); err != nil {
					return err
				}
				return undo
			})
			if errors.Is(err, undo) {
				err = nil
			}
		}
		if err != nil {
			return err
		}
	}
}

// check compares the table with what the recorder knows.
func (r *recorder) check(t *testing.T, rows map[int]bool) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range r.acked {
		if !rows[id] {
			t.Errorf("client %d: commit %d was acknowledged and is missing", r.client, id)
		}
	}
	for id := range r.undone {
		if rows[id] {
			t.Errorf("client %d: row %d was rolled back and is there", r.client, id)
		}
	}
}

// ids are the rows of acks.
func ids(t *testing.T, out string) map[int]bool {
	t.Helper()
	rows := map[int]bool{}
	for _, f := range strings.Fields(out) {
		n, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		rows[n] = true
	}
	return rows
}

const (
	sums = `select (select sum(abalance) from pgbench_accounts), (select sum(bbalance) from pgbench_branches),
		(select sum(tbalance) from pgbench_tellers), (select coalesce(sum(delta), 0) from pgbench_history)`
	// rowsOf is what both servers must see: counts and sums that any lost or
	// doubled row changes.
	rowsOf = sums + `;
		select count(*), sum(aid), sum(aid::int8 * abalance) from pgbench_accounts;
		select tid, tbalance from pgbench_tellers order by 1;
		select count(*), sum(aid), sum(tid) from pgbench_history;
		select md5(string_agg(id || ':' || length(pad), ',' order by id)) from acks`
)

// load runs pgbench, recorders and maintenance until the server is killed.
func load(t *testing.T, s *oracle.Server, rng *rand.Rand, recs []*recorder) {
	t.Helper()
	var wg sync.WaitGroup
	mode := []string{"simple", "extended", "prepared"}[rng.IntN(3)]
	bg := func(f func()) { wg.Add(1); go func() { defer wg.Done(); f() }() }
	bg(func() {
		s.TryTool("pgbench", "-n", "-c", "8", "-j", "2", "-T", "60", "-M", mode, "postgres")
	})
	for _, r := range recs {
		bg(func() {
			if err := r.run(context.Background(), s.URL("postgres")); err != nil && pgErr(err) {
				t.Errorf("client %d: %v", r.client, err)
			}
		})
	}
	maintenance := []string{"checkpoint", "vacuum pgbench_branches", "vacuum acks", "analyze pgbench_accounts",
		"create table scratch as select g from generate_series(1, 2000) g; create index on scratch (g); drop table scratch"}
	stop := make(chan struct{})
	first := rng.IntN(len(maintenance))
	bg(func() {
		for n := first; ; n++ {
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
			}
			s.TryPsql("postgres", maintenance[n%len(maintenance)])
		}
	})
	time.Sleep(time.Duration(200+rng.IntN(1300)) * time.Millisecond)
	if !s.Running() {
		t.Errorf("the server ended by itself:\n%s", tail(s.Log()))
	}
	s.Kill()
	close(stop)
	wg.Wait()
}

// pgErr tells an error that the server reported from a lost connection.
func pgErr(err error) bool {
	var e interface{ SQLState() string }
	return errors.As(err, &e) && e.SQLState() != "57P01"
}

// TestKillLoop kills the server at random moments under pgbench -c 8, beside
// clients that record what was acknowledged, and starts it again. A copy of the
// killed directory is recovered by stock, which must see the same rows; amcheck
// must find nothing wrong.
func TestKillLoop(t *testing.T) {
	pg := oracle.Find(t)
	n := rounds(t)
	rng := rand.New(rand.NewPCG(seed(t), 1))
	s := oracle.BuildPgmini(t, pg).Initdb(t)
	s.Start()
	if _, err := s.TryTool("pgbench", "-i", "-q", "-s", "1", "postgres"); err != nil {
		t.Fatal(err)
	}
	s.Psql("create table acks (id int primary key, pad text)")
	recs := []*recorder{newRecorder(1), newRecorder(2)}
	for round := range n {
		load(t, s, rng, recs)
		deep := n <= 10 || round%10 == 9
		var copied string
		if deep {
			copied = filepath.Join(pg.TempDir(t), "data")
			pg.CopyDir(t, s.Data, copied)
		}
		if err := s.TryStart(); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		rows := ids(t, s.Psql("select id from acks"))
		acked := 0
		for _, r := range recs {
			r.check(t, rows)
			acked += len(r.acked)
		}
		parts := strings.Split(s.Psql(sums), "|")
		if len(parts) != 4 || parts[0] != parts[1] || parts[0] != parts[2] || parts[0] != parts[3] {
			t.Errorf("round %d: the sums disagree: %v", round, parts)
		}
		t.Logf("round %d: %d commits acknowledged, %d rows, sums %s, %d transactions of pgbench",
			round, acked, len(rows), parts, count(t, s))
		if deep {
			stockSees(t, pg, copied, s.Psql(rowsOf))
			os.RemoveAll(filepath.Dir(copied))
		}
		if t.Failed() {
			keep(t, s.Data)
			return
		}
	}
	want := s.Psql(rowsOf)
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	stockSees(t, pg, s.Data, want)
}

func count(t *testing.T, s *oracle.Server) int {
	n, err := strconv.Atoi(s.Psql("select count(*) from pgbench_history"))
	if err != nil {
		t.Error(err)
	}
	return n
}

// stockSees starts stock PostgreSQL on a directory.
func stockSees(t *testing.T, pg *oracle.PG, data, want string) {
	t.Helper()
	c := pg.Cluster(t, data)
	if err := c.TryStart(); err != nil {
		t.Error(err)
		return
	}
	defer c.Kill()
	got, err := c.TryPsql("postgres", rowsOf)
	if err != nil {
		t.Error(err)
	} else if got != want {
		t.Errorf("stock sees\n%s\nand pgmini\n%s", got, want)
	}
	out, err := pg.Try("pg_amcheck", append(c.ConnArgs(), "--all", "--heapallindexed", "--install-missing")...)
	if err != nil || strings.TrimSpace(out) != "" {
		t.Errorf("amcheck: %v\n%s", err, tail(out))
	}
}

// keep copies a directory to PGMINI_KEEP for a later look.
func keep(t *testing.T, data string) {
	if d := os.Getenv("PGMINI_KEEP"); d != "" {
		out, err := os.MkdirTemp(d, "crash-")
		if err == nil {
			err = os.CopyFS(out, os.DirFS(data))
		}
		t.Logf("kept in %s: %v", out, err)
	}
}

func tail(s string) string { return fmt.Sprint(s[max(0, len(s)-6000):]) }
