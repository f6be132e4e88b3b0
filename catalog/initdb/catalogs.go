package initdb

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/catalog/bootstrap"
	"github.com/pgmini/pgmini/catalog/relmap"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/cmp"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
)

// builder makes the files of all catalogs in memory.
type builder struct {
	data   *bootstrap.Data
	class  map[oid.OID]*rows.PgClass
	desc   map[oid.OID]*access.TupleDesc
	main   map[oid.OID]file
	vm     map[oid.OID]file
	tids   map[oid.OID][]page.TID
	raw    map[oid.OID][][][]byte // by table and row: stored forms of long values
	nextID oid.OID
}

// catalogs writes the files of all catalogs and returns the next free OID.
func (w *writer) catalogs(o *Options) (oid.OID, error) {
	load := bootstrap.Load
	if o.NoViews {
		load = bootstrap.LoadTables
	}
	data, err := load()
	if err != nil {
		return 0, err
	}
	b := &builder{data: data, class: map[oid.OID]*rows.PgClass{}, desc: map[oid.OID]*access.TupleDesc{},
		main: map[oid.OID]file{}, vm: map[oid.OID]file{}, tids: map[oid.OID][]page.TID{}, raw: map[oid.OID][][][]byte{}}
	if err := b.personalize(o); err != nil {
		return 0, err
	}
	b.describe()
	if err := b.build(); err != nil {
		return 0, fmt.Errorf("build catalogs: %w", err)
	}
	shared, local := &relmap.Map{}, &relmap.Map{}
	for _, m := range data.Mapped {
		to := local
		if m.Shared {
			to = shared
		}
		if err := to.Set(m.Rel, m.Rel); err != nil {
			return 0, err
		}
	}
	for rel, f := range b.main {
		w.stamp(f)
		w.stamp(b.vm[rel])
	}
	work := []func() error{func() error { return w.relations(b, "global", true, shared) }}
	for _, db := range []oid.OID{oid.Template1DB, oid.Template0DB, oid.PostgresDB} {
		work = append(work, func() error {
			dir := fmt.Sprintf("base/%d", db)
			if err := w.relations(b, dir, false, local); err != nil {
				return err
			}
			return w.file(dir+"/PG_VERSION", []byte("15\n"))
		})
	}
	return b.nextID, w.each(work)
}

