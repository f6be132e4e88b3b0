package heap

import "encoding/binary"

// Record types and flags of the Heap and Heap2 resource managers, PostgreSQL 15
// (access/heapam_xlog.h). FROZEN.
const (
	infoInsert    = 0x00
	infoDelete    = 0x10
	infoUpdate    = 0x20
	infoTruncate  = 0x30
	infoHotUpdate = 0x40
	infoConfirm   = 0x50
	infoLock      = 0x60
	infoInplace   = 0x70
	infoOpMask    = 0x70
	infoInit      = 0x80

	info2Rewrite     = 0x00
	info2Prune       = 0x10
	info2Vacuum      = 0x20
	info2FreezePage  = 0x30
	info2Visible     = 0x40
	info2MultiInsert = 0x50
	info2LockUpdated = 0x60
	info2NewCID      = 0x70

	insertAllVisibleCleared = 1 << 0
	insertLastInMulti       = 1 << 1
	insertIsSpeculative     = 1 << 2
	insertContainsNewTuple  = 1 << 3
	insertOnToast           = 1 << 4
	insertAllFrozenSet      = 1 << 5

	updateOldAllVisibleCleared = 1 << 0
	updateNewAllVisibleCleared = 1 << 1
	updatePrefixFromOld        = 1 << 5
	updateSuffixFromOld        = 1 << 6

	deleteAllVisibleCleared = 1 << 0
	deleteIsSuper           = 1 << 3
	deletePartitionMove     = 1 << 4

	truncateCascade     = 1 << 0
	truncateRestartSeqs = 1 << 1

	bitsIsMulti     = 0x01
	bitsLockOnly    = 0x02
	bitsExclLock    = 0x04
	bitsKeyShrLock  = 0x08
	bitsKeysUpdated = 0x10

	lockAllFrozenCleared = 0x01

	freezeXvac    = 0x02
	freezeInvXvac = 0x04

	vmAllVisible = 0x01
	vmAllFrozen  = 0x02

	sizeInsert      = 3
	sizeDelete      = 8
	sizeUpdate      = 14
	sizeHeader      = 5
	sizeLock        = 8
	sizeMultiInsert = 4
	sizeMultiTuple  = 7
	sizePrune       = 8
	sizeFreezePage  = 6
	sizeFreezeTuple = 12
	sizeVisible     = 5
	sizeNewCID      = 34
	sizeTruncate    = 12

	// maxTupleSize is MaxHeapTupleSize, maxTuplesPerPage MaxHeapTuplesPerPage.
	maxTupleSize     = 8160
	maxTuplesPerPage = 291
)

var le = binary.LittleEndian // constant
