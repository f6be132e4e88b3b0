package server

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/pgmini/pgmini/pgerr"
)

// hbaRule is one line of pg_hba.conf.
type hbaRule struct {
	line      int
	kind      string // local, host, hostssl, hostnossl, hostgssenc, hostnogssenc
	databases []hbaWord
	users     []hbaWord
	any       bool // all addresses
	same      string
	prefix    netip.Prefix
	hostname  string
	method    string
}

// hbaWord is a word of a rule; quoted ones have no special meaning.
type hbaWord struct {
	text   string
	quoted bool
}

// parseHBA reads the text of pg_hba.conf.
func parseHBA(text string) ([]hbaRule, error) {
	var out []hbaRule
	for i, line := range strings.Split(text, "\n") {
		fields, err := hbaFields(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		if len(fields) == 0 {
			continue
		}
		r, err := hbaLine(fields)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		r.line = i + 1
		out = append(out, r)
	}
	return out, nil
}

// hbaFields splits a line into fields, each a list of words.
func hbaFields(line string) ([][]hbaWord, error) {
	var out [][]hbaWord
	more := false // the last field goes on after a comma
	for i := 0; i < len(line); {
		c := line[i]
		switch {
		case c == ' ' || c == '\t' || c == '\r':
			i++
			continue
		case c == '#':
			return out, nil
		case c == ',':
			if len(out) == 0 {
				return nil, pgerr.New(pgerr.ConfigFileError, "misplaced comma")
			}
			more = true
			i++
			continue
		}
		var w hbaWord
		var b strings.Builder
		for i < len(line) && strings.IndexByte(" \t\r,#", line[i]) < 0 {
			if line[i] != '"' {
				b.WriteByte(line[i])
				i++
				continue
			}
			w.quoted = true
			for i++; i < len(line) && line[i] != '"'; i++ {
				b.WriteByte(line[i])
			}
			if i >= len(line) {
				return nil, pgerr.New(pgerr.ConfigFileError, "unterminated quoted string")
			}
			i++
		}
		w.text = b.String()
		if more {
			out[len(out)-1] = append(out[len(out)-1], w)
			more = false
			continue
		}
		out = append(out, []hbaWord{w})
	}
	return out, nil
}

func hbaLine(f [][]hbaWord) (r hbaRule, err error) {
	bad := func(format string, a ...any) (hbaRule, error) {
		return r, pgerr.New(pgerr.ConfigFileError, format, a...)
	}
	r.kind = f[0][0].text
	switch r.kind {
	case "local", "host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc":
	default:
		return bad("invalid connection type \"%s\"", r.kind)
	}
	if len(f) < 2 {
		return bad("end-of-line before database specification")
	}
	if len(f) < 3 {
		return bad("end-of-line before role specification")
	}
	r.databases, r.users = f[1], f[2]
	f = f[3:]
	if r.kind != "local" {
		if len(f) == 0 {
			return bad("end-of-line before IP address specification")
		}
		rest, err := r.address(f)
		if err != nil {
			return r, err
		}
		f = rest
	}
	if len(f) == 0 {
		return bad("end-of-line before authentication method")
	}
	r.method = f[0][0].text
	switch r.method {
	case "trust", "reject", "scram-sha-256", "password", "md5", "peer", "ident":
	default:
		return bad("invalid authentication method \"%s\"", r.method)
	}
	if r.method == "peer" && r.kind != "local" {
		return bad("peer authentication is only supported on local sockets")
	}
	return r, nil
}

// address reads the address field, and the mask that may follow it.
func (r *hbaRule) address(f [][]hbaWord) ([][]hbaWord, error) {
	w := f[0][0]
	f = f[1:]
	switch {
	case w.quoted:
	case w.text == "all":
		r.any = true
		return f, nil
	case w.text == "samehost" || w.text == "samenet":
		r.same = w.text
		return f, nil
	}
	if p, err := netip.ParsePrefix(w.text); err == nil {
		r.prefix = p.Masked()
		return f, nil
	}
	a, err := netip.ParseAddr(w.text)
	if err != nil {
		if strings.Contains(w.text, "/") {
			return nil, pgerr.New(pgerr.ConfigFileError, "invalid CIDR mask in address \"%s\"", w.text)
		}
		r.hostname = w.text
		return f, nil
	}
	if len(f) == 0 {
		return nil, pgerr.New(pgerr.ConfigFileError, "end-of-line before netmask specification")
	}
	m, err := netip.ParseAddr(f[0][0].text)
	if err != nil || m.Is4() != a.Is4() {
		return nil, pgerr.New(pgerr.ConfigFileError, "invalid IP mask \"%s\"", f[0][0].text)
	}
	bits := 0
	for _, b := range m.AsSlice() {
		for ; b&0x80 != 0; b <<= 1 {
			bits++
		}
	}
	r.prefix = netip.PrefixFrom(a, bits).Masked()
	return f[1:], nil
}

// hbaPeer is a connection that a rule is looked for.
type hbaPeer struct {
	local          bool
	addr           netip.Addr
	ssl            bool
	user, database string
	member         func(role string) bool // user is a member of role
}

// findHBA returns the first rule that applies, or nil.
func findHBA(rules []hbaRule, p *hbaPeer) *hbaRule {
	for i := range rules {
		if r := &rules[i]; r.matches(p) {
			return r
		}
	}
	return nil
}

func (r *hbaRule) matches(p *hbaPeer) bool {
	switch r.kind {
	case "local":
		if !p.local {
			return false
		}
	case "hostssl":
		if p.local || !p.ssl {
			return false
		}
	case "hostnossl":
		if p.local || p.ssl {
			return false
		}
	case "hostgssenc":
		return false
	default:
		if p.local {
			return false
		}
	}
	if r.kind != "local" && !r.matchesAddress(p.addr) {
		return false
	}
	return matchesDatabase(r.databases, p) && matchesUser(r.users, p)
}

func (r *hbaRule) matchesAddress(a netip.Addr) bool {
	a = a.Unmap()
	switch {
	case r.any:
		return true
	case r.same != "":
		return a.IsLoopback()
	case r.hostname != "":
		return r.hostname == "localhost" && a.IsLoopback()
	}
	return r.prefix.Contains(a)
}

func matchesDatabase(words []hbaWord, p *hbaPeer) bool {
	for _, w := range words {
		switch {
		case !w.quoted && w.text == "all":
			return true
		case !w.quoted && w.text == "sameuser":
			if p.user == p.database {
				return true
			}
		case !w.quoted && (w.text == "samerole" || w.text == "samegroup"):
			if p.member != nil && p.member(p.database) {
				return true
			}
		case !w.quoted && w.text == "replication":
		case w.text == p.database:
			return true
		}
	}
	return false
}

func matchesUser(words []hbaWord, p *hbaPeer) bool {
	for _, w := range words {
		switch {
		case !w.quoted && w.text == "all", w.text == p.user:
			return true
		case !w.quoted && strings.HasPrefix(w.text, "+"):
			if p.member != nil && p.member(w.text[1:]) {
				return true
			}
		}
	}
	return false
}
