package crashmodel

import (
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/access/nbtree"
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/sequence"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xact"
)

// The size of the world.
const (
	accounts   = 30
	initial    = 1000
	keys       = 40      // of a client in kv
	keyStride  = 1000    // between clients in kv
	histStride = 1000000 // between clients in history
)

// state is what a client's committed transactions have made.
type state struct {
	hist   int              // transactions, each with its row in history
	kv     map[int64]uint64 // hashes of its rows
	tables map[string]int   // tables of its own, with their rows
	loose  map[string]int   // unlogged tables, with their rows until the crash
	seq    int64            // the highest value of the sequence it was given
}

func (s *state) clone() *state {
	return &state{s.hist, maps.Clone(s.kv), maps.Clone(s.tables), maps.Clone(s.loose), s.seq}
}

func (s *state) equal(o *state) error {
	for k, h := range s.kv {
		if o.kv[k] != h {
			return fmt.Errorf("row %d of kv: %x, want %x", k, o.kv[k], h)
		}
	}
	for k := range o.kv {
		if _, ok := s.kv[k]; !ok {
			return fmt.Errorf("row %d of kv should not be there", k)
		}
	}
	if !maps.Equal(s.tables, o.tables) {
		return fmt.Errorf("tables %v, want %v", o.tables, s.tables)
	}
	for name, n := range s.loose {
		if have, ok := o.loose[name]; !ok || have != 0 && have != n {
			return fmt.Errorf("unlogged table %s has %d rows, it was %d (there: %v)", name, have, n, ok)
		}
	}
	if len(s.loose) != len(o.loose) {
		return fmt.Errorf("unlogged tables %v, want %v", o.loose, s.loose)
	}
	return nil
}

// client is one of the concurrent clients.
type client struct {
	w    *world
	id   int
	rng  *rand.Rand
	cur  *state   // after its last commit
	may  []*state // any of these may be what survives a crash now
	sync bool     // its next commit waits for the WAL
	made int      // tables so far
	txs  int      // commits, ever
	s    *session
}

func hashOf(vals []datum.Datum) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d/%s", vals[1].Int, vals[2].Bytes)
	return h.Sum64()
}

// value is a text of random length; a few are TOASTed.
func (c *client) value() []byte {
	n := 10 + c.rng.IntN(150)
	switch c.rng.IntN(30) {
	case 0:
		n = 2500 + c.rng.IntN(7000)
	case 1:
		return append([]byte("squeeze"), make([]byte, 6000)...)
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('a' + c.rng.IntN(26))
	}
	return b
}

// run does transactions until the world stops.
func (c *client) run(txs int) {
	s, err := connect(c.w.inst, int32(100+c.id), func() bool { return c.sync })
	if err != nil {
		c.w.complain(c, "connect", err)
		return
	}
	c.s = s
	defer s.close()
	for range txs {
		if c.w.stopped() {
			return
		}
		if err := c.transaction(); err != nil {
			if c.w.complain(c, "transaction", err) {
				return
			}
		}
	}
}

var errRollback = errors.New("rolled back on purpose")

// transaction runs one transaction and keeps the account of what may survive.
func (c *client) transaction() error {
	c.sync = c.rng.IntN(3) > 0
	next := c.cur.clone()
	next.hist++
	iso := xact.ReadCommitted
	if c.rng.IntN(8) == 0 {
		return c.readOnly()
	}
	c.s.begin(iso)
	err := c.body(next)
	if err == nil && c.rng.IntN(8) == 0 {
		err = errRollback
	}
	if err != nil {
		if e := c.s.abort(); e != nil && err == errRollback { //nolint:errorlint // ours
			return e
		}
		if err == errRollback { //nolint:errorlint // ours
			return nil
		}
		return err
	}
	sync := c.sync
	c.may = append(c.may, next)
	if err := c.s.commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	c.cur = next
	c.txs++
	if sync {
		c.may = []*state{next}
	}
	return nil
}

// readOnly checks that no snapshot sees money appear or vanish.
func (c *client) readOnly() error {
	c.s.begin(xact.RepeatableRead)
	defer c.s.abort()
	t, err := c.s.open("accounts", lmgr.AccessShare)
	if err != nil {
		return err
	}
	rows, err := c.s.scan(t.Relation)
	if err != nil {
		return err
	}
	sum := int64(0)
	for _, r := range rows {
		sum += r.vals[1].Int
	}
	if len(rows) != accounts || sum != accounts*initial {
		return c.w.broken("a snapshot sees %d accounts with %d in all", len(rows), sum)
	}
	k := int64(c.rng.IntN(accounts))
	r, err := c.s.get(t, k)
	if err != nil {
		return err
	}
	if r == nil {
		return c.w.broken("no account %d by the index", k)
	}
	return nil
}

