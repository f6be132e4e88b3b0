package types

import (
	"strings"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// aclLetters are the privileges by bit: INSERT SELECT UPDATE DELETE TRUNCATE
// REFERENCES TRIGGER EXECUTE USAGE CREATE TEMPORARY CONNECT SET "ALTER SYSTEM".
const aclLetters = "arwdDxtXUCTcsA"

// ACLItem is an aclitem: grantee and grantor, privileges in the low half of Mode,
// grant options in the high half.
type ACLItem struct {
	Grantee, Grantor oid.OID
	Mode             uint32
}

// ParseACLItem reads an aclitem's payload.
func ParseACLItem(b []byte) ACLItem {
	if len(b) < 12 {
		return ACLItem{}
	}
	return ACLItem{oid.OID(le.Uint32(b)), oid.OID(le.Uint32(b[4:])), le.Uint32(b[8:])}
}

// Datum is the payload.
func (a ACLItem) Datum() datum.Datum {
	b := make([]byte, 12)
	le.PutUint32(b, uint32(a.Grantee))
	le.PutUint32(b[4:], uint32(a.Grantor))
	le.PutUint32(b[8:], a.Mode)
	return datum.Bytes(b)
}

func (e *Env) appendRole(dst []byte, o oid.OID) []byte {
	name := ""
	if e.Catalog != nil {
		name, _ = e.Catalog.RoleOut(o)
	}
	if name == "" {
		return append(dst, []byte(datumOID(o))...)
	}
	for _, c := range []byte(name) {
		if !isAlnum(c) && c != '_' {
			return append(append(append(dst, '"'), strings.ReplaceAll(name, `"`, `""`)...), '"')
		}
	}
	return append(dst, name...)
}

func datumOID(o oid.OID) string {
	b, _ := oidOut(nil, nil, datum.Int(int64(o)))
	return string(b)
}

func aclitemOut(e *Env, dst []byte, d datum.Datum) ([]byte, error) {
	a := ParseACLItem(d.Bytes)
	if a.Grantee != 0 {
		dst = e.appendRole(dst, a.Grantee)
	}
	dst = append(dst, '=')
	for i, c := range []byte(aclLetters) {
		if a.Mode&(1<<i) != 0 {
			dst = append(dst, c)
		}
		if a.Mode&(1<<(16+i)) != 0 {
			dst = append(dst, '*')
		}
	}
	return e.appendRole(append(dst, '/'), a.Grantor), nil
}

func aclitemIn(e *Env, s []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	var a ACLItem
	rest, name := aclName(strings.TrimSpace(string(s)))
	rest = strings.TrimLeft(rest, " ")
	if !strings.HasPrefix(rest, "=") {
		return datum.Null(), pgerr.New(pgerr.InvalidTextRepresentation, "missing \"=\" sign")
	}
	role := func(n string) (oid.OID, error) {
		if e.Catalog == nil {
			v, err := parseOID([]byte(n))
			return oid.OID(v), err
		}
		return e.Catalog.RoleIn(n)
	}
	var err error
	if name != "" {
		if a.Grantee, err = role(name); err != nil {
			return datum.Null(), err
		}
	}
	rest = rest[1:]
	last := -1
	for rest != "" && (isAlpha(rest[0]) || rest[0] == '*') {
		if rest[0] == '*' {
			if last < 0 {
				break
			}
			a.Mode |= 1 << (16 + last)
		} else {
			if last = strings.IndexByte(aclLetters, rest[0]); last < 0 {
				return datum.Null(), pgerr.New(pgerr.InvalidTextRepresentation, "invalid mode character: must be one of \"%s\"", aclLetters)
			}
			a.Mode |= 1 << last
		}
		rest = rest[1:]
	}
	a.Grantor = oid.BootstrapSuperuser
	if strings.HasPrefix(rest, "/") {
		var g string
		rest, g = aclName(rest[1:])
		if g == "" {
			return datum.Null(), pgerr.New(pgerr.InvalidTextRepresentation, "a name must follow the \"/\" sign")
		}
		if a.Grantor, err = role(g); err != nil {
			return datum.Null(), err
		}
	}
	if strings.TrimSpace(rest) != "" {
		return datum.Null(), pgerr.New(pgerr.InvalidTextRepresentation, "extra garbage at the end of the ACL specification")
	}
	return a.Datum(), nil
}

// aclName takes a role name, maybe quoted, from the front.
func aclName(s string) (rest, name string) {
	quoted := false
	i := 0
	var b []byte
	for ; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '"' && quoted && i+1 < len(s) && s[i+1] == '"':
			b = append(b, '"')
			i++
		case c == '"':
			quoted = !quoted
		case quoted || isAlnum(c) || c == '_' || c >= 128:
			b = append(b, c)
		default:
			return s[i:], string(b)
		}
	}
	return "", string(b)
}
