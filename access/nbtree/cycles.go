package nbtree

// cycleID is the number of the vacuum that runs on the index, or 0.
func (e *env) cycleID() uint16 { return 0 }
