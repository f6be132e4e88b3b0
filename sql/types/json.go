package types

import (
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/jsonb"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

const jsonbVersion = 1 // first byte of jsonb's binary form

func jsonIn(_ *Env, s []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	_, err := jsonb.Parse(s, false)
	return datum.Bytes(s), err
}

func jsonRecv(e *Env, b []byte, elem oid.OID, typmod int32) (datum.Datum, error) {
	if err := CheckUTF8(b); err != nil {
		return datum.Null(), err
	}
	return jsonIn(e, b, elem, typmod)
}

func jsonbIn(_ *Env, s []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	v, err := jsonb.Parse(s, true)
	if err != nil {
		return datum.Null(), err
	}
	return JSONB(v)
}

// JSONB is the datum of a value that need not be normalized.
func JSONB(v jsonb.Value) (datum.Datum, error) {
	if err := v.Normalize(); err != nil {
		return datum.Null(), err
	}
	b, err := jsonb.Encode(&v)
	return datum.Bytes(b), err
}

func jsonbRecv(e *Env, b []byte, elem oid.OID, typmod int32) (datum.Datum, error) {
	if len(b) == 0 {
		return datum.Null(), shortMessage()
	}
	if b[0] != jsonbVersion {
		return datum.Null(), pgerr.New(pgerr.InternalError, "unsupported jsonb version number %d", b[0])
	}
	if err := CheckUTF8(b[1:]); err != nil {
		return datum.Null(), err
	}
	return jsonbIn(e, b[1:], elem, typmod)
}

func jsonbOut(_ *Env, dst []byte, d datum.Datum) ([]byte, error) {
	v, err := jsonb.Decode(d.Bytes)
	if err != nil {
		return dst, err
	}
	return v.Append(dst), nil
}

func jsonbSend(e *Env, dst []byte, d datum.Datum) ([]byte, error) {
	return jsonbOut(e, append(dst, jsonbVersion), d)
}

// The conversions of types outside the core, by prosrc.

func moreIn(prosrc string) (InFunc, bool) {
	switch prosrc {
	case "json_in":
		return jsonIn, true
	case "jsonb_in":
		return jsonbIn, true
	case "bit_in", "varbit_in":
		return bitsIn(prosrc[0] == 'v'), true
	}
	if k, ok := regKind(prosrc, "in"); ok {
		return regIn(k), true
	}
	return pseudoIn(prosrc)
}

func moreOut(prosrc string) (OutFunc, bool) {
	switch prosrc {
	case "jsonb_out":
		return jsonbOut, true
	case "bit_out", "varbit_out":
		return bitsOut, true
	}
	return nil, false
}

func moreRecv(prosrc string) (RecvFunc, bool) {
	switch prosrc {
	case "json_recv":
		return jsonRecv, true
	case "jsonb_recv":
		return jsonbRecv, true
	case "bit_recv", "varbit_recv":
		return bitsRecv(prosrc[0] == 'v'), true
	}
	return nil, false
}

func moreSend(prosrc string) (OutFunc, bool) {
	switch prosrc {
	case "jsonb_send":
		return jsonbSend, true
	case "bit_send", "varbit_send":
		return bitsSend, true
	}
	return nil, false
}
