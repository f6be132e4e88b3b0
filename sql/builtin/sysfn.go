package builtin

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"strings"
	"time"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/datum/numeric"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/types"
	"github.com/pgmini/pgmini/xid"
)

// Version is what version() answers: PostgreSQL's number first, because clients
// parse it.
const Version = "PostgreSQL 15.20 (pgmini)"

func addSystem(r funcs) {
	addSession(r)
	addSequences(r)
	addXact(r)
	addWAL(r)
	addLSN(r)
	addAdvisory(r)
	addNames(r)
	addSizes(r)
	addSnapshots(r)
	addRecovery(r)
	for _, n := range hostFuncs() {
		if _, ok := r[n]; !ok {
			r.scalar(n, func(c *Call) (datum.Datum, error) {
				if c.Env == nil || c.Env.Sys == nil {
					return needs("function " + n)
				}
				return c.Env.Sys.Call(n, c)
			})
		}
	}
	for _, n := range hostSets() {
		if _, ok := r[n]; ok {
			continue
		}
		r.set(n, func(c *Call) (Rows, error) {
			if c.Env == nil || c.Env.Sys == nil {
				return nil, pgerr.NotYet("function %s", n)
			}
			return c.Env.Sys.Rows(n, c)
		})
	}
}

func (e *Env) context() context.Context {
	if e == nil || e.Ctx == nil {
		return context.Background()
	}
	return e.Ctx
}

func addSession(r funcs) {
	r.scalar("pgsql_version", func(*Call) (datum.Datum, error) { return text(Version) })
	r.scalar("drandom", func(c *Call) (datum.Datum, error) {
		if c.Env.Rand == nil {
			return needs("random without a session")
		}
		return datum.Float8(c.Env.Rand()), nil
	})
	r.scalar("setseed", func(c *Call) (datum.Datum, error) {
		s := c.Args[0].Float8()
		if math.IsNaN(s) || s < -1 || s > 1 {
			return datum.Null(), pgerr.New(pgerr.InvalidParameterValue, "setseed parameter %s is out of allowed range [-1,1]", types.AppendFloat(nil, s, 64, 0))
		}
		if c.Env.SetSeed == nil {
			return needs("setseed without a session")
		}
		c.Env.SetSeed(s)
		return datum.Int(0), nil
	})
	r.scalar("gen_random_uuid", func(c *Call) (datum.Datum, error) {
		if c.Env.RandBytes == nil {
			return needs("gen_random_uuid without a session")
		}
		b := make([]byte, 16)
		c.Env.RandBytes(b)
		b[6] = b[6]&0x0f | 0x40
		b[8] = b[8]&0x3f | 0x80
		return datum.Bytes(b), nil
	})
	r.scalar("pg_sleep", func(c *Call) (datum.Datum, error) {
		s := c.Args[0].Float8()
		if s > 0 {
			t := time.NewTimer(time.Duration(math.Min(s*1e9, math.MaxInt64/2)))
			defer t.Stop()
			select {
			case <-t.C:
			case <-c.Env.context().Done():
				return datum.Null(), context.Cause(c.Env.context())
			}
		}
		return datum.Int(0), nil
	})
	r.scalar("pg_typeof", func(c *Call) (datum.Datum, error) { return datum.Int(int64(c.ArgTypes[0])), nil })
	r.scalar("show_config_by_name", func(c *Call) (datum.Datum, error) { return showSetting(c, false) })
	r.scalar("show_config_by_name_missing_ok", func(c *Call) (datum.Datum, error) { return showSetting(c, c.Args[1].Bool()) })
	r.scalar("set_config_by_name", func(c *Call) (datum.Datum, error) {
		if c.Args[0].Null {
			return datum.Null(), pgerr.New(pgerr.NullValueNotAllowed, "SET requires parameter name")
		}
		if c.Env.Set == nil {
			return needs("set_config without a session")
		}
		v, err := c.Env.Set.SetConfig(string(arg(c, 0)), string(arg(c, 1)), !c.Args[2].Null && c.Args[2].Bool())
		return datum.String(v), err
	})
}

func showSetting(c *Call, missingOK bool) (datum.Datum, error) {
	if c.Env.Set == nil {
		return needs("current_setting without a session")
	}
	name := string(arg(c, 0))
	v, ok, err := c.Env.Set.Show(name)
	switch {
	case err != nil:
		return datum.Null(), err
	case !ok && missingOK:
		return datum.Null(), nil
	case !ok:
		return datum.Null(), pgerr.New(pgerr.UndefinedObject, "unrecognized configuration parameter \"%s\"", name)
	}
	return text(v)
}

