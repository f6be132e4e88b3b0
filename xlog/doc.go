// Package xlog is the write-ahead log in PostgreSQL 15's format: records,
// insertion, flushing, segments, and reading back.
//
// INV-XLOG-1 (durability): what Flush said is durable is read back after any
// loss of power; a failed write or sync stops the log for good and is never
// retried.
// Enforced: Log.sync, Log.fail. Tested: TestPowerFailSweep, TestFailedSync.
//
// INV-XLOG-4 (no hole): nothing is written up to a position while an insert
// below it is unfinished.
// Enforced: Log.waitForInserts. Tested: TestManyWriters.
//
// INV-XLOG-5 (reader): whatever the bytes, reading neither panics nor allocates
// by a length that was not checked against bytes that are there.
// Enforced: Decoded.decode, Reader.assemble. Tested: FuzzDecode, FuzzReader.
//
// INV-XLOG-6 (watermarks): what a watermark says was durable was, when it was
// written; it ends with a record, and behind a legal end of the log no watermark
// speaks of more. So a log that cannot be read up to there is damaged.
// Enforced: Log.slackMark, Log.insertWatermark, Log.flushAll, readWatermark.
// Tested: TestWatermarkNeverLies, TestWatermarkFindsDamage, TestWatermarkIsBound.
//
// INV-XLOG-7 (end): what a crashed server left behind the end of the log is not read
// again.
// Enforced: Log.adoptLastPage, Log.clearBehind. Tested: TestClearBehind.
//
// INV-XLOG-8 (full disk): who would change data is refused while there is still room
// in the segments for those who must not fail.
// Enforced: Log.Room, Log.noteRoom, xact.Tx.XID. Tested: TestFullWALDisk.
//
// Three pointers only grow: Flush <= Write <= Insert.
//
// Lock order: whoever leads the group may take the others; inserter.mu, ring.mu
// and group.mu are innermost, held for a few instructions, and never while
// waiting.
package xlog
