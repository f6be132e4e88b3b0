package catalog

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/catalog/relmap"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/xact"
)

// tid is the place of a row.
type tid = page.TID

// Options joins the catalogs to their server. FS, Sys and Pool are required.
type Options struct {
	FS   vfs.FS // rooted at the data directory
	Sys  *access.System
	Pool *bufmgr.Pool
	// Checkpoint makes a checkpoint at once and waits for it; nil: CREATE DATABASE
	// cannot copy files.
	Checkpoint func(context.Context) error
}

// Server is the catalog state that all sessions of a server share.
type Server struct {
	opt    Options
	static map[oid.OID]*access.Relation // catalogs and their indexes, without Node
	global [numCaches]bool              // the cache is on a shared catalog
	shared *dbCache
	gen    atomic.Uint64 // any invalidation
	mu     struct {
		sync.Mutex
		dbs  map[oid.OID]*dbCache
		maps map[oid.OID]*relmap.Map // by database; 0: shared
	}
}

// NewServer makes the shared state. It reads nothing yet.
func NewServer(o Options) *Server {
	if o.FS == nil || o.Sys == nil || o.Pool == nil {
		panic("catalog: FS, Sys and Pool are required")
	}
	s := &Server{opt: o, shared: newCache(0)}
	s.mu.dbs, s.mu.maps = map[oid.OID]*dbCache{}, map[oid.OID]*relmap.Map{}
	s.static = staticRelations(o)
	for id := range s.global {
		c, ok := rows.FindCatalog(cacheDefs[id].catalog)
		s.global[id] = ok && c.Shared
	}
	return s
}

