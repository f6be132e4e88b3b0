package page

// The checksum is PostgreSQL's: 32 FNV-1a-like lanes over the page, two rounds
// of zeros, folded with the block number (storage/checksum_impl.h gives the
// constants). It detects a page that was torn or stored at the wrong block.

const fnvPrime = 16777619

// laneStart are the 32 initial values. constant
var laneStart = [32]uint32{
	0x5B1F36E9, 0xB8525960, 0x02AB50AA, 0x1DE66D2A,
	0x79FF467A, 0x9BB9F8A3, 0x217E7CD2, 0x83E13D2C,
	0xF8D4474F, 0xE39EB970, 0x42C6AE16, 0x993216FA,
	0x7B093B5D, 0x98DAFF3C, 0xF718902A, 0x0B1C9CDB,
	0xE58F764B, 0x187636BC, 0x5D7B3BB1, 0xE73DE7DE,
	0x92BEC979, 0xCCA6C0B2, 0x304A0979, 0x85AA43D4,
	0x783125BB, 0x6CA8EAA2, 0xE407EAC6, 0x4B5CFC3E,
	0x9FBF8C76, 0x15CA20BE, 0xF2CA9FD3, 0x959BD756,
}

// ComputeChecksum is the checksum that p must carry as block blk of its fork. The
// stored checksum does not take part. It is never 0.
func ComputeChecksum(p Page, blk BlockNumber) uint16 {
	sum := laneStart
	_ = p[Size-1]
	for row := 0; row < Size; row += 128 {
		r := p[row : row+128 : row+128]
		for i := range sum {
			v := le.Uint32(r[i*4:])
			if row == 0 && i == offChecksum/4 {
				v &= 0xFFFF0000 // pd_checksum counts as zero
			}
			t := sum[i] ^ v
			sum[i] = t*fnvPrime ^ t>>17
		}
	}
	for range 2 {
		for i := range sum {
			t := sum[i]
			sum[i] = t*fnvPrime ^ t>>17
		}
	}
	var folded uint32
	for _, s := range sum {
		folded ^= s
	}
	folded ^= uint32(blk)
	return uint16(folded%65535 + 1)
}
