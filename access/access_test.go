package access

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
)

func fixed(name string, typ oid.OID, n int16, byVal bool, align byte) Attr {
	return Attr{Name: name, Type: typ, Len: n, ByVal: byVal, Align: align, Storage: 'p'}
}

func varlena(name string, typ oid.OID, storage byte) Attr {
	return Attr{Name: name, Type: typ, Len: -1, Align: 'i', Storage: storage}
}

// allTypes describes the table of TestFormMatchesStock.
func allTypes() *TupleDesc {
	return &TupleDesc{Attrs: []Attr{
		fixed("b", oid.Bool, 1, true, 'c'), varlena("t", oid.Text, 'x'), fixed("i2", oid.Int2, 2, true, 's'),
		varlena("pl", oid.Text, 'x') /* the executor forms by the type, not by SET STORAGE */, fixed("i8", oid.Int8, 8, true, 'd'), fixed("u", oid.UUID, 16, false, 'c'),
		fixed("n", oid.Name, 64, false, 'c'), varlena("num", oid.Numeric, 'm'), fixed("i4", oid.Int4, 4, true, 'i'),
		fixed("iv", oid.Interval, 16, false, 'd'), fixed("f8", oid.Float8, 8, true, 'd'), fixed("o", oid.Oid, 4, true, 'i'),
		fixed("ti", oid.Tid, 6, false, 's'), varlena("ba", oid.Bytea, 'x'), fixed("ch", oid.Char, 1, true, 'c'),
		{Name: "arr", Type: oid.Int4Array, Len: -1, Align: 'i', Storage: 'x'},
	}}
}

// TestFormMatchesStock takes tuples that stock formed apart and forms them again:
// the same bytes, heap and index.
func TestFormMatchesStock(t *testing.T) {
	pg := oracle.Find(t)
	c := pg.Initdb(t)
	c.Start("autovacuum=off")
	c.Psql(`create table t (b bool, t text, i2 smallint, pl text, i8 bigint, u uuid, n name, num numeric, i4 int, iv interval, f8 float8, o oid, ti tid, ba bytea, ch "char", arr int[]);
		alter table t alter pl set storage plain;
		insert into t select nullif(i%2=0, i%7=0), nullif(repeat('x', i), 'x'), -i, case when i%3=0 then repeat('p', i%140) end, i*-1e12::bigint, md5(i::text)::uuid, 'name'||i, i*1.5e3::numeric, -i,
			i * '1 day 3 minutes'::interval, i/3.0, 4294967295-i, '(1,2)', case when i%5>0 then decode(repeat('ab', i), 'hex') end, chr(64+i%60)::"char", case when i%4>0 then array[i,null,2] end from generate_series(1,150) i;
		create index ix on t (i2, t, i8, b, n, num, ba);
		checkpoint`)
	heapPath, indexPath := c.RelPath("t"), c.RelPath("ix")
	c.Stop()
	d := allTypes()
	heap := reform(t, filepath.Join(c.Data, heapPath), func(item []byte) ([]byte, []byte) {
		tup := Tuple(item)
		vals := make([]datum.Datum, len(d.Attrs))
		if err := Deform(d, tup, len(vals), vals, nil); err != nil {
			t.Fatal(err)
		}
		made, err := FormTuple(d, vals)
		if err != nil {
			t.Fatal(err)
		}
		const formed = HasNull | HasVarWidth | HasExternal
		if made.Hoff() != tup.Hoff() || made.NAttrs() != tup.NAttrs() || made.Infomask()&formed != tup.Infomask()&formed {
			t.Fatalf("header: hoff %d natts %d infomask %#x, stock has %d %d %#x", made.Hoff(), made.NAttrs(), made.Infomask(), tup.Hoff(), tup.NAttrs(), tup.Infomask())
		}
		return made[offBits:], tup[offBits:]
	})
	id := &TupleDesc{}
	for _, name := range []string{"i2", "t", "i8", "b", "n", "num", "ba"} {
		a := d.Attrs[d.ByName(name)]
		if name == "n" { // name_ops stores cstring
			a.Len, a.Type, a.Align = -2, oid.Cstring, 'c'
		}
		id.Attrs = append(id.Attrs, a)
	}
	index := reform(t, filepath.Join(c.Data, indexPath), func(item []byte) ([]byte, []byte) {
		tup := IndexTuple(item)
		if tup.Info()&IndexAMReserved != 0 { // a pivot: fewer columns
			return nil, nil
		}
		vals := make([]datum.Datum, len(id.Attrs))
		if err := DeformIndex(id, tup, len(vals), vals); err != nil {
			t.Fatal(err)
		}
		made, err := FormIndexTuple(id, vals, tup.TID())
		if err != nil {
			t.Fatal(err)
		}
		return made, tup
	})
	if heap != 150 || index < 150 {
		t.Errorf("compared %d heap and %d index tuples", heap, index)
	}
}

