package xlog

import (
	"time"

	"github.com/pgmini/pgmini/pgerr"
)

// Describers of the records that this package owns.
func Describers() []Describer {
	return []Describer{{ID: RmXLOG, Identify: identify, Desc: describe}}
}

func identify(info uint8) string {
	switch info &^ InfoMask {
	case InfoCheckpointShutdown:
		return "CHECKPOINT_SHUTDOWN"
	case InfoCheckpointOnline:
		return "CHECKPOINT_ONLINE"
	case InfoNoop:
		return "NOOP"
	case InfoNextOID:
		return "NEXTOID"
	case InfoSwitch:
		return "SWITCH"
	case InfoBackupEnd:
		return "BACKUP_END"
	case InfoParameterChange:
		return "PARAMETER_CHANGE"
	case InfoRestorePoint:
		return "RESTORE_POINT"
	case InfoFPWChange:
		return "FPW_CHANGE"
	case InfoEndOfRecovery:
		return "END_OF_RECOVERY"
	case InfoOverwriteContRecord:
		return "OVERWRITE_CONTRECORD"
	case InfoFPI:
		return "FPI"
	case InfoFPIForHint:
		return "FPI_FOR_HINT"
	}
	return ""
}

func describe(dst []byte, d *Decoded) []byte {
	switch d.RmgrInfo() {
	case InfoCheckpointShutdown, InfoCheckpointOnline:
		return descCheckpoint(dst, d)
	case InfoNextOID:
		return descNextOID(dst, d)
	case InfoBackupEnd:
		return descBackupEnd(dst, d)
	case InfoParameterChange:
		return descParameterChange(dst, d)
	case InfoRestorePoint:
		return descRestorePoint(dst, d)
	case InfoFPWChange:
		return descFPWChange(dst, d)
	case InfoEndOfRecovery:
		return descEndOfRecovery(dst, d)
	case InfoOverwriteContRecord:
		return descOverwriteContRecord(dst, d)
	}
	return dst // NOOP, SWITCH, FPI, FPI_FOR_HINT have nothing to say
}

// descShort is what a describer says of a body that is too short to read.
func descShort(dst []byte) []byte { return append(dst, "(record body is too short)"...) }

func errShortBody(kind string, n int) error {
	return pgerr.New(pgerr.DataCorrupted, "WAL record %s has a body of only %d bytes", kind, n)
}

// epoch2000 is 2000-01-01 in seconds since 1970: timestamptz counts from there.
const epoch2000 = 946684800

// AppendTime appends a timestamptz as pg_waldump prints it, in the local time
// zone.
func AppendTime(dst []byte, micros int64) []byte {
	sec, us := micros/1e6, micros%1e6
	if us < 0 {
		sec, us = sec-1, us+1e6
	}
	return time.Unix(sec+epoch2000, us*1000).AppendFormat(dst, "2006-01-02 15:04:05.000000 MST")
}
