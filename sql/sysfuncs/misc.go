package sysfuncs

import (
	"slices"
	"strings"

	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/datum/numeric"
	"github.com/pgmini/pgmini/guc"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/builtin"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/ruleutils"
	"github.com/pgmini/pgmini/xid"
)

// aged answers functions on single transaction ids.
func (s *System) aged(fn string, c *builtin.Call) answer {
	if s.d.Xact == nil {
		return answer{}
	}
	switch fn {
	case "xid_age":
		x := xid.XID(uint32(c.Args[0].Int))
		if !x.IsNormal() {
			return number(1<<31 - 1)
		}
		now := s.d.Xact.NextXID().XID()
		if own, ok := c.Env.Xact.XIDIfAssigned(); ok {
			now = own.XID()
		}
		return number(int64(int32(now - x)))
	case "mxid_age":
		x := uint32(c.Args[0].Int)
		if x < 1 {
			return number(1<<31 - 1)
		}
		return number(int64(int32(uint32(s.d.Xact.NextMulti()) - x)))
	case "pg_xact_commit_timestamp", "pg_xact_commit_timestamp_origin", "pg_last_committed_xact":
		if !s.d.Xact.Stamping() {
			return failed(pgerr.New(pgerr.ObjectNotInPrerequisiteState, "could not get commit timestamp data").
				WithHint("Make sure the configuration parameter \"%s\" is set.", "track_commit_timestamp"))
		}
		return s.commitStamp(fn, c)
	}
	return answer{}
}

func (s *System) commitStamp(fn string, c *builtin.Call) answer {
	no := datum.Null()
	if fn == "pg_last_committed_xact" {
		x, at, node := s.d.Xact.LastCommit()
		if !x.IsNormal() {
			return record(c, "xid timestamptz oid", no, no, no)
		}
		return record(c, "xid timestamptz oid", datum.Int(int64(x)), datum.Int(at), datum.Int(int64(node)))
	}
	x := xid.XID(uint32(c.Args[0].Int))
	if x == xid.Invalid {
		return failed(pgerr.New(pgerr.InvalidParameterValue, "cannot retrieve commit timestamp for transaction %d", uint32(x)))
	}
	at, node, ok, err := s.d.Xact.CommitTimestamp(x)
	switch {
	case err != nil:
		return failed(err)
	case fn == "pg_xact_commit_timestamp" && ok:
		return number(at)
	case fn == "pg_xact_commit_timestamp":
		return null()
	case !ok:
		return record(c, "timestamptz oid", no, no)
	}
	return record(c, "timestamptz oid", datum.Int(at), datum.Int(int64(node)))
}

// misc answers what belongs nowhere else.
func (s *System) misc(fn string, c *builtin.Call) answer {
	switch fn {
	case "pg_num_nulls", "pg_num_nonnulls":
		return countNulls(fn == "pg_num_nulls", c)
	case "pg_settings_get_flags":
		return settingFlags(c.Args[0].Str())
	case "pg_size_bytes":
		return sizeBytes(c)
	case "makeaclitem":
		return makeACLItem(c)
	case "aclitem_eq":
		return boolean(string(c.Args[0].Bytes) == string(c.Args[1].Bytes))
	case "aclcontains":
		return aclContains(c)
	case "aclinsert", "aclremove":
		return failed(pgerr.New(pgerr.FeatureNotSupported, "%s is no longer supported", fn))
	case "pg_get_function_arg_default":
		return s.argumentDefault(argOID(c, 0), int(c.Args[1].Int), c)
	case "pg_event_trigger_table_rewrite_oid", "pg_event_trigger_table_rewrite_reason":
		return failed(pgerr.New(pgerr.ERIEEventTriggerProtocolViolated, "%s() can only be called in a table_rewrite event trigger function", fn))
	case "pg_indexam_progress_phasename":
		return progressPhase(argOID(c, 0), c.Args[1].Int)
	}
	return answer{}
}

func countNulls(nulls bool, c *builtin.Call) answer {
	n := int64(0)
	args := c.Args
	if c.Variadic {
		if c.Args[0].Null {
			return null()
		}
		ti, _ := c.Env.Type(c.ArgTypes[0])
		el, _ := c.Env.Type(ti.Elem)
		a, err := array.Parse(c.Args[0].Bytes, array.Elem{Len: el.Len, ByVal: el.ByVal, Align: el.Align})
		if err != nil {
			return failed(err)
		}
		args = a.Elems
	}
	for _, a := range args {
		if a.Null == nulls {
			n++
		}
	}
	return number(n)
}

func settingFlags(name string) answer {
	id, ok := guc.Find(name)
	if !ok {
		return null()
	}
	d := guc.Get(id)
	flags := []string{}
	for _, f := range []struct {
		set  bool
		name string
	}{{d.Explain, "EXPLAIN"}, {d.NoShowAll, "NO_SHOW_ALL"}, {guc.NoResetAll(id), "NO_RESET_ALL"}, {d.NotInSample, "NOT_IN_SAMPLE"}, {d.RuntimeComputed, "RUNTIME_COMPUTED"}} {
		if f.set {
			flags = append(flags, f.name)
		}
	}
	return value(textArray(flags))
}

// units of pg_size_bytes, by the power of 1024. constant
var units = [...]string{"bytes", "kb", "mb", "gb", "tb", "pb"}

