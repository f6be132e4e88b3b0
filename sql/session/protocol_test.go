package session_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// scripts are conversations, each over a connection of its own, in which both
// servers must send the same messages. See client.script. constant
var scripts = []struct{ name, text string }{
	{"simple blocks", `Q|select 1 a; select 2 b
		Q|
		Q| ; ;
		Q|create table sb(a int primary key); insert into sb values (1); DIV0; insert into sb values (2)
		Q|select * from sb
		Q|create table sb(a int primary key); begin; insert into sb values (1); DIV0
		Q|select 1
		Q|commit
		Q|create table sb(a int primary key); insert into sb values (1); commit; insert into sb values (2); DIV0
		Q|insert into sb values (3); begin; insert into sb values (4); commit; insert into sb values (5); select nothing
		Q|select * from sb order by a
		Q|insert into sb values (6); rollback; insert into sb values (7)
		Q|select * from sb order by a
		Q|savepoint x
		Q|select 1; savepoint x
		Q|begin; savepoint x; DIV0; select 2
		Q|rollback to x; select 3
		Q|release x; commit
		Q|commit
		Q|begin; begin
		Q|rollback; rollback
		Q|begin; select 1; rollback and chain
		Q|commit and chain
		Q|commit
		Q|commit and chain
		Q|vacuum sb; select 1
		Q|select 1; vacuum sb
		Q|begin; vacuum sb
		Q|end
		Q|set local work_mem = '1MB'
		Q|show work_mem
		Q|select 1; set local work_mem = '1MB'; show work_mem
		Q|show work_mem
		Q|selec 1
		Q|select 1; selec 2
		Q|select * from nosuch
		Q|select 'ä' where nocol = 1`},
	{"parse and bind", `P||select $1 + 1
		B|||41
		D|P|
		E||0
		S
		P|one|select $1::text, $2::int4 where $2 > 0
		D|S|one
		S
		B|p|one|x|3
		D|P|p
		E|p|0
		S
		E|p|0
		S
		B|p|one|x|-1
		E|p|0
		B|p|one|x|1
		S
		P|one|select 2
		S
		B||nosuch
		S
		B||one|1
		S
		B||one|x|y
		S
		B||one|-|-
		E||0
		C|S|one
		S
		B||one|a|1
		S
		C|S|never
		C|P|never
		S
		P||select $1
		D|S|
		P||select $1 is null
		S
		P||select 1; select 2
		S
		P||
		D|S|
		B||
		D|P|
		E||0
		S
		b||nosuch
		P|bin|select 1::int4, 'x'::text, 2::int8, true, 1.5::float8, '\xff'::bytea
		b||bin
		D|P|
		E||0
		S
		b||bin
		D|P|
		E||0
		S
		P|types|select $1, $2|23|25
		D|S|types
		S`},
	{"portals", `P|s|select g from generate_series(1, 10) g
		B||s
		E||3
		E||3
		E||0
		E||0
		S
		B|c|s
		E|c|4
		S
		E|c|4
		S
		Q|begin
		B|c|s
		E|c|4
		S
		E|c|4
		C|P|c
		E|c|1
		S
		Q|rollback
		Q|begin
		B|a|s
		B|b|s
		E|a|2
		E|b|3
		E|a|2
		E|b|0
		E|a|0
		S
		Q|select count(*) from pg_cursors
		B|b|s
		S
		Q|rollback
		Q|begin
		B|x|s
		E|x|1
		Q|savepoint y
		B|z|s
		E|z|1
		E|x|1
		S
		Q|rollback to y
		E|x|2
		E|z|2
		S
		Q|rollback
		Q|create table w(a int primary key, b text)
		P|i|insert into w values ($1, 'b') returning a, b
		B||i|1
		E||1
		E||1
		S
		P|m|insert into w select g, 'm' from generate_series(10, 15) g returning a
		B||m
		E||2
		E||2
		E||0
		S
		Q|select count(*) from w
		P|show|show work_mem
		D|S|show
		B||show
		D|P|
		E||0
		S
		P|ex|explain (costs off) select 1
		B||ex
		D|P|
		E||1
		E||0
		S`},
	{"pipelines", `Q|create table pl(a int primary key)
		P|i|insert into pl values ($1)
		B||i|1
		E||0
		B||i|2
		E||0
		S
		B||i|3
		E||0
		B||i|1
		E||0
		B||i|4
		E||0
		S
		Q|select * from pl order by a
		B||i|5
		E||0
		P|c|commit
		B||c
		E||0
		B||i|6
		E||0
		P||DIV0
		B||
		E||0
		S
		Q|select * from pl order by a
		P|b|begin
		B||b
		E||0
		B||i|7
		E||0
		S
		B||i|8
		E||0
		S
		B||i|7
		E||0
		S
		B||i|9
		E||0
		S
		P|r|rollback
		B||r
		E||0
		S
		Q|select * from pl order by a
		P|v|vacuum pl
		B||v
		E||0
		S
		B||i|10
		E||0
		B||v
		E||0
		S
		P||create table ddl(a int)
		B||
		E||0
		P||select * from ddl
		B||
		D|P|
		E||0
		S
		E||0
		H
		B||nosuch
		D|P|
		C|S|i
		S
		B||i|20
		E||0
		S`},
	{"plans follow changes", `Q|create table pf(a int primary key, b text); insert into pf values (1, 'one'), (2, 'two')
		P|s|select b from pf where a = $1
		P|u|update pf set b = b || '!' where a = $1
		P|all|select * from pf order by a
		B||s|1
		E||0
		B||s|2
		E||0
		B||s|3
		E||0
		S
		B||u|1
		E||0
		B||u|1
		E||0
		B||s|1
		E||0
		S
		Q|alter table pf add c int default 5
		B||s|1
		E||0
		B||u|2
		E||0
		S
		B||all
		D|P|
		E||0
		S
		Q|alter table pf drop constraint pf_pkey
		B||s|2
		E||0
		S
		Q|begin; truncate pf; insert into pf values (1, 'new')
		B||s|1
		E||0
		S
		Q|rollback
		B||s|1
		E||0
		S
		Q|create schema o; create table o.pf(a int, b text); insert into o.pf values (1, 'other')
		Q|set search_path = o, public
		B||s|1
		E||0
		S
		Q|reset search_path
		B||s|1
		E||0
		S
		Q|drop table pf
		B||s|1
		E||0
		S
		Q|create table pf(a int, b int)
		B||s|1
		S
		Q|select 1`},
	{"errors within a run", `Q|create table er(a int primary key); insert into er values (0), (1), (2)
		P|d|select 10 / a from er where a = $1
		P|up|update er set a = 10 / a where a = $1
		B||d|1
		E||0
		B||d|0
		E||0
		B||d|2
		E||0
		S
		B||d|2
		E||0
		S
		B||up|0
		E||0
		S
		B||up|2
		E||0
		S
		B||d|5
		E||0
		S
		Q|begin
		B||d|0
		E||0
		S
		B||d|1
		E||0
		S
		Q|rollback
		B||d|1
		E||0
		S`},
	{"keys and checks again and again", `Q|create table pk(a int primary key check (a < 100)); create table fk(b int references pk, c int unique deferrable initially deferred)
		P|p|insert into pk values ($1)
		P|f|insert into fk values ($1, $2)
		P|d|delete from pk where a = $1
		B||p|1
		E||0
		S
		B||f|1|1
		E||0
		B||f|1|2
		E||0
		S
		B||f|7|3
		E||0
		S
		B||f|1|4
		E||0
		B||f|8|5
		E||0
		S
		B||f|1|2
		E||0
		S
		B||d|1
		E||0
		S
		B||p|100
		E||0
		S
		B||p|1
		E||0
		S
		B||p|2
		E||0
		B||d|2
		E||0
		B||d|2
		E||0
		S
		Q|select * from fk order by c`},
	{"SQL's PREPARE", `Q|prepare p(int) as select $1 * 2
		Q|execute p(21)
		Q|execute p
		Q|execute p('x')
		B||p|4
		E||0
		S
		P|q|execute p(5)
		B||q
		D|P|
		E||0
		S
		Q|prepare p as select 1
		Q|select name, statement, parameter_types, from_sql from pg_prepared_statements order by 1
		Q|deallocate p
		Q|execute p(1)
		Q|deallocate all
		B||q
		S
		Q|begin; prepare r as select 1; rollback
		Q|execute r
		Q|discard all
		Q|execute r`},
	{"COPY", `Q|create table cp(a int, b text)
		Q|copy cp from stdin
		Q|copy cp to stdout
		Q|copy cp to stdout; select count(*) from cp; copy cp from stdin; select 1
		P||copy cp to stdout
		B||
		E||0
		S
		Q|copy cp to stdout (format csv, header)
		Q|copy nosuch to stdout
		Q|copy (DIV0) to stdout
		Q|begin; copy cp from stdin; rollback
		Q|select count(*) from cp`},
	{"cursors", `Q|declare c cursor for select 1
		Q|begin; declare c cursor for select g from generate_series(1, 5) g; fetch 2 from c
		Q|fetch all from c; move backward all in c; fetch next from c
		P|f|fetch 1 from c
		B||f
		D|P|
		E||0
		S
		E|c|1
		S
		Q|close c; fetch c
		Q|rollback
		Q|begin; declare h cursor with hold for select g from generate_series(1, 3) g; commit
		Q|fetch 2 from h
		E|h|1
		S
		Q|close h
		Q|begin; declare b binary cursor for select 7::int4; fetch b; commit`},
	{"settings", `Q|set application_name = 'x'
		Q|begin; set datestyle = 'german'; select date '2020-02-03'; rollback
		Q|select date '2020-02-03'
		Q|begin; set local timezone = 'Asia/Tokyo'; commit
		P|t|select '2020-01-01 00:00:00+00'::timestamptz
		B||t
		E||0
		S
		Q|set timezone = 'Asia/Tokyo'
		B||t
		E||0
		S
		Q|set nosuch.x = 1; show nosuch.x
		Q|set nosuch = 1
		Q|set work_mem = 'x'
		Q|show nosuch
		Q|reset all
		Q|discard plans`},
}

