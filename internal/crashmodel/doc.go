// Package crashmodel is a test without code of its own: concurrent clients work on
// an engine over the power-fail file system, the power is cut or the process killed
// at a random step, recovery runs, perhaps to be cut too, and everything that a
// client was promised is compared with a model; then the next generation goes on
// with the directory as the crash left it.
//
// INV-CM-1: of each client's transactions a prefix survives that holds every
// acknowledged synchronous commit, each one whole or not at all. Enforced:
// world.checkClient. Tested: TestGenerations.
//
// INV-CM-2: money is only moved: the balances are what the surviving transfers
// say, at every moment in every snapshot. Enforced: world.checkAccounts. Tested:
// TestGenerations.
//
// TestGenerations runs for PGMINI_CRASH_TIME (a duration; 20 seconds without, with a
// seed that is always the same). PGMINI_SEED chooses the seed, and PGMINI_CRASH_STOCK=n
// hands the directory to stock PostgreSQL for recovery and amcheck in every n-th
// generation:
//
//	PGMINI_CRASH_TIME=20m PGMINI_CRASH_STOCK=200 go test ./internal/crashmodel -run TestGenerations -timeout 0
package crashmodel
