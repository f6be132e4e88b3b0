package types

import (
	"encoding/hex"
	"math/bits"
	"unicode/utf8"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// MaxBits is the largest length that a bit type can be declared with.
const MaxBits = 8 * maxCharLen

const bitHeader = 4 // the length in bits, before the bits themselves

// Bits takes the payload of a bit string apart: its length in bits, and the
// bytes, of which the last one's unused bits are zero.
func Bits(b []byte) (n int, data []byte) {
	if len(b) < bitHeader {
		return 0, nil
	}
	n = int(int32(le.Uint32(b)))
	if n < 0 || (n+7)/8 > len(b)-bitHeader {
		return 0, nil
	}
	return n, b[bitHeader : bitHeader+(n+7)/8]
}

// MakeBits is the payload of n bits of data; it may be shorter or longer, and what
// it has beyond n is dropped.
func MakeBits(n int, data []byte) []byte {
	b := make([]byte, bitHeader+(n+7)/8)
	le.PutUint32(b, uint32(n))
	copy(b[bitHeader:], data)
	if n%8 != 0 {
		b[len(b)-1] &= 0xff << (8 - n%8)
	}
	return b
}

// parseBits reads binary digits, or with B or X before them binary or
// hexadecimal ones.
func parseBits(s []byte) (int, []byte, error) {
	bad := func(i int, kind string) (int, []byte, error) {
		_, w := utf8.DecodeRune(s[i:])
		return 0, nil, pgerr.New(pgerr.InvalidTextRepresentation, "\"%s\" is not a valid %s digit", s[i:i+w], kind)
	}
	at, isHex := 0, false
	if len(s) > 0 && s[0]|0x20 == 'b' {
		at = 1
	} else if len(s) > 0 && s[0]|0x20 == 'x' {
		at, isHex = 1, true
	}
	if isHex {
		digits := append([]byte{}, s[1:]...)
		for i, c := range digits {
			if !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'f') {
				return bad(i+1, "hexadecimal")
			}
		}
		n := 4 * len(digits)
		if len(digits)%2 != 0 {
			digits = append(digits, '0')
		}
		data, err := hex.DecodeString(string(digits))
		return n, data, err
	}
	n := len(s) - at
	data := make([]byte, (n+7)/8)
	for i := range n {
		switch s[at+i] {
		case '1':
			data[i/8] |= 0x80 >> (i % 8)
		case '0':
		default:
			return bad(at+i, "binary")
		}
	}
	return n, data, nil
}

// FitBits applies a length: bit(n) wants it exactly, bit varying(n) at most. cut
// makes an explicit cast fit.
func FitBits(b []byte, typmod int32, varying, cut bool) ([]byte, error) {
	n, data := Bits(b)
	want := int(typmod)
	switch {
	case want <= 0, n == want, varying && n <= want:
		return b, nil
	case want > MaxBits:
		return nil, pgerr.New(pgerr.ProgramLimitExceeded, "bit string length exceeds the maximum allowed (%d)", MaxBits)
	case cut:
		return MakeBits(want, data[:min(len(data), (want+7)/8)]), nil
	case varying:
		return nil, pgerr.New(pgerr.StringDataRightTruncation, "bit string too long for type bit varying(%d)", want)
	}
	return nil, pgerr.New(pgerr.StringDataLengthMismatch, "bit string length %d does not match type bit(%d)", n, want)
}

func bitsIn(varying bool) InFunc {
	return func(_ *Env, s []byte, _ oid.OID, typmod int32) (datum.Datum, error) {
		n, data, err := parseBits(s)
		if err != nil {
			return datum.Null(), err
		}
		b, err := FitBits(MakeBits(n, data), typmod, varying, false)
		return datum.Bytes(b), err
	}
}

func bitsOut(_ *Env, dst []byte, d datum.Datum) ([]byte, error) {
	n, data := Bits(d.Bytes)
	for i := range n {
		dst = append(dst, '0'+data[i/8]>>(7-i%8)&1)
	}
	return dst, nil
}

func bitsRecv(varying bool) RecvFunc {
	return func(_ *Env, b []byte, _ oid.OID, typmod int32) (datum.Datum, error) {
		if len(b) < 4 {
			return datum.Null(), shortMessage()
		}
		n := int32(bits.ReverseBytes32(le.Uint32(b)))
		if n < 0 {
			return datum.Null(), pgerr.New(pgerr.InvalidBinaryRepresentation, "invalid length in external bit string")
		}
		if err := exact(b[4:], (int(n)+7)/8); err != nil {
			return datum.Null(), err
		}
		out, err := FitBits(MakeBits(int(n), b[4:]), typmod, varying, false)
		return datum.Bytes(out), err
	}
}

func bitsSend(_ *Env, dst []byte, d datum.Datum) ([]byte, error) {
	n, data := Bits(d.Bytes)
	dst = append(dst, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	return append(dst, data...), nil
}
