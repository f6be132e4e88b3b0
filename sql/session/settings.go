package session

import (
	"strconv"
	"strings"
	"time"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/charset"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/guc"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/env"
	"github.com/pgmini/pgmini/sql/plan"
	"github.com/pgmini/pgmini/sql/types"
	"github.com/pgmini/pgmini/xact"
)

func itoa(v int64) string { return strconv.FormatInt(v, 10) }

func cut(line string) (name, value string, ok bool) { return strings.Cut(line, "=") }

// changed brings what depends on a setting up to date.
func (s *Session) changed(id guc.ID) {
	switch id {
	case guc.DateStyle, guc.IntervalStyle, guc.TimeZone, guc.ExtraFloatDigits, guc.ByteaOutput:
		s.formats()
		s.version++
	case guc.SearchPath:
		s.pathOK = false
		s.version++
	case guc.DeadlockTimeout:
		s.proc.Locks().DeadlockTimeout = time.Duration(s.guc.Int(guc.DeadlockTimeout)) * time.Millisecond
	case guc.LockTimeout:
		s.proc.Locks().LockTimeout = time.Duration(s.guc.Int(guc.LockTimeout)) * time.Millisecond
	case guc.Role, guc.SessionAuthorization:
		s.pathOK = false
		s.version++
	case guc.ApplicationName:
		s.noteApp()
	case guc.ClientEncoding:
		s.encoding()
	case guc.StatementTimeout, guc.SynchronousCommit, guc.ClientMinMessages:
	default:
		s.planOK = false
		s.version++
	}
}

// encoding tells the client's side which encoding it converts to and from.
func (s *Session) encoding() {
	t, err := charset.Lookup(s.guc.Str(guc.ClientEncoding))
	if err != nil { // the setting's check lets none through
		t = nil
	}
	s.charset = t
	s.client.Encoding(t)
}

// formats sets how dates, floats and bytea are printed.
func (s *Session) formats() {
	e := &s.env.Env
	style, order, _ := strings.Cut(s.guc.Str(guc.DateStyle), ",")
	switch strings.ToUpper(strings.TrimSpace(style)) {
	case "SQL":
		e.DateStyle = types.StyleSQL
	case "POSTGRES":
		e.DateStyle = types.StylePostgres
	case "GERMAN":
		e.DateStyle = types.StyleGerman
	default:
		e.DateStyle = types.StyleISO
	}
	switch strings.ToUpper(strings.TrimSpace(order)) {
	case "DMY":
		e.DateOrder = types.OrderDMY
	case "YMD":
		e.DateOrder = types.OrderYMD
	default:
		e.DateOrder = types.OrderMDY
	}
	switch s.guc.Str(guc.IntervalStyle) {
	case "postgres_verbose":
		e.IntervalStyle = types.IntervalVerbose
	case "sql_standard":
		e.IntervalStyle = types.IntervalSQLStandard
	case "iso_8601":
		e.IntervalStyle = types.IntervalISO
	default:
		e.IntervalStyle = types.IntervalPostgres
	}
	if z, ok := types.FindZone(s.guc.Str(guc.TimeZone)); ok {
		e.Zone = z
	}
	e.ExtraFloatDigits = int(s.guc.Int(guc.ExtraFloatDigits))
	e.ByteaEscape = s.guc.Str(guc.ByteaOutput) == "escape"
}

