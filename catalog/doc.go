// Package catalog reads and writes the system catalogs: the caches of their
// rows and of relations, invalidation, the relation map, and the primitives that
// DDL is made of.
//
// One Server holds what all sessions share; a Session is one session's view,
// bound to its transaction, and is used by one goroutine at a time. Lookups see
// the latest committed catalogs and the transaction's own changes up to its last
// CommandCounterIncrement, whatever snapshot its queries use.
//
// INV-CAT-1: a shared cache entry is the row that a catalog snapshot taken now
// would find, or there is an invalidation on the way that the reader's locks do
// not order before it.
// Enforced: dbCache.publishRow. Tested: TestLoadRace.
//
// INV-CAT-2: no session sees another's uncommitted catalog changes in a cache.
// Enforced: Session.cached. Tested: TestPrivateChanges.
//
// Lock order: Server.mu after every heavyweight lock and content lock; nothing
// is locked while it is held.
package catalog
