package xact

import "github.com/pgmini/pgmini/xlog"

func (m *Manager) redoPrepare(d *xlog.Decoded) error { return nil }
func descPrepare(dst []byte, d *xlog.Decoded) []byte { return dst }
