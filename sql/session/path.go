package session

import (
	"strings"

	"github.com/pgmini/pgmini/guc"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// splitList cuts a list of identifiers as search_path holds it.
func splitList(text string) []string {
	var out []string
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == ' ' || c == ',' || c == '\t' || c == '\n':
			i++
		case c == '"':
			var b strings.Builder
			for i++; i < len(text); i++ {
				if text[i] == '"' {
					if i+1 < len(text) && text[i+1] == '"' {
						i++
					} else {
						break
					}
				}
				b.WriteByte(text[i])
			}
			i++
			out = append(out, b.String())
		default:
			j := i
			for i < len(text) && text[i] != ',' && text[i] != ' ' {
				i++
			}
			out = append(out, strings.ToLower(text[j:i]))
		}
	}
	return out
}

// path brings the search path up to date with search_path, the role and the
// schemas that exist.
func (s *Session) path() []oid.OID {
	text, temp := s.guc.Str(guc.SearchPath), s.cat.TempIfAny()
	at := stamp{catalog: s.cat.Generation()}
	if at.catalog>>63 != 0 {
		at.epoch = s.epoch
	}
	if s.pathOK && s.pathText == text && s.pathAt == at && s.pathTemp == temp {
		return s.names.Path
	}
	var list, created []oid.OID
	hasCatalog, hasTemp := false, false
	for _, n := range splitList(text) {
		if n == "pg_temp" {
			if temp != 0 {
				list = append(list, temp)
			}
			hasTemp = true
			created = append(created, tempMark)
			continue
		}
		if n == "$user" {
			r, err := s.cat.AuthID(s.role)
			if err != nil || r == nil {
				continue
			}
			n = r.Rolname
		}
		ns, err := s.cat.NamespaceByName(n)
		if err != nil || ns == nil {
			continue
		}
		hasCatalog = hasCatalog || ns.Oid == oid.CatalogNamespace
		list, created = append(list, ns.Oid), append(created, ns.Oid)
	}
	if s.pushed != 0 {
		hasCatalog = hasCatalog || s.pushed == oid.CatalogNamespace
		list, created = append([]oid.OID{s.pushed}, list...), append([]oid.OID{s.pushed}, created...)
	}
	s.explicitPath = list
	var full []oid.OID
	if !hasTemp && temp != 0 {
		full = append(full, temp)
	}
	if !hasCatalog {
		full = append(full, oid.CatalogNamespace)
	}
	full = append(full, list...)
	s.names.Path, s.created = full, created
	s.cat.SetSearchPath(full)
	s.pathText, s.pathAt, s.pathTemp, s.pathOK = text, at, temp, true
	return full
}

// tempMark stands for pg_temp in the list of schemas for new objects.
const tempMark = ^oid.OID(0)

// SearchPath is part of env.Session.
func (s *Session) SearchPath() []oid.OID { return s.path() }

// CreationNamespace is part of env.Session.
func (s *Session) CreationNamespace() (oid.OID, error) {
	s.path()
	if len(s.created) == 0 {
		return 0, pgerr.New(pgerr.UndefinedSchema, "no schema has been selected to create in")
	}
	if s.created[0] == tempMark {
		return s.TempNamespace()
	}
	return s.created[0], nil
}

// InSchema is part of env.Session.
func (s *Session) InSchema(ns oid.OID, f func() error) error {
	old := s.pushed
	s.pushed, s.pathOK = ns, false
	defer func() { s.pushed, s.pathOK = old, false }()
	return f()
}

// TempNamespace is part of env.Session.
func (s *Session) TempNamespace() (oid.OID, error) {
	o, err := s.cat.TempNamespace()
	s.pathOK = false
	return o, err
}
