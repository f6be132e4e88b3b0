package catalog

import (
	"strconv"
	"strings"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/datum/cmp"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// indexInfo describes the index that r is.
func (s *Session) indexInfo(r *access.Relation) error {
	ix, err := s.Index(r.OID)
	if err != nil {
		return err
	}
	if ix == nil {
		return pgerr.New(pgerr.DataCorrupted, "pg_index has no row for index %q", r.Name)
	}
	n := int(ix.Indnkeyatts)
	if n > len(ix.Indclass) || n > len(ix.Indcollation) || n > len(ix.Indoption) || n > len(r.Desc.Attrs) || len(ix.Indkey) != len(r.Desc.Attrs) {
		return pgerr.New(pgerr.DataCorrupted, "pg_index has a damaged row for index %q", r.Name)
	}
	info := &access.IndexInfo{Heap: ix.Indrelid, Unique: ix.Indisunique, Primary: ix.Indisprimary, NullsNotDistinct: ix.Indnullsnotdistinct,
		Immediate: ix.Indimmediate, Valid: ix.Indisvalid, Ready: ix.Indisready, KeyCols: n, AttNums: ix.Indkey, OpClass: ix.Indclass,
		Collations: ix.Indcollation, Options: ix.Indoption, HasExprs: ix.Indexprs != "", HasPred: ix.Indpred != ""}
	info.EqualImage = n == len(ix.Indkey)
	for i := range n {
		oc, err := s.Opclass(ix.Indclass[i])
		if err != nil {
			return err
		}
		if oc == nil {
			return pgerr.New(pgerr.UndefinedObject, "cache lookup failed for opclass %d", ix.Indclass[i])
		}
		info.OpFamily = append(info.OpFamily, oc.Opcfamily)
		info.OpcInType = append(info.OpcInType, oc.Opcintype)
		if r.AM != oid.BtreeAM {
			continue
		}
		f, equal, err := s.comparison(oc, r.Desc.Attrs[i].Type, ix.Indcollation[i])
		if err != nil {
			return err
		}
		info.Compare = append(info.Compare, f)
		info.EqualImage = info.EqualImage && equal
	}
	r.Index = info
	return nil
}

// comparison binds support function 1 of an operator class, and says whether its
// equal values are always the same bytes. typ is the type of the values: it
// decides for the polymorphic classes.
func (s *Session) comparison(oc *rows.PgOpclass, typ, collation oid.OID) (access.CompareFunc, bool, error) {
	procs, err := s.AmprocsByFamily(oc.Opcfamily)
	if err != nil {
		return nil, false, err
	}
	var order, image string
	for _, p := range procs {
		if p.Amproclefttype != oc.Opcintype || p.Amprocrighttype != oc.Opcintype || p.Amprocnum != 1 && p.Amprocnum != 4 {
			continue
		}
		fn, err := s.Proc(p.Amproc)
		if err != nil {
			return nil, false, err
		}
		if fn == nil {
			return nil, false, pgerr.New(pgerr.UndefinedFunction, "cache lookup failed for function %d", p.Amproc)
		}
		if p.Amprocnum == 1 {
			order = fn.Prosrc
		} else {
			image = fn.Prosrc
		}
	}
	// Stock says no for every class of bpchar, whose equal values may differ in blanks.
	equal := image != "" && cmp.EqualImage(image, collation, true) && oc.Opcintype != oid.Bpchar
	if f, ok := cmp.ByProc(order); ok {
		return access.CompareFunc(f), equal, nil
	}
	f, err := s.polymorphic(order, typ, collation)
	return f, equal, err
}

// polymorphic binds comparisons that depend on the type of the values.
func (s *Session) polymorphic(prosrc string, typ, collation oid.OID) (access.CompareFunc, error) {
	base, err := s.baseType(typ)
	if err != nil {
		return nil, err
	}
	if base != oid.Invalid {
		typ = base
	}
	t, err := s.Type(typ)
	if err != nil || t == nil {
		return nil, err
	}
	switch prosrc {
	case "btarraycmp":
		e, err := s.Type(t.Typelem)
		if err != nil || e == nil {
			return nil, err
		}
		oc, err := s.DefaultOpclass(t.Typelem, oid.BtreeAM)
		if err != nil {
			return nil, err
		}
		if oc == nil {
			return nil, pgerr.New(pgerr.UndefinedFunction, "could not identify a comparison function for type %s", e.Typname)
		}
		f, _, err := s.comparison(oc, t.Typelem, collation)
		return access.CompareFunc(cmp.Array(array.Elem{Len: e.Typlen, ByVal: e.Typbyval, Align: e.Typalign}, f)), err
	case "enum_cmp":
		return s.enumOrder(typ)
	}
	return nil, pgerr.NotYet("an index on type %s (%s)", t.Typname, prosrc)
}

// enumOrder orders an enum's values: by OID if both are even, else by the sort
// positions that are known now. A label that is added later invalidates.
func (s *Session) enumOrder(typ oid.OID) (access.CompareFunc, error) {
	labels, err := s.EnumsOf(typ)
	if err != nil {
		return nil, err
	}
	place := map[int64]int{}
	for i, l := range labels {
		place[int64(l.Oid)] = i + 1
	}
	return func(a, b datum.Datum) int {
		x, y := a.Int, b.Int
		if x&1 != 0 || y&1 != 0 {
			x, y = int64(place[x]), int64(place[y])
		}
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	}, nil
}

// DefaultOpclass is the operator class that an index of an access method uses for
// a type: the default of the type itself, else of a binary-coercible one. nil,
// nil: there is none.
func (s *Session) DefaultOpclass(typ, am oid.OID) (*rows.PgOpclass, error) {
	base, err := s.baseType(typ)
	if err != nil {
		return nil, err
	}
	if base != oid.Invalid {
		typ = base
	}
	all, err := s.OpclassesByAM(am)
	if err != nil {
		return nil, err
	}
	t, err := s.Type(typ)
	if err != nil || t == nil {
		return nil, err
	}
	var best *rows.PgOpclass
	for _, oc := range all {
		if !oc.Opcdefault {
			continue
		}
		if oc.Opcintype == typ {
			return oc, nil
		}
		ok, preferred, err := s.coercible(t, oc.Opcintype)
		if err != nil {
			return nil, err
		}
		if ok && (best == nil || preferred) {
			best = oc
		}
	}
	return best, nil
}

// coercible reports whether values of t are values of target without a function.
func (s *Session) coercible(t *rows.PgType, target oid.OID) (ok, preferred bool, err error) {
	switch {
	case target == oid.AnyArray:
		return t.Typelem != oid.Invalid && t.Typlen == -1 && t.Typcategory == 'A', false, nil
	case target == oid.AnyEnum:
		return t.Typtype == 'e', false, nil
	case target == oid.AnyRange:
		return t.Typtype == 'r', false, nil
	case target == 4537: // anymultirange
		return t.Typtype == 'm', false, nil
	case target == oid.Record:
		return t.Typtype == 'c', false, nil
	}
	c, err := s.Cast(t.Oid, target)
	if err != nil || c == nil || c.Castmethod != 'b' || c.Castcontext != 'i' {
		return false, false, err
	}
	to, err := s.Type(target)
	return true, err == nil && to != nil && to.Typispreferred, err
}

// tableInfo collects what the indexes of a table say about its columns.
func (s *Session) tableInfo(r *access.Relation, c *rows.PgClass) error {
	n := len(r.Desc.Attrs)
	r.HotBlocking = make([]bool, n)
	r.KeyAttrs = make([]bool, n)
	r.IdentityAttrs = make([]bool, n)
	if !c.Relhasindex {
		return nil
	}
	list, err := s.IndexesOf(r.OID)
	if err != nil {
		return err
	}
	for _, ix := range list {
		if !ix.Indislive {
			continue
		}
		key := ix.Indisunique && ix.Indimmediate && ix.Indexprs == "" && ix.Indpred == ""
		identity := c.Relreplident == 'i' && ix.Indisreplident || c.Relreplident == 'd' && ix.Indisprimary
		for i, att := range ix.Indkey {
			if att <= 0 || int(att) > n {
				continue
			}
			r.HotBlocking[att-1] = true
			if i < int(ix.Indnkeyatts) {
				r.KeyAttrs[att-1] = r.KeyAttrs[att-1] || key
				r.IdentityAttrs[att-1] = r.IdentityAttrs[att-1] || identity && key
			}
		}
		for _, att := range append(treeColumns(ix.Indexprs), treeColumns(ix.Indpred)...) {
			if att > 0 && att <= n {
				r.HotBlocking[att-1] = true
			}
		}
	}
	return nil
}

// treeColumns lists the columns that the Vars of a pg_node_tree name.
func treeColumns(tree string) []int {
	var out []int
	for _, part := range strings.Split(tree, ":varattno ")[1:] {
		w, _, _ := strings.Cut(part, " ")
		if n, err := strconv.Atoi(w); err == nil {
			out = append(out, n)
		}
	}
	return out
}

// toastOf gives a table its TOAST table, described now.
func (s *Session) toastOf(e *relEntry) error {
	r := e.rel
	if r.ToastOID == oid.Invalid {
		return nil
	}
	toast, err := s.Relation(r.ToastOID)
	if err != nil {
		return err
	}
	list, err := s.IndexesOf(r.ToastOID)
	if err != nil {
		return err
	}
	for _, ix := range list {
		if toast == nil || !ix.Indisvalid {
			continue
		}
		index, err := s.Relation(ix.Indexrelid)
		if err != nil {
			return err
		}
		e.deps = [2]oid.OID{toast.OID, ix.Indexrelid}
		r.Toast = func() (*access.Relation, *access.Relation, error) { return toast, index, nil }
		return nil
	}
	return pgerr.New(pgerr.DataCorrupted, "relation %q has no valid TOAST table", r.Name)
}

// firstElement reads the first element of an array payload.
func firstElement(b []byte, ln int16, byVal bool, align byte) (datum.Datum, error) {
	a, err := array.Parse(b, array.Elem{Len: ln, ByVal: byVal, Align: align})
	if err != nil || len(a.Elems) == 0 {
		return datum.Null(), err
	}
	return a.Elems[0], nil
}
