// Package sequence is the file of a sequence: one page with one tuple, which is
// overwritten in place, outside of transactions.
//
// INV-SEQ-1: a value that nextval returned is not returned again after a crash:
// the WAL holds a value at or beyond it before it is returned to anyone who waits
// for a commit.
// Enforced: Next. Tested: TestNext.
package sequence

import (
	"encoding/binary"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
	"github.com/pgmini/pgmini/xlog/rmgrs"
)

// On-disk facts, PostgreSQL 15. FROZEN.
const (
	magic       = 0x1717
	specialSize = 4
	firstTuple  = page.OffsetNumber(1)
	logAhead    = 32 // values that one WAL record covers (SEQ_LOG_VALS)
)

var le = binary.LittleEndian // constant

// State is the tuple of a sequence.
type State struct {
	LastValue int64
	LogCount  int64
	IsCalled  bool
}

// Params are the figures of pg_sequence that Next needs.
type Params struct {
	Increment, Min, Max, Cache int64
	Cycle                      bool
}

// Columns are those of every sequence.
func Columns() []access.Attr {
	attr := func(name string, typ oid.OID, ln int16, align byte) access.Attr {
		return access.Attr{Name: name, Type: typ, Len: ln, ByVal: true, Align: align, Storage: 'p', NotNull: true, TypMod: -1, IsLocal: true, StatTarget: -1}
	}
	return []access.Attr{attr("last_value", oid.Int8, 8, 'd'), attr("log_cnt", oid.Int8, 8, 'd'), attr("is_called", oid.Bool, 1, 'c')}
}

// form makes the tuple, which everyone sees.
func (s State) form() (access.Tuple, error) {
	t, err := access.FormTuple(&access.TupleDesc{Attrs: Columns()}, []datum.Datum{datum.Int(s.LastValue), datum.Int(s.LogCount), datum.Bool(s.IsCalled)})
	if err != nil {
		return nil, err
	}
	t.SetXmin(xid.Frozen)
	t.SetInfomask(t.Infomask() | access.XminFrozen | access.XmaxInvalid)
	t.SetCTID(page.TID{Off: firstTuple})
	return t, nil
}

// apply writes a sequence's tuple to its page.
func apply(p page.Page, tuple []byte) error {
	p.Init(specialSize)
	le.PutUint32(p.Special(), magic)
	return p.PutItem(firstTuple, tuple)
}

// read validates the page of a sequence.
func read(rel *access.Relation, p page.Page) (State, error) {
	bad := func() (State, error) {
		return State{}, pgerr.New(pgerr.DataCorrupted, "bad magic number in sequence %q", rel.Name)
	}
	if p.IsNew() || p.SpecialOff() > page.Size-specialSize || le.Uint32(p.Special()) != magic {
		return bad()
	}
	t, err := p.Item(firstTuple)
	if err != nil || !access.CheckTuple(t) {
		return bad()
	}
	var v [3]datum.Datum
	if err := access.Deform(&access.TupleDesc{Attrs: Columns()}, access.Tuple(t), 3, v[:], nil); err != nil {
		return State{}, err
	}
	return State{v[0].Int, v[1].Int, v[2].Bool()}, nil
}

// Init writes the first page of a new, empty file. An unlogged sequence's init
// fork is logged too.
func Init(tx *xact.Tx, rel *access.Relation, fork page.Fork, s State) error {
	t, err := s.form()
	if err != nil {
		return err
	}
	b, _, err := rel.Pool.Extend(rel.Node, fork, nil)
	if err != nil {
		return err
	}
	defer rel.Pool.UnlockRelease(b)
	return write(tx, rel, b, fork, t, t)
}

// write replaces the tuple on the page by now and logs the tuple then.
func write(tx *xact.Tx, rel *access.Relation, b bufmgr.Buffer, fork page.Fork, now, then access.Tuple) error {
	p := rel.Pool.Page(b)
	at := p.LSN()
	if err := apply(p, now); err != nil {
		return err
	}
	p.SetLSN(at)
	rel.Pool.MarkDirty(b)
	if then == nil || !rel.Logged() && fork != page.InitFork {
		return nil
	}
	r := &tx.Rec
	r.Begin(xlog.RmSeq, rmgrs.InfoSeqLog, tx.TopXID())
	r.Data(rmgrs.SeqLog{Node: rel.Node, Tuple: then}.Append(nil))
	r.Block(0, rel.Tag(fork, 0), p, xlog.WillInit)
	end, err := rel.Sys.Log.Insert(r)
	if err != nil {
		return err
	}
	p.SetLSN(end)
	return nil
}

// open pins and locks the page.
func open(rel *access.Relation, m bufmgr.LockMode) (bufmgr.Buffer, State, error) {
	b, err := rel.Pool.Read(rel.Tag(page.MainFork, 0), bufmgr.Normal, nil)
	if err != nil {
		return 0, State{}, err
	}
	rel.Pool.Lock(b, m)
	s, err := read(rel, rel.Pool.Page(b))
	if err != nil {
		rel.Pool.UnlockRelease(b)
		return 0, State{}, err
	}
	return b, s, nil
}

