package commands

import (
	"io"
	"strconv"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/exec"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/types"
)

// Limits of a batch of COPY FROM (PostgreSQL: MAX_BUFFERED_TUPLES, _BYTES).
const (
	copyRows  = 1000
	copyBytes = 65535
)

// copyFrom is a running COPY FROM. Errors travel as values here: it is the hot
// path.
type copyFrom struct {
	c      *cmd
	o      *copyOptions
	rel    *access.Relation
	cols   []int // columns in the input, as indexes
	in     []copyColumn
	x      *exec.Execution
	w      *exec.TableWriter
	trig   exec.TableTriggers // nil: the table has none
	insert heap.InsertOptions
	bulk   *heap.Bulk
	where  *exec.RowEval
	defs   *exec.RowEval
	defCol []int // columns that get a default

	lines *copyLines
	bin   *copyBinary
	env   *types.Env

	rows  [][]datum.Datum // the batch
	nums  []int64         // their line numbers
	tids  []page.TID
	n     int
	bytes int
	mem   []byte // what the batch's values alias
	total int64

	fields [][]byte
	quoted []bool
	line   []byte // the current one, for messages; nil: not shown
	atLine int64
	col    string // the current column
	value  []byte
	isNull bool
}

// copyColumn converts one input column.
type copyColumn struct {
	fn           types.InFunc
	recv         types.RecvFunc
	io           oid.OID
	mod          int32
	forceNotNull bool
	forceNull    bool
}

// copyIn runs COPY FROM.
func (c *cmd) copyIn(rel *access.Relation, n *pg.CopyStmt, o *copyOptions, in io.Reader) int64 {
	x := c.evaluation()
	defer c.Done(x)
	f := &copyFrom{c: c, o: o, rel: rel, x: x, cols: c.copyTarget(rel, n.Attlist), env: &c.Env().Env, bulk: heap.NewBulk(rel)}
	f.prepare(n)
	if o.binary {
		f.bin = &copyBinary{in: in}
	} else {
		f.lines = &copyLines{in: o.decoded(in), csv: o.csv, quote: o.quote, escape: o.escape}
	}
	throw(f.run())
	throw(x.Fire())
	return f.total
}

// prepare readies conversion, defaults, constraints and indexes.
func (f *copyFrom) prepare(n *pg.CopyStmt) {
	c, rel := f.c, f.rel
	notNull := copyFlags(rel, f.cols, f.o.forceNotNull, "FORCE_NOT_NULL")
	null := copyFlags(rel, f.cols, f.o.forceNull, "FORCE_NULL")
	given := make([]bool, len(rel.Desc.Attrs))
	for _, k := range f.cols {
		a := &rel.Desc.Attrs[k]
		given[k] = true
		fn, param, err := f.env.InputFunc(a.Type)
		throw(err)
		cc := copyColumn{fn: fn, io: param, mod: a.TypMod, forceNotNull: notNull[k], forceNull: null[k]}
		if f.o.binary {
			cc.recv = c.recvFunc(a.Type)
		}
		f.in = append(f.in, cc)
	}
	var defs []node.Node
	for i := range rel.Desc.Attrs {
		a := &rel.Desc.Attrs[i]
		if given[i] || a.Dropped || a.Generated != 0 {
			continue
		}
		if e := must(c.PlanCatalog().Default(rel, i+1)); e != nil {
			defs, f.defCol = append(defs, e), append(f.defCol, i)
		}
	}
	f.defs = must(f.x.NewRowEval(nil, defs))
	if n.WhereClause != nil {
		e := must(analyze.Expr(c.Names(), c.text, n.WhereClause, must(c.Names().RelationByOID(rel.OID)), analyze.UseIndexPred))
		f.where = must(f.x.NewRowEval(rel.Desc.Attrs, []node.Node{e}))
	}
	f.w = must(f.x.NewTableWriter(rel))
	f.trig = must(f.x.TriggersOf(rel))
	made, inSub := c.Tx().MadeFile(smgr.Rel{RelFileNode: rel.Node, Backend: rel.Backend})
	f.insert = heap.InsertOptions{Command: f.x.Cid, SkipFSM: made, Bulk: f.bulk}
	if f.o.freeze {
		if !inSub {
			fail(pgerr.ObjectNotInPrerequisiteState, "cannot perform COPY FREEZE because the table was not created or truncated in the current subtransaction")
		}
		f.insert.Frozen = true
	}
	natts := len(rel.Desc.Attrs)
	slab := make([]datum.Datum, copyRows*natts)
	f.rows = make([][]datum.Datum, copyRows)
	for i := range f.rows {
		f.rows[i] = slab[i*natts : (i+1)*natts : (i+1)*natts]
	}
	f.nums, f.tids = make([]int64, copyRows), make([]page.TID, copyRows)
}

