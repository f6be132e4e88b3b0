package builtin

func addDateFields(r funcs) {}
func addToChar(r funcs)     {}
