package xlog

// Kinds of XLOG records (catalog/pg_control.h). FROZEN.
const (
	InfoCheckpointShutdown  = 0x00
	InfoCheckpointOnline    = 0x10
	InfoNoop                = 0x20
	InfoNextOID             = 0x30
	InfoSwitch              = 0x40
	InfoBackupEnd           = 0x50
	InfoParameterChange     = 0x60
	InfoRestorePoint        = 0x70
	InfoFPWChange           = 0x80
	InfoEndOfRecovery       = 0x90
	InfoFPIForHint          = 0xA0
	InfoFPI                 = 0xB0
	InfoOverwriteContRecord = 0xD0
)
