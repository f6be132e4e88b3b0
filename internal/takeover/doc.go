// Package takeover proves, through the binary and stock PostgreSQL 15, that a
// data directory belongs to either server: one fills it, stops or is killed, and
// the other opens it and holds the same rows. It has tests only.
//
// testdata/everything.sql is what a directory is filled with; testdata/state.sql
// prints what a database holds; testdata/skip.txt names the sections of
// everything.sql that pgmini cannot run yet, each with its reason. A section that
// is listed and runs, or is not listed and fails, turns TestWorkload red.
//
// PGMINI_NIGHTLY=1 makes the tables large.
package takeover
