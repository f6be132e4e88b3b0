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
// INV-EXEC-2: an operator holds no pin and no file after Close, whatever error
// came before.
// Enforced: Execution.Close. Tested: TestSortSpills.
package exec
