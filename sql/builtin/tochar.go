package builtin

func addToChar(r funcs) {}
