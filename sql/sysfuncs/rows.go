package sysfuncs

import (
	"strings"

	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/guc"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/builtin"
	"github.com/pgmini/pgmini/sql/types"
)

type table = [][]datum.Datum

// rows answers set-returning functions; false: unknown here.
func (s *System) rows(fn string, c *builtin.Call) (table, bool, error) {
	switch fn {
	case "show_all_settings":
		return s.settings(), true, nil
	case "pg_lock_status":
		return s.locks(), true, nil
	case "pg_stat_get_activity":
		t, err := s.activity(c)
		return t, true, err
	case "pg_stat_get_backend_idset":
		var t table
		if s.d.Server != nil {
			for i := range s.d.Server.Activity() {
				t = append(t, []datum.Datum{datum.Int(int64(i + 1))})
			}
		}
		return t, true, nil
	case "pg_cursor":
		return s.cursors(), true, nil
	case "pg_prepared_statement":
		return s.prepared(), true, nil
	case "pg_prepared_xact":
		return s.preparedXacts(), true, nil
	case "pg_timezone_names":
		t, err := s.zones(c)
		return t, true, err
	case "pg_ls_waldir", "pg_ls_archive_statusdir", "pg_ls_logicalmapdir", "pg_ls_logicalsnapdir", "pg_ls_tmpdir_noargs":
		dir := map[string]string{"pg_ls_waldir": "pg_wal", "pg_ls_archive_statusdir": "pg_wal/archive_status", "pg_ls_logicalmapdir": "pg_logical/mappings",
			"pg_ls_logicalsnapdir": "pg_logical/snapshots", "pg_ls_tmpdir_noargs": "base/pgsql_tmp"}[fn]
		t, err := s.folder(dir, fn == "pg_ls_tmpdir_noargs")
		return t, true, err
	case "pg_ls_dir", "pg_ls_dir_1arg":
		t, err := s.list(c)
		return t, true, err
	case "pg_ls_logdir":
		dir := "log"
		if s.d.Settings != nil {
			dir = s.d.Settings.Str(guc.LogDirectory)
		}
		t, err := s.folder(dir, false)
		return t, true, err
	case "pg_ls_replslotdir":
		return nil, true, pgerr.New(pgerr.UndefinedObject, "replication slot \"%s\" does not exist", c.Args[0].Str())
	case "pg_ls_tmpdir_1arg":
		t, err := s.tempFolder(argOID(c, 0))
		return t, true, err
	case "pg_stat_get_slru":
		return s.slru(), true, nil
	case "pg_tablespace_databases":
		t, err := s.tablespaceDatabases(argOID(c, 0))
		return t, true, err
	case "pg_available_extensions":
		return table{{datum.String("plpgsql"), datum.String("1.0"), datum.String("PL/pgSQL procedural language")}}, true, nil
	case "pg_available_extension_versions":
		return table{{datum.String("plpgsql"), datum.String("1.0"), datum.Bool(true), datum.Bool(true), datum.Bool(false), datum.String("pg_catalog"), datum.Null(),
			datum.String("PL/pgSQL procedural language")}}, true, nil
	case "show_all_file_settings":
		t, err := s.fileSettings()
		return t, true, err
	case "pg_hba_file_rules":
		t, err := s.hba()
		return t, true, err
	case "pg_get_wal_resource_managers":
		return s.resourceManagers(), true, nil
	case "pg_get_replication_slots", "pg_stat_get_wal_senders", "pg_stat_get_subscription", "pg_stat_get_progress_info", "pg_show_replication_origin_status",
		"pg_listening_channels", "pg_extension_update_paths", "pg_ident_file_mappings", "pg_partition_tree", "pg_partition_ancestors",
		"pg_event_trigger_dropped_objects", "pg_event_trigger_ddl_commands", "pg_get_publication_tables",
		"pg_logical_slot_get_changes":
		// Nothing of the kind exists here.
		return nil, true, nil
	}
	return s.fixed(fn, c)
}

