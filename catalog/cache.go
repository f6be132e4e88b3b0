package catalog

import (
	"sync"
	"sync/atomic"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
)

// cacheID is one way of looking up rows.
type cacheID uint8

// The caches.
const (
	classOID cacheID = iota + 1
	className
	attributes
	attributeName
	typeOID
	typeName
	procOID
	procName
	operatorOID
	operatorName
	castTypes
	opclassOID
	opclassAM
	opfamilyOID
	amopFamily
	amopOperator
	amprocFamily
	aggregateFn
	amOID
	amName
	namespaceOID
	namespaceName
	authOID
	authName
	authMember
	databaseOID
	databaseName
	tablespaceOID
	tablespaceName
	collationOID
	collationName
	constraintOID
	constraintRel
	constraintType
	attrdefRel
	indexOID
	indexTable
	statistic
	rewriteRel
	triggerRel
	enumOID
	enumType
	rangeType
	languageOID
	languageName
	sequenceRel
	inheritsParent
	inheritsChild
	partitionedRel
	roleSetting
	numCaches
)

// key is what is looked up in which cache.
type key struct {
	cache   cacheID
	a, b, c oid.OID
	name    string
}

// cacheDef says which rows a key of a cache means: those whose leading columns
// in an index equal the key's parts. parts has one letter per column: n name,
// and a, b, c.
type cacheDef struct {
	catalog, index oid.OID
	parts          string
}

// cacheDefs by cacheID. constant
var cacheDefs = [numCaches]cacheDef{
	classOID:       {oid.RelClass, 2662, "a"},
	className:      {oid.RelClass, 2663, "na"},
	attributes:     {oid.RelAttribute, 2659, "a"},
	attributeName:  {oid.RelAttribute, 2658, "an"},
	typeOID:        {oid.RelType, 2703, "a"},
	typeName:       {oid.RelType, 2704, "na"},
	procOID:        {oid.RelProc, 2690, "a"},
	procName:       {oid.RelProc, 2691, "n"},
	operatorOID:    {oid.RelOperator, 2688, "a"},
	operatorName:   {oid.RelOperator, 2689, "n"},
	castTypes:      {oid.RelCast, 2661, "ab"},
	opclassOID:     {oid.RelOpclass, 2687, "a"},
	opclassAM:      {oid.RelOpclass, 2686, "a"},
	opfamilyOID:    {oid.RelOpfamily, 2755, "a"},
	amopFamily:     {oid.RelAmop, 2653, "a"},
	amopOperator:   {oid.RelAmop, 2654, "a"},
	amprocFamily:   {oid.RelAmproc, 2655, "a"},
	aggregateFn:    {oid.RelAggregate, 2650, "a"},
	amOID:          {oid.RelAm, 2652, "a"},
	amName:         {oid.RelAm, 2651, "n"},
	namespaceOID:   {oid.RelNamespace, 2685, "a"},
	namespaceName:  {oid.RelNamespace, 2684, "n"},
	authOID:        {oid.RelAuthID, 2677, "a"},
	authName:       {oid.RelAuthID, 2676, "n"},
	authMember:     {oid.RelAuthMembers, 2695, "a"},
	databaseOID:    {oid.RelDatabase, 2672, "a"},
	databaseName:   {oid.RelDatabase, 2671, "n"},
	tablespaceOID:  {oid.RelTablespace, 2697, "a"},
	tablespaceName: {oid.RelTablespace, 2698, "n"},
	collationOID:   {oid.RelCollation, 3085, "a"},
	collationName:  {oid.RelCollation, 3164, "n"},
	constraintOID:  {oid.RelConstraint, 2667, "a"},
	constraintRel:  {oid.RelConstraint, 2665, "a"},
	constraintType: {oid.RelConstraint, 2666, "a"},
	attrdefRel:     {oid.RelAttrdef, 2656, "a"},
	indexOID:       {oid.RelIndex, 2679, "a"},
	indexTable:     {oid.RelIndex, 2678, "a"},
	statistic:      {oid.RelStatistic, 2696, "abc"},
	rewriteRel:     {oid.RelRewrite, 2693, "a"},
	triggerRel:     {oid.RelTrigger, 2701, "a"},
	enumOID:        {oid.RelEnum, 3502, "a"},
	enumType:       {oid.RelEnum, 3534, "a"},
	rangeType:      {oid.RelRange, 3542, "a"},
	languageOID:    {oid.RelLanguage, 2682, "a"},
	languageName:   {oid.RelLanguage, 2681, "n"},
	sequenceRel:    {oid.RelSequence, 5002, "a"},
	inheritsParent: {oid.RelInherits, 2187, "a"},
	inheritsChild:  {oid.RelInherits, 2680, "a"},
	partitionedRel: {oid.RelPartitioned, 3351, "a"},
	roleSetting:    {oid.RelDbRoleSetting, 2965, "ab"},
}

// keyOf is the key that a row of the cache's catalog is found by.
func (id cacheID) keyOf(vals []datum.Datum) key {
	d := &cacheDefs[id]
	ix, _ := rows.FindIndex(d.index)
	k := key{cache: id}
	for i := range d.parts {
		v := vals[ix.Key[i]-1]
		switch d.parts[i] {
		case 'n':
			k.name = string(v.Bytes)
		case 'a':
			k.a = keyPart(v)
		case 'b':
			k.b = keyPart(v)
		case 'c':
			k.c = keyPart(v)
		}
	}
	return k
}

