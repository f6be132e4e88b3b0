package builtin

import (
	"bytes"
	"unicode/utf8"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/types"
)

func errLikeEnd() error {
	return pgerr.New(pgerr.InvalidEscapeSequence, "LIKE pattern must not end with escape character")
}

// Like matches s against a LIKE pattern: % any run, _ one character, \ escapes.
// With raw set characters are bytes. The last % is the only place to come back
// to, so the time is at most len(s) × len(p).
func like(s, p []byte, raw bool) (bool, error) {
	i, j := 0, 0
	star, from := -1, 0
	for {
		if j < len(p) && p[j] == '%' {
			star, from = j+1, i
			j++
			continue
		}
		if i >= len(s) {
			if j >= len(p) {
				return true, nil
			}
			return false, nil
		}
		ok := false
		if j < len(p) {
			switch p[j] {
			case '_':
				w := 1
				if !raw {
					_, w = utf8.DecodeRune(s[i:])
				}
				i += w
				j++
				continue
			case '\\':
				if j+1 >= len(p) {
					return false, errLikeEnd()
				}
				if ok = p[j+1] == s[i]; ok {
					i++
					j += 2
				}
			default:
				if ok = p[j] == s[i]; ok {
					i++
					j++
				}
			}
		}
		if ok {
			continue
		}
		if star < 0 {
			return false, nil
		}
		if star >= len(p) {
			return true, nil
		}
		w := 1
		if !raw {
			_, w = utf8.DecodeRune(s[from:])
		}
		from += w
		i, j = from, star
	}
}

func addLike(r funcs) {
	add := func(name string, fold, raw, not bool) {
		f := &Func{Scalar: func(c *Call) (datum.Datum, error) {
			s, p := arg(c, 0), arg(c, 1)
			if fold {
				s, p = c.lower(s), c.lower(p)
			}
			ok, err := like(s, p, raw)
			return datum.Bool(ok != not), err
		}}
		if !fold {
			f.Batch = func(c *Call, args []types.Vec, out *types.Vec, sel []int32) error {
				var bad error
				err := liftBytes(func(a, b []byte) int64 {
					ok, err := like(a, b, raw)
					if err != nil {
						bad = err
					}
					return b2i(ok != not)
				})(c, args, out, sel)
				if bad != nil {
					return bad
				}
				return err
			}
		}
		r[name] = f
	}
	for _, p := range []string{"text", "name"} {
		add(p+"like", false, false, false)
		add(p+"nlike", false, false, true)
		add(p+"iclike", true, false, false)
		add(p+"icnlike", true, false, true)
	}
	add("bytealike", false, true, false)
	add("byteanlike", false, true, true)
	r.scalar("like_escape", func(c *Call) (datum.Datum, error) { return likeEscape(arg(c, 0), arg(c, 1), false) })
	r.scalar("like_escape_bytea", func(c *Call) (datum.Datum, error) { return likeEscape(arg(c, 0), arg(c, 1), true) })
	r.scalar("similar_to_escape_1", func(c *Call) (datum.Datum, error) { return similar(arg(c, 0), []byte{'\\'}, true) })
	r.scalar("similar_to_escape_2", func(c *Call) (datum.Datum, error) { return similar(arg(c, 0), arg(c, 1), true) })
	r.scalar("similar_escape", func(c *Call) (datum.Datum, error) {
		if c.Args[0].Null {
			return datum.Null(), nil
		}
		return similar(arg(c, 0), arg(c, 1), !c.Args[1].Null)
	})
}

func errEscapeLen() error {
	return pgerr.New(pgerr.InvalidEscapeSequence, "invalid escape string").
		WithHint("Escape string must be empty or one character.")
}

// likeEscape rewrites a pattern with another escape character to use \.
func likeEscape(p, esc []byte, raw bool) (datum.Datum, error) {
	n := utf8.RuneCount(esc)
	if raw {
		n = len(esc)
	}
	if n > 1 {
		return datum.Null(), errEscapeLen()
	}
	out := make([]byte, 0, 2*len(p))
	if n == 1 && esc[0] == '\\' {
		return datum.Bytes(p), nil
	}
	after := false
	for len(p) > 0 {
		w := 1
		if !raw {
			_, w = utf8.DecodeRune(p)
		}
		switch {
		case n == 1 && !after && bytes.HasPrefix(p, esc):
			out = append(out, '\\')
			after = true
		case p[0] == '\\' && !after:
			out = append(out, '\\', '\\')
		default:
			out = append(out, p[:w]...)
			after = false
		}
		p = p[w:]
	}
	return datum.Bytes(out), nil
}

// similar rewrites a SIMILAR TO pattern as an advanced regular expression.
func similar(p, esc []byte, given bool) (datum.Datum, error) {
	if !given {
		esc = []byte{'\\'}
	}
	if utf8.RuneCount(esc) > 1 {
		return datum.Null(), errEscapeLen()
	}
	out := []byte("^(?:")
	after, class := false, false
	quotes := 0
	for len(p) > 0 {
		ch := p[0]
		_, w := utf8.DecodeRune(p)
		switch {
		case after:
			if ch == '"' && !class {
				switch quotes {
				case 0:
					out = append(out, "){1,1}?("...)
				case 1:
					out = append(out, "){1,1}(?:"...)
				default:
					return datum.Null(), pgerr.New(pgerr.InvalidUseOfEscapeCharacter, "SQL regular expression may not contain more than two escape-double-quote separators")
				}
				quotes++
			} else {
				out = append(append(out, '\\'), p[:w]...)
			}
			after = false
		case len(esc) > 0 && bytes.HasPrefix(p, esc):
			after = true
		case class:
			if ch == '\\' {
				out = append(out, '\\')
			}
			out = append(out, p[:w]...)
			if ch == ']' {
				class = false
			}
		case ch == '[':
			out = append(out, ch)
			class = true
		case ch == '%':
			out = append(out, ".*"...)
		case ch == '_':
			out = append(out, '.')
		case ch == '(':
			out = append(out, "(?:"...)
		case ch == '\\' || ch == '.' || ch == '^' || ch == '$':
			out = append(out, '\\', ch)
		default:
			out = append(out, p[:w]...)
		}
		p = p[w:]
	}
	return datum.Bytes(append(out, ")$"...)), nil
}
