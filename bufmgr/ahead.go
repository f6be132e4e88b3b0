package bufmgr

// Hand is the clock hand's place: how many frames it has passed since the start,
// and how many pages were given frames (PostgreSQL: StrategySyncStart).
func (p *Pool) Hand() (passed uint64, allocs int64) {
	return p.hand.Load(), p.Stats.Allocs.Load()
}

// CleanAhead looks at the frame that the hand reaches when it has passed at
// frames. reusable says that the sweep could take it now; if it is also dirty it
// is written (PostgreSQL: SyncOneBuffer, skipping recently used ones).
func (p *Pool) CleanAhead(at uint64) (reusable, wrote bool, err error) {
	i := int32(at % uint64(len(p.frames)))
	s := p.frames[i].state.Load()
	if s&hasTag == 0 {
		return true, false, nil
	}
	if s&pinMask != 0 || s&usageAll != 0 {
		return false, false, nil
	}
	if s&isDirty == 0 {
		return true, false, nil
	}
	wrote, err = p.flushFrame(i, isDirty)
	return true, wrote, err
}