func (c *cmd) recvFunc(t oid.OID) types.RecvFunc {
	ti, ok := c.ExecCatalog().Type(t)
	if ok {
		if fn, ok := types.Recv(ti.Recv); ok {
			return fn
		}
	}
	fail(pgerr.UndefinedFunction, "no binary input function available for type %s", must(analyze.BareTypeName(c.Names(), t)))
	return nil
}

// run reads rows until the end of the data.
func (f *copyFrom) run() error {
	if f.bin != nil {
		if err := f.bin.header(); err != nil {
			return f.context(err)
		}
	} else if f.o.header != headerNone {
		if err := f.headerLine(); err != nil {
			return f.context(err)
		}
	}
	for k := 0; ; k++ {
		if k&1023 == 0 && f.c.Context().Err() != nil {
			return canceled()
		}
		vals := f.rows[f.n]
		ok, err := f.read(vals)
		if err == nil && ok {
			err = f.accept(vals)
		}
		if err != nil {
			return f.context(err)
		}
		if !ok {
			return f.flush()
		}
		if f.n == copyRows || f.bytes > copyBytes {
			if err := f.flush(); err != nil {
				return err
			}
		}
	}
}

// accept completes a row with defaults, checks it and puts it into the batch.
func (f *copyFrom) accept(vals []datum.Datum) error {
	for i, k := range f.defCol {
		v, err := f.defs.Eval(f.x, i, nil)
		if err != nil {
			return err
		}
		vals[k] = v.Clone()
	}
	if f.where != nil {
		v, err := f.where.Eval(f.x, 0, vals)
		if err != nil || v.Null || v.Int == 0 {
			return err
		}
	}
	if err := f.w.Prepare(f.x, vals); err != nil {
		return err
	}
	f.nums[f.n] = f.atLine
	f.n++
	return nil
}

// flush writes the batch to the table and its indexes.
func (f *copyFrom) flush() error {
	f.line = nil
	if f.n > 0 {
		if err := heap.MultiInsert(f.c.Context(), f.c.Tx(), f.rel, f.rows[:f.n], f.insert, f.tids[:f.n]); err != nil {
			return f.context(err)
		}
		for i := range f.n {
			f.atLine = f.nums[i]
			if err := f.w.Index(f.x, f.rows[i], f.tids[i], false); err != nil {
				return f.context(err)
			}
			if f.trig != nil {
				f.x.Notes()
				if err := f.trig.Inserted(f.rows[i], f.tids[i], f.w.Recheck()); err != nil {
					return f.context(err)
				}
			}
		}
	}
	f.total += int64(f.n)
	f.n, f.bytes = 0, 0
	f.mem = f.mem[:0]
	return nil
}

// keep copies a line to where it stays until the batch is written.
func (f *copyFrom) keep(line []byte) []byte {
	if len(f.mem)+len(line) > cap(f.mem) {
		f.mem = make([]byte, 0, max(2*copyBytes, len(line)))
	}
	at := len(f.mem)
	f.mem = append(f.mem, line...)
	f.bytes += len(line)
	return f.mem[at:len(f.mem):len(f.mem)]
}

// read reads one row into vals; false at the end.
func (f *copyFrom) read(vals []datum.Datum) (bool, error) {
	for i := range vals {
		vals[i] = datum.Datum{Null: true}
	}
	if f.bin != nil {
		return f.readBinary(vals)
	}
	f.line, f.col = nil, ""
	line, ok, err := f.lines.next()
	f.atLine = f.lines.line
	if err != nil || !ok {
		return false, err
	}
	f.line = line
	if err := f.split(f.keep(line)); err != nil {
		return false, err
	}
	return true, f.convert(vals)
}

