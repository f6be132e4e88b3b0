// Package sqltest runs SQL text on a server in memory or in a directory, without
// sessions and utility commands: a harness for tests of the planner and the
// executor, which stand below both.
package sqltest

import (
	"context"
	"crypto/rand"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/indexheap"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/initdb"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/analyze/syscat"
	"github.com/pgmini/pgmini/sql/builtin"
	"github.com/pgmini/pgmini/sql/exec"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/parser"
	"github.com/pgmini/pgmini/sql/plan"
	"github.com/pgmini/pgmini/sql/session/sqlcat"
	"github.com/pgmini/pgmini/sql/types"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/memfs"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xlog"
)

// World is a server.
type World struct {
	t   testing.TB
	srv *catalog.Server
	xm  *xact.Manager
	sm  *smgr.Manager
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// New makes a cluster in fs (nil: in memory) and opens it.
func New(t testing.TB, fs vfs.FS) *World {
	t.Helper()
	if fs == nil {
		fs = memfs.New()
	}
	must(t, initdb.Create(initdb.Options{FS: fs, Random: rand.Reader, NoSync: true}))
	ctl, err := pgcontrol.Read(fs)
	must(t, err)
	w := &World{t: t}
	end := ctl.CheckPoint + 120 // the record has 114 bytes, aligned to 8
	log, err := xlog.OpenForWrite(xlog.Options{FS: fs, Dir: "pg_wal", SegSize: lsn.SegSize(ctl.WALSegSize), SystemID: ctl.SystemID,
		Timeline: 1, Buffers: 256, RedoLSN: ctl.Copy.Redo, FullPageWrites: true, Hints: true}, end, ctl.CheckPoint)
	must(t, err)
	t.Cleanup(func() { log.Close() })
	w.sm = smgr.New(fs, smgr.Options{})
	pool, err := bufmgr.New(bufmgr.Options{Buffers: 16000, WAL: log, Smgr: w.sm.Files, Checksums: true})
	must(t, err)
	t.Cleanup(func() { pool.Close() })
	locks := lmgr.New(lmgr.Options{})
	w.xm = xact.Open(xact.Options{FS: fs, Locks: locks, RemoveFiles: w.remove,
		Invalidate: func(msgs []byte, _ bool, _, _ oid.OID) { w.srv.Invalidate(msgs) }}, &ctl.Copy)
	w.xm.SetLog(log)
	must(t, w.xm.StartUp())
	w.srv = catalog.NewServer(catalog.Options{FS: fs, Pool: pool, Sys: &access.System{Smgr: w.sm, Log: log, Xact: w.xm, Locks: locks,
		HintWAL: true, Toast: indexheap.Toast{}}})
	return w
}

func (w *World) remove(rels []smgr.Rel, _ bool) error {
	for _, r := range rels {
		if err := w.sm.Of(r).Unlink(r.RelFileNode); err != nil {
			return err
		}
	}
	return nil
}

// Client is a session. Each statement is a transaction unless Begin was called.
type Client struct {
	*catalog.Session
	Names    *syscat.Catalog
	SQL      *sqlcat.Catalog
	Env      *builtin.Env
	Settings plan.Settings
	WorkMem  int
	Temp     exec.TempFiles
	Ctx      context.Context // of statements; nil: none

	w     *World
	proc  *xact.Proc
	block bool
}

// Connect opens a session.
func (w *World) Connect() *Client {
	c := &Client{w: w, Settings: plan.Defaults(), Temp: memTemp{},
		proc: w.xm.NewProc(xact.ProcOptions{PID: 1, Database: oid.PostgresDB, Tablespace: oid.DefaultTablespace})}
	w.t.Cleanup(c.proc.Close)
	c.Session = w.srv.NewSession(catalog.SessionOptions{Database: oid.PostgresDB, Tablespace: oid.DefaultTablespace, Backend: -1})
	path := []oid.OID{oid.CatalogNamespace, oid.PublicNamespace}
	c.SetSearchPath(path)
	now := func() int64 { return time.Now().UnixMicro() - 946684800000000 }
	c.Env = &builtin.Env{Env: *types.NewEnv(), Ctx: context.Background(), TxTime: now, StmtTime: now, Clock: now, Rand: func() float64 { return 0.5 }}
	c.Names = &syscat.Catalog{S: c.Session, Path: path, Database: "postgres"}
	c.SQL = &sqlcat.Catalog{S: c.Session, Env: c.Env, Names: c.Names}
	c.SQL.Eval = func(e node.Node) (datum.Datum, error) { return c.Execution(nil).Eval(e) }
	c.Env.Catalog = c.SQL.Conversions()
	c.Env.Func = c.SQL.Func
	c.Names.Convert = func(t *analyze.Type, typmod int32, s string) (datum.Datum, error) {
		return c.Env.Input(t.OID, []byte(s), typmod)
	}
	c.Names.Typmod = c.typmod
	c.Names.Out = func(t *analyze.Type, v datum.Datum) (string, error) { return c.Env.Text(t.OID, v) }
	return c
}

func (c *Client) typmod(t *analyze.Type, mods []string) (int32, error) {
	var n [2]int32
	for i, m := range mods {
		if i < 2 {
			if _, err := fmt.Sscan(m, &n[i]); err != nil {
				return 0, err
			}
		}
	}
	if t.OID == oid.Numeric {
		return n[0]<<16 | n[1]&0x7ff + 4, nil
	}
	if t.OID == oid.Varchar || t.OID == oid.Bpchar {
		return n[0] + 4, nil
	}
	return n[0], nil
}

// Begin starts a transaction block.
func (c *Client) Begin() {
	c.Bind(context.Background(), c.proc.Begin(xact.BeginOptions{}))
	c.block = true
}

// Commit ends it.
func (c *Client) Commit() error {
	err := c.Tx().Commit(context.Background())
	c.Bind(context.Background(), nil)
	c.block = false
	return err
}

// Abort rolls it back.
func (c *Client) Abort() error {
	err := c.Tx().Abort()
	c.Bind(context.Background(), nil)
	c.block = false
	return err
}

// Execution prepares an execution of p without a snapshot.
func (c *Client) Execution(p *plan.PlannedStmt) *exec.Execution {
	ctx := c.Ctx
	if ctx == nil {
		ctx = context.Background()
	}
	return &exec.Execution{Ctx: ctx, Stmt: p, Cat: c.SQL.Exec(), Env: c.Env, Tx: c.Tx(), WorkMem: c.WorkMem, Temp: c.Temp}
}

// Result is what a statement returned: rows as text, NULL as "NULL".
type Result struct {
	Names     []string
	Rows      [][]string
	Processed int64
	Plan      *plan.PlannedStmt
}

// String joins the rows.
func (r *Result) String() string {
	var b strings.Builder
	for _, row := range r.Rows {
		b.WriteString(strings.Join(row, "|"))
		b.WriteByte('\n')
	}
	return b.String()
}

// Query runs statements and returns the last one's result.
func (c *Client) Query(sql string, params ...datum.Datum) (res *Result, err error) {
	stmts, err := parser.Parse(sql)
	if err != nil {
		return nil, err
	}
	for _, s := range stmts {
		if !c.block {
			c.Begin()
			c.block = false
			res, err = c.one(s, params)
			if err == nil {
				err = c.Commit()
			} else if e := c.Abort(); e != nil {
				return nil, e
			}
		} else {
			res, err = c.one(s, params)
		}
		if err != nil {
			return nil, err
		}
	}
	return res, nil
}

func (c *Client) one(s parser.RawStmt, params []datum.Datum) (*Result, error) {
	switch {
	case s.Stmt.GetCreateStmt() != nil:
		return &Result{}, c.createTable(s)
	case s.Stmt.GetIndexStmt() != nil:
		return &Result{}, c.createIndex(s)
	case s.Stmt.GetViewStmt() != nil:
		return &Result{}, c.createView(s)
	case s.Stmt.GetCreateFunctionStmt() != nil:
		return &Result{}, c.createFunction(s)
	}
	p, err := c.Plan(s, params)
	if err != nil {
		return nil, err
	}
	res, err := c.Run(p, params)
	if err == nil {
		err = c.CommandCounterIncrement()
	}
	return res, err
}

// Plan analyzes and plans a statement in the running transaction.
func (c *Client) Plan(s parser.RawStmt, params []datum.Datum) (*plan.PlannedStmt, error) {
	q, err := analyze.Analyze(c.Names, s, &analyze.Params{Infer: true})
	if err != nil {
		return nil, err
	}
	if q, err = analyze.ExpandViews(c.Names, q); err != nil {
		return nil, err
	}
	c.SQL.Known = params
	return plan.Make(c.SQL.Plan(), q, plan.Options{Settings: c.Settings})
}

// Run executes a plan.
func (c *Client) Run(p *plan.PlannedStmt, params []datum.Datum) (*Result, error) {
	x := c.Execution(p)
	x.Params = params
	x.Snap = c.Tx().Register(c.Tx().Snapshot())
	defer func() { c.Tx().Unregister(x.Snap) }()
	x.Cid = c.Tx().CommandID(p.CommandType != node.CmdSelect || p.HasModifyingCTE)
	defer x.Close()
	if err := x.Start(); err != nil {
		return nil, err
	}
	res := &Result{Plan: p}
	var typs []oid.OID
	tlist := p.Plan.Common().TargetList
	if m, ok := p.Plan.(*plan.ModifyTable); ok {
		tlist = m.ReturningList
	}
	for _, te := range tlist {
		if !te.Resjunk {
			res.Names, typs = append(res.Names, te.Resname), append(typs, node.ExprType(te.Expr))
		}
	}
	_, err := x.Run(0, func(b *exec.Batch) error {
		for _, i := range b.Sel {
			row := make([]string, len(typs))
			for k := range typs {
				v := b.Cols[k]
				if v.Nulls[i] {
					row[k] = "NULL"
					continue
				}
				var d datum.Datum
				if v.Bytes != nil {
					d.Bytes = v.Bytes[i]
				} else {
					d.Int = v.Ints[i]
				}
				s, err := c.Env.Text(typs[k], d)
				if err != nil {
					return err
				}
				row[k] = s
			}
			res.Rows = append(res.Rows, row)
		}
		return nil
	})
	res.Processed = x.Processed
	return res, err
}

// memTemp keeps temporary files in memory.
type memTemp struct{}

type memFile struct {
	mu sync.Mutex
	b  []byte
}

func (memTemp) Create() (exec.TempFile, error) { return &memFile{}, nil }

func (f *memFile) WriteAt(b []byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if off < 0 || off > math.MaxInt32 {
		return 0, pgerr.New(pgerr.DiskFull, "no space")
	}
	if n := int(off) + len(b); n > len(f.b) {
		f.b = append(f.b, make([]byte, n-len(f.b))...)
	}
	return copy(f.b[off:], b), nil
}

func (f *memFile) ReadAt(b []byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if off >= int64(len(f.b)) {
		return 0, fmt.Errorf("read past the end")
	}
	return copy(b, f.b[off:]), nil
}

func (f *memFile) Close() error { f.b = nil; return nil }