// TestProtocol: both servers answer each conversation with the same messages.
func TestProtocol(t *testing.T) {
	stock, ours := servers(t)
	for _, s := range scripts {
		t.Run(s.name, func(t *testing.T) {
			a, b := connect(t, stock), connect(t, ours)
			var batch []string
			for line := range strings.SplitSeq(s.text, "\n") {
				// DIV0 fails as it runs: a division of constants would when it is planned.
				line = strings.ReplaceAll(strings.TrimSpace(line), "DIV0", "select 1 / (g - 1) from generate_series(1, 1) g")
				batch = append(batch, line)
				if line[0] == 'Q' || line[0] == 'S' {
					compare(t, a, b, strings.Join(batch, "\n"))
					batch = nil
				}
			}
		})
	}
}

// compare sends a batch to both and reports the first difference.
func compare(t *testing.T, stock, ours *client, batch string) bool {
	t.Helper()
	want, err := stock.exchange(stock.script(batch))
	if err != nil {
		t.Fatalf("stock, %s: %v", batch, err)
	}
	got, err := ours.exchange(ours.script(batch))
	if err != nil {
		t.Fatalf("pgmini, %s: %v", batch, err)
	}
	for i := range max(len(want), len(got)) {
		w, g := "nothing", "nothing"
		if i < len(want) {
			w = want[i]
		}
		if i < len(got) {
			g = got[i]
		}
		if w != g {
			t.Errorf("%s\nmessage %d: %s\nstock sends: %s", batch, i, g, w)
			return false
		}
	}
	return true
}

