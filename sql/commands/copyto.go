package commands

import (
	"encoding/binary"
	"errors"
	"io"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/exec"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/parser"
	"github.com/pgmini/pgmini/sql/types"
	"github.com/pgmini/pgmini/vfs"
)

// copy runs COPY.
func (c *cmd) copy(n *pg.CopyStmt) string {
	if n.IsProgram {
		notYet("COPY with PROGRAM")
	}
	if n.Filename != "" && !c.Superuser() {
		verb, dir := "read", "from"
		if !n.IsFrom {
			verb, dir = "write", "to"
		}
		failWith(pgerr.New(pgerr.InsufficientPrivilege, "must be superuser or have privileges of the pg_%s_server_files role to COPY %s a file", verb, dir).
			WithHint("Anyone can COPY to stdout or from stdin. psql's \\copy command also works for anyone."))
	}
	o := c.copyOptions(n.Options, n.IsFrom)
	if n.Relation == nil {
		return "COPY " + itoa64(c.copyQuery(n, o))
	}
	mode := lmgr.AccessShare
	if n.IsFrom {
		mode = lmgr.RowExclusive
	}
	cl := c.lockClass(n.Relation, mode, false)
	right := uint32(rows.Select)
	if n.IsFrom {
		right = rows.Insert
	}
	if !c.hasRight(cl, right) {
		fail(pgerr.InsufficientPrivilege, "permission denied for %s %s", ownerWord(cl.Relkind), cl.Relname)
	}
	if n.IsFrom {
		if c.Tx().ReadOnly() && cl.Relpersistence != 't' {
			fail(pgerr.ReadOnlySQLTransaction, "cannot execute %s in a read-only transaction", "COPY FROM")
		}
		return "COPY " + itoa64(c.copyFromStmt(n, o, cl))
	}
	return "COPY " + itoa64(c.copyTable(n, o, cl))
}

func (c *cmd) copyFromStmt(n *pg.CopyStmt, o *copyOptions, cl *rows.PgClass) int64 {
	switch cl.Relkind {
	case 'r':
	case 'v':
		failWith(pgerr.New(pgerr.WrongObjectType, "cannot copy to view %q", cl.Relname).
			WithHint("To enable copying to a view, provide an INSTEAD OF INSERT trigger."))
	case 'm':
		fail(pgerr.WrongObjectType, "cannot copy to materialized view %q", cl.Relname)
	case 'S':
		fail(pgerr.WrongObjectType, "cannot copy to sequence %q", cl.Relname)
	case 'p':
		notYet("COPY to a partitioned table")
	default:
		fail(pgerr.WrongObjectType, "cannot copy to non-table relation %q", cl.Relname)
	}
	c.noCatalog(cl)
	rel := c.relation(cl.Oid)
	cols := c.copyTarget(rel, n.Attlist)
	if n.Filename != "" {
		f, err := c.Server().Files().Open(n.Filename, vfs.Read)
		throw(copyFileError(err, "reading", n.Filename))
		defer f.Close()
		return c.copyIn(rel, n, o, io.NewSectionReader(f, 0, 1<<62))
	}
	return c.copyIn(rel, n, o, must(c.CopyIn(o.binary, len(cols))))
}

// copyFileError words that a file of COPY cannot be opened.
func copyFileError(err error, what, name string) error {
	if err == nil {
		return nil
	}
	e, _ := errors.AsType[*pgerr.Error](pgerr.File(err, "open", name))
	e = pgerr.New(e.Code, "could not open file %q for %s%s", name, what, pgerr.OSText(err))
	side := "COPY FROM instructs the PostgreSQL server process to read a file."
	if what == "writing" {
		side = "COPY TO instructs the PostgreSQL server process to write a file."
	}
	return e.WithHint("%s You may want a client-side facility such as psql's \\copy.", side)
}

// copyWriter formats rows of COPY TO.
type copyWriter struct {
	o      *copyOptions
	out    io.Writer
	env    *types.Env
	fns    []types.OutFunc
	force  []bool
	buf    []byte
	val    []byte
	single bool
}

// copyOutput opens where COPY TO writes.
func (c *cmd) copyOutput(n *pg.CopyStmt, o *copyOptions, columns int) (io.WriteCloser, func()) {
	if n.Filename == "" {
		w := must(c.CopyOut(o.binary, columns))
		return w, func() {}
	}
	if n.Filename[0] != '/' {
		fail(pgerr.InvalidName, "relative path not allowed for COPY to file")
	}
	f, err := c.Server().Files().Open(n.Filename, vfs.Write|vfs.Create|vfs.Trunc)
	throw(copyFileError(err, "writing", n.Filename))
	return &fileWriter{f: f}, func() { f.Close() }
}

// fileWriter writes a file from its start on, in blocks.
type fileWriter struct {
	f   vfs.File
	at  int64
	buf []byte
}

// Write appends to the file.
func (w *fileWriter) Write(b []byte) (int, error) {
	w.buf = append(w.buf, b...)
	if len(w.buf) < copyBlock {
		return len(b), nil
	}
	return len(b), w.flush()
}

