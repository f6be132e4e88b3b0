package types

import (
	"math"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/numeric"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

func send1(_ *Env, dst []byte, d datum.Datum) ([]byte, error) { return append(dst, byte(d.Int)), nil }
func send2(_ *Env, dst []byte, d datum.Datum) ([]byte, error) {
	return be.AppendUint16(dst, uint16(d.Int)), nil
}
func send4(_ *Env, dst []byte, d datum.Datum) ([]byte, error) {
	return be.AppendUint32(dst, uint32(d.Int)), nil
}
func send8(_ *Env, dst []byte, d datum.Datum) ([]byte, error) {
	return be.AppendUint64(dst, uint64(d.Int)), nil
}

func boolRecv(_ *Env, b []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	if err := exact(b, 1); err != nil {
		return datum.Null(), err
	}
	return datum.Bool(b[0] != 0), nil
}

func charRecv(_ *Env, b []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	if err := exact(b, 1); err != nil {
		return datum.Null(), err
	}
	return datum.Int(int64(b[0])), nil
}

func int2Recv(_ *Env, b []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	if err := exact(b, 2); err != nil {
		return datum.Null(), err
	}
	return datum.Int(int64(int16(be.Uint16(b)))), nil
}

func int4Recv(prosrc string) RecvFunc {
	return func(_ *Env, b []byte, _ oid.OID, _ int32) (datum.Datum, error) {
		if err := exact(b, 4); err != nil {
			return datum.Null(), err
		}
		v := int32(be.Uint32(b))
		if prosrc == "date_recv" && v != math.MinInt32 && v != math.MaxInt32 && (v < minDate || v >= endDate) {
			return datum.Null(), pgerr.New(pgerr.DatetimeFieldOverflow, "date out of range")
		}
		return datum.Int(int64(v)), nil
	}
}

func int8Recv(prosrc string) RecvFunc {
	return func(_ *Env, b []byte, _ oid.OID, typmod int32) (datum.Datum, error) {
		if err := exact(b, 8); err != nil {
			return datum.Null(), err
		}
		v := int64(be.Uint64(b))
		switch prosrc {
		case "time_recv":
			if v < 0 || v > usecsPerDay {
				return datum.Null(), pgerr.New(pgerr.DatetimeFieldOverflow, "time out of range")
			}
			v = RoundTime(v, typmod)
		case "timestamp_recv", "timestamptz_recv":
			if !validTimestamp(v) {
				return datum.Null(), pgerr.New(pgerr.DatetimeFieldOverflow, "timestamp out of range")
			}
			return RoundTimestamp(v, typmod)
		}
		return datum.Int(v), nil
	}
}

func raw4Recv(_ *Env, b []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	if err := exact(b, 4); err != nil {
		return datum.Null(), err
	}
	return datum.Int(int64(be.Uint32(b))), nil
}

func raw8Recv(_ *Env, b []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	if err := exact(b, 8); err != nil {
		return datum.Null(), err
	}
	return datum.Int(int64(be.Uint64(b))), nil
}

func tidRecv(_ *Env, b []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	if err := exact(b, 6); err != nil {
		return datum.Null(), err
	}
	return TID(be.Uint32(b), be.Uint16(b[4:])), nil
}

func tidSend(_ *Env, dst []byte, d datum.Datum) ([]byte, error) {
	b, o := SplitTID(d.Bytes)
	return be.AppendUint16(be.AppendUint32(dst, b), o), nil
}

func textRecv(_ *Env, b []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	if err := CheckUTF8(b); err != nil {
		return datum.Null(), err
	}
	return datum.Bytes(b), nil
}

func nameRecv(e *Env, b []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	if err := CheckUTF8(b); err != nil {
		return datum.Null(), err
	}
	if len(b) > NameLen {
		return datum.Null(), pgerr.New(pgerr.NameTooLong, "identifier too long").
			WithDetail("Identifier must be less than 64 characters.")
	}
	return datum.Bytes(b), nil
}

func varcharRecv(e *Env, b []byte, t oid.OID, typmod int32) (datum.Datum, error) {
	if err := CheckUTF8(b); err != nil {
		return datum.Null(), err
	}
	return varcharIn(e, b, t, typmod)
}

func bpcharRecv(e *Env, b []byte, t oid.OID, typmod int32) (datum.Datum, error) {
	if err := CheckUTF8(b); err != nil {
		return datum.Null(), err
	}
	return bpcharIn(e, b, t, typmod)
}

func byteaRecv(_ *Env, b []byte, _ oid.OID, _ int32) (datum.Datum, error) { return datum.Bytes(b), nil }

func uuidRecv(_ *Env, b []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	return datum.Bytes(b), exact(b, 16)
}

// infScale is the display scale that PostgreSQL sends with an infinity.
const infScale = 0x20

// The wire form of numeric: ndigits, weight, sign, dscale as int16, then digits.
func numericSend(_ *Env, dst []byte, d datum.Datum) ([]byte, error) {
	n, err := numeric.Decode(d.Bytes)
	if err != nil {
		return dst, err
	}
	sign := uint16(0)
	switch {
	case n.Kind == numeric.NaN:
		sign = 0xC000
	case n.Kind == numeric.PosInf:
		sign, n.Scale = 0xD000, infScale
	case n.Kind == numeric.NegInf:
		sign, n.Scale = 0xF000, infScale
	case n.Neg:
		sign = 0x4000
	}
	dst = be.AppendUint16(dst, uint16(len(n.Digits)))
	dst = be.AppendUint16(dst, uint16(int16(n.Weight)))
	dst = be.AppendUint16(be.AppendUint16(dst, sign), uint16(n.Scale))
	for _, x := range n.Digits {
		dst = be.AppendUint16(dst, x)
	}
	return dst, nil
}

func numericRecv(_ *Env, b []byte, _ oid.OID, typmod int32) (datum.Datum, error) {
	bad := func(what string) (datum.Datum, error) {
		return datum.Null(), pgerr.New(pgerr.InvalidBinaryRepresentation, "invalid %s in external \"numeric\" value", what)
	}
	if len(b) < 8 {
		return datum.Null(), shortMessage()
	}
	n := numeric.Num{Weight: int(int16(be.Uint16(b[2:]))), Scale: int(be.Uint16(b[6:]))}
	nd := int(be.Uint16(b))
	switch be.Uint16(b[4:]) {
	case 0:
	case 0x4000:
		n.Neg = true
	case 0xC000:
		n.Kind = numeric.NaN
	case 0xD000:
		n.Kind = numeric.PosInf
	case 0xF000:
		n.Kind, n.Neg = numeric.NegInf, true
	default:
		return bad("sign")
	}
	if n.Scale > numeric.MaxScale {
		return bad("scale")
	}
	if err := exact(b[8:], 2*nd); err != nil {
		return datum.Null(), err
	}
	for i := range nd {
		x := be.Uint16(b[8+2*i:])
		if x >= 10000 {
			return bad("digit")
		}
		n.Digits = append(n.Digits, x)
	}
	if n.Kind == numeric.Finite {
		n = numeric.Trunc(n, n.Scale) // digits beyond the scale are cut
	}
	n, err := numeric.ApplyTypMod(n, typmod)
	if err != nil {
		return datum.Null(), err
	}
	out, err := n.Encode()
	return datum.Bytes(out), err
}

func timetzSend(_ *Env, dst []byte, d datum.Datum) ([]byte, error) {
	if len(d.Bytes) < 12 {
		return dst, shortMessage()
	}
	return be.AppendUint32(be.AppendUint64(dst, le.Uint64(d.Bytes)), le.Uint32(d.Bytes[8:])), nil
}

func timetzRecv(_ *Env, b []byte, _ oid.OID, typmod int32) (datum.Datum, error) {
	if err := exact(b, 12); err != nil {
		return datum.Null(), err
	}
	t, z := int64(be.Uint64(b)), int32(be.Uint32(b[8:]))
	if t < 0 || t > usecsPerDay {
		return datum.Null(), pgerr.New(pgerr.DatetimeFieldOverflow, "time out of range")
	}
	if z <= -maxZoneSecs || z >= maxZoneSecs {
		return datum.Null(), pgerr.New(pgerr.InvalidTimeZoneDisplacementValue, "time zone displacement out of range")
	}
	return TimeTZ(RoundTime(t, typmod), z), nil
}

func intervalSend(_ *Env, dst []byte, d datum.Datum) ([]byte, error) {
	v := ParseSpan(d.Bytes)
	return be.AppendUint32(be.AppendUint32(be.AppendUint64(dst, uint64(v.Micros)), uint32(v.Days)), uint32(v.Months)), nil
}

func intervalRecv(_ *Env, b []byte, _ oid.OID, typmod int32) (datum.Datum, error) {
	if err := exact(b, 16); err != nil {
		return datum.Null(), err
	}
	v := Span{int64(be.Uint64(b)), int32(be.Uint32(b[8:])), int32(be.Uint32(b[12:]))}
	v, err := v.ApplyTypMod(typmod)
	return v.Datum(), err
}
