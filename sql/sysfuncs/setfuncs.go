package sysfuncs

import (
	"runtime"
	"strings"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/guc"
	"github.com/pgmini/pgmini/sql/builtin"
	"github.com/pgmini/pgmini/sql/types"
)

// fixed answers the set-returning functions that tell of the program itself.
func (s *System) fixed(fn string, c *builtin.Call) (table, bool, error) {
	switch fn {
	case "pg_config":
		return buildConfig(), true, nil
	case "pg_get_backend_memory_contexts":
		return memory(), true, nil
	case "pg_get_shmem_allocations":
		return s.shared(), true, nil
	case "pg_stat_get_recovery_prefetch":
		row := []datum.Datum{s.reset("recovery_prefetch")}
		for range 9 {
			row = append(row, datum.Int(0))
		}
		return table{row}, true, nil
	case "pg_timezone_abbrevs":
		var t table
		for _, z := range types.ZoneAbbrevs() {
			off, err := zoneOffset(c, int(z.East))
			if err != nil {
				return nil, true, err
			}
			t = append(t, []datum.Datum{datum.String(strings.ToUpper(z.Name)), off, datum.Bool(z.DST)})
		}
		return t, true, nil
	}
	return nil, false, nil
}

// buildConfig is pg_config: of a Go program little of it means anything.
func buildConfig() table {
	known := map[string]string{"CC": runtime.Compiler, "VERSION": builtin.Version}
	var t table
	for _, n := range strings.Fields(`BINDIR DOCDIR HTMLDIR INCLUDEDIR PKGINCLUDEDIR INCLUDEDIR-SERVER LIBDIR PKGLIBDIR LOCALEDIR MANDIR SHAREDIR
		SYSCONFDIR PGXS CONFIGURE CC CPPFLAGS CFLAGS CFLAGS_SL LDFLAGS LDFLAGS_EX LDFLAGS_SL LIBS VERSION`) {
		v := known[n]
		if v == "" {
			v = "not recorded"
		}
		t = append(t, []datum.Datum{datum.String(n), datum.String(v)})
	}
	return t
}

// memory is the Go heap, which all sessions share, as one context.
func memory() table {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	i := func(n uint64) datum.Datum { return datum.Int(int64(n)) }
	return table{{datum.String("TopMemoryContext"), datum.Null(), datum.Null(), datum.Int(0), i(m.HeapSys), i(m.HeapObjects), i(m.HeapSys - m.HeapAlloc),
		datum.Int(0), i(m.HeapAlloc)}}
}

// shared are the large structures that all sessions share.
func (s *System) shared() table {
	if s.d.Settings == nil {
		return nil
	}
	const block = 8192
	var t table
	for _, a := range []struct {
		name string
		size int64
	}{{"Buffer Blocks", s.d.Settings.Int(guc.SharedBuffers) * block}, {"XLOG Ctl", max(s.d.Settings.Int(guc.WalBuffers), 0) * block}} {
		t = append(t, []datum.Datum{datum.String(a.name), datum.Null(), datum.Int(a.size), datum.Int(a.size)})
	}
	return t
}
