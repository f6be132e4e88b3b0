package xlog

// DecodeFPWChange reads the body of FPW_CHANGE: full_page_writes from here on.
func DecodeFPWChange(b []byte) (bool, error) {
	if len(b) < 1 {
		return false, errShortBody("FPW_CHANGE", len(b))
	}
	return b[0] != 0, nil
}

func descFPWChange(dst []byte, d *Decoded) []byte {
	on, err := DecodeFPWChange(d.Main)
	switch {
	case err != nil:
		return descShort(dst)
	case on:
		return append(dst, "true"...)
	}
	return append(dst, "false"...)
}