// TestRandomProtocol sends random batches of messages to both servers.
func TestRandomProtocol(t *testing.T) {
	stock, ours := servers(t)
	seed := uint64(time.Now().UnixNano())
	if n, err := strconv.ParseUint(os.Getenv("PGMINI_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("PGMINI_SEED=%d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	one := func(list ...string) string { return list[rng.IntN(len(list))] }
	for round := range 12 {
		a, b := connect(t, stock), connect(t, ours)
		if !compare(t, a, b, "Q|drop table if exists r, r2; create table r(a int primary key, b text); insert into r select g, 'r' || g from generate_series(1, 20) g") {
			return
		}
		var history []string
		for range 40 {
			// What is left of portals in a failed block is not looked at: stock
			// PostgreSQL ends with a segmentation fault over some of them.
			batch := randomBatch(rng, one, a.status == 'E')
			history = append(history, batch)
			if !compare(t, a, b, batch) {
				t.Fatalf("round %d, after\n%s", round, strings.Join(history, "\n"))
			}
		}
		a.nc.Close()
		b.nc.Close()
	}
}

func randomBatch(rng *rand.Rand, one func(...string) string, failed bool) string {
	if failed || rng.IntN(4) == 0 {
		return "Q|" + one("begin", "commit", "rollback", "savepoint s", "rollback to s", "release s", "select 1 / (a - a) from r", "select * from r where a < 4 order by a",
			"insert into r values (100, 'x')", "delete from r where a = 100", "update r set b = b || 'u' where a = 3", "truncate r; insert into r values (1, 'again')",
			"alter table r add c int; alter table r drop c", "create table r2(a int); drop table r2", "select count(*) from r; select 1 / (a - a) from r", "set work_mem = '5MB'",
			"create index r_b on r(b)", "drop index if exists r_b", "analyze r", "select a from r where a = "+strconv.Itoa(rng.IntN(5)), "begin; select 1; rollback; select 2")
	}
	var out []string
	statement, portal := func() string { return one("", "s1", "s2") }, func() string { return one("", "p1", "p2") }
	for range 1 + rng.IntN(6) {
		switch rng.IntN(9) {
		case 0, 1:
			out = append(out, fmt.Sprintf("P|%s|%s", statement(), one("select b from r where a = $1", "select 10 / ($1::int + a - 4), a from r where a in (2, 3)",
				"update r set b = $1::int::text where a = 2", "insert into r values ($1, 'i') returning a, b", "delete from r where a = $1 returning *",
				"select g from generate_series(1, $1) g", "begin", "commit", "rollback", "savepoint s", "rollback to s", "select 1", "show work_mem", "selec")))
		case 2, 3, 4:
			out = append(out, fmt.Sprintf("%s|%s|%s|%s", one("B", "B", "b"), portal(), statement(), one("1", "2", "3", "7", "-", "x", strconv.Itoa(200+rng.IntN(3)))))
		case 5, 6, 7:
			out = append(out, fmt.Sprintf("E|%s|%s", portal(), one("0", "0", "1", "2")))
		default:
			out = append(out, one("D|S|", "D|P|", "C|S|", "C|P|")+one("", "s1", "p1"))
		}
	}
	return strings.Join(append(out, "S"), "\n")
}

// TestCancel: a cancel request ends the statement, by both protocols, and nothing
// else.
func TestCancel(t *testing.T) {
	stock, ours := servers(t)
	for _, text := range []string{"Q|select pg_sleep(20)", "P||select pg_sleep(20)\nB||\nE||0\nP||select 2\nS",
		"Q|begin; select 1; select count(*) from generate_series(1, 100000000) a, generate_series(1, 1000) b"} {
		var got [2]string
		for i, dial := range []dialer{stock, ours} {
			c := connect(t, dial)
			time.AfterFunc(300*time.Millisecond, func() { cancel(t, dial, c.key) })
			answer, err := c.exchange(c.script(text))
			if err != nil {
				t.Fatal(err)
			}
			after, err := c.exchange(c.script("Q|select 3"))
			if err != nil {
				t.Fatal(err)
			}
			got[i] = fmt.Sprint(answer, after)
		}
		if got[0] != got[1] || !strings.Contains(got[0], "57014") {
			t.Errorf("%s: %s\nstock sends: %s", text, got[1], got[0])
		}
	}
}

func cancel(t *testing.T, dial dialer, key []byte) {
	nc, err := dial()
	if err != nil {
		t.Error(err)
		return
	}
	defer nc.Close()
	if _, err := nc.Write([]byte(long(16) + long(80877102) + string(key))); err != nil {
		t.Error(err)
	}
	_, _ = nc.Read(make([]byte, 1)) // until it was taken
}
