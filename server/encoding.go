package server

// foreign appends text in the client's encoding.
func (w *writer) foreign(s string) {
	w.scratch = append(w.scratch[:0], s...)
	out, err := w.charset.FromUTF8(w.buf, w.scratch)
	if err != nil {
		w.lossy = err
		return
	}
	w.buf = out
}

// convert makes what was appended from a place on text of the client's encoding.
func (w *writer) convert(from int) error {
	w.scratch = append(w.scratch[:0], w.buf[from:]...)
	out, err := w.charset.FromUTF8(w.buf[:from], w.scratch)
	if err != nil {
		return err
	}
	w.buf = out
	return nil
}

// whole ends a message that has text. INV-SRV-3: one with text that the client's
// encoding does not have is taken back.
func (w *writer) whole(at int) error {
	if err := w.lossy; err != nil {
		w.buf, w.lossy = w.buf[:at-1], nil
		return err
	}
	w.end(at)
	return nil
}

// text takes a string off a message of the client, into the server's encoding.
func (c *conn) text(s string, err error) (string, error) {
	if c.w.charset == nil || err != nil {
		return s, err
	}
	out, err := c.w.charset.ToUTF8(nil, []byte(s))
	return string(out), err
}

// texts does the same with strings in place.
func (c *conn) texts(p ...*string) error {
	if c.w.charset == nil {
		return nil
	}
	for _, s := range p {
		var err error
		if *s, err = c.text(*s, nil); err != nil {
			return err
		}
	}
	return nil
}
