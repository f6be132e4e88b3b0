// Package ssi makes snapshot isolation serializable (SSI): Cahill, Röhm, Fekete,
// "Serializable Isolation for Snapshot Databases", and Ports, Grittner,
// "Serializable Snapshot Isolation in PostgreSQL".
//
// Of concurrent transactions R and W, R has a rw-dependency to W if R read a
// version of what W changed. An execution that is not serializable holds two
// such edges in a row, T1 → T2 → T3, where T3 commits before T1 and T2, and, if T1
// wrote nothing, before T1's snapshot. The package notes all edges and lets no
// such triple commit: one of the three is rolled back (40001).
//
// What a transaction read is remembered as SIREAD locks, which block nobody: on
// tuples, on pages, or on whole relations; on an index they are on leaf pages, so
// that they cover the gaps too. They outlive the commit of their owner while a
// transaction runs that is concurrent with it.
//
// INV-SSI-1 (no edge is missed): who reads takes the SIREAD lock and looks for
// newer versions while it holds the page's content lock; who writes looks for
// SIREAD locks under that page's exclusive lock, which it keeps until the new
// version is on the page. So one of them finds the other.
// Enforced: Fetcher.noteRead, Relation.Wrote. Tested: TestIsolation.
//
// INV-SSI-2 (no dangerous structure commits): an edge or a commit that would
// complete one dooms or fails a transaction that can still be rolled back.
// Enforced: Xact.edge, Xact.PreCommit. Tested: TestDangerous, TestHistories.
//
// INV-SSI-3 (memory): a finished transaction and its locks are kept exactly as
// long as a serializable transaction runs that began before its end.
// Enforced: Manager.clean. Tested: TestClean.
//
// INV-SSI-4 (safe snapshots): a READ ONLY transaction gives up its locks when
// every read-write transaction that was running at its snapshot is over and none
// of them committed with an edge to one that committed before that snapshot.
// Enforced: Manager.over. Tested: TestSafeSnapshot.
//
// One mutex guards all of it. Transactions of other isolation levels have no
// Xact and never take it. Lock order: page content lock, then this mutex, then
// xact's proc array.
package ssi