// body is what a transaction does.
func (c *client) body(next *state) error {
	src, dst, amt := c.rng.IntN(accounts), c.rng.IntN(accounts), c.rng.IntN(50)
	if c.rng.IntN(4) > 0 && src > dst { // else there are deadlocks
		src, dst = dst, src
		amt = -amt
	}
	for range 1 + c.rng.IntN(4) {
		if err := c.maybeNested(next); err != nil {
			return err
		}
	}
	t, err := c.s.open("accounts", lmgr.RowExclusive)
	if err != nil {
		return err
	}
	for i, k := range []int{src, dst} {
		ok, err := c.s.update(t, int64(k), func(v []datum.Datum) { v[1].Int += int64(amt * (2*i - 1)) })
		if err != nil {
			return err
		}
		if !ok {
			return c.w.broken("account %d is gone", k)
		}
	}
	h, err := c.s.open("history", lmgr.RowExclusive)
	if err != nil {
		return err
	}
	return c.s.insert(h, datum.Int(int64(c.id*histStride+next.hist)), datum.Int(int64(src)), datum.Int(int64(dst)), datum.Int(int64(amt)))
}

// maybeNested does a step, perhaps in a savepoint, which may be rolled back.
func (c *client) maybeNested(next *state) error {
	if c.rng.IntN(4) > 0 {
		return c.step(next)
	}
	if c.rng.IntN(40) == 0 {
		return c.manySubs(next)
	}
	before := next.clone()
	tx := c.s.Tx()
	if err := tx.BeginSub("s"); err != nil {
		return err
	}
	for range 1 + c.rng.IntN(3) {
		if err := c.maybeNested(next); err != nil {
			return err
		}
	}
	if c.rng.IntN(2) == 0 {
		seq := next.seq
		*next = *before
		next.seq = seq
		return tx.AbortSub()
	}
	return tx.CommitSub()
}

// manySubs runs more subtransactions than snapshots show.
func (c *client) manySubs(next *state) error {
	tx := c.s.Tx()
	for range 60 + c.rng.IntN(20) {
		before := next.clone()
		if err := tx.BeginSub(""); err != nil {
			return err
		}
		if err := c.changeKV(next); err != nil {
			return err
		}
		if c.rng.IntN(4) > 0 {
			if err := tx.CommitSub(); err != nil {
				return err
			}
			continue
		}
		*next = *before
		if err := tx.AbortSub(); err != nil {
			return err
		}
	}
	return nil
}

// lockRows locks some accounts as SELECT FOR SHARE and FOR KEY SHARE do: where several
// clients meet, and one of them transfers money, that makes multixacts.
func (c *client) lockRows() error {
	t, err := c.s.open("accounts", lmgr.RowShare)
	if err != nil {
		return err
	}
	first, mode := c.rng.IntN(accounts), heap.KeyShare
	if c.rng.IntN(4) == 0 {
		mode = heap.Share
	}
	for k := first; k < min(first+4, accounts); k++ {
		r, err := c.s.get(t, int64(k))
		if err != nil || r == nil {
			return err // another transfer ended between index and table
		}
		if _, _, _, err := heap.LockTuple(c.s.ctx, c.s.Tx(), t.Relation, r.tid,
			heap.LockOptions{Command: c.s.Tx().CommandID(true), Mode: mode, FollowUpdates: true}); err != nil {
			return err
		}
	}
	return c.s.CommandCounterIncrement()
}

// loose makes an unlogged table, or fills or drops one.
func (c *client) loose(next *state) error {
	list := slices.Sorted(maps.Keys(next.loose))
	switch {
	case len(list) < 2:
		c.made++
		name := fmt.Sprintf("u_%d_%d", c.id, c.made)
		if _, err := c.s.createAs('u', name, 0, int4("a"), text("b")); err != nil {
			return err
		}
		next.loose[name] = 0
		return c.s.CommandCounterIncrement()
	case c.rng.IntN(4) == 0:
		t, err := c.s.open(list[0], lmgr.AccessExclusive)
		if err != nil {
			return err
		}
		delete(next.loose, list[0])
		return c.s.Drop([]catalog.Object{{Class: oid.RelClass, ID: t.OID}}, catalog.Cascade, func(*pgerr.Error) {})
	}
	name := list[c.rng.IntN(len(list))]
	t, err := c.s.open(name, lmgr.RowExclusive)
	for range c.rng.IntN(30) {
		if err == nil {
			err = c.s.insert(t, datum.Int(int64(next.loose[name])), datum.Bytes(c.value()))
			next.loose[name]++
		}
	}
	return err
}

func (c *client) step(next *state) error {
	switch c.rng.IntN(32) {
	case 0:
		return c.createTable(next)
	case 1:
		return c.dropTable(next)
	case 2:
		return c.truncateTable(next)
	case 3, 4:
		return c.fillTable(next)
	case 5:
		return c.buildIndex(next)
	case 6, 7, 8:
		return c.nextval(next)
	case 9, 10, 11:
		return c.lockRows()
	case 12, 13:
		return c.loose(next)
	}
	return c.changeKV(next)
}

