package rows

import (
	"sort"
	"strconv"
	"strings"

	"github.com/pgmini/pgmini/oid"
)

// Catalog is one table of pg_catalog.
type Catalog struct {
	OID               oid.OID
	Name              string
	RowType           oid.OID
	Shared, Mapped    bool
	Toast, ToastIndex oid.OID
	cols              string // "name type[?] [collation],…"
}

// Column is one column of a catalog.
type Column struct {
	Name      string
	Type      oid.OID
	NotNull   bool
	Collation oid.OID
}

// Index is one index of a catalog.
type Index struct {
	OID                          oid.OID
	Name                         string
	Table                        oid.OID
	Unique, Primary, Mapped      bool
	Key                          []int16
	Opclass, Opfamily, Collation []oid.OID
}

// ColumnType is the storage of a type that catalog columns have.
type ColumnType struct {
	OID            oid.OID
	Len            int16
	ByVal          bool
	Align, Storage byte
}

// Catalogs lists every catalog by OID. The caller does not change it.
func Catalogs() []Catalog { return catalogs[:] }

// Indexes lists every index of a catalog by OID. The caller does not change it.
func Indexes() []Index { return indexes[:] }

// FindCatalog returns the catalog with an OID.
func FindCatalog(o oid.OID) (*Catalog, bool) {
	i := sort.Search(len(catalogs), func(i int) bool { return catalogs[i].OID >= o })
	if i == len(catalogs) || catalogs[i].OID != o {
		return nil, false
	}
	return &catalogs[i], true
}

// FindIndex returns the catalog index with an OID.
func FindIndex(o oid.OID) (*Index, bool) {
	i := sort.Search(len(indexes), func(i int) bool { return indexes[i].OID >= o })
	if i == len(indexes) || indexes[i].OID != o {
		return nil, false
	}
	return &indexes[i], true
}

// FindType returns the storage of a column type.
func FindType(o oid.OID) (*ColumnType, bool) {
	i := sort.Search(len(columnTypes), func(i int) bool { return columnTypes[i].OID >= o })
	if i == len(columnTypes) || columnTypes[i].OID != o {
		return nil, false
	}
	return &columnTypes[i], true
}

// Columns are the columns of c in order.
func (c *Catalog) Columns() []Column {
	var out []Column
	for s := range strings.SplitSeq(c.cols, ",") {
		f := strings.Fields(s)
		typ, nullable := strings.CutSuffix(f[1], "?")
		col := Column{Name: f[0], Type: number(typ), NotNull: !nullable}
		if len(f) > 2 {
			col.Collation = number(f[2])
		}
		out = append(out, col)
	}
	return out
}

// number reads an OID that the generator wrote.
func number(s string) oid.OID {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		panic("rows: the generated layout is damaged: " + s)
	}
	return oid.OID(n)
}
