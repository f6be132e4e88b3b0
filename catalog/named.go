package catalog

import (
	"fmt"

	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
)

// namedClass says where a catalog keeps the name and the schema of its objects,
// and what messages call them. Schema 0: they are in none.
type namedClass struct {
	word         string
	name, schema int
}

// namedClasses are the kinds of object that a name, or a schema and a name,
// identify, or nearly so. constant
var namedClasses = map[oid.OID]namedClass{
	oid.RelClass: {"relation", rows.AnumPgClassRelname, rows.AnumPgClassRelnamespace},
	oid.RelType:  {"type", rows.AnumPgTypeTypname, rows.AnumPgTypeTypnamespace}, oid.RelNamespace: {"schema", rows.AnumPgNamespaceNspname, 0},
	oid.RelDatabase: {"database", rows.AnumPgDatabaseDatname, 0}, oid.RelAuthID: {"role", rows.AnumPgAuthidRolname, 0},
	oid.RelTablespace: {"tablespace", rows.AnumPgTablespaceSpcname, 0}, oid.RelLanguage: {"language", rows.AnumPgLanguageLanname, 0},
	oid.RelAm: {"access method", rows.AnumPgAmAmname, 0}, oid.RelExtension: {"extension", rows.AnumPgExtensionExtname, 0},
	oid.RelCollation:          {"collation", rows.AnumPgCollationCollname, rows.AnumPgCollationCollnamespace},
	oid.RelConversion:         {"conversion", rows.AnumPgConversionConname, rows.AnumPgConversionConnamespace},
	oid.RelStatisticExt:       {"statistics object", rows.AnumPgStatisticExtStxname, rows.AnumPgStatisticExtStxnamespace},
	oid.RelForeignDataWrapper: {"foreign-data wrapper", rows.AnumPgForeignDataWrapperFdwname, 0},
	oid.RelForeignServer:      {"server", rows.AnumPgForeignServerSrvname, 0},
	tsParser:                  {"text search parser", rows.AnumPgTsParserPrsname, rows.AnumPgTsParserPrsnamespace},
	tsDict:                    {"text search dictionary", rows.AnumPgTsDictDictname, rows.AnumPgTsDictDictnamespace},
	tsTemplate:                {"text search template", rows.AnumPgTsTemplateTmplname, rows.AnumPgTsTemplateTmplnamespace},
	tsConfig:                  {"text search configuration", rows.AnumPgTsConfigCfgname, rows.AnumPgTsConfigCfgnamespace},
	eventTrigger:              {"event trigger", rows.AnumPgEventTriggerEvtname, 0}, publication: {"publication", rows.AnumPgPublicationPubname, 0},
	subscription: {"subscription", rows.AnumPgSubscriptionSubname, 0}, parameterACL: {"parameter", rows.AnumPgParameterAclParname, 0},
}

// Catalogs that package oid has no names for.
const (
	eventTrigger oid.OID = 3466
	tsDict       oid.OID = 3600
	tsParser     oid.OID = 3601
	tsConfig     oid.OID = 3602
	tsTemplate   oid.OID = 3764
	subscription oid.OID = 6100
	publication  oid.OID = 6104
	parameterACL oid.OID = 6243
)

// Named is an object's place among the named ones.
type Named struct {
	Kind      string // "schema", "text search parser"
	Name      string
	Namespace oid.OID // 0: in no schema
}

// Named finds the name of an object of any kind that has one. False: the kind
// has no plain names. A Name of "": there is no such object.
func (s *Session) Named(class, id oid.OID) (Named, bool, error) {
	k, ok := namedClasses[class]
	if !ok {
		return Named{}, false, nil
	}
	n := Named{Kind: k.word}
	v, err := s.Row(class, id)
	if err != nil || v == nil {
		return n, true, err
	}
	n.Name = v[k.name-1].Str()
	if k.schema > 0 {
		n.Namespace = oid.OID(uint32(v[k.schema-1].Int))
	}
	return n, true, nil
}

// Row reads the row of a catalog whose first column, its OID, is id; nil: there
// is none.
func (s *Session) Row(class, id oid.OID) ([]datum.Datum, error) {
	by := []Search{{Anum: 1, Value: datum.Int(int64(id))}}
	index, keys := chooseIndex(class, by)
	var out []datum.Datum
	err := s.scan(class, index, keys, func(_ tid, vals []datum.Datum) error {
		if out == nil && vals[0].Int == int64(id) {
			out = make([]datum.Datum, len(vals))
			for i := range vals {
				out[i] = vals[i].Clone()
			}
		}
		return nil
	})
	return out, err
}

// describeNamed is Describe for the kinds above.
func (s *Session) describeNamed(o Object) (string, error) {
	n, ok, err := s.Named(o.Class, o.ID)
	switch {
	case err != nil:
		return "", err
	case !ok:
		return "", fmt.Errorf("unsupported object class: %d", o.Class)
	case n.Name == "":
		return unknownObject(n.Kind, o), nil
	case n.Namespace == 0:
		return n.Kind + " " + QuoteIdentifier(n.Name), nil
	}
	text, err := s.qualified(n.Name, n.Namespace, s.inPath(n.Namespace))
	return n.Kind + " " + text, err
}

// typeName is a type as messages name it.
func (s *Session) typeName(t oid.OID) (string, error) {
	if s.names != nil {
		return s.names(t), nil
	}
	r, err := s.Type(t)
	if err != nil || r == nil {
		return fmt.Sprint(t), err
	}
	return s.qualified(r.Typname, r.Typnamespace, s.typeVisible(r))
}

// SetTypeNames says how types are named in messages; without it, by their names
// in pg_type.
func (s *Session) SetTypeNames(f func(oid.OID) string) { s.names = f }
