package guc

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/pgmini/pgmini/pgerr"
)

// factor is a unit as a multiple of the family's smallest.
type factor struct {
	name string
	n    float64
}

// Units from the largest, in bytes and microseconds. constant
var (
	memoryUnits = [...]factor{{"TB", 1 << 40}, {"GB", 1 << 30}, {"MB", 1 << 20}, {"kB", 1 << 10}, {"B", 1}}
	timeUnits   = [...]factor{{"d", 86400e6}, {"h", 3600e6}, {"min", 60e6}, {"s", 1e6}, {"ms", 1e3}, {"us", 1}}
)

// units is the family of a base unit and the base unit's size in it.
func (s *Setting) units() (family []factor, base float64) {
	switch s.Unit {
	case "":
		return nil, 1
	case "8kB":
		return memoryUnits[:], 8192
	case "us", "ms", "s", "min":
		family = timeUnits[:]
	default:
		family = memoryUnits[:]
	}
	for _, f := range family {
		if f.name == s.Unit {
			return family, f.n
		}
	}
	return family, 1
}

func (s *Setting) unitHint() string {
	if family, _ := s.units(); len(family) == len(memoryUnits) {
		return `Valid units for this parameter are "B", "kB", "MB", "GB", and "TB".`
	}
	return `Valid units for this parameter are "us", "ms", "s", "min", "h", and "d".`
}

func (s *Setting) invalid(text string) *pgerr.Error {
	return pgerr.New(pgerr.InvalidParameterValue, "invalid value for parameter %q: %s", s.Name, quote(text))
}

// quote puts text in double quotes as messages do: nothing is escaped.
func quote(text string) string { return `"` + text + `"` }

// Parse checks text and turns it into a value.
func (s *Setting) Parse(text string) (Value, error) {
	switch s.Kind {
	case Bool:
		b, ok := ParseBool(text)
		if !ok {
			return Value{}, pgerr.New(pgerr.InvalidParameterValue, "parameter %q requires a Boolean value", s.Name)
		}
		if b {
			return Value{Int: 1}, nil
		}
		return Value{}, nil
	case Int:
		return s.parseInt(text)
	case Real:
		return s.parseReal(text)
	case Enum:
		return s.parseEnum(text)
	}
	if f, ok := canonical[s.Name]; ok {
		c, err := f(s, text)
		return Value{Str: c}, err
	}
	return Value{Str: text}, nil
}

// ParseBool reads a boolean: on, off, and unambiguous prefixes of true, false,
// yes, no, in any case, 1 and 0.
func ParseBool(text string) (value, ok bool) {
	t := strings.ToLower(text)
	switch {
	case t == "":
		return false, false
	case t == "on" || t == "1" || strings.HasPrefix("true", t) || strings.HasPrefix("yes", t):
		return true, true
	case t == "of" || t == "off" || t == "0" || strings.HasPrefix("false", t) || strings.HasPrefix("no", t):
		return false, true
	}
	return false, false
}

// number splits text into a number and a unit.
func number(text string) (v float64, unit string, ok bool) {
	t := strings.TrimSpace(text)
	end := 0
	hex := len(t) > 2 && (strings.HasPrefix(strings.TrimLeft(t, "+-"), "0x") || strings.HasPrefix(strings.TrimLeft(t, "+-"), "0X"))
	for end < len(t) {
		c := t[end]
		isExp := !hex && (c == 'e' || c == 'E') && end+1 < len(t) && (t[end+1] == '-' || t[end+1] == '+' || t[end+1] >= '0' && t[end+1] <= '9')
		switch {
		case c >= '0' && c <= '9', c == '.', end == 0 && (c == '-' || c == '+'), hex && (strings.IndexByte("xXabcdefABCDEF", c) >= 0):
		case isExp:
			end++
		default:
			goto done
		}
		end++
	}
done:
	num, rest := t[:end], strings.TrimSpace(t[end:])
	if i, err := strconv.ParseInt(num, 0, 64); err == nil && !strings.ContainsAny(num, "_oObB") || err == nil && hex {
		return float64(i), rest, true
	}
	f, err := strconv.ParseFloat(num, 64)
	if err != nil || math.IsNaN(f) {
		return 0, "", false
	}
	return f, rest, true
}

// scaled reads a number with a unit in base units.
func (s *Setting) scaled(text string) (float64, error) {
	v, unit, ok := number(text)
	if !ok {
		return 0, s.invalid(text)
	}
	if unit == "" {
		return v, nil
	}
	family, base := s.units()
	for _, f := range family {
		if f.name == unit {
			return v * f.n / base, nil
		}
	}
	if family == nil {
		return 0, s.invalid(text)
	}
	return 0, s.invalid(text).WithHint("%s", s.unitHint())
}

