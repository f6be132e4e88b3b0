package sqltest

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/parser"
)

const bootstrapRole = 10

// attr is a column of a type.
func (c *Client) attr(name string, typ oid.OID, mod int32) access.Attr {
	t, _ := c.Env.Type(typ)
	return access.Attr{Name: name, Type: typ, Len: t.Len, ByVal: t.ByVal, Align: t.Align, Storage: t.Storage, TypMod: mod, IsLocal: true,
		StatTarget: -1, Collation: t.Collation}
}

// createTable makes a table with column types, NOT NULL, DEFAULT, PRIMARY KEY and
// UNIQUE, which is all that tests need.
func (c *Client) createTable(s parser.RawStmt) error {
	st := s.Stmt.GetCreateStmt()
	name := st.GetRelation().GetRelname()
	n := catalog.NewRelation{Name: name, Namespace: oid.PublicNamespace, Kind: 'r', Persistence: 'p', Owner: bootstrapRole}
	type key struct {
		cols    []string
		primary bool
		name    string
	}
	var keys []key
	defaults := map[int]*parser.Node{}
	for _, e := range st.GetTableElts() {
		if k := e.GetConstraint(); k != nil {
			var cols []string
			for _, x := range k.GetKeys() {
				cols = append(cols, x.GetString_().GetSval())
			}
			keys = append(keys, key{cols, k.GetContype().String() == "CONSTR_PRIMARY", k.GetConname()})
			continue
		}
		d := e.GetColumnDef()
		typ, mod, err := analyze.ResolveTypeName(c.Names, s.Text, d.GetTypeName())
		if err != nil {
			return err
		}
		a := c.attr(d.GetColname(), typ, mod)
		for _, k := range d.GetConstraints() {
			switch k := k.GetConstraint(); k.GetContype().String() {
			case "CONSTR_NOTNULL":
				a.NotNull = true
			case "CONSTR_PRIMARY", "CONSTR_UNIQUE":
				keys = append(keys, key{[]string{a.Name}, k.GetContype().String() == "CONSTR_PRIMARY", ""})
			case "CONSTR_DEFAULT":
				defaults[len(n.Columns)+1] = k.GetRawExpr()
			}
		}
		n.Columns = append(n.Columns, a)
	}
	for _, k := range keys {
		for i := range n.Columns {
			for _, col := range k.cols {
				n.Columns[i].NotNull = n.Columns[i].NotNull || k.primary && n.Columns[i].Name == col
			}
		}
	}
	rel, err := c.CreateRelation(n)
	if err != nil {
		return err
	}
	for att, e := range defaults {
		r, err := c.Names.RelationByOID(rel)
		if err != nil {
			return err
		}
		x, err := analyze.ExprFor(c.Names, s.Text, e, r, analyze.UseDefault, &r.Columns[att-1])
		if err != nil {
			return err
		}
		if err := c.StoreDefault(rel, int16(att), node.Write(x), nil); err != nil {
			return err
		}
	}
	for _, k := range keys {
		suffix, con := "_key", byte('u')
		if k.primary {
			suffix, con = "_pkey", 'p'
		}
		if k.name == "" {
			k.name = name + suffix
		}
		if err := c.index(rel, catalog.NewIndex{Name: k.name, Unique: true, Primary: k.primary, Constraint: con, Names: k.cols}); err != nil {
			return err
		}
	}
	return nil
}

// index makes a btree index on plain columns of an empty table.
func (c *Client) index(table oid.OID, n catalog.NewIndex) error {
	r, err := c.Relation(table)
	if err != nil {
		return err
	}
	n.Table, n.AM, n.BuildEmpty = r, oid.BtreeAM, true
	if n.KeyCols == 0 {
		n.KeyCols = len(n.Names)
	}
	for i, name := range n.Names {
		num := 0
		for k := range r.Desc.Attrs {
			if r.Desc.Attrs[k].Name == name {
				num = k + 1
			}
		}
		if num == 0 {
			return pgerr.New(pgerr.UndefinedColumn, "column %q does not exist", name)
		}
		n.AttNums = append(n.AttNums, int16(num))
		if i >= n.KeyCols {
			continue
		}
		a := &r.Desc.Attrs[num-1]
		cls, err := c.DefaultOpclass(a.Type, oid.BtreeAM)
		if err != nil {
			return err
		}
		if cls == nil {
			return pgerr.New(pgerr.UndefinedObject, "no operator class for %s", name)
		}
		n.Opclasses, n.Collations = append(n.Opclasses, cls.Oid), append(n.Collations, a.Collation)
		if len(n.Options) <= i {
			n.Options = append(n.Options, 0)
		}
	}
	_, err = c.CreateIndex(n)
	return err
}

