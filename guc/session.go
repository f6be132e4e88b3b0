package guc

import (
	"maps"
	"slices"
	"strings"

	"github.com/pgmini/pgmini/pgerr"
)

// overlay is what a session has changed of one setting.
type overlay struct {
	value    Value
	source   Source
	local    Value // SET LOCAL's value, until the transaction ends
	hasLocal bool
	base     Value // what RESET goes back to, from baseSource
	from     Source
	hasBase  bool
}

// change remembers what a setting was before a (sub)transaction changed it.
type change struct {
	id     ID
	custom string // of a setting with a dot in its name
	had    bool
	old    overlay
	level  int
}

// Session is the settings of one session: the server's, overlaid by its own. It
// is used by one goroutine at a time.
type Session struct {
	reg      *Registry
	own      map[ID]overlay
	custom   map[string]overlay
	undo     []change
	level    int
	dirty    map[ID]bool // reported settings that changed
	Super    bool        // may set Superuser settings
	started  bool
	OnChange func(ID) // called after a value changed; may be nil
}

// NewSession makes the settings of a session.
func NewSession(r *Registry) *Session {
	return &Session{reg: r, own: map[ID]overlay{}, custom: map[string]overlay{}, dirty: map[ID]bool{}}
}

// Started ends the phase in which Backend settings may be set.
func (s *Session) Started() { s.started = true }

// Value is the value of a setting in this session.
func (s *Session) Value(id ID) Value {
	if o, ok := s.own[id]; ok {
		if o.hasLocal {
			return o.local
		}
		return o.value
	}
	return s.reg.Value(id)
}

// Int reads an integer, or the index of an enum's word.
func (s *Session) Int(id ID) int64 { return s.Value(id).Int }

// Bool reads a boolean.
func (s *Session) Bool(id ID) bool { return s.Value(id).Int != 0 }

// Real reads a number.
func (s *Session) Real(id ID) float64 { return s.Value(id).Real }

// Str reads a string, or the word of an enum.
func (s *Session) Str(id ID) string { return s.Value(id).Str }

// Begin starts a transaction or a subtransaction.
func (s *Session) Begin() { s.level++ }

// Commit ends the innermost (sub)transaction and keeps its changes; at the end
// of the transaction SET LOCAL's are gone.
func (s *Session) Commit() {
	s.level--
	if s.level > 0 {
		for i := range s.undo {
			s.undo[i].level = min(s.undo[i].level, s.level)
		}
		return
	}
	touched := s.undo
	s.undo = nil
	for _, c := range touched {
		if c.custom != "" {
			if o, ok := s.custom[c.custom]; ok && o.hasLocal {
				o.hasLocal = false
				s.custom[c.custom] = o
			}
		} else if o, ok := s.own[c.id]; ok && o.hasLocal {
			o.hasLocal, o.local = false, Value{}
			if o.source == SourceDefault {
				delete(s.own, c.id)
			} else {
				s.own[c.id] = o
			}
			s.changed(c.id)
		}
	}
}

// Abort ends the innermost (sub)transaction and takes its changes back.
func (s *Session) Abort() {
	for len(s.undo) > 0 && s.undo[len(s.undo)-1].level >= s.level {
		c := s.undo[len(s.undo)-1]
		s.undo = s.undo[:len(s.undo)-1]
		switch {
		case c.custom != "" && c.had:
			s.custom[c.custom] = c.old
		case c.custom != "":
			s.custom[c.custom] = overlay{} // once named, a custom setting is known
		case c.had:
			s.own[c.id] = c.old
			s.changed(c.id)
		default:
			delete(s.own, c.id)
			s.changed(c.id)
		}
	}
	s.level--
}

func (s *Session) changed(id ID) {
	if Get(id).Report {
		s.dirty[id] = true
	}
	if s.OnChange != nil {
		s.OnChange(id)
	}
}

// TakeReports returns the reported settings that changed since the last call.
func (s *Session) TakeReports() []ID {
	if len(s.dirty) == 0 {
		return nil
	}
	ids := slices.Sorted(maps.Keys(s.dirty))
	clear(s.dirty)
	return ids
}

// mayChange checks the context of a setting against what the session may do.
func (s *Session) mayChange(d *Setting, src Source) error {
	deny := func(how string) error {
		return pgerr.New(pgerr.CantChangeRuntimeParam, "parameter %q %s", d.Name, how)
	}
	switch d.Context {
	case Internal:
		return deny("cannot be changed")
	case Postmaster:
		return deny("cannot be changed without restarting the server")
	case Sighup:
		return deny("cannot be changed now")
	case Backend, SuperuserBackend:
		if s.started || src == SourceSession {
			return deny("cannot be set after connection start")
		}
	}
	if (d.Context == Superuser || d.Context == SuperuserBackend) && !s.Super {
		return pgerr.New(pgerr.InsufficientPrivilege, "permission denied to set parameter %q", d.Name)
	}
	return nil
}

// Set is SET and SET LOCAL, and what a database, a role or the start-up packet
// sets. Outside a transaction LOCAL has no effect.
func (s *Session) Set(name, text string, src Source, local bool) error {
	id, ok := Find(name)
	if !ok {
		return s.setCustom(name, text, local)
	}
	d := Get(id)
	if err := s.mayChange(d, src); err != nil {
		return err
	}
	v, err := s.reg.parse(id, text, s.Str(id))
	if err != nil {
		return err
	}
	s.put(id, v, src, local)
	return nil
}

