// Package trigger queues the AFTER ROW triggers of changed rows and fires them:
// at the end of the statement, or deferred to the end of the transaction. So far
// the triggers of foreign keys and of deferrable unique keys can fire; user
// triggers are to use the same queue.
//
// An event is a trigger and the places of the old and the new version of a row.
// It is noted when the row was changed and its index entries are made; when it
// fires, the versions are read again.
//
// A Queue belongs to one session. Statements nest: each that notes something has
// its own level, and the queries of a trigger add to the level of the statement
// that fires it.
//
// INV-TRIG-1 (nothing lost): every event fires once before its transaction
// commits, unless the subtransaction that noted it was rolled back.
// Enforced: Queue.End, Queue.FireDeferred. Tested: TestOracle.
//
// INV-TRIG-2 (rollback): when a subtransaction is rolled back, what it noted is
// forgotten, what it fired is due again, and SET CONSTRAINTS is as before it.
// Enforced: Queue.deferEvent, Queue.fireDue, Queue.SetConstraints. Tested:
// TestOracle.
//
// INV-TRIG-3 (whole rows): a trigger sees the version of the row that its event
// is about, whatever happened to the row since; what a foreign key or a unique key
// needs not check for a version that is gone is not checked.
// Enforced: Queue.fire. Tested: TestOracle.
package trigger
