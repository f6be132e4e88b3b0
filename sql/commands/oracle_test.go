package commands_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pgmini/pgmini/internal/oracle"
)

// server is stock PostgreSQL or pgmini.
type server interface {
	ConnArgs() []string
	TryPsql(db, sql string) (string, error)
}

// pair is one of each.
type pair struct {
	pg   *oracle.PG
	both [2]server
}

func start(t *testing.T) *pair {
	t.Helper()
	pg := oracle.Find(t)
	stock := pg.Initdb(t)
	stock.Start()
	mini := oracle.BuildPgmini(t, pg).Initdb(t)
	mini.Start()
	return &pair{pg, [2]server{stock, mini}}
}

// psql gives a script to psql and returns all that it printed.
func (p *pair) psql(t *testing.T, s server, db, path string) string {
	t.Helper()
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := p.pg.Command(ctx, "psql", append(s.ConnArgs(), "-d", db, "-X", "-a", "-q")...)
	cmd.Env = append(cmd.Env, "PGTZ=UTC", "PGDATESTYLE=ISO, MDY", "PGCLIENTENCODING=UTF8")
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, &out, &out
	if err := cmd.Run(); err != nil {
		out.WriteString("psql: " + err.Error() + "\n")
	}
	return out.String()
}

// catalogs are queries for the rows that users' objects have in the catalogs, with
// names in place of OIDs. What differs from run to run is left out.
var catalogs = []string{ // constant
	`select relname, relnamespace::regnamespace, relkind, relpersistence, relnatts, relchecks, relhasrules, relhastriggers, relhasindex,
	relrowsecurity, relreplident, relispopulated, relispartition, reltoastrelid <> 0, reloptions, relacl, relowner::regrole, relam
	from pg_class where oid > 16383 and relname !~ '^pg_toast'`,
	`select attrelid::regclass, attname, atttypid::regtype, attstattarget, attlen, attnum, attndims, atttypmod, attbyval, attalign, attstorage, attcompression,
	attnotnull, atthasdef, atthasmissing, attidentity, attgenerated, attisdropped, attislocal, attinhcount, attcollation::regcollation, attmissingval, attacl
	from pg_attribute where attrelid > 16383 and attrelid::regclass::text !~ 'pg_toast'`,
	`select indexrelid::regclass, indrelid::regclass, indnatts, indnkeyatts, indisunique, indnullsnotdistinct, indisprimary, indisexclusion, indimmediate,
	indisclustered, indisvalid, indisready, indislive, indisreplident, indkey, indcollation, indclass, indoption, pg_get_expr(indexprs, indrelid), pg_get_expr(indpred, indrelid)
	from pg_index where indexrelid > 16383 and indexrelid::regclass::text !~ 'pg_toast'`,
	`select conname, connamespace::regnamespace, contype, condeferrable, condeferred, convalidated, conrelid::regclass, contypid::regtype, conindid::regclass,
	confrelid::regclass, confupdtype, confdeltype, confmatchtype, conislocal, coninhcount, connoinherit, conkey, confkey, conpfeqop, conppeqop, conffeqop,
	confdelsetcols, pg_get_constraintdef(oid) from pg_constraint where oid > 16383`,
	`select adrelid::regclass, adnum, pg_get_expr(adbin, adrelid) from pg_attrdef where oid > 16383`,
	`select regexp_replace(tgname, '[0-9]+', 'N'), tgrelid::regclass, tgfoid::regproc, tgtype, tgenabled, tgisinternal, tgconstrrelid::regclass,
	tgconstrindid::regclass, tgdeferrable, tginitdeferred, tgnargs, tgattr, tgargs, tgqual from pg_trigger where oid > 16383`,
	`select rulename, ev_class::regclass, ev_type, ev_enabled, is_instead, pg_get_viewdef(ev_class) from pg_rewrite where oid > 16383`,
	`select typname, typnamespace::regnamespace, typowner::regrole, typlen, typbyval, typtype, typcategory, typispreferred, typisdefined, typdelim, typrelid::regclass,
	typelem::regtype, typarray::regtype, typinput, typoutput, typreceive, typsend, typalign, typstorage, typnotnull, typbasetype::regtype, typtypmod, typndims,
	typcollation, typdefault, typacl from pg_type where oid > 16383 and typname !~ 'pg_toast'`,
	`select seqrelid::regclass, seqtypid::regtype, seqstart, seqincrement, seqmax, seqmin, seqcache, seqcycle from pg_sequence`,
	`select enumtypid::regtype, enumsortorder, enumlabel from pg_enum`,
	`select nspname, nspowner::regrole, nspacl from pg_namespace where oid > 16383 and nspname !~ 'temp_'`,
	`select regexp_replace(pg_describe_object(classid, objid, objsubid), '[0-9]{5,}', 'N', 'g'), regexp_replace(pg_describe_object(refclassid, refobjid, refobjsubid), '[0-9]{5,}', 'N', 'g'), deptype
	from pg_depend where objid > 16383 and pg_describe_object(classid, objid, objsubid) !~ 'pg_(toast|temp)' and pg_describe_object(refclassid, refobjid, refobjsubid) !~ 'pg_toast'`,
	`select regexp_replace(pg_describe_object(classoid, objoid, objsubid), '[0-9]{5,}', 'N', 'g'), description from pg_description where objoid > 16383`,
}

