// Package rmgrs holds the records of the resource managers that have no package
// of their own: their bodies, and pg_waldump's text for them. What redo does
// with them is recovery's business.
package rmgrs

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xlog"
)

var le = binary.LittleEndian // constant

// Describers of the resource managers of this package.
func Describers() []xlog.Describer {
	return []xlog.Describer{
		{ID: xlog.RmSmgr, Identify: identifyStorage, Desc: descStorage},
		{ID: xlog.RmDbase, Identify: identifyDatabase, Desc: descDatabase},
		{ID: xlog.RmTblspc, Identify: identifyTablespace, Desc: descTablespace},
		{ID: xlog.RmRelMap, Identify: identifyRelMap, Desc: descRelMap},
		{ID: xlog.RmSeq, Identify: identifySequence, Desc: descSequence},
		{ID: xlog.RmGeneric, Identify: identifyGeneric, Desc: descGeneric},
		{ID: xlog.RmHash, Identify: identifyHash, Desc: describing(hashText)},
		{ID: xlog.RmGin, Identify: identifyGin, Desc: describing(ginText)},
		{ID: xlog.RmGist, Identify: identifyGist, Desc: describing(gistText)},
		{ID: xlog.RmSPGist, Identify: identifySPGist, Desc: describing(spgistText)},
		{ID: xlog.RmBrin, Identify: identifyBrin, Desc: describing(brinText)},
		{ID: xlog.RmLogicalMsg, Identify: identifyMessage, Desc: descMessage},
	}
}

func errShort(kind string, n int) error {
	return pgerr.New(pgerr.DataCorrupted, "WAL record %s has a body of only %d bytes", kind, n)
}

func descShort(dst []byte) []byte { return append(dst, "(record body is too short)"...) }

func getNode(b []byte) page.RelFileNode {
	return page.RelFileNode{Spc: oid.OID(le.Uint32(b)), DB: oid.OID(le.Uint32(b[4:])), Rel: oid.OID(le.Uint32(b[8:]))}
}

func appendNode(dst []byte, n page.RelFileNode) []byte {
	dst = le.AppendUint32(dst, uint32(n.Spc))
	dst = le.AppendUint32(dst, uint32(n.DB))
	return le.AppendUint32(dst, uint32(n.Rel))
}

// OIDs of the tablespaces that every cluster has, and the folder that others
// keep PostgreSQL 15's files in.
const (
	defaultSpc = 1663
	globalSpc  = 1664
	spcVersion = "PG_15_202209061"
)

// RelPath is the path of a relation fork under the data directory (relpath).
func RelPath(n page.RelFileNode, f page.Fork) string {
	var b strings.Builder
	switch n.Spc {
	case globalSpc:
		fmt.Fprintf(&b, "global/%d", n.Rel)
	case defaultSpc:
		fmt.Fprintf(&b, "base/%d/%d", n.DB, n.Rel)
	default:
		fmt.Fprintf(&b, "pg_tblspc/%d/%s/%d/%d", n.Spc, spcVersion, n.DB, n.Rel)
	}
	if f != page.MainFork {
		b.WriteString("_" + f.String())
	}
	return b.String()
}
