package rmgrs

import (
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xlog"
)

// InfoSeqLog is the one kind of Sequence record (commands/sequence.h). FROZEN.
const InfoSeqLog = 0x00

// SeqLog carries the whole tuple of a sequence (xl_seq_rec).
type SeqLog struct {
	Node  page.RelFileNode
	Tuple []byte
}

// Append appends the body of the record to dst.
func (s SeqLog) Append(dst []byte) []byte { return append(appendNode(dst, s.Node), s.Tuple...) }

// DecodeSeqLog reads the body of Sequence/LOG. Tuple aliases b.
func DecodeSeqLog(b []byte) (SeqLog, error) {
	if len(b) < 12 {
		return SeqLog{}, errShort("Sequence/LOG", len(b))
	}
	return SeqLog{getNode(b), b[12:]}, nil
}

func identifySequence(info uint8) string {
	if info&^xlog.InfoMask == InfoSeqLog {
		return "LOG"
	}
	return ""
}

func descSequence(dst []byte, d *xlog.Decoded) []byte {
	if d.RmgrInfo() != InfoSeqLog {
		return dst
	}
	s, err := DecodeSeqLog(d.Main)
	if err != nil {
		return descShort(dst)
	}
	return append(append(dst, "rel "...), s.Node.String()...)
}
