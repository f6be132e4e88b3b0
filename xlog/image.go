package xlog

import (
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/pgmini/pgmini/internal/pglz"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
)

// Compression is wal_compression: how full-page images are stored.
type Compression uint8

// The methods.
const (
	NoCompression Compression = iota
	PGLZ
	LZ4
	ZSTD
)

// String is the method's name as pg_waldump prints it.
func (c Compression) String() string {
	switch c {
	case PGLZ:
		return "pglz"
	case LZ4:
		return "lz4"
	case ZSTD:
		return "zstd"
	}
	return "off"
}

// Method is how b's image is compressed. ok is false for bits that PostgreSQL 15
// does not know.
func (b *DecodedBlock) Method() (c Compression, ok bool) {
	switch b.ImageInfo & imageCompressed {
	case 0:
		return NoCompression, true
	case imagePGLZ:
		return PGLZ, true
	case imageLZ4:
		return LZ4, true
	case imageZSTD:
		return ZSTD, true
	}
	return NoCompression, false
}

// encoders compress images: the state of one Record.
type encoders struct {
	pglz   *pglz.Compressor
	lz4    *lz4.Compressor
	zstd   *zstd.Encoder
	packed [page.Size]byte // a page without its hole
}

// compress appends the compressed form of src to dst. It reports false if that
// is not shorter than src by more than extra bytes.
func (e *encoders) compress(dst, src []byte, how Compression, extra int) ([]byte, uint8, bool) {
	var info uint8
	switch how {
	case PGLZ:
		if e.pglz == nil {
			e.pglz = new(pglz.Compressor)
		}
		var ok bool
		if dst, ok = e.pglz.Compress(dst, src, pglz.Default()); !ok {
			return dst, 0, false
		}
		info = imagePGLZ
	case LZ4:
		if need := lz4.CompressBlockBound(len(src)); cap(dst) < need {
			dst = make([]byte, need)
		}
		if e.lz4 == nil {
			e.lz4 = new(lz4.Compressor)
		}
		n, err := e.lz4.CompressBlock(src, dst[:cap(dst)])
		if err != nil || n == 0 {
			return dst[:0], 0, false
		}
		dst, info = dst[:n], imageLZ4
	case ZSTD:
		if e.zstd == nil {
			z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderCRC(false))
			if err != nil {
				return dst, 0, false
			}
			e.zstd = z
		}
		dst, info = e.zstd.EncodeAll(src, dst[:0]), imageZSTD
	}
	return dst, info, len(dst)+extra < len(src)
}

// decoders hold what decompression needs again and again. A Reader and the
// records cloned from it share one.
type decoders struct {
	once sync.Once
	zstd *zstd.Decoder
	err  error
}

func (d *decoders) decompressZSTD(dst, src []byte) (int, error) {
	d.once.Do(func() {
		d.zstd, d.err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<20))
	})
	if d.err != nil {
		return 0, d.err
	}
	out, err := d.zstd.DecodeAll(src, dst[:0:len(dst)])
	if len(out) > len(dst) {
		return 0, zstd.ErrDecoderSizeExceeded
	}
	if len(out) > 0 && &out[0] != &dst[0] {
		copy(dst, out)
	}
	return len(out), err
}

// RestoreImage writes the image of block id into dst (RestoreBlockImage).
func (d *Decoded) RestoreImage(id uint8, dst page.Page) error {
	b := d.Block(id)
	if b == nil {
		return d.imageError("could not restore image at %s with invalid block %d specified", id)
	}
	if !b.HasImage {
		return d.imageError("could not restore image at %s with invalid state, block %d", id)
	}
	how, ok := b.Method()
	if !ok {
		return d.imageError("could not restore image at %s compressed with unknown method, block %d", id)
	}
	off, hole := int(b.HoleOffset), int(b.HoleLength)
	want := page.Size - hole
	if off > want {
		return d.imageError("could not restore image at %s with invalid state, block %d", id)
	}
	packed := dst[hole:]
	n, err := len(b.Image), error(nil)
	switch how {
	case NoCompression:
		copy(packed, b.Image)
	case PGLZ:
		n, err = pglz.Decompress(packed, b.Image, true)
	case LZ4:
		n, err = lz4.UncompressBlock(b.Image, packed)
	case ZSTD:
		if d.codec == nil {
			d.codec = new(decoders)
		}
		n, err = d.codec.decompressZSTD(packed, b.Image)
	}
	if err != nil || n != want {
		return d.imageError("could not decompress image at %s, block %d", id)
	}
	copy(dst[:off], packed) // the front moves down over the hole
	clear(dst[off : off+hole])
	return nil
}

func (d *Decoded) imageError(format string, id uint8) error {
	return pgerr.New(pgerr.InternalError, "%s", fmt.Sprintf(format, d.Start, id))
}