func (w *fileWriter) flush() error {
	_, err := w.f.WriteAt(w.buf, w.at)
	w.at += int64(len(w.buf))
	w.buf = w.buf[:0]
	return err
}

// Close writes what is left.
func (w *fileWriter) Close() error { return w.flush() }

func (c *cmd) newCopyWriter(o *copyOptions, out io.Writer, cols []exportColumn, force []bool) *copyWriter {
	w := &copyWriter{o: o, out: o.encoded(out), env: &c.Env().Env, force: force, single: len(cols) == 1}
	for _, k := range cols {
		if o.binary {
			w.fns = append(w.fns, must(w.env.SendFunc(k.typ)))
		} else {
			w.fns = append(w.fns, must(w.env.OutputFunc(k.typ)))
		}
	}
	throw(w.start(cols))
	return w
}

// exportColumn is a column of COPY TO.
type exportColumn struct {
	name string
	typ  oid.OID
}

// start writes what comes before the rows.
func (w *copyWriter) start(cols []exportColumn) error {
	if w.o.binary {
		w.buf = append(w.buf[:0], copySignature...)
		w.buf = append(w.buf, 0, 0, 0, 0, 0, 0, 0, 0)
		_, err := w.out.Write(w.buf)
		return err
	}
	if w.o.header == headerNone {
		return nil
	}
	w.buf = w.buf[:0]
	for i, k := range cols {
		if i > 0 {
			w.buf = append(w.buf, w.o.delim)
		}
		if w.o.csv {
			w.csvValue([]byte(k.name), false)
		} else {
			w.textValue([]byte(k.name))
		}
	}
	return w.endLine()
}

func (w *copyWriter) endLine() error {
	w.buf = append(w.buf, '\n')
	_, err := w.out.Write(w.buf)
	return err
}

// row writes one row.
func (w *copyWriter) row(vals []datum.Datum) error {
	w.buf = w.buf[:0]
	if w.o.binary {
		return w.binaryRow(vals)
	}
	for i := range vals {
		if i > 0 {
			w.buf = append(w.buf, w.o.delim)
		}
		if vals[i].Null {
			w.buf = append(w.buf, w.o.null...)
			continue
		}
		var err error
		if w.val, err = w.fns[i](w.env, w.val[:0], vals[i]); err != nil {
			return err
		}
		if w.o.csv {
			w.csvValue(w.val, w.force != nil && w.force[i])
		} else {
			w.textValue(w.val)
		}
	}
	return w.endLine()
}

func (w *copyWriter) binaryRow(vals []datum.Datum) error {
	w.buf = binary.BigEndian.AppendUint16(w.buf, uint16(len(vals)))
	for i := range vals {
		if vals[i].Null {
			w.buf = append(w.buf, 0xff, 0xff, 0xff, 0xff)
			continue
		}
		at := len(w.buf)
		w.buf = append(w.buf, 0, 0, 0, 0)
		var err error
		if w.buf, err = w.fns[i](w.env, w.buf, vals[i]); err != nil {
			return err
		}
		binary.BigEndian.PutUint32(w.buf[at:], uint32(len(w.buf)-at-4))
	}
	_, err := w.out.Write(w.buf)
	return err
}

// textValue appends a value with its special characters escaped.
func (w *copyWriter) textValue(b []byte) {
	from := 0
	for i, ch := range b {
		esc := byte(0)
		switch ch {
		case '\b':
			esc = 'b'
		case '\f':
			esc = 'f'
		case '\n':
			esc = 'n'
		case '\r':
			esc = 'r'
		case '\t':
			esc = 't'
		case '\v':
			esc = 'v'
		case '\\', w.o.delim:
			esc = ch
		default:
			continue
		}
		w.buf = append(append(w.buf, b[from:i]...), '\\', esc)
		from = i + 1
	}
	w.buf = append(w.buf, b[from:]...)
}

// csvValue appends a value, in quotes where it needs them.
func (w *copyWriter) csvValue(b []byte, force bool) {
	quote := force || string(b) == w.o.null || w.single && string(b) == `\.`
	if !quote {
		for _, ch := range b {
			if ch == w.o.delim || ch == w.o.quote || ch == '\n' || ch == '\r' {
				quote = true
				break
			}
		}
	}
	if !quote {
		w.buf = append(w.buf, b...)
		return
	}
	w.buf = append(w.buf, w.o.quote)
	for _, ch := range b {
		if ch == w.o.quote || ch == w.o.escape {
			w.buf = append(w.buf, w.o.escape)
		}
		w.buf = append(w.buf, ch)
	}
	w.buf = append(w.buf, w.o.quote)
}

// finish writes what comes after the rows.
func (w *copyWriter) finish() error {
	if !w.o.binary {
		return nil
	}
	_, err := w.out.Write([]byte{0xff, 0xff})
	return err
}

