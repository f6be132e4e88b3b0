package trigger

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// foreignKey is a constraint with the queries that enforce it.
type foreignKey struct {
	row   *rows.PgConstraint
	texts map[string]*prepared
}

// prepared is the text of a query with its parameters' types.
type prepared struct {
	text  string
	types []oid.OID
}

// nulls counts the NULLs among the columns of a key.
func nulls(vals []datum.Datum, key []int16) int {
	n := 0
	for _, k := range key {
		if vals[k-1].Null {
			n++
		}
	}
	return n
}

// same reports whether two rows have the same bytes in the columns of a key.
func same(a, b []datum.Datum, key []int16) bool {
	for _, k := range key {
		x, y := a[k-1], b[k-1]
		if x.Null != y.Null || !x.Null && (x.Int != y.Int || !bytes.Equal(x.Bytes, y.Bytes)) {
			return false
		}
	}
	return true
}

// checkNeeded reports whether an updated row of the referencing table must be
// checked. A row that the transaction wrote itself must, even with the same key:
// its insertion may not have been checked, for the version is gone.
func (f *foreignKey) checkNeeded(old, vals []datum.Datum, mine bool) bool {
	n := nulls(vals, f.row.Conkey)
	if n == len(f.row.Conkey) || n > 0 && f.row.Confmatchtype != 'f' {
		return false
	}
	return n > 0 || mine || !same(old, vals, f.row.Conkey)
}

// actionNeeded reports whether an update of a referenced row changed the key.
func (f *foreignKey) actionNeeded(old, vals []datum.Datum) bool {
	return nulls(old, f.row.Confkey) == 0 && !same(old, vals, f.row.Confkey)
}

// check looks for the row that a new row of the referencing table references.
func (q *Queue) check(rel *access.Relation, f *foreignKey, vals []datum.Datum) error {
	switch n := nulls(vals, f.row.Conkey); {
	case n == len(f.row.Conkey):
		return nil
	case n > 0 && f.row.Confmatchtype == 'f':
		e := pgerr.New(pgerr.ForeignKeyViolation, "insert or update on table %q violates foreign key constraint %q", rel.Name, f.row.Conname).
			WithDetail("MATCH FULL does not allow mixing of null and nonnull key values.")
		return q.about(e, rel, f)
	case n > 0:
		return nil
	}
	p, err := q.text(f, "check", q.checkText)
	if err != nil {
		return err
	}
	r, err := q.h.Internal(Query{Text: p.text, Types: p.types, Args: pick(vals, f.row.Conkey), Limit: 1})
	if err != nil || r.Rows > 0 {
		return err
	}
	return q.missing(rel, f, vals, f.row.Conkey)
}

// missing is the error of a row that references nothing; vals holds its key in
// the columns key.
func (q *Queue) missing(rel *access.Relation, f *foreignKey, vals []datum.Datum, key []int16) error {
	pk, err := q.h.ExecCatalog().Relation(f.row.Confrelid)
	if err != nil {
		return err
	}
	e := pgerr.New(pgerr.ForeignKeyViolation, "insert or update on table %q violates foreign key constraint %q", rel.Name, f.row.Conname)
	return q.about(e.WithDetail("Key %s is not present in table %q.", q.key(rel, f.row.Conkey, vals, key), pk.Name), rel, f)
}

// about fills an error's fields with the constraint's names.
func (q *Queue) about(e *pgerr.Error, fk *access.Relation, f *foreignKey) error {
	e.Schema, e.Table, e.Constraint = q.h.ExecCatalog().SchemaName(fk.Namespace), fk.Name, f.row.Conname
	return e
}

// key is a key as messages show it: (a, b)=(1, 2). Its values are at the columns
// at of vals.
func (q *Queue) key(rel *access.Relation, key []int16, vals []datum.Datum, at []int16) string {
	var names, texts []string
	for i, k := range key {
		a := &rel.Desc.Attrs[k-1]
		names = append(names, a.Name)
		v := vals[at[i]-1]
		if v.Null {
			texts = append(texts, "null")
			continue
		}
		s, err := q.h.Text(a.Type, v)
		if err != nil {
			s = "?"
		}
		texts = append(texts, s)
	}
	return fmt.Sprintf("(%s)=(%s)", strings.Join(names, ", "), strings.Join(texts, ", "))
}

func pick(vals []datum.Datum, key []int16) []datum.Datum {
	var out []datum.Datum
	for _, k := range key {
		out = append(out, vals[k-1])
	}
	return out
}

// act does what a foreign key wants when a referenced row is deleted or gets
// another key. rel is the referenced table, old the row as it was, now as it is.
func (q *Queue) act(rel *access.Relation, t *Trigger, old, now []datum.Datum) error {
	f := t.fk
	args := pick(old, f.row.Confkey)
	kind, text := "", q.deleteText
	switch t.Func {
	case NoActionDel, NoActionUpd:
		return q.restrict(rel, f, old, true)
	case RestrictDel, RestrictUpd:
		return q.restrict(rel, f, old, false)
	case CascadeDel:
		kind = "delete"
	case CascadeUpd:
		kind, text = "update", q.updateText
		args = append(pick(now, f.row.Confkey), args...)
	case SetNullDel, SetNullUpd, SetDefaultDel, SetDefaultUpd:
		word, cols := "NULL", f.row.Conkey
		if t.Func >= SetDefaultDel {
			word = "DEFAULT"
		}
		if !t.Func.onUpdate() && len(f.row.Confdelsetcols) > 0 {
			cols = f.row.Confdelsetcols
		}
		kind = fmt.Sprint(word, t.Func.onUpdate())
		text = func(f *foreignKey) (*prepared, error) { return q.setText(f, word, cols) }
	}
	p, err := q.text(f, kind, text)
	if err != nil {
		return err
	}
	if _, err := q.h.Internal(Query{Text: p.text, Types: p.types, Args: args, Latest: true}); err != nil {
		return err
	}
	if t.Func == SetDefaultDel || t.Func == SetDefaultUpd {
		// A default that is the old key itself changed nothing.
		return q.restrict(rel, f, old, true)
	}
	return nil
}

// restrict fails if a row references the old key. With noAction another row may
// have taken the key over.
func (q *Queue) restrict(rel *access.Relation, f *foreignKey, old []datum.Datum, noAction bool) error {
	args := pick(old, f.row.Confkey)
	if noAction {
		p, err := q.text(f, "match", q.matchText)
		if err != nil {
			return err
		}
		r, err := q.h.Internal(Query{Text: p.text, Types: p.types, Args: args, Limit: 1, Latest: true})
		if err != nil || r.Rows > 0 {
			return err
		}
	}
	p, err := q.text(f, "references", q.referencesText)
	if err != nil {
		return err
	}
	r, err := q.h.Internal(Query{Text: p.text, Types: p.types, Args: args, Limit: 1, Latest: true})
	if err != nil || r.Rows == 0 {
		return err
	}
	fk, err := q.h.ExecCatalog().Relation(f.row.Conrelid)
	if err != nil {
		return err
	}
	e := pgerr.New(pgerr.ForeignKeyViolation, "update or delete on table %q violates foreign key constraint %q on table %q", rel.Name, f.row.Conname, fk.Name)
	return q.about(e.WithDetail("Key %s is still referenced from table %q.", q.key(rel, f.row.Confkey, old, f.row.Confkey), fk.Name), fk, f)
}