func addSequences(r funcs) {
	need := func(f func(c *Call, s Sequences) (int64, error)) scalarFunc {
		return func(c *Call) (datum.Datum, error) {
			if c.Env.Seq == nil {
				return needs("sequence functions without a session")
			}
			return intResult(f(c, c.Env.Seq))
		}
	}
	rel := func(c *Call) oid.OID { return oid.OID(uint32(c.Args[0].Int)) }
	r.scalar("nextval_oid", need(func(c *Call, s Sequences) (int64, error) { return s.Next(c.Env.context(), rel(c)) }))
	r.scalar("currval_oid", need(func(c *Call, s Sequences) (int64, error) { return s.Current(rel(c)) }))
	r.scalar("lastval", need(func(_ *Call, s Sequences) (int64, error) { return s.Last() }))
	set := func(c *Call, s Sequences) (int64, error) {
		called := len(c.Args) < 3 || c.Args[2].Bool()
		return c.Args[1].Int, s.SetVal(c.Env.context(), rel(c), c.Args[1].Int, called)
	}
	r.scalar("setval_oid", need(set))
	r.scalar("setval3_oid", need(set))
}

func addXact(r funcs) {
	r.scalar("pg_current_xact_id", func(c *Call) (datum.Datum, error) {
		if c.Env.Xact == nil {
			return needs("pg_current_xact_id without a session")
		}
		x, err := c.Env.Xact.XID()
		return intResult(int64(x), err)
	})
	r.scalar("pg_current_xact_id_if_assigned", func(c *Call) (datum.Datum, error) {
		if c.Env.Xact == nil {
			return needs("pg_current_xact_id_if_assigned without a session")
		}
		x, ok := c.Env.Xact.XIDIfAssigned()
		if !ok {
			return datum.Null(), nil
		}
		return datum.Int(int64(x)), nil
	})
	r.scalar("pg_xact_status", func(c *Call) (datum.Datum, error) {
		if c.Env.Xact == nil {
			return needs("pg_xact_status without a session")
		}
		s, ok, err := c.Env.Xact.Status(xid.Full(c.Args[0].Int))
		if err != nil || !ok {
			return datum.Null(), err
		}
		return text(s)
	})
}

func addWAL(r funcs) {
	position := func(name string, f func(a Admin) lsn.LSN) {
		r.scalar(name, func(c *Call) (datum.Datum, error) {
			a := c.Env.Admin
			if a == nil {
				return needs(name + " without a server")
			}
			if a.InRecovery() {
				return datum.Null(), inRecovery("WAL control functions cannot be executed during recovery.")
			}
			return datum.Int(int64(f(a))), nil
		})
	}
	position("pg_current_wal_lsn", func(a Admin) lsn.LSN { return a.WriteLSN() })
	position("pg_current_wal_insert_lsn", func(a Admin) lsn.LSN { return a.InsertLSN() })
	position("pg_current_wal_flush_lsn", func(a Admin) lsn.LSN { return a.FlushLSN() })
	admin := func(name string, f func(c *Call, a Admin) (datum.Datum, error)) {
		r.scalar(name, func(c *Call) (datum.Datum, error) {
			if c.Env.Admin == nil {
				return needs(name + " without a server")
			}
			return f(c, c.Env.Admin)
		})
	}
	admin("pg_is_in_recovery", func(_ *Call, a Admin) (datum.Datum, error) { return datum.Bool(a.InRecovery()), nil })
	admin("pg_switch_wal", func(_ *Call, a Admin) (datum.Datum, error) {
		if a.InRecovery() {
			return datum.Null(), inRecovery("WAL control functions cannot be executed during recovery.")
		}
		l, err := a.Switch()
		return intResult(int64(l), err)
	})
	admin("pg_create_restore_point", func(c *Call, a Admin) (datum.Datum, error) {
		if len(arg(c, 0)) >= 64 {
			return datum.Null(), pgerr.New(pgerr.InvalidParameterValue, "value too long for restore point (maximum %d characters)", 63)
		}
		l, err := a.RestorePoint(string(arg(c, 0)))
		return intResult(int64(l), err)
	})
	admin("pg_walfile_name", func(c *Call, a Admin) (datum.Datum, error) {
		if a.InRecovery() {
			return datum.Null(), inRecovery("pg_walfile_name() cannot be executed during recovery.")
		}
		s := a.SegSize()
		return text(s.FileName(a.Timeline(), s.EndingAt(lsn.LSN(c.Args[0].Int))))
	})
	admin("pg_walfile_name_offset", func(c *Call, a Admin) (datum.Datum, error) {
		if a.InRecovery() {
			return datum.Null(), inRecovery("pg_walfile_name_offset() cannot be executed during recovery.")
		}
		s, at := a.SegSize(), lsn.LSN(c.Args[0].Int)
		cols := []types.Column{{Name: "file_name", Type: oid.Text, TypMod: -1}, {Name: "file_offset", Type: oid.Int4, TypMod: -1}}
		return c.Env.FormRow(oid.Record, -1, cols, []datum.Datum{
			datum.String(s.FileName(a.Timeline(), s.EndingAt(at))), datum.Int(int64(s.Offset(at)))})
	})
}

