package clients

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pgmini/pgmini/internal/oracle"
)

// terminal is psql in a terminal of its own.
type terminal struct {
	t    *testing.T
	pty  *os.File
	read chan string
}

// openTerminal starts psql as somebody at a keyboard does.
func openTerminal(t *testing.T, pg *oracle.PG, args []string) *terminal {
	t.Helper()
	pty, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pty.Close() })
	fd := int(pty.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	if err := unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 200, Col: 250}); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(pg.Bin, "psql"), append(args, "-X", "-q", "-P", "pager=off", "postgres")...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.Env = append(os.Environ(), "TERM=dumb", "INPUTRC=/dev/null", "LC_ALL=C.UTF-8", "PSQL_HISTORY=/dev/null")
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	m := &terminal{t, pty, make(chan string, 100)}
	go func() {
		b := make([]byte, 64<<10)
		for {
			k, err := pty.Read(b)
			if err != nil {
				close(m.read)
				return
			}
			m.read <- string(b[:k])
		}
	}()
	m.until("")
	return m
}

var (
	prompt = regexp.MustCompile(`postgres[=(\-'"][*!]?# $`)
	took   = regexp.MustCompile(`Time: [0-9.]+ ms`)
)

// until returns what appears on the screen up to a prompt, or after a TAB up to
// what is expected.
func (m *terminal) until(want string) string {
	m.t.Helper()
	var b strings.Builder
	for limit := time.After(15 * time.Second); ; {
		select {
		case s, ok := <-m.read:
			if !ok {
				m.t.Fatalf("psql ended: %s", b.String())
			}
			b.WriteString(s)
			if want == "" && prompt.MatchString(b.String()) || want != "" && strings.Contains(strings.ReplaceAll(b.String(), "\a", ""), want) {
				return took.ReplaceAllString(strings.ReplaceAll(b.String(), "\r", ""), "Time: … ms")
			}
		case <-limit:
			m.t.Fatalf("no prompt or %q: %q", want, b.String())
		}
	}
}

// typed enters text; a TAB in it is followed by what psql must complete.
func (m *terminal) typed(line, completed string) string {
	m.t.Helper()
	if head, tail, ok := strings.Cut(line, "\t"); ok {
		fmt.Fprint(m.pty, head, "\t")
		got := m.until(completed)
		fmt.Fprint(m.pty, tail, "\n")
		return got + m.until("")
	}
	fmt.Fprint(m.pty, line, "\n")
	return m.until("")
}

// TestTerminal types the same into psql on both servers and compares the screens.
func TestTerminal(t *testing.T) {
	pg := oracle.Find(t)
	stock := pg.Initdb(t)
	stock.Start("log_min_messages=panic")
	dir := pg.TempDir(t)
	script := filepath.Join(dir, "script.sql")
	if err := os.WriteFile(script, []byte("select 'from a file' as v;\nselec 1;\n\\echo done\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	a, b := openTerminal(t, pg, stock.ConnArgs()), openTerminal(t, pg, start(t).ConnArgs())
	for _, k := range []struct{ line, completed string }{
		{`create table terminal (id serial primary key, name text not null default 'x', "Odd Name" numeric(10,2) check ("Odd Name" > 0));`, ""},
		{`create index terminal_name on terminal (lower(name), id) where id > 3; create view terminal_view as select id, name from terminal;`, ""},
		{`create schema other; create role somebody login;`, ""},
		{`\l`, ""}, {`\dt`, ""}, {`\d`, ""}, {`\d terminal`, ""}, {`\d+ terminal`, ""}, {`\d terminal_view`, ""}, {`\di`, ""}, {`\dn`, ""}, {`\df`, ""},
		{`\du`, ""}, {`\dT`, ""}, {`\ds`, ""}, {`\dv`, ""}, {`\dp`, ""}, {`\db`, ""}, {`\d nosuch`, ""}, {`\dt pg_catalog.pg_cl*`, ""},
		{`insert into terminal (name) select 'n' || g from generate_series(1, 5) g;`, ""},
		{`\x`, ""}, {`select * from terminal where id < 3;`, ""}, {`\x`, ""},
		{`\timing`, ""}, {`select count(*) from terminal;`, ""}, {`\timing`, ""},
		{`\copy terminal (name) to '` + dir + `/out.txt'`, ""}, {`\copy terminal (name) from '` + dir + `/out.txt'`, ""}, {`select count(*) from terminal;`, ""},
		{`\i ` + script, ""},
		{"select * from termi\t where id = 1;", "terminal"}, {"select nam\tid from terminal where id = 1;", "nam"},
		{"drop view terminal_v\t;", "terminal_view"}, {"alter table terminal rename column na\t to called;", "name"}, {"\\d termi\t", "terminal"},
		{"set work_\t = '5MB';", "work_mem"}, {"set search_path = oth\t;", "other"}, {"reset search_path;", ""},
		{`select nocolumn, name from terminal;`, ""}, {"select 1 +", ""}, {"  nosuch(2) from terminal;", ""}, {`select 'ä', * from nosuch;`, ""},
		{`select * frm terminal;`, ""}, {`insert into terminal values (1, 2, 3, 4, 5);`, ""}, {`insert into terminal (id) values (1);`, ""},
		{`select 1/0;`, ""}, {`begin;`, ""}, {`select x;`, ""}, {`select 1;`, ""}, {`rollback;`, ""}, {`select 'an open`, ""}, {`string' as s;`, ""},
		{`\gset`, ""}, {`select 5 as five \gset`, ""}, {`\echo :five`, ""},
		{`select 1 as a, 2 as b \gx`, ""}, {`select 'select 7' \gexec`, ""}, {`select * from terminal where id = 1 \crosstabview`, ""},
		{`\sv terminal_view`, ""}, {`select version() ~ 'PostgreSQL 15';`, ""},
	} {
		want, got := a.typed(k.line, k.completed), b.typed(k.line, k.completed)
		if want != got {
			t.Errorf("%q shows\n%s\nstock shows\n%s", k.line, got, want)
		}
	}
}
