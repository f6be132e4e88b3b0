package commands

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/types"
)

const copyBlock = 64 << 10

// maxLine bounds a line of COPY FROM: what one allocation of PostgreSQL's holds.
const maxLine = 1<<30 - 1

// copyLines cuts the input of COPY FROM, text or csv, into lines.
type copyLines struct {
	in            io.Reader
	csv           bool
	quote, escape byte
	buf           []byte
	pos, end      int
	eof           bool // of the input
	done          bool // the end-of-copy marker was seen
	eol           eolKind
	line          int64 // number of the current line
}

type eolKind byte

const (
	eolUnknown eolKind = iota
	eolNL
	eolCR
	eolCRNL
)

// fill reads more input behind what is there; false at its end.
func (l *copyLines) fill() (bool, error) {
	if l.eof {
		return false, nil
	}
	if l.pos > 0 {
		copy(l.buf, l.buf[l.pos:l.end])
		l.end -= l.pos
		l.pos = 0
	}
	if len(l.buf)-l.end < copyBlock {
		if l.end > maxLine {
			return false, pgerr.New(pgerr.ProgramLimitExceeded, "out of memory").WithDetail("Cannot enlarge string buffer containing %d bytes by %d more bytes.", l.end, copyBlock)
		}
		b := make([]byte, max(2*len(l.buf), 2*copyBlock))
		copy(b, l.buf[:l.end])
		l.buf = b
	}
	n, err := l.in.Read(l.buf[l.end:])
	l.end += n
	if errors.Is(err, io.EOF) {
		l.eof = true
		return n > 0, nil
	}
	return true, err
}

// next returns the next line without its end, valid until the next call; false
// at the end of the data. Inside, an escaped or quoted line end is kept.
func (l *copyLines) next() ([]byte, bool, error) {
	if l.done {
		return nil, false, nil
	}
	l.line++
	var line []byte
	var ok bool
	var err error
	if l.csv {
		line, ok, err = l.csvLine()
	} else {
		line, ok, err = l.textLine()
	}
	if err != nil || !ok {
		return nil, false, err
	}
	if len(line) == 2 && line[0] == '\\' && line[1] == '.' {
		return nil, false, l.drain()
	}
	if !utf8.Valid(line) || bytes.IndexByte(line, 0) >= 0 {
		if err := types.CheckUTF8(line); err != nil {
			return nil, false, err
		}
	}
	return line, true, nil
}

// drain reads what comes after the end-of-copy marker.
func (l *copyLines) drain() error {
	l.done = true
	for {
		l.pos = l.end
		more, err := l.fill()
		if err != nil || !more {
			return err
		}
	}
}

// textLine finds the end of a line in text format.
func (l *copyLines) textLine() ([]byte, bool, error) {
	scan := 0
	for {
		b := l.buf[l.pos:l.end]
		i := l.findEOL(b, scan)
		if i < 0 {
			scan = len(b)
			if scan > 0 && (b[scan-1] == '\r' || b[scan-1] == '\\') {
				scan-- // decided by what follows
			}
			more, err := l.fill()
			if err != nil {
				return nil, false, err
			}
			if !more {
				return l.lastLine()
			}
			continue
		}
		n := 0
		for n < i && b[i-1-n] == '\\' {
			n++
		}
		if n%2 == 1 { // the line end is data
			scan = i + 1
			continue
		}
		if b[i] == '\r' && i+1 == len(b) && !l.eof {
			if _, err := l.fill(); err != nil {
				return nil, false, err
			}
			b = l.buf[l.pos:l.end]
		}
		return l.cut(b, i)
	}
}

// findEOL finds the next line end at or after from.
func (l *copyLines) findEOL(b []byte, from int) int {
	switch l.eol {
	case eolNL, eolCRNL:
		i := bytes.IndexByte(b[from:], '\n')
		if i < 0 {
			return -1
		}
		i += from
		if l.eol == eolCRNL && i > 0 && b[i-1] == '\r' {
			return i - 1
		}
		return i
	case eolCR:
		if i := bytes.IndexByte(b[from:], '\r'); i >= 0 {
			return i + from
		}
		return -1
	}
	if i := bytes.IndexAny(b[from:], "\r\n"); i >= 0 {
		return i + from
	}
	return -1
}

// cut ends the line at i, where a line end starts, and checks that all lines end
// alike.
func (l *copyLines) cut(b []byte, i int) ([]byte, bool, error) {
	line, n, kind := b[:i], 1, eolNL
	if b[i] == '\r' {
		kind = eolCR
		if i+1 < len(b) && b[i+1] == '\n' && l.eol != eolCR {
			kind, n = eolCRNL, 2
		}
	}
	if l.eol == eolUnknown {
		l.eol = kind
	}
	if kind != l.eol {
		return nil, false, l.literal(b[i])
	}
	if l.eol == eolNL && !l.csv {
		if k := bytes.IndexByte(line, '\r'); k >= 0 && !escaped(line, k) {
			return nil, false, l.literal('\r')
		}
	}
	l.pos += i + n
	return line, true, nil
}

