// Package exec runs plans.
//
// Operators exchange batches: column vectors, a row count and the list of the
// rows that count. A batch and everything in it belongs to the operator that
// returned it and is valid until that operator's next Next, Rescan or Close;
// whoever keeps rows longer copies them (rowStore).
//
// INV-EXEC-1: an expression is evaluated only for rows in the selection that it
// was given, so CASE, AND, OR and COALESCE never evaluate what PostgreSQL would
// not. Enforced: boolAnd.eval. Tested: TestLazyEvaluation.
//
// INV-EXEC-2: an operator holds no pin after Close, whatever error came before.
// Enforced: Execution.Close. Tested: TestNoPinsLeft.
//
// INV-EXEC-3: within a statement, scans see the snapshot and command id that the
// statement began with; rows that it wrote are not seen by it.
// Enforced: Start. Tested: TestHalloween.
package exec
