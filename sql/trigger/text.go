package trigger

import (
	"strconv"
	"strings"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// text returns a query of a foreign key, made when it is first used.
func (q *Queue) text(f *foreignKey, kind string, make func(*foreignKey) (*prepared, error)) (*prepared, error) {
	if p := f.texts[kind]; p != nil {
		return p, nil
	}
	p, err := make(f)
	if err == nil {
		f.texts[kind] = p
	}
	return p, err
}

// quote puts a name in double quotes, needed or not.
func quote(n string) string { return `"` + strings.ReplaceAll(n, `"`, `""`) + `"` }

// relName is a table's name with its schema.
func (q *Queue) relName(rel *access.Relation) string {
	return quote(q.h.ExecCatalog().SchemaName(rel.Namespace)) + "." + quote(rel.Name)
}

// sides are the two tables of a foreign key.
func (q *Queue) sides(f *foreignKey) (pk, fk *access.Relation, err error) {
	if pk, err = q.h.ExecCatalog().Relation(f.row.Confrelid); err == nil {
		fk, err = q.h.ExecCatalog().Relation(f.row.Conrelid)
	}
	return pk, fk, err
}

// operand is one side of a condition.
type operand struct {
	text string
	typ  oid.OID
}

func column(rel *access.Relation, alias string, n int16) operand {
	a := &rel.Desc.Attrs[n-1]
	return operand{alias + quote(a.Name), a.Type}
}

// param is $n of the type of a column.
func param(n int, rel *access.Relation, col int16) operand {
	return operand{"$" + strconv.Itoa(n), rel.Desc.Attrs[col-1].Type}
}

// condition compares two operands, with casts to what the operator takes.
func (q *Queue) condition(l operand, op oid.OID, r operand) (string, error) {
	o, err := q.h.Catalog().Operator(op)
	if err != nil {
		return "", err
	}
	if o == nil {
		return "", pgerr.New(pgerr.InternalError, "cache lookup failed for operator %d", op)
	}
	left, err := q.cast(l, o.Oprleft)
	if err != nil {
		return "", err
	}
	right, err := q.cast(r, o.Oprright)
	if err != nil {
		return "", err
	}
	return left + " OPERATOR(" + catalog.QuoteIdentifier(q.h.ExecCatalog().SchemaName(o.Oprnamespace)) + "." + o.Oprname + ") " + right, nil
}

func (q *Queue) cast(o operand, to oid.OID) (string, error) {
	if o.typ == to {
		return o.text, nil
	}
	t, err := q.h.Catalog().Type(to)
	if err != nil || t == nil {
		return o.text, err
	}
	return o.text + "::" + catalog.QuoteIdentifier(q.h.ExecCatalog().SchemaName(t.Typnamespace)) + "." + catalog.QuoteIdentifier(t.Typname), nil
}

// conditions joins the conditions on all columns of a key.
func (q *Queue) conditions(n int, one func(i int) (operand, oid.OID, operand)) (string, error) {
	out := " WHERE "
	for i := range n {
		l, op, r := one(i)
		c, err := q.condition(l, op, r)
		if err != nil {
			return "", err
		}
		if i > 0 {
			out += " AND "
		}
		out += c
	}
	return out, nil
}

func typesOf(rel *access.Relation, key []int16) []oid.OID {
	var out []oid.OID
	for _, k := range key {
		out = append(out, rel.Desc.Attrs[k-1].Type)
	}
	return out
}

// checkText looks for the referenced row.
func (q *Queue) checkText(f *foreignKey) (*prepared, error) {
	pk, fk, err := q.sides(f)
	if err != nil {
		return nil, err
	}
	where, err := q.conditions(len(f.row.Conkey), func(i int) (operand, oid.OID, operand) {
		return column(pk, "", f.row.Confkey[i]), f.row.Conpfeqop[i], param(i+1, fk, f.row.Conkey[i])
	})
	return &prepared{"SELECT 1 FROM ONLY " + q.relName(pk) + " x" + where + " FOR KEY SHARE OF x", typesOf(fk, f.row.Conkey)}, err
}

// matchText looks for another row with a referenced key.
func (q *Queue) matchText(f *foreignKey) (*prepared, error) {
	pk, _, err := q.sides(f)
	if err != nil {
		return nil, err
	}
	where, err := q.conditions(len(f.row.Conkey), func(i int) (operand, oid.OID, operand) {
		return column(pk, "", f.row.Confkey[i]), f.row.Conppeqop[i], param(i+1, pk, f.row.Confkey[i])
	})
	return &prepared{"SELECT 1 FROM ONLY " + q.relName(pk) + " x" + where + " FOR KEY SHARE OF x", typesOf(pk, f.row.Confkey)}, err
}

// referencing is the condition of the rows that reference the key in the
// parameters from first on.
func (q *Queue) referencing(f *foreignKey, pk, fk *access.Relation, first int) (string, error) {
	return q.conditions(len(f.row.Conkey), func(i int) (operand, oid.OID, operand) {
		return param(first+i, pk, f.row.Confkey[i]), f.row.Conpfeqop[i], column(fk, "", f.row.Conkey[i])
	})
}

// referencesText looks for a row that references a key.
func (q *Queue) referencesText(f *foreignKey) (*prepared, error) {
	pk, fk, err := q.sides(f)
	if err != nil {
		return nil, err
	}
	where, err := q.referencing(f, pk, fk, 1)
	return &prepared{"SELECT 1 FROM ONLY " + q.relName(fk) + " x" + where + " FOR KEY SHARE OF x", typesOf(pk, f.row.Confkey)}, err
}

// deleteText deletes the referencing rows.
func (q *Queue) deleteText(f *foreignKey) (*prepared, error) {
	pk, fk, err := q.sides(f)
	if err != nil {
		return nil, err
	}
	where, err := q.referencing(f, pk, fk, 1)
	return &prepared{"DELETE FROM ONLY " + q.relName(fk) + where, typesOf(pk, f.row.Confkey)}, err
}

// updateText gives the referencing rows the new key.
func (q *Queue) updateText(f *foreignKey) (*prepared, error) {
	pk, fk, err := q.sides(f)
	if err != nil {
		return nil, err
	}
	var set []string
	for i, k := range f.row.Conkey {
		set = append(set, " "+quote(fk.Desc.Attrs[k-1].Name)+" = $"+strconv.Itoa(i+1))
	}
	where, err := q.referencing(f, pk, fk, len(set)+1)
	types := typesOf(pk, f.row.Confkey)
	return &prepared{"UPDATE ONLY " + q.relName(fk) + " SET" + strings.Join(set, ",") + where, append(types, types...)}, err
}

// setText sets columns of the referencing rows to NULL or DEFAULT.
func (q *Queue) setText(f *foreignKey, word string, cols []int16) (*prepared, error) {
	pk, fk, err := q.sides(f)
	if err != nil {
		return nil, err
	}
	var set []string
	for _, k := range cols {
		set = append(set, " "+quote(fk.Desc.Attrs[k-1].Name)+" = "+word)
	}
	where, err := q.referencing(f, pk, fk, 1)
	return &prepared{"UPDATE ONLY " + q.relName(fk) + " SET" + strings.Join(set, ",") + where, typesOf(pk, f.row.Confkey)}, err
}

// Validate looks for a row of the referencing table that references nothing.
func (q *Queue) Validate(con oid.OID) error {
	f, err := q.foreignKey(con)
	if err != nil {
		return err
	}
	pk, fk, err := q.sides(f)
	if err != nil {
		return err
	}
	var cols, on, some []string
	for i, k := range f.row.Conkey {
		l, r := column(pk, "pk.", f.row.Confkey[i]), column(fk, "fk.", k)
		c, err := q.condition(l, f.row.Conpfeqop[i], r)
		if err != nil {
			return err
		}
		cols, on, some = append(cols, r.text), append(on, c), append(some, r.text+" IS NOT NULL")
	}
	join := " AND "
	if f.row.Confmatchtype == 'f' {
		join = " OR "
	}
	text := "SELECT " + strings.Join(cols, ", ") + " FROM ONLY " + q.relName(fk) + " fk LEFT OUTER JOIN ONLY " + q.relName(pk) + " pk ON ( " +
		strings.Join(on, " AND ") + ") WHERE pk." + quote(pk.Desc.Attrs[f.row.Confkey[0]-1].Name) + " IS NULL AND (" + strings.Join(some, join) + ")"
	r, err := q.h.Internal(Query{Text: text, Limit: 1, Latest: true})
	if err != nil || r.Rows == 0 {
		return err
	}
	at := make([]int16, len(cols))
	for i := range at {
		at[i] = int16(i + 1)
	}
	if n := nulls(r.First, at); n > 0 && f.row.Confmatchtype == 'f' {
		e := pgerr.New(pgerr.ForeignKeyViolation, "insert or update on table %q violates foreign key constraint %q", fk.Name, f.row.Conname).
			WithDetail("MATCH FULL does not allow mixing of null and nonnull key values.")
		return q.about(e, fk, f)
	}
	return q.missing(fk, f, r.First, at)
}