// planSettings are the planner's settings.
func (s *Session) planSettings() plan.Settings {
	if s.planOK {
		return s.planSet
	}
	g := s.guc
	s.planSet = plan.Settings{SeqPageCost: g.Real(guc.SeqPageCost), RandomPageCost: g.Real(guc.RandomPageCost),
		CPUTupleCost: g.Real(guc.CpuTupleCost), CPUIndexTupleCost: g.Real(guc.CpuIndexTupleCost), CPUOperatorCost: g.Real(guc.CpuOperatorCost),
		EffectiveCacheSize: float64(g.Int(guc.EffectiveCacheSize)), WorkMem: float64(g.Int(guc.WorkMem)) * 1024,
		CursorTupleFraction: g.Real(guc.CursorTupleFraction), NoSeqScan: !g.Bool(guc.EnableSeqscan), NoIndexScan: !g.Bool(guc.EnableIndexscan),
		NoIndexOnlyScan: !g.Bool(guc.EnableIndexonlyscan), NoBitmapScan: !g.Bool(guc.EnableBitmapscan), NoTidScan: !g.Bool(guc.EnableTidscan),
		NoNestLoop: !g.Bool(guc.EnableNestloop), NoHashJoin: !g.Bool(guc.EnableHashjoin), NoMergeJoin: !g.Bool(guc.EnableMergejoin),
		NoMaterial: !g.Bool(guc.EnableMaterial), NoSort: !g.Bool(guc.EnableSort), NoHashAgg: !g.Bool(guc.EnableHashagg),
		NoMemoize: !g.Bool(guc.EnableMemoize), NoIncrementalSort: !g.Bool(guc.EnableIncrementalSort), HashMemMultiplier: g.Real(guc.HashMemMultiplier)}
	s.planOK = true
	return s.planSet
}

func (s *Session) setVariable(v *pg.VariableSetStmt) (string, error) {
	name := strings.ToLower(v.Name)
	switch v.Kind {
	case pg.VariableSetKind_VAR_RESET_ALL:
		return "RESET", s.guc.ResetAll()
	case pg.VariableSetKind_VAR_RESET:
		return "RESET", s.resetVariable(name, v.IsLocal)
	case pg.VariableSetKind_VAR_SET_DEFAULT:
		return "SET", s.resetVariable(name, v.IsLocal)
	case pg.VariableSetKind_VAR_SET_CURRENT:
		val, err := s.guc.Show(name)
		if err != nil {
			return "", err
		}
		return "SET", s.setSetting(name, val, v.IsLocal)
	case pg.VariableSetKind_VAR_SET_MULTI:
		return s.setMulti(name, v)
	}
	if v.IsLocal && s.state != inBlock && s.state != implicit {
		s.Notice("WARNING", pgerr.New(pgerr.NoActiveSQLTransaction, "SET LOCAL can only be used in transaction blocks"))
	}
	text, err := settingText(name, v)
	if err != nil {
		return "", err
	}
	return "SET", s.setSetting(name, text, v.IsLocal)
}

// zoneText is the zone that SET TIME ZONE names: an interval keeps its type, so
// that it is not taken for a name.
func zoneText(n *pg.Node, text string) (string, error) {
	t := n.GetTypeCast()
	if t == nil {
		return text, nil
	}
	typmod := int32(-1)
	if m := t.TypeName.GetTypmods(); len(m) > 0 {
		args := make([]int32, len(m))
		for i, a := range m {
			args[i] = a.GetAConst().GetIval().GetIval()
		}
		var err error
		if typmod, err = types.ParseTypMod("intervaltypmodin", args); err != nil {
			return "", err
		}
	}
	e := types.NewEnv()
	d, err := e.Input(oid.Interval, []byte(text), typmod)
	if err != nil {
		return "", err
	}
	s, err := e.Text(oid.Interval, d)
	return "INTERVAL '" + s + "'", err
}

// settingText is the value that a SET names.
func settingText(name string, v *pg.VariableSetStmt) (string, error) {
	id, known := guc.Find(name)
	if len(v.Args) > 1 && !(known && guc.TakesMany(id)) {
		return "", pgerr.New(pgerr.InvalidParameterValue, "SET %s takes only one argument", name)
	}
	var parts []string
	for _, a := range v.Args {
		t := constText(a)
		if known && guc.IsList(id) {
			t = types.QuoteIdent(t)
		}
		if name == "timezone" {
			var err error
			if t, err = zoneText(a, t); err != nil {
				return "", err
			}
		}
		parts = append(parts, t)
	}
	return strings.Join(parts, ", "), nil
}

