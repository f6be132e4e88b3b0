// Package nbtree is PostgreSQL 15's btree index: Lehman and Yao's tree with right
// links and high keys, suffix truncation, posting lists, page deletion. Its pages
// and its WAL are PostgreSQL's own.
//
// INV-NBT-1: the items of a page are in ascending order of key and heap TID; all
// are at most the page's high key and above the left sibling's.
// Enforced: insertion.location. Tested: TestMetamorphic.
//
// INV-NBT-2: a page that was split off is reachable at every moment by its left
// sibling's right link; until its parent has the downlink, the sibling is flagged,
// and the next writer that comes by completes the split.
// Enforced: env.splitPage, env.finishSplit. Tested: TestCrashedSplitIsFinished.
//
// INV-NBT-3: a deleted page keeps its links, and is reused only when no
// transaction that could be on its way to it runs any more.
// Enforced: env.recyclable. Tested: TestVacuumDeletesPages.
//
// INV-NBT-4: what a record does to a page is done by one function, at do time and
// at redo, from the record's bytes alone.
// Enforced: Redo. Tested: TestMetamorphic.
//
// INV-NBT-5: vacuum takes a cleanup lock on each leaf that it deletes entries
// from; a scan whose matches must not become other rows' TIDs keeps its pin.
// Enforced: vacuum.page. Tested: TestMetamorphic.
//
// Lock order of pages: up from a leaf to the root, left to right on a level, the
// meta page last. A lock on a page is taken while holding another only in this
// order; descents hold one page at a time.
package nbtree