func (s *Setting) parseInt(text string) (Value, error) {
	v, err := s.scaled(text)
	if err != nil {
		return Value{}, err
	}
	v = math.RoundToEven(v)
	if v > math.MaxInt32 || v < math.MinInt32 {
		return Value{}, s.invalid(text).WithHint("Value exceeds integer range.")
	}
	if v < s.Min || v > s.Max {
		return Value{}, pgerr.New(pgerr.InvalidParameterValue, "%d%s is outside the valid range for parameter %q (%d .. %d)",
			int64(v), s.spacedUnit(), s.Name, int64(s.Min), int64(s.Max))
	}
	return Value{Int: int64(v)}, nil
}

func (s *Setting) spacedUnit() string {
	if s.Unit == "" {
		return ""
	}
	return " " + s.Unit
}

func (s *Setting) parseReal(text string) (Value, error) {
	v, err := s.scaled(text)
	if err != nil {
		return Value{}, err
	}
	if v < s.Min || v > s.Max {
		return Value{}, pgerr.New(pgerr.InvalidParameterValue, "%s%s is outside the valid range for parameter %q (%s .. %s)",
			formatG(v), s.spacedUnit(), s.Name, formatG(s.Min), formatG(s.Max))
	}
	return Value{Real: v}, nil
}

func (s *Setting) parseEnum(text string) (Value, error) {
	words := strings.Split(s.Values, ",")
	for i, w := range words {
		if strings.EqualFold(w, text) {
			return Value{Int: int64(i), Str: w}, nil
		}
	}
	if b, ok := ParseBool(text); ok && len(text) > 0 && isBoolWord(text) { // hidden synonyms of on and off
		want := "off"
		if b {
			want = "on"
		}
		for i, w := range words {
			if w == want {
				return Value{Int: int64(i), Str: w}, nil
			}
		}
	}
	return Value{}, s.invalid(text).WithHint("Available values: %s.", strings.Join(words, ", "))
}

func isBoolWord(t string) bool {
	switch strings.ToLower(t) {
	case "true", "false", "yes", "no", "1", "0":
		return true
	}
	return false
}

// formatG is C's %g: six significant digits, a two-digit exponent.
func formatG(v float64) string {
	t := strconv.FormatFloat(v, 'g', 6, 64)
	m, e, ok := strings.Cut(t, "e")
	if !ok {
		if strings.Contains(m, ".") {
			m = strings.TrimRight(strings.TrimRight(m, "0"), ".")
		}
		exp := math.Floor(math.Log10(math.Abs(v)))
		if v != 0 && exp >= -4 && exp < 6 {
			return m
		}
		return m
	}
	n, err := strconv.Atoi(e)
	if err != nil {
		return t
	}
	if n >= -4 && n < 6 {
		return strings.TrimRight(strings.TrimRight(strconv.FormatFloat(v, 'f', 5-n, 64), "0"), ".")
	}
	if strings.Contains(m, ".") {
		m = strings.TrimRight(strings.TrimRight(m, "0"), ".")
	}
	sign := "+"
	if n < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%se%s%02d", m, sign, n)
}

// Format is the value as SHOW prints it: with the largest unit that divides it.
func (s *Setting) Format(v Value) string {
	switch s.Kind {
	case Bool:
		return onOff(v)
	case Int:
		switch s.Name {
		case "unix_socket_permissions", "log_file_mode", "data_directory_mode":
			return fmt.Sprintf("%04o", v.Int)
		}
		if v.Int <= 0 || s.Unit == "" {
			return strconv.FormatInt(v.Int, 10)
		}
		family, base := s.units()
		total := float64(v.Int) * base
		for _, f := range family {
			if math.Mod(total, f.n) == 0 {
				return strconv.FormatInt(int64(total/f.n), 10) + f.name
			}
		}
	case Real:
		if v.Real <= 0 || s.Unit == "" {
			return formatG(v.Real)
		}
		family, base := s.units()
		for i, f := range family {
			n := v.Real * base / f.n
			if i == len(family)-1 || n > 0 && math.Abs(math.RoundToEven(n)/n-1) <= 1e-8 {
				return formatG(n) + f.name
			}
		}
	}
	return v.Str
}

// Raw is the value in base units without a unit: pg_settings.setting.
func (s *Setting) Raw(v Value) string {
	switch s.Kind {
	case Bool:
		return onOff(v)
	case Int:
		if s.Name == "unix_socket_permissions" || s.Name == "log_file_mode" || s.Name == "data_directory_mode" {
			return s.Format(v)
		}
		return strconv.FormatInt(v.Int, 10)
	case Real:
		return formatG(v.Real)
	}
	return v.Str
}

func onOff(v Value) string {
	if v.Int != 0 {
		return "on"
	}
	return "off"
}