func (f *copyFrom) split(line []byte) (err error) {
	if f.o.csv {
		f.fields, f.quoted, err = f.o.splitCSV(line, f.fields[:0], f.quoted[:0])
	} else {
		f.fields, err = f.o.splitText(line, f.fields[:0])
	}
	if err != nil {
		return err
	}
	if len(f.cols) == 0 {
		if len(line) > 0 {
			return pgerr.New(pgerr.BadCopyFileFormat, "extra data after last expected column")
		}
		f.fields = f.fields[:0]
	}
	return nil
}

// convert turns the fields of a line into values.
func (f *copyFrom) convert(vals []datum.Datum) error {
	if len(f.fields) > len(f.cols) {
		return pgerr.New(pgerr.BadCopyFileFormat, "extra data after last expected column")
	}
	for i, k := range f.cols {
		if i >= len(f.fields) {
			return pgerr.New(pgerr.BadCopyFileFormat, "missing data for column %q", f.rel.Desc.Attrs[k].Name)
		}
		c := &f.in[i]
		v := f.fields[i]
		if f.o.csv {
			isNull := string(v) == f.o.null
			if isNull && (!f.quoted[i] && !c.forceNotNull || f.quoted[i] && c.forceNull) {
				v = nil
			} else if v == nil {
				v = []byte{}
			}
		}
		if v == nil {
			f.col, f.isNull = f.rel.Desc.Attrs[k].Name, true
			continue
		}
		d, err := c.fn(f.env, v, c.io, c.mod)
		if err != nil {
			f.col, f.value, f.isNull = f.rel.Desc.Attrs[k].Name, v, false
			return err
		}
		vals[k] = d
	}
	f.col = ""
	return nil
}

// headerLine skips or checks the first line.
func (f *copyFrom) headerLine() error {
	line, ok, err := f.lines.next()
	f.atLine = f.lines.line
	if err != nil || !ok || f.o.header != headerMatch {
		return err
	}
	f.line = line
	if err := f.split(append([]byte(nil), line...)); err != nil {
		return err
	}
	if len(f.fields) != len(f.cols) {
		return pgerr.New(pgerr.BadCopyFileFormat, "wrong number of fields in header line: field count is %d, expected %d", len(f.fields), len(f.cols))
	}
	for i, k := range f.cols {
		name := f.rel.Desc.Attrs[k].Name
		if f.fields[i] == nil || f.o.csv && !f.quoted[i] && string(f.fields[i]) == f.o.null {
			return pgerr.New(pgerr.BadCopyFileFormat, "column name mismatch in header line field %d: got null value (%q), expected %q", i+1, f.o.null, name)
		}
		if string(f.fields[i]) != name {
			return pgerr.New(pgerr.BadCopyFileFormat, "column name mismatch in header line field %d: got %q, expected %q", i+1, f.fields[i], name)
		}
	}
	return nil
}

// context adds where in the data an error was.
func (f *copyFrom) context(err error) error {
	e, ok := pgerr.As(err)
	if !ok || f.bin != nil && f.bin.row == 0 { // in the header
		return err
	}
	w := "COPY " + f.rel.Name + ", line " + strconv.FormatInt(f.atLine, 10)
	switch {
	case f.bin != nil:
		if f.col != "" {
			w += ", column " + f.col
		}
	case f.col != "" && f.isNull:
		w += ", column " + f.col + ": null input"
	case f.col != "":
		w += ", column " + f.col + ": \"" + printable(f.value) + "\""
	case f.line != nil:
		w += ": \"" + printable(f.line) + "\""
	}
	if e.Where != "" {
		w = e.Where + "\n" + w
	}
	c := *e
	c.Where = w
	return &c
}

// printable cuts a text for a message at 100 bytes.
func printable(b []byte) string {
	const limit = 100
	if len(b) <= limit {
		return string(b)
	}
	return clip(string(b[:limit]), limit) + "..."
}
