package access

import (
	"sync"

	"github.com/pgmini/pgmini/page"
)

// VacuumCycles numbers the running vacuums of btrees: a page that splits meanwhile
// is marked with the number, so that the vacuum sees that items may have moved to
// a place it has passed (PostgreSQL: BTVacInfo). The zero value is ready.
type VacuumCycles struct {
	mu struct {
		sync.RWMutex
		last    uint16
		running map[page.RelFileNode]uint16
	}
}

// maxCycle is MAX_BT_CYCLE_ID: larger numbers tell other kinds of pages.
const maxCycle = 0xFF7F

// Start begins a vacuum of rel and returns its number, which is not 0. seed
// decides the server's first one, so that numbers that a crash left in pages are
// unlikely to be met again.
func (c *VacuumCycles) Start(rel page.RelFileNode, seed uint16) uint16 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.running == nil {
		c.mu.running = map[page.RelFileNode]uint16{}
		c.mu.last = seed
	}
	c.mu.last++
	if c.mu.last == 0 || c.mu.last > maxCycle {
		c.mu.last = 1
	}
	c.mu.running[rel] = c.mu.last
	return c.mu.last
}

// End ends the vacuum of rel.
func (c *VacuumCycles) End(rel page.RelFileNode) {
	c.mu.Lock()
	delete(c.mu.running, rel)
	c.mu.Unlock()
}

// Running is the number of the vacuum of rel, or 0.
func (c *VacuumCycles) Running(rel page.RelFileNode) uint16 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.mu.running[rel]
}
