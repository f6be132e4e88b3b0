package commands

import (
	"io"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/charset"
	"github.com/pgmini/pgmini/guc"
	"github.com/pgmini/pgmini/pgerr"
)

// copyEncoding sets the encoding of the data: the option's, or the client's.
func (c *cmd) copyEncoding(o *copyOptions, d *pg.DefElem) {
	name := c.Settings().Str(guc.ClientEncoding)
	if d != nil {
		name = defString(d)
		if _, ok := charset.Find(name); !ok {
			failWith(pgerr.New(pgerr.InvalidParameterValue, `argument to option "encoding" must be a valid encoding name`).At(c.at(d.Location)))
		}
	}
	o.charset = must(charset.Lookup(name))
	if o.binary && o.charset != nil {
		notYet("COPY in binary format with encoding %s", o.charset.Name())
	}
}

// copyDecoder reads text data in an encoding of one byte per character.
type copyDecoder struct {
	in   io.Reader
	t    *charset.Table
	raw  []byte
	buf  []byte // converted
	rest []byte // of buf, not yet read
	err  error  // of in, after rest
}

// Read is part of io.Reader.
func (d *copyDecoder) Read(p []byte) (int, error) {
	for len(d.rest) == 0 {
		if d.err != nil {
			return 0, d.err
		}
		if d.raw == nil {
			d.raw = make([]byte, 8<<10)
		}
		var n int
		n, d.err = d.in.Read(d.raw)
		out, err := d.t.ToUTF8(d.buf[:0], d.raw[:n])
		if err != nil {
			d.err = err
			return 0, err
		}
		d.buf, d.rest = out, out
	}
	n := copy(p, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}

// decoded is the text data of COPY FROM in the server's encoding.
func (o *copyOptions) decoded(in io.Reader) io.Reader {
	if o.charset == nil {
		return in
	}
	return &copyDecoder{in: in, t: o.charset}
}

// copyEncoder writes text data, whole rows, in an encoding.
type copyEncoder struct {
	out io.Writer
	t   *charset.Table
	buf []byte
}

// Write is part of io.Writer.
func (e *copyEncoder) Write(p []byte) (int, error) {
	out, err := e.t.FromUTF8(e.buf[:0], p)
	if err != nil {
		return 0, err
	}
	e.buf = out
	if _, err := e.out.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// encoded takes the text data of COPY TO in the server's encoding.
func (o *copyOptions) encoded(out io.Writer) io.Writer {
	if o.charset == nil {
		return out
	}
	return &copyEncoder{out: out, t: o.charset}
}
