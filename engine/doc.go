// Package engine opens a data directory: it takes the directory's lock, recovers
// if need be, joins the storage packages, runs the background workers, and stops
// them in order.
//
// INV-ENG-1: while somebody is attached and can insert WAL, the checkpointer and
// the WAL writer are up. Enforced: Instance.Attach, Instance.Stop. Tested:
// TestStopOrder.
//
// INV-ENG-2 (PANIC): after Panic no page of this instance is written and no
// transaction commits; every attached session's context is done. The next Open
// recovers. Enforced: Instance.Panic. Tested: TestPanic.
//
// INV-ENG-3 (one server): two instances never have one directory open. Enforced:
// lockDirectory. Tested: TestSecondServer.
//
// Stages, from the lowest: WAL writer and preallocator; checkpointer; background
// writer and standby snapshots; attached sessions. Each stops when those above it
// are gone.
package engine