func sizeBytes(c *builtin.Call) answer {
	text := c.Args[0].Str()
	bad := func() answer {
		return failed(pgerr.New(pgerr.InvalidParameterValue, "invalid size: \"%s\"", text))
	}
	rest := strings.Trim(text, " \t\n\r\v\f")
	n := strings.IndexFunc(rest, func(r rune) bool { return !strings.ContainsRune("0123456789.+-", r) })
	if n >= 0 && n+1 < len(rest) && (rest[n] == 'e' || rest[n] == 'E') { // an exponent, unless a unit follows
		m := n + 1
		if m < len(rest) && (rest[m] == '+' || rest[m] == '-') {
			m++
		}
		k := m
		for k < len(rest) && rest[k] >= '0' && rest[k] <= '9' {
			k++
		}
		if k > m {
			n = k
		}
	}
	unit := ""
	if n >= 0 {
		rest, unit = rest[:n], strings.ToLower(strings.TrimSpace(rest[n:]))
	}
	if strings.Trim(rest, "+-.eE") == "" {
		return bad()
	}
	factor := int64(1)
	if unit != "" && unit != "b" {
		at := slices.Index(units[:], unit)
		if at < 0 {
			return failed(pgerr.New(pgerr.InvalidParameterValue, "invalid size: \"%s\"", text).
				WithDetail("Invalid size unit: \"%s\".", strings.TrimSpace(text[strings.LastIndex(strings.ToLower(text), unit):])).
				WithHint("Valid units are \"bytes\", \"B\", \"kB\", \"MB\", \"GB\", \"TB\", and \"PB\"."))
		}
		factor <<= 10 * at
	}
	v, err := numeric.Parse(rest)
	if err != nil {
		return bad()
	}
	n64, ok := numeric.Int64(numeric.Round(numeric.Mul(v, numeric.FromInt(factor)), 0))
	if !ok {
		return failed(pgerr.New(pgerr.NumericValueOutOfRange, "bigint out of range"))
	}
	return number(n64)
}

func makeACLItem(c *builtin.Call) answer {
	known := map[string]uint32{"SELECT": aclSelect, "INSERT": aclInsert, "UPDATE": aclUpdate, "DELETE": aclDelete, "TRUNCATE": aclTruncate,
		"REFERENCES": aclReferences, "TRIGGER": aclTrigger, "EXECUTE": aclExecute, "USAGE": aclUsage, "CREATE": aclCreate, "TEMP": aclTemp,
		"TEMPORARY": aclTemp, "CONNECT": aclConnect, "SET": aclSet, "ALTER SYSTEM": aclAlter, "RULE": 0}
	var rights uint32
	for _, p := range strings.Split(c.Args[2].Str(), ",") {
		r, ok := known[strings.ToUpper(strings.TrimSpace(p))]
		if !ok {
			return failed(pgerr.New(pgerr.InvalidParameterValue, "unrecognized privilege type: \"%s\"", strings.TrimSpace(p)))
		}
		rights |= r
	}
	item := rows.ACLItem{Grantee: argOID(c, 0), Grantor: argOID(c, 1), Rights: rights}
	if c.Args[3].Bool() {
		item.Rights |= rights << 16
	}
	return value(item.Datum())
}

func aclContains(c *builtin.Call) answer {
	a, err := array.Parse(c.Args[0].Bytes, array.Elem{Len: 12, Align: 'i'})
	if err != nil {
		return failed(err)
	}
	want := rows.ACLItemOf(c.Args[1].Bytes)
	for _, e := range a.Elems {
		have := rows.ACLItemOf(e.Bytes)
		if have.Grantee == want.Grantee && have.Grantor == want.Grantor && have.Rights&want.Rights == want.Rights {
			return boolean(true)
		}
	}
	return boolean(false)
}

// argumentDefault is the default of input argument n, counted from 1.
func (s *System) argumentDefault(fn oid.OID, n int, c *builtin.Call) answer {
	p, err := s.d.Catalog.Proc(fn)
	if err != nil || p == nil || p.Proargdefaults == "" {
		return checked(null(), err)
	}
	in, total := 0, 0
	for i := range max(len(p.Proallargtypes), len(p.Proargtypes)) {
		input := true
		if i < len(p.Proargmodes) {
			m := p.Proargmodes[i]
			input = m == 'i' || m == 'b' || m == 'v'
		}
		if input {
			total++
		}
		if i == n-1 && input {
			in = total
		}
	}
	list, err := node.Read(p.Proargdefaults)
	l, ok := list.(node.List)
	at := in - 1 - (int(p.Pronargs) - len(l))
	if err != nil || !ok || in == 0 || at < 0 || at >= len(l) {
		return checked(null(), err)
	}
	t, err := ruleutils.ExprStyle(s.d.Names(), l[at], nil, ruleutils.Style{})
	if pgerr.CodeOf(err) == pgerr.FeatureNotSupported {
		return null() // a constant of a type that cannot be printed yet: its function cannot be called either
	}
	return checked(text(t), err)
}

func progressPhase(am oid.OID, n int64) answer {
	phases := [...]string{"initializing", "scanning table", "sorting live tuples", "sorting dead tuples", "loading tuples in tree"}
	if am != oid.BtreeAM || n < 1 || n > int64(len(phases)) {
		return null()
	}
	return text(phases[n-1])
}

// zoneOffset is an offset from UTC as an interval.
func zoneOffset(c *builtin.Call, east int) (datum.Datum, error) {
	return c.Env.Input(oid.Interval, []byte(itoa(int64(east))+" seconds"), -1)
}
