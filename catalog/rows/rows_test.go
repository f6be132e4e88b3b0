package rows

import (
	"reflect"
	"testing"

	"github.com/pgmini/pgmini/oid"
)

func TestRoundTrip(t *testing.T) {
	for _, r := range []Row{
		&PgClass{Oid: 1259, Relname: "pg_class", Relnamespace: 11, Relkind: 'r', Reltuples: -1, Relacl: []ACLItem{{0, 10, Select}, {10, 10, Select<<16 | Insert}}, Reloptions: []string{"fillfactor=70", ""}},
		&PgIndex{Indexrelid: 5, Indkey: []int16{1, -2}, Indclass: []oid.OID{3}, Indcollation: []oid.OID{}, Indoption: []int16{0}, Indexprs: "({CONST})"},
		&PgProc{Oid: 7, Proname: "f", Proargtypes: []oid.OID{}, Proargmodes: []byte("io"), Proargnames: []string{}, Proallargtypes: []oid.OID{23, 25}},
	} {
		got := reflect.New(reflect.TypeOf(r).Elem()).Interface().(Row)
		got.Scan(r.Values())
		if !reflect.DeepEqual(got, r) {
			t.Errorf("%+v\n%+v", got, r)
		}
	}
}

func TestLayout(t *testing.T) {
	for _, c := range Catalogs() {
		for _, col := range c.Columns() {
			if _, ok := FindType(col.Type); !ok {
				t.Errorf("%s.%s: type %d has no storage", c.Name, col.Name, col.Type)
			}
		}
	}
	for _, ix := range Indexes() {
		if c, ok := FindCatalog(ix.Table); !ok || len(ix.Key) != len(ix.Opclass) || c.Mapped != ix.Mapped {
			t.Errorf("index %s", ix.Name)
		}
	}
	if c, ok := FindCatalog(oid.RelClass); !ok || !c.Mapped || c.Name != "pg_class" || len(c.Columns()) != 33 {
		t.Errorf("pg_class: %+v", c)
	}
}
