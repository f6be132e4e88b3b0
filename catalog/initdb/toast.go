package initdb

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
)

// Limits of a row's values (PostgreSQL: TOAST_TUPLE_TARGET less the rest of the
// row, TOAST_MAX_CHUNK_SIZE).
const (
	longValue  = 1800
	toastChunk = 1996
)

// toast compresses the long values of a catalog and moves what stays long into
// its TOAST table.
func (b *builder) toast(rel oid.OID) error {
	cat, _ := rows.FindCatalog(rel)
	desc := b.desc[rel]
	b.raw[rel] = make([][][]byte, len(b.data.Rows[rel]))
	for i, row := range b.data.Rows[rel] {
		for k, v := range row {
			if v.Null || len(v.Bytes) <= longValue || desc.Attrs[k].Len != -1 {
				continue
			}
			stored, err := b.shrink(cat, v.Bytes)
			if err != nil {
				return err
			}
			if b.raw[rel][i] == nil {
				b.raw[rel][i] = make([][]byte, len(row))
			}
			b.raw[rel][i][k] = stored
		}
	}
	return nil
}

// shrink is the stored form of a long value.
func (b *builder) shrink(cat *rows.Catalog, payload []byte) ([]byte, error) {
	comp, ok, err := access.Compress(payload, 'p')
	if err != nil {
		return nil, err
	}
	if ok && len(comp) <= longValue {
		return comp, nil
	}
	ext := access.External{RawSize: int32(len(payload) + 4), ValueID: b.nextID, RelID: cat.Toast}
	b.nextID++
	data := payload
	if ok {
		data = comp[4:] // with va_tcinfo
		ext.Method = access.Method(comp)
	}
	ext.ExtSize = uint32(len(data))
	for seq := int64(0); len(data) > 0; seq++ {
		n := min(len(data), toastChunk)
		chunk := []datum.Datum{datum.Int(int64(ext.ValueID)), datum.Int(seq), datum.Bytes(data[:n])}
		b.data.Rows[cat.Toast] = append(b.data.Rows[cat.Toast], chunk)
		data = data[n:]
	}
	return access.PutExternal(ext), nil
}
