package rmgrs

import (
	"fmt"

	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

// Kinds of Storage records (catalog/storage_xlog.h). FROZEN.
const (
	InfoStorageCreate   = 0x10
	InfoStorageTruncate = 0x20

	storageCreateSize   = 16
	storageTruncateSize = 20
)

// Forks that a StorageTruncate cuts (SMGR_TRUNCATE_*).
const (
	TruncateHeap = 1
	TruncateVM   = 2
	TruncateFSM  = 4
	TruncateAll  = 7
)

// StorageCreate says that a relation fork was made (xl_smgr_create).
type StorageCreate struct {
	Node page.RelFileNode
	Fork page.Fork
}

// Append appends the body of the record to dst.
func (s StorageCreate) Append(dst []byte) []byte {
	return le.AppendUint32(appendNode(dst, s.Node), uint32(s.Fork))
}

// DecodeStorageCreate reads the body of Storage/CREATE.
func DecodeStorageCreate(b []byte) (StorageCreate, error) {
	if len(b) < storageCreateSize || le.Uint32(b[12:]) > uint32(page.MaxFork) {
		return StorageCreate{}, errShort("Storage/CREATE", len(b))
	}
	return StorageCreate{getNode(b), page.Fork(le.Uint32(b[12:]))}, nil
}

// Build has r hold the record.
func (s StorageCreate) Build(r *xlog.Record, x xid.XID) {
	r.Begin(xlog.RmSmgr, InfoStorageCreate|xlog.SpecialRelUpdate, x)
	r.Data(s.Append(nil))
}

// StorageTruncate says that forks were cut to Blocks (xl_smgr_truncate).
type StorageTruncate struct {
	Blocks page.BlockNumber
	Node   page.RelFileNode
	Flags  int32
}

// Append appends the body of the record to dst.
func (s StorageTruncate) Append(dst []byte) []byte {
	dst = appendNode(le.AppendUint32(dst, uint32(s.Blocks)), s.Node)
	return le.AppendUint32(dst, uint32(s.Flags))
}

// DecodeStorageTruncate reads the body of Storage/TRUNCATE.
func DecodeStorageTruncate(b []byte) (StorageTruncate, error) {
	if len(b) < storageTruncateSize {
		return StorageTruncate{}, errShort("Storage/TRUNCATE", len(b))
	}
	return StorageTruncate{page.BlockNumber(le.Uint32(b)), getNode(b[4:]), int32(le.Uint32(b[16:]))}, nil
}

// Build has r hold the record.
func (s StorageTruncate) Build(r *xlog.Record, x xid.XID) {
	r.Begin(xlog.RmSmgr, InfoStorageTruncate|xlog.SpecialRelUpdate, x)
	r.Data(s.Append(nil))
}

func identifyStorage(info uint8) string {
	switch info &^ xlog.InfoMask {
	case InfoStorageCreate:
		return "CREATE"
	case InfoStorageTruncate:
		return "TRUNCATE"
	}
	return ""
}

func descStorage(dst []byte, d *xlog.Decoded) []byte {
	switch d.RmgrInfo() {
	case InfoStorageCreate:
		s, err := DecodeStorageCreate(d.Main)
		if err != nil {
			return descShort(dst)
		}
		return append(dst, RelPath(s.Node, s.Fork)...)
	case InfoStorageTruncate:
		s, err := DecodeStorageTruncate(d.Main)
		if err != nil {
			return descShort(dst)
		}
		return fmt.Appendf(dst, "%s to %d blocks flags %d", RelPath(s.Node, page.MainFork), s.Blocks, s.Flags)
	}
	return dst
}
