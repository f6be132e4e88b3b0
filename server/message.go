package server

import (
	"bytes"
	"encoding/binary"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// fields takes the parts of a message off one after the other. The first part that
// is not there makes all further ones empty and bad true.
type fields struct {
	b   []byte
	bad bool
}

func (f *fields) str() string {
	i := bytes.IndexByte(f.b, 0)
	if i < 0 {
		f.bad, f.b = true, nil
		return ""
	}
	s := string(f.b[:i])
	f.b = f.b[i+1:]
	return s
}

// strOr is str; if it is the same as last, that is returned.
func (f *fields) strOr(last string) string {
	i := bytes.IndexByte(f.b, 0)
	if i < 0 || string(f.b[:i]) != last {
		return f.str()
	}
	f.b = f.b[i+1:]
	return last
}

func (f *fields) bytes(n int) []byte {
	if n < 0 || n > len(f.b) {
		f.bad, f.b = true, nil
		return nil
	}
	v := f.b[:n:n]
	f.b = f.b[n:]
	return v
}

func (f *fields) int16() int {
	v := f.bytes(2)
	if v == nil {
		return 0
	}
	return int(int16(binary.BigEndian.Uint16(v)))
}

func (f *fields) int32() int32 {
	v := f.bytes(4)
	if v == nil {
		return 0
	}
	return int32(binary.BigEndian.Uint32(v))
}

func (f *fields) byte() byte {
	v := f.bytes(1)
	if v == nil {
		return 0
	}
	return v[0]
}

// done fails unless the message is used up.
func (f *fields) done() error {
	if f.bad {
		return pgerr.New(pgerr.ProtocolViolation, "insufficient data left in message")
	}
	if len(f.b) > 0 {
		return pgerr.New(pgerr.ProtocolViolation, "invalid message format")
	}
	return nil
}

// formats reads a list of format codes.
func (f *fields) formats(into []int16) []int16 {
	n := f.int16()
	if n < 0 || 2*n > len(f.b) {
		f.bad, n = true, 0
	}
	into = into[:0]
	for range n {
		into = append(into, int16(f.int16()))
	}
	return into
}

// bindMessage is a Bind. Its slices are reused, and alias the message.
type bindMessage struct {
	portal, stmt     string
	formats, results []int16
	values           [][]byte
}

func (m *bindMessage) decode(b []byte) error {
	f := fields{b: b}
	m.portal, m.stmt = f.strOr(m.portal), f.strOr(m.stmt)
	m.formats = f.formats(m.formats)
	n := f.int16()
	if n < 0 {
		n += 1 << 16
	}
	if 4*n > len(f.b) {
		f.bad, n = true, 0
	}
	m.values = m.values[:0]
	for range n {
		size := f.int32()
		if size == -1 {
			m.values = append(m.values, nil)
			continue
		}
		v := f.bytes(int(size))
		if v == nil {
			break
		}
		m.values = append(m.values, v)
	}
	m.results = f.formats(m.results)
	return f.done()
}

// parseMessage is a Parse.
type parseMessage struct {
	name, query string
	types       []oid.OID
}

func (m *parseMessage) decode(b []byte) error {
	f := fields{b: b}
	m.name, m.query = f.str(), f.str()
	n := f.int16()
	if n < 0 {
		n += 1 << 16
	}
	if 4*n > len(f.b) {
		f.bad, n = true, 0
	}
	m.types = nil
	for range n {
		m.types = append(m.types, oid.OID(uint32(f.int32())))
	}
	return f.done()
}