func (s *System) settings() table {
	if s.d.Settings == nil {
		return nil
	}
	var t table
	for _, r := range s.d.Settings.List() {
		lo, hi, vals := datum.Null(), datum.Null(), datum.Null()
		switch r.Kind {
		case guc.Int:
			lo, hi = datum.String(itoa(int64(r.Min))), datum.String(itoa(int64(r.Max)))
		case guc.Real:
			lo, hi = datum.Bytes(types.AppendFloat(nil, r.Min, 64, 0)), datum.Bytes(types.AppendFloat(nil, r.Max, 64, 0))
		case guc.Enum:
			vals = textArray(strings.Split(r.Values, ","))
		}
		line := datum.Null()
		if r.File != "" {
			line = datum.Int(int64(r.Line))
		}
		boot, reset := datum.String(r.Boot), datum.String(r.Reset)
		t = append(t, []datum.Datum{datum.String(r.Name), datum.String(r.Value), strOrNull(r.Unit), datum.String(r.Category), datum.String(""), datum.Null(),
			datum.String(r.Context.String()), datum.String(r.Kind.String()), datum.String(r.Source.String()), lo, hi, vals, boot, reset,
			strOrNull(r.File), line, datum.Bool(r.PendingRestart)})
	}
	return t
}

func (s *System) locks() table {
	if s.d.Locks == nil {
		return nil
	}
	var t table
	for _, l := range s.d.Locks.List() {
		row := make([]datum.Datum, 16)
		for i := range row {
			row[i] = datum.Null()
		}
		row[0] = datum.String(l.Tag.Type.String())
		u := func(i int, v uint32) { row[i] = datum.Int(int64(v)) }
		switch g := l.Tag; g.Type {
		case lmgr.TagRelation, lmgr.TagExtend:
			u(1, g.F1)
			u(2, g.F2)
		case lmgr.TagFrozenIDs:
			u(1, g.F1)
		case lmgr.TagPage, lmgr.TagTuple:
			u(1, g.F1)
			u(2, g.F2)
			u(3, g.F3)
			if g.Type == lmgr.TagTuple {
				u(4, uint32(g.F4))
			}
		case lmgr.TagTransaction:
			u(6, g.F1)
		case lmgr.TagVirtualXID:
			row[5] = datum.String(lmgr.VirtualXID{Backend: int32(g.F1), Local: g.F2}.String())
		default:
			u(1, g.F1)
			u(7, g.F2)
			u(8, g.F3)
			u(9, uint32(g.F4))
		}
		row[10] = datum.String(l.Virtual.String())
		if l.PID != 0 {
			u(11, uint32(l.PID))
		}
		row[12], row[13], row[14], row[15] = datum.String(l.Mode.String()), datum.Bool(l.Granted), datum.Bool(l.FastPath), moment(l.WaitStart)
		t = append(t, row)
	}
	return append(t, s.predicateLocks()...)
}

// predicateLocks are the SIREAD locks in pg_locks.
func (s *System) predicateLocks() table {
	if s.d.Xact == nil {
		return nil
	}
	var t table
	for _, l := range s.d.Xact.SSI().List() {
		row := make([]datum.Datum, 16)
		for i := range row {
			row[i] = datum.Null()
		}
		row[0], row[1], row[2] = datum.String("relation"), datum.Int(int64(l.DB)), datum.Int(int64(l.Rel))
		if l.Block != page.InvalidBlock {
			row[0], row[3] = datum.String("page"), datum.Int(int64(l.Block))
		}
		if l.Off != 0 {
			row[0], row[4] = datum.String("tuple"), datum.Int(int64(l.Off))
		}
		row[10] = datum.String(l.Virtual.String())
		if l.PID != 0 {
			row[11] = datum.Int(int64(l.PID))
		}
		row[12], row[13], row[14] = datum.String("SIReadLock"), datum.Bool(true), datum.Bool(false)
		t = append(t, row)
	}
	return t
}

