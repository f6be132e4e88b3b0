// Package heap is the table access method: rows as versions on pages, with HOT,
// pruning, freezing, TOAST and VACUUM, and the WAL records of all that.
//
// Every logged change follows one recipe: pin and lock exclusively, let all that
// can fail fail, edit the page with the record's apply function, mark dirty,
// insert the record, stamp the LSN. Redo calls the same apply.
//
// INV-HEAP-1: what a record's redo makes of a before-image is what doing made of
// it, but for hint bits, command ids and unused space.
// Enforced: applyInsert, applyDelete, applyUpdateNew. Tested: TestRedoEqualsDo.
//
// INV-HEAP-2: hint bits change only under an exclusive content lock, and say
// "committed" only when the commit is durable or the page's LSN covers it.
// Enforced: viewer.note. Tested: TestHintBits.
//
// INV-HEAP-3: a page is pruned or defragmented only by one who holds its cleanup
// lock; nobody keeps a slice of a page beyond its content lock without a copy.
// Enforced: PruneOpt. Tested: TestPrune.
//
// Lock order: heavyweight tuple lock, then visibility map pin, then heap content
// lock, then visibility map content lock.
package heap
