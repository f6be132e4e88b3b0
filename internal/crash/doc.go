// Package crash kills pgmini's process at random moments under load, and looks
// at what is left.
//
// INV-CRASH-1: a commit that a client was told of is there after kill -9, and a
// transaction that failed is not.
// Enforced: xact.Commit. Tested: TestKillLoop.
package crash