// each calls the functions, at the same time if the options say so.
func (w *writer) each(work []func() error) error {
	if !w.parallel {
		for _, f := range work {
			if err := f(); err != nil {
				return err
			}
		}
		return nil
	}
	errs := make([]error, len(work))
	var wg sync.WaitGroup
	for i, f := range work {
		wg.Go(func() { errs[i] = f() })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// relations writes the files of the shared or of the other relations to dir.
func (w *writer) relations(b *builder, dir string, shared bool, m *relmap.Map) error {
	for _, rel := range slices.Sorted(maps.Keys(b.main)) {
		if b.class[rel].Relisshared != shared {
			continue
		}
		name := fmt.Sprintf("%s/%d", dir, rel)
		if err := w.file(name, b.main[rel]); err != nil {
			return err
		}
		if vm := b.vm[rel]; vm != nil {
			if err := w.file(name+"_vm", vm); err != nil {
				return err
			}
		}
	}
	return w.file(dir+"/"+relmap.FileName, m.Encode())
}

// update lets f change the rows of a catalog.
func update[T any, P interface {
	*T
	rows.Row
}](b *builder, f func(P)) {
	var r T
	p := P(&r)
	for i, v := range b.data.Rows[p.Catalog()] {
		p.Scan(v)
		f(p)
		b.data.Rows[p.Catalog()][i] = p.Values()
	}
}

// personalize puts what the options say into the rows.
func (b *builder) personalize(o *Options) error {
	verifier := ""
	if o.Password != "" {
		var err error
		if verifier, err = Verifier(o.Password, o.Random); err != nil {
			return err
		}
	}
	update(b, func(r *rows.PgAuthid) {
		if r.Oid == oid.BootstrapSuperuser {
			r.Rolname, r.Rolpassword = o.Superuser, verifier
		}
	})
	update(b, func(r *rows.PgDatabase) { r.Datfrozenxid, r.Datminmxid = firstXID, 1 })
	return nil
}

// describe collects the relations and their columns.
func (b *builder) describe() {
	for _, v := range b.data.Rows[oid.RelClass] {
		c := &rows.PgClass{}
		c.Scan(v)
		b.class[c.Oid] = c
		b.desc[c.Oid] = &access.TupleDesc{Attrs: make([]access.Attr, c.Relnatts), TypeID: c.Reltype}
		b.nextID = max(b.nextID, c.Oid+1)
	}
	for _, v := range b.data.Rows[oid.RelAttribute] {
		var a rows.PgAttribute
		a.Scan(v)
		if d := b.desc[a.Attrelid]; d != nil && a.Attnum > 0 && int(a.Attnum) <= len(d.Attrs) {
			d.Attrs[a.Attnum-1] = access.Attr{Name: a.Attname, Type: a.Atttypid, Len: a.Attlen, ByVal: a.Attbyval,
				Align: a.Attalign, Storage: a.Attstorage, NotNull: a.Attnotnull, TypMod: a.Atttypmod,
				Collation: a.Attcollation, Num: a.Attnum}
		}
	}
	for cat, all := range b.data.Rows {
		c, _ := rows.FindCatalog(cat)
		if c == nil || c.Columns()[0].Name != "oid" {
			continue
		}
		for _, v := range all {
			b.nextID = max(b.nextID, oid.OID(v[0].Int)+1)
		}
	}
}

// build makes every file. pg_class comes last, because it says how long the
// others are; its own length does not depend on that.
func (b *builder) build() error {
	if err := b.toast(oid.RelRewrite); err != nil {
		return err
	}
	rels := slices.Sorted(maps.Keys(b.class))
	for _, rel := range rels {
		if c := b.class[rel]; c.Relkind == 'r' || c.Relkind == 't' {
			if err := b.heap(rel); err != nil {
				return fmt.Errorf("%s: %w", c.Relname, err)
			}
		}
	}
	if err := b.indexes(); err != nil {
		return err
	}
	update(b, func(r *rows.PgClass) {
		f, ok := b.main[r.Oid]
		if !ok {
			return
		}
		r.Relpages = int32(f.pages())
		r.Reltuples = float32(len(b.tids[r.Oid]))
		if r.Relkind != 'i' {
			r.Relallvisible = r.Relpages
			r.Relfrozenxid, r.Relminmxid = firstXID, 1
		}
	})
	before := b.tids[oid.RelClass]
	if err := b.heap(oid.RelClass); err != nil {
		return err
	}
	if !slices.Equal(before, b.tids[oid.RelClass]) {
		return fmt.Errorf("pg_class moved")
	}
	return nil
}

func (b *builder) heap(rel oid.OID) error {
	f, tids, err := buildHeap(b.desc[rel], b.data.Rows[rel], b.raw[rel])
	if err != nil {
		return err
	}
	vm, err := visibilityMap(f.pages())
	b.main[rel], b.tids[rel], b.vm[rel] = f, tids, vm
	return err
}

// indexes builds every index that pg_index lists.
func (b *builder) indexes() error {
	procs := b.supportProcs()
	for _, v := range b.data.Rows[oid.RelIndex] {
		var ix rows.PgIndex
		ix.Scan(v)
		s := &indexSpec{desc: b.desc[ix.Indexrelid], equalImg: true}
		for _, oc := range ix.Indclass {
			p, ok := procs[oc]
			if !ok {
				return fmt.Errorf("index %d: operator class %d has no comparison", ix.Indexrelid, oc)
			}
			s.compare = append(s.compare, p.compare)
			s.equalImg = s.equalImg && p.equalImg
		}
		table := b.data.Rows[ix.Indrelid]
		entries := make([]entry, len(table))
		n := len(ix.Indkey)
		vals := make([]datum.Datum, n*len(table))
		for i, row := range table {
			e := vals[i*n : i*n+n : i*n+n]
			for k, att := range ix.Indkey {
				e[k] = row[att-1]
			}
			entries[i] = entry{vals: e, tid: b.tids[ix.Indrelid][i]}
		}
		f, err := buildIndex(s, entries)
		if err != nil {
			return fmt.Errorf("index %d: %w", ix.Indexrelid, err)
		}
		b.main[ix.Indexrelid] = f
		b.tids[ix.Indexrelid] = b.tids[ix.Indrelid]
	}
	return nil
}

// support is what an operator class brings to an index.
type support struct {
	compare  access.CompareFunc
	equalImg bool
}

// supportProcs finds the comparison of every btree operator class that pg_amproc
// leads to and that package cmp has.
func (b *builder) supportProcs() map[oid.OID]support {
	type slot struct {
		family, typ oid.OID
		num         int16
	}
	src := map[oid.OID]string{}
	for _, v := range b.data.Rows[oid.RelProc] {
		src[oid.OID(v[0].Int)] = string(v[rows.AnumPgProcProsrc-1].Bytes)
	}
	proc := map[slot]string{}
	for _, v := range b.data.Rows[oid.RelAmproc] {
		var a rows.PgAmproc
		a.Scan(v)
		if a.Amproclefttype == a.Amprocrighttype {
			proc[slot{a.Amprocfamily, a.Amproclefttype, a.Amprocnum}] = src[a.Amproc]
		}
	}
	out := map[oid.OID]support{}
	for _, v := range b.data.Rows[oid.RelOpclass] {
		var oc rows.PgOpclass
		oc.Scan(v)
		if oc.Opcmethod != oid.BtreeAM {
			continue
		}
		f, ok := cmp.ByProc(proc[slot{oc.Opcfamily, oc.Opcintype, 1}])
		if !ok {
			continue
		}
		eq := proc[slot{oc.Opcfamily, oc.Opcintype, 4}]
		out[oc.Oid] = support{access.CompareFunc(f), eq != "" && cmp.EqualImage(eq, oid.CCollation, true)}
	}
	return out
}
