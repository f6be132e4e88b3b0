// Package relmap is the relation map: the file numbers of those relations whose
// pg_class rows cannot say them, because they are needed to read pg_class, or
// are shared between databases.
//
// INV-MAP-1: a map file is replaced as a whole, and its checksum is right.
// Enforced: Map.Encode. Tested: TestFlippedBits.
package relmap

import (
	"encoding/binary"
	"hash/crc32"
	"slices"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
)

// On-disk layout of RelMapFile, PostgreSQL 15. FROZEN.
const (
	magic       = 0x592717
	maxMappings = 62
	offCount    = 4
	offMappings = 8
	offCRC      = offMappings + 8*maxMappings
	Size        = offCRC + 8 // length of the file

	// FileName is the map's name in its database's folder and in global/.
	FileName = "pg_filenode.map"
)

var (
	le         = binary.LittleEndian               // constant
	castagnoli = crc32.MakeTable(crc32.Castagnoli) // constant
)

// Mapping gives the file number of one relation.
type Mapping struct{ Rel, File oid.OID }

// Map is the contents of a map file. The zero value is empty.
type Map struct{ mappings []Mapping }

// Lookup is the file number of rel, or 0.
func (m *Map) Lookup(rel oid.OID) oid.OID {
	for _, x := range m.mappings {
		if x.Rel == rel {
			return x.File
		}
	}
	return oid.Invalid
}

// Reverse is the relation that has a file number, or 0.
func (m *Map) Reverse(file oid.OID) oid.OID {
	for _, x := range m.mappings {
		if x.File == file {
			return x.Rel
		}
	}
	return oid.Invalid
}

// Mappings lists the map in the file's order.
func (m *Map) Mappings() []Mapping { return slices.Clone(m.mappings) }

// Clone copies m.
func (m *Map) Clone() *Map { return &Map{slices.Clone(m.mappings)} }

// Set gives rel a file number.
func (m *Map) Set(rel, file oid.OID) error {
	for i := range m.mappings {
		if m.mappings[i].Rel == rel {
			m.mappings[i].File = file
			return nil
		}
	}
	if len(m.mappings) == maxMappings {
		return pgerr.New(pgerr.InternalError, "ran out of space in relation map")
	}
	m.mappings = append(m.mappings, Mapping{rel, file})
	return nil
}

// Encode is the file's contents.
func (m *Map) Encode() []byte {
	b := make([]byte, Size)
	le.PutUint32(b, magic)
	le.PutUint32(b[offCount:], uint32(len(m.mappings)))
	for i, x := range m.mappings {
		le.PutUint32(b[offMappings+8*i:], uint32(x.Rel))
		le.PutUint32(b[offMappings+8*i+4:], uint32(x.File))
	}
	le.PutUint32(b[offCRC:], crc32.Checksum(b[:offCRC], castagnoli))
	return b
}

// Decode validates the contents of a map file.
func Decode(b []byte) (*Map, error) {
	if len(b) != Size || le.Uint32(b) != magic || le.Uint32(b[offCount:]) > maxMappings {
		return nil, pgerr.New(pgerr.DataCorrupted, "relation mapping file %q contains invalid data", FileName)
	}
	if crc32.Checksum(b[:offCRC], castagnoli) != le.Uint32(b[offCRC:]) {
		return nil, pgerr.New(pgerr.DataCorrupted, "relation mapping file %q contains incorrect checksum", FileName)
	}
	m := &Map{}
	for i := range int(le.Uint32(b[offCount:])) {
		at := offMappings + 8*i
		m.mappings = append(m.mappings, Mapping{oid.OID(le.Uint32(b[at:])), oid.OID(le.Uint32(b[at+4:]))})
	}
	return m, nil
}

// Read reads the map file in dir ("global" or "base/<database>").
func Read(fsys vfs.FS, dir string) (*Map, error) {
	name := dir + "/" + FileName
	f, err := fsys.Open(name, vfs.Read)
	if err != nil {
		return nil, pgerr.File(err, "open", name)
	}
	defer f.Close()
	b := make([]byte, Size)
	if n, err := f.ReadAt(b, 0); n < Size {
		if err != nil && n == 0 {
			return nil, pgerr.File(err, "read", name)
		}
		return nil, pgerr.New(pgerr.DataCorrupted, "could not read file %q: read %d of %d", name, n, Size)
	}
	return Decode(b)
}

// Write replaces the map file in dir durably.
func Write(fsys vfs.FS, dir string, m *Map) error {
	name, temp := dir+"/"+FileName, dir+"/"+FileName+".tmp"
	f, err := fsys.Open(temp, vfs.Write|vfs.Create|vfs.Trunc)
	if err != nil {
		return pgerr.File(err, "create", temp)
	}
	if _, err := f.WriteAt(m.Encode(), 0); err != nil {
		f.Close()
		return pgerr.File(err, "write", temp)
	}
	if err := f.Sync(); err != nil {
		f.Close()
		return pgerr.File(err, "fsync", temp)
	}
	if err := f.Close(); err != nil {
		return pgerr.File(err, "close", temp)
	}
	if err := fsys.Rename(temp, name); err != nil {
		return pgerr.Wrap(err, pgerr.IOError, "could not rename file %q to %q", temp, name)
	}
	return pgerr.File(fsys.SyncDir(dir), "fsync", dir)
}