// copyTable runs COPY table TO.
func (c *cmd) copyTable(n *pg.CopyStmt, o *copyOptions, cl *rows.PgClass) int64 {
	switch cl.Relkind {
	case 'r':
	case 'v':
		failWith(pgerr.New(pgerr.WrongObjectType, "cannot copy from view %q", cl.Relname).WithHint("Try the COPY (SELECT ...) TO variant."))
	case 'm':
		failWith(pgerr.New(pgerr.WrongObjectType, "cannot copy from materialized view %q", cl.Relname).WithHint("Try the COPY (SELECT ...) TO variant."))
	case 'S':
		fail(pgerr.WrongObjectType, "cannot copy from sequence %q", cl.Relname)
	case 'p':
		failWith(pgerr.New(pgerr.WrongObjectType, "cannot copy from partitioned table %q", cl.Relname).WithHint("Try the COPY (SELECT ...) TO variant."))
	default:
		fail(pgerr.WrongObjectType, "cannot copy from non-table relation %q", cl.Relname)
	}
	rel := c.relation(cl.Oid)
	cols := c.copyTarget(rel, n.Attlist)
	force := copyFlags(rel, cols, o.forceQuote, "FORCE_QUOTE")
	var out []exportColumn
	var forced []bool
	last := 0
	for _, k := range cols {
		out = append(out, exportColumn{rel.Desc.Attrs[k].Name, rel.Desc.Attrs[k].Type})
		forced = append(forced, o.forceQuoteAll || force[k])
		last = max(last, k+1)
	}
	x := c.evaluation()
	defer c.Done(x)
	to, done := c.copyOutput(n, o, len(cols))
	defer done()
	w := c.newCopyWriter(o, to, out, forced)
	total := must(c.scanOut(rel, x, cols, last, w))
	throw(w.finish())
	throw(to.Close())
	return total
}

// scanOut writes the rows of a table that x sees.
func (c *cmd) scanOut(rel *access.Relation, x *exec.Execution, cols []int, last int, w *copyWriter) (int64, error) {
	s, err := heap.BeginScan(c.Tx(), rel, heap.MVCC(x.Snap), heap.ScanOptions{})
	if err != nil {
		return 0, err
	}
	defer s.Close()
	dt := heap.NewDetoaster(c.Tx(), rel)
	vals, row := make([]datum.Datum, len(rel.Desc.Attrs)), make([]datum.Datum, len(cols))
	var total int64
	for {
		if c.Context().Err() != nil {
			return total, canceled()
		}
		batch, err := s.NextBatch()
		if err != nil || batch == nil {
			return total, err
		}
		for _, t := range batch {
			if err := access.Deform(rel.Desc, t.Data, last, vals, dt); err != nil {
				return total, err
			}
			for i, k := range cols {
				row[i] = vals[k]
			}
			if err := w.row(row); err != nil {
				return total, err
			}
			total++
		}
	}
}

// copyQuery runs COPY (query) TO.
func (c *cmd) copyQuery(n *pg.CopyStmt, o *copyOptions) int64 {
	if s := n.Query.GetSelectStmt(); s != nil && s.IntoClause != nil {
		fail(pgerr.FeatureNotSupported, "COPY (SELECT INTO) is not supported")
	}
	q := must(c.Analyze(parser.RawStmt{Stmt: n.Query, Location: c.st.Raw.Location, Len: c.st.Raw.Len, Text: c.text}, c.st.Params))
	if q.CommandType != node.CmdSelect && len(q.ReturningList) == 0 {
		fail(pgerr.FeatureNotSupported, "COPY query must have a RETURNING clause")
	}
	list := q.TargetList
	if q.CommandType != node.CmdSelect {
		list = q.ReturningList
	}
	var cols []exportColumn
	for _, t := range list {
		if !t.Resjunk {
			cols = append(cols, exportColumn{t.Resname, node.ExprType(t.Expr)})
		}
	}
	force := make([]bool, len(cols))
	for i := range force {
		force[i] = o.forceQuoteAll
		for _, f := range o.forceQuote {
			force[i] = force[i] || f == cols[i].name
		}
	}
	x := c.Execution(must(c.Plan(q, false)))
	defer c.Done(x)
	defer x.Close()
	x.Params = c.st.Args
	throw(x.Start())
	to, done := c.copyOutput(n, o, len(cols))
	defer done()
	w := c.newCopyWriter(o, to, cols, force)
	total := must(runRows(x, len(cols), w.row))
	throw(w.finish())
	throw(to.Close())
	return total
}

// runRows runs an execution to its end and hands its rows on.
func runRows(x *exec.Execution, columns int, f func([]datum.Datum) error) (int64, error) {
	row := make([]datum.Datum, columns)
	var total int64
	_, err := x.Run(0, func(b *exec.Batch) error {
		for _, i := range b.Sel {
			for k := range row {
				row[k] = valueAt(b.Cols[k], i)
			}
			if err := f(row); err != nil {
				return err
			}
			total++
		}
		return nil
	})
	return total, err
}

// valueAt reads one value of a column.
func valueAt(v *types.Vec, i int32) datum.Datum {
	if v.Const {
		i = 0
	}
	if v.Nulls != nil && v.Nulls[i] {
		return datum.Null()
	}
	if v.Bytes != nil {
		return datum.Datum{Bytes: v.Bytes[i]}
	}
	return datum.Int(v.Ints[i])
}
