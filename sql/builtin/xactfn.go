package builtin

import (
	"slices"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/types"
)

// addSnapshots adds the functions on pg_snapshot.
func addSnapshots(r funcs) {
	r.scalar("pg_current_snapshot", func(c *Call) (datum.Datum, error) {
		if c.Env.Xact == nil {
			return needs("pg_current_snapshot without a session")
		}
		xmin, xmax, xip := c.Env.Xact.Snapshot()
		s := types.TxSnapshot{Xmin: uint64(xmin), Xmax: uint64(xmax)}
		for _, x := range xip {
			s.XIP = append(s.XIP, uint64(x))
		}
		return s.Datum(), nil
	})
	with := func(name string, f func(s types.TxSnapshot, c *Call) datum.Datum) {
		r.scalar(name, func(c *Call) (datum.Datum, error) {
			s, err := types.ParseTxSnapshot(c.Args[len(c.Args)-1].Bytes)
			if err != nil {
				return datum.Null(), err
			}
			return f(s, c), nil
		})
	}
	with("pg_snapshot_xmin", func(s types.TxSnapshot, _ *Call) datum.Datum { return datum.Int(int64(s.Xmin)) })
	with("pg_snapshot_xmax", func(s types.TxSnapshot, _ *Call) datum.Datum { return datum.Int(int64(s.Xmax)) })
	with("pg_visible_in_snapshot", func(s types.TxSnapshot, c *Call) datum.Datum {
		x := uint64(c.Args[0].Int)
		_, running := slices.BinarySearch(s.XIP, x)
		return datum.Bool(x < s.Xmin || x < s.Xmax && !running)
	})
	r.set("pg_snapshot_xip", func(c *Call) (Rows, error) {
		s, err := types.ParseTxSnapshot(c.Args[0].Bytes)
		t := &TableRows{}
		for _, x := range s.XIP {
			t.Data = append(t.Data, []datum.Datum{datum.Int(int64(x))})
		}
		return t, err
	})
	r.scalar("pg_export_snapshot", func(c *Call) (datum.Datum, error) {
		if c.Env.Xact == nil {
			return needs("pg_export_snapshot without a session")
		}
		name, err := c.Env.Xact.Export()
		return datum.String(name), err
	})
}

// addRecovery adds the functions that control recovery, which is over.
func addRecovery(r funcs) {
	for _, n := range []string{"pg_wal_replay_pause", "pg_wal_replay_resume", "pg_get_wal_replay_pause_state", "pg_is_wal_replay_paused", "pg_promote"} {
		r.scalar(n, func(c *Call) (datum.Datum, error) {
			if c.Env.Admin == nil {
				return needs(n + " without a server")
			}
			return datum.Null(), pgerr.New(pgerr.ObjectNotInPrerequisiteState, "recovery is not in progress").
				WithHint("Recovery control functions can only be executed during recovery.")
		})
	}
	message := func(c *Call) (datum.Datum, error) {
		if c.Env.Admin == nil {
			return needs("pg_logical_emit_message without a server")
		}
		at, err := c.Env.Admin.Message(string(arg(c, 1)), arg(c, 2), c.Args[0].Bool())
		return datum.Int(int64(at)), err
	}
	r.scalar("pg_logical_emit_message_text", message)
	r.scalar("pg_logical_emit_message_bytea", message)
}
