package types

import (
	"encoding/binary"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/numeric"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

var (
	le = binary.LittleEndian // constant
	be = binary.BigEndian    // constant
)

// ParseBool reads a boolean as boolin does: any unambiguous beginning of true,
// false, yes, no, on, off, or 1 and 0.
func ParseBool(s []byte) (v, ok bool) {
	t := lowerASCII(trimSpace(s))
	if t == "" {
		return false, false
	}
	switch t[0] {
	case 't':
		return true, strings.HasPrefix("true", t)
	case 'f':
		return false, strings.HasPrefix("false", t)
	case 'y':
		return true, strings.HasPrefix("yes", t)
	case 'n':
		return false, strings.HasPrefix("no", t)
	case '1':
		return true, len(t) == 1
	case '0':
		return false, len(t) == 1
	}
	if t == "on" {
		return true, true
	}
	return false, t == "of" || t == "off"
}

func boolIn(_ *Env, s []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	v, ok := ParseBool(s)
	if !ok {
		return datum.Null(), badText("boolean", s)
	}
	return datum.Bool(v), nil
}

func boolOut(_ *Env, dst []byte, d datum.Datum) ([]byte, error) {
	if d.Bool() {
		return append(dst, 't'), nil
	}
	return append(dst, 'f'), nil
}

// charIn reads "char": one byte, or \ooo for a byte above 127.
func charIn(_ *Env, s []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	if len(s) == 4 && s[0] == '\\' && isOctal(s[1]) && isOctal(s[2]) && isOctal(s[3]) {
		return datum.Int(int64((s[1]-'0')<<6 | (s[2]-'0')<<3 | (s[3] - '0'))), nil
	}
	if len(s) == 0 {
		return datum.Int(0), nil
	}
	return datum.Int(int64(s[0])), nil
}

func isOctal(c byte) bool { return c >= '0' && c <= '7' }

// AppendChar appends a "char" as charout prints it.
func AppendChar(dst []byte, c byte) []byte {
	switch {
	case c == 0:
		return dst
	case c < 128:
		return append(dst, c)
	}
	return append(dst, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
}

func charOut(_ *Env, dst []byte, d datum.Datum) ([]byte, error) {
	return AppendChar(dst, byte(d.Int)), nil
}

// parseInt reads a decimal integer of the given width.
func parseInt(s []byte, width int, typ string) (int64, error) {
	t := trimSpace(s)
	neg := false
	i := 0
	if len(t) > 0 && (t[0] == '-' || t[0] == '+') {
		neg = t[0] == '-'
		i = 1
	}
	if i == len(t) {
		return 0, badText(typ, s)
	}
	limit := uint64(1) << (width - 1)
	if !neg {
		limit--
	}
	var v uint64
	over := false
	for ; i < len(t); i++ {
		c := t[i] - '0'
		if c > 9 {
			return 0, badText(typ, s)
		}
		if v > (limit-uint64(c))/10 || uint64(c) > limit {
			over = true
		}
		v = v*10 + uint64(c)
	}
	if over {
		return 0, badRange(typ, s)
	}
	if neg {
		return -int64(v), nil
	}
	return int64(v), nil
}

func int2In(_ *Env, s []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	v, err := parseInt(s, 16, "smallint")
	return datum.Int(v), err
}

func int4In(_ *Env, s []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	v, err := parseInt(s, 32, "integer")
	return datum.Int(v), err
}

func int8In(_ *Env, s []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	v, err := parseInt(s, 64, "bigint")
	return datum.Int(v), err
}

func int2Out(_ *Env, dst []byte, d datum.Datum) ([]byte, error) {
	return strconv.AppendInt(dst, int64(int16(d.Int)), 10), nil
}

func int4Out(_ *Env, dst []byte, d datum.Datum) ([]byte, error) {
	return strconv.AppendInt(dst, int64(int32(d.Int)), 10), nil
}

func int8Out(_ *Env, dst []byte, d datum.Datum) ([]byte, error) {
	return strconv.AppendInt(dst, d.Int, 10), nil
}

// parseOID reads an OID: decimal; a minus sign wraps around, as in C.
func parseOID(s []byte) (uint32, error) {
	t := trimSpace(s)
	neg := len(t) > 0 && t[0] == '-'
	if len(t) > 0 && (t[0] == '-' || t[0] == '+') {
		t = t[1:]
	}
	if len(t) == 0 || len(t) > 0 && !isDigit(t[0]) {
		return 0, badText("oid", s)
	}
	for _, c := range t {
		if !isDigit(c) {
			return 0, badText("oid", s)
		}
	}
	v, err := strconv.ParseUint(string(t), 10, 64)
	switch {
	case err != nil, !neg && v > math.MaxUint32, neg && v > 1<<31:
		return 0, badRange("oid", s)
	case neg:
		return uint32(-v), nil
	}
	return uint32(v), nil
}

func oidIn(_ *Env, s []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	v, err := parseOID(s)
	return datum.Int(int64(v)), err
}

func oidOut(_ *Env, dst []byte, d datum.Datum) ([]byte, error) {
	return strconv.AppendUint(dst, uint64(uint32(d.Int)), 10), nil
}

// cUint is C's strtoull with base 0: the longest number at the start, else 0.
func cUint(s []byte) uint64 {
	for len(s) > 0 && isSpace(s[0]) {
		s = s[1:]
	}
	neg := false
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		neg = s[0] == '-'
		s = s[1:]
	}
	base := uint64(10)
	switch {
	case len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' && hexVal(s[2]) >= 0:
		base, s = 16, s[2:]
	case len(s) > 1 && s[0] == '0':
		base = 8
	}
	var v uint64
	for _, c := range s {
		h := hexVal(c)
		if h < 0 || uint64(h) >= base {
			break
		}
		if v > (math.MaxUint64-uint64(h))/base {
			return math.MaxUint64
		}
		v = v*base + uint64(h)
	}
	if neg {
		return -v
	}
	return v
}

func hexVal(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

func xidIn(_ *Env, s []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	return datum.Int(int64(uint32(cUint(s)))), nil
}

func xid8In(_ *Env, s []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	return datum.Int(int64(cUint(s))), nil
}

func xid8Out(_ *Env, dst []byte, d datum.Datum) ([]byte, error) {
	return strconv.AppendUint(dst, uint64(d.Int), 10), nil
}

// TID makes a tid from block and offset.
func TID(block uint32, off uint16) datum.Datum {
	b := make([]byte, 6)
	le.PutUint16(b, uint16(block>>16))
	le.PutUint16(b[2:], uint16(block))
	le.PutUint16(b[4:], off)
	return datum.Bytes(b)
}

// SplitTID reads a tid.
func SplitTID(b []byte) (block uint32, off uint16) {
	if len(b) < 6 {
		return 0, 0
	}
	return uint32(le.Uint16(b))<<16 | uint32(le.Uint16(b[2:])), le.Uint16(b[4:])
}

func tidIn(_ *Env, s []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	str := string(s)
	i := strings.IndexByte(str, '(')
	j := strings.LastIndexByte(str, ')')
	if i < 0 || j < i {
		return datum.Null(), badText("tid", s)
	}
	bs, os, ok := strings.Cut(str[i+1:j], ",")
	blk, err1 := strconv.ParseInt(bs, 10, 64)
	off, err2 := strconv.ParseUint(os, 10, 16)
	if !ok || err1 != nil || err2 != nil || blk > math.MaxUint32 || blk < math.MinInt32 {
		return datum.Null(), badText("tid", s)
	}
	return TID(uint32(blk), uint16(off)), nil
}

func tidOut(_ *Env, dst []byte, d datum.Datum) ([]byte, error) {
	b, o := SplitTID(d.Bytes)
	dst = strconv.AppendUint(append(dst, '('), uint64(b), 10)
	return append(strconv.AppendUint(append(dst, ','), uint64(o), 10), ')'), nil
}

func lsnIn(_ *Env, s []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	v, err := lsn.Parse(string(s))
	if err != nil {
		return datum.Null(), badText("pg_lsn", s)
	}
	return datum.Int(int64(v)), nil
}

func lsnOut(_ *Env, dst []byte, d datum.Datum) ([]byte, error) {
	return append(dst, lsn.LSN(d.Int).String()...), nil
}

// ParseFloat reads a float as float8in (bits 64) and float4in (32) do.
func ParseFloat(s []byte, bits int) (float64, error) {
	typ := "double precision"
	if bits == 32 {
		typ = "real"
	}
	t := string(trimSpace(s))
	body := strings.ToLower(strings.TrimLeft(t, "+-"))
	if body == "" || len(t)-len(body) > 1 || strings.Contains(body, "_") || strings.HasPrefix(body, "0x") && !strings.Contains(body, "p") {
		if v, ok := hexInt(t, body); ok {
			return v, nil
		}
		return 0, badText(typ, s)
	}
	if body == "nan" { // C's NaN, with the sign as written
		if t[0] == '-' {
			return math.Float64frombits(0xfff8000000000000), nil
		}
		return math.Float64frombits(0x7ff8000000000000), nil
	}
	v, err := strconv.ParseFloat(t, bits)
	if err != nil {
		if ne, ok := err.(*strconv.NumError); ok && ne.Err == strconv.ErrRange {
			return 0, pgerr.New(pgerr.NumericValueOutOfRange, "\"%s\" is out of range for type %s", t, typ)
		}
		return 0, badText(typ, s)
	}
	if v == 0 && strings.ContainsAny(mantissa(body), "123456789") {
		return 0, pgerr.New(pgerr.NumericValueOutOfRange, "\"%s\" is out of range for type %s", t, typ)
	}
	return v, nil
}

func mantissa(s string) string {
	if i := strings.IndexAny(s, "ep"); i >= 0 {
		return s[:i]
	}
	return s
}

// hexInt reads a C hexadecimal constant without exponent.
func hexInt(t, body string) (float64, bool) {
	if !strings.HasPrefix(body, "0x") || len(t)-len(body) > 1 || strings.Contains(body, "_") {
		return 0, false
	}
	v, err := strconv.ParseFloat(t+"p0", 64)
	return v, err == nil
}

func float4In(_ *Env, s []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	v, err := ParseFloat(s, 32)
	return datum.Float4(float32(v)), err
}

func float8In(_ *Env, s []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	v, err := ParseFloat(s, 64)
	return datum.Float8(v), err
}

func float4Out(e *Env, dst []byte, d datum.Datum) ([]byte, error) {
	return AppendFloat(dst, float64(d.Float4()), 32, e.ExtraFloatDigits), nil
}

func float8Out(e *Env, dst []byte, d datum.Datum) ([]byte, error) {
	return AppendFloat(dst, d.Float8(), 64, e.ExtraFloatDigits), nil
}

// AppendFloat appends f as float8out (bits 64) or float4out (bits 32) prints it.
func AppendFloat(dst []byte, f float64, bits, extra int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	case f == 0:
		if math.Signbit(f) {
			return append(dst, "-0"...)
		}
		return append(dst, '0')
	}
	digits := 15
	if bits == 32 {
		digits = 6
	}
	if extra > 0 {
		var buf, other [32]byte // s stays whole while other forms are tried
		s := strconv.AppendFloat(buf[:0], f, 'e', -1, bits)
		for n := 1; n < 18 && midway(s, f, bits); n++ {
			if t := trimMantissa(strconv.AppendFloat(other[:0], f, 'e', n, bits)); sameFloat(t, f, bits) && !midway(t, f, bits) {
				s = append(buf[:0], t...)
			}
		}
		return layoutFloat(dst, s, digits)
	}
	digits = max(digits+extra, 1)
	var buf [40]byte
	s := strconv.AppendFloat(buf[:0], f, 'e', digits-1, bits)
	return layoutFloat(dst, trimMantissa(s), digits)
}

// midway reports whether the decimal s is exactly half way between f and one of
// its neighbours. It reads back as f only by rounding to even, which PostgreSQL
// does not trust: it prints 1e23 as 9.999999999999999e+22. A decimal of 17 (9)
// digits can be such a point only within the bounds tested first.
func midway(s []byte, f float64, bits int) bool {
	a := math.Abs(f)
	if bits == 64 && (a < 1<<54 || a > 1e42) || bits == 32 && (a < 1<<24 || a > 1e21) {
		return false
	}
	down, up := math.Nextafter(f, math.Inf(-1)), math.Nextafter(f, math.Inf(1))
	if bits == 32 {
		down = float64(math.Nextafter32(float32(f), float32(math.Inf(-1))))
		up = float64(math.Nextafter32(float32(f), float32(math.Inf(1))))
	}
	v, ok := new(big.Rat).SetString(string(s))
	if !ok {
		return false
	}
	v.Add(v, v)
	for _, next := range [...]float64{down, up} {
		sum := new(big.Rat).SetFloat64(f)
		if v.Cmp(sum.Add(sum, new(big.Rat).SetFloat64(next))) == 0 {
			return true
		}
	}
	return false
}

// sameFloat reports whether the decimal s reads back as f.
func sameFloat(s []byte, f float64, bits int) bool {
	v, err := strconv.ParseFloat(string(s), bits)
	return err == nil && v == f
}

// trimMantissa removes zeros at the end of the mantissa, as %g does.
func trimMantissa(s []byte) []byte {
	i := len(s)
	for s[i-1] != 'e' {
		i--
	}
	j := i - 1
	for j > 0 && s[j-1] == '0' {
		j--
	}
	if j > 0 && s[j-1] == '.' {
		j--
	}
	return append(s[:j:j], s[i-1:]...)
}

// layoutFloat prints d.ddde±xx as plain decimal if -4 <= exponent < limit.
func layoutFloat(dst, s []byte, limit int) []byte {
	if s[0] == '-' {
		dst = append(dst, '-')
		s = s[1:]
	}
	i := len(s) - 1
	for s[i] != 'e' {
		i--
	}
	exp, _ := strconv.Atoi(string(s[i+1:]))
	if exp < -4 || exp >= limit {
		return append(dst, s...) // Go prints at least two exponent digits, as C does
	}
	var buf [24]byte
	m := append(buf[:0], s[0])
	if i > 2 {
		m = append(m, s[2:i]...)
	}
	switch {
	case exp < 0:
		dst = append(dst, "0."...)
		for range -exp - 1 {
			dst = append(dst, '0')
		}
		return append(dst, m...)
	case exp >= len(m)-1:
		dst = append(dst, m...)
		for range exp - len(m) + 1 {
			dst = append(dst, '0')
		}
		return dst
	}
	dst = append(dst, m[:exp+1]...)
	return append(append(dst, '.'), m[exp+1:]...)
}

func numericIn(_ *Env, s []byte, _ oid.OID, typmod int32) (datum.Datum, error) {
	n, err := numeric.Parse(string(s))
	if err == nil && typmod >= 4 {
		n, err = numeric.ApplyTypMod(n, typmod)
	}
	if err != nil {
		return datum.Null(), err
	}
	b, err := n.Encode()
	return datum.Bytes(b), err
}

func numericOut(_ *Env, dst []byte, d datum.Datum) ([]byte, error) {
	n, err := numeric.Decode(d.Bytes)
	if err != nil {
		return dst, err
	}
	return n.AppendText(dst), nil
}
