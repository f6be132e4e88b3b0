package guc

import (
	"slices"
	"strings"
	"sync"

	"github.com/pgmini/pgmini/pgerr"
)

// state is the server-wide value of one setting.
type state struct {
	value   Value
	source  Source
	file    string
	line    int
	pending bool // the file has another value that needs a restart
}

// Registry holds the settings of one server.
type Registry struct {
	mu struct {
		sync.RWMutex
		states [numSettings]state
		custom map[string]string // settings with a dot in the name
		hooks  []func(ID)
	}
	check map[ID]func(string) (string, error)
	auto  sync.Mutex // of postgresql.auto.conf
}

// Options configures a Registry.
type Options struct {
	// Check are additional checks of string settings (TimeZone …): each returns
	// the form to keep, or an error that is an invalid value's detail.
	Check map[ID]func(string) (string, error)
}

// New makes a registry that holds the boot values.
func New(o Options) *Registry {
	r := &Registry{check: o.Check}
	r.mu.custom = map[string]string{}
	for i := range ID(numSettings) {
		s := Get(i)
		r.mu.states[i].value = s.boot()
	}
	return r
}

// boot is the boot value, which does not have to be in the range.
func (s *Setting) boot() Value {
	if s.Kind == String {
		return Value{Str: s.Boot}
	}
	wide := *s
	wide.Min, wide.Max = -1e300, 1e300
	v, err := wide.Parse(s.Boot)
	if err != nil {
		panic("guc: the boot value of " + s.Name + " is damaged: " + err.Error())
	}
	return v
}

// parse checks a value with the registry's additional checks.
// old is the value that a list of words may leave in part as it is.
func (r *Registry) parse(id ID, text, old string) (Value, error) {
	s := Get(id)
	v, err := s.Parse(text)
	if err != nil {
		return v, err
	}
	if id == DateStyle {
		v.Str = completeDateStyle(v.Str, old)
	}
	if f := r.check[id]; f != nil {
		if v.Str, err = f(v.Str); err != nil {
			pe, ok := pgerr.As(err)
			if ok && pe.Msg != "" {
				return Value{}, pe
			}
			e := s.invalid(text)
			if ok {
				e.Detail, e.Hint = pe.Detail, pe.Hint
			}
			return Value{}, e
		}
	}
	return v, nil
}

// unknown is the error for a name that no setting has.
func unknown(name string) error {
	return pgerr.New(pgerr.UndefinedObject, "unrecognized configuration parameter %q", name)
}

// Set gives a setting a server-wide value before the server runs: from the
// command line, or computed. A weaker source does not displace a stronger one.
func (r *Registry) Set(name, text string, src Source) error {
	id, ok := Find(name)
	if !ok {
		if validCustom(name) {
			r.mu.Lock()
			r.mu.custom[strings.ToLower(name)] = text
			r.mu.Unlock()
			return nil
		}
		return unknown(name)
	}
	if s := Get(id); src != SourceOverride && s.Context == Internal {
		return pgerr.New(pgerr.CantChangeRuntimeParam, "parameter %q cannot be changed", s.Name)
	}
	v, err := r.parse(id, text, Get(id).Boot)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if st := &r.mu.states[id]; st.source <= src {
		*st = state{value: v, source: src}
	}
	return nil
}

// validCustom reports whether name has the form class.name.
func validCustom(name string) bool {
	parts := strings.Split(name, ".")
	if len(parts) < 2 {
		return false
	}
	for _, p := range parts {
		if p == "" || strings.Trim(strings.ToLower(p), "abcdefghijklmnopqrstuvwxyz0123456789_$") != "" || p[0] >= '0' && p[0] <= '9' {
			return false
		}
	}
	return true
}

// Value is the server-wide value of a setting.
func (r *Registry) Value(id ID) Value {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.mu.states[id].value
}

// Int reads an integer, or the index of an enum's word.
func (r *Registry) Int(id ID) int64 { return r.Value(id).Int }

// Bool reads a boolean.
func (r *Registry) Bool(id ID) bool { return r.Value(id).Int != 0 }

// Real reads a number.
func (r *Registry) Real(id ID) float64 { return r.Value(id).Real }

// Str reads a string, or the word of an enum.
func (r *Registry) Str(id ID) string { return r.Value(id).Str }

// OnReload registers f, which is called without locks for every setting that a
// reload changed.
func (r *Registry) OnReload(f func(ID)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.hooks = append(r.mu.hooks, f)
}

// Apply takes over the entries of the configuration files. At start (running
// false) every context takes effect; at a reload only Sighup and weaker ones,
// and the others are marked as pending. It returns the settings that changed,
// and errors of single entries, which do not stop the others at a reload.
func (r *Registry) Apply(entries []Entry, running bool) (changed []ID, errs []error) {
	last := map[ID]Entry{}
	custom := map[string]string{}
	for _, e := range entries {
		id, ok := Find(e.Name)
		switch {
		case ok:
			last[id] = e
		case validCustom(e.Name):
			custom[strings.ToLower(e.Name)] = e.Value
		default:
			errs = append(errs, pgerr.New(pgerr.UndefinedObject, "unrecognized configuration parameter %q in file %q line %d", e.Name, e.File, e.Line))
		}
	}
	r.mu.Lock()
	r.mu.custom = custom
	for id := range ID(numSettings) {
		st, s := &r.mu.states[id], Get(id)
		e, listed := last[id]
		next := state{value: s.boot()}
		if listed {
			v, err := r.parse(id, e.Value, Get(id).Boot)
			if err == nil && s.Context == Internal {
				err = pgerr.New(pgerr.CantChangeRuntimeParam, "parameter %q cannot be changed", s.Name)
			}
			if err != nil {
				errs = append(errs, err)
				continue
			}
			next = state{value: v, source: SourceFile, file: e.File, line: e.Line}
		}
		if st.source == SourceOverride || st.source > SourceFile || !listed && st.source != SourceFile {
			continue
		}
		if running && s.Context <= Postmaster {
			if st.pending = st.value != next.value; st.pending {
				errs = append(errs, pgerr.New(pgerr.CantChangeRuntimeParam, "parameter %q cannot be changed without restarting the server", s.Name))
			}
			continue
		}
		if st.value != next.value {
			changed = append(changed, id)
		}
		*st = next
	}
	hooks := slices.Clone(r.mu.hooks)
	r.mu.Unlock()
	for _, id := range changed {
		for _, f := range hooks {
			f(id)
		}
	}
	return changed, errs
}
