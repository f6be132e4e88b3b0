package types

// In returns the input function that prosrc names.
func In(prosrc string) (InFunc, bool) {
	switch prosrc {
	case "boolin":
		return boolIn, true
	case "charin":
		return charIn, true
	case "namein":
		return nameIn, true
	case "int2in":
		return int2In, true
	case "int4in":
		return int4In, true
	case "int8in":
		return int8In, true
	case "oidin":
		return oidIn, true
	case "xidin", "cidin":
		return xidIn, true
	case "xid8in":
		return xid8In, true
	case "tidin":
		return tidIn, true
	case "pg_lsn_in":
		return lsnIn, true
	case "float4in":
		return float4In, true
	case "float8in":
		return float8In, true
	case "numeric_in":
		return numericIn, true
	case "textin", "unknownin", "cstring_in", "xml_in":
		return textIn, true
	case "varcharin":
		return varcharIn, true
	case "bpcharin":
		return bpcharIn, true
	case "byteain":
		return byteaIn, true
	case "inet_in":
		return inetIn, true
	case "pg_snapshot_in":
		return snapshotIn, true
	case "uuid_in":
		return uuidIn, true
	case "void_in":
		return voidIn, true
	case "date_in":
		return dateIn, true
	case "time_in":
		return timeIn, true
	case "timetz_in":
		return timetzIn, true
	case "timestamp_in":
		return timestampIn, true
	case "timestamptz_in":
		return timestamptzIn, true
	case "interval_in":
		return intervalIn, true
	case "array_in":
		return arrayIn, true
	case "int2vectorin":
		return int2VectorIn, true
	case "oidvectorin":
		return oidVectorIn, true
	case "record_in":
		return recordIn, true
	case "enum_in":
		return enumIn, true
	case "domain_in":
		return domainIn, true
	case "aclitemin":
		return aclitemIn, true
	}
	return moreIn(prosrc)
}

// Out returns the output function that prosrc names.
func Out(prosrc string) (OutFunc, bool) {
	switch prosrc {
	case "boolout":
		return boolOut, true
	case "charout":
		return charOut, true
	case "nameout", "textout", "unknownout", "cstring_out", "varcharout", "bpcharout", "json_out", "xml_out", "pg_node_tree_out":
		return textOut, true
	case "int2out":
		return int2Out, true
	case "int4out":
		return int4Out, true
	case "int8out":
		return int8Out, true
	case "oidout", "xidout", "cidout":
		return oidOut, true
	case "xid8out":
		return xid8Out, true
	case "tidout":
		return tidOut, true
	case "pg_lsn_out":
		return lsnOut, true
	case "float4out":
		return float4Out, true
	case "float8out":
		return float8Out, true
	case "numeric_out":
		return numericOut, true
	case "byteaout", "pg_ndistinct_out", "pg_dependencies_out", "pg_mcv_list_out":
		return byteaOut, true
	case "inet_out":
		return inetOut, true
	case "pg_snapshot_out":
		return snapshotOut, true
	case "uuid_out":
		return uuidOut, true
	case "void_out":
		return voidOut, true
	case "date_out":
		return dateOut, true
	case "time_out":
		return timeOut, true
	case "timetz_out":
		return timetzOut, true
	case "timestamp_out":
		return timestampOut, true
	case "timestamptz_out":
		return timestamptzOut, true
	case "interval_out":
		return intervalOut, true
	case "array_out", "anyarray_out", "anycompatiblearray_out":
		return arrayOut, true
	case "int2vectorout", "oidvectorout":
		return vectorOut, true
	case "record_out":
		return recordOut, true
	case "enum_out", "anyenum_out":
		return enumOut, true
	case "aclitemout":
		return aclitemOut, true
	}
	if k, ok := regKind(prosrc, "out"); ok {
		return regOut(k), true
	}
	return moreOut(prosrc)
}

// Recv returns the receive function that prosrc names.
func Recv(prosrc string) (RecvFunc, bool) {
	switch prosrc {
	case "boolrecv":
		return boolRecv, true
	case "charrecv":
		return charRecv, true
	case "int2recv":
		return int2Recv, true
	case "int4recv", "date_recv":
		return int4Recv(prosrc), true
	case "int8recv", "time_recv", "timestamp_recv", "timestamptz_recv":
		return int8Recv(prosrc), true
	case "float8recv", "pg_lsn_recv", "xid8recv":
		return raw8Recv, true
	case "float4recv", "oidrecv", "xidrecv", "cidrecv":
		return raw4Recv, true
	case "tidrecv":
		return tidRecv, true
	case "numeric_recv":
		return numericRecv, true
	case "textrecv", "unknownrecv", "cstring_recv", "xml_recv":
		return textRecv, true
	case "namerecv":
		return nameRecv, true
	case "varcharrecv":
		return varcharRecv, true
	case "bpcharrecv":
		return bpcharRecv, true
	case "bytearecv":
		return byteaRecv, true
	case "inet_recv":
		return inetRecv, true
	case "pg_snapshot_recv":
		return snapshotRecv, true
	case "uuid_recv":
		return uuidRecv, true
	case "void_recv":
		return byteaRecv, true
	case "timetz_recv":
		return timetzRecv, true
	case "interval_recv":
		return intervalRecv, true
	case "array_recv":
		return arrayRecv, true
	case "int2vectorrecv":
		return vectorRecv, true
	case "oidvectorrecv":
		return vectorRecv, true
	case "record_recv":
		return recordRecv, true
	case "enum_recv":
		return enumIn2, true
	case "domain_recv":
		return domainRecv, true
	}
	if _, ok := regKind(prosrc, "recv"); ok {
		return raw4Recv, true
	}
	return moreRecv(prosrc)
}

// Send returns the send function that prosrc names.
func Send(prosrc string) (OutFunc, bool) {
	switch prosrc {
	case "boolsend", "charsend":
		return send1, true
	case "int2send":
		return send2, true
	case "int4send", "date_send", "float4send", "oidsend", "xidsend", "cidsend":
		return send4, true
	case "int8send", "time_send", "timestamp_send", "timestamptz_send", "float8send", "pg_lsn_send", "xid8send":
		return send8, true
	case "pg_snapshot_send":
		return snapshotSend, true
	case "tidsend":
		return tidSend, true
	case "numeric_send":
		return numericSend, true
	case "inet_send":
		return inetSend, true
	case "textsend", "unknownsend", "cstring_send", "json_send", "xml_send", "namesend", "varcharsend", "bpcharsend",
		"byteasend", "uuid_send", "void_send", "pg_node_tree_send":
		return textOut, true
	case "timetz_send":
		return timetzSend, true
	case "interval_send":
		return intervalSend, true
	case "array_send", "anyarray_send", "anycompatiblearray_send", "int2vectorsend", "oidvectorsend":
		return arraySend, true
	case "record_send":
		return recordSend, true
	case "enum_send":
		return enumOut, true
	}
	if _, ok := regKind(prosrc, "send"); ok {
		return send4, true
	}
	return moreSend(prosrc)
}
