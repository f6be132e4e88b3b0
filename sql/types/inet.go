package types

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// Families of an inet payload: family, prefix length, address (PostgreSQL:
// PGSQL_AF_INET, PGSQL_AF_INET6).
const (
	inet4 = 2
	inet6 = 3
)

// inetIn reads an address with an optional prefix length.
func inetIn(_ *Env, s []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	bad := func() (datum.Datum, error) {
		return datum.Null(), pgerr.New(pgerr.InvalidTextRepresentation, "invalid input syntax for type %s: \"%s\"", "inet", s)
	}
	host, bits, cut := strings.Cut(string(s), "/")
	a, err := netip.ParseAddr(host)
	if err != nil || a.Zone() != "" {
		return bad()
	}
	n := a.BitLen()
	if cut {
		if n, err = strconv.Atoi(bits); err != nil || n < 0 || n > a.BitLen() {
			return bad()
		}
	}
	family := byte(inet4)
	if a.Is6() {
		family = inet6
	}
	return datum.Bytes(append([]byte{family, byte(n)}, a.AsSlice()...)), nil
}

// inetParts takes a payload apart.
func inetParts(b []byte) (netip.Addr, int, error) {
	if len(b) == 6 && b[0] == inet4 || len(b) == 18 && b[0] == inet6 {
		if a, ok := netip.AddrFromSlice(b[2:]); ok && int(b[1]) <= a.BitLen() {
			return a, int(b[1]), nil
		}
	}
	return netip.Addr{}, 0, pgerr.New(pgerr.DataCorrupted, "inet value is damaged")
}

func inetOut(_ *Env, dst []byte, d datum.Datum) ([]byte, error) {
	a, n, err := inetParts(d.Bytes)
	if err != nil {
		return dst, err
	}
	dst = a.AppendTo(dst)
	if n != a.BitLen() {
		dst = strconv.AppendInt(append(dst, '/'), int64(n), 10)
	}
	return dst, nil
}

func inetSend(_ *Env, dst []byte, d datum.Datum) ([]byte, error) {
	a, n, err := inetParts(d.Bytes)
	if err != nil {
		return dst, err
	}
	dst = append(dst, d.Bytes[0], byte(n), 0, byte(a.BitLen()/8))
	return append(dst, d.Bytes[2:]...), nil
}

func inetRecv(_ *Env, b []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	if len(b) < 4 || int(b[3]) != len(b)-4 {
		return datum.Null(), pgerr.New(pgerr.InvalidBinaryRepresentation, "invalid length in external \"inet\" value")
	}
	v := append([]byte{b[0], b[1]}, b[4:]...)
	if _, _, err := inetParts(v); err != nil {
		return datum.Null(), pgerr.New(pgerr.InvalidBinaryRepresentation, "invalid address family in external \"inet\" value")
	}
	return datum.Bytes(v), nil
}