func inRecovery(hint string) error {
	return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "recovery is in progress").WithHint("%s", hint)
}

func addLSN(r funcs) {
	diff := func(c *Call) (datum.Datum, error) {
		return numDatum(numeric.Sub(numeric.FromUint(uint64(c.Args[0].Int)), numeric.FromUint(uint64(c.Args[1].Int))), nil)
	}
	r.scalar("pg_lsn_mi", diff)
	r.scalar("pg_wal_lsn_diff", diff)
	shift := func(neg bool) scalarFunc {
		return func(c *Call) (datum.Datum, error) {
			n, err := num(c.Args[1])
			if err != nil {
				return datum.Null(), err
			}
			if n.Kind == numeric.NaN {
				word := "add NaN to"
				if neg {
					word = "subtract NaN from"
				}
				return datum.Null(), pgerr.New(pgerr.FeatureNotSupported, "cannot %s pg_lsn", word)
			}
			if neg {
				n = numeric.Negate(n)
			}
			s := numeric.Add(numeric.FromUint(uint64(c.Args[0].Int)), n)
			if s.Kind != numeric.Finite {
				return datum.Null(), pgerr.New(pgerr.FeatureNotSupported, "cannot convert infinity to pg_lsn")
			}
			v, ok := numUint64(s)
			if !ok {
				return datum.Null(), pgerr.New(pgerr.InvalidParameterValue, "pg_lsn out of range")
			}
			return datum.Int(int64(v)), nil
		}
	}
	r.scalar("pg_lsn_pli", shift(false))
	r.scalar("pg_lsn_mii", shift(true))
}

func addAdvisory(r funcs) {
	for _, keys := range []string{"int8", "int4"} {
		split := func(c *Call) (k1, k2 uint32, class int) {
			if keys == "int8" {
				return uint32(uint64(c.Args[0].Int) >> 32), uint32(c.Args[0].Int), 1
			}
			return uint32(c.Args[0].Int), uint32(c.Args[1].Int), 2
		}
		for _, v := range []struct {
			name              string
			shared, xact, try bool
		}{
			{"pg_advisory_lock", false, false, false}, {"pg_advisory_lock_shared", true, false, false},
			{"pg_advisory_xact_lock", false, true, false}, {"pg_advisory_xact_lock_shared", true, true, false},
			{"pg_try_advisory_lock", false, false, true}, {"pg_try_advisory_lock_shared", true, false, true},
			{"pg_try_advisory_xact_lock", false, true, true}, {"pg_try_advisory_xact_lock_shared", true, true, true},
		} {
			r.scalar(v.name+"_"+keys, func(c *Call) (datum.Datum, error) {
				if c.Env.Locks == nil {
					return needs("advisory locks without a session")
				}
				k1, k2, class := split(c)
				ok, err := c.Env.Locks.Lock(c.Env.context(), k1, k2, class, v.shared, v.xact, v.try)
				return datum.Bool(ok), err
			})
		}
		for name, shared := range map[string]bool{"pg_advisory_unlock": false, "pg_advisory_unlock_shared": true} {
			r.scalar(name+"_"+keys, func(c *Call) (datum.Datum, error) {
				if c.Env.Locks == nil {
					return needs("advisory locks without a session")
				}
				k1, k2, class := split(c)
				ok, err := c.Env.Locks.Unlock(k1, k2, class, shared)
				return datum.Bool(ok), err
			})
		}
	}
	r.scalar("pg_advisory_unlock_all", func(c *Call) (datum.Datum, error) {
		if c.Env.Locks == nil {
			return needs("advisory locks without a session")
		}
		c.Env.Locks.UnlockAll()
		return datum.Int(0), nil
	})
}

