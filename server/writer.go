package server

import (
	"encoding/binary"
	"io"
	"strconv"

	"github.com/pgmini/pgmini/charset"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/env"
	"github.com/pgmini/pgmini/sql/session"
)

const (
	flushAt   = 32 << 10
	keepWrite = 64 << 10 // a larger buffer is given back when the session is idle
)

// writer collects messages and sends them together.
type writer struct {
	dst io.Writer
	buf []byte
	err error // the connection is gone

	charset *charset.Table // of the client; nil: text passes as it is
	lossy   error          // text of the message being made that the client cannot have
	scratch []byte
}

// begin starts a message and returns where its length goes.
func (w *writer) begin(kind byte) int {
	w.buf = append(w.buf, kind, 0, 0, 0, 0)
	return len(w.buf) - 4
}

func (w *writer) end(at int) {
	binary.BigEndian.PutUint32(w.buf[at:], uint32(len(w.buf)-at))
}

func (w *writer) str(s string) {
	if w.charset != nil {
		w.foreign(s)
	} else {
		w.buf = append(w.buf, s...)
	}
	w.buf = append(w.buf, 0)
}

func (w *writer) int16(v int)    { w.buf = binary.BigEndian.AppendUint16(w.buf, uint16(v)) }
func (w *writer) int32(v uint32) { w.buf = binary.BigEndian.AppendUint32(w.buf, v) }

// empty is a message without a body.
func (w *writer) empty(kind byte) { w.end(w.begin(kind)) }

// flush sends what was collected.
func (w *writer) flush() error {
	if w.err == nil && len(w.buf) > 0 {
		_, w.err = w.dst.Write(w.buf)
	}
	w.buf = w.buf[:0]
	return w.err
}

// room sends what was collected if it is much.
func (w *writer) room() error {
	if len(w.buf) < flushAt {
		return w.err
	}
	return w.flush()
}

func (w *writer) idle() {
	if cap(w.buf) > keepWrite {
		w.buf = nil
	}
}

func (w *writer) ready(status byte) {
	at := w.begin('Z')
	w.buf = append(w.buf, status)
	w.end(at)
}

func (w *writer) complete(tag string) {
	at := w.begin('C')
	w.str(tag)
	w.end(at)
}

func (w *writer) parameter(name, value string) {
	at := w.begin('S')
	w.str(name)
	w.str(value)
	_ = w.whole(at) // a value that the client cannot have is not told
}

// wireColumn is a result column as the protocol describes it.
type wireColumn struct {
	env.Column
	size int16
}

func (w *writer) rowDescription(cols []wireColumn, formats []int16) error {
	at := w.begin('T')
	w.int16(len(cols))
	for i, c := range cols {
		w.str(c.Name)
		w.int32(uint32(c.Table))
		w.int16(int(c.Attnum))
		w.int32(uint32(c.Type))
		w.int16(int(c.size))
		w.int32(uint32(c.TypMod))
		f := 0
		switch {
		case len(formats) == 1:
			f = int(formats[0])
		case i < len(formats):
			f = int(formats[i])
		}
		w.int16(f)
	}
	return w.whole(at)
}

// maxRow bounds one DataRow, as a message's length is 31 bits.
const maxRow = 1<<30 - 1

// rows appends a DataRow for each row.
func (w *writer) rows(r *session.Rows) error {
	cols := r.Columns()
	for row := range r.Len() {
		start := len(w.buf)
		at := w.begin('D')
		w.int16(cols)
		for col := range cols {
			place := len(w.buf)
			w.buf = append(w.buf, 0, 0, 0, 0)
			out, null, err := r.Append(w.buf, row, col)
			if err != nil {
				w.buf = w.buf[:start]
				return err
			}
			w.buf = out
			if w.charset != nil && !null && r.IsText(col) {
				if err := w.convert(place + 4); err != nil {
					w.buf = w.buf[:start]
					return err
				}
			}
			n := uint32(len(w.buf) - place - 4)
			if null {
				n = 0xFFFFFFFF
			}
			binary.BigEndian.PutUint32(w.buf[place:], n)
		}
		if len(w.buf)-start > maxRow {
			w.buf = w.buf[:start]
			return pgerr.New(pgerr.ProgramLimitExceeded, "out of memory").WithDetail("Cannot send a row of more than %d bytes.", maxRow)
		}
		w.end(at)
		if err := w.room(); err != nil {
			return err
		}
	}
	return nil
}

// report is an ErrorResponse ('E') or NoticeResponse ('N').
func (w *writer) report(kind byte, severity string, e *pgerr.Error) {
	at := w.begin(kind)
	field := func(code byte, v string) {
		if v != "" {
			w.buf = append(w.buf, code)
			w.str(v)
		}
	}
	number := func(code byte, v int) {
		if v > 0 {
			field(code, strconv.Itoa(v))
		}
	}
	field('S', severity)
	field('V', severity)
	field('C', string(e.Code))
	msg := e.Msg
	if msg == "" {
		msg = "missing error text"
	}
	field('M', msg)
	field('D', e.Detail)
	field('H', e.Hint)
	number('P', e.Position)
	number('p', e.InternalPosition)
	field('q', e.InternalQuery)
	field('W', e.Where)
	field('s', e.Schema)
	field('t', e.Table)
	field('c', e.Column)
	field('d', e.DataType)
	field('n', e.Constraint)
	w.buf = append(w.buf, 0)
	if err := w.whole(at); err != nil { // the new error is plain ASCII
		e, _ = pgerr.As(err)
		w.report(kind, severity, e)
	}
}
