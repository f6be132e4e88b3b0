// Package lint holds the tests that keep the tree in order: which package may
// import which, where dangerous imports stay, that no package variable is
// written, that the names which invariants cite exist, and that files and
// functions do not grow. It has no code of its own.
package lint
