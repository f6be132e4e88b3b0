package sysfuncs

import (
	"strings"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/guc"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
)

const maxConfig = 1 << 20

// fileSettings lists the entries of the configuration files; the last one of a
// name is in force.
func (s *System) fileSettings() (table, error) {
	if s.d.FS == nil {
		return nil, pgerr.NotYet("reading configuration files without a data directory")
	}
	all, err := guc.ReadFiles(s.d.FS, ".", "postgresql.conf")
	if err != nil {
		return nil, err
	}
	last := map[string]int{}
	for i, e := range all {
		last[strings.ToLower(e.Name)] = i
	}
	var t table
	for i, e := range all {
		t = append(t, []datum.Datum{datum.String(e.File), datum.Int(int64(e.Line)), datum.Int(int64(i + 1)), datum.String(e.Name), datum.String(e.Value),
			datum.Bool(last[strings.ToLower(e.Name)] == i), datum.Null()})
	}
	return t, nil
}

// hba lists the lines of pg_hba.conf.
func (s *System) hba() (table, error) {
	if s.d.FS == nil {
		return nil, pgerr.NotYet("reading pg_hba.conf without a data directory")
	}
	b, err := vfs.ReadFile(s.d.FS, "pg_hba.conf", maxConfig)
	if err != nil {
		return nil, pgerr.File(err, "open", "pg_hba.conf")
	}
	var t table
	for i, line := range strings.Split(string(b), "\n") {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) < 4 {
			continue
		}
		list := func(s string) datum.Datum { return textArray(strings.Split(strings.ReplaceAll(s, `"`, ""), ",")) }
		row := []datum.Datum{datum.Int(int64(i + 1)), datum.String(f[0]), list(f[1]), list(f[2]), datum.Null(), datum.Null(), datum.Null(), datum.Null(), datum.Null()}
		rest := f[3:]
		if f[0] != "local" && len(rest) > 1 {
			addr, bits, cidr := strings.Cut(rest[0], "/")
			row[4] = datum.String(addr)
			rest = rest[1:]
			if cidr {
				row[5] = datum.String(netmask(addr, bits))
			} else if len(rest) > 1 && strings.Trim(rest[0], "0123456789.:abcdefABCDEF") == "" {
				row[5] = datum.String(rest[0])
				rest = rest[1:]
			}
		}
		row[6] = datum.String(rest[0])
		if len(rest) > 1 {
			row[7] = textArray(rest[1:])
		}
		t = append(t, row)
	}
	return t, nil
}

// netmask writes the mask of an address range's length.
func netmask(addr, bits string) string {
	n := 0
	for _, c := range bits {
		if c < '0' || c > '9' || n > 128 {
			return bits
		}
		n = n*10 + int(c-'0')
	}
	if !strings.Contains(addr, ":") {
		var part []string
		for i := range 4 {
			k := min(max(n-8*i, 0), 8)
			part = append(part, itoa(int64(0xff<<(8-k)&0xff)))
		}
		return strings.Join(part, ".")
	}
	if n == 0 {
		return "::"
	}
	var part []string
	for i := range 8 {
		k := min(max(n-16*i, 0), 16)
		if k == 0 {
			break
		}
		const hex = "0123456789abcdef"
		v := 0xffff << (16 - k) & 0xffff
		part = append(part, string([]byte{hex[v>>12], hex[v>>8&15], hex[v>>4&15], hex[v&15]}))
	}
	out := strings.Join(part, ":")
	if len(part) < 8 {
		out += "::"
	}
	return out
}
