package access

import (
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
)

// Attr describes one column (PostgreSQL: FormData_pg_attribute).
type Attr struct {
	Name        string
	Type        oid.OID
	BaseType    oid.OID // of a domain, the type below it; 0: Type itself
	Len         int16   // bytes; -1 varlena, -2 cstring
	ByVal       bool
	Align       byte // 'c' 's' 'i' 'd'
	Storage     byte // 'p' 'e' 'm' 'x'
	Compression byte // 'p' pglz, 'l' lz4, 0 the default
	NotNull     bool
	HasDef      bool
	HasMissing  bool
	Identity    byte // 0, 'a', 'd'
	Generated   byte // 0, 's'
	Dropped     bool
	IsLocal     bool
	InhCount    int32
	NDims       int32
	TypMod      int32
	StatTarget  int32
	Collation   oid.OID
	Num         int16        // attnum, from 1
	Missing     *datum.Datum // attmissingval: what a row that is too short has here
}

// TupleDesc describes the columns of a row, in order (PostgreSQL: TupleDescData).
// It is immutable once built.
type TupleDesc struct {
	Attrs  []Attr
	TypeID oid.OID // row type, or Record
	TypMod int32
}

// NAttrs is the number of columns, dropped ones included.
func (d *TupleDesc) NAttrs() int { return len(d.Attrs) }

// ByName returns the index of the live column called name, or -1.
func (d *TupleDesc) ByName(name string) int {
	for i := range d.Attrs {
		if d.Attrs[i].Name == name && !d.Attrs[i].Dropped {
			return i
		}
	}
	return -1
}

// alignTo rounds off up to the boundary that align names.
func alignTo(off int, align byte) int {
	switch align {
	case 'i':
		return (off + 3) &^ 3
	case 'd':
		return (off + 7) &^ 7
	case 's':
		return (off + 1) &^ 1
	}
	return off
}

// base is the type that decides how the bytes are read.
func (a *Attr) base() oid.OID {
	if a.BaseType != oid.Invalid {
		return a.BaseType
	}
	return a.Type
}

// packable reports whether the column's varlena values may have 1-byte headers.
func (a *Attr) packable() bool { return a.Len == -1 && a.Storage != 'p' }
