package types

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/pgmini/pgmini/pgerr"
)

// SetZone is the form of a TimeZone setting that SHOW prints: a zone's name, a
// number of hours east, or INTERVAL 'text'. An error without a message means an
// invalid value, with its detail.
func SetZone(v string) (string, error) {
	bad := func(detail string) (string, error) {
		return "", &pgerr.Error{Code: pgerr.InvalidParameterValue, Detail: detail}
	}
	if len(v) >= 8 && strings.EqualFold(v[:8], "interval") {
		text := strings.TrimLeft(v[8:], " \t\n\r\f\v")
		end := strings.LastIndexByte(text, '\'')
		if end < 1 || text[0] != '\'' || strings.IndexByte(text[1:end], '\'') >= 0 {
			return bad("")
		}
		d, err := intervalIn(NewEnv(), []byte(text[1:end]), 0, -1)
		if err != nil {
			return "", err
		}
		switch s := ParseSpan(d.Bytes); {
		case s.Months != 0:
			return bad("Cannot specify months in time zone interval.")
		case s.Days != 0:
			return bad("Cannot specify days in time zone interval.")
		default:
			return offsetZone(s.Micros / usecsPerSec), nil
		}
	}
	if h, err := strconv.ParseFloat(v, 64); err == nil && !math.IsNaN(h) && !math.IsInf(h, 0) {
		if math.Abs(h) >= 168 {
			return bad("UTC timezone offset is out of range.")
		}
		return offsetZone(int64(h * 3600)), nil
	}
	l, ok := FindZone(v)
	if !ok {
		return bad("")
	}
	if n := l.String(); n != "" && n != "Local" && strings.EqualFold(n, v) {
		return n, nil
	}
	return v, nil
}

// offsetZone is the POSIX form of a zone that is so many seconds east of UTC; its
// offset counts to the west.
func offsetZone(east int64) string {
	there, back := "+", "-"
	if east < 0 {
		there, back, east = back, there, -east
	}
	t := fmt.Sprintf("%02d", east/3600)
	if east%3600 != 0 {
		t += fmt.Sprintf(":%02d", east%3600/60)
		if east%60 != 0 {
			t += fmt.Sprintf(":%02d", east%60)
		}
	}
	return "<" + there + t + ">" + back + t
}