// SetInternal stores the value of an Internal setting (is_superuser …).
func (s *Session) SetInternal(id ID, text string) error {
	v, err := Get(id).Parse(text)
	if err == nil {
		s.put(id, v, SourceOverride, false)
	}
	return err
}

func (s *Session) put(id ID, v Value, src Source, local bool) {
	old, had := s.own[id]
	if s.level > 0 {
		s.undo = append(s.undo, change{id: id, had: had, old: old, level: s.level})
	} else if local {
		return
	}
	if local {
		if !had {
			old = overlay{value: s.reg.Value(id)}
		}
		old.local, old.hasLocal = v, true
		s.own[id] = old
	} else {
		o := overlay{value: v, source: src, base: old.base, from: old.from, hasBase: old.hasBase}
		if src != SourceSession {
			o.base, o.from, o.hasBase = v, src, true
		}
		s.own[id] = o
	}
	s.changed(id)
}

func (s *Session) setCustom(name, text string, local bool) error {
	if !validCustom(name) {
		if strings.Contains(name, ".") {
			return pgerr.New(pgerr.InvalidName, "invalid configuration parameter name %q", name).
				WithDetail("Custom parameter names must be two or more simple identifiers separated by dots.")
		}
		return unknown(name)
	}
	key := strings.ToLower(name)
	old, had := s.custom[key]
	if s.level > 0 {
		s.undo = append(s.undo, change{custom: key, had: had, old: old, level: s.level})
	} else if local {
		return nil
	}
	if local {
		old.local, old.hasLocal = Value{Str: text}, true
	} else {
		old = overlay{value: Value{Str: text}, source: SourceSession}
	}
	s.custom[key] = old
	return nil
}

// Reset is RESET and SET TO DEFAULT: back to the value at the session's start.
func (s *Session) Reset(name string, local bool) error {
	id, ok := Find(name)
	if !ok {
		if !validCustom(name) {
			return unknown(name)
		}
		return s.setCustom(name, "", local)
	}
	if err := s.mayChange(Get(id), SourceSession); err != nil {
		return err
	}
	s.restore(id, local)
	return nil
}

// restore gives a setting the value that it had when the session started.
func (s *Session) restore(id ID, local bool) {
	switch o := s.own[id]; {
	case o.hasBase && local:
		s.put(id, o.base, SourceSession, true)
	case o.hasBase:
		s.put(id, o.base, o.from, false)
	default:
		s.put(id, s.reg.Value(id), SourceSession, local)
		if !local {
			delete(s.own, id)
		}
	}
}

// NoResetAll reports settings that RESET ALL leaves alone.
func NoResetAll(id ID) bool {
	switch id {
	case Role, SessionAuthorization, IsSuperuser, Seed, TransactionIsolation, TransactionReadOnly, TransactionDeferrable:
		return true
	}
	return false
}

// ResetAll is RESET ALL: all settings that SET changed, but for the role and the
// transaction's.
func (s *Session) ResetAll() error {
	for _, id := range slices.Sorted(maps.Keys(s.own)) {
		if NoResetAll(id) {
			continue
		}
		if d := Get(id); s.own[id].source == SourceSession && d.Context >= Superuser {
			s.restore(id, false)
		}
	}
	return nil
}

// Show is SHOW: the value with its unit.
func (s *Session) Show(name string) (string, error) {
	id, ok := Find(name)
	if !ok {
		key := strings.ToLower(name)
		if o, ok := s.custom[key]; ok {
			if o.hasLocal {
				return o.local.Str, nil
			}
			return o.value.Str, nil
		}
		s.reg.mu.RLock()
		defer s.reg.mu.RUnlock()
		if v, ok := s.reg.mu.custom[key]; ok {
			return v, nil
		}
		return "", unknown(name)
	}
	switch {
	case id == ArchiveCommand && s.Str(ArchiveMode) == "off":
		return "(disabled)", nil
	case id == Seed:
		return "unavailable", nil
	}
	return Get(id).Format(s.Value(id)), nil
}

// Row is a row of pg_settings.
type Row struct {
	*Setting
	ID             ID
	Value          string // without unit
	Source         Source
	Boot, Reset    string
	File           string
	Line           int
	PendingRestart bool
}

// List is pg_settings.
func (s *Session) List() []Row {
	s.reg.mu.RLock()
	states := s.reg.mu.states
	s.reg.mu.RUnlock()
	out := make([]Row, 0, len(settings))
	for id := range ID(len(settings)) {
		d, st := Get(id), &states[id]
		r := Row{Setting: d, ID: id, Value: d.Raw(s.Value(id)), Source: st.source, Boot: d.Raw(d.boot()),
			Reset: d.Raw(st.value), File: st.file, Line: st.line, PendingRestart: st.pending}
		if o, ok := s.own[id]; ok && (o.source != SourceDefault || o.hasLocal) {
			r.Source, r.File, r.Line = o.source, "", 0
			if o.hasLocal {
				r.Source = SourceSession
			}
			if o.hasBase {
				r.Reset = d.Raw(o.base)
			}
		}
		out = append(out, r)
	}
	return out
}
