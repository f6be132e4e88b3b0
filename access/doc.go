// Package access is what all access methods share: the description of a
// relation and its columns, and the form of heap and index tuples.
//
// INV-ACC-1: Deform reads nothing outside the tuple, whatever its bytes are.
// Enforced: walker.walk, CheckTuple. Tested: FuzzDeform.
//
// INV-ACC-2: FormTuple writes the bytes that PostgreSQL writes for the same
// values. Enforced: fillData. Tested: TestFormMatchesStock.
package access
