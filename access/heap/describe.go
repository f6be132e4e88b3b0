package heap

import "github.com/pgmini/pgmini/xlog"

// Describers give pg_waldump's text for the records of Heap and Heap2.
func Describers() []xlog.Describer {
	return []xlog.Describer{
		{ID: xlog.RmHeap, Identify: identifyHeap, Desc: descHeap},
		{ID: xlog.RmHeap2, Identify: identifyHeap2, Desc: descHeap2},
	}
}

func identifyHeap(info uint8) string {
	name := ""
	switch info & infoOpMask {
	case infoInsert:
		name = "INSERT"
	case infoDelete:
		name = "DELETE"
	case infoUpdate:
		name = "UPDATE"
	case infoTruncate:
		name = "TRUNCATE"
	case infoHotUpdate:
		name = "HOT_UPDATE"
	case infoConfirm:
		name = "HEAP_CONFIRM"
	case infoLock:
		name = "LOCK"
	case infoInplace:
		name = "INPLACE"
	}
	return withInit(name, info, info&infoOpMask == infoInsert || info&infoOpMask == infoUpdate || info&infoOpMask == infoHotUpdate)
}

func identifyHeap2(info uint8) string {
	names := [...]string{"REWRITE", "PRUNE", "VACUUM", "FREEZE_PAGE", "VISIBLE", "MULTI_INSERT", "LOCK_UPDATED", "NEW_CID"}
	return withInit(names[info&infoOpMask>>4], info, info&infoOpMask == info2MultiInsert)
}

// withInit adds "+INIT"; a type that never makes a page has no name with that bit.
func withInit(name string, info uint8, may bool) string {
	if info&infoInit == 0 {
		return name
	}
	if !may {
		return ""
	}
	return name + "+INIT"
}

func descHeap(dst []byte, d *xlog.Decoded) []byte {
	switch d.RmgrInfo() & infoOpMask {
	case infoInsert:
		return descInsert(dst, d.Main)
	case infoDelete:
		return descDelete(dst, d.Main)
	case infoUpdate, infoHotUpdate:
		return descUpdate(dst, d.Main)
	case infoTruncate:
		return descTruncate(dst, d.Main)
	case infoLock:
		return descLock(dst, d.Main, "xid")
	}
	return descOff(dst, d.Main)
}

func descHeap2(dst []byte, d *xlog.Decoded) []byte {
	switch d.RmgrInfo() & infoOpMask {
	case info2Prune:
		return descPrune(dst, d.Main)
	case info2Vacuum:
		return descVacuum(dst, d.Main)
	case info2FreezePage:
		return descFreeze(dst, d.Main)
	case info2Visible:
		return descVisible(dst, d.Main)
	case info2MultiInsert:
		return descMultiInsert(dst, d.Main)
	case info2LockUpdated:
		return descLock(dst, d.Main, "xmax")
	case info2NewCID:
		return descNewCID(dst, d.Main)
	}
	return dst
}