// rowsOf are the sorted rows of a catalog query.
func rowsOf(t *testing.T, s server, db, q string) string {
	t.Helper()
	out, err := s.TryPsql(db, q)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n"
}

// dumpNoise is what differs from run to run, and the comment that pgmini's schema
// public lacks, as it does all descriptions of built-in objects.
var dumpNoise = regexp.MustCompile(`(?m)^(-- Dumped .*|\\(un)?restrict .*)\n|--\n-- Name: SCHEMA public; Type: COMMENT.*\n--\n\nCOMMENT ON SCHEMA public IS '';\n\n\n`) // constant

// dump is what pg_dump makes of a database.
func (p *pair) dump(s server, db string) string {
	out, err := p.pg.Try("pg_dump", append(s.ConnArgs(), "-d", db)...)
	if err != nil {
		out += err.Error()
	}
	return dumpNoise.ReplaceAllString(out, "")
}

func diff(t *testing.T, what, stock, mini string) {
	t.Helper()
	if stock == mini {
		return
	}
	dir := t.TempDir()
	a, b := filepath.Join(dir, "stock"), filepath.Join(dir, "pgmini")
	if os.WriteFile(a, []byte(stock), 0o644) != nil || os.WriteFile(b, []byte(mini), 0o644) != nil {
		t.Fatal("cannot write")
	}
	out, _ := exec.Command("diff", "-u", a, b).Output()
	t.Errorf("%s differs:\n%s", what, out[:min(len(out), 8000)])
}

// same runs a script on both and compares what psql prints, the rows in the
// catalogs, and what pg_dump makes of the database.
func (p *pair) same(t *testing.T, name string) {
	t.Helper()
	path := filepath.Join("testdata", name+".sql")
	var out, dumps [2]string
	for i, s := range p.both {
		if _, err := s.TryPsql("postgres", "create database "+name+" template template0"); err != nil {
			t.Fatal(err)
		}
		out[i] = p.psql(t, s, name, path)
		dumps[i] = p.dump(s, name)
	}
	diff(t, "the answer", out[0], out[1])
	for _, q := range catalogs {
		diff(t, strings.Join(strings.Fields(q), " "), rowsOf(t, p.both[0], name, q), rowsOf(t, p.both[1], name, q))
	}
	diff(t, "pg_dump", dumps[0], dumps[1])
}

// TestOracle runs the scripts of testdata on stock PostgreSQL and on pgmini.
func TestOracle(t *testing.T) {
	p := start(t)
	files, err := filepath.Glob("testdata/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".sql")
		t.Run(name, func(t *testing.T) { p.same(t, name) })
	}
}