// Get reads the tuple.
func Get(rel *access.Relation) (State, error) {
	b, s, err := open(rel, bufmgr.Shared)
	if err == nil {
		rel.Pool.UnlockRelease(b)
	}
	return s, err
}

// Set is setval: the next nextval returns value, or the one after it if called.
func Set(tx *xact.Tx, rel *access.Relation, value int64, called bool) error {
	t, err := State{LastValue: value, IsCalled: called}.form()
	if err != nil {
		return err
	}
	if rel.Logged() {
		if _, err := tx.XID(); err != nil { // so that the commit waits for the WAL
			return err
		}
	}
	b, _, err := open(rel, bufmgr.Exclusive)
	if err != nil {
		return err
	}
	defer rel.Pool.UnlockRelease(b)
	return write(tx, rel, b, page.MainFork, t, t)
}

// limit is the error of a sequence that is used up.
func limit(rel *access.Relation, up bool, bound int64) error {
	what := "minimum"
	if up {
		what = "maximum"
	}
	return pgerr.New(pgerr.SequenceGeneratorLimitExceeded, "nextval: reached %s value of sequence %q (%d)", what, rel.Name, bound)
}

// Next takes p.Cache values off the sequence and returns the first and the last
// of them; they are p.Increment apart.
func Next(tx *xact.Tx, rel *access.Relation, p Params) (first, last int64, err error) {
	b, s, err := open(rel, bufmgr.Exclusive)
	if err != nil {
		return 0, 0, err
	}
	defer rel.Pool.UnlockRelease(b)
	want := max(p.Cache, 1)
	left := s.LogCount // values that the WAL already covers
	need := want
	if !s.IsCalled {
		need--
	}
	fetch := want
	log := left < need || !s.IsCalled || rel.Sys.Log.NeedsBackup(rel.Pool.Page(b).LSN())
	if log {
		fetch += logAhead
		if rel.Logged() {
			if _, err := tx.XID(); err != nil { // so that the commit waits for the WAL
				return 0, 0, err
			}
		}
	}
	value, taken, ahead := s.LastValue, int64(0), s.LastValue
	for i := int64(0); i < fetch; i++ {
		if i > 0 || s.IsCalled {
			n, ok := step(ahead, p)
			if !ok && i > 0 {
				fetch = i
				break
			}
			if !ok {
				if !p.Cycle {
					return 0, 0, limit(rel, p.Increment > 0, bound(p))
				}
				n = p.Min
				if p.Increment < 0 {
					n = p.Max
				}
			}
			ahead = n
		}
		if i < want {
			if i == 0 {
				first = ahead
			}
			value, taken = ahead, i+1
		}
	}
	var then access.Tuple
	now := State{LastValue: value, IsCalled: true, LogCount: left - taken}
	if log {
		now.LogCount = fetch - taken
		if then, err = (State{LastValue: ahead, IsCalled: true}).form(); err != nil {
			return 0, 0, err
		}
	}
	t, err := now.form()
	if err != nil {
		return 0, 0, err
	}
	return first, value, write(tx, rel, b, page.MainFork, t, then)
}

func bound(p Params) int64 {
	if p.Increment > 0 {
		return p.Max
	}
	return p.Min
}

// step is the value after v, if it is within the bounds.
func step(v int64, p Params) (int64, bool) {
	if p.Increment > 0 {
		if p.Max >= 0 && v > p.Max-p.Increment || p.Max < 0 && v+p.Increment > p.Max {
			return 0, false
		}
	} else if p.Min < 0 && v < p.Min-p.Increment || p.Min >= 0 && v+p.Increment < p.Min {
		return 0, false
	}
	return v + p.Increment, true
}

// Redo replays Sequence records.
func Redo(pool *bufmgr.Pool) xlog.RedoFunc {
	return func(d *xlog.Decoded) error {
		if d.RmgrInfo() != rmgrs.InfoSeqLog {
			return pgerr.New(pgerr.DataCorrupted, "unknown Sequence record %#x", d.RmgrInfo())
		}
		s, err := rmgrs.DecodeSeqLog(d.Main)
		if err != nil {
			return err
		}
		b, a, err := bufmgr.ReadForRedo(pool, d, 0, bufmgr.RedoRead{Mode: bufmgr.Zero})
		if err != nil || a == bufmgr.NotFound {
			return err
		}
		defer pool.UnlockRelease(b)
		// Also a page that has the record's LSN is made anew: numbers handed out
		// since it was written are not on it, but the record is ahead of them.
		if a != bufmgr.Restored {
			if err := apply(pool.Page(b), s.Tuple); err != nil {
				return err
			}
		}
		pool.Page(b).SetLSN(d.End)
		pool.MarkDirty(b)
		return nil
	}
}