func addNames(r funcs) {
	addEncodings(r)
	r.scalar("format_type", func(c *Call) (datum.Datum, error) {
		if c.Args[0].Null {
			return datum.Null(), nil
		}
		t := oid.OID(uint32(c.Args[0].Int))
		if c.Args[1].Null {
			return text(c.Env.FormatType(t, -1))
		}
		return text(c.Env.FormatTypeMod(t, int32(c.Args[1].Int)))
	})
	for name, k := range map[string]types.RegKind{"to_regclass": types.RegClass, "to_regtype": types.RegType, "to_regproc": types.RegProc,
		"to_regprocedure": types.RegProcedure, "to_regoper": types.RegOper, "to_regoperator": types.RegOperator,
		"to_regnamespace": types.RegNamespace, "to_regrole": types.RegRole, "to_regcollation": types.RegCollation} {
		r.scalar(name, func(c *Call) (datum.Datum, error) {
			o, err := c.Env.Reg(k, arg(c, 0))
			if err != nil || o == 0 {
				switch pgerr.CodeOf(err) {
				case pgerr.FeatureNotSupported, pgerr.InvalidName, pgerr.SyntaxError:
					return datum.Null(), err
				}
				return datum.Null(), nil
			}
			return datum.Int(int64(o)), nil
		})
	}
	r.scalar("oidvectortypes", func(c *Call) (datum.Datum, error) {
		var p []string
		for _, v := range array.VectorInts(arg(c, 0)) {
			p = append(p, c.Env.FormatType(oid.OID(v), -1))
		}
		return text(strings.Join(p, ", "))
	})
	r.scalar("getdatabaseencoding", func(*Call) (datum.Datum, error) { return text("UTF8") })
	r.scalar("pg_client_encoding", clientEncoding)
	for _, n := range []string{"inet_server_addr", "inet_server_port", "inet_client_addr", "inet_client_port", "pg_collation_actual_version",
		"pg_database_collation_actual_version", "pg_last_wal_receive_lsn", "pg_last_wal_replay_lsn", "pg_last_xact_replay_timestamp", "col_description",
		"obj_description", "shobj_description"} {
		r.scalar(n, func(*Call) (datum.Datum, error) { return datum.Null(), nil })
	}
}

func addSizes(r funcs) {
	r.scalar("pg_size_pretty", func(c *Call) (datum.Datum, error) { return text(sizePretty(c.Args[0].Int)) })
	r.scalar("pg_size_pretty_numeric", func(c *Call) (datum.Datum, error) {
		n, err := num(c.Args[0])
		if err != nil {
			return datum.Null(), err
		}
		if n.Kind != numeric.Finite || numeric.Cmp(numeric.Abs(n), numeric.FromInt(10*1024)) < 0 {
			if n.Kind == numeric.PosInf || n.Kind == numeric.NegInf {
				return text(n.String() + " PB")
			}
			return text(n.String() + " bytes")
		}
		v, ok := numeric.Int64(numeric.Trunc(n, 0))
		if !ok {
			return text(bigSizePretty(numeric.Trunc(n, 0).String()))
		}
		return text(sizePretty(v))
	})
}

// sizePretty halves towards the largest unit below 10 × the next one.
func sizePretty(n int64) string {
	units := []string{"bytes", "kB", "MB", "GB", "TB", "PB"}
	neg := n < 0
	u := uint64(n)
	if neg {
		u = -u
	}
	limit := uint64(10 * 1024)
	if u < limit {
		return fmt.Sprintf("%d bytes", n)
	}
	u >>= 9 // keep one bit for rounding
	limit = 20*1024 - 1
	i := 1
	for u >= limit && i < len(units)-1 {
		u >>= 10
		i++
	}
	v := int64(u+1) / 2
	if neg {
		v = -v
	}
	return fmt.Sprintf("%d %s", v, units[i])
}

// bigSizePretty is sizePretty of a number beyond int8: petabytes, whose half is
// rounded away from zero.
func bigSizePretty(s string) string {
	n, _ := new(big.Int).SetString(s, 10)
	n.Quo(n, new(big.Int).Lsh(big.NewInt(1), 49))
	n.Add(n, big.NewInt(int64(n.Sign())))
	return n.Quo(n, big.NewInt(2)).String() + " PB"
}
