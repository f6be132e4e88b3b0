// Package osmem maps memory that the garbage collector never scans. It is the
// only package that may import unsafe or map memory; internal/lint holds that.
package osmem

import "fmt"

// Arena is one run of zeroed memory, cut into blocks of the same size.
type Arena struct {
	mem  []byte
	size int
}

// New maps count blocks of size bytes.
func New(count, size int) (*Arena, error) {
	if count < 1 || size < 1 || count > (1<<47)/size {
		return nil, fmt.Errorf("map %d blocks of %d bytes: out of range", count, size)
	}
	mem, err := mapMemory(count * size)
	if err != nil {
		return nil, fmt.Errorf("map %d bytes: %w", count*size, err)
	}
	return &Arena{mem, size}, nil
}

// Block returns block i. The capacity is clamped: an append cannot reach the
// next block.
func (a *Arena) Block(i int) []byte {
	return a.mem[i*a.size : (i+1)*a.size : (i+1)*a.size]
}

// Close unmaps the arena. Any later use of a block is a fault.
func (a *Arena) Close() error {
	mem := a.mem
	a.mem = nil
	if mem == nil {
		return nil
	}
	return unmapMemory(mem)
}
