package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgproto3/v2"
)

func since(t time.Time) float64 { return float64(time.Since(t).Microseconds()) / 1000 }

// initdb times making a directory.
func (b *bench) initdb(s *server) (float64, error) {
	s.stop()
	t := time.Now()
	err := s.newData()
	return since(t), err
}

// directories makes those that no measurement of initdb has made.
func (b *bench) directories() error {
	for _, s := range []*server{b.stock, b.ours} {
		if s.version == 0 {
			if err := s.newData(); err != nil {
				return err
			}
		}
	}
	return nil
}

// start times a server from its start until psql has an answer.
func (b *bench) start(s *server) (float64, error) {
	s.stop()
	t := time.Now()
	err := s.start()
	return since(t), err
}

var tps = regexp.MustCompile(`tps = ([0-9.]+) \((?:without|including)`) // constant

// pgbench measures a script after the tables were made; only one server runs.
func (b *bench) pgbench(args ...string) func(*server) (float64, error) {
	return func(s *server) (float64, error) {
		b.other(s).stop()
		if err := s.start(); err != nil {
			return 0, err
		}
		tool := filepath.Join(s.bin, "pgbench")
		if !s.loaded {
			if out, err := s.command(tool, "-i", "-q", "-s", strconv.Itoa(b.scale)).CombinedOutput(); err != nil {
				return 0, fmt.Errorf("pgbench -i: %w\n%s", err, out)
			}
			s.loaded = true
		}
		if _, err := s.sql("checkpoint; select sum(abalance) from pgbench_accounts"); err != nil {
			return 0, err
		}
		cmd := s.command(append([]string{tool, "-n", "-c", "8", "-j", "2", "-T", strconv.Itoa(b.seconds)}, args...)...)
		out, err := cmd.CombinedOutput()
		m := tps.FindSubmatch(out)
		if err != nil || m == nil {
			return 0, fmt.Errorf("pgbench: %v\n%s", err, out)
		}
		return strconv.ParseFloat(string(m[1]), 64)
	}
}

func (b *bench) other(s *server) *server {
	if s == b.stock {
		return b.ours
	}
	return b.stock
}

// copyFrom times COPY FROM of pgbench's rows into a new table without an index.
func (b *bench) copyFrom(s *server) (float64, error) {
	b.other(s).stop()
	if err := s.start(); err != nil {
		return 0, err
	}
	path := b.file("accounts")
	if _, err := os.Stat(path); err != nil {
		if err := writeRows(path, b.rows); err != nil {
			return 0, err
		}
	}
	if _, err := s.sql("drop table if exists c; create table c (aid int not null, bid int, abalance int, filler char(84)) with (fillfactor = 100); checkpoint"); err != nil {
		return 0, err
	}
	t := time.Now()
	_, err := s.sql("copy c from '" + path + "'")
	took := since(t)
	if err != nil {
		return 0, err
	}
	n, err := s.sql("select count(*) from c; drop table c; checkpoint")
	if err == nil && n != strconv.Itoa(b.rows) {
		err = fmt.Errorf("%s rows", n)
	}
	return took, err
}

func writeRows(path string, n int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	for i := range n {
		fmt.Fprintf(w, "%d\t%d\t0\t\n", i+1, i/100000+1)
	}
	return w.Flush()
}

// idle measures what a session costs that has answered one query: the growth of
// the private memory of the server's processes, over 500 sessions.
func (b *bench) idle(s *server) (float64, error) {
	const n = 500
	b.other(s).stop()
	s.stop()
	if err := s.start(); err != nil {
		return 0, err
	}
	time.Sleep(200 * time.Millisecond)
	before, err := memory(s.cmd.Process.Pid)
	if err != nil {
		return 0, err
	}
	leave, err := s.sessions(n)
	defer leave()
	if err != nil {
		return 0, err
	}
	time.Sleep(time.Second)
	after, err := memory(s.cmd.Process.Pid)
	return (after - before) / n, err
}

// idleCPU measures the processor time that a server with 1000 idle sessions takes,
// in milliseconds per second.
func (b *bench) idleCPU(s *server) (float64, error) {
	b.other(s).stop()
	s.stop()
	if err := s.start(); err != nil {
		return 0, err
	}
	leave, err := s.sessions(1000)
	defer leave()
	if err != nil {
		return 0, err
	}
	time.Sleep(2 * time.Second)
	before, err := cpuTime(s.cmd.Process.Pid)
	if err != nil {
		return 0, err
	}
	const span = 10
	time.Sleep(span * time.Second)
	after, err := cpuTime(s.cmd.Process.Pid)
	return (after - before) / span, err
}

// cpuTime is the time that a process and its children used, in milliseconds.
func cpuTime(pid int) (float64, error) {
	kids, err := children(pid)
	if err != nil {
		return 0, err
	}
	total := 0.0
	for _, p := range append(kids, pid) {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p))
		if err != nil {
			continue // it ended
		}
		_, rest, _ := strings.Cut(string(b), ") ")
		f := strings.Fields(rest)
		if len(f) < 13 {
			return 0, fmt.Errorf("/proc/%d/stat: %q", p, b)
		}
		for _, v := range f[11:13] { // utime and stime, in ticks of 10 ms
			n, err := strconv.ParseFloat(v, 64)
			if err != nil {
				return 0, err
			}
			total += 10 * n
		}
	}
	return total, nil
}

// sessions opens n sessions; leave ends them.
func (s *server) sessions(n int) (leave func(), err error) {
	var conns []net.Conn
	leave = func() {
		for _, c := range conns {
			c.Close()
		}
	}
	for range n {
		c, err := session(filepath.Join(s.dir, ".s.PGSQL."+strconv.Itoa(s.port)))
		if err != nil {
			return leave, err
		}
		conns = append(conns, c)
	}
	return leave, nil
}

// session connects and runs one query.
func session(sock string) (net.Conn, error) {
	c, err := net.Dial("unix", sock)
	if err != nil {
		return nil, err
	}
	fe := pgproto3.NewFrontend(pgproto3.NewChunkReader(c), c)
	start := pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersionNumber,
		Parameters: map[string]string{"user": "postgres", "database": "postgres"}}
	if err := fe.Send(&start); err != nil {
		return nil, err
	}
	for asked := false; ; {
		m, err := fe.Receive()
		if err != nil {
			return nil, err
		}
		switch m := m.(type) {
		case *pgproto3.ErrorResponse:
			return nil, fmt.Errorf("%s", m.Message)
		case *pgproto3.ReadyForQuery:
			if asked {
				return c, nil
			}
			asked = true
			if err := fe.Send(&pgproto3.Query{String: "select 1"}); err != nil {
				return nil, err
			}
		}
	}
}

// memory is the proportional set size of a process and its children, in kB,
// without shared memory files.
func memory(pid int) (float64, error) {
	total := 0.0
	kids, err := children(pid)
	if err != nil {
		return 0, err
	}
	for _, p := range append(kids, pid) {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p))
		if err != nil {
			continue // it ended
		}
		for l := range strings.Lines(string(b)) {
			f := strings.Fields(l)
			if len(f) > 1 && (f[0] == "Pss_Anon:" || f[0] == "Pss_File:") {
				v, err := strconv.ParseFloat(f[1], 64)
				if err != nil {
					return 0, err
				}
				total += v
			}
		}
	}
	return total, nil
}

func children(pid int) ([]int, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return nil, err
	}
	var out []int
	for f := range strings.FieldsSeq(string(b)) {
		n, err := strconv.Atoi(f)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}