func (c *Client) createIndex(s parser.RawStmt) error {
	st := s.Stmt.GetIndexStmt()
	r, err := c.Names.Relation("", st.GetRelation().GetRelname())
	if err != nil || r == nil {
		return err
	}
	n := catalog.NewIndex{Name: st.GetIdxname(), Unique: st.GetUnique(), KeyCols: len(st.GetIndexParams())}
	for _, e := range st.GetIndexParams() {
		x := e.GetIndexElem()
		n.Names = append(n.Names, x.GetName())
		var o int16
		if x.GetOrdering().String() == "SORTBY_DESC" {
			o = 3
		}
		switch x.GetNullsOrdering().String() {
		case "SORTBY_NULLS_FIRST":
			o |= 2
		case "SORTBY_NULLS_LAST":
			o &^= 2
		}
		n.Options = append(n.Options, o)
	}
	for _, e := range st.GetIndexIncludingParams() {
		n.Names = append(n.Names, e.GetIndexElem().GetName())
	}
	return c.index(r.OID, n)
}

func (c *Client) createView(s parser.RawStmt) error {
	st := s.Stmt.GetViewStmt()
	q, err := analyze.Analyze(c.Names, parser.RawStmt{Stmt: st.GetQuery(), Text: s.Text}, &analyze.Params{})
	if err != nil {
		return err
	}
	n := catalog.NewRelation{Name: st.GetView().GetRelname(), Namespace: oid.PublicNamespace, Kind: 'v', Persistence: 'p', Owner: bootstrapRole}
	for _, te := range q.TargetList {
		n.Columns = append(n.Columns, c.attr(te.Resname, node.ExprType(te.Expr), node.ExprTypmod(te.Expr)))
	}
	rel, err := c.CreateRelation(n)
	if err != nil {
		return err
	}
	_, err = c.CreateRule(rows.PgRewrite{Rulename: "_RETURN", EvClass: rel, EvType: '1', EvEnabled: 'O', IsInstead: true, EvQual: "<>",
		EvAction: node.Write(node.List{q})}, nil)
	return err
}

// createFunction makes a function in language SQL.
func (c *Client) createFunction(s parser.RawStmt) error {
	st := s.Stmt.GetCreateFunctionStmt()
	p := &rows.PgProc{Proname: st.GetFuncname()[len(st.GetFuncname())-1].GetString_().GetSval(), Pronamespace: oid.PublicNamespace,
		Proowner: bootstrapRole, Prolang: 14, Procost: 100, Prokind: 'f', Provolatile: 'v', Proparallel: 'u'}
	var err error
	if st.GetReturnType().GetSetof() {
		p.Proretset, p.Prorows = true, 1000
	}
	if p.Prorettype, _, err = analyze.ResolveTypeName(c.Names, s.Text, st.GetReturnType()); err != nil {
		return err
	}
	for _, e := range st.GetParameters() {
		f := e.GetFunctionParameter()
		t, _, err := analyze.ResolveTypeName(c.Names, s.Text, f.GetArgType())
		if err != nil {
			return err
		}
		p.Proargtypes, p.Proargnames = append(p.Proargtypes, t), append(p.Proargnames, f.GetName())
	}
	p.Pronargs = int16(len(p.Proargtypes))
	for _, o := range st.GetOptions() {
		d := o.GetDefElem()
		switch d.GetDefname() {
		case "as":
			p.Prosrc = d.GetArg().GetList().GetItems()[0].GetString_().GetSval()
		case "volatility":
			p.Provolatile = d.GetArg().GetString_().GetSval()[0]
		case "strict":
			p.Proisstrict = d.GetArg().GetBoolean().GetBoolval()
		}
	}
	if p.Oid, err = c.NewOID(oid.RelProc); err != nil {
		return err
	}
	if _, err := c.Insert(p); err != nil {
		return err
	}
	return c.CommandCounterIncrement()
}
