// Package commands runs utility statements: DDL, COPY, VACUUM, ANALYZE, EXPLAIN
// and the like. Transaction control, SET and prepared statements are the
// session's.
//
// Inside, an error is a panic with the private type bail, raised by throw and
// caught by Run; no other panic is caught.
//
// INV-CMD-1 (locks first): a relation is looked up again after its lock was
// granted; what is acted upon is what the lock is on.
// Enforced: cmd.lockClass.
//
// INV-CMD-2 (any cut): how the input of COPY arrives in pieces does not change
// its lines. Enforced: copyLines.next. Tested: TestCopyLines.
package commands
