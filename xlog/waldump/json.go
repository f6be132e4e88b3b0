package waldump

import (
	"encoding/json"

	"github.com/pgmini/pgmini/xlog"
)

// jsonRecord is a record as --json prints it, one per line.
type jsonRecord struct {
	LSN    string      `json:"lsn"`
	End    string      `json:"end"`
	Prev   string      `json:"prev"`
	Rmgr   string      `json:"rmgr"`
	Record string      `json:"record"`
	XID    uint32      `json:"xid"`
	TopXID uint32      `json:"top_xid,omitempty"`
	Origin uint16      `json:"origin,omitempty"`
	Len    uint32      `json:"len"`
	TotLen uint32      `json:"tot_len"`
	FPILen uint32      `json:"fpi_len"`
	Desc   string      `json:"desc"`
	Blocks []jsonBlock `json:"blocks,omitempty"`
}

type jsonBlock struct {
	ID    int        `json:"id"`
	Rel   string     `json:"rel"`
	Fork  string     `json:"fork"`
	Block uint32     `json:"block"`
	Image *jsonImage `json:"image,omitempty"`
	Data  int        `json:"data_len"`
	Init  bool       `json:"will_init,omitempty"`
}

type jsonImage struct {
	Len        int    `json:"len"`
	HoleOffset uint16 `json:"hole_offset"`
	HoleLength uint16 `json:"hole_length"`
	Method     string `json:"compression"`
	Apply      bool   `json:"apply"`
}

func (d *dumper) printJSON(rec *xlog.Decoded) {
	name := d.name(rec.Rmgr, rec.Info)
	images := rec.ImageSize()
	j := jsonRecord{LSN: rec.Start.String(), End: rec.End.String(), Prev: rec.Prev.String(),
		Rmgr: rec.Rmgr.String(), Record: name, XID: uint32(rec.XID), TopXID: uint32(rec.TopXID), Origin: rec.Origin,
		Len: rec.TotalLen - images, TotLen: rec.TotalLen, FPILen: images, Desc: string(d.desc(nil, rec))}
	for i := range rec.Blocks {
		b := &rec.Blocks[i]
		if !b.InUse {
			continue
		}
		k := jsonBlock{ID: i, Rel: b.Tag.Rel.String(), Fork: b.Tag.Fork.String(), Block: uint32(b.Tag.Block),
			Data: len(b.Data), Init: b.WillInit}
		if b.HasImage {
			how, _ := b.Method()
			k.Image = &jsonImage{len(b.Image), b.HoleOffset, b.HoleLength, how.String(), b.ApplyImage}
		}
		j.Blocks = append(j.Blocks, k)
	}
	line, err := json.Marshal(j)
	if err != nil {
		panic(err) // plain strings and numbers
	}
	d.out.Write(append(line, '\n'))
}
