package xact

import (
	"strconv"

	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/slru"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

// The records «page of a status log becomes zeros»: CLOG and CommitTs ZEROPAGE,
// MultiXact ZERO_OFF_PAGE and ZERO_MEM_PAGE. The data is the page number, int32.

const (
	infoClogZeroPage  = 0x00
	infoClogTruncate  = 0x10
	infoStampZeroPage = 0x00
	infoStampTruncate = 0x10
)

// zeroLogged makes page zeros and logs it.
func (m *Manager) zeroLogged(c *slru.Cache, r *xlog.Record, id xlog.RmgrID, info uint8, page uint32) error {
	if err := c.Zero(page); err != nil {
		return err
	}
	if m.recovering.Load() {
		return nil
	}
	var b [4]byte
	le.PutUint32(b[:], page)
	r.Begin(id, info, xid.Invalid)
	r.Data(b[:])
	if _, err := m.opt.Log.Insert(r); err != nil {
		return m.fatal(err)
	}
	return nil
}

func decodePage(d []byte) (uint32, error) {
	if len(d) < 4 {
		return 0, pgerr.New(pgerr.DataCorrupted, "status log record of %d bytes", len(d))
	}
	return le.Uint32(d), nil
}

// redoZero replays a ZEROPAGE. The page is written at once, so that reading it
// never needs the leniency of recovery.
func redoZero(c *slru.Cache, d []byte) error {
	page, err := decodePage(d)
	if err != nil {
		return err
	}
	if err := c.Zero(page); err != nil {
		return err
	}
	return c.WritePage(page)
}

func descPage(dst []byte, d []byte) []byte {
	page, err := decodePage(d)
	if err != nil {
		return dst
	}
	return strconv.AppendInt(dst, int64(int32(page)), 10)
}
