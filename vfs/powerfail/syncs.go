package powerfail

// Known is a place in the source that syncs, or some of its callers and folders: the
// beginning of what site says, or with a $ behind it all.
type Known struct {
	Site string
	Test string // goes red without it
	Kept string // why nothing does, and why it is there all the same
}

// Syncs are all places that sync. TestSyncsAreListed compares them with the source.
func Syncs() []Known {
	const engine, initdb, sql = "engine.TestEverySync", "initdb.TestEverySync", "sqlcrash.TestEverySync"
	earlier := "what a server before this one owed. Ours owes nothing there: it syncs such files and folders itself " +
		"before it relies on them, or redo writes them anew. Stock PostgreSQL syncs them too, and so they stay"
	redone := "the server that logged the record had made all this durable before, and CREATE_FILE_COPY is replayed only for transactions " +
		"that did not commit. Who replays the log over an older copy of the directory, or on a standby, needs it"
	return []Known{
		{Site: "Sync engine.(*PIDFile).write", Test: engine},
		{Site: "Sync pgcontrol.Write", Test: engine},
		{Site: "SyncDir pgcontrol.Write", Test: engine},
		{Site: "Sync pgcontrol.overwrite", Test: "pgcontrol.TestOverwritePowerFail"},

		{Site: "Sync xlog.(*Log).sync < xlog.(*Log).flushAll", Test: engine},
		{Site: "Sync xlog.(*Log).sync < xlog.(*Log).write", Test: engine},
		{Site: "Sync xlog.(*Log).sync < xlog.(*Log).BackgroundFlush", Test: engine},
		{Site: "Sync xlog.(*Log).fillSegment", Kept: "the sync of the segment's first record covers its zeros. It is there so that no " +
			"commit waits for 16 MB of them, and no commit is the first to hear that there is no room"},
		{Site: "Sync xlog.(*Log).clearSegment", Kept: "the first flush covers what was cleared in its segment. In the ones behind, a later record would " +
			"have to end exactly where an old page begins before it mattered, by a chance that no sweep meets (TestClearBehind makes the case)"},
		{Site: "SyncDir xlog.(*Log).install < xlog.(*Log).createSegment", Test: engine},
		{Site: "SyncDir xlog.(*Log).install < xlog.(*Log).recycle", Test: engine},

		{Site: "Sync smgr.(*Manager).syncSeg < smgr.(*Manager).Sync", Test: engine},
		{Site: "SyncDir smgr.(*Manager).Sync", Test: engine},
		{Site: "Sync slru.(*Cache).sync < slru.(*Cache).Checkpoint: pg_xact", Test: engine},
		{Site: "Sync slru.(*Cache).sync < slru.(*Cache).Checkpoint: pg_multixact/offsets", Test: engine},
		{Site: "Sync slru.(*Cache).sync < slru.(*Cache).Checkpoint: pg_multixact/members", Test: engine},
		{Site: "Sync slru.(*Cache).sync < slru.(*Cache).Checkpoint: pg_commit_ts", Test: engine},
		{Site: "SyncDir slru.(*Cache).sync < slru.(*Cache).Checkpoint: pg_xact", Test: engine},
		{Site: "SyncDir slru.(*Cache).sync < slru.(*Cache).Checkpoint: pg_multixact/offsets", Test: engine},
		{Site: "SyncDir slru.(*Cache).sync < slru.(*Cache).Checkpoint: pg_multixact/members", Test: engine},
		{Site: "SyncDir slru.(*Cache).sync < slru.(*Cache).Checkpoint: pg_commit_ts", Test: engine},
		{Site: "Sync xact.(*Manager).writeState", Test: engine},
		{Site: "SyncDir xact.(*Manager).checkpointPrepared", Test: engine},

		{Site: "Sync recovery.syncFile < recovery.syncTree", Kept: earlier},
		{Site: "Sync recovery.syncFile < recovery.syncTree: pg_wal", Test: engine},
		{Site: "SyncDir recovery.syncDir < recovery.syncTree", Kept: earlier},
		{Site: "SyncDir recovery.syncDir < recovery.syncTree: base", Test: engine},
		{Site: "Sync recovery.copyFile < recovery.resetUnloggedIn", Test: engine},
		{Site: "SyncDir recovery.syncDir < recovery.resetUnloggedIn", Test: engine},

		{Site: "Sync heap.(*RedoEnv).redoRewrite", Test: "heap.TestRewritePowerFail"},
		{Site: "SyncDir heap.(*RedoEnv).redoRewrite", Test: "heap.TestRewritePowerFail"},
		{Site: "Sync guc.(*Registry).AlterSystem", Test: sql},
		{Site: "SyncDir guc.(*Registry).AlterSystem", Test: sql},
		{Site: "Sync catalog.MakeDatabaseDir", Test: sql},
		{Site: "SyncDir catalog.MakeDatabaseDir < catalog.(*Session).makeDatabaseDir: base$", Test: sql},
		{Site: "SyncDir catalog.MakeDatabaseDir < catalog.(*Session).makeDatabaseDir: base/N$", Kept: "until the next checkpoint redo makes the folder's " +
			"files, and that checkpoint syncs the folder for the relations in it. A template without relations would need it"},
		{Site: "Sync catalog.copyFile", Test: sql},
		{Site: "SyncDir catalog.CopyDatabaseDir", Test: sql},
		{Site: "SyncDir catalog.RemoveDatabaseDir", Test: sql},
		{Site: "Sync relmap.Write", Test: sql},
		{Site: "SyncDir relmap.Write", Kept: "until the next checkpoint redo writes the map anew, and that checkpoint syncs the folder for the " +
			"relation whose number changed. That is an order of two packages that nobody should have to know"},
		{Site: "Sync recovery.(*Env).redoDatabase", Kept: redone},
		{Site: "SyncDir recovery.syncDir < recovery.(*Env).redoDatabase", Kept: redone},
		{Site: "SyncDir recovery.syncDir < recovery.mkdirAll", Kept: redone},
		{Site: "Sync recovery.copyFile < recovery.copyDir", Kept: redone},
		{Site: "SyncDir recovery.syncDir < recovery.copyDir", Kept: redone},

		{Site: "Sync initdb.(*writer).fileOn", Test: initdb},
		{Site: "SyncDir initdb.(*writer).syncDir", Test: initdb},
		{Site: "SyncDir initdb.(*writer).firstSegment", Test: initdb},
	}
}
