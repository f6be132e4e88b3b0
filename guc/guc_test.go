package guc

import (
	"strings"
	"testing"

	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/pgerr"
)

// TestParseLikeStock sets and shows the same on both sides.
func TestParseLikeStock(t *testing.T) {
	pg := oracle.Find(t)
	c := pg.Initdb(t, "--locale=C", "-E", "UTF8")
	c.Start()
	defer c.Stop()
	for _, v := range [][2]string{
		{"work_mem", "1x"}, {"work_mem", "1 kB"}, {"work_mem", "1.5"}, {"work_mem", "99999999999GB"}, {"work_mem", "65"},
		{"work_mem", "1024"}, {"work_mem", "1.5 MB"}, {"work_mem", "0x400"}, {"work_mem", "010000"}, {"work_mem", " 2GB "}, {"work_mem", "1e3"},
		{"work_mem", "1e3kB"}, {"work_mem", ""}, {"work_mem", "70000B"}, {"work_mem", "mb"}, {"work_mem", "1mB"},
		{"enable_seqscan", "maybe"}, {"enable_seqscan", "of"}, {"enable_seqscan", "tr"}, {"enable_seqscan", "o"}, {"enable_seqscan", "N"},
		{"client_min_messages", "foo"}, {"client_min_messages", "DEBUG1"}, {"synchronous_commit", "yes"}, {"synchronous_commit", "0"},
		{"statement_timeout", "1.5min"}, {"statement_timeout", "90s"}, {"statement_timeout", "2d"}, {"statement_timeout", "1500us"}, {"statement_timeout", "1x"},
		{"seq_page_cost", "a"}, {"seq_page_cost", "-1"}, {"seq_page_cost", "1.5"}, {"seq_page_cost", "123456789"}, {"seq_page_cost", "0.0000001"},
		{"seq_page_cost", "100000"}, {"seq_page_cost", "1000000"}, {"seq_page_cost", "0.1234567"}, {"seq_page_cost", "1kB"},
		{"vacuum_cost_delay", "0.5ms"}, {"vacuum_cost_delay", "999"}, {"vacuum_cost_delay", "20ms"}, {"vacuum_cost_delay", "1.25"},
		{"DateStyle", "german"}, {"DateStyle", "sql, dmy"}, {"DateStyle", "ISO, YMD"}, {"DateStyle", "iso,mdy"},
		{"effective_cache_size", "1GB"}, {"effective_cache_size", "3"}, {"temp_buffers", "100"}, {"temp_buffers", "50"},
		{"transaction_isolation", "foo"}, {"block_size", "1"}, {"port", "5"}, {"fsync", "off"}, {"log_connections", "off"}, {"nope", "1"},
		{"a.b", "x"}, {"geqo_seed", "0.5"}, {"extra_float_digits", "-15"}, {"extra_float_digits", "4"}, {"client_encoding", "utf-8"},
		{"lock_timeout", "-1"}, {"default_statistics_target", "10001"}, {"commit_delay", "5"},
	} {
		want, err := c.TryPsql("postgres", "SET "+v[0]+" = '"+v[1]+"'; SHOW "+v[0])
		if i := strings.Index(want, "ERROR:"); err != nil || i >= 0 {
			if i < 0 {
				i = strings.Index(err.Error(), "ERROR:")
				want = err.Error()
			}
			want = strings.Join(strings.Fields(want[i:]), " ")
		} else {
			want = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(want), "SET"))
		}
		s := NewSession(New(Options{}))
		s.Super = true
		s.Started()
		got := ""
		if err := s.Set(v[0], v[1], SourceSession, false); err != nil {
			e, _ := pgerr.As(err)
			got = "ERROR: " + e.Msg
			if e.Detail != "" {
				got += " DETAIL: " + e.Detail
			}
			if e.Hint != "" {
				got += " HINT: " + e.Hint
			}
		} else if got, err = s.Show(v[0]); err != nil {
			t.Fatal(err)
		}
		if strings.Join(strings.Fields(got), " ") != want {
			t.Errorf("%s = %q: got %q, want %q", v[0], v[1], got, want)
		}
	}
	compareAll(t, c)
}

// compareAll compares SHOW of every boot value whose stock value is not computed.
func compareAll(t *testing.T, c *oracle.Cluster) {
	s := NewSession(New(Options{}))
	out := c.Psql("SELECT name, current_setting(name) FROM pg_settings WHERE source = 'default' AND setting = boot_val AND NOT 'RUNTIME_COMPUTED' = ANY(pg_settings_get_flags(name))")
	n := 0
	for line := range strings.SplitSeq(strings.TrimSpace(out), "\n") {
		name, want, ok := strings.Cut(line, "|")
		if !ok || strings.HasPrefix(name, "server_version") { // each server has its own
			continue
		}
		got, err := s.Show(strings.TrimSpace(name))
		if err != nil || strings.TrimSpace(got) != strings.TrimSpace(want) {
			t.Errorf("%s: %q %v, want %q", name, got, err, want)
		}
		n++
	}
	if n < 250 {
		t.Errorf("only %d settings compared: %s", n, out)
	}
}

func TestTransactions(t *testing.T) {
	s := NewSession(New(Options{}))
	show := func(want string) {
		t.Helper()
		if got, _ := s.Show("work_mem"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	set := func(v string, local bool) {
		t.Helper()
		if err := s.Set("work_mem", v, SourceSession, local); err != nil {
			t.Fatal(err)
		}
	}
	set("1MB", true) // no transaction: no effect
	show("4MB")
	s.Begin()
	set("1MB", true)
	show("1MB")
	s.Begin()
	set("2MB", false)
	set("3MB", true)
	show("3MB")
	s.Commit()
	show("3MB")
	s.Commit()
	show("2MB")
	s.Begin()
	set("5MB", false)
	s.Begin()
	set("6MB", false)
	s.Abort()
	show("5MB")
	s.Abort()
	show("2MB")
	if err := s.Reset("work_mem", false); err != nil {
		t.Fatal(err)
	}
	show("4MB")
}

func TestReports(t *testing.T) {
	s := NewSession(New(Options{}))
	s.Begin()
	if err := s.Set("application_name", "x", SourceSession, false); err != nil {
		t.Fatal(err)
	}
	if r := s.TakeReports(); len(r) != 1 || r[0] != ApplicationName {
		t.Errorf("%v", r)
	}
	s.Abort()
	if r := s.TakeReports(); len(r) != 1 {
		t.Errorf("after abort: %v", r)
	}
}

func TestFile(t *testing.T) {
	e, err := ParseFile("f", "# c\nport = 5433 # x\nwork_mem 4MB\nsearch_path='a, \"b\"'\nlog_line_prefix = 'it''s\\n'\nempty=''\n\n")
	if err != nil || len(e) != 5 {
		t.Fatal(err, e)
	}
	if e[0].Value != "5433" || e[1].Value != "4MB" || e[2].Value != `a, "b"` || e[3].Value != "it's\n" || e[4].Value != "" {
		t.Errorf("%v", e)
	}
	for _, bad := range []string{"port", "port = 'x", "= 5", "port = 5 6", "1x = 3"} {
		if _, err := ParseFile("f", bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func FuzzParseFile(f *testing.F) {
	f.Add("port = 5433\nx='\\7'")
	f.Fuzz(func(t *testing.T, s string) {
		if e, err := ParseFile("f", s); err == nil {
			for _, x := range e {
				if id, ok := Find(x.Name); ok {
					if v, err := Get(id).Parse(x.Value); err == nil {
						Get(id).Format(v)
					}
				}
			}
		}
	})
}