func (c *client) changeKV(next *state) error {
	t, err := c.s.open("kv", lmgr.RowExclusive)
	if err != nil {
		return err
	}
	k := int64(c.id*keyStride + c.rng.IntN(keys))
	_, have := next.kv[k]
	vals := []datum.Datum{datum.Int(k), datum.Int(int64(c.rng.IntN(7))), datum.Bytes(c.value())}
	switch {
	case !have:
		next.kv[k] = hashOf(vals)
		return c.s.insert(t, vals...)
	case c.rng.IntN(4) == 0:
		delete(next.kv, k)
		have, err = c.s.delete(t, k)
	default:
		keepH := c.rng.IntN(2) == 0
		have, err = c.s.update(t, k, func(v []datum.Datum) {
			if keepH {
				vals[1] = v[1]
			}
			v[1], v[2] = vals[1], vals[2]
		})
		next.kv[k] = hashOf(vals)
	}
	if err == nil && !have {
		err = c.w.broken("kv lost row %d while the server was up", k)
	}
	return err
}

func (c *client) createTable(next *state) error {
	if len(next.tables) > 4 {
		return c.dropTable(next)
	}
	c.made++
	name := fmt.Sprintf("t_%d_%d", c.id, c.made)
	if _, err := c.s.create(name, 0, int4("a"), text("b")); err != nil {
		return err
	}
	if err := c.s.CommandCounterIncrement(); err != nil {
		return err
	}
	next.tables[name] = 0
	return c.fill(next, name)
}

// pick chooses one of the client's tables, or "".
func (c *client) pick(next *state) string {
	list := slices.Sorted(maps.Keys(next.tables))
	if len(list) == 0 {
		return ""
	}
	return list[c.rng.IntN(len(list))]
}

func (c *client) fillTable(next *state) error {
	if name := c.pick(next); name != "" {
		return c.fill(next, name)
	}
	return nil
}

func (c *client) fill(next *state, name string) error {
	t, err := c.s.open(name, lmgr.RowExclusive)
	if err != nil {
		return err
	}
	for range c.rng.IntN(30) {
		if err := c.s.insert(t, datum.Int(int64(next.tables[name])), datum.Bytes(c.value())); err != nil {
			return err
		}
		next.tables[name]++
	}
	return nil
}

func (c *client) dropTable(next *state) error {
	name := c.pick(next)
	if name == "" {
		return nil
	}
	t, err := c.s.open(name, lmgr.AccessExclusive)
	if err != nil {
		return err
	}
	delete(next.tables, name)
	return c.s.Drop([]catalog.Object{{Class: oid.RelClass, ID: t.OID}}, catalog.Cascade, func(*pgerr.Error) {})
}

func (c *client) truncateTable(next *state) error {
	name := c.pick(next)
	if name == "" {
		return nil
	}
	t, err := c.s.open(name, lmgr.AccessExclusive)
	if err != nil {
		return err
	}
	next.tables[name] = 0
	return c.empty(t.OID)
}

func (c *client) empty(o oid.OID) error {
	r, err := c.s.NewFilenode(o, 'p')
	if err != nil {
		return err
	}
	list, err := c.s.IndexesOf(o)
	if err != nil {
		return err
	}
	for _, ix := range list {
		x, err := c.s.NewFilenode(ix.Indexrelid, 'p')
		if err != nil {
			return err
		}
		if err := nbtree.BuildEmpty(c.s.Tx(), x, page.MainFork); err != nil {
			return err
		}
	}
	if r.ToastOID != 0 {
		if err := c.empty(r.ToastOID); err != nil {
			return err
		}
	}
	return c.s.CommandCounterIncrement()
}

// buildIndex builds the primary key anew by a sorted load (REINDEX).
func (c *client) buildIndex(next *state) error {
	name := c.pick(next)
	if name == "" {
		return nil
	}
	t, err := c.s.open(name, lmgr.AccessExclusive)
	if err != nil {
		return err
	}
	rows, err := c.s.scan(t.Relation)
	if err != nil {
		return err
	}
	// The load must not point into the middle of HOT chains: there are none, for
	// the rows of these tables are never updated.
	x, err := c.s.NewFilenode(t.indexes[0].OID, 'p')
	if err != nil {
		return err
	}
	b := nbtree.NewBuilder(c.s.Tx(), x, nbtree.BuildOptions{})
	defer b.Close()
	for _, r := range rows {
		if err := b.Add(keyOf(x, r.vals), r.tid, true); err != nil {
			return err
		}
	}
	n, err := b.Finish(c.s.ctx)
	if err == nil && int(n) != next.tables[name] {
		err = c.w.broken("%s has %v rows, want %d", name, n, next.tables[name])
	}
	if err != nil {
		return err
	}
	return c.s.CommandCounterIncrement()
}

func (c *client) nextval(next *state) error {
	v, err := c.s.nextval()
	if err != nil {
		return err
	}
	if v <= c.w.floor {
		return c.w.broken("nextval gives %d again: before the crash it had reached %d", v, c.w.floor)
	}
	next.seq = max(next.seq, v)
	return nil
}

func (s *session) nextval() (int64, error) {
	t, err := s.open("sq", lmgr.RowExclusive)
	if err != nil {
		return 0, err
	}
	v, _, err := sequence.Next(s.Tx(), t.Relation, sequence.Params{Increment: 1, Min: 1, Max: 1 << 62, Cache: 1})
	return v, err
}