func (s *Server) cache(db oid.OID) *dbCache {
	if db == oid.Invalid {
		return s.shared
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.mu.dbs[db]
	if c == nil {
		c = newCache(db)
		s.mu.dbs[db] = c
	}
	return c
}

// SessionOptions says whose session it is.
type SessionOptions struct {
	Database   oid.OID
	Tablespace oid.OID // the database's
	Backend    int32   // number in the names of temporary files; -1: no temporary tables
	// LocalPool gives the session's local buffers for temporary tables; nil: none.
	LocalPool func() (*bufmgr.Pool, error)
}

// Session is one session's view of one database's catalogs.
type Session struct {
	srv   *Server
	opt   SessionOptions
	db    *dbCache
	tx    *xact.Tx
	ctx   context.Context
	own   *private             // nil until the transaction changes a catalog
	path  []oid.OID            // search path
	names func(oid.OID) string // of types, in messages; may be nil
	// Schemas of temporary tables and of their TOAST tables, once they are there.
	tempSpace, tempToast oid.OID
	emptied              []oid.OID // temporary tables with ON COMMIT DELETE ROWS
	temp                 map[oid.OID]*relEntry
	tgen                 uint64 // generation of temp
}

// private is what a transaction with catalog changes sees that others do not.
type private struct {
	dirty  map[key]struct{}
	rels   map[oid.OID]struct{}
	rows   map[key]any
	built  map[oid.OID]*relEntry
	queued map[string]struct{} // messages already in the transaction
	gen    uint64
}

// NewSession makes a session's view. Bind it to a transaction before use.
func (s *Server) NewSession(o SessionOptions) *Session {
	return &Session{srv: s, opt: o, db: s.cache(o.Database)}
}

// Bind makes tx the session's transaction; nil ends that. ctx is obeyed by waits
// for rows and locks.
func (s *Session) Bind(ctx context.Context, tx *xact.Tx) {
	s.tx, s.ctx, s.own = tx, ctx, nil
}

// Tx is the bound transaction.
func (s *Session) Tx() *xact.Tx { return s.tx }

// DatabaseOID is the session's database.
func (s *Session) DatabaseOID() oid.OID { return s.opt.Database }

// cacheOf is where a catalog's rows are shared.
func (s *Session) cacheOf(catalog oid.OID) *dbCache {
	if c, ok := rows.FindCatalog(catalog); ok && c.Shared {
		return s.srv.shared
	}
	return s.db
}

// cached finds a key in the cache that counts for it. INV-CAT-2: a key that this
// transaction changed is found only in its own rows.
func (s *Session) cached(k key) (any, bool) {
	if s.own != nil {
		if _, dirty := s.own.dirty[k]; dirty {
			v, ok := s.own.rows[k]
			return v, ok
		}
	}
	return s.cacheFor(k).row(k)
}

// cacheFor is where a key's rows are shared.
func (s *Session) cacheFor(k key) *dbCache {
	if s.srv.global[k.cache] {
		return s.srv.shared
	}
	return s.db
}

// begin remembers the generation before a load.
func (s *Session) begin(k key) uint64 {
	return s.cacheFor(k).gen.Load()
}

// keep stores what was loaded since begin.
func (s *Session) keep(gen uint64, k key, v any) {
	if s.own != nil {
		if _, dirty := s.own.dirty[k]; dirty {
			s.own.rows[k] = v
			return
		}
	}
	s.cacheFor(k).publishRow(gen, k, v)
}

// Relation returns what access methods must know of a table, index, sequence,
// TOAST table or view. nil, nil: there is none. The value is immutable and may
// be kept until Valid says no.
func (s *Session) Relation(o oid.OID) (*access.Relation, error) {
	if e := s.cachedRel(o); e != nil {
		return s.touched(e.rel), nil
	}
	c := s.db
	if st, ok := s.srv.static[o]; ok && st.Shared {
		c = s.srv.shared
	}
	gen := c.gen.Load()
	e, err := s.buildRelation(o)
	if err != nil || e == nil {
		return nil, err
	}
	switch {
	case s.own != nil && s.touches(e):
		s.own.built[o] = e
	case e.rel.IsTemp():
		s.keepTemp(e)
	default:
		if e.rel.Shared {
			c = s.srv.shared
		}
		c.publishRel(gen, e)
	}
	return s.touched(e.rel), nil
}

// touched notes that the transaction uses a temporary relation: then it cannot be
// prepared.
func (s *Session) touched(r *access.Relation) *access.Relation {
	if r.Persistence == 't' && s.tx != nil {
		s.tx.TouchTemp()
	}
	return r
}

func (s *Session) keepTemp(e *relEntry) {
	if g := s.db.gen.Load(); s.temp == nil || s.tgen != g {
		s.temp, s.tgen = map[oid.OID]*relEntry{}, g
	}
	s.temp[e.rel.OID] = e
}

// touches reports whether this transaction changed e or what it hangs on.
func (s *Session) touches(e *relEntry) bool {
	for _, o := range [...]oid.OID{e.rel.OID, e.deps[0], e.deps[1]} {
		if _, ok := s.own.rels[o]; ok {
			return true
		}
	}
	return false
}

func (s *Session) cachedRel(o oid.OID) *relEntry {
	if s.own != nil {
		if e := s.own.built[o]; e != nil {
			return e
		}
		if _, dirty := s.own.rels[o]; dirty {
			return nil
		}
	}
	if s.temp != nil && s.tgen == s.db.gen.Load() {
		if e := s.temp[o]; e != nil {
			return e
		}
	}
	e := s.db.rel(o)
	if e == nil {
		e = s.srv.shared.rel(o)
	}
	if e != nil && s.own != nil && s.touches(e) {
		return nil
	}
	return e
}

// Valid reports whether r is still what Relation would return.
func (s *Session) Valid(r *access.Relation) bool {
	e := s.cachedRel(r.OID)
	return e != nil && e.rel == r
}

// Generation changes whenever a lookup of this session may have another answer
// than before. Plans that were made at the same generation are valid.
func (s *Session) Generation() uint64 {
	g := s.db.gen.Load() + s.srv.shared.gen.Load()
	if s.own != nil {
		g += s.own.gen<<32 | 1<<63
	}
	return g
}

// CommandCounterIncrement makes this transaction's changes so far visible to
// its next command and to its lookups.
func (s *Session) CommandCounterIncrement() error {
	if err := s.tx.NextCommand(); err != nil {
		return err
	}
	if s.own != nil {
		s.own.gen++
		clear(s.own.rows)
		clear(s.own.built)
	}
	return nil
}

// RowChanged notes that a statement of the user changed a row of a catalog.
func (s *Session) RowChanged(catalog oid.OID, vals []datum.Datum) { s.mark(catalog, vals) }

// mark notes that this transaction changed a row of a catalog that is found by
// the keys of vals.
func (s *Session) mark(catalog oid.OID, vals []datum.Datum) {
	p := s.change()
	for id := cacheID(1); id < numCaches; id++ {
		if cacheDefs[id].catalog == catalog {
			k := id.keyOf(vals)
			p.dirty[k] = struct{}{}
			delete(p.rows, k)
		}
	}
	shared := s.cacheOf(catalog) == s.srv.shared
	s.queue(catalogMessage(catalog, s.opt.Database, shared))
	for _, rel := range affectedRelations(catalog, vals) {
		s.InvalidateRelation(rel)
	}
}

// InvalidateRelation makes every session build a relation anew: its description
// changed by more than its own rows.
func (s *Session) InvalidateRelation(rel oid.OID) {
	p := s.change()
	p.rels[rel] = struct{}{}
	delete(p.built, rel)
	for k, e := range p.built {
		if slices.Contains(e.deps[:], rel) {
			delete(p.built, k)
		}
	}
	st, ok := s.srv.static[rel]
	s.queue(relationMessage(rel, s.opt.Database, ok && st.Shared))
}

// change is the private state, made at a transaction's first catalog change.
func (s *Session) change() *private {
	if s.own == nil {
		p := &private{dirty: map[key]struct{}{}, rels: map[oid.OID]struct{}{}, rows: map[key]any{},
			built: map[oid.OID]*relEntry{}, queued: map[string]struct{}{}}
		s.own = p
	}
	p := s.own
	p.gen++
	s.tx.OnAbort(func() { // of a subtransaction too: what it changed is as before
		p.gen++
		clear(p.rows)
		clear(p.built)
		clear(p.queued)
	})
	return p
}

// queue adds a message to the transaction's once.
func (s *Session) queue(msg []byte) {
	if _, ok := s.own.queued[string(msg)]; ok {
		return
	}
	s.own.queued[string(msg)] = struct{}{}
	s.tx.AddInvalidation(msg)
}

// Search is a condition on a catalog's column: equal to a value.
type Search struct {
	Anum  int16
	Value datum.Datum
}

// Found is a catalog row in a scan, with its place.
type Found[T any] struct {
	Row *T
	TID page.TID
}

// FindRow finds the newest version of the row of a catalog that equals the
// conditions, for a change. nil, nil: there is none.
func FindRow[T any, P interface {
	*T
	rows.Row
}](s *Session, by ...Search) (*Found[T], error) {
	all, err := FindRows[T, P](s, by...)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

// FindRows finds all rows of a catalog that equal the conditions, through an
// index if one starts with their columns.
func FindRows[T any, P interface {
	*T
	rows.Row
}](s *Session, by ...Search) ([]Found[T], error) {
	catalog := P(nil).Catalog()
	index, keys := chooseIndex(catalog, by)
	var out []Found[T]
	err := s.scan(catalog, index, keys, func(at tid, vals []datum.Datum) error {
		for _, c := range by {
			if v := vals[c.Anum-1]; v.Null || v.Int != c.Value.Int || string(v.Bytes) != string(c.Value.Bytes) {
				return nil
			}
		}
		row := P(new(T))
		row.Scan(vals)
		out = append(out, Found[T]{(*T)(row), at})
		return nil
	})
	return out, err
}

// Change lets f change the row of a catalog that equals the conditions, in a new
// version, or with inPlace in the old one. False: there is none.
func Change[T any, P interface {
	*T
	rows.Row
}](s *Session, inPlace bool, f func(*T), by ...Search) (bool, error) {
	found, err := FindRow[T, P](s, by...)
	if err != nil || found == nil {
		return false, err
	}
	f(found.Row)
	if inPlace {
		return true, s.UpdateInPlace(found.TID, P(found.Row))
	}
	return true, s.Update(found.TID, P(found.Row))
}

// chooseIndex finds the index of a catalog with the most leading columns among
// the conditions', and the conditions in its order.
func chooseIndex(catalog oid.OID, by []Search) (oid.OID, []Search) {
	var best oid.OID
	var keys []Search
	for _, ix := range rows.Indexes() {
		if ix.Table != catalog {
			continue
		}
		var k []Search
		for _, col := range ix.Key {
			i := slices.IndexFunc(by, func(c Search) bool { return c.Anum == col })
			if i < 0 {
				break
			}
			k = append(k, by[i])
		}
		if len(k) > len(keys) {
			best, keys = ix.OID, k
		}
	}
	return best, keys
}

// errNoTx is the answer to a lookup outside a transaction.
func errNoTx() error {
	return pgerr.New(pgerr.NoActiveSQLTransaction, "cannot read the catalogs outside a transaction")
}
