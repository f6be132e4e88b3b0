// Package guc holds the settings of one server: PostgreSQL 15's names, units,
// ranges and contexts, the configuration files, and per session an overlay that
// follows transactions.
//
// INV-GUC-1: a value in a Registry or a Session has passed its setting's check;
// what does not pass changes nothing.
// Enforced: Setting.Parse. Tested: TestParseLikeStock.
//
// INV-GUC-2: after an abort every setting of a session has the value that it had
// before the (sub)transaction.
// Enforced: Session.Abort. Tested: TestTransactions.
package guc

import (
	"strings"
)

// ID numbers a setting: an index into the table of settings.
type ID int

// Kind is the type of a setting.
type Kind uint8

// Kinds of settings.
const (
	Bool   Kind = 1
	Int    Kind = 2
	Real   Kind = 3
	String Kind = 4
	Enum   Kind = 5
)

// String is pg_settings.vartype.
func (k Kind) String() string {
	return [...]string{"", "bool", "integer", "real", "string", "enum"}[k]
}

// Context says who may change a setting and when.
type Context uint8

// Contexts of settings, from the most restricted.
const (
	Internal         Context = 1
	Postmaster       Context = 2
	Sighup           Context = 3
	SuperuserBackend Context = 4
	Backend          Context = 5
	Superuser        Context = 6
	User             Context = 7
)

// String is pg_settings.context.
func (c Context) String() string {
	return [...]string{"", "internal", "postmaster", "sighup", "superuser-backend", "backend", "superuser", "user"}[c]
}

// Setting describes one setting.
type Setting struct {
	Name            string
	Kind            Kind
	Context         Context
	Boot            string // value without configuration, in base units
	Unit            string // base unit: B kB 8kB MB ms s min, or none
	Min, Max        float64
	Values          string // of an enum, separated by commas
	Category        string
	Explain         bool
	NotInSample     bool
	RuntimeComputed bool
	Report          bool // the client is told about changes
	NoShowAll       bool
}

// The settings that pg_settings does not show.
const (
	Role                 ID = 356
	SessionAuthorization ID = 357
	IsSuperuser          ID = 358
	Seed                 ID = 359
	WalRecoveryMode      ID = 360 // pgmini's own
)

// hidden lists them. constant
var hidden = [...]Setting{
	{Name: "role", Kind: String, Context: User, Boot: "none", NotInSample: true, NoShowAll: true},
	{Name: "session_authorization", Kind: String, Context: User, NotInSample: true, NoShowAll: true, Report: true},
	{Name: "is_superuser", Kind: Bool, Context: Internal, Boot: "off", NotInSample: true, NoShowAll: true, Report: true},
	{Name: "seed", Kind: Real, Context: User, Boot: "0", Min: -1, Max: 1, NotInSample: true, NoShowAll: true},
	{Name: "wal_recovery_mode", Kind: Enum, Context: Postmaster, Boot: "strict", Values: "strict,tolerate_tail,point_in_time,salvage", NotInSample: true, NoShowAll: true},
}

// Compile-time check: the hidden settings follow the shown ones.
var _ = [1]struct{}{}[len(settings)-int(Role)]

const numSettings = len(settings) + len(hidden)

// Get describes setting id.
func Get(id ID) *Setting {
	if int(id) < len(settings) {
		return &settings[id]
	}
	return &hidden[int(id)-len(settings)]
}

// Count is the number of settings; ids are below it.
func Count() int { return numSettings }

// renamed are old names that still work. constant
var renamed = map[string]string{"sort_mem": "work_mem", "vacuum_mem": "maintenance_work_mem"}

// Find returns the setting with a name, in any case.
func Find(name string) (ID, bool) {
	name = strings.ToLower(name)
	if n, ok := renamed[name]; ok {
		name = n
	}
	lo, hi := 0, len(settings)
	for lo < hi { // the table is sorted by lower-cased name
		m := (lo + hi) / 2
		switch c := strings.Compare(strings.ToLower(settings[m].Name), name); {
		case c == 0:
			return ID(m), true
		case c < 0:
			lo = m + 1
		default:
			hi = m
		}
	}
	for i := range hidden {
		if hidden[i].Name == name {
			return ID(len(settings) + i), true
		}
	}
	return 0, false
}

// Value is the value of a setting. Bool, Int: Int. Real: Real. Enum: Int is the
// index in Values, Str the word. String: Str.
type Value struct {
	Int  int64
	Real float64
	Str  string
}

// Source says where a value came from, in the order of precedence.
type Source uint8

// Sources of values.
const (
	SourceDefault     Source = 0
	SourceOverride    Source = 1 // computed, cannot be changed by files
	SourceFile        Source = 2
	SourceCommandLine Source = 3
	SourceDatabase    Source = 4
	SourceUser        Source = 5
	SourceDBUser      Source = 6
	SourceClient      Source = 7
	SourceSession     Source = 8
	SourceGlobal      Source = 9 // ALTER ROLE ALL: between the command line and a database
)

// String is pg_settings.source.
func (s Source) String() string {
	return [...]string{"default", "override", "configuration file", "command line", "database", "user",
		"database user", "client", "session", "global"}[s]
}

// IsList reports settings whose value is a list of names, each quoted if it needs
// to be (GUC_LIST_QUOTE).
func IsList(id ID) bool {
	switch id {
	case SearchPath, SessionPreloadLibraries, LocalPreloadLibraries, SharedPreloadLibraries, TempTablespaces, UnixSocketDirectories:
		return true
	}
	return false
}

// TakesMany reports settings that SET may give several values.
func TakesMany(id ID) bool {
	switch id {
	case DateStyle, ListenAddresses, LogDestination, SynchronousStandbyNames, WalConsistencyChecking:
		return true
	}
	return IsList(id)
}
