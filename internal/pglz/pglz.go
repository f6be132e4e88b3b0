// Package pglz is PostgreSQL's own compression, which TOAST and WAL images use.
//
// The compressed bytes are groups of one control byte and eight items, the
// control bits taken from the lowest: a clear bit is a literal byte, a set bit a
// copy of 3 to 273 bytes from 1 to 4095 bytes back. A copy has two bytes (high
// nibble of the offset with the length less 3, low byte of the offset), and a
// third with the length less 18 when the nibble is 15.
//
// INV-PGLZ-1: Decompress reads within src and writes within dst, whatever src
// holds.
// Enforced: Decompress. Tested: FuzzDecompress.
package pglz

import "errors"

// ErrCorrupt says that bytes are not what Compress makes.
var ErrCorrupt = errors.New("compressed pglz data is corrupt")

const (
	minMatch   = 3
	maxMatch   = 273
	maxOffset  = 4095
	hashBits   = 12
	hashSize   = 1 << hashBits
	historyLen = 4096
	historyMsk = historyLen - 1
)

// Strategy bounds the work and says what is worth keeping (PostgreSQL:
// PGLZ_Strategy).
type Strategy struct {
	MinInput       int // shorter input is not tried
	MaxInput       int // nor longer
	MinSaving      int // percent that must be saved
	FirstSuccessBy int // give up if nothing repeated in so many bytes
	GoodMatch      int // a match of this length ends the search
	Drop           int // percent by which GoodMatch falls per candidate
}

// Default is the strategy of TOAST and of WAL images. Input that one knows to
// be worth it is compressed with Always.
func Default() Strategy {
	return Strategy{MinInput: 32, MaxInput: 1<<31 - 1, MinSaving: 25, FirstSuccessBy: 1024, GoodMatch: 128, Drop: 10}
}

// Always compresses whatever gets shorter at all.
func Always() Strategy {
	return Strategy{MinInput: 0, MaxInput: 1<<31 - 1, MinSaving: 0, FirstSuccessBy: 1<<31 - 1, GoodMatch: 128, Drop: 6}
}

// MaxOutput is the room that Compress may need for n bytes.
func MaxOutput(n int) int { return n + 4 }

// Compressor holds the tables of Compress, to be used again. The zero value is
// ready. It is for one goroutine at a time.
type Compressor struct {
	head [hashSize]int32   // 1 + latest position with this hash; 0 is none
	prev [historyLen]int32 // the same hash before that, by position mod historyLen
}

func hash(b []byte) uint32 {
	v := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16
	return v * 0x9E3779B1 >> (32 - hashBits)
}

// Compress appends the compressed form of src to dst. It reports false, and
// returns dst as it was, if the strategy finds the result not worth keeping.
func (c *Compressor) Compress(dst, src []byte, s Strategy) ([]byte, bool) {
	if s.GoodMatch <= 0 || len(src) < s.MinInput || len(src) > s.MaxInput {
		return dst, false
	}
	limit := len(src) * (100 - s.MinSaving) / 100
	if len(src) > (1<<31-1)/100 {
		limit = len(src) / 100 * (100 - s.MinSaving)
	}
	good := min(max(s.GoodMatch, 17), maxMatch)
	drop := min(max(s.Drop, 0), 100)
	clear(c.head[:])
	base := len(dst)
	out := dst
	found := false
	ctrl, bit := -1, 8
	for at := 0; at < len(src); {
		if len(out)-base >= limit || !found && len(out)-base >= s.FirstSuccessBy {
			return dst, false
		}
		if bit == 8 {
			ctrl, bit = len(out), 0
			out = append(out, 0)
		}
		n, off := c.find(src, at, good, drop)
		if n == 0 {
			out = append(out, src[at])
			n = 1
		} else {
			found = true
			out[ctrl] |= 1 << bit
			out = appendCopy(out, n, off)
		}
		bit++
		for end := at + n; at < end; at++ {
			c.enter(src, at)
		}
	}
	if len(out)-base >= limit {
		return dst, false
	}
	return out, true
}

func appendCopy(out []byte, n, off int) []byte {
	hi := byte(off >> 4 & 0xf0)
	if n > 17 {
		return append(out, hi|0x0f, byte(off), byte(n-18))
	}
	return append(out, hi|byte(n-minMatch), byte(off))
}

func (c *Compressor) enter(src []byte, at int) {
	if len(src)-at < minMatch {
		return
	}
	h := hash(src[at:])
	c.prev[at&historyMsk] = c.head[h]
	c.head[h] = int32(at + 1)
}

// find returns the longest earlier occurrence of src[at:] that the search comes
// by; a length of 0 is none.
func (c *Compressor) find(src []byte, at, good, drop int) (best, off int) {
	if len(src)-at < minMatch {
		return 0, 0
	}
	most := min(maxMatch, len(src)-at)
	for p := int(c.head[hash(src[at:])]) - 1; p >= 0 && at-p <= maxOffset; {
		if best == 0 || best < most && src[p+best] == src[at+best] {
			n := 0
			for n < most && src[p+n] == src[at+n] {
				n++
			}
			if n > best && n >= minMatch {
				best, off = n, at-p
			}
		}
		if best >= good || best == most {
			break
		}
		good -= good * drop / 100
		next := int(c.prev[p&historyMsk]) - 1
		if next >= p { // overwritten by a later position
			break
		}
		p = next
	}
	return best, off
}

// Decompress fills dst from src and reports how many bytes it wrote. With
// whole, src must end exactly where dst does; without, a prefix of dst's length
// is made and what follows in src is left.
func Decompress(dst, src []byte, whole bool) (int, error) {
	at, to := 0, 0
	for at < len(src) && to < len(dst) {
		ctrl := src[at]
		at++
		for bit := 0; bit < 8 && at < len(src) && to < len(dst); bit, ctrl = bit+1, ctrl>>1 {
			if ctrl&1 == 0 {
				dst[to] = src[at]
				at++
				to++
				continue
			}
			if at+2 > len(src) {
				return to, ErrCorrupt
			}
			n := int(src[at]&0x0f) + minMatch
			off := int(src[at]&0xf0)<<4 | int(src[at+1])
			at += 2
			if n == 18 {
				if at >= len(src) {
					return to, ErrCorrupt
				}
				n += int(src[at])
				at++
			}
			if off == 0 || off > to {
				return to, ErrCorrupt
			}
			n = min(n, len(dst)-to)
			if off >= n {
				copy(dst[to:to+n], dst[to-off:])
			} else {
				for i := range n {
					dst[to+i] = dst[to+i-off]
				}
			}
			to += n
		}
	}
	if whole && (to != len(dst) || at != len(src)) {
		return to, ErrCorrupt
	}
	return to, nil
}