func escaped(line []byte, k int) bool {
	n := 0
	for n < k && line[k-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}

// literal is the error of a line end of another kind than the first one's.
func (l *copyLines) literal(b byte) error {
	name, esc := "carriage return", `\r`
	if b == '\n' {
		name, esc = "newline", `\n`
	}
	if l.csv {
		return pgerr.New(pgerr.BadCopyFileFormat, "unquoted %s found in data", name).WithHint("Use quoted CSV field to represent %s.", name)
	}
	return pgerr.New(pgerr.BadCopyFileFormat, "literal %s found in data", name).WithHint("Use %q to represent %s.", esc, name)
}

// lastLine is what is left at the end of the input.
func (l *copyLines) lastLine() ([]byte, bool, error) {
	b := l.buf[l.pos:l.end]
	l.pos = l.end
	if len(b) == 0 {
		return nil, false, nil
	}
	if b[len(b)-1] == '\r' && (l.eol == eolCR || l.eol == eolUnknown) {
		b = b[:len(b)-1]
	}
	return b, true, nil
}

// csvLine finds the end of a line in csv format: outside of quotes.
func (l *copyLines) csvLine() ([]byte, bool, error) {
	i, inQuote, lastEscape := 0, false, false
	escapes := l.escape != l.quote // a doubled quote ends and begins a quoted part
	for {
		b := l.buf[l.pos:l.end]
		for ; i < len(b); i++ {
			ch := b[i]
			if escapes && inQuote && ch == l.escape {
				lastEscape = !lastEscape
			}
			if ch == l.quote && !lastEscape {
				inQuote = !inQuote
			}
			if !escapes || ch != l.escape {
				lastEscape = false
			}
			if inQuote || ch != '\n' && ch != '\r' {
				// PostgreSQL counts these lines only once it knows the newlines.
				if inQuote && (ch == '\n' && l.eol == eolNL || ch == '\r' && l.eol != eolNL) {
					l.line++
				}
				continue
			}
			if ch == '\r' && i+1 == len(b) && !l.eof {
				break
			}
			return l.cut(b, i)
		}
		more, err := l.fill()
		if err != nil {
			return nil, false, err
		}
		if !more {
			if i < l.end-l.pos {
				continue // the carriage return that was last
			}
			return l.lastLine()
		}
	}
}

// splitText cuts a line into fields, with escapes resolved in place: fields
// alias line. A nil field is NULL.
func (o *copyOptions) splitText(line []byte, fields [][]byte) ([][]byte, error) {
	if bytes.IndexByte(line, '\\') < 0 {
		for {
			i := bytes.IndexByte(line, o.delim)
			f := line
			if i >= 0 {
				f = line[:i:i]
			}
			if string(f) == o.null {
				f = nil
			} else if f == nil {
				f = []byte{}
			}
			fields = append(fields, f)
			if i < 0 {
				return fields, nil
			}
			line = line[i+1:]
		}
	}
	for {
		end := 0
		esc := false
		for end < len(line) && line[end] != o.delim {
			if line[end] == '\\' && end+1 < len(line) {
				esc = true
				end++
			}
			end++
		}
		f := line[:end:end]
		switch {
		case string(f) == o.null:
			f = nil
		case esc:
			var err error
			if f, err = unescape(f); err != nil {
				return nil, err
			}
		}
		fields = append(fields, f)
		if end >= len(line) {
			return fields, nil
		}
		line = line[end+1:]
	}
}

// unescape resolves the backslash sequences of text format, in place.
func unescape(f []byte) ([]byte, error) {
	out, special := f[:0], false
	for i := 0; i < len(f); i++ {
		ch := f[i]
		if ch != '\\' || i+1 == len(f) {
			out = append(out, ch)
			continue
		}
		i++
		switch ch = f[i]; {
		case ch >= '0' && ch <= '7':
			v := int(ch - '0')
			for k := 0; k < 2 && i+1 < len(f) && f[i+1] >= '0' && f[i+1] <= '7'; k++ {
				i++
				v = v<<3 + int(f[i]-'0')
			}
			ch, special = byte(v), special || v&0xff >= 0x80 || v&0xff == 0
		case ch == 'x' && i+1 < len(f) && hexDigit(f[i+1]) >= 0:
			i++
			v := hexDigit(f[i])
			if i+1 < len(f) && hexDigit(f[i+1]) >= 0 {
				i++
				v = v<<4 + hexDigit(f[i])
			}
			ch, special = byte(v), special || v >= 0x80 || v == 0
		case ch == '.':
			return nil, pgerr.New(pgerr.BadCopyFileFormat, "end-of-copy marker corrupt")
		default:
			ch = controlEscape(ch)
		}
		out = append(out, ch)
	}
	if special {
		if err := types.CheckUTF8(out); err != nil {
			return nil, err
		}
	}
	return out[:len(out):len(out)], nil
}

func hexDigit(b byte) int {
	switch {
	case b >= '0' && b <= '9':
		return int(b - '0')
	case b >= 'a' && b <= 'f':
		return int(b-'a') + 10
	case b >= 'A' && b <= 'F':
		return int(b-'A') + 10
	}
	return -1
}

func controlEscape(b byte) byte {
	switch b {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'v':
		return '\v'
	}
	return b
}

// splitCSV cuts a line into fields, with quotes resolved in place. quoted says
// which fields had quotes; NULL is decided by the caller.
func (o *copyOptions) splitCSV(line []byte, fields [][]byte, quoted []bool) ([][]byte, []bool, error) {
	for i := 0; ; {
		start, out, had, inQuote := i, i, false, false
		closed := false
		for i < len(line) {
			ch := line[i]
			if inQuote {
				if ch == o.escape && i+1 < len(line) && (line[i+1] == o.escape || line[i+1] == o.quote) {
					i++
					line[out] = line[i]
					out, i = out+1, i+1
					continue
				}
				i++
				if ch == o.quote {
					inQuote = false
					continue
				}
				line[out] = ch
				out++
				continue
			}
			i++
			if ch == o.delim {
				closed = true
				break
			}
			if ch == o.quote {
				inQuote, had = true, true
				continue
			}
			line[out] = ch
			out++
		}
		if inQuote {
			return nil, nil, pgerr.New(pgerr.BadCopyFileFormat, "unterminated CSV quoted field")
		}
		fields, quoted = append(fields, line[start:out:out]), append(quoted, had)
		if !closed {
			return fields, quoted, nil
		}
	}
}
