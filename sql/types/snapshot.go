package types

import (
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// TxSnapshot is a value of pg_snapshot: the transactions below Xmin are over,
// those from Xmax on have not begun, and XIP, ascending, runs in between. On disk
// it is the number of XIP as int4, then Xmin, Xmax and XIP as int8.
type TxSnapshot struct {
	Xmin, Xmax uint64
	XIP        []uint64
}

// Datum is the value as it is stored.
func (s TxSnapshot) Datum() datum.Datum {
	b := le.AppendUint32(make([]byte, 0, 20+8*len(s.XIP)), uint32(len(s.XIP)))
	b = le.AppendUint64(le.AppendUint64(b, s.Xmin), s.Xmax)
	for _, x := range s.XIP {
		b = le.AppendUint64(b, x)
	}
	return datum.Bytes(b)
}

// ParseTxSnapshot reads a stored value.
func ParseTxSnapshot(b []byte) (TxSnapshot, error) {
	if len(b) < 20 || uint64(len(b)-20) != 8*uint64(le.Uint32(b)) {
		return TxSnapshot{}, pgerr.New(pgerr.DataCorrupted, "a pg_snapshot has %d bytes", len(b))
	}
	s := TxSnapshot{Xmin: le.Uint64(b[4:]), Xmax: le.Uint64(b[12:])}
	for b = b[20:]; len(b) > 0; b = b[8:] {
		s.XIP = append(s.XIP, le.Uint64(b))
	}
	return s, nil
}

// check reports whether the numbers are in order.
func (s *TxSnapshot) check() bool {
	ok := s.Xmin != 0 && s.Xmax != 0 && s.Xmin <= s.Xmax && s.Xmax <= 1<<63-1
	last := uint64(0)
	for _, x := range s.XIP {
		ok = ok && x > last && x >= s.Xmin && x < s.Xmax
		last = x
	}
	return ok
}

func snapshotIn(_ *Env, text []byte, typ oid.OID, _ int32) (datum.Datum, error) {
	bad := func() (datum.Datum, error) { return datum.Null(), badText("pg_snapshot", text) }
	parts := strings.Split(string(text), ":")
	if len(parts) != 3 {
		return bad()
	}
	var s TxSnapshot
	var err1, err2 error
	s.Xmin, err1 = strconv.ParseUint(strings.TrimLeft(parts[0], " "), 10, 64)
	s.Xmax, err2 = strconv.ParseUint(parts[1], 10, 64)
	if err1 != nil || err2 != nil {
		return bad()
	}
	if parts[2] != "" {
		for p := range strings.SplitSeq(parts[2], ",") {
			x, err := strconv.ParseUint(p, 10, 64)
			if err != nil {
				return bad()
			}
			if n := len(s.XIP); n == 0 || s.XIP[n-1] != x { // doubles count once
				s.XIP = append(s.XIP, x)
			}
		}
	}
	if !s.check() {
		return bad()
	}
	return s.Datum(), nil
}

func snapshotOut(_ *Env, dst []byte, d datum.Datum) ([]byte, error) {
	s, err := ParseTxSnapshot(d.Bytes)
	if err != nil {
		return dst, err
	}
	dst = append(strconv.AppendUint(dst, s.Xmin, 10), ':')
	dst = append(strconv.AppendUint(dst, s.Xmax, 10), ':')
	for i, x := range s.XIP {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(dst, x, 10)
	}
	return dst, nil
}

func snapshotSend(_ *Env, dst []byte, d datum.Datum) ([]byte, error) {
	s, err := ParseTxSnapshot(d.Bytes)
	if err != nil {
		return dst, err
	}
	be := binary.BigEndian
	dst = be.AppendUint64(be.AppendUint64(be.AppendUint32(dst, uint32(len(s.XIP))), s.Xmin), s.Xmax)
	for _, x := range s.XIP {
		dst = be.AppendUint64(dst, x)
	}
	return dst, nil
}

func snapshotRecv(_ *Env, b []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	be := binary.BigEndian
	bad := pgerr.New(pgerr.InvalidBinaryRepresentation, "invalid external pg_snapshot data")
	if len(b) < 20 || uint64(len(b)-20) != 8*uint64(be.Uint32(b)) {
		return datum.Null(), bad
	}
	s := TxSnapshot{Xmin: be.Uint64(b[4:]), Xmax: be.Uint64(b[12:])}
	for b = b[20:]; len(b) > 0; b = b[8:] {
		s.XIP = append(s.XIP, be.Uint64(b))
	}
	if !s.check() {
		return datum.Null(), bad
	}
	return s.Datum(), nil
}