func (s *System) activity(c *builtin.Call) (table, error) {
	if s.d.Server == nil {
		return nil, pgerr.NotYet("pg_stat_get_activity without a server")
	}
	super, err := s.superuser(s.d.User())
	if err != nil {
		return nil, err
	}
	roles, err := s.roles(s.d.User())
	if err != nil {
		return nil, err
	}
	var t table
	for _, a := range s.d.Server.Activity() {
		if len(c.Args) > 0 && !c.Args[0].Null && c.Args[0].Int != int64(a.PID) {
			continue
		}
		row := make([]datum.Datum, 30)
		for i := range row {
			row[i] = datum.Null()
		}
		row[0], row[1], row[2] = oidOrNull(a.Database), datum.Int(int64(a.PID)), oidOrNull(a.User)
		t = append(t, row)
		if !super && !roles[a.User] {
			row[5] = datum.String("<insufficient privilege>")
			continue
		}
		row[3], row[4], row[5] = datum.String(a.Application), strOrNull(a.State), datum.String(a.Query)
		row[6], row[7] = strOrNull(a.WaitType), strOrNull(a.WaitEvent)
		row[8], row[9], row[10], row[11] = moment(a.XactStart), moment(a.QueryStart), moment(a.BackendStart), moment(a.Since)
		if a.ClientAddr != "" {
			if v, err := c.Env.Input(oid.Inet, []byte(a.ClientAddr), -1); err == nil {
				row[12] = v
			}
		}
		row[13] = strOrNull(a.ClientHost)
		if a.ClientPort != 0 {
			row[14] = datum.Int(int64(a.ClientPort))
		}
		if a.XID != 0 {
			row[15] = datum.Int(int64(a.XID))
		}
		if a.Xmin != 0 {
			row[16] = datum.Int(int64(a.Xmin))
		}
		row[17], row[18] = datum.String(a.Type), datum.Bool(a.SSL)
		if a.SSL {
			row[19], row[20], row[21] = strOrNull(a.SSLVersion), strOrNull(a.SSLCipher), datum.Int(int64(a.SSLBits))
		}
		row[25], row[27] = datum.Bool(false), datum.Bool(false)
	}
	return t, nil
}

func (s *System) cursors() table {
	if s.d.Cursors == nil {
		return nil
	}
	var t table
	for _, x := range s.d.Cursors() {
		t = append(t, []datum.Datum{datum.String(x.Name), datum.String(x.Statement), datum.Bool(x.Holdable), datum.Bool(x.Binary), datum.Bool(x.Scroll), datum.Int(x.Created)})
	}
	return t
}

func (s *System) prepared() table {
	if s.d.Prepared == nil {
		return nil
	}
	var t table
	for _, p := range s.d.Prepared() {
		e := make([]datum.Datum, len(p.Params))
		for i, o := range p.Params {
			e[i] = datum.Int(int64(o))
		}
		types := datum.Bytes(array.Build(array.Of(oid.RegType, e), array.Elem{Len: 4, ByVal: true, Align: 'i'}))
		t = append(t, []datum.Datum{datum.String(p.Name), datum.String(p.Statement), datum.Int(p.Prepared), types, datum.Bool(p.FromSQL),
			datum.Int(p.GenericPlans), datum.Int(p.CustomPlans)})
	}
	return t
}

func (s *System) preparedXacts() table {
	if s.d.Xact == nil {
		return nil
	}
	var t table
	for _, p := range s.d.Xact.Prepared() {
		t = append(t, []datum.Datum{datum.Int(int64(p.XID)), datum.String(p.GID), moment(p.At), datum.Int(int64(p.Owner)), datum.Int(int64(p.DB))})
	}
	return t
}