// alterSystem is ALTER SYSTEM.
func (s *Session) alterSystem(v *pg.VariableSetStmt) (string, error) {
	const tag = "ALTER SYSTEM"
	if err := s.PreventInBlock(tag); err != nil {
		return "", err
	}
	name := strings.ToLower(v.Name)
	all := v.Kind == pg.VariableSetKind_VAR_RESET_ALL
	if !s.super {
		if all {
			return "", pgerr.New(pgerr.InsufficientPrivilege, "permission denied to perform ALTER SYSTEM RESET ALL")
		}
		return "", pgerr.New(pgerr.InsufficientPrivilege, "permission denied to set parameter \"%s\"", name)
	}
	var value *string
	if v.Kind == pg.VariableSetKind_VAR_SET_VALUE {
		text, err := settingText(name, v)
		if err != nil {
			return "", err
		}
		value = &text
	}
	return tag, s.srv.Registry().AlterSystem(s.srv.FS(), ".", name, value, all)
}

func (s *Session) setMulti(name string, v *pg.VariableSetStmt) (string, error) {
	switch v.Name {
	case "TRANSACTION":
		if s.state != inBlock {
			s.Notice("WARNING", pgerr.New(pgerr.NoActiveSQLTransaction, "SET TRANSACTION can only be used in transaction blocks"))
		}
		return "SET", s.transactionModes(v.Args, false)
	case "SESSION CHARACTERISTICS":
		return "SET", s.transactionModes(v.Args, true)
	}
	return "SET", s.importSnapshot(constText(v.Args[0]))
}

// importSnapshot is SET TRANSACTION SNAPSHOT.
func (s *Session) importSnapshot(name string) error {
	switch {
	case s.tx.HasSnapshot() || s.tx.TopXID() != 0 || len(s.saves) > 0:
		return pgerr.New(pgerr.ActiveSQLTransaction, "SET TRANSACTION SNAPSHOT must be called before any query")
	case s.tx.Isolation() == xact.ReadCommitted:
		return pgerr.New(pgerr.FeatureNotSupported, "a snapshot-importing transaction must have isolation level SERIALIZABLE or REPEATABLE READ")
	}
	return s.tx.ImportExported(name)
}

// setSetting is SET name TO value.
func (s *Session) setSetting(name, value string, local bool) error {
	switch name {
	case "transaction_isolation":
		return s.setIsolation(value)
	case "transaction_read_only":
		b, ok := guc.ParseBool(value)
		if !ok {
			return pgerr.New(pgerr.InvalidParameterValue, "parameter \"transaction_read_only\" requires a Boolean value")
		}
		return s.setReadOnly(b)
	case "transaction_deferrable":
		b, ok := guc.ParseBool(value)
		if !ok {
			return pgerr.New(pgerr.InvalidParameterValue, "parameter \"transaction_deferrable\" requires a Boolean value")
		}
		return s.setDeferrable(b)
	case "role":
		return s.setRole(value, local)
	case "session_authorization":
		return s.setAuthorization(value, local)
	}
	return s.guc.Set(name, value, guc.SourceSession, local)
}

func (s *Session) resetVariable(name string, local bool) error {
	switch name {
	case "role":
		return s.setRole("none", local)
	case "session_authorization":
		return s.setAuthorization("", local)
	case "transaction_isolation":
		return s.setIsolation(s.guc.Str(guc.DefaultTransactionIsolation))
	case "transaction_read_only":
		return s.setReadOnly(s.guc.Bool(guc.DefaultTransactionReadOnly))
	case "transaction_deferrable":
		return s.setDeferrable(s.guc.Bool(guc.DefaultTransactionDeferrable))
	}
	return s.guc.Reset(name, local)
}

// showColumns are the result columns of SHOW.
func showColumns(name string) []env.Column {
	text := func(n string) env.Column { return env.Column{Name: n, Type: oid.Text, TypMod: -1} }
	if strings.EqualFold(name, "all") {
		return []env.Column{text("name"), text("setting"), text("description")}
	}
	if id, ok := guc.Find(name); ok {
		return []env.Column{text(guc.Get(id).Name)}
	}
	return []env.Column{text(strings.ToLower(name))}
}

func (s *Session) show(name string, sink *resultSink) error {
	if strings.EqualFold(name, "all") {
		if err := sink.Describe(showColumns(name)); err != nil {
			return err
		}
		for _, r := range s.guc.List() {
			if r.NoShowAll {
				continue
			}
			v, err := s.ShowSetting(r.Name)
			if err != nil {
				return err
			}
			if err := sink.Row(params{datum.String(r.Name), datum.String(v), datum.String("")}); err != nil {
				return err
			}
		}
		return nil
	}
	v, err := s.ShowSetting(name)
	if err != nil {
		return err
	}
	if err := sink.Describe(showColumns(name)); err != nil {
		return err
	}
	return sink.Row(params{datum.String(v)})
}

