// Package regress holds SQL scripts and what stock PostgreSQL 15 answers to them.
//
// sql/NAME.sql is run by real psql; expected/NAME.out is stock's answer, written
// by PGMINI_REWRITE=stock go test ./regress and never by hand. The test runs the
// scripts on pgmini and compares byte by byte.
//
// INV-REGRESS-1: a script is known to fail only with a reason in
// known-failing.txt, and one that passes may not be listed.
// Enforced: TestRegress. Tested: TestRegress.
package regress
