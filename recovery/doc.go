// Package recovery brings a data directory that was not shut down cleanly to a
// consistent state: from pg_control's checkpoint it replays the log to its end.
//
// INV-REC-1 (refuse first): before anything in the data directory changes, the
// whole log has been read once and each record's resource manager can be
// replayed. Enforced: Recovery.Check. Tested: TestRefusesForeignRecords.
//
// INV-REC-2 (idempotent): recovery that is cut anywhere and begun again gives the
// same pages: redo compares LSNs, and pg_control's checkpoint does not move before the
// end-of-recovery checkpoint. Enforced: bufmgr.ReadForRedo, Recovery.Prepare.
// Tested: TestSweep.
//
// INV-REC-3 (unlogged): after a crash an unlogged relation is its init fork.
// Enforced: resetUnlogged. Tested: TestResetUnlogged.
//
// INV-REC-4 (end of the log): where the log cannot be read any more it ends, unless
// it is known to have been durable further: then it is damaged, and recovery refuses
// it, or, told to tolerate it, keeps what it leaves out. A torn tail is no damage.
// Enforced: Recovery.judge. Tested: TestDamagedWAL, TestWatermarkNeverLies.
package recovery
