package rmgrs

import (
	"fmt"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/xlog"
)

// InfoLogicalMessage is the one kind of LogicalMessage record
// (replication/message.h). FROZEN.
const InfoLogicalMessage = 0x00

const logicalMessageSize = 24

// LogicalMessage is what pg_logical_emit_message wrote (xl_logical_message).
type LogicalMessage struct {
	DB            oid.OID
	Transactional bool
	Prefix        string
	Message       []byte
}

// Append appends the body of the record to dst.
func (m LogicalMessage) Append(dst []byte) []byte {
	dst = le.AppendUint32(dst, uint32(m.DB))
	b := byte(0)
	if m.Transactional {
		b = 1
	}
	dst = append(dst, b, 0, 0, 0)
	dst = le.AppendUint64(dst, uint64(len(m.Prefix)+1))
	dst = le.AppendUint64(dst, uint64(len(m.Message)))
	dst = append(append(dst, m.Prefix...), 0)
	return append(dst, m.Message...)
}

// DecodeLogicalMessage reads the body of LogicalMessage/MESSAGE. Message aliases
// b.
func DecodeLogicalMessage(b []byte) (LogicalMessage, error) {
	if len(b) < logicalMessageSize {
		return LogicalMessage{}, errShort("LogicalMessage/MESSAGE", len(b))
	}
	prefix, n, rest := le.Uint64(b[8:]), le.Uint64(b[16:]), b[logicalMessageSize:]
	if prefix < 1 || prefix > uint64(len(rest)) || n > uint64(len(rest))-prefix {
		return LogicalMessage{}, errShort("LogicalMessage/MESSAGE", len(b))
	}
	return LogicalMessage{getOID(b), b[4] != 0, string(rest[:prefix-1]), rest[prefix : prefix+n]}, nil
}

func identifyMessage(info uint8) string {
	if info&^xlog.InfoMask == InfoLogicalMessage {
		return "MESSAGE"
	}
	return ""
}

func descMessage(dst []byte, d *xlog.Decoded) []byte {
	if d.RmgrInfo() != InfoLogicalMessage {
		return dst
	}
	m, err := DecodeLogicalMessage(d.Main)
	if err != nil {
		return descShort(dst)
	}
	kind := "non-transactional"
	if m.Transactional {
		kind = "transactional"
	}
	return fmt.Appendf(dst, "%s, prefix \"%s\"; payload (%d bytes): % X", kind, m.Prefix, len(m.Message), m.Message)
}