// ShowSetting is SHOW: of the transaction's own settings too.
func (s *Session) ShowSetting(name string) (string, error) {
	switch strings.ToLower(name) {
	case "transaction_isolation":
		if s.tx != nil && s.uncommitted {
			return "read uncommitted", nil
		}
		if s.tx != nil {
			return isolationName(s.tx.Isolation()), nil
		}
		return "read committed", nil
	case "transaction_read_only":
		if s.tx != nil && s.tx.ReadOnly() {
			return "on", nil
		}
		return "off", nil
	case "transaction_deferrable":
		if s.tx != nil && s.tx.Deferrable() {
			return "on", nil
		}
		return "off", nil
	}
	return s.guc.Show(name)
}

func isolationName(i xact.Isolation) string {
	return [...]string{"read committed", "repeatable read", "serializable"}[i]
}

// setRole is SET ROLE; "none" goes back to the session's user.
func (s *Session) setRole(name string, local bool) error {
	role, super := s.auth, s.authSuper
	if !strings.EqualFold(name, "none") {
		r, err := s.cat.AuthIDByName(name)
		if err != nil {
			return err
		}
		if r == nil {
			return pgerr.New(pgerr.InvalidParameterValue, "role \"%s\" does not exist", name)
		}
		if !s.authSuper && r.Oid != s.auth {
			ok, err := s.memberOf(s.auth, r.Oid)
			if err != nil {
				return err
			}
			if !ok {
				return pgerr.New(pgerr.InsufficientPrivilege, "permission denied to set role \"%s\"", name)
			}
		}
		role, super = r.Oid, r.Rolsuper
	}
	old, oldSuper := s.role, s.super
	s.tx.OnAbort(func() { s.become(old, oldSuper) })
	if local {
		s.tx.OnCommit(func() { s.become(old, oldSuper) })
	}
	s.become(role, super)
	return nil
}

// become makes a role the current user.
func (s *Session) become(role oid.OID, super bool) {
	s.role, s.super = role, super
	s.guc.Super = super
	s.pathOK = false
	s.version++
	yes := "off"
	if super {
		yes = "on"
	}
	_ = s.guc.SetInternal(guc.IsSuperuser, yes)
}

// memberOf reports whether a role is a member of another, through others too.
func (s *Session) memberOf(member, role oid.OID) (bool, error) {
	seen := map[oid.OID]bool{member: true}
	for todo := []oid.OID{member}; len(todo) > 0; todo = todo[1:] {
		l, err := s.cat.MembershipsOf(todo[0])
		if err != nil {
			return false, err
		}
		for _, m := range l {
			if m.Roleid == role {
				return true, nil
			}
			if !seen[m.Roleid] {
				seen[m.Roleid] = true
				todo = append(todo, m.Roleid)
			}
		}
	}
	return false, nil
}

// setAuthorization is SET SESSION AUTHORIZATION; "" goes back to who connected.
func (s *Session) setAuthorization(name string, local bool) error {
	if name == "" || strings.EqualFold(name, "default") {
		name = s.authName
	}
	r, err := s.cat.AuthIDByName(name)
	if err != nil {
		return err
	}
	if r == nil {
		return pgerr.New(pgerr.InvalidParameterValue, "role \"%s\" does not exist", name)
	}
	if r.Rolname != s.authName && !s.connSuper {
		return pgerr.New(pgerr.InsufficientPrivilege, "permission denied to set session authorization")
	}
	oldAuth, oldSuper, oldRole, oldRoleSuper := s.auth, s.authSuper, s.role, s.super
	back := func() {
		s.auth, s.authSuper = oldAuth, oldSuper
		s.become(oldRole, oldRoleSuper)
	}
	s.tx.OnAbort(back)
	if local {
		s.tx.OnCommit(back)
	}
	s.auth, s.authSuper = r.Oid, r.Rolsuper
	s.become(r.Oid, r.Rolsuper)
	return s.guc.SetInternal(guc.SessionAuthorization, name)
}
