// Package sqlcrash is a test without code of its own: a workload of SQL statements,
// CREATE and DROP DATABASE among them, on a whole server over the power-fail file
// system.
//
// INV-SC-1: whenever the power fails, the server then shows the state after the last
// acknowledged statement, or after the one that was cut.
// Enforced: xact.Tx.Commit. Tested: TestImages.
package sqlcrash
