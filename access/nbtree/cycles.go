package nbtree

// cycleID is the number of the vacuum that runs on the index, or 0.
func (e *env) cycleID() uint16 {
	if e.idx.Sys == nil {
		return 0
	}
	return e.idx.Sys.BtreeVacuums.Running(e.idx.Node)
}