// keyPart is a by-value column as part of a key. int2 counts as 16 bits.
func keyPart(v datum.Datum) oid.OID {
	if v.Int < 0 {
		return oid.OID(uint16(v.Int))
	}
	return oid.OID(uint32(v.Int))
}

// search is k as conditions on the index's leading columns.
func (k *key) search() []Search {
	d := &cacheDefs[k.cache]
	ix, _ := rows.FindIndex(d.index)
	out := make([]Search, len(d.parts))
	for i := range d.parts {
		s := Search{Anum: ix.Key[i]}
		switch d.parts[i] {
		case 'n':
			s.Value = datum.String(k.name)
		case 'a':
			s.Value = datum.Int(int64(k.a))
		case 'b':
			s.Value = datum.Int(int64(k.b))
			if k.cache == statistic {
				s.Value = datum.Int(int64(int16(k.b)))
			}
		case 'c':
			s.Value = datum.Int(int64(k.c))
		}
		out[i] = s
	}
	return out
}

// dbCache is what is known of one database's catalogs, or of the shared ones
// (database 0): committed rows and relations, and the absence of rows.
type dbCache struct {
	db  oid.OID
	gen atomic.Uint64 // changes at every invalidation
	mu  struct {
		sync.RWMutex
		rows [numCaches]map[key]any // *T, or []*T of a list; a typed nil is absence
		rels map[oid.OID]*relEntry
	}
}

// relEntry is a relation with those others whose change makes it stale.
type relEntry struct {
	rel  *access.Relation
	deps [2]oid.OID // TOAST table and its index
}

func newCache(db oid.OID) *dbCache {
	c := &dbCache{db: db}
	for i := range c.mu.rows {
		c.mu.rows[i] = map[key]any{}
	}
	c.mu.rels = map[oid.OID]*relEntry{}
	return c
}

func (c *dbCache) row(k key) (any, bool) {
	c.mu.RLock()
	v, ok := c.mu.rows[k.cache][k]
	c.mu.RUnlock()
	return v, ok
}

func (c *dbCache) rel(o oid.OID) *relEntry {
	c.mu.RLock()
	e := c.mu.rels[o]
	c.mu.RUnlock()
	return e
}

// publishRow stores what was loaded since generation gen, unless something was
// invalidated meanwhile. INV-CAT-1: the load may have seen the state before.
func (c *dbCache) publishRow(gen uint64, k key, v any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gen.Load() == gen {
		c.mu.rows[k.cache][k] = v
	}
}

// publishRel is publishRow for a relation.
func (c *dbCache) publishRel(gen uint64, e *relEntry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gen.Load() == gen {
		c.mu.rels[e.rel.OID] = e
	}
}

// dropCatalog forgets all rows of a catalog.
func (c *dbCache) dropCatalog(catalog oid.OID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gen.Add(1)
	for id := range c.mu.rows {
		if cacheDefs[id].catalog == catalog {
			clear(c.mu.rows[id])
		}
	}
}

// dropRel forgets a relation and those that hang on it; 0 is all.
func (c *dbCache) dropRel(o oid.OID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gen.Add(1)
	if o == oid.Invalid {
		clear(c.mu.rels)
		return
	}
	delete(c.mu.rels, o)
	for k, e := range c.mu.rels {
		if e.deps[0] == o || e.deps[1] == o {
			delete(c.mu.rels, k)
		}
	}
}

// dropAll forgets everything.
func (c *dbCache) dropAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gen.Add(1)
	for id := range c.mu.rows {
		clear(c.mu.rows[id])
	}
	clear(c.mu.rels)
}

// one finds the only row of a key, or nil.
func one[T any, P interface {
	*T
	rows.Row
}](s *Session, k key) (*T, error) {
	if v, ok := s.cached(k); ok {
		return v.(*T), nil
	}
	gen := s.begin(k)
	found, err := load[T, P](s, k)
	if err != nil {
		return nil, err
	}
	var row *T
	if len(found) > 0 {
		row = found[0]
	}
	s.keep(gen, k, row)
	return row, nil
}

// list finds all rows of a key.
func list[T any, P interface {
	*T
	rows.Row
}](s *Session, k key) ([]*T, error) {
	if v, ok := s.cached(k); ok {
		return v.([]*T), nil
	}
	gen := s.begin(k)
	found, err := load[T, P](s, k)
	if err != nil {
		return nil, err
	}
	s.keep(gen, k, found)
	return found, nil
}

// load reads the rows of a key with a fresh catalog snapshot.
func load[T any, P interface {
	*T
	rows.Row
}](s *Session, k key) ([]*T, error) {
	var out []*T
	err := s.scan(cacheDefs[k.cache].catalog, cacheDefs[k.cache].index, k.search(), func(_ tid, vals []datum.Datum) error {
		if skipRow(k.cache, vals) {
			return nil
		}
		row := P(new(T))
		row.Scan(vals)
		out = append(out, (*T)(row))
		return nil
	})
	if k.cache == indexTable {
		sortIndexes(any(out))
	}
	return out, err
}

// skipRow leaves out what a cache does not show: system columns of the list of
// columns, dropped ones of the names.
func skipRow(id cacheID, vals []datum.Datum) bool {
	switch id {
	case attributes:
		return vals[rows.AnumPgAttributeAttnum-1].Int < 0
	case attributeName:
		return vals[rows.AnumPgAttributeAttisdropped-1].Bool()
	}
	return false
}
