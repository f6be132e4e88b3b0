package server

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/xdg-go/scram"

	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xact"
)

// Codes of Authentication messages.
const (
	authOK           = 0
	authCleartext    = 3
	authSASL         = 10
	authSASLContinue = 11
	authSASLFinal    = 12
)

const scramName = "SCRAM-SHA-256"

func (w *writer) auth(code uint32, data []byte) {
	at := w.begin('R')
	w.int32(code)
	w.buf = append(w.buf, data...)
	w.end(at)
}

// role reads a role and whether it belongs to others, outside of any session.
func (s *Server) role(ctx context.Context, name string) (r *rows.PgAuthid, member func(string) bool, err error) {
	cat := s.inst.Catalog().NewSession(catalog.SessionOptions{Backend: -1})
	tx := s.inst.Xact().Begin(xact.BeginOptions{})
	defer func() {
		cat.Bind(ctx, nil)
		if e := tx.Abort(); err == nil {
			err = e
		}
	}()
	cat.Bind(ctx, tx)
	if r, err = cat.AuthIDByName(name); err != nil || r == nil {
		return nil, nil, err
	}
	names := map[string]bool{name: true}
	todo, seen := []*rows.PgAuthid{r}, map[string]bool{name: true}
	for ; len(todo) > 0; todo = todo[1:] {
		l, err := cat.MembershipsOf(todo[0].Oid)
		if err != nil {
			return nil, nil, err
		}
		for _, m := range l {
			g, err := cat.AuthID(m.Roleid)
			if err != nil {
				return nil, nil, err
			}
			if g != nil && !seen[g.Rolname] {
				seen[g.Rolname], names[g.Rolname] = true, true
				todo = append(todo, g)
			}
		}
	}
	return r, func(n string) bool { return names[n] }, nil
}

func fatal(code pgerr.Code, format string, a ...any) *pgerr.Error {
	e := pgerr.New(code, format, a...)
	e.Fatal = true
	return e
}

// authenticate asks the client who it is, by the rule of pg_hba.conf.
func (c *conn) authenticate(ctx context.Context) error {
	r, member, err := c.srv.role(ctx, c.user)
	if err != nil {
		return err
	}
	peer := &hbaPeer{local: c.local, addr: c.addr, user: c.user, database: c.database, member: member}
	rule := findHBA(c.srv.hba(), peer)
	enc := "no encryption"
	host := "[local]"
	if !c.local {
		host = c.addr.Unmap().String()
	}
	if rule == nil {
		return fatal(pgerr.InvalidAuthorizationSpecification, "no pg_hba.conf entry for host \"%s\", user \"%s\", database \"%s\", %s", host, c.user, c.database, enc)
	}
	switch rule.method {
	case "trust":
		return nil
	case "reject":
		return fatal(pgerr.InvalidAuthorizationSpecification, "pg_hba.conf rejects connection for host \"%s\", user \"%s\", database \"%s\", %s", host, c.user, c.database, enc)
	case "password":
		return c.password(r)
	case "scram-sha-256", "md5":
		return c.scram(r)
	}
	e := pgerr.NotYet("authentication method \"%s\"", rule.method)
	e.Fatal = true
	return e
}

func (c *conn) failed() error {
	return fatal(pgerr.InvalidPassword, "password authentication failed for user \"%s\"", c.user)
}

// passwordMessage waits for the client's answer.
func (c *conn) passwordMessage() ([]byte, error) {
	if err := c.w.flush(); err != nil {
		return nil, err
	}
	kind, body, err := c.r.next(maxAuth)
	if err != nil {
		return nil, err
	}
	if kind != 'p' {
		return nil, violation("expected password response, got message type %d", kind)
	}
	return body, nil
}

func (c *conn) password(r *rows.PgAuthid) error {
	c.w.auth(authCleartext, nil)
	body, err := c.passwordMessage()
	if err != nil {
		return err
	}
	f := fields{b: body}
	pw := f.str()
	if f.done() != nil {
		return violation("invalid password packet size")
	}
	if pw == "" {
		return fatal(pgerr.InvalidPassword, "empty password returned by client")
	}
	if r == nil || !checkPassword(r.Rolpassword, c.user, pw) {
		return c.failed()
	}
	return nil
}

// stored takes the parts of a SCRAM verifier as pg_authid holds it.
func stored(verifier string) (scram.StoredCredentials, bool) {
	var out scram.StoredCredentials
	p := strings.Split(verifier, "$")
	if len(p) != 3 || p[0] != scramName {
		return out, false
	}
	iter, salt, ok1 := strings.Cut(p[1], ":")
	sk, vk, ok2 := strings.Cut(p[2], ":")
	n, err := strconv.Atoi(iter)
	if !ok1 || !ok2 || err != nil || n < 1 {
		return out, false
	}
	dec := func(s string) []byte {
		b, e := base64.StdEncoding.DecodeString(s)
		if e != nil {
			err = e
		}
		return b
	}
	s := dec(salt)
	out.StoredKey, out.ServerKey = dec(sk), dec(vk)
	out.KeyFactors = scram.KeyFactors{Salt: string(s), Iters: n}
	return out, err == nil
}

// checkPassword compares a password with a verifier, by a whole SCRAM exchange
// with ourselves.
func checkPassword(verifier, user, password string) bool {
	cred, ok := stored(verifier)
	if !ok {
		return false
	}
	cl, err := scram.SHA256.NewClient(user, password, "")
	if err != nil {
		return false
	}
	sv, err := scram.SHA256.NewServer(func(string) (scram.StoredCredentials, error) { return cred, nil })
	if err != nil {
		return false
	}
	a, b := cl.NewConversation(), sv.NewConversation()
	msg := ""
	for !b.Done() {
		if msg, err = a.Step(msg); err != nil {
			return false
		}
		if msg, err = b.Step(msg); err != nil {
			return false
		}
	}
	return b.Valid()
}

// scram runs SCRAM-SHA-256. A role that does not exist or has no password gets a
// made-up verifier, so that the client cannot tell.
func (c *conn) scram(r *rows.PgAuthid) error {
	cred, ok := scram.StoredCredentials{}, false
	if r != nil {
		cred, ok = stored(r.Rolpassword)
	}
	if !ok {
		cred = c.srv.mockCredentials(c.user)
	}
	sv, err := scram.SHA256.NewServer(func(string) (scram.StoredCredentials, error) { return cred, nil })
	if err != nil {
		return err
	}
	conv := sv.NewConversation()
	c.w.auth(authSASL, append([]byte(scramName), 0, 0))
	body, err := c.passwordMessage()
	if err != nil {
		return err
	}
	f := fields{b: body}
	mech := f.str()
	n := f.int32()
	first := f.bytes(int(n))
	if f.done() != nil || first == nil {
		return violation("malformed SASL initial response")
	}
	if mech != scramName {
		return violation("client selected an invalid SASL authentication mechanism")
	}
	answer, err := conv.Step(string(first))
	if err != nil {
		return violation("malformed SCRAM message")
	}
	c.w.auth(authSASLContinue, []byte(answer))
	if body, err = c.passwordMessage(); err != nil {
		return err
	}
	answer, err = conv.Step(string(body))
	if err != nil || !conv.Valid() || !ok {
		return c.failed()
	}
	c.w.auth(authSASLFinal, []byte(answer))
	return nil
}