// reform calls f on each item of a file and compares what it returns.
func reform(t *testing.T, path string, f func(item []byte) (ours, stock []byte)) (n int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for ; len(b) > 0; b = b[page.Size:] {
		p := page.Page(b[:page.Size])
		if sp := p.Special(); len(sp) == 16 && (binary.LittleEndian.Uint16(sp[12:])&8 != 0) {
			continue // btree's meta page
		}
		for off := page.OffsetNumber(1); off <= p.NumItems(); off++ {
			item, err := p.Item(off)
			if err != nil {
				t.Fatal(err)
			}
			ours, stock := f(item)
			if ours == nil {
				continue
			}
			n++
			if !bytes.Equal(ours, stock) {
				t.Fatalf("item %d of %s:\nours  %x\nstock %x", off, path, ours, stock)
			}
		}
	}
	return n
}

// TestStored: compression round trips, pointers, missing and dropped columns.
func TestStored(t *testing.T) {
	long := []byte(strings.Repeat("compress me ", 500))
	for _, method := range []byte{'p', 'l'} {
		s, ok, err := Compress(long, method)
		if err != nil || !ok || StoredSize(s) != len(s) || RawSize(s) != len(long) {
			t.Fatal(ok, err, StoredSize(s), len(s))
		}
		if b, err := Decompress(s); err != nil || !bytes.Equal(b, long) {
			t.Error("round trip", err)
		}
	}
	e := External{RawSize: 100000, ExtSize: 5000, Method: LZ4, ValueID: 77, RelID: 88}
	if got := GetExternal(PutExternal(e)); got != e || !e.Compressed() {
		t.Error(got)
	}
	d := &TupleDesc{Attrs: []Attr{fixed("a", oid.Int4, 4, true, 'i'), varlena("b", oid.Text, 'x')}}
	tup, err := FormTuple(d, []datum.Datum{datum.Int(-5), datum.String("hello")})
	if err != nil {
		t.Fatal(err)
	}
	miss := datum.Int(42)
	wide := &TupleDesc{Attrs: append(slices.Clone(d.Attrs), fixed("c", oid.Int4, 4, true, 'i'), fixed("d", oid.Int4, 4, true, 'i'))}
	wide.Attrs[2].Missing = &miss
	vals := make([]datum.Datum, 4)
	if err := Deform(wide, tup, 4, vals, nil); err != nil {
		t.Fatal(err)
	}
	if vals[0].Int != -5 || vals[1].Str() != "hello" || vals[2].Int != 42 || !vals[3].Null {
		t.Error(vals)
	}
	vals = make([]datum.Datum, 4)
	if err := DeformCols(wide, tup, []int{1, 3}, vals, nil); err != nil || vals[0].Int != 0 || vals[1].Str() != "hello" || !vals[3].Null {
		t.Error(vals, err)
	}
	if n := testing.AllocsPerRun(100, func() { Deform(wide, tup, 4, vals, nil) }); n != 0 {
		t.Errorf("Deform: %v allocations", n)
	}
	comp, err := FormComposite(d, []datum.Datum{datum.Int(1), datum.Null()})
	if err != nil {
		t.Fatal(err)
	}
	back, _, _, err := CompositeTuple(comp.Bytes)
	if err == nil {
		err = Deform(d, back, 2, vals, nil)
	}
	if err != nil || vals[0].Int != 1 || !vals[1].Null {
		t.Error(vals, err)
	}
}

// FuzzDeform: any bytes as a tuple give values or an error.
func FuzzDeform(f *testing.F) {
	d := allTypes()
	vals := make([]datum.Datum, len(d.Attrs))
	for i := range vals {
		vals[i] = datum.Null()
		if a := d.Attrs[i]; a.Len == -1 {
			vals[i] = datum.String("abc")
		} else if !a.ByVal && a.Len > 0 && a.Type != oid.Name {
			vals[i] = datum.Bytes(make([]byte, a.Len))
		}
	}
	t, err := FormTuple(d, vals)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(t))
	f.Add([]byte(t[:30]))
	f.Fuzz(func(_ *testing.T, b []byte) {
		dst := make([]datum.Datum, len(d.Attrs))
		Deform(d, b, len(dst), dst, nil)
		Fields(d, b, make([]Field, len(dst)))
		StoredColumns(d, b, make([][]byte, len(dst)))
		DeformIndex(d, b, len(dst), dst)
	})
}