// zones lists the time zones that most people ask for.
func (s *System) zones(c *builtin.Call) (table, error) {
	names := strings.Fields(`Africa/Cairo Africa/Johannesburg Africa/Lagos America/Chicago America/Denver America/Los_Angeles America/New_York
		America/Sao_Paulo America/Toronto Asia/Dubai Asia/Hong_Kong Asia/Kolkata Asia/Shanghai Asia/Singapore Asia/Tokyo Australia/Sydney Etc/UTC
		Europe/Berlin Europe/London Europe/Madrid Europe/Moscow Europe/Paris Europe/Rome Europe/Stockholm Europe/Zurich GMT Pacific/Auckland UTC`)
	now := int64(0)
	if c.Env.StmtTime != nil {
		now = c.Env.StmtTime()
	}
	var t table
	for _, n := range names {
		loc, ok := types.FindZone(n)
		if !ok {
			continue
		}
		east, abbrev := types.ZoneAt(loc, now)
		off, err := c.Env.Input(oid.Interval, []byte(itoa(int64(east))+" seconds"), -1)
		if err != nil {
			return nil, err
		}
		t = append(t, []datum.Datum{datum.String(n), datum.String(abbrev), off, datum.Bool(now != 0 && types.ToTime(now).In(loc).IsDST())})
	}
	return t, nil
}

// folder lists the plain files of a folder of the data directory.
func (s *System) folder(dir string, missingOK bool) (table, error) {
	if s.d.FS == nil {
		return nil, pgerr.NotYet("listing files without a data directory")
	}
	list, err := s.d.FS.List(dir)
	if err != nil {
		if missingOK {
			return nil, nil
		}
		return nil, pgerr.File(err, "open directory", dir)
	}
	var t table
	for _, e := range list {
		st, err := s.d.FS.Stat(dir + "/" + e.Name())
		if err != nil || !st.Mode().IsRegular() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		t = append(t, []datum.Datum{datum.String(e.Name()), datum.Int(st.Size()), moment(st.ModTime())})
	}
	return t, nil
}

// tempFolder lists the temporary files of a tablespace.
func (s *System) tempFolder(space oid.OID) (table, error) {
	switch r, err := first[rows.PgTablespace](s, rows.AnumPgTablespaceOid, space); {
	case err != nil:
		return nil, err
	case r == nil:
		return nil, pgerr.New(pgerr.UndefinedObject, "tablespace with OID %d does not exist", space)
	}
	dir := "base"
	if space != oid.DefaultTablespace && space != oid.GlobalTablespace {
		dir = "pg_tblspc/" + itoa(int64(space)) + "/PG_15_202209061"
	}
	return s.folder(dir+"/pgsql_tmp", true)
}

func (s *System) slru() table {
	var t table
	for _, n := range []string{"CommitTs", "MultiXactMember", "MultiXactOffset", "Notify", "Serial", "Subtrans", "Xact", "other"} {
		row := []datum.Datum{datum.String(n)}
		for _, k := range []string{"blks_zeroed", "blks_hit", "blks_read", "blks_written", "blks_exists", "flushes", "truncates"} {
			row = append(row, datum.Int(s.counter("slru "+n+" "+k)))
		}
		t = append(t, append(row, s.reset("slru")))
	}
	return t
}

func (s *System) resourceManagers() table {
	var t table
	for i, n := range strings.Fields("XLOG Transaction Storage CLOG Database Tablespace MultiXact RelMap Standby Heap2 Heap Btree Hash Gin Gist Sequence SPGist BRIN CommitTs ReplicationOrigin Generic LogicalMessage") {
		t = append(t, []datum.Datum{datum.Int(int64(i)), datum.String(n), datum.Bool(true)})
	}
	return t
}

func (s *System) tablespaceDatabases(id oid.OID) (table, error) {
	if s.d.FS == nil {
		return nil, pgerr.NotYet("pg_tablespace_databases without a data directory")
	}
	dir := "pg_tblspc/" + itoa(int64(id)) + "/PG_15_202209061"
	if id == oid.DefaultTablespace {
		dir = "base"
	}
	if id == oid.GlobalTablespace {
		return nil, nil
	}
	list, err := s.d.FS.List(dir)
	if err != nil {
		return nil, pgerr.File(err, "open directory", dir)
	}
	var t table
	for _, e := range list {
		var n int64
		for _, ch := range e.Name() {
			if ch < '0' || ch > '9' {
				n = 0
				break
			}
			n = n*10 + int64(ch-'0')
		}
		if n > 0 {
			t = append(t, []datum.Datum{datum.Int(n)})
		}
	}
	return t, nil
}
