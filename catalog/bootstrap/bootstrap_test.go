package bootstrap

import (
	"testing"

	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/oid"
)

func TestLoad(t *testing.T) {
	d, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(d.Rows[oid.RelProc]); n < 3000 {
		t.Errorf("%d functions", n)
	}
	byOID := map[oid.OID]rows.PgProc{}
	for _, v := range d.Rows[oid.RelProc] {
		var p rows.PgProc
		p.Scan(v)
		byOID[p.Oid] = p
	}
	if p := byOID[67]; p.Proname != "texteq" || len(p.Proargtypes) != 2 || p.Proargtypes[0] != oid.Text || p.Prosrc != "texteq" {
		t.Errorf("%+v", p)
	}
	if p := byOID[2096]; p.Proargdefaults == "" || len(p.Proargnames) != 2 {
		t.Errorf("%+v", p)
	}
	if len(d.Mapped) < 50 {
		t.Errorf("%d mapped relations", len(d.Mapped))
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := Load(); err != nil {
			b.Fatal(err)
		}
	}
}
